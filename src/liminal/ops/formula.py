"""Formulas over a latent space: ``@12 + 1.5*smile - glasses``, ``mean(label=Sandal)``, ``mix(@1, @2)``, ``random(7)``.

Text becomes a small tree of frozen dataclasses; nothing is ever handed to Python's own evaluation. The grammar::

    sum    = term (("+" | "-") term)*                 term = ("+" | "-")* factor ("*" signed)*
    factor = number | "@" id | name | name "=" value | "file path" | "(" sum ")"
           | mean(filter) | mix(sum, sum, ...) | random(seed) | file("path")
    filter = test (("and" | "or") test)*              label = Sandal and not smile > 0.5, label in (Bag, Coat), hat

A name or a value that is more than words and digits goes in quotes: names in backticks, values in either quote.
Places (items, means, mixtures, random draws, files) and changes (directions, differences of places) follow affine algebra:
every value carries the sum w of the weights of its places; w = 1 is a place, w = 0 a change, anything else means nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

import torch
from torch import Tensor

from ..errors import LiminalError, unknown

MAX_TEXT, MAX_DEPTH = 10_000, 40
FUNCTIONS = ("file", "mean", "mix", "random")
_KEYWORDS = {"and", "or", "not", "in", "is", "null", "like", "between", "true", "false"}
_COMPARE = {"=", "==", "!=", "<>", "<", "<=", ">", ">="}
_WORD = re.compile(r"[^\W\d]\w*")
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+(?![^\W]))?)|@(?P<item>[0-9]{1,18})(?![0-9])"
    r"|(?P<word>[^\W\d]\w*)|'(?P<single>(?:[^']|'')*)'|\"(?P<double>(?:[^\"]|\"\")*)\"|`(?P<tick>(?:[^`]|``)+)`|(?P<op>==|!=|<>|<=|>=|[-+*()=<>,])"
)


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
class Named:
    """``smile``, or ``hair_colour=blond``: a direction."""

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


Node = Number | Item | File | Mean | Mix | Random | Named | Negative | Sum | Product


class Names(Protocol):
    """What a formula's names stand for; a space answers. Each raises `LiminalError` for what it does not know."""

    def item(self, id: int) -> Tensor:
        """The latent (d,) of the item with this id."""

    def mean(self, where: str) -> Tensor:
        """The mean latent (d,) of the items that pass a filter in SQL."""

    def mix(self, points: list[Tensor]) -> Tensor:
        """The mixture (d,) of two or more latents in equal parts."""

    def random(self, seed: int) -> Tensor:
        """A draw (d,)."""

    def direction(self, name: str, value: str | None) -> Tensor:
        """The vector (d,) of strength 1."""

    def file(self, path: str) -> Tensor:
        """The latent (d,) of the item in a file."""


@dataclass(frozen=True)
class _Token:
    kind: str  # number, item, word, string, tick, op, end
    text: str
    start: int
    end: int


class _Parser:
    """Recursive descent over the tokens of one formula or filter; nesting is bounded, chains are loops."""

    def __init__(self, text: str, call: str) -> None:
        self.text, self.call = text, call
        self.depth, self.at = 0, 0
        if len(text) > MAX_TEXT:
            raise LiminalError(f"{call}: {len(text)} characters; wanted at most {MAX_TEXT}")
        self.tokens = self._split()

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None:
                self._refuse(at)
            kind = match.lastgroup or ""
            if kind != "space":
                text = match.group(kind)
                for quoted, mark in (("single", "'"), ("double", '"'), ("tick", "`")):
                    if kind == quoted:
                        text = text.replace(mark * 2, mark)
                kind = "string" if kind in ("single", "double") else kind
                tokens.append(_Token(kind, text, at, match.end()))
            at = match.end()
        return [*tokens, _Token("end", "", len(self.text), len(self.text))]

    def _refuse(self, at: int) -> NoReturn:
        mark = self.text[at]
        if mark in "'\"`":
            why = f"the quote {mark} is never closed" if self.text.find(mark, at + 1) < 0 else "there is nothing between the quotes"
        elif mark == "@":
            why = "wanted the number of an item after @, such as @12"
        else:
            why = f"{mark!r} has no meaning in a {self.call}"
        raise LiminalError(f"{self._shown()}: {why} (character {at + 1})")

    def _shown(self) -> str:
        text = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        return f"{self.call} {text!r}"

    def fail(self, wanted: str, token: _Token | None = None) -> NoReturn:
        token = token or self.next
        got = "the end" if token.kind == "end" else repr(self.text[token.start : token.end][:40])
        raise LiminalError(f"{self._shown()}: wanted {wanted} at character {token.start + 1}, got {got}")

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def is_op(self, *ops: str) -> bool:
        return self.next.kind == "op" and self.next.text in ops

    def is_word(self, *words: str) -> bool:
        return self.next.kind == "word" and self.next.text.lower() in words

    def expect(self, op: str) -> None:
        if not self.is_op(op):
            self.fail(f"'{op}'")
        self.take()

    def end(self, wanted: str) -> None:
        if self.next.kind != "end":
            self.fail(wanted)

    def down(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LiminalError(f"{self._shown()}: nested deeper than {MAX_DEPTH} levels at character {self.next.start + 1}; write it flatter")

    # formulas

    def sum(self) -> Node:
        self.down()
        terms = [self.term()]
        while self.is_op("+", "-"):
            minus = self.take().text == "-"
            term = self.term()
            terms.append(Negative(term) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def term(self) -> Node:
        minus = self.signs()
        factors = [self.factor()]
        while self.is_op("*"):
            self.take()
            sign = self.signs()
            factor = self.factor()
            factors.append(Negative(factor) if sign else factor)
        node = factors[0] if len(factors) == 1 else Product(tuple(factors))
        return Negative(node) if minus else node

    def signs(self) -> bool:
        minus = False
        while self.is_op("+", "-"):
            minus ^= self.take().text == "-"
        return minus

    def factor(self) -> Node:
        token = self.next
        if token.kind == "number":
            self.take()
            if self.next.kind in ("word", "tick"):
                self.fail(f"'*' between {token.text} and {self.next.text!r} (as in 2*smile)")
            return Number(self.number(token))
        if token.kind == "item":
            return Item(int(self.take().text))
        if token.kind in ("word", "tick", "string"):
            self.take()
            if token.kind == "word" and self.is_op("("):
                return self.function(token)
            if self.is_op("=", "=="):
                self.take()
                return Named(token.text, self.value(frozenset())[1])
            if token.kind != "string":
                return Named(token.text)
            if not token.text:
                self.fail("the name of a file between the quotes", token)
            return File(token.text)
        if self.is_op("("):
            self.take()
            node = self.sum()
            self.expect(")")
            return node
        self.fail("an item such as @12, a number or a name")

    def number(self, token: _Token) -> float:
        value = float(token.text)
        if math.isinf(value):
            self.fail("a number below 1e308", token)
        return value

    def function(self, name: _Token) -> Node:
        if name.text not in FUNCTIONS:
            raise LiminalError(f"{self._shown()}: at character {name.start + 1}, {unknown('function', name.text, FUNCTIONS)}")
        self.expect("(")
        node: Node
        if name.text == "mean":
            node = Mean(self.filter())
        elif name.text == "mix":
            parts = [self.sum()]
            while self.is_op(","):
                self.take()
                parts.append(self.sum())
            if len(parts) < 2:
                self.fail("',' and another item: mix takes two or more")
            node = Mix(tuple(parts))
        elif name.text == "random":
            if self.next.kind != "number" or not self.next.text.isdecimal() or len(self.next.text) > 18:
                self.fail("a seed, a whole number such as 7,")
            node = Random(int(self.take().text))
        else:
            if self.next.kind != "string" or not self.next.text:
                self.fail("the name of a file in quotes")
            node = File(self.take().text)
        self.expect(")")
        return node

    def value(self, stop: frozenset[str]) -> tuple[str, str]:
        """What follows a comparison: its kind (string, number, word) and its text; words and digits side by side are one text."""
        first = self.next
        if first.kind == "string":
            return "string", self.take().text
        run = []
        while self.next.kind in ("word", "number") and not (run and self.is_word(*stop)):
            run.append(self.take())
        if not run:
            self.fail("a value (in quotes if it is more than words and digits)")
        text = " ".join(self.text[first.start : run[-1].end].split())
        return (first.kind if len(run) == 1 else "word"), text

    # filters

    def filter(self) -> str:
        self.down()
        parts = [self.negation()]
        while self.is_word("and", "or"):
            parts += [self.take().text.lower(), self.negation()]
        self.depth -= 1
        return " ".join(parts)

    def negation(self) -> str:
        nots = ""
        while self.is_word("not"):
            self.take()
            nots += "not "
        if self.is_op("("):
            self.take()
            inner = self.filter()
            self.expect(")")
            return f"{nots}({inner})"
        return nots + self.test()

    def test(self) -> str:
        column = self.column()
        if self.next.kind == "op" and self.next.text in _COMPARE:
            op = {"==": "=", "<>": "!="}.get(self.next.text, self.next.text)
            self.take()
            return f"{column} {op} {self.literal()}"
        if self.is_word("is"):
            self.take()
            no = "not " if self.is_word("not") and self.take() else ""
            if not self.is_word("null"):
                self.fail("null after is")
            self.take()
            return f"{column} is {no}null"
        no = "not " if self.is_word("not") and self.take() else ""
        if self.is_word("in"):
            self.take()
            self.expect("(")
            values = [self.literal()]
            while self.is_op(","):
                self.take()
                values.append(self.literal())
            self.expect(")")
            return f"{column} {no}in ({', '.join(values)})"
        if self.is_word("like"):
            self.take()
            return f"{column} {no}like {self.literal()}"
        if self.is_word("between"):
            self.take()
            low = self.literal()
            if not self.is_word("and"):
                self.fail("and (as in between 0 and 1)")
            self.take()
            return f"{column} {no}between {low} and {self.literal()}"
        if no:
            self.fail("in, like or between after not")
        return f"{column} = true"

    def column(self) -> str:
        if self.next.kind == "tick" or (self.next.kind == "word" and not self.is_word(*_KEYWORDS)):
            return quote_name(self.take().text)
        self.fail("the name of an attribute")

    def literal(self) -> str:
        if self.next.kind == "tick":
            return quote_name(self.take().text)
        minus = self.is_op("-") and bool(self.take())
        token = self.next
        if not minus and self.is_word("true", "false", "null"):
            return self.take().text.lower()
        if self.is_word(*_KEYWORDS):
            self.fail("a value (in quotes if it is a word of the language)")
        kind, text = self.value(frozenset(_KEYWORDS))
        if kind == "number":
            number = self.number(token)
            return ("-" if minus else "") + (text if text.isdecimal() else repr(number))
        if minus:
            self.fail("a number after '-'", token)
        return quote_text(text)


def quote_name(name: str) -> str:
    """An attribute's name as a filter or formula takes it: bare if it can be, else in backticks."""
    return name if _WORD.fullmatch(name) and name.lower() not in _KEYWORDS else "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """A text in single quotes, quotes in it doubled, as SQL and formulas take it."""
    return "'" + text.replace("'", "''") + "'"


def parse(text: str) -> Node:
    """A formula's text as a tree.

    Raises:
        LiminalError: the text is no formula; the message says what was wanted at which character.
    """
    parser = _Parser(text, "formula")
    tree = parser.sum()
    parser.end("+, -, * or the end")
    return tree


def where(text: str) -> str:
    """A filter as people write it, normalised to SQL: ``label=Ankle boot and hat`` gives ``label = 'Ankle boot' and hat = true``.

    Bare words after a comparison become texts (a column there goes in backticks). `where` of its own result is that result.

    Raises:
        LiminalError: the text is no filter; the message says what was wanted at which character.
    """
    parser = _Parser(text, "filter")
    sql = parser.filter()
    parser.end("and, or or the end (values that are more than words and digits go in quotes)")
    return sql


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
    if isinstance(tree, Named):
        name = tree.name if _WORD.fullmatch(tree.name) else quote_name(tree.name)
        return name if tree.value is None else f"{name}={tree.value if _WORD.fullmatch(tree.value) else quote_text(tree.value)}"
    if isinstance(tree, Product):
        return "*".join(_inner(f, Negative, Sum, Product) for f in tree.factors)
    if isinstance(tree, Negative):
        return "-" + _inner(tree.node, Negative, Sum)
    first, *rest = (_inner(t, Sum) for t in tree.terms)
    return first + "".join(f" - {t[1:]}" if isinstance(n, Negative) else f" + {t}" for n, t in zip(tree.terms[1:], rest, strict=True))


def _inner(node: Node, *wrapped: type) -> str:
    return f"({show(node)})" if isinstance(node, wrapped) else show(node)


def evaluate(tree: Node, names: Names) -> tuple[Tensor, float]:
    """The vector (d,) of a tree and the summed weight of its places (1: a place, 0: a change).

    Raises:
        LiminalError: numbers and vectors do not go together as written, a part of ``mix`` is no place, or `names` refuses a name.
    """
    value = _value(tree, names)
    if isinstance(value, float):
        raise LiminalError(f"formula {show(tree)!r} is a number; wanted items and directions, such as @12 + 1.5*smile")
    if not torch.isfinite(value[0]).all():
        raise LiminalError(f"formula {show(tree)!r} runs to infinity; use smaller numbers")
    return value


def _value(node: Node, names: Names) -> float | tuple[Tensor, float]:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Named):
        return names.direction(node.name, node.value), 0.0
    if isinstance(node, Item):
        return names.item(node.id), 1.0
    if isinstance(node, File):
        return names.file(node.path), 1.0
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
            raise LiminalError(f"formula {show(node)!r} multiplies two items or directions; only a number can multiply, as in 1.5*smile")
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
        raise LiminalError(f"formula {show(node)!r} adds a number to an item or a direction; a number multiplies, as in 0.5*smile")
    return torch.stack([v for v, _ in vectors]).sum(0), math.fsum(w for _, w in vectors)


def point(formula: str | Node, names: Names) -> Tensor:
    """The latent (d,) of a formula that is a place, such as ``@12 + 1.5*smile`` or ``0.5*@1 + 0.5*@2``.

    Raises:
        LiminalError: as `evaluate` and `parse`, or the weights of the places do not add up to 1.
    """
    tree = parse(formula) if isinstance(formula, str) else formula
    vector, weight = evaluate(tree, names)
    if abs(weight) < 1e-6:
        raise LiminalError(f"formula {show(tree)!r} is a change with no item to start from; write for example @12 + {_bracket(tree)}")
    if abs(weight - 1) > 1e-6:
        raise LiminalError(f"formula {show(tree)!r}: the weights of its items add up to {weight:g}, wanted 1; write {_advice(tree)}")
    return vector


def _bracket(tree: Node) -> str:
    return _inner(tree, Negative)


def _advice(tree: Node) -> str:
    if isinstance(tree, Sum) and all(isinstance(t, Item | File | Mean | Mix | Random) for t in tree.terms):
        parts = [show(t) for t in tree.terms]
        mixed = f"mix({', '.join(parts)})"
        return f"0.5*{parts[0]} + 0.5*{parts[1]} or {mixed}" if len(parts) == 2 else mixed
    return "for example 0.5*@1 + 0.5*@2 or mix(@1, @2)"


def edit(formula: str | Node, names: Names) -> Tensor:
    """The vector (d,) of a formula that is a change, such as ``+1.5*smile - glasses`` or ``mean(label=Boot) - mean(label=Shoe)``.

    Raises:
        LiminalError: as `evaluate` and `parse`, or the weights of its places do not add up to 0.
    """
    tree = parse(formula) if isinstance(formula, str) else formula
    vector, weight = evaluate(tree, names)
    if abs(weight) > 1e-6:
        why = "it is a place" if abs(weight - 1) < 1e-6 else f"the weights of its items add up to {weight:g}"
        raise LiminalError(f"formula {show(tree)!r}: wanted a change, but {why}; write for example smile, or @1 - @2")
    return vector


def items(tree: Node) -> Sequence[int]:
    """The ids of the items that a tree names, in order."""
    if isinstance(tree, Item):
        return [tree.id]
    inner: tuple[Node, ...] = ()
    if isinstance(tree, Mix):
        inner = tree.parts
    elif isinstance(tree, Sum):
        inner = tree.terms
    elif isinstance(tree, Product):
        inner = tree.factors
    elif isinstance(tree, Negative):
        inner = (tree.node,)
    return [i for node in inner for i in items(node)]
