"""Items that stand alone, and items that come twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..distances import nearest
from .landmarks import Around

LONELY, DOUBLE = 20, 1000  # listed in all
SPACING = 10  # neighbours that tell how wide items lie around one
FALSE_PAIRS = 0.05  # near-duplicates that evenly strewn items of the same dimension would show in all

Outliers = tuple[tuple[int, float], ...]
Pairs = tuple[tuple[int, int, float], ...]


def aloneness(z: np.ndarray) -> np.ndarray:
    """How alone each of some latents (n, d), n >= 2, stands: its distance to its 10th nearest (to the
    farthest, where there are fewer) over the median of all, (n,).
    """
    tensor = torch.from_numpy(z)
    spacing = nearest(tensor, tensor, min(SPACING, len(z) - 1))[0][:, -1].numpy()
    return spacing / usual_spacing(spacing)


def usual_spacing(spacing: np.ndarray) -> float:
    """The median of distances, or where most are 0 the least that is not."""
    return float(np.median(spacing)) or float(spacing[spacing > 0].min(initial=1.0))


def loneliest(times: np.ndarray, most: int) -> Outliers:
    """Rows and aloneness of the loneliest, loneliest first."""
    return tuple((int(row), float(times[row])) for row in np.argsort(-times, kind="stable")[:most])


def lonely_and_double(z: np.ndarray, around: Around) -> tuple[Outliers, Pairs, dict[str, Any]]:
    """Outliers, near-duplicates, and what to say of them.

    Where m dimensions are evenly filled around an item, (distance of one of the 9 nearest / that of the 10th)
    ** m is uniform (a Poisson process). A pair is a near-duplicate where that ratio, taken at the denser of
    its two items, is below (.05 / 10 n) ** (1 / m), of which evenly strewn items would show fewer than .05 in
    all; m as Levina & Bickel 2004. Copies always are.
    """
    near = min(SPACING, len(z) - 1)
    if len(around.rest):
        tensor = torch.from_numpy(z)
        far, rows = (t.numpy() for t in nearest(tensor, tensor, near))
    else:
        far, rows = around.far[:, :near], around.near[:, :near]
    spacing = far[:, -1]
    typical = usual_spacing(spacing)
    outliers = loneliest(spacing / typical, min(LONELY, len(z) // 10 or 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(spacing[:, None] / far[:, :-1])
    usual = logs[np.isfinite(logs).all(1)] if near > 2 else logs[:0]
    dimension = (
        min(float(1 / max(np.median(usual.mean(1)), 1e-9)), float(z.shape[1]))
        if len(usual)
        else float(z.shape[1])
    )
    limit = (FALSE_PAIRS / (near * len(z))) ** (1 / max(dimension, 1e-9))
    own = np.repeat(np.arange(len(z)), near).reshape(rows.shape)
    close = (far < limit * np.minimum(spacing[:, None], spacing[rows])) | (far <= 1e-6 * typical)
    pairs = {
        (int(min(a, b)), int(max(a, b))): float(d)
        for a, b, d in zip(own[close], rows[close], far[close], strict=True)
    }
    double = sorted(((a, b, d) for (a, b), d in pairs.items()), key=lambda pair: (pair[2], pair[:2]))
    told = {
        "duplicates": len(double),
        "intrinsic_dimension": dimension,
        "duplicate_within": limit,
        "spacing": typical,
    }
    return outliers, tuple(double[:DOUBLE]), told
