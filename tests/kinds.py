"""Small real data of every registered kind, as files: what the contract tests run on.

A new modality needs an entry in `FILES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import soundfile
import toys
from sklearn.datasets import load_wine

COUNT = 160


def pictures(folder: Path) -> Path:
    """Blobs, bright or dark, in two class folders, 12 x 12 grey."""
    draw = np.random.default_rng(0)
    y, x = np.mgrid[:12, :12]
    for i in range(COUNT):
        kind = ("bright", "dark")[i % 2]
        cy, cx = draw.uniform(3, 9, 2)
        blob = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 6) * (250 if kind == "bright" else 90)
        path = folder / "pictures" / kind / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(blob.astype(np.uint8)).save(path)
    return folder / "pictures"


def strands(folder: Path) -> Path:
    """See `toys.write_strands`."""
    return toys.write_strands(folder / "a.strand", COUNT)


def rows(folder: Path) -> Path:
    """Wine of three growers, as scikit-learn has it, in a CSV file; one cell in twenty is missing."""
    wine, draw = load_wine(), np.random.default_rng(0)
    order = draw.permutation(len(wine.data))[:COUNT]
    lines = [",".join([*wine.feature_names, "cultivar"]).replace("/", "_")]
    for i in order:
        cells = ["" if draw.random() < 0.05 else f"{v:g}" for v in wine.data[i]]
        lines.append(",".join([*cells, ("Barolo", "Grignolino", "Barbera")[wine.target[i]]]))
    (folder / "wine.csv").write_text("\n".join(lines) + "\n")
    return folder / "wine.csv"


BARS = ((2, 2, 2, 2), (1, 1, 2, 2, 2), (3, 1, 2, 2), (4, 2, 2), (2, 1, 1, 4))  # eighths of a bar of 4/4


def tunes(folder: Path) -> Path:
    """Tunes of eight bars in one ABC file, high ones in D major and low ones in A minor, with chord symbols:
    four windows of two bars each.
    """
    draw = np.random.default_rng(0)
    lines = []
    for i in range(COUNT // 4):
        key, scale, chords = (
            ("D", ["d", "e", "f", "g", "a", "b", "c'"], ("D", "G", "A")),
            ("Am", ["A,", "B,", "C", "D", "E", "F", "G"], ("Am", "Dm", "Em")),
        )[i % 2]
        lines += [f"X:{i + 1}", f"T:Tune {i + 1}", "M:4/4", "L:1/8", f"K:{key}"]
        at, bars = int(draw.integers(7)), []
        for _ in range(8):
            bar = f'"{chords[draw.integers(3)]}"'
            for length in BARS[draw.integers(len(BARS))]:
                at = int(np.clip(at + draw.integers(-2, 3), 0, 6))
                bar += f"{scale[at]}{length}"
            bars.append(bar)
        lines += ["|".join(bars[:4]) + "|", "|".join(bars[4:]) + "|]", ""]
    path = folder / "tunes.abc"
    path.write_text("\n".join(lines))
    return path


def sounds(folder: Path) -> Path:
    """Tones of a quarter of a second at 8 kHz in two class folders, high and low, with three harmonics of
    drawn strength, that fade sooner or later.
    """
    draw, time = np.random.default_rng(0), np.arange(2000) / 8000
    for i in range(COUNT):
        kind = ("high", "low")[i % 2]
        pitch = draw.uniform(600, 1200) if kind == "high" else draw.uniform(150, 300)
        tone = sum(draw.uniform(0.1, 1) / k * np.sin(2 * np.pi * k * pitch * time) for k in (1, 2, 3))
        tone = tone * np.minimum(1, time / 0.01) * np.exp(-draw.uniform(2, 20) * time)
        path = folder / "sounds" / kind / f"{i:03d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.7 * tone / np.abs(tone).max(), 8000)
    return folder / "sounds"


def sentences(folder: Path) -> Path:
    """Reviews of meals as lines of JSON, one of a few words a place, good or bad."""
    draw = np.random.default_rng(0)
    things = ("food", "service", "staff", "place", "pizza", "soup")
    words = {"good": ("great", "lovely", "fresh", "friendly"), "bad": ("awful", "slow", "cold", "rude")}
    lines = []
    for i in range(COUNT):
        mood = ("good", "bad")[i % 2]
        thing, word, very = draw.choice(things), draw.choice(words[mood]), draw.choice(("", "very ", "so "))
        text = draw.choice((f"the {thing} was {very}{word}", f"{very}{word} {thing} here"))
        lines.append(json.dumps({"text": str(text + draw.choice((".", "!"))), "mood": mood}))
    (folder / "sentences.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "sentences.jsonl"


def solids(folder: Path) -> Path:
    """Boxes on a foot in two class folders, tall and flat, as OFF files in units of their own."""
    draw = np.random.default_rng(0)
    for i in range(COUNT):
        kind = ("tall", "flat")[i % 2]
        wide, deep = draw.uniform(3, 5, 2)
        high = draw.uniform(8, 12) if kind == "tall" else draw.uniform(1.5, 3)
        foot = draw.uniform(1, 2.5)
        lines, faces = [], []
        for low, top, x, z in ((0, 3, foot, foot), (2.5, 2.5 + high, wide, deep)):
            at = len(lines)
            lines += [f"{a * x:g} {b:g} {c * z:g}" for a in (-1, 1) for b in (low, top) for c in (-1, 1)]
            faces += [" ".join(str(at + j) for j in face) for face in BOX]
        path = folder / "solids" / kind / f"{i:03d}.off"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = [f"{len(lines)} {len(faces)} 0", *lines, *(f"4 {face}" for face in faces)]
        path.write_text("\n".join(["OFF", *body]) + "\n")
    return folder / "solids"


BOX = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))

FILES: dict[str, Callable[[Path], Path]] = {
    "image": pictures,
    "strand": strands,
    "table": rows,
    "melody": tunes,
    "audio": sounds,
    "text": sentences,
    "shape": solids,
}
FORMULAS = {
    "image": "mean(label=bright) - mean(label=dark)",
    "strand": "+1*length",
    "table": "+1*alcohol",
    "melody": "+1*mode=minor",
    "audio": "mean(label=high) - mean(label=low)",
    "text": "4*(mean(mood=good) - mean(mood=bad))",
    "shape": "mean(label=tall) - mean(label=flat)",
}
NEAR = {
    ".jpg",
    ".jpeg",
    ".gif",
    ".wav",
    ".flac",
    ".glb",
    ".obj",
    ".ply",
    ".stl",
}  # files that an item comes back from nearly, not exactly
LITERALS = {
    "strand": "strand('acgtac')",
    "table": "row(alcohol=13, cultivar=Barolo)",
    "text": "text('the soup was very fresh!')",
    "melody": "melody('d5 - f#5 - a5 - - -')",
}
EPOCHS = {"shape": 30}  # of the space that the contract tests take, where 12 are too few to tell items apart
TOYS = {"strand": toys.STRAND}
