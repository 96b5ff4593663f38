"""What a group of items has more of than the others, tested, and the name that this gives it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..ops.directions.probes import OFF

ENOUGH = 0.5  # effect from which an attribute gives a cluster its name (a medium one, Cohen 1988)
CERTAIN = 0.01  # p after Bonferroni below which it does
VALUES = 50  # of one category that names are made of, the most frequent ones
SAID = 0.1  # share of a cluster's items that say a word from which it may be in the name, and of all others
# above which it is too common to tell anything (the, and)
WORDS = 3  # of a name

Column = tuple[str, str, np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Enriched:
    """An attribute that a cluster has more (or less) of than the other items.

    Attributes:
        attribute: its name.
        kind: ``category``, ``bool``, ``number`` or ``word``.
        value: of a category the value; of a bool True or False; of a number ``high`` or ``low``; the word
            that items say.
        inside: share of the cluster's items with this value, or their mean.
        outside: the same for all other items.
        effect: Cohen's h, 2 asin sqrt(inside) - 2 asin sqrt(outside), of shares; the difference in standard
            deviations of numbers.
        p: of Fisher's exact test, one-sided (shares), or a z-test, two-sided (means), before correction for
            the number of tests.
    """

    attribute: str
    kind: str
    value: str | bool
    inside: float
    outside: float
    effect: float
    p: float


def columns(attributes: pa.Table | None) -> Iterator[Column]:
    """Name, kind, values (n,) and known (n,) of every attribute."""
    if attributes is None:
        return
    for name in attributes.column_names:
        column = attributes[name]
        given = column.to_pylist()
        known = np.array([v is not None and v == v for v in given], bool)
        if pa.types.is_boolean(column.type):
            yield name, "bool", np.array([bool(v) for v in given]), known
        elif (
            pa.types.is_integer(column.type)
            or pa.types.is_floating(column.type)
            or pa.types.is_decimal(column.type)
        ):
            yield (
                name,
                "number",
                np.array([float(v) if k else 0.0 for v, k in zip(given, known, strict=True)]),
                known,
            )
        else:
            yield (
                name,
                "category",
                np.array([str(v) if k else "" for v, k in zip(given, known, strict=True)]),
                known,
            )


def described(
    columns: Sequence[Column], labels: np.ndarray, words: Sequence[Collection[str]] | None = None
) -> list[tuple[str, tuple[Enriched, ...]]]:
    """Of each group 0, 1, ... in labels (n,): its name, empty where nothing stands out, and what stands out,
    strongest first.

    Args:
        columns: attributes.
        labels: (n,).
        words: what each item says, of kinds of data that say something; the words that a group says more
            often than the others follow its attributes.
    """
    found = [
        [e for column in columns for e in _enriched(*column, labels == c)]
        for c in range(int(labels.max()) + 1)
    ]
    spoken = [[] for _ in found] if words is None else _spoken(words, labels)
    tests = max(1, sum(len(f) for f in found) + sum(len(f) for f in spoken))
    alone = sum(kind == "category" for _, kind, *_ in columns) == 1
    kept = [
        tuple(sorted((e for e in each if _tells(e, tests)), key=lambda e: -abs(e.effect)))
        for each in (*found, *spoken)
    ]
    names = zip(kept[: len(found)], kept[len(found) :], strict=True)
    return [(_named(known, said, alone), known + said) for known, said in names]


def _named(known: Sequence[Enriched], said: Sequence[Enriched], alone: bool) -> str:
    """``mood=good: service, staff``: what is known of a group, and the words that it says."""
    parts = _name(known, alone), ", ".join(str(e.value) for e in said[:WORDS])
    return ": ".join(part for part in parts if part)


def _spoken(words: Sequence[Collection[str]], labels: np.ndarray) -> list[list[Enriched]]:
    """Of each group the words that a tenth of its items say or more, and of the others a tenth or fewer,
    tested against these.
    """
    from scipy import stats

    groups = [Counter[str]() for _ in range(int(labels.max()) + 1)]
    total = Counter[str]()
    for said, c in zip(words, labels.tolist(), strict=True):
        total.update(set(said))
        if c >= 0:
            groups[c].update(set(said))
    out = []
    for c, counts in enumerate(groups):
        size = int((labels == c).sum())
        rest = len(labels) - size
        often = sorted(word for word, count in counts.items() if count >= SAID * size)
        out.append(
            [
                Enriched(
                    attribute="words",
                    kind="word",
                    value=word,
                    inside=counts[word] / size,
                    outside=(total[word] - counts[word]) / max(rest, 1),
                    effect=_h(counts[word] / size, (total[word] - counts[word]) / max(rest, 1)),
                    p=float(stats.hypergeom.sf(counts[word] - 1, len(labels), total[word], size)),
                )
                for word in often
                if total[word] - counts[word] <= SAID * rest
            ]
        )
    return out


def _h(one: float, other: float) -> float:
    """Cohen's h of two shares."""
    return 2 * math.asin(math.sqrt(one)) - 2 * math.asin(math.sqrt(other))


def _tells(e: Enriched, tests: int) -> bool:
    return (abs(e.effect) if e.kind == "number" else e.effect) >= ENOUGH and e.p * tests < CERTAIN


def _enriched(
    name: str, kind: str, values: np.ndarray, known: np.ndarray, inside: np.ndarray
) -> list[Enriched]:
    """Every value of an attribute tested inside a cluster against outside; nothing where one of the two knows
    none.
    """
    from scipy import stats

    here, there = values[inside & known], values[~inside & known]
    if not len(here) or not len(there):
        return []
    if kind == "number":
        spread = float(values[known].std())
        if not spread > 0:
            return []
        step = float(here.mean() - there.mean())
        error = math.sqrt(here.var() / len(here) + there.var() / len(there)) or spread * math.sqrt(
            1 / len(here) + 1 / len(there)
        )
        p = float(2 * stats.norm.sf(abs(step) / error))
        return [
            Enriched(
                attribute=name,
                kind=kind,
                value="high" if step > 0 else "low",
                inside=float(here.mean()),
                outside=float(there.mean()),
                effect=step / spread,
                p=p,
            )
        ]
    out = []
    for value, total in Counter(values[known].tolist()).most_common(VALUES):
        a = int((here == value).sum())
        one, other = a / len(here), (total - a) / len(there)
        effect = _h(one, other)
        p = float(stats.hypergeom.sf(a - 1, int(known.sum()), total, len(here)))
        out.append(
            Enriched(attribute=name, kind=kind, value=value, inside=one, outside=other, effect=effect, p=p)
        )
    return out


def _name(found: Sequence[Enriched], alone: bool, most: int = 3) -> str:
    """``Sandal (94 %)``, ``Pullover (45 %) + Coat (40 %)``, ``hair=bun + short, hat, high smile``; empty for
    nothing.

    Args:
        found: the enriched values, strongest first.
        alone: there is one category only, so that its name need not be said.
        most: attributes.
    """
    parts: dict[str, list[Enriched]] = {}
    for e in found:
        parts.setdefault(e.attribute, []).append(e)
    chosen = list(parts.values())[:most]
    words = []
    for values in chosen:
        values = sorted(values, key=lambda e: -e.inside) if values[0].kind == "category" else values[:1]
        two = len(values) > 1 and values[0].inside < 0.6 and values[1].inside >= 0.2
        texts = [_word(e, alone or i > 0) for i, e in enumerate(values[: 1 + two])]
        if len(chosen) == 1 and values[0].kind != "number":
            texts = [
                f"{text} ({e.inside:.0%})".replace("%", " %") for text, e in zip(texts, values, strict=False)
            ]
        words.append(" + ".join(texts))
    return ", ".join(words)


def _word(e: Enriched, alone: bool) -> str:
    if e.kind == "bool":
        return e.attribute if e.value else f"no {e.attribute}"
    if e.kind == "number":
        return f"{e.value} {e.attribute}"
    if str(e.value).lower() in OFF:
        return f"no {e.attribute}"
    return str(e.value) if alone else f"{e.attribute}={e.value}"
