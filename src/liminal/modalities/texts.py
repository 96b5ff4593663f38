"""Texts from files: lines, cells of a column, members of lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError, offer
from ..tabular import frames
from ..tabular.tables import decoded, json_lines
from .columns import attribute, cells_of, columns_of
from .forms import Source
from .tokens import pieces, tidy

LINES = (".jsonl", ".ndjson")
PLAIN = (".txt", ".text")
TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq")


def texts(sources: Sequence[Source], column: str | None) -> list[str]:
    """All texts that files hold; one that cannot be read is passed over, unless there is no other.

    Raises:
        LiminalError: there is no text in them, or `column` is in none.
    """
    if column is not None and all(isinstance(s, Path) and s.suffix.lower() in PLAIN for s in sources):
        raise LiminalError(f"column {column!r}: lines of text have no columns; leave it out")
    found: list[str] = []
    wrong: LiminalError | None = None
    for source in sources:
        try:
            cells, _ = read(source, str(source), column)
            found += [text for _, cell, _ in cells if (text := tidy(cell))]
        except LiminalError as error:
            wrong = wrong or error
        if not isinstance(source, Path):
            source.seek(0)
    if not found:
        raise wrong or LiminalError("sentences: the files hold no text; wanted a sentence a line")
    return found


Told = tuple[int | None, str, dict[str, Any]]  # an item's number in its file, its text and its attributes


def read(source: Source, name: str, column: str | None) -> tuple[Iterator[Told], tuple[str, ...]]:
    """The items in a file, and remarks on how it was read.

    Raises:
        LiminalError: it is no text, or a table without such a column.
    """
    ending = (source if isinstance(source, Path) else Path(name)).suffix.lower()
    if ending in TABLES:
        table, remarks = frames.read(source, name)
        return _cells(table, name, column), remarks
    data = source.read_bytes() if isinstance(source, Path) else source.read()
    text, remarks = decoded(data, name)
    lines = text.splitlines()
    return _cells(json_lines(lines, name), name, column) if ending in LINES else _lines(lines, name), remarks


def _lines(lines: Sequence[str], name: str) -> Iterator[Told]:
    many = len([line for line in lines if line.strip()]) > 1
    for i, line in enumerate(lines):
        if line.strip():
            yield (i, line, {"file": Path(name).stem}) if many else (None, line, {})


def _cells(table: pa.Table, name: str, column: str | None) -> Iterator[Told]:
    texts = {
        key: frames.words_of(table[key])
        for key in table.column_names
        if not pa.types.is_nested(table[key].type) and not pa.types.is_binary(table[key].type)
    }
    if column is None:
        wordy = {key: _wordiness(cells) for key, cells in texts.items()}
        column = max(wordy, key=lambda key: wordy[key], default=None)
        if column is None or wordy[column] < 2:
            raise LiminalError(f"{name}: no column holds sentences; say which one with --column NAME")
    elif column not in texts:
        raise LiminalError(f"{name}: it has no column {column!r}; {offer(column, list(texts))}")
    rest = table.drop_columns([column])
    found = columns_of(rest)[0] if rest.num_columns else []
    cells, _ = cells_of(found, rest) if found else (np.zeros((len(table), 0)), None)
    known = {c.name: attribute(c, cells[:, i]) for i, c in enumerate(found)}
    for i, text in enumerate(texts[column].to_pylist()):
        row = {key: values[i] for key, values in known.items() if values[i] is not None}
        yield i, text or "", row


def _wordiness(cells: pa.Array) -> float:
    """How many words a cell has, on average over some."""
    some = [text for text in cells[:500].to_pylist() if text]
    return float(np.mean([len(pieces(text)) for text in some])) if some else 0.0
