"""The studio over spaces of other kinds than pictures: nothing on its way takes an item for one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from PIL import Image

import liminal
from liminal.errors import LiminalError
from liminal.ops import support
from liminal.studio import answers, known, moves, share, wire
from liminal.studio.session import Session

KEYS: list[wire.Place] = ["@3", "@90"]


@pytest.fixture(scope="module", params=["strand_space", "wine_space"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    folder: Path = request.getfixturevalue(request.param)
    one = Session(folder.name, folder, space=liminal.open(folder))
    one.settle("pca")
    yield one
    one.close(5.0)


def test_the_page_is_told_what_its_view_needs(session: Session) -> None:
    told, m = session.about(True, None), session.space.modality
    assert session.modality == m
    assert (told.modality.name, told.modality.noun, told.modality.plural) == (m.name, m.noun, m.plural)
    assert type(m)(**told.modality.config) == m
    assert {f".{ending}" for ending in told.modality.reads} == set(m.reads)
    assert {"gif", "png"} <= set(told.modality.drawn) <= set(told.modality.films)
    assert not {f".{ending}" for ending in told.modality.drawn} & set(m.films)
    assert ("support" in told.able) == (session.card.data["n_held"] >= support.LEAST_HELD)
    assert known.LEAST_HELD == support.LEAST_HELD


def test_thumbnails_are_previews(session: Session) -> None:
    m, (width, height) = session.space.modality, session.tile
    assert max(width, height) <= wire.TILE
    sheet = np.array(session.sheet(np.arange(40)).convert("RGB"))
    assert sheet.shape == (2 * height, wire.ACROSS * width, 3)
    for row in (0, 33):
        down, right = divmod(row, wire.ACROSS)
        tile = sheet[down * height : (down + 1) * height, right * width : (right + 1) * width]
        assert np.array_equal(tile, np.array(m.preview(session.space.items([row])[0], max(width, height))))


def test_an_item_and_its_reconstruction(session: Session) -> None:
    m, items = session.space.modality, session.space.items([7])
    assert answers.item(session, 7).caption == m.caption(items[0])
    both = wire.unpack(answers.stored(session, 7).pack())["items"]
    assert both.dtype == m.item_dtype
    assert np.array_equal(both[:1], items, equal_nan=both.dtype.kind == "f")
    assert np.array_equal(
        both[1:], session.space.decode(session.space.latents[[7]]), equal_nan=both.dtype.kind == "f"
    )
    shown = answers.picture(session, 7, "original")
    assert shown == m.media(items[0], m.side)
    assert shown.type in ("image/png", "text/html")


def test_what_is_unusual_in_an_item_is_told_where_its_kind_states_something(session: Session) -> None:
    m, cells = session.space.modality, answers.unusual(session, 7).cells
    assert ("unusual" in session.about(True, None).able) == bool(cells)
    if not cells:
        return
    stated = m.stated(session.space.items([7]))
    known = {name: m.said(name, values[0]) for name, values in stated.items() if values[0] is not None}
    assert {cell.name: cell.value for cell in cells} == known
    assert [cell.p for cell in cells] == sorted(cell.p for cell in cells)
    assert [cell.name for cell in cells] == [cell.name for cell in session.space.unusual("@7")]


def test_rows_are_told_in_words(session: Session) -> None:
    m, rows = session.space.modality, [7, 3]
    assert session.sources(rows).captions == [m.caption(item) for item in session.space.items(rows)]
    assert session.sources([]).captions == []


def test_items_of_answers_are_those_of_the_space(session: Session) -> None:
    z = session.space.latents[[5, 80]].numpy()
    found = wire.unpack(wire.Look(**session.look(z, "pca")).pack())["items"]
    assert np.array_equal(found, session.space.decode(z), equal_nan=found.dtype.kind == "f")
    assert found.dtype == session.space.modality.item_dtype


def test_a_dropped_file(session: Session, tmp_path: Path) -> None:
    m, item = session.space.modality, session.space.items([40])[0]
    m.write(item, tmp_path / f"one{m.writes[0]}")
    found = answers.encode(session, (tmp_path / f"one{m.writes[0]}").read_bytes(), "pca")
    assert np.allclose(found.original, item, atol=1e-6, equal_nan=True)
    assert np.allclose(found.z[0], session.space.latents[40], atol=1e-3)
    with pytest.raises(LiminalError):
        answers.encode(session, b"\xff\xfe\x00", "pca")


def test_a_dropped_file_of_many(session: Session, tmp_path: Path) -> None:
    """The first of them is taken, and that is said."""
    m, items = session.space.modality, session.space.items([40, 41])
    m.write_many(items, tmp_path / f"many{m.gathers[0]}")
    found = answers.encode(session, (tmp_path / f"many{m.gathers[0]}").read_bytes(), "pca")
    assert np.allclose(found.original, items[0], atol=1e-6, equal_nan=True)
    assert found.remarks[-1] == f"the first of several {m.plural} in the file"


def test_pieces(tune_space: Path, strand_space: Path) -> None:
    """Of kinds whose length is measured: the same as the library's, heard and saved; others do without."""
    other = Session("strands", strand_space, space=liminal.open(strand_space))
    assert other.about(True, None).modality.measure is None
    assert "compose" not in other.about(True, None).able
    other.close(5.0)
    one = Session("tunes", tune_space, space=liminal.open(tune_space))
    one.settle("pca")
    told = one.about(True, None)
    assert told.modality.measure == ("bars", 1.0)
    assert "compose" in told.able
    items = [*KEYS, one.space.latents[4].tolist()]
    asked = wire.ComposeRequest(items=items, form="ABA'", length=12, method="pca", seed=3)
    found, wanted = (
        moves.compose(one, asked),
        one.space.compose(*KEYS, one.space.latents[4], form="ABA'", length=12, seed=3),
    )
    assert np.array_equal(found.items, wanted.frames)
    assert found.at == [0, 4, 8]
    assert np.isfinite(found.xy).all()
    assert found.copy_as.command is None
    asked = asked.model_copy(update={"items": KEYS})
    made = moves.compose(one, asked).copy_as
    assert made.command == (
        "liminal compose tunes @3 @90 --length 12 --form 'ABA'\"'\"'' --seed 3 -o piece.mid"
    )
    line = (made.python or "").splitlines()[-1].removesuffix('.save("piece.mid")')
    again = eval(line, {"space": one.space})
    assert np.array_equal(again.frames, moves.compose(one, asked).items)
    score = moves.export(one, wire.ExportRequest(path=asked, format="mid"))
    assert score[:4] == b"MThd"
    assert moves.export(one, wire.ExportRequest(path=asked, format="wav"))[:4] == b"RIFF"
    with pytest.raises(LiminalError, match="wanted at most 480"):
        moves.compose(one, asked.model_copy(update={"length": 481.0}))
    one.close(5.0)


def test_paths_are_saved_as_what_the_kind_has(session: Session) -> None:
    path = wire.PathRequest(keys=KEYS, frames=6, method="pca", along="linear")
    assert moves.export(session, wire.ExportRequest(path=path, format="gif"))[:6] == b"GIF89a"
    sheet = Image.open(io.BytesIO(moves.export(session, wire.ExportRequest(path=path, format="png"))))
    assert sheet.width > sheet.height / 6
    larger = Image.open(
        io.BytesIO(moves.export(session, wire.ExportRequest(path=path, format="png", times=2)))
    )
    assert larger.width > 1.5 * sheet.width
    if "csv" in session.about(True, None).modality.films:
        data = moves.export(session, wire.ExportRequest(path=path, format="csv"))
        assert len(pyarrow.csv.read_csv(io.BytesIO(data))) == 6
    with pytest.raises(LiminalError, match="'wav'"):
        moves.export(session, wire.ExportRequest(path=path, format="wav"))


def test_words_on_licences_name_the_kind(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(session.card.data, "licence", "not stated")
    assert session.space.modality.plural in (share.warning(session) or "")


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_items_travel_in_their_own_type(dtype: str) -> None:
    info = np.iinfo(dtype) if dtype[0] in "ui" else np.finfo(dtype)
    items = np.array([[info.min, info.max, 1]], dtype)
    for order in ("<", ">"):
        found = wire.unpack(wire.Decoded(items=items.astype(f"{order}{dtype}")).pack())["items"]
        assert found.dtype == np.dtype(f"<{dtype}")
        assert np.array_equal(found, items)


@pytest.mark.parametrize("dtype", ["i8", "u8", "f2", "c8", "?", "U3"])
def test_items_of_a_type_that_pages_have_no_arrays_of_are_refused(dtype: str) -> None:
    with pytest.raises(LiminalError, match=r"items.*uint8, int8"):
        wire.Decoded(items=np.zeros((1, 2), dtype)).pack()


def test_no_number_on_the_wire_becomes_another() -> None:
    shapes = wire.Look.arrays() | wire.At.arrays()
    assert shapes["nearest"].fitted("nearest", np.array([5], np.int64)).dtype == np.int32
    assert shapes["inside"].fitted("inside", np.array([True])).tolist() == [1]
    for name, value in (
        ("nearest", np.array([2**40])),
        ("nearest", np.array([0.5])),
        ("inside", np.array([300], np.int16)),
        ("inside", np.array([-1])),
    ):
        with pytest.raises(LiminalError, match=name):
            shapes[name].fitted(name, value)
