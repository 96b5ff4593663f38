"""Arrays of pictures: told apart by shape, brought to 8 bits by the scale of all their numbers, and to one
size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.image import KINDS, Image
from ..modalities.levels import (
    DIM,
    Levels,
    Numbers,
    beyond,
    choose,
    clipped,
    foreign,
    parse,
    scaled,
    spelt,
    told,
)
from . import Dataset
from .cache import Outcome, Progress, Stored, store

UNPACKED = 2**28  # bytes that a packed file may hold whatever its size
RATIO = 500  # bytes for each of a larger packed file; dSprites, black and white, has 115
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
    levels: Sequence[float] | None = None,
    range: str | Sequence[float] | None = None,
    **options: Any,
) -> Dataset:
    """A dataset of the pictures in an array.

    uint8 pictures of the wanted size are used where they are (memory-mapped, if they were); others are
    converted into the cache. Which numbers are black and white is found from all of them (see `levels`) and
    kept in the modality. uint8 numbers are taken as they are, unless all are below 32, and so are other whole
    numbers whose white is 255.

    Args:
        name: of the dataset.
        array: (n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1, 3 or 4; where both could be, the last
            axis is c. Numbers, few of them below 0, or yes/no.
        place: the file or folder it came from.
        state: what changes when the file does.
        sources: n names.
        attributes: n rows, or no columns.
        held_out: bool (n,) or None.
        progress: called with (done, total).
        size, fit, height, width: as in `Image.infer`.
        channels: as in `Image.infer`; None takes the array's.
        levels: as in `Image`; None finds them.
        range: the same as words, ``"0:4095"``, or a pair.
        options: none is known.

    Raises:
        LiminalError: another shape, an option out of range, many numbers below 0, NaN or infinity.
    """
    if options:
        raise LiminalError(
            f"pictures have no option {sorted(options)[0]!r}; known: size, fit, channels, range"
        )
    pictures = last_axis(array, str(place))
    given = levels if range is None else parse(range)
    # all is known, and new levels would not be kept
    as_space = bool(height and width and channels and range is None)
    scale, notes = _scale(pictures, str(place), given, as_space, insist=range is not None)
    kept = given if as_space or scale is None else scale
    n, h, w, c = pictures.shape
    chosen = (height, width) if height and width else Image.choose_size([(h, w)], size)
    modality = Image(*chosen, channels or c, fit, kept)
    items = pictures
    if pictures.dtype != np.uint8 or pictures.shape[1:] != modality.item_shape or scale:
        stored = _converted(pictures, modality, scale, place, state, sources, progress)
        items, notes = stored.items, (*notes, *stored.notes)
    elif progress:
        progress(n, n)
    provenance = {"source": name, "licence": "not stated", "read": list(notes)}
    return Dataset(
        name, modality, items, sources, attributes, held_out=held_out, provenance=provenance, notes=notes
    )


def _converted(
    pictures: np.ndarray,
    modality: Image,
    scale: Levels | None,
    place: Path,
    state: Sequence[object],
    sources: Sequence[str],
    progress: Progress | None,
) -> Stored:
    """Pictures (n, h, w, c) as the modality stores them, in the cache; arguments as of `array_dataset`."""
    return store(
        place=place,
        state=state,
        options={"reader": "array", **modality.config(), "scale": scale},
        modality_class=Image,
        infer=lambda: modality,
        batches=_pieces(pictures, sources, scale),
        work=lambda _, piece: _convert(modality, piece),
        total=len(pictures),
        progress=progress,
    )


def last_axis(array: np.ndarray, name: str) -> np.ndarray:
    """A view (n, h, w, c) of pictures (n, h, w), (n, h, w, c), (n, c, h, w), or of one picture (h, w, 3) or
    (h, w, 4).

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
            f"{name}: an array of shape {shape}; wanted pictures (n, h, w), (n, h, w, c) or (n, c, h, w) "
            "with 1, 3 or 4 channels c"
        )
    if 0 in array.shape:
        raise LiminalError(f"{name}: an array of shape {shape} holds no pictures")
    return array


def check_unpacked(path: Path, size: int) -> None:
    """Refuse a packed file before it is read, if it says that it holds far more than its size makes likely.

    Args:
        path: of the packed file.
        size: in bytes, unpacked.

    Raises:
        LiminalError: it is more than 256 MB, and more than 500 times the file.
    """
    packed = path.stat().st_size
    if size > UNPACKED and size > RATIO * packed:
        raise LiminalError(
            f"{path}: {packed:,} bytes would unpack to {size:,}; more than {RATIO} times a file's size is "
            "not read; unpack it first"
        )


def _scale(
    pictures: np.ndarray, name: str, given: Sequence[float] | None, as_space: bool, insist: bool
) -> tuple[Levels | None, tuple[str, ...]]:
    """The numbers that are black and white, None where 0 to 255 are taken as they are; and what to say about
    it.

    Args:
        pictures: (n, h, w, c).
        name: what errors call them.
        given: levels of a space or of the user.
        as_space: they are read as a space reads them.
        insist: the levels are the user's own.
    """
    if pictures.dtype == bool:
        return (0.0, 1.0), ("yes/no pixels were turned to white and black",)
    tiny = pictures.dtype == np.uint8
    if tiny and given is None and as_space:
        return None, ()
    numbers = _numbers(pictures, name, enough=DIM if tiny and given is None else None)
    byte = numbers.whole and numbers.low >= 0 and numbers.high <= 255
    stored = (
        tiny and given is not None and numbers.high > 2 * given[1]
    )  # as Liminal itself draws and keeps them
    if given is not None and (insist or not (stored or foreign(numbers, parse(given)))):
        levels = parse(given)
    elif byte and (stored or as_space or (tiny and not 0 < numbers.high < DIM)):
        return None, ()
    else:
        levels = choose(numbers, name)
    if byte and levels == (0, 255):
        return None, ()
    if not numbers.whole:
        what = "numbers were scaled and rounded to 8 bits"
    elif levels == (0, 65535):
        what = "16-bit pictures were scaled to 8 bits"
    else:
        what = f"whole numbers up to {spelt((0, numbers.high)).removeprefix('0 to ')} were scaled to 8 bits"
    return levels, (f"{what}: {told(levels)}",)


def _numbers(pictures: np.ndarray, name: str, enough: float | None) -> Numbers:
    """The range, a bounded part of the array in memory at a time; not to the end once a number reaches
    `enough`.
    """
    step = max(1, _SCAN // pictures[0].size)
    numbers = Numbers()
    for start in range(0, len(pictures), step):
        piece = np.asarray(pictures[start : start + step])
        if not numbers.add(piece):
            row = start + int(np.flatnonzero(~np.isfinite(piece).all((1, 2, 3)))[0])
            raise LiminalError(f"{name}: row {row} holds NaN or infinity; wanted finite numbers")
        if enough is not None and numbers.high >= enough:
            break
    return numbers


def _pieces(
    pictures: np.ndarray, sources: Sequence[str], scale: Levels | None
) -> Iterator[tuple[np.ndarray, Sequence[str], Levels | None]]:
    step = max(1, _BATCH // pictures[0].size)
    for start in range(0, len(pictures), step):
        yield pictures[start : start + step], sources[start : start + step], scale


def _convert(modality: Image, piece: tuple[np.ndarray, Sequence[str], Levels | None]) -> list[Outcome]:
    pictures, names, scale = piece
    out: list[tuple[str, ...]] = [()] * len(pictures)
    if scale is not None:
        if pictures.dtype != bool:
            out = [(clipped(scale),) if beyond(p, scale) else () for p in pictures]
        pictures = scaled(pictures, scale)
    pictures = pictures.astype(np.uint8, copy=False)
    if pictures.shape[1:] == modality.item_shape:
        rows = zip(names, pictures, out, strict=True)
        return [Outcome(name, np.ascontiguousarray(p), said) for name, p, said in rows]
    outcomes = []
    for name, picture, said in zip(names, pictures, out, strict=True):
        im = PIL.Image.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture))
        fitted, remarks = modality.sized(im)
        item = np.asarray(fitted, dtype=np.uint8).reshape(modality.item_shape)
        outcomes.append(Outcome(name, item, (*said, *remarks)))
    return outcomes
