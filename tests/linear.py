"""A linear generator of real pictures: PCA of Fashion-MNIST, for tests of what is built on generators."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from liminal.datasets.idx import read_idx
from liminal.files import data_folder
from liminal.generator import Autoencoder
from liminal.modalities.image import Image
from liminal.priors import Delta, Normal

LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
GREY = Image(28, 28, 1)


class PCA(Autoencoder):
    """x = mean + axes (scale z): whitened principal components."""

    name = "pca-for-tests"

    def __init__(self, x: Tensor, dim: int) -> None:
        super().__init__()
        self.prior, self.shape = Normal(dim), tuple(x.shape[1:])
        flat = x.flatten(1)
        self.mean = flat.mean(0)
        power, axes = torch.linalg.eigh(torch.cov((flat - self.mean).T))
        self.axes, self.scale = axes[:, -dim:].flip(1), power[-dim:].flip(0).sqrt()

    def config(self) -> dict[str, Any]:
        return {}

    def decode_soft(self, z: Tensor) -> Tensor:
        return (self.mean + (z * self.scale) @ self.axes.T).clamp(0, 1).unflatten(1, self.shape)

    def posterior(self, x: Tensor) -> Delta:
        return Delta((x.flatten(1) - self.mean) @ self.axes / self.scale)


@cache
def fashion() -> tuple[np.ndarray, list[str]]:
    """The 10,000 test pictures as stored items, and their labels."""
    folder = data_folder()
    if folder is None or not (folder / "fashion_mnist").is_dir():
        pytest.skip("LIMINAL_DATA names no folder with fashion_mnist")
    images = read_idx(folder / "fashion_mnist" / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(folder / "fashion_mnist" / "t10k-labels-idx1-ubyte.gz")
    return images[..., None], [LABELS[i] for i in labels]


@cache
def fashion_pca(dim: int = 24) -> PCA:
    """PCA of the first 6,000 of them."""
    return PCA(GREY.tensor(fashion()[0][:6000]), dim)
