"""Parquet files with a column of encoded pictures, in the Hugging Face form too."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import LiminalError
from ..modalities import Modality
from . import Dataset
from .attributes import as_attributes, with_attributes
from .cache import Progress, store
from .columns import PART
from .folder import BATCH, HELD_OUT, read_batch

PARQUET = frozenset({".parquet", ".pq"})
COLUMNS = ("image", "img", "picture", "photo", "bytes", "data")
_MASK = re.compile(r"mask|label|segm|annotation|depth|gt$|target")


def read_parquet(
    paths: Path | Sequence[Path],
    modality_class: type[Modality],
    attributes: Path | None = None,
    progress: Progress | None = None,
    *,
    column: str | None = None,
    **options: Any,
) -> Dataset:
    """Pictures encoded (PNG, JPEG, ...) in a column of Parquet files: bytes, the Hugging Face form (a struct
    of bytes and path), or lists of either, of which the first counts. Where there is a path and no bytes, the
    file is read if it lies below the Parquet file's folder.

    One column counts: one named image, img, picture, photo, bytes or data, else the first, of masks only if
    there is no other. Numbers, yes/no and words in other columns become attributes. Where the names of
    several files all begin or end with train, test or validation, the latter are held out.

    Args:
        paths: one file or several with the same columns.
        modality_class: which kind of data; pictures only.
        attributes: a CSV or Parquet file, see `join_attributes`.
        progress: called with (done, total).
        column: the column of the pictures, if another one is meant.
        options: of ``modality_class.infer``.

    Raises:
        LiminalError: a file is cut or has no column of pictures, or none can be read.
    """
    shards = [paths] if isinstance(paths, Path) else list(paths)
    if not modality_class.arrays:
        raise LiminalError(
            f"{shards[0]}: {modality_class.plural} are not read from Parquet; wanted a folder of files"
        )
    column, notes = _picture_column(shards, column)
    notes += _further(shards, column)
    counts = [_parquet(shard).metadata.num_rows for shard in shards]
    place = shards[0] if len(shards) == 1 else shards[0].parent
    rows = _Rows(shards, column, sum(counts), progress)
    stored = store(
        place=place,
        state=[(s.name, s.stat().st_size, s.stat().st_mtime_ns) for s in shards],
        options={"reader": "parquet", "column": column, **options},
        modality_class=modality_class,
        infer=lambda: rows.infer(modality_class, options),
        batches=_batches(shards, column),
        work=read_batch,
        total=sum(counts),
        progress=progress,
    )
    sources = [f"{shard.name}#{i}" for shard, count in zip(shards, counts, strict=True) for i in range(count)]
    known, left, said = _attributes(shards, column, stored.kept, place.name)
    dataset = Dataset(
        place.absolute().stem,
        stored.modality,
        stored.items,
        [sources[i] for i in stored.kept],
        known,
        held_out=_held_out(shards, stored.kept, counts),
        provenance={
            "source": f"Parquet {place.absolute().name}",
            "licence": "not stated",
            "read": list(stored.notes),
        },
        notes=(*notes, *left, *stored.notes, *said),
        skipped=stored.skipped,
    )
    return with_attributes(dataset, attributes)


def _held_out(shards: Sequence[Path], rows: np.ndarray, counts: Sequence[int]) -> np.ndarray | None:
    """Which of some rows lie in files that are named after a part to be held out: bool (n,); None unless
    every file is named after a part, and some are held out and others are not.
    """
    parts = [PART.search(shard.stem.lower()) for shard in shards]
    held = [None if part is None else part[1] in HELD_OUT for part in parts]
    if None in held or len(set(held)) < 2:
        return None
    return np.repeat(np.array(held, dtype=bool), counts)[rows]


def _attributes(
    shards: Sequence[Path], column: str, rows: np.ndarray, name: str
) -> tuple[pa.Table, list[str], tuple[str, ...]]:
    """The attributes of some rows from all columns but the pictures', what to say of columns left out, and of
    those taken; `name` is what to call the files.
    """
    table, names = _others(shards, column)
    known, said = as_attributes(table.take(pa.array(rows))) if table.num_columns else (pa.table({}), ())
    left = [other for other in names if other not in known.column_names]
    why = "empty, or no single number or word for each picture"
    return known, [f"left out of {name}: {', '.join(left)} ({why})"] if left else [], said


@contextmanager
def _arrow(path: Path, where: str = "") -> Iterator[None]:
    """What Arrow raises about a file becomes one `LiminalError`."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise LiminalError(f"{path}: the Parquet file is cut or damaged{where} ({reason})") from error


def _parquet(path: Path) -> pq.ParquetFile:
    with _arrow(path):
        return pq.ParquetFile(path)


def has_pictures(path: Path) -> bool:
    """Whether a Parquet file has a column of encoded pictures.

    Raises:
        LiminalError: it is cut or damaged.
    """
    return any(_holds_pictures(field.type) for field in _parquet(path).schema_arrow)


def _picture_column(shards: Sequence[Path], wanted: str | None) -> tuple[str, list[str]]:
    """The column of pictures, and a note where there are several."""
    schema = _parquet(shards[0]).schema_arrow
    able = [f.name for f in schema if _holds_pictures(f.type)]
    if not able or wanted not in (None, *able):
        what = (
            "no column of encoded pictures (bytes)"
            if not able
            else f"no column {wanted!r} of encoded pictures"
        )
        raise LiminalError(f"{shards[0]}: {what} among {', '.join(able or schema.names)}")
    named = [name for name in able if name.lower() in COLUMNS]
    plain = [name for name in able if not _MASK.search(name.lower())]
    column = wanted or [*named, *plain, *able][0]
    for shard in shards[1:]:
        kinds = {f.name: f.type for f in _parquet(shard).schema_arrow}
        if column not in kinds or not _holds_pictures(kinds[column]):
            raise LiminalError(
                f"{shard}: its pictures are not in the column {column!r} as in {shards[0].name}; wanted the "
                "same columns"
            )
    others = [name for name in able if name != column]
    if not others or wanted:
        return column, []
    also = f"{', '.join(others)} hold{'s' if len(others) == 1 else ''} pictures, too"
    return column, [
        f"the pictures are those of the column {column}; {also}: name the one that is meant image to choose "
        "it"
    ]


def _further(shards: Sequence[Path], column: str) -> list[str]:
    """A note where rows hold lists of several pictures, of which the first is taken."""
    if not _is_list(_parquet(shards[0]).schema_arrow.field(column).type):
        return []
    rows = others = 0
    for shard in shards:
        for batch in _parquet(shard).iter_batches(BATCH, columns=[column]):
            lengths = pc.list_value_length(batch.column(0)).drop_null().to_numpy()
            rows, others = rows + int((lengths > 1).sum()), others + int((lengths - 1).clip(0).sum())
    of = f"the first picture of each list in the column {column} is taken; {others:,} further ones"
    return [f"{of}, in {rows:,} rows, are left out"] if others else []


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _holds_pictures(kind: pa.DataType) -> bool:
    if _is_list(kind):
        kind = kind.value_type
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _is_bytes(kind.field("bytes").type)
    return _is_bytes(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _others(shards: Sequence[Path], column: str) -> tuple[pa.Table, list[str]]:
    """The columns that may be attributes, and the names of all but the pictures'."""
    tables, names = [], []
    for shard in shards:
        file = _parquet(shard)
        fields = [f for f in file.schema_arrow if f.name != column]
        names += [f.name for f in fields]
        with _arrow(shard):
            plain = [f.name for f in fields if not pa.types.is_nested(f.type) and not _is_bytes(f.type)]
            tables.append(file.read(columns=plain))
    try:
        return pa.concat_tables(tables, promote_options="permissive"), list(dict.fromkeys(names))
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise LiminalError(
            f"{shards[0].parent}: its Parquet files differ in the type of a column ({reason}); wanted the "
            "same"
        ) from error


class _Rows:
    """The pictures of all rows, one after the other, as `Modality.infer` looks at them."""

    def __init__(self, shards: Sequence[Path], column: str, total: int, progress: Progress | None) -> None:
        self.shards, self.column, self.total, self.progress = shards, column, total, progress
        self.reason: str | None = None  # why the first row without a picture has none
        self.found = 0

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[Path | BinaryIO]:
        for i, (source, name) in enumerate(
            row for rows in _batches(self.shards, self.column) for row in rows
        ):
            if self.progress and i % 64 == 63:
                self.progress(i + 1, self.total)
            if isinstance(source, str):
                self.reason = self.reason or f"{name}: {source}"
            else:
                self.found += 1
                yield source

    def infer(self, kind: type[Modality], options: dict[str, Any]) -> Modality:
        """The modality that suits them.

        Raises:
            LiminalError: there are none, or as `Modality.infer`.
        """
        try:
            return kind.infer(self, **options)  # type: ignore[arg-type]  # sized, and gone through once
        except LiminalError as error:
            if self.reason is None or self.found:
                raise
            raise LiminalError(
                f"none of {self.total} rows has a picture that can be read; {self.reason}"
            ) from error


def _batches(shards: Sequence[Path], column: str) -> Iterator[list[tuple[Path | BinaryIO | str, str]]]:
    """(picture, or why there is none; name of the row), some rows at a time."""
    for shard in shards:
        row = 0
        folder = shard.absolute().parent.resolve()
        batches = _parquet(shard).iter_batches(BATCH, columns=[column])
        while True:
            with _arrow(shard, f" after row {row}"):
                batch = next(batches, None)
            if batch is None:
                break
            values = batch.column(0).to_pylist()
            yield [(_source(value, folder), f"{shard.name}#{row + i}") for i, value in enumerate(values)]
            row += len(values)


def _source(value: Any, folder: Path) -> Path | BinaryIO | str:
    """The picture of one cell, or why there is none."""
    if isinstance(value, list):
        value = next((v for v in value if v), None)
    path = value.get("path") if isinstance(value, dict) else None
    data = value.get("bytes") if isinstance(value, dict) else value
    if data:
        return io.BytesIO(data)
    if not path or not isinstance(path, str):
        return "the row holds no picture"
    file = (folder / path).resolve()
    if file.is_relative_to(folder) and file.is_file():
        return file
    return f"the row holds the path {path} and no bytes, and there is no such file below {folder.name}"
