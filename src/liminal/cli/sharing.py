"""The command that writes a space as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import console
from .options import Force, Layout, Quiet, SpaceName, Threads, flag, option


def share(
    space: SpaceName,
    out: Annotated[Path, option("-o --output", "FILE", "The page, a name that ends in .html.")],
    items: Annotated[
        int,
        typer.Option(
            "--items", metavar="N", min=1, help="Items to show; a random choice where there are more."
        ),
    ] = 3000,
    no_items: Annotated[
        bool, flag("--no-items", "For private items: no thumbnail, latent or attribute of any single one.")
    ] = False,
    method: Layout = "umap",
    threads: Threads = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write a space as one HTML file in which the model still works.

    It opens by double click, without a network and without Liminal: map, microscope, paths, sliders, samples
    and formulas are computed in the browser. Whoever has the file has the model.

    \b
    Examples:
      liminal share fashion -o page.html
      liminal share photos-space --no-items -o page.html
    """
    from ..tensors import set_threads

    console.output(out, force, (".html", ".htm"))
    set_threads(threads)
    with console.speaking(quiet) as voice:
        from ..studio import share as sharing

        size = sharing.share(space, out, items, no_items=no_items, method=method, force=force, voice=voice)
    console.say(f"wrote {space} to {out}, {size / 1e6:.1f} MB", quiet)
