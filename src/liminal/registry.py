"""Names of things, above the things they name: models, priors, modalities, datasets, ready-made spaces."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from .errors import LiminalError, unknown

MODELS = {"ae": "liminal.models.autoencoder:AE", "vae": "liminal.models.vae:VAE", "wae": "liminal.models.wae:WAE"}
MODALITIES = {"image": "liminal.modalities.image:Image"}
DATASETS = {
    "faces": ("liminal.datasets.faces:faces", "cartoon portraits drawn by code, 64 x 64 colour, 11 known factors"),
    "sprites": ("liminal.datasets.sprites:sprites", "the dSprites grid drawn by code, 64 x 64 grey, 5 known factors"),
    "fashion-mnist": ("liminal.datasets.mnist:fashion_mnist", "70,000 grey pictures of clothes, 28 x 28, 10 classes (MIT)"),
    "mnist": ("liminal.datasets.mnist:mnist", "70,000 handwritten digits, 28 x 28"),
}
READY = Path(__file__).parent / "spaces"


def load(entry: str) -> Any:
    """The object that ``"module:name"`` stands for."""
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


def named(what: str, name: str, table: dict[str, str]) -> Any:
    """The entry called `name`, loaded; an unknown name is answered with the nearest known ones.

    Raises:
        LiminalError: there is no such entry.
    """
    if name not in table:
        raise unknown(what, name, table)
    return load(table[name])


def ready_made() -> dict[str, Path]:
    """The ready-made spaces that come with Liminal: name -> folder."""
    return {p.name: p for p in sorted(READY.iterdir()) if (p / "card.json").is_file()} if READY.is_dir() else {}


def space_folder(name: str | Path) -> Path:
    """The folder of a space: an existing path wins over the name of a ready-made space.

    Raises:
        LiminalError: neither exists.
    """
    path = Path(name)
    if path.is_dir():
        return path
    if path.exists():
        raise LiminalError(f"{path} is a file; wanted the folder of a space, or the name of a ready-made one")
    found = ready_made()
    if str(name) in found:
        return found[str(name)]
    raise unknown("space", str(name), found, "Give a folder that `liminal fit` made, or a name that `liminal spaces` lists.")
