"""How long a person waits: a cold process that imports Liminal, answers ``--help``, or does one thing with a
ready-made space.

The commands take turns with ``import torch``, without which no model runs; what a first run keeps is kept, as
it is for a person. Wall time is for an idle machine; CPU-seconds and their ratio to those of ``import torch``
hold on a busy one too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from liminal import registry
from liminal.errors import LiminalError

from . import figures
from .figures import OUT, Figure, Record

BARE = "bare python"
TORCH = "import torch"
ALONG = ("linear", "slerp", "mix", "smooth", "geodesic")


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("startup", __doc__ or "")
    options.add_argument(
        "--rounds", type=int, default=7, help="the commands take turns; the fastest of each counts"
    )
    options.add_argument("--command-rounds", type=int, default=3, help="of the commands, which take seconds")
    options.add_argument("--space", default="fashion", help="that the commands work on")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record = Record("startup", args, given)
    python, liminal = sys.executable, [sys.executable, "-m", "liminal"]
    commands = {
        BARE: [python, "-c", "pass"],
        "import": [python, "-c", "import liminal"],
        "help": [*liminal, "--help"],
    }
    least = {name: cost.wall for name, cost in fastest(commands, given.rounds).items()}
    loaded = run([python, "-c", "import liminal, sys; print('torch' in sys.modules)"])[1].strip() == "True"
    note = "and loads torch" if loaded else "and loads no torch"
    over = {BARE: least[BARE]}
    record.add(
        Figure(
            "import liminal, over bare python",
            least["import"] - least[BARE],
            "s",
            0.15,
            "lower",
            over,
            note=note,
        )
    )
    record.add(Figure("import liminal / bare python", least["import"] / least[BARE], "×"))
    record.add(Figure("liminal --help", least["help"], "s", 0.5, "lower", over))
    record.add(Figure("liminal --help / bare python", least["help"] / least[BARE], "×"))
    try:
        registry.space_folder(given.space)
    except LiminalError as error:
        record.add(Figure(f"commands on {given.space}", None, "s", note=str(error)))
    else:
        for figure in waiting(given.space, given.command_rounds):
            record.add(figure)
    record.finish()


def waiting(space: str, rounds: int) -> Iterator[Figure]:
    """Wall time of each command on a space, with its CPU-seconds, beside `import torch` in the same
    rounds.
    """
    commands: dict[str, tuple[float, str]] = {
        "info": (1.5, "info"),
        "neighbors": (1.5, "neighbors @12"),
        "sample": (3.0, "sample -n 64 -o startup.png"),
        "reconstruct": (3.5, "reconstruct @12 -o startup.png"),
        "edit": (3.5, "edit @12 +1*label=Bag -o startup.png"),
        "transfer": (3.5, "transfer --content @12 --style @40 -o startup.png"),
        **{f"morph, {way}": (5.0, f"morph @12 @40 --along {way} -o startup.gif") for way in ALONG},
        "map, kept": (2.0, "map -o startup.png"),
        "measure": (60.0, "measure -q"),
    }
    lines = {TORCH: [sys.executable, "-c", "import torch"]}
    for name, (_, line) in commands.items():
        verb, *rest = line.split()
        files = [str(OUT / word) if word.startswith("startup.") else word for word in rest]
        force = ["--force", "-q"] if "-o" in rest else []
        lines[name] = [sys.executable, "-m", "liminal", verb, space, *files, *force]
    found = fastest(lines, rounds)
    for name, (bar, line) in commands.items():
        cost, torch = found[name], found[TORCH]
        note = f"{cost.cpu:.2f} CPU-s, {cost.cpu / torch.cpu:.2f} of import torch's"
        over = {TORCH: torch.wall}
        yield Figure(f"{name}: {line.split(' -o')[0]}", cost.wall, "s", bar, "lower", over, note=note)


class Cost(NamedTuple):
    """Seconds of a process: `wall` of the clock, and `cpu` of all its threads and children."""

    wall: float
    cpu: float


def fastest(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Cost]:
    """The least cost of each command, the commands taking turns; one round before does not count (it fills
    caches).
    """
    least: dict[str, Cost] = {}
    for turn in range(rounds + 1):
        for name, argv in commands.items():
            cost = run(argv)[0]
            if turn:
                least[name] = Cost(*map(min, cost, least.get(name, cost)))
    return least


def run(argv: Sequence[str]) -> tuple[Cost, str]:
    """What a command cost, and what it printed; byte code is kept, as it is for who installed Liminal.

    Raises:
        LiminalError: it failed.
    """
    begun, before = time.perf_counter(), _used()
    installed = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(argv, capture_output=True, text=True, env=installed)
    cost = Cost(time.perf_counter() - begun, _used() - before)
    if done.returncode:
        raise LiminalError(
            f"{' '.join(argv[1:4])} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
        )
    return cost, done.stdout


def _used() -> float:
    """CPU-seconds of all children that have ended."""
    times = os.times()
    return times.children_user + times.children_system
