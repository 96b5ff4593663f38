"""Columns given a type: numbers, yes/no, dates and words, with a line on what each column became.

A column of text is a number, a date or yes/no where its cells are, even if a few are not: an empty mark
(``-``, ``?``, ``NA``, ``#N/A``) or up to a fifth of odd words count as unknown. What a number cannot hold
stays text: zip codes with leading zeros, and whole numbers of more digits than a float64 has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import LiminalError
from .dates import dates

CATEGORIES = ("label", "class")  # columns that hold words, even if those are digits
SEPARATOR = b"separator"  # in a table's metadata: it was read from text, with its columns set apart by this
ODD = 0.2  # of a column's cells may be no number and count as unknown
HUGE = 1e30  # stands for "unknown" in tables of many programs: the lowest float, the highest double
KEY_ROWS = 10  # from so many rows on, words that never come again tell rows apart and nothing else
WORDY = 2  # spaces in a cell, on average, from which words are sentences
_EXACT = 2**53
YES, NO = frozenset({"true", "yes", "t", "y", "on", "1"}), frozenset({"false", "no", "f", "n", "off", "0"})
_CLEAR = ("true", "yes", "false", "no")
_ERRORS = ("#n/a", "#na", "#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!")
_MARKS = frozenset(
    {"-", "--", "---", "–", "—", "?", "??", ".", "..", "...", "n/a", "na", "nan", "<na>", "nat"}
)
EMPTY = _MARKS | {*_ERRORS, "null", "none", "nil", "unknown", "unk", "missing", "n.a.", "not available"}
_NO_WORDS = frozenset(
    {"NA", "N/A", "n/a", "#N/A", "NaN", "nan", "<NA>", "NaT", "NULL", "null", "?", "-", "--"}
)
_CELL = re.compile(r"([+-]?)([$€£¥]?)\s*([\d.,'’\s]*\d[\d.,'’\s]*(?:[eE][+-]?\d+)?)\s*([%‰$€£¥]?)")
_POINT = re.compile(r"(?:\d+|[1-9]\d{0,2}(?:[,'’\s]\d{3})+)?(?:\.\d*)?(?:[eE][+-]?\d+)?")
_COMMA = re.compile(r"(?:\d+|[1-9]\d{0,2}(?:[.'’\s]\d{3})+)?(?:,\d*)?(?:[eE][+-]?\d+)?")
_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_INFINITE = frozenset(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity"))


class Column(NamedTuple):
    """A column and what it became; None where it is left out."""

    values: pa.Array | None
    said: str


def typed(table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """The columns as float64 (numbers), bool (yes/no), timestamp (dates, UTC) or string (categories).

    Args:
        table: any columns. Strings may be numbers where `tables.read_table` read them from text. Whole
            numbers that Hugging Face's metadata name are replaced by the names.

    Returns:
        The columns that have a type, and one line for each column of `table`, in order: what it became, how
        many cells count as unknown, or why it is left out. Left out are columns of another kind, those with
        nothing in them, and keys: words, or whole numbers called id, that are different in every row of ten
        or more.

    Raises:
        LiminalError: a number is infinite.
    """
    separator = (table.schema.metadata or {}).get(SEPARATOR, b"").decode()
    class_names = _class_names(table.schema)
    columns = {
        name: _column(name, table[name].combine_chunks(), separator, class_names.get(name))
        for name in table.column_names
    }
    columns = _flags(columns)
    kept = {name: column.values for name, column in columns.items() if column.values is not None}
    return pa.table(kept), tuple(f"{name}: {column.said}" for name, column in columns.items())


def _column(name: str, column: pa.Array, separator: str, class_names: list[str] | None) -> Column:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if column.null_count == len(column):
        return Column(None, "left out, nothing is in it")
    if pa.types.is_boolean(kind):
        return Column(column, "yes/no")
    if pa.types.is_integer(kind) and class_names:
        known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(class_names)))
        return _words(name, pa.array(class_names, pa.string()).take(pc.if_else(known, column, None)))
    if pa.types.is_integer(kind):
        if name.lower() in CATEGORIES:
            return _words(name, column.cast(pa.string()))
        if pc.any(pc.greater(pc.abs(column.cast(pa.float64(), safe=False)), _EXACT)).as_py():
            return _words(
                name, column.cast(pa.string()), "numbers with more digits than a number here has stay text"
            )
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number(name, column.cast(pa.float64(), safe=False))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Column(column.cast(pa.timestamp("us"), safe=False), "date")
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        fine = pa.duration("us") if pa.types.is_duration(kind) else pa.time64("us")
        micros = column.cast(fine, safe=False).cast(pa.int64()).cast(pa.float64(), safe=False)
        return _number(name, pc.divide(micros, 1e6), "in seconds")
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        return Column(None, f"left out, its cells are of type {kind}")
    words = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return _text(name, pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words), separator)


class Cells:
    """The different texts of a column, how often each stands there, and columns made of what they mean."""

    def __init__(self, words: pa.Array) -> None:
        coded = words.dictionary_encode()
        self.texts: list[str] = coded.dictionary.to_pylist()
        self.at = coded.indices
        self.counts = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(self.texts))
        self.low = [text.lower() for text in self.texts]
        self.known = int(self.counts.sum())

    def count(self, chosen: Sequence[bool] | np.ndarray) -> int:
        """How many cells hold one of the chosen texts."""
        return int(self.counts[np.asarray(chosen, bool)].sum())

    def column(self, values: pa.Array) -> pa.Array:
        """A column with a value in the place of each text."""
        return values.take(self.at)

    def unknown(self, chosen: Sequence[bool] | np.ndarray, what: str = "") -> str:
        """A clause on cells that count as unknown, or nothing where there is none."""
        count = self.count(chosen)
        if not count:
            return ""
        shown = [repr(text) for text, one in zip(self.texts, chosen, strict=True) if one]
        named = f"({', '.join(shown[:3])}{', ...' if len(shown) > 3 else ''})"
        verb = "is" if count == 1 else "are"
        cells = f", {count:,} of {self.known:,} cells "
        return (
            cells + f"{f'{verb} {what} {named} and' if what else named} count{'s' * (count == 1)} as unknown"
        )


def _text(name: str, words: pa.Array, separator: str) -> Column:
    """A column of text, none of it blank: the first of yes/no, dates, numbers and words that it is."""
    cells = Cells(words)
    if not cells.known:
        return Column(None, "left out, nothing is in it")
    why = ""
    if name.lower() not in CATEGORIES:
        for read in (_yes_or_no, _dates, _numbers):
            found = read(name, cells, separator)
            if isinstance(found, Column):
                return found
            why = found or why
    empty = [separator != "" and text in _NO_WORDS for text in cells.texts]
    if "+" in cells.texts:  # beside a plus, a minus is a value
        empty = [one and text != "-" for one, text in zip(empty, cells.texts, strict=True)]
    if all(empty):
        return Column(None, "left out, nothing is in it")
    left = pa.array(
        [None if one else text for one, text in zip(empty, cells.texts, strict=True)], pa.string()
    )
    return _words(name, cells.column(left), why, cells.unknown(empty))


def _words(name: str, column: pa.Array, why: str = "", unknown: str = "") -> Column:
    """A category; words that are different in every row are a key."""
    known = pc.count_distinct(column).as_py()
    if known == len(column) >= KEY_ROWS and not column.null_count and name.lower() not in CATEGORIES:
        wordy = pc.mean(pc.count_substring(column, " ")).as_py() >= WORDY
        hint = "; of sentences, --modality text makes a space" * wordy
        return Column(
            None, f"left out, a key: each of its {known:,} cells is another{f' ({why})' * bool(why)}{hint}"
        )
    return Column(
        column, f"category of {known:,} value{'s' * (known != 1)}{f' ({why})' * bool(why)}{unknown}"
    )


def _yes_or_no(name: str, cells: Cells, separator: str) -> Column | None:
    """Yes/no, if a cell is a clear word of it or both of two letters are there."""
    empty = [bool(separator) and low in EMPTY for low in cells.low]
    said = {low for low, one in zip(cells.low, empty, strict=True) if not one}
    clear = not said.isdisjoint(_CLEAR) or {"t", "f"} <= said or {"y", "n"} <= said or {"on", "off"} <= said
    if not clear or not said <= YES | NO:
        return None
    values = pa.array(
        [None if one else low in YES for low, one in zip(cells.low, empty, strict=True)], pa.bool_()
    )
    return Column(cells.column(values), "yes/no" + cells.unknown(empty))


def _dates(name: str, cells: Cells, separator: str) -> Column | None:
    found = dates(cells.texts)
    if found is None:
        return None
    odd = np.array([value is None for value in found.values])
    if cells.count(odd) > ODD * cells.known and not _only(odd, [low in EMPTY for low in cells.low]):
        return None
    values = pa.array(found.values, pa.timestamp("us"))
    return Column(cells.column(values), f"date{found.said}{cells.unknown(odd, 'no date')}")


def _only(odd: np.ndarray, empty: Sequence[bool]) -> bool:
    """Whether all that is odd only says that something is unknown."""
    return bool((~odd | np.asarray(empty)).all())


def _numbers(name: str, cells: Cells, separator: str) -> Column | str:
    """Numbers, or why they are none."""
    if not separator:
        return ""
    values, form = _values(cells, separator)
    odd = np.isnan(values)
    empty = [low in EMPTY for low in cells.low]
    count, only = cells.count(odd), _only(odd, empty)
    if odd.all() or (not only and 2 * count > cells.known):
        return ""
    if not only and cells.count(odd & ~np.asarray(empty)) > ODD * cells.known:
        return f"no numbers: {count:,} of {cells.known:,} cells are none"
    whole = [text for text, one in zip(cells.texts, odd, strict=True) if not one]
    if any(re.fullmatch(r"0\d+", text) for text in whole):
        return "numbers with leading zeros stay text"
    if any(re.fullmatch(r"[+-]?\d{16,}", text) and _EXACT < abs(int(text)) < HUGE for text in whole):
        return "numbers with more digits than a number here has stay text"
    column = cells.column(pa.array(values, mask=odd))
    return _number(name, column, form, cells.unknown(odd, "no number" if count == 1 else "no numbers"))


def _values(cells: Cells, separator: str) -> tuple[np.ndarray, str]:
    """What each text is as a number, NaN where it is none, and how they are written."""
    texts = pa.array(cells.texts, pa.string())
    if pc.all(pc.match_substring_regex(texts, _PLAIN)).as_py():
        return texts.cast(pa.float64()).to_numpy(), ""
    found = [_CELL.fullmatch(text.replace("−", "-")) for text in cells.texts]
    marks = [None if m is None else m[2] + m[4] for m in found]
    totals = {mark: cells.count([m == mark for m in marks]) for mark in marks if mark is not None}
    mark = max(totals, key=lambda one: totals[one], default="")
    parts = [None if m is None or m[2] + m[4] != mark else m for m in found]
    by_point = [m is not None and bool(_POINT.fullmatch(m[3].strip())) for m in parts]
    by_comma = [m is not None and bool(_COMMA.fullmatch(m[3].strip())) for m in parts]
    point, comma = cells.count(by_point), cells.count(by_comma)
    commas = any("," in m[3] for m in parts if m)
    abroad = separator == ";"  # commas cannot set columns apart there
    decimal = "," if (comma > point and (commas or abroad)) or (comma == point and commas and abroad) else "."
    values = np.full(len(texts), np.nan)
    for i, (m, fits) in enumerate(zip(parts, by_comma if decimal == "," else by_point, strict=True)):
        if m is not None and fits:
            digits = re.sub(r"[.'’\s]" if decimal == "," else r"[,'’\s]", "", m[3]).replace(",", ".")
            values[i] = float(m[1] + digits)
        elif cells.low[i] in _INFINITE:
            values[i] = float(cells.texts[i])
    said = ["commas between thousands"] if commas else []
    if decimal == ",":
        said = ["decimal comma" if commas else "points between thousands"]
    said += [f"{mark} is taken away: 20% is 20" if mark == "%" else f"{mark} is taken away"] if mark else []
    return values, "; ".join(said)


def _number(name: str, column: pa.Array, form: str = "", unknown: str = "") -> Column:
    """Numbers; those of 0 and 1 only are yes/no, and what is huge beyond measure is unknown."""
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    if pc.any(pc.is_inf(column)).as_py():
        row = pc.index(pc.fill_null(pc.is_inf(column), False), True).as_py()
        raise LiminalError(
            f"attribute {name}: row {row + 1} is infinite; wanted finite numbers, "
            "or an empty cell where unknown"
        )
    huge = pc.greater(pc.abs(column), HUGE)
    if pc.any(huge).as_py():
        example = column.filter(huge)[0].as_py()
        count = pc.sum(huge).as_py()
        unknown += (
            f", {count:,} cell{'s' * (count > 1)} beyond {HUGE:.0e} ({example:.4g}) "
            f"count{'s' * (count == 1)} as unknown"
        )
        column = pc.if_else(huge, pa.scalar(None, pa.float64()), column)
    if column.null_count == len(column):
        return Column(None, f"left out, nothing is in it{unknown}")
    unknown += _nines(column)
    low = name.lower()
    if (
        (low in ("id", "index", "idx") or low.endswith("_id"))
        and len(column) >= KEY_ROWS
        and not column.null_count
        and pc.count_distinct(column).as_py() == len(column)
    ):
        return Column(None, f"left out, a key: each of its {len(column):,} cells is another")
    return Column(column, f"number{f' ({form})' * bool(form)}{unknown}")


def _nines(column: pa.Array) -> str:
    """A clause on a least or greatest number such as -999 or 9999 that lies far from all others: it is kept,
    though it may stand for "unknown".
    """
    values = np.unique(column.drop_null().to_numpy())
    for odd, others in ((values[0], values[1:]), (values[-1], values[:-1])):
        if not len(others) or not re.fullmatch(r"-?99+\.0", str(odd)):
            continue
        if np.abs(others - odd).min() > max(others[-1] - others[0], 1.0):
            count = pc.sum(pc.equal(column, odd)).as_py()
            cells = f"{count:,} cell{'s are' if count > 1 else ' is'} {odd:g}, far from all others"
            return f"; {cells}: leave {'them' if count > 1 else 'it'} empty if it means unknown"
    return ""


def _flags(columns: dict[str, Column]) -> dict[str, Column]:
    """Numbers of 0 and 1 only as yes/no; and of -1 and 1, where all of the table's are such, as in CelebA."""
    numbers = [
        c.values for c in columns.values() if c.values is not None and pa.types.is_floating(c.values.type)
    ]
    signs, bits = pa.array([-1.0, 1.0]), pa.array([0.0, 1.0])
    within: Callable[[pa.Array, pa.Array], bool] = lambda v, of: pc.all(pc.is_in(v.drop_null(), of)).as_py()
    signed = (
        bool(numbers) and all(within(v, signs) for v in numbers) and not all(within(v, bits) for v in numbers)
    )
    flags = {}
    for name, (values, said) in columns.items():
        if values is None or not pa.types.is_floating(values.type) or not (signed or within(values, bits)):
            flags[name] = Column(values, said)
        else:
            form = " (-1 is no, 1 is yes)" if signed else ""
            flags[name] = Column(pc.equal(values, 1.0), "yes/no" + form + said.removeprefix("number"))
    return flags


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of whole-number classes, from the metadata that the Hugging Face libraries write."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: list(told["names"])
            for column, told in features.items()
            if isinstance(told, dict) and told.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError):
        return {}
