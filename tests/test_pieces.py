"""Pieces of shapes: how many there are, and the likeliest shape where further ones are unlikely."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from liminal.datasets import furniture
from liminal.errors import LiminalError
from liminal.modalities import pieces
from liminal.modalities.shape import Shape

PAGE = Path(__file__).parent / "pieces.json"  # cases that the page's own code is held against
SIDE, COST = 12, 6.0


def field(seed: int, coarse: float = 1.2) -> np.ndarray:
    """Shares of a decoder that is unsure: smooth noise, (12, 12, 12)."""
    noise = np.random.default_rng(seed).normal(size=(SIDE,) * 3)
    smooth = ndimage.gaussian_filter(noise, coarse)
    return np.round(255 / (1 + np.exp(-5 * (smooth / smooth.std() - 1)))).astype(np.uint8)


def boxes(between: int) -> np.ndarray:
    """Two that are full for sure, and three cells between them."""
    item = np.zeros((32,) * 3, np.uint8)
    item[4:10, 4:10, 4:10] = item[13:19, 4:10, 4:10] = 255
    item[10:13, 6, 6] = between
    return item


def logit(share: int) -> float:
    return math.log(share / (255 - share))


def test_an_island_that_is_unsure_is_taken_off() -> None:
    item = boxes(255)
    item[24:27, 24:27, 24:27] = 127  # else nothing of it is left on the finer grid
    item[25, 25, 25] = 160
    assert pieces.count(item) == 2
    kept = pieces.likeliest(item, 0.9 * logit(160))  # less than it costs to take it off
    assert np.array_equal(kept, item)
    made = pieces.likeliest(item, 1.1 * logit(160))
    assert pieces.count(made) == 1
    elsewhere = made != item
    elsewhere[24:27, 24:27, 24:27] = False
    assert not elsewhere.any()


def test_what_hangs_together_by_unsure_cells_is_joined() -> None:
    item = boxes(100)
    assert pieces.count(item) == 2
    costs = -3 * logit(100)
    assert np.array_equal(pieces.likeliest(item, 0.9 * costs), item)
    made = pieces.likeliest(item, 1.1 * costs)
    assert pieces.count(made) == 1
    assert (made[10:13, 6, 6] == 255).all()
    assert (made != item).sum() == 3


def test_what_is_sure_stays() -> None:
    item = boxes(0)
    assert np.array_equal(pieces.likeliest(item, pieces.MOST), item)
    assert np.array_equal(pieces.likeliest(np.zeros_like(item), pieces.MOST), np.zeros_like(item))


def test_what_is_in_one_piece_is_the_item_itself() -> None:
    item = np.zeros((SIDE,) * 3, np.uint8)
    item[3:8, 3:8, 3:8] = 255
    assert pieces.likeliest(item, COST) is item


def test_noise_is_cleared_at_once() -> None:
    item = field(1, 0.6)
    labels, before = pieces._labelled(item)
    assert before > pieces.MANY
    made = pieces._cleared(item, labels, before, COST)
    left = pieces._labelled(made)[1]
    assert left < before
    assert pieces._labelled(pieces.likeliest(item, COST))[1] <= left


@given(st.integers(0, 10_000), st.floats(0.1, pieces.MOST), st.sampled_from([0.6, 1.2]))
@settings(max_examples=40, deadline=None)
def test_it_costs_no_more_than_it_may(seed: int, cost: float, coarse: float) -> None:
    """No further pieces, each that is gone for what it may cost at most, and no cell that is sure changes."""
    item = field(seed, coarse)
    made = pieces.likeliest(item, cost)
    before, after = (pieces._labelled(pieces._cut(one)[0])[1] for one in (item, made))
    assert 1 <= after <= before
    p = np.clip(item / 255, pieces.SURE, 1 - pieces.SURE)
    paid = np.abs(np.log(p / (1 - p)))[(made > 127) != (item > 127)].sum()
    if before <= pieces.MANY:  # what is cleared at once may leave slivers, each a piece, in cells of others
        assert paid <= cost * (before - after) + 1e-6
    changed = made != item
    assert (after == before) == (not changed.any())
    assert not changed[item == 255].any()
    assert not changed[item == 0].any()


def test_what_a_piece_costs_is_learned_from_the_items() -> None:
    whole = [item for item, _ in zip(furniture.furniture(40).items, range(40), strict=True)]
    assert pieces.cost(np.stack(whole)) == pytest.approx(math.log(41))
    half = np.stack([boxes(0) if i % 2 else one for i, one in enumerate(whole)])
    assert pieces.cost(half) == pytest.approx(math.log(41 / 21))
    assert Shape().fitted(half, np.arange(40)).apart == pytest.approx(math.log(41 / 21))


def test_decoded_items_of_a_kind_that_comes_in_one_piece_are_so() -> None:
    y = torch.from_numpy(boxes(100)[None, None] / np.float32(255))
    assert np.array_equal(Shape().items(y)[0], boxes(100))
    made = Shape(apart=8.0)
    assert pieces.count(made.items(y)[0]) == 1
    assert Shape(**made.config()) == made
    with pytest.raises(LiminalError, match=r"apart 10: wanted 0 to 9 nats"):
        Shape(apart=10)


def test_the_page_is_held_against_the_same_cases() -> None:
    """``python -m tests.test_pieces`` writes them anew."""
    cases = json.loads(PAGE.read_text())
    assert sum(case["item"] != case["made"] for case in cases) >= len(cases) // 2
    for case in cases:
        item = np.array(case["item"], np.uint8).reshape((SIDE,) * 3)
        assert pieces.likeliest(item, case["cost"]).ravel().tolist() == case["made"]


def cases() -> list[dict[str, object]]:
    """Fields, costs, and the likeliest shapes."""
    made = []
    for seed in range(10):
        item, cost = field(seed, 1.2 if seed < 8 else 0.6), (COST, 2.0)[seed % 2]
        answer = pieces.likeliest(item, cost)
        made.append({"cost": cost, "item": item.ravel().tolist(), "made": answer.ravel().tolist()})
    return made


if __name__ == "__main__":
    PAGE.write_text(json.dumps(cases(), separators=(",", ":")) + "\n")
