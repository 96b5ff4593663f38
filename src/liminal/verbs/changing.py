"""Changes to a space on disk: a copy, new attributes, more items.

The card, which names every part's version, is written last.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import build, registry, rows
from ..card import read_weights, table_entry, write_weights
from ..catalogue import Catalogue
from ..core import Core, vectors
from ..datasets import Dataset
from ..datasets.attributes import join_attributes
from ..errors import LiminalError
from ..files import atomic, check_output
from ..generator import Autoencoder
from ..voice import Voice, speaking

DECODED = "its items are what the decoder gives of latents of the data, not the data themselves"


def save(
    space: Core,
    folder: str | Path,
    ids: Sequence[int] | None = None,
    half: bool = False,
    decoded: bool = False,
    voice: Voice | None = None,
) -> None:
    """A copy of the space in a new folder.

    Args:
        folder: of the copy; it must not exist.
        ids: items to keep, numbered anew in this order; None: all.
        half: keep weights in half precision (half the size; codes and figures are computed anew with the
            rounded weights).
        decoded: keep, in the place of each item, what the decoder gives of its latent, and the latent of
            that, so that a space can be handed on whose data may not be.
        voice: hears progress.

    Raises:
        LiminalError: the folder exists, or cannot be written.
    """
    speak = voice or speaking()
    chosen = np.arange(len(space.catalogue)) if ids is None else np.asarray(ids, dtype=np.int64)
    generator = copy.deepcopy(space.generator)
    if half:
        generator.half().float()
    with atomic(check_output(folder, False, "space")) as part:
        part.mkdir()
        entries: dict[str, dict[str, Any]] = {}
        for name, entry in space.card.parts.items():
            if name.endswith(".safetensors"):
                tensors = read_weights(space.folder, name, entry)
                if half and name != "directions.safetensors":
                    tensors = {k: t.half() if t.is_floating_point() else t for k, t in tensors.items()}
                about = {k: v for k, v in entry.items() if k not in ("file", "sha256", "bytes")}
                entries[name] = {**about, **write_weights(part, name, tensors)}
        fields = {
            k: {"number": pa.float64(), "bool": pa.bool_(), "category": pa.string()}[v]
            for k, v in space.card.attributes.items()
        }
        table = Catalogue.create(part, _copied(space, generator, chosen, decoded, speak), space.dim, fields)
        entries["items.lance"] = table_entry(part, "items.lance", table.version)
        held = len(table.table(columns=["id"], split="held"))
        data = {**space.card.data, "n_train": len(chosen) - held, "n_held": held}
        notes = [*space.card.notes, *([DECODED] if decoded and DECODED not in space.card.notes else [])]
        replace(space.card, parts=entries, data=data, notes=notes).commit(part)
    speak.close()


def _copied(
    space: Core, generator: Autoencoder, ids: np.ndarray, decoded: bool, voice: Voice, size: int = 2000
) -> Iterator[pa.RecordBatch]:
    """Rows of the catalogue with codes from `generator`."""
    kind = space.modality
    for i in range(0, len(ids), size):
        part = ids[i : i + size]
        table = space.catalogue.rows(part, ["split", "source", "item", *space.card.attributes])
        packed = table["item"].to_pylist()
        z = generator.encode(kind.tensor(np.stack([kind.unpack(p) for p in packed])))
        if decoded:
            items = kind.items(generator.decode(z))
            packed, z = [kind.pack(item) for item in items], generator.encode(kind.tensor(items))
        attributes = table.select(list(space.card.attributes)) if space.card.attributes else None
        splits, sources = table["split"].to_pylist(), table["source"].to_pylist()
        yield rows.batch(z.cpu().numpy(), splits, packed, sources, attributes)
        voice.progress("copying", min(1.0, (i + size) / len(ids)))


def label(space: Core, attributes: str | Path, voice: Voice | None = None) -> list[str]:
    """Add attributes to the items (or set those of the same name), and learn their directions anew.

    Args:
        attributes: a CSV or Parquet file, joined to the items by file name. Items that it does not name
            or gives no value keep theirs.
        voice: hears progress, what each column became, and how many values of each attribute were set
            and kept.

    Returns:
        The names of the attributes in the file.

    Raises:
        LiminalError: no row of the file belongs to an item, or the space is ready-made.
    """
    _writable(space, "label")
    voice = voice or speaking()
    sources = space.catalogue.table(columns=["source"])["source"].to_pylist()
    table = join_attributes(Path(attributes), sources, voice.say)
    table = table.append_column("id", pa.array(np.arange(len(table))))
    names = [name for name in table.column_names if name != "id"]
    before = space.catalogue
    version = before.set_attributes(table)
    for name in names:
        left = (
            before.table(columns=[name])[name].filter(pc.is_null(table[name]))
            if name in before.attributes
            else pa.array([])
        )
        kept = len(left) - left.null_count
        voice.say(
            f"{name}: set for {len(table) - table[name].null_count:,} items"
            + (f", kept for {kept:,}" if kept else "")
        )
    _commit(space, version, voice, learn=True)
    return names


def add(space: Core, data: Any, voice: Voice | None = None, **reading: Any) -> int:
    """Encode more data and append the items to the catalogue.

    They join the split ``train``; nothing is trained anew. Attributes that the space does not know are
    left out. Items that it holds already, by source and content, are added once more, and counted in a
    warning.

    Returns:
        How many items were added.

    Raises:
        LiminalError: the data cannot be read, or the space is ready-made.
    """
    _writable(space, "encode --add")
    voice = voice or speaking()
    items = _dataset(space, data, voice, reading)
    known = [name for name in items.attributes.column_names if name in space.card.attributes]
    items = replace(items, attributes=items.attributes.select(known))
    if again := _held_already(space, items):
        voice.warn(f"{again:,} of {len(items):,} items are in the space already and now count twice")
    z = build.encode_all(space.generator, space.modality, items.items, voice)
    version = space.catalogue.append(build.batches(items, np.zeros(len(items), bool), z, voice))
    space.card.data["n_train"] += len(items)
    _commit(space, version, voice, learn=False)
    return len(items)


def encode_data(
    space: Core, data: Any, voice: Voice | None = None, **reading: Any
) -> tuple[np.ndarray, pa.Table]:
    """Latents of a whole folder, file or dataset, at constant memory.

    Returns:
        z (n, d) float32, and n rows with ``source`` and the attributes.
    """
    voice = voice or speaking()
    items = _dataset(space, data, voice, reading)
    z = build.encode_all(space.generator, space.modality, items.items, voice)
    columns = {"source": pa.array(list(items.sources), pa.string())}
    columns |= {name: items.attributes.column(name) for name in items.attributes.column_names}
    return z, pa.table(columns)


def _held_already(space: Core, items: Dataset) -> int:
    """How many of these the catalogue holds with the same source and the same content."""
    sources = space.catalogue.table(columns=["source"])["source"].to_pylist()
    ids = {source: i for i, source in enumerate(sources)}
    rows = [row for row, source in enumerate(items.sources) if source in ids]
    found = 0
    for start in range(0, len(rows), 256):
        some = rows[start : start + 256]
        held = space.items([ids[items.sources[row]] for row in some])
        found += int((held == items.items[some]).reshape(len(some), -1).all(1).sum())
    return found


def _dataset(space: Core, data: Any, voice: Voice, reading: dict[str, Any]) -> Dataset:
    """Data read as this space's modality reads them."""
    return registry.dataset(data, None, space.modality, voice, **reading)


def _writable(space: Core, verb: str) -> None:
    if registry.READY in space.folder.absolute().parents:
        raise LiminalError(
            f"{verb}: {space.folder.name} is ready-made and never changed; copy the folder {space.folder} "
            "and use the copy"
        )


def _commit(space: Core, version: int, voice: Voice, learn: bool) -> None:
    """Make a new version of the catalogue the space's own, with what is learned from its attributes; the
    card comes last.
    """
    table = Catalogue.open(space.folder, version)
    before = space.card.parts["items.lance"]
    space.card.parts["items.lance"] = table_entry(space.folder, "items.lance", version, before)
    space.card.attributes = table.attributes
    space.__dict__["catalogue"] = table
    if learn:
        known = table.table(columns=["id", "z", "split", *table.attributes])
        held, z = np.array(known["split"].to_pylist()) == "held", vectors(known, space.dim).numpy()
        known = known.select(list(table.attributes))
        items = build.Lazy(space.items, len(table))
        space.card.parts |= build.learn_attributes(
            space.generator,
            space.modality,
            known,
            items,
            z,
            held,
            space.folder,
            space.card.seed,
            voice,
            space.card.model.get("dimensions"),
        )
    space.card.commit(space.folder)
    voice.close()
    space.forget()
