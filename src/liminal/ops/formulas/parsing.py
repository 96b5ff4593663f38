"""The language of formulas and filters: text to a tree; nothing reaches Python's own evaluation.

The grammar::

    sum    = term (("+" | "-") term)*
    term   = ("+" | "-")* factor ("*" signed)*
    factor = number | "@" id | name | name "=" value | "file path" | "(" sum ")"
           | mean(filter) | mix(sum, sum, ...) | random(seed) | dim(index) | file("path") | literal
    literal = kind("text") | kind(name=value, ...)
    filter = test (("and" | "or") test)*
    test   = label = Sandal | not smile > 0.5 | label in (Bag, Coat) | hat

A name or a value that is more than words and digits goes in quotes: names in backticks (in a filter in any
quote), values in ' or ". A name may begin with a digit if it is no number; letters of all languages and
emoji count as letters.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn

from ...errors import LiminalError, unknown
from .syntax import (
    KEYWORDS,
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
    quote_name,
    quote_text,
)

MAX_TEXT, MAX_DEPTH = 10_000, 40
FUNCTIONS = ("dim", "file", "mean", "mix", "random")
_QUOTES = "values that are more than words and digits go in quotes, names in backticks"
_COMPARE = {"=", "==", "!=", "<>", "<", "<=", ">", ">="}
# A word may begin with a digit if it is no number, and hold what is not ASCII but quotes and signs.
_BEYOND = r"[^\x00-\x7f\x80-\x9f\s“”‘’„«»−×]"
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+(?!\w))?"
    r"|[0-9]+(?:[eE][+-]?[0-9]+)?(?![\w.]))"
    r"|@(?P<item>[0-9]{1,18})(?![0-9])"
    rf"|(?P<word>\w*(?:[^\W\d]|{_BEYOND})(?:\w|{_BEYOND})*)"
    r"|'(?P<single>(?:[^']|'')*)'|\"(?P<double>(?:[^\"]|\"\")*)\"|`(?P<tick>(?:[^`]|``)+)`"
    r"|(?P<op>==|!=|<>|<=|>=|[-+*()=<>,])"
)


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
            why = (
                f"the quote {mark} is never closed"
                if self.text.find(mark, at + 1) < 0
                else "there is nothing between the quotes"
            )
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

    def expect(self, op: str, wanted: str = "") -> None:
        if op == ")" and self.next.kind == "end":
            raise LiminalError(
                f"{self._shown()}: a ) is missing at the end (character {self.next.start + 1})"
            )
        if not self.is_op(op):
            self.fail(wanted or f"'{op}'")
        self.take()

    def end(self, wanted: str) -> None:
        if self.next.kind != "end":
            self.fail(wanted)

    def down(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            at = self.next.start + 1
            raise LiminalError(
                f"{self._shown()}: nested deeper than {MAX_DEPTH} levels at character {at}; write it flatter"
            )

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
                return Named(token.text, self.setting())
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
        self.expect("(")
        if name.text not in FUNCTIONS:
            return self.typed(name)
        node: Node
        wanted = ""
        if name.text == "mean":
            node = Mean(self.filter())
            wanted = f"and, or or ')' ({_QUOTES})"
        elif name.text == "mix":
            parts = [self.sum()]
            while self.is_op(","):
                self.take()
                parts.append(self.sum())
            if len(parts) < 2:
                self.fail("',' and another item: mix takes two or more")
            node = Mix(tuple(parts))
        elif name.text in ("random", "dim"):
            if self.next.kind != "number" or not self.next.text.isdecimal() or len(self.next.text) > 18:
                self.fail(
                    f"{'a seed' if name.text == 'random' else 'the index of a dimension'}, a whole number "
                    "such as 7,"
                )
            count = int(self.take().text)
            node = Random(count) if name.text == "random" else Dimension(count)
        else:
            if self.next.kind != "string" or not self.next.text:
                self.fail("the name of a file in quotes")
            node = File(self.take().text)
        self.expect(")", wanted)
        return node

    def typed(self, kind: _Token) -> Literal:
        """An item that is typed: which kinds of data know it is not known here."""
        if self.next.kind == "string" and self.tokens[self.at + 1].text == ")":
            text = self.take().text
            self.take()
            return Literal(kind.text, text)
        given: list[tuple[str, str]] = []
        while self.next.kind in ("word", "tick", "string"):
            name = self.take().text
            if name in dict(given):
                self.fail(f"{name} once in {kind.text}(...)", self.tokens[self.at - 1])
            self.expect("=", f"'=' and a value, as in {kind.text}(age=40),")
            given.append((name, self.setting()))
            if not self.is_op(","):
                break
            self.take()
        if not self.is_op(")") and not given:
            among = unknown("function", kind.text, FUNCTIONS)
            raise LiminalError(f"{self._shown()}: at character {kind.start + 1}, {among}")
        self.expect(")", f"',' or ')' ({_QUOTES})")
        return Literal(kind.text, tuple(given))

    def setting(self) -> str:
        """What follows ``name =`` in a formula: a value, or a number with a sign."""
        minus = self.is_op("-") and bool(self.take())
        token = self.next
        kind, text = self.value(frozenset())
        if minus and kind != "number":
            self.fail("a number after '-'", token)
        return f"-{text}" if minus else text

    def value(self, stop: frozenset[str]) -> tuple[str, str]:
        """What follows a comparison: its kind (string, number, word) and its text; words and digits side by
        side are one text.
        """
        first = self.next
        if first.kind == "string":
            return "string", self.take().text
        run: list[_Token] = []
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
        if self.next.kind in ("tick", "string") or (self.next.kind == "word" and not self.is_word(*KEYWORDS)):
            return quote_name(self.take().text)
        self.fail("the name of an attribute")

    def literal(self) -> str:
        if self.next.kind == "tick":
            return quote_name(self.take().text)
        minus = self.is_op("-") and bool(self.take())
        token = self.next
        if not minus and self.is_word("true", "false", "null"):
            return self.take().text.lower()
        if self.is_word(*KEYWORDS):
            self.fail("a value (in quotes if it is a word of the language)")
        kind, text = self.value(frozenset(KEYWORDS))
        if kind == "number":
            number = self.number(token)
            plain = re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text)  # a version 1.10 stays so
            return ("-" if minus else "") + (text if plain else repr(number))
        if minus:
            self.fail("a number after '-'", token)
        return quote_text(text)


def parse(text: str) -> Node:
    """A formula's text as a tree.

    Raises:
        LiminalError: the text is no formula; the message says what was wanted at which character.
    """
    parser = _Parser(text, "formula")
    tree = parser.sum()
    two = parser.next.kind == "word" and parser.tokens[parser.at - 1].kind == "word"
    parser.end("+, -, * or the end" + " (a name of several words goes in backticks)" * two)
    return tree


def where(text: str) -> str:
    """A filter as people write it, normalised to SQL: ``label=Ankle boot and hat`` gives ``label = 'Ankle
    boot' and hat = true``.

    Bare words after a comparison become texts (a column there goes in backticks). `where` of its own result
    is that result.

    Raises:
        LiminalError: the text is no filter; the message says what was wanted at which character.
    """
    parser = _Parser(text, "filter")
    sql = parser.filter()
    parser.end(f"and, or or the end ({_QUOTES})")
    return sql


def compared(sql: str) -> list[tuple[str, str]]:
    """The attributes and texts or numbers that a filter, as `where` gives it, holds equal."""
    found = re.findall(r"(?:`((?:[^`]|``)+)`|(\w+)) = (?:'((?:[^']|'')*)'|(-?[\d.]+))", sql)
    return [
        ((quoted or name).replace("``", "`"), text.replace("''", "'") or number)
        for quoted, name, text, number in found
    ]
