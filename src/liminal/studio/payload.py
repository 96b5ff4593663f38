"""What a shared page holds of a space: arrays and JSON fields, as `web/src/local/payload.ts` names them.

Its items are a part of the space's, its latents have 16 bits a number, and what would take a server (the way
back from the map, support, directions) is learned from what goes along.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..distances import nearest
from ..errors import LiminalError
from ..kept import Arrays, Facts
from ..maps.layouts import axes
from ..maps.place import SPACING
from ..maps.project import Map
from ..models.latent import Mixture
from ..nn import plainly
from ..ops.support import Support, fit_support, residuals
from ..priors import Normal, Sphere
from ..voice import Voice
from . import coarse, moves, wire
from .networks import networks
from .session import PLACED, Session

if TYPE_CHECKING:
    from ..maps.inverse import Inverse

NUMBERS = 600_000  # of latents in a page: the shown items' and, to know the space better, others'
DRAWS = 100  # seeds of `random(...)` that a page knows
SOURCES = ("attributes", "readings", "pca", "factorised")  # of directions that need no item
QUALITY = 85  # of the thumbnails
WHOLE = 4_096  # bytes of an item up to which it goes along beside a thumbnail that does not show all of it
HELD = 2_000  # held-out items that support is calibrated on
FORBIDDEN = re.compile(
    r"non.?commercial|no.?redistribut|not.{0,20}redistribut|proprietary|confidential|all rights "
    r"reserved|research.{0,5}only|private",
    re.I,
)


def gather(s: Session, items: int, no_items: bool, method: str, voice: Voice) -> tuple[Arrays, Facts]:
    """All that a page holds of a space: arrays and JSON fields, as `web/src/local/payload.ts` names them.

    Raises:
        LiminalError: as `share`.
    """
    with plainly(s.space.generator):  # as the page's networks answer
        return _gathered(s, items, no_items, method, voice)


def _gathered(s: Session, items: int, no_items: bool, method: str, voice: Voice) -> tuple[Arrays, Facts]:
    voice.progress("laying out the map", 0.1)
    chart = s.settle(method)
    z = s.space.latents.numpy()
    voice.progress("taking the networks along", 0.3)
    arrays, facts = networks(s, voice)
    voice.progress("gathering the items", 0.6)
    if no_items:
        places, latents, inverse, support = coarse.made(s, chart.map.xy, z)
        known = np.arange(len(places))
        facts |= {"shown": 0, "whole": False, "columns": {}, "sources": [], "splits": []}
    else:
        shown, known = chosen(len(z), items, z.shape[1])
        places, latents = chart.map.xy[known], z[known]
        whole = len(known) == len(z)
        inverse, support = _known(s, chart.map, chart.inverse, known, method)
        more, told = _items(s, known, len(shown))
        arrays |= more
        facts |= {**told, "shown": len(shown), "whole": whole}
        stored = s.space.items(shown.tolist())
        arrays["error"] = residuals(s.space.generator, s.modality, stored).numpy()
        captions = [s.modality.caption(item) for item in stored]
        facts["captions"] = captions if any(captions) else []
        if stored[0].nbytes <= WHOLE and s.modality.side > wire.TILE:
            arrays["items"] = stored
    voice.progress("gathering what is known of directions", 0.8)
    arrays |= {
        "id": known,
        "xy": places,
        "spacing": inverse.spacing,
        "squared": inverse.squared,
        **_placing(places, latents, method),
    }
    if support is not None:
        arrays |= _support(support, latents)
        facts["support"] = {"itself": support.itself, "k": support.k}
    more, told = _spoken(s, no_items)
    arrays |= more
    facts |= told
    facts["inverse"] = {"method": inverse.method, "k": inverse.k, "limits": list(inverse.limits)}
    words = {
        "trustworthiness": chart.map.evidence.get("trustworthiness"),
        "fitted_on": chart.map.evidence.get("fitted_on", len(z)),
    }
    facts["map"] = {"method": method, "words": s.layout(method).words, **words}  # type: ignore[union-attr]
    facts["space"] = _about(s, method, facts, arrays, no_items)
    voice.progress("packing", 0.95)
    quantised, low, step = _levels(latents)
    arrays |= {"z": quantised, "z_low": low, "z_step": step}
    return {name: value if name == "items" else _narrow(value) for name, value in arrays.items()}, facts


def _narrow(value: np.ndarray) -> np.ndarray:
    """An array in a type that the wire knows, numbers with the digits of float32."""
    kinds = {"f": np.float32, "i": np.int32, "b": np.uint8}
    return value if value.dtype in (np.uint8, np.uint16) else value.astype(kinds[value.dtype.kind])


def chosen(count: int, items: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the items that are shown, and of all whose latents go along: the shown ones first, then others
    as there is room.
    """
    order = np.random.default_rng(0).permutation(count)
    shown = np.sort(order[:items])
    return shown, np.concatenate([shown, np.sort(order[items : max(items, NUMBERS // dim)])])


def _levels(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents (n, d) in 65,536 levels a dimension, the lowest level and the step (d,): z = low + level *
    step.
    """
    low, high = z.min(0), z.max(0)
    step = np.maximum((high - low) / 65_535, 1e-12).astype(np.float32)
    return np.clip(np.rint((z - low) / step), 0, 65_535).astype(np.uint16), low, step


def restored(levels: np.ndarray, low: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The latents that a page makes of levels."""
    return (low.astype(np.float64) + levels * step.astype(np.float64)).astype(np.float32)


def _known(
    s: Session, drawn: Map, inverse: Inverse | None, known: np.ndarray, method: str
) -> tuple[Inverse, Support | None]:
    """The way back and support: the studio's own where all latents go along, else learned anew from those
    that do.
    """
    assert inverse is not None
    if len(known) == len(drawn.xy):
        return replace(inverse, spacing=inverse.spacing[known], squared=inverse.squared[known]), s.support
    assert drawn.z is not None
    part = Map(drawn.xy[known], drawn.ids[known], method, {}, z=drawn.z[known]).inverse()
    if s.support is None:
        return part, None
    (train_ids, train), (held_ids, held) = (s.catalogue.latents(split=split) for split in ("train", "held"))
    rows = np.random.default_rng(0).permutation(len(held))[:HELD]
    errors = residuals(s.space.generator, s.space.modality, s.space.items(held_ids[rows].tolist()))
    inside = np.isin(train_ids, known)
    return part, fit_support(
        torch.from_numpy(train[inside]), torch.from_numpy(held[rows]), held_residual=errors
    )


def _placing(places: np.ndarray, latents: np.ndarray, method: str) -> Arrays:
    """What places a latent on the map: the main axes for pca, else some items and the width of the kernel
    among them.
    """
    from scipy.spatial import cKDTree

    if method == "pca":
        mean, found, _ = axes(latents)
        return {"place_mean": mean, "place_axes": found}
    among = np.sort(np.random.default_rng(0).permutation(len(places))[:PLACED])
    some = places[among]
    unit = np.median(cKDTree(some).query(some, min(SPACING + 1, len(some)))[0][:, -1])
    return {"among": among, "unit": np.array([unit])}


def _support(support: Support, latents: np.ndarray) -> Arrays:
    """Support as a page holds it: its points by their rows among the page's latents (n, d), of which all
    are.
    """
    member = nearest(support.along(torch.from_numpy(latents).double()), support.points, 1)[1][:, 0]
    around, k = support.around, support.k
    rings = torch.stack([around[:, :k].mean(1), around[:, k - 1], around[:, k]], 1)
    found = {
        "mean": support.mean,
        "axes": support.axes,
        "rings": rings,
        "member": member,
        "calibration": support.calibration,
    }
    found |= {
        name: value
        for name, value in (("errors", support.errors), ("both", support.both))
        if value is not None
    }
    return {name: value.numpy() for name, value in found.items()}


def _items(s: Session, known: np.ndarray, shown: int) -> tuple[Arrays, Facts]:
    """Columns of all known items; thumbnails, sources and splits of the shown ones."""
    arrays: Arrays = {}
    columns: Facts = {}
    found = [*(s.column(name) for name in s.card.attributes), s.column("split"), s.clusters().result()]
    for column in found:
        arrays[f"column {column.name}"] = np.asarray(column.data)[known]
        columns[column.name] = {
            "kind": column.kind,
            "values": column.values,
            "low": column.low,
            "high": column.high,
        }
    ids = known[:shown]
    told = s.catalogue.rows(ids.tolist(), ["source", "split"]).to_pylist()
    for number, first in enumerate(range(0, shown, wire.PAGE)):
        arrays[f"sheet {number}"] = np.frombuffer(_sheet(s, ids[first : first + wire.PAGE]), np.uint8)
    return arrays, {
        "columns": columns,
        "sources": [row["source"] for row in told],
        "splits": [row["split"] for row in told],
    }


def _sheet(s: Session, rows: np.ndarray) -> bytes:
    """Thumbnails as WebP: with every pixel where that is smaller, as of letters and bars, else nearly so."""
    sheet, written = s.sheet(rows), []
    for how in ({"lossless": True}, {"quality": QUALITY}):
        data = io.BytesIO()
        sheet.save(data, "WEBP", method=6, **how)
        written.append(data.getvalue())
    return min(written, key=len)


def _spoken(s: Session, no_items: bool) -> tuple[Arrays, Facts]:
    """What formulas and sliders stand on: directions, dimensions, means, draws, deviations, and where samples
    come from.
    """
    arrays: Arrays = {"centre": s.space.latents.mean(0).numpy(), "deviation": s.space.scale.numpy()}
    facts: Facts = {"directions": {}}
    for source in SOURCES:
        try:
            found = moves.directions(s, source, None)
        except LiminalError:
            continue  # a decoder without a first linear layer
        if not found.directions:
            continue  # of a space without attributes
        arrays[f"directions {source}"] = found.vectors
        facts["directions"][source] = [one.model_dump() for one in found.directions]
    facts["dimensions"] = moves.dimensions(s).model_dump()["dimensions"]
    facts["means_of"] = _means(s, arrays)
    arrays["draws"] = torch.cat([s.space.draw(1, seed=seed) for seed in range(DRAWS)]).numpy()
    facts["prior"] = {"name": s.card.prior["name"], "support": s.space.support_of_prior}
    mixture = s.space.samplers.get("mixture")
    if isinstance(mixture, Mixture):
        many = mixture.weights * s.count >= (coarse.LEAST if no_items else 0)
        if bool(many.any()):
            parts = {"weights": mixture.weights, "means": mixture.means, "cholesky": mixture.cholesky}
            arrays |= {f"mixture_{name}": part[many].numpy() for name, part in parts.items()}
    flow = s.space.flow
    if flow is not None:
        arrays |= {"flow_mean": flow.mean.numpy(), "flow_scale": flow.scale.numpy()}
        facts["flow_steps"] = flow.steps
    facts["by_default"] = str(s.card.sampler.get("default", "prior"))
    return arrays, facts


def _means(s: Session, arrays: Arrays) -> dict[str, int]:
    """Means of values that many items have, by the filter in SQL that names them; rows of ``means`` in
    `arrays`.
    """
    from ..ops.formulas import formula

    rows: list[np.ndarray] = []
    names: dict[str, int] = {}
    z = s.space.latents.numpy()
    for one in s.attributes:
        column = np.asarray(s.column(one.name).data)
        tests = {
            f"{formula.quote_name(one.name)} = {formula.quote_text(v)}": i
            for i, v in enumerate(one.values or [])
        }
        if one.kind == "bool":
            tests = {
                f"{formula.quote_name(one.name)} = true": 1,
                f"{formula.quote_name(one.name)} = false": 0,
            }
        for test, code in tests.items():
            chosen = column == code
            if int(chosen.sum()) >= coarse.LEAST and len(rows) < 1000:
                names[test] = len(rows)
                rows.append(z[chosen].mean(0, dtype=np.float64))
    arrays["means"] = np.stack(rows) if rows else np.zeros((0, z.shape[1]))
    return names


def _about(s: Session, method: str, facts: Facts, arrays: Arrays, no_items: bool) -> Facts:
    """The page's answer to ``/api/space``."""
    told = s.about(True, None).model_dump()
    licence, count = told["licence"], facts["shown"]
    notes = [] if no_items else list(told["notes"])
    if no_items:
        notes.append(
            f"The {s.modality.plural} behind this map are private: what is shown is made up by the model,"
            " place by place."
        )
    elif count < s.count:
        notes.append(f"{count:,} of {s.count:,} are in this page.")
    if (words := warning(s)) is not None:
        notes.append(words)
    able = [*([] if no_items else ["items"]), *(["encode"] if "encoder" in arrays else [])]
    able += ["support"] if "calibration" in arrays else []
    flow_or_prior = "velocity" in arrays or isinstance(s.space.generator.prior, Normal | Sphere)
    sources = [
        one
        for one in told["sources"]
        if one == "prior"
        or (one == "flow" and "velocity" in arrays)
        or (one == "mixture" and "mixture_weights" in arrays)
    ]
    return {
        **told,
        "items": count,
        "able": able,
        "found": list(facts["directions"]),
        "attributes": [] if no_items else told["attributes"],
        "sources": sources,
        "maps": [method],
        "laid": [method],
        "alongs": ["slerp", "linear", *(["mix"] if flow_or_prior else [])],
        "pages": -(-count // wire.PAGE),
        "notes": notes,
        "licence": "" if licence == "not stated" else licence,
    }


def warning(s: Session) -> str | None:
    """What stands against handing the items on, as far as the card tells."""
    licence = str(s.card.data.get("licence", "")) or "not stated"
    if licence == "not stated":
        return f"Nobody has said under what licence these {s.modality.plural} may be handed on."
    if FORBIDDEN.search(licence):
        return f"The licence of these {s.modality.plural} ({licence}) may forbid to hand them on."
    return None
