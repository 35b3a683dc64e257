"""The proof that a graph gives what the network gives: on speech, on silence, and on lengths where faults hide.

Two measures must hold. Samples differ by at most 1e-4 of the network's peak. And where a spectrum is not negligible
(within 40 dB of its greatest value), phases differ by at most 1e-2 rad, on the circle: φ = π and φ = −π are the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch
from jaxtyping import Float32

from rephase.errors import ModelError
from rephase.models.network import Network
from rephase.signal.phase import wrapped_distance
from rephase.signal.stft import stft

SAMPLE_TOLERANCE = 1e-4
PHASE_TOLERANCE = 1e-2
NOT_NEGLIGIBLE = 1e-2
LEVEL = 0.05  # RMS of −26 dBFS: the level at which networks work


class ParityError(ModelError):
    """A graph gives something else than its network."""


@dataclass(frozen=True)
class Parity:
    """How near a graph is to its network, in the worst of all cases.

    Attributes:
        sample_error: greatest difference of a sample, over the peak of the case.
        phase_error: greatest difference of a phase that is not negligible, radians.
        cases: how many waveforms were compared.
    """

    sample_error: float
    phase_error: float
    cases: int


def prove_parity(
    network: Network, graph: onnx.ModelProto, speech: Sequence[Float32[np.ndarray, " time"]] = ()
) -> Parity:
    """Runs a graph and its network on the same waveforms.

    Args:
        network: what the graph was made from.
        graph: the graph.
        speech: recordings at the network's sample rate, beside the signals that are always taken.

    Returns:
        The worst differences.

    Raises:
        ParityError: if the graph can't run, or differs, with the case, the place and how much.
    """
    config = network.config
    try:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise ParityError(f"ONNX Runtime can't load the graph ({error}); nothing was written; report it") from error
    network = network.eval()
    device = next(network.parameters()).device
    sample_errors, phase_errors = [], []
    for case, waveform in _cases(config.sample_rate, config.hop_length, config.block_frames, speech):
        with torch.no_grad():
            expected = network(torch.from_numpy(waveform).to(device)).cpu().numpy()
        try:
            (given,) = session.run(None, {"degraded": waveform})
        except Exception as error:
            raise ParityError(f"the graph fails ({error}); {case}; nothing was written; report it") from error
        sample_errors.append(_sample_error(expected, given, case))
        phase_errors.append(_phase_error(expected, given, case, config.n_fft, config.hop_length))
    return Parity(max(sample_errors), max(phase_errors), len(sample_errors))


def _sample_error(expected: np.ndarray, given: np.ndarray, case: str) -> float:
    if given.shape != expected.shape:
        raise ParityError(f"the graph makes the shape {given.shape} of {expected.shape}; {case}; nothing was written")
    if not np.isfinite(expected).all():
        raise ParityError(f"the network gives NaN or infinity; {case}; nothing was written: look at its weights")
    peak = np.abs(expected).max()
    difference = np.where(np.isfinite(given), np.abs(given - expected), np.inf)
    item, sample = np.unravel_index(difference.argmax(), difference.shape)
    # In digital silence both give nothing, or next to nothing: there the peak of quiet speech is the measure.
    error = float(difference[item, sample] / max(peak, 1e-3))
    if not error <= SAMPLE_TOLERANCE:
        raise ParityError(
            f"the graph is off by {error:.1e} of the peak, more than {SAMPLE_TOLERANCE:.0e}; "
            f"{case}, item {item}, sample {sample} of {given.shape[1]}; nothing was written; report it"
        )
    return error


def _phase_error(expected: np.ndarray, given: np.ndarray, case: str, n_fft: int, hop_length: int) -> float:
    spectra = [
        stft(torch.from_numpy(waveform), n_fft=n_fft, hop_length=hop_length, win_length=n_fft)
        for waveform in (expected, given)
    ]
    loud = spectra[0].abs() > max(NOT_NEGLIGIBLE * float(spectra[0].abs().max()), 1e-4)
    distance = wrapped_distance(spectra[0].angle() - spectra[1].angle()) * loud
    error = float(distance.max())
    if not error <= PHASE_TOLERANCE:
        item, freq, frame = np.unravel_index(int(distance.argmax()), distance.shape)
        raise ParityError(
            f"the graph's phase is off by {error:.1e} rad, more than {PHASE_TOLERANCE:.0e}; "
            f"{case}, item {item}, frequency {freq}, frame {frame}; nothing was written; report it"
        )
    return error


def _cases(
    sample_rate: int, hop: int, block_frames: int, speech: Sequence[np.ndarray]
) -> Iterator[tuple[str, Float32[np.ndarray, "batch time"]]]:
    """Waveforms [batch, time] at the level of networks, with what they are."""
    for number, waveform in enumerate(speech):
        yield f"recording {number}", _levelled(waveform)[None]
    voice = voice_like(sample_rate, 2 * sample_rate)
    yield "voice-like signal", voice[None]
    yield "silence, then a voice-like signal", np.concatenate([0 * voice, voice])[None]
    yield "batch of two, one of them silent", np.stack([0 * voice, voice])[:, : sample_rate | 1]
    block = block_frames * hop
    for length in (1, 2, hop - 1, hop, hop + 1, 3 * hop + 17, block - hop, block, block + 1, 2 * block - 1):
        yield f"{length} samples", voice_like(sample_rate, length)[None]


def voice_like(sample_rate: int, length: int) -> Float32[np.ndarray, " length"]:
    """Harmonics of a gliding pitch in syllables, and noise between them: the same on every call.

    Args:
        sample_rate: Hz.
        length: samples.

    Returns:
        RMS −26 dBFS.
    """
    time = np.arange(length) / sample_rate
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time)
    turns = np.cumsum(pitch) / sample_rate
    harmonics = np.arange(1, int(sample_rate / 2 / 200))
    voiced = (np.cos(2 * np.pi * harmonics[:, None] * turns + harmonics[:, None] ** 2) / harmonics[:, None]).sum(0)
    syllables = np.clip(np.sin(2 * np.pi * 3 * time + 0.5), 0, None)
    noise = np.random.default_rng(0).standard_normal(length)
    return _levelled(voiced * syllables + 0.3 * noise)


def _levelled(waveform: np.ndarray) -> np.ndarray:
    return (waveform * (LEVEL / (np.sqrt(np.mean(np.square(waveform, dtype=np.float64))) + 1e-9))).astype(np.float32)
