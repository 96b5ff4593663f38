"""Melodies: what is read from MIDI and ABC, traps included, and what a melody says of itself."""

from __future__ import annotations

import io
import itertools
import wave
from pathlib import Path

import av
import kinds
import numpy as np
import pytest
import symusic
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import spectrogram

from liminal import files, registry
from liminal.datasets import melodies
from liminal.errors import LiminalError
from liminal.modalities import hearing, roll, synth, tunes, windows
from liminal.modalities.likelihoods import Categorical
from liminal.modalities.melody import Melody
from liminal.modalities.pitches import pitch_name
from liminal.show import items as show
from liminal.tensors import rng

PLAIN = Melody()
HEAD = "M:4/4\nL:1/4\nK:C\n"


def abc(*bodies: str, head: str = HEAD) -> io.BytesIO:
    """An ABC file of some tunes."""
    return io.BytesIO("\n".join(f"X:{i + 1}\nT:Tune {i}\n{head}{b}\n" for i, b in enumerate(bodies)).encode())


def midi(*tracks: list[tuple[int, int, int]], meters=((0, 4, 4),), drums: bool = False, **more) -> io.BytesIO:
    """A MIDI file of tracks of (start, length, pitch) in 480ths of a quarter note."""
    score = symusic.Score(480)
    for time, a, b in meters:
        score.time_signatures.append(symusic.TimeSignature(time, a, b))
    for time, tempo in more.get("tempos", ()):
        score.tempos.append(symusic.Tempo(time, tempo))
    for i, notes in enumerate(tracks):
        track = symusic.Track(f"track {i}", 0, drums)
        for start, length, pitch in notes:
            track.notes.append(symusic.Note(start, length, pitch, 80))
        score.tracks.append(track)
    return io.BytesIO(score.dumps_midi())


def read(m: Melody, source: io.BytesIO) -> list:
    return list(m.records(source, "a"))


def steps(m: Melody, record) -> str:
    """An item as its literal has it."""
    names = {0: "-", 1: "."}
    return " / ".join(" ".join(names.get(s) or pitch_name(s) for s in row) for row in record.item.tolist())


def walk(count: int, first: int = 60) -> list[tuple[int, int, int]]:
    """Quarter notes up a chromatic scale."""
    return [(480 * i, 480, first + i % 12) for i in range(count)]


# -- what is read


def test_every_tune_of_an_abc_file_is_read_with_its_window() -> None:
    """The parser that is used gives the first tune of a file only."""
    found = read(PLAIN, abc("C D E F|G4|", "c4|B4|A4|G4|", "G8-|G4|"))
    assert [r.entry for r in found] == [0, 1, 2, 3]
    assert [r.group for r in found] == ["a#0", "a#1", "a#1", "a#2"]
    assert [r.known["tune"] for r in found] == ["Tune 0", "Tune 1", "Tune 1", "Tune 2"]
    assert [r.known["bar"] for r in found] == [1, 1, 3, 1]
    assert steps(PLAIN, found[0]).split()[:17:4] == ["C4", "D4", "E4", "F4", "G4"]
    assert found[2].item.tolist() == [[50] + 15 * [0] + [48] + 15 * [0]]
    assert read(PLAIN, abc("C D E F|G4|"))[0].entry is None


def test_an_upbeat_is_no_part_of_the_first_bar() -> None:
    """Neither of ABC, where it is a short bar, nor of MIDI, where it ends a bar that begins with silence."""
    (found,) = read(PLAIN, abc("G,|C D E F|G4|"))
    assert steps(PLAIN, found).split()[0] == "C4"
    two = read(PLAIN, abc("G,|C D E F|G3 G,|E D C B,|C3|"))
    assert [steps(PLAIN, r).split()[0] for r in two] == ["C4", "E4"]
    notes = [(3 * 480, 480, 55), *((time + 4 * 480, long, pitch) for time, long, pitch in walk(16))]
    first, second = read(PLAIN, midi(notes))
    assert steps(PLAIN, first).split()[0] == "C4"
    assert "without the upbeat" in first.remarks[0]
    assert (first.known["bar"], second.known["bar"]) == (1, 3)


def test_notes_are_held_cut_and_rested() -> None:
    source = midi([(0, 480, 60), (960, 8 * 480, 64), (16 * 480 - 240, 240, 67)])
    first, second = read(PLAIN, source)
    assert steps(PLAIN, first).split()[:9] == ["C4", "-", "-", "-", ".", "-", "-", "-", "E4"]
    assert steps(PLAIN, second).split()[0] == "E4", "a note held into a window begins anew"
    assert steps(PLAIN, second).split()[8] == "."
    assert steps(PLAIN, second).split()[30] == "G4"


def test_the_commonest_meter_is_taken_and_others_say_why_not(tmp_path: Path) -> None:
    (tmp_path / "a.abc").write_bytes(
        abc("C D E|F3|", "C D E|G3|", head="M:3/4\nL:1/4\nK:C\n").getvalue() + abc("C D E F|G4|").getvalue()
    )
    m = Melody.infer([tmp_path / "a.abc"])
    assert (m.meter, m.item_shape) == ((3, 4), (1, 24))
    assert "3/4" in m.told[0]
    found = list(m.records(tmp_path / "a.abc", "a"))
    assert [r.item is None for r in found] == [False, False, True]
    assert found[2].remarks == ("it is in 4/4; wanted 3/4",)
    assert Melody.infer([tmp_path / "a.abc"], meter="4/4").meter == (4, 4)
    assert Melody.infer([abc("C4|", head="M:C|\nL:1/4\nK:C\n")]).meter == (2, 2)
    (alike,) = read(PLAIN, abc("C D E F|G4|", head="M:C|\nL:1/4\nK:C\n"))
    assert alike.item is not None
    (seven,) = read(Melody(2, 4, 1, (7, 8)), abc("C7|D7|", head="M:7/8\nL:1/8\nK:C\n"))
    assert seven.item.shape == (1, 28)
    (triple,) = read(PLAIN, midi(walk(8), meters=((0, 6, 8),)))
    assert "6/8" in triple.remarks[0]


def test_parts_of_a_tune_in_another_meter_are_passed_over() -> None:
    meters = ((0, 4, 4), (8 * 480, 3, 4), (14 * 480, 4, 4))
    first, second = read(PLAIN, midi(walk(22), meters=meters))
    assert steps(PLAIN, first).split()[0] == "C4"
    assert steps(PLAIN, second).split()[0] == pitch_name(60 + 14 % 12 - 19)


def test_a_meter_that_is_replaced_at_once_or_told_again_parts_nothing() -> None:
    meters = ((0, 3, 4), (1, 4, 4), (4 * 480, 4, 4))
    (found,) = read(PLAIN, midi(walk(8), meters=meters))
    assert steps(PLAIN, found).split()[::4] == [pitch_name(60 + i - 19) for i in range(8)]
    (other,) = read(Melody(meter=(3, 4)), midi(walk(8), meters=meters))
    assert other.remarks == ("it is in 4/4; wanted 3/4",)


def test_the_melody_is_found_among_tracks_and_it_is_said() -> None:
    chords = [(960 * i, 960, pitch) for i in range(8) for pitch in (48, 52, 55)]
    (record, *_) = read(PLAIN, midi(chords, walk(16, 72)))
    assert steps(PLAIN, record).split()[0] == "C5"
    assert "read from track 2 of 2, which has the most single notes" in record.remarks
    assert record.known["chord"] == "C"
    (top, *_) = read(PLAIN, midi(chords))
    assert steps(PLAIN, top).split()[0] == "G3"
    assert "reduced to their top notes" in top.remarks


def test_voices_are_tracks_or_the_texture_of_one() -> None:
    four = Melody(voices=4)
    tracks = [[(0, 8 * 480, pitch)] for pitch in (48, 72, 64, 55)]
    (record,) = read(four, midi(*tracks))
    assert record.item[:, 0].tolist() == [72 - 19, 64 - 19, 55 - 19, 48 - 19]
    (again,) = read(four, midi([note for track in tracks for note in track]))
    assert np.array_equal(again.item, record.item)


def test_chord_symbols_key_and_tempo_are_known() -> None:
    (minor,) = read(PLAIN, abc('"Am"A, C E A|"Dm"D4|', head="M:4/4\nL:1/4\nQ:1/4=90\nK:Am\n"))
    told = minor.known
    assert (told["tonic"], told["mode"], told["chord"]) == ("A", "minor", "Am")
    assert told["tempo"] == pytest.approx(90, abs=0.1)
    (dorian,) = read(PLAIN, abc("D E F G|A4|", head="M:4/4\nL:1/4\nK:Ddor\n"))
    assert (dorian.known["tonic"], dorian.known["mode"]) == ("D", "dorian")
    assert "tempo" not in dorian.known
    assert "chord" not in dorian.known
    scale = [(480 * i, 480, p) for i, p in enumerate((67, 69, 71, 72, 74, 76, 78, 79))]
    (found,) = read(PLAIN, midi(scale))
    assert (found.known["tonic"], found.known["mode"]) == ("G", "major"), "by the profiles of the keys"
    (slower, _) = read(PLAIN, midi(walk(16), tempos=((0, 120), (960, 60))))
    assert "read without the changes of tempo" in slower.remarks


def test_a_grid_of_twelve_steps_takes_triplets() -> None:
    notes = [(160 * i, 160, 60 + i % 5) for i in range(48)]
    (rough, _) = read(PLAIN, midi(notes))
    assert "moved onto the grid" in rough.remarks
    (exact, _) = read(Melody(grid=12), midi(notes))
    assert "moved onto the grid" not in exact.remarks
    assert (exact.item >= windows.FIRST).sum() == 24


def test_what_is_short_silent_or_high_is_told() -> None:
    (padded,) = read(PLAIN, midi(walk(4)))
    assert "padded with rest to 2 bars" in padded.remarks
    assert steps(PLAIN, padded).split()[16] == "."
    quiet = read(PLAIN, midi([*walk(4), (16 * 480, 8 * 480, 60)]))
    assert [r.item is None for r in quiet] == [False, True, False]
    assert quiet[1].remarks == ("it is silent",)
    (high,) = read(PLAIN, midi([(0, 3840, 120)]))
    assert high.item[0, 0] == 108 - 19
    assert "moved by octaves into the range of a piano" in high.remarks


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (midi(walk(8), drums=True), "it has only drums"),
        (midi(), "it has no notes"),
        (io.BytesIO(midi(walk(8)).getvalue()[:60]), "damaged or no MIDI file"),
        (abc("C ?? D @ E|"), "ABC line 6: Unrecognized character"),
        (abc("C4|D4|", "C ?? D|"), "ABC line 13: "),
        (midi([(4 * i, 4, 60 + i % 12) for i in range(200_000)]), "it has 200,000 notes"),
        (midi([(480 * 10**5, 480, 60)]), "100,001 quarter notes of time"),
        (abc("C " * 600_000), "characters; wanted"),
    ],
)
def test_what_cannot_be_read_says_why(source: io.BytesIO, said: str) -> None:
    found = read(PLAIN, source)
    assert found[-1].item is None
    assert said in found[-1].remarks[0]
    assert "\n" not in found[-1].remarks[0]


def test_files_that_hold_no_tunes_are_refused() -> None:
    for data, said in ((b"", "it is empty"), (b"hello", "neither MIDI"), (b"\xff\xfe\x00", "neither MIDI")):
        with pytest.raises(LiminalError, match=said):
            read(PLAIN, io.BytesIO(data))
        with pytest.raises(LiminalError, match="no tune"):
            Melody.infer([io.BytesIO(data)])


def test_small_faults_of_abc_spoil_no_tune_and_are_told() -> None:
    (found,) = read(PLAIN, abc('"hello"C4|"?"D4|'))
    assert found.item is not None
    assert found.remarks == ("read in spite of small faults in the ABC",)


def test_an_instrument_of_midi_is_no_chord_symbol() -> None:
    score = symusic.Score.from_midi(midi(walk(8)).getvalue())
    score.tracks[0].program = tunes.HARMONY
    (found,) = read(PLAIN, io.BytesIO(score.dumps_midi()))
    assert steps(PLAIN, found).split()[0] == "C4"


def test_a_tune_reads_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.abc"
    secret.write_text("c4|d4|\n")
    (record,) = read(PLAIN, abc(f"C4|D4|\n%%abc-include {secret}\nI:abc-include {secret}\n"))
    assert sorted(set(record.item[0].tolist())) == [0, 60 - 19, 62 - 19]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bars": 0}, "bars 0: wanted 1 to 16"),
        ({"bars": 17}, "17"),
        ({"voices": 5}, "voices 5"),
        ({"grid": 3, "meter": "7/8"}, "--grid"),
        ({"meter": "fast"}, "meter 'fast'"),
        ({"meter": "4/5"}, "4/5"),
        ({"nosuch": 1}, "nosuch"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, said: str) -> None:
    with pytest.raises(LiminalError, match=said):
        Melody.infer([abc("C4|")], **options)


# -- what is written and typed


@st.composite
def items(draw, m: Melody = PLAIN) -> np.ndarray:
    """Items in the one form that their music has."""
    symbols = st.one_of(st.just(0), st.just(1), st.integers(2, 89))
    size = int(np.prod(m.item_shape))
    told = np.array(draw(st.lists(symbols, min_size=size, max_size=size)), np.uint8).reshape(m.item_shape)
    told[0, 0] = draw(st.integers(2, 89))
    return windows.settled(told)


@settings(deadline=None)
@given(items())
def test_a_melody_comes_back_from_every_form(item: np.ndarray) -> None:
    m = PLAIN
    names = {0: "-", 1: "."}
    typed = " ".join(names.get(s) or pitch_name(s) for s in item[0].tolist())
    assert np.array_equal(m.parse(typed), item)
    assert np.array_equal(m.unpack(m.pack(item)), item)
    assert np.array_equal(m.items(m.soft(item[None]))[0], item)
    assert np.array_equal(windows.settled(item), item)


@settings(deadline=None)
@given(items(Melody(bars=1, voices=3, meter=(3, 4))))
def test_voices_come_back_from_midi(item: np.ndarray) -> None:
    m = Melody(bars=1, voices=3, meter=(3, 4))
    path = files.cache_folder("midi") / "a.mid"
    m.write(item, path)
    assert np.array_equal(m.read(path), item)
    assert np.array_equal(m.unpack(m.pack(item)), item)


def test_what_was_written_comes_back_though_it_begins_with_silence(tmp_path: Path) -> None:
    items = np.stack([PLAIN.parse(". - - - - - - - - - C4"), PLAIN.parse("D4")])
    PLAIN.write_many(items, tmp_path / "a.mid")
    assert np.array_equal(np.stack([r.item for r in PLAIN.records(tmp_path / "a.mid", "a")]), items)


def test_a_path_is_music_in_time(tmp_path: Path) -> None:
    items = melodies.melodies(5).items
    PLAIN.film(items, tmp_path / "a.mid", 24)
    assert np.array_equal(np.stack([r.item for r in PLAIN.records(tmp_path / "a.mid", "a")]), items)
    PLAIN.film(items, tmp_path / "a.wav", 24)
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 22_050)
        assert sound.getnframes() / 22_050 == pytest.approx(5 * 4, abs=0.1)


def test_a_film_of_melodies_sounds_in_time(tmp_path: Path) -> None:
    rest = " - " * 15
    items = np.stack([PLAIN.parse(f". {rest} C4 {rest}"), PLAIN.parse("C5"), PLAIN.parse(f"G4 {rest}")])
    wave, rate = PLAIN.sound(items)
    assert (wave.dtype, len(wave)) == (np.float32, 3 * 4 * rate)
    assert np.abs(wave).max() <= 1
    assert abs(wave[-1]) < 1e-3
    show.save_path(items, PLAIN, tmp_path / "a.mp4", 24)
    with av.open(str(tmp_path / "a.mp4")) as film:
        seen, heard = film.streams.video[0], film.streams.audio[0]
        for stream in (seen, heard):
            assert float(stream.duration * stream.time_base) == pytest.approx(12, abs=0.1)
        samples = np.concatenate([f.to_ndarray()[0] for f in film.decode(heard)])
    halves = np.abs(samples[: 24 * (rate // 2)].reshape(24, -1)).mean(1) > 1e-2
    assert halves.tolist() == [4 <= i <= 8 or 16 <= i <= 19 for i in range(24)]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "silent"),
        ("H4", "'H4' is no step"),
        ("C9", "range of a piano"),
        ("C4 " * 33, "33 steps"),
        ("C4 / D4", "2 voices"),
    ],
)
def test_what_is_no_melody_is_refused(typed: str, said: str) -> None:
    with pytest.raises(LiminalError, match=said):
        PLAIN.parse(typed)


def test_what_is_typed_may_be_spelt_freely() -> None:
    assert np.array_equal(PLAIN.parse("bb3 - | c#4"), PLAIN.parse("A#3 - Db4 ."))
    with pytest.raises(LiminalError, match="in quotes"):
        PLAIN.parse({"C4": "1"})
    assert PLAIN.caption(PLAIN.parse("C4 - E4 . G4")) == "C4 E4 G4"


# -- what is heard


def test_a_note_sounds_at_its_pitch_and_does_not_click() -> None:
    sound = synth.sound([synth.Note(0, 1, 69)], 1)
    assert sound.dtype == np.float32
    pitches, _, power = spectrogram(sound, synth.RATE, nperseg=8192)
    assert pitches[power.mean(1).argmax()] == pytest.approx(440, abs=synth.RATE / 8192)
    assert 0.2 < np.abs(sound).max() < 1
    assert np.abs(np.diff(sound)).max() < 0.35, "no step between two samples"
    assert np.abs(sound[[0, -1]]).max() < 1e-3
    assert abs(sound.mean()) < 1e-3
    chord = synth.sound([synth.Note(0, 1, p) for p in (48, 60, 64, 67, 72, 76)], 1)
    assert np.abs(chord).max() <= 0.951
    highest = synth.sound([synth.Note(0, 0.5, 108)], 0.5)
    pitches, _, power = spectrogram(highest, synth.RATE, nperseg=8192)
    assert pitches[power.mean(1).argmax()] == pytest.approx(4186, abs=3)


def read_off(typed: str, m: Melody = PLAIN) -> dict[str, float]:
    return {name: float(value) for name, value in m.readings(m.soft(m.parse(typed)[None])).items()}


def test_readings_of_melodies_whose_answers_are_known() -> None:
    one = read_off("C4 - - - E4 - - - G4 - - - C5 - - - " + "C4 - - - E4 - - - G4 - - - C5 - - -")
    assert one["density"] == pytest.approx(1)
    assert one["range"] == pytest.approx(12, abs=1e-3)
    assert one["interval"] == pytest.approx((4 + 3 + 5 + 12 + 4 + 3 + 5) / 7)
    assert one["in_key"] == pytest.approx(1)
    assert one["repetition"] == pytest.approx(1)
    assert one["held"] == pytest.approx(0.75)
    assert one["rest"] == pytest.approx(0, abs=1e-6)
    assert one["syncopation"] == pytest.approx(0, abs=1e-4)
    rising = read_off(" - - - - - - - ".join(["C4", "D4", "E4", "F#4"]) + " - - - - - - -")
    assert rising["contour"] == pytest.approx(4)  # two semitones each half bar
    off = read_off("C4 - D4 - - - E4 - - - - - - - - -")
    # D4, on an eighth (-3), is held over a beat (-2); E4, on an eighth, beyond the bar line (0)
    assert off["syncopation"] == pytest.approx((1 + 3) / 2, abs=2e-3)
    chromatic = read_off(" ".join(f"{name}4" for name in melodies.NAMES))
    assert chromatic["in_key"] == pytest.approx(7 / 12)
    half = read_off("C4 - - - - - - - . - - -")
    assert half["rest"] == pytest.approx(0.75)


def test_levels_follow_the_meter() -> None:
    assert hearing.levels((4, 4), 16, 1) == [0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4]
    assert hearing.levels((6, 8), 12, 1) == [0, -3, -2, -3, -2, -3, -1, -3, -2, -3, -2, -3]
    assert hearing.levels((3, 4), 12, 2)[12:20] == [0, -3, -2, -3, -1, -3, -2, -3]


def test_symbols_may_lie_in_rows_and_old_cards_are_read() -> None:
    flat, rows = Categorical(3, 4), Categorical((2, 3), 4, end=3)
    assert flat.config() == {"length": 3, "classes": 4, "end": None}
    assert Categorical(**rows.config()).soft_shape == (4, 2, 3)
    x = torch.tensor([[[0, 3, 1], [1, 2, 0]]])
    told = rows.told(x)
    assert told.tolist() == [[[True, True, False], [True, True, True]]], "each row has an end of its own"
    out = torch.randn(1, 4, 2, 3, generator=rng(0))
    by_hand = -sum(float(out[0, :, i, j].log_softmax(0)[x[0, i, j]]) for i, j in told[0].nonzero().tolist())
    assert float(rows.nll(x, out)) == pytest.approx(by_hand, rel=1e-5)
    errors = rows.errors(x, rows.soft(out))
    assert float(errors["nats"]) == pytest.approx(by_hand / 5, rel=1e-5)
    with pytest.raises(LiminalError, match="categorical"):
        Categorical((2, 0), 4)


def test_errors_count_notes() -> None:
    x = PLAIN.tensor(PLAIN.parse("C4 - E4 - G4 - C5 -")[None])
    y = PLAIN.soft(PLAIN.parse("C4 - E4 - A4 - - -")[None])
    told = PLAIN.errors(x, y)
    assert next(iter(told)) == "wrong"
    assert float(told["f1"]) == pytest.approx(2 * 2 / (4 + 3))
    assert float(told["wrong"]) == pytest.approx(2 / 32)
    assert float(PLAIN.errors(x, PLAIN.likelihood.target(x))["f1"]) == 1


def test_training_hears_melodies_in_other_keys() -> None:
    x = PLAIN.tensor(melodies.melodies(300).items)
    moved = PLAIN.varied(x, rng(3))
    begun = x >= windows.FIRST
    by = (moved - x)[:, 0, 0]
    assert torch.equal(moved >= windows.FIRST, begun)
    assert torch.equal(torch.where(begun, moved - by[:, None, None], moved), x), "each by one interval"
    assert set(by.tolist()) == set(range(-5, 7))
    assert torch.equal(PLAIN.varied(x, rng(3)), moved)
    edge = PLAIN.tensor(np.stack([PLAIN.parse("A0"), PLAIN.parse("C8")] * 20))
    assert PLAIN.varied(edge, rng(0))[:, 0, 0].clamp(2, 89).equal(PLAIN.varied(edge, rng(0))[:, 0, 0])


def test_the_simplest_generator_follows_what_stood_there() -> None:
    data = melodies.melodies(500).items
    name, made = PLAIN.trivial(data, 100, 0)
    assert "Markov" in name
    seen = {(t, *pair) for row in data[:, 0] for t, pair in enumerate(itertools.pairwise(row))}
    assert all((t, *pair) in seen for row in made[:, 0] for t, pair in enumerate(itertools.pairwise(row)))


# -- what is seen


def test_a_roll_shows_every_note_and_tells_melodies_apart() -> None:
    a, b = PLAIN.parse("C4 - - - E4 - - -"), PLAIN.parse("C4 - - - F4 - - -")
    assert roll.notes(a[0]) == [(0, 4, 41), (4, 8, 45)]
    assert np.asarray(PLAIN.preview(a, 46)).shape == (46, 46, 3)
    assert not np.array_equal(np.asarray(PLAIN.preview(a, 46)), np.asarray(PLAIN.preview(b, 46)))
    pixels = np.asarray(PLAIN.preview(a, 256)).reshape(-1, 3)
    assert (pixels == roll.COLOURS[0]).all(1).sum() > 400
    two = Melody(voices=2).parse("C5 - - - / C4 - - -")
    shown = {tuple(c) for c in np.asarray(Melody(voices=2).preview(two, 128)).reshape(-1, 3).tolist()}
    assert {roll.COLOURS[0], roll.COLOURS[1]} <= shown


# -- drawn melodies, and real ones


def test_every_set_of_factors_gives_a_melody_of_its_own() -> None:
    grid = np.meshgrid(*[np.arange(len(v)) for v in melodies.FACTORS.values()], indexing="ij")
    drawn = melodies.draw({n: g.ravel() for n, g in zip(melodies.FACTORS, grid, strict=True)})
    assert len(np.unique(drawn[:, 0], axis=0)) == len(drawn)
    assert np.array_equal(windows.settled(drawn), drawn)


def test_drawn_melodies_are_what_their_factors_say() -> None:
    data = melodies.melodies(400, seed=3)
    assert np.array_equal(data.items, melodies.melodies(400, seed=3).items)
    assert not np.array_equal(data.items, melodies.melodies(400, seed=4).items)
    told = data.attributes.to_pydict()
    read = data.modality.readings(data.modality.soft(data.items))
    np.testing.assert_allclose(4 * read["density"].numpy(), told["density"], rtol=1e-5)
    rising = np.array(told["contour"]) == "rising"
    assert (read["contour"].numpy()[rising] > 0).all()
    major = np.array(told["mode"]) == "major"
    assert (read["in_key"].numpy()[major] > 0.999).all()
    with pytest.raises(LiminalError, match="n 0"):
        melodies.melodies(0)


def test_a_folder_of_tunes_is_a_dataset_that_parts_no_tune(tmp_path: Path) -> None:
    data = registry.dataset(kinds.tunes(tmp_path).parent)
    assert isinstance(data.modality, Melody)
    assert len(data) == kinds.COUNT
    assert len(set(data.groups or ())) == kinds.COUNT // 4
    assert set(data.attributes.column_names) == {"tune", "tonic", "mode", "bar", "chord"}
    assert set(data.attributes["mode"].to_pylist()) == {"major", "minor"}


@pytest.mark.skipif(files.data_folder() is None, reason="LIMINAL_DATA is not set")
def test_real_tunes_are_read_with_few_losses() -> None:
    folder = files.data_folder() / "nottingham"  # type: ignore[operator]
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    source = folder / "ABC_cleaned" / "xmas.abc"
    found = list(tunes.tunes(source.read_bytes(), "xmas.abc"))
    assert not [tune for tune in found if isinstance(tune, str)]
    m = Melody.infer([source])
    records = list(m.records(source, "xmas.abc"))
    kept = [r for r in records if r.item is not None]
    assert len(kept) > 50
    assert all("chord" in r.known for r in kept[:10])
    density = m.readings(m.soft(np.stack([r.item for r in kept])))["density"]
    assert 0.5 < float(density.mean()) < 3
