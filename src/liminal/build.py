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
from .export import latents
from .generator import Autoencoder, Trainable
from .models import inverted
from .models.given import Given
from .ops.directions import probes
from .outputs import claim, settle
from .run import Plan
from .tensors import choose_device, set_threads
from .train import train
from .voice import Voice

DIM, MINUTES, BATCH = 16, 5.0, 64  # of a fit that is told nothing, for kinds that do not say what suits them
__all__ = ["Lazy", "assemble", "batches", "encode_all", "fit", "learn_attributes", "prepared"]


@dataclass(frozen=True)
class Design:
    """The network that a fit trains.

    Attributes:
        model: ``vae``, ``ae`` or ``wae``; ``given`` where there are codes.
        dim: latent dimensions; None: as many as suit the items.
        prior: its name; None: the model's own default.
        options: further arguments of the model.
        bind: attributes that the first dimensions shall be, one each.
        codes: (n, d), latents that the items have already.
    """

    model: str
    dim: int | None
    prior: str | None
    options: dict[str, Any]
    bind: Sequence[str]
    codes: np.ndarray | None = None

    def __post_init__(self) -> None:
        registry.named("model", self.model, registry.MODELS)
        if self.codes is not None:
            codes = np.asarray(self.codes)
            if codes.ndim != 2 or codes.dtype.kind not in "fiu" or not codes.size:
                raise LiminalError(f"codes: wanted numbers of shape (n, d), got {codes.dtype} {codes.shape}")
            object.__setattr__(self, "codes", codes.astype(np.float32))
        if (self.codes is None) != (self.model != "given"):
            raise LiminalError(
                f"fit: model {self.model} {'takes no' if self.model != 'given' else 'wants'} codes "
                "(--codes FILE); model given is for items that have codes already"
            )
        if self.codes is not None and (self.bind or self.dim not in (None, self.codes.shape[1])):
            raise LiminalError(
                f"fit: the codes have {self.codes.shape[1]} dimensions, which are neither changed nor bound; "
                "leave --dim and --bind out"
            )
        if self.dim is not None and self.dim < 1:
            raise LiminalError(f"--dim {self.dim}: a latent space needs 1 dimension or more")

    def suited(self, found: Mapping[str, float]) -> Design:
        """This design where it is told, and what suits the items (`Modality.suited`) where it is not."""
        takes = inspect.signature(registry.named("model", self.model, registry.MODELS)).parameters
        own = {name: value for name, value in found.items() if name in takes and name != "dim"}
        dim = self.dim or int(found.get("dim", DIM)) if self.codes is None else self.codes.shape[1]
        return replace(self, dim=dim, options=own | self.options)

    def known(self, items: Dataset, held: np.ndarray) -> np.ndarray | None:
        """What is known of the latents of the training items: codes, or the attributes that dimensions are
        bound to, as `bound` gives them; None where nothing is.

        Raises:
            LiminalError: as `bound`, or the model has no encoder.
        """
        if self.codes is not None:
            return self.codes[~held]
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

    def aligned(self, items: Dataset) -> Design:
        """This design with a row of codes for each item: of a file with many items of which some cannot be
        used, their own rows.

        Raises:
            LiminalError: there are more or fewer codes than items, or some are no finite numbers.
        """
        if self.codes is None:
            return self
        codes, entries = self.codes, [source.rpartition("#")[2] for source in items.sources]
        if len(codes) > len(items) and all(entry.isdecimal() for entry in entries):
            rows = np.array(entries, np.int64)
            if len(np.unique(rows)) == len(rows) and rows.max() < len(codes):
                codes = codes[rows]
        if len(codes) != len(items):
            raise LiminalError(
                f"codes: {len(codes):,} rows for {len(items):,} {items.modality.plural}; wanted one for "
                "each, in their order"
            )
        if not np.isfinite(codes).all():
            raise LiminalError("codes: they hold NaN or infinity; wanted finite numbers")
        if not np.ptp(codes, 0).any():
            raise LiminalError("codes: all rows are the same; wanted one that tells each item from others")
        return replace(self, codes=codes)


def fit(
    data: Any,
    out: str | Path,
    *,
    model: str | None = None,
    dim: int | None = None,
    prior: str | None = None,
    epochs: float | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    rate: float = 3e-3,
    seed: int = 0,
    attributes: str | Path | None = None,
    modality: str | None = None,
    options: dict[str, Any] | None = None,
    reading: dict[str, Any] | None = None,
    bind: Sequence[str] = (),
    codes: str | Path | np.ndarray | None = None,
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
        model: ``vae``, ``ae`` or ``wae``; None: ``vae``, or ``given`` where there are codes.
        prior: its name; None: the model's own default.
        dim, batch: latent dimensions, and items a step. None: what suits the data (`Modality.suited`), else
            16 and 64.
        epochs, minutes: of training, without cataloguing and fitting samplers; one of the two. None: what
            suits the data, else 5 minutes.
        rate, seed: of the training.
        attributes, modality: a file, joined by file name; kind of data, None: what the data look like.
        options, reading: further arguments of the model (``beta``), and of reading data (``size``, ``n``).
        bind: attributes that the first dimensions shall be, one each (``smile``, ``hair_colour=blond``).
        codes: (n, d) latents that the items have already, in their order, such as embeddings, or a file as
            `export.latents` reads it: a decoder is learned that gives the items back.
        threads, device: where to compute.
        resume, force: go on with an interrupted fit (a finished one is left alone), or replace a space.
        voice: hears progress.

    Returns:
        The folder, or None in a process that is not the main one of several.

    Raises:
        LiminalError: wrong input; nothing was written then.
    """
    voice = voice or Voice()
    codes = latents.read(codes) if isinstance(codes, str | Path) else codes
    design = Design(model or ("vae" if codes is None else "given"), dim, prior, options or {}, bind, codes)
    told = {"epochs": epochs, "minutes": minutes, "batch": batch, "rate": rate, "seed": seed}
    planned(told, {})  # these two say what is wrong with them
    set_threads(threads)
    choose_device(device)
    folder = claim(out, force, resume)
    if folder is None:
        voice.say(f"{out} is finished: nothing to resume")
        return Path(out)
    if not (resume and (folder / FILE).exists()):  # else it is whole, and ended before it took its place
        items = registry.dataset(data, attributes, modality, voice, **(reading or {}))
        card = _made(design, told, items, folder, Path(out), device, threads, resume, voice)
        if card is None:
            return None
        card.commit(folder)
    voice.close()
    return settle(folder, Path(out))


def planned(told: Mapping[str, Any], found: Mapping[str, float]) -> Plan:
    """How long to train and in which steps: what is told, and what suits the items (`Modality.suited`) where
    it is not."""
    length = {name: told[name] for name in ("epochs", "minutes")}
    if set(length.values()) == {None}:
        length = {"minutes": MINUTES} | (
            {"epochs": found["epochs"], "minutes": None} if "epochs" in found else {}
        )
    batch = int(found.get("batch", BATCH)) if told["batch"] is None else told["batch"]
    return Plan(**length, batch=batch, rate=told["rate"], seed=told["seed"])


def _made(
    design: Design,
    told: dict[str, Any],
    items: Dataset,
    folder: Path,
    out: Path,
    device: str | None,
    threads: int | None,
    resume: bool,
    voice: Voice,
) -> Card | None:
    """The space in `folder`, whole but for the card that is given. See `fit` for the arguments.

    None in a process that is not the main one of several.
    """
    from accelerate import PartialState

    items, held = prepared(items, told["seed"])
    found = items.modality.suited(int((~held).sum()))
    design, plan = design.suited(found), planned(told, found)
    if told["epochs"] is None and plan.epochs is not None:
        voice.say(
            f"{design.dim} dimensions, {plan.epochs:g} epochs: what suits so many {items.modality.plural}"
        )
    design = design.aligned(items)
    known, network = design.known(items, held), design.network(items, plan.seed)
    if isinstance(network, Given) and known is not None:
        network.measured(torch.from_numpy(known))
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
            z=design.codes,
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
