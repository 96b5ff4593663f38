"""What the bench of melodies counts, on rows whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench import harmony, melody, music
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


# -- harmonies


def voices(*rows: str) -> np.ndarray:
    """Pitches (1, voices, 16) of voices as they are typed, the top one first; each's last note is held."""
    held = [row + " -" * (16 - len(row.split())) for row in rows]
    return harmony.pitches(Melody(1, 4, len(rows)).parse(" / ".join(held))[None])


def test_chords_are_told_from_other_notes() -> None:
    """On the beats C major, its root and third, D minor seven without its fifth; then a fourth upon C."""
    rows = voices(
        "G4 - - - E4 - - - F4 - - - F4 - - -",
        "E4 - - - E4 - - - C4 - - - C4 - - -",
        "C4 D4 E4 F4 C4 - - - D4 - - - C4 - - -",
    )
    assert harmony.chordal(rows, 4)[0] == 3 / 4
    assert harmony.chordal(rows + 5, 4)[0] == 3 / 4, "in other keys, too"
    assert harmony.agreeing(rows, 4)[0] == 1, "F4 may be the root above C4 as its fifth"
    above = voices("A4 - - - D5 - - - C#5 - - - .", "G4", "E4", "C4")
    assert harmony.agreeing(above, 4)[0] == 0, "the triad below holds none of these"
    above = voices("G4 - - - Bb4 - - - B4 - - - A4 - - -", "F4", "D4", "B3")
    assert harmony.chordal(above, 4)[0] == 3 / 4, "G7, no chord, the diminished triad, B half diminished"
    held = harmony.TONES[0b100000010001]  # C E B: no triad
    assert bin(held).count("1") == 4, "C major seven, and nothing else"


def test_faults_of_voices_are_counted() -> None:
    fifths = voices("G4 - - - A4 - - - A4 - - - A4", "C4 - - - D4 - - - E4 - - - D4")
    assert harmony.parallels(fifths).tolist() == [1], "not where only one voice moves"
    apart = voices("G4 - - - D5", "C4 - - - G3")
    assert harmony.parallels(apart).tolist() == [0], "nor where they move against each other"
    octaves = voices("C5 - - - D5", "G4 - - - G4", "C3 - - - D3")
    assert harmony.parallels(octaves).tolist() == [1]
    broken = voices("C5 - - - . D5", "C4 - - - . D4")
    assert harmony.parallels(broken).tolist() == [0], "nor over a rest"
    crossed = voices("C4 - - - G4", "E4 - - - E4", "C3 - - - F4")
    assert harmony.crossings(crossed, 4).tolist() == [1 + 1 + 1 + 1]
    wide = voices("C4 - - - C6", "C4 - - - C#5 - - - C4 C5", "C3 - - - C5")
    assert harmony.leaps(wide).tolist() == [2], "more than an octave, of inner voices only"


def test_bars_are_joined_in_their_order() -> None:
    kind = Melody(1, 4, 2)
    items = np.stack(
        [kind.parse(f"{a} / {b}") for a, b in (("C4", "E3"), ("D4", "F3"), ("E4", "G3"), ("C5", "A3"))]
    )
    rows = harmony.joined(items, 2)
    assert rows.shape == (2, 2, 32)
    assert rows[1, :, [0, 16]].tolist() == [[64, 55], [72, 57]]
