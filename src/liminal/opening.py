"""The three ways to a `Space`: open one, fit one, wrap a model that somebody already has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import build, registry
from .card import Card, claim, read_weights, verify
from .datasets import Dataset
from .errors import LiminalError, unknown
from .generator import Autoencoder, Wrapped
from .models import latent
from .priors import PRIORS, Prior
from .space import Space
from .tensors import choose_device
from .train import split
from .voice import Voice, speaking


def open(
    name: str | Path,
    *,
    device: str | None = None,
    decode: Callable[[Tensor], Tensor] | None = None,
    encode: Callable[[Tensor], Tensor] | None = None,
) -> Space:
    """Open a space: a folder that `liminal fit` made, or the name of a ready-made one. Nothing in it is ever unpickled or run.

    Args:
        name: an existing folder wins over a name.
        device: where to compute; None: the best there is.
        decode, encode: the callables of a wrapped model, whose code no space stores.

    Raises:
        LiminalError: there is no such space; it is damaged, unfinished or of a newer format; or it was wrapped and `decode` is missing.
    """
    folder = registry.space_folder(name)
    card = Card.read(folder)
    verify(folder, card)
    for name in ("weights.safetensors", "items.lance"):
        if name not in card.parts:
            raise LiminalError(
                f"space {folder}: card.json names no {name}, so it is cut or changed by hand; copy the whole folder again"
            )
    modality = _made(
        registry.named("modality", card.modality["name"], registry.MODALITIES),
        card.modality["arguments"],
        folder,
    )
    tensors = read_weights(folder, "weights.safetensors", card.parts["weights.safetensors"])
    samplers: dict[str, Prior] = {}
    for kind, arguments in card.sampler.get("fitted", {}).items():
        samplers[kind] = _made(latent.sampler(kind), arguments, folder)
        _fill(samplers[kind], tensors, kind, folder)
        samplers[kind].eval().requires_grad_(False)
    generator: Autoencoder
    if card.model["class"] == "wrapped":
        if decode is None:
            raise LiminalError(
                f"space {folder} was made of a wrapped model: open it with liminal.open(folder, decode=..., encode=...)"
            )
        generator = Wrapped(
            decode,
            encode,
            PRIORS.get(card.prior["name"], PRIORS["normal"])(int(card.prior["dim"])),
            modality.shape,
        )
    else:
        generator = _made(
            registry.named("model", card.model["class"], registry.MODELS), card.model["arguments"], folder
        )
        _fill(generator, tensors, "model", folder)
    if card.prior["name"] == "mixture":
        generator.prior = samplers["mixture"]
    else:
        samplers = {"prior": generator.prior, **samplers}
    return Space(
        generator.eval().requires_grad_(False).to(choose_device(device)), modality, card, folder, samplers
    )


def _made(kind: Callable[..., Any], arguments: dict[str, Any], folder: Path) -> Any:
    """What the card's arguments make; arguments that do not fit say that the card was cut or changed."""
    try:
        return kind(**arguments)
    except TypeError as error:
        raise LiminalError(
            f"space {folder}: card.json holds arguments that do not fit ({error}); copy the whole folder again"
        ) from error


def _fill(module: torch.nn.Module, tensors: dict[str, Tensor], prefix: str, folder: Path) -> None:
    state = {k[len(prefix) + 1 :]: v.float() for k, v in tensors.items() if k.startswith(f"{prefix}.")}
    try:
        missing, extra = module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise LiminalError(
            f"space {folder}: weights.safetensors does not fit the card ({str(error).splitlines()[-1].strip()})"
        ) from error
    missing = [k for k in missing if not k.startswith("prior.")]
    if missing or extra:
        raise LiminalError(
            f"space {folder}: weights.safetensors does not fit the card ({len(missing)} tensors missing, {len(extra)} unknown)"
        )


def fit(
    data: str | Path | np.ndarray | Dataset,
    out: str | Path | None = None,
    *,
    voice: Voice | None = None,
    **how: Any,
) -> Space:
    """Train a model on data and open the space that results.

    Args:
        data: a folder of pictures, an idx, npy, npz or Parquet file, an array of stored items, or the name of a dataset.
        out: the space's folder; None: beside the data's name, ``NAME-space``, in the present folder.
        voice: hears progress; None: the terminal where there is one.
        how: everything `build.fit` takes: ``model``, ``dim``, ``minutes`` or ``epochs``, ``attributes``, ``seed``, ...

    Raises:
        LiminalError: wrong input; nothing was written then.
    """
    if out is None:
        out = f"{Path(data).name or 'data'}-space" if isinstance(data, str | Path) else "space"
    folder = build.fit(data, out, voice=voice or speaking(), **how)
    if folder is None:
        raise LiminalError("fit: this process is a helper of several; the space opens in the main one")
    return open(folder, device=how.get("device"))


def wrap(
    decode: Callable[[Tensor], Tensor],
    encode: Callable[[Tensor], Tensor],
    data: str | Path | np.ndarray | Dataset,
    *,
    prior: str | Prior = "normal",
    dim: int | None = None,
    modality: str = "image",
    out: str | Path | None = None,
    attributes: str | Path | None = None,
    seed: int = 0,
    voice: Voice | None = None,
    **reading: Any,
) -> Space:
    """A space around a model that somebody already has.

    Args:
        decode: z (n, d) -> x (n, *shape) in the modality's range; any torch callable, a module counts its parameters.
        encode: x -> z (n, d).
        data: items to catalogue, as `fit` takes them.
        prior: the model's: ``normal``, ``sphere``, ``uniform``, or a `Prior`.
        dim: d; None: found by encoding one item.
        modality: kind of data.
        out: folder to keep the catalogue in; None: one that goes with the Space. The model's code is never stored.
        attributes: file of attributes, joined by file name.
        seed: of the split, the samplers and the readers.
        voice: hears progress.
        reading: options for reading the data.

    Raises:
        LiminalError: the callables do not fit each other or the data.
    """
    speak = voice or speaking()
    items = registry.dataset(data, attributes, modality, speak, **reading)
    if dim is None:
        with torch.no_grad():
            dim = int(encode(items.modality.tensor(items.items[:1])).shape[-1])
    if isinstance(prior, str) and prior not in PRIORS:
        raise unknown("prior", prior, PRIORS)
    generator = Wrapped(
        decode, encode, PRIORS[prior](dim) if isinstance(prior, str) else prior, items.modality.shape
    )
    temporary = None if out is not None else tempfile.TemporaryDirectory(prefix="liminal-")
    folder = claim(temporary.name if temporary else str(out), force=False, resume=False)
    assert folder is not None
    folder.mkdir(exist_ok=True)
    build.assemble(
        generator, items, split(len(items), items.held_out, seed), folder, seed=seed, voice=speak
    ).commit(folder)
    speak.close()
    space = open(folder, decode=decode, encode=encode)
    space._kept = temporary
    return space
