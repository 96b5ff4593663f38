"""Make the ready-made spaces that ship in the wheel, from scratch: `python scripts/make_spaces.py [--epochs
9]`.

`fashion`: a VAE on Fashion-MNIST (MIT licence) with 10,200 of its items: 8,400 that it was trained on and
1,800 that it was not. Weights go in half precision; codes are computed with the rounded weights, so what is
shipped is consistent.
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
TRAIN, HELD = 8_400, 1_800
NOTICE = """The pictures in this space (items.lance) are from Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist),
and its weights were fitted to them.

The MIT License (MIT) Copyright © 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the “Software”), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""  # noqa: E501


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--epochs", type=float, default=8)
    parser.add_argument(
        "--threads", type=int, default=1, help="1: the same weights on any machine of this kind (1)"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="keep the full space (70,000 items) in this folder; one that is there already is used",
    )
    args = parser.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp()) / "fashion"
    # written out, so that the space can be made again when the defaults have moved on
    how = {"dim": 16, "epochs": args.epochs, "batch": 64, "rate": 3e-3, "seed": 0, "threads": args.threads}
    liminal.fit("fashion-mnist", folder, **how, resume=folder.exists(), voice=Terminal())
    space = liminal.open(folder)
    draw = np.random.default_rng(0)
    ids = []
    for split, count in (("train", TRAIN), ("held", HELD)):
        found = np.array(space.catalogue.table(columns=["id"], split=split)["id"])
        ids += sorted(draw.choice(found, count, replace=False).tolist())
    shutil.rmtree(SPACES / "fashion", ignore_errors=True)
    SPACES.mkdir(exist_ok=True)
    space.save(SPACES / "fashion", ids=ids, half=True, voice=Terminal())
    (SPACES / "fashion" / "NOTICE").write_text(NOTICE)
    size = sum(f.stat().st_size for f in (SPACES / "fashion").rglob("*") if f.is_file())
    print(f"{SPACES / 'fashion'}: {len(ids):,} items, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
