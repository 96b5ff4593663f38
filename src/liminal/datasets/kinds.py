"""Which kind of data lies at a path, by the endings of its files and, where they leave it open, by a look
inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from ..errors import LiminalError, unknown
from ..modalities import Modality
from .folder import find
from .idx import idx_files, is_idx
from .parquet import PARQUET, has_pictures

ARRAYS = (".npy", ".npz")
TABLES = frozenset({".csv", ".tsv", ".txt", *PARQUET})  # what `--attributes` takes

Kinds = Mapping[str, type[Modality]]


class Look(NamedTuple):
    """What a path looks like.

    Attributes:
        files: names of the files of each kind, by the kind's name; a kind without any is left out.
        why: what the kind of a single file is told by; empty for a folder, where files are counted.
        others: how many files of a folder no kind reads, by their ending.
    """

    files: dict[str, list[str]]
    why: str = ""
    others: Mapping[str, int] = MappingProxyType({})


def look(path: Path, kinds: Kinds, apart: Path | None = None, wanted: str | None = None) -> Look:
    """What lies at a path, the kind with the most files first, of as many the one that comes first in
    `kinds`.

    A file whose ending several kinds read counts as the wanted one's, else as that one's that reads the
    fewest endings.

    Args:
        path: an existing file or folder.
        kinds: by name.
        apart: a file that is known to be no data.
        wanted: a kind's name, if one is asked for.

    Raises:
        LiminalError: a folder cannot be listed, or a Parquet file is damaged.
    """
    arrays = next((name for name, kind in kinds.items() if kind.arrays), "")
    if path.is_file():
        return _file(path, kinds, arrays, wanted)
    if arrays and (idx := idx_files(path)):
        return Look({arrays: [file.name for file in idx]}, f"{path} holds idx files")
    base, aside = path.resolve(), None if apart is None else apart.resolve()
    files: dict[str, list[str]] = {}
    others: Counter[str] = Counter()
    for found in find(path, None)[0]:
        if base / found.name == aside:
            continue
        name = _owner(path / found.name, kinds, arrays, wanted)
        if name and (name == wanted or kinds[name].holds(path / found.name)):
            files.setdefault(name, []).append(found.name)
        else:
            others[Path(found.name).suffix.lower() or "no ending"] += 1
    order = list(kinds)
    ranked = sorted(files.items(), key=lambda pair: (-len(pair[1]), order.index(pair[0])))
    return Look(dict(ranked), others=dict(others.most_common()))


def _file(path: Path, kinds: Kinds, arrays: str, wanted: str | None) -> Look:
    name, ending = _owner(path, kinds, arrays, wanted), path.suffix.lower()
    why = f"{path} ends in {ending}"
    if not name and arrays and (ending in ARRAYS or is_idx(path)):
        name, why = arrays, f"{path} holds an array of numbers"
    elif ending in PARQUET and name == arrays:
        why = f"{path} has a column of encoded pictures"
    return Look({name: [path.name]} if name else {}, why)


def _owner(file: Path, kinds: Kinds, arrays: str, wanted: str | None) -> str:
    """The kind that a file belongs to; empty where none reads it."""
    ending = file.suffix.lower()
    able = [name for name, kind in kinds.items() if ending in kind.reads]
    if wanted in able:
        return wanted
    if arrays and ending in ARRAYS:  # left to who takes any array, unless another kind is asked for
        return ""
    if arrays and ending in PARQUET:
        try:
            pictures = has_pictures(file)
        except LiminalError:  # damaged: who reads it says so
            pictures = not able
        if pictures:
            return arrays
    return min(able, key=lambda name: len(kinds[name].reads), default="")


def choose(
    path: Path, kinds: Kinds, wanted: str | None, apart: Path | None = None
) -> tuple[type[Modality], list[str]]:
    """The kind to read a path as, and what to say about it.

    Args:
        path, kinds, apart: as `look` takes them.
        wanted: a kind's name; None takes what there is most of.

    Raises:
        LiminalError: nothing there can be read, or nothing of the kind that is wanted, or there is no such
        kind.
    """
    if wanted is not None and wanted not in kinds:
        raise unknown("modality", wanted, kinds)
    found = look(path, kinds, apart, wanted)
    if not found.files:
        _refuse(path, kinds if wanted is None else {wanted: kinds[wanted]})
    name = wanted or next(iter(found.files))
    kind = kinds[name]
    if name not in found.files:
        first = kinds[next(iter(found.files))].plural
        raise LiminalError(
            f"--modality {name}: {_place(path, found)}, no {kind.plural}; leave it out to read {first}"
        )
    said = []
    if wanted is None:
        said.append(f"{_place(path, found, name)}: read as {kind.plural}")
    for other, names in found.files.items():
        if other != name:
            isare = "is" if len(names) == 1 else "are"
            tables = all(Path(file).suffix.lower() in TABLES for file in names)
            how = "give it with --attributes, or read " if tables and len(names) == 1 else "read "
            said.append(
                f"{_count(other, names)} {isare} not read; {how}{'it' if len(names) == 1 else 'them'} with "
                f"--modality {other}"
            )
    if found.others:
        count, endings = sum(found.others.values()), ", ".join(f"{n:,} {e}" for e, n in found.others.items())
        said.append(f"{count:,} other file{'s are' if count > 1 else ' is'} not read ({endings})")
    return kind, said


def _place(path: Path, found: Look, name: str | None = None) -> str:
    """``photos/ holds 512 image files``, of one kind only where a name is given."""
    if found.why:
        return found.why
    files = found.files if name is None else {name: found.files[name]}
    return f"folder {path} holds {' and '.join(_count(kind, names) for kind, names in files.items())}"


def _count(kind: str, names: list[str]) -> str:
    """``512 image files``; a few are named."""
    shown = "" if len(names) > 2 else f" ({', '.join(names)})"
    return f"{len(names):,} {kind} file{'s' if len(names) != 1 else ''}{shown}"


def _refuse(path: Path, kinds: Kinds) -> NoReturn:
    wanted = " or ".join(f"{', '.join(sorted(kind.reads))} ({kind.plural})" for kind in kinds.values())
    if path.is_file():
        more = ", an .npy, .npz, .parquet or idx file" if any(kind.arrays for kind in kinds.values()) else ""
        raise LiminalError(f"{path}: wanted a folder{more}, or a file that ends in {wanted}")
    unusable = find(path, frozenset().union(*(kind.reads for kind in kinds.values())))[1]
    if unusable:
        raise LiminalError(f"folder {path}: nothing can be read; {unusable[0][0]}: {unusable[0][1]}")
    nouns = " or ".join(kind.plural for kind in kinds.values())
    if not any(not entry.name.startswith(".") for entry in path.iterdir()):
        raise LiminalError(f"folder {path} is empty; wanted {nouns}: files that end in {wanted}")
    raise LiminalError(f"folder {path} holds no {nouns}; wanted files that end in {wanted}")
