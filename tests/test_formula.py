"""Formulas: known answers, refusals in one line, and the tree that comes back from its own text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from liminal.errors import LiminalError, unknown
from liminal.filters import resolve
from liminal.ops.formulas import formula
from liminal.ops.formulas.formula import parse, point, show, where
from liminal.ops.formulas.parsing import FUNCTIONS
from liminal.ops.formulas.syntax import (
    Dimension,
    File,
    Item,
    Literal,
    Mean,
    Mix,
    Named,
    Negative,
    Number,
    Product,
    Random,
    Sum,
)

AXES = {
    "smile": 0,
    "glasses": 1,
    "hair_colour=blond": 2,
    "5_o_Clock_Shadow": 0,
    "eye-size": 1,
    "sleeve length": 2,
}


class World:
    """Items on the first axes times their id, directions on the same axes times 10."""

    def item(self, id: int) -> Tensor:
        if id > 99:
            raise LiminalError(f"no item @{id}")
        return torch.tensor([float(id), 1.0, 0.0])

    def mean(self, where: str) -> Tensor:
        return torch.tensor([0.0, 0.0, float(len(where))])

    def mix(self, points: list[Tensor]) -> Tensor:
        return torch.stack(points).mean(0)

    def random(self, seed: int) -> Tensor:
        return torch.full((3,), float(seed))

    def direction(self, name: str, value: str | None) -> Tensor:
        key = name if value is None else f"{name}={value}"
        if key not in AXES:
            raise unknown("direction", name, {axis.split("=")[0] for axis in AXES})
        return 10 * torch.eye(3)[AXES[key]]

    def dimension(self, index: int) -> Tensor:
        if index > 2:
            raise LiminalError(f"dim({index}): 3 dimensions")
        return torch.eye(3)[index]

    def file(self, path: str) -> Tensor:
        return torch.tensor([0.0, float(len(path)), 0.0])

    def literal(self, literal: Literal) -> Tensor:
        given = literal.arguments
        if literal.name == "strand" and isinstance(given, str):
            return torch.tensor([0.0, 0.0, float(len(given))])
        if literal.name == "row" and not isinstance(given, str):
            return torch.tensor([float(len(given)), *(float(value) for _, value in given), 0.0, 0.0])[:3]
        raise unknown("function", literal.name, [*FUNCTIONS, "strand", "row"])


def said(text: str, call=point) -> str:
    with pytest.raises(LiminalError) as caught:
        call(text, World())
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("@12", [12, 1, 0]),
        ("@12 + 1.5*smile - glasses", [27, -9, 0]),
        ("  @12+1.5 * smile-glasses ", [27, -9, 0]),
        ("+@12", [12, 1, 0]),
        ("smile*2 + @3", [23, 1, 0]),
        ("-(-@3)", [3, 1, 0]),
        ("@1 - -smile", [11, 1, 0]),
        ("2*-.5*smile + @0", [-10, 1, 0]),
        ("(1 + 0.5)*smile + @0", [15, 1, 0]),
        ("0.5*@2 + 0.5*@4", [3, 1, 0]),
        ("2*@1 - @3", [-1, 1, 0]),
        ("@5 + (@2 - @1)", [6, 1, 0]),
        ("3*(@2 - @1) + @0", [3, 1, 0]),
        ("mix(@1, @2, 0.5*@3 + 0.5*@5)", [7 / 3, 1, 0]),
        ("random(7)", [7, 7, 7]),
        ("'photo.png'", [0, 9, 0]),
        ('file("a b.png") + 1e-1*smile', [1, 7, 0]),
        ("strand('acgt')", [0, 0, 4]),
        ("strand('') + smile", [10, 0, 0]),
        ("row()", [0, 0, 0]),
        ("row(age=40)", [1, 40, 0]),
        ("row(age=-1.5e1, `body mass` = '3')", [2, -15, 3]),
        ("0.5*row(age=2) + 0.5*@4 + smile", [12.5, 1.5, 0]),
        ("@0 + hair_colour=blond", [0, 1, 10]),
        ("@0 + hair_colour='blond'", [0, 1, 10]),
        ('@0 + "hair_colour" = blond', [0, 1, 10]),
        ("@0 + `smile`", [10, 1, 0]),
        ("@0 + 5_o_Clock_Shadow", [10, 1, 0]),
        ("@0 + 2*5_o_Clock_Shadow", [20, 1, 0]),
        ("@0 + `eye-size` + `sleeve length`", [0, 11, 10]),
        ("1e1*smile + @0", [100, 1, 0]),
        ("mean(label=3)", [0, 0, len("label = 3")]),
        ("mean(label=🙂)", [0, 0, len("label = '🙂'")]),
        ("mean(label=Sandal)", [0, 0, len("label = 'Sandal'")]),
        (
            "mean(label='Ankle boot') - mean(label=Sandal) + @1",
            [1, 1, len("label = 'Ankle boot'") - len("label = 'Sandal'")],
        ),
    ],
)
def test_places(text: str, wanted: list[float]) -> None:
    torch.testing.assert_close(point(text, World()), torch.tensor(wanted, dtype=torch.float32))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-glasses", [0, -10, 0]),
        ("+1.5*smile - glasses", [15, -10, 0]),
        ("+ mean(label=abc) - mean(label=b)", [0, 0, 2]),
        ("@3 - @1", [2, 0, 0]),
        ("2*dim(1) - dim(2)", [0, 2, -1]),
        ("0.5*@3 + 0.5*@1 - mix(@3, @1)", [0, 0, 0]),
    ],
)
def test_changes(text: str, wanted: list[float]) -> None:
    torch.testing.assert_close(formula.edit(text, World()), torch.tensor(wanted, dtype=torch.float32))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["wanted an item", "character 1", "got the end"]),
        ("smile=-much", ["wanted a number after '-'", "character 8"]),
        ("dim(x)", ["wanted the index of a dimension", "character 5"]),
        ("@1 + * 2", ["character 6", "got '*'"]),
        ("@1 smile", ["wanted +, -, * or the end at character 4", "'smile'"]),
        ("2smile + @1", ["'*' between 2 and 'smile'"]),
        ("2.5smile + @1", ["'*' between 2.5 and 'smile'"]),
        ("@1 + eye-size", ["unknown direction 'eye'", "a minus goes in backticks: `eye-size`"]),
        ("@1 - 2*eye-sise=big", ["a minus goes in backticks: `eye-size`=big"]),
        ("@1 + sleeve length", ["a name of several words goes in backticks", "'length'"]),
        ("@1 − smile", ["'−' has no meaning"]),
        ("@1 + (smile", ["a ) is missing at the end (character 12)"]),
        ("@1 + mean(label=Bag", ["a ) is missing at the end"]),
        ("@x", ["number of an item after @"]),
        ("@1 / 2", ["'/' has no meaning"]),
        ("@1 + 'never", ["quote ' is never closed"]),
        ("@1; @2", ["';' has no meaning"]),
        ("a.b", ["'.' has no meaning"]),
        ("__import__('os').system('x')", ["'.' has no meaning"]),
        ("__import__('os')", ["unknown function '__import__'"]),
        ("maen(label=Bag)", ["unknown function 'maen'", "did you mean mean"]),
        ("maen(@1, @2)", ["unknown function 'maen'", "did you mean mean", "character 1"]),
        ("row(age)", ["'=' and a value", "character 8", "')'"]),
        ("row(age=40", ["a ) is missing"]),
        ("row(age=40 smoker=yes)", ["',' or ')'", "character 18"]),
        ("row(age=40,, smoker=yes)", ["','"]),
        ("row(age=40, age=41)", ["age once in row", "character 13"]),
        ("row(age=40) - strand('a')", ["change with no item"]),
        ("mean()", ["name of an attribute"]),
        ("mean(label)) ", ["+, -, * or the end"]),
        ("mean(label=)", ["wanted a value"]),
        ("mean(label=T-shirt)", ["')' (values", "go in quotes", "at character 13, got '-'"]),
        ("mix(@1)", ["two or more"]),
        ("mix(@1, smile)", ["'smile' is a change with no item"]),
        ("random(1.5)", ["a seed"]),
        ("random(-1)", ["a seed"]),
        ("file(photo)", ["name of a file in quotes"]),
        ("@1 + nan*smile", ["nan is no number", "1.5*smile"]),
        ("@1 + -Infinity*smile", ["Infinity is no number"]),
        ("@1 + smlie", ["unknown direction 'smlie'", "did you mean smile"]),
        ("@1000", ["no item @1000"]),
        ("@1 + @2", ["add up to 2, wanted 1", "0.5*@1 + 0.5*@2 or mix(@1, @2)"]),
        ("@1 + @2 + @3", ["add up to 3", "write mix(@1, @2, @3)"]),
        ("2*@1 + smile", ["add up to 2"]),
        ("smile", ["no item to start from", "@12 + smile"]),
        ("-glasses", ["@12 + (-glasses)"]),
        ("@1 * @2", ["multiplies two"]),
        ("smile*smile", ["multiplies two"]),
        ("@1 + 3", ["adds a number"]),
        ("3", ["is a number"]),
        ("1e999*smile", ["below 1e308"]),
        ("@1 + 1e300*1e300*smile", ["infinity"]),
        ("@1 + 1e300*smile", ["infinity"]),
        ("@1\n+\x00", ["has no meaning"]),
    ],
)
def test_refusals(text: str, words: list[str]) -> None:
    message = said(text)
    for word in words:
        assert word in message


def test_an_edit_refuses_a_place() -> None:
    assert "it is a place" in said("@12 + smile", formula.edit)
    assert "add up to 2" in said("@1 + @2", formula.edit)


@pytest.mark.parametrize(
    "text", ["(" * 4000 + "@1" + ")" * 4000, "mix(" * 1000, "mean(" + "(" * 3000, "mean(" + "not (" * 1500]
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert "nested deeper than 40" in said(text)


def test_long_chains_are_no_nesting() -> None:
    assert point("@0" + "+smile-smile" * 700, World()).tolist() == [0, 1, 0]
    assert point("@0 + " + "-" * 4000 + "smile", World()).tolist() == [10, 1, 0]
    assert "at most 10000" in said("+" * 10_001)


WORDS = st.from_regex(r"[^\W\d]\w{0,6}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
NUMBERS = st.floats(0, 1e300, allow_nan=False)
LEAVES = st.one_of(
    NUMBERS.map(Number),
    st.integers(0, 10**17).map(Item),
    TEXTS.map(File),
    st.builds(lambda a, b: Mean(f"{formula.quote_name(a)} = {formula.quote_text(b)}"), TEXTS, TEXTS),
    st.integers(0, 10**17).map(Random),
    st.builds(
        Literal,
        WORDS.filter(lambda word: word not in FUNCTIONS),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
        | st.lists(
            st.tuples(TEXTS, TEXTS | st.from_regex(r"-?[0-9]{1,4}", fullmatch=True)),
            max_size=3,
            unique_by=lambda pair: pair[0],
        ).map(tuple),
    ),
    st.integers(0, 10**17).map(Dimension),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda v: Named("smile", f"{v:.3f}")),
    st.builds(Named, TEXTS, st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)),
)


def longer(inner: st.SearchStrategy) -> st.SearchStrategy:
    many = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(inner.map(Negative), many.map(Sum), many.map(Product), many.map(Mix))


@settings(deadline=None, max_examples=300)
@given(st.recursive(LEAVES, longer, max_leaves=12))
def test_a_written_tree_reads_as_itself(tree: formula.Node) -> None:
    assert parse(show(tree)) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [("smile=1", "1"), ("smile = -0.5", "-0.5"), ("hair=dark blond", "dark blond"), ("n='-3'", "-3")],
)
def test_settings(text: str, value: str) -> None:
    tree = parse(text)
    assert isinstance(tree, Named)
    assert tree.value == value


def test_items_of_a_tree() -> None:
    assert list(formula.items(parse("@3 + 2*(@1 - mix(@7, -@9)) + mean(label=Bag)"))) == [3, 1, 7, 9]


SCRAPS = st.lists(
    st.sampled_from(
        [
            "@1",
            "smile",
            "mean(",
            "mix(",
            "random(",
            "dim(",
            "file(",
            ")",
            "(",
            "+",
            "-",
            "*",
            "=",
            ",",
            "'a'",
            '"',
            "`b`",
            "2",
            ".5",
            "and",
        ]
    ),
    max_size=14,
).map(" ".join)


@settings(deadline=None, max_examples=400)
@given(st.one_of(st.text(max_size=40), SCRAPS, SCRAPS.map(lambda s: s.replace(" ", ""))))
def test_junk_raises_nothing_else(text: str) -> None:
    for call in (lambda: point(text, World()), lambda: formula.edit(text, World()), lambda: where(text)):
        assert "\n" not in str(_raised(call))


def _raised(call: Callable[[], object]) -> LiminalError | None:
    try:
        call()
    except LiminalError as error:
        return error
    return None


# filters

FILTERS = [
    ("label=Sandal", "label = 'Sandal'", [0, 3]),
    ("label = Ankle boot", "label = 'Ankle boot'", [1]),
    ('label == "Ankle boot" and smile > .5', "label = 'Ankle boot' and smile > 0.5", [1]),
    ("label=Sandal AND NOT smile > 0.5", "label = 'Sandal' and not smile > 0.5", [3]),
    ("hat", "hat = true", [0]),
    ("not (hat or label=Bag)", "not (hat = true or label = 'Bag')", [1, 3]),
    ("label in (Bag, Ankle boot)", "label in ('Bag', 'Ankle boot')", [1, 2]),
    ("label not in (Bag) and smile between -1 and 0", "label not in ('Bag') and smile between -1 and 0", [3]),
    ("smile is not null and label like 'S%'", "smile is not null and label like 'S%'", [0, 3]),
    ("smile is null", "smile is null", [2]),
    ("label <> Bag and smile >= -1e1", "label != 'Bag' and smile >= -10.0", [0, 1, 3]),
    ("`eye size` > 2 or label='O''Brien'", "`eye size` > 2 or label = 'O''Brien'", [2, 3]),
    ('"eye size" <= 2', "`eye size` <= 2", [0, 1]),
    ("smile < `eye size`", "smile < `eye size`", [0, 1, 3]),
    ("5_o_clock", "`5_o_clock` = true", [1]),
    ("mood=🙂 or mood = très bien", "mood = '🙂' or mood = 'très bien'", [0, 3]),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory):
    import lancedb

    rows = pa.table(
        {
            "id": [0, 1, 2, 3],
            "label": ["Sandal", "Ankle boot", "Bag", "Sandal"],
            "smile": [0.9, 0.8, None, -0.5],
            "hat": [True, False, False, False],
            "eye size": [1.0, 2.0, 3.0, 4.0],
            "5_o_clock": [False, True, False, False],
            "mood": ["🙂", "sad", None, "très bien"],
        }
    )
    return lancedb.connect(tmp_path_factory.mktemp("lance")).create_table("items", rows)


@pytest.mark.parametrize(("text", "sql", "rows"), FILTERS)
def test_filters_mean_in_the_database_what_they_say(text: str, sql: str, rows: list[int], table) -> None:
    assert where(text) == sql
    assert where(sql) == sql
    assert sorted(table.search().where(where(text)).to_arrow()["id"].to_pylist()) == rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label=Sandal; drop table items", "';' has no meaning in a filter"),
        ("label=Sandal --", "wanted and, or or the end"),
        ("label = 'x' or 1=1", "wanted the name of an attribute"),
        ("label=and", "a word of the language"),
        ("smile = -Bag", "a number after '-'"),
        ("smile between 1", "wanted and"),
        ("label is Bag", "null after is"),
        ("label not Bag", "in, like or between"),
        ("exists(select 1)", "wanted and, or or the end"),
    ],
)
def test_filters_refused(text: str, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        where(text)


def test_a_number_keeps_its_digits_where_a_category_may_hold_it() -> None:
    assert where("version = 1.10 or label in (03, -1)") == "version = 1.10 or label in (03, -1)"
    assert formula.compared(where("version=1.10 and label=Bag")) == [("version", "1.10"), ("label", "Bag")]


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("label = 3", "`label` = '3'"),
        ("label != 03 and smile > 1", "`label` != '03' and `smile` > 1"),
        ("label in (3, -1) or smile = 3", "`label` in ('3', '-1') or `smile` = 3"),
        ("label >= 3", "`label` >= 3"),  # text has no such order: the database refuses it
        ("hat = yes and label = 'yes'", "`hat` = true and `label` = 'yes'"),
        ("smile between 1 and 3", "`smile` between 1 and 3"),
        ('label = "3"', "`label` = '3'"),
    ],
)
def test_values_are_what_their_column_holds(text: str, sql: str) -> None:
    assert resolve(text, {"label": "category", "smile": "number", "hat": "bool"}) == sql


def test_a_file_name_may_hold_anything(tmp_path: Path) -> None:
    name = str(tmp_path / 'it\'s a "photo" (1)+2.png')
    assert parse(show(File(name))) == File(name)


def test_attributes_of_a_tree() -> None:
    assert formula.attributes(parse("@3 + 2*(smile - glasses=sun) - smile + mean(label=Bag)")) == [
        "smile",
        "glasses",
    ]
