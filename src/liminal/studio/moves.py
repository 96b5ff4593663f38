"""What the studio answers about moving: directions, sliders, strips, dimensions, paths; `Space`'s verbs as
`wire` has them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError
from ..measures.report.dimension_cards import Card
from ..ops import edits
from ..ops.directions import unsupervised
from ..ops.directions.directions import Direction
from ..ops.ways import mixing
from ..ops.ways.paths import Path as Walk
from . import spoken, wire

if TYPE_CHECKING:
    from .session import Session

BASELINE = {"AUC": 0.5, "R2": 0.0}
STRENGTHS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # of a strip
ACTIVE = 0.01  # variance of a dimension's means from which it is used (Burda et al. 2016)
NAMED = ("attributes", "readings")  # directions that formulas know by their names
TELL = 8  # leakages and moves that are told, the largest


def directions(s: Session, source: str, id: int | None) -> wire.Directions:
    """Directions of the attributes, or those that no attribute names; the latter are remembered by their
    names.

    Raises:
        LiminalError: an item that does not exist, or a decoder without what the source needs.
    """
    if source in NAMED:
        return told(s, s.space.find_directions(source))
    at = None
    if source == "jacobian":
        at = (
            s.space.latents[mixing.medoid(s.space.latents[:2000])]
            if id is None
            else spoken.point(s, f"@{id}")
        )
    found = s.space.find_directions(source, at)
    s.remembered.update({d.name: d for d in found})
    return told(s, found)


def between(s: Session, asked: wire.BetweenRequest) -> wire.Directions:
    """The direction from the rows a to the rows b, remembered by its name.

    Raises:
        LiminalError: too few different items in a selection, or a row that does not exist.
    """
    space = s.space
    for rows in (asked.a, asked.b):
        for bad in [row for row in rows if not 0 <= row < s.count][:1]:
            raise LiminalError(f"row {bad}: this space has rows 0 to {s.count - 1}")
    a, b = (space.latents[sorted(set(rows))] for rows in (asked.a, asked.b))
    plain = (asked.name or "A to B").replace("`", "'").strip() or "A to B"
    name, count = plain, 1
    while name in s.remembered:
        count += 1
        name = f"{plain} {count}"
    found = unsupervised.from_selections(b, a, space.latents, name, space.generator.decode, space.read)
    s.remembered[name] = found
    return told(s, [found])


def told(s: Session, found: list[Direction]) -> wire.Directions:
    """Directions with their evidence."""
    vectors = (
        torch.stack([d.vector for d in found]).numpy() if found else np.zeros((0, s.space.dim), np.float32)
    )
    return wire.Directions(vectors=vectors, directions=[_direction(s, d) for d in found])


def _direction(s: Session, d: Direction) -> wire.Direction:
    low, high = d.holds or (None, None)
    return wire.Direction(
        name=d.name,
        text=spoken.written(s, d.name),
        kind=d.kind,
        score=d.score,
        score_name=d.score_name,
        baseline=1 / s.space.dim if d.score_name == "share" else BASELINE.get(d.score_name, 0.0),
        works=d.works,
        effect=d.effect,
        low=low,
        high=high,
        leakage=_largest(d.leakage),
        moves=_largest(d.moves),
        words=d.note,
    )


def _largest(values: Mapping[str, float]) -> list[wire.Moved]:
    order = sorted(values.items(), key=lambda pair: -abs(pair[1]))[:TELL]
    return [wire.Moved(name=name, sd=sd) for name, sd in order]


# sliders


def slide(s: Session, asked: wire.SlideRequest) -> wire.Slid:
    """An item moved along directions, others locked.

    Raises:
        LiminalError: neither an item nor a latent, an unknown name, or the locks leave nothing of the change.
    """
    space = s.space
    if (asked.z is None) == (asked.id is None):
        raise LiminalError("slide: wanted an item's id or a latent z, one of the two")
    start = spoken.latent(s, asked.z) if asked.z is not None else spoken.point(s, f"@{asked.id}")
    vector, names, text = spoken.change(s, asked.change, start)
    bent = [name for name in asked.change if asked.bend and spoken.learned(s, name)]
    if bent:
        straight, _, formula = spoken.change(s, {name: asked.change[name] for name in bent}, start)
        item = start if asked.id is None else asked.id
        vector = vector - straight + space.edit(item, formula, along="conditional").z_after - start
    whole = float(vector.norm())
    vector = space.locks(vector, asked.lock) if asked.lock and whole else vector
    if asked.keep_detail and asked.id is None:
        raise LiminalError("slide: the detail of an item can be kept only where it is an item of the space")
    read, spread = space.seen(names)
    edit = edits.edit(
        space.generator,
        space.modality,
        start,
        vector,
        text,
        read,
        asked=names,
        spread=spread,
        original=space.original(asked.id) if asked.keep_detail and asked.id is not None else None,
    )
    found = s.look(edit.z_after[None], asked.method)
    if asked.keep_detail:
        found["items"] = edit.after[None]
    way = "conditional" if bent else "linear"
    return wire.Slid(
        **found,
        attributes=[wire.Reading(name=name, **seen) for name, seen in edit.evidence["attributes"].items()],
        leakage=edit.leakage,
        length=edit.distance,
        change=edit.change,
        kept=edit.distance / whole if whole else 1.0,
        copy_as=_slid(s, asked, text, start, vector, way),
    )


def _slid(
    s: Session, asked: wire.SlideRequest, text: str, start: Tensor, vector: Tensor, way: str
) -> wire.Copy:
    """The same edit elsewhere: by names where they say it, else with the vector that only this studio
    knows.
    """
    item = spoken.quoted(f"@{asked.id}") if asked.id is not None else spoken.tensor(start)
    detail = ", keep_detail=True" if asked.keep_detail else ""
    along = f", along={way!r}" if way != "linear" else ""
    save = f'{detail}{along}).save("out.png")'
    if not asked.lock and spoken.plain(s, text or "0*dim(0)") is not None:
        text = text or "0*dim(0)"
        flag = ["--keep-detail"] if asked.keep_detail else []
        flag += ["--along", way] if along else []
        line = (
            spoken.command(s, "edit", f"@{asked.id}", text, *flag, "-o", "out.png")
            if asked.id is not None
            else None
        )
        return wire.Copy(
            python=spoken.python(s, f"space.edit({item}, {spoken.quoted(text)}{save}"), command=line
        )
    own = {name: found for name in asked.change if (found := spoken.remembered(s, name)) is not None}
    rest = {name: strength for name, strength in asked.change.items() if name not in own}
    alone = not rest or (asked.id is not None and not asked.keep_detail)
    if not asked.lock and not along and len(own) == 1 and alone:
        ((name, (said, vector_of)),) = own.items()
        start_at = (
            spoken.quoted(f"@{asked.id} {spoken.signed(spoken.change(s, rest, start)[2])}") if rest else item
        )
        lines = [
            f"direction = {vector_of}{spoken.remark(said)}",
            f"space.edit({start_at}, {asked.change[name]:g} * direction{save}",
        ]
    else:
        held = f", holding {', '.join(asked.lock)}" if asked.lock else ""
        save = f'{detail}).save("out.png")'
        lines = [
            f"change = {spoken.tensor(vector)}{spoken.remark(text + held)}",
            f"space.edit({item}, change{save}",
        ]
    return wire.Copy(python=spoken.python(s, *lines), command=None)


# strips and dimensions


def strip(s: Session, kind: str, name: str, id: int | None) -> wire.Strip:
    """An item, or the mean of all, moved along a direction or a dimension.

    Raises:
        LiminalError: there is no such direction, dimension or item.
    """
    start = s.space.latents.mean(0) if id is None else spoken.point(s, f"@{id}")
    text = name if kind == "direction" or name.startswith("dim(") else f"dim({name})"
    _, vector, weight = spoken.read(s, text, start)
    if abs(weight) > 1e-6:
        raise LiminalError(f"{name!r} is a place; wanted the name of a direction or the index of a dimension")
    at = np.array(STRENGTHS, np.float32)
    z = start + torch.from_numpy(at)[:, None] * vector
    return wire.Strip(items=s.space.decode(z), at=at, name=name, kind=kind)  # type: ignore[arg-type]


def dimensions(s: Session) -> wire.Dimensions:
    """A card for each latent dimension, the most used first."""
    variance = s.space.latents.var(0).tolist()
    cards = s.space.dimensions()
    return wire.Dimensions(dimensions=[_dimension(card, variance[card.dimension]) for card in cards])


def _dimension(card: Card, variance: float) -> wire.Dimension:
    strongest = card.strongest if card.name else None
    return wire.Dimension(
        index=card.dimension,
        name=f"dim({card.dimension})",
        spread=variance**0.5,
        use=card.use,
        unit=card.unit or "variance",
        active=variance > ACTIVE,
        title=card.name,
        strongest=strongest,
        effect=None if strongest is None else card.effects[strongest],
        leakage=card.leakage if card.leakage == card.leakage else None,
        words=card.words(),
        numbers=card.numbers() if card.effects else "",
    )


# paths


def path(s: Session, asked: wire.PathRequest) -> wire.Path:
    """A walk through key frames.

    Raises:
        LiminalError: fewer than two keys, fewer frames than keys, or a key that cannot be read.
    """
    walk = _walk(s, asked)
    return _path(s, walk, asked.method, _walked(s, asked))


def compose(s: Session, asked: wire.ComposeRequest) -> wire.Path:
    """A piece; its key frames begin its letters, or are the items that it goes through.

    Raises:
        LiminalError: an item cannot be read, the length does not go into items or letters, no such form, or
            it is too long.
    """
    piece = _piece(s, asked)
    return _path(s, piece, asked.method, _composed(s, asked))


def _path(s: Session, walk: Walk, method: str, copy: wire.Copy) -> wire.Path:
    told = walk.evidence
    rows = s.look(walk.z, method)
    return wire.Path(
        z=walk.z.numpy(),
        items=walk.frames,
        support=rows["support"] if walk.support is None else walk.support,
        xy=rows["xy"],
        steps=walk.steps,
        at=list(walk.at),
        length=told["length"],
        largest_step=told["largest_step"],
        unevenness=told["unevenness"],
        least_support=told.get("least_support"),
        how=told.get("how", ""),
        attributes=[
            wire.Straightness(name=name, **seen) for name, seen in told.get("attributes", {}).items()
        ],
        copy_as=copy,
    )


def _walk(s: Session, asked: wire.PathRequest) -> Walk:
    keys = [spoken.point(s, key) for key in asked.keys]
    return s.space.path(*keys, along=asked.along, frames=asked.frames, loop=asked.loop, only=asked.only)


def _piece(s: Session, asked: wire.ComposeRequest) -> Walk:
    noun, one = s.space.modality.measure
    if asked.length is not None and asked.length > wire.FRAMES * one:
        raise LiminalError(
            f"compose: {asked.length:g} {noun}; wanted at most {wire.FRAMES * one:g} in the studio"
        )
    items = [spoken.item(s, item) for item in asked.items]
    return s.space.compose(*items, length=asked.length, form=asked.form, over=asked.over, seed=asked.seed)


def _walked(s: Session, asked: wire.PathRequest) -> wire.Copy:
    """The same walk elsewhere."""
    options = f", along={asked.along!r}, frames={asked.frames}" + (", loop=True" if asked.loop else "")
    options += f", only={asked.only!r}" if asked.only else ""
    more = ["--along", asked.along, "--frames", str(asked.frames), *(["--loop"] if asked.loop else [])]
    more += ["--only", ",".join(asked.only)] if asked.only else []
    return _elsewhere(s, "path", "morph", asked.keys, options, more, "path.gif")


def _composed(s: Session, asked: wire.ComposeRequest) -> wire.Copy:
    """The same piece elsewhere."""
    given: dict[str, Any] = {name: getattr(asked, name) for name in ("length", "form", "over", "seed")}
    given = {name: value for name, value in given.items() if value is not None and value != 0}
    options = "".join(f", {name}={value!r}" for name, value in given.items())
    numbers = {name: f"{value:g}" for name, value in given.items() if not isinstance(value, str)}
    more = [word for name, value in given.items() for word in (f"--{name}", numbers.get(name, value))]
    file = f"piece{s.space.modality.writes[0]}"
    return _elsewhere(s, "compose", "compose", asked.items, options, more, file)


def _elsewhere(
    s: Session,
    name: str,
    verb: str,
    places: Sequence[wire.Place],
    options: str,
    more: Sequence[str],
    file: str,
) -> wire.Copy:
    """What goes through places, in Python; on the command line where all of them have names."""
    shown = ", ".join(spoken.in_python(s, place, spoken.point(s, place)) for place in places)
    plain = [spoken.plain(s, place) for place in places]
    named = [text for text in plain if text is not None]
    line = spoken.command(s, verb, *named, *more, "-o", file) if len(named) == len(plain) else None
    python = spoken.python(s, f'space.{name}({shown}{options}).save("{file}")')
    return wire.Copy(python=python, command=line)


def export(s: Session, asked: wire.ExportRequest) -> bytes:
    """A walk or a piece as a file.

    Raises:
        LiminalError: as `path` and `compose`, walks of this kind of data cannot be saved in such a format, or
            it is too large.
    """
    films = s.about(True, None).modality.films
    if asked.format not in films:
        raise LiminalError(f"export: format {asked.format!r}; a path can be saved as {', '.join(films)}")
    of = asked.path
    walk = _piece(s, of) if isinstance(of, wire.ComposeRequest) else _walk(s, of)
    most = 16 * wire.FILM // asked.times**2
    if len(walk) > most and asked.times > 1:
        raise LiminalError(
            f"export: {len(walk)} frames at {asked.times} times the size; wanted at most {most}, or a "
            "smaller size"
        )
    with tempfile.TemporaryDirectory(prefix="liminal-") as folder:
        file = Path(folder) / f"path.{asked.format}"
        walk.save(file, asked.fps, asked.times)
        return file.read_bytes()
