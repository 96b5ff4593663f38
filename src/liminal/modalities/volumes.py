"""What can be read from volumes y (n, 1, s, s, s) of shares by x, y and z: errors, features, readings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

SURE = 1e-6
BLUR = 0.8  # how much of a volume blur may take, at most


def errors(x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """1 - IoU and IoU of what is solid by a half or more, and the cross-entropy of a cell in nats less the
    entropy of its true share: (n,) float64 each. Two empty volumes are alike.
    """
    a, b = (x >= 0.5).flatten(1), (y >= 0.5).flatten(1)
    both, either = (a & b).sum(1).double(), (a | b).sum(1).double()
    iou = torch.where(either > 0, both / either.clamp_min(1), 1.0)
    x, y = x.double().flatten(1), y.double().flatten(1).clamp(SURE, 1 - SURE)
    own = torch.special.xlogy(x, x) + torch.special.xlogy(1 - x, 1 - x)
    bce = (own - x * y.log() - (1 - x) * (1 - y).log()).mean(1)
    return {"unlike": 1 - iou, "iou": iou, "bce": bce}


def softened(y: Tensor, draw: torch.Generator) -> Tensor:
    """y with blur of a strength that is drawn for each: up to 0.8 of it is the mean about a cell."""
    much = BLUR * torch.rand(len(y), generator=draw).to(y).view(-1, 1, 1, 1, 1)
    return y + much * (F.avg_pool3d(y, 3, 1, 1) - y)


def features(y: Tensor) -> Tensor:
    """(n, 2048 at 32^3): means of blocks of 4^3 cells, silhouettes from the front, from above and from the
    right, a quarter as wide each, as they differ less, and where surfaces lie.
    """
    blocks = F.avg_pool3d(y, 4).flatten(1)
    sides = [F.avg_pool2d(y.amax(axis), 2).flatten(1) for axis in (2, 3, 4)]
    edges = [F.avg_pool3d(y.diff(dim=axis).abs(), 4, ceil_mode=True).flatten(1) for axis in (2, 3, 4)]
    return torch.cat([blocks, *(0.25 * side for side in sides), *edges], 1)


def readings(y: Tensor) -> dict[str, Tensor]:
    """What anybody can read from shapes, (n,) each:

    - ``volume``: in percent of the grid;
    - ``width``, ``height``, ``depth``: in percent of its side;
    - ``symmetry``: IoU with its mirror image, left to right, of soft shares, in percent;
    - ``parts``: that do not touch over faces of cells;
    - ``surface``: its area, as a multiple of that of a cube of the same volume;
    - ``balance``: the height of the centre of mass, in percent of the shape's own height.
    """
    v = y[:, 0].float()
    side = v.shape[1]
    total = v.flatten(1).sum(1).clamp_min(1e-6)
    across = {
        name: v.amax(tuple(k for k in (1, 2, 3) if k != axis))
        for name, axis in (("width", 1), ("height", 2), ("depth", 3))
    }
    mirrored = v.flip(1)
    same = torch.minimum(v, mirrored).flatten(1).sum(1)
    faces = sum(v.diff(dim=axis).abs().flatten(1).sum(1) for axis in (1, 2, 3))
    at = (torch.arange(side, device=v.device) + 0.5) / side
    mean = (v.sum((1, 3)) * at).sum(1) / total
    tall = across["height"].sum(1).clamp_min(1e-6) / side
    low = 1 - _highest(across["height"].flip(1))
    return {
        "volume": 100 * total / side**3,
        **{name: 100 * seen.sum(1) / side for name, seen in across.items()},
        "symmetry": 100 * same / (2 * total - same).clamp_min(1e-6),
        "parts": torch.tensor([float(_count(item)) for item in (v >= 0.5).cpu().numpy()]).to(v),
        "surface": faces / (6 * total ** (2 / 3)),
        "balance": 100 * ((mean - low) / tall).clamp(0, 1),
    }


def _highest(seen: Tensor) -> Tensor:
    """Where the last cells lie that are seen: (n, s) -> (n,) in [0, 1]."""
    at = torch.arange(1, seen.shape[1] + 1, device=seen.device)
    return ((seen >= 0.5) * at).amax(1) / seen.shape[1]


def _count(solid) -> int:  # type: ignore[no-untyped-def]
    from scipy import ndimage

    return int(ndimage.label(solid)[1])
