"""Folders of the user, and files and folders that appear whole or not at all."""

from __future__ import annotations

import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import LiminalError


def cache_folder(*parts: str) -> Path:
    """The user's cache folder for Liminal, made if missing.

    It is ``$LIMINAL_CACHE``, else ``$XDG_CACHE_HOME/liminal``, else ``~/.cache/liminal``.

    Raises:
        LiminalError: it cannot be made.
    """
    base = os.environ.get("LIMINAL_CACHE")
    root = (
        Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "liminal"
    )
    folder = root.joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LiminalError(
            f"cache folder {folder} cannot be made ({error.strerror}); set LIMINAL_CACHE to one that can be "
            "written"
        ) from error
    return folder


def data_folder() -> Path | None:
    """The folder of datasets named by ``LIMINAL_DATA``, or None where the variable is unset or names no
    folder.
    """
    value = os.environ.get("LIMINAL_DATA")
    return Path(value) if value and Path(value).is_dir() else None


def check_output(path: str | Path, force: bool, what: str = "output") -> Path:
    """Refuse to write over something that exists unless `force`, and into a folder that is none or cannot be
    written.

    Raises:
        LiminalError: the path exists and `force` is False, or its parent is no folder or not to be written.
    """
    path = Path(path)
    if path.exists() and not force:
        raise LiminalError(f"{what} {path} exists already: name another one or add --force")
    if not path.absolute().parent.is_dir():
        raise LiminalError(
            f"{what} {path}: the folder {path.absolute().parent} does not exist; make it first"
        )
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise LiminalError(
            f"{what} {path}: its folder cannot be written ({error.strerror or error}); name a file in "
            "another one"
        ) from error
    return path


def check_path(folder: Path) -> None:
    """Refuse a path that the database cannot open: with line breaks or other control characters, or no UTF-8.

    Raises:
        LiminalError: its path holds one.
    """
    odd = re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", str(folder.absolute()))
    if odd:
        raise LiminalError(
            f"{str(folder)!a}: its path holds {odd[0]!a}, which the database of items does not take; "
            "rename that folder"
        )


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` (same ending) that replaces it when the block ends well and is removed
    when it does not.

    Works for files and folders: whatever the block made at the temporary path is moved into place.
    What is there is replaced as `put` does it.

    Raises:
        LiminalError: it cannot be written, or a file would take the place of a folder; nothing was changed
        there.
    """
    path = Path(path)
    holder = None
    try:
        holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
        part = holder / path.name
        yield part
        put(part, path)
    except OSError as error:
        raise LiminalError(
            f"could not write {path}: {error.strerror or error}; nothing was changed there"
        ) from error
    finally:
        if holder is not None:
            shutil.rmtree(holder, ignore_errors=True)


def put(part: Path, path: Path) -> None:
    """Move a file or folder to `path`, in the place of what is there; where that fails, what was there stays.

    A file is replaced in one step. A folder is moved aside first, removed last, and only for another folder.

    Raises:
        OSError: it cannot be moved, or a file would take the place of a folder.
        LiminalError: nor can what was there be moved back; it says where that lies.
    """
    if not path.is_dir() or path.is_symlink():
        os.replace(part, path)
        return
    if not part.is_dir():
        raise IsADirectoryError(None, "it is a folder; name a file")
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent)) / path.name
    try:
        path.rename(old)
        part.rename(path)
    except BaseException as error:
        try:
            if not path.exists():
                old.rename(path)
        except OSError:
            raise LiminalError(
                f"could not write {path} ({error}), nor move back what was there; "
                f"it lies in {old}: move it yourself"
            ) from error
        raise
    finally:
        if path.exists():
            shutil.rmtree(old.parent, ignore_errors=True)


def atomic_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, also across a power cut."""
    with atomic(path) as part, open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def let_go(array: Any) -> None:
    """Of an array that is mapped from a file to be read: its pages leave this process's memory until they are
    looked at again.

    The kernel would drop them only when memory is short; until then a set of any size counts as in use. Other
    arrays are left alone.
    """
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and getattr(array, "mode", "") == "r" and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
