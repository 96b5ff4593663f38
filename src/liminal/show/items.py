"""Items as a person sees and keeps them: grids, films and files, each drawn and written by its modality."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import LiminalError
from ..files import atomic
from ..modalities import Modality
from . import film, grid

# pixels of a frame's longer side, at most; whole factors of small items then stay above a film's least size
FRAME = 320
TILE = 128  # the same in a picture of all frames
ROW = 12  # frames in a row of a picture
FILMS = (".gif", ".mp4")

Picture = grid.Image.Image


def tiles(
    items: np.ndarray, modality: Modality, size: int, beside: np.ndarray | None = None
) -> list[Picture]:
    """Pictures of stored items, each at most `size` pixels on its longer side; where others stand beside
    them, marked where they differ from these.
    """
    if beside is None:
        return [modality.preview(item, size) for item in items]
    return [modality.compared(item, other, size) for item, other in zip(items, beside, strict=True)]


def captions(items: np.ndarray, modality: Modality, pictures: Sequence[Picture]) -> list[str]:
    """What stands below each item's picture, where its kind needs words and the pictures have room for
    them.
    """
    return grid.whole([modality.caption(item) for item in items], max(p.width for p in pictures))


def drawn(
    items: np.ndarray,
    modality: Modality,
    size: int = TILE,
    columns: int | None = None,
    labels: Sequence[str] | None = None,
    beside: np.ndarray | None = None,
) -> Picture:
    """Stored items in rows.

    Args:
        items: (n, *item_shape), n >= 1.
        modality: draws them.
        size: of a tile's longer side.
        columns: None: as square as it gets.
        labels: one an item; None: their captions.
        beside: (n, *item_shape), which each one is compared with; None: none.
    """
    shown = tiles(items, modality, size, beside)
    return grid.grid(shown, columns, labels=labels or captions(items, modality, shown))


def rows(table: Sequence[np.ndarray], modality: Modality, size: int, labels: Sequence[str]) -> Picture:
    """Several rows of stored items, each named below its first picture.

    Args:
        table: a row each, (k, *item_shape), all of one length.
        modality: draws them.
        size: of a tile's longer side.
        labels: one a row.
    """
    width = max(len(row) for row in table)
    named = [name for label in labels for name in (label, *[""] * (width - 1))]
    return grid.grid([tile for row in table for tile in tiles(row, modality, size)], width, labels=named)


def path_endings(modality: Modality) -> tuple[str, ...]:
    """Endings of files that a path can be written as, the kind's own first."""
    return tuple(dict.fromkeys((*modality.films, *FILMS, ".png")))


def save_path(items: np.ndarray, modality: Modality, path: str | Path, fps: float, times: int = 1) -> Path:
    """Write a path's items as a film (``.gif``, ``.mp4``), all in rows (``.png``), or in a form of the kind's
    own, whole or not at all.

    Args:
        items: (t, *item_shape).
        modality: draws and writes them.
        path: its ending chooses the form; without one it gets the kind's own first.
        fps: frames a second; of an ``.mp4`` of a kind that sounds each frame lasts as long as its item.
        times: how large each item is drawn, 1 being up to `FRAME` pixels in a film and `TILE` in a picture;
            says nothing where the form is the kind's own.

    Returns:
        What was written.

    Raises:
        LiminalError: another ending, `times` below 1, or the file cannot be written.
    """
    path = ended(path, path_endings(modality)[0])
    ending = path.suffix.lower()
    if times < 1:
        raise LiminalError(f"save {path}: times = {times}; wanted 1 or more")
    if ending in modality.films:
        with atomic(path) as part:
            modality.film(items, part, fps)
    elif ending == ".gif":
        film.gif(tiles(items, modality, FRAME * times), path, fps, film.LEAST * times)
    elif ending == ".mp4":
        shown = tiles(items, modality, FRAME * times)
        film.mp4(shown, path, fps, film.LEAST * times, modality.sound(items))
    elif ending == ".png":
        before = np.concatenate([items[:1], items[:-1]])
        grid.save(drawn(items, modality, TILE * times, min(len(items), ROW), beside=before), path)
    else:
        known = ", ".join(path_endings(modality))
        raise LiminalError(f"save {path}: a path can be written as {known}; got {ending}")
    return path


def item_endings(modality: Modality) -> tuple[str, ...]:
    """Endings of files that one item can be written as: its kind's own, pictures of it, and films of how it
    turns.
    """
    films = FILMS if modality.turns else ()
    return tuple(dict.fromkeys((*modality.writes, *grid.FORMATS, *films)))


def save_item(item: np.ndarray, modality: Modality, path: str | Path) -> Path:
    """Write one stored item in the format that the file's ending names, whole or not at all.

    Args:
        item: of the modality's `item_shape`.
        modality: writes it, or draws it where the ending is a picture's and the kind is none.
        path: without an ending it gets the kind's own.

    Returns:
        What was written.

    Raises:
        LiminalError: another ending, or the file cannot be written.
    """
    path = ended(path, modality.writes[0])
    ending = path.suffix.lower()
    if ending in modality.writes:
        with atomic(path) as part:
            modality.write(item, part)
    elif ending in FILMS and modality.turns:
        write = film.gif if ending == ".gif" else film.mp4
        write(modality.turned(item, FRAME), path)
    elif ending in grid.FORMATS:
        grid.save(drawn(item[None], modality, FRAME), path)
    else:
        known = " ".join(item_endings(modality))
        raise LiminalError(f"save {path}: wanted a name that ends in one of {known}; got {ending}")
    return path


def save_items(items: np.ndarray, modality: Modality, path: Path) -> None:
    """Write stored items to one file whose ending is among the kind's `gathers`, whole or not at all."""
    with atomic(path) as part:
        modality.write_many(items, part)


def ended(path: str | Path, ending: str) -> Path:
    """The path, with an ending where it has none."""
    path = Path(path)
    return path if path.suffix else path.with_name(path.name + ending)


def paired(above: np.ndarray, below: np.ndarray, modality: Modality, size: int, columns: int) -> Picture:
    """Items with others below them, `columns` pairs across; a short last row is filled up so that columns
    stay in line.
    """
    n = len(above)
    first, second = tiles(above, modality, size), tiles(below, modality, size, above)
    blank = grid.blank(max(p.width for p in first), max(p.height for p in first))
    words = captions(np.concatenate([above, below]), modality, first)
    shown: list[Picture] = []
    labels: list[str] = []
    for i in range(0, n, columns):
        for part, named in ((first, words[:n]), (second, words[n:])):
            row, names = part[i : i + columns], named[i : i + columns]
            missing = columns - len(row) if n > columns else 0
            shown += [*row, *[blank] * missing]
            labels += [*names, *[""] * missing]
    return grid.grid(shown, columns=min(columns, n), labels=labels)
