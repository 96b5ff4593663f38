"""The tree of a formula: small frozen dataclasses, and how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = re.compile(r"[^\W\d]\w*")
PLAIN = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")  # a number as it is written
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "like", "between", "true", "false"})


@dataclass(frozen=True)
class Number:
    """A number that is not negative."""

    value: float


@dataclass(frozen=True)
class Item:
    """``@12``: the item with id 12."""

    id: int


@dataclass(frozen=True)
class File:
    """``file('a b.png')`` or just ``'a b.png'``: an item that is encoded from a file."""

    path: str


@dataclass(frozen=True)
class Literal:
    """``row(age=40, smoker=yes)`` or ``strand('acgt')``: an item that is typed; the kind of data knows how.

    `arguments` is a text, or pairs of a name and what it is set to.
    """

    name: str
    arguments: str | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Mean:
    """``mean(label = 'Bag')``: the mean of the items that pass a filter in SQL."""

    where: str


@dataclass(frozen=True)
class Mix:
    """``mix(@1, @2)``: a mixture of two or more places, in equal parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Random:
    """``random(7)``: the draw of that seed from the space's default source."""

    seed: int


@dataclass(frozen=True)
class Dimension:
    """``dim(7)``: the latent dimension with this index, counted from 0."""

    index: int


@dataclass(frozen=True)
class Named:
    """``smile``, or ``hair_colour=blond``: a direction; ``smile=0.5`` of a number: the way to that value."""

    name: str
    value: str | None = None


@dataclass(frozen=True)
class Negative:
    """Minus a node."""

    node: Node


@dataclass(frozen=True)
class Sum:
    """Two or more terms, added; a difference holds a `Negative`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Product:
    """Two or more factors, of which at most one is not a number."""

    factors: tuple[Node, ...]


Node = Number | Item | File | Literal | Mean | Mix | Random | Dimension | Named | Negative | Sum | Product


def quote_name(name: str) -> str:
    """An attribute's name as a filter or formula takes it: bare if it can be, else in backticks."""
    return (
        name if WORD.fullmatch(name) and name.lower() not in KEYWORDS else "`" + name.replace("`", "``") + "`"
    )


def quote_text(text: str) -> str:
    """A text in single quotes, quotes in it doubled, as SQL and formulas take it."""
    return "'" + text.replace("'", "''") + "'"


def quote_value(text: str) -> str:
    """What a name is set to, as a formula takes it: bare if it is a word or a number, else in quotes."""
    bare = PLAIN.fullmatch(text) or (WORD.fullmatch(text) and text.lower() not in KEYWORDS)
    return text if bare else quote_text(text)


def show(tree: Node) -> str:
    """The tree as a formula; parsing it gives the same tree again."""
    if isinstance(tree, Number):
        return str(int(tree.value)) if tree.value.is_integer() and tree.value < 1e15 else repr(tree.value)
    if isinstance(tree, Item):
        return f"@{tree.id}"
    if isinstance(tree, File):
        return f"file({quote_text(tree.path)})"
    if isinstance(tree, Mean):
        return f"mean({tree.where})"
    if isinstance(tree, Mix):
        return f"mix({', '.join(map(show, tree.parts))})"
    if isinstance(tree, Random):
        return f"random({tree.seed})"
    if isinstance(tree, Dimension):
        return f"dim({tree.index})"
    if isinstance(tree, Named):
        return _setting(tree.name, tree.value)
    if isinstance(tree, Literal):
        given = tree.arguments
        inside = quote_text(given) if isinstance(given, str) else ", ".join(_setting(*pair) for pair in given)
        return f"{tree.name}({inside})"
    if isinstance(tree, Product):
        return "*".join(inner(f, Negative, Sum, Product) for f in tree.factors)
    if isinstance(tree, Negative):
        return "-" + inner(tree.node, Negative, Sum)
    first, *rest = (inner(t, Sum) for t in tree.terms)
    return first + "".join(
        f" - {t[1:]}" if isinstance(n, Negative) else f" + {t}"
        for n, t in zip(tree.terms[1:], rest, strict=True)
    )


def _setting(name: str, value: str | None) -> str:
    shown = name if WORD.fullmatch(name) else quote_name(name)
    return shown if value is None else f"{shown}={quote_value(value)}"


def inner(node: Node, *wrapped: type) -> str:
    """A node as part of a larger formula: in parentheses if it is one of the kinds `wrapped`."""
    return f"({show(node)})" if isinstance(node, wrapped) else show(node)
