"""The pictures of the README, from what `make demo` wrote: run it after a demo that is worth showing.

    make demo && .venv/bin/python scripts/pictures.py

Still pictures are taken as they are, losslessly packed; of the morph every second frame, at a smaller size,
so that the README loads at once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from liminal.errors import LiminalError
from liminal.files import atomic
from liminal.show import film

STILLS = ("reconstructions.png", "smile.png", "map.png")
MORPH = "morph.gif"
SIDE, SKIP, FPS = 192, 2, 12
MOST = 1_000_000  # bytes of one picture


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="what `make demo` wrote (demo)")
    parser.add_argument(
        "--out", type=Path, default=Path("docs/pictures"), help="folder for the pictures (docs/pictures)"
    )
    args = parser.parse_args()
    try:
        for path in write(args.demo, args.out):
            print(f"{path}: {path.stat().st_size:,} bytes")
    except LiminalError as error:
        print(f"scripts/pictures.py: {error}", file=sys.stderr)
        return 2
    return 0


def write(demo: Path, out: Path) -> list[Path]:
    """The four pictures.

    Args:
        demo: folder that `make demo` wrote.
        out: folder for them; made if it is missing.

    Raises:
        LiminalError: a picture of the demo is missing, or one would be too large for a README.
    """
    for name in (*STILLS, MORPH):
        if not (demo / name).is_file():
            raise LiminalError(f"{demo / name} is missing; run `make demo` first")
    out.mkdir(parents=True, exist_ok=True)
    for name in STILLS:
        with Image.open(demo / name) as picture, atomic(out / name) as part:
            picture.convert("RGB").save(part, optimize=True)
    film.gif([small(frame) for frame in frames(demo / MORPH)[::SKIP]], out / MORPH, FPS, least=SIDE)
    written = [out / name for name in (*STILLS, MORPH)]
    for path in written:
        if path.stat().st_size > MOST:
            raise LiminalError(f"{path} has {path.stat().st_size:,} bytes; wanted {MOST:,} at most")
    return written


def frames(path: Path) -> list[Image.Image]:
    """The frames of a gif as RGB pictures; one that is shown longer because it was the same comes as often as
    it was.
    """
    found = []
    with Image.open(path) as film:
        for frame in ImageSequence.Iterator(film):
            found += [frame.convert("RGB")] * max(1, round(frame.info["duration"] / 40))
    return found


def small(frame: Image.Image) -> Image.Image:
    """The frame at its own pixels, before they were enlarged by a whole factor."""
    pixels = np.asarray(frame)
    for factor in range(8, 1, -1):
        if not any(side % factor for side in frame.size):
            tiny = pixels[::factor, ::factor]
            if np.array_equal(tiny.repeat(factor, 0).repeat(factor, 1), pixels):
                return Image.fromarray(tiny)
    return frame


if __name__ == "__main__":
    sys.exit(main())
