"""PESQ, Perceptual Evaluation of Speech Quality: what listeners would say of a recording beside the clean one.

Both signals are aligned in time and level, brought into a loudness pattern as the ear has it, and two disturbances
are taken from the difference: D (symmetric) and A (what was added, weighed more than what was taken away). Then

    x = 4.5 − 0.1 D − 0.0309 A,      MOS-LQO = 0.999 + 4 / (1 + exp(−1.3669 x + 3.8224))

Sources: ITU-T P.862 (2001); the wide-band mapping of the second line is ITU-T P.862.2 (2007). The package `pesq` wraps
the ITU's own C code.
"""

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import MetricError, checked_pair, refuse_silence


def pesq_wb(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Wide-band PESQ, as MOS-LQO.

    Args:
        reference: clean waveform `[time]`, at least a quarter of a second that holds speech.
        estimate: waveform `[time]` to be scored.
        sample_rate: 16,000 Hz.

    Returns:
        From about 1.04 (bad) to 4.64 (no difference).

    Raises:
        MetricError: if the pair can't be scored: the rate is another, it is too short, silent or holds no speech.
        ImportError: if the package `pesq` is missing.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="pesq_wb")
    if sample_rate != 16000:
        raise MetricError(f"pesq_wb is defined at 16000 Hz; got {sample_rate}; resample both waveforms first")
    refuse_silence(reference, estimate, metric="pesq_wb")
    try:
        from pesq import PesqError, pesq
    except ImportError as error:
        raise ImportError("pesq_wb needs the package pesq: pip install 'rephase[eval]'") from error
    try:
        value = float(pesq(sample_rate, reference, estimate, "wb"))
    except PesqError as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error
        raise MetricError(f"pesq_wb has no value: {reason}") from error
    if not np.isfinite(value):
        raise MetricError(f"pesq_wb has no value: the reference code gave {value}")
    return value
