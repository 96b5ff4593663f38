"""Pictures in columns: npy and npz arrays, and Parquet files with a column of encoded pictures (the Hugging Face form too)."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import LiminalError
from ..modalities import Modality
from ..modalities.image import Image
from . import Dataset
from .arrays import array_dataset, last_axis
from .attributes import as_attributes, join_attributes, with_attributes
from .cache import Outcome, Progress, store
from .folder import BATCH, HELD_OUT, read_batch

__all__ = ["join_attributes", "read_array", "read_parquet"]

IMAGES = ("images", "image", "imgs", "x", "data", "arr_0")
LABELS = ("labels", "label", "y", "targets", "target")
COLUMNS = ("image", "img", "picture", "photo", "bytes", "data")
_PART = re.compile(r"(?:^|[_\-./])(train|training|test|testing|val|valid|validation)(?=$|[_\-./])")


def read_array(
    path: Path, attributes: Path | None = None, progress: Progress | None = None, **options: Any
) -> Dataset:
    """Pictures in an ``.npy`` or ``.npz`` file, see `array_dataset` for shapes and ranges.

    An npz holds pictures under images, x or data and labels under labels or y, alone or for a training and a held-out part
    (``x_train``, ``test_images``); other arrays with one number or word for each picture become attributes.

    Raises:
        LiminalError: the file is cut, holds Python objects, or no array of pictures.
    """
    path = Path(path)
    array, columns, held_out, notes = _load(path)
    told = path.stat()
    known, said = as_attributes(pa.table(columns)) if columns else (pa.table({}), ())
    dataset = array_dataset(
        path.stem,
        array,
        place=path,
        state=[told.st_size, told.st_mtime_ns],
        sources=[f"{path.name}#{i}" for i in range(len(array))],
        attributes=known,
        held_out=held_out,
        progress=progress,
        **options,
    )
    return with_attributes(replace(dataset, notes=(*notes, *said, *dataset.notes)), attributes)


def _load(path: Path) -> tuple[np.ndarray, dict[str, pa.Array], np.ndarray | None, list[str]]:
    """The pictures (n, h, w, c) of an array file, one column for each thing known about them, the held-out ones, and notes."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(found, np.ndarray):
            return last_axis(found, str(path)), {}, None, []
        with found:
            return _parts({name: found[name] for name in found.files}, path)
    except LiminalError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "pickle" in str(error).lower() or "Python objects" in str(error):
            raise LiminalError(
                f"{path}: holds pickled Python objects, which are never opened; save plain arrays of numbers"
            ) from error
        raise LiminalError(f"{path}: the file is cut or no array ({' '.join(str(error).split())})") from error


def _parts(
    arrays: dict[str, np.ndarray], path: Path
) -> tuple[np.ndarray, dict[str, pa.Array], np.ndarray | None, list[str]]:
    """As `_load`, from the arrays of an npz by their names."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        found = _PART.search(key.lower())
        rest = key if found is None else (key[: found.start()] + key[found.end() :]).strip("_-./")
        parts.setdefault("" if found is None else found[1], {})[rest.lower()] = array
    pictures = {part: name for part, inside in parts.items() if (name := _pictures(inside))}
    order = sorted(pictures, key=lambda part: (part in HELD_OUT, part))
    if not order:
        raise LiminalError(
            f"{path}: no array of pictures among {', '.join(arrays) or 'none'}; name it images, x or data"
        )
    blocks = [last_axis(parts[part].pop(pictures[part]), str(path)) for part in order]
    if len({block.shape[1:] for block in blocks}) > 1 or len({block.dtype for block in blocks}) > 1:
        raise LiminalError(
            f"{path}: its parts {', '.join(order)} hold pictures of different sizes or types; wanted one"
        )
    names = list(dict.fromkeys(name for part in order for name in parts[part]))
    columns: dict[str, pa.Array] = {}
    left = []
    for name in names:
        values = [
            _values(parts[part].get(name), len(block)) for part, block in zip(order, blocks, strict=True)
        ]
        if any(v is None for v in values):
            left.append(name)
        else:
            column = [v for value in values for v in value or ()]
            if name in LABELS:
                columns["label"] = pa.array(
                    [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in column]
                )
            else:
                columns[name] = pa.array(column)
    held_out = np.concatenate(
        [np.full(len(block), part in HELD_OUT) for part, block in zip(order, blocks, strict=True)]
    )
    notes = [f"left out of {path.name}: {', '.join(left)} (not one value for each picture)"] if left else []
    array = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return array, columns, held_out if held_out.any() and not held_out.all() else None, notes


def _pictures(arrays: dict[str, np.ndarray]) -> str | None:
    """The name of the array of pictures: a usual one, else the only one with three or four dimensions."""
    able = [name for name, array in arrays.items() if array.ndim in (3, 4) and array.dtype.kind in "buif"]
    return next((name for name in IMAGES if name in able), able[0] if len(able) == 1 else None)


def _values(array: np.ndarray | None, n: int) -> list[Any] | None:
    """One number or word for each of n pictures, or None where the array is something else."""
    if array is None or array.dtype.kind not in "buifUS" or array.shape not in ((n,), (n, 1)):
        return None
    words = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    return words.reshape(n).tolist()


def read_parquet(
    paths: Path | Sequence[Path],
    modality_class: type[Modality],
    attributes: Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """Pictures encoded (PNG, JPEG, ...) in a column of Parquet files: bytes, or the Hugging Face form, a struct with the field bytes.

    The first such column counts, one named image, img, picture, photo, bytes or data before others. Numbers, yes/no and words in other
    columns become attributes. Where the names of several files all begin or end with train, test or validation, the latter are held out.

    Args:
        paths: one file or several with the same columns.
        modality_class: which kind of data; pictures only.
        attributes: a CSV or Parquet file, see `join_attributes`.
        progress: called with (done, total).
        options: of ``modality_class.infer``.

    Raises:
        LiminalError: a file is cut or has no column of pictures, or none can be read.
    """
    shards = [paths] if isinstance(paths, Path) else list(paths)
    if not issubclass(modality_class, Image):
        raise LiminalError(
            f"{shards[0]}: {modality_class.plural} are not read from Parquet; wanted a folder of files"
        )
    column = _picture_column(_parquet(shards[0]).schema_arrow, shards[0])
    counts = [_parquet(shard).metadata.num_rows for shard in shards]
    for shard in shards[1:]:
        if _picture_column(_parquet(shard).schema_arrow, shard) != column:
            raise LiminalError(
                f"{shard}: its pictures are not in the column {column!r} as in {shards[0].name}; wanted the same columns"
            )
    place = shards[0] if len(shards) == 1 else shards[0].parent
    stored = store(
        place=place,
        state=[(s.name, s.stat().st_size, s.stat().st_mtime_ns) for s in shards],
        options={"reader": "parquet", **options},
        modality_class=modality_class,
        infer=lambda: Image.infer(
            [io.BytesIO(data) for shard in shards[:8] for data in _sample(shard, column)], **options
        ),
        batches=_batches(shards, column),
        work=_decode,
        total=sum(counts),
        progress=progress,
    )
    sources = [f"{shard.name}#{i}" for shard, count in zip(shards, counts, strict=True) for i in range(count)]
    held = [None if (m := _PART.search(shard.stem.lower())) is None else m[1] in HELD_OUT for shard in shards]
    held_out = (
        np.repeat(np.array(held, dtype=bool), counts)[stored.kept]
        if True in held and False in held and None not in held
        else None
    )
    table = pa.concat_tables([_others(shard, column) for shard in shards], promote_options="permissive")
    taken = table.take(pa.array(stored.kept)) if table.num_columns else pa.table({})
    known, said = as_attributes(taken)
    dataset = Dataset(
        place.absolute().stem,
        stored.modality,
        stored.items,
        [sources[i] for i in stored.kept],
        known,
        held_out,
        {"source": f"Parquet {place.absolute().name}", "licence": "not stated", "read": list(stored.notes)},
        (*stored.notes, *said),
        stored.skipped,
    )
    return with_attributes(dataset, attributes)


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise LiminalError(
            f"{path}: the Parquet file is cut or damaged ({str(error).splitlines()[0]})"
        ) from error


def _picture_column(schema: pa.Schema, path: Path) -> str:
    able = [f.name for f in schema if _bytes_of(f.type)]
    if not able:
        raise LiminalError(f"{path}: no column of encoded pictures (bytes) among {', '.join(schema.names)}")
    return next((name for name in able if name.lower() in COLUMNS), able[0])


def _bytes_of(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _bytes_of(kind.field("bytes").type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _others(shard: Path, column: str) -> pa.Table:
    """The columns that may be attributes."""
    file = _parquet(shard)
    names = [
        f.name
        for f in file.schema_arrow
        if f.name != column and not pa.types.is_nested(f.type) and not _bytes_of(f.type)
    ]
    return file.read(columns=names)


def _contents(batch: pa.RecordBatch) -> list[bytes | None]:
    values = batch.column(0).to_pylist()
    return [v.get("bytes") if isinstance(v, dict) else v for v in values]


def _sample(shard: Path, column: str) -> Iterator[bytes]:
    """A few pictures from each of several places in the file."""
    file = _parquet(shard)
    groups = sorted({i * file.num_row_groups // 8 for i in range(8)}) if file.num_row_groups else []
    for group in groups:
        for batch in islice(
            file.iter_batches(max(1, 64 // len(groups)), row_groups=[group], columns=[column]), 1
        ):
            yield from (data for data in _contents(batch) if data)


def _batches(shards: Sequence[Path], column: str) -> Iterator[list[tuple[bytes | None, str]]]:
    for shard in shards:
        row = 0
        try:
            for batch in _parquet(shard).iter_batches(BATCH, columns=[column]):
                contents = _contents(batch)
                yield [(data, f"{shard.name}#{row + i}") for i, data in enumerate(contents)]
                row += len(contents)
        except (pa.ArrowException, OSError) as error:
            raise LiminalError(
                f"{shard}: the Parquet file is cut or damaged after row {row} ({str(error).splitlines()[0]})"
            ) from error


def _decode(modality: Modality, batch: Sequence[tuple[bytes | None, str]]) -> list[Outcome]:
    outcomes = []
    for data, name in batch:
        if data:
            outcomes += read_batch(modality, [(io.BytesIO(data), name)])
        else:
            outcomes.append(Outcome(name, None, ("the row holds no picture",)))
    return outcomes
