"""What is computed once is kept: no second process fits it anew, a change makes it anew, and nothing else is
taken for it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import liminal
from liminal import core
from liminal.collection import collection, numbered
from liminal.errors import LiminalError
from liminal.maps import project as maps
from liminal.space import Space
from liminal.verbs import finding, seeing


@pytest.fixture
def copy(tiny_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A space of one's own, of which nothing is kept yet."""
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(tiny_space, tmp_path / "space"))


def fitted(it: Space) -> dict[str, Any]:
    """All that a space fits when it is first asked for it."""
    z, groups, drawn = it.latents[:40], it.clusters("kmeans", k=3), it.map("pca")
    return {
        "support": it.support(z).tolist(),
        "evidence": it.support.evidence,
        "weight": it.support.weight(z).tolist(),
        "spread": it.spread,
        "style": it.style("label").code(z).tolist(),
        "clusters": groups.summary(),
        "labels": groups.labels.tolist(),
        "map": drawn.xy.tolist(),
        "words": drawn.words(),
        "graph": it.graph.lengths.tolist(),
    }


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_nothing_is_fitted_twice(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fitted(liminal.open(copy))
    for owner, name in (
        (core.supports, "fit_support"),
        (core, "neighbour_graph"),
        (finding, "fit_style"),
        (seeing.groups, "clusters"),
        (maps, "project"),
    ):
        monkeypatch.setattr(owner, name, lambda *_, name=name, **__: pytest.fail(f"{name} ran again"))
    again = liminal.open(copy)
    monkeypatch.setattr(again.generator, "decode", lambda z: pytest.fail("something was decoded again"))
    assert plain(fitted(again)) == plain(first)


def test_another_seed_or_number_is_another_thing(copy: Path) -> None:
    it = liminal.open(copy)
    assert not it.laid("pca")
    whole = it.map("pca")
    assert it.laid("pca")
    assert not it.laid("pca", most=50)
    assert len(it.map("pca", most=50)) == 50
    assert len(it.map("pca")) == len(whole)
    assert len(it.clusters("kmeans", k=2)) == 2
    assert len(liminal.open(copy).clusters("kmeans", k=4)) == 4


def test_a_change_of_the_space_makes_it_anew(copy: Path, pictures: Path) -> None:
    it = liminal.open(copy)
    before = it.support.evidence["n_train"]
    where = len(it.catalogue.table("label = 'bar'"))
    it.add(str(pictures / "pictures"))
    for now in (it, liminal.open(copy)):
        assert len(now.latents) == len(now.catalogue) == len(now.map("pca"))
        assert now.card.data["n_train"] > before
        assert len(now.catalogue.table("label = 'bar'")) == 2 * where


def test_former_states_go(copy: Path, tmp_path: Path) -> None:
    it = liminal.open(copy)
    it.support  # noqa: B018
    (place,) = (tmp_path / "cache" / "kept").iterdir()
    (state,) = place.iterdir()
    it.card.notes.append("kept: notes change nothing that is computed")
    it.card.created = "later"
    it.card.commit(copy)
    liminal.open(copy).support  # noqa: B018
    (now,) = place.iterdir()
    assert now != state


def test_a_wrapped_model_is_held_in_memory_alone(copy: Path, tmp_path: Path) -> None:
    """No card names its code, so what was computed with it may be another model's."""
    it = liminal.open(copy)
    decode, encode = it.generator.decode_soft, lambda x: it.generator.posterior(x).mean
    mine = liminal.wrap(decode, encode, it.items(range(240)), dim=it.dim, out=tmp_path / "mine")
    ours = liminal.open(tmp_path / "mine", decode=lambda z: 0 * decode(z), encode=encode)
    assert not torch.equal(mine.support.errors, ours.support.errors)
    assert mine.kept.get("support") is not None
    assert not any((tmp_path / "cache").rglob("support*"))


def test_a_cache_that_cannot_be_written_stops_nothing(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "file" / "cache"))
    it = liminal.open(copy)
    assert len(it.latents) == len(it.map("pca")) == 240
    assert it.support.evidence["n_train"] > 0


def test_what_is_cut_is_made_anew(copy: Path, tmp_path: Path) -> None:
    wanted = fitted(liminal.open(copy))
    for file in (tmp_path / "cache").rglob("*.npz"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    found = fitted(liminal.open(copy))
    assert np.allclose(
        found.pop("style"), wanted.pop("style"), atol=1e-9
    )  # fitted anew: alike but for rounding
    assert plain(found) == plain(wanted)


# a space without its model


def test_items_are_told_from_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "@7").write_text("a file wins over an item")
    names = ["@12", " @3 ", 5, np.int64(6), "@7", "@1 + 1*smile", "me.png", None, torch.zeros(2)]
    assert [numbered(name) for name in names] == [12, 3, 5, 6, None, None, None, None, None]


def test_a_collection_tells_what_its_space_tells(copy: Path) -> None:
    items, it = collection(copy), liminal.open(copy)
    assert items.info() == it.info()
    assert items.dim == it.dim
    assert np.array_equal(items.items([3, 1]), it.items([3, 1]))
    near = items.near(items.catalogue.z(5), 4, "label = 'bar'")
    assert near.equals(it.neighbors("@5", 4, "label = 'bar'"))
    assert (
        near["id"].to_pylist()
        == it.catalogue.nearest(it.latent("@5").numpy(), 4, "label = 'bar'")["id"].to_pylist()
    )
    with pytest.raises(LiminalError, match="k = 0"):
        items.near(items.catalogue.z(5), 0)


def test_what_needs_no_model_loads_none(copy: Path, tmp_path: Path) -> None:
    """Nor the database, once the columns are kept."""
    liminal.open(copy).map("pca").picture()
    asked = f"""
import sys
from liminal.cli import main
for line in (["info"], ["neighbors", "@3"], ["map", "--method", "pca", "-o", {str(tmp_path / "m.png")!r}]):
    assert main([line[0], {str(copy)!r}, *line[1:]]) == 0
    heavy = {{"torch", "lancedb", "scipy", "sklearn", "numba", "umap"}} & set(sys.modules)
    assert not heavy, (line, heavy)
"""
    subprocess.run([sys.executable, "-c", asked], check=True, stdout=subprocess.DEVNULL)
