"""What a row of the catalogue is: its columns, their types and names, and how given rows are brought into
that form.

=========  ======================  ==========================================================
column     type                    what
=========  ======================  ==========================================================
id         int64                   0 .. n-1, in the order of the data
split      string                  ``train`` or ``held`` (never trained on)
z          float32 (d)             the item's code
item       binary                  the stored item, as `Modality.pack` gives it
source     string                  where the item came from
...        double, bool, string    one column for each attribute: number, yes/no, category; null = unknown
=========  ======================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .errors import LiminalError, unknown

FIXED = ("id", "split", "z", "item", "source")
SPLITS = ("train", "held")
KINDS: dict[pa.DataType, str] = {pa.float64(): "number", pa.bool_(): "bool", pa.string(): "category"}


def batch(
    z: np.ndarray,
    splits: Sequence[str],
    items: Sequence[bytes],
    sources: Sequence[str],
    attributes: pa.Table | None = None,
) -> pa.RecordBatch:
    """Rows for `Catalogue.create` and `Catalogue.append`, which number them.

    Args:
        z: (n, d) codes.
        splits: n times ``"train"`` or ``"held"``.
        items: n packed items.
        sources: n strings.
        attributes: n rows, or None for no attributes.

    Returns:
        The rows as one record batch.
    """
    z = np.ascontiguousarray(z, dtype=np.float32)
    columns: dict[str, Any] = {
        "split": pa.array(splits, pa.string()),
        "z": pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), z.shape[1]),
        "item": pa.array(items, pa.binary()),
        "source": pa.array(sources, pa.string()),
    }
    if attributes is not None and attributes.num_columns:
        clash = sorted(set(attributes.column_names) & set(columns))
        if clash:
            raise LiminalError(
                f"attribute {clash[0]!r}: this name is the catalogue's own; rename the attribute"
            )
        columns |= {name: attributes[name].combine_chunks() for name in attributes.column_names}
    return pa.RecordBatch.from_pydict(columns)


def numbered(rows: Iterable[pa.RecordBatch], schema: pa.Schema, start: int) -> Iterator[pa.RecordBatch]:
    """The rows with ids from `start`, in the catalogue's columns and types."""
    for part in rows:
        for name in part.schema.names:
            if name == "id" or name not in schema.names:
                known = [n for n in schema.names if n not in FIXED]
                raise unknown(
                    "attribute", name, known, "This catalogue holds no other; `liminal label` adds new ones."
                )
        columns: list[pa.Array] = [pa.array(np.arange(start, start + len(part)))]
        for field in list(schema)[1:]:
            given = part.column(field.name) if field.name in part.schema.names else None
            columns.append(_conform(given, field, len(part)))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        start += len(part)


def _conform(given: pa.Array | None, field: pa.Field, n: int) -> pa.Array:
    """One column as the catalogue keeps it. NaN is unknown; the fixed columns know everything."""
    if field.name not in FIXED:
        if given is None or pa.types.is_null(given.type):
            return pa.nulls(n, field.type)
        if storage(field.name, given.type) != field.type:
            raise LiminalError(
                f"attribute {field.name!r} is a {KINDS[field.type]} in this space, and now comes as "
                f"{given.type}"
            )
        column = given.cast(field.type, safe=False)
        return (
            pc.if_else(pc.is_nan(column), pa.scalar(None, field.type), column)
            if field.type == pa.float64()
            else column
        )
    if given is None or given.null_count or given.type != field.type:
        came = "none" if given is None else "unknown values" if given.null_count else given.type
        raise LiminalError(
            f"catalogue: column {field.name!r}: wanted {field.type} without unknown values, got {came}"
        )
    if field.name == "z" and not np.isfinite(given.flatten().to_numpy()).all():
        raise LiminalError("catalogue: the codes hold NaN or infinity; wanted finite numbers")
    if field.name == "split" and (wrong := set(pc.unique(given).to_pylist()) - set(SPLITS)):
        raise unknown("split", wrong.pop(), SPLITS)
    return given


def schema_of(dim: int, attributes: Sequence[pa.Field]) -> pa.Schema:
    """The catalogue's columns in their order."""
    types = (pa.int64(), pa.string(), pa.list_(pa.float32(), dim), pa.binary(), pa.string())
    return pa.schema([*zip(FIXED, types, strict=True), *attributes])


def storage(name: str, given: pa.DataType) -> pa.DataType:
    """double, bool or string: how an attribute of a type is kept (a column of unknown values only: as
    numbers).
    """
    kind = given.value_type if pa.types.is_dictionary(given) else given
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if (
        pa.types.is_null(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        return pa.float64()
    raise LiminalError(f"attribute {name!r} is of type {given}; wanted numbers, true/false or text")


def rng_rows(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of the rows, chosen at random, in rising order."""
    return (
        rows if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    )
