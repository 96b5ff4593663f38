"""How long a cold process takes to import Liminal, to answer ``--help``, and to sample; as ratios over bare Python in the same run."""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from liminal import registry
from liminal.errors import LiminalError

from . import figures
from .figures import OUT, Figure, Record

BARE = "bare python"


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("startup", __doc__ or "")
    options.add_argument(
        "--rounds", type=int, default=7, help="the commands take turns; the fastest of each counts"
    )
    options.add_argument("--sample-rounds", type=int, default=3, help="of the sampling, which takes seconds")
    options.add_argument("--space", default="fashion", help="to sample from")
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
    least = fastest(commands, given.rounds)
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
    name = f"liminal sample {given.space} -n 64"
    try:
        registry.space_folder(given.space)
    except LiminalError as error:
        record.add(Figure(name, None, "s", 4.0, "lower", note=str(error)))
    else:
        out = OUT / "startup.png"
        sample = [*liminal, "sample", given.space, "-n", "64", "-o", str(out), "--force", "-q"]
        found = fastest(
            {BARE: commands[BARE], "torch": [python, "-c", "import torch"], "sample": sample},
            given.sample_rounds,
        )
        over = {BARE: found[BARE], "import torch alone": found["torch"]}
        record.add(Figure(name, found["sample"], "s", 4.0, "lower", over))
        record.add(Figure(f"{name} / bare python", found["sample"] / found[BARE], "×"))
    record.finish()


def fastest(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """The least seconds of each command, the commands taking turns; one round before does not count (it fills the disk's cache)."""
    least: dict[str, float] = {}
    for turn in range(rounds + 1):
        for name, argv in commands.items():
            seconds = run(argv)[0]
            if turn:
                least[name] = min(least.get(name, seconds), seconds)
    return least


def run(argv: Sequence[str]) -> tuple[float, str]:
    """Seconds that a command took, and what it printed.

    Raises:
        LiminalError: it failed.
    """
    begun = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise LiminalError(
            f"{' '.join(argv[1:4])} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
        )
    return seconds, done.stdout
