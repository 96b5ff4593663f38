"""What a report comes to, in a few plain sentences: each says what a measure and its own baselines say, and
nothing where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ..value import Measure
from .glossary import words

LEARNED = 0.02  # share of what differs between items that a model which has learned anything restores
MEAN = "the mean item"  # a baseline
KEPT = 1e-3  # share of the mean item's error below which a baseline keeps everything
EASILY = 0.9  # share of cases, samples and real items, from which most samples are told


def unlearned(explained: float | None) -> str:
    """The sentence about a space that has not learned, by `reconstruction.explained`; empty where it has."""
    if explained is None or not explained < LEARNED:
        return ""
    return (
        "This space has not learned: items that the model never saw come back no closer than the mean item "
        f"is (it restores {_percent(max(explained, 0.0))} of what differs between them). What its distances, "
        "samples and directions show means nothing. Train longer, or look at the data."
    )


def verdict(measures: Sequence[Measure]) -> list[str]:
    """Whether the space has learned nothing; how well items are restored, how real samples look, and whether
    mixtures mean something. What was not measured is left out.

    A measure is better or worse than a baseline where its interval leaves the baseline out, else about the
    same.
    """
    by = {m.name: m for m in measures if math.isfinite(m.value)}
    headline = [m for m in by.values() if words(m.name)[0] == "reconstruction" and m.better == "lower"][:1]
    tell: dict[str, Callable[[Measure], str]] = {
        **{m.name: _restored for m in headline},
        "told_apart": _sampled,
        "betweenness": _mixed,
    }
    found = [said for name, of in tell.items() if name in by and (said := of(by[name]))]
    plain = by["mse"].baseline.get(MEAN, 0.0) if "mse" in by else 0.0
    said = unlearned(1 - by["mse"].value / plain if plain > 0 else None)
    return [said, *found] if said else found


def _restored(m: Measure) -> str:
    base = next((value for name, value in m.baseline.items() if name.startswith("PCA")), 0.0)
    mean = m.baseline.get(MEAN, 0.0)
    if base < KEPT * mean:
        return (
            f"Restoring: items that the model never saw come back with {_percent(m.value / mean)} of the "
            "mean item's error. PCA is no yardstick here: with as many dimensions it keeps everything, since "
            "an item has no more numbers."
        )
    if not base > 0:
        return ""
    side = _side(m, base)
    by = (
        f"{_percent(abs(1 - m.value / base))} {'less' if side < 0 else 'more'} error than"
        if side
        else "about the same error as"
    )
    return (
        f"Restoring: items that the model never saw come back with {by} by PCA with as many dimensions, the "
        "plainest way to do it."
    )


def _sampled(m: Measure) -> str:
    beside = _beside(m.baseline, {"PCA as a generator": "samples of PCA in {}"})
    seem = (
        "They look real to it."
        if _side(m, 0.5) <= 0
        else "Most give themselves away."
        if m.value >= EASILY
        else "Some give themselves away."
    )
    return (
        f"Sampling: a small network tells samples from real items in {_percent(m.value)} of the cases, "
        "where guessing is right in 50 %"
        f"{beside}. {seem}"
    )


def _mixed(m: Measure) -> str:
    known = {"blend": "blends of the data do in {}", "a random real item": "random real items in {}"}
    base = max((m.baseline[name] for name in known if name in m.baseline), default=math.nan)
    if not math.isfinite(base):
        return ""
    found = {
        1: "So mixtures mean something.",
        0: "That is no more than something simpler reaches.",
        -1: "Something simpler reaches more.",
    }
    return (
        "Mixing: what is decoded between two items shows what lies between them, and looks real, in "
        f"{_percent(m.value)} of the cases"
        f"{_beside(m.baseline, known)}. {found[_side(m, base)]}"
    )


def _side(m: Measure, base: float) -> int:
    """1 where a measure lies above a baseline, -1 below, 0 where its interval holds it."""
    low, high = m.interval or (m.value, m.value)
    return (low > base) - (high < base)


def _beside(baseline: Mapping[str, float], known: Mapping[str, str]) -> str:
    told = [
        words.format(_percent(baseline[name]))
        for name, words in known.items()
        if math.isfinite(baseline.get(name, math.nan))
    ]
    return f"; {', '.join(told)}" if told else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
