"""What every bench shares: figures beside their bars, the command that made them, and the file that keeps
them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

OUT = Path(__file__).parent / "out"
ROOT = Path(__file__).parent.parent
# what `--minutes 5` gave on Fashion-MNIST on a machine with 2 cores, no bf16 and some other work on it
FASHION_EPOCHS = 4.8
FACES_EPOCHS = 16.0  # what `--minutes 4` gives on 8,000 faces there when it is idle

Bar = float | tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """One measured number beside what it has to reach.

    Attributes:
        name: what was measured.
        value: the number; None where it could not be measured, and `note` says why.
        unit: of value, bar and baseline.
        bar: what it has to reach: a number (see `better`) or a range (low, high).
        better: which side of the bar is right.
        baseline: the same number for something else, measured in the same run, by what it is.
        error: one standard error, where it is known.
        note: how it was taken.
    """

    name: str
    value: float | None
    unit: str = ""
    bar: Bar | None = None
    better: Literal["higher", "lower", ""] = ""
    baseline: Mapping[str, float] = field(default_factory=dict)
    error: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None where there is no bar or no number. NaN reaches none."""
        if self.bar is None or self.value is None:
            return None
        if isinstance(self.bar, tuple | list):
            return self.bar[0] <= self.value <= self.bar[1]
        return self.value <= self.bar if self.better == "lower" else self.value >= self.bar

    def cells(self) -> tuple[str, str, str, str, str]:
        """Name, value, bar, verdict and what stands beside it, as text."""
        value = "not measured" if self.value is None else text(self.value, self.unit)
        if self.error is not None and self.value is not None:
            value += f" ± {self.error:.2g}"
        sign = {"higher": "≥ ", "lower": "≤ ", "": ""}[self.better]
        if self.bar is None:
            bar = ""
        elif isinstance(self.bar, tuple | list):
            bar = f"{text(self.bar[0])} to {text(self.bar[1], self.unit)}"
        else:
            bar = sign + text(self.bar, self.unit)
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        beside = "; ".join(f"{name} {text(number, self.unit)}" for name, number in self.baseline.items())
        return self.name, value, bar, verdict, "; ".join(part for part in (beside, self.note) if part)


def text(number: float, unit: str = "") -> str:
    """A number with four digits that count, and its unit."""
    if number is None or not math.isfinite(number):
        shown = "NaN" if number is None or math.isnan(number) else str(number)
    elif number == int(number) and abs(number) < 1e15:
        shown = f"{int(number):,}"
    else:
        shown = (
            f"{number:,.0f}"
            if abs(number) >= 1000
            else f"{number:.{max(0, 3 - math.floor(math.log10(abs(number))))}f}"
        )
        shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return f"{shown} {unit}".rstrip()


class Record:
    """One run of one bench: prints its command and figures as they come, and writes them to
    ``bench/out/NAME.json``.

    Args:
        name: of the bench.
        args: the command line that came after the name.
        arguments: the same, parsed.
    """

    def __init__(self, name: str, args: Sequence[str], arguments: argparse.Namespace) -> None:
        self.name = name
        self.command = command(name, args)
        self.arguments = {k: str(v) if isinstance(v, Path) else v for k, v in vars(arguments).items()}
        self.figures: list[Figure] = []
        self.notes: list[str] = []
        self.begun, self.cpu = time.perf_counter(), cpu_seconds()
        OUT.mkdir(exist_ok=True)
        print(f"$ {self.command}", flush=True)

    def add(self, figure: Figure) -> Figure:
        """Keep a figure and print it."""
        self.figures.append(figure)
        name, value, bar, verdict, beside = figure.cells()
        print(
            f"  {name:<44} {value:<22} {f'({bar})' if bar else '':<18} {verdict:<7} {beside}".rstrip(),
            flush=True,
        )
        return figure

    def note(self, words: str) -> None:
        """Keep a remark and print it."""
        self.notes.append(words)
        print(f"  {words}", flush=True)

    def finish(self) -> Path:
        """Write the file and say where."""
        wall, cpu = time.perf_counter() - self.begun, cpu_seconds() - self.cpu
        path = OUT / f"{self.name}.json"
        record = {
            "bench": self.name,
            "command": self.command,
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine(),
            "arguments": self.arguments,
            "seconds": round(wall, 1),
            "cpu_seconds": round(cpu, 1),
            "figures": [{**asdict(f), "met": f.met} for f in self.figures],
            "notes": self.notes,
        }
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        print(f"  {wall:,.0f} s, {cpu:,.0f} CPU-seconds in all; kept in bench/out/{path.name}", flush=True)
        return path


def command(name: str, args: Sequence[str]) -> str:
    """The command line of a bench, with the number of threads where the environment sets it."""
    threads = os.environ.get("OMP_NUM_THREADS")
    return (f"OMP_NUM_THREADS={threads} " if threads else "") + shlex.join(
        ["python", "-m", "bench", name, *args]
    )


def cpu_seconds() -> float:
    """CPU-seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def machine() -> dict[str, Any]:
    """What the figures depend on: cores, threads, versions."""
    import platform
    from importlib.metadata import version

    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("liminal", "torch", "numpy")},
    }


def parser(name: str, about: str) -> argparse.ArgumentParser:
    """A parser for the command line of a bench."""
    return argparse.ArgumentParser(
        prog=f"python -m bench {name}",
        description=about,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
