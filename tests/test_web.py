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
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def web(script: str, minutes: float) -> subprocess.CompletedProcess[str]:
    """Build the page and run a script of its package.json."""
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, ROOT / "scripts" / "web.py", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60 * minutes, env=here)


def test_pure_parts() -> None:
    done = web("test", 5)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.skipif(
    not ("CHROMIUM" in os.environ or any(map(shutil.which, BROWSERS))),
    reason="no chromium: apt-get install chromium",
)
@pytest.mark.parametrize("script", ["browser", "share"])
def test_in_a_browser(script: str) -> None:
    """The studio on a server, then a shared page from the disk: minutes, and more where the map of the space
    has yet to be laid out.
    """
    done = web(script, 40)
    said = done.stdout + done.stderr
    failing = re.findall(r"^FAIL .*(?:\n    .*)*", said, re.MULTILINE)
    assert done.returncode == 0, "\n".join(failing) or said[-4000:]
    assert re.search(r"\d+ steps hold", said), said[-4000:]
