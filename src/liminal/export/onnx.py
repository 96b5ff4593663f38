"""A decoder as an ONNX file, for browsers and other runtimes; checked against torch before it is kept."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import LiminalError
from ..files import atomic
from ..generator import Generator
from ..tensors import inference, rng


class _Decode(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor) -> Tensor:
        return self.generator.decode_soft(z)


def decoder(generator: Generator, path: str | Path, tolerance: float = 1e-4) -> float:
    """Write the decoder z (n, d) -> x (n, *shape) to an ONNX file with a dynamic batch of 1 or more (input ``z``, output ``x``).

    Args:
        generator: on the CPU.
        path: of the file, written whole or not at all.
        tolerance: largest difference allowed between ONNX Runtime's output and torch's, over batches of 1, 2 and 5.

    Returns:
        The largest difference found.

    Raises:
        LiminalError: the decoder cannot be exported, or the exported one gives something else.
    """
    import onnxruntime

    with inference(generator), torch.inference_mode(False), torch.no_grad(), atomic(path) as part:
        example = generator.prior.sample(3, rng(0)).clone()
        with _silence():
            try:
                torch.onnx.export(
                    _Decode(generator).eval(),
                    (example,),
                    str(part),
                    input_names=["z"],
                    output_names=["x"],
                    dynamic_shapes={"z": {0: torch.export.Dim("n", min=1, max=1 << 20)}},
                    dynamo=True,
                    external_data=False,
                    verbose=False,
                )
            except Exception as error:  # the exporter raises many kinds
                raise LiminalError(f"onnx: this decoder cannot be exported ({str(error).splitlines()[0][:200]})") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(part), options, providers=["CPUExecutionProvider"])
        worst = 0.0
        for n in (1, 2, 5):
            z = generator.prior.sample(n, rng(n)).clone()
            got = np.asarray(session.run(["x"], {"z": z.numpy()})[0])
            worst = max(worst, float(np.abs(got - generator.decode_soft(z).numpy()).max()))
        if not worst <= tolerance:
            raise LiminalError(
                f"onnx: the exported decoder differs from the model by {worst:.2g}, more than {tolerance:.2g}; it was not kept"
            )
    return worst


@contextlib.contextmanager
def _silence():  # type: ignore[no-untyped-def]
    """The exporter talks on standard output, in warnings and through loggers; errors still come as exceptions."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
