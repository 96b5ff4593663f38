"""Harmonies as JSON: what is read, what is told, and that no other JSON passes for it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from liminal import files, registry
from liminal.datasets import kinds
from liminal.errors import LiminalError
from liminal.modalities import chorales
from liminal.modalities.melody import Melody

CHORD = [72, 67, 64, 48]
TWO = Melody(bars=1, voices=2)


def piece(*rows: list[int]) -> list[list[int]]:
    """Steps of voices that are given one after the other."""
    return [list(step) for step in zip(*rows, strict=True)]


def told(**splits: object) -> io.BytesIO:
    return io.BytesIO(json.dumps(splits).encode())


def read(m: Melody, source: io.BytesIO):
    return list(m.records(source, "bach.json"))


def test_equal_pitches_in_a_row_are_held_and_silence_is_a_rest() -> None:
    top = [72] * 4 + [74] * 2 + [72] * 2 + [-1] * 8
    low = [-1] * 2 + [60] * 14
    (record,) = read(TWO, told(train=[piece(top, low)]))
    p = lambda pitch: pitch - 19
    assert record.item[0].tolist() == [p(72), 0, 0, 0, p(74), 0, p(72), 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert record.item[1].tolist() == [1, 0, p(60), *[0] * 13]


def test_a_piece_is_a_group_and_its_list_is_its_split() -> None:
    other = [[74, 67, 65, 50]] * 32
    records = read(Melody(bars=1, voices=4), told(train=[[CHORD] * 32, other], valid=[other], test=[other]))
    assert [r.known["split"] for r in records] == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2
    assert [r.known["bar"] for r in records] == [1, 2] * 4
    assert len({r.group for r in records}) == 4
    assert records[0].known["chord"] == "C"
    assert (records[0].known["tonic"], records[0].known["mode"]) == ("C", "major")
    assert not [remark for r in records for remark in r.remarks]


def test_fewer_voices_are_the_top_ones_and_it_is_said() -> None:
    (record,) = read(Melody(bars=1), told(train=[[CHORD] * 16]))
    assert record.item[0, 0] == 72 - 19
    assert record.remarks == ("read from the top voice of 4",)
    (record,) = read(TWO, told(train=[[CHORD] * 16]))
    assert record.item[:, 0].tolist() == [72 - 19, 67 - 19]
    assert record.remarks == ("read from the top 2 voices of 4",)


def test_what_is_left_of_a_last_bar_is_not_read() -> None:
    assert len(read(Melody(bars=1, voices=4), told(train=[[CHORD] * 28]))) == 1
    assert len(read(Melody(bars=1, voices=4), told(train=[[CHORD] * 8]))) == 1, "a piece of less than a bar"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"train": [', r"bach.json: no JSON \(line 1: "),
        (b'{"train": "\xff"}', "bach.json: no JSON"),
        (b"[" * 100_000, "bach.json: no JSON"),
        (b"[1, 2]", "bach.json: JSON of another form; wanted"),
        (b'{"name": "x"}', "bach.json: JSON of another form"),
        (b'{"train": [], "more": []}', "bach.json: it holds 'more'; wanted lists of pieces named train"),
    ],
)
def test_other_json_gives_one_clear_line(data: bytes, said: str) -> None:
    with pytest.raises(LiminalError, match=said) as caught:
        read(TWO, io.BytesIO(data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "piece 1 of train: wanted a list of steps"),
        ("a", "piece 1 of train: wanted a list of steps"),
        ([60, 62], "piece 1 of train, step 0: wanted a list of 1 to 16 MIDI pitches"),
        ([CHORD, CHORD[:3]], "piece 1 of train, step 1: wanted 4 MIDI pitches"),
        ([CHORD, [72, 67, 64, 128]], "piece 1 of train, step 1: 128; wanted a MIDI pitch"),
        ([CHORD, [72, 67, 64, "C"]], "piece 1 of train, step 1: 'C'; wanted a MIDI pitch"),
        ([CHORD, [72, 67, 64, True]], "step 1: True"),
        ([CHORD, [72, 67, 64, 60.5]], "step 1: 60.5"),
        ([CHORD, [72, 67, 64, float("nan")]], "step 1: nan"),
        ([[-1, -1]] * 16, "it is silent"),
    ],
)
def test_a_piece_that_is_wrong_loses_no_other(wrong: object, said: str) -> None:
    first, second, third = read(Melody(bars=1, voices=4), told(train=[[CHORD] * 16, wrong, [CHORD] * 16]))
    assert [r.item is None for r in (first, second, third)] == [False, True, False]
    assert said in second.remarks[0]


def test_only_json_of_this_form_is_taken_for_melodies(tmp_path: Path) -> None:
    every = registry.modalities()
    for name, text in (("a", '{"a": 1}'), ("b", '{"train": ["x.png"]}'), ("c", "[]"), ("d", '{"train": 1}')):
        (tmp_path / f"{name}.json").write_text(text)
    PIL.Image.new("L", (8, 8)).save(tmp_path / "one.png")
    found = kinds.look(tmp_path, every)
    assert list(found.files) == ["image"]
    assert found.others == {".json": 4}
    bach = tmp_path / "bach.json"
    bach.write_text(json.dumps({"train": [[CHORD] * 16] * 2}, indent=1))
    assert kinds.look(tmp_path, every).files == {"image": ["one.png"], "melody": ["bach.json"]}
    assert kinds.choose(bach, every, None)[0] is Melody
    with pytest.raises(LiminalError, match=r"a\.json: JSON of another form"):
        registry.dataset(tmp_path / "a.json")


def test_the_split_that_chorales_state_is_kept(tmp_path: Path) -> None:
    steps = lambda by: [[pitch + by for pitch in CHORD]] * 32
    path = tmp_path / "bach.json"
    path.write_text(json.dumps({"train": [steps(0), steps(2)], "valid": [steps(5)], "test": [steps(-3)]}))
    data = registry.dataset(path, voices=4)
    assert data.held_out.tolist() == [False, False, True, True]
    assert data.attributes.column_names == ["tonic", "mode", "bar", "chord"]
    assert data.modality == Melody(2, 4, 4, (4, 4))


@pytest.mark.skipif(files.data_folder() is None, reason="LIMINAL_DATA is not set")
def test_bachs_chorales_are_read_whole() -> None:
    path = files.data_folder() / "jsb_chorales" / "Jsb16thSeparated.json"  # type: ignore[operator]
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    raw = json.loads(path.read_text())
    assert chorales.count(path.read_bytes(), "") == 382
    records = read(Melody(voices=4), io.BytesIO(path.read_bytes()))
    assert all(r.item is not None for r in records)
    assert len(records) == sum(len(p) // 32 for pieces in raw.values() for p in pieces)
    first = np.array(next(iter(raw.values()))[0])[:32].T
    sounding = records[0].item.astype(int).copy()
    for t in range(1, 32):
        sounding[:, t] = np.where(sounding[:, t] == 0, sounding[:, t - 1], sounding[:, t])
    assert np.array_equal(sounding + 19, first)
