"""The studio's page: its types, its build, and its pure parts under vitest. `python scripts/web.py browser` drives it in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def web(script: str) -> None:
    """Build the page and run a script of its package.json."""
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "web.py", script], capture_output=True, text=True, timeout=900, env={**os.environ, "PATH": here}
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_pure_parts() -> None:
    web("test")
