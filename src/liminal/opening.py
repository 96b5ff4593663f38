"""The three ways to a `Space`: open one, fit one, wrap a model that somebody already has."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import build, registry
from .card import read_weights
from .collection import collection, cut, made
from .errors import LiminalError, unknown
from .files import atomic
from .foreign import Foreign, knowing
from .generator import Autoencoder, Wrapped
from .models import inverted, latent
from .outputs import claim
from .priors import PRIORS, Prior
from .space import Space
from .tensors import choose_device, rng
from .voice import Voice, speaking

OLD = {"model.log_sigma": "model.likelihood.log_sigma"}  # what tensors were called in format 1
SEEN = 64  # items whose range decoded ones are compared with


def open(
    name: str | Path,
    *,
    device: str | None = None,
    decode: Callable[[Tensor], Any] | None = None,
    encode: Callable[[Tensor], Any] | None = None,
) -> Space:
    """Open a space: a folder that `liminal fit` made, or the name of a ready-made one.

    Nothing in it is ever unpickled or run.

    Args:
        name: an existing folder wins over a name.
        device: where to compute; None: the best there is.
        decode, encode: the callables of a wrapped model, whose code no space stores.

    Raises:
        LiminalError: there is no such space; it is damaged, unfinished or of a newer format; or it was
        wrapped and `decode` is missing.
    """
    found = collection(name)
    card, folder, modality = found.card, found.folder, found.modality
    tensors = read_weights(folder, "weights.safetensors", card.parts["weights.safetensors"])
    samplers: dict[str, Prior] = {}
    for kind, arguments in card.sampler.get("fitted", {}).items():
        samplers[kind] = made(latent.sampler(kind), arguments, folder)
        _fill(samplers[kind], tensors, kind, folder)
        samplers[kind].eval().requires_grad_(False)
    generator: Autoencoder
    if card.model["class"] == "wrapped":
        if decode is None:
            raise LiminalError(
                f"space {folder} was made of a wrapped model: open it with liminal.open(folder, decode=..., "
                "encode=...)"
            )
        prior = PRIORS.get(card.prior["name"], PRIORS["normal"])(card.prior["dim"])
        code = card.model["arguments"].get("code")
        decode, encode = knowing(decode, modality), knowing(encode, modality)
        wrapped = Wrapped(decode, encode, prior, modality.soft_shape, code, modality.shape)
        wrapped.try_decoder(prior.sample(2, rng(0)))
        generator = wrapped if encode is not None else inverted.Inverted(wrapped, modality)
    else:
        kind = registry.named("model", card.model["class"], registry.MODELS)
        generator = made(partial(kind, modality.likelihood), card.model["arguments"], folder)
        generator = inverted.encoded(generator, modality)
        _fill(generator, tensors, "model", folder)
    for wanted in {card.prior["name"], card.sampler["default"]} & set(latent.SAMPLERS) - set(samplers):
        raise cut(folder, f"sampler.fitted.{wanted}")
    if card.prior["name"] == "mixture":
        generator.prior = samplers["mixture"]
    else:
        samplers = {"prior": generator.prior, **samplers}
    return Space(
        generator.eval().requires_grad_(False).to(choose_device(device)), modality, card, folder, samplers
    )


def _fill(module: torch.nn.Module, tensors: dict[str, Tensor], prefix: str, folder: Path) -> None:
    present = {OLD.get(name, name): tensor for name, tensor in tensors.items()}
    state = {k[len(prefix) + 1 :]: v.float() for k, v in present.items() if k.startswith(f"{prefix}.")}
    try:
        missing, extra = module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise LiminalError(
            f"space {folder}: weights.safetensors does not fit the card "
            f"({str(error).splitlines()[-1].strip()})"
        ) from error
    missing = [k for k in missing if not k.startswith("prior.")]
    if missing or extra:
        raise LiminalError(
            f"space {folder}: weights.safetensors does not fit the card ({len(missing)} tensors missing, "
            f"{len(extra)} unknown)"
        )


def fit(
    data: Any,
    out: str | Path | None = None,
    *,
    voice: Voice | None = None,
    **how: Any,
) -> Space:
    """Train a model on data and open the space that results.

    Args:
        data: a folder of pictures, an idx, npy, npz or Parquet file, an array of stored items, or the name of
            a dataset.
        out: the space's folder; None: beside the data's name, ``NAME-space``, in the present folder.
        voice: hears progress; None: the terminal where there is one.
        how: everything `build.fit` takes: ``model``, ``dim``, ``minutes`` or ``epochs``, ``attributes``,
            ``seed``, ...

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
    decode: Callable[[Tensor], Any],
    encode: Callable[[Tensor], Any],
    data: Any,
    *,
    prior: str | Prior = "normal",
    dim: int | None = None,
    modality: str | None = None,
    out: str | Path | None = None,
    attributes: str | Path | None = None,
    seed: int = 0,
    voice: Voice | None = None,
    **reading: Any,
) -> Space:
    """A space around a model that somebody already has.

    Both are tried on two items before any work. They run in evaluation mode, and every torch module that they
    can reach has its own state back afterwards. What they give may be a tensor, a numpy array, or a tuple
    (its first tensor), a mapping or an object that holds one under a usual name, such as ``mean``, ``z``,
    ``latent_dist``, ``latents``, ``last_hidden_state``; of a decoder, ``sample``.

    Args:
        decode: z (n, d) -> x (n, *shape) in the modality's range; a module counts its parameters.
        encode: x -> z (n, d), the same for the same item. Codes of more axes, such as (n, 18, 512), are
            flattened, and given back so.
        data: items to catalogue, as `fit` takes them.
        prior: the model's: ``normal``, ``sphere``, ``uniform``, or a `Prior`.
        dim: d; None: found by encoding two items; wanted where there is no encoder and `prior` is a name.
        modality: kind of data; None: what the data look like.
        out: folder of the catalogue; None: one that goes with the Space. The model's code is never stored.
        attributes: file of attributes, joined by file name.
        seed: of the split, the samplers and the readers.
        voice: hears progress.
        reading: options for reading the data.

    Raises:
        LiminalError: the callables do not fit each other or the data.
    """
    speak = voice or speaking()
    if isinstance(prior, str) and prior not in PRIORS:
        raise unknown("prior", prior, PRIORS)
    temporary = None if out is not None else tempfile.TemporaryDirectory(prefix="liminal-")
    folder = claim(temporary.name if temporary else str(out), force=False, resume=False)
    assert folder is not None
    encoder = None if encode is None else Foreign(encode, "encoder")  # refused before anything is read
    Foreign(decode, "decoder")
    items, held = build.prepared(registry.dataset(data, attributes, modality, speak, **reading), seed)
    kind = items.modality
    decode, encode = knowing(decode, kind), knowing(encode, kind)
    encoder = encoder and Foreign(encode, "encoder")
    if encoder is not None:
        z, code = _codes(encoder, kind.tensor(items.items[:2]), dim)
        known = PRIORS[prior](z.shape[1]) if isinstance(prior, str) else prior
    elif isinstance(prior, Prior) or dim is not None:
        known = PRIORS[prior](dim) if isinstance(prior, str) and dim is not None else prior
        z, code = known.sample(2, rng(seed)), None
    else:
        raise LiminalError(
            "wrap: without an encoder the number of latent dimensions is not known; give dim= (or encode=)"
        )
    wrapped = Wrapped(decode, encode, known, kind.soft_shape, code, kind.shape)
    _compare(wrapped.try_decoder(z), kind.soft(items.items[:SEEN]), speak)
    generator = wrapped if encoder is not None else inverted.Inverted(wrapped, kind)
    with atomic(folder) as part:
        part.mkdir()
        build.assemble(generator, items, held, part, seed=seed, voice=speak).commit(part)
    speak.close()
    space = open(folder, decode=decode, encode=encode)
    space._kept = temporary
    return space


def _codes(encoder: Foreign, x: Tensor, dim: int | None) -> tuple[Tensor, tuple[int, ...]]:
    """Codes (n, d) of some items, and the shape that one has for the encoder.

    Raises:
        LiminalError: the encoder is not to be trusted with more, or a code has not `dim` numbers.
    """
    device = encoder.parameters[0].device if encoder.parameters else "cpu"
    z = encoder.tried(x.to(device))
    code = tuple(z.shape[1:])
    if dim is not None and math.prod(code) != dim:
        raise LiminalError(
            f"wrap: the encoder gave codes of {math.prod(code)} numbers (shape {tuple(z.shape)} for "
            f"{len(z)} items): "
            f"wanted dim={dim}"
        )
    return z.reshape(len(z), -1), code


def _compare(decoded: Tensor, items: Tensor, voice: Voice) -> None:
    """Warn of a decoder that counts from -1 to 1, or to 255, where items do not."""
    low, high = float(items.min()), float(items.max())
    below, above = float(decoded.min()), float(decoded.max())
    room = max(high - low, 1e-6) / 2
    if below < low - room or above > high + room:
        voice.warn(
            f"the decoder gives numbers from {below:.3g} to {above:.3g}, and the items hold {low:.3g} to "
            f"{high:.3g}: let decode= bring them to the same range"
        )
