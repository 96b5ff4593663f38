"""The folder that a space is made in, and how it takes its place when it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from .card import CHECKPOINT, FILE, NEW
from .errors import LiminalError
from .files import check_path, put


def claim(out: str | Path, force: bool, resume: bool) -> Path | None:
    """The folder to make a space in: `out` itself, or the one `beside` it where `force` replaces something.

    None where `out` holds a finished space and `resume` asks for no more. Nothing on disk changes.

    Raises:
        LiminalError: something is there that must not be overwritten, the parent folder is missing, or no
            space can have such a path.
    """
    folder, new = Path(out), beside(out)
    check_path(folder)
    if not folder.absolute().parent.is_dir():
        raise LiminalError(
            f"output {folder}: the folder {folder.absolute().parent} does not exist; make it first"
        )
    whole, free = (folder / FILE).exists(), not folder.exists() or _free(folder)
    if not (whole or free or (folder / CHECKPOINT).is_dir()):
        raise LiminalError(f"output {folder} exists and is no space; it is left alone, name another one")
    if (new / CHECKPOINT).is_dir():
        if not resume and not force:
            raise LiminalError(
                f"output {folder}: an unfinished one lies in {new}; go on with --resume, "
                "or start afresh with --force"
            )
        return new
    if free:
        return folder
    if resume:
        return None if whole else folder
    if not force:
        how = (
            "name another one, or replace it with --force"
            if whole
            else "go on with --resume, or start afresh with --force"
        )
        raise LiminalError(f"output {folder} exists already{'' if whole else ' (unfinished)'}: {how}")
    if new.exists() and not _free(new):
        raise LiminalError(
            f"output {folder}: the new one would be made in {new}, which is there already; move that first"
        )
    return new


def beside(out: str | Path) -> Path:
    """Where a space is made that is to take the place of `out`."""
    folder = Path(out)
    folder = folder.resolve() if folder.is_symlink() or folder.name in ("", "..") else folder
    return folder.with_name(folder.name + NEW)


def _free(folder: Path) -> bool:
    """Whether a folder is empty, or holds no more than a training that ended before its first checkpoint."""
    return folder.is_dir() and all(
        part.name == CHECKPOINT and part.is_dir() and not any(part.iterdir()) for part in folder.iterdir()
    )


def settle(folder: Path, out: Path) -> Path:
    """Put a whole space in its place, `out`, in that of what is there.

    Raises:
        LiminalError: it cannot be moved there; both are as they were.
    """
    home = out
    if folder != out:
        home = folder.with_name(folder.name.removesuffix(NEW))
        try:
            put(folder, home)
        except OSError as error:
            raise LiminalError(
                f"could not move {folder} to {out} ({error.strerror or error}); both are whole, "
                "run it again with --resume"
            ) from error
    shutil.rmtree(home / CHECKPOINT, ignore_errors=True)
    return out if (out / FILE).exists() else home
