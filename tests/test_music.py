"""What the bench of melodies counts, on rows whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench import melody, music
from liminal.datasets import melodies
from liminal.modalities.melody import Melody

PLAIN = Melody()


def row(typed: str) -> np.ndarray:
    return PLAIN.parse(typed)[0]


def test_the_ngram_model_is_a_distribution_and_knows_what_it_saw() -> None:
    drawn = melodies.melodies(300).items[:, 0]
    model = music.Ngram(drawn[:150])
    context = bytes([41, 0, 0, 0])
    assert sum(model.chance(context, s) for s in range(90)) == pytest.approx(1)
    assert sum(model.chance(bytes([7, 7, 7, 7]), s) for s in range(90)) == pytest.approx(1), "never seen"
    noise = np.random.default_rng(0).integers(0, 90, drawn[150:].shape).astype(np.uint8)
    assert model.nll(drawn[150:]).mean() < 0.5 * model.nll(noise).mean()
    tune = row("C4 - E4 - G4 - C5 -")[None]
    one = music.Ngram(tune)
    assert one.nll(music.moved(tune, 3))[0] == pytest.approx(one.nll(tune)[0], rel=0.1), "in other keys, too"
    assert one.nll(tune)[0] < 0.2 < one.nll(row("C4 - D4 - A4 - C5 -")[None])[0]


def test_steps_are_mixed_and_compared() -> None:
    a, b = row("C4 - - - D4 - - -")[None], row("E4 - G4 - - - A4 -")[None]
    draw = np.random.default_rng(0)
    assert np.array_equal(music.mixed(a, b, 0, draw), a)
    assert np.array_equal(music.mixed(a, b, 1, draw), b)
    many = music.mixed(np.repeat(a, 2000, 0), np.repeat(b, 2000, 0), 0.25, draw)
    assert (many[:, 0] == b[0, 0]).mean() == pytest.approx(0.25, abs=0.04)
    assert music.differing(a, b)[0] == pytest.approx(4 / 32)  # of steps 0, 2, 4 and 6


def test_what_sounds_and_the_first_chord_of_each_beat() -> None:
    item = row("C4 - D4 - - - . - E4")
    sounds = music.sounding(item)
    assert sounds[:9].tolist() == [41, 41, 43, 43, 43, 43, 1, 1, 45]
    assert music.first_of_beats(item, 4)[:9].tolist() == [41, 41, 41, 41, 43, 43, 43, 43, 45]


def test_histograms_of_known_rows() -> None:
    found = music.histograms(row("C4 - - - C5 - D4 - . - - -")[None])
    assert found["pitch class"][[0, 2]].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found["duration"][[3, 1]].tolist() == pytest.approx([1 / 3, 2 / 3])
    moved = music.histograms(music.moved(row("C4 - - - C5 - D4 - . - - -")[None], 5))
    assert np.allclose(found["pitch class"], moved["pitch class"]), "from the most frequent one up"
    assert music.apart(np.array([1.0, 0]), np.array([0, 1.0])) == 1


def test_a_copy_in_another_key_is_found() -> None:
    real = melodies.melodies(50).items[:, 0]
    copies = music.moved(real[:3], 4)
    assert music.nearest(copies, real).tolist() == [0, 0, 0]
    changed = real[:1].copy()
    changed[0, 31] = 40 if changed[0, 31] != 40 else 44
    assert music.nearest(changed, real[:1])[0] == pytest.approx(1 / 32)


def test_distances_along_a_way_and_what_moves_most() -> None:
    a, b = row("C4 - - - D4 - - -"), row("E4 - G4 - - - A4 -")
    half = a.copy()
    half[:4] = b[:4]
    way = np.stack([a, half, b])[:, None, None]
    first, last = melody.ends_apart(way)
    assert first.tolist() == [0, 0.5, 1]
    assert last.tolist() == [1, 0.5, 0]
    assert melody.alone(
        {"a": 2.0, "b": -1.0, "c": 0.1}, "a", {"a": 2.0, "b": 2.0, "c": 1.0}
    ) == pytest.approx(2)


def test_the_truth_about_drawn_melodies_is_read_off_what_is_nearest() -> None:
    data, truth = melodies.melodies(30, seed=9), melody.Truth()
    told, known = truth(data.items), data.attributes.to_pydict()
    for name, values in known.items():
        assert truth.words(told, name).tolist() == values
    changed = data.items.copy()
    changed[:, 0, 31] = 0
    again = truth(changed)
    assert np.array_equal(again["density"], told["density"]), "one step less is no other melody"
