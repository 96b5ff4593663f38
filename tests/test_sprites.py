"""The sprites: the whole grid and any part of it, exact factors, areas and places as the formulas say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liminal.datasets import sprites as module
from liminal.datasets.sprites import (
    COUNT,
    GRID,
    HALF,
    MARGIN,
    SHAPES,
    SIZES,
    draw,
    factors_to_index,
    grid_values,
    index_to_factors,
    small_sprites,
    sprites,
)
from liminal.errors import LiminalError


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "cache"))


def one(
    shape: str, scale: float = 1.0, orientation: float = 0.0, x: float = 0.5, y: float = 0.5, size: int = 64
) -> np.ndarray:
    return (
        draw({"shape": [shape], "scale": [scale], "orientation": [orientation], "x": [x], "y": [y]}, size)[
            0
        ].astype(float)
        / 255
    )


def test_the_grid_is_that_of_dsprites():
    assert SIZES == (3, 6, 40, 32, 32)
    assert COUNT == 737_280
    assert GRID["scale"][[0, -1]].tolist() == [0.5, 1.0]
    assert GRID["orientation"].max() < 2 * np.pi


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, COUNT - 1), max_size=20))
def test_numbers_and_places_are_inverse(index):
    places = index_to_factors(np.array(index, np.int64))
    assert places.shape == (len(index), 5)
    assert factors_to_index(places).tolist() == index


def test_the_last_factor_changes_fastest():
    assert index_to_factors([0, 1, 32, COUNT - 1]).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 1, 0],
        [2, 5, 39, 31, 31],
    ]
    assert grid_values([COUNT - 1]).to_pylist() == [
        {"shape": "heart", "scale": 1.0, "orientation": GRID["orientation"][39], "x": 1.0, "y": 1.0}
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("size", [28, 64])
def test_areas_are_equal_and_grow_with_the_square_of_the_scale(shape, scale, size):
    for orientation in (0.0, 0.4, 3.9):
        area = one(shape, scale, orientation, 0.37, 0.61, size).sum() / size**2
        assert area == pytest.approx((2 * HALF * scale) ** 2, rel=0.06 if size == 28 else 0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_lies_where_x_and_y_say_and_inside_the_frame(shape):
    for orientation in GRID["orientation"][::3]:
        for x, y in ((0.0, 0.0), (1.0, 0.3), (0.2, 1.0)):
            picture = one(shape, 1.0, orientation, x, y)
            axis = (np.arange(64) + 0.5) / 64
            middle = np.array([(picture.sum(0) * axis).sum(), (picture.sum(1) * axis).sum()]) / picture.sum()
            wanted = MARGIN + np.array([x, y]) * (1 - 2 * MARGIN)
            assert np.abs(middle - wanted).max() < (0.2 if shape == "heart" else 0.02) * 2 * HALF
            assert not picture[[0, -1]].any()
            assert not picture[:, [0, -1]].any()


def test_orientation_turns_clockwise_and_symmetries_hold():
    assert np.array_equal(one("ellipse", orientation=np.pi / 2).round(2), one("ellipse").T.round(2))
    assert np.abs(one("square", orientation=np.pi / 2) - one("square")).max() < 0.01
    assert np.abs(one("heart", orientation=np.pi) - one("heart")[::-1, ::-1]).max() < 0.01
    assert np.abs(one("heart", orientation=np.pi / 2) - np.rot90(one("heart"), -1)).max() < 0.01
    assert np.abs(one("heart") - one("heart")[:, ::-1]).max() < 0.01  # left is right
    tilted = one("ellipse", orientation=np.pi / 8)
    assert tilted[34:, 34:].sum() > 3 * tilted[:30, 34:].sum()  # its right end points down


def test_edges_are_covered_by_area():
    for shape in SHAPES:
        fine = one(shape, 0.9, 0.7, 0.41, 0.58, 512).reshape(64, 8, 64, 8).mean((1, 3))
        assert np.abs(one(shape, 0.9, 0.7, 0.41, 0.58) - fine).mean() < 0.002


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([28, 64]))
def test_a_sprite_does_not_depend_on_its_batch(seed, count, size):
    index = np.random.default_rng(seed).integers(0, COUNT, 60)
    assert np.array_equal(draw(grid_values(index), size)[:count], draw(grid_values(index[:count]), size))


def test_every_number_moves_the_picture():
    base = {
        "shape": ["heart"] * 2,
        "scale": [0.7] * 2,
        "orientation": [1.0] * 2,
        "x": [0.4] * 2,
        "y": [0.4] * 2,
    }
    for name, pair in {
        "scale": [0.7, 0.8],
        "orientation": [1.0, 1.157],
        "x": [0.4, 0.433],
        "y": [0.4, 0.433],
    }.items():
        a, b = draw({**base, name: pair}).astype(float)
        assert np.abs(a - b).max() > 100
        a, b = draw({**base, name: [pair[0], pair[0] + 1e-4]}).astype(float)
        assert np.abs(a - b).max() <= 6


def test_a_part_of_the_grid_comes_whole_and_in_order():
    data = sprites(shape="heart", scale=5, orientation=range(4), x=[3, 9], y=[0, 31, 7])
    assert data.items.shape == (24, 64, 64, 1)
    assert not data.items.flags.writeable
    rows = data.attributes.to_pylist()
    assert {r["shape"] for r in rows} == {"heart"}
    assert {r["scale"] for r in rows} == {1.0}
    assert [r["y"] for r in rows[:3]] == [0.0, 1.0, GRID["y"][7]]
    assert rows[0]["x"] == GRID["x"][3]
    assert len({tuple(r.values()) for r in rows}) == 24
    assert np.array_equal(data.items[..., 0], draw(data.attributes))
    assert [str(t) for t in data.attributes.schema.types] == ["string"] + ["double"] * 4


def test_random_points_come_once_each_and_repeat_with_the_seed():
    data = sprites(
        300,
        seed=3,
        size=16,
        shape=["square", "heart"],
        scale=[0, 5],
        orientation=range(0, 40, 8),
        x=range(5),
        y=range(6),
    )
    assert len({tuple(r.values()) for r in data.attributes.to_pylist()}) == 300
    assert (
        len(
            sprites(
                600,
                size=16,
                shape=["square", "heart"],
                scale=[0, 5],
                orientation=range(0, 40, 8),
                x=range(5),
                y=range(6),
            )
        )
        == 600
    )
    assert sprites(50, seed=3, size=16).attributes.equals(sprites(50, seed=3, size=16).attributes)
    assert not sprites(50, seed=3, size=16).attributes.equals(sprites(50, seed=4, size=16).attributes)
    assert data.sources[7].startswith("sprites(n=300, seed=3, size=16, shape=['square', 'heart']")
    assert data.sources[7].endswith("#7")


def test_small_sprites_draw_any_number_and_use_the_cache(monkeypatch):
    seen = []
    data = small_sprites(5000, seed=2, progress=lambda done, total: seen.append(done))
    assert data.items.shape == (5000, 28, 28, 1)
    assert isinstance(data.items, np.memmap)
    assert seen == [4096, 5000]
    assert np.array_equal(data.items[4090:4100, ..., 0], draw(data.attributes.slice(4090, 10), 28))
    assert data.items.reshape(5000, -1).max(1).min() == 255
    monkeypatch.setattr(module, "_draw", None)  # would fail if it drew again
    assert np.array_equal(small_sprites(5000, seed=2).items[-1], data.items[-1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sprites(10, shape="circle"), "unknown shape of a sprite 'circle'"),
        (lambda: sprites(10, colour=1), "unknown factor of a sprite 'colour'"),
        (lambda: sprites(10, scale=6), "from 0 to 5"),
        (lambda: sprites(10, scale=0.5), "whole numbers"),
        (lambda: sprites(10, x=[1, 1]), "different values"),
        (lambda: sprites(10, x=[]), "one or more"),
        (lambda: sprites(7, scale=0, orientation=0, x=0, y=[0, 1]), "wanted 1 to 6"),
        (lambda: sprites(0), "wanted 1 to 737280"),
        (lambda: sprites(5, size=4), "8 to 512"),
        (lambda: small_sprites(0), "wanted 1 or more"),
        (lambda: index_to_factors([COUNT]), "737279"),
        (lambda: factors_to_index(np.array([[3, 0, 0, 0, 0]])), "five a row"),
        (lambda: draw({"shape": ["heart"]}), "no scale, orientation, x, y"),
        (lambda: one("heart", scale=np.nan), "from 0.5 to 1"),
        (lambda: one("star"), "unknown shape"),
        (
            lambda: draw({"shape": ["heart"], "scale": [1, 1], "orientation": [0], "x": [0], "y": [0]}),
            "one value a picture",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(call, words):
    with pytest.raises(LiminalError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
