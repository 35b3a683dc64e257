"""All that an evaluation found, and the views of it that tables, plots and pages share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rephase.evaluation.catalogue import METRICS, Metric
from rephase.evaluation.items import Item
from rephase.evaluation.scoring import DEGRADED, Scored
from rephase.evaluation.statistics import Paired, Summary, compare, summarise

HEADLINES = ("pesq_wb", "estoi", "si_sdr_db", "pd_deg", "lsd", "dnsmos_ovrl")
MOST_HEADLINES = 6
MOST_VALUES = 16  # of a condition that means are broken down by
ALIGNED_MS = 1.0  # a delay up to this is none


@dataclass
class Results:
    """Scores of one system.

    Attributes:
        system: its name.
        items: what was scored; those of a model have their estimates, see `rephase.evaluation.run.with_estimates`.
        scores: one for each item, in the same order.
        metrics: names, in the order of the report.
        has_degraded: whether the degraded recordings are scored too.
        about: what was compared with what, by label.
    """

    system: str
    items: Sequence[Item]
    scores: Sequence[Scored]
    metrics: Sequence[str]
    has_degraded: bool = False
    about: dict[str, str] = field(default_factory=dict)

    @property
    def headlines(self) -> list[Metric]:
        """The metrics that plots show."""
        chosen = [name for name in HEADLINES if name in self.metrics]
        chosen += [name for name in self.metrics if name not in chosen]
        return [METRICS[name] for name in chosen[:MOST_HEADLINES]]

    def values(self, column: str, scores: Sequence[Scored] | None = None) -> list[float]:
        """The values of a column, of the items that have one."""
        return [
            scored.values[column] for scored in (self.scores if scores is None else scores) if column in scored.values
        ]

    def summary(self, column: str, scores: Sequence[Scored] | None = None) -> Summary:
        """Mean, spread and interval of a column, over some of the scores or all."""
        chosen = self.scores if scores is None else scores
        return summarise(self.values(column, chosen), sum(column in scored.missing for scored in chosen))

    def change(self, name: str, scores: Sequence[Scored] | None = None) -> Paired | None:
        """Estimate beside the degraded recording, item by item; None without degraded ones."""
        if not self.has_degraded:
            return None
        chosen = self.scores if scores is None else scores
        both = [scored for scored in chosen if {name, DEGRADED + name} <= scored.values.keys()]
        first, second = ([scored.values[column] for scored in both] for column in (DEGRADED + name, name))
        return compare(first, second, METRICS[name].better)

    @property
    def missing(self) -> list[tuple[str, str, str]]:
        """Item, column and reason of each value that is missing."""
        return [(scored.name, column, reason) for scored in self.scores for column, reason in scored.missing.items()]

    @property
    def columns(self) -> list[str]:
        """All columns of values."""
        return [*self.metrics, *(DEGRADED + name for name in self.metrics if self.has_degraded)]

    def conditions(self) -> dict[str, dict[str, list[Scored]]]:
        """The scores under each value of each condition that has 2 to 16 of them; numbers in their order."""
        names = dict.fromkeys(name for item in self.items for name in item.conditions)
        found: dict[str, dict[str, list[Scored]]] = {}
        for name in names:
            groups: dict[str, list[Scored]] = {}
            for item, scored in zip(self.items, self.scores):
                if name in item.conditions:
                    groups.setdefault(item.conditions[name], []).append(scored)
            if 2 <= len(groups) <= MOST_VALUES:
                found[name] = dict(sorted(groups.items(), key=lambda entry: _order(entry[0])))
        return found

    def ranked(self) -> tuple[Metric | None, list[Scored]]:
        """Scores from best to worst, by the first metric of the headlines: by its change where that is known."""
        for metric in self.headlines:
            keys = {scored.name: self._rank(metric, scored) for scored in self.scores}
            ranked = [scored for scored in self.scores if not math.isnan(keys[scored.name])]
            if ranked:
                return metric, sorted(ranked, key=lambda scored: keys[scored.name], reverse=True)
        return None, []

    def _rank(self, metric: Metric, scored: Scored) -> float:
        def merit(column: str) -> float:
            value = scored.values.get(column, math.nan)
            return {"higher": value, "lower": -value, "zero": -abs(value)}[metric.better]

        return merit(metric.name) - (merit(DEGRADED + metric.name) if self.has_degraded else 0.0)

    def alignment(self) -> str:
        """One sentence on how the estimates lie beside their references; empty without references."""
        delays = [scored.delay_ms for scored in self.scores if scored.delay_ms is not None]
        known = [scored for scored in self.scores if scored.level_db is not None]
        came_so = [
            scored
            for scored in self.scores
            if scored.delay_ms is not None
            and scored.degraded_delay_ms is not None
            and abs(scored.delay_ms) > ALIGNED_MS
            and abs(scored.delay_ms - scored.degraded_delay_ms) <= ALIGNED_MS
        ]
        if not known:
            return ""
        late = sorted(delay for delay in delays if abs(delay) > ALIGNED_MS)
        unsure = len(known) - len(delays)
        text = f"{len(delays) - len(late)} of {len(known)} estimates lie where their references lie (within 1 ms)"
        if late:
            text += f"; {len(late)} don't, from {late[0]:+.1f} to {late[-1]:+.1f} ms (+ is late)"
            text += f", {len(came_so)} of them came in so (a room sounds late too)" if came_so else ""
            text += ", and were moved" if self.about.get("aligned") == "yes" else "; --align would move them"
        if unsure:
            text += f"; {unsure} are too unlike to say"
        return text + "."


def _order(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value
