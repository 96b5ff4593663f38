"""Melodies: how well folk tunes and chorales are restored, whether morphs and edits stay music, and whether
samples are like tunes and none of them a copy.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

import liminal
from liminal.datasets.melodies import FACTORS, draw, melodies
from liminal.errors import LiminalError
from liminal.measures.eyes.columns import targets
from liminal.ops.directions import search
from liminal.ops.directions.conditional import Asked
from liminal.ops.ways.paths import path
from liminal.space import Space
from liminal.voice import Terminal, Voice

from . import figures, harmony, music
from .edits import Effect, effect
from .fashion import cost
from .figures import Figure, Record

BETWEEN = np.linspace(0, 1, 11)
MOVED = ("density", "interval", "syncopation")  # readings that a vector of their own has to move most
SHOWN = (*MOVED, "in_key")
ASKED = ("density", "octave", "rhythm_1=offbeat", "rhythm_2=dotted", "contour=rising")  # of drawn melodies
HELD_SEED = 77_001  # of melodies that no space has seen
# what 15 minutes on one core hold more than: 8.2 of CPU time; 2 bars in 4/4, titles left out
TUNES = {"dim": 96, "epochs": 95.0, "options": {"beta": 0.5}}
CHORALES = {"dim": 96, "epochs": 80.0, "options": {"beta": 0.1}}
DRAWN = {"dim": 32, "epochs": 40.0, "options": {"beta": 0.2}, "bind": ("density", "octave")}


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("melody", __doc__ or "")
    options.add_argument("--tunes", help="score this space of Nottingham tunes instead of training one")
    options.add_argument("--chorales", help="the same of chorales")
    options.add_argument("--drawn", help="the same of drawn melodies")
    options.add_argument("--minutes", type=float, help="of each training; default: epochs that take less")
    options.add_argument("--pairs", type=int, default=200, help="held-out tunes that are morphed")
    options.add_argument("--edited", type=int, default=400, help="held-out melodies that are edited")
    options.add_argument("--seed", type=int, default=0, help="of the trainings and of all choices")
    options.add_argument("--threads", type=int, default=1, help="CPU threads of the trainings")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench.

    Raises:
        LiminalError: ``LIMINAL_DATA`` holds no such tunes.
    """
    given = arguments().parse_args(args)
    record, voice = Record("melody", args, given), Terminal()
    space = fitted(
        record, "tunes", lambda: folder("nottingham/ABC_cleaned"), TUNES, given, voice, meter="4/4"
    )
    train, held = parts(space)
    restored(record, space, held)
    first, second = halves(space, given.seed)
    model = music.Ngram(first[:, 0])
    record.note(
        f"n-gram model: {music.ORDER} steps, learned from {len(first)} of the held-out melodies in 12 keys; "
        f"the other {len(second)}, of other tunes, are morphed, edited and compared with the samples"
    )
    morphs(record, space, second, model, given)
    vectors(record, space, train, second, given)
    sampled(record, space, train, first, second, model, given.seed)
    chorales = lambda: folder("jsb_chorales/Jsb16thSeparated.json")
    space = fitted(record, "chorales", chorales, CHORALES, given, voice, voices=4, bars=1)
    harmonies(record, space, chorales())
    harmony.harmonised(record, space, chorales(), given.seed)
    space = fitted(record, "drawn", lambda: "melodies", DRAWN, given, voice)
    edited(record, space, given)
    voice.close()
    record.finish()


def folder(name: str) -> Path:
    """Real data.

    Raises:
        LiminalError: it is not there.
    """
    path = Path(os.environ.get("LIMINAL_DATA", "")) / name
    if not path.exists():
        raise LiminalError(f"bench melody: {path} is not there; set LIMINAL_DATA to the folder that holds it")
    return path


def fitted(
    record: Record, name: str, data: Any, how: Mapping[str, Any], given: Namespace, voice: Voice, **read: Any
) -> Space:
    """The space that was given, or one fitted, and its cost among the figures."""
    space = getattr(given, name)
    if not space:
        how = {**how, "seed": given.seed, "threads": given.threads, "reading": read, "force": True}
        if given.minutes:
            how = {k: v for k, v in how.items() if k != "epochs"} | {"minutes": given.minutes}
        space = liminal.fit(data(), figures.OUT / f"melody-{name}", voice=voice, **how).folder
    found = liminal.open(space)
    record.note(f"{name}: {found.dim} dimensions, beta {found.card.model['arguments']['beta']:g}")
    cost(record, found)
    return found


def parts(space: Space) -> tuple[np.ndarray, np.ndarray]:
    """The items (n, voices, steps) trained on, and those held out."""
    ids = (
        space.catalogue.table(split=split, columns=["id"])["id"].to_pylist() for split in ("train", "held")
    )
    train, held = (space.items(i) for i in ids)
    return train, held


def halves(space: Space, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The held-out items in two parts, each of whole tunes: another one begins where the number of the bar
    does not grow.
    """
    known = space.catalogue.table(split="held", columns=["id", "bar"]).sort_by("id")
    bar = known["bar"].to_numpy()
    tune = np.cumsum(np.diff(bar, prepend=np.inf) <= 0)
    side = np.random.default_rng(seed).permutation(np.arange(tune.max() + 1) % 2)[tune]
    ids = known["id"].to_numpy()
    return space.items(ids[side == 0].tolist()), space.items(ids[side == 1].tolist())


def restored(record: Record, space: Space, held: np.ndarray) -> None:
    """F1 of notes and steps right on held-out tunes, decoded from their means at once."""
    m = space.modality
    errors = lambda items: {
        k: float(v.mean()) for k, v in m.errors(m.tensor(held), m.soft(items)).items() if k != "nats"
    }
    still = np.zeros_like(held)
    still[..., 0] = 1
    ours, trivial = errors(space.decode(space.encoded(held))), errors(still)
    note = f"{len(held)} held-out melodies of other tunes; not told the steps before"
    for name, value, nothing, bar in (
        ("F1 of notes", ours["f1"], trivial["f1"], 0.90),
        ("steps right", 1 - ours["wrong"], 1 - trivial["wrong"], None),
    ):
        beside = {"holding everything": nothing}
        record.add(Figure(f"tunes: {name}", value, "", bar, "higher", beside, note=note))


def morphs(record: Record, space: Space, held: np.ndarray, model: music.Ngram, given: Namespace) -> None:
    """MusicVAE's test (Roberts et al. 2018): distances to both ends, likelihood and key on the way, beside
    mixtures step by step.
    """
    coin = np.random.default_rng(given.seed)
    pairs = [held[coin.integers(len(held), size=given.pairs)] for _ in range(2)]
    keys = torch.stack([space.encoded(items) for items in pairs], 1)
    ways = {}
    for pace in ("data", "latent"):
        found = [
            path(space.generator, space.modality, k, "slerp", len(BETWEEN), pace=pace).frames for k in keys
        ]
        ways[pace] = np.stack(found, 1)  # (t, n, voices, steps)
    others = np.stack([music.mixed(*pairs, float(t), coin) for t in BETWEEN])
    distance = {pace: ends_apart(way) for pace, way in ways.items()}
    largest = {pace: float(np.abs(np.diff(d[0])).max() * (len(BETWEEN) - 1)) for pace, d in distance.items()}
    note = f"{given.pairs} pairs, {len(BETWEEN)} frames as morph makes them; 1 is even"
    beside = {"even in the latents only": largest["latent"], "a switch half way": float(len(BETWEEN) - 1)}
    record.add(Figure("morphs: largest step", largest["data"], "", None, "lower", beside, note=note))
    first, last = (", ".join(f"{v:.2f}" for v in d) for d in distance["data"])
    record.note(
        f"Hamming distance along the way, over that of the ends: from the first {first}; to the last {last}"
    )
    surprise = lambda way: [float(model.nll(items[:, 0]).mean()) for items in way]
    ours, mixed = surprise(ways["data"]), surprise(others)
    inside = slice(1, -1)
    gain = min(m - o for o, m in zip(ours[inside], mixed[inside], strict=True))
    note = "the smallest at t = .1 to .9"
    nats = "nats a step"
    record.add(Figure("morphs: likelihood gained over mixing steps", gain, nats, 0.0, "higher", note=note))
    beside = {
        "mixing steps": float(np.mean(mixed[inside])),
        "real melodies": float(model.nll(held[:, 0]).mean()),
    }
    record.add(
        Figure("morphs: surprise on the way", float(np.mean(ours[inside])), nats, None, "lower", beside)
    )
    told = [", ".join(f"{v:.2f}" for v in row) for row in (ours, mixed)]
    record.note(f"nats a step along the way: {told[0]}; mixing steps {told[1]}")
    key = lambda way: float(np.mean([in_key(space, items) for items in way[inside]]))
    beside = {"mixing steps": key(others), "real melodies": in_key(space, held)}
    record.add(Figure("morphs: share of notes in key", key(ways["data"]), "", key(others), "higher", beside))


def ends_apart(way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean distance (t,) of frames (t, n, voices, steps) from their first and last ones, over that
    between these.
    """
    whole = music.differing(way[0], way[-1])
    moves = whole > 0
    first, last = (
        np.array([(music.differing(way[end], items)[moves] / whole[moves]).mean() for items in way])
        for end in (0, -1)
    )
    return first, last


def in_key(space: Space, items: np.ndarray) -> float:
    return float(space.modality.readings(space.modality.soft(items))["in_key"].mean())


def vectors(record: Record, space: Space, train: np.ndarray, held: np.ndarray, given: Namespace) -> None:
    """MusicVAE's table: what a vector of a reading does to each reading; the project's directions beside the
    difference of the means of the top and the bottom quartile.
    """
    m = space.modality
    only = lambda y: {k: v for k, v in m.readings(y).items() if k in SHOWN}
    read = lambda items: {k: v.double().numpy() for k, v in only(m.soft(items)).items()}
    known, z, others = read(train), space.encoded(train), read(held)
    found = search.find_directions(
        z,
        pa.table(known),
        space.encoded(held),
        pa.table(others),
        space.generator.decode,
        only,
        seed=given.seed,
    )
    start = space.encoded(held[: given.edited])
    before = {k: float(v.mean()) for k, v in read(space.decode(start)).items()}
    spread = {k: float(v.std()) for k, v in known.items()}
    told = []
    for direction in (d for name in SHOWN for d in found if d.name == name):
        name = direction.name
        low, high = np.quantile(known[name], [0.25, 0.75])
        plain = z[known[name] >= high].mean(0) - z[known[name] <= low].mean(0)
        changes = [moved(space, start, v, read, before) for v in (direction.vector, plain)]
        share, trivial = (alone(change, name, spread) for change in changes)
        own = [change[name] / spread[name] for change in changes]
        note = f"its own by {own[0]:+.2f} SD; the quartiles' by {own[1]:+.2f}"
        bar, beside = 1.0 if name in MOVED else None, {"quartiles": trivial}
        called = f"{name} added: own change over the largest other"
        record.add(Figure(called, share, "", bar, "higher", beside, note=note))
        for what, change in zip(("direction", "quartiles"), changes, strict=True):
            row = ", ".join(f"{k} {100 * change[k] / before[k]:+.0f}" for k in SHOWN)
            told.append(f"{name} ({what}): {row}")
    record.note(
        f"readings changed in {len(start)} held-out melodies, half of added minus subtracted, in percent of "
        f"their mean: {'; '.join(told)}; figures above are in SD of real melodies, as the mean of "
        f"syncopation is nearly 0 ({before['syncopation']:.2f} a bar)"
    )


def alone(change: Mapping[str, float], name: str, spread: Mapping[str, float]) -> float:
    """How much more a reading moved, in standard deviations, than whichever other moved most."""
    own, *others = (abs(change[k]) / spread[k] for k in (name, *(k for k in change if k != name)))
    return own / max(*others, 1e-9)


def moved(
    space: Space, start: Tensor, vector: Tensor, read: Any, before: Mapping[str, float]
) -> dict[str, float]:
    """The mean change of each reading where a vector is added, less that where it is subtracted, halved."""
    more, less = read(space.decode(start + vector)), read(space.decode(start - vector))
    return {k: float(more[k].mean() - less[k].mean()) / 2 for k in before}


def sampled(
    record: Record,
    space: Space,
    train: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    model: music.Ngram,
    seed: int,
) -> None:
    """Samples beside real melodies: likelihood, histograms, and copies."""
    n = len(second)
    made = space.sample(n, seed=seed).items
    made = made[(made >= music.FIRST).any((1, 2))]
    name, chain = space.modality.trivial(train, n, seed)
    nll = {
        k: float(model.nll(v[:, 0]).mean()) for k, v in (("ours", made), ("chain", chain), ("real", second))
    }
    beside = {name: nll["chain"], "real melodies": nll["real"]}
    source = space.card.sampler["default"]
    note = f"{len(made)} drawn from the {source}"
    record.add(
        Figure("samples: surprise", nll["ours"], "nats a step", nll["chain"], "lower", beside, note=note)
    )
    seen = {
        k: music.histograms(v[:, 0])
        for k, v in (("ours", made), ("chain", chain), ("a", first), ("b", second))
    }
    for what in ("pitch class", "duration"):
        halves = music.apart(seen["a"][what], seen["b"][what])
        both = (seen["a"][what] + seen["b"][what]) / 2
        value = music.apart(seen["ours"][what], both)
        beside = {name: music.apart(seen["chain"][what], both), "between the held-out halves": halves}
        record.add(Figure(f"samples: {what} histogram", value, "", 2 * halves, "lower", beside))
    near = {k: music.nearest(v[:, 0], train[:, 0]) for k, v in (("ours", made), ("real", second))}
    exact = {k: float((v == 0).mean()) for k, v in near.items()}
    note = "of 32 steps all, in any key"
    beside = {"held-out melodies": exact["real"]}
    record.add(
        Figure(
            "samples: exact copies of a training melody",
            exact["ours"],
            "",
            exact["real"],
            "lower",
            beside,
            note=note,
        )
    )
    beside = {"held-out melodies": float(np.median(near["real"]))}
    record.add(
        Figure(
            "samples: steps that differ from the nearest",
            float(np.median(near["ours"])),
            "",
            None,
            "higher",
            beside,
            note="median",
        )
    )


def harmonies(record: Record, space: Space, file: Path) -> None:
    """What sounds in each voice at each step of the test chorales."""
    m = space.modality
    records = [r for r in m.records(file, file.name) if r.known.get("split") == "test"]
    real = np.stack([r.item for r in records if r.item is not None])
    ours = music.sounding(space.decode(space.encoded(real)))
    truth = music.sounding(real)
    trivial = music.first_of_beats(real, m.grid)
    right = lambda found: float((found == truth).mean())
    beside = {"each beat's first chord": right(trivial)}
    bars = f"{m.bars} bar{'s' if m.bars > 1 else ''}"
    note = (
        f"{len(real):,} of {bars}, of {len({r.group for r in records})} test chorales; a voice and step each"
    )
    record.add(Figure("chorales: steps right", right(ours), "", 0.95, "higher", beside, note=note))
    whole = lambda found: float((found == truth).all(1).mean())
    beside = {"each beat's first chord": whole(trivial)}
    record.add(Figure("chorales: chords right, all voices", whole(ours), "", None, "higher", beside))


def edited(record: Record, space: Space, given: Namespace) -> None:
    """What a formula of one whole step of a factor does to the factors of drawn melodies, as the melody
    nearest to what is decoded tells them: along the conditional mean of latents, beside one vector for all
    and beside the melody that would be right, encoded and decoded, which no edit can surpass.
    """
    drawn = melodies(given.edited, HELD_SEED)
    z, truth = space.encoded(drawn.items), Truth()
    before = truth(space.decode(z))
    known = drawn.attributes.to_pydict()
    right = [float(np.mean(truth.words(before, k) == np.array(v))) for k, v in known.items()]
    note = ", ".join(f"{k} {v:.2f}" for k, v in zip(known, right, strict=True))
    record.note(f"factors of {len(z)} unseen melodies that are right in their reconstructions: {note}")
    model = space.conditional
    told, plain = model.told(z), [f"{share:.2f}" for share in model.explained]
    true = targets(drawn.attributes, model.spec)
    right = [float(((told[k] - v).abs() < 0.25).float().mean()) for k, v in true.items()]
    note = ", ".join(f"{k} {v:.2f}" for k, v in zip(true, right, strict=True))
    record.note(
        f"factors tell {plain[1]} of the latents' variance, {plain[0]} by a linear map; told from latents "
        f"rightly (numbers within a quarter SD): {note}"
    )
    spread = {k: float(np.std(v)) for k, v in known.items() if isinstance(v[0], float)}
    for asked in ASKED:
        name, _, value = asked.partition("=")
        values = np.array(known[name])
        room = np.flatnonzero(values != value if value else values < max(FACTORS[name]))
        rows, strength = torch.from_numpy(room), 1.0 if value else 1 / spread[name]
        step = space.edit(z[0], f"+{strength:.6g}*{asked}")
        vector = step.z_after - step.z_before
        chance = torch.randn(vector.shape, generator=torch.Generator().manual_seed(given.seed))
        bent = Asked(name, value or None, 1.0 if value else 1 / model.spec[name]["std"])
        ways = {
            "before": 0 * vector,
            "conditional": model.step({k: v[rows] for k, v in told.items()}, [bent]),
            "linear": vector,
            "true melody": space.encoded(counterparts(known, room, name, value)) - z[rows],
            "random direction": chance / chance.norm() * vector.norm(),
        }
        seen = {way: truth(space.decode(z[rows] + change)) for way, change in ways.items()}
        if value:  # of its words only this one counts
            at = FACTORS[name].index(value)
            seen = {way: {**read, name: read[name][:, at]} for way, read in seen.items()}
        found = {way: effect(seen["before"], read, name, 1.0, spread) for way, read in seen.items()}
        del found["before"]
        reached(record, asked if value else f"{name} + 1", found, f"{len(room)} melodies")


def reached(record: Record, asked: str, found: dict[str, Effect], note: str) -> None:
    """The figures of one formula, from the effects of ways to edit; the first is ours."""
    (_, ours), *others = found.items()
    beside = {way: effect.achieved for way, effect in others}
    called = f"drawn, {asked}"
    record.add(Figure(f"{called}: reached", ours.achieved, "", 0.8, "higher", beside, ours.error, note))
    worst = max(ours.leakage, key=lambda k: ours.leakage[k])
    more = ", ".join(f"{k} {v:.2f}" for k, v in ours.leakage.items() if k != worst)
    beside = {way: max(effect.leakage.values()) for way, effect in others}
    note = f"onto {worst}; {more}: of numbers in SD, of words the share that changes; beside it their largest"
    record.add(Figure(f"{called}: largest leakage", ours.leakage[worst], "", 0.2, "lower", beside, note=note))


def counterparts(known: Mapping[str, list[Any]], room: np.ndarray, name: str, value: str) -> np.ndarray:
    """The melodies that some drawn ones, rows `room`, would be with one factor a step higher, or set."""
    places = {k: np.array([FACTORS[k].index(v) for v in values])[room] for k, values in known.items()}
    places[name] = np.full(len(room), FACTORS[name].index(value)) if value else places[name] + 1
    return draw(places)


class Truth:
    """Items (n, 1, steps) -> the factors of the drawn melodies that are nearest to them: numbers (n,), words
    as (n, words) with one 1.
    """

    def __init__(self) -> None:
        grid = np.meshgrid(*[np.arange(len(v)) for v in FACTORS.values()], indexing="ij")
        self.places = {name: g.ravel() for name, g in zip(FACTORS, grid, strict=True)}
        self.every = draw(self.places)[:, 0]

    def __call__(self, items: np.ndarray) -> dict[str, np.ndarray]:
        found = np.array([np.count_nonzero(self.every != row, axis=1).argmin() for row in items[:, 0]])
        told = {}
        for name, values in FACTORS.items():
            at = self.places[name][found]
            number = isinstance(values[0], int)
            told[name] = np.array(values, float)[at] if number else np.eye(len(values))[at]
        return told

    def words(self, told: Mapping[str, np.ndarray], name: str) -> np.ndarray:
        """A factor (n,) as the data set tells it."""
        values = told[name]
        return values if values.ndim == 1 else np.array(FACTORS[name])[values.argmax(1)]
