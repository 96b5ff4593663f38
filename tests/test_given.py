"""Codes that items have already: a decoder learns to give the items back, an encoder the codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from kinds import sentences

import liminal
from liminal import LiminalError
from liminal.cli import main
from liminal.export import latents
from liminal.models.given import Given
from liminal.voice import Voice


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, np.ndarray, liminal.Space]:
    """Sentences whose codes are how often each word comes, turned by a fixed rotation, and their space."""
    folder = tmp_path_factory.mktemp("given")
    path = sentences(folder)
    texts = [
        line.split('"')[3].replace(".", " .").replace("!", " !").split()
        for line in path.read_text().splitlines()
    ]
    words = sorted({word for text in texts for word in text})
    counts = np.array([[text.count(word) for word in words] for text in texts], np.float32)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((len(words), len(words))))[0]
    codes = (100 + 5 * counts @ turn).astype(np.float32)  # far from the origin, and of no unit
    latents.write(folder / "codes.npy", codes)
    how = {"epochs": 150, "options": {"width": 8}, "threads": 1, "voice": Voice()}
    space = liminal.fit(path, folder / "space", codes=folder / "codes.npy", **how)
    return path, codes, space


def test_the_latents_are_the_codes(made) -> None:
    _, codes, space = made
    found = space.catalogue.table(columns=["id", "z"])
    z = np.array(found["z"].to_pylist(), np.float32)[np.argsort(found["id"].to_pylist())]
    assert np.array_equal(z, codes)
    assert space.dim == codes.shape[1]
    assert space.card.model["class"] == "given"


def test_codes_decode_to_their_items_and_items_to_their_codes(made) -> None:
    _, codes, space = made
    held = np.array(space.catalogue.table(columns=["id"], split="held")["id"].to_pylist())
    x = space.modality.tensor(space.items(held.tolist()))
    exact = space.modality.errors(x, space.generator.decode(torch.from_numpy(codes[held])))["exact"].mean()
    assert exact > 0.5
    found = space.generator.encode(x).numpy()
    away = ((found - codes[held]) ** 2).sum() / ((codes.mean(0) - codes[held]) ** 2).sum()
    assert away < 0.5


def test_sentences_are_drawn_that_begin_so(made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All begin as told, no sentence comes twice where there are others, and most are like real ones."""
    path, _, space = made
    text = space.modality.text
    found = space.sample(6, begin="the soup")
    said = [text(item) for item in found.items]
    assert all(one.startswith("the soup") for one in said)
    assert len(set(said)) > 3
    assert [text(item) for item in space.sample(6, begin="the soup").items] == said
    assert "begin with 'the soup'" in found.source
    assert found.table is not None
    real = {line.split('"')[3] for line in path.read_text().splitlines()}
    assert np.mean([one in real for one in said]) > 0.3
    whole = text(space.items([0])[0])
    assert (
        main(["sample", str(space.folder), "--begin", whole, "-n", "3", "-o", str(tmp_path / "x.txt")]) == 0
    )
    assert all(line.startswith(whole) for line in (tmp_path / "x.txt").read_text().splitlines())
    for wrong, why in (
        (["--begin", "the xylophone"], "▢"),
        (["--begin", "the", "--near", "@1"], "choose one of"),
    ):
        assert main(["sample", str(space.folder), *wrong, "-o", str(tmp_path / "y.txt")]) == 2
        assert why in capsys.readouterr().err


def test_a_file_that_cannot_be_is_refused_in_one_line(made, tmp_path: Path) -> None:
    path, codes, _ = made
    for wrong, said in (
        (codes[:7], "7 rows for 160 sentences"),
        (np.where(np.arange(160)[:, None] == 3, np.nan, codes).astype(np.float32), "NaN or infinity"),
    ):
        latents.write(tmp_path / "wrong.npy", wrong)
        with pytest.raises(LiminalError, match=said):
            liminal.fit(path, tmp_path / "s", codes=tmp_path / "wrong.npy", epochs=1, voice=Voice())
    for wrong, said in (
        (codes[:, 0], "shape"),
        (codes[:, :4].reshape(-1, 2, 2), "shape"),
        (codes.astype(str), "numbers of shape"),
        (np.ones_like(codes), "all rows are the same"),
    ):
        with pytest.raises(LiminalError, match=said):
            liminal.fit(path, tmp_path / "s", codes=wrong, epochs=1, voice=Voice())
    endless = {"noise": float("inf")}
    with pytest.raises(LiminalError, match="noise inf"):
        liminal.fit(path, tmp_path / "s", codes=codes, options=endless, epochs=1, voice=Voice())
    for how in ({"dim": 3}, {"bind": ["mood=good"]}):
        with pytest.raises(LiminalError, match="neither changed nor bound"):
            liminal.fit(path, tmp_path / "s", codes=codes, epochs=1, voice=Voice(), **how)
    with pytest.raises(LiminalError, match="model vae takes no codes"):
        liminal.fit(path, tmp_path / "s", codes=codes, model="vae", epochs=1, voice=Voice())
    with pytest.raises(LiminalError, match="model given wants codes"):
        liminal.fit(path, tmp_path / "s", model="given", epochs=1, voice=Voice())
    assert not (tmp_path / "s").exists()


def test_lines_that_cannot_be_used_have_codes_too(made, tmp_path: Path) -> None:
    _, codes, _ = made
    (tmp_path / "some.txt").write_text("the soup was cold.\n\nvery fresh food!\n" + "rude staff here.\n" * 30)
    space = liminal.fit(
        tmp_path / "some.txt", tmp_path / "s", codes=codes[:33], epochs=1, threads=1, voice=Voice()
    )
    z = space.catalogue.table(columns=["id", "z"]).sort_by("id")["z"].to_pylist()
    assert np.allclose(z, codes[[0, 2, *range(3, 33)]])


def test_units_are_those_of_the_codes() -> None:
    torch.manual_seed(0)
    model = Given((1, 8, 8), 3, width=4)
    codes = 7 + 3 * torch.randn(500, 3)
    model.measured(codes)
    assert torch.allclose(model.centre, codes.mean(0))
    assert torch.allclose(model.scale, codes.std(0))
    with pytest.raises(LiminalError, match="no normal prior"):
        Given((1, 8, 8), 3, prior="normal")
