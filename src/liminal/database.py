"""LanceDB, as the catalogue uses it: it is loaded when it is needed, and what it raises becomes one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from .errors import LiminalError
from .files import check_path
from .filters import reason

FOLDER = "items.lance"
RACE = "{}: another process wrote to it at the same time; the space is as it was, run this again"
CHUNK_BYTES = 32 << 20  # written at once: bounds memory, and keeps the pieces of a large table few


def _lancedb() -> Any:
    # it warns on stderr about each table that it makes; read once, at the import
    os.environ.setdefault("LANCEDB_LOG", "error")
    import lancedb

    return lancedb


def connect(folder: Path) -> Any:
    """The database in a space's folder."""
    check_path(folder)
    return _lancedb().connect(str(folder.absolute()))


def table(folder: Path, version: int | None, hold: bool = True) -> Any:
    """LanceDB's table, held at a version unless it is to be written."""
    path = folder / FOLDER
    if not path.is_dir():
        raise LiminalError(
            f"{path} is missing, which holds the items of this space; copy the whole folder again"
        )
    table = connect(folder).open_table("items")
    if hold:
        try:
            table.checkout(int(table.version) if version is None else version)
        except ValueError as error:
            raise LiminalError(
                f"{path} holds no version {version}, which the card names; copy the whole folder again"
            ) from error
    return table


@contextmanager
def reading(folder: Path, where: str | None = None) -> Iterator[None]:
    """Turns what LanceDB raises into one line: about the filter where its evaluation failed, else about the
    damage.
    """
    try:
        yield
    except LiminalError:
        raise
    except Exception as error:  # LanceDB raises ValueError, RuntimeError, OSError and a panic of its own
        if isinstance(error, (ImportError, MemoryError)):
            raise
        if not (folder / FOLDER).is_dir():
            raise LiminalError(
                f"{folder} is gone: it was moved or removed while it was open; open it where it lies now"
            ) from error
        if where is not None and "filter expression" in str(error):
            raise LiminalError(f"where {where!r}: {reason(error)}") from error
        raise LiminalError(
            f"{folder / FOLDER} is damaged and cannot be read ({reason(error)}); copy the space again"
        ) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """The same of a write, which leaves the space as it was."""
    try:
        yield
    except LiminalError:
        raise
    except Exception as error:
        if isinstance(error, (ImportError, MemoryError)):
            raise
        if "concurrent" in str(error) or "conflict" in str(error):
            raise LiminalError(RACE.format(folder / FOLDER)) from error
        raise LiminalError(
            f"could not write {folder / FOLDER} ({reason(error)}); the space is as it was"
        ) from error


def pour(
    folder: Path, table: Any, batches: Iterator[pa.RecordBatch], schema: pa.Schema, replace: bool
) -> int:
    """Write the batches to the table, or in the place of its rows, a bounded piece at a time; the last
    version.

    The batches are made in this thread and between the writes, so that their errors and ctrl-C come through
    as they are.
    """
    version = int(table.version)
    pending: list[pa.RecordBatch] = []
    held = 0

    def write() -> None:
        nonlocal version, replace, held
        with writing(folder):
            table.add(pa.Table.from_batches(pending, schema), mode="overwrite" if replace else "append")
        if table.version != version + 1:
            raise LiminalError(RACE.format(folder / FOLDER))
        version, replace, held = version + 1, False, 0
        pending.clear()

    for rows in batches:
        pending.append(rows)
        held += rows.nbytes
        if held >= CHUNK_BYTES:
            write()
    if pending or replace:
        write()
    return version
