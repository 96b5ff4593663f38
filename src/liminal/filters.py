"""Filters of the catalogue, as people write them: SQL conditions over columns, and what is wrong with one in
plain words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import LiminalError, unknown

_SQL = {
    "and",
    "or",
    "not",
    "in",
    "is",
    "null",
    "true",
    "false",
    "like",
    "ilike",
    "between",
    "as",
    "cast",
    "escape",
}
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<text>'(?:[^']|'')*') | (?P<quoted>"[^"]*"|`[^`]*`) | (?P<word>\w*[^\W\d]\w*)
      | (?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?) | (?P<sign>::|[-+*/%<>=!|(),])""",
    re.X,
)
_NUMBER = re.compile(r"\s*(?:\d+\.?\d*(?:[eE][+-]?\d+)?)")
_NUMBERED = re.compile(r"(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)")
_EQUAL = {"=", "!=", "<>", "in (", ","}
_TEXT_AFTER = _EQUAL | {"<", ">", "<=", ">=", "like", "ilike"}
_FLAGS = {"yes": "true", "no": "false"}
_EXAMPLE = "wanted a condition such as label = 'Bag' and smile > 0.5"
_QUOTES = "Text goes in 'single quotes', a name with spaces in \"double quotes\"."


def resolve(where: str, kinds: Mapping[str, str]) -> str:
    """The filter with every column's name as the table spells it, and every value as its column has it.

    A double-quoted thing is a column's name, or text where only text makes sense (``label = "Bag"``). A
    number that is said to equal a category is text (``label = 3``); yes and no are true and false beside a
    yes/no.

    Args:
        where: a condition; a leading ``where`` is dropped.
        kinds: of the columns that it may use, by name: ``number``, ``bool`` or ``category``.

    Returns:
        The condition for Lance, which still may refuse it.

    Raises:
        LiminalError: it names an unknown column, or holds something that no condition holds.
    """
    text = re.sub(r"^\s*where\b", "", where, flags=re.IGNORECASE)
    if not text.strip():
        raise LiminalError(f"where {where!r}: {_EXAMPLE}")
    out, before, at, depth = "", "", 0, 0  # before: the last token that is not space
    subject = ""  # what the column is that values are compared with
    while at < len(text):
        found = _token(text, at, kinds)
        if found is None:
            what = "a quote that is not closed" if text[at] in "'\"`" else repr(text[at])
            raise LiminalError(f"where {where!r}: {what} cannot be read; {_EXAMPLE}")
        token, kind, at = found.group(), found.lastgroup, found.end()
        low, value = token.lower(), before in _EQUAL
        function = text[at:].lstrip().startswith("(")
        if value and token == "-" and subject == "category" and (number := _NUMBER.match(text, at)):
            token, at = f"'-{number[0].strip()}'", number.end()
        elif value and (kind in ("number", "text") or (kind == "word" and low in _FLAGS)):
            token = _as(subject, token)
        if token == found.group() and (
            kind == "quoted"
            or (kind == "word" and low not in _SQL and not function and before not in ("as", "::"))
        ):
            name = token[1:-1] if kind == "quoted" else token
            known = _column(name, kinds)
            if known is not None:
                token, subject = f"`{known}`", subject if value else kinds[known]
            elif token[0] == '"' and before in _TEXT_AFTER:
                token = _as(subject, "'" + name.replace("'", "''") + "'")
            else:
                raise LiminalError(f"where {where!r}: {unknown('column', name, kinds, _QUOTES)}")
        depth += (token == "(") - (token == ")")
        if depth < 0:
            break
        out += token
        if kind != "space":
            pair = before + low if before + low in _TEXT_AFTER else ""
            before = "in (" if before == "in" and token == "(" else pair or low
    if depth:
        raise LiminalError(
            f"where {where!r}: a parenthesis is "
            f"{'not closed' if depth > 0 else 'closed that was never opened'}"
        )
    return out


def _token(text: str, at: int, kinds: Mapping[str, str]) -> re.Match[str] | None:
    """The next token; 1e5 is a number unless a column is called so."""
    found = _TOKEN.match(text, at)
    if found and found.lastgroup == "word" and found[0][0].isdigit() and _column(found[0], kinds) is None:
        return _NUMBERED.match(text, at)
    return found


def _column(name: str, kinds: Mapping[str, str]) -> str | None:
    """A column's name as the table spells it."""
    return name if name in kinds else next((n for n in kinds if n.lower() == name.lower()), None)


def _as(kind: str, value: str) -> str:
    """A number or a text as a column of this kind holds it."""
    if kind == "category" and value[0] != "'":
        return f"'{value}'"
    return _FLAGS.get(value.strip("'").lower(), value) if kind == "bool" else value


def reason(error: BaseException) -> str:
    """What Lance says, in plain words and without the places in its source."""
    text = re.sub(r",? ?/\S+\.rs:\d+:\d+", "", str(error)).strip()
    text = re.sub(
        r"^(lance error: |Invalid input, |LanceError\(\w+\): |External error: |Query Execution error: "
        r"|Arrow error: )+",
        "",
        text,
    )
    text = re.sub(r"^Error (applying filter expression to batch|during planning): (Arrow error: )?", "", text)
    if found := re.search(
        r"sql parser error: (?:Expected: (.+?), found: (.+?)|(.+?))(?: at Line.*)?\)*$", text
    ):
        wanted, came, other = found.groups()
        if not wanted:
            return other
        # the parentheses around the whole filter are ours
        wanted = "and, or, or the end" if wanted == ")" else wanted
        return f"wanted {wanted}, found {'the end' if came in ('EOF', ')') else came.replace('`', '')}"
    if "does not return a boolean" in text:
        return "this is a value and no condition; compare it with something, as in smile > 0.5"
    if found := re.search(
        r"Received literal \w+\((.*)\) and could not convert to literal of type '(\w+)'", text
    ):
        kinds = {
            "Utf8": "text in 'single quotes'",
            "Boolean": "true or false",
            "Int64": "a whole number",
            "Float64": "a number",
        }
        return f"{found[1].replace(chr(34), chr(39))} stands where {kinds.get(found[2], found[2])} is wanted"
    if found := re.search(r"Invalid function '(.*?)'\.?(?:\s*Did you mean '(.*?)')?", text):
        return f"unknown function {found[1]!r}" + (f": did you mean {found[2]}?" if found[2] else "")
    if "not supported" in text:
        return "this is more than a filter can do; compare columns with values, joined by and, or, not"
    return text.splitlines()[0] if text else type(error).__name__
