"""Clusters: groups known by construction, names, copies and outliers that were planted, and what is
refused.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import adjusted_rand_score

import liminal
from liminal.errors import LiminalError
from liminal.maps import clusters as module
from liminal.maps import density, enriched, landmarks, lonely
from liminal.maps.clusters import Clusters, clusters
from liminal.maps.enriched import Enriched


def balls(sizes: tuple[int, ...] = (120, 90, 60), d: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians far apart, in a random order."""
    draw = np.random.default_rng(seed)
    kind = draw.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return (12 * np.eye(d)[kind] + draw.normal(size=(len(kind), d))).astype(np.float32), kind


def known(kind: np.ndarray) -> pa.Table:
    """A category, a bool and a number that go with the groups, and one of each that do not."""
    draw = np.random.default_rng(9)
    return pa.table(
        {
            "kind": pa.array([("red", "green", "blue")[k] if i % 20 else None for i, k in enumerate(kind)]),
            "hat": pa.array((kind == 1).tolist()),
            "smile": pa.array(kind * 2.0 + draw.normal(size=len(kind))),
            "coin": pa.array((draw.random(len(kind)) < 0.5).tolist()),
            "noise": pa.array(draw.normal(size=len(kind))),
            "hand": pa.array(draw.choice(["left", "right"], len(kind)).tolist()),
        }
    )


@pytest.fixture(scope="module")
def found() -> Clusters:
    """The library compiles for seconds: one clustering that many tests look at."""
    z, kind = balls()
    return clusters(
        torch.from_numpy(z), attributes=known(kind), ids=np.arange(1000, 1270), stability=True, preview=tile
    )


def tile(row: int) -> Image.Image:
    return Image.new("L", (28, 20), row % 256)


def test_balls_are_found(found: Clusters) -> None:
    z, kind = balls()
    assert adjusted_rand_score(kind, found.labels) == 1
    assert found.labels.dtype == np.int64
    assert [c.size for c in found.clusters] == [120, 90, 60]  # largest first
    assert [c.share for c in found.clusters] == pytest.approx([120 / 270, 90 / 270, 60 / 270])
    np.testing.assert_allclose(found.probability, 1)
    assert found.evidence["noise"] == 0
    assert found.evidence["stability"] == 1
    assert found.evidence["kmeans"]["k"] == 3
    assert found.evidence["kmeans"]["ari"] == pytest.approx(1)
    assert found.evidence["labels"]["kind"]["ari"] == pytest.approx(1)
    assert found.evidence["labels"]["kind"]["nmi"] == pytest.approx(1)
    assert abs(found.evidence["labels"]["hand"]["ari"]) < 0.05
    assert found.evidence["silhouette"] > 0.6
    for c in found.clusters:
        own = z[found.labels == c.number]
        mean = np.linalg.norm(own[:, None] - own[None], axis=-1).mean(1)
        assert np.linalg.norm(z[c.prototypes[0]] - own, axis=1).mean() == pytest.approx(
            mean.min(), rel=1e-5
        )  # the medoid
        assert (found.labels[list(c.prototypes)] == c.number).all()


def test_names_come_from_what_is_enriched(found: Clusters) -> None:
    names = [set(c.name.split(", ")) for c in found.clusters]
    assert names == [
        {"kind=red", "low smile", "no hat"},
        {"kind=green", "hat"},
        {"kind=blue", "high smile", "no hat"},
    ]
    for c in found.clusters:
        assert not {"coin", "noise", "hand"} & {e.attribute for e in c.enriched}
    hat = next(e for e in found.clusters[1].enriched if e.attribute == "hat")
    assert (hat.inside, hat.outside, hat.value) == (1, 0, True)
    assert hat.effect == pytest.approx(np.pi)  # Cohen's h of all against none


def test_threads_and_seed_are_kept() -> None:
    z, _ = balls((40, 40))
    before = torch.get_num_threads()
    one, two = clusters(z, seed=3), clusters(z, seed=3)
    assert torch.get_num_threads() == before
    assert np.array_equal(one.labels, two.labels)
    assert one.evidence == two.evidence
    assert [c.name for c in one.clusters] == ["cluster 0", "cluster 1"]  # nothing is known


def test_one_gaussian_is_one_cluster() -> None:
    """UMAP makes lumps of it that HDBSCAN takes for groups; no valley parts them."""
    z = np.random.default_rng(0).normal(size=(500, 6))
    made = clusters(z)
    assert len(made) == 1
    assert made.evidence["noise"] == 0
    assert made.evidence["silhouette"] is None
    assert made.clusters[0].name == "cluster 0"
    made.picture()


def test_the_rest_joins_the_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LANDMARKS", 200)
    z, kind = balls((300, 250, 150))
    made = clusters(z)
    assert made.evidence["landmarks"] == 200
    assert adjusted_rand_score(kind, made.labels) == 1
    assert sum(c.size for c in made.clusters) == 700


@pytest.mark.parametrize("n", [10, 40])
def test_small_sets(n: int) -> None:
    draw = np.random.default_rng(n)
    for z in (
        draw.normal(size=(n, 3)),
        draw.normal(size=(n, 1)),
        np.repeat([[0.0, 0], [5, 5]], [n // 2, n - n // 2], axis=0),
    ):
        made = clusters(z)
        assert len(made.labels) == n
        assert sum(c.size for c in made.clusters) + (made.labels < 0).sum() == n
        json.dumps(made.summary(), allow_nan=False)


def test_real_latents_against_labels() -> None:
    """1,000 codes of the ready-made space: groups that labels agree with, hardly any noise, names that are
    labels.
    """
    space = liminal.open("fashion")
    table = space.catalogue.table(columns=["label"])
    z = space.catalogue.latents()[1]
    rows = np.random.default_rng(0).permutation(len(z))[:1000]
    made = clusters(z[rows], attributes=table.take(pa.array(rows)))
    assert made.evidence["labels"]["label"]["ari"] > 0.35
    assert made.evidence["labels"]["label"]["nmi"] > 0.5
    assert made.evidence["noise"] < 0.1
    assert any(c.name.startswith("Trouser (") and c.enriched[0].inside > 0.85 for c in made.clusters)
    assert made.probability.mean() > 0.85


# the parts, without UMAP


def test_only_a_valley_parts_groups() -> None:
    """Two leaves on a line: items 1 apart all along are one group; with a gap of 2 between the leaves they
    are two.
    """
    for gap, count in ((1.0, 1), (1.4, 1), (1.6, 2), (4.0, 2)):
        at = np.concatenate([np.arange(50.0), 49 + gap + np.arange(50.0)])[:, None]
        reach, far, rows = density._spacing(at, [3])
        labels = density._merged(np.repeat([0, 1], 50), reach[:, 0], far, rows)
        assert labels.max() + 1 == count, gap


def test_kmeans_chooses_k() -> None:
    z, kind = balls((80, 80, 80, 80))
    made = clusters(z, method="kmeans", attributes=pa.table({"kind": [str(k) for k in kind]}))
    assert len(made) == 4
    assert made.evidence["labels"]["kind"]["ari"] == 1
    assert "kmeans" not in made.evidence
    assert {c.name for c in made.clusters} == {f"{k} (100 %)" for k in range(4)}
    assert len(clusters(z, method="kmeans", k=7)) == 7


def test_copies_and_strangers_that_were_planted() -> None:
    draw = np.random.default_rng(1)
    z = draw.normal(size=(600, 8))
    z[7], z[11], z[13] = z[3], z[5] + 1e-3, 9
    made = clusters(z, method="kmeans", k=2)
    assert [pair[:2] for pair in made.duplicates] == [(3, 7), (5, 11)]
    assert made.duplicates[0][2] == 0
    assert made.duplicates[1][2] == pytest.approx(1e-3 * 8**0.5, rel=1e-3)
    assert made.evidence["duplicates"] == 2
    assert made.outliers[0][0] == 13
    assert made.outliers[0][1] > 3
    assert made.evidence["intrinsic_dimension"] == pytest.approx(8, rel=0.35)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 6), st.integers(0, 100))
def test_even_strewing_shows_no_duplicates(d: int, seed: int) -> None:
    """Fewer than .05 false pairs in all are expected, so 15 draws rarely show two."""
    z = np.random.default_rng(seed).uniform(size=(300, d)).astype(np.float32)
    assert len(lonely.lonely_and_double(z, landmarks.around(z, np.arange(300), 10))[1]) <= 1


@pytest.mark.parametrize(
    ("found", "alone", "name"),
    [
        ([], True, ""),
        ([("label", "category", "Sandal", 0.94)], True, "Sandal (94 %)"),
        ([("label", "category", "Sandal", 0.94)], False, "label=Sandal (94 %)"),
        (
            [("label", "category", "Coat", 0.4), ("label", "category", "Pullover", 0.45)],
            True,
            "Pullover (45 %) + Coat (40 %)",
        ),
        (
            [("hair", "category", "bun", 0.5), ("hair", "category", "bob", 0.4), ("hat", "bool", True, 1.0)],
            False,
            "hair=bun + bob, hat",
        ),
        (
            [("label", "category", "Coat", 0.1), ("label", "category", "Pullover", 0.8)],
            True,
            "Pullover (80 %)",
        ),
        (
            [
                ("hat", "bool", True, 0.9),
                ("glasses", "category", "sun", 0.9),
                ("smile", "number", "high", 2.0),
            ],
            False,
            "hat, glasses=sun, high smile",
        ),
        ([("hat", "bool", False, 0.9), ("glasses", "category", "none", 1.0)], True, "no hat, no glasses"),
        ([("smile", "number", "low", -1.0)], True, "low smile"),
        ([(c, "bool", True, 1.0) for c in "abcd"], True, "a, b, c"),
    ],
)
def test_words_of_names(found: list, alone: bool, name: str) -> None:
    assert (
        enriched._name(
            [
                Enriched(attribute=a, kind=kind, value=value, inside=inside, outside=0.1, effect=1.0, p=0.0)
                for a, kind, value, inside in found
            ],
            alone,
        )
        == name
    )


def test_enrichment_against_a_table_done_by_hand() -> None:
    """Of 20 items 8 are red; of a cluster of 5, 4: P(X >= 4) = (C(8,4) C(12,1) + C(8,5)) / C(20,5) = 896 /
    15504.
    """
    values = np.array(["red"] * 4 + ["blue"] + ["red"] * 4 + ["blue"] * 11)
    inside = np.arange(20) < 5
    red = next(
        e
        for e in enriched._enriched("colour", "category", values, np.ones(20, bool), inside)
        if e.value == "red"
    )
    assert red.p == pytest.approx(896 / 15504)
    assert (red.inside, red.outside) == pytest.approx((0.8, 4 / 15))
    assert not enriched._enriched("colour", "category", values, inside, inside)  # nothing is known outside


# files


def test_tables_and_pictures_are_written(found: Clusters, tmp_path: Path) -> None:
    for name, read in (("c.csv", pyarrow.csv.read_csv), ("c.parquet", pyarrow.parquet.read_table)):
        found.save(tmp_path / name)
        table = read(tmp_path / name)
        assert table.column_names == ["id", "cluster", "probability", "name"]
        assert table["id"].to_pylist() == list(range(1000, 1270))
        assert table["cluster"].to_pylist() == found.labels.tolist()
        assert set(table["name"].to_pylist()) == {c.name for c in found.clusters}
    found.save(tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as image:
        shown = set(np.unique(np.asarray(image.convert("L"))))
    assert {
        row % 256 for c in found.clusters for row in c.prototypes
    } <= shown  # every prototype is in the picture
    told = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert told["clusters"][0]["prototypes"][0] == found.ids[found.clusters[0].prototypes[0]]
    with pytest.raises(LiminalError, match="clusters can be written as"):
        found.save(tmp_path / "c.svg")


@pytest.mark.parametrize(
    ("z", "options", "words"),
    [
        (np.zeros((5, 2)), {}, "10 items or more, got \\(5, 2\\)"),
        (np.zeros(20), {}, "10 items or more"),
        (np.full((20, 2), np.nan), {}, "row 0 of the latents holds NaN"),
        (np.ones((20, 2)), {}, "all 20 items have the same latent"),
        (np.eye(20), {"method": "hdbscn"}, "unknown cluster method 'hdbscn': did you mean hdbscan"),
        (np.eye(20), {"k": 21}, "k = 21; wanted 2 to 20"),
        (np.eye(20)[np.arange(20) % 3], {"k": 4, "method": "kmeans"}, "k = 4; wanted 2 to 3"),
        (np.eye(20), {"k": 1}, "k = 1; wanted 2"),
        (np.eye(20), {"least": 11}, "least = 11; wanted 2 to 10"),
        (np.eye(20), {"components": 1}, "2 or more of each"),
        (np.eye(20), {"ids": np.arange(19)}, "20 latents but 19 ids"),
        (np.eye(20), {"attributes": pa.table({"a": [1, 2]})}, "20 latents but 2 rows of attributes"),
    ],
)
def test_clusters_refused(z: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        clusters(z, **options)


def test_groups_are_named_by_the_words_that_their_items_say() -> None:
    z, kind = balls((120, 90, 60))
    draw = np.random.default_rng(3)
    topics = (("pizza", "crust"), ("staff", "rude"), ("film",))
    words = [
        {"the", f"once{i}", *(word for word in topics[k] if draw.random() < 0.6)}
        | ({"and"} if draw.random() < 0.5 else set())
        for i, k in enumerate(kind)
    ]
    found = clusters(z, attributes=known(kind), words=words).clusters
    assert [c.name.rpartition(": ")[2] for c in found][2] == "film"
    for c, topic in zip(found, topics, strict=True):
        said = {e.value: e for e in c.enriched if e.kind == "word"}
        assert set(said) == set(topic)  # neither what all say, nor what only one says
        for word, e in said.items():
            assert e.inside == pytest.approx(
                np.mean([word in words[i] for i in np.flatnonzero(kind == c.number)])
            )
            assert e.outside == 0
    assert found[0].name.startswith("kind=red")
    assert {c.name for c in clusters(z, words=words).clusters} >= {"film"}
    with pytest.raises(LiminalError, match="270 latents but 3 items' words"):
        clusters(z, words=words[:3])


def test_words_that_all_groups_say_name_none() -> None:
    labels = np.repeat([0, 1], 50)
    words = [{"same", "also"} for _ in labels]
    assert enriched.described([], labels, words) == [("", ()), ("", ())]
    assert enriched.described([], np.zeros(9, int), words[:9]) == [("", ())]  # there are no others
