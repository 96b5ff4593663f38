"""`Core`: a generator, its modality and the catalogue of real items encoded with it; what every verb stands
on.

Here parts of the folder become readers and directions, and what is fitted is fitted once and kept; `resolve`
has the names of items, `verbs` what can be done with a space.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection as Names
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from . import build
from .card import Card, read_weights
from .collection import Collection
from .errors import LiminalError, offer, unknown
from .generator import Autoencoder
from .kept import Arrays, Facts
from .measures.eyes.columns import describe, targets
from .measures.eyes.reader import Reader, reading
from .modalities import Modality, Read
from .models.latent import Flow
from .ops import support as supports
from .ops.directions import directions, search
from .ops.directions.conditional import Conditional, fit_conditional
from .ops.directions.directions import Direction
from .ops.directions.locks import Locks
from .ops.formulas import formula
from .ops.geodesics.graph import Graph, neighbour_graph
from .ops.geodesics.polylines import Weight
from .ops.support import Support
from .ops.ways.noise_mixing import Mixer
from .priors import PRIORS, Prior
from .rows import rng_rows
from .tensors import in_chunks, rng
from .voice import Voice, speaking

SPREAD_ON = 512  # items whose decoded attributes are read for their standard deviations
AVERAGED_ON = 30_000  # training items that the conditional mean of latents is fitted to
READ_ON = 10_000  # training items that directions of what is read are learned from
TRUSTED_ON = 2_000  # held-out items that support is calibrated and tested on


class Core(Collection):
    """A model with its items.

    Attributes:
        generator: the model.
        modality: how items look and how they are read and written.
        card: what is known about the space.
        folder: where it lives.
        samplers: by name: ``prior``, ``mixture``, ``flow``.
        memo: what verbs have found, as long as nothing in the space changes.
    """

    def __init__(
        self, generator: Autoencoder, modality: Modality, card: Card, folder: Path, samplers: dict[str, Prior]
    ) -> None:
        super().__init__(card, folder)
        self.generator, self.modality, self.samplers = generator, modality, samplers
        self._kept: tempfile.TemporaryDirectory[str] | None = None
        self.memo: dict[Any, Any] = {}

    def __repr__(self) -> str:
        data, name = self.card.data, type(self).__name__
        count = f"{data['n_train'] + data['n_held']:,} items of {data['name']}"
        return f"{name}({str(self.folder)!r}: {self.card.model['class']}, {self.dim} dimensions, {count})"

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return self.generator.dim

    def encoded(self, items: np.ndarray) -> Tensor:
        """Latents (n, d) of stored items (n, *modality.item_shape): the posterior means, in float32."""
        return torch.from_numpy(build.encode_all(self.generator, self.modality, items, Voice()))

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
    def readable(self) -> tuple[str, ...]:
        """The names of what can be read from items without labels, but for those that attributes have."""
        read = self.modality.readings
        seen = {} if read is None else read(self.modality.soft(self.items([0])))
        return tuple(name for name in seen if name not in self.card.attributes)

    @cached_property
    def read_directions(self) -> dict[str, Direction]:
        """The directions of what can be read without labels, by name, learned from what is read in real
        items. Found when they are first wanted, which takes seconds, and kept.
        """
        arrays, facts = self.kept.once("directions of readings", self._read_directions)
        vectors = {name: torch.from_numpy(vector) for name, vector in arrays.items()}
        found = directions.from_tensors(vectors, {"directions": json.dumps(facts["found"])})
        return {d.name: d for d in found}

    def _read_directions(self) -> tuple[Arrays, Facts]:
        speak = speaking()
        (z, known), (z_held, held) = self._told("train", READ_ON), self._told("held", TRUSTED_ON)
        found = search.find_directions(
            z,
            known,
            z_held,
            held,
            decode=self.generator.decode,
            read=lambda y: dict(zip(self.readable, self._readings(self.modality.harden(y)).T, strict=True)),
            progress=lambda i, n, name: speak.progress("finding directions of what is read", i / n, name),
        )
        speak.close()
        tensors, about = directions.to_tensors(found)
        return {k: v.numpy() for k, v in tensors.items()}, {"found": json.loads(about["directions"])}

    def _told(self, split: str, most: int) -> tuple[Tensor, pa.Table]:
        """The latents of some items of a split, and what is read in the items themselves."""
        ids, z = self.catalogue.latents(split=split)
        rows = rng_rows(np.arange(len(ids)), most, 0)
        read = lambda some: self._readings(self.modality.soft(self.items(some.tolist())))
        values = in_chunks(read, torch.from_numpy(ids[rows]))
        columns = {name: values[:, i].double().numpy() for i, name in enumerate(self.readable)}
        return torch.from_numpy(z[rows]), pa.table(columns)

    def _readings(self, y: Tensor) -> Tensor:
        """y (n, *soft_shape) -> what is read in it, (n, len(self.readable))."""
        assert self.modality.readings is not None
        seen = self.modality.readings(y)
        return torch.stack([seen[name] for name in self.readable], 1)

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
        attributes are
        known.
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

    def seen(self, names: Names) -> tuple[Read | None, dict[str, float]]:
        """What reads attributes from decoded data, and those of the names that need no labels; and one
        standard deviation of each reading.
        """
        more = [name for name in names if name in self.readable]
        if not more:
            return self.read, self.spread
        known, (_, facts) = self.read, self.kept.once("spread of readings", self._read_spread)

        def read(y: Tensor) -> dict[str, Tensor]:
            assert self.modality.readings is not None
            own = self.modality.readings(self.modality.harden(y))
            return (known(y) if known else {}) | {name: own[name] for name in more}

        return read, self.spread | {name: facts[name] for name in more}

    def _read_spread(self) -> tuple[Arrays, Facts]:
        z = self.latents[rng_rows(np.arange(len(self.latents)), SPREAD_ON, 0)]
        seen = self._readings(self.modality.harden(self.generator.decode(z).cpu())).std(0)
        return {}, dict(zip(self.readable, seen.tolist(), strict=True))

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
    def rarity(self) -> Weight | None:
        """How much heavier ways are where items get rare, for geodesics; None where support is not known."""
        return self.trust.weight if self.trust else None

    @cached_property
    def graph(self) -> Graph:
        """Items joined to their nearest ones, with how far they look apart; kept once made."""
        make = lambda: neighbour_graph(self.chart, self.latents, weight=self.rarity)
        made: Graph = self.kept.thing("graph", Graph, make, tensors=True)
        return made

    @cached_property
    def locks(self) -> Locks:
        """What takes out of a change whatever would move some attributes: ``space.locks(vector,
        ["smile"])``.
        """
        splits = ("train", "held")
        table = lambda name: tuple(
            self.catalogue.table(columns=["id", name], split=split) for split in splits
        )
        return Locks(self.latents, list(self.card.attributes), table)

    @cached_property
    def conditional(self) -> Conditional:
        """What latents are on average, given all attributes; see `ops.directions.conditional`. Fitted to the
        training items when it is first wanted, which takes seconds, and kept.

        Raises:
            LiminalError: there are no attributes, or too few items.
        """
        made: Conditional = self.kept.thing("conditional", Conditional, self._averaged, tensors=True)
        return made

    def _averaged(self) -> Conditional:
        speak = speaking()
        table = self.catalogue.table(columns=["z", *self.card.attributes], split="train")
        rows = rng_rows(np.arange(len(table)), AVERAGED_ON, 0)
        table = table.take(pa.array(rows))
        known = table.select(list(self.card.attributes))
        spec = describe(known)
        told = lambda share: speak.progress("learning what attributes make of latents", share)
        found = fit_conditional(vectors(table, self.dim), targets(known, spec), spec, progress=told)
        speak.close()
        return found

    @property
    def flow(self) -> Flow | None:
        """The rectified flow that was fitted to the latents."""
        flow = self.samplers.get("flow")
        return flow if isinstance(flow, Flow) else None

    @cached_property
    def mixer(self) -> Mixer:
        """Where latents are mixed: in the noise of the latent flow."""
        return Mixer(self.flow or self.generator.prior)

    def forget(self) -> None:
        """Look again at everything that the folder tells, since something in it was changed."""
        fixed = ("generator", "modality", "card", "folder", "samplers", "memo", "_kept")
        for name in [name for name in self.__dict__ if name not in fixed]:
            del self.__dict__[name]
        self.memo.clear()

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


def vectors(table: pa.Table, dim: int) -> Tensor:
    """The latents (n, d) of a table of the catalogue."""
    return torch.from_numpy(
        np.array(table.column("z").combine_chunks().flatten(), dtype=np.float32).reshape(len(table), dim)
    )
