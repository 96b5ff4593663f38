"""The networks of a space as ONNX files, which a page runs in the browser: decoder, encoder, reader, velocity of the latent flow."""

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
    from ..measures.reader import Reader
    from ..models.latent import Flow


class _Named(nn.Module):
    """A reader as one table: a column for each attribute and each value of a category."""

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
                columns.append(
                    (value.sigmoid() if how["kind"] == "bool" else value * how["std"] + how["mean"])[:, None]
                )
        return torch.cat(columns, 1)


class _Velocity(nn.Module):
    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, u: Tensor, t: Tensor) -> Tensor:
        return self.flow.velocity(u, t)


class _Encode(nn.Module):
    def __init__(self, generator: Any) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        return self.generator.posterior(x).mean


def networks(s: Session, voice: Voice) -> tuple[Arrays, Facts]:
    """The networks as ONNX files; the decoder must be among them, the others may be."""
    space = s.space
    generator, shape = space.generator, tuple(space.generator.shape)

    def decoded(n: int) -> Tensor:
        return generator.decode(generator.prior.sample(n, rng(n)))

    wanted: dict[str, tuple[nn.Module, str, Callable[[int], dict[str, Tensor]]]] = {}
    wanted["encoder"] = (_Encode(generator), "z", lambda n: {"x": decoded(n)})
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
    facts: Facts = {
        "shape": list(shape),
        "readings": [],
        "fit": s.card.modality["arguments"].get("fit", "pad"),
    }
    if "reader" in arrays and space.reader is not None:
        facts["readings"] = list(space.reader.named(decoded(1)))
        facts["spread"] = space.spread
    return arrays, facts


def _network(s: Session, name: str, write: Callable[[Path], Any]) -> np.ndarray:
    """A network's file at half size, kept for the next time."""

    def make() -> tuple[Arrays, Facts]:
        with tempfile.TemporaryDirectory(prefix="liminal-") as folder:
            part = Path(folder) / "network.onnx"
            write(part)
            return {"data": np.frombuffer(onnx.halved(part.read_bytes()), np.uint8)}, {}

    return s.kept.once(f"network {name}", make)[0]["data"]
