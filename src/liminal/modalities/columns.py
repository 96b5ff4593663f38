"""Columns of a table: what kind each is, its cells as numbers, and the codes that networks see.

A cell is one float64: a number as it is, yes/no 1 or 0, a category the index of its value, a date its days
since 1970-01-01; NaN where it is missing. A number's code is about a quantile of the standard normal: a
monotone, piecewise linear map from values at `knots` to codes `at`, both learned from the rows that are
trained on.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import LiminalError, unknown
from ..tabular.cells import EMPTY, KEY_ROWS, NO, YES, typed
from ..tabular.frames import words_of

if TYPE_CHECKING:
    from torch import Tensor

KNOTS = 65  # of a number's code, at most; its distinct values where they are fewer
MOST_SYMBOLS = 100  # of a category; of one with more values the rarer share one symbol
MOST_DECIMALS = 6
# values of a number are a list if they are few and each comes so often on average (of odd decimals, twice);
# of others one comes often that so many rows, and this share of all, have
MOST_LISTED, AGAIN = 512, 10
OFTEN, OFTEN_SHARE = 5, 0.01
LEAST = 1e-9  # share below a value, for the ends of codes to be finite
NUMBERS = ("number", "integer", "date")
KINDS = {
    "number": "number",
    "integer": "whole number",
    "date": "date",
    "yes": "yes/no",
    "category": "category",
}
_KIND = re.compile(r"^(?:number|date|yes/no|category of [\d,]+ values?)")  # in a line of `typed`
EPOCH, DAY = datetime(1970, 1, 1), 86_400_000_000  # microseconds of a day


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: its heading.
        kind: ``number``, ``integer``, ``date``, ``yes`` or ``category``.
        values: of a category, in the order of their indices; of many, the commonest first.
        missing: whether a cell may be empty.
        low, high: least and greatest number among the rows that codes were learned from.
        knots, at: of a number's code: values and their codes, both increasing.
        shares: of the symbols of a yes/no or category, that for a missing cell last.
        decimals: that a number is rounded to; None: as many as there are.
        limits: of each knot the least and the greatest code that stand for it: of a value that comes often
            the quantiles of its share, of others its own code twice. Empty where none comes often.
        rare: how often each of the last values came, which share one symbol; empty for few values.
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
    limits: tuple[float, ...] = ()
    rare: tuple[int, ...] = ()

    def config(self) -> dict[str, Any]:
        """JSON-ready: ``Column.of(column.config())`` equals it."""
        told = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        gone = ("shares", "values", "rare") if self.kind in NUMBERS else ("decimals", "limits")
        mine = {k: v for k, v in told.items() if k not in gone and (k != "rare" or v)}
        return {k: v for k, v in mine.items() if k != "values" or self.kind == "category"}

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
        return self.known + (self.missing and self.known > 0)

    @property
    def known(self) -> int:
        """How many symbols a category or a yes/no has for what is not missing."""
        many = len(self.values) - len(self.rare) + bool(self.rare)
        return {"yes": 2, "category": many}.get(self.kind, 0)

    def symbol(self, cells: np.ndarray) -> np.ndarray:
        """The symbols of cells (n,) of a category or yes/no: all rare values have the one after the others,
        and what is missing the last."""
        return np.where(np.isnan(cells), self.known, np.minimum(cells, self.known - 1)).astype(int)

    @property
    def words(self) -> tuple[str, ...]:
        """What the symbols that are not missing are called."""
        return ("no", "yes") if self.kind == "yes" else self.values

    @property
    def usual(self) -> float:
        """The median of a number, the commonest value of anything else."""
        if self.kind in NUMBERS:
            return float(self.decoded(np.zeros(1))[0])
        return float(np.argmax(self.shares[: self.known - bool(self.rare)]))

    @property
    def told(self) -> str:
        """What the column is, in words."""
        if self.kind in NUMBERS:
            what = f"{KINDS[self.kind]}, {self.show(self.low)} to {self.show(self.high)}"
        elif self.kind == "yes":
            what = KINDS[self.kind]
        else:
            what = f"category of {len(self.values):,} values"
            what += f", of which the {len(self.rare):,} rarest share a symbol" if self.rare else ""
        return f"{what}, or missing" * self.missing or what

    @property
    def bits(self) -> float:
        """How many bits tell the values of a cell apart; 64 for a number of any decimals."""
        if self.kind not in NUMBERS:
            return math.log2(max(len(self.words) + self.missing, 2))
        if self.decimals is None:
            return 64.0
        return math.log2((self.high - self.low) * 10**self.decimals + 1 + self.missing)

    def surprise(self, cell: float) -> float:
        """How rare a cell is among those learned from, in nats; of a number, to lie so far out on either
        side."""
        if self.kind in NUMBERS:
            code = 0.0 if math.isnan(cell) else float(np.interp(cell, self.knots, self.at))
            return -math.log(2 * NormalDist().cdf(-abs(code)))
        symbol = int(self.symbol(np.array([cell]))[0])
        return -math.log(max(self.shares[symbol] if symbol < len(self.shares) else 0.0, 1e-6))

    def learned(self, cells: np.ndarray) -> Column:
        """This column with codes or shares from cells (n,)."""
        known = cells[~np.isnan(cells)]
        if self.kind not in NUMBERS:
            counts = np.bincount(self.symbol(cells), minlength=self.known + 1)[: self.symbols]
            each = np.bincount(known.astype(int), minlength=len(self.words))
            rare = each[len(self.words) - len(self.rare) :]
            shares = (counts / max(len(cells), 1)).round(6)
            return replace(self, shares=tuple(shares.tolist()), rare=tuple(int(count) for count in rare))
        if not len(known):
            return self
        ranks, normal = np.sort(known), NormalDist()
        knots = np.unique(ranks)
        listed = len(knots) <= min(MOST_LISTED, len(known) / (AGAIN if self.decimals is not None else 2))
        if len(knots) > KNOTS and not listed:
            end = normal.inv_cdf(0.5 / len(ranks))
            chances = np.array([normal.cdf(c) for c in np.linspace(end, -end, KNOTS)])
            knots = np.unique(ranks[np.round(chances * (len(ranks) - 1)).astype(int)])
        edges = np.stack([np.searchsorted(ranks, knots, side) for side in ("left", "right")], 1)
        at = [normal.inv_cdf(float(b)) for b in edges.sum(1) / (2 * len(ranks))]
        often = np.diff(edges)[:, 0] >= max(OFTEN, OFTEN_SHARE * len(ranks))
        levels = np.repeat(at, 2)
        if (wide := often | listed).any():
            ends = [normal.inv_cdf(float(e)) for e in (edges / len(ranks)).clip(LEAST, 1 - LEAST).flatten()]
            levels = np.where(np.repeat(wide, 2), ends, levels)
        return replace(
            self,
            low=float(knots[0]),
            high=float(knots[-1]),
            knots=tuple(knots.tolist()),
            at=tuple(at),
            limits=tuple(levels.tolist()) if wide.any() else (),
        )

    def coded(self, cells: np.ndarray) -> np.ndarray:
        """Codes of numbers (n,), those beyond the ends as the ends; NaN where one is missing."""
        if not self.limits:
            return np.interp(cells, self.knots, self.at)
        at = np.searchsorted(self.knots, cells).clip(0, len(self.knots) - 1)
        between = np.interp(cells, np.repeat(self.knots, 2), self.limits)
        beyond = np.isnan(cells) | (cells > self.low) & (cells < self.high) & (
            np.take(self.knots, at) != cells
        )
        return np.where(beyond, between, np.take(self.at, at))

    def decoded(self, codes: np.ndarray) -> np.ndarray:
        """Numbers of codes (n,). A value that comes often has all codes of its share, so that one that half
        of the rows have, such as 0, comes back in half of them; of few values none comes that never was."""
        if not self.limits:
            return self.rounded(np.interp(codes, self.at, self.knots))
        return self.rounded(np.interp(codes, self.limits, np.repeat(self.knots, 2)))

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


def cast(column: Column, array: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """A column's cells of any type as numbers (n,), and which of them (n,) the column cannot hold."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    kind = array.type
    if column.kind == "date" and pa.types.is_temporal(kind):
        micros = array.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return _floats(micros) / DAY, np.zeros(len(array), bool)
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if column.kind in ("number", "integer") and plain:
        cells = _floats(array)
        return np.where(np.isinf(cells), np.nan, cells), np.isinf(cells)
    words = words_of(array).dictionary_encode()
    texts = words.dictionary.to_pylist()
    if column.kind == "category":
        number = {value: float(i) for i, value in enumerate(column.values)}
        read = lambda text: number.get(text, number.get(text.removesuffix(".0"), math.inf))
    elif column.kind == "yes":
        number = {**dict.fromkeys(YES, 1.0), **dict.fromkeys(NO, 0.0)}
        read = lambda text: number.get(text.lower().removesuffix(".0"), math.inf)
    else:
        read = _days if column.kind == "date" else _number
    empty = [text.lower() in EMPTY and text not in column.values for text in texts]
    values = np.array([math.nan if e else read(t) for t, e in zip(texts, empty, strict=True)] + [math.nan])
    cells = values[pc.fill_null(words.indices, len(values) - 1).to_numpy(zero_copy_only=False)]
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


def columns_of(table: pa.Table) -> tuple[list[Column], dict[str, str], dict[str, str]]:
    """The columns of a table that rows can be made of, why others are none, and what had to be guessed of
    cells, by name.

    Types are those of `tabular.cells.typed`; codes are learned from all rows. Columns of one value are left
    out as well.

    Args:
        table: as `tabular.tables.read_table` gives it; each name fit to be an attribute's.

    Raises:
        LiminalError: a number is infinite.
    """
    values, said = typed(table)
    columns, left_out, guessed = [], {}, {}
    counted = pa.array(range(len(table)), pa.float64())
    for name, line in zip(table.column_names, said, strict=True):
        if name not in values.column_names:
            left_out[name] = line.removeprefix(f"{name}: left out, ")
            continue
        array = values[name].combine_chunks()
        distinct = pc.unique(array).drop_null()
        if len(distinct) < 2:
            column = _column(name, array, distinct)
            one = column.show(float(cast(column, distinct)[0][0]), full=True)
            one = repr(one) if column.kind == "category" else one
            left_out[name] = f"each of its cells is {one}{' or empty' * bool(array.null_count)}"
            continue
        if len(table) >= KEY_ROWS and any(array.equals(pc.add(counted, start)) for start in (0.0, 1.0)):
            left_out[name] = "a key: it counts the rows"
            continue
        columns.append(_column(name, array, distinct))
        guessed[name] = _KIND.sub("", line.removeprefix(f"{name}: "))
    return columns, left_out, {name: said for name, said in guessed.items() if said}


def _column(name: str, array: pa.Array, distinct: pa.Array) -> Column:
    missing = array.null_count > 0
    if pa.types.is_boolean(array.type):
        column = Column(name, "yes", missing=missing)
    elif pa.types.is_string(array.type):
        values = sorted(distinct.to_pylist())
        if len(values) > MOST_SYMBOLS:
            often = Counter(array.to_pylist())
            values = sorted(values, key=lambda value: (-often[value], value))
        rare = (0,) * (len(values) - MOST_SYMBOLS + 1) if len(values) > MOST_SYMBOLS else ()
        column = Column(name, "category", values=tuple(values), missing=missing, rare=rare)
    else:
        kind = "date" if pa.types.is_timestamp(array.type) else "number"
        decimals = _decimals(cast(Column(name, kind), distinct)[0])
        kind = "integer" if kind == "number" and decimals == 0 else kind
        column = Column(name, kind, missing=missing, decimals=decimals)
    return column.learned(cast(column, array)[0])


def _decimals(cells: np.ndarray) -> int | None:
    """The least decimals that write all cells exactly; None where they are more than six."""
    for decimals in range(MOST_DECIMALS + 1):
        if (np.round(cells, decimals) == cells).all():
            return decimals
    return None


def cells_of(columns: Sequence[Column], table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The cells (n, k) of columns in a table that was read, and which (n, k) their column cannot hold.

    Numbers and dates are read as `tabular.cells.typed` understands the whole column, or else one by one. A
    column that the table lacks is empty.
    """
    values, _ = typed(table)
    cells = np.full((len(table), len(columns)), np.nan)
    wrong = np.zeros(cells.shape, bool)
    for i, column in enumerate(columns):
        if column.name not in table.column_names:
            continue
        array = table[column.name]
        if column.name in values.column_names:
            kind = values[column.name].type
            wanted = {"date": pa.types.is_timestamp, "yes": pa.types.is_boolean}
            if wanted.get(
                column.kind, pa.types.is_string if column.kind == "category" else pa.types.is_floating
            )(kind):
                array = values[column.name]
        cells[:, i], wrong[:, i] = cast(column, array)
    return cells, wrong


def attribute(column: Column, cells: np.ndarray) -> list[Any]:
    """Cells as attributes: float, bool or str; None where one is missing."""
    if column.kind in NUMBERS:
        return [None if math.isnan(cell) else cell for cell in cells.tolist()]
    known: Sequence[Any] = (False, True) if column.kind == "yes" else column.values
    return [None if math.isnan(cell) else known[int(cell)] for cell in cells.tolist()]


def arrow(column: Column, cells: np.ndarray) -> pa.Array:
    """Cells as a column of a file: dates as such, whole numbers as int64, yes/no as bool, categories as
    words."""
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


def stated(column: Column, part: Tensor) -> dict[str, Tensor]:
    """What y says about a column at its own places (n, width): a number in its own unit, else the chance of
    yes or of each value.

    A cell that y says is missing is read as what would stand there.
    """
    import torch

    if column.kind in NUMBERS:
        cells = column.decoded(part[:, 0].cpu().double().numpy())
        return {column.name: torch.from_numpy(cells).to(part)}
    if part.shape[1] == 1:
        return {column.name: part[:, 0]}
    told = part[:, : column.known]
    told = told / told.sum(1, keepdim=True).clamp_min(1e-9)
    if column.kind == "yes":
        return {column.name: told[:, 1]}
    own = column.values[: len(column.values) - len(column.rare)]
    return {f"{column.name}={v}": told[:, j] for j, v in enumerate(own)}
