"""Drawn faces: the options, the space and the reader of their own that the benches of edits share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Sequence
from typing import Any

import liminal
from liminal.datasets import faces
from liminal.errors import LiminalError
from liminal.measures.eyes.reader import Reader, fit_reader
from liminal.space import Space
from liminal.voice import Voice

from . import figures
from .fashion import cost
from .figures import OUT, Record

HELD_SEED, READER_SEED = 77_001, 55_001  # faces that no space and no reader of a space has seen


def arguments(name: str, about: str, held: str) -> ArgumentParser:
    """The options of a bench of edits; `held` tells what is done with the held-out faces."""
    options = figures.parser(name, about)
    options.add_argument("--epochs", type=float, default=figures.FACES_EPOCHS, help="of the training")
    options.add_argument("--dim", type=int, default=32, help="latent dimensions")
    options.add_argument("--faces", type=int, default=8000, help="drawn to train on")
    options.add_argument("--space", help="measure this space of faces instead of training one")
    options.add_argument("--held", type=int, default=200, help=f"{held}, never seen in training")
    options.add_argument(
        "--reader-faces", type=int, default=8000, help="drawn for the bench's own reader, unconfounded"
    )
    options.add_argument("--reader-epochs", type=float, default=8.0, help="of the bench's own reader")
    options.add_argument("--seed", type=int, default=0, help="of the training")
    options.add_argument("--threads", type=int, default=None, help="CPU threads of the training")
    return options


def fitted(
    record: Record,
    name: str,
    given: Namespace,
    voice: Voice,
    known: Collection[str],
    bind: Sequence[str] = (),
    **reading: Any,
) -> Space:
    """The space that was given, or one fitted to faces drawn by these options, and its cost among the
    figures.

    Args:
        record: takes the cost.
        name: of the folder.
        given: the options.
        voice: hears progress.
        known: attributes that the space must have.
        bind: attributes that get a dimension of their own.
        reading: how the faces are drawn.

    Raises:
        LiminalError: it does not know an attribute.
    """
    if given.space:
        space = liminal.open(given.space)
    else:
        how = {
            "dim": given.dim,
            "epochs": given.epochs,
            "seed": given.seed,
            "threads": given.threads,
            "bind": bind,
        }
        space = liminal.fit(
            "faces", OUT / name, voice=voice, force=True, reading={"n": given.faces, **reading}, **how
        )
        cost(record, space)
    if missing := set(known) - set(space.card.attributes):
        raise LiminalError(
            f"bench {record.name}: the space knows no {', '.join(sorted(missing))}; give one fitted on faces"
        )
    return space


def own_reader(space: Space, count: int, epochs: float, voice: Voice) -> Reader:
    """A reader of real drawings of the bench's own: other faces and another seed than the space's."""
    factors = faces.sample_factors(count, READER_SEED)
    voice.progress("drawing faces for the reader", 0.0)
    drawn = faces.draw(factors, space.modality.item_shape[0])
    told = lambda i, n, loss: voice.progress("training the bench's reader", i / n, f"loss {loss:.3f}")
    reader = fit_reader(drawn, space.modality, factors, seed=READER_SEED, epochs=epochs, progress=told)
    voice.close()
    return reader
