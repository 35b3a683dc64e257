"""Metrics, one a file: `metric(reference=..., estimate=..., sample_rate=...)` gives a float.

A metric that has no value for a pair raises `MetricError` with the reason, never 0. `pesq_wb` and `estoi` need the
extra `rephase[eval]`.
"""

from rephase.metrics.band_level import band_level_db
from rephase.metrics.inputs import MetricError
from rephase.metrics.log_spectral import lsd
from rephase.metrics.pesq import pesq_wb
from rephase.metrics.si_sdr import si_sdr_db
from rephase.metrics.stoi import estoi

__all__ = ["pesq_wb", "estoi", "si_sdr_db", "lsd", "band_level_db", "MetricError"]
