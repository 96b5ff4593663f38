"""Names of things, above the things they name: models, priors, modalities, datasets, ready-made spaces."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .datasets import Dataset, paths
from .datasets.arrays import array_dataset
from .datasets.attributes import with_attributes
from .errors import LiminalError, unknown
from .modalities import Modality
from .voice import Voice

MODELS = {
    "ae": "liminal.models.autoencoder:AE",
    "vae": "liminal.models.vae:VAE",
    "wae": "liminal.models.wae:WAE",
}
MODALITIES = {
    "image": "liminal.modalities.image:Image",
    "table": "liminal.modalities.table:Table",
}
DATASETS = {
    "faces": (
        "liminal.datasets.faces:faces",
        "cartoon portraits drawn by code, 64 x 64 colour, 12 known factors",
    ),
    "sprites": (
        "liminal.datasets.sprites:sprites",
        "the dSprites grid drawn by code, 64 x 64 grey, 5 known factors",
    ),
    "patients": (
        "liminal.datasets.patients:patients",
        "20,000 made-up patients drawn by code: numbers, yes/no, categories, dates and gaps with known dependencies",
    ),
    "fashion-mnist": (
        "liminal.datasets.mnist:fashion_mnist",
        "70,000 grey pictures of clothes, 28 x 28, 10 classes (MIT)",
    ),
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
    return (
        {p.name: p for p in sorted(READY.iterdir()) if (p / "card.json").is_file()} if READY.is_dir() else {}
    )


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
    raise unknown(
        "space",
        str(name),
        found,
        "Give a folder that `liminal fit` made, or a name that `liminal spaces` lists.",
    )


def dataset(
    data: str | Path | np.ndarray | Dataset,
    attributes: str | Path | None = None,
    modality: str | Modality = "image",
    voice: Voice | None = None,
    **options: Any,
) -> Dataset:
    """The dataset that `data` stands for: an existing path, the name of a known dataset, an array, or a dataset already.

    Args:
        data: an existing path wins over a dataset's name. Arrays are stored items, or anything `datasets.columns` understands.
        attributes: a CSV or Parquet file, joined by file name.
        modality: the kind of data, for paths and arrays, by name; or a modality to read them exactly as a space does.
        voice: hears progress and remarks.
        options: of the modality (``size``, ``fit``) or of the drawn dataset (``n``, ``seed``).

    Raises:
        LiminalError: there is no such path or dataset, or it cannot be read.
    """
    voice = voice or Voice()
    options = {k: v for k, v in options.items() if v is not None}
    if isinstance(modality, Modality):
        kind, options = type(modality), {**modality.config(), **options}
    else:
        kind = named("modality", modality, MODALITIES)

    def progress(done: int, total: int) -> None:
        voice.progress("reading", done / max(total, 1), f"{done:,} of {total:,}")

    if isinstance(data, Dataset):
        found = data
    elif isinstance(data, np.ndarray):
        state = [hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()]
        names = [f"array#{i}" for i in range(len(data))]
        found = array_dataset(
            "array",
            data,
            place=Path("array"),
            state=state,
            sources=names,
            attributes=pa.table({}),
            progress=progress,
            **options,
        )
    elif Path(data).exists():
        if str(data) in DATASETS:
            voice.say(
                f"reading the path {data}; the dataset of that name is not meant, as an existing path wins"
            )
        found = paths.read(Path(data), kind, progress=progress, **options)
    elif str(data) in DATASETS:
        found = _drawn(str(data), modality, options, progress)
    elif isinstance(data, Path) or "/" in str(data):
        raise LiminalError(f"data {data}: there is no such file or folder")
    else:
        raise unknown("data", str(data), DATASETS, "There is no such path either.")
    found = with_attributes(found, None if attributes is None else Path(attributes))
    for note in found.notes:
        voice.say(note)
    if found.skipped:
        first = "; ".join(f"{name}: {why}" for name, why in found.skipped[:5])
        more = f" and {len(found.skipped) - 5} more" if len(found.skipped) > 5 else ""
        voice.warn(f"{len(found.skipped)} of {len(found) + len(found.skipped)} inputs skipped: {first}{more}")
    return found


def _drawn(
    name: str, modality: str | Modality, options: dict[str, Any], progress: Callable[[int, int], None]
) -> Dataset:
    """A dataset by its name. One that is drawn takes a size, not a modality; for a given modality it must come out right by itself."""
    make = load(DATASETS[name][0])
    parameters = inspect.signature(make).parameters
    if isinstance(modality, Modality):
        options = {k: v for k, v in options.items() if k not in modality.config()}
    wrong = sorted(set(options) - set(parameters))
    if wrong and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise LiminalError(
            f"dataset {name} takes no {wrong[0]}; it takes {', '.join(sorted(set(parameters) - {'progress'}))}"
        )
    found: Dataset = make(progress=progress, **options)
    if isinstance(modality, Modality) and found.modality.item_shape != modality.item_shape:
        raise LiminalError(
            f"dataset {name} gives items of {found.modality.item_shape}; this space holds items of {modality.item_shape}"
        )
    return found
