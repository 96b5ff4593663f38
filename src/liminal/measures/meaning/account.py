"""From lines to measures, and from measures to one page of words: what `meaning` found.

Names: ``betweenness`` (jointly with realism), ``betweenness_alone``, ``realism``, ``monotonicity``,
``midpoint_bias``, ``largest_jump``, all along the way that the page leads with; ``betweenness_along.linear``,
...; ``betweenness.smile``, ... by attribute; ``betweenness_under.folded 64`` and ``control_loss.folded 64``
under the controls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from ..value import Measure
from .betweenness import LEAST, Kind, Line, Point, estimate, overall

WAYS = ("mix", "slerp", "linear")
BESIDE = ("nearest real item", "blend", "PCA", "random weights", "a random real item", "copy of an end")
COARSE = ("a random real item", "copy of an end")  # walked in fewer steps: no monotonicity, no jump
LOST = 0.25  # of betweenness, that makes it a property of the mapping
SAME = 0.02  # of betweenness, that a rotation may change

_Better = Literal["higher", "lower", ""]
_Take = Callable[[Line], Mapping[str, np.ndarray]]
TAKEN: dict[str, tuple[_Take, str, _Better, tuple[float, float], str]] = {
    "betweenness": (
        lambda line: line.between(),
        "",
        "higher",
        (0, 1),
        "share at 1/4, 1/2, 3/4 that lies between the ends and looks real",
    ),
    "betweenness_alone": (
        lambda line: line.between(False),
        "",
        "higher",
        (0, 1),
        "share at 1/4, 1/2, 3/4 that lies between the ends",
    ),
    "monotonicity": (
        lambda line: line.monotone(),
        "",
        "higher",
        (0, 1),
        "net change over total change; 1 never turns back",
    ),
    "midpoint_bias": (
        lambda line: line.bias(),
        "SD",
        "lower",
        (0, math.inf),
        "distance of the middle from the mean of the ends",
    ),
    "largest_jump": (
        lambda line: line.jump(),
        "",
        "lower",
        (0, 1),
        "share of the total change in the largest of the steps",
    ),
}


def measures(
    lines: Mapping[str, Line], way: str, kinds: Mapping[str, Kind], notes: list[str]
) -> list[Measure]:
    """Every measure of the lines.

    Args:
        lines: by name, as `meaning` walks them.
        way: the kind of path that leads: one of the lines.
        kinds: of the attributes.
        notes: what cannot be said is added here.
    """
    lead = lines[way]
    n = lead.real.shape[1]
    found = [
        _measure(name, name, lines, way, None, f"along {way}, {n} pairs, mean over attributes")
        for name in TAKEN
    ]
    share = estimate(lead.realism())
    beside = {name: estimate(lines[name].realism()).value for name in BESIDE if name in lines}
    beside["ends"] = beside.pop("copy of an end")
    found.append(
        Measure(
            "realism",
            share.value,
            interval=share.interval(),
            unit="",
            better="higher",
            baseline=beside,
            note=f"along {way}, at 1/4, 1/2, 3/4",
        )
    )
    for other in WAYS:
        if other in lines:
            e = overall(lines[other].between())
            note = f"{TAKEN['betweenness'][4]}; looks real: {estimate(lines[other].realism()).value:.2f}"
            alone = {"without realism": overall(lines[other].between(False)).value}
            found.append(
                Measure(
                    f"betweenness_along.{other}",
                    e.value,
                    interval=e.interval(),
                    unit="",
                    better="higher",
                    baseline=alone,
                    note=note,
                )
            )
    found += _controlled(lines)
    few = [name for name in kinds if int(lead.apart(name).sum()) < LEAST]
    if few:
        notes.append(
            f"Fewer than {LEAST} pairs differ by half an SD in {', '.join(few)}: nothing is said about it."
        )
    for attribute in kinds:
        for name in ("betweenness", "monotonicity", "midpoint_bias", "largest_jump"):
            if attribute not in few and not (name == "betweenness" and kinds[attribute] == "yes/no"):
                note = f"along {way}, {int(lead.apart(attribute).sum())} pairs, a {kinds[attribute]}"
                found.append(_measure(f"{name}.{attribute}", name, lines, way, attribute, note))
    return found


def _measure(
    title: str, name: str, lines: Mapping[str, Line], way: str, attribute: str | None, note: str
) -> Measure:
    take, unit, better, bounds, what = TAKEN[name]
    names = None if attribute is None else [attribute]
    value = overall(take(lines[way]), names)
    coarse = name in ("monotonicity", "largest_jump")
    others = {other: lines[other] for other in BESIDE if other in lines and not (coarse and other in COARSE)}
    beside = {
        other: e.value
        for other, line in others.items()
        if math.isfinite((e := overall(take(line), names)).value)
    }
    return Measure(
        title,
        value.value,
        interval=value.interval(bounds),
        unit=unit,
        better=better,
        baseline=beside,
        note=f"{what}; {note}",
    )


def _controlled(lines: Mapping[str, Line]) -> list[Measure]:
    found = []
    for name in lines:
        control, _, way = name.partition(" / ")
        if not way or control == "none":
            continue
        plain = overall(lines[f"none / {way}"].between())
        under = overall(lines[name].between())
        loss = plain.minus(under)
        over = control if way == "mix" else f"{control}, {way}"
        note = f"pairs of draws along {way}; the same ends, coded anew"
        found.append(
            Measure(
                f"betweenness_under.{over}",
                under.value,
                interval=under.interval(),
                unit="",
                better="",
                baseline={"no control": plain.value},
                note=note,
            )
        )
        found.append(
            Measure(
                f"control_loss.{over}",
                loss.value,
                interval=loss.interval((-1, 1)),
                unit="",
                better="",
                baseline={},
                note=note,
            )
        )
    return found


def words(
    found: Sequence[Measure],
    lines: Mapping[str, Line],
    way: str,
    curves: Mapping[str, Sequence[Point]],
    in_noise: bool,
    notes: Sequence[str],
) -> str:
    """One page that answers in plain sentences: do mixtures mean something, compared with what, how far, and
    because of what.
    """
    by = {m.name: m for m in found}
    parts = [
        _middle(by, way),
        _steps(by, way),
        _kinds(by),
        _attributes(by),
        _reach(curves),
        _cause(by, in_noise),
    ]
    parts += [" ".join(notes)] if notes else []
    return "\n\n".join(part for part in parts if part)


def _middle(by: Mapping[str, Measure], way: str) -> str:
    m, alone, real = by["betweenness"], by["betweenness_alone"], by["realism"]
    if not math.isfinite(m.value):
        return (
            "Too few pairs of decoded items differ in anything that is read: nothing can be said about "
            "mixtures. A decoder that makes "
            "much the same of every latent looks like this."
        )
    text = (
        f"Do mixtures mean something? In this space what lies between two items ({way}) lies between them "
        "in what it shows, and looks "
        f"real, in {_percent(m)} of the cases"
    )
    beside = {
        "nearest real item": "the nearest real item",
        "PCA": "PCA",
        "random weights": "a decoder of random weights",
    }
    told = [f"{label} {_p(m.baseline[name])}" for name, label in beside.items() if name in m.baseline]
    if "blend" in m.baseline:
        told.append(
            f"a blend of the data {_p(m.baseline['blend'])}: {_p(alone.baseline['blend'])} of the blends "
            "lie between, "
            f"but only {_p(real.baseline['blend'])} of them look real"
        )
    told.append(f"a random real item, which is chance, {_p(m.baseline['a random real item'])}")
    return (
        f"{text}; {', '.join(told)}. Realism left aside it is {_p(alone.value)}; {_p(real.value)} of what "
        "lies between looks real, "
        f"of the decoded items themselves {_p(real.baseline['ends'])}."
    )


def _steps(by: Mapping[str, Measure], way: str) -> str:
    monotone, jump, bias = by["monotonicity"], by["largest_jump"], by["midpoint_bias"]
    if not math.isfinite(jump.value):
        return ""
    beside = (
        f"{jump.baseline['blend']:.2f} in a blend of the data, {jump.baseline['nearest real item']:.2f} "
        "among the nearest real items"
    )
    return (
        f"How smoothly? Along {way} the largest of the steps takes {jump.value:.2f} of the change "
        f"({beside}; copying one end, then the "
        f"other, would take 1 and be between for nothing), net change is {monotone.value:.2f} of all "
        "change, and the middle is "
        f"{bias.value:.2f} SD from the mean of the ends."
    )


def _kinds(by: Mapping[str, Measure]) -> str:
    told = [(name, by[f"betweenness_along.{name}"]) for name in WAYS if f"betweenness_along.{name}" in by]
    each = [
        f"{name} {_percent(m)} ({_p(m.baseline['without realism'])} without realism)"
        for name, m in told
        if math.isfinite(m.value)
    ]
    return f"By kind of path: {', '.join(each)}." if each else ""


def _attributes(by: Mapping[str, Measure]) -> str:
    each = sorted(
        ((m.value, name.partition(".")[2]) for name, m in by.items() if name.startswith("betweenness.")),
        reverse=True,
    )
    if len(each) < 2:
        return ""
    shown = each if len(each) <= 6 else each[:3] + each[-3:]
    best, worst = shown[: len(shown) // 2], shown[len(shown) // 2 :]
    name = lambda rows: ", ".join(f"{label} {_p(value)}" for value, label in rows)
    return f"By attribute it holds best for {name(best)}, and least for {name(worst)}."


def _reach(curves: Mapping[str, Sequence[Point]]) -> str:
    told = []
    for way, points in curves.items():
        known = [p for p in points if math.isfinite(p.betweenness)]
        if len(known) < 2:
            continue
        best = max(p.betweenness for p in known)
        good = [p for p in known if p.betweenness >= 0.8 * best]
        usual = min(known, key=lambda p: abs(p.quantile - 0.5))
        told.append(
            f"along {way} {_p(usual.betweenness)} for pairs at the median radius ({usual.radius:.2g}), "
            f"{_p(known[0].betweenness)} at "
            f"radius {known[0].radius:.2g} and {_p(known[-1].betweenness)} at {known[-1].radius:.2g}, where "
            f"{_p(known[-1].ends)} of the "
            f"ends look real; at least four fifths of the best from radius {good[0].radius:.2g} to "
            f"{good[-1].radius:.2g}"
        )
    return f"How far from the origin? {'; '.join(told)[:1].upper()}{'; '.join(told)[1:]}." if told else ""


def _cause(by: Mapping[str, Measure], in_noise: bool) -> str:
    under = {
        name.partition(".")[2]: m
        for name, m in by.items()
        if name.startswith("betweenness_under.") and math.isfinite(m.value)
    }
    folded = [name for name in under if name.startswith("folded") and "," not in name]
    if not folded:
        return ""
    plain = under[folded[0]].baseline["no control"]
    where = "the noise of the latent flow" if in_noise else "the prior"
    text = (
        f"Mapping or prior? Between draws of {where}, mixed by the prior's own rule, it is {_p(plain)}. "
        "Where the neighbourhoods are "
        "destroyed, while the prior, the ends and the distribution of all that is decoded stay exactly as "
        "they are, it is "
    )
    text += " and ".join(f"{_percent(under[name])} (k = {name.split()[1]})" for name in folded)
    if (turned := under.get("rotated")) is not None:
        text += f"; under a rotation {_p(turned.value)}"
    if (smooth := under.get("smooth, linear")) is not None:
        text += (
            f"; along straight lines {_p(smooth.baseline['no control'])}, and {_p(smooth.value)} in a cube "
            "onto which the normal is "
        )
        text += "smoothly mapped"
    return f"{text}. {_verdict(by, folded[-1])}"


def _verdict(by: Mapping[str, Measure], folded: str) -> str:
    loss = by[f"control_loss.{folded}"]
    turned = by.get("control_loss.rotated")
    if turned is not None and abs(turned.value) > SAME:
        return (
            f"The rotation changed it by {abs(turned.value):.3f}, which it should not: do not trust the "
            "comparison."
        )
    assert loss.interval is not None
    if loss.interval[0] <= 0:
        return "It does not fall: what mixtures mean here is no more than chance and the prior give."
    much = (
        "a property of the mapping, not of the prior"
        if loss.value >= LOST
        else "in part a property of the mapping: the loss is small"
    )
    return f"It falls by {loss.value:.2f} ({loss.interval[0]:.2f} to {loss.interval[1]:.2f}): it is {much}."


def _p(value: float) -> str:
    return f"{100 * value:.0f} %" if math.isfinite(value) else "not known"


def _percent(m: Measure) -> str:
    return (
        _p(m.value)
        if m.interval is None
        else f"{_p(m.value)} ({100 * m.interval[0]:.0f} to {100 * m.interval[1]:.0f})"
    )
