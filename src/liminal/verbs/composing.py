"""Items made of parts: completed from what is known of them, and put together into pieces."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..collection import numbered
from ..core import Core
from ..errors import LiminalError
from ..ops import completing, filling
from ..ops.completing import Completions
from ..ops.ways import paths
from ..resolve import Item, all_stored, latent, stored
from ..rows import rng_rows
from ..voice import Voice, speaking
from .walking import path as walk

NOT = "not "
AROUND = 16  # items around `near` that a search starts from
FORM = re.compile(r"([A-Za-z])('*)")
VARIED = 0.25  # how far a variation goes towards another item, for each mark
NEAR = 0.5  # standard deviations that a latent may go from where it was, to agree with a part
PHRASES = 8  # of a piece, where no length is given


def complete(
    space: Core,
    item: Any,
    known: str | Sequence[str] | Tensor | None = None,
    n: int = 4,
    *,
    near: Item | None = None,
    seed: int = 0,
    voice: Voice | None = None,
) -> Completions:
    """Answers to an item of which a part is known: one voice of four, the first bar, half a picture, some
    columns of a row.

    Args:
        item: a name as `latent` takes it that stands for an item, or for several: a file of many, a folder.
            What is not known of it is never looked at.
        known: parts by name, ``"voice:1"``, ``"left"``, ``"age,sex"``, as ``modality.parts`` tells them, with
            ``not`` before one for all but it; several together; or bool (*modality.soft_shape), True where
            y is known. None: all that the item does not lack, such as a row's empty cells.
        n: how many answers, each different.
        near: an item whose latent the search starts from: answers are like it. None: the real items that
            agree best.
        seed: of the choice of real items.
        voice: hears progress.

    Raises:
        LiminalError: there is no such part, nothing or everything is known, or the item cannot be read.
    """
    kind = space.modality
    asked = [item] if isinstance(item, str | int | np.integer) else item
    if isinstance(asked, list | tuple):
        asked = [f"@{name}" if isinstance(name, int | np.integer) else name for name in asked]
    items = all_stored(space, asked)
    names = [known] if isinstance(known, str) else known
    items, lacking = _lacking(space, items, names)
    ids = rng_rows(np.sort(space.catalogue.latents(split="train")[0]), completing.POOL, seed)
    speak = voice or speaking()
    found = completing.complete(
        space.generator,
        kind,
        items,
        lacking,
        space.items(ids.tolist()),
        n,
        known="what it has" if names is None else "a mask" if isinstance(names, Tensor) else ", ".join(names),
        cost=untypical(space),
        near=None if near is None else _around(space, latent(space, near)),
        support=space.trust,
        apart=_rows(asked, len(items), ids),
        seed=seed,
        voice=speak,
    )
    speak.close()
    return found


def _rows(names: Any, count: int, ids: np.ndarray) -> np.ndarray:
    """(count,): the row of `ids` that each name stands for, -1 for what is none of them."""
    found = np.full(count, -1)
    if isinstance(names, list) and len(names) == count:
        for i, name in enumerate(names):
            own = numbered(name) if isinstance(name, str) else None
            at = int(np.searchsorted(ids, own)) if own is not None else len(ids)
            found[i] = at if at < len(ids) and ids[at] == own else -1
    return found


def untypical(space: Core) -> Callable[[Tensor], Tensor]:
    """What a latent costs by how rare it is, (n, d) -> (n,), nats: nothing where real items are, d / 2 for
    each unit of the support's weight beyond 1; where support is not known, -log of the prior."""
    rarity = space.rarity
    if rarity is None:
        return lambda z: -space.generator.prior.log_prob(z)
    return lambda z: 0.5 * space.dim * (rarity(z.cpu()) - 1).to(z.device)


def _lacking(
    space: Core, items: np.ndarray, known: Sequence[str] | Tensor | None
) -> tuple[np.ndarray, Tensor]:
    """The items and bool (n, *soft_shape): what is not known of them."""
    kind = space.modality
    shape = (len(items), *kind.soft_shape)
    if known is None:
        gone = kind.lacking(items)
        if gone is None:
            parts = ", ".join(kind.parts) or "a mask"
            raise LiminalError(
                f"complete: the {kind.noun} lacks nothing; name a part to keep, such as {parts}"
            )
        return items, gone
    if isinstance(known, Tensor):
        if tuple(known.shape) != tuple(kind.soft_shape) or known.dtype != torch.bool:
            raise LiminalError(
                f"complete: wanted known as bool {tuple(kind.soft_shape)}, got {known.dtype} "
                f"{tuple(known.shape)}"
            )
        return items, (~known).expand(shape).clone()
    lacking = torch.ones(shape, dtype=torch.bool)
    for name in known:
        changed, gone = kind.part(items, name.removeprefix(NOT))
        if (changed != items).any() and len(known) > 1:
            raise LiminalError(f"complete: {name} stands alone; it cannot be kept together with other parts")
        items, lacking = changed, lacking & (~gone if name.startswith(NOT) else gone)
    empty = kind.lacking(items)
    return items, lacking if empty is None else lacking | empty


def _around(space: Core, z: Tensor) -> Tensor:
    """z and the latents of the items nearest to it."""
    order = (space.latents - z).norm(dim=1).argsort()[:AROUND]
    return torch.cat([z[None], space.latents[order]])


def compose(
    space: Core,
    *items: Item,
    length: float | None = None,
    form: str | None = None,
    over: str | None = None,
    along: str = "mix",
    seed: int = 0,
) -> paths.Path:
    """A piece: items one after the other on a walk through some, by a form.

    Without a form the walk goes evenly through all items. With one, such as ``AABA``, it is cut into as many
    stretches as there are letters, A first, and these follow each other as the form says: equal letters
    are equal music, ``A'`` is a variation, moved some way towards another real item. An item that the walk
    goes through is played as it is where it has an original, all others are decoded.

    Args:
        items: two or more, as `latent` takes them; with a form one, of which all else are variations.
        length: of the piece, in the kind's own measure (bars, seconds), else in items; None: 8 items, or the
            form's letters twice.
        form: letters, each perhaps with ``'``.
        over: what all of it must agree with: chords in turn, one a bar, ``Am F C G``. Then all of it is
            decoded.
        along: as `path` takes it.
        seed: of the variations.

    Raises:
        LiminalError: the length does not go into items or letters, or no such form.
    """
    letters = _letters(form)
    count, each = _count(space, length, letters)
    stretches = sorted({letter for letter, _ in letters})
    if each * len(stretches) < len(items):
        raise LiminalError(
            f"compose: {len(items)} items do not fit into {each * len(stretches)} {space.modality.plural}; "
            "make it longer"
        )
    if len(items) == 1 and form is not None:
        items *= 2
    walked = walk(space, *items, along=along, frames=max(each * len(stretches), len(items)))
    frames = walked.frames.copy()
    for key, at in zip(items, walked.at, strict=True):
        if (own := stored(space, key)) is not None:
            frames[at] = own
    z, played = walked.z, frames
    if form is not None:
        rows = [stretches.index(letter) * each + i for letter, _ in letters for i in range(each)]
        marks = [mark for _, mark in letters for _ in range(each)]
        z, played = z[rows].clone(), frames[rows].copy()
        _vary(space, z, played, marks, seed)
    if over is not None:
        z, played = _agreeing(space, z, played, over)
    y = space.generator.decode(z)
    return replace(
        walked,
        z=z,
        frames=played,
        at=tuple(range(0, len(z), each)) if form else walked.at,
        keys=z[::each] if form else walked.keys,
        steps=paths.steps_of(space.modality.chart(y), False),
        how=f"{count} {space.modality.plural}" + (f" in the form {form}" if form else ""),
        support=space.trust(z).double().numpy() if space.trust else None,
        readings={k: v.double().cpu().numpy() for k, v in space.read(y).items()} if space.read else {},
    )


def _letters(form: str | None) -> list[tuple[str, int]]:
    """Each letter of a form and how many ' it has; one letter where there is no form."""
    if form is None:
        return [("A", 0)]
    found = FORM.findall(form.replace(" ", ""))
    if not found or "".join(a + b for a, b in found) != form.replace(" ", ""):
        raise LiminalError(f"compose: form {form!r}; wanted letters, such as AABA or AA'BA")
    return [(letter.upper(), len(marks)) for letter, marks in found]


def _count(space: Core, length: float | None, letters: Sequence[tuple[str, int]]) -> tuple[int, int]:
    """How many items a piece has, and how many of them each letter."""
    noun, one = space.modality.measure
    if length is None:
        length = one * (PHRASES if len(letters) == 1 else 2 * len(letters))
    if not math.isfinite(length):
        raise LiminalError(
            f"compose: a length of {length:g} {noun}; wanted a number such as {PHRASES * one:g}"
        )
    count = round(length / one)
    if count < 1 or abs(count * one - length) > 1e-6 * length or count % len(letters):
        step = one * len(letters)
        raise LiminalError(
            f"compose: {length:g} {noun} are not whole {space.modality.plural} of {one:g}"
            + (f" for {len(letters)} letters" if len(letters) > 1 else "")
            + f"; wanted a multiple of {step:g}, such as {step * max(1, round(length / step)):g}"
        )
    return count, count // len(letters)


def _vary(space: Core, z: Tensor, played: np.ndarray, marks: Sequence[int], seed: int) -> None:
    """Move the latents that are marked towards real items, in place, each mark further; decode them anew."""
    draw = np.random.default_rng(seed)
    moved = [i for i, mark in enumerate(marks) if mark]
    if not moved:
        return
    others = space.latents[draw.integers(len(space.latents), size=len(moved))]
    for i, other in zip(moved, others, strict=True):
        t = torch.tensor([1 - (1 - VARIED) ** marks[i]])
        z[i] = space.mixer(z[i], other, t)[0]
    played[moved] = space.decode(z[moved])


def _agreeing(space: Core, z: Tensor, played: np.ndarray, over: str) -> tuple[Tensor, np.ndarray]:
    """Latents near these whose items agree with a part, and the items, with that part as it must be."""
    kind = space.modality
    asked, lacking = kind.part(played, f"over:{over}")
    x, rare = kind.tensor(asked), untypical(space)
    unit = (NEAR * space.scale).clamp_min(1e-6)
    cost = lambda at: rare(at) + 0.5 * ((at.cpu() - z) / unit).square().sum(1).to(at.device)
    z = filling.complete(space.generator, kind, x, lacking, z, cost)
    y = kind.likelihood.kept(space.generator.decode(z).cpu(), x, lacking)
    return z, kind.items(kind.filled(y, lacking))
