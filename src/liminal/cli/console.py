"""How the command line behaves: formulas that begin with a minus sign, one line for whatever goes wrong,
tables and JSON.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from ..errors import LiminalError
from ..files import check_output
from ..voice import Terminal, Voice

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NUMBERED = re.compile(r"\d{4,}\.\w+|table\.csv|latents\.parquet")  # the files of a folder that we wrote
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Recent versions of typer carry click inside, older ones depend on it: ask for its class by way of typer.
ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


class Formulas(TyperCommand):
    """A command whose arguments may begin with a minus sign, such as ``-1.5*smile``.

    Options are what begins with two signs, a short option alone, or one with its number (``-k5``). All else
    is an argument.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        names: dict[str, bool] = dict.fromkeys(ctx.help_option_names, False)
        for parameter in self.params:
            for name in (*parameter.opts, *parameter.secondary_opts):
                if name.startswith("-"):  # an argument has its own name here, which is a word like any other
                    names[name] = not getattr(parameter, "is_flag", False)
        return super().parse_args(ctx, options_first(args, names))


def options_first(args: Sequence[str], options: dict[str, bool]) -> list[str]:
    """The same arguments with the options in front, ``--``, then all that are none.

    Args:
        args: as typed.
        options: name -> whether a value follows it.
    """
    given, rest = [], []
    left = list(args)
    while left:
        token = left.pop(0)
        short = token[:2]
        if token == "--":
            rest += left
            break
        if token in options or token.startswith("--"):
            given.append(token)
            if options.get(token):
                if not left:
                    return given  # its value is missing: let the parser say so
                given.append(left.pop(0))
        elif options.get(short) and re.fullmatch(r"\d+", token[2:]):
            given += [short, token[2:]]
        else:
            rest.append(token)
    return [*given, "--", *rest]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a sentence on what was kept."""


def run(app: typer.Typer, argv: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        The exit code: 0 done, 2 wrong input (one line was written to standard error), 130 interrupted, 1 a
        fault of our own.
    """
    argv = list(argv) or ["--help"]
    group: Any = typer.main.get_command(app)
    name = f"liminal {argv[0]}" if argv[0] in group.commands else "liminal"
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        with _hushed(), group.make_context("liminal", argv, obj=argv) as context:
            group.invoke(context)
            sys.stdout.flush()
        return 0
    except typer.Exit as stop:
        return int(stop.exit_code)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort) as stop:
        with suppress(KeyboardInterrupt):  # ctrl-C a second time
            complain(name, str(stop) or "interrupted")
        return 130
    except Exception as error:
        if os.environ.get("LIMINAL_DEBUG"):
            traceback.print_exc()
        text, code = explain(error, name)
        complain(name, text)
        return code


def explain(error: Exception, name: str) -> tuple[str, int]:
    """What to tell about an error, and the exit code that goes with it."""
    if isinstance(error, ClickException):
        text = error.format_message().rstrip(".")
        return f"{text[:1].lower()}{text[1:]}; see {name} --help", 2
    if isinstance(error, LiminalError):
        return str(error), 2
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        if error.errno in FULL:
            return f"{where}the disk is full; free some space and run it again", 2
        return f"{where}{error.strerror or error}", 2
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and re.search("alloc.* memory|out of memory", str(error))
    ):
        return "not enough memory; work on fewer or smaller items, or with a smaller --batch", 2
    kind = type(error).__name__
    return (
        f"a fault in Liminal itself ({kind}: {error}); set LIMINAL_DEBUG=1 to see where, and please report "
        "it",
        1,
    )


def complain(name: str, text: str) -> None:
    """One line on standard error."""
    line = " ".join(text.split()).removeprefix(f"{name.split()[-1]}: ")
    print(f"{name}: {printable(line)}", file=sys.stderr, flush=True)


@contextmanager
def _hushed() -> Iterator[None]:
    """No warnings and no log lines of libraries: what matters to a person is said by us."""
    if os.environ.get("LIMINAL_DEBUG"):
        yield
        return
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


class Remarks(Terminal):
    """The terminal, but what is found while reading is told only once the reading has ended well: a wrong
    input gets its one line alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: list[str] | None = []

    def progress(self, phase: str, done: float, text: str = "") -> None:
        if "reading" not in phase:
            self.release()
        super().progress(phase, done, text)

    def _print(self, text: str) -> None:
        if self.held is None:
            super()._print(printable(text))
        else:
            self.held.append(printable(text))

    def release(self) -> None:
        """Tell what was held back, and hold back no more."""
        held, self.held = self.held, None
        for text in held or []:
            super()._print(text)


@contextmanager
def speaking(quiet: bool) -> Iterator[Voice]:
    """The voice of one command; in all but the first of several processes, or where quiet is asked for, a
    silent one.
    """
    if quiet or os.environ.get("RANK", "0") != "0":
        yield Voice()
        return
    voice = Remarks()
    try:
        yield voice
        voice.release()
    finally:
        voice.close()


def output(path: Path, force: bool, endings: Iterable[str], folder: bool = False) -> Path:
    """Refuse, before any work, an output that could not be written in the end, or must not be.

    Args:
        path: where to write.
        force: replace what is there.
        endings: that are known, with the dot.
        folder: a name without ending stands for a folder of numbered files. Only such a folder may be
            replaced.

    Raises:
        LiminalError: it says why.
    """
    known = sorted(endings)
    if path.suffix.lower() not in known and not (folder and not path.suffix):
        more = ", or one without ending for a folder of files" if folder else ""
        raise LiminalError(f"-o {path}: wanted a name that ends in {' '.join(known)}{more}")
    check_output(path, force)
    if path.is_dir():
        if path.suffix:
            raise LiminalError(f"-o {path} is a folder; name another file")
        other = next((p.name for p in sorted(path.iterdir()) if not NUMBERED.fullmatch(p.name)), None)
        if other is not None:
            raise LiminalError(
                f"-o {path} holds {other}, which liminal did not write; it is left alone, name another folder"
            )
    elif folder and not path.suffix and path.exists():
        raise LiminalError(f"-o {path} is a file; name another folder")
    return path


def result(path: Path, force: bool, endings: Sequence[str]) -> Path:
    """As `output`; a name without ending gets the first of `endings`, which is the kind's own."""
    path = path if path.suffix else path.with_name(path.name + endings[0])
    return output(path, force, endings)


def say(text: str, quiet: bool = False) -> None:
    """A line of the result on standard output."""
    if not quiet:
        print(printable(text))


def printable(text: str) -> str:
    """A text that may come from data as a terminal can show it: control signs, and those that turn the order
    of writing, as escapes; a line break stays."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def emit(data: Any) -> None:
    """Data as JSON on standard output; NaN and infinity become null."""
    text = json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)
    print(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # arrays, tensors and their numbers
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows in columns on standard output: shaped to a terminal's width, in full where it is piped.

    Numbers stand on the right.
    """
    from rich.console import Console
    from rich.table import Table

    cells = [list(row) for row in rows]
    sheet = Table(box=None, pad_edge=False, show_header=any(headers), header_style="bold")
    for i, header in enumerate(headers):
        numbers = bool(cells) and all(
            isinstance(row[i], int | float | None) and not isinstance(row[i], bool) for row in cells
        )
        sheet.add_column(header, justify="right" if numbers else "left", overflow="fold")
    for row in cells:
        sheet.add_row(*map(cell, row))
    live = sys.stdout.isatty()
    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=live,
        width=None if live else 10_000,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(sheet)
    print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value).replace("\n", "\\n"))
