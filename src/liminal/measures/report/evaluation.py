"""What is measured: a generator, the items to judge it by, and what several measures share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...errors import LiminalError
from ...generator import Autoencoder, Generator
from ...modalities import Modality
from ...ops.support import Support
from ...ops.ways.noise_mixing import Mixer, Noise
from ...tensors import rng
from ..eyes.features import Features, fit_features
from ..eyes.pca import Pca, fit_pca
from ..eyes.reader import Reader
from ..value import Interval, subsample_interval

PART = 256  # items as tensors at once
FIT = 10_000  # training items that PCA is fitted on, and that the nearest to a decoded item is sought among
# training items that the feature map is fitted on, and that copies and neighbours in it are sought among
FIT_FEATURES = 5_000
HALVES = 2_000  # held-out items from which on the real-against-real floor comes from them alone

Samples = Tensor | Callable[[int, int], Tensor]


@dataclass
class Subject:
    """The rows that are measured and everything that several measures share."""

    generator: Generator
    modality: Modality
    train_items: np.ndarray
    held_items: np.ndarray
    _: KW_ONLY
    train_z: Tensor | None
    held_z: Tensor | None
    attributes: tuple[pa.Table, pa.Table] | None
    samples: Samples | None
    reader: Reader | None
    seed: int
    limit: int
    rounds: int
    support: Support | None = None
    mixer: Mixer | None = None
    flow: Noise | None = None
    full: bool = True
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = np.random.Generator(np.random.PCG64(self.seed))
        self.train_order = draw.permutation(len(self.train_items))
        self.held_order = draw.permutation(len(self.held_items))
        self.rng = draw
        self.held = np.sort(self.held_order[: self.limit])

    def inputs(self, items: np.ndarray, rows: np.ndarray) -> Tensor:
        """x of these rows, as an encoder takes it."""
        return self.modality.tensor(np.asarray(items[rows]))

    def soft(self, items: np.ndarray, rows: np.ndarray) -> Tensor:
        """y of these rows, as a perfect decoder would give them."""
        return self.modality.soft(np.asarray(items[rows]))

    def tensors(self, items: np.ndarray, rows: np.ndarray) -> Iterator[Tensor]:
        """y of these rows, piece by piece."""
        for i in range(0, len(rows), PART):
            yield self.soft(items, rows[i : i + PART])

    def train_parts(self, most: int) -> Callable[[], Iterator[Tensor]]:
        rows = np.sort(self.train_order[:most])
        return lambda: self.tensors(self.train_items, rows)

    def seen(self, x: Tensor) -> Tensor:
        """x as it is once saved and read again: clamped and rounded as the modality stores it."""
        return self.modality.soft(self.modality.items(x.cpu()))

    def made(self, z: Tensor, seed: int = 0) -> np.ndarray:
        """Stored items drawn from latents, as samples are."""
        return self.modality.drawn(self.generator.decode(z).cpu(), rng(seed))

    def codes(self, items: np.ndarray, z: Tensor | None, rows: np.ndarray) -> Tensor:
        """Latents of these rows, looked up where they are known."""
        if z is not None:
            return z[torch.from_numpy(rows)].float()
        assert isinstance(self.generator, Autoencoder)
        parts = [rows[i : i + PART] for i in range(0, len(rows), PART)]
        return torch.cat([self.generator.encode(self.inputs(items, part)).cpu() for part in parts])

    def most(self, full: int, few: int) -> int:
        """How many of something: fewer where not all is asked for."""
        return full if self.full else few

    @cached_property
    def halves(self) -> bool:
        """Whether there are held-out items enough to compare one half of them with the other."""
        return len(self.held_items) >= HALVES

    @cached_property
    def count(self) -> int:
        """Samples and real items that are compared, of each."""
        return min(
            self.limit,
            len(self.held_items) // 2
            if self.halves
            else min(len(self.held_items), len(self.train_items) // 2),
        )

    @cached_property
    def learnt(self) -> np.ndarray:
        """Rows of training items that features are fitted to; none of those that real items are compared
        with.
        """
        free = len(self.train_items) - (0 if self.halves else self.count)
        return np.sort(self.train_order[: min(free, self.most(FIT_FEATURES, FIT_FEATURES // 3))])

    @cached_property
    def features(self) -> Features:
        """The general feature map."""
        first = self.modality.features
        if first is None:
            self.notes.append(f"Features: general ones, not made for {self.modality.plural}.")
        return fit_features(lambda: self.tensors(self.train_items, self.learnt), first or self.modality.chart)

    @cached_property
    def train_features(self) -> Tensor:
        """Features (n, f) of the training items that they were fitted to."""
        return torch.cat([self.features(x) for x in self.tensors(self.train_items, self.learnt)])

    @cached_property
    def known_features(self) -> Tensor:
        """Features (n, f) of all training items, at most 10,000."""
        rows = np.sort(self.train_order[:FIT])
        return torch.cat([self.features(x) for x in self.tensors(self.train_items, rows)])

    @cached_property
    def compared(self) -> np.ndarray:
        """Rows of the held-out items that samples are compared with."""
        return np.sort(self.held_order[: self.count])

    @cached_property
    def held_features(self) -> Tensor:
        """Their features (n, f)."""
        return torch.cat([self.features(x) for x in self.tensors(self.held_items, self.compared)])

    @cached_property
    def encodes(self) -> bool:
        """Whether the generator has an encoder, or latents of both sets were given."""
        if self.train_z is not None and self.held_z is not None:
            return True
        if not isinstance(self.generator, Autoencoder):
            return False
        try:
            self.generator.encode(self.inputs(self.held_items, self.held[:1]))
        except LiminalError as error:
            self.notes.append(f"Reconstruction and structure: not measured ({error}).")
            return False
        return True

    @cached_property
    def held_codes(self) -> Tensor:
        return self.codes(self.held_items, self.held_z, self.held)

    @cached_property
    def pca(self) -> Pca:
        """Principal components of training items, as many as the latent space has dimensions."""
        parts = self.train_parts(FIT)
        return fit_pca(lambda: (x.flatten(1) for x in parts()), self.generator.dim)

    def through_pca(self, coordinates: Tensor) -> Tensor:
        """PCA coordinates (n, d) -> x (n, *shape)."""
        return self.pca.decode(coordinates).view(-1, *self.modality.soft_shape)

    def chart(self, z: Tensor) -> Tensor:
        """z (n, d) -> what they decode to, as rows (n, m) whose plain distance is how far items look apart;
        differentiable.
        """
        return self.modality.chart(self.generator.decode_soft(z))

    def looked(self, z: Tensor) -> Tensor:
        """As `chart`, without autograd and in chunks."""
        return self.modality.chart(self.generator.decode(z)).cpu()

    def draw(self, n: int) -> Tensor:
        """Latents (n, d) of samples."""
        if self.samples is None:
            return self.generator.prior.sample(n, rng(self.seed))
        if callable(self.samples):
            return self.samples(n, self.seed)
        return self.samples[:n]


def mean(values: np.ndarray, s: Subject) -> tuple[float, Interval]:
    """A mean over items with its interval, which does not leave their range; means are cheap, so many
    rounds.
    """
    bounds = float(values.min()), float(values.max())
    return subsample_interval(
        lambda rows: float(values[rows].mean()), (len(values),), s.rng, 200, 0.5, bounds
    )
