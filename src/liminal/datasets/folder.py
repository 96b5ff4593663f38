"""Files of any modality, one item or many in each, alone or in a folder whose sub-folders tell classes or the
split.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities import Modality
from ..names import HELD_OUT, TRAIN, fit_names
from . import Dataset
from .attributes import with_attributes
from .cache import Outcome, Progress, Told, store

ENTRY = re.compile(r"#\d+$")
BATCH = 16  # files that one thread reads at a time


class Found(NamedTuple):
    """A file of the set: its path below the folder with forward slashes, its size in bytes and its time in
    ns.
    """

    name: str
    size: int
    time: int


def read_folder(
    path: Path,
    kind: type[Modality] | Modality,
    attributes: Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """Every file below `path` that the modality reads, in the order of their names; hidden files and folders
    are left out.

    An item is named like its file, or ``file#entry`` where the file holds many. What a file tells about its
    items becomes attributes; an entry that cannot be used loses no other.

    Folders ``train`` and ``test`` (or ``val``, ``valid``, ``validation``) become `held_out`. Where most files
    lie in one of at least two (next-level) folders, their names become the attribute ``label``; see
    `sort_by_folder`. Files are read once, by several threads, into the cache.

    Args:
        path: the folder.
        kind: which kind of data; a modality reads the files as it is, `options` are its own then.
        attributes: a CSV or Parquet file, see `join_attributes`.
        progress: called with (done, total).
        options: of ``kind.infer``.

    Returns:
        The dataset; its items are memory-mapped and read-only. What cannot be read is in `skipped`.

    Raises:
        LiminalError: no file can be read, or an option is out of range.
    """
    found, unusable = find(path, kind.reads)
    if not found:
        _refuse_nothing(path, kind, unusable)
    dataset = read_files(path, path, found, kind, progress, options)
    held_out, labels, notes = sort_by_folder([_file(source) for source in dataset.sources])
    known = dataset.attributes
    if labels is not None and "label" not in known.column_names:
        label = pa.array(labels, pa.string())
        known = known.add_column(0, "label", label) if known.num_columns else pa.table({"label": label})
    dataset = replace(
        dataset,
        attributes=known,
        held_out=held_out,
        notes=(*dataset.notes, *notes),
        skipped=(*unusable, *dataset.skipped),
    )
    return with_attributes(dataset, attributes)


def read_file(
    path: Path,
    kind: type[Modality] | Modality,
    attributes: Path | None = None,
    progress: Progress | None = None,
    entry: int | None = None,
    **options: Any,
) -> Dataset:
    """The item in a file, or the many; otherwise as `read_folder`.

    Args:
        path: the file.
        kind, attributes, progress, options: as in `read_folder`.
        entry: only this one of the items in it.

    Raises:
        LiminalError: the file cannot be read, holds no such entry, or an option is out of range.
    """
    told = path.stat()
    found = [Found(path.name, told.st_size, told.st_mtime_ns)]
    dataset = read_files(path, path.parent, found, kind, progress, options)
    if entry is not None:
        dataset = one(dataset, path, entry)
    return with_attributes(dataset, attributes)


def one(dataset: Dataset, path: Path, entry: int) -> Dataset:
    """The dataset of one entry of a file.

    Raises:
        LiminalError: there is none of that number, or it could not be read.
    """
    name = f"{path.name}#{entry}"
    rows = [i for i, s in enumerate(dataset.sources) if s == name or (s == path.name and not entry)]
    if not rows:
        why = next((why for source, why in dataset.skipped if source == name), None)
        nouns = dataset.modality.noun
        raise LiminalError(f"{path}#{entry}: {why}" if why else f"{path} holds no {nouns} number {entry}")
    return replace(dataset.subset(np.array(rows)), skipped=())


def read_files(
    place: Path,
    base: Path,
    found: Sequence[Found],
    kind: type[Modality] | Modality,
    progress: Progress | None,
    options: dict[str, Any],
) -> Dataset:
    """The items in some files, through the cache.

    Args:
        place: the folder or file that they are.
        base: the folder that their names begin at.
        found: the files, by name.
        kind, progress, options: as in `read_folder`.

    Raises:
        LiminalError: no file can be read, or an option is out of range.
    """
    stored = store(
        place=place,
        state=found,
        options={"reader": "folder", **options},
        modality_class=kind if isinstance(kind, type) else type(kind),
        infer=lambda: (
            kind.infer(Told([base / f.name for f in found], progress), **options)
            if isinstance(kind, type)
            else kind
        ),
        batches=(
            [(base / f.name, f.name) for f in found[i : i + BATCH]] for i in range(0, len(found), BATCH)
        ),
        work=read_batch,
        total=len(found),
        progress=progress,
    )
    names, said = fit_names(stored.known.column_names)
    if isinstance(kind, type):
        said = (*stored.modality.told, *said)
    what, name = ("folder", place.absolute().name) if place == base else ("file", place.stem)
    return Dataset(
        name=name,
        modality=stored.modality,
        items=stored.items,
        sources=stored.sources,
        attributes=stored.known.rename_columns(names),
        provenance={
            "source": f"{what} {place.absolute().name}",
            "licence": "not stated",
            "read": list(stored.notes),
        },
        notes=(*stored.notes, *said),
        skipped=stored.skipped,
        groups=stored.groups,
    )


def _file(source: str) -> str:
    """The file of an item; folders tell nothing by an entry's number."""
    return ENTRY.sub("", source)


def find(path: Path, endings: frozenset[str] | None) -> tuple[list[Found], list[tuple[str, str]]]:
    """The files below a folder with one of these endings (None: all), sorted by name, and the (name, reason)
    of what could not be looked at.
    """
    unusable: list[tuple[str, str]] = []
    found = sorted(_walk(path, "", frozenset(), endings, unusable))
    return found, unusable


def _walk(
    folder: Path,
    prefix: str,
    above: frozenset[tuple[int, int]],
    endings: frozenset[str] | None,
    unusable: list[tuple[str, str]],
) -> Iterator[Found]:
    """Files of a folder and, but for loops of links, of its sub-folders."""
    try:
        here = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as error:
        if not prefix:
            raise LiminalError(f"folder {folder}: cannot be listed ({error.strerror})") from error
        unusable.append((prefix, f"the folder cannot be listed ({error.strerror})"))
        return
    above = above | {(here.st_dev, here.st_ino)}
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith("."):
            continue
        wanted = endings is None or os.path.splitext(entry.name)[1].lower() in endings
        try:
            name.encode()
            told = entry.stat()
        except UnicodeEncodeError:
            unusable.append((name.encode(errors="replace").decode(), "the name is not UTF-8; rename it"))
            continue
        except OSError as error:
            if wanted:
                unusable.append((name, f"the file cannot be looked at ({error.strerror})"))
            continue
        if stat.S_ISDIR(told.st_mode):
            if (told.st_dev, told.st_ino) not in above:
                yield from _walk(folder / entry.name, name + "/", above, endings, unusable)
        elif wanted and stat.S_ISREG(told.st_mode):
            yield Found(name, told.st_size, told.st_mtime_ns)


def _refuse_nothing(path: Path, kind: type[Modality] | Modality, unusable: Sequence[tuple[str, str]]) -> None:
    if unusable:
        raise LiminalError(f"folder {path}: nothing can be read; {unusable[0][0]}: {unusable[0][1]}")
    if not any(not entry.name.startswith(".") for entry in os.scandir(path)):
        raise LiminalError(f"folder {path} is empty; wanted {kind.plural} ({', '.join(sorted(kind.reads))})")
    raise LiminalError(
        f"folder {path} holds no {kind.plural}; wanted files that end in {', '.join(sorted(kind.reads))}"
    )


def read_batch(modality: Modality, batch: Sequence[tuple[Any, str]]) -> list[Outcome]:
    """The items of each (source, name), or the reasons why not; one that is lost loses no other.

    A source that is a string is a reason itself.
    """
    outcomes: list[Outcome] = []
    for source, name in batch:
        start = len(outcomes)
        if isinstance(source, str):
            outcomes.append(Outcome(name, None, (source,)))
            continue
        try:
            for item, remarks, entry, known, group in modality.records(source, name):
                called, further = name if entry is None else f"{name}#{entry}", len(outcomes) > start
                outcomes.append(Outcome(called, item, remarks, known, group, further))
            if len(outcomes) == start:
                raise LiminalError(f"it holds no {modality.plural}")
        except LiminalError as error:
            why = str(error).removeprefix(f"{name}: ")
            outcomes.append(Outcome(name, None, (why,), further=len(outcomes) > start))
    return outcomes


def sort_by_folder(names: Sequence[str]) -> tuple[np.ndarray | None, list[str | None] | None, list[str]]:
    """What folders tell about files: (held_out or None, labels or None, notes).

    A single folder that holds most files is looked through. Folders named train and test, or all with such a
    word in their names (``training_set``), are a split: the first ones, or those below folders of classes. Of
    what is left the first folders are labels.
    """
    held_out, parts, notes = _split(_below([name.split("/") for name in names]))
    parts = _below(parts)
    labels = [p[0] if len(p) > 1 else None for p in parts]
    train = labels if held_out is None else [x for x, out in zip(labels, held_out, strict=True) if not out]
    kinds, stray = len(set(train) - {None}), labels.count(None)
    if kinds < 2:
        return held_out, None, notes
    if 2 * stray > len(labels):
        notes.append(
            f"the names of {kinds} folders are not taken as labels: {stray:,} of {len(labels):,} items lie "
            "beside them"
        )
        return held_out, None, notes
    notes.append(f"the names of {kinds} folders are the attribute label")
    if stray:
        first = names[labels.index(None)]
        notes.append(
            f"{stray:,} of {len(labels):,} items lie beside these folders and have no label, such as {first}"
        )
    return held_out, labels, notes


def _below(parts: list[list[str]]) -> list[list[str]]:
    """Paths without the folder that is alone on its level and holds at least half of the files, and so on
    below it.
    """
    while True:
        inside = [p for p in parts if len(p) > 1]
        if len({p[0] for p in inside}) != 1 or 2 * len(inside) < len(parts):
            return parts
        if len(inside) < len(parts) and _side(inside[0][0], exact=True):
            return parts  # a folder test beside the others is no mere wrapping
        parts = [p[1:] if len(p) > 1 else p for p in parts]


def _split(parts: list[list[str]]) -> tuple[np.ndarray | None, list[list[str]], list[str]]:
    """The held-out ones, and paths without the folders that tell it, by the first level of folders that is a
    split.
    """
    for level in range(2):
        folders = [p[level] if len(p) > level + 1 else None for p in parts]
        whole = all(f is None or _side(f) is not None for f in folders)
        sides = [None if f is None else _side(f, exact=not whole) for f in folders]
        if not {True, False} <= set(sides):
            continue
        held_out = np.array([side is True for side in sides])
        tests = sorted({str(f) for f, side in zip(folders, sides, strict=True) if side})
        notes = [
            f"the folder{'s'[: len(tests) - 1]} {', '.join(tests)}: {held_out.sum():,} items are held out"
        ]
        if beside := sides.count(None):
            first = "/".join(parts[sides.index(None)])
            notes.append(f"{beside:,} items beside these folders are learned from, too, such as {first}")
        left = [
            p if side is None else p[:level] + p[level + 1 :] for p, side in zip(parts, sides, strict=True)
        ]
        return held_out, left, notes
    tests = sorted({p[0] for p in parts if len(p) > 1 and _side(p[0], exact=True)})
    notes = [f"the folder {', '.join(tests)} is not held out: no folder beside it is named train"]
    return None, parts, notes if tests else []


def _side(folder: str, exact: bool = False) -> bool | None:
    """Whether a folder's name, or a word in it, says held out (True) or learned from (False), or nothing."""
    words = {folder.lower()} if exact else set(re.split(r"[^a-z]+", folder.lower()))
    train, test = bool(words & {*TRAIN}), bool(words & {*HELD_OUT})
    return test if train != test else None
