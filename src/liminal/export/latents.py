"""Latents as files: Parquet (id, z, attributes) or npy, by the file's ending."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import LiminalError
from ..files import atomic

ENDINGS = (".parquet", ".npy")


def write(path: str | Path, z: np.ndarray, columns: pa.Table | None = None) -> None:
    """Write latents (n, d) to `path`: ``.npy`` holds the array alone, ``.parquet`` an ``id``, ``z`` and the
    given columns.

    Args:
        path: ends in .parquet or .npy.
        z: (n, d), float32.
        columns: n rows that go beside z (source, attributes); an ``id`` of 0..n-1 is added where there is
            none.

    Raises:
        LiminalError: another ending, or the file cannot be written.
    """
    path = check_ending(path)
    with atomic(path) as part:
        if path.suffix == ".npy":
            held = io.BytesIO()  # np.save itself does not notice a full disk
            np.save(held, z)
            part.write_bytes(held.getbuffer())
            return
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(z).reshape(-1)), z.shape[1])
        given = columns if columns is not None else pa.table({})
        ids = given["id"] if "id" in given.column_names else pa.array(np.arange(len(z)))
        table = pa.table(
            {"id": ids, "z": vectors, **{k: given[k] for k in given.column_names if k not in ("id", "z")}}
        )
        pq.write_table(table, part)


def read(path: str | Path) -> np.ndarray:
    """Latents (n, d) as float32 from a file that `write` made, or any npy of that shape, or any Parquet with
    a list column ``z``.

    Raises:
        LiminalError: the file is missing, damaged, of another kind, or holds no latents.
    """
    path = check_ending(path)
    if not path.is_file():
        raise LiminalError(f"latents {path}: there is no such file")
    try:
        if path.suffix == ".npy":
            z = np.load(path, allow_pickle=False)
        else:
            table = pq.read_table(path)
            if "z" not in table.column_names:
                raise LiminalError(f"latents {path}: no column z; found {', '.join(table.column_names)}")
            z = np.array(table.column("z").to_pylist(), dtype=np.float32)
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, LiminalError):
            raise
        raise LiminalError(f"latents {path}: cannot be read ({str(error).splitlines()[0]})") from error
    if z.ndim == 1:
        z = z[None]
    if z.ndim != 2 or z.dtype.kind not in "fiu":
        raise LiminalError(f"latents {path}: wanted numbers of shape (n, d), got {z.dtype} {z.shape}")
    return z.astype(np.float32)


def check_ending(path: str | Path) -> Path:
    """`path`, if it ends in .parquet or .npy.

    Raises:
        LiminalError: it does not.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise LiminalError(f"latents {path}: wanted a name ending in .parquet or .npy")
    return path
