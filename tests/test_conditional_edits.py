"""Edits along the conditional mean of latents: a world that is bent, whose answer is known, and a space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

import liminal
from liminal.cli import main
from liminal.errors import LiminalError
from liminal.measures.eyes.columns import describe, targets
from liminal.ops.directions import conditional
from liminal.ops.directions.conditional import Asked, Conditional, fit_conditional
from liminal.ops.edits import WAYS
from liminal.ops.formulas import formula

HATS = ("none", "cap", "bowler")


def bent(table: pa.Table) -> Tensor:
    """z of attributes: the level turns in a plane that the hat chooses, and a yes pushes along the level."""
    level = torch.tensor(table["level"].to_pylist())
    hat = torch.tensor([HATS.index(v) for v in table["hat"].to_pylist()])
    lit = torch.tensor(table["lit"].to_pylist()).float()
    turned = torch.stack([(2 * level).sin(), (2 * level).cos()], 1) * (1 + lit[:, None])
    z = torch.zeros(len(table), 6)
    z.scatter_(1, torch.stack([2 * hat, 2 * hat + 1], 1), turned)
    return z


def world(n: int, seed: int) -> tuple[pa.Table, Tensor, Tensor]:
    """Attributes, z and the part r of it that they do not tell."""
    draw = np.random.default_rng(seed)
    hats, lit = [HATS[i] for i in draw.integers(3, size=n)], draw.random(n) > 0.5
    table = pa.table({"level": draw.normal(size=n), "hat": hats, "lit": pa.array(lit)})
    r = torch.tensor(0.1 * draw.normal(size=(n, 6)), dtype=torch.float32)
    return table, bent(table) + r, r


@pytest.fixture(scope="module")
def model() -> Conditional:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditional, "STEPS", (900, 900))
        table, z, _ = world(3000, 0)
        spec = describe(table)
        return fit_conditional(z, targets(table, spec), spec)


def moved(table: pa.Table, name: str, values: list[object]) -> pa.Table:
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array(values))


def test_a_bent_world_is_told_where_a_line_tells_little(model: Conditional) -> None:
    line, all_of_it = model.explained
    assert line < 0.5
    assert all_of_it > 0.93
    assert float(model.noise.mean()) == pytest.approx(0.1, abs=0.06)


def test_an_edit_is_the_counterfactual(model: Conditional) -> None:
    table, z, r = world(300, 1)
    row = targets(table, model.spec)
    std = model.spec["level"]["std"]
    levels = [v + 0.5 * std for v in table["level"].to_pylist()]
    for asked, after in (
        (Asked("level", None, 0.5), moved(table, "level", levels)),
        (Asked("hat", "cap", 1.0), moved(table, "hat", ["cap"] * 300)),
        (Asked("hat", None, -1.0), moved(table, "hat", ["none"] * 300)),
        (Asked("lit", None, 1.0), moved(table, "lit", [True] * 300)),
    ):
        wanted = bent(after) + r
        error = (z + model.step(row, [asked]) - wanted).square().sum(1).median()
        assert float(error) < 0.1 * float((z - wanted).square().sum(1).mean()), asked


def test_a_walk_leads_over_what_attributes_between_make(model: Conditional) -> None:
    """Numbers go evenly and a category changes half way, where the straight line lies between two planes."""
    r = world(40, 3)[2]
    a, b = (
        pa.table({"level": [level], "hat": [hat], "lit": [True]})
        for level, hat in ((-0.5, "none"), (1.0, "cap"))
    )
    ends = torch.cat([bent(a), bent(b)]) + r[:2]
    row = targets(pa.concat_tables([a, b]), model.spec)
    way = model.way(ends, row)
    t = torch.linspace(0, 1, 12)  # none is a half
    level = -0.5 + 1.5 * t
    hats = ["none" if share < 0.5 else "cap" for share in t]
    true = bent(pa.table({"level": level.tolist(), "hat": hats, "lit": [True] * 12}))
    true = true + r[0] + t[:, None] * (r[1] - r[0])
    found, straight = way(ends[0], ends[1], t), ends[0] + t[:, None] * (ends[1] - ends[0])
    off, far = ((z - true).norm(dim=1) for z in (found, straight))
    assert off.mean() < 0.3 * far.mean()
    assert off.max() < 0.6 < far.max()
    assert torch.allclose(way(ends[1], ends[0], 1 - t), found, atol=1e-5)
    assert torch.allclose(found[[0, -1]], ends, atol=1e-5)


def test_what_is_there_already_stays(model: Conditional) -> None:
    table, _, _ = world(50, 2)
    row = targets(table, model.spec)
    there = torch.tensor([v == "cap" for v in table["hat"].to_pylist()])
    step = model.step(row, [Asked("hat", "cap", 1.0)])
    assert step[there].abs().max() < 1e-6
    assert step[~there].norm(dim=1).min() > 0.1
    assert not model.step(row, [Asked("level", None, 0.0)]).any()


def test_terms_add_up_one_after_the_other(model: Conditional) -> None:
    table, _, _ = world(20, 3)
    row = targets(table, model.spec)
    both = model.step(row, [Asked("level", None, 0.7), Asked("lit", None, -1.0)])
    first = model.step(row, [Asked("level", None, 0.7)])
    then = model.step(row | {"level": row["level"] + 0.7}, [Asked("lit", None, -1.0)])
    torch.testing.assert_close(both, first + then)
    half = model.step(row, [Asked("level", 1.0, 0.5)])
    torch.testing.assert_close(half, model(row | {"level": (row["level"] + 1) / 2}) - model(row))


def test_attributes_are_told_from_latents(model: Conditional) -> None:
    table, z, _ = world(60, 4)
    true, told = targets(table, model.spec), model.told(z)
    assert float((told["hat"] == true["hat"]).float().mean()) > 0.95
    assert float((told["lit"] == true["lit"]).float().mean()) > 0.9
    wrong = (true["hat"] + 1) % 3
    known = {"hat": torch.where(torch.arange(60) % 2 == 0, wrong, -1)}
    assert torch.equal(model.told(z, known)["hat"][::2], wrong[::2])  # what is known is taken as it is


def test_a_straight_world_is_no_worse_than_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditional, "STEPS", (100, 100))
    draw = torch.Generator().manual_seed(0)
    a, r = torch.randn(200, generator=draw), torch.randn(200, 3, generator=draw)
    table = pa.table({"a": a.numpy()})
    spec = describe(table)
    made = fit_conditional(a[:, None] * torch.tensor([1.0, 2, 0]) + r, targets(table, spec), spec)
    assert made.explained[1] >= made.explained[0] - 0.02
    with pytest.raises(LiminalError, match="3 items with 1 attributes"):
        fit_conditional(r[:3], targets(table.slice(0, 3), spec), spec)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("smile", [("smile", 1.0)]),
        ("-2*(smile - 0.5*hat)", [("smile", -2.0), ("hat", 1.0)]),
        ("(1 + 2)*hat=cap + @1 - mix(@1, @2) + dim(3)", [("hat", 3.0)]),
    ],
)
def test_terms_of_a_formula(text: str, wanted: list[tuple[str, float]]) -> None:
    class Names:
        def __getattr__(self, _: str) -> object:
            return lambda *_: torch.zeros(2)

    found = formula.terms(formula.parse(text), Names())  # type: ignore[arg-type]
    assert [(term.name, times) for term, times in found] == wanted


def test_an_edit_of_a_space(
    tiny_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conditional, "STEPS", (300, 300))
    space = liminal.open(tiny_space)
    high = space.catalogue.table(columns=["high"])["high"].to_pylist()
    done = [space.edit(i, "high", along="conditional") for i in range(20) if not high[i]]
    assert np.mean([e.attributes_after["high"] for e in done]) > 0.8
    assert np.mean([e.attributes_before["high"] for e in done]) < 0.2
    assert done[0].evidence["along"] == "conditional"
    plain = space.edit("@1", "dim(2) + 0.5*brightness", along="conditional")
    alone = space.edit("@1", "0.5*brightness", along="conditional")
    both = space.edit("@1", "dim(2)").z_after + alone.z_after
    torch.testing.assert_close(plain.z_after, both - plain.z_before)
    with pytest.raises(LiminalError, match="the change names none"):
        space.edit("@1", "dim(2)", along="conditional")
    with pytest.raises(LiminalError, match="did you mean conditional"):
        space.edit("@1", "high", along="condition")
    drawn = [np.asarray(space.strip(["@1", "@2"], "high", (0.0, 1.0), along)) for along in WAYS]
    assert drawn[0].shape == drawn[1].shape
    assert (drawn[0] != drawn[1]).any()
    out = tmp_path / "out.png"
    assert main(["edit", str(tiny_space), "@1", "high", "--along", "conditional", "-o", str(out)]) == 0
    assert out.exists()
    assert "edited by high along conditional" in " ".join(capsys.readouterr().out.split())
