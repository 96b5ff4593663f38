"""Makes the pictures of the studio in docs/pictures/studio: every view in light, in dark and on a narrow
screen.

    python scripts/screens.py [--space SPACE] [--views start,path] [--items 3,10] [--formula "@3 + smile"]
        [--name faces]

Wants chromium. The views of one space can be made after those of another: what is not asked for stays as it
is. Composing wants a space whose items have a length: --views compose --space tunes. Pictures of one kind of
data are called by it: --name shapes --space furniture --views path.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

import web

PICTURES = web.ROOT / "docs" / "pictures" / "studio"
VIEWS = (
    *("start", "item", "path", "directions", "dimensions"),
    *("style", "complete", "sample", "list", "report", "formula", "tour"),
)
WIDEST = {"light": 1120, "dark": 1120, "narrow": 480}  # pixels
QUALITY = 68


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the studio.")
    parser.add_argument("--space", default="fashion")
    parser.add_argument("--views", default=",".join(VIEWS), help="compose too")
    parser.add_argument("--items", default="3,10", help="ids of the items that are shown")
    parser.add_argument("--formula", default="@3 + @10 - @7")
    parser.add_argument("--name", default="", help="what files are called before the view")
    given = parser.parse_args()
    space = str(Path(given.space).absolute()) if Path(given.space).is_dir() else given.space
    web.build()
    web.ready(folder := web.node())
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    with tempfile.TemporaryDirectory() as made:
        web.run(
            folder,
            "node",
            "test/screens.mjs",
            made,
            space,
            given.views,
            given.items,
            given.formula,
            PATH=path,
        )
        for shot in sorted(Path(made).glob("*.png")):
            with Image.open(shot) as picture:
                width = WIDEST[shot.stem.rpartition("-")[2]]
                small = picture.convert("RGB").resize(
                    (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
                )
            name = f"{given.name}-{shot.stem}" if given.name else shot.stem
            small.save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)
            print(PICTURES / f"{name}.webp")


if __name__ == "__main__":
    main()
