"""The README does what it says: its commands run as written, its Python too, and what it points to is
there.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from runpy import run_path

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pyarrow as pa
import pytest
from pages import ROOT, blocks, furnish, hurry, run

from liminal import build, registry
from liminal.datasets import Dataset, faces
from liminal.errors import LiminalError
from liminal.modalities.image import Image
from liminal.show import film, grid

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
CLOTHES = ("Ankle boot", "Bag", "Dress", "Sandal")


@pytest.fixture
def ready_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The ready-made spaces; where `fashion` has not been made in this checkout, a small stand-in of that
    name.
    """
    if "fashion" in registry.ready_made():
        return
    hurry(monkeypatch)
    grey = np.array(faces.faces(n=120, seed=3, size=16).items[..., :1])
    labels = pa.table({"label": [CLOTHES[i % 4] for i in range(120)]})
    data = Dataset("fashion", Image(16, 16, 1), grey, [f"drawn#{i}" for i in range(120)], labels)
    (tmp_path / "ready").mkdir()
    build.fit(data, tmp_path / "ready" / "fashion", dim=4, epochs=4, options={"width": 8})
    monkeypatch.setattr(registry, "READY", tmp_path / "ready")


@pytest.mark.usefixtures("ready_made")
def test_commands_and_python_run_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    run(README, furnish(tmp_path / "here"), monkeypatch, capsys)


def test_the_example_has_five_lines() -> None:
    (example,) = [b for b in blocks(README) if b.language == "python"]
    assert len([line for line in example.text.splitlines() if line]) == 5


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    (shell,) = [b for b in blocks(README) if b.language == "sh"]
    assert re.findall(r"^(\S+ \S+)", shell.text, re.MULTILINE) == ["make demo", "make test"]
    for target, does in (("demo", "scripts/demo.py --minutes 5 --seed 1"), ("test", "-m pytest")):
        arguments = ["ARGS=--minutes 5 --seed 1"] if target == "demo" else []
        done = subprocess.run(
            ["make", "-n", target, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert does in done.stdout


def test_every_command_of_the_tables_is_known() -> None:
    """What stands in the table of data is not run: it must at least parse."""
    import typer

    from liminal.cli import app

    group = typer.main.get_command(app)
    lines = re.findall(r"`liminal ([^`]+)`", README.read_text())
    assert len(lines) > 5
    for line in lines:
        name, *argv = line.split()
        command = group.commands[name]  # type: ignore[attr-defined]
        if "-o" in argv:
            command.make_context(name, argv)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            other = page.parent / path if path else page
            assert other.exists(), f"{page.name} points to {target}"
            if anchor:
                heads = [
                    re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-")
                    for h in re.findall(r"^#+ (.+)$", other.read_text(), re.MULTILINE)
                ]
                assert anchor in heads, f"{page.name} points to {target}"


def test_pictures_are_small() -> None:
    """A README that takes long to load is not read."""
    names = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README.read_text())
    assert len(names) == 5
    for name in names:
        assert (ROOT / name).stat().st_size <= 1_000_000, name


def test_pictures_come_from_the_demo(tmp_path: Path) -> None:
    """Stills keep every pixel; of the film every second frame stays, at a smaller size."""
    pictures = run_path(str(ROOT / "scripts" / "pictures.py"))
    drawn = faces.faces(n=4, seed=1, size=32).items
    demo = tmp_path / "demo"
    demo.mkdir()
    for name in pictures["STILLS"]:
        grid.save(grid.grid(list(drawn)), demo / name)
    with pytest.raises(LiminalError, match=r"morph.gif is missing; run `make demo` first"):
        pictures["write"](demo, tmp_path / "out")
    frames = [grid.enlarge(grid.picture(drawn[i // 2 % 4]), 256) for i in range(16)]
    film.gif(frames, demo / "morph.gif")
    written = {path.name: path for path in pictures["write"](demo, tmp_path / "out")}
    for name in pictures["STILLS"]:
        assert np.array_equal(
            np.asarray(PIL.Image.open(written[name])), np.asarray(PIL.Image.open(demo / name))
        )
    with PIL.Image.open(written["morph.gif"]) as small:
        assert small.size == (192, 192)
        assert len(list(PIL.ImageSequence.Iterator(small))) == 8
    assert [f.size for f in pictures["frames"](demo / "morph.gif")] == [(256, 256)] * 16
