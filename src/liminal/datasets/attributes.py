"""What is known about items, from a table: columns given a type, rows matched to items by file name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import LiminalError
from ..names import fit_names
from ..tabular.cells import typed
from ..tabular.tables import KEYS, read_table
from . import Dataset

_KEPT = (pa.float64(), pa.bool_(), pa.string())  # what a catalogue keeps
_ROW = re.compile(r".*#(\d+)$", re.DOTALL)
_DAY = 86_400_000_000  # microseconds


def join_attributes(
    file: Path, sources: Sequence[str], say: Callable[[str], None] = lambda text: None
) -> pa.Table:
    """The rows of a table that belong to these items, in the items' order.

    The key column is the one named file, filename, file_name, path, name, image or id (the best match among
    those present), else the column of words that names most items, if more than half. A key matches the
    item whose path ends in the longest part of it: the whole path, the last folder and name, the name, each
    with or without its ending, and only where one item and one row have it. Of an item ``"file#row"`` it
    matches the whole or the row's number. Without a key column a table of exactly as many rows as items is
    joined by row, where the items are rows themselves.

    Args:
        file: as `tables.read_table` takes it.
        sources: of the items, as in a `Dataset`.
        say: hears what each column became (see `cells.typed`), and what was left out or renamed.

    Returns:
        len(sources) rows; an item that the file does not name has nulls. Dates are days since 1970-01-01.

    Raises:
        LiminalError: the file cannot be read, no row matches an item, or a key names two rows.
    """
    file = Path(file)
    table, remarks = read_table(file)
    for remark in remarks:
        say(remark)
    if not table.num_rows or not table.num_columns:
        raise LiminalError(
            f"attributes {file}: the table is empty; wanted a column of file names and one for each attribute"
        )
    key, order = _matched(file, table, sources, say)
    if key is not None:
        table = table.drop_columns([key])
    values, remarks = as_attributes(table)
    for remark in remarks:
        say(remark)
    if not values.num_columns:
        raise LiminalError(f"attributes {file}: it has no column of numbers, yes/no or words beside {key!r}")
    return values.take(pa.array(order, mask=order < 0))


def with_attributes(dataset: Dataset, file: Path | None) -> Dataset:
    """The dataset with the columns of `file` joined to it (see `join_attributes`), each with a name and a
    type that a space can keep; a column that exists already is replaced. What was done is in the dataset's
    notes.

    Raises:
        LiminalError: as `join_attributes`.
    """
    joined = dataset.attributes
    notes: list[str] = []
    if joined.num_columns and any(kind not in _KEPT for kind in joined.schema.types):
        joined, remarks = as_attributes(joined)
        notes += remarks
    if file is not None:
        table = join_attributes(Path(file), dataset.sources, notes.append)
        for name in table.column_names:
            if name in joined.column_names:
                joined = joined.drop_columns([name])
                notes.append(f"the attribute {name} was taken from {Path(file).name} instead of the data")
            column = table[name]
            joined = joined.append_column(name, column) if joined.num_columns else pa.table({name: column})
    names, remarks = fit_names(joined.column_names)
    if remarks:
        joined = joined.rename_columns(names)
    if joined is dataset.attributes and not notes:
        return dataset
    return replace(dataset, attributes=joined, notes=(*dataset.notes, *notes, *remarks))


def as_attributes(table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """The columns of a table that can be attributes, as float64, bool or string: as `cells.typed`, dates as
    days since 1970-01-01, and names that a space can keep.

    Returns:
        The columns, and a remark on each.

    Raises:
        LiminalError: a number is infinite.
    """
    columns, said = typed(table)
    remarks = []
    for name, remark in zip(table.column_names, said, strict=True):
        if name in columns.column_names and pa.types.is_timestamp(columns[name].type):
            days = pc.divide(columns[name].cast(pa.int64()).cast(pa.float64()), float(_DAY))
            columns = columns.set_column(columns.column_names.index(name), name, days)
            remark += ", counted in days since 1970-01-01"
        remarks.append(remark)
    names, renamed = fit_names(columns.column_names)
    return columns.rename_columns(names), (*remarks, *renamed)


def _matched(
    file: Path, table: pa.Table, sources: Sequence[str], say: Callable[[str], None]
) -> tuple[str | None, np.ndarray]:
    """The key column, None where rows are joined in order, and for every item the row of its key, or -1."""
    places = _Places(sources)
    named = sorted((c for c in table.column_names if c.lower() in KEYS), key=lambda c: KEYS.index(c.lower()))
    key, order = _best(table, named, places, 1)
    if key is None and places.rows and table.num_rows == len(sources):
        return None, np.arange(len(sources))
    if key is None:
        others = [c for c in table.column_names if c not in named]
        key, order = _best(table, others, places, min(table.num_rows, len(sources)) // 2 + 1)
    for column in [key] if key is not None else [*named, *table.column_names]:
        _refuse_twins(file, table, column, places)
    if key is None or order is None:
        raise _no_match(file, table, named, places)
    count = int((order >= 0).sum())
    if count < len(sources):
        say(
            f"{file.name} names {count:,} of {len(sources):,} items; the attributes of the others are unknown"
        )
    keys = _keys(table, key)
    used = set(order.tolist())
    left = [k for i, k in enumerate(keys) if i not in used and k is not None]
    unclear = [k for k in left if len(places.called(k)) > 1]
    if unclear:
        say(
            f"{len(unclear):,} rows of {file.name} name no item alone and are left out: "
            f"{places.unclear(unclear[0])}"
        )
    if len(left) > len(unclear):
        example = next(k for k in left if k not in set(unclear))
        say(
            f"{len(left) - len(unclear):,} of {len(keys):,} rows of {file.name} name no item, such as "
            f"{example!r}"
        )
    return key, order


def _no_match(file: Path, table: pa.Table, named: Sequence[str], places: _Places) -> LiminalError:
    """Why no row of a table names an item."""
    for column in [*named, *table.column_names]:
        unclear = [k for k in _keys(table, column) if k is not None and len(places.called(k)) > 1]
        if 2 * len(unclear) > table.num_rows or (unclear and column in named):
            return LiminalError(
                f"attributes {file}: no row matches an item alone; {places.unclear(unclear[0])} in the "
                f"column {column!r}"
            )
    column = named[0] if named else table.column_names[0]
    example = next((str(v) for v in table[column].to_pylist() if v is not None), "nothing")
    alone = "" if table.num_columns > 1 else " (one column: wanted , ; tab | or spaces between columns)"
    return LiminalError(
        f"attributes {file}: no row matches an item; its column {column!r} holds {example!r}, the items are "
        f"named {places.sources[0]!r}; wanted a column named file that holds such names{alone}"
    )


def _best(
    table: pa.Table, columns: Sequence[str], places: _Places, least: int
) -> tuple[str | None, np.ndarray | None]:
    """The column that names the most items, at least `least` of them; the first of equals.

    Where they are called as no key is, columns of digits do not count: ages name numbered files by accident.
    """
    best: tuple[str | None, np.ndarray | None] = (None, None)
    count = least - 1
    for column in columns:
        keys = _keys(table, column)
        if len(set(keys)) <= count:
            continue
        if column.lower() not in KEYS and _all_digits(keys):
            continue
        order = places.match(keys)
        matched = int((order >= 0).sum())
        if matched > count:
            best, count = (column, order), matched
    return best


def _keys(table: pa.Table, column: str) -> list[str | None]:
    """A column's cells as paths; None where one is empty, or the column holds no words or whole numbers."""
    kind = table[column].type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        return [None] * table.num_rows
    values = table[column].cast(pa.string()).to_pylist()
    return [
        None if v is None or not v.strip() else v.strip().replace("\\", "/").removeprefix("./")
        for v in values
    ]


def _all_digits(keys: Sequence[str | None]) -> bool:
    return all(key is None or key.isdigit() for key in keys)


def _refuse_twins(file: Path, table: pa.Table, column: str, places: _Places) -> None:
    """A key that names an item and stands in two rows leaves open which row is meant."""
    keys = _keys(table, column)
    known = {key for key in set(keys) if key is not None and places.called(key)}
    likely = 2 * sum(key in known for key in keys) > len(keys) and not _all_digits(keys)
    if column.lower() not in KEYS and not likely:
        return
    for key, count in Counter(keys).most_common():
        if count < 2:
            return
        if key in known:
            rows = [i + 1 for i, other in enumerate(keys) if other == key][:2]
            raise LiminalError(
                f"attributes {file}: {key!r} stands in rows {rows[0]} and {rows[1]} of the column "
                f"{column!r}; wanted one row for each item"
            )


class _Places:
    """The names under which items can be found: their whole paths, then ends of them, the longest first."""

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = sources
        numbers = [_ROW.match(s) for s in sources]
        self.rows = all(numbers) and len(sources) > 0
        if self.rows:
            self.rungs = [_index(sources), _index([m[1] if m else "" for m in numbers])]
            return
        parts = [s.split("/") for s in sources]
        self.depth = max(map(len, parts), default=1)
        stems = [[*p[:-1], _stem(p[-1])] for p in parts]
        self.rungs = [_index(sources)]
        self.rungs += [
            _index([_end(p, n) for p in part]) for part in (parts, stems, stems) for n in self._lengths()
        ]

    def _lengths(self) -> Iterator[int]:
        return iter(range(self.depth, 0, -1))

    def names(self, key: str) -> list[str | None]:
        """What a key may be called at every rung."""
        if self.rows:
            return [key, key]
        parts = key.split("/")
        stem = [*parts[:-1], _stem(parts[-1])]
        # In the last ones a key without ending that holds a dot of its own meets the items' names.
        return [key, *(_end(part, n) for part in (parts, stem, parts) for n in self._lengths())]

    def called(self, key: str) -> list[int]:
        """The items that a key may mean, by the longest end that any of them has."""
        return next(
            (r[n] for n, r in zip(self.names(key), self.rungs, strict=True) if n is not None and n in r), []
        )

    def unclear(self, key: str) -> str:
        """A clause on a key that several items have, with what would name one of them."""
        some = [self.sources[i] for i in self.called(key)[:2]]
        return f"{key!r} may be {some[0]!r} or {some[1]!r}; write the folder too, as in {some[0]!r}"

    def match(self, keys: Sequence[str | None]) -> np.ndarray:
        """For every item the row of its key, or -1."""
        order = np.full(len(self.sources), -1, dtype=np.int64)
        names = [[None] * len(self.rungs) if k is None else self.names(k) for k in keys]
        for level, rung in enumerate(self.rungs):
            for name, rows in _index([n[level] for n in names]).items():
                items = rung.get(name, ())
                if len(rows) == len(items) == 1 and order[items[0]] < 0:
                    order[items[0]] = rows[0]
        return order


def _stem(name: str) -> str:
    """A file's name without its ending."""
    at = name.rfind(".")
    return name[:at] if at > 0 else name


def _end(parts: Sequence[str], count: int) -> str | None:
    """The last `count` parts of a path; None where it is shorter."""
    return "/".join(parts[-count:]) if count <= len(parts) else None


def _index(names: Sequence[str | None]) -> dict[str, list[int]]:
    """Where each name stands."""
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if name is not None:
            places.setdefault(name, []).append(i)
    return places
