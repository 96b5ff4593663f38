"""The idx format of MNIST: a magic number, the lengths of the dimensions, the numbers, big-endian; plain or
gzipped.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from . import Dataset
from .arrays import array_dataset, check_unpacked
from .attributes import with_attributes
from .cache import Progress

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
PIECE = 2**24  # bytes read at a time
DIGITS = tuple("0123456789")


def read_idx(path: Path) -> np.ndarray:
    """The array in an idx file, in the machine's byte order.

    Raises:
        LiminalError: the file is missing, is no idx file, is cut, or would unpack to far more than its
            size makes likely.
    """
    path = Path(path)
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                return _parse(raw, path, packed)
            with gzip.open(raw) as inflated:
                return _parse(inflated, path, packed)  # type: ignore[arg-type]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LiminalError(f"{path}: the gzip file is cut or damaged ({error}); fetch it again") from error
    except OSError as error:
        raise LiminalError(f"{path}: cannot be read ({error.strerror or error})") from error


def _parse(file: BinaryIO, path: Path, packed: bool) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in DTYPES or not 0 < head[3] <= 32:
        raise LiminalError(
            f"{path}: not an idx file; wanted it to begin with 00 00, a type (08 to 0e) and a number of "
            f"dimensions, got {head.hex(' ')}"
        )
    dtype = np.dtype(DTYPES[head[2]])
    lengths = file.read(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise LiminalError(f"{path}: the idx file is cut within its header; fetch it again")
    shape = struct.unpack(f">{head[3]}I", lengths)
    wanted = prod(shape) * dtype.itemsize
    if packed:
        check_unpacked(path, wanted)
    data = bytearray()
    while piece := file.read(
        min(PIECE, wanted + 1 - len(data))
    ):  # the header may promise what no memory holds
        data += piece
    if len(data) != wanted:
        got = f"{len(data):,}" if len(data) < wanted else "more"
        raise LiminalError(
            f"{path}: the idx file should hold {wanted:,} bytes of {' x '.join(map(str, shape))} numbers, "
            f"got {got}; fetch it again"
        )
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_idx_dataset(
    path: Path,
    attributes: Path | None = None,
    progress: Progress | None = None,
    *,
    names: Sequence[str] | None = None,
    name: str | None = None,
    **options: Any,
) -> Dataset:
    """Pictures in idx files.

    Args:
        path: a folder with ``train-images...`` and ``t10k-images...`` (which is held out) and their
            ``-labels...``, as MNIST is published, or one file of pictures, whose labels are taken from the
            file of that name with ``labels`` for ``images``, if there is one.
        attributes: a CSV or Parquet file, see `join_attributes`.
        progress: called with (done, total).
        names: of the classes; None writes their numbers.
        name: of the dataset; None takes the folder's or file's.
        options: of ``Image.infer``.

    Returns:
        The dataset, with the attribute ``label`` where there are labels.

    Raises:
        LiminalError: a file is missing, cut or of another format, or pictures and labels differ in number.
    """
    path = Path(path)
    parts = idx_files(path) if path.is_dir() else [path]
    if not parts:
        raise LiminalError(
            f"folder {path} holds no idx files; wanted train-images-idx3-ubyte or t10k-images-idx3-ubyte, "
            "plain or .gz"
        )
    arrays = [read_idx(part) for part in parts]
    for part, array in zip(parts, arrays, strict=True):
        if (
            array.ndim not in (3, 4)
            or array.shape[1:] != arrays[0].shape[1:]
            or array.dtype != arrays[0].dtype
        ):
            raise LiminalError(
                f"{part}: wanted pictures (n, height, width) of one size, got {array.dtype} {array.shape}"
            )
    labels: list[str | None] = []
    for part, array in zip(parts, arrays, strict=True):
        labels += _labels(part, len(array), names)
    held_out = np.concatenate(
        [np.full(len(a), "t10k-" in p.name) for p, a in zip(parts, arrays, strict=True)]
    )
    dataset = array_dataset(
        name or path.absolute().name,
        np.concatenate(arrays) if len(arrays) > 1 else arrays[0],
        place=path,
        state=[(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in parts],
        sources=[
            f"{p.name.removesuffix('.gz')}#{i}"
            for p, a in zip(parts, arrays, strict=True)
            for i in range(len(a))
        ],
        attributes=pa.table(
            {"label": pa.array(labels, pa.string())} if any(label is not None for label in labels) else {}
        ),
        held_out=held_out if len(parts) > 1 else None,
        progress=progress,
        **options,
    )
    return with_attributes(dataset, attributes)


def idx_files(folder: Path) -> list[Path]:
    """The files of pictures in a folder laid out like MNIST, training ones first; of a plain and a gzipped
    file the plain one.
    """
    chosen = []
    for part in ("train", "t10k"):
        files = sorted(f for f in folder.glob(f"{part}-images*") if is_idx(f))
        chosen += files[:1]
    return chosen


def is_idx(path: Path) -> bool:
    """Whether a file's name is one that idx files bear."""
    stem = path.name.lower().removesuffix(".gz")
    return path.is_file() and (
        stem.endswith((".idx", "-ubyte", ".idx3", ".idx1")) or "-idx" in stem or ".idx" in stem
    )


def _labels(images: Path, n: int, names: Sequence[str] | None) -> list[str | None]:
    """The label of each picture as a word, or nulls where there is no file of labels."""
    stem = (
        images.name.removesuffix(".gz")
        .replace("images", "labels")
        .replace("idx3", "idx1")
        .replace("idx4", "idx1")
    )
    file = next(
        (f for f in (images.with_name(stem), images.with_name(stem + ".gz")) if f.is_file() and f != images),
        None,
    )
    if "images" not in images.name or file is None:
        return [None] * n
    values = read_idx(file)
    if values.shape != (n,) or values.dtype.kind not in "iu":
        raise LiminalError(
            f"{file}: wanted {n:,} whole numbers, one for each picture of {images.name}, got {values.dtype} "
            f"{values.shape}"
        )
    if names is None:
        return [str(v) for v in values.tolist()]
    if values.min(initial=0) < 0 or values.max(initial=0) >= len(names):
        raise LiminalError(
            f"{file}: labels up to {values.max()}, but {len(names)} names; wanted a name for each"
        )
    return [names[v] for v in values.tolist()]
