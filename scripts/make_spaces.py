"""Make the ready-made spaces that ship in the wheel, from scratch: `python scripts/make_spaces.py [NAME]`.

- `fashion`: a VAE on Fashion-MNIST (MIT licence) with 10,200 of its items: 8,400 that it was trained on and
  1,800 that it was not.
- `tunes`: a VAE on two bars of folk tunes from the Nottingham Music Database (GPL-3.0). The tunes themselves
  may not ship: its 2,600 items are what its decoder gives of latents of theirs.
- `chorales`: a VAE on bars of Bach's chorales in four voices; no licence is stated for their collection, so
  its 2,100 items are of that sort, too.
- `digits-spoken`: a VAE on digits spoken in English by six people (FSDD, CC BY-SA 4.0); its items are what
  its decoder gives.
- `reviews`: a VAE on short sentences drawn by Liminal itself.
- `furniture`: a VAE on chairs, tables and couches drawn by Liminal itself.

Weights go in half precision; codes are computed with the rounded weights, so what is shipped is consistent.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import liminal
from liminal import registry
from liminal.datasets import Dataset
from liminal.voice import Terminal

SPACES = Path(__file__).parent.parent / "src" / "liminal" / "spaces"
FACTS = ("tonic", "mode", "bar", "chord")  # of melodies, that may be told
FASHION = """The pictures in this space (items.lance) are from Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist),
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
DIGITS = """The items in this space (items.lance) are what its decoder gives of latents of spoken digits; no
recordings are in it. Its weights, its latents and the attributes digit and speaker were computed from
the Free Spoken Digit Dataset by Zohar Jackson, Cesar Souza, Jason Flaks, Yuxin Pan, Hereman Nicolas
and Adhish Thite (https://github.com/Jakobovski/free-spoken-digit-dataset), which is licensed under
Creative Commons Attribution-ShareAlike 4.0 International
(https://creativecommons.org/licenses/by-sa/4.0/). This space is shared under the same licence.
"""
MADE = """The items in this space (items.lance) are what its decoder gives of latents of {what};
no {what} are in it. Its weights, its latents and the attributes tonic, mode, bar and chord
were computed from {source}.
{licence}
"""
TUNES = MADE.format(
    what="tunes",
    source="the Nottingham Music Database by E. Foxley, in ABC, as cleaned at\n"
    "https://github.com/jukedeck/nottingham-dataset",
    licence="The database is under the GNU General Public License, version 3. It is no part of this package.",
)
CHORALES = MADE.format(
    what="chorales",
    source="four-part chorales by J. S. Bach in sixteenths, Jsb16thSeparated.json of\n"
    "https://github.com/czhuang/JSB-Chorales-dataset",
    licence="The music is in the public domain; no licence is stated for the collection. It is no "
    "part of this package.",
)

FURNITURE = """The shapes in this space (items.lance) were drawn by liminal.datasets.furniture, and its
weights were fitted to them. Both are under the licence of Liminal, Apache-2.0.
"""

REVIEWS = """The sentences in this space (items.lance) were written by liminal.datasets.reviews, and its
weights were fitted to them. Both are under the licence of Liminal, Apache-2.0.
"""

HELD = 5  # recordings of each digit by each speaker that test, the first ones


class Recipe(NamedTuple):
    """How a space is made.

    Attributes:
        data: what it is fitted to, from the published data.
        how: arguments of `liminal.fit`, written out, so that it can be made again when the defaults have
            moved on.
        train, held: how many items of each split ship.
        notice: the licence that ships with it.
        decoded: whether the items are what the decoder gives.
    """

    data: Callable[[], Any]
    how: dict[str, Any]
    train: int
    held: int
    notice: str
    decoded: bool = False


def melodies(name: str, path: str, source: str, licence: str, **reading: Any) -> Dataset:
    """Melodies below ``LIMINAL_DATA``, with facts as attributes and no titles."""
    data = registry.dataset(Path(os.environ["LIMINAL_DATA"]) / path, voice=Terminal(), **reading)
    about = {**data.provenance, "source": source, "licence": licence}
    known = data.attributes.select(list(FACTS))
    return replace(data, name=name, attributes=known, provenance=about)


def tunes() -> Dataset:
    return melodies(
        "Nottingham tunes",
        "nottingham/ABC_cleaned",
        "Nottingham Music Database, 1,034 folk tunes in ABC, https://github.com/jukedeck/nottingham-dataset",
        "GPL-3.0 (of the tunes, which are not in this space)",
        meter="4/4",
    )


def chorales() -> Dataset:
    return melodies(
        "Bach chorales",
        "jsb_chorales/Jsb16thSeparated.json",
        "382 chorales by J. S. Bach, https://github.com/czhuang/JSB-Chorales-dataset",
        "none stated; the music is in the public domain (no chorales are in this space)",
        voices=4,
        bars=1,
    )


def digits() -> Dataset:
    """Spoken digits below ``LIMINAL_DATA``, with what was said and by whom, from the files' names."""
    folder = Path(os.environ["LIMINAL_DATA"]) / "fsdd" / "recordings"
    words = [(path.name, *path.stem.split("_")) for path in sorted(folder.glob("*.wav"))]
    lines = [
        f"{name},digit {digit},{who},{'held' if int(i) < HELD else 'train'}" for name, digit, who, i in words
    ]
    with tempfile.TemporaryDirectory() as temporary:
        table = Path(temporary) / "digits.csv"
        table.write_text("\n".join(["file,digit,speaker,split", *lines]))
        data = registry.dataset(folder, voice=Terminal(), attributes=table)
    about = {
        **data.provenance,
        "source": "Free Spoken Digit Dataset, https://github.com/Jakobovski/free-spoken-digit-dataset",
        "licence": "CC BY-SA 4.0 (no recordings are in this space)",
    }
    known = data.attributes.select(["digit", "speaker"])
    return replace(data, name="spoken digits", attributes=known, provenance=about)


ALL = {
    "fashion": Recipe(
        lambda: "fashion-mnist", {"dim": 16, "epochs": 8, "options": {}}, 8_400, 1_800, FASHION
    ),
    "tunes": Recipe(
        tunes, {"dim": 96, "epochs": 95, "options": {"beta": 0.5}}, 2_200, 400, TUNES, decoded=True
    ),
    "digits-spoken": Recipe(digits, {"dim": 32, "epochs": 90, "options": {}}, 500, 200, DIGITS, decoded=True),
    "reviews": Recipe(
        lambda: "reviews",
        {"dim": 32, "epochs": 15, "options": {"width": 16, "beta": 0.2}},
        3_000,
        800,
        REVIEWS,
    ),
    "furniture": Recipe(
        lambda: "furniture",
        {"dim": 24, "epochs": 11, "options": {"width": 8, "beta": 3.0}},
        1_000,
        500,
        FURNITURE,
    ),
    "chorales": Recipe(
        chorales, {"dim": 96, "epochs": 80, "options": {"beta": 0.1}}, 1_400, 700, CHORALES, decoded=True
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}; default: all")
    parser.add_argument(
        "--threads", type=int, default=1, help="1: the same weights on any machine of this kind (1)"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="keep the full spaces, with all items, in this folder; those that are there already are used",
    )
    args = parser.parse_args()
    unknown = sorted({*args.names} - {*ALL})
    if unknown:
        parser.error(f"no recipe for {unknown[0]}; there are {', '.join(ALL)}")
    with tempfile.TemporaryDirectory() as temporary:
        for name in args.names or ALL:
            make(name, (args.keep or Path(temporary)) / name, args.threads)


def make(name: str, folder: Path, threads: int) -> None:
    """Fit a space in a folder, unless it is there, and put a small copy where ready-made ones lie."""
    recipe = ALL[name]
    how = {**recipe.how, "batch": 64, "rate": 3e-3, "seed": 0, "threads": threads}
    folder.parent.mkdir(parents=True, exist_ok=True)
    liminal.fit(recipe.data(), folder, **how, resume=folder.exists(), voice=Terminal())
    space = liminal.open(folder)
    draw = np.random.default_rng(0)
    ids = []
    for split, count in (("train", recipe.train), ("held", recipe.held)):
        found = np.array(space.catalogue.table(columns=["id"], split=split)["id"])
        ids += sorted(draw.choice(found, count, replace=False).tolist())
    shutil.rmtree(SPACES / name, ignore_errors=True)
    SPACES.mkdir(exist_ok=True)
    space.save(SPACES / name, ids=ids, half=True, decoded=recipe.decoded, voice=Terminal())
    (SPACES / name / "NOTICE").write_text(recipe.notice)
    size = sum(f.stat().st_size for f in (SPACES / name).rglob("*") if f.is_file())
    print(f"{SPACES / name}: {len(ids):,} items, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
