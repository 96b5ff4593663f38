"""The surface of a field of shares, as a mesh that is closed and whose faces look outwards.

Marching cubes (Lorensen and Cline 1987, in Lewiner's form of 2003) at a share of a half, on a grid twice as
fine: the logits of the shares are interpolated, so that soft edges become no steps. The field is padded with
empty cells, or surfaces at the edge stay open. No value equals the level: scikit-image leaves holes there.
"""

from __future__ import annotations

import numpy as np

FINER = 2
SURE = 2e-3  # shares are kept so far from 0 and 1, whose logits are infinite
TIE = 1e-3


def logits(shares: np.ndarray, finer: int = FINER) -> np.ndarray:
    """Shares (s, s, s) in [0, 1] as logits on a finer grid, (finer s + 2,) * 3, with an empty cell around."""
    import torch
    from torch.nn import functional as F

    field = torch.from_numpy(np.ascontiguousarray(shares, np.float32)).clamp(SURE, 1 - SURE).logit()
    field = F.pad(field, (1,) * 6, value=float(torch.tensor(SURE).logit()))
    fine = F.interpolate(field[None, None], scale_factor=finer, mode="trilinear", align_corners=False)[0, 0]
    # where two cells cancel each other out to a rounding error, rounding must not decide
    fine = torch.where(fine.abs() < TIE, torch.full_like(fine, TIE), fine)
    rest = finer - 1
    return fine[(slice(rest, -rest),) * 3].numpy() if rest else fine.numpy()


def mesh(item: np.ndarray, finer: int = FINER) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface of an item: vertices (n, 3) in [0, 1], y up, faces (m, 3), and normals (n, 3) outwards.

    All three are empty where nothing is solid.

    Args:
        item: uint8 (s, s, s).
        finer: how many times as fine the grid is.
    """
    field = logits(item.astype(np.float32) / 255, finer)
    vertices, faces = marched(field)
    return (vertices - 0.5) / (finer * len(item)), faces, _normals(field, vertices)


def marched(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3), in samples of the field, and faces (m, 3) of where it is 0; empty where it is nowhere
    above."""
    from skimage.measure import marching_cubes

    if field.max() <= 0:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    vertices, faces, _, _ = marching_cubes(field, 0.0, gradient_direction="ascent", allow_degenerate=False)
    return vertices, faces.astype(np.int64)


def _normals(field: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Outwards, from the gradient of a field that was smoothed a little."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(field, 1.0)
    slope = np.stack([ndimage.map_coordinates(g, vertices.T, order=1) for g in np.gradient(smooth)], 1)
    return -slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
