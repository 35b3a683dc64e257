"""What can be measured: each column of a report, what it takes, which way is better, and the version of its value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import numpy as np

from rephase import metrics
from rephase.errors import RephaseError
from rephase.metrics.composite import cbak_of, covl_of, csig_of

SAMPLE_RATE = 16000  # Hz; everything is scored at this rate
BANDS = ((2000, 4000), (4000, 6000), (6000, 8000))  # Hz
QUICK = ("pesq_wb", "estoi", "si_sdr_db", "pd_deg")


class EvaluationError(RephaseError):
    """What shall be scored is not there, or not what it must be."""


@dataclass(frozen=True)
class Signals:
    """One channel of an item, at `SAMPLE_RATE`.

    Attributes:
        estimate: `[time]`.
        reference: `[time]`, of the same length; None where there is none.
        cut_off_hz: where the band of the degraded recording ends; None if nobody said.
    """

    estimate: np.ndarray
    reference: np.ndarray | None = None
    cut_off_hz: float | None = None

    @property
    def pair(self) -> dict[str, Any]:
        """Arguments of a metric with a reference."""
        return {"reference": self.reference, "estimate": self.estimate, "sample_rate": SAMPLE_RATE}


@dataclass(frozen=True)
class Metric:
    """A column of a report.

    Attributes:
        name: as users write it.
        title: as tables show it.
        meaning: one line for readers of a report.
        better: whether `higher` or `lower` values are better, or those nearer to `zero`.
        compute: from signals and the values of `parts`.
        parts: metrics that it is computed from.
        group: metrics that one call computes together share its name.
        intrusive: whether it needs a reference.
        needs_cut_off: whether it needs `cut_off_hz`; elsewhere it does not apply.
        packages: whose versions decide about the value.
        version: of the own code; it grows whenever a value changes.
    """

    name: str
    title: str
    meaning: str
    better: Literal["higher", "lower", "zero"]
    compute: Callable[[Signals, Mapping[str, float]], float | dict[str, float]]
    parts: tuple[str, ...] = ()
    group: str = ""
    intrusive: bool = True
    needs_cut_off: bool = False
    packages: tuple[str, ...] = ()
    version: int = 1

    def applies(self, *, cut_off_hz: float | None) -> bool:
        """Whether an item has this metric at all."""
        return not self.needs_cut_off or cut_off_hz is not None

    @property
    def arrow(self) -> str:
        """↑, ↓ or →0."""
        return {"higher": "↑", "lower": "↓", "zero": "→0"}[self.better]


def _of(function: Callable[..., float]) -> Callable[[Signals, Mapping[str, float]], float]:
    return lambda signals, parts: function(**signals.pair)


def _band_level(band: tuple[int, int]) -> Callable[[Signals, Mapping[str, float]], float]:
    return _of(partial(metrics.band_level_db, band_hz=band))


def _lsd_below(signals: Signals, parts: Mapping[str, float]) -> float:
    return metrics.lsd(**signals.pair, band_hz=(0, signals.cut_off_hz or 0))


def _lsd_above(signals: Signals, parts: Mapping[str, float]) -> float:
    return metrics.lsd(**signals.pair, band_hz=(signals.cut_off_hz or 0, SAMPLE_RATE // 2))


def _dnsmos(signals: Signals, parts: Mapping[str, float]) -> dict[str, float]:
    return metrics.dnsmos(estimate=signals.estimate, sample_rate=SAMPLE_RATE)


def _dnsmos_metric(name: str, title: str, meaning: str) -> Metric:
    return Metric(
        name, title, meaning, "higher", _dnsmos, group="dnsmos", intrusive=False,
        packages=("speechmos", "librosa", "onnxruntime"),
    )  # fmt: skip


_PESQ, _STOI = ("pesq",), ("pystoi", "scipy")
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("pesq_wb", "PESQ-WB", "predicted opinion of listeners, 1.04 … 4.64", "higher", _of(metrics.pesq_wb),
               packages=_PESQ),
        Metric("pesq_nb", "PESQ-NB", "the same in a telephone band, 1.02 … 4.55", "higher", _of(metrics.pesq_nb),
               packages=_PESQ),
        Metric("stoi", "STOI", "how much can be understood, 0 … 1", "higher", _of(metrics.stoi), packages=_STOI),
        Metric("estoi", "ESTOI", "the same, also where noise comes and goes, 0 … 1", "higher", _of(metrics.estoi),
               packages=_STOI),
        Metric("si_sdr_db", "SI-SDR (dB)", "speech over all else, at any gain", "higher", _of(metrics.si_sdr_db)),
        Metric("sdr_db", "SDR (dB)", "speech over all else, through any short filter", "higher", _of(metrics.sdr_db),
               packages=("fast_bss_eval",)),
        Metric("snr_db", "SNR (dB)", "speech over every difference, gain included", "higher", _of(metrics.snr_db)),
        Metric("segmental_snr_db", "segSNR (dB)", "SNR frame by frame, −10 … 35", "higher",
               _of(metrics.segmental_snr_db)),
        Metric("csig", "CSIG", "predicted opinion of the speech, 1 … 5", "higher",
               lambda signals, parts: csig_of(pesq=parts["pesq_wb"], llr=parts["llr"], wss=parts["wss"]),
               parts=("pesq_wb", "llr", "wss")),
        Metric("cbak", "CBAK", "predicted opinion of the background, 1 … 5", "higher",
               lambda signals, parts: cbak_of(
                   pesq=parts["pesq_wb"], wss=parts["wss"], segmental_snr_db=parts["segmental_snr_db"]),
               parts=("pesq_wb", "wss", "segmental_snr_db")),
        Metric("covl", "COVL", "predicted opinion of the whole, 1 … 5", "higher",
               lambda signals, parts: covl_of(pesq=parts["pesq_wb"], llr=parts["llr"], wss=parts["wss"]),
               parts=("pesq_wb", "llr", "wss")),
        Metric("llr", "LLR", "distance of spectral envelopes", "lower", _of(metrics.llr)),
        Metric("wss", "WSS", "distance of spectral slopes", "lower", _of(metrics.wss)),
        Metric("lsd", "LSD", "distance of spectra in decades of power", "lower", _of(metrics.lsd)),
        Metric("lsd_below", "LSD below the cut-off", "the same in the band that came in", "lower", _lsd_below,
               needs_cut_off=True),
        Metric("lsd_above", "LSD above the cut-off", "the same in the band that was lost", "lower", _lsd_above,
               needs_cut_off=True),
        Metric("pd_deg", "PD (°)", "error of the phase where there is speech; 90 is chance", "lower",
               _of(metrics.pd_deg)),
        Metric("pd_up_to_polarity_deg", "PD up to polarity (°)", "the same, whichever sign", "lower",
               lambda signals, parts: min(parts["pd_deg"], 180 - parts["pd_deg"]), parts=("pd_deg",)),
        Metric("pd_up_to_rotation_deg", "PD up to a rotation (°)", "the same after the best rotation", "lower",
               _of(metrics.pd_up_to_rotation_deg)),
        Metric("wopd_rad", "WOPD (rad)", "error of the phase and of its differences to all neighbours", "lower",
               _of(metrics.wopd_rad)),
        Metric("ip_rad", "IP (rad)", "error of the phase, every bin alike; 1.57 is chance", "lower",
               _of(metrics.ip_rad)),
        Metric("gd_rad", "GD (rad)", "error of the group delay, every bin alike", "lower", _of(metrics.gd_rad)),
        Metric("iaf_rad", "IAF (rad)", "error of the instantaneous frequency, every bin alike", "lower",
               _of(metrics.iaf_rad)),
        *(Metric(f"level_{low // 1000}_{high // 1000}_khz", f"level {low // 1000}–{high // 1000} kHz (dB)",
                 "energy beside the reference: below 0 speech was taken, above noise is left", "zero",
                 _band_level((low, high))) for low, high in BANDS),
        _dnsmos_metric("dnsmos_ovrl", "DNSMOS OVRL", "predicted opinion of the whole, without a reference, 1 … 5"),
        _dnsmos_metric("dnsmos_sig", "DNSMOS SIG", "the same of the speech"),
        _dnsmos_metric("dnsmos_bak", "DNSMOS BAK", "the same of the background"),
        _dnsmos_metric("dnsmos_p808", "DNSMOS P.808", "predicted opinion of the whole by another network, 1 … 5"),
    )
}  # fmt: skip


def chosen_metrics(wanted: str, *, has_reference: bool, has_cut_off: bool = False) -> list[Metric]:
    """The metrics that a user asks for.

    Args:
        wanted: `all`, `quick`, or names with commas between.
        has_reference: whether there are clean recordings.
        has_cut_off: whether any item says where its band ends.

    Returns:
        In the order of the catalogue; each once.

    Raises:
        EvaluationError: if a name is unknown, or a metric needs what is not there.
    """
    possible = [metric for metric in METRICS.values() if has_reference or not metric.intrusive]
    if wanted == "all":
        return [metric for metric in possible if has_cut_off or not metric.needs_cut_off]
    if wanted == "quick":
        return [metric for metric in possible if metric.name in QUICK] or possible
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if unknown := [name for name in names if name not in METRICS]:
        raise EvaluationError(
            f"there is no metric {', '.join(unknown)}; --metrics {wanted}; there are: {', '.join(METRICS)}"
        )
    if not names:
        raise EvaluationError(
            f"no metric is named; --metrics {wanted!r}; take quick, all, or some of: {', '.join(METRICS)}"
        )
    if absent := [name for name in names if METRICS[name].intrusive and not has_reference]:
        raise EvaluationError(
            f"{', '.join(absent)} compare with a clean recording; there is no --reference; name the folder of the "
            f"clean ones, or take: {', '.join(metric.name for metric in possible)}"
        )
    return [METRICS[name] for name in METRICS if name in names]


def with_parts(chosen: Sequence[Metric]) -> list[Metric]:
    """The metrics and all that they are computed from, parts first."""
    found: dict[str, Metric] = {}

    def add(metric: Metric) -> None:
        for part in metric.parts:
            add(METRICS[part])
        found.setdefault(metric.name, metric)

    for metric in chosen:
        add(metric)
    return list(found.values())


@cache
def metric_version(name: str) -> str:
    """What a kept value must have been computed with: the version of the own code, and those of the packages."""
    metric = METRICS[name]
    versions = [f"{package} {installed_version(package)}" for package in metric.packages]
    return "; ".join([str(metric.version), *versions, *(f"{part}: {metric_version(part)}" for part in metric.parts)])


def check_packages(chosen: Sequence[Metric]) -> None:
    """Raises an error if a package is missing, before any work.

    Args:
        chosen: the metrics that shall be computed.

    Raises:
        EvaluationError: if a package is missing.
    """
    packages = dict.fromkeys(package for metric in with_parts(chosen) for package in metric.packages)
    if missing := [package for package in packages if installed_version(package) is None]:
        raise EvaluationError(
            f"scoring needs {', '.join(missing)}, not installed here; metrics {', '.join(m.name for m in chosen)}; "
            f"install: pip install 'rephase[eval]'"
        )


def installed_version(package: str) -> str | None:
    """The installed version of a package; None where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
