"""Time and memory of a piece of work in this process.

Imports nothing but the standard library: every peer's venv can use it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def memory(name: str) -> int:
    """Bytes of this process: ``VmRSS`` (now), ``VmHWM`` (the most so far), ``RssAnon`` (now, without files
    mapped into it).
    """
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def metered(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `work` returns; its ``wall`` and ``cpu`` seconds, bytes resident ``before`` it and at its
    ``peak``.
    """
    with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forget the peak of the imports
    before = memory("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    told = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return result, {**told, "before": before, "peak": memory("VmHWM")}


def limit(gigabytes: float) -> None:
    """No more private memory than this for this process: what asks for more gets an error instead of taking
    the machine down.
    """
    if sys.platform == "linux":
        most = int(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def answer(facts: dict[str, Any]) -> None:
    """The last line on standard output, which the bench reads."""
    print("\n" + json.dumps(facts), flush=True)
