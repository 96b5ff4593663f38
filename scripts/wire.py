"""Write web/src/wire.ts, the studio's wire as TypeScript, from src/liminal/studio/wire.py.

.venv/bin/python scripts/wire.py
"""

from __future__ import annotations

import sys
import textwrap
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from liminal.files import atomic_bytes
from liminal.studio import contents, packed, routes, wire

COLUMNS = 110
TARGET = Path(__file__).parent.parent / "web" / "src" / "wire.ts"
ALIASES = ("Method", "Along", "Kind", "Found", "Able", "Place")
NAMES = vars(contents) | vars(wire)
NUMBERS = ("ROWS", "UPLOAD", "FILM", "PAGE", "ACROSS", "UNKNOWN", "NEITHER")
ARRAYS = {
    "u1": "Uint8Array",
    "i1": "Int8Array",
    "u2": "Uint16Array",
    "i2": "Int16Array",
    "u4": "Uint32Array",
    "i4": "Int32Array",
    "f4": "Float32Array",
    "f8": "Float64Array",
}

HEAD = """// Written by scripts/wire.py from src/liminal/studio/wire.py; change that and run the script.

/** An array of a packed answer, row after row. */
export interface Grid<A> {
  data: A;
  shape: number[];
}

/** What holds the numbers of items: each kind of data has a type of its own. */
VALUES

const kinds = {
KINDS
};

interface Entry {
  dtype: keyof typeof kinds;
  shape: number[];
  at: number;
}

/** The arrays and the other fields of a packed answer, by name. */
export function unpack<T>(buffer: ArrayBuffer): T {
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const { arrays, ...found } = header;
  for (const [name, entry] of Object.entries<Entry>(arrays)) {
    const count = entry.shape.reduce((a, b) => a * b, 1);
    found[name] = { data: kinds[entry.dtype](buffer, 4 + size + entry.at, count), shape: entry.shape };
  }
  return found as T;
}
"""


def main() -> int:
    atomic_bytes(TARGET, text().encode())
    print(f"wrote {TARGET}")
    return 0


def text() -> str:
    """The whole of wire.ts."""
    kinds = [
        f"  {dtype}: (buffer: ArrayBuffer, at: number, count: number) => new {array}(buffer, at, count),"
        for dtype, array in ARRAYS.items()
    ]
    parts = [
        HEAD.replace("VALUES", alias("Values", list(ARRAYS.values()))).replace("KINDS", "\n".join(kinds))
    ]
    constants = [f"export const {name} = {getattr(wire, name)};" for name in NUMBERS]
    parts.append("\n".join([*constants, f'export const PACKED = "{wire.PACKED}";']))
    parts.append("\n".join(alias(name, literals(NAMES[name]) or [written(NAMES[name])]) for name in ALIASES))
    parts += [interface(model) for model in models()]
    parts.append(
        "\n".join(
            [
                "/** What each route takes in its query, takes as its body, and gives. */",
                "export interface Api {",
                *entries(),
                "}",
            ]
        )
    )
    rows = [
        f'  {r.name.strip("_")}: {{ method: "{r.method}", path: "{r.path}", packed: {is_packed(r)} }},'
        for r in routes.ROUTES
    ]
    parts.append("export const routes = {\n" + "\n".join(rows) + "\n} as const;")
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def comment(about: str, indent: str = "") -> str:
    """A comment before what it is about, broken where it is too long for one line."""
    line = f"{indent}/** {' '.join(about.split())} */"
    if len(line) <= COLUMNS:
        return line
    lines = textwrap.wrap(" ".join(about.split()), COLUMNS - len(indent) - 3, break_on_hyphens=False)
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}" for line in lines), f"{indent} */"])


def alias(name: str, kinds: list[str]) -> str:
    """A name for types of which one holds, each on a line of its own where they are too long for one."""
    line = f"export type {name} = {' | '.join(kinds)};"
    if len(line) <= COLUMNS:
        return line
    return "\n".join([f"export type {name} =", *(f"  | {kind}" for kind in kinds)]) + ";"


def models() -> list[type[BaseModel]]:
    """Every model of the wire, in its order."""
    own = [
        m
        for module in (contents, wire)
        for m in vars(module).values()
        if isinstance(m, type) and issubclass(m, BaseModel) and m.__module__ == module.__name__
    ]
    return [m for m in own if m.model_fields]


def interface(model: type[BaseModel]) -> str:
    """A model as an interface; fields of requests that have a default may be left out."""
    about = (model.__doc__ or "").strip().replace("``", "`").replace("None", "null")
    lines = [comment(about)] if about else []
    (base,) = model.__bases__
    extends = f" extends {base.__name__}" if base not in (packed.Json, packed.Packed) else ""
    lines.append(f"export interface {model.__name__}{extends} {{")
    shapes = model.arrays() if issubclass(model, packed.Packed) else {}
    given = model.__name__.endswith("Request")
    for name in model.__annotations__:
        about_field = model.model_fields[name]
        if name in shapes:
            kinds = " | ".join(ARRAYS[dtype] for dtype in shapes[name].dtypes)
            kinds = "Values" if shapes[name].dtypes == packed.DTYPES else kinds
            lines.append(f"  {name}: Grid<{kinds}>; // ({', '.join(shapes[name].axes.split())})")
        else:
            mark = "?" if given and not about_field.is_required() else ""
            lines.append(f"  {name}{mark}: {written(about_field.annotation)};")
    return "\n".join([*lines, "}"])


def entries() -> list[str]:
    """The rows of `Api`."""
    lines = []
    for route in routes.ROUTES:
        query = "; ".join(f"{name}: {kind}" for name, kind in route.query.items())
        if route.takes is None:
            body = "null"
        elif isinstance(route.takes, str):
            body = "Blob" if route.takes == "file" else "Float32Array"
        else:
            body = route.takes.__name__
        answer = (
            route.gives.__name__
            if not isinstance(route.gives, str)
            else "string"
            if route.gives == "text/html"
            else "Blob"
        )
        about = comment(f"{route.method} {route.path}: {route.about}", "  ")
        lines += [
            about,
            f"  {route.name.strip('_')}: {{ query: {{ {query} }}; body: {body}; answer: {answer} }};".replace(
                "{  }", "{}"
            ),
        ]
    return lines


def is_packed(route: routes.Route) -> str:
    return "true" if not isinstance(route.gives, str) and issubclass(route.gives, packed.Packed) else "false"


def literals(kind: Any) -> list[str]:
    """The texts of which one is meant."""
    return [f'"{value}"' for value in typing.get_args(kind) if typing.get_origin(kind) is typing.Literal]


def written(kind: Any) -> str:
    """A type of Python in TypeScript."""
    plain = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
    if kind is Any:
        return "unknown"
    if kind in plain:
        return plain[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return written(inner[0])
    if origin is typing.Literal:
        return next((name for name in ALIASES if NAMES[name] == kind), " | ".join(literals(kind)))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(written(part) for part in inner)
    if origin is list:
        part = written(inner[0])
        return f"({part})[]" if " | " in part else f"{part}[]"
    if origin is tuple:
        return f"[{', '.join(written(part) for part in inner)}]"
    if origin is dict:
        return f"Record<string, {written(inner[1])}>"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.__name__
    raise TypeError(f"scripts/wire.py knows no TypeScript for {kind}")


if __name__ == "__main__":
    sys.exit(main())
