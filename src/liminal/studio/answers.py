"""What the studio answers about items, files, formulas, samples and styles: `Space`'s verbs as `wire` has
them.
"""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError
from ..ops.formulas import formula
from ..ops.support import residuals
from . import spoken, wire
from .session import NotYetError

if TYPE_CHECKING:
    from ..modalities import Media, Modality
    from .session import Session

NEIGHBORS = 9
LONELY = 100  # items that are listed as such


def item(s: Session, id: int) -> wire.Item:
    """One item of the space.

    Raises:
        LiminalError: there is no such item.
    """
    row = spoken.row(s, id)
    z = s.space.latents[row]
    names = list(s.card.attributes)
    told = s.catalogue.rows([id], ["split", "source", *names]).to_pylist()[0]
    rows, distance = s.nearest(z[None].numpy(), min(NEIGHBORS + 1, s.count))
    near = [(int(r), float(d)) for r, d in zip(rows[0], distance[0], strict=True) if r != row][:NEIGHBORS]
    original = s.space.items([id])
    error, worse = _restored(s, original)
    support = float(s.trusted(z[None].numpy())[0])
    return wire.Item(
        id=id,
        row=row,
        caption=s.space.modality.caption(original[0]),
        source=told["source"],
        split=told["split"],
        attributes={name: told[name] for name in names},
        neighbors=[wire.Neighbor(id=r, row=r, distance=d) for r, d in near],
        z=z.tolist(),
        error=error,
        worse=worse,
        support=support if support == support else None,
    )


def _restored(s: Session, items: np.ndarray) -> tuple[float, float | None]:
    """The error of one item's reconstruction, and the share of held-out items that are restored worse."""
    errors = residuals(s.space.generator, s.space.modality, items)
    known = s.support is not None and s.support.errors is not None
    return float(errors[0]), float(s.support.residual(errors)[0]) if known and s.support else None


def unusual(s: Session, id: int) -> wire.Unusual:
    """Which attributes that an item states are unusual given its others.

    Raises:
        LiminalError: there is no such item.
    """
    spoken.row(s, id)
    return wire.Unusual(cells=_cells(s, f"@{id}"))


def _cells(s: Session, item: str | np.ndarray) -> list[wire.Cell]:
    """What is unusual in an item, in words; nothing where nothing can be told."""
    said = s.space.modality.said
    try:
        found = s.space.unusual(item)
    except LiminalError:
        return []
    return [
        wire.Cell(name=c.name, value=said(c.name, c.value), usual=said(c.name, c.usual), p=c.p) for c in found
    ]


def where(s: Session, text: str) -> wire.Group:
    """The items that a condition holds for.

    Raises:
        LiminalError: it cannot be read, or holds for no item.
    """
    return wire.Group(rows=s.space.matching(text))


def lonely(s: Session) -> wire.Lonely:
    """The items that stand most alone, loneliest first."""
    found = s.space.lonely(LONELY)
    return wire.Lonely(rows=np.array([id for id, _ in found]), times=np.array([times for _, times in found]))


def picture(s: Session, id: int, of: str) -> Media:
    """An item, or its reconstruction, as a page shows it, with all its details."""
    original, made = stored(s, id).items
    return s.space.modality.media(original if of == "original" else made, s.space.modality.side)


def stored(s: Session, id: int) -> wire.Decoded:
    """An item, and its reconstruction, (2, *item_shape).

    Raises:
        LiminalError: there is no such item.
    """
    row = spoken.row(s, id)
    return wire.Decoded(
        items=np.concatenate([s.space.items([id]), s.space.decode(s.space.latents[row][None])])
    )


def encode(s: Session, data: bytes, method: str, name: str = "") -> wire.Encoded:
    """A file of the user's, encoded; of one that holds several items the first.

    Its name, where it has one, tells of what form it is.

    Raises:
        LiminalError: it cannot be read.
    """
    if not data:
        raise LiminalError("the file is empty")
    stored, remarks = _first(s.space.modality, data, PurePath(name).name or "the file")
    z = s.space.encode(stored)
    error, worse = _restored(s, stored[None])
    belongs = None
    if worse is not None and s.support is not None:
        belongs = bool(s.support.belongs(z, torch.tensor([error], dtype=torch.float64))[0])
    found = s.look(z, method)
    return wire.Encoded(
        **found,
        original=stored,
        error=error,
        worse=worse,
        belongs=belongs,
        remarks=list(remarks),
        unusual=_cells(s, stored),
    )


def _first(kind: Modality, data: bytes, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The first item in a file that may hold many, and remarks on its reading."""
    read = enumerate(kind.records(io.BytesIO(data), name))
    first = next(((i, record) for i, record in read if record.item is not None), None)
    if first is None or first[1].item is None:
        return kind.load(io.BytesIO(data), name)  # which says why there is none
    alone = not first[0] and next(read, None) is None
    more = () if alone else (f"the first of several {kind.plural} in the file",)
    return first[1].item, (*first[1].remarks, *more)


def of_formula(s: Session, asked: wire.FormulaRequest) -> wire.Formula:
    """Where a formula leads.

    Raises:
        LiminalError: it cannot be read, or is no place and there is no start.
    """
    start = None if asked.start is None else spoken.latent(s, asked.start)
    tree, vector, weight = spoken.read(s, asked.text, start)
    if start is not None and abs(weight) < 1e-6:
        z = start + vector
    else:
        z = vector if abs(weight - 1) < 1e-6 else formula.point(tree, spoken.Spoken(s))
    moved = start is not None and abs(weight) < 1e-6
    copied = spoken.of_formula(s, asked.text, tree, z) if not moved else _decoded(s, z)
    return wire.Formula(
        **s.look(z[None], asked.method),
        text=formula.show(tree),
        names=list(formula.attributes(tree)),
        ids=list(formula.items(tree)),
        copy_as=copied,
    )


def _decoded(s: Session, z: Tensor) -> wire.Copy:
    """A latent decoded, elsewhere."""
    return wire.Copy(
        python=spoken.python(s, f"space.decode({spoken.in_python(s, z.tolist(), z)})"), command=None
    )


def sample(s: Session, asked: wire.SampleRequest) -> wire.Samples:
    """New items.

    Raises:
        LiminalError: more than one of rows, a cluster and a beginning, an unknown source, a beginning that
            the model cannot say, or too few draws with that support.
        NotYetError: the clusters are being found.
    """
    if sum(part is not None for part in (asked.rows, asked.cluster, asked.begin)) > 1:
        raise LiminalError("sample: choose one of rows, a cluster and a beginning")
    if asked.cluster is not None and asked.source != "default":
        raise LiminalError("sample: choose a source or a cluster, not both")
    how: dict[str, Any] = {"seed": asked.seed, "support": asked.support}
    if asked.rows is not None:  # whatever the page draws from otherwise
        drawn = s.space.sample(asked.n, like=asked.rows, **how)
        return wire.Samples(**s.look(drawn.z, asked.method), source=drawn.source, copy_as=_many(s, drawn.z))
    like = None if asked.cluster is None else _members(s, asked.cluster)
    how |= {"source": asked.source, "begin": asked.begin}
    drawn = s.space.sample(asked.n, like=like, **how)
    how["cluster"] = asked.cluster
    told = [
        ("--from", None if asked.source == "default" else asked.source),
        ("--cluster", asked.cluster),
        ("--begin", asked.begin),
        ("--support", asked.support),
    ]
    options = [
        part
        for name, value in [*told, ("--seed", asked.seed)]
        if value is not None
        for part in (name, str(value))
    ]
    given = "".join(f", {name}={value!r}" for name, value in how.items() if value not in (None, "default"))
    copied = wire.Copy(
        python=spoken.python(s, f'space.sample({asked.n}{given}).save("samples")'),
        command=spoken.command(s, "sample", "-n", str(asked.n), *options, "-o", "samples"),
    )
    look = {**s.look(drawn.z, asked.method), "items": drawn.items}  # a beginning is told beside the latent
    return wire.Samples(**look, source=drawn.source, copy_as=copied)


def _members(s: Session, cluster: int) -> list[int]:
    """The rows of a cluster, from what is kept of the clusters: to find them takes a minute.

    Raises:
        NotYetError: they are being found.
        LiminalError: there is no such cluster.
    """
    found = s.clusters()
    if not found.done():
        raise NotYetError("the clusters are being found")
    column = found.result()
    count = len(column.values or [])
    if not 0 <= cluster < count:
        raise LiminalError(f"cluster {cluster}: there are clusters 0 to {count - 1}")
    return [int(row) for row in (column.data == cluster).nonzero()[0]]


def _many(s: Session, z: Tensor) -> wire.Copy:
    rows = ", ".join(f"[{', '.join(f'{v:.6g}' for v in row)}]" for row in z.tolist())
    return wire.Copy(python=spoken.python(s, f"space.decode(torch.tensor([{rows}]))"), command=None)


def transfer(s: Session, asked: wire.TransferRequest) -> wire.Transfer:
    """One item in the style of another.

    Raises:
        LiminalError: there is no such category, or a place cannot be read.
    """
    content, style = (spoken.item(s, place) for place in (asked.content, asked.style))
    found = s.space.transfer(content, style, asked.blend, asked.by)
    seen, chance = found.content.get("after", (None, None))
    by = s.space.style(asked.by).name
    shown = [spoken.in_python(s, place, spoken.point(s, place)) for place in (asked.content, asked.style)]
    options = "".join(
        f", {k}={v!r}" for k, v in (("blend", asked.blend), ("by", asked.by)) if v not in (1.0, None)
    )
    names = [spoken.plain(s, place) for place in (asked.content, asked.style)]
    line = None
    if names[0] is not None and names[1] is not None:
        more = [
            *([] if asked.blend == 1 else ["--blend", f"{asked.blend:g}"]),
            *(["--by", asked.by] if asked.by else []),
        ]
        line = spoken.command(
            s, "transfer", "--content", names[0], "--style", names[1], *more, "-o", "out.png"
        )
    return wire.Transfer(
        **s.look(found.z[None], asked.method),
        by=by,
        content_class=found.classes[0],
        style_class=found.classes[1],
        content_chance=found.chances[0],
        style_chance=found.chances[1],
        seen=seen,
        seen_chance=chance,
        length=found.distance,
        copy_as=wire.Copy(
            python=spoken.python(s, f'space.transfer({", ".join(shown)}{options}).save("out.png")'),
            command=line,
        ),
    )


def complete(s: Session, asked: wire.CompleteRequest) -> wire.Completed:
    """What may stand around a known part of an item, or of what a place decodes to.

    Raises:
        LiminalError: there is no such part, nothing or all of it is known, or a place cannot be read.
    """
    item = spoken.item(s, asked.item)
    given: Any = item if isinstance(item, int) else s.space.decode(spoken.point(s, asked.item))[0]
    near = None if asked.near is None else spoken.item(s, asked.near)
    found = s.space.complete(given, asked.known, asked.n, near=near, seed=asked.seed)
    shown = spoken.in_python(s, asked.item, spoken.point(s, asked.item))
    if not isinstance(item, int):
        shown = f"space.decode({shown})"
    known = asked.known[0] if len(asked.known) == 1 else asked.known
    options = f", {known!r}, n={asked.n}" + (f", seed={asked.seed}" if asked.seed else "")
    more = ["--seed", str(asked.seed)] if asked.seed else []
    line = spoken.plain(s, asked.item) if isinstance(item, int) else None
    if asked.near is not None:
        options += f", near={spoken.in_python(s, asked.near, spoken.point(s, asked.near))}"
        named = spoken.plain(s, asked.near)
        line, more = line if named else None, [*more, "--near", named or ""]
    keep = [word for part in asked.known for word in ("--keep", part)]
    arguments = (*keep, "-n", str(asked.n), *more, "-o", "answers")
    return wire.Completed(
        **{**s.look(found.z[:, 0], asked.method), "items": found.items[:, 0]},
        agrees=found.agreement[:, 0].astype(np.float32),
        beside=np.stack([found.given[0], found.beside[0]]),
        agreed=float(found.baseline[0]),
        copy_as=wire.Copy(
            python=spoken.python(s, f'space.complete({shown}{options}).save("answers")'),
            command=None if line is None else spoken.command(s, "complete", line, *arguments),
        ),
    )
