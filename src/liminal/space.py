"""`Space`: a generator, its modality and the catalogue of real items encoded with it; each verb once."""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from . import build, registry, rows
from .card import Card, read_weights, write_weights
from .catalogue import Catalogue
from .datasets import Dataset
from .datasets.attributes import join_attributes
from .errors import LiminalError, unknown
from .files import atomic, check_output
from .generator import Autoencoder
from .maps.project import Map, project
from .measures import Report, measure
from .measures.reader import Reader
from .modalities import Modality
from .ops import directions, edits, formula, mixing, paths
from .ops.directions import Direction
from .ops.samples import Samples
from .priors import Prior
from .tensors import rng
from .voice import Voice, speaking

Item = str | int | Path | Tensor | np.ndarray


class Space:
    """What a user holds: a trained (or wrapped) model with its items.

    Made by `liminal.fit`, `liminal.open` or `liminal.wrap`. Items are named as on the command line: ``"@12"`` (or the integer 12),
    a file, or a formula such as ``"mean(label=Sandal)"``; a latent (d,) is taken as it is.

    Attributes:
        generator: the model.
        modality: how items look and how they are read and written.
        card: what is known about the space.
        folder: where it lives.
        samplers: by name: ``prior``, ``mixture``, ``flow``.
    """

    def __init__(self, generator: Autoencoder, modality: Modality, card: Card, folder: Path, samplers: dict[str, Prior]) -> None:
        self.generator, self.modality, self.card, self.folder, self.samplers = generator, modality, card, folder, samplers
        self._kept: tempfile.TemporaryDirectory[str] | None = None

    def __repr__(self) -> str:
        model, data = self.card.model["class"], self.card.data
        return f"Space({str(self.folder)!r}: {model}, {self.dim} dimensions, {data['n_train'] + data['n_held']:,} items of {data['name']})"

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return self.generator.dim

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items' database, at the version that the card names."""
        return Catalogue.open(self.folder, self.card.parts["items.lance"]["version"])

    # -- encode and decode

    def encode(self, data: Any) -> Tensor:
        """Latents of items: the posterior means, deterministic, in float32.

        Args:
            data: stored items (n, *modality.item_shape) or one of them, a float tensor (n, *modality.shape), a path or a list of paths.

        Returns:
            (n, d).

        Raises:
            LiminalError: the items have another shape, or a file cannot be read.
        """
        if isinstance(data, Tensor):
            return self.generator.encode(data[None] if data.ndim == len(self.modality.shape) else data).cpu()
        return torch.from_numpy(build.encode_all(self.generator, self.modality, self._stored(data), Voice()))

    def decode(self, z: Tensor | np.ndarray) -> np.ndarray:
        """Stored items (n, *modality.item_shape) of latents (n, d) or (d,).

        Raises:
            LiminalError: z has another width, or holds NaN.
        """
        return self.modality.items(self.generator.decode(torch.as_tensor(z)).cpu())

    def _stored(self, data: Any) -> np.ndarray:
        """Stored items from anything `encode` takes but tensors."""
        if isinstance(data, str | Path):
            data = [data]
        if isinstance(data, np.ndarray):
            items = data[None] if data.ndim == len(self.modality.item_shape) else data
            if items.dtype != self.modality.item_dtype or tuple(items.shape[1:]) != tuple(self.modality.item_shape):
                wanted = f"{self.modality.item_dtype} {tuple(self.modality.item_shape)}"
                raise LiminalError(
                    f"encode: wanted items of {wanted}, got {items.dtype} {tuple(items.shape[1:])}; a float tensor or a file works too"
                )
            return items
        return np.stack([self.modality.read(Path(path)) for path in data])

    def reconstruct(self, data: Any) -> Samples:
        """Items encoded and decoded, beside the originals.

        Args:
            data: as `encode` takes it; or items of the space as ``"@12"`` or a list of such.
        """
        names = [data] if isinstance(data, str) else data
        if isinstance(names, list | tuple) and names and all(isinstance(n, str) and n.startswith("@") for n in names):
            originals = self.items([_number(n) for n in names])
        else:
            originals = self.modality.items(data) if isinstance(data, Tensor) else self._stored(data)
        z = self.encode(originals)
        return Samples(z, self.decode(z), self.modality, "reconstruction", originals)

    # -- the catalogue

    def items(self, ids: Sequence[int]) -> np.ndarray:
        """Stored items (n, *modality.item_shape) of the catalogue, in the asked order.

        Raises:
            LiminalError: an id does not exist.
        """
        found = [self.modality.unpack(data) for data in self.catalogue.thumbnails(list(ids))]
        return np.stack(found) if found else np.zeros((0, *self.modality.item_shape), self.modality.item_dtype)

    def latent(self, item: Item) -> Tensor:
        """The latent (d,) of an item: ``"@12"`` or 12, a file, a formula, a stored item, or a latent already.

        Raises:
            LiminalError: there is no such item, or the formula is wrong.
        """
        if isinstance(item, Tensor):
            return self.generator.check(item)[0].cpu()
        if isinstance(item, np.ndarray):
            return self.encode(item)[0]
        if isinstance(item, int | np.integer):
            return torch.from_numpy(np.array(self.catalogue.z(int(item)), dtype=np.float32))
        if Path(item).is_file():
            return self.encode(item)[0]
        if isinstance(item, Path) or (re.search(r"[./\\]\w+$", str(item)) and Path(str(item)).suffix.lower() in self.modality.endings):
            raise LiminalError(f"item {item}: there is no such file")
        return formula.point(str(item), _Names(self))

    def neighbors(self, item: Item, k: int = 10, where: str | None = None) -> pa.Table:
        """The k items nearest in latent space: id, distance (Euclidean), split, source, attributes; nearest first.

        Args:
            item: as `latent` takes it; an item of the space is its own first neighbour.
            k: how many.
            where: a filter, ``"label = 'Bag' and smile > 0.5"``.
        """
        if k < 1:
            raise LiminalError(f"neighbors: k = {k}; wanted 1 or more")
        found = self.catalogue.nearest(self.latent(item).numpy(), k, formula.where(where) if where else None)
        return found.drop_columns([c for c in ("z", "thumbnail") if c in found.column_names])

    # -- sampling, walking, editing

    def sample(self, n: int = 64, source: str = "default", seed: int = 0) -> Samples:
        """n new items.

        Args:
            n: how many.
            source: ``prior``, ``mixture``, ``flow``, or ``default``: the one that a two-sample test chose after training.
            seed: the same seed gives the same items.
        """
        if n < 1:
            raise LiminalError(f"sample: n = {n}; wanted 1 or more")
        name = self.card.sampler["default"] if source == "default" else source
        if name not in self.samplers:
            raise unknown("sampler", name, self.samplers)
        z = self.samplers[name].sample(n, rng(seed)).cpu()
        return Samples(z, self.decode(z), self.modality, name)

    def path(self, *items: Item, along: str = "slerp", frames: int = 48, loop: bool = False) -> paths.Path:
        """A walk through two or more items; see `ops.paths.path`."""
        keys = torch.stack([self.latent(item) for item in items]) if items else torch.zeros(0, self.dim)
        return paths.path(self.generator, self.modality, keys, along, frames, loop)

    def edit(self, item: Item, change: str) -> edits.Edit:
        """Move an item by a formula such as ``"+1.5*smile - glasses"``.

        Returns:
            The edit, with what the space's reader sees in the decoded item before and after.
        """
        return edits.edit(
            self.generator,
            self.modality,
            self.latent(item),
            formula.edit(change, _Names(self)),
            change,
            self.reader.named if self.reader else None,
        )

    def strip(self, items: Sequence[Item], change: str, strengths: Sequence[float] = edits.STRENGTHS) -> Any:
        """A picture of an edit at several strengths, a row for each item; see `ops.edits.strip`."""
        z = torch.stack([self.latent(item) for item in items])
        return edits.strip(self.generator, self.modality, z, formula.edit(change, _Names(self)), strengths)

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The directions of the attributes, by name."""
        part = self.card.parts.get("directions.safetensors")
        if part is None:
            return {}
        found = directions.from_tensors(read_weights(self.folder, "directions.safetensors", part), {"directions": part["evidence"]})
        return {d.name: d for d in found}

    @cached_property
    def reader(self) -> Reader | None:
        """The network that reads attributes from decoded items, or None where no attributes are known."""
        part = self.card.parts.get("reader.safetensors")
        if part is None:
            return None
        reader = Reader(tuple(part["shape"]), part["spec"], part["width"])
        reader.load_state_dict(read_weights(self.folder, "reader.safetensors", part))
        return reader.eval().requires_grad_(False)

    def direction(self, name: str) -> Direction:
        """The direction of an attribute: ``"smile"``, ``"hair_colour=blond"``, ``"label='Ankle boot'"``.

        Raises:
            LiminalError: no attribute of that name, or a category without a value.
        """
        tree = formula.parse(name)
        if not isinstance(tree, formula.Named):
            raise LiminalError(f"direction {name!r}: wanted the name of an attribute, or attribute=value")
        return directions.resolve(tree.name, tree.value, self.directions, self.catalogue.attributes)

    # -- seeing and measuring

    def map(self, method: str = "umap", color: str | None = None, most: int = 20_000, seed: int = 0) -> Map:
        """The items on a plane.

        Args:
            method: ``pca`` or ``umap``.
            color: an attribute; None: the first category, or the first attribute.
            most: items drawn; a random choice where there are more.
            seed: of the choice and of UMAP.
        """
        table = self.catalogue.table(columns=["id", "z", *self.card.attributes])
        names = list(self.card.attributes)
        if color is not None and color not in names:
            raise unknown("attribute", color, names, "Colours come from attributes; `liminal label` adds some.")
        if color is None:
            kinds = [n for n in names if self.card.attributes[n] == "category"] or names
            color = kinds[0] if kinds else None
        table = table.take(pa.array(build.rng_rows(np.arange(len(table)), most, seed)))
        ids = np.array(table["id"])
        return project(
            _vectors(table, self.dim),
            method,
            seed,
            ids,
            table[color].to_pylist() if color else None,
            color or "",
            self.card.data["name"],
            lambda row: self.modality.preview(self.items([ids[row]])[0], 64),
        )

    def measure(self, seed: int = 0, quick: bool = False, voice: Voice | None = None) -> Report:
        """What the space is worth: reconstruction, sampling, structure, compression, with intervals; see `measures.measure`."""
        speak = voice or speaking()
        train, held = (self._measured(split, 2_000 if quick else most, seed) for split, most in (("train", 10_000), ("held", 5_000)))
        attributes = (train.drop_columns(["id", "z"]), held.drop_columns(["id", "z"])) if self.card.attributes else None
        report = measure(
            self.generator,
            self.modality,
            self.items(train.column("id").to_pylist()),
            self.items(held.column("id").to_pylist()),
            train_z=_vectors(train, self.dim),
            held_z=_vectors(held, self.dim),
            attributes=attributes,
            samples=lambda n, seed: self.samplers[self.card.sampler["default"]].sample(n, rng(seed)),
            reader=self.reader,
            seed=seed,
            progress=speak.progress,
        )
        speak.close()
        return report

    def _measured(self, split: str, most: int, seed: int) -> pa.Table:
        table = self.catalogue.table(split=split, columns=["id", "z", *self.card.attributes])
        return table.take(pa.array(build.rng_rows(np.arange(len(table)), most, seed)))

    def save(self, folder: str | Path, ids: Sequence[int] | None = None, half: bool = False, voice: Voice | None = None) -> None:
        """A copy of the space in a new folder.

        Args:
            folder: of the copy; it must not exist.
            ids: items to keep, numbered anew in this order; None: all.
            half: keep weights in half precision (half the size; codes and figures are computed anew with the rounded weights).
            voice: hears progress.

        Raises:
            LiminalError: the folder exists, or cannot be written.
        """
        speak = voice or speaking()
        chosen = np.arange(len(self.catalogue)) if ids is None else np.asarray(ids, dtype=np.int64)
        generator = copy.deepcopy(self.generator)
        if half:
            generator.half().float()
        with atomic(check_output(folder, False, "space")) as part:
            part.mkdir()
            entries: dict[str, dict[str, Any]] = {}
            for name, entry in self.card.parts.items():
                if name.endswith(".safetensors"):
                    tensors = read_weights(self.folder, name, entry)
                    if half and name != "directions.safetensors":
                        tensors = {k: t.half() if t.is_floating_point() else t for k, t in tensors.items()}
                    about = {k: v for k, v in entry.items() if k not in ("file", "sha256", "bytes")}
                    entries[name] = {**about, **write_weights(part, name, tensors)}
            fields = {k: {"number": pa.float64(), "bool": pa.bool_(), "category": pa.string()}[v] for k, v in self.card.attributes.items()}
            table = Catalogue.create(part, self._copied(generator, chosen, speak), self.dim, fields)
            entries["items.lance"] = {"version": table.version}
            held = len(table.table(columns=["id"], split="held"))
            data = {**self.card.data, "n_train": len(chosen) - held, "n_held": held}
            replace(self.card, parts=entries, data=data).commit(part)
        speak.close()

    def _copied(self, generator: Autoencoder, ids: np.ndarray, voice: Voice, size: int = 2000) -> Iterator[pa.RecordBatch]:
        """Rows of the catalogue with codes from `generator`."""
        for i in range(0, len(ids), size):
            part = ids[i : i + size]
            table = self.catalogue.rows(part, ["split", "source", "thumbnail", *self.card.attributes])
            packed = table["thumbnail"].to_pylist()
            z = generator.encode(self.modality.tensor(np.stack([self.modality.unpack(p) for p in packed]))).cpu().numpy()
            attributes = table.select(list(self.card.attributes)) if self.card.attributes else None
            yield rows.batch(z, table["split"].to_pylist(), packed, table["source"].to_pylist(), attributes)
            voice.progress("copying", min(1.0, (i + size) / len(ids)))

    # -- changing the catalogue

    def label(self, attributes: str | Path, voice: Voice | None = None) -> list[str]:
        """Add attributes to the items (or replace those of the same name), and learn their directions anew.

        Args:
            attributes: a CSV or Parquet file, joined to the items by file name.
            voice: hears progress.

        Returns:
            The names of the attributes in the file.

        Raises:
            LiminalError: no row of the file belongs to an item, or the space is ready-made.
        """
        self._writable("label")
        table = join_attributes(Path(attributes), self.catalogue.table(columns=["source"])["source"].to_pylist())
        table = table.append_column("id", pa.array(np.arange(len(table))))
        names = [name for name in table.column_names if name != "id"]
        self._commit(self.catalogue.set_attributes(table), voice or speaking(), learn=True)
        return names

    def add(self, data: Any, voice: Voice | None = None, **reading: Any) -> int:
        """Encode more data and append the items to the catalogue.

        They join the split ``train``; nothing is trained anew. Attributes that the space does not know are left out.

        Returns:
            How many items were added.

        Raises:
            LiminalError: the data cannot be read, or the space is ready-made.
        """
        self._writable("encode --add")
        voice = voice or speaking()
        items = self._dataset(data, voice, reading)
        known = [name for name in items.attributes.column_names if name in self.card.attributes]
        items = replace(items, attributes=items.attributes.select(known))
        z = build.encode_all(self.generator, self.modality, items.items, voice)
        version = self.catalogue.append(build.batches(items, np.zeros(len(items), bool), z, voice))
        self.card.data["n_train"] += len(items)
        self._commit(version, voice, learn=False)
        return len(items)

    def encode_data(self, data: Any, voice: Voice | None = None, **reading: Any) -> tuple[np.ndarray, pa.Table]:
        """Latents of a whole folder, file or dataset, at constant memory.

        Returns:
            z (n, d) float32, and n rows with ``source`` and the attributes.
        """
        voice = voice or speaking()
        items = self._dataset(data, voice, reading)
        z = build.encode_all(self.generator, self.modality, items.items, voice)
        columns = {"source": pa.array(list(items.sources), pa.string())}
        columns |= {name: items.attributes.column(name) for name in items.attributes.column_names}
        return z, pa.table(columns)

    def _dataset(self, data: Any, voice: Voice, reading: dict[str, Any]) -> Dataset:
        """Data read as this space's modality reads them."""
        return registry.dataset(data, None, self.modality, voice, **reading)

    def _writable(self, verb: str) -> None:
        if registry.READY in self.folder.absolute().parents:
            raise LiminalError(
                f"{verb}: {self.folder.name} is ready-made and never changed; copy the folder {self.folder} and use the copy"
            )

    def _commit(self, version: int, voice: Voice, learn: bool) -> None:
        """Make a new version of the catalogue the space's own, with what is learned from its attributes; the card comes last."""
        table = Catalogue.open(self.folder, version)
        self.card.parts["items.lance"] = {"version": version}
        self.card.attributes = table.attributes
        self.__dict__["catalogue"] = table
        if learn:
            known = table.table(columns=["id", "z", "split", *table.attributes])
            held, z = np.array(known["split"].to_pylist()) == "held", _vectors(known, self.dim).numpy()
            known = known.select(list(table.attributes))
            items = build.Lazy(self.items, len(table))
            self.card.parts |= build.learn_attributes(
                self.generator, self.modality, known, items, z, held, self.folder, self.card.seed, voice
            )
        self.card.commit(self.folder)
        voice.close()
        self._forget()

    def _forget(self) -> None:
        for name in ("catalogue", "directions", "reader"):
            self.__dict__.pop(name, None)

    def info(self) -> dict[str, Any]:
        """JSON-ready facts about the space."""
        return {
            "folder": str(self.folder),
            "dim": self.dim,
            "parameters": sum(p.numel() for p in self.generator.parameters()),
            **asdict(self.card),
        }


class _Names:
    """What the names in a formula stand for in a space."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def item(self, id: int) -> Tensor:
        return self.space.latent(id)

    def mean(self, where: str) -> Tensor:
        _, z = self.space.catalogue.latents(where=where)
        if not len(z):
            raise LiminalError(f"mean({where}): no item passes this filter; look at `liminal info` for names and values")
        return mixing.mean(torch.from_numpy(z))

    def mix(self, points: list[Tensor]) -> Tensor:
        return mixing.mix(torch.stack(points))

    def random(self, seed: int) -> Tensor:
        return self.space.sample(1, seed=seed).z[0]

    def direction(self, name: str, value: str | None) -> Tensor:
        return directions.resolve(name, value, self.space.directions, self.space.catalogue.attributes).vector

    def file(self, path: str) -> Tensor:
        return self.space.encode(path)[0]


def _number(name: str) -> int:
    try:
        return int(name[1:])
    except ValueError:
        raise LiminalError(f"item {name!r}: wanted @ and a number, such as @12") from None


def _vectors(table: pa.Table, dim: int) -> Tensor:
    return torch.from_numpy(np.array(table.column("z").combine_chunks().flatten(), dtype=np.float32).reshape(len(table), dim))
