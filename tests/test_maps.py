"""Maps: known layouts, the picture's parts, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from linear import GREY, fashion, fashion_pca
from PIL import Image

from liminal.errors import LiminalError
from liminal.maps import layouts
from liminal.maps.place import place
from liminal.maps.project import Map, project
from liminal.show import scatter


def clusters(n: int = 60) -> tuple[np.ndarray, list[str]]:
    """Three balls far apart in six dimensions."""
    draw = np.random.default_rng(0)
    kind = np.arange(n) % 3
    return (20 * np.eye(6)[kind] + draw.normal(size=(n, 6))).astype(np.float32), [
        ("red", "green", "blue")[k] for k in kind
    ]


def by_centre(at: np.ndarray, kinds: list[str], xy: np.ndarray | None = None) -> list[str]:
    """The ball in whose middle on the map each place is nearest."""
    xy = at if xy is None else xy
    names = ("red", "green", "blue")
    centres = np.stack([xy[np.array(kinds) == k].mean(0) for k in names])
    return [names[i] for i in np.linalg.norm(at[:, None] - centres[None], axis=-1).argmin(1)]


def test_pca_finds_the_plane() -> None:
    """Points of a plane in 5-d: distances are kept, the variance is all on two axes."""
    draw = np.random.default_rng(0)
    flat = draw.normal(size=(50, 2)) * [3, 1]
    axes = np.linalg.qr(draw.normal(size=(5, 2)))[0]
    made = project(torch.tensor(flat @ axes.T + 7), "pca")
    want, got = (np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (flat, made.xy))
    np.testing.assert_allclose(got, want, atol=1e-5)
    assert sum(made.evidence["explained"]) == pytest.approx(1)
    assert made.evidence["trustworthiness"] == pytest.approx(1)
    assert made.xy.dtype == np.float32
    assert made.ids.tolist() == list(range(50))


def test_pca_of_one_dimension_and_of_one_point() -> None:
    line = project(np.arange(6.0)[:, None])
    np.testing.assert_allclose(line.xy[:, 0], np.arange(6) - 2.5)
    assert not line.xy[:, 1].any()
    same = project(np.ones((20, 3)))
    assert not same.xy.any()
    assert same.evidence["explained"] == [0, 0]


def test_umap_keeps_neighbours_and_its_seed() -> None:
    """One test: the library compiles for seconds.

    Three balls stay three; tiny and degenerate sets work; the seed fixes the map.
    """
    z, kinds = clusters()
    threads = torch.get_num_threads()
    made = project(z, "umap", seed=3)
    assert torch.get_num_threads() == threads
    assert made.evidence["trustworthiness"] > 0.8
    assert kinds == by_centre(made.xy, kinds)
    assert made.evidence["fitted_on"] == 60
    assert np.array_equal(project(z, "umap", seed=3).xy, made.xy)
    for few in (4, 5, 14, 16, 31):
        assert np.isfinite(project(z[:few], "umap").xy).all()
    assert np.isfinite(project(np.ones((20, 3)), "umap").xy).all()
    assert np.isfinite(project(np.repeat(z, 20, 0)[:200], "umap").xy).all()
    assert by_centre(made.place(z[:30] + 0.1), kinds, made.xy) == kinds[:30]
    # more items than landmarks: the rest is placed, into its own ball
    many, kinds = clusters(300)
    xy, fitted = layouts.by_umap(many, most=90)
    assert fitted == 90
    assert by_centre(xy, kinds) == kinds
    assert len(np.unique(xy, axis=0)) > 250
    words = Map(xy, np.arange(300), "umap", {"fitted_on": fitted}).words()
    assert words == "UMAP   ·   300 items   ·   fitted on 90, the rest placed"


def test_tsne_keeps_neighbours_and_its_seed() -> None:
    z, kinds = clusters()
    made = project(z, "tsne", seed=3)
    assert made.evidence["trustworthiness"] > 0.8
    assert by_centre(made.xy, kinds) == kinds
    assert made.words().startswith("t-SNE   ·   60 items   ·   trustworthiness")
    assert np.array_equal(project(z, "tsne", seed=3).xy, made.xy)
    for few in (4, 5, 31):
        assert np.isfinite(project(z[:few], "tsne").xy).all()
    assert np.isfinite(project(np.ones((20, 3)), "tsne").xy).all()
    twice = project(np.repeat(z, 2, 0), "tsne").xy
    assert np.isfinite(twice).all()
    assert by_centre(made.place(z + 0.1), kinds) == kinds


def test_tsne_refuses_what_would_take_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "MOST_TSNE", 50)
    with pytest.raises(LiminalError, match="t-SNE takes 50 items at most, got 60; use umap or pca"):
        project(clusters()[0], "tsne")


# new items on a map


def test_new_items_fall_on_the_axes_of_pca() -> None:
    draw = np.random.default_rng(0)
    z, new = draw.normal(size=(80, 5)) * [5, 3, 1, 1, 1], draw.normal(size=(7, 5))
    made = project(z)
    np.testing.assert_allclose(made.place(z), made.xy, atol=1e-5)
    axes = np.linalg.svd(z - z.mean(0))[2][:2]
    np.testing.assert_allclose(
        np.abs(made.place(torch.tensor(new))), np.abs((new - z.mean(0)) @ axes.T), atol=1e-5
    )


def test_fewer_items_than_dimensions_have_the_same_axes() -> None:
    draw = np.random.default_rng(0)
    z = draw.normal(size=(20, 60)) * np.linspace(5, 1, 60)
    mean, found, shares = layouts.axes(z)
    _, spread, wanted = np.linalg.svd(z - z.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs((found * wanted[:2].T).sum(0)), 1, atol=1e-9)
    np.testing.assert_allclose(shares, (spread**2 / (spread**2).sum())[:2])
    assert (found[np.abs(found).argmax(0), [0, 1]] > 0).all()
    np.testing.assert_allclose(mean, z.mean(0))


def test_items_of_the_map_lie_where_they_are() -> None:
    z, _ = clusters(200)
    xy = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    np.testing.assert_array_equal(place(z, z, xy), xy)


def test_new_items_lie_with_most_of_their_neighbours_never_between() -> None:
    """Of its 15 neighbours eight are in one group on the map and seven in another, far off: the average would
    lie in the gap.
    """
    draw = np.random.default_rng(0)
    near = draw.normal(size=(15, 4))
    near /= np.linalg.norm(near, axis=1, keepdims=True)  # all equally far from the new item
    z = np.concatenate([near, draw.normal(size=(185, 4)) + 20]).astype(np.float32)
    left = np.concatenate([np.arange(15) < 8, np.arange(185) < 92])
    xy = (np.where(left[:, None], [-10, 0], [10, 0]) + 0.1 * draw.normal(size=(200, 2))).astype(np.float32)
    at = place(np.zeros((1, 4), np.float32), z, xy)
    assert np.linalg.norm(at[0] - xy[:8].mean(0)) < 0.05
    assert not np.allclose(
        place(z[:1], z, xy, np.array([0])), xy[0], atol=1e-3
    )  # as if it were not on the map
    np.testing.assert_allclose(place(z[:1], z, xy, np.array([0])), place(z[:1], z[1:], xy[1:]), atol=0.01)


def test_places_refused() -> None:
    made = project(clusters()[0])
    for z, words in (
        (np.zeros((3, 5)), r"wanted latents \(m, 6\)"),
        (np.zeros(6), r"wanted latents \(m, 6\)"),
        (np.full((2, 6), np.nan), "row 0"),
    ):
        with pytest.raises(LiminalError, match=words):
            made.place(z)
    bare = dataclasses.replace(made, z=None)
    for call in (lambda: bare.place(np.zeros((1, 6))), bare.inverse):
        with pytest.raises(LiminalError, match="without its latents"):
            call()


@pytest.mark.parametrize(
    ("z", "options", "words"),
    [
        (np.zeros((3, 2)), {}, "4 items or more"),
        (np.zeros(8), {}, "4 items or more"),
        (np.full((5, 2), np.nan), {}, "row 0 of the latents holds NaN"),
        (np.zeros((5, 0)), {}, "4 items or more"),
        (np.zeros((3, 2)), {"method": "tsne"}, "4 items or more"),
        (np.zeros((5, 2)), {"method": "umpa"}, "unknown map method 'umpa': did you mean umap"),
        (np.zeros((5, 2)), {"values": [1.0]}, "5 latents but 1 values"),
        (np.zeros((5, 2)), {"ids": np.arange(6)}, "5 latents but 6 ids"),
    ],
)
def test_maps_refused(z: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        project(z, **options)


# the picture


def pixels(image: Image.Image, colour: str) -> np.ndarray:
    """Places (x, y) of exactly this colour left of the legend."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    y, x = np.nonzero(
        (np.asarray(image)[:, : scatter.WIDTH - scatter.SIDE - scatter.MARGIN] == wanted).all(-1)
    )
    return np.stack([x, y], 1)


def test_dots_lie_where_the_points_are() -> None:
    """Two groups, left and right, up and down; both axes to one scale."""
    xy = np.array([[0, 0], [4, 2], [0, 0.01], [4, 2.01]])
    image = scatter.scatter(xy, ["a", "b", "a", "b"], "kind")
    low, high = pixels(image, scatter.PALETTE[0]), pixels(image, scatter.PALETTE[1])
    assert 80 < len(low) < 300
    across, up = high.mean(0) - low.mean(0)
    assert across > 0
    assert up == pytest.approx(-across / 2, rel=0.02)  # y goes upwards


def test_colours_of_groups() -> None:
    paint = scatter.colours(["b", "a", None, "b", True], 5)
    assert [(text, count) for text, _, count in paint.legend] == [
        ("a", 1),
        ("b", 2),
        ("yes", 1),
        ("unknown", 1),
    ]
    assert paint.limits is None
    assert paint.rgb[0].tolist() == paint.rgb[3].tolist() != paint.rgb[1].tolist()
    many = scatter.colours([f"v{i % 14:02d}" for i in range(100)] + ["v00"] * 5, 105)
    assert len(many.legend) == 10
    assert many.legend[-1][0] == "5 others"
    assert sum(count for *_, count in many.legend) == 105
    assert len({colour for _, colour, _ in many.legend}) == 10


def test_colours_of_numbers() -> None:
    values = [float(i) for i in range(101)]
    paint = scatter.colours([*values, None, float("nan")], 103)
    assert paint.limits == pytest.approx((2, 98))
    assert [text for text, *_ in paint.legend] == ["unknown"]
    light = paint.rgb[:101] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) >= -0.5).all()  # lighter all the way
    assert light[-1] - light[0] > 120
    assert scatter.colours([3, 3, 3], 3).limits == (3, 3)
    assert scatter.colours([None, None], 2).legend == (("unknown", scatter.UNKNOWN, 2),)


def test_thumbnails_stay_clear_of_one_another() -> None:
    draw = np.random.default_rng(0)
    at = draw.uniform(0, 900, (4000, 2))
    rows = scatter._spread(at)
    chosen = at[rows]
    apart = np.abs(chosen[:, None] - chosen[None]).max(-1) + 1e9 * np.eye(len(rows))
    assert apart.min() >= 1.8 * scatter.THUMB
    assert (
        np.abs(at[:, None] - chosen[None]).max(-1).min(1).max() < 1.8 * scatter.THUMB
    )  # no room for one more
    asked: list[int] = []
    scatter.scatter(at, thumbnail=lambda row: asked.append(row) or Image.new("L", (28, 14), 128))  # type: ignore[func-returns-value]
    assert 0 < len(asked) < 150


def test_groups_are_not_hidden_by_their_order() -> None:
    """Two groups on the same thousands of places: each keeps about half of the ink."""
    at = np.repeat(np.random.default_rng(0).normal(size=(4000, 2)), 2, 0)
    image = scatter.scatter(at, ["a", "b"] * 4000)
    a, b = (len(pixels(image, c)) for c in scatter.PALETTE[:2])
    assert 0.7 < a / b < 1.4


@pytest.mark.parametrize("n", [1, 2, 70_000])
def test_few_and_many_points(n: int) -> None:
    image = scatter.scatter(np.random.default_rng(0).normal(size=(n, 2)))
    assert len(pixels(image, scatter.PLAIN)) > 60
    assert image.width == scatter.WIDTH
    assert image.height <= scatter.HEIGHT


def test_a_map_of_real_items_is_saved(tmp_path: Path) -> None:
    items, labels = fashion()
    z = fashion_pca().encode(GREY.tensor(items[:800]))
    shown: list[int] = []

    def preview(row: int) -> Image.Image:
        shown.append(row)
        return GREY.preview(items[row], 56)

    made = project(
        z,
        "pca",
        values=labels[:800],
        color="label",
        title="Fashion-MNIST",
        preview=preview,
        ids=np.arange(100, 900),
    )
    made.save(tmp_path / "map.png")
    again = dataclasses.replace(made, preview=None, values=None).picture()
    with Image.open(tmp_path / "map.png") as image:
        image.load()
        assert image.width == scatter.WIDTH
        assert 8 < len(set(shown)) < 120
        assert np.array_equal(np.asarray(image), np.asarray(made.picture()))
        assert (np.asarray(image)[20:60, 30:300] < 128).any()  # the title
    assert again.size[0] == scatter.WIDTH
    assert 0.5 < made.evidence["trustworthiness"] < 1
    assert made.ids[0] == 100
    with pytest.raises(LiminalError, match="can be written as"):
        made.save(tmp_path / "map.svg")
