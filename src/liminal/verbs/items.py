"""Items and latents: encode, reconstruct, find the nearest."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from ..core import Core
from ..errors import LiminalError, unknown
from ..ops import filling
from ..ops.geodesics import geodesics
from ..ops.samples import Samples
from ..resolve import Item, all_stored, latent
from ..voice import Voice

METRICS = ("euclidean", "cosine", "decoded", "geodesic")
RANKED = 40  # more items than asked for that are ranked by what they decode to


def encode(space: Core, data: Any) -> Tensor:
    """Latents of items: the posterior means, deterministic, in float32.

    Args:
        data: stored items (n, *modality.item_shape) or one of them, x itself as a tensor (n,
            *modality.shape), or a name or a list of names: a file (with all items in it), ``FILE#n`` (the
            one with number n), a folder, ``"@12"``, one that is typed (``row(age=40)``).

    Returns:
        (n, d).

    Raises:
        LiminalError: the items have another shape, or a file cannot be read.
    """
    if isinstance(data, Tensor):
        return space.generator.encode(data[None] if data.ndim == len(space.modality.shape) else data).cpu()
    return space.encoded(all_stored(space, data))


def reconstruct(space: Core, data: Any, voice: Voice | None = None) -> Samples:
    """Items encoded and decoded, beside the originals.

    What an item lacks, such as a row's empty cell, is filled by the rest of it; see `ops.filling`.

    Args:
        data: as `encode` takes it.
        voice: hears what could not be read; None: the terminal where there is one.
    """
    originals = space.modality.items(data) if isinstance(data, Tensor) else all_stored(space, data, voice)
    z = encode(space, originals)
    lacking = space.modality.lacking(originals)
    if lacking is None:
        return Samples(z, space.decode(z), space.modality, "reconstruction", originals=originals)
    some = lacking.flatten(1).any(1)
    x = space.modality.tensor(originals[some.numpy()])
    z[some] = filling.complete(space.generator, space.modality, x, lacking[some], z[some])
    y = space.modality.filled(space.generator.decode(z).cpu(), lacking)
    return Samples(z, space.modality.items(y), space.modality, "reconstruction", originals=originals)


def errors(space: Core, found: Samples) -> dict[str, float]:
    """Mean errors of reconstructed items by name of `modality.scores`, the headline first."""
    if found.originals is None:
        raise LiminalError("errors: these items were not reconstructed, so they have no originals")
    found_errors = space.modality.errors(
        space.modality.tensor(found.originals), space.generator.decode(found.z).cpu()
    )
    return {name: float(values.mean()) for name, values in found_errors.items()}


def neighbors(
    space: Core, item: Item, k: int = 10, where: str | None = None, metric: str = "euclidean"
) -> pa.Table:
    """The k items nearest to an item: id, distance, split, source, attributes; nearest first.

    Args:
        item: as `latent` takes it; an item of the space is its own first neighbour.
        k: how many.
        where: a filter, ``"label = 'Bag' and smile > 0.5"``.
        metric: ``euclidean`` or ``cosine`` in the latent space; ``decoded``, how far apart what they
            decode to looks, and ``geodesic``, length of the shortest way as it is seen: both among the
            `RANKED` + k nearest in the latent space.

    Raises:
        LiminalError: k is below 1, an unknown metric, or the filter is wrong.
    """
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    z = latent(space, item)
    if metric in ("euclidean", "cosine"):
        return space.near(z.numpy(), k, where, metric)
    found = space.near(z.numpy(), k + RANKED if k > 0 else k, where)
    if not len(found):
        return found
    near = space.latents[found["id"].to_pylist()]
    if metric == "decoded":
        x = space.modality.chart(space.generator.decode(torch.cat([z[None], near])))
        far = (x[1:] - x[:1]).double().square().mean(1).sqrt().cpu()
    else:
        far = geodesics.distances(space.chart, z, near).double().cpu()
    found = found.set_column(1, "distance", pa.array(far.numpy()))
    return found.take(pa.array(far.argsort(stable=True)[:k].numpy()))
