"""PESQ, Perceptual Evaluation of Speech Quality: what listeners would say of a recording beside the clean one.

Both signals are aligned in time and level, brought into a loudness pattern as the ear has it, and two disturbances
are taken from the difference: D (symmetric) and A (what was added, weighed more than what was taken away). Then

    x = 4.5 − 0.1 D − 0.0309 A
    MOS-LQO = 0.999 + 4 / (1 + exp(−1.3669 x + 3.8224))      wide band
    MOS-LQO = 0.999 + 4 / (1 + exp(−1.4945 x + 4.6607))      narrow band

The narrow band is what a telephone lets through; a paper's "PESQ" of enhanced speech is nearly always the wide-band
one. Sources: ITU-T P.862 (2001); the mappings are ITU-T P.862.2 (2007) and P.862.1 (2003). The package `pesq` wraps the
ITU's own C code.
"""

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import MetricError, checked_pair, refuse_silence

# The ITU's code has room for 50 utterances and overwrites other memory beyond: wrong scores or a crash. It counts one
# after at least 200 ms of speech and 184 ms of pause, so that this length can't hold more.
LONGEST_SECONDS = 19


def pesq_wb(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Wide-band PESQ, as MOS-LQO.

    Args:
        reference: clean waveform `[time]`, a quarter of a second to 19 seconds, with speech.
        estimate: waveform `[time]` to be scored.
        sample_rate: 16,000 Hz.

    Returns:
        From about 1.04 (bad) to 4.64 (no difference).

    Raises:
        MetricError: if the pair can't be scored: another rate, too short or long, silent, or without speech.
        ImportError: if the package `pesq` is missing.
    """
    return _pesq(reference, estimate, sample_rate, rates=(16000,), mode="wb")


def pesq_nb(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Narrow-band PESQ, as MOS-LQO.

    Args:
        reference: clean waveform `[time]`, a quarter of a second to 19 seconds, with speech.
        estimate: waveform `[time]` to be scored.
        sample_rate: 8,000 or 16,000 Hz.

    Returns:
        From about 1.02 (bad) to 4.55 (no difference).

    Raises:
        MetricError: as for `pesq_wb`.
        ImportError: if the package `pesq` is missing.
    """
    return _pesq(reference, estimate, sample_rate, rates=(8000, 16000), mode="nb")


def _pesq(reference: np.ndarray, estimate: np.ndarray, sample_rate: int, *, rates: tuple[int, ...], mode: str) -> float:
    metric = f"pesq_{mode}"
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric=metric)
    if sample_rate not in rates:
        raise MetricError(
            f"{metric} is defined at {' and '.join(map(str, rates))} Hz; got {sample_rate}; "
            "resample both waveforms first"
        )
    if reference.size > LONGEST_SECONDS * sample_rate:
        raise MetricError(
            f"{metric} takes at most {LONGEST_SECONDS} s; got {reference.size / sample_rate:.1f} s; "
            f"score shorter pieces and take their mean"
        )
    refuse_silence(reference=reference, estimate=estimate, metric=metric)
    try:
        from pesq import PesqError, pesq
    except ImportError as error:
        raise ImportError(f"{metric} needs the package pesq: pip install 'rephase[eval]'") from error
    try:
        value = float(pesq(sample_rate, reference, estimate, mode))
    except (PesqError, ValueError) as error:  # ValueError: NaN within, where the levels lie too far apart
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error
        raise MetricError(f"{metric} has no value: {reason}") from error
    if not np.isfinite(value):
        raise MetricError(f"{metric} has no value: the reference code gave {value}")
    return value
