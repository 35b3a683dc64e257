"""Phase metrics of rotations, delays and random phases, which are known in closed form."""

import numpy as np
import pytest

from rephase.metrics import (
    MetricError,
    gd_rad,
    iaf_rad,
    ip_rad,
    pd_deg,
    pd_up_to_polarity_deg,
    pd_up_to_rotation_deg,
    wopd_rad,
)
from rephase.metrics.phase_errors import distance, error_blocks, with_frame_before
from rephase.metrics.spectra import FRAMES_PER_BLOCK, spectrum_blocks

METRICS = [pd_deg, pd_up_to_polarity_deg, pd_up_to_rotation_deg, wopd_rad, ip_rad, gd_rad, iaf_rad]
every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)


def score(metric, reference, estimate):
    return metric(reference=reference, estimate=estimate, sample_rate=16000)


def rotated(waveform, angle):
    """The waveform whose analytic signal is turned: its spectrum turns by the angle at all frequencies above 0."""
    spectrum = np.fft.rfft(waveform)
    spectrum[1:-1] *= np.exp(1j * angle)
    return np.fft.irfft(spectrum, len(waveform))


@every_metric
def test_equal_waveforms_have_no_error(metric, speech):
    assert score(metric, speech, speech) == pytest.approx(0, abs=1e-6)


@every_metric
def test_the_level_does_not_matter(metric, speech, noise):
    estimate = speech + 0.3 * noise
    assert score(metric, speech, 0.01 * estimate) == pytest.approx(score(metric, speech, estimate), rel=1e-6)
    assert score(metric, 10.0 * speech, estimate) == pytest.approx(score(metric, speech, estimate), rel=1e-4)


@pytest.mark.parametrize("degrees", [10.0, 60.0, 90.0, 150.0])
def test_pd_of_a_rotation_is_its_angle(degrees, speech):
    estimate = rotated(speech.astype(np.float64), np.radians(degrees))
    # Not to the last digit: at 0 Hz and at the ends of the recording a turned waveform has no turned spectrum.
    assert score(pd_deg, speech, estimate) == pytest.approx(degrees, abs=1.0)
    assert score(pd_up_to_polarity_deg, speech, estimate) == pytest.approx(min(degrees, 180 - degrees), abs=1.0)
    assert score(pd_up_to_rotation_deg, speech, estimate) < 1.0
    assert score(wopd_rad, speech, estimate) == pytest.approx(np.radians(degrees) / 9, abs=0.02)


def test_a_flipped_sign_is_half_a_turn(speech):
    assert score(pd_deg, speech, -speech) == pytest.approx(180)
    assert score(wopd_rad, speech, -speech) == pytest.approx(np.pi / 9)
    assert score(pd_up_to_polarity_deg, speech, -speech) == pytest.approx(0, abs=1e-6)
    assert score(pd_up_to_rotation_deg, speech, -speech) == pytest.approx(0, abs=1e-6)
    assert score(ip_rad, speech, -speech) == pytest.approx(np.pi)
    assert score(gd_rad, speech, -speech) == pytest.approx(0, abs=1e-6)
    assert score(iaf_rad, speech, -speech) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("samples", [1, 3, 20])
def test_the_group_delay_of_a_delay_is_its_length(samples):
    """Of a click, in the frames that hear it and its delayed copy: 2π d / N in every bin."""
    click = np.zeros(16000)
    click[8000] = 1.0
    ((error, magnitude),) = error_blocks(click, np.roll(click, samples), 16000, metric="test")
    heard = magnitude[:, 0] > 0.3
    assert heard.sum() == 3
    assert distance(np.diff(error[heard], axis=1)) == pytest.approx(2 * np.pi * samples / 400, abs=1e-9)


def test_the_frequency_error_of_a_detuned_tone():
    """Tones of ω and ω + δ drift apart by 100 δ a frame, in the bins that hear them."""
    time = np.arange(16000)
    omega, detuned = 2 * np.pi * 40 / 400, 2 * np.pi * 40.5 / 400
    measured = list(error_blocks(np.cos(omega * time), np.cos(detuned * time), 16000, metric="test"))
    error = np.concatenate([error for error, _ in measured])[5:-5, 39:42]
    assert distance(np.diff(error, axis=0)) == pytest.approx(100 * (detuned - omega), abs=1e-3)


def test_random_phases_are_a_quarter_turn_off(noise):
    other = np.random.default_rng(11).standard_normal(noise.size)
    assert score(pd_deg, noise, other) == pytest.approx(90, abs=1)
    assert score(ip_rad, noise, other) == pytest.approx(np.pi / 2, abs=0.02)
    assert score(pd_up_to_rotation_deg, noise, other) <= score(pd_up_to_polarity_deg, noise, other) + 0.05


def test_wopd_is_its_definition(speech, noise):
    """With every direction written out on the whole spectrum at once."""
    estimate = (speech + noise).astype(np.float64)
    blocks = [list(spectrum_blocks(w.astype(np.float64), 16000, metric="test")) for w in (speech, estimate)]
    clean, other = (np.concatenate(parts) for parts in blocks)
    phase, estimated, weight = np.angle(clean), np.angle(other), np.abs(clean)
    frames, freqs = phase.shape
    values = []
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            t = np.arange(frames)[max(0, -j) : frames - max(0, j)][:, None]
            k = np.arange(freqs)[max(0, -i) : freqs - max(0, i)][None, :]
            theirs, ours = phase[t, k], estimated[t, k]
            if (i, j) != (0, 0):
                theirs, ours = theirs - phase[t + j, k + i], ours - estimated[t + j, k + i]
            values.append(np.sum(weight[t, k] * distance(ours - theirs)) / np.sum(weight[t, k]))
    assert score(wopd_rad, speech, estimate) == pytest.approx(np.mean(values), rel=1e-9)


@every_metric
def test_a_long_recording_is_scored_in_blocks_as_in_one(metric, speech, noise, monkeypatch):
    estimate = speech + noise
    whole = score(metric, speech, estimate)
    monkeypatch.setattr("rephase.metrics.spectra.FRAMES_PER_BLOCK", 100)
    assert len(list(error_blocks(speech, estimate, 16000, metric="test"))) > 5
    assert score(metric, speech, estimate) == pytest.approx(whole, rel=1e-9)


def test_every_pair_of_frames_lies_in_one_block():
    blocks = [(np.full((2, 1), n), np.full((2, 1), -n)) for n in (1.0, 2.0, 3.0)]
    joined = list(with_frame_before(blocks))
    assert [error[:, 0].tolist() for error, _ in joined] == [[1, 1], [1, 2, 2], [2, 3, 3]]
    assert FRAMES_PER_BLOCK > 2


@every_metric
def test_what_is_left_out_is_not_right(metric, speech):
    """An estimate that is perfect for a moment and says nothing else: as wrong there as any phase drawn at random."""
    estimate = np.zeros_like(speech)
    estimate[30000:32000] = speech[30000:32000]
    nothing = np.full_like(speech, 1e-12)  # an estimate without a phase that has to do with the speech
    assert score(metric, speech, estimate) > 0.8 * min(score(metric, speech, nothing), np.pi / 2)


def test_zeros_have_the_phase_zero_whatever_their_sign():
    reference = np.random.default_rng(0).standard_normal(4000)
    estimate = np.zeros(4000)
    estimate[3999] = 1e-9  # not silent, but all frames before the last are
    ((error, _),) = error_blocks(reference, estimate, 16000, metric="test")
    (clean,) = spectrum_blocks(reference, 16000, metric="test")
    assert error[:38] == pytest.approx(np.angle(clean.conj())[:38], abs=1e-12)
    assert np.abs(error).max() <= np.pi


@every_metric
def test_silence_has_no_phase(metric, speech):
    silence = np.zeros_like(speech)
    with pytest.raises(MetricError, match="estimate is silent"):
        score(metric, speech, silence)
    with pytest.raises(MetricError, match="reference is silent"):
        score(metric, silence, speech)


@every_metric
def test_less_than_a_window_is_refused(metric, speech):
    with pytest.raises(MetricError, match="at least 400 samples"):
        score(metric, speech[20000:20399], speech[20000:20399])
