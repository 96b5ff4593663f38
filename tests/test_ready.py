"""The ready-made spaces: what ships, how large it is, and that no data ships that may not."""

from __future__ import annotations

import numpy as np
import pytest

import liminal
from liminal import files, registry
from liminal.cli.facts import in_brief
from liminal.datasets import reviews
from liminal.verbs.changing import DECODED

MOST = 4_000_000  # bytes of a space
RESTORED, TURNED = 0.65, 0.5  # shares of sentences
PATHS = {
    "tunes": ("nottingham/ABC_cleaned", {"meter": "4/4"}),
    "chorales": ("jsb_chorales/Jsb16thSeparated.json", {"voices": 4, "bars": 1}),
}


def test_they_are_listed() -> None:
    known = {"fashion", "tunes", "chorales", "digits-spoken", "furniture", "reviews"}
    assert known <= set(registry.ready_made())


@pytest.mark.parametrize("name", PATHS)
def test_a_space_of_melodies_is_small_whole_and_says_what_it_holds(name: str) -> None:
    folder = registry.ready_made()[name]
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= MOST
    notice = (folder / "NOTICE").read_text()
    assert "https://github.com/" in notice
    assert "License, version 3" in notice or "no licence is stated" in notice
    space = liminal.open(name)
    assert set(space.card.attributes) == {"tonic", "mode", "bar", "chord"}, "facts, and no titles"
    assert DECODED in space.card.notes
    assert "in this space" in space.card.data["licence"]
    assert f"{space.card.data['n_train']:,}" in in_brief(space.card)
    ids = list(range(0, len(space.catalogue), 97))
    items = space.items(ids)
    known = np.stack([space.latent(i).numpy() for i in ids])
    assert np.allclose(space.encode(items).numpy(), known, atol=1e-4)
    made = space.sample(8, seed=1).items
    assert (made > 1).any((1, 2)).all(), "every sample has notes"


def test_spoken_digits_are_small_credited_and_heard() -> None:
    folder = registry.ready_made()["digits-spoken"]
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= MOST
    assert "Attribution-ShareAlike 4.0" in (folder / "NOTICE").read_text()
    space = liminal.open("digits-spoken")
    assert set(space.card.attributes) == {"digit", "speaker"}
    assert DECODED in space.card.notes
    items = space.items(list(range(0, len(space.catalogue), 35)))
    known = np.stack([space.latent(i).numpy() for i in range(0, len(space.catalogue), 35)])
    assert np.allclose(space.encode(items).numpy(), known, atol=1e-3)
    heard = space.modality.sound(space.sample(2, seed=1).items)
    assert heard is not None
    assert np.abs(heard[0]).max() > 0.05


def test_furniture_is_small_and_restored() -> None:
    folder = registry.ready_made()["furniture"]
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= MOST
    assert "Apache-2.0" in (folder / "NOTICE").read_text()
    space = liminal.open("furniture")
    held = space.catalogue.table(split="held", columns=["id"])["id"].to_pylist()[:40]
    m, items = space.modality, space.items(held)
    found = m.errors(m.tensor(items), m.tensor(space.decode(space.encode(items))))
    assert float(found["iou"].mean()) > 0.8


def test_reviews_are_small_restored_and_turned() -> None:
    folder = registry.ready_made()["reviews"]
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= MOST
    assert "Apache-2.0" in (folder / "NOTICE").read_text()
    space = liminal.open("reviews")
    assert set(space.card.attributes) == {*reviews.FACTORS, "negated"}
    m = space.modality
    texts, known = reviews.sentences(300, seed=99)  # others than the space was made of
    items = np.stack([m.item(text) for text in texts])
    z = space.encode(items)
    assert space.errors(space.reconstruct(items))["exact"] > RESTORED
    past = np.flatnonzero((known["tense"] == "past") & ~known["negated"])
    mean = {t: space.catalogue.latents(where=f"tense = '{t}'")[1].mean(0) for t in ("past", "future")}
    later = z[past] + (mean["future"] - mean["past"])
    rows = [{name: values[i] for name, values in known.items()} for i in past]
    true = [reviews.draw({**row, "tense": "future"}) for row in rows]
    made = [m.text(item) for item in space.decode(later)]
    assert np.mean([a == b for a, b in zip(made, true, strict=True)]) > TURNED, "the true sentence"


@pytest.mark.skipif(files.data_folder() is None, reason="LIMINAL_DATA is not set")
@pytest.mark.parametrize("name", PATHS)
def test_its_items_are_reconstructions_and_not_the_data(name: str) -> None:
    path, reading = PATHS[name]
    if not (files.data_folder() / path).exists():  # type: ignore[operator]
        pytest.skip(f"{path} is not there")
    data = registry.dataset(files.data_folder() / path, **reading)  # type: ignore[operator]
    space = liminal.open(name)
    sources = space.catalogue.table(columns=["id", "source"]).slice(0, 300)
    place = {source: i for i, source in enumerate(data.sources)}
    real = np.stack([data.items[place[source]] for source in sources["source"].to_pylist()])
    held = space.items(sources["id"].to_pylist())
    given = space.decode(space.encode(real))
    assert (held == given).mean() > 0.99, "what the decoder gives of each, up to rounding"
    assert (held == real).mean() > 0.9
