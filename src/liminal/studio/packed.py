"""The packed format: several arrays and JSON in one answer.

Content type `PACKED`. A uint32 with the length of the header; the
header, JSON in UTF-8, padded with spaces so that what follows starts at a multiple of 8; the arrays,
little-endian, each at a multiple of 8. The header's ``arrays`` holds for each name ``dtype``, ``shape`` and
``at``, bytes from the end of the header; its other fields are the answer's JSON fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from ..errors import LiminalError

PACKED = "application/x-liminal"
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")  # that a page has arrays of


@dataclass(frozen=True)
class Form:
    """An array of a packed answer.

    Attributes:
        dtypes: that it may have; another is turned into the first where that loses no more than digits.
        axes: their names; ``...`` stands for those of an item.
        exact: no other type will do.
    """

    dtypes: tuple[str, ...]
    axes: str
    exact: bool = False

    def fitted(self, name: str, value: np.ndarray) -> np.ndarray:
        """An array in a type that the wire has.

        Raises:
            LiminalError: it has none, or a number in it would become another.
        """
        kind = value.dtype.str[1:]
        if kind in self.dtypes:
            return value
        target = np.dtype(f"<{self.dtypes[0]}")
        fits = not self.exact and np.can_cast(
            value.dtype, target, "same_kind" if target.kind == "f" else "unsafe"
        )
        if fits and target.kind != "f":
            info = np.iinfo(target)
            fits = value.dtype.kind in "biu" and (
                not value.size or (info.min <= int(value.min()) and int(value.max()) <= info.max)
            )
        if not fits:
            raise LiminalError(
                f"the studio's page has no array of {value.dtype} that {name} could be, or not all of its "
                "numbers fit;"
                f" wanted one of {', '.join(np.dtype(dtype).name for dtype in self.dtypes)}"
            )
        return value.astype(target)


Items = Annotated[np.ndarray, Form(DTYPES, "n ...", exact=True)]
Others = Annotated[np.ndarray, Form(DTYPES, "k ...", exact=True)]
One = Annotated[np.ndarray, Form(DTYPES, "...", exact=True)]
Latents = Annotated[np.ndarray, Form(("f4",), "n d")]
Vectors = Annotated[np.ndarray, Form(("f4",), "k d")]
Places = Annotated[np.ndarray, Form(("f4",), "n 2")]
Numbers = Annotated[np.ndarray, Form(("f4",), "n")]
Triples = Annotated[np.ndarray, Form(("f4",), "n 3")]
Steps = Annotated[np.ndarray, Form(("f4",), "k")]
Rows = Annotated[np.ndarray, Form(("i4",), "n")]
RowTriples = Annotated[np.ndarray, Form(("i4",), "n 3")]
Flags = Annotated[np.ndarray, Form(("u1",), "n")]
Codes = Annotated[np.ndarray, Form(("u2", "u1", "f4"), "n")]


class Json(BaseModel):
    """JSON in an answer, or one."""

    model_config = ConfigDict(extra="forbid")


class Packed(BaseModel):
    """An answer with arrays; every other field travels in the header."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    @classmethod
    def arrays(cls) -> dict[str, Form]:
        """The arrays by name."""
        shapes = {
            name: next((m for m in about.metadata if isinstance(m, Form)), None)
            for name, about in cls.model_fields.items()
        }
        return {name: shape for name, shape in shapes.items() if shape is not None}

    def pack(self) -> bytes:
        """The answer in the packed format.

        Raises:
            LiminalError: an array has a type that the wire does not know.
        """
        arrays = {}
        for name, shape in self.arrays().items():
            value = shape.fitted(name, np.asarray(getattr(self, name)))
            arrays[name] = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        return pack(
            arrays, json.loads(self.model_dump_json(exclude=set(arrays)))
        )  # pydantic writes NaN and infinity as null


def pack(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> bytes:
    """Arrays of the types that `Form` knows and JSON fields in the packed format."""
    entries: dict[str, dict[str, Any]] = {}
    parts: list[bytes] = []
    at = 0
    for name, value in arrays.items():
        data = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
        entries[name] = {"dtype": value.dtype.str[1:], "shape": list(value.shape), "at": at}
        parts += [data, bytes(-len(data) % 8)]
        at += len(data) + -len(data) % 8
    header = json.dumps({"arrays": entries, **facts}, ensure_ascii=False, allow_nan=False).encode()
    header += b" " * (-(len(header) + 4) % 8)
    return len(header).to_bytes(4, "little") + header + b"".join(parts)


def unpack(data: bytes) -> dict[str, Any]:
    """The arrays and the JSON fields of a packed answer, by name.

    Raises:
        ValueError: it is cut, or no packed answer.
    """
    size = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + size])
    found = {name: value for name, value in header.items() if name != "arrays"}
    for name, entry in header["arrays"].items():
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(data, np.dtype(f"<{entry['dtype']}"), count, 4 + size + entry["at"])
        found[name] = values.reshape(entry["shape"])
    return found
