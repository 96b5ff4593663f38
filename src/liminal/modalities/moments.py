"""What can be read from a picture without labels: closed forms that need nobody's training, the same for
every model.

The ground of a picture is the median colour of its border, and the mass m of a pixel is how far its colour is
from the ground, averaged over the channels, in [0, 1]. With the pixel's place p, in [-1, 1] from left to
right and from top to bottom:

============  ====================================================================  ==========
reading       formula                                                               range
============  ====================================================================  ==========
brightness    mean luminance                                                        0 to 1
contrast      standard deviation of luminance over the pixels                       0 to .5
size          share of the pixels with m > 1/10                                     0 to 1
centre_x, _y  sum m p / sum m                                                       -1 to 1
spread        root of (Cxx + Cyy), C the covariance of p under m                    0 to 1.4
upright       (Cyy - Cxx) / (Cyy + Cxx): 1 a standing line, -1 a lying one          -1 to 1
slant         2 Cxy / (Cyy + Cxx): 1 falls to the right, -1 rises to the right      -1 to 1
red_green     mean of R - G (pictures in colour)                                    -1 to 1
blue_yellow   mean of B - (R + G) / 2 (pictures in colour)                          -1 to 1
colourful     mean of max(R, G, B) - min(R, G, B) (pictures in colour)              0 to 1
============  ====================================================================  ==========

An angle jumps where it comes round, so that no value lies between 179 and 1 degrees: orientation is therefore
read as the two numbers `upright` and `slant` (the cosine and the sine of twice the angle, times the
elongation), and hue as two opponent colours.

Source: Hu 1962, Visual pattern recognition by moment invariants.
"""

from __future__ import annotations

import torch
from torch import Tensor

FILLED = 0.1  # how far from the ground a pixel must be to count as filled
EMPTY = 1e-4  # mean mass below which a picture has no shape to speak of
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


def readings(x: Tensor) -> dict[str, Tensor]:
    """Readings of pictures (n, c, h, w) in [0, 1], grey, RGB or RGBA (laid over white): see the table above.

    A picture without a shape (all of one colour) has its centre in the middle and no spread or orientation.
    """
    x = x.float().clamp(0, 1)
    if x.shape[1] == 4:
        x = x[:, :3] * x[:, 3:] + 1 - x[:, 3:]
    light = (x * x.new_tensor(LUMINANCE)[:, None, None]).sum(1) if x.shape[1] == 3 else x.mean(1)
    border = torch.cat([x[:, :, 0], x[:, :, -1], x[:, :, :, 0], x[:, :, :, -1]], 2)
    mass = (x - border.median(2).values[:, :, None, None]).abs().mean(1)
    found = {
        "brightness": light.mean((1, 2)),
        "contrast": light.flatten(1).std(1, correction=0),
        "size": (mass > FILLED).float().mean((1, 2)),
        **_shape(mass),
    }
    if x.shape[1] == 3:
        red, green, blue = x.mean((2, 3)).unbind(1)
        found["red_green"] = red - green
        found["blue_yellow"] = blue - (red + green) / 2
        found["colourful"] = (x.amax(1) - x.amin(1)).mean((1, 2))
    return found


def _shape(mass: Tensor) -> dict[str, Tensor]:
    """First and second moments of mass (n, h, w) over places in [-1, 1]."""
    h, w = mass.shape[1:]
    y, x = torch.linspace(-1, 1, h).to(mass)[:, None], torch.linspace(-1, 1, w).to(mass)
    flat = mass.mean((1, 2)) < EMPTY
    share = torch.where(
        flat[:, None, None],
        torch.full_like(mass, 1 / (h * w)),
        mass / mass.sum((1, 2), keepdim=True).clamp_min(1e-12),
    )
    mean = lambda values: (share * values).sum((1, 2))
    cx, cy = mean(x), mean(y)
    dx, dy = x - cx[:, None, None], y - cy[:, None, None]
    xx, yy, xy = mean(dx.square()), mean(dy.square()), mean(dx * dy)
    both = (xx + yy).clamp_min(1e-12)
    shaped = (~flat).to(mass)
    return {
        "centre_x": cx,
        "centre_y": cy,
        "spread": both.sqrt() * shaped,
        "upright": (yy - xx) / both * shaped,
        "slant": 2 * xy / both * shaped,
    }
