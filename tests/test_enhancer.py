"""The whole way, with models whose truth is known: what comes out follows from what went in."""

import dataclasses
import json
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import rephase
from rephase.audio.files import audio_info, read_blocks
from rephase.enhancer import Enhancer, EnhanceStream
from rephase.errors import AudioFileError, ModelError, OutputError
from rephase.weights.registry import find_model

PAST, FUTURE = 700, 300  # what `Smoother` reaches, samples
TAPS = np.random.default_rng(0).standard_normal(PAST + 1 + FUTURE) / 30


class Multiplier:
    """A model that multiplies; by 1 it changes nothing."""

    name, device = "multiplier", "cpu"

    def __init__(self, factor):
        self.factor = np.float32(factor)

    def __call__(self, waveform):
        return self.factor * waveform


class Smoother:
    """A filter with a known reach, zeros beyond the ends of a call."""

    name, device = "smoother", "cpu"

    def __call__(self, waveform):
        rows = [np.convolve(row, TAPS)[FUTURE : FUTURE + row.size] for row in waveform]
        return np.stack(rows).astype(np.float32)


@pytest.fixture(scope="module")
def enhancer(identity_model):
    """Makes an enhancer around a model; chunks are short, so that there are many."""
    described = dataclasses.replace(
        find_model(identity_model), past_samples=PAST, future_samples=FUTURE, chunk_samples=4096
    )
    return lambda runtime: Enhancer(runtime, described)


def speech(rate, seconds, channels=1, dtype=np.float32):
    """Noise bursts below 0.9 of the Nyquist frequency (what a resampler keeps), with digital silence between."""
    length = max(1, int(rate * seconds))
    rng = np.random.default_rng(length)
    spectrum = np.fft.rfft(rng.standard_normal((channels, length)))
    spectrum[:, int(0.45 * length) :] = 0
    samples = 0.1 * np.fft.irfft(spectrum, length) if length > 4 else rng.uniform(-0.1, 0.1, (channels, length))
    return samples.astype(dtype)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("highband", ["follow", "keep"])
def test_a_model_that_changes_nothing_changes_nothing(enhancer, rate, highband):
    waveform = speech(rate, 2.3, channels=2)
    out = enhancer(Multiplier(1)).enhance(waveform, rate, highband=highband)
    inner = slice(rate // 8, -rate // 8)  # the ends of a recording splatter over its whole spectrum
    np.testing.assert_allclose(out[:, inner], waveform[:, inner], atol=1e-4 if rate < 16000 else 1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("length", [1, 2, 3, 100, 8191, 30001])
def test_the_length_stays(enhancer, rate, length):
    waveform = speech(rate, length / rate + 1e-9)[0]
    out = enhancer(Smoother()).enhance(waveform, rate)
    assert out.shape == waveform.shape == (length,)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


def test_chunks_give_what_one_call_gives(enhancer):
    """At the model's own rate the whole way is: model(gain · x) / gain, in one call."""
    from rephase.audio.levels import LevelStream

    waveform = speech(16000, 6.0, channels=2) * np.repeat([1, 0.03, 1], 32000).astype(np.float32)
    level = LevelStream(16000, 2)
    (first, first_gain), (rest, rest_gain) = level.push(waveform), level.flush()
    levelled, gain = np.concatenate([first, rest], axis=1), np.concatenate([first_gain, rest_gain], axis=1)
    truth = Smoother()(levelled) / gain
    out = enhancer(Smoother()).enhance(waveform, 16000)
    error = np.abs(out - truth)
    local = np.sqrt(np.convolve(np.mean(truth**2, axis=0), np.ones(800) / 800, mode="same"))
    assert (error < local * 10 ** (-60 / 20)).all()


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(50, 30_000), min_size=1, max_size=4), rate=st.sampled_from([11025, 16000, 44100]))
def test_blocks_of_any_size_give_the_same_samples(enhancer, sizes, rate):
    waveform = speech(rate, 1.7, channels=2)
    subject = enhancer(Smoother())
    stream = EnhanceStream(subject.runtime, subject.model, sample_rate=rate, channels=2)
    out, start, index, buffer = [], 0, 0, np.empty((2, max(sizes)), np.float32)
    while start < waveform.shape[1]:
        block = waveform[:, start : start + sizes[index % len(sizes)]]
        buffer[:, : block.shape[1]] = block  # one array that is filled anew, as a sound card does it
        out.append(stream.push(buffer[:, : block.shape[1]]))
        start, index = start + block.shape[1], index + 1
    out.append(stream.flush())
    np.testing.assert_array_equal(np.concatenate(out, axis=1), subject.enhance(waveform, rate))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_strength_0_is_the_input_bit_for_bit(enhancer, dtype, rate):
    waveform = speech(rate, 0.5, channels=2, dtype=dtype)
    out = enhancer(Smoother()).enhance(waveform, rate, strength=0.0)
    assert out.dtype == dtype
    assert out is not waveform
    np.testing.assert_array_equal(out, waveform)


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.9])
def test_strength_mixes_in_time(enhancer, strength):
    waveform = speech(48000, 1.0)
    subject = enhancer(Smoother())
    full = subject.enhance(waveform, 48000)
    mixed = subject.enhance(waveform, 48000, strength=strength)
    np.testing.assert_allclose(mixed, (1 - strength) * waveform + strength * full, atol=1e-6)


@pytest.mark.parametrize("dbfs", [-55, -20, 0])
def test_loudness_stays(enhancer, dbfs):
    waveform = speech(16000, 3.0) * 10 ** ((dbfs + 20) / 20)
    out = enhancer(Multiplier(0.5)).enhance(waveform.astype(np.float32), 16000)
    np.testing.assert_allclose(out, 0.5 * waveform, rtol=1e-5, atol=1e-7)


def test_channels_stay_apart_and_in_balance(enhancer):
    waveform = speech(16000, 2.0, channels=3)
    waveform[1] = 0
    waveform[2] *= 0.01
    out = enhancer(Smoother()).enhance(waveform, 16000)
    np.testing.assert_array_equal(out[1], 0)
    alone = enhancer(Smoother()).enhance(waveform[0], 16000)
    np.testing.assert_allclose(out[0], alone, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_silence_stays_silence(enhancer, rate):
    class Humming(Multiplier):
        def __call__(self, waveform):
            return waveform + np.float32(0.01)

    silence = np.zeros((2, rate), np.float32)
    np.testing.assert_array_equal(enhancer(Humming(1)).enhance(silence, rate), 0)


def test_wrong_arguments_are_refused_with_the_fix(enhancer):
    subject = enhancer(Multiplier(1))
    good = np.zeros(100, np.float32)
    for arguments, keywords, reason in [
        ((np.zeros((48000, 2)), 48000), {}, r"Pass waveform\.T"),
        ((good, 3000), {}, "sample_rate must be"),
        ((good, 16000), {"strength": 2.0}, "strength must be"),
        ((good, 16000), {"highband": "boost"}, "highband must be"),
    ]:
        with pytest.raises(ValueError, match=reason):
            subject.enhance(*arguments, **keywords)


def write(path, samples, rate, subtype=None, file_format=None):
    soundfile.write(path, samples.T, rate, subtype=subtype, format=file_format)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_U8"), ("a.wav", "PCM_16"), ("a.wav", "PCM_24"), ("a.wav", "PCM_32"), ("a.wav", "FLOAT"),
     ("a.wav", "DOUBLE"), ("a.flac", "PCM_16"), ("a.flac", "PCM_24"), ("a.aiff", "PCM_16"), ("a.wav", "ULAW")],
)  # fmt: skip
@pytest.mark.parametrize("rate", [16000, 44100])
def test_strength_0_gives_every_sample_of_a_file_back(enhancer, tmp_path, name, subtype, rate):
    full_scale = np.random.default_rng(0).uniform(-1, 1, (2, 30_000))
    full_scale[:, :2] = -1, 1
    source, target = write(tmp_path / name, full_scale, rate, subtype), tmp_path / f"out-{name}"
    report = enhancer(Smoother()).enhance_file(source, target, strength=0.0)
    before, after = audio_info(source), audio_info(target)
    assert dataclasses.replace(after, path=source) == before
    for one, other in zip(read_blocks(before), read_blocks(after), strict=True):
        np.testing.assert_array_equal(other, one)
    assert report.notices == []


@pytest.mark.parametrize(("name", "subtype", "atol"), [("a.wav", "PCM_16", 2.0**-15), ("a.flac", "PCM_24", 1e-6)])
def test_a_file_gets_what_the_array_gets(enhancer, tmp_path, name, subtype, atol):
    source, target = write(tmp_path / name, speech(44100, 3.0, channels=2), 44100, subtype), tmp_path / f"out-{name}"
    subject, calls = enhancer(Smoother()), []
    report = subject.enhance_file(source, target, progress=lambda *call: calls.append(call))
    waveform = np.concatenate(list(read_blocks(audio_info(source))), axis=1)
    enhanced = np.concatenate(list(read_blocks(audio_info(target))), axis=1)
    np.testing.assert_allclose(enhanced, subject.enhance(waveform, 44100), atol=atol)
    assert audio_info(target).subtype == subtype
    assert (report.source, report.target, report.model, report.notices) == (source, target, "identity", [])
    assert report.audio_seconds == pytest.approx(3.0)
    assert report.rtf == report.compute_seconds / report.audio_seconds > 0
    assert calls[-1] == (report.audio_seconds, audio_info(source).seconds)
    assert calls == sorted(calls)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("output_rate", [8000, 16000, 48000])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_output_rate_can_be_another(enhancer, tmp_path, rate, output_rate, strength):
    time = np.arange(2 * rate + 1) / rate
    source = write(tmp_path / "a.wav", 0.2 * np.sin(2 * np.pi * 1000 * time)[None], rate, "FLOAT")
    enhancer(Multiplier(1)).enhance_file(source, tmp_path / "b.wav", output_rate=output_rate, strength=strength)
    info = audio_info(tmp_path / "b.wav")
    assert (info.sample_rate, info.frames) == (output_rate, -(-time.size * output_rate // rate))
    out = np.concatenate(list(read_blocks(info)), axis=1)[0]
    expected = 0.2 * np.sin(2 * np.pi * 1000 * np.arange(out.size) / output_rate)
    np.testing.assert_allclose(
        out[output_rate // 4 : -output_rate // 4], expected[output_rate // 4 : -output_rate // 4], atol=1e-4
    )


def test_a_model_that_overshoots_does_not_clip(enhancer, tmp_path):
    time = np.arange(32000) / 16000
    sine = 0.8 * np.sin(2 * np.pi * 200 * time)[None]
    source = write(tmp_path / "a.wav", sine, 16000, "PCM_16")
    report = enhancer(Multiplier(2)).enhance_file(source, tmp_path / "b.wav")
    out = soundfile.read(tmp_path / "b.wav")[0]
    assert np.abs(out).max() <= 1
    assert np.count_nonzero(np.abs(out) > 0.9999) < 0.05 * out.size, "peaks are lowered, not cut off"
    assert len(report.notices) == 1
    assert "would have clipped" in report.notices[0]
    wide = write(tmp_path / "float.wav", sine, 16000, "FLOAT")
    assert enhancer(Multiplier(2)).enhance_file(wide, tmp_path / "c.wav").notices == []
    assert np.abs(soundfile.read(tmp_path / "c.wav")[0]).max() == pytest.approx(1.6, rel=1e-3)


def test_notices_name_what_changed(enhancer, tmp_path):
    source = write(tmp_path / "a.wav", speech(8000, 1.0), 8000, "FLOAT")
    subject = enhancer(Multiplier(1))
    subject.model = dataclasses.replace(subject.model, task="universal")
    converted, narrow = subject.enhance_file(source, tmp_path / "b.flac").notices
    assert "--output-rate 16000" in narrow
    assert "FLAC can't be written with FLOAT" in converted


def test_nothing_is_written_when_something_is_wrong(enhancer, tmp_path):
    good = write(tmp_path / "a.wav", speech(16000, 1.0), 16000)
    damaged = write(tmp_path / "nan.wav", np.r_[np.zeros(90_000), np.nan][None], 16000, "FLOAT")
    (tmp_path / "notes.wav").write_text("dear diary")
    before = names(tmp_path)
    for source, target, error in [
        (good, good, OutputError),
        (good, tmp_path / "no" / "b.wav", OutputError),
        (good, tmp_path / "b.xyz", OutputError),
        (damaged, tmp_path / "b.wav", AudioFileError),
        (tmp_path / "notes.wav", tmp_path / "b.wav", AudioFileError),
    ]:
        with pytest.raises(error):
            enhancer(Multiplier(1)).enhance_file(source, target, overwrite=True)
    with pytest.raises(ModelError):
        enhancer(Multiplier(np.nan)).enhance_file(good, tmp_path / "b.wav")
    with pytest.raises(ValueError, match="output_rate"):
        enhancer(Multiplier(1)).enhance_file(good, tmp_path / "b.wav", output_rate=100)
    assert names(tmp_path) == before


def test_memory_does_not_grow_with_the_length(enhancer, tmp_path):
    def peak(seconds):
        noise = np.random.default_rng(0).integers(-3000, 3000, (seconds * 16000, 1), dtype=np.int16)
        soundfile.write(tmp_path / "a.wav", noise, 16000)
        del noise
        tracemalloc.start()
        enhancer(Multiplier(1)).enhance_file(tmp_path / "a.wav", tmp_path / "b.wav", overwrite=True)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(80) < 1.2 * peak(10)


def test_a_model_is_loaded_by_folder_and_kept(identity_model):
    waveform = speech(16000, 0.5)
    np.testing.assert_allclose(rephase.enhance(waveform, 16000, model=identity_model), waveform, atol=1e-6)
    from rephase.enhancer import _kept_enhancer

    before = _kept_enhancer.cache_info().hits
    rephase.enhance(waveform, 16000, model=str(identity_model))
    assert _kept_enhancer.cache_info().hits == before + 1
    assert Enhancer.from_pretrained(identity_model).runtime.name == "onnx"


def change(folder, **fields):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | fields))


def test_a_folder_that_changed_is_loaded_anew(identity_model, tmp_path, monkeypatch):
    from rephase.enhancer import _kept_enhancer

    for name in ("one", "two"):
        shutil.copytree(identity_model, tmp_path / name / "model")
        change(tmp_path / name / "model", name=name)
    waveform = speech(16000, 0.5)
    for expected, step in [
        ("one", lambda: monkeypatch.chdir(tmp_path / "one")),
        ("two", lambda: monkeypatch.chdir(tmp_path / "two")),
        ("new", lambda: change(tmp_path / "two" / "model", name="new")),
    ]:
        step()
        before = _kept_enhancer.cache_info().misses
        rephase.enhance(waveform, 16000, model="./model")
        assert _kept_enhancer.cache_info().misses == before + 1, expected
    change(tmp_path / "two" / "model", files={})
    with pytest.raises(ModelError, match="ships no weights"):
        rephase.enhance(waveform, 16000, model="./model")


def test_what_is_no_array_is_refused_with_the_fix(identity_model):
    """In a process of its own: in this one all types are checked before."""
    code = f"import rephase; rephase.enhance([0.0, 0.1], 16000, model={str(identity_model)!r})"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "ValueError: waveform must be a numpy array; got list. Pass numpy.asarray(...)" in done.stderr


def test_public_names_are_few_and_load_when_used():
    assert len(rephase.__all__) <= 10
    for name in rephase.__all__:
        assert getattr(rephase, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'enhanced'"):
        rephase.enhanced  # noqa: B018
    code = "import sys, rephase; sys.exit(any(name in sys.modules for name in ('numpy', 'onnxruntime', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_package_names_the_extra(identity_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "rephase.runtimes.torch", raising=False)
    with pytest.raises(ModelError, match=r"not installed; .*pip install 'rephase\[torch\]'"):
        Enhancer.from_pretrained(identity_model, runtime="torch")
