"""Make the ready-made spaces that ship in the wheel, from scratch: `python scripts/make_spaces.py [--epochs 12]`.

`fashion`: a VAE on Fashion-MNIST (MIT licence) with 12,000 of its items: 10,000 that it was trained on and 2,000 that it was not.
Weights go in half precision; codes are computed with the rounded weights, so what is shipped is consistent.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np

import liminal
from liminal.voice import Terminal

SPACES = Path(__file__).parent.parent / "src" / "liminal" / "spaces"
TRAIN, HELD = 10_000, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=float, default=12)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--keep", type=Path, help="keep the full space (70,000 items) in this folder")
    args = parser.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp()) / "fashion"
    space = liminal.fit("fashion-mnist", folder, dim=16, epochs=args.epochs, seed=0, threads=args.threads, force=True, voice=Terminal())
    draw = np.random.default_rng(0)
    ids = []
    for split, count in (("train", TRAIN), ("held", HELD)):
        found = np.array(space.catalogue.table(columns=["id"], split=split)["id"])
        ids += sorted(draw.choice(found, count, replace=False).tolist())
    shutil.rmtree(SPACES / "fashion", ignore_errors=True)
    SPACES.mkdir(exist_ok=True)
    space.save(SPACES / "fashion", ids=ids, half=True, voice=Terminal())
    size = sum(f.stat().st_size for f in (SPACES / "fashion").rglob("*") if f.is_file())
    print(f"{SPACES / 'fashion'}: {len(ids):,} items, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
