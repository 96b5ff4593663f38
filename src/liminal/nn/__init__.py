"""Networks, sized from the shape of the data and the number of latent dimensions.

One file a family; a modality names its own.
"""

from __future__ import annotations

from importlib import import_module

from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import LiminalError, unknown

FAMILIES = ("conv", "mlp", "sequence", "volume")


def networks(
    family: str, shape: tuple[int, ...], soft_shape: tuple[int, ...], codes: int, dim: int, width: int
) -> tuple[nn.Module, nn.Module]:
    """An encoder x (n, *shape) -> (n, codes) and a decoder z (n, dim) -> raw output (n, *soft_shape).

    Where the two shapes differ, x is symbols (*places) and the answer is (symbols, *places): the encoder
    then sees x one-hot.

    Args:
        family: a file of this package: ``conv`` (pictures), ``mlp`` (rows of numbers), ``sequence``
            (symbols in time), ``volume`` (cells of a grid).
        shape: of one x.
        soft_shape: of what is decoded.
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
    encoder = module.Encoder(soft_shape, codes, width)
    if tuple(shape) != tuple(soft_shape):
        encoder = nn.Sequential(OneHot(soft_shape[0]), encoder)
    return encoder, module.Decoder(soft_shape, dim, width)


class OneHot(nn.Module):
    """Symbols (n, *places), int64 -> (n, classes, *places)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(x, self.classes).movedim(-1, 1).float()


def trunk(family: str, shape: tuple[int, ...], width: int, out: int) -> nn.Module:
    """y (n, *shape) -> (n, out): the body of a small network that reads attributes. See `networks`."""
    return import_module(f".{family}", __name__).trunk(shape, width, out)  # type: ignore[no-any-return]
