"""The verbs of a space, on a small one that was really trained, and the ways to make, change, copy and reopen
spaces.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image as Picture

import liminal
from liminal import registry
from liminal.cli import main
from liminal.datasets.faces import faces
from liminal.errors import LiminalError
from liminal.models.vae import VAE
from liminal.outputs import claim
from liminal.voice import Voice

SMALL = {"epochs": 2, "dim": 6, "threads": 1, "options": {"width": 8}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("spaces") / "faces"
    liminal.fit(faces(n=400, size=32), out, **SMALL)
    return out


@pytest.fixture
def space(folder: Path) -> liminal.Space:
    return liminal.open(folder)


def files(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}


def test_reading_changes_nothing(folder: Path) -> None:
    before = files(folder)
    space = liminal.open(folder)
    space.sample(4)
    space.neighbors("@3")
    space.edit("@3", "+0.5*smile")
    assert files(folder) == before
    assert not (folder / "checkpoint").exists()


def test_catalogue_agrees_with_the_model(space: liminal.Space) -> None:
    assert len(space.catalogue) == 400
    items = space.items([0, 7, 399])
    assert np.array_equal(items[1], faces(n=400, size=32).items[7]), "thumbnails are the items, without loss"
    z = space.encode(items)
    for row, i in zip(z, (0, 7, 399), strict=True):
        assert torch.allclose(row, space.latent(f"@{i}"), atol=1e-5)
    assert space.card.data["n_train"] == 360
    assert (np.array(space.catalogue.table(split="held")["id"]).size) == 40


def test_encode_takes_many_forms(space: liminal.Space, tmp_path: Path) -> None:
    item = space.items([5])[0]
    path = tmp_path / "face.png"
    Picture.fromarray(item).save(path)
    z = space.encode(item)
    assert z.shape == (1, 6)
    for same in (item[None], space.modality.tensor(item[None]), str(path), path, [path]):
        assert torch.allclose(space.encode(same), z, atol=1e-6)
    assert torch.allclose(space.latent(str(path)), z[0], atol=1e-6)
    with pytest.raises(LiminalError, match=r"32, 32, 3.*16, 16, 3"):
        space.encode(np.zeros((1, 16, 16, 3), np.uint8))
    with pytest.raises(LiminalError, match=r"nowhere\.png"):
        space.latent("nowhere.png")


def test_formulas(space: liminal.Space) -> None:
    held = space.latent("mean(hat)")
    _, z = space.catalogue.latents(where="hat")
    assert torch.allclose(held, torch.from_numpy(z).mean(0), atol=1e-5)
    assert torch.allclose(space.latent("0.5*@1 + 0.5*@2"), (space.latent(1) + space.latent(2)) / 2, atol=1e-6)
    smile = space.direction("smile")
    edit = space.edit("@4", "+1.5*smile - glasses")
    moved = edit.z_after - edit.z_before
    assert torch.allclose(moved, 1.5 * smile.vector - space.direction("glasses").vector, atol=1e-5)
    assert "smile" in edit.attributes_after
    assert torch.equal(space.latent("random(3)"), space.sample(1, seed=3).z[0])
    for wrong, word in (
        ("@1 + smlie", "smile"),
        ("@400", "@399"),
        ("mean(hat", "mean"),
        ("@1 + @2", "mix"),
        ("mean(gaze > 99)", "no item"),
    ):
        with pytest.raises(LiminalError, match=word):
            space.latent(wrong)


def test_sampling_and_paths(space: liminal.Space, tmp_path: Path) -> None:
    for source in ("prior", "mixture", "flow", "default"):
        a, b = space.sample(5, source, seed=1), space.sample(5, source, seed=1)
        assert np.array_equal(a.items, b.items)
        assert a.items.shape == (5, 32, 32, 3)
    with pytest.raises(LiminalError, match="flow"):
        space.sample(3, "flwo")
    path = space.path("@1", "@2", "@3", frames=9)
    assert torch.allclose(path.z[0], space.latent(1), atol=1e-6)
    assert torch.allclose(path.z[-1], space.latent(3), atol=1e-6)
    path.save(tmp_path / "walk.gif")
    assert Picture.open(tmp_path / "walk.gif").n_frames >= 2
    space.sample(7).save(tmp_path / "many")
    assert len(list((tmp_path / "many").iterdir())) == 7
    space.reconstruct(["@1", "@2"]).save(tmp_path / "both.png")
    assert Picture.open(tmp_path / "both.png").height > Picture.open(tmp_path / "both.png").width / 2


def test_neighbors(space: liminal.Space) -> None:
    found = space.neighbors("@10", k=5)
    assert found["id"][0].as_py() == 10
    assert found["distance"][0].as_py() == pytest.approx(0, abs=1e-4)
    hats = space.neighbors("@10", k=5, where="hat and smile > 0")
    assert all(hats["hat"].to_pylist())
    z = space.catalogue.latents()[1]
    brute = np.argsort(((z - z[10]) ** 2).sum(1))[:5]
    assert sorted(brute.tolist()) == sorted(found["id"].to_pylist())


def test_measure_and_map(space: liminal.Space, tmp_path: Path) -> None:
    report = space.measure()
    report.save(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert json.dumps(report.to_dict())
    space.map("pca").save(tmp_path / "map.png")
    assert Picture.open(tmp_path / "map.png").width > 400
    with pytest.raises(LiminalError, match="smile"):
        space.map("pca", color="smlie")


def test_label_add_and_copy(folder: Path, tmp_path: Path) -> None:
    """A copy is labelled and grows; whoever holds the old state keeps seeing it; the copy's copy is the same
    space.
    """
    shutil.copytree(folder, tmp_path / "copy")
    space = liminal.open(tmp_path / "copy")
    old = liminal.open(tmp_path / "copy")
    old_names = dict(old.catalogue.attributes)
    rows = "\n".join(
        f'"{source}",{"yes" if i % 3 else "no"}'
        for i, source in enumerate(space.catalogue.table()["source"].to_pylist())
    )
    (tmp_path / "labels.csv").write_text(f"file,third\n{rows}\n")
    assert space.label(tmp_path / "labels.csv") == ["third"]
    assert space.catalogue.attributes["third"] == "bool"
    assert "third" in space.directions
    assert "smile" in space.directions
    assert not space.directions["third"].works, "a label without meaning has no direction that works"
    assert old.catalogue.attributes == old_names
    assert "third" not in old.directions

    assert space.add(faces(n=30, size=32, seed=5)) == 30
    again = liminal.open(tmp_path / "copy")
    assert len(again.catalogue) == 430
    assert again.card.data["n_train"] == 390
    assert torch.allclose(again.encode(again.items([420]))[0], again.latent(420), atol=1e-5)

    again.save(tmp_path / "half", ids=range(0, 400, 4), half=True)
    half = liminal.open(tmp_path / "half")
    assert len(half.catalogue) == 100
    assert torch.allclose(half.encode(half.items([9]))[0], half.latent(9), atol=1e-5)
    assert float((half.latent(9) - again.latent(36)).abs().max()) < 0.1
    assert (tmp_path / "half/weights.safetensors").stat().st_size < 0.6 * (
        tmp_path / "copy/weights.safetensors"
    ).stat().st_size
    with pytest.raises(LiminalError, match="exists"):
        again.save(tmp_path / "half")

    again.save(tmp_path / "decoded", ids=range(0, 400, 4), decoded=True)
    made = liminal.open(tmp_path / "decoded")
    given = again.modality.items(again.generator.decode(again.encoded(again.items([36]))))
    assert np.array_equal(made.items([9]), given)
    assert not np.array_equal(made.items([9]), again.items([36])), "nothing of the data is in it"
    assert torch.allclose(made.encode(made.items([9]))[0], made.latent(9), atol=1e-5)
    assert any("not the data themselves" in note for note in made.card.notes)

    heard: list[str] = []

    class Listener(Voice):
        def warn(self, text: str) -> None:
            heard.append(text)

    twice = faces(n=30, size=32, seed=5)
    changed = np.array(twice.items)
    changed[:10] = 255 - changed[:10]
    assert again.add(replace(twice, items=changed), voice=Listener()) == 30
    assert len(heard) == 1
    assert heard[0].startswith("20 of 30 items are in the space already")
    assert again.add(faces(n=5, size=32, seed=6), voice=Listener()) == 5
    assert len(heard) == 1


def test_encode_data(space: liminal.Space, tmp_path: Path) -> None:
    z, columns = space.encode_data(faces(n=12, size=32, seed=9))
    assert z.shape == (12, 6)
    assert columns.num_rows == 12
    from liminal.export import latents

    latents.write(tmp_path / "z.parquet", z, columns)
    assert pq.read_table(tmp_path / "z.parquet").column_names[:2] == ["id", "z"]
    assert np.array_equal(latents.read(tmp_path / "z.parquet"), z)
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        Picture.fromarray(np.full((50, 40), 60 * i, np.uint8)).save(tmp_path / "pictures" / f"{i}.png")
    z, columns = space.encode_data(tmp_path / "pictures")
    assert z.shape == (3, 6), "pictures of another size and mode are read as the space's own"


def test_wrap(space: liminal.Space, tmp_path: Path) -> None:
    """Any callables make a space; its catalogue is kept, its code is not."""
    torch.manual_seed(1)
    net = VAE((3, 32, 32), 4, width=4).eval()
    mine = liminal.wrap(
        net.decode_soft, lambda x: net.posterior(x).mean, faces(n=120, size=32), out=tmp_path / "mine"
    )
    assert mine.dim == 4
    assert mine.sample(3).items.shape == (3, 32, 32, 3)
    assert len(mine.neighbors("@3", 4)) == 4
    with pytest.raises(LiminalError, match="decode"):
        liminal.open(tmp_path / "mine")
    again = liminal.open(tmp_path / "mine", decode=net.decode_soft, encode=lambda x: net.posterior(x).mean)
    assert torch.equal(again.latent(5), mine.latent(5))
    loose = liminal.wrap(net.decode_soft, lambda x: net.posterior(x).mean, faces(n=60, size=32))
    assert loose.folder.exists()


@pytest.mark.parametrize(("model", "prior"), [("ae", "mixture"), ("wae", "uniform"), ("vae", "sphere")])
def test_every_model_makes_a_space(model: str, prior: str, tmp_path: Path) -> None:
    wanted = {} if model == "ae" else {"prior": prior}
    space = liminal.fit(
        faces(n=120, size=32), tmp_path / "s", model=model, **wanted, **{**SMALL, "epochs": 1}
    )
    assert space.card.prior["name"] == prior
    again = liminal.open(tmp_path / "s")
    assert np.array_equal(space.sample(4, seed=2).items, again.sample(4, seed=2).items)
    for source in again.samplers:
        z = again.sample(6, source).z
        assert torch.allclose(again.generator.prior.nearest(z), z, atol=1e-5)


def test_what_has_learned_says_nothing(space: liminal.Space) -> None:
    held = space.catalogue.table(columns=["id"], split="held")["id"].to_pylist()
    x = space.modality.tensor(space.items(held))
    y = space.generator.decode(space.latents[held])
    mean = space.modality.tensor(space.items([i for i in range(400) if i not in held])).mean(0)
    share = 1 - float((x - y).square().mean() / (x - mean).square().mean())
    assert space.card.measures["explained"] == pytest.approx(share, abs=1e-4)
    assert ("not learned" in " ".join(space.card.notes)) is (share < 0.02)


def test_transfer_chooses_the_category_that_the_latents_tell_best(space: liminal.Space) -> None:
    best = space.categories
    assert len(best) > 1
    assert "label" not in best
    score = {
        name: np.mean([d.score for d in space.directions.values() if d.name.startswith(f"{name}=")])
        for name in best
    }
    assert best == sorted(best, key=lambda name: -score[name])
    done = space.transfer("@1", "@2")
    assert done.by == done.evidence["by"] == best[0]
    assert space.transfer("@1", "@2", by=best[1]).by == best[1]


def test_a_transfer_says_what_it_took_for_the_content(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["transfer", str(folder), "--content", "@1", "--style", "@2", "-o"]
    assert main([*argv, str(tmp_path / "a.png")]) == 0
    best = liminal.open(folder).categories
    assert f"{best[0]} names; --by {best[1]}" in capsys.readouterr().out
    assert main([*argv, str(tmp_path / "b.png"), "--by", best[1]]) == 0
    assert "--by" not in capsys.readouterr().out


def test_arrays_and_claims(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = np.random.default_rng(0).integers(0, 255, (40, 16, 16), dtype=np.uint8)
    space = liminal.fit(pictures, **SMALL)
    assert space.folder == Path("space")
    assert space.modality.item_shape == (16, 16, 1)
    assert space.card.measures["explained"] < 0.02  # noise: there is nothing to learn
    assert "not learned" in space.card.notes[0]
    assert main(["info", "space"]) == 0
    told = capsys.readouterr().out
    assert "not learned" in told.splitlines()[0]
    assert told.count("not learned") == 1
    with pytest.raises(LiminalError, match="--force"):
        liminal.fit(pictures, "space", **SMALL)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("mine")
    with pytest.raises(LiminalError, match="left alone"):
        liminal.fit(pictures, "precious", force=True, **SMALL)
    assert (tmp_path / "precious" / "thesis.txt").exists()
    with pytest.raises(LiminalError, match="faces"):
        registry.dataset("facse")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "liminal", *arguments]


def test_killed_and_resumed(tmp_path: Path) -> None:
    """kill -9 in the middle, --resume: bitwise the weights of the run that was left alone."""
    args = [
        "faces",
        "--n",
        "300",
        "--size",
        "32",
        "--dim",
        "4",
        "--width",
        "8",
        "--epochs",
        "25",
        "--threads",
        "1",
        "-q",
    ]
    subprocess.run(command("fit", *args, "-o", str(tmp_path / "a")), check=True)
    process = subprocess.Popen(command("fit", *args, "-o", str(tmp_path / "b")))
    state = tmp_path / "b" / "checkpoint" / "state.json"
    for _ in range(1200):
        if state.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert state.exists()
    assert not (tmp_path / "b" / "card.json").exists()
    with pytest.raises(LiminalError, match="--resume"):
        liminal.open(tmp_path / "b")
    done = subprocess.run(
        command("fit", *args[:-1], "-o", str(tmp_path / "b"), "--resume"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert "resumed at step" in done.stderr
    assert (tmp_path / "a" / "weights.safetensors").read_bytes() == (
        tmp_path / "b" / "weights.safetensors"
    ).read_bytes()
    before = files(tmp_path / "b")
    again = subprocess.run(
        command("fit", *args[:-1], "-o", str(tmp_path / "b"), "--resume"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert "nothing to resume" in again.stderr
    assert files(tmp_path / "b") == before


TINY = ["--dim", "2", "--width", "8", "--batch", "32", "--threads", "1"]


def killed(out: Path, *arguments: str, at: Path) -> None:
    """A fit that is killed (-9) as soon as a file is there."""
    process = subprocess.Popen(command("fit", *arguments, *TINY, "-q", "-o", str(out)))
    for _ in range(1200):
        if at.exists() or process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert at.exists()


def test_a_space_that_is_replaced_is_whole_until_the_new_one_is(
    tiny_space: Path, pictures: Path, tmp_path: Path
) -> None:
    """kill -9 while the new one trains; --resume ends what was begun, and only then the old one goes."""
    out, data = tmp_path / "space", str(pictures / "pictures" / "bar")
    shutil.copytree(tiny_space, out)
    old, new = files(out), tmp_path / "space.new"
    how = [data, "--epochs", "40"]
    killed(out, *how, "--force", at=new / "checkpoint" / "state.json")
    assert files(out) == old
    assert len(liminal.open(out).sample(3).items) == 3
    with pytest.raises(LiminalError, match=r"unfinished.*--resume"):
        liminal.open(new)
    refused = subprocess.run(command("fit", *how, *TINY, "-o", str(out)), capture_output=True, text=True)
    assert refused.returncode == 2
    assert all(word in refused.stderr for word in (str(new), "--resume", "--force"))
    done = subprocess.run(
        command("fit", *how, *TINY, "--resume", "-o", str(out)), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "resumed at step" in done.stderr
    assert liminal.open(out).card.data["n_train"] == 100
    assert [p.name for p in tmp_path.iterdir()] == ["space"]
    assert not (out / "checkpoint").exists()


def test_a_fit_that_is_refused_half_way_leaves_the_old_space(
    tiny_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "space"
    shutil.copytree(tiny_space, out)
    old = files(out)
    data = np.random.default_rng(0).integers(0, 255, (40, 16, 16), dtype=np.uint8)

    def stop(*_: object, **__: object) -> None:
        raise LiminalError("no")

    with monkeypatch.context() as patch:
        patch.setattr("liminal.build.assemble", stop)
        with pytest.raises(LiminalError, match=r"^no$"):
            liminal.fit(data, out, force=True, **SMALL)
    assert files(out) == old
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == "space.new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fails)
        with pytest.raises(LiminalError, match="--resume"):
            liminal.fit(data, out, force=True, **SMALL)
    assert files(out) == old
    again = liminal.fit(data, out, resume=True, **SMALL)  # it is whole already and only takes its place
    assert again.card.data["n_train"] == 32
    assert [p.name for p in tmp_path.iterdir()] == ["space"]
    (tmp_path / "link").symlink_to(out)
    liminal.fit(data[:30], tmp_path / "link", force=True, **SMALL)
    assert liminal.open(out).card.data["n_train"] == 24
    assert (tmp_path / "link").is_symlink()


def test_a_fit_that_was_killed_before_its_first_checkpoint_is_unfinished(
    pictures: Path, tmp_path: Path
) -> None:
    out, data = tmp_path / "space", str(pictures / "pictures" / "bar")
    killed(out, data, "--epochs", "1000", at=out / "checkpoint")
    for left in (out / "checkpoint").iterdir():
        left.unlink()
    with pytest.raises(LiminalError, match=r"unfinished.*--resume"):
        liminal.open(out)
    assert claim(out, force=False, resume=False) == out  # there is nothing to lose
    assert claim(out, force=False, resume=True) == out


def test_a_folder_beside_that_is_somebody_s_own_is_left_alone(tiny_space: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_space, tmp_path / "space")
    shutil.copytree(tiny_space, tmp_path / "space.new")
    with pytest.raises(LiminalError, match=r"space\.new"):
        claim(tmp_path / "space", force=True, resume=False)
    assert claim(tmp_path / "space", force=False, resume=True) is None
    shutil.rmtree(tmp_path / "space.new")
    (tmp_path / "space.new").mkdir()
    (tmp_path / "space.new" / "thesis.txt").write_text("mine")
    with pytest.raises(LiminalError, match="move that first"):
        claim(tmp_path / "space", force=True, resume=False)


@pytest.mark.parametrize("name", ["two\nlines", "a\tb", "\x7f", "\udcff"], ids=ascii)
def test_a_path_that_the_database_cannot_open_is_told_as_it_is(
    tiny_space: Path, tmp_path: Path, name: str
) -> None:
    shutil.copytree(tiny_space, tmp_path / name)
    with pytest.raises(LiminalError) as told:
        len(liminal.open(tmp_path / name).catalogue)
    assert "rename" in str(told.value)
    assert "damaged" not in str(told.value)
    assert str(told.value).isprintable()
    with pytest.raises(LiminalError, match="rename"):  # and before anything is trained
        liminal.fit("faces", tmp_path / f"{name} 2", **SMALL)


def test_two_processes(tmp_path: Path) -> None:
    """Two gloo processes on the CPU, started as `accelerate launch` starts those of several GPUs, with the
    same command line.
    """
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        "-m",
        "liminal",
    ]
    np.save(tmp_path / "faces.npy", faces(n=200, size=32).items)
    args = [
        "fit",
        str(tmp_path / "faces.npy"),
        "--dim",
        "4",
        "--width",
        "8",
        "--epochs",
        "2",
        "--batch",
        "64",
        "--threads",
        "1",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, *args, "-o", str(tmp_path / "s")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    space = liminal.open(tmp_path / "s")
    assert space.card.training["steps"] == 2 * (180 // 64)
    assert space.card.training["processes"] == 2


def test_a_space_of_format_1_opens_and_takes_more(tiny_space: Path, pictures: Path, tmp_path: Path) -> None:
    """Its items' column was called thumbnail, its model named the shape of its items, its parts had no
    checksums.
    """
    import lancedb

    new, out = liminal.open(tiny_space), tmp_path / "old"
    shutil.copytree(tiny_space, out)
    rows = lancedb.connect(str(tiny_space)).open_table("items").to_arrow()
    shutil.rmtree(out / "items.lance")
    names = ["thumbnail" if name == "item" else name for name in rows.column_names]
    table = lancedb.connect(str(out)).create_table("items", data=rows.rename_columns(names))
    card = json.loads((out / "card.json").read_text())
    card["format"] = 1
    card["model"]["arguments"]["shape"] = list(new.modality.shape)
    card["training"]["images_per_second"] = card["training"].pop("items_per_second")
    card["parts"]["items.lance"] = {"version": int(table.version)}
    (out / "card.json").write_text(json.dumps(card))
    old = liminal.open(out)
    assert torch.equal(old.latents, new.latents)
    assert np.array_equal(old.items([3, 1]), new.items([3, 1]))
    assert np.array_equal(old.decode(old.latents[:2]), new.decode(new.latents[:2]))
    count = old.add(str(pictures / "pictures" / "bar"), voice=Voice())
    again = liminal.open(out)
    assert len(again.catalogue) == len(new.catalogue) + count
    assert np.array_equal(again.items([3]), new.items([3]))
    again.save(tmp_path / "copy", voice=Voice())
    assert json.loads((tmp_path / "copy" / "card.json").read_text())["format"] == 2
    assert "item" in lancedb.connect(str(tmp_path / "copy")).open_table("items").schema.names
