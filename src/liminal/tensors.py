"""Chunks, seeds, threads, devices and precision: the small things that every layer needs from torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .errors import LiminalError

CHUNK = 512  # items pushed through a network at once when memory must stay bounded


def rng(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A random generator of its own, seeded; the global one is left alone."""
    return torch.Generator(device=device).manual_seed(seed)


def choose_device(name: str | None = None) -> torch.device:
    """`name` as a torch device, or the best one of this machine (CUDA, then Apple's MPS, then the CPU).

    Raises:
        LiminalError: the name is no device, or this machine does not have it.
    """
    if name is None or name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise LiminalError(
            f"device {name!r} cannot be used here ({str(error).splitlines()[0]}); leave --device out to "
            "choose one"
        ) from error
    return device


def set_threads(count: int | None) -> None:
    """Use `count` CPU threads in torch (None: leave torch's choice).

    Raises:
        LiminalError: `count` is below 1.
    """
    if count is None:
        return
    if count < 1:
        raise LiminalError(f"--threads {count}: wanted 1 or more")
    torch.set_num_threads(count)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bf16 autocast is worth using: CUDA that supports it, or a CPU with bf16 instructions."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    ask: Callable[[], dict[str, object]] = getattr(
        torch.cpu, "get_capabilities", dict
    )  # newer than torch 2.6
    capabilities = ask()
    return device.type == "cpu" and bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


@contextmanager
def inference(module: nn.Module) -> Iterator[None]:
    """Evaluation mode and no autograd inside the block; every submodule's own mode is restored afterwards."""
    training = [m for m in module.modules() if m.training]
    if training:  # to go through a large network takes longer than to decode one item
        module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for m in training:
            m.training = True


def in_chunks(f: Callable[[Tensor], Tensor], x: Tensor, size: int = CHUNK) -> Tensor:
    """`f` over `x` in pieces of `size` rows, joined: bounded memory, and `f` sees an empty batch only if `x`
    is empty.
    """
    if len(x) <= size:
        return f(x)
    return torch.cat([f(x[i : i + size]) for i in range(0, len(x), size)])
