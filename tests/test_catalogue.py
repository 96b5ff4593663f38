"""The catalogue on real LanceDB tables: rows, filters, neighbours, versions, and what is said when something
is wrong.
"""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liminal import database, mirror
from liminal.card import Card
from liminal.catalogue import Catalogue
from liminal.errors import LiminalError
from liminal.filters import resolve
from liminal.kept import Kept
from liminal.rows import batch

N, D = 300, 5
LABELS = ["Bag", "Ankle boot", "O'Neil"]


def some_attributes(n: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)

    def unknown(share: float) -> np.ndarray:
        return rng.random(n) < share

    return pa.table(
        {
            "smile": pa.array(rng.normal(size=n), mask=unknown(0.1)),
            "wears glasses": pa.array(rng.random(n) < 0.5, mask=unknown(0.1)),
            "label": pa.array(np.array(LABELS)[rng.integers(0, 3, n)], mask=unknown(0.1)),
            "5_o_clock": pa.array(rng.integers(0, 9, n)),
        }
    )


def some_rows(
    n: int, dim: int = D, seed: int = 0, step: int = 64, attributes: bool = True
) -> Iterator[pa.RecordBatch]:
    table = some_attributes(n, seed)
    z = codes(n, dim, seed)
    for i in range(0, n, step):
        here = range(i, min(i + step, n))
        splits = ["held" if j % 5 == 0 else "train" for j in here]
        items = [f"item {seed} {j}".encode() for j in here]
        yield batch(
            z[i : i + step],
            splits,
            items,
            [f"{j}.png" for j in here],
            table.slice(i, step) if attributes else None,
        )


def codes(n: int, dim: int = D, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed + 1000).normal(size=(n, dim)).astype(np.float32)


@pytest.fixture(scope="module", params=["asked", "kept"])
def whole(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Catalogue:
    """A catalogue that no test writes to: its database is asked, or its columns are kept."""
    folder = tmp_path_factory.mktemp("space")
    made = Catalogue.create(folder, some_rows(N), D, some_attributes(N).schema)
    return made if request.param == "asked" else Catalogue.open(folder, made.version, keeping(folder))


def keeping(folder: Path, **parts: dict[str, Any]) -> Kept:
    """What is kept of the space in a folder, whose card names these parts."""
    model = {"class": "vae", "arguments": {}}
    card = Card(model, {"name": "image", "arguments": {}}, {"name": "normal", "dim": D}, created="now")
    card.parts = dict(parts)
    return Kept(folder, card)


@pytest.fixture
def own(tmp_path: Path) -> Catalogue:
    return Catalogue.create(tmp_path, some_rows(N), D, some_attributes(N).schema)


def refused(call: Any, *parts: str) -> None:
    with pytest.raises(LiminalError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert ".rs:" not in text
    for part in parts:
        assert part in text, text


# Rows


def test_everything_comes_back_in_order(whole: Catalogue) -> None:
    assert (len(whole), whole.dim) == (N, D)
    assert whole.attributes == {
        "smile": "number",
        "wears glasses": "bool",
        "label": "category",
        "5_o_clock": "number",
    }
    assert whole.values("label") == sorted(LABELS)
    table = whole.table()
    assert table.column_names == ["id", "split", "source", *whole.attributes]
    assert table["id"].to_pylist() == list(range(N))
    assert table["source"].to_pylist() == [f"{i}.png" for i in range(N)]
    wanted = some_attributes(N)
    for name in whole.attributes:
        assert table[name].to_pylist() == wanted[name].to_pylist()
    ids, z = whole.latents()
    assert z.dtype == np.float32
    assert np.array_equal(z, codes(N))
    assert np.array_equal(ids, np.arange(N))
    assert whole.packed([299, 0, 0]) == [b"item 0 299", b"item 0 0", b"item 0 0"]
    assert np.array_equal(whole.z(17), codes(N)[17])


def test_splits_and_limits(whole: Catalogue) -> None:
    held, z = whole.latents(split="held")
    assert held.tolist() == list(range(0, N, 5))
    assert np.array_equal(z, codes(N)[::5])
    both = whole.table("smile > 0", ["id"], "held")["id"].to_pylist()
    assert both == [i for i in whole.table("smile > 0", ["id"])["id"].to_pylist() if i % 5 == 0]
    first = whole.table("smile > 0", ["source", "id"], limit=7)
    assert first.equals(whole.table("smile > 0", ["source", "id"]).slice(0, 7))
    assert len(whole.table(limit=0)) == 0
    refused(lambda: whole.latents(split="test"), "unknown split 'test'", "held")


@settings(deadline=None, max_examples=25)
@given(ids=st.lists(st.integers(0, N - 1), max_size=40))
def test_rows_come_in_the_asked_order(whole: Catalogue, ids: list[int]) -> None:
    rows = whole.rows(ids, ["source", "z", "id"])
    assert rows.column_names == ["source", "z", "id"]
    assert rows["id"].to_pylist() == ids
    assert rows["source"].to_pylist() == [f"{i}.png" for i in ids]
    assert np.array_equal(np.array(rows["z"].to_pylist(), np.float32).reshape(-1, D), codes(N)[ids])


@pytest.mark.parametrize("item", [N, -1, 10**12])
def test_an_item_that_is_not_there_is_named(whole: Catalogue, item: int) -> None:
    refused(lambda: whole.rows([3, item]), f"@{item}", "this space has items @0 to @299")
    refused(lambda: whole.z(item), f"@{item}")


def test_an_empty_catalogue_answers_everything(tmp_path: Path) -> None:
    empty = Catalogue.create(tmp_path, [], 3, {"smile": pa.float64()})
    assert len(empty) == len(empty.table("smile > 0")) == len(empty.nearest(np.zeros(3), 4)) == 0
    ids, z = empty.latents()
    assert ids.shape == (0,)
    assert z.shape == (0, 3)
    refused(lambda: empty.z(0), "no items")
    assert len(Catalogue.open(tmp_path, empty.append(some_rows(4, 3, attributes=False)))) == 4


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_any_values_survive(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(st.none() | values, min_size=n, max_size=n))

    texts, numbers = column(st.text()), column(st.floats(allow_nan=True))
    flags, blobs = column(st.booleans()), [blob or b"" for blob in column(st.binary())]
    table = pa.table(
        {
            "t": pa.array(texts, pa.string()),
            "x": pa.array(numbers, pa.float64()),
            "b": pa.array(flags, pa.bool_()),
        }
    )
    folder = tmp_path_factory.mktemp("space")
    catalogue = Catalogue.create(
        folder, [batch(np.zeros((n, 1)), ["train"] * n, blobs, ["s"] * n, table)], 1, table.schema
    )
    found = Catalogue.open(folder, catalogue.version).table(columns=["t", "x", "b", "item"])
    assert found["t"].to_pylist() == texts
    assert found["b"].to_pylist() == flags
    assert found["x"].to_pylist() == [None if x is None or x != x else x for x in numbers]  # NaN is unknown
    assert found["item"].to_pylist() == blobs


def test_types_are_brought_into_the_three_kinds(tmp_path: Path) -> None:
    given_table = pa.table(
        {
            "int": pa.array([1, None], pa.int8()),
            "big": pa.array([2**60 + 1, 1], pa.int64()),
            "half": pa.array([0.5, None], pa.float32()),
            "code": pa.array(["a", None]).dictionary_encode(),
            "large": pa.array(["a", "b"], pa.large_string()),
            "nothing": pa.nulls(2),
        }
    )
    rows = batch(np.zeros((2, 2)), ["train"] * 2, [b"", b""], ["", ""], given_table)
    catalogue = Catalogue.create(tmp_path, [rows], 2, given_table.schema)
    kinds = {
        "int": "number",
        "big": "number",
        "half": "number",
        "code": "category",
        "large": "category",
        "nothing": "number",
    }
    assert catalogue.attributes == kinds
    assert catalogue.rows([0, 1], list(kinds)).to_pylist() == [
        {"int": 1.0, "big": float(2**60), "half": 0.5, "code": "a", "large": "a", "nothing": None},
        {"int": None, "big": 1.0, "half": None, "code": None, "large": "b", "nothing": None},
    ]


@pytest.mark.parametrize("name", ["id", "Split", "z", "THUMBNAIL", "source", "distance", "_rowid"])
def test_the_catalogues_own_names_are_refused(tmp_path: Path, name: str) -> None:
    refused(lambda: Catalogue.create(tmp_path, [], 2, {name: pa.float64()}), repr(name), "rename")
    assert os.listdir(tmp_path) == []


def test_names_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    for name in ("a.b", "a`b", 'a"b', " ", ""):
        refused(
            lambda name=name: Catalogue.create(tmp_path, [], 2, {name: pa.float64()}), repr(name), "rename"
        )
    refused(
        lambda: Catalogue.create(tmp_path, [], 2, {"Smile": pa.float64(), "smile": pa.float64()}),
        "'Smile' and 'smile'",
        "case",
    )
    refused(
        lambda: Catalogue.create(tmp_path, [], 2, {"when": pa.date32()}),
        "'when' is of type date32",
        "wanted numbers",
    )
    table = pa.table({"source": ["x"]})
    refused(lambda: batch(np.zeros((1, 2)), ["train"], [b""], [""], table), "'source'", "rename")
    assert os.listdir(tmp_path) == []


def test_wrong_rows_are_refused_and_change_nothing(own: Catalogue) -> None:
    def rows(z: np.ndarray | None = None, split: str = "train", **attributes: Any) -> list[pa.RecordBatch]:
        return [
            batch(
                np.zeros((1, D)) if z is None else z,
                [split],
                [b""],
                [""],
                pa.table({k: [v] for k, v in attributes.items()}),
            )
        ]

    refused(lambda: own.append(rows(np.full((1, D), np.nan))), "NaN")
    refused(lambda: own.append(rows(np.zeros((1, D + 1)))), "'z'", f"[{D}]", f"[{D + 1}]")
    refused(lambda: own.append(rows(split="test")), "unknown split 'test'")
    refused(lambda: own.append(rows(smille=1.0)), "unknown attribute 'smille': did you mean smile?")
    refused(lambda: own.append(rows(smile="much")), "'smile' is a number", "string")
    assert len(Catalogue.open(own.folder)) == N


# Filters


@pytest.mark.parametrize(
    "where",
    [
        "label = 'Bag' and smile > 0.5",
        "where LABEL = 'Bag' AND Smile > .5",
        'label = "Bag" and smile > 5e-1',
        "`label` == 'Bag' and \"smile\" > 1/2.",
        "label in ('Bag') and not smile <= 0.5",
        'label in ("Bag", "Nothing") and (smile - 0.5) > 0',
        "label like 'B%' and smile > 0.5 and smile is not null",
    ],
)
def test_ways_to_write_one_filter(whole: Catalogue, where: str) -> None:
    wanted = [
        r["id"]
        for r in whole.table().to_pylist()
        if r["label"] == "Bag" and r["smile"] is not None and r["smile"] > 0.5
    ]
    assert wanted
    assert whole.table(where, ["id"])["id"].to_pylist() == wanted
    assert whole.latents(where)[0].tolist() == wanted


def test_names_with_spaces_digits_and_quotes_in_text(whole: Catalogue) -> None:
    rows = whole.table().to_pylist()
    cases = {
        '"Wears Glasses"': lambda r: r["wears glasses"],
        "not `wears glasses`": lambda r: r["wears glasses"] is False,
        '"wears glasses" is null': lambda r: r["wears glasses"] is None,
        "5_o_Clock > 5": lambda r: r["5_o_clock"] > 5,
        "label = 'O''Neil'": lambda r: r["label"] == "O'Neil",
        'label = "O\'Neil"': lambda r: r["label"] == "O'Neil",
        "id between 10 and 12 or id = 20": lambda r: r["id"] in (10, 11, 12, 20),
        "source = '7.png' or split = 'no'": lambda r: r["source"] == "7.png",
        "cast(id as bigint) % 100 = 0": lambda r: r["id"] % 100 == 0,
        "lower(label) = 'bag'": lambda r: r["label"] == "Bag",
        "abs(smile) < 0.1": lambda r: r["smile"] is not None and abs(r["smile"]) < 0.1,
    }
    for where, passes in cases.items():
        wanted = [r["id"] for r in rows if passes(r)]
        assert wanted, where
        assert whole.table(where, ["id"])["id"].to_pylist() == wanted, where


def test_a_filter_that_selects_nothing_is_fine(whole: Catalogue) -> None:
    assert len(whole.table("label = 'Coat'")) == 0
    assert whole.table("label = 'Coat'").column_names == whole.table().column_names
    ids, z = whole.latents("smile > 1e9")
    assert (ids.shape, z.shape) == ((0,), (0, D))
    assert len(whole.nearest(codes(N)[0], 3, where="smile > 1e9")) == 0


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("smilee > 1", "unknown column 'smilee': did you mean smile?"),
        ("wears glasses", "did you mean wears glasses?"),
        ('"wears glases" = true', "did you mean wears glasses?"),
        ("label = Bag", "unknown column 'Bag'"),
        ("label = Bag", "Text goes in 'single quotes'"),
        ("z is not null", "unknown column 'z'"),
        ("", "wanted a condition such as"),
        ("  where ", "wanted a condition such as"),
        ("smile >", "found the end"),
        ("smile > 1 label", "found label"),
        ("smile", "compare it with something"),
        ("smile + 1", "compare it with something"),
        ("smile > 'abc'", "'abc' stands where a number is wanted"),
        ("label > 1", "1 stands where text in 'single quotes' is wanted"),
        ("`wears glasses` = 1", "1 stands where true or false is wanted"),
        ("nosuch(smile) > 1", "unknown function 'nosuch'"),
        ("label = 'Bag", "a quote that is not closed"),
        ("(smile > 1", "a parenthesis is not closed"),
        ("smile > 1)", "a parenthesis is closed that was never opened"),
        ("1=1) or (1=1", "a parenthesis is closed that was never opened"),
        ("true; drop table items", "';' cannot be read"),
        ("id in (select id)", "unknown column 'select'"),
        ("id / 0 = 1", "Divide by zero"),
        ("cast(label as int) > 1", "Cast error"),
        ("smile > 0 -- label", "where"),
    ],
)
def test_a_wrong_filter_gets_one_clear_line(whole: Catalogue, where: str, says: str) -> None:
    for call in (whole.table, whole.latents, lambda w: whole.nearest(codes(N)[0], 3, w)):
        refused(lambda call=call: call(where), repr(where), says)
    assert len(whole.table("true")) == N  # the catalogue still works


comparisons = st.one_of(
    st.tuples(
        st.just("smile"),
        st.sampled_from([">", "<", ">=", "<=", "=", "!="]),
        st.floats(-2, 2).map(lambda x: round(x, 2)),
    ),
    st.tuples(st.just("5_o_clock"), st.sampled_from([">", "<", "=", "<>"]), st.integers(0, 8)),
    st.tuples(st.just("label"), st.sampled_from(["=", "!="]), st.sampled_from([*LABELS, "Coat"])),
    st.tuples(st.just("wears glasses"), st.sampled_from(["=", "!="]), st.booleans()),
)
trees = st.recursive(
    comparisons,
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=5,
)


def as_sql(tree: Any) -> str:
    if tree[0] == "not":
        return f"not ({as_sql(tree[1])})"
    if tree[0] in ("and", "or"):
        return f"({as_sql(tree[1])}) {tree[0].upper()} ({as_sql(tree[2])})"
    name, sign, value = tree
    text = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    return f'"{name.upper()}" {sign} {text}'


def truth(tree: Any, row: dict[str, Any]) -> bool | None:
    """SQL's three-valued logic: None is unknown."""
    if tree[0] == "not":
        inner = truth(tree[1], row)
        return None if inner is None else not inner
    if tree[0] in ("and", "or"):
        a, b = truth(tree[1], row), truth(tree[2], row)
        decisive = tree[0] == "or"
        if decisive in (a, b):
            return decisive
        return None if a is None or b is None else not decisive
    name, sign, value = tree
    if row[name] is None:
        return None
    python = {
        "=": "__eq__",
        "!=": "__ne__",
        "<>": "__ne__",
        ">": "__gt__",
        "<": "__lt__",
        ">=": "__ge__",
        "<=": "__le__",
    }
    left = float(row[name]) if isinstance(row[name], float) else row[name]
    return bool(getattr(left, python[sign])(type(left)(value)))


@settings(deadline=None, max_examples=60)
@given(tree=trees)
def test_filters_mean_what_sql_means(whole: Catalogue, tree: Any) -> None:
    wanted = [row["id"] for row in whole.table().to_pylist() if truth(tree, row) is True]
    assert whole.table(as_sql(tree), ["id"])["id"].to_pylist() == wanted


@settings(deadline=None, max_examples=100)
@given(
    where=st.text(alphabet=string.printable + "é☃", max_size=30)
    | st.text(alphabet="smile<>='\"()`1.0 andortx", max_size=25)
)
def test_no_text_breaks_a_filter(whole: Catalogue, where: str) -> None:
    said = ""
    try:
        whole.table(where, ["id"])
    except LiminalError as error:
        said = str(error)
    assert not any(part in said for part in ("\n", ".rs:", "damaged"))


def test_names_are_written_as_the_table_spells_them() -> None:
    names = {"id": "number", "Smile": "number", "hair colour": "category", "not": "bool", "floor": "number"}
    assert resolve("SMILE>1", names) == "`Smile`>1"
    assert resolve('"Hair Colour" = "red"', names) == "`hair colour` = 'red'"
    assert resolve('not "not"', names) == "not `not`"
    assert resolve("floor(floor) > 1", names) == "floor(`floor`) > 1"
    assert resolve("smile :: int > 1", names) == "`Smile` :: int > 1"


# Neighbours


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), k=st.integers(1, N + 5), cosine=st.booleans())
def test_nearest_is_exact(whole: Catalogue, seed: int, k: int, cosine: bool) -> None:
    z, point = codes(N).astype(np.float64), np.random.default_rng(seed).normal(size=D).astype(np.float32)
    if cosine:
        distance = 1 - z @ point / np.linalg.norm(z, axis=1) / np.linalg.norm(point)
    else:
        distance = np.linalg.norm(z - point, axis=1)
    found = whole.nearest(point, k, metric="cosine" if cosine else "euclidean")
    ids = found["id"].to_numpy()
    assert len(set(ids)) == len(ids) == min(k, N)
    np.testing.assert_allclose(distance[ids], np.sort(distance)[:k], atol=2e-6)  # float32 may swap what ties
    np.testing.assert_allclose(found["distance"].to_numpy(), distance[ids], atol=2e-6)


def test_nearest_filters_first_and_tells_what_it_found(whole: Catalogue) -> None:
    passing = whole.table("label = 'Bag'", ["id"])["id"].to_numpy()
    distance = np.linalg.norm(codes(N)[passing] - codes(N)[0], axis=1)
    found = whole.nearest(codes(N)[0], 20, "label = 'Bag'")
    assert found.column_names == ["id", "distance", "split", "source", *whole.attributes]
    assert found["id"].to_pylist() == passing[np.argsort(distance)[:20]].tolist()
    itself = whole.nearest(codes(N)[42], 1)
    assert (itself["id"][0].as_py(), itself["distance"][0].as_py()) == (42, 0.0)


def test_nearest_refuses_what_makes_no_sense(whole: Catalogue) -> None:
    refused(lambda: whole.nearest(np.zeros(D + 1), 3), f"wanted {D} finite numbers")
    refused(lambda: whole.nearest(np.full(D, np.nan), 3), "finite")
    refused(lambda: whole.nearest(np.zeros(D), 0), "k = 0", "1 or more")
    refused(lambda: whole.nearest(np.zeros(D), 3, metric="euclidian"), "did you mean euclidean?")
    refused(lambda: whole.values("lable"), "did you mean label?")
    refused(lambda: whole.values("smile"), "is a number")
    refused(lambda: whole.table(columns=["sorce"]), "did you mean source?")


# Versions


def test_append_numbers_on_and_leaves_the_old_version_as_it_was(own: Catalogue) -> None:
    before = own.table()
    version = own.append(some_rows(40, seed=1))
    new = Catalogue.open(own.folder, version)
    assert len(new) == N + 40
    assert new.table(columns=["id"])["id"].to_pylist() == list(range(N + 40))
    assert np.array_equal(new.latents()[1], np.concatenate([codes(N), codes(40, seed=1)]))
    assert new.packed([N])[0] == b"item 1 0"
    for old in (own, Catalogue.open(own.folder, own.version)):
        assert len(old) == N
        assert old.table().equals(before)
        refused(lambda old=old: old.z(N), "items @0 to @299")


def test_rows_may_lack_attributes(own: Catalogue) -> None:
    new = Catalogue.open(own.folder, own.append(some_rows(3, seed=1, attributes=False)))
    assert new.rows([N])["label"].to_pylist() == [None]


def test_an_append_that_nobody_committed_is_never_seen_and_never_built_upon(own: Catalogue) -> None:
    orphan = own.append(some_rows(50, seed=1))  # the process dies here: no card names this version
    committed = Catalogue.open(own.folder, own.version)
    assert len(committed) == N
    version = committed.append(some_rows(7, seed=2))
    assert version > orphan
    new = Catalogue.open(own.folder, version)
    assert len(new) == N + 7
    assert np.array_equal(new.latents()[1][N:], codes(7, seed=2))
    labelled = Catalogue.open(own.folder, committed.set_attributes(pa.table({"id": [0], "age": [3.0]})))
    assert len(labelled) == N


def test_set_attributes_adds_and_replaces(own: Catalogue) -> None:
    before = own.table()
    ids = np.random.default_rng(0).permutation(N)[:100]
    version = own.set_attributes(
        pa.table({"id": np.arange(N), "label": np.arange(N) % 2 == 0})
    )  # label was a category
    own_labels = Catalogue.open(own.folder, version)
    new = Catalogue.open(own.folder, own_labels.set_attributes(pa.table({"id": ids, "age": ids * 2})))
    assert new.attributes == {
        "smile": "number",
        "wears glasses": "bool",
        "5_o_clock": "number",
        "age": "number",
        "label": "bool",
    }
    rows = new.table().to_pylist()
    named = set(ids.tolist())
    assert [row["age"] for row in rows] == [2.0 * i if i in named else None for i in range(N)]
    assert [row["label"] for row in rows] == [i % 2 == 0 for i in range(N)]
    assert new.table(columns=["smile", "source"]).equals(before.select(["smile", "source"]))
    assert new.packed(range(N)) == own.packed(range(N))
    assert np.array_equal(new.latents()[1], codes(N))
    assert len(new.table("age > 100 and label")) == sum(i > 50 and i % 2 == 0 for i in named)
    assert own.table().equals(before)
    assert own.values("label") == sorted(LABELS)


def test_values_that_are_not_given_are_kept(own: Catalogue) -> None:
    """Of items that the table does not name, and of those that it gives null or NaN."""
    old = own.table().to_pylist()
    given = {
        "id": [5, 2, 9, 7],
        "label": ["new", None, "new", "new"],
        "smile": [1.5, float("nan"), 2.5, None],
    }
    rows = Catalogue.open(own.folder, own.set_attributes(pa.table(given))).table().to_pylist()
    assert [row["label"] for row in rows] == ["new" if i in (5, 9, 7) else old[i]["label"] for i in range(N)]
    assert [row["smile"] for row in rows] == [{5: 1.5, 9: 2.5}.get(i, old[i]["smile"]) for i in range(N)]


def test_kept_values_and_new_ones_are_of_one_kind(own: Catalogue) -> None:
    old = own.table().to_pylist()
    new = Catalogue.open(
        own.folder,
        own.set_attributes(pa.table({"id": [3, 4], "smile": [True, False], "wears glasses": [0.5, 0.25]})),
    )
    assert new.attributes["smile"] == new.attributes["wears glasses"] == "number"
    rows = new.table().to_pylist()
    assert [row["smile"] for row in rows] == [{3: 1.0, 4: 0.0}.get(i, old[i]["smile"]) for i in range(N)]
    known = [None if row["wears glasses"] is None else float(row["wears glasses"]) for row in old]
    assert [row["wears glasses"] for row in rows] == [{3: 0.5, 4: 0.25}.get(i, known[i]) for i in range(N)]
    told = ("'label' is a category", "of kind number", "keep their old ones")
    refused(lambda: own.set_attributes(pa.table({"id": [1], "label": [3.5]})), *told)


def test_set_attributes_refuses_wrong_tables(own: Catalogue) -> None:
    refused(lambda: own.set_attributes(pa.table({"age": [1.0]})), "column 'id'")
    refused(lambda: own.set_attributes(pa.table({"id": [1, 1], "age": [1.0, 2.0]})), "twice")
    refused(lambda: own.set_attributes(pa.table({"id": [1, N], "age": [1.0, 2.0]})), f"id {N}", "@0 to @299")
    refused(
        lambda: own.set_attributes(pa.table({"id": pa.array([None], pa.int64()), "age": [1.0]})), "id None"
    )
    refused(lambda: own.set_attributes(pa.table({"id": [1], "Smile": [1.0]})), "'smile' and 'Smile'")
    refused(lambda: own.set_attributes(pa.table({"id": [1], "split": ["x"]})), "'split'", "rename")
    assert Catalogue.open(own.folder).version == own.version


def test_create_in_a_space_that_has_one_keeps_the_old_versions(own: Catalogue) -> None:
    new = Catalogue.create(own.folder, some_rows(4, 2, attributes=False), 2, {})
    assert (len(new), new.dim, new.attributes) == (4, 2, {})
    old = Catalogue.open(own.folder, own.version)
    assert (len(old), old.dim) == (N, D)


def test_a_table_that_was_begun_and_never_written_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "items.lance" / "data").mkdir(parents=True)
    assert len(Catalogue.create(tmp_path, some_rows(9), D, some_attributes(9).schema)) == 9


def test_errors_of_the_rows_and_interrupts_come_through(own: Catalogue) -> None:
    for kind in (KeyboardInterrupt, LiminalError, ZeroDivisionError):

        def rows(kind: type[BaseException] = kind) -> Iterator[pa.RecordBatch]:
            yield from some_rows(10)
            raise kind("here")

        with pytest.raises(kind, match="here"):
            own.append(rows())
    assert len(Catalogue.open(own.folder)) == N


@pytest.mark.parametrize("restores", [False, True])
def test_another_writer_at_the_same_time_is_noticed(
    own: Catalogue, monkeypatch: pytest.MonkeyPatch, restores: bool
) -> None:
    monkeypatch.setattr(database, "CHUNK_BYTES", 1)

    def rows() -> Iterator[pa.RecordBatch]:
        parts = some_rows(20, step=10)
        if restores:  # the other one finds our first piece, and goes back behind it
            yield next(parts)
        own.append(some_rows(5, seed=3))
        yield from parts

    refused(lambda: own.append(rows()), "another process wrote", "run this again")
    assert len(Catalogue.open(own.folder, own.version)) == N


def test_rows_in_any_order_on_disk_are_served_by_id(tmp_path: Path, own: Catalogue) -> None:
    import lancedb

    order = np.random.default_rng(0).permutation(N)
    everything = own.rows(order, ["id", "split", "z", "item", "source", "smile"])
    for folder, index in (("mixed", np.arange(N)), ("swapped", np.argsort(order)[np.r_[1, 0, 2:N]])):
        (tmp_path / folder).mkdir()
        lancedb.connect(tmp_path / folder).create_table("items", everything.take(index))
        mixed = Catalogue.open(tmp_path / folder)
        columns = ["id", "source", "smile"]
        assert mixed.table(columns=columns).equals(own.table(columns=columns))
        assert mixed.table("smile > 0", columns, limit=5).equals(own.table("smile > 0", columns, limit=5))
        assert mixed.rows([7, 1, 0, 7], columns).equals(own.rows([7, 1, 0, 7], columns))
        assert np.array_equal(mixed.latents()[1], codes(N))


# On disk


def test_a_stream_of_50_000_is_written_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n, dim, step = 50_000, 16, 1000
    monkeypatch.setattr(database, "CHUNK_BYTES", 1 << 20)
    versions = tmp_path / "items.lance" / "_versions"
    written: list[int] = []
    z = codes(n, dim)

    def rows() -> Iterator[pa.RecordBatch]:
        for i in range(0, n, step):
            written.append(len(list(versions.glob("*.manifest"))))
            names = [str(j) for j in range(i, i + step)]
            yield batch(
                z[i : i + step],
                ["train"] * step,
                [b"x" * 100] * step,
                names,
                pa.table({"third": np.arange(i, i + step) % 3 == 0}),
            )

    catalogue = Catalogue.create(tmp_path, rows(), dim, {"third": pa.bool_()})
    assert max(np.bincount(written)) <= 7  # a write at the latest after 1 MB, which is 6 of these batches
    assert written[-1] > 7
    ids, found = catalogue.latents()
    assert np.array_equal(ids, np.arange(n))
    assert np.array_equal(found, z)
    assert len(catalogue.table("third", ["id"])) == len(range(0, n, 3))
    some = np.random.default_rng(0).integers(0, n, 2000)
    assert catalogue.rows(some, ["source"])["source"].to_pylist() == [str(i) for i in some]
    labelled = Catalogue.open(
        tmp_path, catalogue.set_attributes(pa.table({"id": np.arange(n), "half": np.arange(n) / 2}))
    )
    assert np.array_equal(labelled.table(columns=["half"])["half"].to_numpy(), np.arange(n) / 2)
    assert np.array_equal(labelled.latents()[1], z)


def test_reading_changes_nothing_on_disk(own: Catalogue) -> None:
    def state() -> dict[str, tuple[int, int]]:
        return {
            str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in [own.folder, *own.folder.rglob("*")]
        }

    before = state()
    for version in (own.version, None):
        catalogue = Catalogue.open(own.folder, version)
        catalogue.table("smile > 0")
        catalogue.latents(split="held")
        catalogue.nearest(codes(N)[0], 3, "smile > 0")
        catalogue.packed([1, 2])
        catalogue.values("label")
        refused(lambda catalogue=catalogue: catalogue.table("nothing"))
    assert state() == before


def test_a_missing_catalogue_or_version_is_named(own: Catalogue, tmp_path: Path) -> None:
    refused(lambda: Catalogue.open(tmp_path / "nowhere"), "nowhere", "items.lance is missing")
    refused(lambda: Catalogue.open(own.folder, 99), "items.lance", "no version 99")
    assert not (tmp_path / "nowhere").exists()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("pattern", ["data/*.lance", "_versions/*.manifest"])
@pytest.mark.parametrize(
    "damage", [cut, os.remove, lambda path: os.truncate(path, 0), lambda path: path.write_bytes(b"no" * 4000)]
)
def test_a_damaged_catalogue_gives_one_clear_line(own: Catalogue, pattern: str, damage: Any) -> None:
    for path in (own.folder / "items.lance").glob(pattern):
        damage(path)
    refused(lambda: Catalogue.open(own.folder, own.version), "items.lance")
    refused(lambda: Catalogue.open(own.folder), "items.lance", "copy")


def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    import lancedb

    (tmp_path / "items.lance").mkdir()
    refused(lambda: Catalogue.open(tmp_path), "items.lance", "damaged")
    shutil.rmtree(tmp_path / "items.lance")
    (tmp_path / "items.lance").write_text("x")
    refused(lambda: Catalogue.open(tmp_path), "items.lance")
    os.remove(tmp_path / "items.lance")
    lancedb.connect(tmp_path).create_table("items", pa.table({"x": [1]}))
    refused(lambda: Catalogue.open(tmp_path), "no catalogue of Liminal")
    z = pa.FixedSizeListArray.from_arrays(pa.array([0.0, 0.0], pa.float32()), 1)
    table = pa.table({"id": [0, 2], "split": ["train"] * 2, "z": z, "item": [b"", b""], "source": ["", ""]})
    lancedb.connect(tmp_path).create_table("items", table, mode="overwrite")
    refused(lambda: Catalogue.open(tmp_path), "damaged", "ids")


@pytest.mark.parametrize("name", ["with space", "per%20cent", "hash#?query", "größe", "s3:"])
def test_folders_of_any_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir(name)
    Catalogue.create(name, some_rows(3), D, some_attributes(3).schema)
    assert len(Catalogue.open(tmp_path / name)) == 3
    assert os.listdir(tmp_path) == [name]


def test_importing_is_light_and_writing_is_silent(tmp_path: Path) -> None:
    code = (
        "import sys; from liminal.catalogue import Catalogue; from liminal.rows import batch; import numpy "
        "as np\n"
        "assert not {'lancedb', 'torch'} & set(sys.modules)\n"
        "c = Catalogue.create(sys.argv[1], [batch(np.zeros((2, 3)), ['train'] * 2, [b'', b''], ['', ''])], "
        "3, {})\n"
        "print(len(c), len(Catalogue.open(sys.argv[1], c.append([])).nearest(np.zeros(3), 1)))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "LANCEDB_LOG"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 1\n", "")


# What is kept of it


def test_what_is_kept_needs_no_database(own: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Catalogue.open(own.folder, own.version, keeping(own.folder))
    wanted = first.table("smile > 0"), first.packed([3]), first.nearest(codes(N)[7], 4)
    monkeypatch.setattr(database, "connect", lambda folder: pytest.fail("the database was opened"))
    again = Catalogue.open(own.folder, own.version, keeping(own.folder))
    assert (len(again), again.dim, again.attributes) == (N, D, own.attributes)
    assert again.table("smile > 0").equals(wanted[0])
    assert again.packed([3]) == wanted[1]
    assert again.nearest(codes(N)[7], 4).equals(wanted[2])
    assert np.array_equal(again.latents()[1], codes(N))


def test_another_version_is_not_what_was_kept(own: Catalogue) -> None:
    before = Catalogue.open(own.folder, own.version, keeping(own.folder, items={"version": own.version}))
    version = before.append(some_rows(3, seed=5))
    after = Catalogue.open(own.folder, version, keeping(own.folder, items={"version": version}))
    assert (len(before), len(after)) == (N, N + 3)
    assert np.array_equal(after.z(N + 1), codes(3, seed=5)[1])
    assert len(before.table()) == N


def test_too_much_is_not_kept(own: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the database answers, and the same."""
    monkeypatch.setattr(mirror, "MOST", 1000)
    kept = keeping(own.folder)
    large = Catalogue.open(own.folder, own.version, kept)
    assert large.table().equals(own.table())
    assert large.packed([7, 5]) == own.packed([7, 5])
    assert "columns" not in kept
    assert "packed" not in kept
