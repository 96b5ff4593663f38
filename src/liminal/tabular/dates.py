"""Dates as people write them: which form a set of texts has, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_SAMPLE = 40  # texts that decide the form
_LIKELY = re.compile(r"\d{1,4}[-/. ]\w{1,9}[-/., ]+\d{1,4}.*|[A-Za-z]{3,9} \d\d?,? \d{4}.*")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_FORMS = {
    "%Y/%m/%d": "",
    "%Y.%m.%d": "",
    "%m/%d/%Y": "month/day/year",
    "%d/%m/%Y": "day/month/year",
    "%d.%m.%Y": "day.month.year",
    "%d-%m-%Y": "day-month-year",
    "%m-%d-%Y": "month-day-year",
    "%d %b %Y": "",
    "%d-%b-%Y": "",
    "%b %d, %Y": "",
    "%b %d %Y": "",
    "%d %B %Y": "",
    "%B %d, %Y": "",
    "%m/%d/%y": "month/day/year",
    "%d/%m/%y": "day/month/year",
    "%d.%m.%y": "day.month.year",
    "%d-%b-%y": "",
}


_Reader = tuple[Callable[[str], datetime | None], str]


class Dates(NamedTuple):
    """A date (UTC, without zone) for each text, None where it is none, and a clause on how they were read."""

    values: list[datetime | None]
    said: str


def dates(texts: Sequence[str]) -> Dates | None:
    """The texts as dates in the form that most of them have; None where hardly one looks like a date.

    ISO 8601 comes first. A text that has another form is read by it where that leaves no doubt: in ISO 8601,
    or with the name of a month. Where day and month could change places and no text decides, 1/2/2020 is read
    as in January, and 1.2.2020 and 1-2-2020 as in February; `said` tells.
    """
    some = [text for text in texts[:_SAMPLE] if _LIKELY.fullmatch(text)]
    if 2 * len(some) < len(texts[:_SAMPLE]):
        return None
    readers: list[_Reader] = [
        (_iso, ""),
        *((_form(f + t), said) for f, said in _FORMS.items() for t in _TIMES),
    ]
    most = max(_count(reader, some) for reader in readers)
    if not most:
        return None
    read, said = max((r for r in readers if _count(r, some) == most), key=lambda one: _count(one, texts))
    plain = [other for other, doubt in readers if not doubt]
    values = [read(text) for text in texts]
    for i, text in enumerate(texts):
        if values[i] is None and _LIKELY.fullmatch(text):
            values[i] = next((found for other in plain if (found := other(text))), None)
    others = sum(value is not None and read(text) is None for value, text in zip(values, texts, strict=True))
    told = [f"read as {said}"] if said else []
    told += [f"{others:,} different ones in other forms"] if others else []
    return Dates(values, f" ({', '.join(told)})" if told else "")


def _count(reader: _Reader, texts: Sequence[str]) -> int:
    return sum(reader[0](text) is not None for text in texts)


def _iso(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d", text):
        return None
    parts = re.sub(r"^(\d{4})-(\d\d?)-(\d\d?)", lambda m: f"{m[1]}-{m[2]:0>2}-{m[3]:0>2}", text)
    try:
        found = datetime.fromisoformat(parts)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _form(form: str) -> Callable[[str], datetime | None]:
    def read(text: str) -> datetime | None:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            return None

    return read
