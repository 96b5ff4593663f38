"""Rows of a table: types, codes that go back, files, literals, errors, readings, pictures; and a model that
fills gaps."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from liminal import registry
from liminal.datasets.patients import patients
from liminal.errors import LiminalError
from liminal.measures.eyes.reader import fit_reader, reading
from liminal.modalities.columns import KNOTS, Column
from liminal.modalities.table import Table
from liminal.models.vae import VAE
from liminal.ops.filling import complete
from liminal.run import Plan
from liminal.train import train

HEAD = "age,smoker,ward,admitted,weight,note"
LINES = [
    "40,yes,lung,2023-01-05,70.5,a1",
    "51,no,heart,2023-02-01,?,b2",
    "33,no,lung,2023-01-20,81.25,c3",
    "67,yes,,2022-12-31,64,d4",
    "29,no,lung,2024-02-29,NA,e5",
    "40,no,heart,2023-06-01,90.1,f6",
] * 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """12 rows of every kind of column; `note` is made a key."""
    path = tmp_path / "people.csv"
    lines = [line[:-2] + f"n{i}" for i, line in enumerate(LINES)]
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def drawn() -> tuple[Table, np.ndarray]:
    """2,000 patients, codes learned from the first 1,500."""
    found = patients(2000, seed=1)
    return found.modality.fitted(found.items, np.arange(1500)), found.items  # type: ignore[attr-defined]


def items_of(table: Table, path: Path) -> np.ndarray:
    return np.stack([r.item for r in table.records(path, path.name) if r.item is not None])


def test_columns_get_their_types(file: Path) -> None:
    table = Table.infer([file])
    kinds = {c.name: (c.kind, c.missing) for c in table.columns}
    assert kinds == {
        "age": ("integer", False),
        "smoker": ("yes", False),
        "ward": ("category", True),
        "admitted": ("date", False),
        "weight": ("number", True),
    }
    assert table.columns[2].values == ("heart", "lung")
    assert "key" in table.left_out["note"]
    first = next(iter(table.records(file, "people.csv")))
    assert first.entry == 0
    assert first.item is not None
    assert first.item.tolist() == [40, 1, 1, 19362, 70.5]  # 2023-01-05 is so many days after 1970-01-01
    assert first.known == {"age": 40, "smoker": True, "ward": "lung", "admitted": 19362, "weight": 70.5}
    assert not first.remarks
    assert any(line.startswith("note: left out") for line in table.told)
    assert "age: whole number, 29 to 67" in table.told


def test_a_space_reads_more_data_as_its_own(file: Path, tmp_path: Path) -> None:
    table = Table.infer([file])
    assert Table.infer([file], **table.config()) == table
    assert Table(**table.config()) == table
    assert hash(Table(**table.config())) == hash(table)
    more = tmp_path / "more.csv"  # other types, were they inferred anew
    more.write_text(
        "ward,age,smoker,admitted,weight\nlung,1,0,2023-01-01,7\n"
        "liver,44,1,2023-01-01,\nlung,many,no,2023-01-01,\n"
    )
    good, bad, worse = table.records(more, "more.csv")
    assert good.item is not None
    assert good.item.tolist() == [1, 0, 1, 19358, 7]
    assert any(
        "nearest age" in remark for remark in good.remarks
    )  # below all ages that codes were learned from
    assert bad.item is None
    assert "liver" in bad.remarks[0]
    assert bad.entry == 1
    assert worse.item is None
    assert "many" in worse.remarks[0]


def test_of_a_file_with_many_rows_one_is_named(file: Path) -> None:
    table = Table.infer([file])
    item, _ = table.load(file, "people.csv", 3)
    assert item[0] == 67
    assert math.isnan(item[2])
    with pytest.raises(LiminalError, match="several rows"):
        table.load(file, "people.csv")


def test_attributes_only_are_no_part_of_the_row(file: Path) -> None:
    table = Table.infer([file], attributes_only="ward, weight")
    assert [c.name for c in table.columns] == ["age", "smoker", "admitted"]
    first = next(iter(table.records(file, "people.csv")))
    assert first.known["ward"] == "lung"
    assert first.known["weight"] == 70.5
    assert Table.infer([file], **table.config()) == table
    with pytest.raises(LiminalError, match="did you mean ward"):
        Table.infer([file], attributes_only="wards")


def test_text_of_many_values_is_an_attribute(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("town,size\n" + "\n".join(f"town {i % 150},{i * i}" for i in range(300)) + "\n")
    table = Table.infer([path])
    assert [c.name for c in table.columns] == ["size"]
    assert table.attributes_only == {"town": "category"}
    assert next(iter(table.records(path, "many.csv"))).known["town"] == "town 0"


@pytest.mark.parametrize(
    ("text", "word"),
    [("a,b\n1,2\n3\n", "cannot be read"), ("a,a\n1,2\n", "occurs twice"), ("a,b\n", "no rows"),
     ("a,b\n1,inf\n2,3\n", "infinite"), ("a,b\nx,1\nx,1\n", "no column")],
)  # fmt: skip
def test_bad_files_are_one_line(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(LiminalError, match=word) as error:
        Table.infer([path])
    assert "\n" not in str(error.value)


def test_a_column_that_a_space_needs(file: Path, tmp_path: Path) -> None:
    table = Table.infer([file])
    other = tmp_path / "other.csv"
    other.write_text("ages,smoker,admitted\n1,yes,2023-01-01\n")
    with pytest.raises(LiminalError, match=r"^other\.csv: it has no column 'age'.*did you mean ages"):
        list(table.records(other, "other.csv"))


# -- codes


def test_codes_are_normal_quantiles(drawn: tuple[Table, np.ndarray]) -> None:
    """Against scipy: the code of a number is near the normal quantile of its rank, heavy tail and all."""
    table, items = drawn
    i = [c.name for c in table.columns].index("income")
    cells = items[:1500, i]
    known = np.sort(cells[~np.isnan(cells)])
    wanted = norm.ppf((np.arange(len(known)) + 0.5) / len(known))
    column = table.columns[i]
    assert len(column.knots) <= KNOTS
    assert len(column.knots) > 33
    assert np.abs(np.interp(known, column.knots, column.at) - wanted).max() < 0.15
    assert column.high == known[-1]


def test_codes_are_learned_from_training_rows_alone(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    other = items.copy()
    other[1500:, 0] = 95
    assert table.fitted(other, np.arange(1500)) == table
    assert table.fitted(other, np.arange(1600)) != table


def test_values_unseen_in_training_stay_decodable() -> None:
    table = Table.of(pa.table({"a": ["x", "y", "x", "z"], "b": [1.5, 2.5, 3.5, 4.0]}))
    items, _ = table.cells(pa.table({"a": ["x", "y", "x", "z"], "b": [1.5, 2.5, 3.5, 4.0]}), "")
    fitted = table.fitted(items, np.array([0, 1, 2]))
    assert fitted.columns[0].values == ("x", "y", "z")
    assert fitted.columns[0].shares[2] == 0
    assert np.array_equal(fitted.items(fitted.soft(items))[:, 0], items[:, 0])


def test_a_perfect_decoder_gives_the_rows_themselves(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    x, y = table.tensor(items[:1500]), table.soft(items[:1500])
    assert x.shape == (1500, *table.shape)
    assert x.dtype == table.dtype
    assert torch.equal(table.tensor(table.items(y)), x)
    np.testing.assert_array_equal(table.items(y), items[:1500])
    np.testing.assert_array_equal(table.items(table.harden(y)), items[:1500])
    for item in items[:200]:
        np.testing.assert_array_equal(table.unpack(table.pack(item)), item)


@given(st.lists(st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=2, max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_numbers_have_codes_that_go_back(values: list[float]) -> None:
    column = Column("v", "number").learned(np.array(values))
    assert np.all(np.diff(column.at) > 0)
    assert np.all(np.diff(column.knots) > 0)
    table = Table([column])
    items = np.array(values)[:, None]
    packed = [table.unpack(table.pack(item)) for item in items]
    np.testing.assert_array_equal(packed, items)
    back = table.items(table.soft(items))
    gaps = max(np.diff(column.knots).max(initial=0), 1e-9)
    assert np.abs(back - items).max() <= 1e-4 * gaps + 1e-6 * max(map(abs, values))


def test_constant_in_training_is_no_trouble() -> None:
    column = Column("v", "number", missing=True).learned(np.array([3.0, 3.0, np.nan]))
    table = Table([column])
    items = np.array([[3.0], [np.nan], [4.0]])
    assert torch.equal(table.soft(items), torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(table.items(table.soft(items)), [[3.0], [np.nan], [3.0]])
    assert Table([column.learned(np.array([np.nan]))]).tensor(items).isfinite().all()


def test_wrong_tensors_are_refused(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    y = table.soft(items[:2])
    with pytest.raises(LiminalError, match="shape"):
        table.items(y[:, 1:])
    y[0, 0] = torch.nan
    with pytest.raises(LiminalError, match="NaN"):
        table.items(y)
    with pytest.raises(LiminalError, match="shape"):
        table.tensor(items[:, 1:])


# -- eyes


def test_errors_by_hand() -> None:
    columns = [
        Column("n", "number", knots=(0.0, 1.0), at=(0.0, 1.0), low=0, high=1),
        Column("m", "number", missing=True, knots=(0.0, 1.0), at=(0.0, 1.0), low=0, high=1),
        Column("y", "yes", shares=(0.5, 0.5)),
        Column("c", "category", ("a", "b"), missing=True, shares=(0.5, 0.4, 0.1)),
    ]
    table = Table(columns)
    a = np.array([[0.5, np.nan, 1, 0]])
    b = np.array([[1.0, 1.0, 1, np.nan]])
    found = table.errors(table.tensor(a), table.soft(b))
    assert found["numbers"].tolist() == [0.25]  # of `n` alone: `m` is missing
    assert found["wrong"].tolist() == pytest.approx([2 / 3])  # that m is known, and c; y is right
    assert found["mse"].tolist() == pytest.approx(
        [(0.25 + 1 + 2 + 2) / 4]
    )  # m: code 1, and known or not; c: two symbols
    assert next(iter(found)) == "mse"
    assert set(found) <= set(table.scores)
    assert set(Table(columns[:1]).errors(torch.zeros(1, 1), torch.ones(1, 1))) == {"mse", "numbers"}


def test_a_row_states_its_own_columns(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    found = table.exact(table.soft(items[:300]))
    names = [c.name for c in table.columns]
    age = items[:300, names.index("age")]
    np.testing.assert_allclose(found["age"], age, atol=1e-3)
    cells = items[:300, names.index("cholesterol")]
    there = ~np.isnan(cells)
    np.testing.assert_allclose(found["cholesterol"][there], cells[there], rtol=1e-5)
    assert found["cholesterol"].isfinite().all()
    assert set(found["smoker"].tolist()) == {0.0, 1.0}
    wards = torch.stack([found[f"ward={w}"] for w in ("general", "heart", "lung", "surgery")], 1)
    np.testing.assert_array_equal(wards.argmax(1), items[:300, names.index("ward")])
    insured = items[:300, names.index("insured")]
    np.testing.assert_array_equal(found["insured"], np.nan_to_num(insured))


def test_readings_are_what_a_row_states(drawn: tuple[Table, np.ndarray]) -> None:
    """What a row states needs no reader; what it does not is read from the rest."""
    table, items = drawn
    known = pa.table(table.known(table.arrow(items[:1500]), items[:1500])).select(["age", "bmi"])
    rest = Table([column for column in table.columns if column.name != "bmi"])
    i = [c.name for c in table.columns].index("bmi")
    rows = np.delete(items, i, 1)
    read = reading(fit_reader(rows[:1500], rest, known, steps=60), rest)(rest.soft(rows[1500:]))
    np.testing.assert_allclose(read["age"], rows[1500:, 0], atol=1e-3)
    assert np.corrcoef(read["bmi"], items[1500:, i])[0, 1] > 0.4


def test_independent_columns_keep_shares_and_lose_the_rest(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    name, rows = table.trivial(items, 4000, seed=0)
    names = [c.name for c in table.columns]
    bmi, pressure = names.index("bmi"), names.index("pressure")
    assert name == "independent columns"
    assert rows.shape == (4000, len(names))
    real = np.corrcoef(items[:, bmi], items[:, pressure])[0, 1]
    assert real > 0.5
    assert abs(np.corrcoef(rows[:, bmi], rows[:, pressure])[0, 1]) < 0.06
    assert abs(rows[:, bmi].mean() - items[:, bmi].mean()) < 0.3
    assert np.array_equal(rows, table.trivial(items, 4000, seed=0)[1], equal_nan=True)


# -- literals and files


def test_literals(file: Path) -> None:
    table = Table.infer([file])
    item = table.parse({"age": "50", "smoker": "no", "admitted": "2023-03-01"})
    assert item[:2].tolist() == [50, 0]
    assert item[3] == 19417
    assert np.isnan(item[[2, 4]]).all()
    assert table.parse({})[0] == 40  # the median age
    for arguments, words in (
        ({"ages": "5"}, "did you mean age"),
        ({"ward": "lungs"}, "did you mean lung"),
        ({"age": "old"}, "a number"),
        ({"age": "400"}, "29 to 67"),
        ({"age": ""}, "empty"),
        ({"smoker": "maybe"}, "yes or no"),
        ({"admitted": "soon"}, "a date"),
    ):
        with pytest.raises(LiminalError, match=words) as error:
            table.parse(arguments)
        assert "\n" not in str(error.value)
    with pytest.raises(LiminalError, match="wanted columns"):
        table.parse("40")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_written_rows_are_read_back(ending: str, drawn: tuple[Table, np.ndarray], tmp_path: Path) -> None:
    table, items = drawn
    path = tmp_path / f"rows{ending}"
    table.write_many(items[:50], path)
    np.testing.assert_array_equal(items_of(table, path), items[:50])
    again = Table.infer([path])
    assert [c.name for c in again.columns] == [c.name for c in table.columns]
    assert {c.name: c.kind for c in again.columns}["admitted"] == "date"
    table.write(items[3], tmp_path / f"one{ending}")
    np.testing.assert_array_equal(table.read(tmp_path / f"one{ending}"), items[3])
    table.film(items[:5], tmp_path / f"film{ending}", 10)
    film = table.load(tmp_path / f"film{ending}", "film", 4)
    np.testing.assert_array_equal(film[0], items[4])
    assert any("frame" in remark for remark in film[1])


def test_no_rows_where_they_cannot_be_written(drawn: tuple[Table, np.ndarray], tmp_path: Path) -> None:
    table, items = drawn
    for path in (tmp_path / "row.xlsx", tmp_path / "none" / "row.csv"):
        with pytest.raises(LiminalError, match="cannot write"):
            table.write(items[0], path)
    assert not list(tmp_path.iterdir())


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    made = {
        "n": [1, 2, None, 4],
        "f": pa.array([0.1, float("nan"), 2.5, 3.0], pa.float32()),
        "b": [True, False, None, True],
        "c": pa.array(["u", "v", "u", None]).dictionary_encode(),
        "d": pa.array([1, 2, 3, 4], pa.date32()),
        "label": ["1", "2", "1", "2"],
        "nested": [[1], [2], [3], [4]],
    }
    path = tmp_path / "typed.parquet"
    pq.write_table(pa.table(made), path)
    table = Table.infer([path])
    kinds = {c.name: (c.kind, c.missing) for c in table.columns}
    assert kinds == {
        "n": ("integer", True), "f": ("number", True), "b": ("yes", True), "c": ("category", True),
        "d": ("date", False), "label": ("category", False),
    }  # fmt: skip
    assert "list" in table.left_out["nested"]
    np.testing.assert_allclose(items_of(table, path)[0], [1, 0.1, 1, 0, 1, 0], rtol=1e-6)


def test_what_had_to_be_guessed_of_a_file_is_said(tmp_path: Path) -> None:
    """Of rows too, not of attributes alone: a guess is no silent one."""
    (tmp_path / "a.csv").write_bytes("\n".join(f"{i},{i % 3},\xe9t\xe9" for i in range(40)).encode("latin-1"))
    for _ in range(2):  # also from the cache
        notes = " / ".join(registry.dataset(tmp_path / "a.csv").notes)
        assert "a.csv has no header" in notes
        assert "cp1252" in notes
    (tmp_path / "b.csv").write_text("id,a.b\n" + "".join(f"{i % 7},{i}\n" for i in range(40)))
    notes = " / ".join(registry.dataset(tmp_path / "b.csv").notes)
    assert "'a.b' is called a_b" in notes
    assert "'id' is called id_" in notes


def test_columns_of_one_value_are_told_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    path.write_text("n,five,day,yes,word\n" + "\n".join(f"{i * i},5,2020-01-01,yes,x" for i in range(12)))
    told = {"five": "5", "day": "2020-01-01", "yes": "yes", "word": "'x'"}
    assert Table.infer([path]).left_out == {n: f"each of its cells is {one}" for n, one in told.items()}


def test_several_files_share_their_types(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("a,b\n1,x\n2,y\n")
    two.write_text("b,a\nz,lots\nx,4\n")
    table = Table.infer([one, two])
    assert {c.name: c.kind for c in table.columns} == {"a": "category", "b": "category"}
    assert table.columns[1].values == ("x", "y", "z")


def test_bytes_are_read_like_files(file: Path) -> None:
    data = io.BytesIO(file.read_bytes())
    table = Table.infer([data])
    data.seek(0)
    assert table == Table.infer([file])
    assert len(list(table.records(data, "upload"))) == 12


# -- pictures and words


def test_previews_fit_and_differ(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    for size in (12, 46, 64, 320):
        picture = table.preview(items[0], size)
        assert max(picture.size) == size
        assert picture.mode == "RGB"
        assert picture.tobytes() != table.preview(items[1], size).tobytes()
    wide = Table([Column(f"c{i}", "number").learned(np.arange(9.0)) for i in range(300)])
    for size in (46, 320):
        assert max(wide.preview(np.full(300, 3.0), size).size) == size


def test_changed_cells_are_marked(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    other = items[0].copy()
    other[4] += 5
    plain = np.asarray(table.preview(other, 320))
    assert np.array_equal(plain, np.asarray(table.preview(other, 320, other)))
    marked = np.asarray(table.preview(other, 320, items[0]))
    lines = np.flatnonzero((plain != marked).any((1, 2)))
    step = marked.shape[0] / len(items[0])
    assert set((lines // step).astype(int)) == {4}


def test_captions_name_the_rarest_first(drawn: tuple[Table, np.ndarray]) -> None:
    table, _ = drawn
    usual = {c.name: c.show(c.usual) for c in table.columns}
    item = table.parse({**usual, "region": "islands"})
    assert table.caption(item).startswith("region islands, ")
    assert len(table.caption(item).split(", ")) == 4


def test_media_is_escaped() -> None:
    table = Table.of(pa.table({"<b>": ["<script>", "&", "<script>"], "n": [1, 2, 3]}))
    told = table.media(np.array([1.0, 2.0])).data.decode()
    assert table.media(np.array([1.0, 2.0])).type == "text/html"
    assert "<script>" not in told
    assert "&lt;script&gt;" in told
    assert "&lt;b&gt;" in told


# -- trained


@pytest.fixture(scope="module")
def trained(drawn: tuple[Table, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> VAE:
    table, items = drawn
    torch.manual_seed(0)
    model = VAE(table.likelihood, 8, network="mlp", width=8)
    train(
        model, items[:1500], table, items[1500:], Plan(epochs=40), tmp_path_factory.mktemp("table"), threads=1
    )  # fmt: skip
    return model.eval()


def test_a_missing_cell_is_filled_better_than_by_the_mean(
    trained: VAE, drawn: tuple[Table, np.ndarray]
) -> None:
    """Cells that are known are hidden; blood fats and incomes are told from the rest of the row."""
    table, items = drawn
    held, names = items[1500:], [c.name for c in table.columns]
    assert table.lacking(np.nan_to_num(held)) is None
    for name in ("income", "pressure", "bmi"):  # the last two are never missing in training
        i = names.index(name)
        there = ~np.isnan(held[:, i])
        hidden = held[there].copy()
        hidden[:, i] = np.nan
        lacking = table.lacking(hidden)
        assert lacking is not None
        x = table.tensor(hidden)
        z = complete(trained, table, x, lacking, trained.encode(x))
        filled = table.items(table.filled(trained.decode(z), lacking))
        column, truth = table.columns[i], held[there, i]
        assert not np.isnan(filled[:, i]).any()
        truth, found = (np.interp(cells, column.knots, column.at) for cells in (truth, filled[:, i]))
        error = np.square(found - truth).mean()
        assert error < 0.9 * truth.var(), (name, error, truth.var())


def test_samples_keep_what_independent_columns_lose(trained: VAE, drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    torch.manual_seed(0)
    samples = table.items(trained.decode(torch.randn(2000, 8)))

    def covariance(rows: np.ndarray) -> np.ndarray:
        y = table.chart(table.soft(rows)).numpy()
        return np.cov(y.T)[~np.eye(y.shape[1], dtype=bool)]

    real = covariance(items[1500:])
    away = np.abs(covariance(samples) - real).mean()
    assert away < 0.8 * np.abs(covariance(table.trivial(items[:1500], 2000, 0)[1]) - real).mean()


# -- from memory


class Frame:
    """What hands its columns on as an Arrow stream, as data frames do."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def test_data_frames_are_rows(drawn: tuple[Table, np.ndarray]) -> None:
    table, items = drawn
    rows = table.arrow(items[:60])
    for data in (rows, Frame(rows)):
        found = registry.dataset(data, modality=table)
        np.testing.assert_array_equal(found.items, items[:60])
        assert found.attributes.column_names == [c.name for c in table.columns]
    kinds = [c.kind for c in registry.dataset(rows).modality.columns]
    assert kinds == [c.kind for c in table.columns]
    single = Frame(pa.table({"a": [1.5], "b": ["x"]}))
    for data, words in (
        (3, "a data frame"),
        (single, "one row; wanted 2"),
        (Frame(pa.table({"a": [1]}).slice(0, 0)), "no rows"),
    ):
        with pytest.raises(LiminalError, match=words):
            registry.dataset(data)


# -- values that come often, values that are rare, and columns that are none


def test_a_value_that_comes_often_comes_back_as_often() -> None:
    draw = np.random.default_rng(0)
    spike = np.where(draw.random(2000) < 0.6, 0.0, draw.exponential(1, 2000))
    few = draw.choice([1.0, 2.5, 7.1], 2000, p=[0.7, 0.2, 0.1])
    for cells in (spike, few):
        column = Column("v", "number").learned(cells)
        codes = draw.standard_normal(50_000)
        back = column.decoded(codes)
        for value in np.unique(cells)[:3]:
            if (share := (cells == value).mean()) > 0.01:
                assert abs((back == value).mean() - share) < 0.01
        np.testing.assert_allclose(column.decoded(column.coded(cells)), cells, atol=1e-2)
        assert (column.decoded(column.coded(cells))[cells == 0] == 0).all()
        assert Column.of(column.config()) == column
    assert set(back) == {1.0, 2.5, 7.1}  # none that never was


def test_rare_values_share_a_symbol_and_are_drawn_by_how_often_they_came() -> None:
    draw = np.random.default_rng(0)
    towns = [f"town {i}" for i in (draw.pareto(0.7, 8000) * 30).astype(int).clip(0, 799)]
    table = Table.of(pa.table({"town": towns, "size": draw.standard_normal(8000)}))
    column = table.columns[0]
    assert column.symbols == 100
    assert len(column.values) == len(set(towns))
    assert column.values[0] == max(set(towns), key=towns.count)
    assert sum(column.shares) == pytest.approx(1, abs=1e-3)
    assert sum(column.rare) / 8000 == pytest.approx(column.shares[-1], abs=1e-3)
    assert Table(**table.config()) == table
    items, _ = table.cells(pa.table({"town": towns, "size": draw.standard_normal(8000)}), "towns")
    again = table.items(table.soft(items))
    own = items[:, 0] < 99
    np.testing.assert_array_equal(again[own, 0], items[own, 0])
    assert (again[~own, 0] == 99).all()  # the commonest of the rare
    assert torch.equal(table.tensor(again), table.tensor(items))
    made = table.drawn(table.soft(items[~own]), torch.Generator().manual_seed(0))
    assert (made[:, 0] >= 99).all()
    shares = lambda cells: np.bincount(cells.astype(int), minlength=len(column.values))[99:] / len(cells)
    assert np.abs(shares(made[:, 0]) - shares(items[~own, 0])).sum() < 0.9
    assert np.abs(shares(made[:, 0])[:5] - shares(items[~own, 0])[:5]).max() < 0.02
    assert f"town={column.values[0]}" in table.exact(table.soft(items[:2]))
    assert "rarest share a symbol" in column.told


def test_columns_that_are_no_part_of_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    days = [f"{i % 28 + 1:02d}.05.2021" for i in range(60)]
    days[3] = "2021-05-04"
    lines = [f"{i};{i * 37 % 29} and so;{days[i]};{i % 11};{i % 5},{i % 7};x;" for i in range(60)]
    path.write_text("\n".join(["n;remark;day;size;price;same;none", *lines]) + "\n")
    table = Table.infer([path])
    assert [c.name for c in table.columns] == ["day", "size", "price"]
    assert table.attributes_only == {"remark": "category"}
    assert "counts the rows" in table.left_out["n"]
    assert "x" in table.left_out["same"]
    assert "nothing" in table.left_out["none"]
    assert not table.columns[0].missing  # the date of another form is read
    told = "\n".join(table.told)
    assert "decimal comma" in told
    assert "other forms" in told
    assert Table(**table.config()).told == table.told
