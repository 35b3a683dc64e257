"""From files to waveforms that can be compared: one rate, as many channels, one length, and how they lie in time."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64

from rephase.audio.files import audio_info, read_blocks
from rephase.audio.resample import Resampler
from rephase.evaluation.catalogue import SAMPLE_RATE, EvaluationError

LENGTH_TOLERANCE = SAMPLE_RATE // 10  # samples; systems lose or add some at the end
LARGEST_DELAY = SAMPLE_RATE // 2  # samples
SURE = 0.1  # correlation from which a delay is believed
LEAST_OVERLAP = 0.9  # of the reference that an aligned estimate must cover


@dataclass
class Placed:
    """How an estimate lies beside its reference.

    Attributes:
        delay_ms: how much later it is; None where the two are too unlike to say.
        level_db: its energy over the reference's; None if one is silent.
        notes: what was done to compare the two, one line each.
    """

    delay_ms: float | None = None
    level_db: float | None = None
    notes: list[str] = field(default_factory=list)


def read_waveform(path: Path) -> tuple[Float[np.ndarray, "channels time"], int]:
    """Reads a recording whole.

    Args:
        path: of the recording.

    Returns:
        Its samples, full scale ±1, and its rate in Hz.

    Raises:
        AudioFileError: if it can't be read, or holds NaN or Inf.
    """
    info = audio_info(path)
    return np.concatenate(list(read_blocks(info)), axis=1), info.sample_rate


def at_scoring_rate(
    waveform: Float[np.ndarray, "channels time"], sample_rate: int, *, kind: str, notes: list[str]
) -> Float[np.ndarray, "channels scored_time"]:
    """The waveform at `SAMPLE_RATE`; a note says if that was not its own.

    Args:
        waveform: to be scored.
        sample_rate: of it, Hz.
        kind: `estimate`, `reference` or `degraded`, for the note.
        notes: where the note goes.

    Returns:
        The waveform, resampled where it has to be.
    """
    if sample_rate == SAMPLE_RATE:
        return waveform
    notes.append(f"{kind} has {sample_rate} Hz, scored at {SAMPLE_RATE} Hz")
    resampler = Resampler(sample_rate, SAMPLE_RATE, len(waveform), waveform.dtype)
    return np.concatenate([resampler.push(waveform), resampler.flush()], axis=1)


def placed_beside(
    reference: Float[np.ndarray, "reference_channels reference_time"],
    estimate: Float[np.ndarray, "estimate_channels estimate_time"],
    *,
    kind: str = "estimate",
    align: bool = False,
) -> tuple[Float[np.ndarray, "channels time"], Float[np.ndarray, "channels time"], Placed]:
    """Brings two recordings to one length and says how they lie; they are moved only if that is asked for.

    Args:
        reference: clean.
        estimate: to be scored.
        kind: what the second one is, for messages.
        align: whether the estimate is moved to where the reference lies.

    Returns:
        Both, of one length, and how they lay.

    Raises:
        EvaluationError: if they can't be compared: other channels, or lengths too far apart.
    """
    if len(reference) != len(estimate):
        raise EvaluationError(
            f"reference has {_channels(reference)} and {kind} {_channels(estimate)}: mix down or pick one first"
        )
    placed = Placed()
    delay = delay_samples(reference.mean(axis=0), estimate.mean(axis=0))
    placed.delay_ms = None if delay is None else 1000 * delay / SAMPLE_RATE
    if align and delay:
        whole = reference.shape[1]
        estimate = estimate[:, max(delay, 0) :]
        reference = reference[:, max(-delay, 0) :]
        common = min(reference.shape[1], estimate.shape[1])
        if common < LEAST_OVERLAP * whole:
            raise EvaluationError(
                f"aligned by {placed.delay_ms:.1f} ms, the {kind} covers only {common / whole:.0%} of the reference"
            )
        placed.notes.append(f"{kind} moved by {-1000 * delay / SAMPLE_RATE:+.2f} ms")
        reference, estimate = reference[:, :common], estimate[:, :common]
    difference = estimate.shape[1] - reference.shape[1]
    if abs(difference) > LENGTH_TOLERANCE:
        raise EvaluationError(
            f"reference lasts {reference.shape[1] / SAMPLE_RATE:.2f} s and {kind} "
            f"{estimate.shape[1] / SAMPLE_RATE:.2f} s: more than 0.1 s apart, they may not belong together"
        )
    if difference:
        placed.notes.append(
            f"{kind} is {abs(difference)} samples {'longer' if difference > 0 else 'shorter'}, cut to both"
        )
        common = min(reference.shape[1], estimate.shape[1])
        reference, estimate = reference[:, :common], estimate[:, :common]
    powers = [float(np.mean(np.square(waveform, dtype=np.float64))) for waveform in (estimate, reference)]
    placed.level_db = 10 * float(np.log10(powers[0] / powers[1])) if min(powers) > 0 else None
    return reference, estimate, placed


def delay_samples(reference: Float[np.ndarray, " reference_time"], estimate: Float[np.ndarray, " time"]) -> int | None:
    """By how many samples the estimate is late: where the correlation is largest, of either sign.

    Args:
        reference: clean.
        estimate: other waveform.

    Returns:
        Samples within half a second, negative if it is early; None if the two have too little in common.
    """
    size = 1 << (max(reference.size, estimate.size) + LARGEST_DELAY).bit_length()
    spectra = [np.fft.rfft(waveform.astype(np.float64), size) for waveform in (estimate, reference)]
    correlation = np.abs(np.fft.irfft(spectra[0] * spectra[1].conj(), size))
    lags: Float64[np.ndarray, " lags"] = np.concatenate(
        [correlation[-LARGEST_DELAY:], correlation[: LARGEST_DELAY + 1]]
    )
    norm = float(np.linalg.norm(reference.astype(np.float64)) * np.linalg.norm(estimate.astype(np.float64)))
    best = int(np.argmax(lags))
    return best - LARGEST_DELAY if norm > 0 and lags[best] / norm > SURE else None


def _channels(waveform: np.ndarray) -> str:
    return f"{len(waveform)} channel{'s' if len(waveform) > 1 else ''}"
