"""Metrics, one a file: `metric(reference=..., estimate=..., sample_rate=...)` gives a float.

A metric that has no value for a pair raises `MetricError` with the reason, never 0. `dnsmos` takes no reference and
gives four values. What needs `rephase[eval]` says so where it is missing. Differentiable ones for batches are in
`rephase.losses`.
"""

from rephase.metrics.band_level import band_level_db
from rephase.metrics.composite import cbak, covl, csig
from rephase.metrics.dnsmos import dnsmos
from rephase.metrics.inputs import MetricError
from rephase.metrics.llr import llr
from rephase.metrics.log_spectral import lsd
from rephase.metrics.pesq import pesq_nb, pesq_wb
from rephase.metrics.phase_derivatives import gd_rad, iaf_rad, ip_rad
from rephase.metrics.phase_distance import pd_deg, pd_up_to_polarity_deg, pd_up_to_rotation_deg
from rephase.metrics.sdr import sdr_db
from rephase.metrics.segmental_snr import segmental_snr_db
from rephase.metrics.si_sdr import si_sdr_db
from rephase.metrics.snr import snr_db
from rephase.metrics.stoi import estoi, stoi
from rephase.metrics.wopd import wopd_rad
from rephase.metrics.wss import wss

__all__ = [
    "pesq_wb",
    "pesq_nb",
    "stoi",
    "estoi",
    "si_sdr_db",
    "sdr_db",
    "snr_db",
    "segmental_snr_db",
    "lsd",
    "band_level_db",
    "llr",
    "wss",
    "csig",
    "cbak",
    "covl",
    "pd_deg",
    "pd_up_to_polarity_deg",
    "pd_up_to_rotation_deg",
    "wopd_rad",
    "ip_rad",
    "gd_rad",
    "iaf_rad",
    "dnsmos",
    "MetricError",
]
