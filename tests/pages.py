"""Pages of documentation as tests: their fenced blocks run in order, as written, in a folder of real files.

- ``python`` blocks share one namespace a page; an ``output`` block after one is what it prints.
- ``console`` blocks hold ``$ liminal ...`` commands, each followed by what it says, if that is shown. A
  command fails (exit code 2) only where the page shows its complaint.
- ``...`` in what is shown stands for anything. Training is cut to seconds and the flow sampler's fit to few
  steps; nothing else is changed.
"""

from __future__ import annotations

import io
import math
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import kinds
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from liminal.cli import main
from liminal.datasets import faces, patients
from liminal.measures.report import verdict
from liminal.models import latent

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRITTEN = re.compile(r'\.save\("([^"]+)"\)|(?:-o|--output) (\S+)')
SECONDS, STEPS = 1.5, 60


class Block(NamedTuple):
    """A fenced block: its language, its text and the line that it begins on."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    assert text.count("```") % 2 == 0, f"{page.name}: a fence is not closed"
    return [Block(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in FENCE.finditer(text)]


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, without their ``$``, and what is shown below each."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"line {block.line}: a console block begins with a command"
    return [(first, rest.strip("\n")) for first, _, rest in (part.partition("\n") for part in parts[1:])]


def in_seconds(text: str) -> str:
    """The same with a training of seconds where it says minutes."""
    return re.sub(r"(--minutes |minutes=)[\d.]+", rf"\g<1>{SECONDS / 60:.3f}", text)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit the flow sampler for few steps: it draws badly, and seconds teach nothing, which no page shows."""
    monkeypatch.setattr(verdict, "LEARNED", -math.inf)
    fit_flow = latent.fit_flow
    monkeypatch.setattr(
        latent, "fit_flow", lambda draw, seed, steps, **how: fit_flow(draw, seed, min(steps, STEPS), **how)
    )


def alike(shown: str, said: str) -> bool:
    """Whether the text on a page is what was said; ``...`` is anything, spaces and line ends do not count."""
    parts = [re.escape(" ".join(part.split())) for part in shown.split("...")]
    return re.fullmatch(r"\s?.*?\s?".join(parts), " ".join(said.split())) is not None


def run(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Run a page in a folder; the namespace of its Python blocks is returned.

    Every file that the page says it writes must be there in the end.
    """
    monkeypatch.chdir(folder)
    hurry(monkeypatch)
    names: dict[str, Any] = {"__name__": "page"}
    said = ""
    text = ""
    for block in blocks(page):
        where = f"{page.name}, line {block.line}"
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + in_seconds(block.text), str(page), "exec"), names)
            said = capsys.readouterr().out
        elif block.language == "output":
            assert alike(block.text, said), f"{where}: Python printed\n{said}"
        elif block.language == "console":
            for typed, shown in commands(block):
                run_command(typed, shown, capsys, where)
        if block.language in ("python", "console"):
            text += block.text
    refused = {
        name
        for block in blocks(page)
        if block.language == "console"
        for t, s in commands(block)
        if complains(s)
        for name in outputs(t)
    }
    for name in set(outputs(text)) - refused:
        assert Path(name).exists(), f"{page.name} says that it writes {name}"
    return names


def run_command(typed: str, shown: str, capsys: pytest.CaptureFixture[str], where: str) -> None:
    """Run one ``liminal ...`` line and hold what it says against what the page shows."""
    program, *argv = shlex.split(in_seconds(typed), comments=True)
    assert program == "liminal", f"{where}: {typed}"
    code = main(argv)
    out, err = capsys.readouterr()
    assert code == (2 if complains(shown) else 0), f"{where}: {typed} ended with {code}: {err}"
    if shown:
        said = err if complains(shown) else out
        assert alike(shown, said), f"{where}: {typed} said\n{said}"


def complains(shown: str) -> bool:
    """Whether what is shown is the one line of an error."""
    return shown.startswith("liminal ")


def outputs(text: str) -> list[str]:
    """The names of what commands and calls in a text write."""
    return [shlex.split(a or b)[0] for a, b in WRITTEN.findall(text)]


def furnish(folder: Path) -> Path:
    """The files that the pages speak of: pictures in folders, tables, arrays, Parquet and idx files; all
    small, all real.

    ``photos/`` 240 faces and ``labels.csv``, ``more/`` 8 others, ``me.png``, ``later.csv``, ``clothes/`` in
    class folders, ``split/`` in train and test, ``people.csv`` 400 rows, ``tunes/`` 40 tunes,
    ``sounds/`` 160 tones, ``sentences.jsonl`` 160 reviews, ``solids/`` 160 meshes, ``pictures.npy``,
    ``digits.npz``,
    ``pictures.parquet``, ``mnist/``.
    """
    drawn = faces.faces(n=270, seed=7, size=16)
    rows = drawn.attributes.to_pylist()
    for i, item in enumerate(drawn.items):
        place, name = ("photos", f"{i:04d}.png") if i < 240 else ("more", f"new-{i}.png")
        if i >= 248:
            break
        (folder / place).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.array(item)).save(folder / place / name)
    lines = [
        f"{i:04d}.png,{r['smile']:.2f},{r['glasses']},{'yes' if r['hat'] else 'no'}"
        for i, r in enumerate(rows[:240])
    ]
    lines[7] = "0007.png,,none,"  # an empty cell is unknown
    (folder / "labels.csv").write_text("\n".join(["file,smile,glasses,hat", *lines]) + "\n")
    later = [
        f"{i:04d}.png,{'dark' if r['hair_colour'] in ('black', 'brown') else 'light'}"
        for i, r in enumerate(rows[:240])
    ]
    (folder / "later.csv").write_text("\n".join(["file,hair", *later]) + "\n")
    Image.fromarray(np.array(drawn.items[250])).save(folder / "me.png")
    for i in range(12):
        grey = Image.fromarray(np.array(drawn.items[i])).convert("L")
        for place in (
            f"clothes/{('bag', 'coat')[i % 2]}",
            f"split/{'test' if i > 8 else 'train'}/{('bag', 'coat')[i % 2]}",
        ):
            (folder / place).mkdir(parents=True, exist_ok=True)
            grey.save(folder / place / f"{i}.png")
    small = np.array(drawn.items[:20, ..., 0])
    np.save(folder / "pictures.npy", small)
    np.savez(
        folder / "digits.npz",
        x_train=small[:16],
        y_train=np.arange(16) % 10,
        x_test=small[16:],
        y_test=np.arange(4),
    )
    people = patients.patients(n=400, seed=3)
    people.modality.write_many(people.items, folder / "people.csv")
    (folder / "tunes").mkdir()
    kinds.tunes(folder / "tunes")
    kinds.sounds(folder)
    kinds.sentences(folder)
    kinds.solids(folder)
    _parquet(folder / "pictures.parquet", drawn.items[:10], [r["glasses"] for r in rows[:10]])
    (folder / "mnist").mkdir()
    for part, items in (("train", small[:16]), ("t10k", small[16:])):
        head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in items.shape)
        (folder / "mnist" / f"{part}-images-idx3-ubyte").write_bytes(head + items.tobytes())
        labels = bytes(range(len(items)))
        (folder / "mnist" / f"{part}-labels-idx1-ubyte").write_bytes(
            bytes([0, 0, 8, 1]) + len(items).to_bytes(4, "big") + labels
        )
    return folder


def _parquet(path: Path, items: np.ndarray, labels: list[str]) -> None:
    packed = []
    for item in items:
        data = io.BytesIO()
        Image.fromarray(np.array(item)).save(data, "PNG")
        packed.append({"bytes": data.getvalue(), "path": None})
    pq.write_table(pa.table({"image": packed, "label": labels}), path)
