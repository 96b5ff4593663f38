"""Write what the benches measured (``bench/out/*.json``) into the tables of ``docs/benchmarks.md``; no number
there is typed by hand.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from liminal.errors import LiminalError
from liminal.files import atomic_bytes

from . import figures
from .figures import OUT, ROOT, Figure

PAGE = ROOT / "docs" / "benchmarks.md"


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
    """Fill the page; a bench without a result keeps what the page says.

    Raises:
        LiminalError: the page has no place for a result.
    """
    given = arguments().parse_args(args)
    results = {path.stem: json.loads(path.read_text()) for path in sorted(given.results.glob("*.json"))}
    page = filled(given.page.read_text(), results)
    atomic_bytes(given.page, page.encode())
    print(f"{given.page.name}: {', '.join(results) or 'no results yet'}")


def filled(page: str, results: Mapping[str, dict[str, Any]]) -> str:
    """The page with the text between the marks of each bench that has a result replaced."""
    for name, record in results.items():
        marks = re.compile(rf"(<!-- bench {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = marks.subn(lambda m, record=record: m[1] + "\n".join(lines(record)) + "\n" + m[2], page)  # type: ignore[misc]
        if count != 1:
            raise LiminalError(
                f"bench table: the page has {count} places for {name}; wanted one, <!-- bench {name} --> to "
                "<!-- end -->"
            )
    return page


def lines(record: Mapping[str, Any]) -> list[str]:
    """The result of a bench as Markdown: its command, one row a figure with its verdict, remarks."""
    machine = record["machine"]
    found = ["```text", f"$ {without_places(record['command'])}", "```", ""]
    found += ["| figure | value | bar | | beside it |", "|---|---|---|---|---|"]
    for row in record["figures"]:
        figure = Figure(**{k: v for k, v in row.items() if k != "met"})
        cells = [cell.replace("|", "\\|") for cell in figure.cells()]
        if figure.met is False:
            cells[1], cells[3] = f"**{cells[1]}**", "**missed**"
        found.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    missed = sum(row["met"] is False for row in record["figures"])
    barred = sum(row["met"] is not None for row in record["figures"])
    found += ["", *(f"- {without_places(note)}" for note in record["notes"])]
    took = f"{record['seconds']:,.0f} s, {record['cpu_seconds']:,.0f} CPU-seconds"
    versions = (
        f"Python {machine['python']}, torch {machine['torch'].partition('+')[0]}, liminal "
        f"{machine['liminal']}"
    )
    about = f"{machine['cores']} cores, {machine['system']}, {versions}"
    verdict = f"{barred - missed} of {barred} bars met" if barred else "no bars"
    return [*found, f"- {record['date']}: {verdict}; {took} in all; {about}."]


def without_places(words: str) -> str:
    """The text with absolute paths cut to their last part: where things lie on one machine is nobody else's
    business.
    """
    return re.sub(r"(?<![\w.])(?:/[\w.+-]+)+/([\w.+-]+)", r"\1", words)
