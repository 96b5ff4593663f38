"""Rows that are made and rows that are explained: drawn where a filter holds, and which cells are unusual."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

import liminal
from liminal.errors import LiminalError
from liminal.modalities.image import Image
from liminal.modalities.table import Table
from liminal.ops.unusual import usual
from liminal.space import Space
from liminal.voice import Voice

HEAD = "length,weight,sort,spots,noise"


def written(path: Path, n: int = 240) -> Path:
    """Weights follow lengths, and big ones are all of the sort c; noise and spots follow nothing."""
    draw = np.random.default_rng(0)
    length = draw.uniform(0, 10, n)
    rows = [
        f"{a:.2f},{3 * a + draw.normal(0, 0.3):.2f},{'c' if a > 7 else draw.choice(['a', 'b'])},"
        f"{draw.choice(['yes', 'no'])},{draw.normal():.3f}"
        for a in length
    ]
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    folder = tmp_path_factory.mktemp("rows")
    return liminal.fit(written(folder / "fish.csv"), folder / "fish", epochs=12, voice=Voice())


def column(space: Space, items: np.ndarray, name: str) -> list:
    return space.modality.stated(items)[name]


def test_a_fit_that_is_told_nothing_takes_what_suits(space: Space) -> None:
    assert space.dim == 6  # a number each, two for three sorts, one for yes or no
    few, many = (space.modality.suited(n) for n in (100, 10_000))
    assert many["epochs"] * 10_000 > few["epochs"] * 100
    assert many["epochs"] < few["epochs"]


def test_rows_drawn_where_a_filter_holds_hold_it(space: Space) -> None:
    found = space.sample(40, where="sort = 'c' and length > 7.5", seed=1)
    assert set(column(space, found.items, "sort")) == {"c"}
    assert min(column(space, found.items, "length")) > 7.5
    assert "% of the draws" in found.source
    again = space.sample(40, where="sort = 'c' and length > 7.5", seed=1)
    np.testing.assert_array_equal(found.items, again.items)
    assert len(found.z) == len(found.items) == 40
    both = space.sample(10, where="spots = yes", support=0.05)
    assert all(column(space, both.items, "spots"))
    assert min(both.table["support"].to_pylist()) >= 0.05


def test_a_filter_that_hardly_any_draw_passes_is_one_line(space: Space) -> None:
    told = space.catalogue.table(columns=["noise"])["noise"].to_numpy()
    rare = " or ".join(f"noise = {value:.3f}" for value in told[:3])
    with pytest.raises(LiminalError, match="draws pass") as error:
        space.sample(30, where=rare)
    assert "\n" not in str(error.value)


def test_what_z_leaves_open_varies(space: Space) -> None:
    z = space.latents[:1].repeat(200, 1)
    y = space.generator.decode(z)
    draw = torch.Generator().manual_seed(0)
    drawn = space.modality.drawn(y, draw)
    assert len(np.unique(space.decode(z), axis=0)) == 1
    assert len(np.unique(drawn, axis=0)) > 100


def test_the_cell_that_breaks_what_columns_have_together_is_named(space: Space) -> None:
    found = space.unusual("row(length=9, weight=27, sort=a, spots=yes, noise=0.1)")
    assert found[0].name == "sort"
    assert (found[0].value, found[0].usual) == ("a", "c")
    assert found[0].p < 0.05
    assert {cell.name: cell.p for cell in found}["noise"] > 0.2
    usual = space.unusual("row(length=9, weight=27, sort=c, spots=yes, noise=0.1)")
    assert min(cell.p for cell in usual) > 0.02
    with pytest.raises(LiminalError, match="no item itself"):
        space.unusual("mean(sort=a)")


def test_p_values_of_real_rows_are_uniform(tmp_path: Path) -> None:
    path = written(tmp_path / "fish.csv", 400)
    table = Table.infer([path])
    rows = np.stack([r.item for r in table.records(path, "fish.csv") if r.item is not None])
    found = [cell.p for i in range(60) for cell in usual(table, rows[60:], seed=i % 6).cells(rows[i])]
    assert abs(np.mean(found) - 0.5) < 0.08
    assert np.mean(np.array(found) <= 0.1) < 0.16


def test_what_cannot_be_explained_is_one_line() -> None:
    with pytest.raises(LiminalError, match="state no attributes"):
        usual(Image(8, 1), np.zeros((30, 8, 8, 1), np.uint8))
    made = Table.infer([io.BytesIO(b"a,b\n1,x\n2,y\n3,x\n")])
    with pytest.raises(LiminalError, match="wanted 20 or more"):
        usual(made, np.array([[2.0, 1.0], [3.0, 0.0]]))
