"""Whatever lies at a path, read as a dataset by the reader that suits it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LiminalError
from ..modalities import Modality
from . import Dataset
from .cache import Progress
from .columns import read_array
from .folder import ENTRY, find, one, read_file, read_folder
from .idx import idx_files, is_idx, read_idx_dataset
from .kinds import ARRAYS
from .parquet import PARQUET, has_pictures, read_parquet


def located(name: str | Path) -> tuple[Path, int | None] | None:
    """The file, and the entry of it, that ``FILE`` or ``FILE#n`` names; None where there is no such file.

    A file of just that name wins over an entry.
    """
    path = Path(name)
    if path.is_file():
        return path, None
    found = ENTRY.search(str(name))
    if found is None or not (file := Path(str(name)[: found.start()])).is_file():
        return None
    return file, int(found[0][1:])


def is_set(file: Path, modality: Modality) -> bool:
    """Whether a file is read as a set of items without the modality's own reader: npy, npz, idx, or Parquet
    with pictures.
    """
    ending = file.suffix.lower()
    known = ending in ARRAYS or ending in PARQUET or is_idx(file)
    return modality.arrays and ending not in modality.reads and known


def holds_one(file: Path, modality: Modality) -> bool:
    """Whether a file is an item, rather than many."""
    return not is_set(file, modality) and len(list(islice(modality.records(file, str(file)), 2))) < 2


def item(file: Path, entry: int | None, modality: Modality) -> np.ndarray:
    """The stored item in a file, or the one with number `entry` of the many there.

    Raises:
        LiminalError: it cannot be read, there is no such entry, or there are several and none was named.
    """
    if not is_set(file, modality):
        return modality.load(file, str(file), entry)[0]
    if entry is None:
        raise LiminalError(f"{file} holds many {modality.plural}; name one, such as {file}#0")
    return np.asarray(read(f"{file}#{entry}", modality).items[0])


def read(
    path: str | Path,
    kind: type[Modality] | Modality,
    attributes: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """The data at a path.

    A folder may hold files of the modality (see `read_folder`) or, for a kind that takes arrays, idx files as
    MNIST is published, or Parquet files of pictures; a file may be one of the modality, or an npy, npz, idx
    or such a Parquet file.

    Args:
        path: what to read; ``FILE#n`` is one item of a file that holds many.
        kind: which kind of data; a modality reads them exactly as it says.
        attributes: a CSV or Parquet file, see `join_attributes`.
        progress: called with (done, total).
        options: of the kind's ``infer``, for example ``size=64``.

    Returns:
        The dataset.

    Raises:
        LiminalError: nothing is there, or nothing in it can be read.
    """
    if options and not isinstance(kind, type):
        kind = type(kind)(**{**kind.config(), **options})
    if not isinstance(kind, type):
        options = kind.config()
    table = None if attributes is None else Path(attributes)
    if table is not None and not table.is_file():
        raise LiminalError(f"attributes {table}: there is no such file")
    file = located(path)
    if file is not None:
        return _file(*file, kind, table, progress, options)
    path = Path(path)
    if not path.exists():
        raise LiminalError(f"{path}: there is no such file or folder")
    if kind.arrays and idx_files(path):
        return read_idx_dataset(path, table, progress, **options)
    if kind.arrays and not find(path, kind.reads)[0]:
        shards = [path / f.name for f in find(path, PARQUET)[0] if has_pictures(path / f.name)]
        if shards:
            return read_parquet(shards, _class(kind), table, progress, **options)
    return read_folder(path, kind, table, progress, **options)


def _file(
    path: Path,
    entry: int | None,
    kind: type[Modality] | Modality,
    table: Path | None,
    progress: Progress | None,
    options: dict[str, Any],
) -> Dataset:
    ending = path.suffix.lower()
    if ending in kind.reads:
        return read_file(path, kind, table, progress, entry, **options)
    if kind.arrays and ending in ARRAYS:
        found = read_array(path, table, progress, **options)
    elif kind.arrays and ending in PARQUET:
        found = read_parquet(path, _class(kind), table, progress, **options)
    elif kind.arrays and is_idx(path):
        found = read_idx_dataset(path, table, progress, **options)
    else:
        more = ", a .npy, .npz, .parquet or idx file" if kind.arrays else ""
        raise LiminalError(
            f"{path}: wanted a folder{more}, or a file that ends in {', '.join(sorted(kind.reads))}"
        )
    return found if entry is None else one(found, path, entry)


def _class(kind: type[Modality] | Modality) -> type[Modality]:
    return kind if isinstance(kind, type) else type(kind)
