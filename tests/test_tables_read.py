"""Tables as people have them: encodings, headers, odd cells, dates, ids, names, and rows matched to items."""

from __future__ import annotations

import contextlib
import csv as csvs
import io
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import draw_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import hurry

import liminal
from liminal import registry
from liminal.cli import console, main
from liminal.datasets import Dataset
from liminal.datasets.attributes import join_attributes, with_attributes
from liminal.errors import LiminalError
from liminal.modalities.image import Image
from liminal.names import RESERVED, check_names, fit_names
from liminal.ops.formulas import formula
from liminal.rows import FIXED
from liminal.tabular.cells import typed
from liminal.tabular.tables import read_table
from liminal.voice import Voice


def put(folder: Path, text: str | bytes, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return folder / name


def column(folder: Path, cells: list[str], separator: str = ",") -> tuple[list | None, str]:
    """What a column of these cells becomes: its values, None where it is left out, and what is said of it."""
    with open(folder / "c.csv", "w", newline="", encoding="utf-8") as file:
        rows = csvs.writer(file, delimiter=separator)
        rows.writerows([("file", "v"), *((f"{i}.png", cell) for i, cell in enumerate(cells))])
    table, _ = read_table(folder / "c.csv")
    values, said = typed(table)
    assert len(said) == table.num_columns
    return values["v"].to_pylist() if "v" in values.column_names else None, said[1]


# --- cells


AGES = ["31", "24", "52.5", "45", "", "61", "72", "18", "30"]


@pytest.mark.parametrize(
    "odd", ["-", "?", "#N/A", ".", "unknown", "NA", "n/a", "null", "none", "NaN", "<NA>", "n.a.", "old"]
)
def test_numbers_stay_numbers_beside_an_odd_cell(odd: str, tmp_path: Path) -> None:
    cells = [*AGES[:2], odd, *AGES[2:]]
    values, said = column(tmp_path, cells)
    assert values == [31, 24, None, 52.5, 45, None, 61, 72, 18, 30]
    assert "number" in said
    assert "1 of 9 cells" in said
    assert repr(odd) in said


def test_more_than_odd_cells_make_words(tmp_path: Path) -> None:
    values, said = column(tmp_path, ["36", "38", "XL", "S", "40", "M"])
    assert values == ["36", "38", "XL", "S", "40", "M"]
    assert "category of 6" in said
    assert "3 of 6" in said
    values, _ = column(tmp_path, ["?", "?", "-", "3"])  # what only says unknown may be most of a column
    assert values == [None, None, None, 3]


@pytest.mark.parametrize(
    ("cells", "separator", "wanted", "word"),
    [
        (["3,5", "4", "-0,25"], ";", [3.5, 4, -0.25], "decimal comma"),
        (["3,5", "4", "-0,25"], ",", [3.5, 4, -0.25], "decimal comma"),
        (["1.250,5", "2.000", "3,5"], ";", [1250.5, 2000, 3.5], "decimal comma"),
        (["1.250", "0.125"], ";", [1.25, 0.125], "number"),
        (["1,250", "12,000.5", "7"], ",", [1250, 12000.5, 7], "thousands"),
        (["1'250", "12'000", "7"], ",", [1250, 12000, 7], "number"),
        (["1 250", "12\u00a0000", "7"], ",", [1250, 12000, 7], "number"),
        (["20%", "5 %", "0.5%"], ",", [20, 5, 0.5], "20% is 20"),
        (["$20", "-$1.5", "$1,000"], ",", [20, -1.5, 1000], "$"),
        (["3,50 €", "1.000,00 €"], ";", [3.5, 1000], "€"),
        (["−5", "1e3", "+.5"], ",", [-5, 1000, 0.5], "number"),
        (["1.250.000", "2.000", "3"], ";", [1_250_000, 2000, 3], "points between thousands"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(
    cells: list[str], separator: str, wanted: list[float], word: str, tmp_path: Path
) -> None:
    values, said = column(tmp_path, cells, separator)
    assert values == wanted
    assert word in said


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["TRUE", "FALSE", "NA", "TRUE"], [True, False, None, True]),
        (["yes", "no", "1", "No"], [True, False, True, False]),
        (["yes", "0", "no"], [True, False, False]),
        (["T", "F", "T"], [True, False, True]),
        (["y", "N", "?"], [True, False, None]),
        (["1", "0", "-", "1", "0"], [True, False, None, True, False]),
        (["1.0", "0", ""], [True, False, None]),
        (["f", "m", "f"], ["f", "m", "f"]),
        (["y", "x"], ["y", "x"]),
        (["n", "n"], ["n", "n"]),
        (["+", "-", "+"], ["+", "-", "+"]),
        (["red", "NA", "?", "none"], ["red", None, None, "none"]),
    ],
)
def test_yes_or_no_and_words(cells: list[str], wanted: list, tmp_path: Path) -> None:
    values, said = column(tmp_path, cells)
    assert values == wanted
    assert ("unknown" in said) == (None in wanted and "" not in cells)


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["1234567890123456789", "1234567890123456790", "12"], None),
        (["00007", "12345", "99999"], None),
        (["010", "?", "10"], ["010", None, "10"]),
        (["9007199254740992", "3"], [2.0**53, 3]),
        (["12345.00001234567890123", "1"], [12345.00001234567890123, 1]),
    ],
)
def test_what_a_number_cannot_hold_stays_text(cells: list[str], wanted: list | None, tmp_path: Path) -> None:
    assert column(tmp_path, cells)[0] == (wanted or cells)


def test_ids_of_parquet_stay_whole(tmp_path: Path) -> None:
    ids = [1234567890123456789, 1234567890123456790]
    pq.write_table(pa.table({"user": ids, "n": [1, 2]}), tmp_path / "t.parquet")
    values, _ = typed(read_table(tmp_path / "t.parquet")[0])
    assert values.to_pydict() == {"user": [str(i) for i in ids], "n": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("cells", "wanted", "word"),
    [
        (["2020-01-02", "1970-01-01"], ["2020-01-02", "1970-01-01"], "date"),
        (["2020-01-02T06:00:00Z", "2020-01-02 12:00"], ["2020-01-02T06", "2020-01-02T12"], "date"),
        (["2020-01-02T06:00:00+06:00", ""], ["2020-01-02", None], "date"),
        (["2.1.2020", "31.12.2019", "?"], ["2020-01-02", "2019-12-31", None], "'?'"),
        (["1/2/2020", "3/4/2021"], ["2020-01-02", "2021-03-04"], "month/day"),
        (["1/2/2020", "13/2/2020"], ["2020-02-01", "2020-02-13"], "day/month"),
        (["Jan 5, 2020", "Feb 29, 2020"], ["2020-01-05", "2020-02-29"], "date"),
        (["5 January 2020", "29 February 2020"], ["2020-01-05", "2020-02-29"], "date"),
        (["2020/01/02 13:30:00", "2020/1/3 00:00:00"], ["2020-01-02T13:30", "2020-01-03"], "date"),
    ],
)
def test_dates(cells: list[str], wanted: list[str], word: str, tmp_path: Path) -> None:
    values, said = column(tmp_path, cells)
    assert values is not None
    assert [None if v is None else np.datetime64(v) for v in values] == [
        None if w is None else np.datetime64(w) for w in wanted
    ]
    assert word in said


def test_a_date_as_an_attribute_is_a_number_of_days(tmp_path: Path) -> None:
    said: list[str] = []
    file = put(tmp_path, "file,born\na.png,1970-01-02\nb.png,1969-12-31T12:00\nc.png,\n")
    table = join_attributes(file, ["a.png", "b.png", "c.png"], said.append)
    assert table.to_pydict() == {"born": [1.0, -0.5, None]}
    assert any("born" in s and "days since 1970-01-01" in s for s in said)


@pytest.mark.parametrize(
    "cells", [["4.5.6", "1.10.2"], ["555-1234", "555-9876"], ["10:30", "11:45"], ["1-2", "3-4"]]
)
def test_no_dates(cells: list[str], tmp_path: Path) -> None:
    assert column(tmp_path, cells)[0] == cells


def test_huge_stand_ins_are_unknown(tmp_path: Path) -> None:
    for huge in ("-1.7976931348623157e308", "-3.4028235e+38", "1e999", "-" + "9" * 39):
        if huge == "1e999":
            with pytest.raises(LiminalError, match="row 2 is infinite"):
                column(tmp_path, ["2.5", huge, "-999"])
            continue
        values, said = column(tmp_path, ["2.5", huge, "-999"])
        assert values == [2.5, None, -999]
        assert "1 cell" in said
        assert "unknown" in said


@pytest.mark.parametrize(
    ("cells", "odd"),
    [
        (["30", "41", "-999", "52", "-999"], "2 cells are -999"),
        (["1", "5", "99", "3"], "1 cell is 99,"),
        (["97", "98", "99", "100"], ""),
        (["0", "500", "999"], ""),
        (["10", "-12", "12"], ""),
    ],
)
def test_a_number_of_nines_far_from_all_others_is_pointed_out(
    tmp_path: Path, cells: list[str], odd: str
) -> None:
    values, said = column(tmp_path, cells)
    assert values == [float(cell) for cell in cells]  # kept: who brings them knows
    assert (odd in said) if odd else ("far from" not in said)


def test_a_key_is_said_and_left_out(tmp_path: Path) -> None:
    values, said = column(tmp_path, [f"u{i:x}" for i in range(30)])
    assert values is None
    assert "key" in said
    assert column(tmp_path, [f"u{i // 2}" for i in range(30)])[0] is not None
    table = pa.table({"person_id": range(20), "height": range(20), "label": [str(i) for i in range(20)]})
    assert typed(table)[0].column_names == ["height", "label"]


def test_what_cannot_be_an_attribute_is_said() -> None:
    table = pa.table({"list": [[1], [2]], "raw": [b"a", b"b"], "null": pa.nulls(2), "blank": ["", " "]})
    values, said = typed(table)
    assert values.num_columns == 0
    assert [s.split(":")[0] for s in said] == ["list", "raw", "null", "blank"]
    assert all("left out" in s for s in said)


@settings(deadline=None, max_examples=60)
@given(
    numbers=st.lists(st.floats(-1e9, 1e9).map(lambda v: round(v, 3)), min_size=5, max_size=30),
    odd=st.sampled_from(["", "?", "x"]),
)
def test_any_numbers_come_back(
    numbers: list[float], odd: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values, _ = column(tmp_path_factory.mktemp("t"), [*map(repr, numbers), odd])
    wanted: list = [*numbers, None]
    if set(numbers) <= {0.0, 1.0}:
        wanted = [*map(bool, numbers), None]
    if numbers and {abs(v) for v in numbers} == {1.0} and -1.0 in numbers:
        wanted = [*(v > 0 for v in numbers), None]
    assert values == wanted


# --- files


CITY = "file,stadt\na.png,Köln\nb.png,Düren\n"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", ""), ("utf-8-sig", ""), ("latin-1", "cp1252"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")],
)
def test_encodings(encoding: str, said: str, tmp_path: Path) -> None:
    table, remarks = read_table(put(tmp_path, CITY, encoding=encoding))
    assert table.to_pydict() == {"file": ["a.png", "b.png"], "stadt": ["Köln", "Düren"]}
    assert said in " ".join(remarks)
    assert bool(said) == bool(remarks)


def test_bytes_that_windows_does_not_know_are_read_too(tmp_path: Path) -> None:
    table, _ = read_table(put(tmp_path, b"file,v\na.png,\x81\xe9\n"))
    assert table["v"].to_pylist() == ["\x81é"]


@pytest.mark.parametrize(
    "text",
    [
        "file,note,n\na.png,x y,3\nb.png,z,4\n",
        "file;note;n\na.png;x y;3\nb.png;z;4\n",
        "file\tnote\tn\na.png\tx y\t3\nb.png\tz\t4\n",
        "file|note|n\r\na.png|x y|3\r\nb.png|z|4\r\n",
        "file,note,n\ra.png,x y,3\rb.png,z,4",
        'file, note, n\na.png, "x y", 3\n b.png ,z , 4\n',
        "sep=;\nfile;note;n\na.png;x y;3\nb.png;z;4\n",
        '"sep=|"\nfile|note|n\na.png|x y|3\nb.png|z|4\n',
        '\n"file" "note"  "n"\na.png  "x y"   3  \n\nb.png z 4\n',
        "file,note,n,\na.png,x y,3,\n,,,\nb.png,z,4,\n",
        ",file,note,n\n0,a.png,x y,3\n1,b.png,z,4\n",
        "file,note,n\na.png,x y,3,\nb.png,z,4,\n".replace("file,note,n", "file,note,n,"),
    ],
)
def test_forms_of_one_table(text: str, tmp_path: Path) -> None:
    table, _ = read_table(put(tmp_path, text))
    assert table.to_pydict() == {"file": ["a.png", "b.png"], "note": ["x y", "z"], "n": ["3", "4"]}


def test_quotes_that_are_not_doubled_are_said(tmp_path: Path) -> None:
    """A quote that is closed in a later row makes one row of two."""
    table, said = read_table(put(tmp_path, 'a,b\n1,"say "hi" now"\n2,"z"\n'))
    assert table["b"].to_pylist() == ['say hi" now"', "z"]
    assert any("quotes" in line and "2 rows" in line for line in said)
    table, said = read_table(put(tmp_path, 'a,b\n1,"x y\n2,"z"\n3,4\n'))
    assert any("2 rows" in line for line in said)
    for good in ('a,b\n1,"say ""hi"" now"\n', 'a,b\n1,"two\nlines"\n', "a,b\n1,2\n"):
        assert not any("quotes" in line for line in read_table(put(tmp_path, good))[1])


def test_separators_within_quotes_do_not_count(tmp_path: Path) -> None:
    table, _ = read_table(put(tmp_path, 'file;"a, b, c"\na.png;"1; 2"\nb.png;"x, y\nz"\n'))
    assert table.to_pydict() == {"file": ["a.png", "b.png"], "a, b, c": ["1; 2", "x, y\nz"]}


CELEBA = """3
5_o_Clock_Shadow Bald Young
000001.jpg -1  1 -1
000002.jpg -1  1  1
000003.jpg  1  1 -1
"""


def test_celeba(tmp_path: Path) -> None:
    said: list[str] = []
    file = put(tmp_path, CELEBA, "list_attr_celeba.txt")
    table = join_attributes(file, ["img/000002.jpg", "img/000003.jpg"], said.append)
    assert table.to_pydict() == {
        "5_o_Clock_Shadow": [False, True],
        "Bald": [True, True],
        "Young": [True, False],
    }
    assert sum("yes/no" in s and "-1 is no" in s for s in said) == 3
    identities = put(tmp_path, "000001.jpg 2880\n000002.jpg 2937\n000003.jpg 2937\n", "identity_CelebA.txt")
    assert join_attributes(identities, ["000003.jpg", "000001.jpg"])["column_2"].to_pylist() == [2937, 2880]


def test_minus_one_is_no_only_where_the_whole_table_is_so(tmp_path: Path) -> None:
    table, _ = read_table(put(tmp_path, "file,turn,age\na.png,-1,31\nb.png,1,40\n"))
    assert typed(table)[0]["turn"].to_pylist() == [-1, 1]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a.png,3,x\nb.png,4,y\nc.png,0,x\n", ["a.png", "b.png", "c.png"]),
        ("31,0.5\n24,0.25\n", ["31", "24"]),
        ("Rex,dog,\nTom,cat,\nKit,dog,\n", ["Rex", "Tom", "Kit"]),
        ("a.png,-\nb.png,3\n", ["a.png", "b.png"]),
    ],
)
def test_without_a_header_no_row_is_lost(text: str, columns: list[str], tmp_path: Path) -> None:
    table, remarks = read_table(put(tmp_path, text))
    assert table["column_1"].to_pylist() == columns
    assert any("no header" in r for r in remarks)


@pytest.mark.parametrize(
    "text",
    [
        "country,2019,2020\nFR,1,2\nDE,2,3\n",
        "what,v\na.png,3\n",
        "name\nx\ny\n",
        "a,b\nx,y\nz,w\n",
        ",0,1\n0,5.5,3\n1,4.5,1\n",
    ],
)
def test_a_header_is_seen(text: str, tmp_path: Path) -> None:
    table, remarks = read_table(put(tmp_path, text))
    assert table.num_rows == text.count("\n") - 1
    assert not any("header" in r for r in remarks)


def test_rows_named_without_a_header_of_their_own(tmp_path: Path) -> None:
    for text in ('"","age"\n"a.png",31\n"b.png",32\n', '"age" "hat"\n"a.png" 31 TRUE\n"b.png" 32 FALSE\n'):
        assert join_attributes(put(tmp_path, text), ["b.png", "a.png"])["age"].to_pylist() == [32, 31]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("file,age,age\na.png,1,2\n", "'age' occurs twice"),
        ("file,age, age \na.png,1,2\n", "'age' occurs twice"),
        ("file,age\na.png,1\nb.png,2,3\n", "row 2 .*3 cells, wanted 2"),
        ('file,age\na.png,"1\nb.png,2\n', "quote is never closed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1", "no text"),
    ],
)
def test_tables_that_cannot_be_read(content: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(LiminalError, match=words) as told:
        read_table(put(tmp_path, content))
    assert "\n" not in str(told.value)


def test_a_table_longer_than_what_is_looked_at_first(tmp_path: Path) -> None:
    rows = [f"{i}.png,{'x' * (i % 50)},{i}" for i in range(30_000)]
    table, _ = read_table(put(tmp_path, "file,note,n\n" + "\n".join(rows)))
    assert len(table) == 30_000
    assert table["n"].to_pylist() == [str(i) for i in range(30_000)]


@settings(deadline=None, max_examples=80)
@given(
    cells=st.lists(
        st.tuples(
            st.text("ab ,;|'\"\té\n", min_size=1, max_size=8).map(str.strip).filter(bool),
            st.integers(2, 99),
        ),
        min_size=2,
        max_size=6,
    ),
    separator=st.sampled_from([",", ";", "\t", "|"]),
)
def test_written_tables_are_read_again(
    cells: list[tuple[str, int]], separator: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("t") / "t.csv"
    with open(file, "w", newline="", encoding="utf-8") as out:
        rows = csvs.writer(out, delimiter=separator, quoting=csvs.QUOTE_ALL)
        rows.writerows([("file", "note", "n"), *((f"{i}.png", *cell) for i, cell in enumerate(cells))])
    table, _ = read_table(file)
    assert table.column_names == ["file", "note", "n"]
    assert table["note"].to_pylist() == [note for note, _ in cells]


# --- rows and items


def test_equal_names_in_two_folders(tmp_path: Path) -> None:
    items = ["a/000.png", "a/001.png", "b/000.png", "b/001.png"]
    body = "a/000.png,2\nb/000.png,3\nb/001.png,4\n"
    for before in ("", "./", "photos/", "/home/me/photos/"):
        text = "file,age\n" + "".join(before + row + "\n" for row in body.split())
        assert join_attributes(put(tmp_path, text), items)["age"].to_pylist() == [2, None, 3, 4]
    deep = [f"x/{name}" for name in items]
    assert join_attributes(put(tmp_path, "file,age\n" + body), deep)["age"].to_pylist() == [2, None, 3, 4]
    stems = body.replace(".png", "")
    assert join_attributes(put(tmp_path, "file,age\n" + stems), deep)["age"].to_pylist() == [2, None, 3, 4]


def test_a_name_that_two_items_have_is_said(tmp_path: Path) -> None:
    items = ["a/000.png", "b/000.png", "b/001.png"]
    with pytest.raises(LiminalError, match=r"'000\.png' may be 'a/000\.png' or 'b/000\.png'"):
        join_attributes(put(tmp_path, "file,age\n000.png,2\n"), items)
    said: list[str] = []
    table = join_attributes(put(tmp_path, "file,age\n000.png,2\n001.png,3\nq.png,4\n"), items, said.append)
    assert table["age"].to_pylist() == [None, None, 3]
    assert any("'000.png' may be" in s for s in said)
    assert any("1 of 3 rows" in s and "'q.png'" in s for s in said)


@pytest.mark.parametrize("key", ["file", "img", "photo of"])
def test_twins_are_refused_whatever_their_column_is_called(key: str, tmp_path: Path) -> None:
    for rows in ("a.png,1\na.png,2\n", "a.png,1\nb.png,2\nb.png,3\n", "a.png,1\nb.png,2\nc.png,3\nb.png,4\n"):
        with pytest.raises(LiminalError, match=r"stands in rows \d and \d"):
            join_attributes(put(tmp_path, f"{key},age\n{rows}"), ["a.png", "b.png", "c.png"])


# --- names


def test_names_that_a_space_cannot_keep_are_changed() -> None:
    assert set(FIXED) <= RESERVED  # else a name is refused only after the training
    names, said = fit_names(["split", "id", "a.b", "Smile", "smile", " ", 'x"y', "z", "split_", "fine"])
    check_names(names)
    assert names == ["split__", "id_", "a_b", "Smile", "smile_", "unnamed", "x_y", "z_", "split_", "fine"]
    assert len(said) == 7
    with pytest.raises(LiminalError):
        check_names(["split"])


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.text(max_size=6) | st.sampled_from(["id", "ID", "id_", "a.b", "a_b", "split"]),
        max_size=8,
        unique=True,
    )
)
def test_changed_names_can_always_be_kept(names: list[str]) -> None:
    fit, _ = fit_names(names)
    check_names(fit)
    assert fit_names(fit) == (fit, ())


def a_set(attributes: pa.Table) -> Dataset:
    items = np.zeros((len(attributes), 8, 8, 1), np.uint8)
    return Dataset("own", Image(8, 8, 1), items, [f"{i}.png" for i in range(len(items))], attributes)


def test_names_are_changed_when_data_are_read(tmp_path: Path) -> None:
    own = a_set(
        pa.table(
            {"source": ["lens", "film"], "n.o": [1, 2], "dates": pa.array([0, 86_400], pa.timestamp("s"))}
        )
    )
    read = registry.dataset(own)
    assert read.attributes.to_pydict() == {
        "source_": ["lens", "film"],
        "n_o": [1.0, 2.0],
        "dates": [0.0, 1.0],
    }
    assert sum("is called" in note for note in read.notes) == 2
    file = put(tmp_path, "file,id.no,split\n0.png,5,test\n1.png,6,train\n")
    joined = with_attributes(a_set(pa.table({"x": [1.0, 2.0]})), file)
    assert joined.attributes.column_names == ["x", "id_no", "split_"]
    assert any("split_" in note for note in joined.notes)
    assert any(note.startswith("id.no: number") for note in joined.notes)


class Heard(Voice):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(scope="module")
def odd_space(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A space with attributes of odd names and values, and what its fit printed."""
    folder = draw_pictures(tmp_path_factory.mktemp("odd"), 120)
    lines = (folder / "attributes.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    body = [
        f"{f};{b.replace('.', ',')};{h};{i % 3};{'train' if i % 5 else 'test'}"
        for i, (f, b, h) in enumerate(rows)
    ]
    body[7] = body[7].replace(";yes", ";?").replace(";no", ";?")
    put(folder, "\n".join(["file;sleeve length;5_o_clock;label;source", *body]))
    command = f"fit {folder}/pictures -o {folder}/space --dim 3 --epochs 4 --width 8 --threads 1"
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        hurry(patch)
        assert main([*shlex.split(command), "--attributes", str(folder / "t.csv")]) == 0
    return folder / "space", out.getvalue()


def test_what_fit_suggests_can_be_read(odd_space: tuple[Path, str]) -> None:
    folder, said = odd_space
    edits = [shlex.split(line) for line in said.splitlines() if line.strip().startswith("liminal edit ")]
    assert len(edits) == 1
    tree = formula.parse(edits[0][4])
    space = liminal.open(folder)
    assert set(formula.attributes(tree)) <= {"sleeve length", "5_o_clock", "label", "source_"}
    assert space.card.attributes == {
        "sleeve length": "number",
        "5_o_clock": "bool",
        "label": "category",
        "source_": "category",
    }
    space.edit("@0", edits[0][4])


def test_formulas_and_filters_of_odd_names(
    odd_space: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    space = liminal.open(odd_space[0])
    labels = space.catalogue.table(columns=["label"])["label"].to_pylist()
    wanted = space.latents[[label == "2" for label in labels]].mean(0)
    np.testing.assert_allclose(space.latent("mean(label=2)"), wanted, atol=1e-5)
    np.testing.assert_allclose(space.latent("mean(label in (2))"), wanted, atol=1e-5)
    assert set(space.neighbors("@0", 5, "label=2 and 5_o_clock = yes")["label"].to_pylist()) == {"2"}
    assert len(space.neighbors("@0", 5, "`sleeve length` > 0.5 and 5_o_clock")) == 5
    with pytest.raises(LiminalError, match="label has no value '7'"):
        space.latent("mean(label=7)")
    assert main(["neighbors", str(odd_space[0]), "@0", "-k", "3", "--where", "label=2"]) == 0
    assert "2" in capsys.readouterr().out


def test_a_label_with_stand_ins_leaves_the_space_whole(odd_space: tuple[Path, str], tmp_path: Path) -> None:
    liminal.open(odd_space[0]).save(tmp_path / "copy")
    space = liminal.open(tmp_path / "copy")
    sources = space.catalogue.table(columns=["source"])["source"].to_pylist()
    values = ["-1.7976931348623157e308" if i % 9 == 0 else f"{i / 7:.3f}" for i in range(len(sources))]
    rows = [f"{s},{v},{i}" for i, (s, v) in enumerate(zip(sources, values, strict=True))]
    heard = Heard()
    names = space.label(put(tmp_path, "\n".join(["file,depth,id", *rows])), heard)
    assert names == ["depth"]
    assert any("depth" in s and "beyond" in s for s in heard.said)
    assert any("id" in s and "key" in s for s in heard.said)
    depth = space.catalogue.table(columns=["depth"])["depth"]
    assert depth.null_count == -(-len(sources) // 9)
    assert np.isfinite(space.latent("@0 + `sleeve length`").numpy()).all()


# --- what a terminal sees


def test_control_signs_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b[2Jb\x9bc\u202ed\x07"
    console.say(evil)
    console.table(("name", "value"), [(evil, 1), ("two\nlines", 2)])
    console.complain("liminal x", evil)
    console.emit({evil: evil})
    with console.speaking(quiet=False) as voice:
        voice.say(evil)
        voice.warn(evil)
    out = "".join(capsys.readouterr())
    assert not set(out) & {"\x1b", "\x9b", "\u202e", "\x07"}
    assert out.count("\\x1b[2Jb") == 5
    assert len(out.splitlines()) == 1 + 3 + 1 + 3 + 2
    assert console.cell("naïve 🙂 日本") == "naïve 🙂 日本"
