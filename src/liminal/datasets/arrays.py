"""Arrays of pictures: told apart by shape and range, brought to 8 bits and to one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.image import KINDS, Image
from . import Dataset
from .cache import Outcome, Progress, store

_SCAN = 2**24  # numbers looked at at a time
_BATCH = 2**20  # numbers that one thread converts at a time


def array_dataset(
    name: str,
    array: np.ndarray,
    *,
    place: Path,
    state: Sequence[object],
    sources: Sequence[str],
    attributes: pa.Table,
    held_out: np.ndarray | None = None,
    progress: Progress | None = None,
    size: int | None = None,
    fit: str = "pad",
    channels: int | None = None,
    height: int | None = None,
    width: int | None = None,
    **options: Any,
) -> Dataset:
    """A dataset of the pictures in an array.

    uint8 pictures of the wanted size are used where they are (memory-mapped, if they were); others are converted into the cache.

    Args:
        name: of the dataset.
        array: (n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1, 3 or 4; where both could be, the last axis is c. Whole numbers up to 255,
            up to 65,535 (divided by 257), yes/no, or floats in [0, 1] or [0, 255].
        place: the file or folder it came from.
        state: what changes when the file does.
        sources: n names.
        attributes: n rows, or no columns.
        held_out: bool (n,) or None.
        progress: called with (done, total).
        size: as in `Image.infer`.
        fit: as in `Image.infer`.
        channels: as in `Image.infer`; None takes the array's.
        height, width: as in `Image.infer`.
        options: none is known.

    Raises:
        LiminalError: another shape, numbers out of range, NaN or infinity.
    """
    if options:
        raise LiminalError(f"pictures have no option {sorted(options)[0]!r}; known: size, fit, channels")
    pictures = last_axis(array, str(place))
    n, h, w, c = pictures.shape
    chosen = (height, width) if height and width else Image.choose_size([(h, w)], size)
    modality = Image(*chosen, channels or c, fit)
    factor, notes = _factor(pictures, str(place))
    items = pictures
    if pictures.dtype != np.uint8 or pictures.shape[1:] != modality.item_shape:
        stored = store(
            place=place,
            state=state,
            options={"reader": "array", **modality.config()},
            modality_class=Image,
            infer=lambda: modality,
            batches=_pieces(pictures, sources, factor),
            work=lambda _, piece: _convert(modality, piece),
            total=n,
            progress=progress,
        )
        items, notes = stored.items, (*notes, *stored.notes)
    elif progress:
        progress(n, n)
    provenance = {"source": name, "licence": "not stated", "read": list(notes)}
    return Dataset(name, modality, items, sources, attributes, held_out, provenance, notes)


def last_axis(array: np.ndarray, name: str) -> np.ndarray:
    """A view (n, h, w, c) of pictures (n, h, w), (n, h, w, c), (n, c, h, w), or of one picture (h, w, 3) or (h, w, 4).

    Raises:
        LiminalError: another shape, no pictures, or no numbers.
    """
    shape = array.shape
    if array.dtype.kind not in "buif":
        raise LiminalError(f"{name}: an array of {array.dtype}; wanted numbers (uint8, uint16 or floats)")
    if array.ndim == 3 and shape[2] in (3, 4) and min(shape[:2]) >= 8:
        array = array[None]  # one picture: three or four pixels are no width
    elif array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and shape[3] not in KINDS and shape[1] in KINDS:
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in KINDS:
        raise LiminalError(
            f"{name}: an array of shape {shape}; wanted pictures (n, h, w), (n, h, w, c) or (n, c, h, w) with 1, 3 or 4 channels c"
        )
    if 0 in array.shape:
        raise LiminalError(f"{name}: an array of shape {shape} holds no pictures")
    return array


def _factor(pictures: np.ndarray, name: str) -> tuple[float, tuple[str, ...]]:
    """What to multiply by to reach 0..255, and what to say about it."""
    if pictures.dtype == np.uint8:
        return 1.0, ()
    if pictures.dtype == bool:
        return 255.0, ("yes/no pixels were turned to white and black",)
    low, high = _range(pictures, name)
    whole = pictures.dtype.kind in "iu"
    wanted = "0 to 255 or 0 to 65,535" if whole else "0 to 1 or 0 to 255"
    slack = 0.0 if whole else 1e-3  # rounding of a resampler
    if low < -slack * max(1.0, high) or high > (65535 if whole else 255 * (1 + slack)):
        hint = (
            "; add 1 and halve them first"
            if not whole and low >= -1 - slack and high <= 1 + slack
            else "; scale them first"
        )
        raise LiminalError(f"{name}: numbers from {low:g} to {high:g}; wanted {wanted}{hint}")
    if whole:
        return (1.0, ()) if high <= 255 else (1 / 257, ("16-bit pictures were scaled to 8 bits",))
    if high <= 1 + slack:
        return 255.0, ("numbers from 0 to 1 were scaled to 0 to 255 and rounded to 8 bits",)
    return 1.0, ("numbers from 0 to 255 were rounded to 8 bits",)


def _range(pictures: np.ndarray, name: str) -> tuple[float, float]:
    """The least and the greatest number, a bounded part of the array in memory at a time."""
    step = max(1, _SCAN // pictures[0].size)
    low, high = np.inf, -np.inf
    for start in range(0, len(pictures), step):
        piece = np.asarray(pictures[start : start + step])
        least, most = float(piece.min()), float(piece.max())  # NaN where any number is
        if not np.isfinite(least) or not np.isfinite(most):
            row = start + int(np.flatnonzero(~np.isfinite(piece).all((1, 2, 3)))[0])
            raise LiminalError(f"{name}: row {row} holds NaN or infinity; wanted finite numbers")
        low, high = min(low, least), max(high, most)
    return low, high


def _pieces(
    pictures: np.ndarray, sources: Sequence[str], factor: float
) -> Iterator[tuple[np.ndarray, Sequence[str], float]]:
    step = max(1, _BATCH // pictures[0].size)
    for start in range(0, len(pictures), step):
        yield pictures[start : start + step], sources[start : start + step], factor


def _convert(modality: Image, piece: tuple[np.ndarray, Sequence[str], float]) -> list[Outcome]:
    pictures, names, factor = piece
    if pictures.dtype != np.uint8:
        pictures = np.rint(np.clip(pictures * np.float32(factor), 0, 255)).astype(np.uint8)
    if pictures.shape[1:] == modality.item_shape:
        return [Outcome(name, np.ascontiguousarray(p), ()) for name, p in zip(names, pictures, strict=True)]
    outcomes = []
    for name, picture in zip(names, pictures, strict=True):
        im = PIL.Image.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture))
        fitted, remarks = modality.sized(im)
        outcomes.append(
            Outcome(name, np.asarray(fitted, dtype=np.uint8).reshape(modality.item_shape), tuple(remarks))
        )
    return outcomes
