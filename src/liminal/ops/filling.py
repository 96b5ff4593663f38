"""What items lack, such as a row's empty cells, told from the rest."""

from __future__ import annotations

import torch
from torch import Tensor

from ..generator import Generator
from ..modalities import Modality

STEPS, RATE = 200, 0.05  # of Adam, in units of the prior's standard deviation


def complete(generator: Generator, modality: Modality, x: Tensor, lacking: Tensor, z: Tensor) -> Tensor:
    """The likeliest latents (n, d) of items of which a part is known: argmax log p(x_known | z) + log p(z).

    An encoder has seen what is missing as a value like others, or never; this asks the decoder about what is
    there alone (maximum a posteriori, by gradient descent from the encoder's answer).

    Args:
        generator: a differentiable decoder.
        modality: its likelihood has `partial`.
        x: (n, *modality.shape).
        lacking: bool (n, *modality.soft_shape), see `Modality.lacking`.
        z: (n, d), where to start.
    """
    device, prior = generator.device, generator.prior
    x, lacking = x.to(device), lacking.to(device)
    with torch.inference_mode(False), torch.enable_grad():
        free = z.to(device).clone()
        surprise = modality.likelihood.partial(x, lacking, generator.decode_soft(free).detach())
        free.requires_grad_()
        optimizer = torch.optim.Adam([free], RATE)
        for _ in range(STEPS):
            at = prior.nearest(free)
            energy = surprise(generator.decode_soft(at)) - prior.log_prob(at)
            (free.grad,) = torch.autograd.grad(energy.sum(), free)
            optimizer.step()
    return prior.nearest(free.detach()).to(z.device)
