import numpy as np
import pytest

from rephase.audio.waveform import checked_rate, checked_strength, checked_waveform


@pytest.mark.parametrize("shape", [(100,), (1, 100), (2, 100), (2, 1), (1,), (64, 3)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_waveforms_become_channels_by_time(shape, dtype):
    waveform = np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)
    out = checked_waveform(waveform)
    np.testing.assert_array_equal(out, np.atleast_2d(waveform))
    assert out.dtype == (np.float64 if dtype is np.float64 else np.float32)


@pytest.mark.parametrize(
    ("waveform", "reason"),
    [
        ([0.0, 0.1], r"must be a numpy array; got list. Pass numpy.asarray\(...\)"),
        (None, "got NoneType"),
        (np.zeros((48000, 2)), r"must have the shape \[channels, time\]; got \[48000, 2\]. Pass waveform.T"),
        (np.zeros((100, 100)), "At most 64 channels fit"),
        (np.zeros((1, 2, 300)), r"\[time\] or \[channels, time\]; got \[1, 2, 300\]"),
        (np.array(0.5), r"got \[\]"),
        (np.zeros(0), r"at least one sample; got the shape \[0\]"),
        (np.zeros((2, 0)), r"at least one sample; got the shape \[2, 0\]"),
        (np.zeros(9, np.int16), r"got int16. Scale it: waveform.astype\('float32'\) / 32768"),
        (np.zeros(9, np.int32), r"got int32. Scale it: waveform.astype\('float64'\) / 2147483648"),
        (np.zeros(9, np.uint8), r"got uint8. Scale it: \(waveform.astype\('float32'\) - 128\) / 128"),
        (np.zeros(9, bool), "got bool. Convert it to float32"),
        (np.zeros(9, np.complex64), "got complex64"),
        (np.array([[0, 1], [np.nan, 2]]), r"finite samples, full scale ±1; got nan at \[1, 0\]"),
        (np.array([0, -np.inf]), r"got -inf at \[1\]"),
        (np.array([0, 1e30]), r"got 1e\+30 at \[1\]"),
    ],
)
def test_what_is_no_waveform_is_refused_with_the_fix(waveform, reason):
    with pytest.raises(ValueError, match=reason):
        checked_waveform(waveform)


def test_a_tensor_is_refused_with_the_fix():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"waveform must be a numpy array; got torch.Tensor. Pass tensor.numpy\(\)"):
        checked_waveform(torch.zeros(9))


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_the_fix_for_integers_works(dtype):
    limits = np.iinfo(dtype)
    waveform = np.array([limits.min, limits.max], dtype)
    with pytest.raises(ValueError, match="Scale it: ") as caught:
        checked_waveform(waveform)
    scaled = eval(str(caught.value).split("Scale it: ")[1], {"waveform": waveform})
    assert scaled[0] == -1
    assert 0.99 < scaled[1] <= 1


@pytest.mark.parametrize("rate", [4000, 16000, 44100.0, np.int64(768000), np.float32(8000)])
def test_rates(rate):
    assert checked_rate(rate) == rate
    assert type(checked_rate(rate)) is int


@pytest.mark.parametrize("rate", [3999, 0, -16000, 16000.5, np.nan, np.inf, 768001, "16000", None, True])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match=r"sample_rate must be a whole number of Hz from 4000 to 768000; got"):
        checked_rate(rate)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_what_is_no_strength_is_refused(strength):
    with pytest.raises(ValueError, match=r"strength must be 0 .* to 1 .*; got"):
        checked_strength(strength)
