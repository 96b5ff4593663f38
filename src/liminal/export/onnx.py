"""Networks as ONNX files, for browsers and other runtimes; checked against torch before they are kept."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import LiminalError
from ..files import atomic
from ..generator import Generator
from ..nn import plainly
from ..tensors import inference, rng

SMALL = 64  # numbers of a weight below which it stays as it is


class _Decode(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor) -> Tensor:
        return self.generator.decode_soft(z)


def decoder(generator: Generator, path: str | Path, tolerance: float = 1e-4) -> float:
    """Write the decoder z (n, d) -> x (n, *shape) to an ONNX file with a dynamic batch of 1 or more (input
    ``z``, output ``x``). One that searches for its answer, as that of sentences, does without: see
    `nn.plainly`.

    Args:
        generator: on the CPU.
        path: of the file, written whole or not at all.
        tolerance: largest difference allowed between ONNX Runtime's output and torch's, over batches of 1, 2
            and 5.

    Returns:
        The largest difference found.

    Raises:
        LiminalError: the decoder cannot be exported, or the exported one gives something else.
    """
    return network(
        _Decode(generator),
        lambda n: {"z": generator.prior.sample(n, rng(n))},
        "x",
        path,
        tolerance,
        "decoder",
    )


def network(
    module: nn.Module,
    inputs: Callable[[int], dict[str, Tensor]],
    output: str,
    path: str | Path,
    tolerance: float = 1e-4,
    what: str = "network",
) -> float:
    """Write a network to an ONNX file with a dynamic batch of 1 or more.

    Args:
        module: on the CPU; takes its inputs by name and gives one tensor, whose rows are those of the inputs.
        inputs: n -> an example of n rows, by the names of the module's arguments, which are those of the
            file's inputs.
        output: the output's name.
        path: of the file, written whole or not at all.
        tolerance: largest difference allowed between ONNX Runtime's output and torch's, over batches of 1, 2
            and 5.
        what: the network is called in errors.

    Returns:
        The largest difference found.

    Raises:
        LiminalError: it cannot be exported, or what was exported gives something else.
    """
    import onnxruntime

    plain, still = plainly(module), torch.inference_mode(False)
    with inference(module), plain, still, torch.no_grad(), atomic(path) as part:
        example = {name: x.clone() for name, x in inputs(3).items()}
        rows = torch.export.Dim("n", min=1, max=1 << 20)
        with _silence():
            try:
                torch.onnx.export(
                    module.eval(),
                    tuple(example.values()),
                    str(part),
                    input_names=list(example),
                    output_names=[output],
                    dynamic_shapes={name: {0: rows} for name in example},
                    dynamo=True,
                    external_data=False,
                    verbose=False,
                )
            except Exception as error:  # the exporter raises many kinds
                raise LiminalError(
                    f"onnx: this {what} cannot be exported ({str(error).splitlines()[0][:200]})"
                ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(part), options, providers=["CPUExecutionProvider"])
        worst = 0.0
        for n in (1, 2, 5):
            given = {name: x.clone() for name, x in inputs(n).items()}
            got = np.asarray(session.run([output], {name: x.numpy() for name, x in given.items()})[0])
            worst = max(worst, float(np.abs(got - module(**given).numpy()).max()))
        if not worst <= tolerance:
            raise LiminalError(
                f"onnx: the exported {what} differs from the model by {worst:.2g}, more than "
                f"{tolerance:.2g}; it was not kept"
            )
    return worst


def halved(data: bytes) -> bytes:
    """An ONNX file whose weights take half the room: kept as float16, and turned back to float32 once, when
    the file is loaded.

    Weights are off by a two-thousandth at most; what is computed is computed in float32 as before.

    Args:
        data: of a file.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(data)
    graph, casts = model.graph, []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        if values.size < SMALL or not np.abs(values).max() < np.finfo(np.float16).max:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    for node in graph.node:  # where in the source a node came from: half of a small file
        node.doc_string = ""
        del node.metadata_props[:]
    del model.metadata_props[:]
    return bytes(model.SerializeToString())


@contextlib.contextmanager
def _silence():  # type: ignore[no-untyped-def]
    """The exporter talks on standard output, in warnings and through loggers; errors still come as
    exceptions.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
