"""Networks, sized from the shape of the data and the number of latent dimensions."""

from __future__ import annotations

from torch import nn

from ..errors import LiminalError
from . import conv


def networks(shape: tuple[int, ...], codes: int, dim: int, width: int) -> tuple[nn.Module, nn.Module]:
    """An encoder x (n, *shape) -> (n, codes) and a decoder z (n, dim) -> x (n, *shape) in [0, 1].

    Args:
        shape: of one x; (c, h, w) gives convolutional networks.
        codes: numbers that the encoder gives for an item (a mean and a variance for each latent dimension, say).
        dim: latent dimensions.
        width: channels at the finest resolution.

    Raises:
        LiminalError: there is no network for data of this shape, or `width` is below 4.
    """
    if width < 4:
        raise LiminalError(f"width {width}: wanted 4 channels or more")
    if len(shape) == 3:
        return conv.Encoder(shape, codes, width), conv.Decoder(shape, dim, width)
    raise LiminalError(f"no network for items of shape {shape}; wanted pictures (channels, height, width)")
