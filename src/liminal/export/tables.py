"""Tables as files: csv or parquet by the ending."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from ..errors import LiminalError
from ..files import atomic

ENDINGS = (".csv", ".parquet")


def save(table: pa.Table, path: str | Path) -> None:
    """Write a table, whole or not at all.

    Values are written as they are: a text that begins with = + - or @ is a formula to a spreadsheet.

    Raises:
        LiminalError: another ending, or the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise LiminalError(
            f"save {path}: a table can be written as {' or '.join(ENDINGS)}; got {ending or 'no ending'}"
        )
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    with atomic(path) as part:
        (csv.write_csv if ending == ".csv" else parquet.write_table)(table, part)
