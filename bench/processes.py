"""Work in processes of its own: a peer's venv, a worker in it that is asked, a command whose memory is
watched while it runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liminal.errors import LiminalError

from .figures import ROOT

PEERS = Path(__file__).parent / "peers"


class WorkerError(LiminalError):
    """A worker ended without an answer."""


def venv(name: str, version: str, *first: str) -> Path:
    """The Python of a peer's own venv, made if it is not there: the peer with the versions that Liminal
    itself is tested with.

    Args:
        name: of the package, and of the venv in ``bench/venvs``.
        version: of the package.
        first: packages that it needs to be there before it.

    Raises:
        LiminalError: it cannot be installed.
    """
    folder = ROOT / "bench" / "venvs" / name
    python, mark = folder / "bin" / "python", folder / f".{name}-{version}"
    if mark.exists():
        return python
    print(f"making {folder.relative_to(ROOT)} (once, some minutes)", flush=True)
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-c",
        str(ROOT / "constraints.txt"),
    ]
    for step in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        *([*pip, wanted] for wanted in (*first, f"{name}=={version}")),
    ):
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no word why"]
            raise LiminalError(
                f"{name} could not be installed: {said[-1]}; it needs the network once (or --no-peer, where "
                "there is that)"
            )
    mark.touch()
    return python


def ask(python: Path | str, script: str, args: Sequence[Any], log: Path) -> dict[str, Any]:
    """Run ``bench/peers/SCRIPT`` in the Python of some venv and give its answer, the JSON in its last line.

    Args:
        python: of the venv.
        script: file name of the worker.
        args: its command line.
        log: takes what it says on standard error.

    Raises:
        WorkerError: it failed; the message ends with the last thing that it said.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "ignore"}
    with open(log, "w") as errors:
        done = subprocess.run(
            [str(python), str(PEERS / script), *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        said = log.read_text(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise WorkerError(f"{script} {args[0]}: {said[-1].strip()} (all of it in {log})")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


@dataclass
class Watched:
    """What was seen of a process: ``wall`` and ``cpu`` seconds, memory in bytes, exit code, lines on standard
    error.

    Attributes:
        peak: the most that was ever resident, files mapped into memory included.
        private: the most that was resident without those, as far as looking every 50 ms tells; 0 where the
            system does not say.
    """

    wall: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    private: int = 0
    code: int = 0
    lines: list[str] = field(default_factory=list)


def watch(argv: Sequence[str], echo: bool = True, every: float = 0.05) -> Watched:
    """Run a command and look at its memory until it ends.

    Its own peak is read from ``/proc``: the maximum that the system keeps for a child includes what its
    parent held when it was born.

    Args:
        argv: the command.
        echo: repeat what it says on standard error.
        every: seconds between looks.
    """
    begun, seen = time.perf_counter(), Watched()
    process = subprocess.Popen(list(argv), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            seen.lines.append(line.rstrip())
            if echo:
                print("    " + line.rstrip(), flush=True)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        _look(process.pid, seen)
        time.sleep(every)
    process.returncode = seen.code = os.waitstatus_to_exitcode(status)
    seen.wall, seen.cpu = time.perf_counter() - begun, used.ru_utime + used.ru_stime
    if not seen.peak:
        seen.peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    listener.join(timeout=5)
    return seen


def _look(pid: int, seen: Watched) -> None:
    try:
        with open(f"/proc/{pid}/status") as file:
            table = dict(line.split(":", 1) for line in file)
    except OSError:
        return
    seen.peak = max(seen.peak, _bytes(table.get("VmHWM")))
    seen.private = max(seen.private, _bytes(table.get("RssAnon")))


def _bytes(text: str | None) -> int:
    return int(text.split()[0]) * 1024 if text else 0
