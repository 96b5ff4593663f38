"""Small real data of every registered kind, as files: what the contract tests run on.

A new modality needs an entry in `FILES`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
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


FILES: dict[str, Callable[[Path], Path]] = {"image": pictures, "strand": strands, "table": rows}
FORMULAS = {"image": "mean(label=bright) - mean(label=dark)", "strand": "+1*length", "table": "+1*alcohol"}
LITERALS = {"strand": "strand('acgtac')", "table": "row(alcohol=13, cultivar=Barolo)"}
TOYS = {"strand": toys.STRAND}
