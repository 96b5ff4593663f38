"""A million small pictures to latents by ``liminal encode``: the peak of memory, pictures a second, and
whether progress is shown.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import liminal
from liminal.datasets.sprites import small_sprites
from liminal.errors import LiminalError
from liminal.voice import Terminal, Voice

from . import figures
from .figures import OUT, Figure, Record
from .processes import Watched, watch


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("encode", __doc__ or "")
    options.add_argument(
        "--items", type=int, default=1_000_000, help="pictures drawn by code (a million: 0.8 GB in the cache)"
    )
    options.add_argument("--space", help="encode with this space instead of one trained for a moment")
    options.add_argument("--dim", type=int, default=16, help="latent dimensions of that")
    options.add_argument("--threads", type=int, default=None, help="CPU threads of the encode")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    if given.items < 1000:
        raise LiminalError(f"--items {given.items}: wanted 1,000 or more")
    record, voice = Record("encode", args, given), Terminal()
    folder = Path(given.space) if given.space else trained(given.dim, voice)
    few, many = max(given.items // 10, 500), given.items
    found = {}
    for count in (few, many):
        items = small_sprites(
            count, progress=lambda i, n: voice.progress("drawing", i / n, f"{i:,} of {n:,}")
        ).items
        voice.close()
        assert isinstance(items, np.memmap)
        found[count] = encoded(folder, Path(str(items.filename)), count, given)
    seen = found[many]
    lines = [line for line in seen.lines if line.startswith("encoding:")]
    megabytes = {count: {"peak": f.peak / 2**20, "private": f.private / 2**20} for count, f in found.items()}
    note = "files mapped into memory included"
    beside = {f"{few:,} pictures": megabytes[few]["peak"]}
    record.add(
        Figure(
            f"peak memory, {many:,} pictures",
            megabytes[many]["peak"],
            "MB",
            1500.0,
            "lower",
            beside,
            note=note,
        )
    )
    beside = {f"{few:,} pictures": megabytes[few]["private"]}
    record.add(
        Figure(
            f"peak of private memory, {many:,} pictures",
            megabytes[many]["private"],
            "MB",
            None,
            "lower",
            beside,
        )
    )
    grown = (found[many].private - found[few].private) / (many - few)
    own = {"the latent itself": 4.0 * liminal.open(folder).dim}
    record.add(Figure("private memory a further picture", grown, "bytes", None, "lower", own))
    record.add(
        Figure(
            "speed",
            many / seen.wall,
            "pictures/s",
            None,
            "higher",
            note=f"{seen.wall:,.0f} s, {seen.cpu:,.0f} CPU-s, start included",
        )
    )
    record.add(
        Figure(
            "lines of progress",
            len(lines),
            "",
            None,
            "higher",
            note=lines[-1] if lines else "a line comes every 10 s",
        )
    )
    record.finish()


def trained(dim: int, voice: Voice) -> Path:
    """A space trained for a moment: what its latents are worth does not matter here."""
    out = OUT / "sprites-space"
    liminal.fit(small_sprites(2000, seed=1), out, dim=dim, epochs=0.5, force=True, voice=voice)
    return out


def encoded(folder: Path, data: Path, count: int, given: Namespace) -> Watched:
    """``liminal encode`` of an npy file in a process of its own, watched; the latents are checked and
    removed.

    Raises:
        LiminalError: it failed, or wrote something else than one latent a picture.
    """
    out = OUT / "encoded.npy"
    argv = [sys.executable, "-m", "liminal", "encode", str(folder), str(data), "-o", str(out), "--force"]
    seen = watch([*argv, *(["--threads", str(given.threads)] if given.threads else [])])
    if seen.code:
        raise LiminalError(
            f"liminal encode ended with {seen.code}: {seen.lines[-1] if seen.lines else 'no word why'}"
        )
    z = np.load(out, mmap_mode="r", allow_pickle=False)
    if len(z) != count or not np.isfinite(z[:: max(1, count // 1000)]).all():
        raise LiminalError(
            f"liminal encode wrote {len(z):,} latents of {count:,} pictures, or NaN among them"
        )
    out.unlink()
    return seen
