"""What a space is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..core import Core, vectors
from ..errors import LiminalError
from ..generator import Trainable
from ..models.inverted import Inverted
from ..tensors import rng
from ..voice import Voice, speaking

FEW = 2_000  # items of each kind, where not all is asked for

if TYPE_CHECKING:
    from ..measures import Measure, Report
    from ..measures.meaning.meaning import Meaning
    from ..measures.report.dimension_cards import Card


def measure(space: Core, seed: int = 0, full: bool = False, voice: Voice | None = None) -> Report:
    """What the space is worth: reconstruction, sampling, structure, compression, with intervals; see
    `measures.measure`.

    Args:
        seed: of every choice.
        full: on up to 10,000 training and 5,000 held-out items; else on 2,000 of each, within a minute.
        voice: hears progress.
    """
    from ..measures import measure

    speak = voice or speaking()
    train, held = (
        space.chosen(split, most if full else FEW, seed)
        for split, most in (("train", 10_000), ("held", 5_000))
    )
    attributes = (
        (train.drop_columns(["id", "z"]), held.drop_columns(["id", "z"])) if space.card.attributes else None
    )
    report = measure(
        space.generator,
        space.modality,
        space.items(train.column("id").to_pylist()),
        space.items(held.column("id").to_pylist()),
        train_z=vectors(train, space.dim),
        held_z=vectors(held, space.dim),
        attributes=attributes,
        samples=lambda n, seed: space.samplers[space.card.sampler["default"]].sample(n, rng(seed)),
        reader=space.reader,
        support=space.trust,
        mixer=space.mixer,
        flow=space.flow,
        seed=seed,
        full=full,
        progress=speak.progress,
    )
    speak.close()
    return report


def meaning(space: Core, pairs: int = 300, seed: int = 0, voice: Voice | None = None) -> Meaning:
    """Do mixtures of latents decode to mixtures of what the items show, and is that a property of the
    mapping or of the prior?

    Args:
        pairs: of items, and of draws.
        seed: of every choice.
        voice: hears progress.

    Raises:
        LiminalError: fewer than 80 items.
    """
    from ..measures.meaning.meaning import meaning

    speak = voice or speaking()
    table = space.chosen(None, 4_000, seed)
    random = None
    if isinstance(space.generator, Trainable | Inverted):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            random = space.generator.untrained().to(space.generator.device)
    found = meaning(
        space.generator,
        space.modality,
        vectors(table, space.dim),
        space.items(table["id"].to_pylist()),
        read=space.read,
        flow=space.flow,
        random=random,
        pairs=pairs,
        radius_pairs=pairs // 2,
        seed=seed,
        progress=speak.progress,
    )
    speak.close()
    return found


def dimensions(space: Core, most: int = 2_000, seed: int = 0) -> list[Card]:
    """A card for each latent dimension, the most used first: what items tell in it, or else how much their
    latents vary, and for the most used ones what changes along it; see `measures.report.dimension_cards`.

    Args:
        most: items at most; held-out ones where there are some.
        seed: of their choice.
    """
    from ..measures.report import dimension_cards, sections

    ids = space.chosen("held" if space.card.data["n_held"] else None, most, seed)["id"].to_pylist()
    parts = (space.modality.tensor(space.items(ids[i : i + 256])) for i in range(0, len(ids), 256))
    kl = sections.divergences(space.generator, parts)
    means = np.zeros(0) if kl is None or kl.ndim < 2 else kl.double().mean(0).numpy()
    read = dimension_cards.readings(space.reader, space.modality)
    return dimension_cards.cards(space.generator, space.modality, space.latents[ids], means, read)


def stability(space: Core, others: Sequence[Core], most: int = 2_000, seed: int = 0) -> list[Measure]:
    """How far spaces of the same kind of data, best fitted with other seeds, agree with this one and with
    each other.

    Args:
        others: one or more; each encodes this space's held-out items.
        most: items at most.
        seed: of every choice.

    Returns:
        As `measures.structure.stability.stability`: agreement of the latents (CKA), shared neighbours,
        clusters, and for each attribute how well a direction of one space, turned into another, still
        tells it there.

    Raises:
        LiminalError: no other space is given, one takes other items, or there are too few held-out ones.
    """
    from ..measures.structure.stability import stability

    for other in others:
        if other.modality.config() != space.modality.config():
            raise LiminalError(
                f"stability: {other.card.data['name']} has other items; wanted spaces of "
                f"{space.card.data['name']}"
            )
    table = space.chosen("held", most, seed)
    items = space.items(table["id"].to_pylist())
    latents = [vectors(table, space.dim), *(other.encoded(items) for other in others)]
    return stability(latents, table.drop_columns(["id", "z"]) if space.card.attributes else None, seed=seed)
