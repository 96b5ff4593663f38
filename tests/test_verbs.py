"""The verbs that carry evidence, on the ready-made space: from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from pyarrow import csv

import liminal
from liminal.cli import main
from liminal.errors import LiminalError
from liminal.space import Space


@pytest.fixture(scope="module")
def space() -> Space:
    return liminal.open("fashion")


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main([str(a) for a in args])
    said = capsys.readouterr()
    return code, said.out, said.err


def complaint(capsys: pytest.CaptureFixture[str], *args: object) -> str:
    code, out, err = run(capsys, *args)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    return err


# -- walking


@pytest.mark.parametrize("along", ["linear", "slerp", "mix", "smooth", "geodesic"])
def test_every_way_passes_through_its_items(along: str, space: Space) -> None:
    path = space.path("@12", "@977", "@40", along=along, frames=12)
    keys = space.latents[[12, 977, 40]]
    torch.testing.assert_close(path.z[list(path.at)], keys, atol=2e-4, rtol=1e-4)
    assert path.along == along
    support = np.array(path.evidence["support"])
    assert support.shape == (12,)
    assert support[list(path.at)].min() > support.min()  # what lies between is less typical than the items
    assert path.evidence["attributes"]["label=Sneaker"]["monotone"] <= 1


def test_a_geodesic_is_shorter_by_what_is_seen(space: Space) -> None:
    lengths = {
        along: space.path("@12", "@977", along=along, frames=16).evidence["length"]
        for along in ("linear", "slerp", "geodesic")
    }
    assert lengths["geodesic"] < 0.95 * min(lengths["linear"], lengths["slerp"])


def test_only_changes_only_that(space: Space) -> None:
    path = space.path("@12", "@977", frames=6, only=["label=Sandal"])
    step = space.direction("label=Sandal").vector
    moved = path.z - path.z[0]
    along = torch.outer(moved @ step / step.square().sum(), step)
    torch.testing.assert_close(moved, along, atol=1e-4, rtol=1e-3)
    assert moved.norm() > 0


def test_a_mixture_of_an_item_with_itself_is_itself(space: Space) -> None:
    torch.testing.assert_close(space.latent("mix(@12, @12)"), space.latent("@12"), atol=1e-3, rtol=1e-3)


# -- editing


@pytest.mark.parametrize(
    "given",
    [None, 3, "list", torch.ones(3), torch.ones(1, 16), torch.full((16,), float("nan")), np.full(16, np.inf)],
)
def test_an_edit_refuses_what_is_no_vector(space: Space, given: object) -> None:
    change = [{"not": "a number"}] if isinstance(given, str) else given
    with pytest.raises(LiminalError, match=r"^edit: .*(16 numbers|finite numbers)") as error:
        space.edit("@3", change)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_an_edit_takes_any_sixteen_numbers(space: Space) -> None:
    vector = 0.1 * torch.arange(16.0)
    ends = [space.edit("@3", given).z_after for given in (vector, vector.numpy(), vector.tolist())]  # type: ignore[arg-type]
    assert all(torch.allclose(end, space.latent("@3") + vector, atol=1e-5) for end in ends)


def test_an_edit_tells_what_it_did(space: Space) -> None:
    done = space.edit("@12", "label=Bag - label=Dress")
    told = done.evidence
    assert done.asked == ("label",)
    assert told["attributes"]["label=Bag"]["asked"]
    assert told["attributes"]["label=Bag"]["change"] > 0.5
    assert 0 < told["support"]["after"] <= 1
    assert len(told["nearest"]) == 3
    assert told["leakage"] is None  # every attribute that is read was asked for
    assert space.edit("@12", "2*dim(3)").leakage == pytest.approx(
        np.mean([abs(v["change"]) for v in space.edit("@12", "2*dim(3)").evidence["attributes"].values()])
    )


def test_detail_is_kept(space: Space) -> None:
    original = space.items([12])[0]
    still = space.edit("@12", "0*dim(0)", keep_detail=True)
    np.testing.assert_array_equal(still.after, original)
    moved, plain = space.edit("@12", "dim(0)", keep_detail=True), space.edit("@12", "dim(0)")
    assert moved.keeps_detail
    assert not plain.keeps_detail
    gap = plain.after.astype(int) - plain.before.astype(int)
    inside = (moved.after > 0) & (moved.after < 255)
    assert np.abs((moved.after.astype(int) - original.astype(int)) - gap)[inside].max() <= 1
    with pytest.raises(LiminalError, match="has no original"):
        space.edit("mean(label=Bag)", "dim(0)", keep_detail=True)


def test_items_that_a_condition_holds_for(space: Space) -> None:
    label = np.array(space.catalogue.table(columns=["label"])["label"].to_pylist())
    split = np.array(space.catalogue.table(columns=["split"])["split"].to_pylist())
    found = space.matching("label = 'Bag' and split=held")
    assert np.array_equal(found, np.flatnonzero((label == "Bag") & (split == "held")))
    assert np.array_equal(
        space.matching("label=Bag or label = Sandal"), np.flatnonzero(np.isin(label, ["Bag", "Sandal"]))
    )
    for wrong, words in (
        ("label = 'Bagg'", "label has no value 'Bagg'; did you mean Bag"),
        ("lable = 'Bag'", "unknown column 'lable'"),
        ("label =", "wanted a value"),
    ):
        with pytest.raises(LiminalError, match=words):
            space.matching(wrong)


def test_the_loneliest_items(space: Space) -> None:
    """By the distance to the 10th nearest other item, over the median of all."""
    z = space.latents.double()
    found = space.lonely(5)
    far = torch.cdist(z[[id for id, _ in found] + list(range(200))], z).kthvalue(11).values
    spacing = torch.tensor([float(torch.cdist(z[[i]], z).kthvalue(11).values) for i in range(0, len(z), 20)])
    assert [times for _, times in found] == sorted((times for _, times in found), reverse=True)
    assert found[0][1] > 1.5
    assert found[0][1] == pytest.approx(float(far[0] / spacing.median()), rel=0.03)
    others = [i for i in range(0, len(z), 20) if i not in dict(found)]
    assert float(far[4]) >= max(float(spacing[i // 20]) for i in others)
    assert space.lonely(3) == found[:3]
    with pytest.raises(LiminalError, match="k = 0; wanted 1 or more"):
        space.lonely(0)


def test_dimensions_and_settings_in_formulas(space: Space) -> None:
    step = space.latent("@12 + dim(3)") - space.latent("@12")
    assert torch.nonzero(step).tolist() == [[3]]
    assert float(step[3]) == pytest.approx(float(space.latents[:, 3].std()), rel=1e-4)
    with pytest.raises(LiminalError, match=r"dim\(16\): this space has dimensions 0 to 15"):
        space.latent("@12 + dim(16)")


@pytest.mark.parametrize("size", ["1e30", "1e300", "123456789"])
def test_what_leads_too_far_out_is_refused_wherever_it_leads(space: Space, size: str) -> None:
    """Not 'the tensor holds NaN': where numbers lose their meaning, one line says so."""
    far, z = f"@1 + {size}*dim(3)", space.latent("@1")
    step = torch.full_like(z, min(float(size), 3e38))
    for call in (
        lambda: space.edit("@1", f"{size}*dim(3)"),
        lambda: space.edit("@1", step),
        lambda: space.edit(z + step, "dim(3)"),
        lambda: space.strip(["@1"], f"-{size}*dim(3)"),
        lambda: space.strip(["@1"], "dim(3)", [float(size)]),
        lambda: space.path("@1", far),
        lambda: space.path("@1", z + step),
        lambda: space.neighbors(far),
        lambda: space.sample(2, near=far),
        lambda: space.transfer("@1", far),
    ):
        with pytest.raises(LiminalError, match=r"too far out|too large|infinity"):
            call()
    rows = z.repeat(5, 1)
    rows[3, 2] = step[0]
    with pytest.raises(LiminalError, match=r"row 3 of the latents (is too far out|holds)"):
        space.decode(rows)
    assert space.edit("@1", "100*dim(3)").distance > 50  # far, and still a place


def test_transfer_keeps_the_content(space: Space) -> None:
    done = space.transfer("@12", "@40")
    assert done.classes == ("Dress", "Shirt")
    assert done.content["after"][0] == "Dress"
    torch.testing.assert_close(space.transfer("@12", "@40", blend=0).z, space.latent("@12"))
    torch.testing.assert_close(space.transfer("@12", "@12").z, space.latent("@12"), atol=1e-3, rtol=1e-3)
    with pytest.raises(LiminalError, match="unknown category 'colour'"):
        space.transfer("@12", "@40", by="colour")


# -- drawing


def test_draws_like_a_part_of_the_items(
    space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(capsys, "sample", "fashion", "-n", 60, "--where", "label = 'Sandal'", "-o", tmp_path / "s")[0]
        == 0
    )
    files = sorted(p.name for p in (tmp_path / "s").glob("*.png"))
    table = csv.read_csv(tmp_path / "s" / "table.csv")
    assert len(files) == 60
    assert table["file"].to_pylist() == files
    kept = pq.read_table(tmp_path / "s" / "latents.parquet")
    z = torch.tensor(kept["z"].to_pylist())
    far = (space.latents[kept["nearest"].to_pylist()] - z).norm(dim=1)
    np.testing.assert_allclose(far.numpy(), table["distance"].to_numpy(), rtol=1e-3)
    assert float(far.min()) > 0.1  # none is a copy
    assert space.reader is not None
    read = space.reader.named(space.generator.decode(z))["label=Sandal"]
    assert float((read > 0.5).float().mean()) > 0.85
    assert (
        run(
            capsys,
            "sample",
            "fashion",
            "-n",
            20,
            "--where",
            "label = 'Sandal'",
            "-o",
            tmp_path / "s",
            "--force",
        )[0]
        == 0
    )
    assert len(list((tmp_path / "s").glob("*.png"))) == 20


def test_draws_near_an_item_and_with_support(space: Space) -> None:
    near, far = space.sample(40, near="@12"), space.sample(40)
    at = space.latent("@12")
    assert (near.z - at).norm(dim=1).median() < 0.6 * (far.z - at).norm(dim=1).median()
    sure = space.sample(40, support=0.3)
    assert sure.table is not None
    assert min(sure.table["support"].to_pylist()) >= 0.3
    wild = space.sample(40, source="uniform")
    assert wild.table is not None
    assert (
        float(np.median(wild.table["support"].to_numpy())) < 0.05
    )  # another prior than the model's leaves the items


def test_draws_are_known_as_items_are_in_spaces_with_idle_dimensions() -> None:
    """Most of the 96 dimensions carry nothing, and samplers scatter there: as drawn all lie far from the
    means of real items, and hardly one could be drawn with support."""
    tunes = liminal.open("tunes")
    sure = tunes.sample(20, support=0.3)
    assert sure.table is not None
    read = tunes.encoded(tunes.decode(sure.z))
    assert np.allclose(sure.table["support"].to_numpy(), tunes.support(read), atol=1e-6)
    assert float(tunes.support(read).min()) >= 0.3
    assert float((tunes.support(sure.z) < 0.3).double().mean()) > 0.9


def test_draws_like_a_cluster(space: Space) -> None:
    groups = space.clusters("kmeans", 8)
    assert space.clusters("kmeans", 8) is groups
    assert sorted(set(groups.labels.tolist())) == list(range(8))
    assert sum(c.size for c in groups.clusters) == len(space.catalogue)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--where", "label = 'Sandals'"], "label has no value 'Sandals'; did you mean Sandal"),
        (["--where", "id < 0"], "no item passes"),
        (["--where", "id < 2"], "2 items to draw from; wanted 3 or more"),
        (["--where", "id < 9", "--near", "@3"], "choose one of"),
        (["--from", "uniform", "--support", "0.2"], "--support goes with the space's own samplers"),
        (["--from", "gauss"], "unknown sampler 'gauss'"),
        (["--support", "2"], "--support 2: wanted a number from 0"),
        (["--support", "nan"], "--support nan: wanted a number from 0"),
    ],
)
def test_what_cannot_be_drawn(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in complaint(capsys, "sample", "fashion", *options, "-o", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


# -- seeing


def test_neighbors_by_what_is_seen(space: Space) -> None:
    by = {
        metric: space.neighbors("@12", 5, metric=metric)
        for metric in ("euclidean", "cosine", "decoded", "geodesic")
    }
    for found in by.values():
        assert found["id"].to_pylist()[0] == 12
        assert np.all(np.diff(found["distance"].to_numpy()) >= -1e-6)
    x = space.generator.decode(space.latents[by["decoded"]["id"].to_pylist()])
    np.testing.assert_allclose(
        (x - x[:1]).square().flatten(1).mean(1).sqrt(), by["decoded"]["distance"], atol=1e-5
    )
    with pytest.raises(LiminalError, match="unknown metric 'taxi'"):
        space.neighbors("@12", metric="taxi")


def test_a_place_on_the_map_decodes(space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = space.map("pca")
    row = int(np.flatnonzero(drawn.ids == 12)[0])
    x, y = (float(v) for v in drawn.xy[row])
    found, where = space.at([(x, y), (1e3, 1e3)], "pca")
    assert where.outside.tolist() == [False, True]
    assert where.error[0] > 0
    assert len(found) == 2
    code, out, _ = run(
        capsys,
        "decode",
        "fashion",
        "--at",
        f"{x},{y}",
        "--at",
        "1000,1000",
        "--method",
        "pca",
        "-o",
        tmp_path / "p.png",
    )
    assert code == 0
    assert "outside" in out
    assert Image.open(tmp_path / "p.png").width > 50
    assert "wanted two numbers" in complaint(
        capsys, "decode", "fashion", "--at", "3", "-o", tmp_path / "q.png"
    )


def test_the_commands_answer_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys,
        "transfer",
        "fashion",
        "--content",
        "@12",
        "--style",
        "@40",
        "-o",
        tmp_path / "t.png",
        "--json",
    )
    assert code == 0
    assert json.loads(out)["classes"] == {"content": "Dress", "style": "Shirt"}
    code, out, _ = run(
        capsys, "edit", "fashion", "@12", "dim(2)", "--sweep", "-3:3:5", "-o", tmp_path / "s.png", "--json"
    )
    assert code == 0
    assert json.loads(out)["support"]["after"] > 0
    assert "wanted first:last:count" in complaint(
        capsys, "edit", "fashion", "@12", "dim(2)", "--sweep", "3", "-o", tmp_path / "u.png"
    )
    code, out, _ = run(
        capsys, "clusters", "fashion", "--method", "kmeans", "-k", 6, "-o", tmp_path / "c.csv", "--json"
    )
    assert code == 0
    assert len(json.loads(out)["clusters"]) == 6
    assert csv.read_csv(tmp_path / "c.csv").num_rows == 10_200


def test_a_space_of_few_items_walks_and_edits_without_support(tmp_path: Path) -> None:
    """40 faces, 4 held out: too few to calibrate support on, so nothing is said of it, and all else works."""
    few = liminal.fit(
        "faces", tmp_path / "few", dim=4, epochs=1, options={"width": 8}, reading={"n": 40, "size": 16}
    )
    assert few.trust is None
    assert few.edit("@3", "dim(1)").support is None
    assert "support" not in few.path("@3", "@9", along="geodesic", frames=4).evidence
    told = few.sample(5, near="@3")
    assert told.table is not None
    assert told.table.column_names == ["nearest", "distance"]
    with pytest.raises(LiminalError, match="held-out items; wanted 20 or more"):
        few.sample(5, support=0.1)


def test_a_bound_dimension_is_the_attribute(tmp_path: Path) -> None:
    """Hat gets the first dimension: no other tells it as well, without binding none is as good, and the card
    says which it is.
    """
    how = {"dim": 8, "epochs": 8, "options": {"width": 8}, "reading": {"n": 1500, "size": 16}, "threads": 1}
    bound = liminal.fit("faces", tmp_path / "b", bind=["hat"], **how)
    assert bound.card.model["dimensions"] == {"hat": 0}
    table = bound.catalogue.table(columns=["z", "hat"], split="held")
    z, hat = np.array(table["z"].to_pylist()), table["hat"].to_pylist()
    told = [abs(np.corrcoef(z[:, i], hat)[0, 1]) for i in range(8)]
    assert told[0] > 0.75
    assert told[0] > 1.5 * max(told[1:])
    assert bound.direction("hat").best_dimension[0] == 0  # type: ignore[index]
    with pytest.raises(LiminalError, match="unknown attribute to --bind 'smlie': did you mean smile"):
        liminal.fit("faces", tmp_path / "c", dim=8, epochs=1, reading={"n": 1500, "size": 16}, bind=["smlie"])
    with pytest.raises(LiminalError, match="--mixing: pictures cannot be mixed; leave it out"):
        liminal.fit("faces", tmp_path / "c", epochs=1, reading={"n": 60}, options={"mixing": 1.0})
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("source", ["attributes", "pca", "jacobian", "factorised"])
def test_directions_of_every_source(
    source: str, space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys,
        "directions",
        "fashion",
        "--from",
        source,
        "--at",
        "@12",
        "-k",
        3,
        "-o",
        tmp_path / "d.png",
        "--json",
    )
    assert code == 0
    found = json.loads(out)["directions"]
    assert len(found) == (len(space.directions) if source == "attributes" else 3)
    scores = [d["score"] for d in found]
    assert source == "attributes" or scores == sorted(scores, reverse=True)
    assert Image.open(tmp_path / "d.png").height > 200
    assert run(capsys, "directions", "fashion", "--from", source, "--at", "@12", "-k", 3)[0] == 0


def test_what_is_read_without_labels_has_directions(
    space: Space, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = {d.name: d for d in space.find_directions("readings")}
    seen = space.modality.readings(space.modality.soft(space.items(list(range(500)))))
    assert set(found) == set(space.readable) == set(seen)
    assert all(found[name].works for name in ("brightness", "upright", "slant"))
    again = liminal.open("fashion").find_directions("readings")
    assert all(torch.equal(d.vector, found[d.name].vector) for d in again), "kept"
    light = []
    for id in range(20):
        edit = space.edit(id, "brightness")
        light.append(edit.attributes_after["brightness"] - edit.attributes_before["brightness"])
        assert edit.evidence["attributes"]["brightness"]["asked"]
        assert "size" not in edit.attributes_before
    assert 0.5 < np.mean(light) / float(seen["brightness"].std()) < 1.5
    now = space.edit(3, "brightness=0.4").attributes_after["brightness"]
    assert now == pytest.approx(0.4, abs=0.02)
    for bad in ("many", "nan", "inf"):
        with pytest.raises(LiminalError, match="brightness is a number; wanted one"):
            space.edit(3, f"brightness={bad}")
    said = complaint(capsys, "edit", "fashion", "@1", "brigthness", "-o", tmp_path / "a.png")
    assert "did you mean brightness" in said
    assert run(capsys, "directions", "fashion", "--from", "readings", "-o", tmp_path / "d.png")[0] == 0


def test_a_direction_from_two_selections(space: Space) -> None:
    found = space.between("label = 'Sandal'", "label = 'Ankle boot'")
    assert found.score > 0.95
    moved = space.generator.decode(
        space.latents[space.catalogue.table("label = 'Sandal'", ["id"])["id"].to_pylist()[:100]]
        + found.vector
    )
    assert space.reader is not None
    assert float((space.reader.named(moved)["label=Ankle boot"] > 0.5).float().mean()) > 0.5
    with pytest.raises(LiminalError, match="unknown source of directions 'magic'"):
        space.find_directions("magic")
    with pytest.raises(LiminalError, match="needs an item to start from"):
        space.find_directions("jacobian")


def test_a_space_agrees_with_itself_and_not_with_noise(
    space: Space, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    """Known answers: of the same space everything is the same; an encoder that draws lots agrees by
    chance.
    """
    same = {m.name: m.value for m in space.stability([space], most=400)}
    assert same["cka"] == pytest.approx(1)
    assert same["neighbour_overlap"] == 1
    assert same["transfer.label=Bag"] > 0.9
    assert main(["stability", "fashion", "fashion", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "cka"
    noise = liminal.open("fashion")
    monkeypatch.setattr(
        type(noise),
        "encoded",
        lambda self, items: torch.randn(len(items), 16, generator=torch.Generator().manual_seed(1)),
    )
    told = {m.name: m.value for m in space.stability([noise], most=400)}
    assert told["cka"] < 0.3
    assert told["neighbour_overlap"] < 0.1
    with pytest.raises(LiminalError, match="wanted two or more"):
        space.stability([])
