"""Pieces, sounds, sentences and shapes from the ready-made spaces: `python scripts/gallery.py [--out
docs/gallery]`. What a file comes from is told beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import liminal
from liminal.show import film
from liminal.show import items as show

PER_ROW = 8  # phrases of a picture
TILE, CARD, FILM = 128, 180, 200  # pixels
ALONG = "conditional"  # of edits: where items of these factors lie on average


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


def completed(name: str, items: Sequence[int | str], part: str, n: int, endings: Sequence[str]) -> Piece:
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


def walked(
    name: str, items: Sequence[int], frames: int, endings: Sequence[str], along: str = "slerp"
) -> Piece:
    """A way between items: its frames as a picture, and as files."""

    def write(stem: Path) -> list[Path]:
        found = liminal.open(name).path(*items, frames=frames, along=along)
        return [found.save(stem.with_suffix(ending), 8) for ending in (".png", *endings)]

    told = f'{", ".join(map(str, items))}, frames={frames}, along="{along}"'
    return Piece(f'liminal.open("{name}").path({told})', write)


def edited(name: str, items: Sequence[int], changes: Sequence[str], size: int, **how: Any) -> Piece:
    """A row an item: itself as restored, and each change of it."""

    def write(stem: Path) -> list[Path]:
        space = liminal.open(name)
        rows = [[space.edit(item, change, **how) for change in changes] for item in items]
        before = np.stack([edit.before for row in rows for edit in (row[0], *row)])
        after = np.stack([made for row in rows for made in (row[0].before, *(edit.after for edit in row))])
        labels = ["", *changes] * len(items)
        words = space.modality.words is not None  # new ones are marked
        drawn = show.drawn(
            after, space.modality, size, 1 + len(changes), labels, beside=before if words else None
        )
        show.grid.save(drawn, picture := stem.with_suffix(".png"))
        return [picture]

    told = [
        str(items[0]),
        json.dumps(changes[0]),
        *(f"{key}={json.dumps(value)}" for key, value in how.items()),
    ]
    return Piece(f'liminal.open("{name}").edit({", ".join(told)})', write)


def turned(name: str, item: int, change: str) -> Piece:
    """An edited shape as a film in which it turns once."""

    def write(stem: Path) -> list[Path]:
        space = liminal.open(name)
        found = space.edit(item, change, along=ALONG).after
        film.gif(space.modality.turned(found, FILM), picture := stem.with_suffix(".gif"), 16, FILM)
        return [picture]

    told = f'{item}, {json.dumps(change)}, along="{ALONG}"'
    return Piece(f'liminal.open("{name}").edit({told}).save("turned.gif")', write)


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
    "walk": (
        "From one sentence to another, a word or two at a time; new words are marked.",
        walked("reviews", (3000, 3001), 12, (".txt",)),
    ),
    "turns-of-phrase": (
        "Sentences as they are restored, and four changes of each; new words are marked.",
        edited(
            "reviews",
            (3000, 3001, 3002, 3003),
            ("sentiment=negative", "tense=future", "number=plural", "form=question"),
            CARD,
            along=ALONG,
        ),
    ),
    "first-words": (
        "The first words of a sentence are kept, and six ways are found in which it may go on.",
        completed("reviews", ("text('the waiters')",), "begin", 6, (".txt",)),
    ),
    "furniture": (
        "A chair becomes a table, and the table a couch, over furniture that has the factors in between.",
        walked("furniture", (1018, 1003, 1008), 21, (".gif",), ALONG),
    ),
    "chairs": (
        "Two chairs and a couch as they are restored, and five changes of each.",
        edited(
            "furniture",
            (1018, 1010, 1008),
            ("width", "height", "back", "arms", "stand=panels"),
            TILE,
            along=ALONG,
        ),
    ),
    "couch": (
        "A couch with round corners, seen from all sides.",
        turned("furniture", 1060, "2*roundness"),
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
        text += [f"Files: {links}.", ""] if others else []
        text += ["```python", piece.line, "```", ""]
        print(*(f"{path} {path.stat().st_size:,} bytes" for path in (picture, *others)), sep="\n")
    (out / "README.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()
