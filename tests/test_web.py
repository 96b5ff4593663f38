"""The studio's page: its pure parts under vitest, and a real browser on a real server that does what a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def web(script: str) -> None:
    """Build the page and run a script of its package.json."""
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "web.py", script], capture_output=True, text=True, timeout=900, env={**os.environ, "PATH": here}
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_pure_parts() -> None:
    web("test")


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no chromium: apt-get install chromium")
def test_in_a_browser() -> None:
    web("browser")
