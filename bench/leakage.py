"""What a transfer of style is worth: is the content kept, did the style move, and is the content still read
from the style?
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from liminal.distances import nearest
from liminal.errors import LiminalError
from liminal.ops.style.style import LEAST, Label, Style, latents

MOST_ROWS = 6_000  # that readers learn from, and are judged on
Read = Callable[[Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Scores:
    """What transfers did, read from decoded data.

    Attributes:
        kept: share of the results in which the content read is that of their content item.
        moved: mean over readings of the correlation between result and style item.
        readings: these correlations by name; NaN, left out of the mean, where a reading never varies.
        pairs: how many.
    """

    kept: float
    moved: float
    readings: dict[str, float]
    pairs: int


def score_transfer(
    results: Tensor, contents: Tensor, styles: Tensor, content: Callable[[Tensor], Any], readings: Read
) -> tuple[Scores, Scores, Scores]:
    """Is the content kept and did the style move? Told from decoded data, by readers that know nothing of the
    latents.

    A reading is taken relative to its mean and standard deviation over the items of the same set that show
    the same content, so that a difference between classes counts for nothing.

    Args:
        results: (n, *shape), decoded.
        contents: (n, *shape), the content items decoded, without the transfer.
        styles: (n, *shape), the style items decoded.
        content: decoded data -> classes (n,), names or numbers.
        readings: decoded data -> label-free readings or true factors (n,) by name.

    Returns:
        Scores of the results, and of the trivial baselines: copies of the content items (all kept, nothing
        moved) and copies of the style items (the reverse).

    Raises:
        LiminalError: fewer than 3 pairs, or sets of different sizes.
    """
    if not len(results) == len(contents) == len(styles) >= 3:
        raise LiminalError(
            f"score_transfer: {len(results)} results, {len(contents)} contents, {len(styles)} styles; "
            "wanted as many of each, 3 or more"
        )
    seen = []
    for x in (results, contents, styles):
        classes = np.asarray(content(x))
        seen.append(
            (
                classes,
                {name: _within(np.asarray(v, dtype=np.float64), classes) for name, v in readings(x).items()},
            )
        )
    before, wanted = seen[1][0], seen[2][1]

    def scores(of: tuple[np.ndarray, dict[str, np.ndarray]]) -> Scores:
        found = {name: _correlation(of[1][name], wanted[name]) for name in wanted}
        known = [v for v in found.values() if not np.isnan(v)]
        return Scores(
            float((of[0] == before).mean()),
            float(np.mean(known)) if known else float("nan"),
            found,
            len(results),
        )

    return scores(seen[0]), scores(seen[1]), scores(seen[2])


def _within(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Values (n,) in standard deviations from the mean of their class; 0 where a class does not vary."""
    out = np.zeros(len(values))
    for c in np.unique(classes):
        own = values[classes == c]
        spread = own.std()
        if spread > 1e-9 * (np.abs(own).max() + 1e-300):
            out[classes == c] = (own - own.mean()) / spread
    return out


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, of (n,) and (n,); NaN where either does not vary."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / size) if size > 1e-12 else float("nan")


@dataclass(frozen=True)
class Leakage:
    """How well the content is read from what should not tell it: accuracy on held-out items.

    Attributes:
        chance: of always answering with the commonest class.
        raw: from the latents as they are, by reader: ``linear`` (logistic), ``knn`` (10 neighbours), ``mlp``
            (64 hidden units).
        erased: from LEACE's style part: linear at chance by construction, the others not.
        code: from the style code.
    """

    chance: float
    raw: dict[str, float]
    erased: dict[str, float]
    code: dict[str, float]


def leakage(
    style: Style,
    train_z: Tensor,
    train_labels: Sequence[Label],
    held_z: Tensor,
    held_labels: Sequence[Label],
    seed: int = 0,
) -> Leakage:
    """Can the content be read from the style? By a linear reader, neighbours and a small network, against
    chance and the raw latents.

    Args:
        style: from `fit_style`.
        train_z: (n, d), what readers learn from; at most 6,000 of them, chosen at random.
        train_labels: (n,); None is left out, as are classes that the style does not know.
        held_z: (m, d), what they are judged on; at most as many.
        held_labels: (m,).
        seed: of the choice and of the network.

    Raises:
        LiminalError: no labelled items of two known classes on either side, or shapes that do not fit.
    """
    sides = []
    for what, z, labels in (("training", train_z, train_labels), ("held-out", held_z, held_labels)):
        z = latents(z, "leakage", style.dim)
        if len(labels) != len(z):
            raise LiminalError(
                f"leakage: {len(labels)} labels for {len(z)} {what} latents; wanted one for each"
            )
        rows = np.array(
            [i for i, v in enumerate(labels) if v is not None and str(v) in style.classes], dtype=np.int64
        )
        rows = np.random.default_rng(seed).permutation(rows)[:MOST_ROWS]
        names = [str(labels[i]) for i in rows]
        if len(set(names)) < 2 or len(rows) < 2 * LEAST:
            raise LiminalError(
                f"leakage: {len(rows)} {what} items of {len(set(names))} known classes; wanted {2 * LEAST} "
                "of two or more"
            )
        sides.append((z[torch.from_numpy(rows)], names))
    (z, y), (w, wanted) = sides
    chance = wanted.count(Counter(y).most_common(1)[0][0]) / len(wanted)
    parts = {
        "raw": (z, w),
        "erased": (style.erasure(z), style.erasure(w)),
        "code": (style.code(z, y), style.code(w, wanted)),
    }
    return Leakage(chance, **{name: _read(a, y, b, wanted, seed) for name, (a, b) in parts.items()})


def _read(train: Tensor, labels: list[str], held: Tensor, wanted: list[str], seed: int) -> dict[str, float]:
    """Accuracy of three readers on held-out items."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    centre, spread = train.mean(0), train.std()
    a, b, y = ((train - centre) / spread).numpy(), ((held - centre) / spread).numpy(), np.array(labels)
    k = min(10, len(train))
    votes = y[nearest(torch.from_numpy(a), torch.from_numpy(b), k)[1].numpy()]
    nearest_first = [Counter(row).most_common(1)[0][0] for row in votes.tolist()]
    found = {"knn": float(np.mean(np.array(nearest_first) == np.array(wanted)))}
    readers = {
        "linear": LogisticRegression(max_iter=300),
        "mlp": MLPClassifier((64,), alpha=1e-3, learning_rate_init=3e-3, max_iter=60, random_state=seed),
    }
    for name, reader in readers.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found[name] = float(reader.fit(a, y).score(b, np.array(wanted)))
    return {name: found[name] for name in ("linear", "knn", "mlp")}
