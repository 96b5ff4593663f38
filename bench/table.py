"""Write what the benches measured (``bench/out/*.json``) into the tables of ``docs/benchmarks.md``, those of
many rows into files beside it, ``docs/benchmarks/NAME.md``; no number there is typed by hand.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from liminal.errors import LiminalError
from liminal.files import atomic_bytes

from . import figures
from .figures import OUT, ROOT, Figure

PAGE = ROOT / "docs" / "benchmarks.md"
MOST = 40  # rows of a table on the page


def arguments() -> ArgumentParser:
    """The options."""
    options = figures.parser("table", __doc__ or "")
    options.add_argument(
        "--page",
        type=Path,
        default=PAGE,
        help="with a pair of marks <!-- bench NAME --> and <!-- end --> for each bench",
    )
    options.add_argument("--results", type=Path, default=OUT, help="folder of the results")
    return options


def main(args: Sequence[str]) -> None:
    """Fill the page and the files beside it; a bench without a result keeps what they say.

    Raises:
        LiminalError: the page has no place for a result.
    """
    given = arguments().parse_args(args)
    results = {path.stem: json.loads(path.read_text()) for path in sorted(given.results.glob("*.json"))}
    page = filled(given.page.read_text(), results, given.page.stem)
    for name, record in results.items():
        if len(record["figures"]) > MOST:
            beside = given.page.with_suffix("") / f"{name}.md"
            beside.parent.mkdir(exist_ok=True)
            atomic_bytes(beside, "\n".join([f"# {name}", "", *lines(record), ""]).encode())
    atomic_bytes(given.page, page.encode())
    print(f"{given.page.name}: {', '.join(results) or 'no results yet'}")


def filled(page: str, results: Mapping[str, dict[str, Any]], beside: str = PAGE.stem) -> str:
    """The page with the text between the marks of each bench that has a result replaced; large
    tables lie in the folder `beside`.
    """
    for name, record in results.items():
        marks = re.compile(rf"(<!-- bench {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        told = "\n".join(
            folded(f"{beside}/{name}.md", record) if len(record["figures"]) > MOST else lines(record)
        )
        page, count = marks.subn(lambda m, told=told: f"{m[1]}{told}\n{m[2]}", page)  # type: ignore[misc]
        if count != 1:
            raise LiminalError(
                f"bench table: the page has {count} places for {name}; wanted one, <!-- bench {name} --> to "
                "<!-- end -->"
            )
    return page


def folded(where: str, record: Mapping[str, Any]) -> list[str]:
    """The result of a bench with many figures: its command, the figures that missed their bars, and one line
    that leads to all, which lie `where`.
    """
    missed = [row for row in record["figures"] if row["met"] is False]
    every = f"[all {len(record['figures'])} figures]({where})"
    found = [*asked(record), *([*rows(missed), ""] if missed else [])]
    return [*found, *point(f"{verdict(record).removesuffix('.')}; {every}.")]


def lines(record: Mapping[str, Any]) -> list[str]:
    """The result of a bench as Markdown: its command, one row a figure with its verdict, remarks."""
    notes = [*map(without_places, record["notes"]), verdict(record)]
    return [*asked(record), *rows(record["figures"]), "", *(line for note in notes for line in point(note))]


def point(words: str) -> list[str]:
    """A point of a list, in lines as long as those of the documentation."""
    return wrap(f"- {words}", 110, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def asked(record: Mapping[str, Any]) -> list[str]:
    """The command of a bench."""
    return ["```text", f"$ {without_places(record['command'])}", "```", ""]


def rows(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of figures."""
    found = ["| figure | value | bar | | beside it |", "|---|---|---|---|---|"]
    for row in told:
        figure = Figure(**{k: v for k, v in row.items() if k != "met"})
        cells = [cell.replace("|", "\\|") for cell in figure.cells()]
        if figure.met is False:
            cells[1], cells[3] = f"**{cells[1]}**", "**missed**"
        found.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return found


def verdict(record: Mapping[str, Any]) -> str:
    """When it was measured, how many bars were met, how long it took and on what machine."""
    machine = record["machine"]
    missed = sum(row["met"] is False for row in record["figures"])
    barred = sum(row["met"] is not None for row in record["figures"])
    took = f"{record['seconds']:,.0f} s, {record['cpu_seconds']:,.0f} CPU-seconds"
    versions = (
        f"Python {machine['python']}, torch {machine['torch'].partition('+')[0]}, liminal "
        f"{machine['liminal']}"
    )
    about = f"{machine['cores']} cores, {machine['system']}, {versions}"
    bars = f"{barred - missed} of {barred} bars met" if barred else "no bars"
    return f"{record['date']}: {bars}; {took} in all; {about}."


def without_places(words: str) -> str:
    """The text with absolute paths cut to their last part: where things lie on one machine is nobody else's
    business.
    """
    return re.sub(r"(?<![\w.])(?:/[\w.+-]+)+/([\w.+-]+)", r"\1", words)
