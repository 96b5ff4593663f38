"""Pieces and sounds to be looked at and heard, from the ready-made spaces: `python scripts/gallery.py [--out
docs/gallery]`. What a file comes from is told beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import liminal
from liminal.show import items as show

PER_ROW = 8  # phrases of a picture
TILE = 128


class Piece(NamedTuple):
    """One of the gallery.

    Attributes:
        line: how it was made, in Python.
        write: its files with this path, but for their endings; the picture first.
    """

    line: str
    write: Callable[[Path], list[Path]]


def composed(name: str, items: Sequence[int], endings: Sequence[str], **how: Any) -> Piece:
    """A piece: its phrases as a picture, and files that sound."""

    def write(stem: Path) -> list[Path]:
        space = liminal.open(name)
        piece = space.compose(*items, **how)
        show.grid.save(
            show.drawn(piece.frames, space.modality, TILE, PER_ROW), picture := stem.with_suffix(".png")
        )
        return [picture, *(piece.save(stem.with_suffix(ending), fps=1) for ending in endings)]

    told = [*map(str, items), *(f"{key}={json.dumps(value)}" for key, value in how.items())]
    return Piece(f'liminal.open("{name}").compose({", ".join(told)})', write)


def completed(name: str, items: Sequence[int], part: str, n: int, endings: Sequence[str]) -> Piece:
    """Items of which a part is kept, answers and the nearest real ones as a picture, and the best answer to
    be heard.
    """

    def write(stem: Path) -> list[Path]:
        space = liminal.open(name)
        found = space.complete(list(items), part, n)
        found.save(picture := stem.with_suffix(".png"))
        best = [show.save_path(found.items[0], space.modality, stem.with_suffix(e), 1) for e in endings]
        return [picture, *best]

    return Piece(f'liminal.open("{name}").complete({list(items)}, {json.dumps(part)}, n={n})', write)


PIECES = {
    "form": (
        "Thirty-two bars on the way from one folk tune to another, in the form AA'BA.",
        composed("tunes", (12, 400), (".mid", ".mp4"), length=32, form="AA'BA"),
    ),
    "chords": (
        "Sixteen bars between three tunes, over four chords.",
        composed("tunes", (12, 77, 400), (".mid", ".mp4"), length=16, over="Am F C G"),
    ),
    "goes-on": (
        "A bar of a tune is kept, and five others are found that may follow it.",
        completed("tunes", (31,), "bar:1", 5, (".mid",)),
    ),
    "harmony": (
        "Eight bars of a top voice that was held out, and three voices found for each of them.",
        completed("chorales", range(1500, 1508), "voice:1", 2, (".mid", ".mp4")),
    ),
    "digits": (
        "Eight sounds on the way through three spoken digits, joined without a seam.",
        composed("digits-spoken", (3, 250, 480), (".flac", ".mp4"), length=8.192),
    ),
    "spoken": (
        "The first fifth of a second of a digit is kept; five ways in which it may end.",
        completed("digits-spoken", (610,), "seconds:0-0.2", 5, (".flac",)),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/gallery"), help="folder (docs/gallery)")
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    text = ["# Gallery", "", "Made by `python scripts/gallery.py` from the ready-made spaces.", ""]
    for name, (words, piece) in PIECES.items():
        picture, *others = piece.write(out / name)
        links = ", ".join(f"[{path.name}]({path.name})" for path in others)
        text += [f"## {name.capitalize()}", "", words, "", f"![{words}]({picture.name})", ""]
        text += [f"To be heard: {links}.", "", "```python", piece.line, "```", ""]
        print(*(f"{path} {path.stat().st_size:,} bytes" for path in (picture, *others)), sep="\n")
    (out / "README.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()
