"""Columns of a table: what kind each is, its cells as numbers, and the codes that networks see.

A cell is one float64: a number as it is, yes/no 1 or 0, a category the index of its value, a date its days since
1970-01-01; NaN where it is missing. A number's code is about a quantile of the standard normal: a monotone, piecewise linear
map from values at `knots` to codes `at`, both learned from the rows that are trained on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import LiminalError, unknown

KNOTS = 65  # of a number's code, at most; its distinct values where they are fewer
MOST_VALUES = 100  # text with more different values describes single rows rather than sorts them
MOST_DECIMALS = 6
KEY_ROWS = 10  # from so many rows on, cells that never come again tell rows apart and nothing else
NUMBERS = ("number", "integer", "date")
KINDS = (*NUMBERS, "yes", "category")
EPOCH = datetime(1970, 1, 1)
MISSING = ("", "na", "n/a", "nan", "null", "?", "-")  # in any case
YES, NO = ("yes", "true", "y", "t"), ("no", "false", "n", "f")
_CATEGORIES = ("label", "class")  # columns that hold names, even if those are digits
_DATE = r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: its heading.
        kind: ``number``, ``integer``, ``date``, ``yes`` or ``category``.
        values: of a category, in the order of their indices.
        missing: whether a cell may be empty.
        low, high: least and greatest number among the rows that codes were learned from.
        knots, at: of a number's code: values and their codes, both increasing.
        shares: of the symbols of a yes/no or category, that for a missing cell last.
        decimals: that a number is rounded to; None: as many as there are.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    missing: bool = False
    low: float = 0.0
    high: float = 0.0
    knots: tuple[float, ...] = (0.0,)
    at: tuple[float, ...] = (0.0,)
    shares: tuple[float, ...] = ()
    decimals: int | None = None

    def config(self) -> dict[str, Any]:
        """JSON-ready: ``Column.of(column.config())`` equals it."""
        told = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        gone = ("shares", "values") if self.kind in NUMBERS else ("decimals",)
        return {k: v for k, v in told.items() if k not in gone and (k != "values" or self.kind == "category")}

    @classmethod
    def of(cls, told: Column | dict[str, Any]) -> Column:
        """A column from its `config`."""
        if isinstance(told, Column):
            return told
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
        return cls(**given)

    @property
    def symbols(self) -> int:
        """How many symbols a category or a yes/no has, that for a missing cell counted; 0 of a number."""
        kinds = {"yes": 2, "category": len(self.values)}.get(self.kind, 0)
        return kinds + (self.missing and kinds > 0)

    @property
    def words(self) -> tuple[str, ...]:
        """What the symbols that are not missing are called."""
        return ("no", "yes") if self.kind == "yes" else self.values

    @property
    def usual(self) -> float:
        """The median of a number, the commonest value of anything else."""
        if self.kind in NUMBERS:
            return float(self.rounded(np.interp(0.0, self.at, self.knots)))
        return float(np.argmax(self.shares[: len(self.words)]))

    def learned(self, cells: np.ndarray) -> Column:
        """This column with codes or shares from cells (n,)."""
        known = cells[~np.isnan(cells)]
        if self.kind not in NUMBERS:
            symbols = np.where(np.isnan(cells), len(self.words), cells).astype(int)
            counts = np.bincount(symbols, minlength=len(self.words) + 1)[: self.symbols]
            return replace(self, shares=tuple((counts / max(len(cells), 1)).round(6).tolist()))
        if not len(known):
            return self
        ranks = np.sort(known)
        knots = np.unique(ranks)
        if len(knots) > KNOTS:
            normal = NormalDist()
            ends = normal.inv_cdf(0.5 / len(ranks))
            chances = np.array([normal.cdf(c) for c in np.linspace(ends, -ends, KNOTS)])
            knots = np.unique(ranks[np.round(chances * (len(ranks) - 1)).astype(int)])
        below = np.searchsorted(ranks, knots, "left") + np.searchsorted(ranks, knots, "right")
        at = [NormalDist().inv_cdf(float(b)) for b in below / (2 * len(ranks))]
        return replace(
            self, low=float(knots[0]), high=float(knots[-1]), knots=tuple(knots.tolist()), at=tuple(at)
        )

    def rounded(self, values: np.ndarray | float) -> np.ndarray:
        """Numbers within the column's range, with as many decimals as it has."""
        values = np.clip(values, self.low, self.high)
        return values if self.decimals is None else np.round(values, self.decimals)

    def show(self, cell: float, full: bool = False) -> str:
        """A cell in words, empty where it is missing; of a number at most four digits, or all of them."""
        if math.isnan(cell):
            return ""
        if self.kind in ("yes", "category"):
            return self.words[int(cell)]
        if self.kind == "date":
            day = EPOCH + timedelta(days=cell)
            return day.date().isoformat() if cell.is_integer() else day.isoformat(" ", "seconds")
        if self.kind == "integer":
            return str(round(cell))
        return repr(cell) if full else f"{cell:.{max(4, len(str(int(abs(cell)))))}g}"

    def parsed(self, text: str, call: str) -> float:
        """The cell that a text stands for; `call` is what errors begin with.

        Raises:
            LiminalError: it is none that this column can hold.
        """
        cells, wrong = cast(self, pa.array([text]))
        if wrong[0]:
            if self.kind == "category":
                raise unknown(f"value of {self.name}", text, self.values)
            wanted = {"yes": "yes or no", "date": "a date such as 2020-12-31"}.get(self.kind, "a number")
            raise LiminalError(f"{call}: {self.name}={text!r}: wanted {wanted}")
        cell = float(cells[0])
        if math.isnan(cell) and not self.missing:
            raise LiminalError(f"{call}: {self.name} is empty; it never is in this space, so name a value")
        if self.kind in NUMBERS and not math.isnan(cell) and not self.low <= cell <= self.high:
            ends = f"{self.show(self.low)} to {self.show(self.high)}"
            raise LiminalError(
                f"{call}: {self.name}={text}: wanted {ends}, which is what this space has seen"
            )
        return cell


def words_of(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column's cells as trimmed strings, null where one says that it is missing."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_boolean(array.type):
        return pc.if_else(array, "yes", "no")
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    words = pc.utf8_trim_whitespace(array.cast(pa.string()))
    return pc.if_else(pc.is_in(pc.utf8_lower(words), pa.array(MISSING)), pa.scalar(None, pa.string()), words)


def cast(column: Column, array: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """A column's cells of any type as numbers (n,), and which of them (n,) the column cannot hold."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    kind = array.type
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if column.kind in ("number", "integer") and plain:
        cells = _floats(array)
        return cells, np.isinf(cells)
    words = words_of(array)
    texts = words.dictionary_encode()
    if column.kind == "category":
        number = {value: float(i) for i, value in enumerate(column.values)}
        read = lambda text: number.get(text, number.get(_whole(text), math.inf))
    elif column.kind == "yes":
        number = {**dict.fromkeys((*YES, "1", "1.0"), 1.0), **dict.fromkeys((*NO, "0", "0.0"), 0.0)}
        read = lambda text: number.get(text.lower(), math.inf)
    else:
        read = _days if column.kind == "date" else _number
    values = np.array([*map(read, texts.dictionary.to_pylist()), math.nan])
    cells = values[pc.fill_null(texts.indices, len(values) - 1).to_numpy(zero_copy_only=False)]
    return np.where(np.isinf(cells), np.nan, cells), np.isinf(cells)


def _floats(array: pa.Array) -> np.ndarray:
    return np.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf


def _days(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return math.inf
    at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    return (at - EPOCH) / timedelta(days=1)


def _whole(text: str) -> str:
    """``3`` of ``3.0``: whole numbers that a table with empty cells wrote as fractions."""
    return text.removesuffix(".0")


def columns_of(table: pa.Table) -> tuple[list[Column], dict[str, str]]:
    """The columns of a table that rows are made of, codes not learned yet; and why others are none, by name.

    Text is a number, a date or yes/no where all of its cells are, else a category. Left out are columns with one value or
    none, and keys: text, or whole numbers called id, that differ in every row.

    Raises:
        LiminalError: a number is infinite.
    """
    columns, others = [], {}
    named = _class_names(table.schema)
    for name in table.column_names:
        array = table[name].combine_chunks()
        if name in named and pa.types.is_integer(array.type):
            array = pa.array(named[name], pa.string()).take(array)
        found = _column(name, array)
        if isinstance(found, Column):
            columns.append(found)
        else:
            others[name] = found
    return columns, others


def _column(name: str, array: pa.Array) -> Column | str:
    """What a column is, or why it is left out."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not (pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return f"its cells are of type {kind}"
    words = words_of(array)
    distinct = pc.unique(words).drop_null()
    missing = words.null_count > 0
    if len(distinct) < 2:
        return f"each of its cells is {distinct[0].as_py()!r}" if len(distinct) and not missing else (
            "nothing is in it" if not len(distinct) else f"its cells are {distinct[0].as_py()!r} or empty"
        )  # fmt: skip
    low = {text.lower() for text in distinct.to_pylist()} if len(distinct) <= 4 else set()
    digits = name.lower() in _CATEGORIES
    if low and (low <= {*YES[:2], *NO[:2]} or low in ({"y", "n"}, {"t", "f"})):
        return Column(name, "yes", missing=missing)
    if pa.types.is_temporal(kind) or pc.all(pc.match_substring_regex(distinct, _DATE)).as_py():
        return Column(name, "date", missing=missing, decimals=_decimals(cast(Column(name, "date"), words)[0]))
    cells, wrong = cast(Column(name, "number"), array)
    if not digits and not wrong.any():
        return _numbers(name, cells, missing)
    if (
        not digits
        and pc.any(pc.is_in(pc.utf8_lower(distinct), pa.array(["inf", "-inf", "infinity"]))).as_py()
    ):
        raise LiminalError(f"column {name}: a number is infinite; wanted finite ones, or an empty cell")
    if len(distinct) == len(words) >= KEY_ROWS and not digits:
        return "it is a key: each of its cells is another"
    return Column(name, "category", values=tuple(sorted(distinct.to_pylist())), missing=missing)


def _numbers(name: str, cells: np.ndarray, missing: bool) -> Column | str:
    known = cells[~np.isnan(cells)]
    if np.isin(known, (0.0, 1.0)).all():
        return Column(name, "yes", missing=missing)
    low = name.lower()
    named = low in ("id", "index", "idx") or low.endswith("_id")
    if named and len(np.unique(known)) == len(cells) >= KEY_ROWS:
        return "it is a key: each of its cells is another"
    decimals = _decimals(known)
    return Column(name, "number" if decimals else "integer", missing=missing, decimals=decimals) if (
        decimals is not None
    ) else Column(name, "number", missing=missing)  # fmt: skip


def _decimals(cells: np.ndarray) -> int | None:
    """The least decimals that write all cells exactly; None where they are more than six."""
    known = cells[~np.isnan(cells)]
    for decimals in range(MOST_DECIMALS + 1):
        if (np.round(known, decimals) == known).all():
            return decimals
    return None


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of whole-number classes, from the metadata that the Hugging Face libraries write."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {c: list(t["names"]) for c, t in features.items() if t.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def attribute(column: Column, cells: np.ndarray) -> list[Any]:
    """Cells as attributes: float, bool or str; None where one is missing."""
    if column.kind in NUMBERS:
        return [None if math.isnan(cell) else cell for cell in cells.tolist()]
    known: Sequence[Any] = (False, True) if column.kind == "yes" else column.values
    return [None if math.isnan(cell) else known[int(cell)] for cell in cells.tolist()]


def arrow(column: Column, cells: np.ndarray) -> pa.Array:
    """Cells as a column of a file: dates as such, whole numbers as int64, yes/no as bool, categories as words."""
    if column.kind == "date":
        times = [None if math.isnan(c) else EPOCH + timedelta(days=c) for c in cells.tolist()]
        whole = not np.mod(cells[~np.isnan(cells)], 1).any()
        return pa.array(times, pa.timestamp("us")).cast(pa.date32()) if whole else pa.array(times)
    if column.kind == "integer" and (np.abs(cells[~np.isnan(cells)]) < 2**53).all():
        return pa.array([None if math.isnan(c) else round(c) for c in cells.tolist()], pa.int64())
    return pa.array(
        attribute(column, cells), {"yes": pa.bool_(), "category": pa.string()}.get(column.kind, pa.float64())
    )


def word(text: str) -> str:
    """A name on one line, without what would not print."""
    return re.sub(r"\s+", " ", text).strip()
