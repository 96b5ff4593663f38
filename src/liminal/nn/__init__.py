"""Networks, sized from the shape of the data and the number of latent dimensions.

One file a family; a modality names its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from ..errors import LiminalError, unknown

FAMILIES = ("conv", "mlp", "sequence", "language", "volume")
# whose decoders write one symbol after the other, told what they have written
STEPWISE = ("language",)


def networks(family: str, data: Any, codes: int, dim: int, width: int) -> tuple[nn.Module, nn.Module]:
    """An encoder x (n, *shape) -> (n, codes) and a decoder z (n, dim) -> raw output (n, *soft_shape).

    Where the two shapes differ, x is symbols: the encoder then sees what a perfect decoder would give for
    them.

    Args:
        family: a file of this package: ``conv`` (pictures), ``mlp`` (rows of numbers), ``sequence``
            (symbols in time), ``language`` (words), ``volume`` (cells of a grid).
        data: the likelihood of x, which has the two shapes.
        codes: numbers that the encoder gives for an item (a mean and a variance for each latent dimension,
            say).
        dim: latent dimensions.
        width: channels at the finest resolution, or as many eighths of a hidden layer.

    Raises:
        LiminalError: there is no such family, the shapes do not suit it, or `width` is below 4.
    """
    if width < 4:
        raise LiminalError(f"width {width}: wanted 4 channels or more")
    if family not in FAMILIES:
        raise unknown("family of networks", family, FAMILIES)
    module = import_module(f".{family}", __name__)
    shape, soft_shape = tuple(data.shape), tuple(data.soft_shape)
    encoder = module.Encoder(soft_shape, codes, width)
    if shape != soft_shape:
        encoder = nn.Sequential(Target(data), encoder)
    told = (data,) if family in STEPWISE else ()
    return encoder, module.Decoder(soft_shape, dim, width, *told)


def taught(decoder: nn.Module, z: Tensor, x: Tensor) -> Tensor:
    """A decoder's raw output on z in training; one that writes stepwise is told the symbols of x before each
    place."""
    return getattr(decoder, "taught", lambda z, x: decoder(z))(z, x)  # type: ignore[no-any-return]


@contextmanager
def plainly(module: nn.Module) -> Iterator[None]:
    """Inside the block decoders that search for their answer take the first that comes: for programs that are
    to be small and quick."""
    searching = [m for m in module.modules() if getattr(m, "plain", None) is False]
    for m in searching:
        m.plain = True  # type: ignore[assignment]
    try:
        yield
    finally:
        for m in searching:
            m.plain = False  # type: ignore[assignment]


def told(decoder: nn.Module, z: Tensor, x: Tensor, known: Tensor) -> Tensor:
    """A decoder's raw output on z (n, d); one that writes stepwise is told the symbols of x (n, places) that
    are `known`, bool (n, places), in the place of its own."""
    return decoder(z, x, known) if hasattr(decoder, "taught") else decoder(z)  # type: ignore[no-any-return]


class Target(nn.Module):
    """x (n, *shape) -> (n, *soft_shape), see `Likelihood.target`."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self._data: Any = (data,)  # in a tuple, as it is a part of the model already

    def forward(self, x: Tensor) -> Tensor:
        return self._data[0].target(x)  # type: ignore[no-any-return]


def trunk(family: str, shape: tuple[int, ...], width: int, out: int) -> nn.Module:
    """y (n, *shape) -> (n, out): the body of a small network that reads attributes. See `networks`."""
    return import_module(f".{family}", __name__).trunk(shape, width, out)  # type: ignore[no-any-return]
