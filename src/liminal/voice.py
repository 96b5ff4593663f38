"""How long work speaks to a person: progress, remarks and warnings, on standard error."""

from __future__ import annotations

import sys
import time
from typing import Any


class Voice:
    """Silent. Every long call takes one and tells it what happens."""

    def progress(self, phase: str, done: float, text: str = "") -> None:
        """`phase` (a few words) is done to the fraction `done` in [0, 1]; `text` holds figures of the
        moment.
        """

    def say(self, text: str) -> None:
        """A remark: what was decided or found on the way."""

    def warn(self, text: str) -> None:
        """Something the user should know before trusting the result."""

    def close(self) -> None:
        """End whatever is being shown."""


class Terminal(Voice):
    """Speaks on standard error: a live bar where it is a terminal, else a plain line now and then (never
    faster than every 10 s).
    """

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.bar: Any = None
        self.phase, self.task = "", None
        self.begun = self.spoken = 0.0

    def progress(self, phase: str, done: float, text: str = "") -> None:
        now = time.monotonic()
        if phase != self.phase:
            self.close()
            self.phase, self.begun, self.spoken = phase, now, now
        if self.live:
            self._draw(done, text)
        elif now - self.spoken >= 10:
            self.spoken = now
            print(f"{phase}: {done:.0%} {text}".rstrip(), file=sys.stderr, flush=True)

    def _draw(self, done: float, text: str) -> None:
        if self.bar is None:
            if done >= 1 and time.monotonic() - self.begun < 0.5:
                return
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=28),
                TextColumn("{task.percentage:>3.0f}% {task.fields[text]}"),
            )
            self.bar = Progress(
                *columns, console=Console(stderr=True, highlight=False), refresh_per_second=8, transient=True
            )
            self.bar.start()
            self.task = self.bar.add_task(self.phase, total=1.0, text=text)
        self.bar.update(self.task, completed=min(done, 1.0), text=text)

    def say(self, text: str) -> None:
        self._print(text)

    def warn(self, text: str) -> None:
        self._print(f"warning: {text}")

    def _print(self, text: str) -> None:
        if self.bar is not None:
            self.bar.console.print(text, markup=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        self.phase = ""


def speaking(quiet: bool = False) -> Voice:
    """The voice for a call from Python: the terminal where there is one, else silence."""
    return Terminal() if not quiet and sys.stderr.isatty() else Voice()
