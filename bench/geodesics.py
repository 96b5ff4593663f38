"""Geodesics: 100 curves of a tanh decoder beside stochman 0.3's batched Adam, in its own venv; 64 of an image
decoder by the clock.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import liminal
from liminal.ops.geodesics.geodesics import Geodesics, energy, geodesics, length
from liminal.ops.geodesics.polylines import line
from liminal.tensors import rng

from . import figures
from .figures import OUT, Figure, Record
from .processes import ask, venv

VERSION = "0.3"
FOLDER = OUT / "geodesics"


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("geodesics", __doc__ or "")
    options.add_argument("--curves", type=int, default=100, help="through the tanh decoder")
    options.add_argument(
        "--gain", type=float, default=3.0, help="of its orthogonal weights: how much it bends"
    )
    options.add_argument("--steps", type=int, default=1500, help="of stochman's Adam")
    options.add_argument("--nodes", default="5,10", help="of stochman's splines; 5 is its default")
    options.add_argument(
        "--no-peer", action="store_true", help="leave stochman out: no venv is made, no network needed"
    )
    options.add_argument("--space", default="fashion", help="of pictures")
    options.add_argument("--image-curves", type=int, default=64, help="through its decoder")
    options.add_argument("--points", type=int, default=16, help="of each of these")
    options.add_argument("--rounds", type=int, default=3, help="of timing Liminal; the least time counts")
    options.add_argument("--seed", type=int, default=0, help="of the decoder's weights and of the pairs")
    options.add_argument("--threads", type=int, default=None, help="CPU threads of both")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    if given.threads:
        torch.set_num_threads(given.threads)
    nodes = [int(n) for n in given.nodes.split(",")]
    python = None if given.no_peer else venv("stochman", VERSION, "torch")
    record = Record("geodesics", args, given)
    record.note(f"threads: {torch.get_num_threads()}")
    beside_stochman(record, python, nodes, given)
    pictures(record, given)
    record.finish()


def tanh_decoder(gain: float, seed: int) -> nn.Sequential:
    """2-128-128-784 with orthogonal weights times `gain`, no biases to speak of: smooth, bent, and nobody's
    training.
    """
    net = nn.Sequential(nn.Linear(2, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 784))
    for i, layer in enumerate(m for m in net if isinstance(m, nn.Linear)):
        nn.init.orthogonal_(layer.weight, gain, generator=rng(seed + i))
        nn.init.zeros_(layer.bias)
    return net.requires_grad_(False)


def timed(work: Callable[[], Geodesics], rounds: int) -> tuple[Geodesics, float, float]:
    """What it gives, and its least wall and CPU seconds."""
    wall, cpu = [], []
    for _ in range(rounds):
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    return found, min(wall), min(cpu)


def beside_stochman(record: Record, python: Path | None, nodes: Sequence[int], given: Namespace) -> None:
    """The same pairs through the same decoder; energies at 256 points, relative to the lines', summed over
    the curves.
    """
    net, z = (
        tanh_decoder(given.gain, given.seed),
        torch.randn(2 * given.curves, 2, generator=rng(given.seed + 10)),
    )
    a, b = z[: given.curves], z[given.curves :]
    geodesics(net, a[:2], b[:2])  # what is loaded at first use
    found, _, cpu = timed(lambda: geodesics(net, a, b, compare=None), given.rounds)
    straight = line(a, b, 256)
    ours = {
        "energy": relative(energy, net, found.z, straight),
        "length": relative(length, net, found.z, straight),
    }
    record.note(
        f"tanh decoder 2-128-128-784, orthogonal weights times {given.gain:g}, not trained; pairs from N(0, "
        "I)"
    )
    record.add(
        Figure(
            f"{given.curves} curves, tanh decoder",
            cpu,
            "CPU-s",
            note=f"{float(found.converged.float().mean()):.0%} converged",
        )
    )
    if python is None:
        record.add(Figure("energy / the lines'", ours["energy"]))
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    layers = [m for m in net if isinstance(m, nn.Linear)]
    arrays = {
        f"{kind}{i}": getattr(layer, kind).numpy()
        for i, layer in enumerate(layers)
        for kind in ("weight", "bias")
    }
    np.savez(FOLDER / "tanh.npz", a=a.numpy(), b=b.numpy(), **arrays)
    for count in nodes:
        out = FOLDER / f"stochman-{count}.npy"
        options = [f"--nodes={count}", f"--steps={given.steps}", f"--threads={torch.get_num_threads()}"]
        told = ask(
            python,
            "stochman_worker.py",
            [FOLDER / "tanh.npz", out, *options],
            FOLDER / f"stochman-{count}.log",
        )
        theirs = torch.from_numpy(np.load(out, allow_pickle=False))
        label = f"stochman, {count} nodes"
        for name, measure in (("energy", energy), ("length", length)):
            their = relative(measure, net, theirs, straight)
            note = f"'success': {told['success']}" if name == "energy" else ""
            record.add(
                Figure(
                    f"{name} / the lines', beside {label}",
                    ours[name],
                    "",
                    their,
                    "lower",
                    {label: their},
                    note=note,
                )
            )
        record.add(
            Figure(
                f"CPU time / {label}",
                cpu / told["cpu"],
                "×",
                1 / 50,
                "lower",
                note=f"its own: {told['cpu']:.1f} CPU-s",
            )
        )


def relative(measure: Callable[..., Tensor], net: nn.Module, curves: Tensor, straight: Tensor) -> float:
    """Energies or lengths at 256 points, summed over the curves, over those of the lines."""
    return float(measure(net, curves).sum() / measure(net, straight).sum())


def pictures(record: Record, given: Namespace) -> None:
    """Curves between real items of a space of pictures."""
    space = liminal.open(given.space)
    n, decode = given.image_curves, space.generator.decode_soft
    z = torch.as_tensor(space.catalogue.latents()[1], dtype=torch.float32)
    z = z[torch.randperm(len(z), generator=rng(given.seed))[: 2 * n]]
    a, b = z[:n], z[n:]
    found, wall, cpu = timed(
        lambda: geodesics(decode, a, b, points=given.points, starts=("line",), compare=None), given.rounds
    )
    with torch.no_grad():
        some, begun = torch.randn(2048, space.dim, generator=rng(given.seed)), time.process_time()
        for part in some.split(256):
            decode(part)
    speed = len(some) / (time.process_time() - begun)
    label = f"{n} curves of {given.points} points, {space.dim}-d {Path(given.space).name}"
    own = (
        f"{float(found.converged.float().mean()):.0%} converged, "
        f"{float(found.iterations.float().mean()):.1f} steps each"
    )
    record.add(
        Figure(
            label,
            wall,
            "s",
            3.0,
            "lower",
            note=f"{cpu:.2f} CPU-s; {own}; the decoder alone makes {speed:,.0f} items a CPU-s",
        )
    )
    both = energy(decode, found.z) / energy(decode, line(a, b, 2))
    record.add(
        Figure(
            "energy / the line's, at 256 points, mean",
            float(both.mean()),
            note=f"largest {float(both.max()):.3f}",
        )
    )
    record.add(Figure("largest energy / the line's", float(both.max()), "", 1.0, "lower"))
    ratio = length(decode, found.z) / length(decode, line(a, b, 2))
    record.add(Figure("length / the line's, mean", float(ratio.mean())))
