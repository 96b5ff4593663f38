"""The way back from a map: planes and known noise, holes, calibration on real latents, the decoded lattice,
and what is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import GREY, fashion, fashion_pca
from PIL import Image

from liminal.errors import LiminalError
from liminal.maps.answers import answer
from liminal.maps.inverse import Held, Inverse, fit_inverse
from liminal.maps.lattice import lattice
from liminal.maps.project import Map, project
from liminal.show import scatter


def plane(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Places in a square, and latents that are a plane over them."""
    xy = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return xy, np.stack([xy[:, 0], xy[:, 1], xy @ [1, 2] + 3], 1).astype(np.float32)


def ring(n: int = 1500) -> np.ndarray:
    """Places between two circles of radius 1 and 2, evenly."""
    draw = np.random.default_rng(0)
    angle, radius = draw.uniform(0, 2 * np.pi, n), np.sqrt(draw.uniform(1, 4, n))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


# the answer


def test_a_plane_is_given_back() -> None:
    xy, z = plane()
    found = fit_inverse(xy, z)
    assert found.method == "plane"
    at = np.random.default_rng(1).uniform(-0.9, 0.9, (300, 2))
    told = found(at)
    want = np.stack([at[:, 0], at[:, 1], at @ [1, 2] + 3], 1)
    assert told.outside.mean() < 0.03
    np.testing.assert_allclose(told.z[~told.outside], want[~told.outside], atol=0.01)
    assert told.z.dtype == np.float32
    assert told.data_error is None
    assert (told.error[~told.outside] < 0.02).all()


def test_the_plane_is_weighted_least_squares() -> None:
    """Against the normal equations solved by numpy, at random places."""
    draw = np.random.default_rng(0)
    xy, z, at = (
        draw.normal(size=(60, 2)),
        draw.normal(size=(60, 4)).astype(np.float32),
        draw.normal(size=(5, 2)),
    )
    far = np.linalg.norm(xy[None] - at[:, None], axis=-1)
    rows = far.argsort(1)[:, :20]
    far = np.take_along_axis(far, rows, 1)
    got = answer("plane", at, xy, z, far, rows, np.array([False] * 4 + [True]))
    w = np.exp(-2 * (far[4] / far[4, -1]) ** 2)
    np.testing.assert_allclose(got[4], w @ z[rows[4]] / w.sum(), rtol=1e-4)  # outside: averaged
    for i in range(4):
        w = np.exp(-2 * (far[i] / far[i, -1]) ** 2)
        w /= w.sum()
        o = (xy[rows[i]] - at[i]) / far[i, -1]
        middle, mean = w @ o, w @ z[rows[i]]
        moved = (o - middle) * np.sqrt(w)[:, None]
        slope = np.linalg.solve(
            moved.T @ moved + 1e-3 * np.eye(2), moved.T @ ((z[rows[i]] - mean) * np.sqrt(w)[:, None])
        )
        np.testing.assert_allclose(got[i], mean - middle @ slope, rtol=1e-4, atol=1e-5)


def test_the_way_is_chosen_on_items_left_out() -> None:
    """The error told for an average of k is that of k nearest others, found by brute force; the way taken is
    the least of all.
    """
    draw = np.random.default_rng(0)
    xy = draw.normal(size=(150, 2))
    z = (np.sin(2 * xy) @ draw.normal(size=(2, 3)) + 0.3 * draw.normal(size=(150, 3))).astype(np.float32)
    found = fit_inverse(xy, z)
    order = (np.linalg.norm(xy[:, None] - xy[None], axis=-1) + 1e9 * np.eye(150)).argsort(1)
    for k in (2, 5, 20):
        want = np.sqrt(np.square(z[order[:, :k]].mean(1) - z).sum(1).mean())
        assert found.evidence["tried"][f"average {k}"] == pytest.approx(want, rel=1e-5)
    assert found.evidence["error"] == pytest.approx(min(found.evidence["tried"].values()))
    assert found.evidence["tried"][f"{found.method} {found.k}"] == min(found.evidence["tried"].values())
    assert found.evidence["spread"] == pytest.approx(np.sqrt(z.var(0).sum()), rel=1e-5)


@settings(deadline=None, max_examples=15)
@given(angle=st.floats(0, 6.28), scale=st.floats(1e-3, 1e3), shift=st.floats(-50, 50))
def test_turning_and_scaling_the_map_changes_nothing(angle: float, scale: float, shift: float) -> None:
    xy = ring(300)
    z = np.concatenate([xy, np.square(xy)], 1).astype(np.float32)
    at = np.random.default_rng(2).uniform(-2.5, 2.5, (60, 2))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    one, other = fit_inverse(xy, z)(at), fit_inverse(xy @ turn + shift * scale, z)(at @ turn + shift * scale)
    np.testing.assert_allclose(other.z, one.z, atol=1e-3)
    np.testing.assert_array_equal(other.outside, one.outside)
    np.testing.assert_allclose(other.error, one.error, rtol=1e-3)


# the error


def test_the_error_is_that_of_the_region() -> None:
    """Noise of .1 left and 1 right in four dimensions, so errors of .2 and 2; the data's are those of twice
    the latent.
    """
    draw = np.random.default_rng(0)
    xy = draw.uniform(-1, 1, (6000, 2))
    noise = np.where(xy[:, :1] < 0, 0.1, 1.0)
    z = (np.tile(xy, 2) + noise * draw.normal(size=(6000, 4))).astype(np.float32)
    found = fit_inverse(xy, z, decode=lambda z: 2 * z, data=lambda rows: 2 * z[rows])
    at = draw.uniform(-0.9, 0.9, (2000, 2))
    at = at[(np.abs(at[:, 0]) > 0.1) & ~found(at).outside]
    told, left = found(at), at[:, 0] < 0
    for side, want in ((left, 0.2), (~left, 2.0)):
        assert np.sqrt(np.square(told.error[side]).mean()) == pytest.approx(want, rel=0.06)
    assert told.data_error is not None
    np.testing.assert_allclose(np.sqrt(np.square(told.data_error[~left]).mean()), 2.0, rtol=0.1)
    assert found.evidence["data_error"] == pytest.approx(np.sqrt((0.1**2 + 1) / 2) * 2, rel=0.1)


def test_real_latents_held_out() -> None:
    """8,000 pictures on the plane of two main axes, 2,000 placed on it: no worse than any average, the error
    known within 10 %.
    """
    items = fashion()[0]
    z = fashion_pca().encode(GREY.tensor(items)).numpy()
    made = project(z[:8000])
    places = made.place(z[8000:])
    found = fit_inverse(made.xy, made.z)
    told = found(places)
    missed = np.square(told.z - z[8000:]).sum(1)
    far = np.linalg.norm(made.xy[None] - places[:, None], axis=-1).argsort(1)[:, :80]
    averages = {k: np.square(z[far[:, :k]].mean(1) - z[8000:]).sum(1).mean() for k in (5, 10, 20, 30, 50, 80)}
    assert missed.mean() <= min(averages.values()) + 1e-4
    assert missed.mean() < 0.95 * averages[10]
    assert found.evidence["error"] == pytest.approx(np.sqrt(missed.mean()), rel=0.04)
    inside = ~told.outside
    assert inside.mean() > 0.97
    bins = np.array_split(np.flatnonzero(inside)[told.error[inside].argsort()], 5)
    ratios = [np.sqrt(np.square(told.error[b]).mean() / missed[b].mean()) for b in bins]
    assert np.abs(np.array(ratios) - 1).max() < 0.1
    assert found.evidence["calibration"] < 0.1
    assert told.error[bins[-1]].mean() > 1.1 * told.error[bins[0]].mean()  # it tells regions apart


def test_held_out_items_set_the_error() -> None:
    """Their own noise of 1 is told where the map's items have none; those that are on the map do not answer
    for themselves.
    """
    draw = np.random.default_rng(0)
    xy, z = plane(2000)
    rows = draw.permutation(2000)[:1000]
    noisy = (z[rows] + draw.normal(size=(1000, 3))).astype(np.float32)
    found = fit_inverse(xy, z, held=Held(xy[rows], noisy, rows))
    assert found.evidence["error"] == pytest.approx(3**0.5, rel=0.05)
    told = found(xy)
    assert np.nanmean(told.error) == pytest.approx(3**0.5, rel=0.05)
    assert fit_inverse(xy, z, held=Held(xy[rows], z[rows], rows)).evidence["tried"]["average 2"] > 0.01
    shown: list[np.ndarray] = []
    data = fit_inverse(
        xy, z, held=Held(xy[rows], noisy), decode=lambda z: 0 * z, data=lambda i: shown.append(i) or noisy[i]
    )  # type: ignore[func-returns-value]
    assert sorted(shown[0].tolist()) == list(range(1000))
    assert data.evidence["data_error"] == pytest.approx(np.sqrt(np.square(noisy).mean()), rel=1e-5)


def test_the_inverse_of_a_layout_is_judged_by_items_as_if_new() -> None:
    """t-SNE of real latents: 1,000 new items, placed on it, are missed by what it says; where its own items
    lie, much less is missed.
    """
    z = fashion_pca(8).encode(GREY.tensor(fashion()[0][:2000])).numpy()
    made = project(z[:1000], "tsne")
    back = made.inverse(data=lambda rows: z[:1000][rows], decode=lambda z: z)
    told = back(made.place(z[1000:]))
    missed = np.square(told.z - z[1000:]).sum(1)[~told.outside]
    want = np.sqrt(missed.mean())
    assert np.sqrt(np.square(told.error[~told.outside]).mean()) == pytest.approx(want, rel=0.1)
    assert told.data_error is not None
    assert np.sqrt(np.square(told.data_error[~told.outside]).mean() * 8) == pytest.approx(want, rel=0.1)
    assert fit_inverse(made.xy, z[:1000]).evidence["error"] < 0.85 * want


# outside


def test_holes_and_far_places_are_outside() -> None:
    xy = ring()
    found = fit_inverse(xy, np.concatenate([xy, xy], 1))
    angle = np.linspace(0, 2 * np.pi, 50)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    middle, hole, on, beyond = (found(radius * circle) for radius in (0.01, 0.5, 1.5, 2.7))
    assert middle.outside.all()
    assert hole.outside.all()
    assert beyond.outside.all()
    assert on.outside.mean() < 0.05
    assert np.isnan(hole.error).all()
    assert np.isfinite(on.error[~on.outside]).all()
    assert np.isfinite(beyond.z).all()
    assert np.abs(beyond.z).max() < 2.1  # an average of real items, no plane followed into nowhere
    assert found.evidence["outside"] == pytest.approx(0.01, abs=0.004)


def test_a_lone_item_makes_no_inside_around_it() -> None:
    draw = np.random.default_rng(0)
    xy = np.concatenate(
        [draw.normal(size=(500, 2)), draw.normal(size=(500, 2)) + np.array([40, 0]), [[20, 0]]]
    )
    found = fit_inverse(xy, np.concatenate([xy, xy], 1))
    assert found(np.array([[20.0, 5.0], [20.0, -8.0], [15.0, 0.0], [20.0, 0.5]])).outside.all()
    assert not found(np.array([[0.0, 0.0], [40.0, 0.0]])).outside.any()


# few, equal, wrong


@pytest.mark.parametrize("n", [4, 5, 9, 30])
def test_few_items(n: int) -> None:
    xy, z = plane(n)
    told = fit_inverse(xy, z)(xy)
    assert np.isfinite(told.z).all()
    assert not told.outside.any()
    assert np.isfinite(told.error).all()


def test_equal_items() -> None:
    """All in one place; every item twice; many copies of one among others."""
    same = fit_inverse(np.ones((50, 2)), np.ones((50, 3)))
    told = same(np.array([[1.0, 1.0], [1.1, 1.0]]))
    np.testing.assert_allclose(told.z, 1)
    assert told.outside.tolist() == [False, True]
    assert told.error[0] == 0
    xy, z = plane(200)
    for copies in (np.repeat(np.arange(200), 2), np.concatenate([np.arange(200), np.zeros(400, int)])):
        told = fit_inverse(xy[copies], z[copies])(xy)
        assert np.isfinite(told.z).all()
        assert told.outside.mean() < 0.5


@pytest.mark.parametrize(
    ("xy", "z", "options", "words"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), {}, "the same 4 items or more"),
        (np.zeros((9, 2)), np.zeros((8, 4)), {}, "the same 4 items or more"),
        (np.zeros((9, 3)), np.zeros((9, 4)), {}, r"wanted places \(m, 2\)"),
        (np.full((9, 2), np.nan), np.zeros((9, 4)), {}, "place 0 holds NaN"),
        (np.zeros((9, 2)), np.full((9, 4), np.inf), {}, "row 0 of the latents holds NaN"),
        (np.zeros((9, 2)), np.zeros((9, 4)), {"decode": lambda z: z}, "go together"),
    ],
)
def test_inverses_refused(xy: np.ndarray, z: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        fit_inverse(xy, z, **options)


def test_places_refused() -> None:
    found = fit_inverse(*plane(50))
    with pytest.raises(LiminalError, match=r"places \(m, 2\)"):
        found(np.zeros(2))
    with pytest.raises(LiminalError, match="place 1 holds NaN"):
        found(np.array([[0, 0], [np.nan, 0]]))
    assert found(np.zeros((0, 2))).z.shape == (0, 3)


# the lattice


def covered(n: int = 3000) -> tuple[Map, Inverse]:
    """Real pictures by two main axes, and the way back."""
    items, labels = fashion()
    made = project(
        fashion_pca().encode(GREY.tensor(items[:n])), values=labels[:n], color="label", title="Fashion-MNIST"
    )
    assert made.z is not None
    return made, fit_inverse(made.xy, made.z)


def test_a_lattice_is_what_its_places_decode_to(tmp_path: Path) -> None:
    made, back = covered(2000)
    drawn = lattice(back, fashion_pca(), GREY, made, 7, 9)
    assert drawn.shape == (7, 9)
    assert drawn.evidence["cells"] == 63
    assert 20 < len(drawn) == drawn.evidence["decoded"] < 63  # the corners of the plane are empty
    told = back(drawn.xy)
    assert not told.outside.any()
    assert np.array_equal(drawn.items, GREY.items(fashion_pca().decode(torch.from_numpy(told.z))))
    step = max(np.ptp(made.xy[:, 0]) / 9, np.ptp(made.xy[:, 1]) / 7)
    middle = (made.xy.min(0) + made.xy.max(0)) / 2
    centre = middle + step * np.stack([drawn.cells[:, 1] - 4, 3 - drawn.cells[:, 0]], 1)
    off = np.abs(drawn.xy - centre).max(1)
    assert (off <= step / 2 + 1e-4).all()
    assert (off > 1e-4).sum() == drawn.evidence["moved"]
    drawn.save(tmp_path / "lattice.png")
    with Image.open(tmp_path / "lattice.png") as image:
        image.load()
        assert image.size == made.picture().size
        assert np.array_equal(np.asarray(image), np.asarray(drawn.picture()))


def test_tiles_lie_over_their_places() -> None:
    """A map that is a square, decoded black on white: every tile covers its cell, where the map's own points
    would be.
    """
    xy, z = plane(2000)
    made = Map(xy.astype(np.float32), np.arange(2000), "pca", {}, z=z)

    class Black(type(fashion_pca())):  # type: ignore[misc]
        def decode_soft(self, z: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(z), 1, 28, 28)

    drawn = lattice(fit_inverse(xy, z), Black(torch.rand(30, 1, 28, 28), 3), GREY, made, 4, 4)
    assert len(drawn) == 16
    black = (np.asarray(drawn.picture().convert("L")) < 8)[scatter.HEAD :]
    y, x = np.nonzero(black)
    assert np.ptp(x) == pytest.approx(np.ptp(y), abs=3)
    assert black.sum() > 0.8 * np.ptp(x) * np.ptp(y)
    picture = scatter.scatter(made.xy, title=" ")
    points_y, points_x = np.nonzero((np.asarray(picture) != 255).any(-1)[scatter.HEAD :])
    for tile, point in ((x, points_x), (y, points_y)):
        assert (tile.min() + tile.max()) / 2 == pytest.approx((point.min() + point.max()) / 2, abs=12)


def test_an_empty_cell_is_left_out() -> None:
    """A ring: nothing in the middle, nothing in the corners."""
    xy = ring(4000)
    made = Map(xy.astype(np.float32), np.arange(4000), "pca", {}, z=np.tile(xy, 12).astype(np.float32))
    drawn = lattice(fit_inverse(xy, made.z), fashion_pca(), GREY, made, 9, 9)
    cells = {tuple(c) for c in drawn.cells.tolist()}
    assert not cells & {(4, 4), (0, 0), (0, 8), (8, 0), (8, 8)}
    assert {(4, 1), (1, 4), (4, 7), (7, 4)} <= cells
    radius = np.linalg.norm(drawn.xy, axis=1)
    assert ((radius > 0.85) & (radius < 2.15)).all()


def test_a_lattice_over_equal_items_and_refused() -> None:
    made = project(np.ones((40, 24), np.float32))
    assert made.z is not None
    back = fit_inverse(made.xy, made.z)
    drawn = lattice(back, fashion_pca(), GREY, made, 3, 3)
    assert drawn.cells.tolist() == [[1, 1]]
    assert drawn.picture().width == scatter.WIDTH
    none = lattice(back, fashion_pca(), GREY, made, 2, 2)  # its four centres lie beside the one place
    assert len(none) in (0, 1, 4)
    for rows, columns, words in ((0, 5, "rows 0"), (5, 65, "columns 65")):
        with pytest.raises(LiminalError, match=words):
            lattice(back, fashion_pca(), GREY, made, rows, columns)
