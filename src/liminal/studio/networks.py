"""The networks of a space as ONNX files, which a page runs in the browser: decoder, encoder, reader, velocity
of the latent flow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import LiminalError
from ..export import onnx
from ..kept import Arrays, Facts
from ..tensors import rng
from ..voice import Voice
from .session import Session

if TYPE_CHECKING:
    from ..measures.eyes.reader import Reader
    from ..models.latent import Flow


class _Named(nn.Module):
    """A reader as one table: a column for each attribute, numbers in standard deviations, or value of a
    category.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, x: Tensor) -> Tensor:
        columns = []
        for name, value in self.reader.soft(x).items():
            how = self.reader.spec[name]
            if how["kind"] == "category":
                columns.append(value.softmax(1))
            else:
                columns.append((value.sigmoid() if how["kind"] == "bool" else value)[:, None])
        return torch.cat(columns, 1)


class _Velocity(nn.Module):
    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, u: Tensor, t: Tensor) -> Tensor:
        return self.flow.velocity(u, t)


class _Encode(nn.Module):
    """An encoder of x as float32, whatever its own type: a page's arrays have that one."""

    def __init__(self, generator: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.generator, self.dtype = generator, dtype

    def forward(self, x: Tensor) -> Tensor:
        return self.generator.posterior(x.to(self.dtype)).mean


def networks(s: Session, voice: Voice) -> tuple[Arrays, Facts]:
    """The networks as ONNX files; the decoder must be among them, the others may be."""
    space, kind = s.space, s.space.modality
    generator = space.generator

    def real(n: int) -> Tensor:
        return kind.tensor(space.items(list(range(n)))).float()

    def decoded(n: int) -> Tensor:
        return generator.decode(generator.prior.sample(n, rng(n)))

    wanted: dict[str, tuple[nn.Module, str, Callable[[int], dict[str, Tensor]]]] = {}
    wanted["encoder"] = (_Encode(generator, kind.dtype), "z", lambda n: {"x": real(n)})
    if space.reader is not None:
        wanted["reader"] = (_Named(space.reader), "y", lambda n: {"x": decoded(n)})
    if space.flow is not None:
        wanted["velocity"] = (
            _Velocity(space.flow),
            "v",
            lambda n: {"u": torch.randn(n, space.dim, generator=rng(n)), "t": torch.full((n,), 0.4)},
        )
    arrays: Arrays = {"decoder": _network(s, "decoder", lambda part: onnx.decoder(generator, part))}
    for i, (name, (module, output, inputs)) in enumerate(wanted.items()):
        voice.progress("taking the networks along", 0.35 + 0.08 * i)

        def write(
            part: Path,
            module: nn.Module = module,
            output: str = output,
            inputs: Any = inputs,
            name: str = name,
        ) -> Any:
            return onnx.network(module, inputs, output, part, 1e-3, name)

        try:
            arrays[name] = _network(s, name, write)
        except LiminalError:
            continue
    said, told = kind.likelihood, kind.config()
    facts: Facts = {
        "shape": list(kind.shape),
        "soft_shape": list(kind.soft_shape),
        "item_shape": list(kind.item_shape),
        "likelihood": {  # what the kind says itself, such as the vectors of all words, is said once
            "name": said.name,
            "config": {k: v for k, v in said.config().items() if k not in told or told[k] != v},
        },
        "readings": [],
    }
    if space.reader is not None:
        seen = _columns(space.reader) if "reader" in arrays else {}
        stated = dict.fromkeys(kind.exact(kind.harden(decoded(1))), (0.0, 1.0))
        facts["readings"] = [
            {"name": name, "mean": mean, "std": std}
            for name, (mean, std) in (seen | {n: u for n, u in stated.items() if n not in seen}).items()
        ]
        facts["read"] = len(seen)
        facts["spread"] = space.spread
    return arrays, facts


def _columns(reader: Reader) -> dict[str, tuple[float, float]]:
    """The columns of a reader's table, and the mean and standard deviation that bring each to its own
    unit.
    """
    found: dict[str, tuple[float, float]] = {}
    for name, how in reader.spec.items():
        if how["kind"] == "category":
            found |= {f"{name}={value}": (0.0, 1.0) for value in how["classes"]}
        else:
            found[name] = (0.0, 1.0) if how["kind"] == "bool" else (how["mean"], how["std"])
    return found


def _network(s: Session, name: str, write: Callable[[Path], Any]) -> np.ndarray:
    """A network's file at half size, kept for the next time."""

    def make() -> tuple[Arrays, Facts]:
        with tempfile.TemporaryDirectory(prefix="liminal-") as folder:
            part = Path(folder) / "network.onnx"
            write(part)
            return {"data": np.frombuffer(onnx.halved(part.read_bytes()), np.uint8)}, {}

    return s.kept.once(f"page's {name}", make)[0]["data"]
