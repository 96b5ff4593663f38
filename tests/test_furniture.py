"""Furniture: connected solids, of exactly the factors that are told."""

from __future__ import annotations

import numpy as np
import pytest

from liminal.datasets import furniture
from liminal.errors import LiminalError
from liminal.modalities import pieces

PLAIN = {
    "width": 0.5,
    "depth": 0.5,
    "height": 0.4,
    "thickness": 0.1,
    "stand": "legs",
    "leg": 0.0625,
    "splay": 0.0,
    "back": 0.0,
    "recline": 0.0,
    "arms": 0.0,
    "open": False,
    "roundness": 0.0,
    "softness": 0.0,
    "cushion": 0.0,
}


def test_every_piece_is_one_connected_solid() -> None:
    data = furniture.furniture(60, seed=1)
    assert {pieces.count(item) for item in data.items} == {1}


def test_what_lies_between_two_pieces_is_one_piece_too() -> None:
    known = furniture.drawn_factors(60, 2)
    rows = [{name: values[i] for name, values in known.items()} for i in range(60)]
    for a, b in zip(rows[::2], rows[1::2], strict=True):
        between = {
            name: a[name] if isinstance(a[name], str | np.bool_) else (a[name] + b[name]) / 2 for name in a
        }
        assert pieces.count(furniture.draw(between)) == 1


def test_a_table_has_the_volume_of_its_slabs() -> None:
    under = 0.4 - 0.1
    truth = 0.5 * 0.5 * 0.1 + 4 * 0.0625**2 * under
    assert furniture.draw(PLAIN).sum() / 255 / 32**3 == pytest.approx(truth, rel=0.02)


@pytest.mark.parametrize(
    ("factor", "value"),
    [
        ("width", 0.6),
        ("depth", 0.6),
        ("height", 0.5),
        ("thickness", 0.15),
        ("stand", "panels"),
        ("stand", "pedestal"),
        ("leg", 0.09),
        ("splay", 0.15),
        ("back", 0.3),
        ("arms", 0.2),
        ("roundness", 1.0),
        ("softness", 1.0),
        ("cushion", 0.07),
    ],
)
def test_each_factor_is_seen(factor: str, value: object) -> None:
    change = np.abs(furniture.draw({**PLAIN, factor: value}).astype(float) - furniture.draw(PLAIN)).sum()
    assert change / 255 > 20


def test_recline_and_openness_are_seen_in_backs() -> None:
    chair = {**PLAIN, "back": 0.35, "arms": 0.2}
    for change in ({"recline": 0.3}, {"open": True}):
        off = furniture.draw({**chair, **change}).astype(float) - furniture.draw(chair)
        assert np.abs(off).sum() / 255 > 50


def test_the_drawing_is_told_by_its_seed_and_stays_in_the_grid() -> None:
    a, b = furniture.furniture(40, seed=5), furniture.furniture(40, seed=5)
    assert np.array_equal(a.items, b.items)
    assert a.attributes.equals(b.attributes)
    assert not np.array_equal(a.items, furniture.furniture(40, seed=6).items)
    rows = a.attributes.to_pylist()
    assert np.array_equal(furniture.draw(rows[7]), a.items[7])
    assert {row["kind"] for row in rows} == {"chair", "table", "couch"}
    for side in (a.items[:, 0], a.items[:, -1], a.items[:, :, 0], a.items[:, :, -1]):
        assert side.max() == 0
    with pytest.raises(LiminalError, match="1 piece or more"):
        furniture.furniture(0)
