"""Side by side with pythae 0.1.2 on Fashion-MNIST: equal wall time of training, equal latent dimension, both
scored by the same code.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from liminal.errors import LiminalError
from liminal.space import Space
from liminal.voice import Terminal

from . import figures, scoring
from .clothes import Clothes, classifier, clothes, numbered
from .fashion import fitted
from .figures import OUT, Figure, Record
from .processes import WorkerError, ask, venv

VERSION = "0.1.2"
FOLDER = OUT / "pythae"
RECIPES = "vae-mlp,vae-resnet,rae_l2-mlp,rae_l2-resnet"
CALLS = (1, 3, 12, 60)  # into how many calls of embed the items are cut, the fewest that fit in memory

Maps = dict[str, Callable[[Tensor], Tensor]]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("pythae", __doc__ or "")
    options.add_argument(
        "--minutes", type=float, default=5.0, help="of training, for Liminal and for every recipe of pythae"
    )
    options.add_argument("--dim", type=int, default=16, help="latent dimensions of all")
    options.add_argument("--model", default="vae", help="of Liminal")
    options.add_argument(
        "--recipes", default=RECIPES, help="of pythae: vae or rae_l2, with mlp (its default), conv or resnet"
    )
    options.add_argument("--samplers", default="normal,mixture,maf", help="of pythae; the best one counts")
    options.add_argument("--maf-epochs", type=int, default=5, help="of pythae's flow over its latents")
    options.add_argument(
        "--samples", type=int, default=5000, help="real and sampled pictures that are compared"
    )
    options.add_argument("--items", type=int, default=60_000, help="pictures to encode")
    options.add_argument("--rounds", type=int, default=3, help="of the encode, the libraries taking turns")
    options.add_argument(
        "--memory", type=float, default=8.0, help="gigabytes that one call of pythae's embed may take"
    )
    options.add_argument("--classifier-epochs", type=float, default=4.0, help="of the bench's own classifier")
    options.add_argument("--fresh", action="store_true", help="train the classifier again")
    options.add_argument("--seed", type=int, default=0, help="of all training and sampling")
    options.add_argument(
        "--threads",
        type=int,
        default=None,
        help="CPU threads of all; left out: what Liminal chooses at the start",
    )
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    recipes = wanted(given.recipes)
    python = venv("pythae", VERSION, "torch")
    record, voice = Record("pythae", args, given), Terminal()
    data = clothes(voice)
    FOLDER.mkdir(exist_ok=True)
    for name, items in (("train", data.train), ("test", data.test)):
        np.save(FOLDER / f"{name}.npy", items)
    space = fitted(record, FOLDER / "liminal-space", given, voice, given.minutes)
    threads = given.threads or space.card.training["threads"]
    model = classifier(data, given.classifier_epochs, given.fresh, voice)
    accuracy = model.accuracy(data.modality.tensor(data.test), numbered(data.test_labels))
    record.note(f"classifier of the bench: {accuracy:.4f} of the test pictures named rightly")
    maps: Maps = {
        "classifier": model.features,
        "random features": scoring.random_features(data.modality, data.train),
    }
    voice.close()
    ours, floor = own(space, data, maps, given)
    theirs = {recipe: trained(record, python, recipe, data, maps, threads, given) for recipe in recipes}
    compare(record, ours, theirs, floor)
    best = min(theirs, key=lambda name: theirs[name]["MSE"])
    for net in dict.fromkeys(recipe.partition("-")[2] for recipe in (best, *recipes)):
        recipe = best if best.endswith(f"-{net}") else next(r for r in recipes if r.endswith(f"-{net}"))
        race(record, python, space, recipe, recipe == best, threads, given)
    record.finish()


def wanted(recipes: str) -> list[str]:
    """The recipes named, checked.

    Raises:
        LiminalError: one does not exist.
    """
    known = [f"{model}-{net}" for model in ("vae", "rae_l2") for net in ("mlp", "conv", "resnet")]
    found = [name.strip() for name in recipes.split(",")]
    for name in found:
        if name not in known:
            raise LiminalError(f"--recipes {name}: wanted some of {', '.join(known)}")
    return found


def flags(**given: Any) -> list[str]:
    """Options as a worker's command line takes them."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


def own(
    space: Space, data: Clothes, maps: Maps, given: Namespace
) -> tuple[dict[str, float], dict[str, float]]:
    """Liminal's scores, and real against real."""
    encode, decode = space.generator.encode, space.generator.decode
    mine, other = scoring.halves(len(data.test), given.samples)
    items = space.sample(len(mine), seed=given.seed).items
    scores = {"MSE": scoring.squared_error(data.modality, data.test, lambda x: decode(encode(x)).cpu())}
    floor = {}
    for name, f in maps.items():
        real = scoring.embedded(f, data.modality, data.test[mine])
        scores[name] = scoring.likeness(real, scoring.embedded(f, data.modality, items)).frechet
        floor[name] = scoring.likeness(real, scoring.embedded(f, data.modality, data.test[other])).frechet
    return scores, floor


def trained(
    record: Record, python: Path, recipe: str, data: Clothes, maps: Maps, threads: int, given: Namespace
) -> dict[str, Any]:
    """A recipe of pythae trained for the same time: its scores, the best sampler's in each feature map."""
    out = FOLDER / recipe
    mine, _ = scoring.halves(len(data.test), given.samples)
    how = flags(
        recipe=recipe,
        out=out,
        dim=given.dim,
        seed=given.seed,
        threads=threads,
        minutes=given.minutes,
        samplers=given.samplers,
    )
    how += flags(
        maf_epochs=given.maf_epochs, data=FOLDER / "train.npy", test=FOLDER / "test.npy", count=len(mine)
    )
    told = ask(python, "pythae_worker.py", ["train", *how], FOLDER / f"{recipe}.log")
    restored = np.load(out / "restored.npy", allow_pickle=False)
    scores: dict[str, Any] = {
        "MSE": float(np.square(restored - data.modality.tensor(data.test).numpy(), dtype=np.float64).mean())
    }
    samples = {name: np.load(out / f"samples-{name}.npy", allow_pickle=False) for name in told["samplers"]}
    for name, f in maps.items():
        real = scoring.embedded(f, data.modality, data.test[mine])
        each = {
            sampler: scoring.likeness(real, scoring.embedded(f, data.modality, items)).frechet
            for sampler, items in samples.items()
        }
        scores[name], scores[f"{name} sampler"] = min((value, sampler) for sampler, value in each.items())
    size = f"{told['parameters']:,} parameters, {told['epochs']:.3g} epochs in {told['wall']:,.0f} s"
    record.add(Figure(f"training, pythae {recipe}", told["cpu"], "CPU-s", note=f"{size}, threads {threads}"))
    return scores


def compare(
    record: Record, ours: dict[str, float], theirs: dict[str, dict[str, Any]], floor: dict[str, float]
) -> None:
    """Liminal against the best that any recipe of pythae reaches, in every score by itself."""
    best = min(theirs, key=lambda name: theirs[name]["MSE"])
    record.note(
        f"pythae's strongest recipe in this time: {best} (by MSE); the bars are set by its best recipe in "
        "each score"
    )
    for score in ours:
        each = {f"pythae {recipe}": values[score] for recipe, values in theirs.items()}
        label = "reconstruction MSE" if score == "MSE" else f"Frechet ({score})"
        if score != "MSE":
            each["real against real"] = floor[score]
        note = (
            ""
            if score == "MSE"
            else "pythae's best samplers: "
            + ", ".join(f"{r} {v[f'{score} sampler']}" for r, v in theirs.items())
        )
        record.add(Figure(f"{label}, Liminal", ours[score], better="lower", baseline=each, note=note))
        least = min(values[score] for values in theirs.values())
        record.add(Figure(f"{label}, Liminal / pythae's best", ours[score] / least, "×", 1.0, "lower"))


def race(
    record: Record, python: Path, space: Space, recipe: str, strongest: bool, threads: int, given: Namespace
) -> None:
    """Encode the same pictures in turns: pythae's `embed`, Liminal with its own model, Liminal around
    pythae's network.
    """
    data = FOLDER / "train.npy" if given.items >= 60_000 else FOLDER / "items.npy"
    if data.name == "items.npy":
        np.save(data, np.load(FOLDER / "train.npy", mmap_mode="r")[: given.items])
    log = FOLDER / f"encode-{recipe}.log"
    common = [
        "encode",
        *flags(recipe=recipe, out=FOLDER / recipe, data=data, dim=given.dim, count=given.items),
    ]
    common += flags(threads=threads, memory=given.memory)
    own_args = [space.folder, data, *flags(threads=threads)]
    calls, first = whole(python, common, given.items, log)
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "embed": lambda: ask(python, "pythae_worker.py", [*common, *flags(calls=calls)], log),
        "by 500": lambda: ask(python, "pythae_worker.py", [*common, *flags(calls=500)], log),
        "same network": lambda: ask(python, "pythae_worker.py", [*common, *flags(how="liminal")], log),
        "own network": lambda: ask(sys.executable, "liminal_worker.py", own_args, log),
        "own network, from a file": lambda: ask(
            sys.executable, "liminal_worker.py", [*own_args, *flags(how="file")], log
        ),
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    runs["embed"].append(first)
    for turn in range(given.rounds):
        for name, way in ways.items():
            if turn or name != "embed":
                runs[name].append(way())
    told = {
        name: {key: min(run[key] for run in found) for key in ("wall", "cpu", "before", "peak")}
        for name, found in runs.items()
    }
    record.add(
        Figure(
            f"encode {given.items:,}, pythae {recipe}",
            told["embed"]["cpu"],
            "CPU-s",
            note=f"embed in calls of {calls:,}, peak {told['embed']['peak'] / 2**20:,.0f} MB"
            + ("" if calls >= given.items else f" (all at once needs more than {given.memory:g} GB)"),
        )
    )
    for row in ratios(told, recipe, strongest):
        record.add(row)


def whole(python: Path, common: list[Any], items: int, log: Path) -> tuple[int, dict[str, Any]]:
    """The largest call of `embed` that fits in memory, and what it took.

    Raises:
        WorkerError: none does.
    """
    for parts in CALLS:
        calls = -(-items // parts)
        try:
            return calls, ask(python, "pythae_worker.py", [*common, *flags(calls=calls)], log)
        except WorkerError as error:
            if "allocate" not in str(error) and "memory" not in str(error):
                raise
            last = error
    raise last


def ratios(told: dict[str, dict[str, float]], recipe: str, strongest: bool) -> list[Figure]:
    """Speed of Liminal over pythae's `embed`, and its peak memory over pythae's; bars only against the
    strongest recipe.

    The bar of the speed is for the same network: a convolutional one does other work for an item than dense
    layers do.

    Args:
        told: for each way, the least ``wall`` and ``cpu`` seconds, and bytes ``before`` and at the ``peak``.
        recipe: of pythae.
        strongest: whether it is the recipe that the bars are about.
    """
    found = []
    for way in ("same network", "own network"):
        called = f"{'pythae’s' if way == 'same network' else 'its own'} network"
        for key, label, bar in (("wall", "speed (wall)", 3.0), ("cpu", "speed (CPU)", 3.0)):
            beside = {"pythae by 500": told["embed"][key] / told["by 500"][key]}
            if way == "own network":
                beside["from a file"] = told["embed"][key] / told["own network, from a file"][key]
            value, goal = (
                told["embed"][key] / told[way][key],
                bar if strongest and way == "same network" else None,
            )
            found.append(
                Figure(f"encode {label}, {called} / pythae {recipe}", value, "×", goal, "higher", beside)
            )
        beside = {"pythae by 500": told["by 500"]["peak"] / told["embed"]["peak"]}
        beside["above what was resident before"] = (told[way]["peak"] - told[way]["before"]) / (
            told["embed"]["peak"] - told["embed"]["before"]
        )
        if way == "own network":
            beside["from a file"] = told["own network, from a file"]["peak"] / told["embed"]["peak"]
        value = told[way]["peak"] / told["embed"]["peak"]
        note = f"{told[way]['peak'] / 2**20:,.0f} MB, the whole process"
        goal = 1 / 3 if strongest else None
        found.append(
            Figure(
                f"encode peak memory, {called} / pythae {recipe}",
                value,
                "×",
                goal,
                "lower",
                beside,
                note=note,
            )
        )
    return found
