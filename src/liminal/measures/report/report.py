"""A report: the measures of one generator, in JSON, as rows of a table and as a page that a newcomer can
read.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import LiminalError
from ...files import atomic_bytes
from ...show import page as html
from ..value import Measure
from .dimension_cards import Card
from .glossary import GROUPS, WORDS, words
from .mixtures import in_detail
from .verdict import verdict

__all__ = ["GROUPS", "WORDS", "Report", "show", "words"]


def show(value: float, unit: str = "") -> str:
    """A number as people write it: three figures, no exponent where that is readable."""
    if not math.isfinite(value):
        return "not finite"
    size = abs(value)
    if value == round(value) or size >= 100:
        text = f"{value:,.0f}"
    elif size >= 1e-4:
        text = f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"
    else:
        text = f"{value:.1e}"
    return f"{text} {unit}" if unit and unit not in ("×",) else f"{text}{unit}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `measure` found.

    Attributes:
        measures: in the order of the page.
        figures: PNG bytes by name: ``reconstructions`` (originals, reconstructions and PCA in three rows),
            ``samples``, ``real``; ``ways`` and ``controls`` of mixtures.
        kl_per_dimension: mean over items, in nats, (d,); empty where the posterior has no KL or it does not
            split.
        facts: what was measured on: ``held``, ``train``, ``samples``, ``dim``, ``seed``, ``model``,
            ``modality``.
        notes: what was left out, and why.
        dimensions: a card for each of the most used latent dimensions, most used first.
        meaning: what mixtures mean, one page of plain sentences; empty where it was not measured.
    """

    measures: Sequence[Measure]
    figures: Mapping[str, bytes] = field(default_factory=dict)
    kl_per_dimension: Sequence[float] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    dimensions: Sequence[Card] = ()
    meaning: str = ""

    def __getitem__(self, name: str) -> Measure:
        """The measure of that name.

        Raises:
            KeyError: it was not taken.
        """
        for m in self.measures:
            if m.name == name:
                return m
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(m.name == name for m in self.measures)

    def verdict(self) -> list[str]:
        """What it comes to, in a few plain sentences."""
        return verdict(self.measures)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the figures."""
        return {
            "verdict": self.verdict(),
            "measures": [m.to_dict() for m in self.measures],
            "kl_per_dimension": [float(v) for v in self.kl_per_dimension],
            "facts": dict(self.facts),
            "notes": list(self.notes),
            "meaning": self.meaning,
            "dimensions": [card.to_dict() for card in self.dimensions],
        }

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """Rows for a terminal: title, value, interval, which way is better, baselines.

        Details of mixtures are left to the JSON.
        """
        title = {
            m.name: ("Reader: " if m.name.startswith("reader.") else "") + words(m.name)[1]
            for m in self.measures
        }
        return [row(m, title[m.name]) for m in self.measures if not in_detail(m.name)]

    def save(self, path: str | Path) -> None:
        """Write the page (``.html``) or the numbers (``.json``), whole or not at all.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending in (".html", ".htm"):
            atomic_bytes(path, self.page().encode())
        elif ending == ".json":
            atomic_bytes(path, (json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n").encode())
        else:
            raise LiminalError(
                f"save {path}: a report is written as .html (a page) or .json (its numbers); got "
                f"{ending or 'no ending'}"
            )

    def page(self, title: str = "What this latent space is worth") -> str:
        """The page as HTML text: self-contained, light and dark, from 360 pixels of width."""
        facts = self.facts
        shown = [
            (label, f"{facts[key]:,}" if isinstance(facts[key], int) else str(facts[key]))
            for key, label in (
                ("model", "model"),
                ("dim", "latent dimensions"),
                ("held", "held-out items"),
                ("samples", "samples"),
                ("train", "training items"),
                ("seed", "seed"),
            )
            if facts.get(key) is not None
        ]
        lead = (
            "Every number stands beside something simple that it has to beat, and beside its 95 % interval "
            "where it has one: "
            "the whisker on the bar. The items that the model is judged by took no part in its training."
        )
        sections = [self._section(g) for g in GROUPS if any(words(m.name)[0] == g for m in self.measures)]
        if said := self.verdict():
            sections.insert(0, html.Section("In short", "", [html.Points(said)]))
        if self.dimensions:
            strips = [
                html.Figure(
                    c.png, c.text(), f"Items along dimension {c.dimension}", f"Dimension {c.dimension}"
                )
                for c in self.dimensions
            ]
            sections.append(html.Section(*GROUPS["dimensions"], strips))
        if self.notes:
            sections.append(html.Section("Left out, and why", "", [html.Points(self.notes)]))
        return html.page(title, sections, lead, shown)

    def _section(self, group: str) -> html.Section:
        """Figures and meters of a group; a note that most of its measures share is said once, above them."""
        title, intro = GROUPS[group]
        measures = _folded([m for m in self.measures if words(m.name)[0] == group and not in_detail(m.name)])
        for note, count in Counter(m.note for m in measures).items():
            if note and count > 1 and 2 * count > len(measures):
                intro = f"{intro} {note}"
                measures = [replace(m, note="") if m.note == note else m for m in measures]
        blocks: list[html.Block] = [
            html.Figure(self.figures[n], *CAPTIONS[n]) for n in FIGURES.get(group, ()) if n in self.figures
        ]
        if group == "meaning" and self.meaning:
            blocks.append(html.Prose(self.meaning.split("\n\n")))
        blocks += [_meter(m) for m in measures]
        if group == "code" and len(self.kl_per_dimension) > 1:
            caption = (
                "How much each latent dimension tells on average, in order of size. Flat ones tell nothing."
            )
            blocks.append(
                html.Bars(
                    "KL of each dimension", sorted(self.kl_per_dimension, reverse=True), "nats", caption
                )
            )
        return html.Section(title, intro, blocks)


NORMALISED = ".normalised"  # what measures of disentanglement are also told as
FIGURES = {
    "reconstruction": ("reconstructions",),
    "samples": ("samples", "real"),
    "meaning": ("ways", "controls"),
}
CAPTIONS = {
    "reconstructions": (
        "Top: held-out originals. Middle: encoded and decoded. Bottom: the same through PCA with as many "
        "dimensions.",
        "Three rows of items: originals, reconstructions, PCA reconstructions",
    ),
    "ways": (
        "Ways between two held-out items, at 0, 1/4, 1/2, 3/4 and 1: kinds of ways through the space, and "
        "what they have to beat.",
        "Rows of items that turn from one into another",
    ),
    "controls": (
        "The way between two draws, in the space as it is (“none”) and re-arranged by each control. The "
        "ends are the same throughout.",
        "Rows of items that turn from one into another, some by way of strangers",
    ),
    "samples": ("Samples from the latent space, not chosen.", "A grid of generated items"),
    "real": ("Real held-out items, not chosen.", "A grid of real items"),
}


def row(m: Measure, title: str) -> tuple[str, str, str, str, str]:
    """A measure for a terminal: title, value, interval, which way is better, baselines."""
    beside = ", ".join(f"{what} {show(v, m.unit)}" for what, v in m.baseline.items())
    return title, show(m.value, m.unit), _interval(m), m.better, beside


def _interval(m: Measure) -> str:
    return f"{show(m.interval[0])} to {show(m.interval[1])}" if m.interval else ""


def _folded(measures: Sequence[Measure]) -> list[Measure]:
    """Measures with what they are above chance told in their note, instead of as a measure of its own."""
    above = {m.name.removesuffix(NORMALISED): m for m in measures if m.name.endswith(NORMALISED)}
    found = []
    for m in measures:
        if m.name in above:
            of = above[m.name]
            beyond = f"{m.note} Chance taken off, {show(of.value)}" + (
                f" (95 %: {_interval(of)})." if of.interval else "."
            )
            m = replace(m, note=beyond)
        if not (
            m.name.endswith(NORMALISED) and m.name.removesuffix(NORMALISED) in {k.name for k in measures}
        ):
            found.append(m)
    return found


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _meter(m: Measure) -> html.Meter:
    _, title, top, meaning = words(m.name)
    ends = [m.value, *m.baseline.values(), *(m.interval or ())]
    reach = max([v for v in ends if math.isfinite(v)] + [1e-12])
    if top is None or reach > top:
        top = reach * 1.04
    return html.Meter(
        title=title,
        meaning=meaning or _sentence(m.words),
        value=m.value,
        text=show(m.value, m.unit),
        top=top,
        interval=m.interval,
        interval_text=f"95 %: {_interval(m)}" if m.interval else "",
        marks=[(what, v, show(v, m.unit)) for what, v in m.baseline.items()],
        better=m.better,
        note=m.note,
    )
