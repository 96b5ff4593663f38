"""Clusters of Fashion-MNIST's codes: agreement with the labels, against k-means and HDBSCAN on the codes
themselves.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa

import liminal
from liminal.errors import LiminalError
from liminal.maps.clusters import clusters

from . import figures
from .figures import OUT, Figure, Record

T = TypeVar("T")


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("clusters", __doc__ or "")
    options.add_argument("--space", default="fashion", help="with labels")
    options.add_argument("--attribute", default="label", help="a category that the clusters are held against")
    options.add_argument(
        "--most", type=int, default=70_000, help="items, a random choice where there are more"
    )
    options.add_argument("--seed", type=int, default=0, help="of the choice and the clusters")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record = Record("clusters", args, given)
    space = liminal.open(given.space)
    if space.card.attributes.get(given.attribute) != "category":
        raise LiminalError(
            f"bench clusters: {given.space} has no category {given.attribute}; name one with --attribute"
        )
    ids, z = space.catalogue.latents()
    rows = np.sort(np.random.default_rng(given.seed).permutation(len(z))[: given.most])
    ids, z, table = ids[rows], z[rows], space.catalogue.table(columns=[given.attribute]).take(pa.array(rows))
    wanted = np.array(table[given.attribute].to_pylist(), dtype=object)
    seconds, found = timed(
        lambda: clusters(
            z,
            attributes=table,
            ids=ids,
            seed=given.seed,
            title=f"Clusters of {given.space}",
            preview=lambda row: space.modality.preview(space.items([int(ids[row])])[0], 64),
        )
    )
    told, said = found.evidence, found.evidence["labels"][given.attribute]
    trivial, plain = baselines(z, wanted, given.seed)
    size = f"{len(z):,} items, {len(found)} clusters" + (
        f" on {told['landmarks']:,} landmarks" if "landmarks" in told else ""
    )
    beside = {"k-means on z, k of the labels": trivial["ari"], "HDBSCAN on z": plain["ari"]}
    record.add(Figure("ARI against the labels", said["ari"], "", 0.45, "higher", beside, note=size))
    beside = {"k-means on z, k of the labels": trivial["nmi"], "HDBSCAN on z": plain["nmi"]}
    record.add(Figure("NMI against the labels", said["nmi"], "", None, "higher", beside))
    record.add(Figure("noise", told["noise"], "", None, "lower", {"HDBSCAN on z": plain["noise"]}))
    agreement = (
        f"ARI {told['kmeans']['ari']:.2f} with k-means at the same k" if "ari" in told["kmeans"] else ""
    )
    record.add(
        Figure(
            "silhouette in z",
            told["silhouette"],
            "",
            None,
            "higher",
            {"k-means": told["kmeans"]["silhouette"]},
            note=agreement,
        )
    )
    beside = {"k-means on z": trivial["seconds"], "HDBSCAN on z": plain["seconds"]}
    record.add(
        Figure(
            "time",
            seconds,
            "CPU-s",
            None,
            "lower",
            beside,
            note="compilation, prototypes, outliers and duplicates included",
        )
    )
    found.save(OUT / "clusters.png")
    record.note("look at bench/out/clusters.png")
    record.finish()


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """CPU-seconds of a call, and what it gave."""
    begun = time.process_time()
    out = work()
    return time.process_time() - begun, out


def baselines(
    z: np.ndarray, wanted: np.ndarray, seed: int, most: int = 20_000
) -> tuple[dict[str, float], dict[str, float]]:
    """k-means with as many clusters as there are labels, and HDBSCAN of scikit-learn's defaults but a least
    size of 1 %, both on z.

    HDBSCAN on at most 20,000 items; noise counts as a group.
    """
    from sklearn.cluster import HDBSCAN, KMeans
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    rows = np.random.default_rng(seed).permutation(len(z))[:most]
    known = [v is not None for v in wanted]
    k = len(set(wanted[known]))
    ways: list[tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]] = [
        (np.arange(len(z)), KMeans(k, n_init=4, random_state=seed).fit_predict),
        (rows, HDBSCAN(min_cluster_size=max(5, len(rows) // 100), copy=True).fit_predict),
    ]
    out = []
    for chosen, fit in ways:
        seconds, labels = timed(lambda chosen=chosen, fit=fit: fit(z[chosen]))  # type: ignore[misc]
        true = [str(v) for v in wanted[chosen]]
        ari, nmi = adjusted_rand_score(true, labels), normalized_mutual_info_score(true, labels)
        out.append(
            {"ari": float(ari), "nmi": float(nmi), "noise": float((labels < 0).mean()), "seconds": seconds}
        )
    return out[0], out[1]
