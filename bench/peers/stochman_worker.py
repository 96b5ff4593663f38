"""What runs in stochman's venv: minimise the energy of curves through a tanh decoder by its batched Adam.

Reads npz, writes npy.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import meter
import numpy as np
import torch
from stochman.curves import CubicSpline
from stochman.geodesic import geodesic_minimizing_energy
from stochman.manifold import EmbeddedManifold


class Decoded(EmbeddedManifold):
    """The surface of a decoder."""

    def __init__(self, layers: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.layers = layers

    def embed(self, points: torch.Tensor, jacobian: bool = False) -> torch.Tensor:
        x = points
        for i, (weight, bias) in enumerate(self.layers):
            x = torch.nn.functional.linear(x.tanh() if i else x, weight, bias)
        return x


def main() -> None:
    """Do what the command line says; the answer is the last line, JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("data", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--nodes", type=int, default=5)
    options.add_argument("--steps", type=int, default=1500)
    options.add_argument("--points", type=int, default=256)
    options.add_argument("--threads", type=int)
    given = options.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    data = {name: torch.from_numpy(value) for name, value in np.load(given.data, allow_pickle=False).items()}
    manifold = Decoded([(data[f"weight{i}"], data[f"bias{i}"]) for i in range(3)])
    curve = CubicSpline(data["a"], data["b"], num_nodes=given.nodes)
    success, told = meter.metered(lambda: geodesic_minimizing_energy(curve, manifold, max_iter=given.steps))
    with torch.no_grad():
        np.save(given.out, curve(torch.linspace(0, 1, given.points)).numpy())
    meter.answer({**told, "success": bool(success)})


if __name__ == "__main__":
    main()
