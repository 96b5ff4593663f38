"""Names of things, above the things they name: models, priors, modalities, datasets, ready-made spaces."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .errors import LiminalError, unknown
from .files import atomic_bytes, cache_folder
from .modalities import Modality
from .voice import Voice

if TYPE_CHECKING:
    from .datasets import Dataset

MODELS = {
    "ae": "liminal.models.autoencoder:AE",
    "vae": "liminal.models.vae:VAE",
    "wae": "liminal.models.wae:WAE",
    "given": "liminal.models.given:Given",
}
# of kinds that read the same files the first counts
MODALITIES = {
    "image": "liminal.modalities.image:Image",
    "table": "liminal.modalities.table:Table",
    "melody": "liminal.modalities.melody:Melody",
    "audio": "liminal.modalities.audio:Audio",
    "text": "liminal.modalities.text:Text",
    "shape": "liminal.modalities.shape:Shape",
}
DATASETS = {  # where it is made, what it is, its modality
    "faces": (
        "liminal.datasets.faces:faces",
        "cartoon portraits drawn by code, 64 x 64 colour, 12 known factors",
        "image",
    ),
    "sprites": (
        "liminal.datasets.sprites:sprites",
        "the dSprites grid drawn by code, 64 x 64 grey, 5 known factors",
        "image",
    ),
    "patients": (
        "liminal.datasets.patients:patients",
        "20,000 made-up patients drawn by code: numbers, yes/no, categories, dates and gaps with known "
        "dependencies",
        "table",
    ),
    "melodies": (
        "liminal.datasets.melodies:melodies",
        "8,000 melodies of two bars drawn by code, 7 known factors",
        "melody",
    ),
    "sounds": (
        "liminal.datasets.sounds:sounds",
        "4,000 sounds of half a second drawn by code, 7 known factors",
        "audio",
    ),
    "furniture": (
        "liminal.datasets.furniture:furniture",
        "6,000 chairs, tables and couches drawn by code, 32 x 32 x 32 cells, 14 known factors",
        "shape",
    ),
    "reviews": (
        "liminal.datasets.reviews:reviews",
        "24,000 short reviews in English drawn by code, 7 known factors",
        "text",
    ),
    "fashion-mnist": (
        "liminal.datasets.mnist:fashion_mnist",
        "70,000 grey pictures of clothes, 28 x 28, 10 classes (MIT)",
        "image",
    ),
    "mnist": ("liminal.datasets.mnist:mnist", "70,000 handwritten digits, 28 x 28", "image"),
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


def modalities() -> dict[str, type[Modality]]:
    """Every kind of data by name."""
    return {name: load(entry) for name, entry in MODALITIES.items()}


def dataset(
    data: Any,
    attributes: str | Path | None = None,
    modality: str | Modality | None = None,
    voice: Voice | None = None,
    **options: Any,
) -> Dataset:
    """The dataset that `data` stands for: an existing path, the name of a known dataset, an array, or a
    dataset already.

    A column ``split`` of the attributes tells which items are held out, see `splits.own_split`.

    Args:
        data: an existing path wins over a dataset's name; ``FILE#n`` is one item of a file that holds many.
            Arrays are stored items, or anything `datasets.columns` understands. A data frame, or a table of
            Arrow's, is rows.
        attributes: a CSV or Parquet file, joined by file name.
        modality: the kind of data by name, for paths and arrays; None: what the data look like, which is
            said; or a modality to read them exactly as a space does.
        voice: hears progress and remarks.
        options: of the modality (``size``, ``fit``) or of the drawn dataset (``n``, ``seed``).

    Raises:
        LiminalError: there is no such path, dataset or modality, it cannot be read, or is of another kind
        than the modality.
    """
    # what reads files takes long to load, and few commands read any
    from .datasets import Dataset, paths, splits
    from .datasets.attributes import with_attributes

    voice = voice or Voice()
    options = {k: v for k, v in options.items() if v is not None}
    if isinstance(modality, str):
        named("modality", modality, MODALITIES)
    table = None if attributes is None else Path(attributes)

    def progress(done: int, total: int) -> None:
        voice.progress("reading", done / max(total, 1), f"{done:,} of {total:,}")

    if isinstance(data, Dataset):
        _same_kind(f"dataset {data.name}", type(data.modality), modality)
        found = data
    elif isinstance(data, np.ndarray):
        found = _array(data, modality, options, progress)
    elif not isinstance(data, str | Path):
        return dataset(_adopted(data), attributes, modality, voice, **options)
    elif data == "":  # as a path, the folder that one is in
        raise LiminalError("data '': wanted a path or the name of a dataset")
    elif Path(data).exists() or paths.located(data):
        found = _read(data, modality, table, voice, options, progress)
    elif str(data) in DATASETS:
        found = _drawn(str(data), modality, options, progress)
    elif isinstance(data, Path) or "/" in str(data):
        raise LiminalError(f"data {data}: there is no such file or folder")
    else:
        raise unknown("data", str(data), DATASETS, "There is no such path either.")
    found = splits.own_split(with_attributes(found, table))
    _tell(found, voice)
    return found


def _read(
    data: str | Path,
    modality: str | Modality | None,
    attributes: Path | None,
    voice: Voice,
    options: dict[str, Any],
    progress: Callable[[int, int], None],
) -> Dataset:
    """The dataset at a path, or at ``FILE#n``; arguments as of `dataset`."""
    from .datasets import kinds, paths

    if str(data) in DATASETS:
        voice.say(f"reading the path {data}; the dataset of that name is not meant, as an existing path wins")
    if isinstance(modality, Modality):
        return paths.read(data, modality, progress=progress, **options)
    file = paths.located(data)
    kind, said = kinds.choose(file[0] if file else Path(data), modalities(), modality, attributes)
    for line in said:
        voice.say(line)
    _own_options(str(data), kind, options)
    return paths.read(data, kind, progress=progress, **options)


def _tell(found: Dataset, voice: Voice) -> None:
    """Say what there is to say of the data, and warn of inputs that were skipped."""
    for note in found.notes:
        voice.say(note)
    if found.skipped:
        first = "; ".join(f"{name}: {why}" for name, why in found.skipped[:5])
        more = f" and {len(found.skipped) - 5} more" if len(found.skipped) > 5 else ""
        voice.warn(f"{len(found.skipped)} of {len(found) + len(found.skipped)} inputs skipped: {first}{more}")


def _adopted(data: Any) -> Path:
    """A file in the user's cache that holds what somebody has in memory, such as a data frame.

    Raises:
        LiminalError: no kind of data takes such.
    """
    for name, kind in modalities().items():
        held = kind.adopt(data)
        if held is not None:
            file = cache_folder("held", hashlib.sha256(held).hexdigest()[:20]) / f"{name}{kind.adopted}"
            if not file.exists():
                atomic_bytes(file, held)
            return file
    raise LiminalError(
        f"data: {type(data).__name__}; wanted a path, the name of a dataset, an array or a data frame"
    )


def _same_kind(what: str, kind: type[Modality], modality: str | Modality | None) -> None:
    """Refuse to read data that have a kind of their own as another."""
    wanted = load(MODALITIES[modality]) if isinstance(modality, str) else modality and type(modality)
    if wanted is not None and kind is not wanted:
        how = "leave --modality out" if isinstance(modality, str) else f"this space holds {wanted.plural}"
        raise LiminalError(f"{what} holds {kind.plural}; {how}")


def _own_options(data: str, kind: type[Modality], options: dict[str, Any]) -> None:
    """Refuse an option of another kind than the data's; what no kind knows is left to the kind itself."""
    own = [option.name for option in kind.options]
    for name in options:
        other = next(
            (k for k in modalities().values() if name in {option.name for option in k.options}), None
        )
        if name not in own and other is not None:
            takes = f"they take {', '.join(map(_flag, own))}" if own else "they take none"
            raise LiminalError(
                f"{_flag(name)} is an option of {other.plural}, and {data} holds {kind.plural}; {takes}"
            )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _array(
    data: np.ndarray,
    modality: str | Modality | None,
    options: dict[str, Any],
    progress: Callable[[int, int], None],
) -> Dataset:
    """A dataset of the items in an array."""
    from .datasets import Dataset
    from .datasets.arrays import array_dataset

    names = [f"array#{i}" for i in range(len(data))]
    if isinstance(modality, Modality) and not modality.arrays:  # stored items, or nothing
        return Dataset("array", modality, data, names, pa.table({}))
    adopts = next(kind for kind in modalities().values() if kind.arrays)
    _same_kind("an array", adopts, modality)
    if isinstance(modality, Modality):
        options = {**modality.config(), **options}
    else:
        _own_options("an array", adopts, options)
    return array_dataset(
        "array",
        data,
        place=Path("array"),
        state=[hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()],
        sources=names,
        attributes=pa.table({}),
        progress=progress,
        **options,
    )


def _drawn(
    name: str, modality: str | Modality | None, options: dict[str, Any], progress: Callable[[int, int], None]
) -> Dataset:
    """A dataset by its name.

    One that is drawn takes a size, not a modality; for a given modality it must come out right by itself.
    """
    entry, _, kind = DATASETS[name]
    _same_kind(f"dataset {name}", load(MODALITIES[kind]), modality)
    make = load(entry)
    parameters = inspect.signature(make).parameters
    if isinstance(modality, Modality):
        options = {k: v for k, v in options.items() if k not in modality.config()}
    wrong = sorted(set(options) - set(parameters))
    if wrong and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise LiminalError(
            f"dataset {name} takes no {wrong[0]}; it takes "
            f"{', '.join(sorted(set(parameters) - {'progress'}))}"
        )
    found: Dataset = make(progress=progress, **options)
    if isinstance(modality, Modality) and found.modality.item_shape != modality.item_shape:
        raise LiminalError(
            f"dataset {name} gives items of {found.modality.item_shape}; this space holds items of "
            f"{modality.item_shape}"
        )
    return found
