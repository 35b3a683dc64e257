"""CSIG, CBAK and COVL: what listeners would say of the speech, of the background and of the whole, by regression.

    CSIG = 3.093 − 1.029 LLR + 0.603 PESQ − 0.009 WSS
    CBAK = 1.634 + 0.478 PESQ − 0.007 WSS + 0.063 segSNR
    COVL = 1.594 + 0.805 PESQ − 0.512 LLR − 0.007 WSS            each within 1 … 5

The variant is the one of the VoiceBank+DEMAND tables, where noisy speech has 3.35, 2.44 and 2.63: PESQ is the wide-band
MOS-LQO of ITU-T P.862.2, LLR has no limit, WSS divides by 32768. Hu and Loizou fitted the weights with the
narrow-band raw score, so absolute values say little; toolchains that take other variants differ by tenths.

Source: Hu and Loizou, "Evaluation of Objective Quality Measures for Speech Enhancement", IEEE TASLP 16(1), 2008.
"""

from typing import Any

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.llr import llr
from rephase.metrics.pesq import pesq_wb
from rephase.metrics.segmental_snr import segmental_snr_db
from rephase.metrics.wss import wss


def csig(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Predicted opinion of the speech signal; arguments, result and errors are those of `covl`."""
    pair: dict[str, Any] = {"reference": reference, "estimate": estimate, "sample_rate": sample_rate}
    return csig_of(pesq=pesq_wb(**pair), llr=llr(**pair), wss=wss(**pair))


def cbak(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Predicted opinion of the background; arguments, result and errors are those of `covl`."""
    pair: dict[str, Any] = {"reference": reference, "estimate": estimate, "sample_rate": sample_rate}
    return cbak_of(pesq=pesq_wb(**pair), wss=wss(**pair), segmental_snr_db=segmental_snr_db(**pair))


def covl(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Predicted opinion of the whole.

    Args:
        reference: clean waveform `[time]`, a quarter of a second to 19 seconds, with speech.
        estimate: waveform `[time]` to be scored.
        sample_rate: 16,000 Hz.

    Returns:
        1 (bad) to 5 (excellent).

    Raises:
        MetricError: if one of its parts has no value.
        ImportError: if the package `pesq` is missing.
    """
    pair: dict[str, Any] = {"reference": reference, "estimate": estimate, "sample_rate": sample_rate}
    return covl_of(pesq=pesq_wb(**pair), llr=llr(**pair), wss=wss(**pair))


def csig_of(*, pesq: float, llr: float, wss: float) -> float:
    """CSIG of its parts."""
    return _limited(3.093 - 1.029 * llr + 0.603 * pesq - 0.009 * wss)


def cbak_of(*, pesq: float, wss: float, segmental_snr_db: float) -> float:
    """CBAK of its parts."""
    return _limited(1.634 + 0.478 * pesq - 0.007 * wss + 0.063 * segmental_snr_db)


def covl_of(*, pesq: float, llr: float, wss: float) -> float:
    """COVL of its parts."""
    return _limited(1.594 + 0.805 * pesq - 0.512 * llr - 0.007 * wss)


def _limited(value: float) -> float:
    return min(max(value, 1.0), 5.0)
