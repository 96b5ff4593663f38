"""The items of a space: a LanceDB table `items` in the space's folder, one row an item (its columns: see
`rows`).

Every write makes a new version of the table and leaves the old ones readable. A `Catalogue` is one version
and never changes; the space's card names the version that counts, so a write that nobody committed is never
seen. What its columns hold is kept in the user's cache (`mirror`): the database is loaded for writes, for
filters never asked before, and for tables too large to be kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import database
from .database import FOLDER, pour, reading, writing
from .errors import LiminalError, unknown
from .filters import reason, resolve
from .kept import Kept
from .mirror import Mirror, nearest
from .names import check_names
from .rows import FIXED, KINDS, SPLITS, numbered, schema_of, storage

METRICS = {"euclidean": "l2", "cosine": "cosine"}
OLD = {"item": "thumbnail"}  # what columns were called before
_CHUNK_ROWS = 8192  # read at once when the whole table is copied


class Catalogue:
    """One version of the items of a space. Made by `Catalogue.create` or `Catalogue.open`.

    Attributes:
        folder: of the space.
        version: of the table; the card records it.
        dim: d, the width of z.
    """

    folder: Path
    version: int
    dim: int

    def __init__(self, folder: str | Path, version: int | None = None, kept: Kept | None = None) -> None:
        self.folder, self._wanted = Path(folder), version
        self._mirror = None
        if kept is not None and version is not None:
            self._mirror = Mirror(kept, self.folder / FOLDER, self._scan)
            if self._mirror.columns is not None:
                self.version, self._schema = version, self._mirror.schema
                self.dim, self._size = self._schema.field("z").type.list_size, len(self._mirror.columns)
                return
        self.version, self._schema = int(self._table.version), renamed(self._table.schema)
        z = self._schema.field("z").type if "z" in self._schema.names else pa.null()
        if any(name not in self._schema.names for name in FIXED) or not pa.types.is_fixed_size_list(z):
            raise LiminalError(
                f"{self.folder / FOLDER} is no catalogue of Liminal: it lacks the columns {', '.join(FIXED)}"
            )
        self.dim, self._size = z.list_size, len(self._ids)
        if self._mirror is not None:
            self._mirror.fill(self._schema, self._size)

    @cached_property
    def _table(self) -> Any:
        """The database's own table."""
        with reading(self.folder):
            return database.table(self.folder, self._wanted)

    @cached_property
    def _ids(self) -> np.ndarray:
        """The ids (n) as they lie in the database."""
        with reading(self.folder):
            ids = self._table.search().select(["id"]).to_arrow()["id"].to_numpy()
        if not np.array_equal(np.sort(ids), np.arange(len(ids))):
            raise LiminalError(
                f"{self.folder / FOLDER} is damaged: its ids are not 0 to {len(ids) - 1}; copy the space "
                "again"
            )
        return ids

    @cached_property
    def _offsets(self) -> np.ndarray | None:
        """Where each id lies, which LanceDB does not promise to be in order; None: it is."""
        at = np.argsort(self._ids, kind="stable")
        return None if (at[:-1] < at[1:]).all() else at

    @classmethod
    def create(
        cls,
        folder: str | Path,
        rows: Iterable[pa.RecordBatch],
        dim: int,
        attributes: pa.Schema | Mapping[str, pa.DataType],
    ) -> Catalogue:
        """A new catalogue in `folder`, written as `rows` come, at constant memory.

        Ids are given in order, from 0.

        Args:
            folder: of the space; it exists. A catalogue that is there already gets a new version with only
                these rows.
            rows: record batches as `rows.batch` makes them, without ids.
            dim: d.
            attributes: name and type of every attribute; a batch may lack some (unknown).

        Raises:
            LiminalError: an attribute's name or type cannot be kept, a row is wrong, or the disk is full.
        """
        folder = Path(folder)
        given = {f.name: f.type for f in attributes} if isinstance(attributes, pa.Schema) else attributes
        fields = [pa.field(name, storage(name, kind)) for name, kind in given.items()]
        check_names([field.name for field in fields])
        schema = schema_of(dim, fields)
        with writing(folder):
            db = database.connect(folder)
            replace = any((folder / FOLDER / "_versions").glob("*.manifest"))
            table = db.open_table("items") if replace else db.create_table("items", schema=schema)
        return cls(folder, pour(folder, table, numbered(rows, schema, 0), schema, replace))

    @classmethod
    def open(cls, folder: str | Path, version: int | None = None, kept: Kept | None = None) -> Catalogue:
        """The catalogue in a space's folder, at exactly `version` (None: the newest).

        Nothing in the folder changes.

        Args:
            folder: of the space.
            version: of the table.
            kept: what is kept of the space whose card names this version; None: every read asks the database.

        Raises:
            LiminalError: it is missing or damaged, or has no such version.
        """
        return cls(folder, version, kept)

    def __len__(self) -> int:
        return self._size

    @property
    def attributes(self) -> dict[str, str]:
        """Every attribute's kind by name: ``"number"``, ``"bool"`` or ``"category"``."""
        return {f.name: KINDS[f.type] for f in self._schema if f.name not in FIXED and f.type in KINDS}

    def values(self, attribute: str) -> list[str]:
        """The values that a category takes, sorted.

        Raises:
            LiminalError: there is no such attribute, or it is not a category.
        """
        kinds = self.attributes
        if attribute not in kinds:
            raise unknown("attribute", attribute, kinds)
        if kinds[attribute] != "category":
            raise LiminalError(
                f"attribute {attribute!r} is a {kinds[attribute]}: only categories have a list of values"
            )
        return sorted(pc.unique(self.table(columns=[attribute])[attribute]).drop_null().to_pylist())

    def latents(self, where: str | None = None, split: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n) int64 and codes (n, d) float32 of the items that pass, by id."""
        table = self.table(where, ["id", "z"], split)
        return table["id"].to_numpy(), self._codes(table)

    def table(
        self,
        where: str | None = None,
        columns: Sequence[str] | None = None,
        split: str | None = None,
        limit: int | None = None,
    ) -> pa.Table:
        """The items that pass a filter, by id; an empty table where none does.

        Args:
            where: a condition such as ``"label = 'Bag' and smile > 0.5"``: SQL over id, split, source and the
                attributes, in any case; names with spaces in double quotes. Unknown values pass no
                comparison. None: every item.
            columns: which columns; None: id, split, source and the attributes.
            split: ``"train"`` or ``"held"``; None: both.
            limit: only the first so many.

        Raises:
            LiminalError: the filter, a column or the split is wrong.
        """
        columns = self._columns(columns)
        if split is not None and split not in SPLITS:
            raise unknown("split", split, SPLITS)
        if limit is not None:
            return self.rows(self.table(where, ["id"], split)["id"].to_numpy()[: max(limit, 0)], columns)
        found = self._mirror.table(columns) if self._mirror else None
        if found is None or self._mirror is None:
            return self._scan(columns, where, split)
        if where is not None:
            found = found.take(self._mirror.passing(self._resolved(where), where))
        return (found if split is None else found.filter(pc.equal(found["split"], split))).select(columns)

    def _scan(self, columns: Sequence[str], where: str | None = None, split: str | None = None) -> pa.Table:
        """`table`, by the database."""
        condition = self._condition(where, split)
        with reading(self.folder, where):
            query = self._table.search().select(self._stored(["id", *columns]))
            found = self._named((query.where(condition) if condition else query).to_arrow())
        ids = found["id"].to_numpy()
        return (found if (np.diff(ids) > 0).all() else found.take(np.argsort(ids))).select(columns)

    def rows(self, ids: Sequence[int] | np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """The items with these ids, in this order (an id may come twice); columns as in `table`.

        Raises:
            LiminalError: there is no such id or column.
        """
        columns = self._columns(columns)
        wanted = np.asarray(ids, dtype=np.int64).reshape(-1)
        for bad in wanted[(wanted < 0) | (wanted >= len(self))][:1]:
            raise LiminalError(
                f"@{bad}: this space has " + (f"items @0 to @{len(self) - 1}" if len(self) else "no items")
            )
        names = list(dict.fromkeys(["id", *columns]))
        if not len(wanted):
            return pa.schema([self._schema.field(name) for name in names]).empty_table().select(columns)
        if self._mirror and (found := self._mirror.table(columns)) is not None:
            return found.take(wanted).select(columns)
        once, back = np.unique(wanted, return_inverse=True)
        with reading(self.folder):
            at = once if self._offsets is None else self._offsets[once]
            found = self._named(self._table.take_offsets(at.tolist()).select(self._stored(names)).to_arrow())
        place = np.argsort(found["id"].to_numpy())[back]
        return found.take(place).select(columns)

    def z(self, item: int) -> np.ndarray:
        """The code (d) float32 of one item."""
        return self._codes(self.rows([item], ["z"]))[0]

    def packed(self, ids: Sequence[int] | np.ndarray) -> list[bytes]:
        """The packed items with these ids, in this order."""
        return self.rows(ids, ["item"])["item"].to_pylist()

    def nearest(self, z: np.ndarray, k: int, where: str | None = None, metric: str = "euclidean") -> pa.Table:
        """The k items nearest to z, nearest first; exact (every item that passes the filter is compared).

        Args:
            z: (d).
            k: how many; all of them where fewer pass.
            where: a filter as in `table`, applied first.
            metric: ``"euclidean"``, or ``"cosine"`` (1 - cosine of the angle).

        Returns:
            id, distance (float64), split, source and the attributes.

        Raises:
            LiminalError: an argument is out of range or the filter is wrong.
        """
        point = np.asarray(z, dtype=np.float32)
        if point.shape != (self.dim,) or not np.isfinite(point).all():
            raise LiminalError(
                f"nearest: wanted {self.dim} finite numbers, got shape {point.shape}; this space has "
                f"{self.dim} dimensions"
            )
        if k < 1:
            raise LiminalError(f"nearest: k = {k}; wanted 1 or more")
        if metric not in METRICS:
            raise unknown("metric", metric, METRICS)
        columns = self._columns(None)
        if self._mirror and self._mirror.columns is not None and metric == "euclidean":
            found = self.table(where, [*columns, "z"])
            return nearest(found.select(columns), self._codes(found), point, k)
        condition = self._condition(where, None)
        with reading(self.folder, where):
            query = self._table.search(point, vector_column_name="z").distance_type(METRICS[metric])
            query = query.where(condition, prefilter=True) if condition else query
            found = query.limit(k).select([*columns, "_distance"]).to_arrow()
        distance = found["_distance"].to_numpy().astype(np.float64)
        distance = np.sqrt(distance) if metric == "euclidean" else distance
        order = np.lexsort((found["id"].to_numpy(), distance))
        return found.drop_columns(["_distance"]).add_column(1, "distance", pa.array(distance)).take(order)

    def append(self, rows: Iterable[pa.RecordBatch]) -> int:
        """Add items after these, numbered on from the last id. This catalogue stays as it is.

        Returns:
            The new version, which counts once a card names it. It builds on this one, whatever others have
            left uncommitted.

        Raises:
            LiminalError: a row is wrong, an attribute is unknown here, the disk is full, or another process
            wrote meanwhile.
        """
        with writing(self.folder):
            table = database.table(self.folder, None, hold=False)
            if table.version != self.version:  # somebody's uncommitted write lies on top of this version
                table.checkout(self.version)
                table.restore()
            for new, old in OLD.items():
                if old in table.schema.names and new not in table.schema.names:
                    table.alter_columns({"path": old, "rename": new})
        return pour(self.folder, table, numbered(rows, self._schema, len(self)), self._schema, replace=False)

    def set_attributes(self, table: pa.Table) -> int:
        """Add attributes, or set those of the same name. This catalogue stays as it is.

        Args:
            table: a column ``id`` and one for each attribute. Where it names no item, or gives it no value,
                the item keeps the value that it has. A yes/no beside numbers becomes 0 and 1; of another type
                than those that are kept no value can be.

        Returns:
            The new version, which counts once a card names it.

        Raises:
            LiminalError: an id is missing, unknown or twice there, or an attribute's name or type cannot be
            kept.
        """
        if "id" not in table.column_names:
            raise LiminalError("set_attributes: wanted a table with a column 'id' and one for each attribute")
        ids = table["id"].to_pylist()
        for wrong in [i for i in ids if not isinstance(i, int) or not 0 <= i < len(self)][:1]:
            raise LiminalError(f"set_attributes: id {wrong}: this space has items @0 to @{len(self) - 1}")
        position = np.full(len(self), -1)
        position[np.array(ids, dtype=np.int64)] = np.arange(len(ids))
        if (position >= 0).sum() != len(ids):
            raise LiminalError("set_attributes: an id comes twice; wanted one row for each item")
        given = pa.array(position, mask=position < 0)
        new = {name: self._over(name, table[name].take(given)) for name in table.column_names if name != "id"}
        kept = [f for f in self._schema if f.name not in FIXED and f.name not in new]
        check_names([f.name for f in kept] + list(new))
        schema = schema_of(self.dim, [*kept, *(pa.field(name, column.type) for name, column in new.items())])

        def copied() -> Iterator[pa.RecordBatch]:
            old = [name for name in schema.names if name != "id" and name not in new]
            for start in range(0, len(self), _CHUNK_ROWS):
                part = self.rows(np.arange(start, min(start + _CHUNK_ROWS, len(self))), old)
                for name, column in new.items():
                    part = part.append_column(name, column.slice(start, _CHUNK_ROWS))
                yield from part.combine_chunks().to_batches()

        with writing(self.folder):
            target = database.table(self.folder, None, hold=False)
        return pour(self.folder, target, numbered(copied(), schema, 0), schema, replace=True)

    def _over(self, name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """New values (n,) of an attribute over those that it has, as the catalogue stores them."""
        kind = storage(name, values.type)
        values = values.cast(kind, safe=False)
        if kind == pa.float64():
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values)
        if name not in self._schema.names or name in FIXED:
            return values
        old = self.table(columns=[name])[name]
        left = pc.and_(pc.is_null(values), pc.is_valid(old))
        if kind != old.type and pc.any(left).as_py():
            if pa.string() in (kind, old.type):
                count = pc.sum(left).as_py()
                raise LiminalError(
                    f"attribute {name!r} is a {KINDS[old.type]} and the new values are of kind "
                    f"{KINDS[kind]}, but {count:,} items "
                    "would keep their old ones; give every item a value, or take another name"
                )
            values, old = values.cast(pa.float64()), old.cast(pa.float64())
        return pc.if_else(left, old.cast(values.type), values) if pc.any(left).as_py() else values

    def _codes(self, table: pa.Table) -> np.ndarray:
        flat = [chunk.flatten().to_numpy() for chunk in table["z"].chunks]
        return np.concatenate([np.zeros(0, np.float32), *flat]).reshape(-1, self.dim)

    def _stored(self, columns: Sequence[str]) -> list[str]:
        """The columns as the table on disk calls them, each once."""
        known = self._table.schema.names
        return [OLD.get(name, name) if name not in known else name for name in dict.fromkeys(columns)]

    def _named(self, table: pa.Table) -> pa.Table:
        """A table from disk with the columns' present names."""
        return table.rename_columns(renamed(table.schema).names)

    def _columns(self, columns: Sequence[str] | None) -> list[str]:
        if columns is None:
            return [name for name in self._schema.names if name not in ("z", "item")]
        for name in columns:
            if name not in self._schema.names:
                raise unknown("column", name, self._schema.names)
        return list(columns)

    def _resolved(self, where: str) -> str:
        """The filter with every name as the table spells it, checked."""
        shown = [f for f in self._schema if f.name not in ("z", "item")]
        return resolve(where, {f.name: KINDS.get(f.type, "number") for f in shown})

    def _condition(self, where: str | None, split: str | None) -> str | None:
        """The filter and the split as one condition for Lance, with every name checked and the filter planned
        alone, in
        parentheses: Lance reads no further than it understands."""
        parts = []
        if where is not None:
            parts.append(f"({self._resolved(where)})")
            try:
                self._table.search().where(parts[0]).explain_plan()
            except (ValueError, RuntimeError) as error:
                raise LiminalError(f"where {where!r}: {reason(error)}") from error
        if split is not None:
            parts.append(f"split = '{split}'")
        return " and ".join(parts) or None


def renamed(schema: pa.Schema) -> pa.Schema:
    """A schema whose columns bear their present names; format 1 called the stored item its thumbnail."""
    old = {old: new for new, old in OLD.items() if new not in schema.names}
    return pa.schema([field.with_name(old.get(field.name, field.name)) for field in schema])
