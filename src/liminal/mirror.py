"""What a catalogue holds, as it is kept beside its database, which takes longer to load than most models.

Two parts, each where it is no larger than `MOST`: all columns but the packed items, and the packed items,
which few commands read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from .kept import Arrays, Facts, Kept
from .rows import FIXED, schema_of

MOST = 64 << 20  # bytes of a part that is kept
PACKED = "item"


class Mirror:
    """The items of one version of a catalogue, by id, without its database.

    Args:
        kept: what is kept of the space.
        database: the folder of the database.
        scan: columns and a filter -> the rows that pass, by id, from the database.

    Attributes:
        columns: all of them but the packed items; None: not kept, ask the database.
    """

    def __init__(
        self, kept: Kept, database: Path, scan: Callable[[Sequence[str], str | None], pa.Table]
    ) -> None:
        self._kept, self._database, self._scan = kept, database, scan
        self.columns = self._read("columns")

    @property
    def schema(self) -> pa.Schema:
        """Of the catalogue."""
        assert self.columns is not None
        own = self.columns.schema
        return schema_of(own.field("z").type.list_size, [field for field in own if field.name not in FIXED])

    def fill(self, schema: pa.Schema, count: int) -> None:
        """Keep the columns of a catalogue of so many items, where they are not too many."""
        names = [name for name in schema.names if name != PACKED]
        if count * 4 * (schema.field("z").type.list_size + len(names)) <= MOST:
            self._keep("columns", self._scan(names, None))
            self.columns = self._read("columns")

    def table(self, columns: Sequence[str]) -> pa.Table | None:
        """All items with these columns and more; None where so much is not kept."""
        if self.columns is None or PACKED not in columns:
            return self.columns
        return None if self._packed is None else self.columns.append_column(PACKED, self._packed[PACKED])

    def passing(self, condition: str, where: str) -> np.ndarray:
        """Ids (n) of the items that pass a filter, rising; the condition is what the database is asked, and
        once only.
        """
        ask: Callable[[], tuple[Arrays, Facts]] = lambda: (
            {"ids": self._scan(["id"], where)["id"].to_numpy()},
            {},
        )
        return self._kept.once(f"where {condition}", ask)[0]["ids"]

    @cached_property
    def _packed(self) -> pa.Table | None:
        found = self._read("packed")
        if found is None and sum(f.stat().st_size for f in (self._database / "data").glob("*")) <= MOST:
            found = self._scan([PACKED], None)
            self._keep("packed", found)
        return found

    def _read(self, part: str) -> pa.Table | None:
        found = self._kept.get(part)
        return None if found is None else pa.ipc.open_stream(pa.py_buffer(found[0]["rows"])).read_all()

    def _keep(self, part: str, rows: pa.Table) -> None:
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, rows.schema) as writer:
            writer.write_table(rows)
        if stream.tell() <= MOST:
            self._kept.put(part, {"rows": np.frombuffer(stream.getvalue(), np.uint8)}, {})


def nearest(rows: pa.Table, codes: np.ndarray, z: np.ndarray, k: int) -> pa.Table:
    """The k of the rows whose codes (n, d) are nearest to z (d), nearest first, equal ones by id, with
    `distance` after `id`.
    """
    distance = np.sqrt(np.square(codes - z).sum(1, dtype=np.float64))
    order = np.lexsort((rows["id"].to_numpy(), distance))[:k]
    return rows.take(order).add_column(1, "distance", pa.array(distance[order]))
