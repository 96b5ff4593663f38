"""From data to a space on disk: `fit` trains a model, and `assembly` makes a space of it and its items.

What a reader sees is decided by one file, ``card.json``, which is written last: until then the folder is an
unfinished space that ``--resume`` goes on with; from then on it is a whole one. A space that is to be
replaced stays as it is meanwhile: the new one is made beside it, in ``NAME.new``, and takes its place when it
is whole.
"""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from . import registry
from .assembly import Lazy, Rows, assemble, batches, encode_all, learn_attributes, prepared
from .card import CHECKPOINT, FILE, Card
from .datasets import Dataset
from .errors import LiminalError, unknown
from .generator import Autoencoder, Trainable
from .models import inverted
from .ops.directions import probes
from .outputs import claim, settle
from .run import Plan
from .tensors import choose_device, set_threads
from .train import train
from .voice import Voice

DIM, MINUTES = 16, 5.0  # of a fit that is told nothing, for kinds that do not say what suits them
__all__ = ["Lazy", "assemble", "batches", "encode_all", "fit", "learn_attributes", "prepared"]


@dataclass(frozen=True)
class Design:
    """The network that a fit trains.

    Attributes:
        model: ``vae``, ``ae`` or ``wae``.
        dim: latent dimensions; None: as many as suit the items.
        prior: its name; None: the model's own default.
        options: further arguments of the model.
        bind: attributes that the first dimensions shall be, one each.
        free: whether the items may say how long to train.
    """

    model: str
    dim: int | None
    prior: str | None
    options: dict[str, Any]
    bind: Sequence[str]
    free: bool = False

    def __post_init__(self) -> None:
        registry.named("model", self.model, registry.MODELS)
        if self.dim is not None and self.dim < 1:
            raise LiminalError(f"--dim {self.dim}: a latent space needs 1 dimension or more")

    def suited(self, found: Mapping[str, float]) -> Design:
        """This design where it is told, and what suits the items (`Modality.suited`) where it is not."""
        takes = inspect.signature(registry.named("model", self.model, registry.MODELS)).parameters
        own = {name: value for name, value in found.items() if name in takes and name != "dim"}
        return replace(self, dim=self.dim or int(found.get("dim", DIM)), options=own | self.options)

    def known(self, items: Dataset, held: np.ndarray) -> np.ndarray | None:
        """The attributes that dimensions are bound to, as `bound` gives them; None where there are none.

        Raises:
            LiminalError: as `bound`, or the model has no encoder.
        """
        if not self.bind:
            return None
        if not issubclass(registry.named("model", self.model, registry.MODELS), Autoencoder):
            raise LiminalError(
                f"model {self.model} has no encoder whose dimensions could be bound; leave --bind out"
            )
        return bound(items.attributes, held, self.bind, self.dim or DIM)

    def network(self, items: Dataset, seed: int) -> Trainable:
        """The network for these items, its weights drawn from the seed."""
        torch.manual_seed(seed)
        kind = registry.named("model", self.model, registry.MODELS)
        how = {**({"prior": self.prior} if self.prior else {}), "network": items.modality.network}
        made: Trainable = kind(items.modality.likelihood, self.dim or DIM, **how | self.options)
        if made.mixing and items.modality.mixed(x := items.modality.tensor(items.items[:1]), x) is None:
            raise LiminalError(f"--mixing: {items.modality.plural} cannot be mixed; leave it out")
        return made


def fit(
    data: Any,
    out: str | Path,
    *,
    model: str = "vae",
    dim: int | None = None,
    prior: str | None = None,
    epochs: float | None = None,
    minutes: float | None = None,
    batch: int = 64,
    rate: float = 3e-3,
    seed: int = 0,
    attributes: str | Path | None = None,
    modality: str | None = None,
    options: dict[str, Any] | None = None,
    reading: dict[str, Any] | None = None,
    bind: Sequence[str] = (),
    threads: int | None = None,
    device: str | None = None,
    resume: bool = False,
    force: bool = False,
    voice: Voice | None = None,
) -> Path | None:
    """Train a model on data and write the space to the folder `out`.

    Args:
        data: as `registry.dataset` takes it.
        out: folder of the space.
        model: ``vae``, ``ae`` or ``wae``.
        dim: latent dimensions; None: 16, or what suits the data (`Modality.suited`).
        prior: its name; None: the model's own default.
        epochs: passes over the training items; or
        minutes: of training (else what suits the data, or 5), without cataloguing and fitting samplers.
        batch: items a step.
        rate, seed: of the training.
        attributes: file of attributes, joined by file name.
        modality: kind of data; None: what the data look like.
        options: further arguments of the model (``beta``, ``width``, ...).
        reading: options for reading the data (``size``, ``fit``, ``n``).
        bind: attributes that the first dimensions shall be, one each (``smile``, ``hair_colour=blond``).
        threads, device: where to compute.
        resume: go on with an interrupted fit; on a finished space do nothing.
        force: replace an existing space.
        voice: hears progress.

    Returns:
        The folder, or None in a process that is not the main one of several.

    Raises:
        LiminalError: wrong input; nothing was written then.
    """
    voice = voice or Voice()
    design = Design(model, dim, prior, options or {}, bind, epochs is None and minutes is None)
    plan = Plan(epochs, MINUTES if design.free else minutes, batch, rate, seed)
    set_threads(threads)
    choose_device(device)
    folder = claim(out, force, resume)
    if folder is None:
        voice.say(f"{out} is finished: nothing to resume")
        return Path(out)
    if not (resume and (folder / FILE).exists()):  # else it is whole, and ended before it took its place
        items = registry.dataset(data, attributes, modality, voice, **(reading or {}))
        card = _made(
            design, plan, items, folder, Path(out), device=device, threads=threads, resume=resume, voice=voice
        )
        if card is None:
            return None
        card.commit(folder)
    voice.close()
    return settle(folder, Path(out))


def _made(
    design: Design,
    plan: Plan,
    items: Dataset,
    folder: Path,
    out: Path,
    *,
    device: str | None,
    threads: int | None,
    resume: bool,
    voice: Voice,
) -> Card | None:
    """The space in `folder`, whole but for the card that is given. See `fit` for the arguments.

    None in a process that is not the main one of several.
    """
    from accelerate import PartialState

    items, held = prepared(items, plan.seed)
    found = items.modality.suited(int((~held).sum()))
    design = design.suited(found)
    if design.free and "epochs" in found:
        plan = replace(plan, epochs=found["epochs"], minutes=None)
        voice.say(
            f"{design.dim} dimensions, {plan.epochs:g} epochs: what suits so many {items.modality.plural}"
        )
    known, network = design.known(items, held), design.network(items, plan.seed)
    if folder != out:
        voice.say(f"{out} stays as it is until the new one, in {folder}, is whole")
    own = Rows(items.items, np.flatnonzero(~held))
    try:
        if os.environ.get("RANK", "0") == "0":  # the first of several processes, which alone writes
            if folder.exists() and not resume:
                shutil.rmtree(folder)
            (folder / CHECKPOINT).mkdir(parents=True, exist_ok=True)
        others = items.items[np.flatnonzero(held)[:512]]
        training = train(
            network, own, items.modality, others, plan, folder,
            device=device, threads=threads, resume=resume, voice=voice, known=known,
        )  # fmt: skip
        if not PartialState().is_main_process:
            return None
        generator = inverted.encoded(network, items.modality)
        dimensions = {name: i for i, name in enumerate(design.bind)}
        return assemble(
            generator,
            items,
            held,
            folder,
            seed=plan.seed,
            training=training,
            dimensions=dimensions,
            voice=voice,
        )
    except OSError as error:
        raise LiminalError(
            f"could not write {folder}: {error.strerror or error}; free some space, then run it again with "
            "--resume"
        ) from error


def bound(attributes: pa.Table, held: np.ndarray, names: Sequence[str], dim: int) -> np.ndarray:
    """The attributes that dimensions are bound to, over the training items: (n, b) float32, standardised, NaN
    where unknown.

    Raises:
        LiminalError: an attribute is unknown or has too few items on either side, a name comes twice, or
        there are more than dimensions.
    """
    rows = pa.array(np.flatnonzero(~held)), pa.array(np.flatnonzero(held))
    found = {t.name: t.train for t in probes.targets(attributes.take(rows[0]), attributes.take(rows[1]))}
    for name in names:
        if name not in found:
            raise unknown(
                "attribute to --bind",
                name,
                found,
                "It needs a number, yes or no, or NAME=VALUE with enough items on either side.",
            )
    if len(set(names)) < len(names) or len(names) > dim:
        raise LiminalError(
            f"--bind {','.join(names)}: wanted each name once, and no more names than dimensions ({dim})"
        )
    values = np.stack([found[name] for name in names], 1)
    return ((values - np.nanmean(values, 0)) / np.nanstd(values, 0)).astype(np.float32)
