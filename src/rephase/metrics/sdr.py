"""SDR of BSS Eval: how much of the estimate is the reference, through any filter of 512 taps.

    SDR = 10 log₁₀(‖P ŝ‖² / ‖ŝ − P ŝ‖²)

with P the projection on the reference delayed by 0 … 511 samples. So an estimate may be filtered, delayed a little or
turned down at no cost; SI-SDR is the same with one tap.

Sources: Vincent, Gribonval, Févotte, "Performance Measurement in Blind Audio Source Separation", IEEE TASLP 14(4),
2006; computed by the package `fast_bss_eval` (Scheibler, "SDR – Medium Rare with Fast Computations", ICASSP 2022).
"""

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import MetricError, checked_pair, refuse_silence

TAPS = 512


def sdr_db(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Signal-to-distortion ratio of BSS Eval; a gain on either waveform doesn't change it.

    Args:
        reference: clean waveform `[time]`, more than 512 samples.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz; the value doesn't depend on it.

    Returns:
        dB; above about 100, rounding decides.

    Raises:
        MetricError: if the pair can't be scored: one is silent or shorter than the filter, or the lengths differ.
        ImportError: if the package `fast_bss_eval` is missing.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="sdr_db")
    if reference.size <= TAPS:
        raise MetricError(f"sdr_db needs more than {TAPS} samples, the length of its filter; got {reference.size}")
    refuse_silence(reference=reference, estimate=estimate, metric="sdr_db")
    try:
        import fast_bss_eval
    except ImportError as error:
        raise ImportError("sdr_db needs the package fast_bss_eval: pip install 'rephase[eval]'") from error
    return float(fast_bss_eval.sdr(reference[None], estimate[None], filter_length=TAPS)[0])
