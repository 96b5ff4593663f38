"""Tables of rows, from files, from bytes and from memory, joined and written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from .. import files
from ..errors import LiminalError
from ..names import fit_names
from .cells import SEPARATOR
from .tables import table_of

WRITES = (".csv", ".parquet")


def read(source: Path | BinaryIO, name: str = "") -> tuple[pa.Table, tuple[str, ...]]:
    """The table in a file, its columns named as attributes can be, and remarks on how it was read.

    Raises:
        LiminalError: it cannot be read, holds no rows, or two columns have one name.
    """
    name = name or (str(source) if isinstance(source, Path) else "table")
    data = source.read_bytes() if isinstance(source, Path) else source.read()
    table, remarks = table_of(data, Path(name))
    if not len(table) or not table.num_columns:
        raise LiminalError(f"{name}: the table holds no rows; wanted a line of names, and one for each row")
    names, renamed = fit_names(table.column_names)
    fit = table.rename_columns(names).replace_schema_metadata(table.schema.metadata)
    return fit, (*remarks, *renamed)


def words_of(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column's cells as trimmed strings, null where there is nothing."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_boolean(array.type):
        return pc.if_else(array, "yes", "no")
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    words = pc.utf8_trim_whitespace(array.cast(pa.string()))
    return pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of several tables; where their columns are of different types, as text."""
    told = next((t.schema.metadata for t in tables if SEPARATOR in (t.schema.metadata or {})), None)
    try:
        return pa.concat_tables([t.replace_schema_metadata(told) for t in tables], promote_options="default")
    except pa.ArrowException:
        text = [
            pa.table(
                {name: words_of(t[name]) for name in t.column_names if not pa.types.is_nested(t[name].type)}
            )
            for t in tables
        ]
        found = pa.concat_tables(text, promote_options="default")
        return found.replace_schema_metadata(told or {SEPARATOR: b","})


def adopted(data: Any) -> bytes | None:
    """A data frame of pandas, Polars or whatever gives an Arrow stream, or a table of Arrow's, as Parquet;
    None of anything else.

    Raises:
        LiminalError: a column holds values of several types.
    """
    if hasattr(data, "iloc"):  # of pandas; its index counts rows, or names them
        take = lambda: pa.Table.from_pandas(data, preserve_index=False)
    elif hasattr(data, "__arrow_c_stream__"):
        take = lambda: pa.table(data)
    else:
        return None
    held = io.BytesIO()
    try:
        pq.write_table(take(), held)
    except (pa.ArrowException, TypeError) as error:
        raise LiminalError(f"data frame: cannot be read as a table ({str(error).splitlines()[0]})") from error
    return held.getvalue()


def save(table: pa.Table, path: Path) -> None:
    """Write rows to a .csv or .parquet file, whole or not at all.

    Raises:
        LiminalError: another ending, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in WRITES:
        raise LiminalError(f"cannot write rows to {path}: wanted an ending of {', '.join(WRITES)}")
    if not path.absolute().parent.is_dir():
        raise LiminalError(
            f"cannot write {path}: the folder {path.absolute().parent} does not exist; make it first"
        )
    with files.atomic(path) as part:
        pq.write_table(table, part) if ending == ".parquet" else pacsv.write_csv(table, part)
