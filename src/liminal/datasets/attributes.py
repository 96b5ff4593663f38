"""What is known about items, from a CSV or Parquet file: columns given a type, rows matched to items by file name.

Types. ``true``/``false``/``yes``/``no`` and numbers that are only ever 0 or 1 become bool; other numbers float64; everything else a string
(a category), and so do whole numbers in a column named ``label`` or ``class``. An empty cell is unknown (null); in a CSV file so are
``nan``, ``na``, ``n/a``, ``null`` and ``none`` among numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ..errors import LiminalError
from . import Dataset

KEYS = ("file", "filename", "file_name", "path", "name", "image", "id")
CATEGORIES = ("label", "class")
_YES, _NO = ("true", "yes"), ("false", "no")
_UNKNOWN = ("nan", "na", "n/a", "null", "none")
_ROW = re.compile(r".*#(\d+)$", re.DOTALL)


def join_attributes(file: Path, sources: Sequence[str]) -> pa.Table:
    """The rows of a table that belong to these items, in the items' order.

    The key column is the one named file, filename, file_name, path, name, image or id (the best match among those present), else the
    column of words that names most items, if more than half. A key matches an item's path, else its base name, else its base name
    without ending, each only where it is unique; of an item ``"file#row"`` it matches the whole or the row's number. Without a key
    column a table of exactly as many rows as items is joined by row, where the items are rows themselves.

    Args:
        file: ``.csv``, ``.tsv`` or ``.parquet``.
        sources: of the items, as in a `Dataset`.

    Returns:
        len(sources) rows; an item that the file does not name has nulls.

    Raises:
        LiminalError: the file cannot be read, no row matches an item, or a key names two rows.
    """
    return _join(Path(file), sources)[0]


def with_attributes(dataset: Dataset, file: Path | None) -> Dataset:
    """The dataset with the columns of `file` joined to it (see `join_attributes`); a column that exists already is replaced.

    Raises:
        LiminalError: as `join_attributes`.
    """
    if file is None:
        return dataset
    table, matched = _join(Path(file), dataset.sources)
    notes = []
    if matched < len(dataset):
        notes.append(
            f"{Path(file).name} names {matched:,} of {len(dataset):,} items; the attributes of the others are unknown"
        )
    joined = dataset.attributes
    for name in table.column_names:
        if name in joined.column_names:
            joined = joined.drop_columns([name])
            notes.append(f"the attribute {name} was taken from {Path(file).name} instead of the data")
    for name in table.column_names:
        joined = (
            joined.append_column(name, table[name]) if joined.num_columns else pa.table({name: table[name]})
        )
    return replace(dataset, attributes=joined, notes=(*dataset.notes, *notes))


def typed(table: pa.Table, guess_numbers: bool = False) -> pa.Table:
    """The columns that can be attributes as float64, bool or string; others, and those with nothing in them, are left out.

    Args:
        table: any columns. Whole numbers that Hugging Face's metadata name are replaced by the names.
        guess_numbers: strings may be numbers (a CSV file knows nothing else).

    Raises:
        LiminalError: a number is infinite.
    """
    names = _class_names(table.schema)
    columns = {}
    for name in table.column_names:
        column = _typed(name, table[name].combine_chunks(), guess_numbers, names.get(name))
        if column is not None:
            columns[name] = column
    return pa.table(columns) if columns else pa.table({})


def _typed(
    name: str, column: pa.Array, guess_numbers: bool, class_names: list[str] | None
) -> pa.Array | None:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if column.null_count == len(column):
        return None
    if pa.types.is_boolean(kind):
        return column
    if pa.types.is_integer(kind) and class_names:
        known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(class_names)))
        return pa.array(class_names, pa.string()).take(pc.if_else(known, column, None))
    if pa.types.is_integer(kind) and name.lower() in CATEGORIES:
        return column.cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number(name, column.cast(pa.float64()))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind)):
        return None
    words = pc.utf8_trim_whitespace(column.cast(pa.string()))
    words = pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)
    low = pc.utf8_lower(words)
    known = pc.unique(low).drop_null()
    if not len(known):
        return None
    if set(known[:5].to_pylist()) <= {*_YES, *_NO} and len(known) <= 4:
        return pc.if_else(pc.is_valid(low), pc.is_in(low, pa.array(_YES)), None)
    if guess_numbers and name.lower() not in CATEGORIES:
        try:
            return _number(
                name,
                pc.if_else(pc.is_in(low, pa.array(_UNKNOWN)), pa.scalar(None, pa.string()), low).cast(
                    pa.float64()
                ),
            )
        except pa.ArrowInvalid:
            pass
    return words


def _number(name: str, column: pa.Array) -> pa.Array | None:
    column = pc.if_else(pc.is_nan(column), None, column)
    known = column.drop_null()
    if not len(known):
        return None
    if pc.any(pc.is_inf(known)).as_py():
        row = pc.index(pc.fill_null(pc.is_inf(column), False), True).as_py()
        raise LiminalError(
            f"attribute {name}: row {row + 1} is infinite; wanted finite numbers, or an empty cell where unknown"
        )
    if pc.all(pc.is_in(known, pa.array([0.0, 1.0]))).as_py():
        return pc.equal(column, 1.0)
    return column


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of whole-number classes, from the metadata that the Hugging Face libraries write."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: list(told["names"])
            for column, told in features.items()
            if isinstance(told, dict) and told.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError):
        return {}


def _read(file: Path) -> pa.Table:
    """A table with strings only, if it is a text file, without columns that have no name (an index that pandas wrote)."""
    if not file.is_file():
        raise LiminalError(f"attributes {file}: there is no such file")
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return pq.read_table(file)
        if file.suffix.lower() not in (".csv", ".tsv", ".txt"):
            raise LiminalError(f"attributes {file}: wanted a file that ends in .csv, .tsv or .parquet")
        with open(file, encoding="utf-8-sig", newline="") as text:
            first = text.readline()
        parse = pacsv.ParseOptions(delimiter=max(",;\t", key=first.count), newlines_in_values=True)
        names = pacsv.read_csv(
            pa.BufferReader(first.rstrip("\r\n").encode() + b"\n"), parse_options=parse
        ).column_names
        if len(set(names)) < len(names):
            raise LiminalError(
                f"attributes {file}: the column {Counter(names).most_common(1)[0][0]!r} occurs twice; rename one"
            )
        convert = pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        )
        table = pacsv.read_csv(file, parse_options=parse, convert_options=convert)
        return table.drop_columns([n for n in names if not n.strip() or n.startswith("Unnamed: ")])
    except (pa.ArrowException, UnicodeDecodeError, OSError, EOFError) as error:
        raise LiminalError(
            f"attributes {file}: cannot be read as a table ({str(error).splitlines()[0]})"
        ) from error


def _join(file: Path, sources: Sequence[str]) -> tuple[pa.Table, int]:
    """The joined table, and how many items it names."""
    table = _read(file)
    text = file.suffix.lower() not in (".parquet", ".pq")
    if not table.num_rows or not table.num_columns:
        raise LiminalError(
            f"attributes {file}: the table is empty; wanted a column of file names and one for each attribute"
        )
    ladder = _Ladder(sources)
    named = sorted((c for c in table.column_names if c.lower() in KEYS), key=lambda c: KEYS.index(c.lower()))
    key, order = _best(table, named, ladder, 1)
    if key is None and ladder.rows and table.num_rows == len(sources):
        order = np.arange(len(sources))
    elif key is None:
        others = [c for c in table.column_names if c not in named and not _all_digits(_keys(table, c))]
        key, order = _best(table, others, ladder, min(table.num_rows, len(sources)) // 2 + 1)
    if order is None:
        column = named[0] if named else table.column_names[0]
        _refuse_twins(file, table, [*named, *table.column_names], ladder)
        example = next((str(v) for v in table[column].to_pylist() if v is not None), "nothing")
        raise LiminalError(
            f"attributes {file}: no row matches an item; its column {column!r} holds {example!r}, the items are named {sources[0]!r}; "
            "wanted a column named file that holds such names"
        )
    if key is not None:
        _refuse_twins(file, table, [key], ladder)
        table = table.drop_columns([key])
    values = typed(table, guess_numbers=text)
    matched = int((order >= 0).sum())
    if not values.num_columns:
        raise LiminalError(f"attributes {file}: it has no column of numbers, yes/no or words beside {key!r}")
    return values.take(pa.array(order, mask=order < 0)), matched


def _best(
    table: pa.Table, columns: Sequence[str], ladder: _Ladder, least: int
) -> tuple[str | None, np.ndarray | None]:
    """The column that names the most items, at least `least` of them; the first of equals."""
    best: tuple[str | None, np.ndarray | None] = (None, None)
    count = least - 1
    for column in columns:
        kind = table[column].type
        if (
            pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_dictionary(kind)
        ):
            order = ladder.match(_keys(table, column))
            matched = int((order >= 0).sum())
            if matched > count:
                best, count = (column, order), matched
    return best


def _keys(table: pa.Table, column: str) -> list[str | None]:
    values = table[column].cast(pa.string()).to_pylist()
    return [
        None if v is None or not v.strip() else v.strip().replace("\\", "/").removeprefix("./")
        for v in values
    ]


def _all_digits(keys: Sequence[str | None]) -> bool:
    """Ages and counts name numbered files by accident."""
    return all(key is None or key.isdigit() for key in keys)


def _refuse_twins(file: Path, table: pa.Table, columns: Sequence[str], ladder: _Ladder) -> None:
    """A key that names an item and stands in two rows leaves open which row is meant."""
    for column in columns:
        kind = table[column].type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
            keys = _keys(table, column)
            for key, count in Counter(keys).most_common():
                if count < 2:
                    break
                if key is not None and ladder.knows(key) and column.lower() in KEYS:
                    rows = [i + 1 for i, other in enumerate(keys) if other == key][:2]
                    raise LiminalError(
                        f"attributes {file}: {key!r} stands in rows {rows[0]} and {rows[1]}; wanted one row for each item"
                    )


def _levels(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    return name, path.name, path.stem, path.stem


class _Ladder:
    """The names under which items can be found: whole, base name, stem, each level only where it is unique."""

    def __init__(self, sources: Sequence[str]) -> None:
        self.n = len(sources)
        numbers = [_ROW.match(s) for s in sources]
        self.rows = all(numbers) and self.n > 0
        if self.rows:
            levels: list[tuple[str, ...]] = [
                (s, m.group(1) if m else "") for s, m in zip(sources, numbers, strict=True)
            ]
        else:
            levels = [_levels(s) for s in sources]
        self.rungs = [_unique([names[i] for names in levels]) for i in range(len(levels[0]) if levels else 0)]

    def knows(self, key: str) -> bool:
        return any(k in rung for k, rung in zip(self._names(key), self.rungs, strict=True))

    def match(self, keys: Sequence[str | None]) -> np.ndarray:
        """For every item the row of its key, or -1."""
        order = np.full(self.n, -1, dtype=np.int64)
        for level, rung in enumerate(self.rungs):
            names = _unique([None if k is None else self._names(k)[level] for k in keys])
            for name, row in names.items():
                item = rung.get(name, -1)
                if item >= 0 and order[item] < 0:
                    order[item] = row
        return order

    def _names(self, key: str) -> tuple[str, ...]:
        if self.rows:
            return key, key
        return (
            *_levels(key)[:3],
            PurePosixPath(key).name,
        )  # a key may lack the ending, and hold a dot of its own


def _unique(names: Sequence[str | None]) -> dict[str, int]:
    """Names that occur once, with their places."""
    counts = Counter(names)
    return {name: i for i, name in enumerate(names) if name is not None and counts[name] == 1}
