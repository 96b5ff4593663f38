"""The reader of attributes: what it learns, what it leaves out, what it says of itself."""

from __future__ import annotations

import gzip
import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from liminal.errors import LiminalError
from liminal.files import data_folder
from liminal.measures.eyes.reader import Reader, auc, describe, fit_reader, targets
from liminal.modalities.image import Image

MODALITY = Image(16, 16, 3)


def bars(n: int, seed: int, unknown: float = 0.0) -> tuple[np.ndarray, pa.Table]:
    """Pictures of one bar: where it is (a number), whether it lies (yes/no), its colour (a category); some
    values unknown.
    """
    rng = np.random.default_rng(seed)
    at, lies, colour = rng.integers(1, 15, n), rng.random(n) < 0.4, rng.integers(0, 3, n)
    items = rng.integers(0, 40, (n, 16, 16, 3), dtype=np.uint8)
    for i in range(n):
        where = (
            (slice(at[i] - 1, at[i] + 1), slice(None))
            if lies[i]
            else (slice(None), slice(at[i] - 1, at[i] + 1))
        )
        items[i][(*where, colour[i])] = 220
    hide = rng.random((n, 3)) < unknown
    columns = [
        [None if h else float(v) * 10 for v, h in zip(at, hide[:, 0], strict=True)],
        [None if h else bool(v) for v, h in zip(lies, hide[:, 1], strict=True)],
        [None if h else ("red", "green", "blue")[v] for v, h in zip(colour, hide[:, 2], strict=True)],
    ]
    return items, pa.table(
        {
            "at": pa.array(columns[0], pa.float64()),
            "lies": pa.array(columns[1]),
            "colour": pa.array(columns[2]),
        }
    )


@pytest.fixture(scope="module")
def reader() -> Reader:
    items, attributes = bars(1500, 0, unknown=0.3)
    return fit_reader(items, MODALITY, attributes, seed=3, epochs=6, batch=64)


def test_it_reads_items_it_has_not_seen(reader: Reader) -> None:
    items, attributes = bars(300, 1)
    x = MODALITY.tensor(items)
    scores = reader.scores(x, attributes)
    assert scores["at"]["r2"] > 0.9
    assert scores["lies"]["accuracy"] > 0.95
    assert scores["lies"]["auc"] > 0.98
    assert scores["colour"]["accuracy"] > 0.95
    assert {v["n"] for v in scores.values()} == {300}
    read = reader(x)
    assert read["at"].shape == (300,)
    assert 10 <= float(read["at"].mean()) <= 140  # in its own units
    assert ((read["lies"] >= 0) & (read["lies"] <= 1)).all()
    assert read["colour"].shape == (300, 3)
    assert torch.allclose(read["colour"].sum(1), torch.ones(300), atol=1e-5)
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    assert (
        reader.scores(blurred, attributes)["colour"]["accuracy"] > 0.9
    )  # what a decoder softens is still read


def test_reading_is_exact_and_leaves_the_reader_as_it_was(reader: Reader) -> None:
    x = MODALITY.tensor(bars(20, 2)[0])
    once = reader(x)
    reader.train()
    again, features = reader(x), reader.features(x)
    assert reader.training
    reader.eval()
    assert all(torch.equal(once[k], again[k]) for k in once)
    assert features.shape == (20, 64)
    assert not features.requires_grad
    assert torch.allclose(reader(x[3:4])["at"], once["at"][3:4], atol=1e-3)
    assert {k: len(v) for k, v in reader(x[:0]).items()} == {"at": 0, "lies": 0, "colour": 0}
    with pytest.raises(LiminalError, match=r"wanted items of shape \(n, 3, 16, 16\)"):
        reader(x[:, :1])


def test_it_is_differentiable_where_asked(reader: Reader) -> None:
    x = MODALITY.tensor(bars(4, 2)[0]).requires_grad_()
    reader.soft(x)["at"].sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0


def test_it_survives_json_and_its_weights(reader: Reader) -> None:
    copy = Reader(**json.loads(json.dumps(reader.config())))
    copy.load_state_dict(reader.state_dict())
    x = MODALITY.tensor(bars(9, 5)[0])
    copy.eval()
    assert all(torch.equal(a, b) for a, b in zip(reader(x).values(), copy(x).values(), strict=True))
    assert list(copy.spec) == ["at", "lies", "colour"]
    assert 50_000 <= sum(p.numel() for p in copy.parameters()) <= 150_000


def test_the_seed_decides_and_the_global_one_is_left_alone() -> None:
    items, attributes = bars(80, 0)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a, b, c = (fit_reader(items, MODALITY, attributes, seed=s, steps=3, batch=32) for s in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


def test_describe_keeps_what_can_be_learned() -> None:
    table = pa.table({
        "size": pa.array([1, None, 5, 3]),
        "holes": [1.0, math.nan, 3.0, None],
        "hat": [True, False, None, True],
        "hair": pa.array(["red", "black", None, "red"]).dictionary_encode(),
        "always": [2.0] * 4,
        "yes": [True] * 4,
        "one": ["a"] * 4,
        "empty": pa.array([None] * 4, pa.float64()),
        "nothing": pa.array([None] * 4),
        "days": pa.array([0, 1, 2, 3], pa.date32()),
    })  # fmt: skip
    spec = describe(table)
    assert spec == {
        "size": {"kind": "number", "mean": 3.0, "std": pytest.approx(math.sqrt(8 / 3))},
        "holes": {"kind": "number", "mean": 2.0, "std": 1.0},
        "hat": {"kind": "bool"},
        "hair": {"kind": "category", "classes": ["black", "red"]},
    }
    json.dumps(spec)
    wanted = targets(table, spec)
    assert wanted["holes"].isnan().tolist() == [False, True, False, True]
    assert wanted["hat"].nan_to_num(nan=9).tolist() == [1, 0, 9, 1]
    assert wanted["hair"].tolist() == [1, 0, -1, 1]
    assert targets(table.slice(0, 1).set_column(3, "hair", pa.array(["green"])), spec)["hair"].tolist() == [
        -1
    ]
    many = pa.table({"id": [f"item {i}" for i in range(300)]})
    assert describe(many) == {}


def test_unknown_values_do_not_weigh() -> None:
    spec = {
        "a": {"kind": "number", "mean": 0.0, "std": 1.0},
        "b": {"kind": "bool"},
        "c": {"kind": "category", "classes": ["x", "y"]},
    }
    torch.manual_seed(0)
    reader = Reader((12,), spec, network="mlp").eval()
    x = torch.randn(6, 12)
    nan = math.nan
    wanted = {
        "a": torch.tensor([1.0, nan, 2.0, nan, 0.0, nan]),
        "b": torch.tensor([1.0, nan, 0.0, nan, 1.0, nan]),
        "c": torch.tensor([0, -1, 1, -1, 0, -1]),
    }
    part = {k: v[::2] for k, v in wanted.items()}
    assert reader.loss(x, wanted).item() == pytest.approx(reader.loss(x[::2], part).item(), rel=1e-5)
    nothing = {"a": torch.full((6,), nan), "b": torch.full((6,), nan), "c": torch.full((6,), -1)}
    loss = reader.loss(x, nothing)
    loss.backward()
    assert loss.item() == 0
    assert all(torch.isfinite(p.grad).all() for p in reader.parameters() if p.grad is not None)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40).filter(
        lambda v: len({y for y, _ in v}) == 2
    )
)
def test_auc_is_that_of_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    yes, score = np.array([y for y, _ in pairs]), np.array([s for _, s in pairs], float)
    assert auc(yes, score) == pytest.approx(roc_auc_score(yes, score))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 64), (4, 8, 200), (1, 128, 128), (7,), (3, 5, 40)])
def test_any_shape_has_a_reader(shape: tuple[int, ...]) -> None:
    reader = Reader(shape, {"a": {"kind": "bool"}}, network="conv" if len(shape) == 3 else "mlp").eval()
    assert reader(torch.rand(3, *shape))["a"].shape == (3,)
    assert reader.features(torch.rand(3, *shape)).shape == (3, 64)


def test_wrong_input_is_said() -> None:
    items, attributes = bars(40, 0)
    with pytest.raises(LiminalError, match="40 items and 39 rows"):
        fit_reader(items, MODALITY, attributes.slice(1))
    with pytest.raises(LiminalError, match="no attribute with two or more values"):
        fit_reader(items, MODALITY, pa.table({"same": [1.0] * 40}))
    spec = describe(attributes)
    with pytest.raises(LiminalError, match="no column 'at'"):
        targets(attributes.drop_columns(["at"]), spec)
    with pytest.raises(LiminalError, match="'at' is a category, but the reader was made for a number"):
        targets(attributes.set_column(0, "at", pa.array(["x"] * 40)), spec)
    with pytest.raises(LiminalError, match="3 items but 40 rows"):
        Reader((3, 16, 16), spec).scores(MODALITY.tensor(items[:3]), attributes)


def test_it_reads_real_pictures() -> None:
    folder = data_folder()
    if folder is None or not (folder / "fashion_mnist").is_dir():
        pytest.skip("LIMINAL_DATA names no folder with fashion_mnist")

    def read(name: str, n: int) -> tuple[np.ndarray, pa.Table]:
        with (
            gzip.open(folder / "fashion_mnist" / f"{name}-images-idx3-ubyte.gz") as a,
            gzip.open(folder / "fashion_mnist" / f"{name}-labels-idx1-ubyte.gz") as b,
        ):
            items = np.frombuffer(a.read(16 + n * 784)[16:], np.uint8).reshape(n, 28, 28, 1)
            labels = np.frombuffer(b.read(8 + n)[8:], np.uint8)
        return items, pa.table(
            {"label": [f"kind {v}" for v in labels], "shoe": [bool(v in (5, 7, 9)) for v in labels]}
        )

    modality = Image(28, 28, 1)
    items, attributes = read("train", 6000)
    held, asked = read("t10k", 1000)
    scores = fit_reader(items, modality, attributes, seed=0, epochs=2).scores(modality.tensor(held), asked)
    assert scores["label"]["accuracy"] > 0.8
    assert scores["shoe"]["auc"] > 0.99
