"""Pictures in npy and npz files, and what other arrays tell about them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from . import Dataset
from .arrays import array_dataset, check_unpacked, last_axis
from .attributes import as_attributes, with_attributes
from .cache import Progress
from .folder import HELD_OUT

IMAGES = ("images", "image", "imgs", "x", "data", "arr_0")
LABELS = ("labels", "label", "y", "targets", "target")
WIDE = 32  # columns of an array that become an attribute each
MAGIC = b"\x93NUMPY"
PART = re.compile(r"(?:^|[_\-./])(train|training|test|testing|val|valid|validation)(?=$|[_\-./])")


def read_array(
    path: Path, attributes: Path | None = None, progress: Progress | None = None, **options: Any
) -> Dataset:
    """Pictures in an ``.npy`` or ``.npz`` file, see `array_dataset` for shapes and ranges.

    An npz holds pictures under images, x or data and labels under labels or y, alone or for a training and a
    held-out part (``x_train``, ``test_images``). Other arrays with one number or word for each picture become
    attributes; so do the columns of an array (n, k) with k up to 32, named after it, ``values_0``, or by the
    k words of an array ``values_names``, ``names`` or alike. What else an npz holds, pickled Python objects
    among it, is left out and said.

    Raises:
        LiminalError: the file is cut, holds Python objects only, no array of pictures, or far more than
            its size makes likely.
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
    """The pictures (n, h, w, c) of an array file, one column for each thing known about them, the held-out
    ones, and notes.
    """
    with _numpy(path):
        if not zipfile.is_zipfile(path) and path.suffix.lower() == ".npy":
            with open(path, "rb") as file:
                _check_header(file, path.stat().st_size)
            return last_axis(np.load(path, mmap_mode="r", allow_pickle=False), str(path)), {}, None, []
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            check_unpacked(path, sum(m.file_size for m in members))
            left = {
                m.filename.removesuffix(".npy"): reason for m in members if (reason := _unusable(archive, m))
            }
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files if name not in left}
    return _parts(arrays, left, path)


@contextmanager
def _numpy(path: Path) -> Iterator[None]:
    """Everything that NumPy may raise about a file becomes one `LiminalError`."""
    try:
        yield
    except LiminalError:
        raise
    except Exception as error:  # a cut or damaged file can make a reader raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        if "pickle" in reason.lower() or "Python objects" in reason:
            raise LiminalError(
                f"{path}: holds pickled Python objects, which are never opened; save plain arrays of numbers"
            ) from error
        raise LiminalError(f"{path}: the file is cut or no array ({reason})") from error


def _check_header(file: IO[bytes], size: int) -> None:
    """Read an array's header, and refuse it where it does not tell what follows.

    Raises:
        ValueError: it tells Python objects, lengths below 0, or other ones than the file's size, in bytes.
    """
    start = file.read(len(MAGIC))
    if start[:1] == b"\x80":
        raise ValueError("Python objects")
    if start != MAGIC:
        raise ValueError("it does not begin as an array")
    version = tuple(file.read(2))
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the format")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("Python objects")
    if min(shape, default=0) < 0:
        raise ValueError(f"its shape is {shape}")
    if size - file.tell() < prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{size - file.tell():,} bytes follow, {dtype} {shape} needs {prod(shape) * dtype.itemsize:,}"
        )


def _unusable(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    """Why a member of an npz is left out."""
    if not member.filename.endswith(".npy"):
        return "no array"
    try:
        with archive.open(member) as file:
            _check_header(file, member.file_size)
        return None
    except Exception as error:  # as above
        pickled = "Python objects" in str(error)
        return "pickled Python objects, which are never opened" if pickled else f"cut or no array: {error}"


def _parts(
    arrays: dict[str, np.ndarray], left: dict[str, str], path: Path
) -> tuple[np.ndarray, dict[str, pa.Array], np.ndarray | None, list[str]]:
    """As `_load`, from the arrays of an npz by their names, and the reasons why others are left out."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        found = PART.search(key.lower())
        rest = key if found is None else (key[: found.start()] + key[found.end() :]).strip("_-./")
        parts.setdefault("" if found is None else found[1], {})[rest.lower()] = array
    pictures = {part: name for part, inside in parts.items() if (name := _pictures(inside))}
    order = sorted(pictures, key=lambda part: (part in HELD_OUT, part))
    if not order:
        others = "".join(f"; {name} is left out: {reason}" for name, reason in left.items())
        raise LiminalError(
            f"{path}: no array of pictures{' among ' * bool(arrays)}{', '.join(arrays)}; wanted one named "
            f"images, x or data{others}"
        )
    blocks = [last_axis(parts[part].pop(pictures[part]), str(path)) for part in order]
    if len({block.shape[1:] for block in blocks}) > 1 or len({block.dtype for block in blocks}) > 1:
        raise LiminalError(
            f"{path}: its parts {', '.join(order)} hold pictures of different sizes or types; wanted one"
        )
    names = {n: a for inside in parts.values() for n, a in inside.items() if _are_names(n, a)}
    columns: dict[str, pa.Array] = {}
    for name in dict.fromkeys(name for inside in parts.values() for name in inside if name not in names):
        told = [_values(parts[part].get(name), len(block)) for part, block in zip(order, blocks, strict=True)]
        values = [v for v in told if v is not None]
        if len(values) < len(told) or len({v.shape[1] for v in values}) > 1:
            left[name] = "not one value for each picture"
            continue
        table = np.concatenate(values)
        titles = _titles(name, table.shape[1], names, parts[order[0]])
        if titles == [name] and name in LABELS:
            columns["label"] = _labels(table[:, 0])
        else:
            columns |= {
                title: pa.array(values) for title, values in zip(titles, table.T.tolist(), strict=True)
            }
    held_out = np.concatenate(
        [np.full(len(block), part in HELD_OUT) for part, block in zip(order, blocks, strict=True)]
    )
    notes = [
        f"left out of {path.name}: {', '.join(n for n in left if left[n] == reason)} ({reason})"
        for reason in dict.fromkeys(left.values())
    ]
    array = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return array, columns, held_out if held_out.any() and not held_out.all() else None, notes


def _pictures(arrays: dict[str, np.ndarray]) -> str | None:
    """The name of the array of pictures: a usual one, else the only one with three or four dimensions."""
    able = [name for name, array in arrays.items() if array.ndim in (3, 4) and array.dtype.kind in "buif"]
    return next((name for name in IMAGES if name in able), able[0] if len(able) == 1 else None)


def _values(array: np.ndarray | None, n: int) -> np.ndarray | None:
    """Numbers or words (n, k) for each of n pictures, or None where the array is something else."""
    if array is None or array.dtype.kind not in "buifUSM" or array.ndim not in (1, 2) or len(array) != n:
        return None
    words = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    words = array.astype("datetime64[us]") if array.dtype.kind == "M" else words
    words = words.reshape(n, -1)
    return words if 1 <= words.shape[1] <= WIDE else None


def _labels(values: np.ndarray) -> pa.Array:
    return pa.array(
        [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in values.tolist()]
    )


def _are_names(name: str, array: np.ndarray) -> bool:
    return name.endswith("names") and array.ndim == 1 and array.dtype.kind in "US"


def _titles(
    name: str, k: int, names: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]
) -> list[str]:
    """Names for the k columns of an array: its own, or with numbers, or with the words of the nearest of the
    arrays of names.
    """
    if k == 1:
        return [name]
    able = [other for other, array in names.items() if len(set(array.tolist())) == len(array) == k]
    if not able:
        return [f"{name}_{i}" for i in range(k)]
    words = names[max(able, key=lambda other: other.split("_")[0] == name.split("_")[0])]
    words = np.char.decode(words, "utf-8", "replace") if words.dtype.kind == "S" else words
    alone = sum(array.ndim == 2 and array.shape[1] == k for array in arrays.values()) == 1
    return [str(word) if alone else f"{name}_{word}" for word in words]
