"""The pages of docs/ run as written, and name every option that there is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import FENCE, ROOT, alike, blocks, furnish, hurry, in_seconds, run

from liminal import build
from liminal.cli import app

PAGES = [
    p for p in sorted((ROOT / "docs").glob("*.md")) if p.stem != "design"
]  # a map of the house, with sketches
RUNNING = [p for p in PAGES if any(b.language in ("python", "console") for b in blocks(p))]
PROSE = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
GROUP: Any = typer.main.get_command(app)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the pages speak of, and ``photos-space``, fitted in seconds."""
    folder = furnish(tmp_path_factory.mktemp("docs"))
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        build.fit(
            str(folder / "photos"),
            folder / "photos-space",
            dim=8,
            epochs=8,
            options={"width": 8},
            attributes=folder / "labels.csv",
        )
    return folder


@pytest.mark.parametrize("page", RUNNING, ids=lambda p: p.stem)
def test_page_runs(
    page: Path,
    furnished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = tmp_path / "here"
    shutil.copytree(furnished, here)
    if page.stem == "start":  # this page makes its own
        shutil.rmtree(here / "photos-space")
    run(page, here, monkeypatch, capsys)


def test_all_tutorials_run() -> None:
    """A page whose fences lost their language would pass by not being run."""
    assert {p.stem for p in RUNNING} == {
        "start",
        "compose",
        "audio",
        "data",
        "formulas",
        "melody",
        "python",
        "shape",
        "spaces",
        "table",
        "text",
        "walk",
        "edit",
        "map",
        "measure",
        "meaning",
    }
    known = {"python", "output", "console", "text", "csv"}
    for page in PAGES:
        assert {b.language for b in blocks(page)} <= known, page.name


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_prose_is_in_short_lines(page: Path) -> None:
    """110 columns, but for tables, what is shown of a terminal, and words that cannot be parted."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "<", "![")) and " " in line[:110].strip():
            assert len(line) <= 110, f"{page.name}:{number} has {len(line)} columns"


def test_the_design_names_every_module() -> None:
    """The map of the house shows each room: who adds a file says there what it is."""
    design = (ROOT / "docs" / "design.md").read_text()
    source = ROOT / "src" / "liminal"
    for path in sorted(source.rglob("*.py")):
        if not path.stem.startswith("__"):
            assert re.search(rf"\b{path.name}\b", design), (
                f"docs/design.md does not name {path.relative_to(source)}"
            )


def section(command: str) -> str:
    """What docs/commands.md says below the heading of a command."""
    found = re.search(rf"^## {command}\n(.*?)(?=^## |\Z)", COMMANDS, re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no section {command}"
    return found[1]


def options(command: str) -> list[list[str]]:
    """The options of a command, each with all its names."""
    found = [
        [*p.opts, *p.secondary_opts] for p in GROUP.commands[command].params if p.param_type_name == "option"
    ]
    return [names for names in found if "--help" not in names]


OPTIONS = {command: options(command) for command in GROUP.commands}  # before a test adds a kind of its own


def named(text: str) -> set[str]:
    """The options that a text names in `backticks`; what stands in fences does not count."""
    plain = FENCE.sub("", text)
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(re.findall(r"`([^`]+)`", plain))))


@pytest.mark.parametrize("command", sorted(GROUP.commands))
def test_every_option_is_documented(command: str) -> None:
    common, own = named(section("Common options")), named(section(command))
    for names in OPTIONS[command]:
        missing = [name for name in names if name not in own | common]
        assert not missing, f"docs/commands.md says nothing of {missing[0]} of liminal {command}"


@pytest.mark.parametrize("command", sorted(GROUP.commands))
def test_no_option_is_documented_that_does_not_exist(command: str) -> None:
    real = {name for names in OPTIONS[command] for name in names}
    gone = named(section(command)) - real
    assert not gone, f"docs/commands.md speaks of {sorted(gone)} of liminal {command}, which does not exist"


def test_common_options_are_common() -> None:
    everywhere = [{n for names in OPTIONS[c] for n in names} for c in GROUP.commands]
    for name in named(section("Common options")) - {"-h", "--help", "--version"}:
        assert sum(name in there for there in everywhere) > 3, f"{name} is no common option"


def test_what_is_shown_is_compared() -> None:
    assert alike("wrote ... items\nto x", "wrote 12 items to x\n")
    assert alike("...\nb", "a\nb")
    assert not alike("wrote 12 items", "wrote 13 items")
    assert not alike("a ... c", "a b c d")
    assert in_seconds("--minutes 5 minutes=2.5 --epochs 3") == "--minutes 0.025 minutes=0.025 --epochs 3"
