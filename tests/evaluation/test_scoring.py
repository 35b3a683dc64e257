"""Each value is the metric's own; each that is missing has its reason."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from rephase import metrics
from rephase.evaluation.catalogue import METRICS, EvaluationError, chosen_metrics, metric_version, with_parts
from rephase.evaluation.items import Item
from rephase.evaluation.scoring import Job, score

CHEAP = ("snr_db", "si_sdr_db", "lsd", "pd_deg", "pd_up_to_polarity_deg", "level_2_4_khz")


@pytest.fixture
def write(tmp_path):
    """Writes a recording and says where."""

    def write(name, samples, sample_rate=16000):
        soundfile.write(tmp_path / name, np.asarray(samples).T, sample_rate, "FLOAT")
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def pair(example_audio):
    return tuple(soundfile.read(example_audio / f"dishes-0db.{kind}.flac")[0] for kind in ("clean", "degraded"))


def scored(item, names=CHEAP, **options):
    return score(Job(item, names, **options))


@pytest.fixture
def item(write, pair) -> Item:
    clean, degraded = pair
    return Item("a", write("e.wav", (clean + degraded) / 2), write("c.wav", clean), write("d.wav", degraded))


def test_values_are_those_of_the_metrics(item, pair):
    clean, degraded = pair
    found = scored(item, degraded_metrics=("si_sdr_db",))
    signals = {"reference": clean, "estimate": (clean + degraded) / 2, "sample_rate": 16000}
    assert list(found.values) == [*CHEAP, "degraded.si_sdr_db"]
    assert not found.missing
    for name in ("snr_db", "si_sdr_db", "lsd", "pd_deg"):
        assert found.values[name] == pytest.approx(getattr(metrics, name)(**signals), rel=1e-4)
    level = metrics.band_level_db(**signals, band_hz=(2000, 4000))
    assert found.values["level_2_4_khz"] == pytest.approx(level, rel=1e-4)
    assert found.values["degraded.si_sdr_db"] == pytest.approx(
        metrics.si_sdr_db(reference=clean, estimate=degraded, sample_rate=16000), rel=1e-3
    )
    assert (found.seconds, found.channels, found.delay_ms, found.degraded_delay_ms) == (4, 1, 0, 0)


def test_composites_come_from_their_parts(item, pair):
    pytest.importorskip("pesq")
    clean, degraded = pair
    found = scored(item, ("csig", "cbak", "covl"))
    assert list(found.values) == ["csig", "cbak", "covl"]  # the parts were not asked for
    signals = {"reference": clean, "estimate": (clean + degraded) / 2, "sample_rate": 16000}
    for name, value in found.values.items():
        assert value == pytest.approx(getattr(metrics, name)(**signals), abs=1e-3)


def test_lsd_on_both_sides_of_the_cut_off(item, pair):
    narrow = replace(item, conditions={"band_hz": "4000"})
    found = scored(narrow, ("lsd_below", "lsd_above"))
    signals = {"reference": pair[0], "estimate": (pair[0] + pair[1]) / 2, "sample_rate": 16000}
    assert found.values["lsd_below"] == pytest.approx(metrics.lsd(**signals, band_hz=(0, 4000)), rel=1e-3)
    assert found.values["lsd_above"] == pytest.approx(metrics.lsd(**signals, band_hz=(4000, 8000)), rel=1e-3)


def test_channels_are_scored_one_by_one(write, pair):
    clean, degraded = pair
    both = Item("a", write("e.wav", [degraded, clean]), write("c.wav", [clean, clean]))
    found = scored(both, ("pd_deg", "si_sdr_db"))
    alone = metrics.pd_deg(reference=clean, estimate=degraded, sample_rate=16000)
    assert found.values == {"pd_deg": pytest.approx(alone / 2, rel=1e-3)}
    assert found.missing == {"si_sdr_db": "channel 2: the value is inf"}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda clean, write: {"estimate": write("x.wav", clean[:-2000])}, "more than 0.1 s apart"),
        (lambda clean, write: {"estimate": write("x.wav", [clean, clean])}, "1 channel and estimate 2 channels"),
        (lambda clean, write: {"estimate": write("x.wav", 0 * clean)}, "estimate is silent"),
        (lambda clean, write: {"reference": write("x.wav", 0 * clean)}, "reference is silent"),
        (
            lambda clean, write: {"estimate": write("x.wav", np.where(clean == clean.max(), np.nan, clean))},
            "sample is nan",
        ),
        (
            lambda clean, write: {"reference": write("x.wav", np.where(clean == clean.max(), np.inf, clean))},
            "sample is inf",
        ),
        (lambda clean, write: {"estimate": write("y.wav", clean).with_name("gone.wav")}, "no such file"),
        (
            lambda clean, write: {"estimate": None, "problem": "there is no estimate of this name"},
            "no estimate of this",
        ),
        (lambda clean, write: {"reference": None, "problem": "there is no reference of it"}, "no reference of it"),
        (lambda clean, write: {"reference": None}, "there is no reference"),
    ],
    ids=[
        "length",
        "channels",
        "silence",
        "silent reference",
        "NaN",
        "Inf",
        "gone",
        "no estimate",
        "no reference",
        "alone",
    ],
)
def test_what_can_not_be_compared_is_missing_with_its_reason(damage, reason, item, write, pair):
    found = scored(replace(item, **damage(pair[0], write)), ("si_sdr_db", "pd_deg"))
    assert not found.values
    assert list(found.missing) == ["si_sdr_db", "pd_deg"]
    assert all(reason in text for text in found.missing.values()), found.missing


def test_too_short_for_some_metrics_is_missing_there_alone(item, write, pair):
    pytest.importorskip("pesq")
    short = pair[0][20000:22000]
    small = replace(item, estimate=write("e.wav", 0.5 * short), reference=write("c.wav", short))
    found = scored(small, ("pesq_wb", "estoi", "snr_db"))
    assert found.values == {"snr_db": pytest.approx(6.02, abs=0.01)}
    assert "1/4 of a second" in found.missing["pesq_wb"]
    assert "0.4 s" in found.missing["estoi"]


def test_a_part_that_is_missing_gives_its_reason(item, write, pair):
    found = scored(replace(item, estimate=write("e.wav", 0 * pair[0])), ("pd_up_to_polarity_deg",))
    assert found.missing == {
        "pd_up_to_polarity_deg": "pd_deg, a part of it, is missing: pd_deg is not defined: estimate is silent"
    }


def test_without_a_reference_what_needs_none_has_a_value(write, pair):
    pytest.importorskip("speechmos")
    found = scored(Item("a", write("e.wav", pair[0]), problem="there is no reference of it"), ("dnsmos_ovrl", "snr_db"))
    assert 1 < found.values["dnsmos_ovrl"] < 5
    assert found.missing == {"snr_db": "there is no reference of it"}


def test_a_fault_of_a_package_costs_one_value(item, monkeypatch):
    def fails(signals, parts):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setitem(METRICS, "lsd", replace(METRICS["lsd"], compute=fails))
    found = scored(item, ("lsd", "snr_db"))
    assert found.missing == {"lsd": "lsd failed: ZeroDivisionError: deep inside"}
    assert "snr_db" in found.values


# ---------------------------------------------------------------- the catalogue
def test_names_and_short_words_choose_metrics():
    assert [m.name for m in chosen_metrics("quick", has_reference=True)] == ["pesq_wb", "estoi", "si_sdr_db", "pd_deg"]
    assert {m.name for m in chosen_metrics("all", has_reference=True, has_cut_off=True)} == set(METRICS)
    assert "lsd_above" not in {m.name for m in chosen_metrics("all", has_reference=True)}
    assert {m.group for m in chosen_metrics("all", has_reference=False)} == {"dnsmos"}
    assert {m.group for m in chosen_metrics("quick", has_reference=False)} == {"dnsmos"}
    assert [m.name for m in chosen_metrics(" lsd,pesq_wb, ", has_reference=True)] == ["pesq_wb", "lsd"]


@pytest.mark.parametrize(
    ("wanted", "reason"), [("pesq", "no metric pesq"), (",", "no metric is named"), ("pd_deg", "no --reference")]
)
def test_a_wrong_choice_is_an_error(wanted, reason):
    with pytest.raises(EvaluationError, match=reason):
        chosen_metrics(wanted, has_reference=False)


def test_parts_come_first_and_once():
    names = [metric.name for metric in with_parts([METRICS["covl"], METRICS["csig"], METRICS["pesq_wb"]])]
    assert names == ["pesq_wb", "llr", "wss", "covl", "csig"]


def test_a_version_names_packages_and_parts():
    assert "pesq 0.0.4" in metric_version("pesq_wb")
    assert "wss: 1" in metric_version("csig")
