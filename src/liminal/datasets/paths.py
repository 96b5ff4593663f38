"""Whatever lies at a path, read as a dataset by the reader that suits it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import LiminalError
from ..modalities import Modality
from ..modalities.image import Image
from . import Dataset
from .attributes import with_attributes
from .cache import Progress
from .columns import read_array
from .folder import find, read_folder
from .idx import idx_files, is_idx, read_idx_dataset
from .parquet import read_parquet

PARQUET = frozenset({".parquet", ".pq"})


def read(
    path: str | Path,
    modality_class: type[Modality],
    attributes: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """The data at a path.

    A folder may hold files of the modality (see `read_folder`), idx files as MNIST is published, or Parquet files; a file may be
    npy, npz, Parquet, idx, or a single item.

    Args:
        path: what to read.
        modality_class: which kind of data.
        attributes: a CSV or Parquet file, see `join_attributes`.
        progress: called with (done, total).
        options: of ``modality_class.infer``, for example ``size=64``.

    Returns:
        The dataset.

    Raises:
        LiminalError: nothing is there, or nothing in it can be read.
    """
    path = Path(path)
    table = None if attributes is None else Path(attributes)
    if table is not None and not table.is_file():
        raise LiminalError(f"attributes {table}: there is no such file")
    if not path.exists():
        raise LiminalError(f"{path}: there is no such file or folder")
    pictures = issubclass(modality_class, Image)
    if path.is_dir():
        if pictures and idx_files(path):
            return read_idx_dataset(path, table, progress, **options)
        shards = [path / f.name for f in find(path, PARQUET)[0]] if pictures else []
        if shards and not find(path, modality_class.reads)[0]:
            return read_parquet(shards, modality_class, table, progress, **options)
        return read_folder(path, modality_class, table, progress, **options)
    ending = path.suffix.lower()
    if ending in modality_class.reads:
        return _single(path, modality_class, table, progress, options)
    if pictures and ending in (".npy", ".npz"):
        return read_array(path, table, progress, **options)
    if pictures and ending in PARQUET:
        return read_parquet(path, modality_class, table, progress, **options)
    if pictures and is_idx(path):
        return read_idx_dataset(path, table, progress, **options)
    more = ", a .npy, .npz, .parquet or idx file" if pictures else ""
    raise LiminalError(
        f"{path}: wanted a folder{more}, or a file that ends in {', '.join(sorted(modality_class.reads))}"
    )


def _single(
    path: Path,
    modality_class: type[Modality],
    table: Path | None,
    progress: Progress | None,
    options: dict[str, Any],
) -> Dataset:
    modality = modality_class.infer([path], **options)
    item, remarks = modality.load(path, str(path))
    notes = tuple(f"{path.name} was {remark}" for remark in remarks)
    if progress:
        progress(1, 1)
    provenance = {"source": f"file {path.name}", "licence": "not stated", "read": list(notes)}
    return with_attributes(
        Dataset(path.stem, modality, item[None], [path.name], pa.table({}), None, provenance, notes), table
    )
