"""The command line: parse, call `Space`, show.

Each command imports what it needs when it runs, so that help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from .. import __version__
from . import composing, console, facts, fitting, pictures, seeing, sharing, studio, walking

app = typer.Typer(
    help="See, walk, edit, measure and share latent spaces.",
    epilog="First steps:  liminal spaces   |   liminal sample fashion -n 64 -o grid.png   |   liminal fit "
    "photos/ -o photos-space",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command(cls=fitting.ReadingOptions)(fitting.fit)
app.command()(facts.info)
app.command()(fitting.encode)
app.command(cls=console.Formulas)(pictures.decode)
app.command(cls=console.Formulas)(pictures.sample)
app.command(cls=console.Formulas)(pictures.reconstruct)
app.command(cls=console.Formulas)(seeing.neighbors)
app.command(cls=console.Formulas)(walking.morph)
app.command(cls=console.Formulas)(walking.edit)
app.command(cls=console.Formulas)(walking.directions)
app.command(cls=console.Formulas)(walking.transfer)
app.command(cls=console.Formulas)(composing.complete)
app.command(cls=console.Formulas)(composing.compose)
app.command(name="map")(seeing.map_)
app.command()(seeing.clusters)
app.command(cls=console.Formulas)(seeing.unusual)
app.command()(studio.studio)
app.command()(sharing.share)
app.command()(facts.measure)
app.command()(facts.meaning)
app.command()(facts.stability)
app.command()(fitting.label)
app.command()(facts.spaces)
app.command()(facts.datasets)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"liminal {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version and stop.")
    ] = False,
) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 2 wrong input, 130 interrupted, 1 a fault of our
    own.
    """
    return console.run(app, sys.argv[1:] if argv is None else argv)
