"""The studio's page: its pure parts under vitest, and a real browser on a real server that does what a person
would.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WRITTEN = "wire.ts"  # by scripts/wire.py
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def web(script: str, minutes: float) -> subprocess.CompletedProcess[str]:
    """Build the page and run a script of its package.json."""
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, ROOT / "scripts" / "web.py", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60 * minutes, env=here)


def sources() -> list[Path]:
    """What people write of the front end: its sources, its tests and how it is built."""
    web = ROOT / "web"
    found = [p for room in ("src", "test") for p in (web / room).rglob("*") if p.is_file()]
    return sorted(found + [p for p in web.iterdir() if p.suffix in (".ts", ".html")])


def test_lines_and_files_of_the_page_are_short() -> None:
    """No line is longer than 110 columns, which a formatter does not see to in comments and in texts; a file
    that a person writes has 450 lines at most.
    """
    found = sources()
    assert {"main.tsx", "wire.ts", "map.mjs"} <= {p.name for p in found}, "the sources lie elsewhere"
    for path in found:
        lines = path.read_text().splitlines()
        wide = [i for i, line in enumerate(lines, 1) if len(line) > 110]
        assert not wide, f"{path}: longer than 110 columns: lines {wide}"
        if path.name != WRITTEN:
            assert len(lines) <= 450, f"{path} has {len(lines)} lines: split it"


def test_pure_parts() -> None:
    done = web("test", 5)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.skipif(
    not ("CHROMIUM" in os.environ or any(map(shutil.which, BROWSERS))),
    reason="no chromium: apt-get install chromium",
)
@pytest.mark.parametrize("script", ["browser", "share", "sound", "kinds"])
def test_in_a_browser(script: str) -> None:
    """The studio on a server, then a shared page from the disk, then what can be heard in both, then
    sentences, shapes and rows: minutes, and more where the map of the space has yet to be laid out.
    """
    done = web(script, 40)
    said = done.stdout + done.stderr
    failing = re.findall(r"^FAIL .*(?:\n    .*)*", said, re.MULTILINE)
    assert done.returncode == 0, "\n".join(failing) or said[-4000:]
    assert re.search(r"\d+ steps hold", said), said[-4000:]
