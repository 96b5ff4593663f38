"""The pictures of the tutorials, from the ready-made space: `python scripts/walkthrough.py [--out
docs/pictures]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import liminal
from liminal.show import grid

WAYS = ("linear", "slerp", "mix", "smooth", "geodesic")
STOPS = ("@12", "@977", "@40")
FRAMES = 15
HALVES = ("@8426", "@8430", "@8405", "@8423", "@8409", "@8444", "@8436")  # none of them was trained on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("docs/pictures"), help="folder for the pictures (docs/pictures)"
    )
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    space = liminal.open("fashion")
    rows, words = [], []
    for way in WAYS:
        path = space.path(*STOPS, along=way, frames=FRAMES)
        rows += [space.modality.preview(frame, 84) for frame in path.frames]
        words += [way, *([""] * (FRAMES - 1))]
    grid.save(grid.grid(rows, columns=FRAMES, labels=words), out / "ways.png")
    space.complete(HALVES, "top", n=3).save(out / "complete.png")
    drawn = space.map("umap")
    space.lattice(drawn, 16, 12).save(out / "lattice.png")
    space.clusters().save(out / "clusters.png")
    for path in sorted(out.glob("*.png")):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
