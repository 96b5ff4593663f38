"""Rows of a table: numbers, dates, yes/no, categories and missing cells.

A stored row is float64 (k,), see `columns`. In y a number is its code (one that may be missing: its code, and
the chance that it is known), a yes/no a probability, a category the probability of each value; where a yes/no
or a category may be missing, that is one more symbol. In `chart` a code counts as it is and probabilities as
square roots: two draws of a number lie as far apart on average as two symbols, and no column outweighs any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError, offer, unknown
from ..names import held_by
from ..tabular import frames
from ..tabular.frames import words_of
from . import Media, Modality, Option, Record, Score, Source, codes
from .columns import (
    KINDS,
    NUMBERS,
    Column,
    arrow,
    attribute,
    cells_of,
    columns_of,
    stated,
    word,
)

if TYPE_CHECKING:
    import torch
    from PIL import Image as PIL
    from torch import Tensor

    from .mixed import Mixed

NOISE = 0.1  # standard deviations, laid over codes for networks that shall read decoded rows
STEPS, BATCH = 25.0, 64  # of a fit for each root of the number of rows; rows of a step
WIDEST, LEAST_DIM, MOST_DIM = 4, 2, 24  # dimensions that a category asks for at most, and all columns
TOLD = 4  # columns that a caption names


class Table(Modality):
    """Rows of one kind of table.

    Args:
        columns: that a row is made of, in their order; each as `Column.config` gives it.
        attributes_only: columns that are known of a row but no part of it: name and kind.
        left_out: columns that are not read: name and why.
        guessed: what had to be guessed when cells were read: name and a clause.

    Raises:
        LiminalError: there is no column, two have one name, or one is of an unknown kind.
    """

    name = "table"
    noun, plural = "row", "rows"
    reads = frozenset({".csv", ".tsv", ".tab", ".parquet", ".pq"})
    writes = gathers = films = (".csv", ".parquet")
    adopted = ".parquet"
    literal = "row"
    options = (
        Option(
            "attributes_only", str, "COLUMNS", "columns known of a row but no part of it, such as label,price"
        ),
    )
    scores = {  # noqa: RUF012
        "mse": Score("", "lower", "squared distance of two rows in SDs, a column; 2 for wrong symbols"),
        "numbers": Score("", "lower", "mean squared error of the known numbers, whose variance is 1"),
        "wrong": Score("", "lower", "share of yes/no, categories and missing cells that are not restored"),
    }
    network = "mlp"
    version = 2
    item_dtype = np.dtype(np.float64)

    def __init__(
        self,
        columns: Sequence[Column | dict[str, Any]],
        attributes_only: dict[str, str] | None = None,
        left_out: dict[str, str] | None = None,
        guessed: dict[str, str] | None = None,
    ) -> None:
        self.columns = tuple(Column.of(column) for column in columns)
        self.attributes_only, self.left_out = dict(attributes_only or {}), dict(left_out or {})
        self.guessed = dict(guessed or {})
        names = [column.name for column in self.columns]
        if not names or len(set(names)) < len(names):
            raise LiminalError(f"table: columns {names}; wanted one or more, each with a name of its own")
        self.item_shape = (len(names),)
        self._at = {name: i for i, name in enumerate(names)}

    @classmethod
    def infer(
        cls,
        sources: Sequence[Source],
        *,
        columns: Sequence[Column | dict[str, Any]] | None = None,
        attributes_only: str | Sequence[str] | dict[str, str] | None = None,
        left_out: dict[str, str] | None = None,
        guessed: dict[str, str] | None = None,
        **options: Any,
    ) -> Table:
        """The columns of these files, each with the type that suits all of them; codes are learned from all
        rows.

        Args:
            sources: files of the same columns.
            columns, left_out, guessed: as the constructor takes them; nothing is inferred then.
            attributes_only: names of columns, or the same with commas between.

        Raises:
            LiminalError: a file cannot be read, no column is left, or a name is unknown.
        """
        if options:
            raise unknown("option of tables", min(options), ["attributes_only"])
        only = attributes_only
        if isinstance(only, str):
            only = [name.strip() for name in only.split(",") if name.strip()]
        if columns is None:
            tables = [frames.read(source)[0] for source in sources]
            return cls.of(frames.joined(tables), list(only or ()))
        known = only if isinstance(only, dict) else {}
        if only and not isinstance(only, dict):
            raise LiminalError("table: the columns of a space are fixed; attributes_only belongs to its fit")
        return cls(columns, known, left_out, guessed)

    @classmethod
    def of(cls, table: pa.Table, attributes_only: Sequence[str] = ()) -> Table:
        """The modality of a table in memory. See `infer`."""
        for name in attributes_only:
            if name not in table.column_names:
                raise unknown("column in attributes_only", name, table.column_names)
        found, left_out, guessed = columns_of(table)
        only = {c.name: c.kind for c in found if c.name in attributes_only}
        only |= {c.name: c.kind for c in found if codes.free(c, len(table))}
        only |= {c.name: c.kind for c in found if held_by(c.name, c.values) is not None}
        columns = [column for column in found if column.name not in only]
        if not columns and len(table) == 1:
            raise LiminalError("table: it has one row; wanted 2 or more (a few hundred for anything useful)")
        if not columns:
            raise LiminalError(
                "table: there is no column of numbers, dates, yes/no or categories with two values or more "
                "to make rows of"
            )
        return cls(columns, only, left_out, {c.name: said for c in columns if (said := guessed.get(c.name))})

    def config(self) -> dict[str, Any]:
        return {
            "columns": [column.config() for column in self.columns],
            "attributes_only": self.attributes_only,
            "left_out": self.left_out,
            "guessed": self.guessed,
        }

    def fitted(self, items: np.ndarray, rows: np.ndarray) -> Table:
        """Knots of the numbers' codes and shares of the symbols from these rows; values that only others hold
        stay."""
        chosen = np.asarray(items[rows])
        learned = [column.learned(chosen[:, i]) for i, column in enumerate(self.columns)]
        return Table(learned, self.attributes_only, self.left_out, self.guessed)

    def suited(self, count: int) -> dict[str, float]:
        """Few dimensions for few columns, and steps that grow with the root of the rows, since a few hundred
        are soon learned by heart."""
        each = [1 if c.kind in NUMBERS else min(max(c.symbols - 1, 1), WIDEST) for c in self.columns]
        epochs = max(1.0, round(STEPS * math.sqrt(count) / max(1, count // BATCH), 1))
        return {"dim": min(max(sum(each), LEAST_DIM), MOST_DIM), "epochs": epochs}

    # -- files

    @classmethod
    def adopt(cls, data: Any) -> bytes | None:
        """A data frame of pandas, Polars or whatever gives an Arrow stream, or a table of Arrow's, as
        Parquet."""
        return frames.adopted(data)

    def cells(self, table: pa.Table, name: str) -> tuple[np.ndarray, list[str | None]]:
        """A table's rows as items (n, k), and of each that cannot be one the reason.

        Args:
            table: as `tabular.frames.read` gives it.
            name: what errors call it.

        Raises:
            LiminalError: a column that a row needs is not there.
        """
        for column in self.columns:
            if column.name not in table.column_names and not column.missing:
                raise LiminalError(
                    f"{name}: it has no column {column.name!r}, which rows of this space need; "
                    f"{offer(column.name, table.column_names)}"
                )
        items, wrong = cells_of(self.columns, table)
        reasons: list[str | None] = [None] * len(table)
        for row, i in np.argwhere(wrong).tolist():
            column = self.columns[i]
            cell = str(table[column.name][row].as_py())
            more = f"; {offer(cell, column.values)}" if column.kind == "category" else ""
            reasons[row] = (
                f"its {column.name} {cell!r} is no {KINDS[column.kind]} that this space knows{more}"
            )
        return items, reasons

    def stated(self, items: np.ndarray) -> dict[str, list[Any]]:
        """Every column."""
        return {c.name: attribute(c, items[:, i]) for i, c in enumerate(self.columns)}

    def said(self, name: str, value: Any) -> str:
        """As the column shows it: dates as such, yes and no."""
        plain = value is not None and (column := self.columns[self._at[name]]).kind in NUMBERS
        return (
            column.show(float(value))
            if plain
            else {True: "yes", False: "no"}.get(value, super().said(name, value))
        )

    def known(self, table: pa.Table, items: np.ndarray) -> dict[str, list[Any]]:
        """The attributes of rows by name, None where unknown: their cells, and the columns that are
        attributes only."""
        found = self.stated(items)
        others = [
            Column(name, kind) for name, kind in self.attributes_only.items() if name in table.column_names
        ]
        cells, _ = cells_of([column for column in others if column.kind != "category"], table)
        for column in others:
            if column.kind == "category":
                found[column.name] = words_of(table[column.name]).to_pylist()
            else:
                found[column.name], cells = attribute(column, cells[:, 0]), cells[:, 1:]
        return found

    @property
    def told(self) -> tuple[str, ...]:
        """What each column is, and which ones are left out."""
        lines = [f"{c.name}: {c.told}{self.guessed.get(c.name, '')}" for c in self.columns]
        lines += [f"{name}: {KINDS[kind]}, an attribute only" for name, kind in self.attributes_only.items()]
        return (*lines, *(f"{name}: left out, {why}" for name, why in self.left_out.items()))

    def records(self, source: Source, name: str) -> Iterator[Record]:
        table, remarks = frames.read(source, name)
        items, reasons = self.cells(table, name)
        known = self.known(table, items)
        new = [c for c in table.column_names if c not in known and c not in self.left_out]
        said = [f"read so: {remark}" for remark in remarks]
        said += [f"read without the column {word(c)}, which this space does not know" for c in new]
        for i, (item, reason) in enumerate(zip(items, reasons, strict=True)):
            if reason is not None:
                yield Record(None, (reason,), i)
                continue
            row = {name: values[i] for name, values in known.items() if values[i] is not None}
            yield Record(item, (*said, *self._beyond(item)), i, row)

    def _beyond(self, item: np.ndarray) -> Iterator[str]:
        """Remarks on cells that codes cannot tell as they are."""
        for column, cell in zip(self.columns, item.tolist(), strict=True):
            if math.isnan(cell):
                if not column.missing:
                    yield f"read with the usual {column.name} for an empty one"
            elif column.kind in NUMBERS and not column.low <= cell <= column.high:
                yield f"encoded with the nearest {column.name} that training rows have"

    def parse(self, arguments: dict[str, str] | str) -> np.ndarray:
        """The row of some cells: others are missing where they may be, else the training rows' median or
        commonest value."""
        if isinstance(arguments, str):
            raise LiminalError(f"row({arguments!r}): wanted columns, such as row({self.columns[0].name}=...)")
        item = np.array([math.nan if c.missing else c.usual for c in self.columns])
        for name, text in arguments.items():
            if name in self.attributes_only or name not in self._at:
                raise unknown("column of a row", name, self._at)
            item[self._at[name]] = self.columns[self._at[name]].parsed(str(text), "row")
        return item

    def arrow(self, items: np.ndarray) -> pa.Table:
        """Stored rows (n, k) as a table with typed columns."""
        return pa.table({c.name: arrow(c, items[:, i]) for i, c in enumerate(self.columns)})

    def write(self, item: np.ndarray, path: Path) -> None:
        self.write_many(item[None], path)

    def write_many(self, items: np.ndarray, path: Path) -> None:
        frames.save(self.arrow(self._checked(items)), path)

    def film(self, items: np.ndarray, path: Path, fps: float) -> None:
        """A path as a table: a column `frame` from 0, then the columns of the rows."""
        table = self.arrow(self._checked(items))
        frame = "frame" if "frame" not in self._at else "frame_number"
        frames.save(table.add_column(0, frame, pa.array(range(len(items)), pa.int64())), path)

    def _checked(self, items: np.ndarray) -> np.ndarray:
        if items.ndim != 2 or items.shape[1:] != self.item_shape:
            raise LiminalError(f"rows: wanted items of shape (n, {len(self.columns)}), got {items.shape}")
        return items

    def pack(self, item: np.ndarray) -> bytes:
        """The shortest decimals that give the same numbers back, with commas between."""
        return ",".join("" if v != v else repr(v).removesuffix(".0") for v in item.tolist()).encode()

    def unpack(self, data: bytes) -> np.ndarray:
        try:
            item = np.array([float(t) if t else math.nan for t in data.decode("ascii").split(",")])
        except ValueError as error:
            raise LiminalError(
                f"row in the catalogue: {data[:40]!r} is none; copy the space again"
            ) from error
        if item.shape != self.item_shape:
            raise LiminalError(f"row in the catalogue: wanted {len(self.columns)} cells, got {len(item)}")
        return item

    def bits(self, items: np.ndarray) -> float:
        """Mean bits of a row where each cell takes as many as tell its column's values apart."""
        return sum(column.bits for column in self.columns)

    # -- tensors

    @cached_property
    def likelihood(self) -> Mixed:
        from .mixed import Column as Block
        from .mixed import Mixed

        kinds = []
        for column in self.columns:
            if column.kind in NUMBERS:
                kinds.append(Block("optional", 2) if column.missing else Block("number"))
            elif column.kind == "yes" and not column.missing:
                kinds.append(Block("yes"))
            else:
                kinds.append(Block("category", max(column.symbols, 2)))
        return Mixed(kinds)

    def _places(self) -> Iterator[tuple[int, Column, slice]]:
        for i, (column, place) in enumerate(zip(self.columns, self.likelihood.places, strict=True)):
            yield i, column, place

    def tensor(self, items: np.ndarray) -> Tensor:
        """x (n, width). A cell that is missing where none was in training counts as the middle: the code 0,
        all shares."""
        import torch

        items = self._checked(np.asarray(items))
        x = codes.coded(self.columns, self.likelihood.places, items)
        return torch.from_numpy(x).float()

    def items(self, y: Tensor) -> np.ndarray:
        if tuple(y.shape[1:]) != self.soft_shape:
            raise LiminalError(
                f"rows: wanted tensors of shape (n, {self.soft_shape[0]}), got {tuple(y.shape)}"
            )
        numbers = y.detach().cpu().double().numpy()
        if np.isnan(numbers).any():
            raise LiminalError("rows: the tensor holds NaN; wanted codes and probabilities")
        return codes.cells(self.columns, self.likelihood.places, numbers)

    def drawn(self, y: Tensor, generator: torch.Generator) -> np.ndarray:
        """Rare values of a category by how often each came, where their common symbol is drawn."""
        return codes.scattered(self.columns, super().drawn(y, generator), generator)

    def lacking(self, items: np.ndarray) -> Tensor | None:
        """The places of empty cells."""
        gone = self._gone(items)
        return gone if gone.any() else None

    def _gone(self, items: np.ndarray) -> Tensor:
        import torch

        widths = torch.tensor([place.stop - place.start for _, _, place in self._places()])
        return torch.from_numpy(np.isnan(items)).repeat_interleave(widths, 1)

    def filled(self, y: Tensor, lacking: Tensor) -> Tensor:
        import torch

        y = y.clone()
        for _, column, place in self._places():
            if column.missing:
                told = y[:, place].clone()
                told[:, -1] = 1.0 if column.kind in NUMBERS else -1.0  # known; the last symbol is none
                y[:, place] = torch.where(lacking[:, place], told, y[:, place])
        return y

    @property
    def parts(self) -> dict[str, str]:
        return {",".join(list(self._at)[:2]): "columns, by their names"}

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """Some columns, by their names with commas between."""
        kept = [column.strip() for column in name.split(",")]
        if wrong := [column for column in kept if column not in self._at]:
            raise unknown("column of a row", wrong[0], self._at)
        return items, self._gone(self._checked(items) + np.where(np.isin(list(self._at), kept), 0, np.nan))

    # -- eyes

    def augment(self, y: Tensor, draw: torch.Generator) -> Tensor:
        """Light noise on the codes of known numbers: decoders give means, not draws."""
        import torch

        y = y.clone()
        for _, column, place in self._places():
            if column.kind in NUMBERS:
                noise = NOISE * torch.randn(len(y), generator=draw).to(y.device)
                y[:, place.start] += noise * (y[:, place.start + 1] if column.missing else 1)
        return y

    @cached_property
    def features(self) -> Callable[[Tensor], Tensor]:
        """The chart itself: a row is a few numbers that each mean something, and needs no network to be
        seen."""
        return self.chart

    def exact(self, y: Tensor) -> dict[str, Tensor]:
        """Every column, see `columns.stated`: numbers in their own units, yes/no and values as chances."""
        told = (stated(column, y[:, place].detach()) for _, column, place in self._places())
        return {name: value for each in told for name, value in each.items()}

    def trivial(self, items: np.ndarray, n: int, seed: int) -> tuple[str, np.ndarray]:
        """Each cell drawn from its column on its own."""
        draw = np.random.default_rng(seed)
        rows = draw.integers(len(items), size=(n, len(self.columns)))
        return "independent columns", np.take_along_axis(np.asarray(items), rows, axis=0)

    # -- hands

    def preview(self, item: np.ndarray, size: int, compare: np.ndarray | None = None) -> PIL.Image:
        """Bars, one a column, with names and values where there is room; cells that differ from `compare` are
        marked."""
        from .bars import card

        return card(self.columns, item, size, compare)

    def caption(self, item: np.ndarray) -> str:
        """The cells that are rarest among the training rows, the rarest first."""
        order = np.argsort(
            [-c.surprise(v) for c, v in zip(self.columns, item.tolist(), strict=True)], kind="stable"
        )
        told = [
            (self.columns[i].name, self.columns[i].show(float(item[i])) or "missing") for i in order[:TOLD]
        ]
        return ", ".join(f"{word(name)} {word(value)}" for name, value in told)

    def media(self, item: np.ndarray, size: int = 256) -> Media:
        from .bars import markup

        return Media("text/html", markup(self.columns, item).encode())
