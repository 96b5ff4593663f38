"""Columns of attributes as a network can learn them: what kind each is, and its values as tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError

MOST_CLASSES = 100  # a column with more categories names single items rather than sorts them

Spec = dict[str, dict[str, Any]]


def describe(attributes: pa.Table) -> Spec:
    """How each column of attributes is read: ``{name: {"kind": "number" | "bool" | "category", ...}}``,
    JSON-ready.

    Numbers carry ``mean`` and ``std``, categories their sorted ``classes``. Left out, because there is
    nothing to learn: columns that are all null or have one value only, text with more than 100 categories,
    and columns of other types.

    Args:
        attributes: n rows; columns of numbers, bool, string (or dictionary of strings); null, and NaN in
            numbers, = unknown.
    """
    spec: Spec = {}
    for name in attributes.column_names:
        kind, values = _column(attributes, name)
        if kind == "category":
            classes = sorted({v for v in values if v is not None})
            if 2 <= len(classes) <= MOST_CLASSES:
                spec[name] = {"kind": kind, "classes": classes}
            continue
        known = values[np.isfinite(values)] if kind else np.zeros(0)
        if len(known) > 1 and known.std() > 1e-12 * max(1.0, float(np.abs(known).max())):
            spec[name] = (
                {"kind": kind}
                if kind == "bool"
                else {"kind": kind, "mean": float(known.mean()), "std": float(known.std())}
            )
    return spec


def _column(table: pa.Table, name: str) -> tuple[str, Any]:
    """A column's kind ("" if it cannot be read) and its values: float64 with NaN for unknown, or a list with
    None.
    """
    column = table.column(name).combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "category", column.to_pylist()
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = np.array([math.nan if v is None else float(v) for v in column.to_pylist()], dtype=np.float64)
        return ("bool" if pa.types.is_boolean(kind) else "number"), values
    return "", None


def targets(attributes: pa.Table, spec: Spec) -> dict[str, Tensor]:
    """The columns named in `spec` as tensors (n,): standardised numbers and 0/1 as float32 with NaN for
    unknown,
    class numbers as int64 with -1.

    Raises:
        LiminalError: a column is missing or has another type than in `spec`.
    """
    out: dict[str, Tensor] = {}
    for name, how in spec.items():
        if name not in attributes.column_names:
            raise LiminalError(f"reader: the attributes have no column {name!r}; wanted {', '.join(spec)}")
        kind, values = _column(attributes, name)
        if kind != how["kind"]:
            raise LiminalError(
                f"reader: attribute {name!r} is a {kind or attributes.column(name).type}, but the reader "
                f"was made for a {how['kind']}"
            )
        if kind == "category":
            number = {c: i for i, c in enumerate(how["classes"])}
            out[name] = torch.tensor([number.get(v, -1) for v in values], dtype=torch.int64)
        else:
            scaled = (values - how["mean"]) / how["std"] if kind == "number" else values
            out[name] = torch.from_numpy(scaled.astype(np.float32))
    return out
