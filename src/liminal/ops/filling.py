"""What items lack, such as a row's empty cells, told from the rest."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import LiminalError
from ..generator import Generator
from ..modalities import Modality

STEPS, RATE = 200, 0.05  # of Adam, in units of the prior's standard deviation
ROUNDS = 2  # after each, how exactly numbers can be met is judged anew


def complete(
    generator: Generator,
    modality: Modality,
    x: Tensor,
    lacking: Tensor,
    z: Tensor,
    cost: Callable[[Tensor], Tensor] | None = None,
    enough: Tensor | None = None,
    decided: bool = False,
) -> Tensor:
    """The likeliest latents (n, d) of items of which a part is known: argmax log p(x_known | z) + log p(z).

    An encoder has seen what is missing as a value like others, or never; this asks the decoder about what is
    there alone (maximum a posteriori, by gradient descent from latents that are near).

    Args:
        generator: a differentiable decoder.
        modality: of the items.
        x: (n, *modality.shape).
        lacking: bool (n, *modality.soft_shape), see `Modality.lacking` and `Modality.part`.
        z: (n, d), where to start.
        cost: z (n, d) -> (n,), nats, in the place of -log p(z).
        enough: (n,), squared distance in the chart from what is known at which a latent stays where it is,
            so that searches from different places end in different ones; None: they go on to the best.
        decided: find the likeliest item rather than the likeliest latent: what is not known shall be one
            thing, not a mean of several, see `Likelihood.doubt`.
    """
    device, prior = generator.device, generator.prior
    x, lacking, free = x.to(device), lacking.to(device), z.to(device).clone()
    cost = cost or (lambda z: -prior.log_prob(z))
    with torch.inference_mode(False), torch.enable_grad():
        free = free.clone()
        for _ in range(ROUNDS):
            y = generator.decode_soft(free.requires_grad_())
            if not y.requires_grad:
                raise LiminalError(
                    "complete: the decoder gives no gradient; wanted one that torch can differentiate"
                )
            y = y.detach()
            surprise = modality.likelihood.partial(x, lacking, y)
            optimizer = torch.optim.Adam([free], RATE)
            going = torch.ones(len(free), dtype=torch.bool, device=device)
            for _ in range(STEPS // ROUNDS):
                at = prior.nearest(free)
                y = y.detach().index_put((going,), generator.decode_soft(at[going]))
                loss = surprise(y) + cost(at) + (modality.likelihood.doubt(y) if decided else 0)
                (grad,) = torch.autograd.grad(loss.sum(), free)
                held = free.detach().clone()
                free.grad = grad
                optimizer.step()
                if enough is not None:
                    going = modality.likelihood.missed(y.detach(), x, lacking) > enough.to(device)
                    with torch.no_grad():
                        free[~going] = held[~going]
                    if not going.any():
                        break
            free = prior.nearest(free.detach())
    return free.to(z.device)
