"""The built wheel, in an environment of its own: what is in it, and that it works from there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from liminal import __version__

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "liminal"
FASHION = SOURCE / "spaces" / "fashion"
MOST = 28_000_000  # bytes: the ready-made spaces are 21 of them, the page 4


def run(*command: str | Path, **more: object) -> str:
    """What a command that ends well writes to standard output."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline by the project's own back end."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a bare environment with the wheel in it; only what it depends on is lent by
    this one.
    """
    folder = tmp_path_factory.mktemp("bare") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    here = folder / ("Scripts" if os.name == "nt" else "bin")
    python = here / Path(sys.executable).name
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    run(*pip, "install", "--no-index", "--no-deps", "--quiet", wheel)
    # A path in a .pth file comes after the environment's own packages, and .pth files in it (such as an
    # editable install's) do not count.
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (own / "lent.pth").write_text(
        "\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}) + "\n"
    )
    return here


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, object]:
    """Where and with what to run a command: an empty folder, a cache of its own, no way back to this
    checkout.
    """
    (tmp_path / "here").mkdir()
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in ("PYTHONPATH", "PYTHONHOME", "LIMINAL_DATA", "VIRTUAL_ENV")
    }
    return {
        "cwd": tmp_path / "here",
        "env": {**kept, "LIMINAL_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)},
    }


def test_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    about = f"liminal-{__version__}.dist-info"
    package = {
        f"liminal/{p.relative_to(SOURCE).as_posix()}"
        for p in SOURCE.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert "liminal/py.typed" in package
    assert names == package | {
        f"{about}/{n}"
        for n in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE")
    }
    assert wheel.stat().st_size <= MOST


def test_is_the_one_that_is_imported(scripts: Path, bare: dict[str, object]) -> None:
    code = (
        "import importlib.metadata, liminal; print(liminal.__file__); "
        "print(importlib.metadata.distribution('liminal').locate_file(''))"
    )
    for place in run(scripts / "python", "-c", code, **bare).splitlines():
        assert Path(place).resolve().is_relative_to(scripts.parent.resolve())


def test_answers(scripts: Path, bare: dict[str, object]) -> None:
    assert run(scripts / "liminal", "--version", **bare) == f"liminal {__version__}\n"
    assert "Usage: liminal" in run(scripts / "liminal", "--help", **bare)
    told = run(scripts / "liminal", "spaces", **bare)
    assert ("fashion" in told) == FASHION.is_dir()


@pytest.mark.skipif(
    not FASHION.is_dir(), reason="the ready-made space fashion has not been made in this checkout"
)
def test_opens_the_ready_made_space(scripts: Path, bare: dict[str, object]) -> None:
    """It opens from a folder that cannot be written to, and leaves it as it was."""
    (installed,) = scripts.parent.rglob("liminal/spaces/fashion")
    before = {p: p.stat().st_mtime_ns for p in installed.rglob("*")}
    for folder in (installed, *(p for p in before if p.is_dir())):
        folder.chmod(0o555)
    try:
        run(scripts / "liminal", "sample", "fashion", "-n", "4", "-o", "x.png", **bare)
    finally:
        for folder in (installed, *(p for p in before if p.is_dir())):
            folder.chmod(0o755)
    with Image.open(Path(str(bare["cwd"])) / "x.png") as picture:
        picture.load()
        assert min(picture.size) >= 56
    assert {p: p.stat().st_mtime_ns for p in installed.rglob("*")} == before
    refused = subprocess.run(
        [scripts / "liminal", "label", "fashion", "x.csv"],
        capture_output=True,
        text=True,
        timeout=120,
        **bare,  # type: ignore[call-overload]
    )
    assert refused.returncode == 2
    assert "ready-made" in refused.stderr
