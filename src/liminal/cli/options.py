"""Arguments and options that commands share, and how a command opens its space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..collection import Collection
    from ..space import Space

ITEM = (
    "@12 (the item with id 12), a file, FILE#n (of many in a file), a row that is typed: 'row(age=40)', "
    "or a formula: 'mean(label=Bag)'."
)


def argument(metavar: str, help: str) -> Any:
    """An argument of a command."""
    return typer.Argument(metavar=metavar, help=help)


def option(names: str, metavar: str, help: str) -> Any:
    """An option with a value; `names` are separated by spaces."""
    return typer.Option(*names.split(), metavar=metavar, help=help)


def flag(names: str, help: str) -> Any:
    """An option that is on or off."""
    return typer.Option(*names.split(), help=help)


SpaceName = Annotated[str, argument("SPACE", "Folder of a space, or the name of a ready-made one.")]
ItemName = Annotated[str, argument("ITEM", ITEM)]
Force = Annotated[bool, flag("--force", "Replace what is there already.")]
Quiet = Annotated[bool, flag("-q --quiet", "No progress, no remarks, no closing line.")]
Json = Annotated[bool, flag("--json", "Figures as JSON on standard output.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same result.")]
Threads = Annotated[int | None, option("--threads", "N", "CPU threads.")]
Device = Annotated[
    str | None, option("--device", "NAME", "cpu, cuda, cuda:1 or mps; default: the best there is.")
]
Layout = Annotated[str, option("--method", "NAME", "Of the map: umap, tsne or pca.")]
Drawing = Annotated[Path | None, option("-o --output", "FILE", "A picture of them, too (.png, .jpg, .webp).")]
PngOrFolder = Annotated[
    Path,
    option(
        "-o --output",
        "PATH",
        "One grid (.png), a folder of files (no ending), or one file where the kind has such (.csv).",
    ),
]


def glanced(name: str) -> Collection:
    """The items and the card of the space that a name or folder stands for, without its model: it loads no
    torch.
    """
    from ..collection import collection

    return collection(name)


def opened(name: str, threads: int | None = None, device: str | None = None) -> Space:
    """The space that a name or folder stands for."""
    from .. import opening
    from ..tensors import set_threads

    set_threads(threads)
    return opening.open(name, device=device)
