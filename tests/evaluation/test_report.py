"""The files of a report: whole, true to the scores, and the page without a word from outside."""

import base64
import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from rephase.evaluation.items import Item
from rephase.evaluation.report import scores_csv, summary, summary_text, verdict, write_report
from rephase.evaluation.results import Results
from rephase.evaluation.scoring import Scored

pytest.importorskip("matplotlib")


@pytest.fixture
def results() -> Results:
    """Twenty items of which one has no value; PD falls by 5 on all but one, SI-SDR is missing for the degraded one."""
    items, scores = [], []
    for number in range(20):
        conditions = {"snr_db": str([-5, 0, 10, 5][number % 4]), "speaker": f"unique <{number}>"}
        items.append(Item(f"i{number:02}", conditions=conditions))
        values = {"degraded.pd_deg": 30.0 + number, "pd_deg": 25.0 + number, "si_sdr_db": float(number)}
        scored = Scored(f"i{number:02}", values, {"degraded.si_sdr_db": "no reason"}, 4.0, 1, 0.0, -1.0)
        scored.hashes = {"reference": f"{number:064x}"}
        scores.append(scored)
    scores[7].values = {"degraded.pd_deg": 37.0}
    scores[7].missing = {"pd_deg": "estimate <silent>, alas", "si_sdr_db": "x", "degraded.si_sdr_db": "y"}
    scores[3].values["pd_deg"] = 40.0
    scores[3].delay_ms = 12.5
    return Results(
        "my <system>", items, scores, ["si_sdr_db", "pd_deg"], True, {"aligned": "no", "references": "a & b"}
    )


def test_a_row_an_item_with_missing_and_its_reasons(results):
    rows = list(csv.DictReader(io.StringIO(scores_csv(results))))
    assert len(rows) == 20
    assert rows[7]["pd_deg"] == "missing"
    assert rows[7]["degraded.pd_deg"] == "37"
    assert "pd_deg: estimate <silent>, alas" in rows[7]["reasons"]
    assert rows[3]["delay_ms"] == "12.5"
    assert rows[0]["snr_db"] == "-5"
    assert rows[2]["reference_sha256"] == f"{2:064x}"
    assert {row["degraded.si_sdr_db"] for row in rows} == {"missing"}


def test_the_summary_counts_what_is_missing_and_leaves_it_out_of_means(results):
    found = json.loads(json.dumps(summary(results), allow_nan=False))
    pd = found["metrics"]["pd_deg"]
    assert (pd["estimate"]["count"], pd["estimate"]["missing"]) == (19, 1)
    values = [25.0 + number for number in range(20) if number not in (3, 7)] + [40.0]
    assert pd["estimate"]["mean"] == pytest.approx(np.mean(values))
    assert (pd["change"]["wins"], pd["change"]["losses"]) == (18, 1)
    assert found["metrics"]["si_sdr_db"]["degraded"]["mean"] is None
    assert list(found["conditions"]) == ["snr_db"]  # twenty speakers are no breakdown
    assert list(found["conditions"]["snr_db"]) == ["-5", "0", "5", "10"]
    assert found["conditions"]["snr_db"]["10"]["items"] == 5
    assert {"item": "i07", "column": "pd_deg", "reason": "estimate <silent>, alas"} in found["missing"]
    assert "1 don't, from +12.5 to +12.5 ms" in found["alignment"]


def test_the_text_says_who_is_better(results):
    results.metrics = ["pd_deg"]
    assert re.match(
        r"my <system> takes PD \(°\) from 39\.63 to \d\d\.\d\d over 19 items: -4\.368, 95 % interval .*; "
        r"better on 18, worse on 1\.",
        verdict(results),
    )
    text = summary_text(results)
    assert "| PD (°) ↓ | 19 | 1 |" in text
    assert "## By snr_db" in text
    assert "| i07 | pd_deg | estimate <silent>, alas |" in text


class Page(HTMLParser):
    """Everything a page refers to, and its text."""

    def __init__(self, text):
        super().__init__()
        self.references, self.text, self.open = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.references += [
            value for name, value in attributes if name in ("src", "href", "xlink:href", "srcset", "data")
        ]

    def handle_data(self, data):
        self.text += data


def test_the_page_is_whole_and_refers_to_nothing_outside(results, tmp_path):
    write_report(results, tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert all(reference.startswith(("#", "data:")) for reference in page.references)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttp", text)
    assert "my <system>" in page.text  # escaped in the source
    assert "<system>" not in text
    assert "estimate <silent>, alas" in page.text
    assert "4 values of" not in page.text
    assert "22 values of 20 items are missing" in page.text
    assert text.count("<svg") == 3


def test_dollars_in_names_are_no_formulas(results, tmp_path):
    rooms = [r"run_$\a$", "x$_$", r"a\$b"]
    items = [replace(item, conditions={r"r$\q$": rooms[number % 3]}) for number, item in enumerate(results.items)]
    write_report(replace(results, system=r"$\system$", items=items), tmp_path)
    plots = "".join(re.findall(r"<svg.*?</svg>", (tmp_path / "index.html").read_text(encoding="utf-8"), re.DOTALL))
    for name in (r"$\system$", r"r$\q$", *rooms):
        assert f">{name}<" in plots


def test_the_page_plays_best_and_worst(scored, folders, tmp_path):
    items, scores = scored
    results = Results("half", items, scores, ["si_sdr_db", "pd_deg"], True)
    write_report(results, tmp_path / "report", examples=1)
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    sounds = re.findall(r'src="data:audio/flac;base64,([^"]+)"', text)
    assert len(sounds) == 2 * 3
    waveform, sample_rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0])))
    best = max(scores, key=lambda scored: scored.values["si_sdr_db"] - scored.values["degraded.si_sdr_db"])
    degraded, _ = soundfile.read(folders["noisy"] / f"{best.name}.flac")
    assert sample_rate == 16000
    assert waveform == pytest.approx(degraded, abs=1e-4)
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    assert len(pictures) == 2
    assert base64.b64decode(pictures[0]).startswith(b"\x89PNG")


@pytest.mark.parametrize("has_degraded", [False, True])
def test_a_report_without_any_value_says_so(tmp_path, has_degraded):
    missing = {"pd_deg": "no"} | ({"degraded.pd_deg": "no"} if has_degraded else {})
    results = Results("s", [Item("a")], [Scored("a", missing=missing)], ["pd_deg"], has_degraded)
    write_report(results, tmp_path)
    assert "No metric has a value" in (tmp_path / "summary.md").read_text()
    assert f"{len(missing)} values of 1 item are missing" in Page((tmp_path / "index.html").read_text()).text
