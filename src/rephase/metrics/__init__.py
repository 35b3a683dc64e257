"""Metrics, one a file: `metric(reference=..., estimate=..., sample_rate=...)` gives a float.

A metric that has no value for a pair raises `MetricError` with the reason, never 0. `pesq_wb` and `estoi` need the
extra `rephase[eval]`.
"""

from rephase.metrics.band_level import band_level_db
from rephase.metrics.inputs import MetricError
from rephase.metrics.log_spectral import lsd
from rephase.metrics.pesq import pesq_wb
from rephase.metrics.phase_derivatives import gd_rad, iaf_rad, ip_rad
from rephase.metrics.phase_distance import pd_deg, pd_up_to_polarity_deg, pd_up_to_rotation_deg
from rephase.metrics.si_sdr import si_sdr_db
from rephase.metrics.stoi import estoi
from rephase.metrics.wopd import wopd_rad

__all__ = [
    "pesq_wb",
    "estoi",
    "si_sdr_db",
    "lsd",
    "band_level_db",
    "pd_deg",
    "pd_up_to_polarity_deg",
    "pd_up_to_rotation_deg",
    "wopd_rad",
    "ip_rad",
    "gd_rad",
    "iaf_rad",
    "MetricError",
]
