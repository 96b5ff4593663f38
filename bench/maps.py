"""Maps: the layout of 70,000 latents beside umap-learn's own, and the way back from a map beside
``umap.inverse_transform``.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

import liminal
from liminal.distances import blocks
from liminal.errors import LiminalError
from liminal.maps import layouts
from liminal.maps.inverse import Held, Inverse, fit_inverse
from liminal.space import Space

from . import figures
from .figures import OUT, Figure, Record

NEAR = 10  # neighbours of the trustworthiness
ASKED = 1000  # items whose neighbours are ranked among all
BINS, LEAST = 10, 50  # of the calibration, and items in each at least
MILLION = 1_000_000


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("maps", __doc__ or "")
    options.add_argument(
        "--space",
        default=str(OUT / "fashion-space"),
        help="of Fashion-MNIST, all of it; made by the bench fashion",
    )
    options.add_argument("--items", type=int, default=70_000, help="laid out at most")
    options.add_argument(
        "--landmarks", type=int, default=layouts.LANDMARKS, help="that Liminal's umap is fitted on"
    )
    options.add_argument(
        "--inverse-items", type=int, default=10_000, help="of Fashion-MNIST on the map that is inverted"
    )
    options.add_argument(
        "--held",
        type=int,
        default=500,
        help="of Fashion-MNIST placed on it and inverted, and as many to choose the way on",
    )
    options.add_argument("--skip-layout", action="store_true", help="leave out the layouts, the longest part")
    options.add_argument("--seed", type=int, default=0, help="of layouts and draws")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record = Record("maps", args, given)
    try:
        space = liminal.open(given.space)
    except LiminalError as error:
        raise LiminalError(f"{error}; python -m bench fashion makes it, or give --space") from None
    z, held = latents(space, "train"), latents(space, "held")
    if not given.skip_layout:
        layout(record, np.concatenate([z, held])[: given.items], given.landmarks, given.seed)
    inverse_of_digits(record, given.seed)
    inverse_of_fashion(
        record,
        space,
        z[: given.inverse_items],
        held[: given.held],
        held[given.held : 2 * given.held],
        given.seed,
    )
    record.finish()


def latents(space: Space, split: str) -> np.ndarray:
    """Latents (n, d) of a split, in an order of their own."""
    table = space.catalogue.table(columns=["z"], split=split)
    z = np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    return z[np.random.default_rng(0).permutation(len(z))]


# the layout


def layout(record: Record, z: np.ndarray, landmarks: int, seed: int) -> None:
    """Liminal's umap and umap-learn's in processes of their own, each on one thread: time with compiling, and
    trustworthiness.
    """
    told = {}
    for name in ("liminal", "umap-learn", "pca"):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            xy, wall, cpu = pool.submit(laid_out, name, z, landmarks, seed).result()
        told[name] = (trustworthiness(z, xy, seed), subset_trustworthiness(z, xy, seed), wall, cpu)
    size = f"map of {len(z):,} x {z.shape[1]}"
    ours, theirs, flat = told["liminal"], told["umap-learn"], told["pca"]
    record.add(
        Figure(
            f"{size}, wall",
            ours[2],
            "s",
            60.0,
            "lower",
            {"umap-learn": theirs[2], "pca": flat[2]},
            note="compiling included",
        )
    )
    record.add(
        Figure(
            f"{size}, CPU",
            ours[3],
            "CPU-s",
            60.0,
            "lower",
            {"umap-learn": theirs[3], "pca": flat[3]},
            note="one thread",
        )
    )
    for i, how in enumerate((f"{ASKED:,} items ranked among all", "2,000 items among themselves")):
        beside = {"Liminal": ours[i], "umap-learn": theirs[i], "pca": flat[i]}
        record.add(
            Figure(
                "trustworthiness less umap-learn's",
                ours[i] - theirs[i],
                "",
                -0.01,
                "higher",
                beside,
                note=how,
            )
        )


def laid_out(name: str, z: np.ndarray, landmarks: int, seed: int) -> tuple[np.ndarray, float, float]:
    """Places by one way, and the wall and CPU seconds that they took; for a process of its own."""
    torch.set_num_threads(1)
    wall, cpu = time.perf_counter(), time.process_time()
    if name == "liminal":
        xy = layouts.by_umap(z, seed, most=landmarks)[0]
    elif name == "pca":
        xy = layouts.onto(z, *layouts.axes(z)[:2])
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import umap

            xy = umap.UMAP(random_state=seed, n_jobs=1).fit_transform(z)
    return xy, time.perf_counter() - wall, time.process_time() - cpu


def trustworthiness(z: np.ndarray, xy: np.ndarray, seed: int) -> float:
    """Of some items' nearest on the map, with exact ranks among all items in z (Venna & Kaski 2001)."""
    from scipy.spatial import cKDTree

    n = len(z)
    rows = np.random.default_rng(seed).permutation(n)[:ASKED]
    near = cKDTree(xy).query(xy[rows], NEAR + 1)[1]
    total = 0
    for part, table in blocks(torch.from_numpy(z[rows]), torch.from_numpy(z)):
        for own, found, far in zip(rows[part], near[part], table.numpy(), strict=True):
            far[own] = -1.0
            others = found[found != own][:NEAR]
            ranks = (far[:, None] < far[others]).sum(0)
            total += int(np.maximum(ranks - NEAR, 0).sum())
    return 1 - 2 * total / (len(rows) * NEAR * (2 * n - 3 * NEAR - 1))


def subset_trustworthiness(z: np.ndarray, xy: np.ndarray, seed: int) -> float:
    """The same of 2,000 items as if there were no others."""
    from sklearn.manifold import trustworthiness as among

    rows = np.random.default_rng(seed).permutation(len(z))[:2000]
    return float(among(z[rows], xy[rows], n_neighbors=NEAR))


# the way back


def inverse_of_digits(record: Record, seed: int) -> None:
    """scikit-learn's 1,797 digits, whose 64 pixels in [0, 1] are the latents: three fifths on the map, one to
    choose on, one to test.
    """
    from sklearn.datasets import load_digits

    digits = (load_digits().data / 16).astype(np.float32)
    part = np.arange(len(digits)) % 5
    back(record, "digits", digits[part > 1], digits[part == 0], digits[part == 1], seed, None)


def inverse_of_fashion(
    record: Record, space: Space, z: np.ndarray, held: np.ndarray, valid: np.ndarray, seed: int
) -> None:
    """Latents of a space; the error in z, and that of what they decode to from what the held-out latents
    decode to.
    """
    back(
        record,
        "fashion",
        z,
        held,
        valid,
        seed,
        lambda points: space.generator.decode(torch.from_numpy(points)).cpu().numpy(),
    )


def back(
    record: Record,
    name: str,
    z: np.ndarray,
    held: np.ndarray,
    valid: np.ndarray,
    seed: int,
    decode: Callable[[np.ndarray], np.ndarray] | None,
) -> None:
    """From umap-learn's own map of `z` and its own placing of `held` back to z: Liminal, the best kNN
    average, ``inverse_transform``.

    Liminal's way and the average's k are chosen on `valid`, placed by umap-learn too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        fit = umap.UMAP(random_state=seed, n_jobs=1).fit(z)
        xy = fit.embedding_
        places, valid_places = fit.transform(held), fit.transform(valid)
        fit.inverse_transform(places[:2])  # compiles
        begun = time.process_time()
        theirs = fit.inverse_transform(places)
        their_time = time.process_time() - begun
    begun = time.process_time()
    inverse = fit_inverse(xy, z, seed, Held(valid_places, valid))
    fitting = time.process_time() - begun
    begun = time.process_time()
    ours = inverse(places)
    our_time = time.process_time() - begun
    averages = {k: v for k, v in inverse.evidence["tried"].items() if k.startswith("average")}
    best = int(min(averages, key=lambda k: averages[k]).split()[1])
    average = z[nearest_places(xy, places, best)].mean(1)
    answers = {"Liminal": ours.z, f"best kNN average (k = {best})": average, "umap.inverse_transform": theirs}
    errors = {way: root(answer - held) for way, answer in answers.items()}
    ratio = errors["Liminal"] / errors[f"best kNN average (k = {best})"]
    note = f"{inverse.method} of {inverse.k}; {len(z):,} items on the map, {len(held):,} held out"
    record.add(
        Figure(
            f"inverse, {name}: root mean square error",
            errors["Liminal"],
            better="lower",
            baseline=errors,
            note=note,
        )
    )
    record.add(Figure(f"inverse, {name}: error / best kNN average's", ratio, "×", 1.0, "lower"))
    if decode is not None:
        shown = decode(held)
        pixels = {
            way: root((decode(np.asarray(answer, np.float32)) - shown).reshape(len(held), -1))
            for way, answer in answers.items()
        }
        ratio = pixels["Liminal"] / pixels[f"best kNN average (k = {best})"]
        record.add(
            Figure(
                f"inverse, {name}: the same of decoded data",
                pixels["Liminal"],
                better="lower",
                baseline=pixels,
            )
        )
        record.add(Figure(f"inverse, {name}: decoded error / best kNN average's", ratio, "×", 1.0, "lower"))
    record.add(
        Figure(
            f"inverse, {name}: time / umap's",
            our_time / their_time,
            "×",
            0.01,
            "lower",
            note=f"its fit once {fitting:.2f} CPU-s",
        )
    )
    calibrated(record, name, inverse, ours.error, np.square(ours.z - held).sum(1), ours.outside)
    speed(record, name, inverse, xy)


def calibrated(
    record: Record,
    name: str,
    inverse: Inverse,
    predicted: np.ndarray,
    squared: np.ndarray,
    outside: np.ndarray,
) -> None:
    """Predicted over actual root mean squares in bins by the predicted: the largest and the mean difference
    from 1.
    """
    inside = np.flatnonzero(~outside)
    bins = np.array_split(inside[np.argsort(predicted[inside])], max(2, min(BINS, len(inside) // LEAST)))
    off = [abs(np.sqrt(np.square(predicted[b]).mean() / squared[b].mean()) - 1) for b in bins]
    beside = {
        "largest of the bins": max(off),
        "on the items it was chosen on": inverse.evidence["calibration"],
    }
    note = f"{len(bins)} bins; {outside.mean():.1%} of the held out told as outside"
    record.add(
        Figure(
            f"inverse, {name}: predicted / actual error, mean |·-1|",
            float(np.mean(off)),
            "",
            0.1,
            "lower",
            beside,
            note=note,
        )
    )


def speed(record: Record, name: str, inverse: Inverse, xy: np.ndarray) -> None:
    """CPU-seconds for a million places drawn evenly over the map, from a fifth of them."""
    draw = np.random.default_rng(0)
    points = draw.uniform(xy.min(0), xy.max(0), (MILLION // 5, 2))
    wall, cpu = time.perf_counter(), time.process_time()
    inverse(points)
    wall, cpu = 5 * (time.perf_counter() - wall), 5 * (time.process_time() - cpu)
    record.add(
        Figure(
            f"inverse, {name}: a million places",
            cpu,
            "CPU-s",
            60.0,
            "lower",
            note=f"from 200,000, one thread; wall {wall:.0f} s",
        )
    )


def nearest_places(xy: np.ndarray, places: np.ndarray, k: int) -> np.ndarray:
    """Rows (m, k) of the nearest items on the map."""
    from scipy.spatial import cKDTree

    rows: np.ndarray = cKDTree(xy).query(places, np.arange(1, k + 1))[1]
    return rows


def root(gap: np.ndarray) -> float:
    """Root mean square distance of rows (m, d), an element."""
    return float(np.sqrt(np.square(gap, dtype=np.float64).mean()))
