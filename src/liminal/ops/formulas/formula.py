"""Formulas over a latent space: ``@12 + 1.5*smile - glasses``, ``mean(label=Sandal)``, ``mix(@1, @2)``,
``random(7)``.

Places (items, means, mixtures, random draws, files) and changes (directions, differences of places) follow
affine algebra: every value carries the sum w of the weights of its places; w = 1 is a place, w = 0 a change,
anything else means nothing. `parsing` has the grammar.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ...errors import LiminalError, UnknownNameError
from ...generator import FAR
from .parsing import compared, parse, where
from .syntax import (
    Dimension,
    File,
    Item,
    Literal,
    Mean,
    Mix,
    Named,
    Negative,
    Node,
    Number,
    Product,
    Random,
    Sum,
    inner,
    quote_name,
    quote_text,
    quote_value,
    show,
)

__all__ = [
    "Literal",
    "Named",
    "Names",
    "Node",
    "attributes",
    "compared",
    "edit",
    "evaluate",
    "items",
    "parse",
    "point",
    "quote_name",
    "quote_text",
    "quote_value",
    "show",
    "terms",
    "where",
]


NO_NUMBERS = ("nan", "inf", "infinity")


class Names(Protocol):
    """What a formula's names stand for; a space answers.

    Each raises `LiminalError` for what it does not know.
    """

    def item(self, id: int) -> Tensor:
        """The latent (d,) of the item with this id."""

    def mean(self, where: str) -> Tensor:
        """The mean latent (d,) of the items that pass a filter in SQL."""

    def mix(self, points: list[Tensor]) -> Tensor:
        """The mixture (d,) of two or more latents in equal parts."""

    def random(self, seed: int) -> Tensor:
        """A draw (d,)."""

    def direction(self, name: str, value: str | None) -> Tensor:
        """The vector (d,) of strength 1; of a number's value the vector that leads there."""

    def dimension(self, index: int) -> Tensor:
        """The vector (d,) of one standard deviation along a latent dimension, counted from 0."""

    def file(self, path: str) -> Tensor:
        """The latent (d,) of the item in a file."""

    def literal(self, literal: Literal) -> Tensor:
        """The latent (d,) of an item that is typed."""


def evaluate(tree: Node, names: Names) -> tuple[Tensor, float]:
    """The vector (d,) of a tree and the summed weight of its places (1: a place, 0: a change).

    Raises:
        LiminalError: numbers and vectors do not go together as written, a part of ``mix`` is no place, or
        `names` refuses a name.
    """
    try:
        value = _value(tree, names)
    except UnknownNameError as error:
        named = [n.name for n in nodes(tree) if isinstance(n, Named) and n.name not in error.known]
        if odd := next((name for name in named if name.lower() in NO_NUMBERS), None):
            raise LiminalError(
                f"formula {show(tree)!r}: {odd} is no number that can multiply; wanted a finite one, as in "
                "1.5*smile"
            ) from None
        hint = _meant(tree, error.known)
        raise (LiminalError(f"{error} {hint}") if hint else error) from None
    if isinstance(value, float):
        raise LiminalError(
            f"formula {show(tree)!r} is a number; wanted items and directions, such as @12 + 1.5*smile"
        )
    if not torch.isfinite(value[0]).all():
        raise LiminalError(f"formula {show(tree)!r} runs to infinity; use smaller numbers")
    if not (value[0].abs() < FAR).all():
        raise LiminalError(
            f"formula {show(tree)!r} leads too far out: to {float(value[0].abs().max()):.3g}, where items "
            "have numbers of a few units; use smaller numbers, such as 1.5*smile"
        )
    return value


def _meant(tree: Node, known: Sequence[str]) -> str:
    """What to write where an unknown name is a number before a name, or part of a name that holds a minus."""
    for node in nodes(tree):
        if isinstance(node, Named) and node.name not in known:
            name = node.name.lstrip("0123456789")
            number = node.name.removesuffix(name)
            if number and name in known:
                return f"Or wanted '*' between {number} and {name!r} (as in 2*smile)."
        if isinstance(node, Sum):
            for i in range(len(node.terms)):
                for written, value in _with_minus(node.terms[i:]):
                    near = difflib.get_close_matches(written, known, n=1, cutoff=0.8)
                    if near:
                        name = quote_name(near[0]) + ("" if value is None else f"={quote_value(value)}")
                        return f"A name with a minus goes in backticks: {name}."
    return ""


def _with_minus(terms: Sequence[Node]) -> Iterator[tuple[str, str | None]]:
    """What terms may mean as one name with a minus, and its value: hair - colour=red as hair-colour."""
    first = terms[0]
    while isinstance(first, Negative | Product):
        first = first.node if isinstance(first, Negative) else first.factors[-1]
    if not isinstance(first, Named) or first.value is not None:
        return
    written = first.name
    for term in terms[1:]:
        if not isinstance(term, Negative) or not isinstance(term.node, Named | Number):
            return
        part = term.node
        written += f"-{part.name if isinstance(part, Named) else show(part)}"
        value = part.value if isinstance(part, Named) else None
        yield written, value
        if value is not None:
            return


def _value(node: Node, names: Names) -> float | tuple[Tensor, float]:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Named):
        return names.direction(node.name, node.value), 0.0
    if isinstance(node, Dimension):
        return names.dimension(node.index), 0.0
    if isinstance(node, Item):
        return names.item(node.id), 1.0
    if isinstance(node, File):
        return names.file(node.path), 1.0
    if isinstance(node, Literal):
        return names.literal(node), 1.0
    if isinstance(node, Mean):
        return names.mean(node.where), 1.0
    if isinstance(node, Random):
        return names.random(node.seed), 1.0
    if isinstance(node, Mix):
        return names.mix([point(part, names) for part in node.parts]), 1.0
    if isinstance(node, Negative):
        value = _value(node.node, names)
        return -value if isinstance(value, float) else (-value[0], -value[1])
    if isinstance(node, Product):
        return _product(node, names)
    return _sum(node, names)


def _product(node: Product, names: Names) -> float | tuple[Tensor, float]:
    number, vector = 1.0, None
    for factor in node.factors:
        value = _value(factor, names)
        if isinstance(value, float):
            number *= value
        elif vector is not None:
            raise LiminalError(
                f"formula {show(node)!r} multiplies two items or directions; only a number can multiply, as "
                "in 1.5*smile"
            )
        else:
            vector = value
    if not math.isfinite(number):
        raise LiminalError(f"formula {show(node)!r} runs to infinity; use smaller numbers")
    return number if vector is None else (number * vector[0], number * vector[1])


def _sum(node: Sum, names: Names) -> float | tuple[Tensor, float]:
    values = [_value(term, names) for term in node.terms]
    numbers = [v for v in values if isinstance(v, float)]
    vectors = [v for v in values if not isinstance(v, float)]
    if not vectors:
        return math.fsum(numbers)
    if numbers:
        raise LiminalError(
            f"formula {show(node)!r} adds a number to an item or a direction; a number multiplies, as in "
            "0.5*smile"
        )
    return torch.stack([v for v, _ in vectors]).sum(0), math.fsum(w for _, w in vectors)


def point(formula: str | Node, names: Names) -> Tensor:
    """The latent (d,) of a formula that is a place, such as ``@12 + 1.5*smile`` or ``0.5*@1 + 0.5*@2``.

    Raises:
        LiminalError: as `evaluate` and `parse`, or the weights of the places do not add up to 1.
    """
    tree = parse(formula) if isinstance(formula, str) else formula
    vector, weight = evaluate(tree, names)
    if abs(weight) < 1e-6:
        raise LiminalError(
            f"formula {show(tree)!r} is a change with no item to start from; write for example @12 + "
            f"{inner(tree, Negative)}"
        )
    if abs(weight - 1) > 1e-6:
        raise LiminalError(
            f"formula {show(tree)!r}: the weights of its items add up to {weight:g}, wanted 1; write "
            f"{_advice(tree)}"
        )
    return vector


def _advice(tree: Node) -> str:
    places = Item | File | Literal | Mean | Mix | Random
    if isinstance(tree, Sum) and all(isinstance(t, places) for t in tree.terms):
        parts = [show(t) for t in tree.terms]
        mixed = f"mix({', '.join(parts)})"
        return f"0.5*{parts[0]} + 0.5*{parts[1]} or {mixed}" if len(parts) == 2 else mixed
    return "for example 0.5*@1 + 0.5*@2 or mix(@1, @2)"


def edit(formula: str | Node, names: Names) -> Tensor:
    """The vector (d,) of a formula that is a change, such as ``+1.5*smile - glasses`` or ``mean(label=Boot) -
    mean(label=Shoe)``.

    Raises:
        LiminalError: as `evaluate` and `parse`, or the weights of its places do not add up to 0.
    """
    tree = parse(formula) if isinstance(formula, str) else formula
    vector, weight = evaluate(tree, names)
    if abs(weight) > 1e-6:
        why = "it is a place" if abs(weight - 1) < 1e-6 else f"the weights of its items add up to {weight:g}"
        raise LiminalError(
            f"formula {show(tree)!r}: wanted a change, but {why}; write for example smile, or @1 - @2"
        )
    return vector


def items(tree: Node) -> Sequence[int]:
    """The ids of the items that a tree names, in order."""
    return [leaf.id for leaf in leaves(tree) if isinstance(leaf, Item)]


def attributes(tree: Node) -> Sequence[str]:
    """The names of the attributes along which a tree moves, each once, in order."""
    return list(dict.fromkeys(leaf.name for leaf in leaves(tree) if isinstance(leaf, Named)))


def terms(tree: Node, names: Names) -> list[tuple[Named, float]]:
    """The names that a formula adds up, in order, each with the number that it is taken times; what is in a
    mixture is no term.
    """
    if isinstance(tree, Named):
        return [(tree, 1.0)]
    if isinstance(tree, Negative):
        return [(name, -times) for name, times in terms(tree.node, names)]
    if isinstance(tree, Sum):
        return [found for term in tree.terms for found in terms(term, names)]
    if not isinstance(tree, Product):
        return []
    values = [(f, _value(f, names)) for f in tree.factors]
    times = math.prod(value for _, value in values if isinstance(value, float))
    return [
        (name, times * one)
        for factor, value in values
        if not isinstance(value, float)
        for name, one in terms(factor, names)
    ]


def leaves(tree: Node) -> Iterator[Node]:
    """The parts of a tree that have no parts, in order."""
    return (node for node in nodes(tree) if not isinstance(node, Mix | Sum | Product | Negative))


def nodes(tree: Node) -> Iterator[Node]:
    """A tree and all its parts, each before its own."""
    parts: tuple[Node, ...] = ()
    if isinstance(tree, Mix):
        parts = tree.parts
    elif isinstance(tree, Sum):
        parts = tree.terms
    elif isinstance(tree, Product):
        parts = tree.factors
    elif isinstance(tree, Negative):
        parts = (tree.node,)
    yield tree
    for node in parts:
        yield from nodes(node)
