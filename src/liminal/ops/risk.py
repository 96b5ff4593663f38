"""Does low support predict bad decodings? Latents of several kinds, and support held against what they decode
to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..distances import nearest
from ..errors import LiminalError
from ..generator import Generator
from ..tensors import in_chunks, rng
from .directions.probes import Frame
from .support import Support, checked_errors, checked_latents
from .ways import mixing

PARTS = ("between", "within")  # kinds of midpoints


def sources(
    z: Tensor,
    mean: Tensor,
    draws: Mapping[str, Tensor] | None = None,
    labels: Sequence[Any] | None = None,
    seed: int = 0,
    most: int = 500,
) -> dict[str, Tensor]:
    """Latents of several kinds, real and doubtful ones, by name.

    Args:
        z: (n, d), of real items, held-out ones if it is a fair test that is wanted; 2 or more.
        mean: (d,), of the training latents.
        draws: more of them, such as samples of the prior, by name.
        labels: (n,), classes of the items.
        seed: of the choices.
        most: latents of each kind.

    Returns:
        ``real``; ``shuffled`` (each coordinate from another item); ``stretched`` (1.5 times as far from the
        mean); ``midpoints`` of pairs of items and ``mixed`` ones (`mixing.mix`); with labels also midpoints
        ``between`` and ``within`` classes; the draws.

    Raises:
        LiminalError: there are fewer than 2 items, or the labels do not fit them.
    """
    z = checked_latents(z, "z", len(mean))
    if len(z) < 2:
        raise LiminalError(f"support: {len(z)} items; wanted 2 or more to shuffle and to mix")
    if labels is not None and len(labels) != len(z):
        raise LiminalError(f"support: {len(labels)} labels for {len(z)} items; wanted one for each")
    generator, n = rng(seed), len(z)
    shuffled = torch.stack([z[torch.randperm(n, generator=generator), j] for j in range(z.shape[1])], 1)
    real = z[torch.randperm(n, generator=generator)[:most]]
    first = torch.randint(n, (20 * most,), generator=generator)
    second = (first + torch.randint(1, n, (20 * most,), generator=generator)) % n
    a, b = z[first[:most]], z[second[:most]]
    found = {
        "real": real,
        "shuffled": shuffled[:most],
        "stretched": mean + 1.5 * (real - mean),
        "midpoints": (a + b) / 2,
    }
    found["mixed"] = mixing.mix(torch.stack([a, b]))
    if labels is not None:
        _, kind = np.unique(np.array([str(label) for label in labels]), return_inverse=True)
        same = torch.from_numpy(kind)[first] == torch.from_numpy(kind)[second]
        for name, pairs in (("between", ~same), ("within", same)):
            if pairs.any():
                found[name] = (z[first[pairs][:most]] + z[second[pairs][:most]]) / 2
    return found | {
        name: checked_latents(value, name, len(mean))[:most] for name, value in (draws or {}).items()
    }


def controls(
    support: Support,
    z: Tensor,
    labels: Sequence[Any] | None = None,
    draws: Mapping[str, Tensor] | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Median support of real and of doubtful latents, by the names of `sources`; real ones have about .5, the
    doubtful ones should be low.

    Shuffled coordinates stay typical only where the latents are independent of each other, dimension by
    dimension: then rightly so.

    Args:
        support: to be tested.
        z: (n, d), of held-out items, best those of ``support.tested``.
        labels: (n,), their classes.
        draws: latents of other sources, such as the prior, by name.
        seed: of the choices.

    Raises:
        LiminalError: as `sources`.
    """
    return {
        name: float(support(value).median())
        for name, value in sources(z, support.mean, draws, labels, seed).items()
    }


def risk_coverage(trust: Tensor, risk: Tensor, limit: float) -> dict[str, Any]:
    """Does low trust predict bad decodings?

    Points are accepted from the most trusted down; at each share accepted (coverage) the risk is the share of
    bad ones among these.

    Args:
        trust: (n,), of decoded points: their support, or anything that rises with it.
        risk: (n,), how far what they decode to is from real items.
        limit: a risk above this is bad.

    Returns:
        JSON-ready: ``auroc`` of low trust for bad, in [0, 1], .5 is chance (None where all or none are bad);
        ``bad``, their share, which is also the area under the curve of a random order; ``area`` under this
        one and ``best``, under that of a perfect order; ``coverage`` and ``risk``: the curve at 20 shares.
        Points of equal trust count as in random order.

    Raises:
        LiminalError: the lengths differ, nothing is given, or there is NaN.

    Source: Geifman & El-Yaniv 2017, Selective classification for deep neural networks.
    """
    p, risk = checked_errors(trust, None, "trust"), checked_errors(risk, None, "risk")
    if len(p) != len(risk) or not len(p):
        raise LiminalError(
            f"risk_coverage: {len(p)} values of trust and {len(risk)} of risk; wanted as many of both, and "
            "some"
        )
    bad = (risk > limit).double()
    rising, place = p.unique(return_inverse=True)
    total = torch.zeros(len(rising), dtype=torch.float64).index_add(0, place, bad)
    level = total / torch.bincount(place)
    n, count = len(bad), torch.arange(1, len(bad) + 1)
    curve = level[place.sort(descending=True).values].cumsum(0) / count
    at = [math.ceil(n * i / 20) for i in range(1, 21)]
    return {
        "auroc": _auroc(-p, bad),
        "bad": float(bad.mean()),
        "area": float(curve.mean()),
        "best": float((bad.sort().values.cumsum(0) / count).mean()),
        "coverage": [i / n for i in at],
        "risk": [float(curve[i - 1]) for i in at],
    }


def _auroc(score: Tensor, bad: Tensor) -> float | None:
    """The chance that a bad one scores higher than a good one, ties half."""
    from scipy.stats import rankdata

    ones = float(bad.sum())
    zeros = len(bad) - ones
    if not ones or not zeros:
        return None
    ranks = torch.from_numpy(rankdata(score.numpy()))
    return (float(ranks[bad > 0].sum()) - ones * (ones + 1) / 2) / (ones * zeros)


def judge(
    support: Support,
    generator: Generator,
    features: Callable[[Tensor], Tensor],
    train: Tensor,
    held: Tensor,
    points: Mapping[str, Tensor],
) -> dict[str, Any]:
    """Support held against what the points decode to: the decoded error is measured without the latent space.

    The risk of a point is the distance of its decoded item from the nearest real training item in a feature
    map; it is bad where that is above the 95th percentile of held-out real items' own distances. Points are
    ranked by `Support.score`, of which support is the p-value: it is 1 / (c + 1) for all that lie beyond
    every calibration item, and cannot tell them apart. Points ``between`` and ``within`` classes are
    midpoints already, and are told of but not counted where those are given.

    How well any distance does among several kinds depends on their mix: stretched points lie far from the
    centre by construction, midpoints near it. So the AUROC within each kind is told as well.

    Args:
        support: to be judged.
        generator: decodes.
        features: x (n, *shape) -> (n, f), such as `measures.eyes.features.fit_features` gives, or a trained
            reader's.
        train: (n, f), features of real training items, best as many as the support was fitted on: where they
            are few, the nearest one is far for every unusual item, well decoded or not.
        held: (m, f), features of real held-out items.
        points: latents by kind, as `sources` gives them.

    Returns:
        `risk_coverage`'s dict, with ``limit``; ``counted``, how many points; ``kinds``: of each its ``bad``
        share, median ``support``, and within it the ``auroc`` of the score and that of the distance from the
        ``centre`` (None where all or none are bad); ``baselines``: the AUROC of the distance from the centre
        (whitened) and of how unusual the norm is among real points (two-sided).

    Raises:
        LiminalError: latents of another width than the space's.
    """
    limit = float(torch.quantile(nearest(train, held, 1)[0][:, 0], 0.95))
    z = torch.cat([checked_latents(value, name, len(support.mean)) for name, value in points.items()])
    kind = np.repeat(list(points), [len(value) for value in points.values()])
    score, p = support.score(z), support(z)
    risk = in_chunks(lambda part: nearest(train, features(generator.decode(part).cpu()), 1)[0][:, 0], z)
    bad = (risk > limit).double()
    centre = Frame(support.points).whiten(support.along(z)).norm(dim=1)
    norms = (support.points @ support.axes.T + support.mean).norm(dim=1).sort().values
    below = torch.searchsorted(norms, z.norm(dim=1)) / len(norms)
    kinds = {}
    for name in points:
        rows = torch.from_numpy(kind == name)
        if rows.any():
            within = {"auroc": _auroc(score[rows], bad[rows]), "centre": _auroc(centre[rows], bad[rows])}
            kinds[name] = {"bad": float(bad[rows].mean()), "support": float(p[rows].median()), **within}
    counted = torch.from_numpy(~np.isin(kind, PARTS) if "midpoints" in points else np.full(len(kind), True))
    return {
        **risk_coverage(-score[counted], risk[counted], limit),
        "limit": limit,
        "counted": int(counted.sum()),
        "kinds": kinds,
        "baselines": {
            "centre": _auroc(centre[counted], bad[counted]),
            "norm": _auroc((below - 0.5).abs()[counted], bad[counted]),
        },
    }
