"""`Core`: a generator, its modality and the catalogue of real items encoded with it; what every verb stands
on.

Here names become arrays: ``"@12"``, files and formulas become latents, ids become items, parts of the folder
become readers and directions.
"""

from __future__ import annotations

import re
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from . import build, registry
from .card import Card, read_weights
from .collection import Collection
from .datasets import paths
from .errors import LiminalError, offer, unknown
from .generator import Autoencoder
from .kept import Arrays, Facts
from .maps.clusters import Clusters
from .measures.eyes.reader import Reader, reading
from .modalities import Modality, Read
from .models.latent import Flow
from .ops import filling
from .ops import support as supports
from .ops.directions import directions, effects
from .ops.directions.directions import Direction
from .ops.formulas import formula
from .ops.samples import Samples
from .ops.style.style import Style
from .ops.support import Support
from .ops.ways import mixing
from .ops.ways.noise_mixing import Mixer
from .priors import PRIORS, Prior
from .rows import rng_rows
from .tensors import rng
from .voice import Voice, speaking

SPREAD_ON = 512  # items whose decoded attributes are read for their standard deviations
TRUSTED_ON = 2_000  # held-out items that support is calibrated and tested on

Item = str | int | Path | Tensor | np.ndarray


class Core(Collection):
    """A model with its items.

    Items are named as on the command line: ``"@12"`` (or the integer 12), a file, ``FILE#n`` for one of the
    many items in a file, or a formula such as ``"mean(label=Sandal)"``; a latent (d,) is taken as it is.

    Attributes:
        generator: the model.
        modality: how items look and how they are read and written.
        card: what is known about the space.
        folder: where it lives.
        samplers: by name: ``prior``, ``mixture``, ``flow``.
    """

    def __init__(
        self, generator: Autoencoder, modality: Modality, card: Card, folder: Path, samplers: dict[str, Prior]
    ) -> None:
        super().__init__(card, folder)
        self.generator, self.modality, self.samplers = generator, modality, samplers
        self._kept: tempfile.TemporaryDirectory[str] | None = None
        self._styles: dict[str, Style] = {}
        self._clusters: dict[Any, Clusters] = {}

    def __repr__(self) -> str:
        data, name = self.card.data, type(self).__name__
        count = f"{data['n_train'] + data['n_held']:,} items of {data['name']}"
        return f"{name}({str(self.folder)!r}: {self.card.model['class']}, {self.dim} dimensions, {count})"

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return self.generator.dim

    def names(self, start: Tensor | None = None) -> Names:
        """What the names in a formula stand for here; `start` (d,) is the latent of the item that is
        edited.
        """
        return Names(self, start)

    # -- encode and decode

    def encode(self, data: Any) -> Tensor:
        """Latents of items: the posterior means, deterministic, in float32.

        Args:
            data: stored items (n, *modality.item_shape) or one of them, x itself as a tensor (n,
                *modality.shape), or a name or a list of names: a file (with all items in it), ``FILE#n`` (the
                one with number n), a folder, ``"@12"``.

        Returns:
            (n, d).

        Raises:
            LiminalError: the items have another shape, or a file cannot be read.
        """
        if isinstance(data, Tensor):
            return self.generator.encode(data[None] if data.ndim == len(self.modality.shape) else data).cpu()
        return torch.from_numpy(build.encode_all(self.generator, self.modality, self._stored(data), Voice()))

    def chart(self, z: Tensor) -> Tensor:
        """What latents (n, d) decode to, as rows (n, m) whose plain distance is how far items look apart;
        differentiable.
        """
        return self.modality.chart(self.generator.decode_soft(z))

    def decode(self, z: Tensor | np.ndarray) -> np.ndarray:
        """Stored items (n, *modality.item_shape) of latents (n, d) or (d,).

        Raises:
            LiminalError: z has another width, or holds NaN.
        """
        return self.modality.items(self.generator.decode(torch.as_tensor(z)).cpu())

    def _stored(self, data: Any, voice: Voice | None = None) -> np.ndarray:
        """Stored items from anything `encode` takes but tensors; `voice` hears what could not be read."""
        if isinstance(data, str | Path) or self.modality.adopt(data) is not None:
            data = [data]
        if isinstance(data, np.ndarray):
            items = data[None] if data.ndim == len(self.modality.item_shape) else data
            if items.dtype != self.modality.item_dtype or tuple(items.shape[1:]) != tuple(
                self.modality.item_shape
            ):
                wanted = f"{self.modality.item_dtype} {tuple(self.modality.item_shape)}"
                raise LiminalError(
                    f"encode: wanted items of {wanted}, got {items.dtype} {tuple(items.shape[1:])}; a float "
                    "tensor or a file works too"
                )
            return items
        voice = voice or speaking()
        return np.concatenate([self._all_of(name, voice) for name in data])

    def _all_of(self, name: Any, voice: Voice) -> np.ndarray:
        """The stored items (n, *modality.item_shape) of a name."""
        if isinstance(name, str) and name.startswith("@"):
            return self.items([_number(name)])
        file = paths.located(name) if isinstance(name, str | Path) else None
        if file is not None and (file[1] is not None or paths.holds_one(file[0], self.modality)):
            return paths.item(*file, self.modality)[None]
        return np.asarray(registry.dataset(name, None, self.modality, voice).items)

    def reconstruct(self, data: Any, voice: Voice | None = None) -> Samples:
        """Items encoded and decoded, beside the originals.

        What an item lacks, such as a row's empty cell, is filled by the rest of it; see `ops.filling`.

        Args:
            data: as `encode` takes it.
            voice: hears what could not be read; None: the terminal where there is one.
        """
        originals = self.modality.items(data) if isinstance(data, Tensor) else self._stored(data, voice)
        z = self.encode(originals)
        lacking = self.modality.lacking(originals)
        if lacking is None:
            return Samples(z, self.decode(z), self.modality, "reconstruction", originals)
        some = lacking.flatten(1).any(1)
        x = self.modality.tensor(originals[some.numpy()])
        z[some] = filling.complete(self.generator, self.modality, x, lacking[some], z[some])
        y = self.modality.filled(self.generator.decode(z).cpu(), lacking)
        return Samples(z, self.modality.items(y), self.modality, "reconstruction", originals)

    def errors(self, found: Samples) -> dict[str, float]:
        """Mean errors of reconstructed items by name of `modality.scores`, the headline first."""
        if found.originals is None:
            raise LiminalError("errors: these items were not reconstructed, so they have no originals")
        found_errors = self.modality.errors(
            self.modality.tensor(found.originals), self.generator.decode(found.z).cpu()
        )
        return {name: float(values.mean()) for name, values in found_errors.items()}

    # -- the catalogue

    def original(self, item: Item) -> Tensor:
        """An item itself as a perfect decoder would give it, (*modality.soft_shape).

        It is one of the space (``"@12"``, 12), a file, one of the many in a file (``FILE#n``), or a stored
        item.

        Raises:
            LiminalError: it is a formula or a latent, which have no original.
        """
        if isinstance(item, int | np.integer) or (
            isinstance(item, str) and re.fullmatch(r"\s*@\d+\s*", item)
        ):
            stored = self.items([int(item) if not isinstance(item, str) else _number(item.strip())])
        elif isinstance(item, np.ndarray):
            stored = self._stored(item)
        elif isinstance(item, str | Path) and (file := paths.located(item)):
            stored = paths.item(*file, self.modality)[None]
        else:
            raise LiminalError(
                f"item {item!r} has no original to keep the detail of; name an item such as @12, or a file"
            )
        return self.modality.soft(stored)[0]

    def latent(self, item: Item) -> Tensor:
        """The latent (d,) of an item: ``"@12"`` or 12, a file or ``FILE#n``, a formula, a stored item, or a
        latent already.

        Raises:
            LiminalError: there is no such item, or the formula is wrong.
        """
        if isinstance(item, Tensor):
            return self.generator.check(item)[0].cpu()
        if isinstance(item, np.ndarray):
            return self.encode(item)[0]
        if isinstance(item, int | np.integer):
            return torch.from_numpy(np.array(self.catalogue.z(int(item)), dtype=np.float32))
        if file := paths.located(item):
            return self.encode(paths.item(*file, self.modality))[0]
        named = paths.ENTRY.sub("", str(item))
        if isinstance(item, Path) or (
            re.search(r"[./\\]\w+$", named) and Path(named).suffix.lower() in self.modality.reads
        ):
            raise LiminalError(f"item {item}: there is no such file")
        return formula.point(str(item), self.names())

    # -- sampling, walking, editing

    def draw(self, n: int, source: str = "default", seed: int = 0) -> Tensor:
        """n latents (n, d) from a sampler of the space.

        Args:
            n: how many.
            source: ``prior``, ``mixture``, ``flow``; ``default``: the one that a two-sample test chose after
                training; or a prior that the model was not trained with: ``normal``, ``sphere``, ``uniform``,
                moved and scaled to the items' mean and deviations.
            seed: the same seed gives the same latents.

        Raises:
            LiminalError: n is below 1, or there is no such sampler.
        """
        if n < 1:
            raise LiminalError(f"sample: n = {n}; wanted 1 or more")
        if source in self.samplers or source == "default":
            return self.samplers[self.source(source)].sample(n, rng(seed)).cpu()
        if source not in PRIORS:
            raise unknown("sampler", source, [*self.samplers, *PRIORS])
        if self.generator.prior.name == source:
            return self.generator.prior.sample(n, rng(seed)).cpu()
        prior = PRIORS[source](self.dim)
        z = prior.sample(n, rng(seed))
        z = z / {"normal": 1.0, "sphere": self.dim**-0.5, "uniform": 3**-0.5}[source]
        return self.nearest(self.latents.mean(0) + self.scale * z)

    def source(self, name: str) -> str:
        """The sampler's own name; the default one's for ``default``."""
        return str(self.card.sampler["default"]) if name == "default" else name

    def nearest(self, z: Tensor) -> Tensor:
        """Latents brought onto the support of the model's prior."""
        return PRIORS[self.support_of_prior](self.dim).nearest(z)

    @property
    def support_of_prior(self) -> str:
        """The name of the closed-form prior on whose support the latents live."""
        return self.generator.prior.name if self.generator.prior.name in PRIORS else "normal"

    @cached_property
    def scale(self) -> Tensor:
        """Standard deviation (d,) of the items' latents along each dimension."""
        return self.latents.std(0) if len(self.latents) > 1 else torch.ones(self.dim)

    @cached_property
    def latents(self) -> Tensor:
        """The latents (n, d) of all items, by id."""
        return torch.from_numpy(self.catalogue.latents()[1])

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The directions of the attributes, by name."""
        part = self.card.parts.get("directions.safetensors")
        if part is None:
            return {}
        found = directions.from_tensors(
            read_weights(self.folder, "directions.safetensors", part), {"directions": part["evidence"]}
        )
        return {d.name: d for d in found}

    @cached_property
    def reader(self) -> Reader | None:
        """The network that reads attributes from decoded items, or None where no attributes are known."""
        part = self.card.parts.get("reader.safetensors")
        if part is None:
            return None
        reader = Reader(tuple(part["shape"]), part["spec"], part["width"], part.get("network", "conv"))
        reader.load_state_dict(read_weights(self.folder, "reader.safetensors", part))
        return reader.eval().requires_grad_(False)

    @cached_property
    def read(self) -> Read | None:
        """What reads attributes from decoded data, see `measures.eyes.reader.reading`; None where no
        attributes
        are known.
        """
        return None if self.reader is None else reading(self.reader, self.modality)

    @cached_property
    def spread(self) -> dict[str, float]:
        """One standard deviation of what the reader sees in decoded items, by name; empty where there is no
        reader.
        """
        if self.read is None:
            return {}
        read, z = self.read, self.latents[rng_rows(np.arange(len(self.latents)), SPREAD_ON, 0)]

        def spread() -> tuple[Arrays, Facts]:
            return {}, {name: float(value.std()) for name, value in read(self.generator.decode(z)).items()}

        return self.kept.once("spread", spread)[1]

    @cached_property
    def support(self) -> Support:
        """How far latents and inputs can be trusted: fitted on training items, calibrated on held-out ones;
        see `ops.support`.

        Raises:
            LiminalError: fewer than 20 items are held out.
        """
        made: Support = self.kept.thing("support", Support, self._calibrated, tensors=True)
        return made

    def _calibrated(self) -> Support:
        (_, train), (ids, held) = (self.catalogue.latents(split=split) for split in ("train", "held"))
        held_rows = rng_rows(np.arange(len(held)), TRUSTED_ON, 0)
        errors = supports.residuals(self.generator, self.modality, self.items(ids[held_rows].tolist()))
        return supports.fit_support(
            torch.from_numpy(train), torch.from_numpy(held[held_rows]), held_residual=errors
        )

    @property
    def trust(self) -> Support | None:
        """`support`, or None where too few items are held out to calibrate it."""
        return self.support if self.card.data["n_held"] >= supports.LEAST_HELD else None

    @property
    def flow(self) -> Flow | None:
        """The rectified flow that was fitted to the latents."""
        flow = self.samplers.get("flow")
        return flow if isinstance(flow, Flow) else None

    @cached_property
    def mixer(self) -> Mixer:
        """Where latents are mixed: in the noise of the latent flow."""
        return Mixer(self.flow or self.generator.prior)

    def empty(self, call: str, where: str) -> LiminalError:
        """The error for a filter in SQL that no item passes: it names the first value that no item has."""
        for name, value in formula.compared(where):
            if self.catalogue.attributes.get(name) == "category" and value not in (
                known := self.catalogue.values(name)
            ):
                return LiminalError(f"{call}: {name} has no value {value!r}; {offer(value, known)}")
        return LiminalError(
            f"{call}: no item passes this filter; look at `liminal info` for names and values"
        )

    def direction(self, name: str) -> Direction:
        """The direction of an attribute: ``"smile"``, ``"hair_colour=blond"``, ``"label='Ankle boot'"``.

        Raises:
            LiminalError: no attribute of that name, or a category without a value.
        """
        tree = formula.parse(name)
        if not isinstance(tree, formula.Named):
            raise LiminalError(f"direction {name!r}: wanted the name of an attribute, or attribute=value")
        return directions.resolve(tree.name, tree.value, self.directions, self.catalogue.attributes)


class Names:
    """What the names in a formula stand for in a space."""

    def __init__(self, space: Core, start: Tensor | None = None) -> None:
        self.space, self.start = space, start

    def item(self, id: int) -> Tensor:
        return self.space.latent(id)

    def mean(self, where: str) -> Tensor:
        _, z = self.space.catalogue.latents(where=where)
        if not len(z):
            raise self.space.empty(f"mean({where})", where)
        return mixing.mean(torch.from_numpy(z))

    def mix(self, points: list[Tensor]) -> Tensor:
        return self.space.mixer.blend(torch.stack(points))

    def random(self, seed: int) -> Tensor:
        return self.space.draw(1, seed=seed)[0]

    def direction(self, name: str, value: str | None) -> Tensor:
        if value is not None and self.space.card.attributes.get(name) == "number":
            return self._setting(name, value)
        return directions.resolve(name, value, self.space.directions, self.space.catalogue.attributes).vector

    def dimension(self, index: int) -> Tensor:
        if index >= self.space.dim:
            raise LiminalError(f"dim({index}): this space has dimensions 0 to {self.space.dim - 1}")
        return self.space.scale[index] * torch.eye(self.space.dim)[index]

    def _setting(self, name: str, value: str) -> Tensor:
        """The way from the start to where the reader sees `value`, along the attribute's direction."""
        try:
            wanted = float(value)
        except ValueError:
            raise LiminalError(
                f"{name}={value}: {name} is a number; wanted one, such as {name}=0.5"
            ) from None
        if self.start is None or self.space.read is None:
            raise LiminalError(
                f"{name}={value} sets a value and needs an item to start from: use it in an edit of that item"
            )
        found, start = (
            directions.resolve(name, None, self.space.directions, self.space.catalogue.attributes),
            self.start,
        )
        read, decode = self.space.read, self.space.generator.decode
        return effects.reach(lambda z: read(decode(z))[name], start, found.vector, wanted, found.unit)

    def file(self, path: str) -> Tensor:
        return self.space.latent(Path(path))


def _number(name: str) -> int:
    try:
        return int(name[1:])
    except ValueError:
        raise LiminalError(f"item {name!r}: wanted @ and a number, such as @12") from None


def vectors(table: pa.Table, dim: int) -> Tensor:
    """The latents (n, d) of a table of the catalogue."""
    return torch.from_numpy(
        np.array(table.column("z").combine_chunks().flatten(), dtype=np.float32).reshape(len(table), dim)
    )
