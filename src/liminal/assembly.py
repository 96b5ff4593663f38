"""From a generator and items to a space on disk: `assemble` encodes the items, fits the samplers, the reader
and the directions, and writes every part but the card, which whoever calls it commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from . import __version__, rows
from .card import Card, table_entry, write_weights
from .catalogue import Catalogue
from .datasets import Dataset
from .datasets.splits import split
from .files import let_go
from .generator import Autoencoder, Wrapped
from .measures.eyes import reader as readers
from .measures.eyes.features import fit_features
from .measures.report.verdict import unlearned
from .measures.samples.realism import Realism
from .measures.structure.neighbourhoods import active_units
from .modalities import Modality, likelihoods
from .models import latent
from .ops.directions import directions, search
from .priors import PRIORS, Delta, Posterior, Prior
from .rows import rng_rows
from .tensors import inference, rng
from .train import Items
from .voice import Voice

ENCODE = 250  # items pushed through the encoder at once: more are no faster, and take more memory
TESTED = 100  # held-out items that a test of samplers needs
FEW = 32  # dimensions whose latents a flow learns sooner
MANY = 20_000  # items whose latents, of more dimensions, are worth more and larger steps
FIT_ON = 50_000  # items whose posteriors the samplers are fitted to
READ_MOST, READ_STEPS = 30_000, 700  # items and steps, at most, that the attribute reader is fitted with
JUDGED = 512  # items on either side that tell whether the model has learned anything
CALIBRATE_ON = 2_000  # held-out items that directions are calibrated and scored on
LEAST_REAL = 20  # items on either side that tell what looks real


@dataclass(frozen=True)
class Encoded:
    """Items beside their codes.

    Attributes:
        generator: trained.
        items: n of them.
        held: bool (n,), which of them were never trained on.
        z: (n, d) float32, their latents.
    """

    generator: Autoencoder
    items: Dataset
    held: np.ndarray
    z: np.ndarray


def prepared(items: Dataset, seed: int) -> tuple[Dataset, np.ndarray]:
    """The items with what their modality learns from those that are trained on, and which are held out: bool
    (n,).
    """
    held = split(len(items), items.held_out, seed, items.groups)
    return replace(items, modality=items.modality.fitted(items.items, np.flatnonzero(~held))), held


def assemble(
    generator: Autoencoder,
    items: Dataset,
    held: np.ndarray,
    folder: Path,
    *,
    seed: int,
    training: dict[str, Any] | None = None,
    dimensions: Mapping[str, int] | None = None,
    z: np.ndarray | None = None,
    voice: Voice | None = None,
) -> Card:
    """Encode the items, fit the samplers, the reader and the directions, and write every part of a space but
    the card.

    Args:
        generator: trained.
        items: what to catalogue.
        held: bool (n,), which of them were never trained on.
        folder: of the space; exists.
        seed: of the samplers and readers.
        training: for the card.
        dimensions: of the attributes that dimensions were bound to.
        z: (n, d), latents that the items have already; None: they are encoded.
        voice: hears progress.

    Returns:
        The card, not yet committed.
    """
    voice = voice or Voice()
    generator.requires_grad_(False)
    z = encode_all(generator, items.modality, items.items, voice) if z is None else z
    samplers, sampler = fit_samplers(found := Encoded(generator, items, held, z), seed, voice)
    if isinstance(generator.prior, latent.Mixture):
        generator.prior = samplers["mixture"]
    table = Catalogue.create(
        folder, batches(items, held, found.z, voice), generator.dim, items.attributes.schema
    )
    parts = {
        "items.lance": table_entry(folder, "items.lance", table.version),
        "weights.safetensors": write_weights(folder, "weights.safetensors", weights(generator, samplers)),
    }
    learned = explained(found)
    card = Card(
        liminal=__version__,
        model=model_section(generator, dimensions or {}),
        modality={"name": items.modality.name, "arguments": items.modality.config()},
        prior={"name": generator.prior.name, "dim": generator.dim},
        sampler=sampler,
        data=data_section(items, held),
        attributes=table.attributes,
        seed=seed,
        training=training or {},
        measures={"active_units": active_units(torch.from_numpy(found.z[:10_000])), "explained": learned},
        parts=parts,
        notes=[*([said] if (said := unlearned(learned)) else []), *items.notes],
    )
    parts |= learn_attributes(
        generator,
        items.modality,
        items.attributes,
        items.items,
        found.z,
        held,
        folder,
        seed,
        voice,
        dimensions,
    )
    return card


def weights(generator: Autoencoder, samplers: Mapping[str, Prior]) -> dict[str, Tensor]:
    """The tensors of a space by name: those of samplers that were fitted, and of the model if it is ours."""
    tensors = {
        f"{name}.{k}": v
        for name, s in samplers.items()
        if isinstance(s, latent.Fitted)
        for k, v in s.state_dict().items()
    }
    if not isinstance(getattr(generator, "inner", generator), Wrapped):
        tensors |= {f"model.{k}": v for k, v in generator.state_dict().items() if not k.startswith("prior.")}
    return tensors


def model_section(generator: Autoencoder, dimensions: Mapping[str, int]) -> dict[str, Any]:
    """What the card says of the model; `dimensions` as `assemble` takes them."""
    return {
        "class": generator.name,
        "arguments": generator.config(),
        "parameters": sum(p.numel() for p in generator.parameters()),
        **({"dimensions": dict(dimensions)} if dimensions else {}),
    }


def data_section(items: Dataset, held: np.ndarray) -> dict[str, Any]:
    """What the card says of the data."""
    return {
        "name": items.name,
        "n_train": int((~held).sum()),
        "n_held": int(held.sum()),
        **items.provenance,
    }


def explained(of: Encoded) -> float:
    """As `likelihoods.explained`, of at most `JUDGED` held-out items, in their modality's chart."""
    modality, rows = of.items.modality, rng_rows(np.flatnonzero(of.held), JUDGED, 0)
    seen = [
        modality.chart(modality.soft(of.items.items[r]))
        for r in (rows, rng_rows(np.flatnonzero(~of.held), JUDGED, 0))
    ]
    answers = modality.chart(of.generator.decode(torch.from_numpy(of.z[rows])).cpu())
    return likelihoods.explained(seen[0], answers, seen[1].mean(0))


def fit_samplers(of: Encoded, seed: int, voice: Voice) -> tuple[dict[str, Prior], dict[str, Any]]:
    """Mixture and flow fitted to posterior samples of training items, and the default chosen by a two-sample
    test on held-out ones; and what the card says of them.
    """

    def drawn(rows: np.ndarray) -> Callable[[torch.Generator], Tensor]:
        return posteriors(
            of.generator, of.items.modality, Rows(of.items.items, rows), torch.from_numpy(of.z[rows])
        )

    rows = rng_rows(np.flatnonzero(~of.held), FIT_ON, seed)
    draw, test = drawn(rows), drawn(rng_rows(np.flatnonzero(of.held), 2000, seed))(rng(seed + 1))
    support = of.generator.prior.name if of.generator.prior.name in PRIORS else "normal"
    voice.progress("fitting samplers", 0.0)
    fitted: dict[str, latent.Fitted] = {}
    if of.generator.dim <= latent.WIDE or isinstance(of.generator.prior, latent.Mixture):
        fitted["mixture"] = latent.fit_mixture(draw(rng(seed)), test, seed, support)
    many = len(rows) > MANY and of.generator.dim > FEW
    steps = 600 if len(rows) <= 2000 else 2000 if of.generator.dim <= FEW else 4000 if many else 3000
    steps = max(100, min(steps, steps * latent.WIDE // of.generator.dim))  # each takes longer on wide codes
    fitted["flow"] = latent.fit_flow(
        draw,
        seed,
        steps,
        batch=1024 if many else 256,
        support=support,
        progress=lambda i, n: voice.progress("fitting samplers", 0.2 + 0.8 * i / n),
    )
    known: dict[str, Prior] = dict(fitted)
    if not isinstance(of.generator.prior, latent.Mixture):
        known = {"prior": of.generator.prior, **known}
    about = {"fitted": {name: s.config() for name, s in known.items() if isinstance(s, latent.Fitted)}}
    if len(test) < TESTED:  # what the test then says is chance: by trees, of tables the flow is best
        why = "too few held-out items to test samplers on"
        return known, {"default": "flow", "tests": {}, "why": why, **about}
    best, tests = latent.choose(known, test, seed)
    why = (
        f"its draws are hardest to tell from held-out latents ({tests[best]['same']:.3f} same-set "
        "neighbours; 0.5 would be perfect)"
    )
    return known, {"default": best, "tests": tests, "why": why, **about}


def posteriors(
    generator: Autoencoder, modality: Modality, items: Items, z: Tensor
) -> Callable[[torch.Generator], Tensor]:
    """A function that draws one posterior sample (n, d) for each of the stored items, or its code where
    samplers shall not scatter (`Modality.scatters`); the encoder runs once.

    Args:
        generator, modality: encode.
        items: n stored items.
        z: (n, d), their codes; of a deterministic encoder these are the samples.
    """
    found: list[Posterior] = []
    if not modality.scatters:
        return lambda g: z.clone()
    with inference(generator):
        if isinstance(generator.posterior(modality.tensor(items[:1]).to(generator.device)), Delta):
            return lambda g: z.clone()
    with inference(generator):
        for i in range(0, len(items), ENCODE):
            found.append(generator.posterior(modality.tensor(items[i : i + ENCODE]).to(generator.device)))

    def draw(g: torch.Generator) -> Tensor:
        return torch.cat([p.sample(g).cpu() for p in found]).clone()

    return draw


def encode_all(
    generator: Autoencoder, modality: Modality, items: Items, voice: Voice, size: int = ENCODE
) -> np.ndarray:
    """Latents (n, d) of stored items, exact, at constant memory, with progress."""
    z = np.empty((len(items), generator.dim), np.float32)
    for i in range(0, len(items), size):
        part = slice(i, min(i + size, len(items)))
        z[part] = generator.encode(modality.tensor(items[part])).cpu().numpy()
        let_go(items)
        voice.progress("encoding", part.stop / len(items), f"{part.stop:,} of {len(items):,}")
    return z


class Rows:
    """The rows `rows` of an array that may be memory-mapped, without copying it: rows[i] reads
    array[rows[i]].
    """

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self.array, self.rows = array, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: Any) -> np.ndarray:
        return self.array[self.rows[i]]


class Lazy:
    """n stored items that `get(ids)` fetches when asked for, as an array would give them."""

    def __init__(self, get: Callable[[list[int]], np.ndarray], count: int) -> None:
        self.get, self.count = get, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: Any) -> np.ndarray:
        return self.get(np.atleast_1d(np.arange(self.count)[i]).tolist())


def batches(
    items: Dataset, held: np.ndarray, z: np.ndarray, voice: Voice, size: int = 2000
) -> Iterator[pa.RecordBatch]:
    """The items as rows for the catalogue."""
    n = len(items)
    with ThreadPoolExecutor() as pool:  # packing releases the interpreter's lock
        for i in range(0, n, size):
            j = min(i + size, n)
            splits = np.where(held[i:j], "held", "train").tolist()
            packed = list(pool.map(items.modality.pack, items.items[i:j]))
            attributes = items.attributes.slice(i, j - i) if items.attributes.num_columns else None
            yield rows.batch(z[i:j], splits, packed, list(items.sources[i:j]), attributes)
            voice.progress("writing the catalogue", j / n, f"{j:,} of {n:,}")


def looks_real(
    modality: Modality, items: Items, train: np.ndarray, held: np.ndarray
) -> Callable[[Tensor], Tensor] | None:
    """Who tells which decoded items look real, from some of these rows; None where they are too few."""
    if min(len(train), len(held)) < LEAST_REAL:
        return None
    known, others = (modality.soft(items[rng_rows(rows, CALIBRATE_ON, 0)]).float() for rows in (train, held))
    see = fit_features(lambda: iter([known]), modality.features or modality.chart)
    return Realism(see, see(known), see(others))


def learn_attributes(
    generator: Autoencoder,
    modality: Modality,
    attributes: pa.Table,
    items: Items,
    z: np.ndarray,
    held: np.ndarray,
    folder: Path,
    seed: int,
    voice: Voice,
    dimensions: Mapping[str, int] | None = None,
) -> dict[str, dict[str, Any]]:
    """Fit the attribute reader to real training items, find and calibrate the directions, and write both.

    Args:
        generator: decodes.
        modality: how items look.
        attributes: n rows.
        items: n stored items.
        z: (n, d) latents of the items.
        held: bool (n,).
        folder: of the space.
        seed: of the reader.
        voice: hears progress.
        dimensions: of the attributes that dimensions were bound to.

    Returns:
        The card's entries for the parts written; none where nothing can be learned.
    """
    spec = readers.describe(attributes)
    if not spec:
        return {}
    train_rows = rng_rows(np.flatnonzero(~held), READ_MOST, seed)
    held_rows = rng_rows(np.flatnonzero(held), CALIBRATE_ON, seed)
    known = attributes.select(list(spec))
    reader = readers.fit_reader(
        items[train_rows],
        modality,
        known.take(pa.array(train_rows)),
        seed=seed,
        steps=int(np.clip(3 * len(train_rows) / 128, 60, READ_STEPS)),
        progress=lambda i, n, loss: voice.progress("learning to read attributes", i / n, f"loss {loss:.3g}"),
    )
    found = search.find_directions(
        torch.from_numpy(z[train_rows]),
        known.take(pa.array(train_rows)),
        torch.from_numpy(z[held_rows]),
        known.take(pa.array(held_rows)),
        decode=generator.decode,
        read=readers.reading(reader, modality),
        seed=seed,
        dimensions=dimensions,
        progress=lambda i, n, name: voice.progress("finding directions", i / n, name),
        real=looks_real(modality, items, train_rows, held_rows),
    )
    tensors, about = directions.to_tensors(found)
    scores = reader.scores(modality.soft(items[held_rows]), known.take(pa.array(held_rows)))
    return {
        "reader.safetensors": {
            **write_weights(folder, "reader.safetensors", reader.state_dict()),
            **reader.config(),
            "scores": scores,
        },
        "directions.safetensors": {
            **write_weights(folder, "directions.safetensors", tensors),
            "evidence": about["directions"],
        },
    }
