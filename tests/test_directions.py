"""Directions: known worlds where the answer is exact, real pictures where readers judge, and names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from linear import GREY, LABELS, fashion, fashion_pca
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from liminal.errors import LiminalError
from liminal.ops import directions
from liminal.ops.directions import Direction, find_directions, resolve
from liminal.ops.probes import Frame

SIZE = 3000


def world(n: int, seed: int) -> tuple[Tensor, pa.Table]:
    """Latents of five independent causes; hats and glasses go with smiles, as confounded data have it.

    z0 = smile, z1 = gaze, z2 = hat, z3 = glasses, z4 says nothing and is smaller.
    """
    draw = np.random.default_rng(seed)
    smile = draw.normal(size=n)
    gaze = 0.8 * smile + 0.6 * draw.normal(size=n)
    hat = smile + draw.normal(size=n) > 0
    glasses = np.where(draw.normal(size=n) < 0, "none", np.where(draw.normal(size=n) > 0, "clear", "sun"))
    level = np.select([glasses == "clear", glasses == "sun"], [2.0, 4.0], 0.0)
    z = np.stack([smile, gaze, 3.0 * hat, level, 0.3 * draw.normal(size=n)], 1) + 0.1 * draw.normal(size=(n, 5))
    blind = [None if i % 5 == 0 else float(s) for i, s in enumerate(smile)]
    table = pa.table(
        {"smile": blind, "gaze": gaze, "hat": pa.array(hat), "glasses": glasses, "noise": draw.normal(size=n), "coin": draw.random(n) > 0.5}
    )
    return torch.tensor(z, dtype=torch.float32), table


def read(x: Tensor) -> dict[str, Tensor]:
    """What is drawn, read exactly; the last latent is drawn as the noise and the coin that it does not know."""
    clear = torch.exp(-2 * (x[:, 3] - 2) ** 2)
    sun = torch.sigmoid(4 * (x[:, 3] - 3))
    return {
        "smile": x[:, 0],
        "gaze": x[:, 1],
        "hat": torch.sigmoid(4 * (x[:, 2] - 1.5)),
        "glasses=none": torch.sigmoid(4 * (1 - x[:, 3])),
        "glasses=clear": clear,
        "glasses=sun": sun,
        "noise": x[:, 4],
        "coin": torch.sigmoid(x[:, 4]),
    }


@pytest.fixture(scope="module")
def found() -> dict[str, Direction]:
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)
    return {d.name: d for d in find_directions(z, table, held, about, decode=lambda z: z, read=read)}


def test_every_attribute_has_its_directions(found: dict[str, Direction]) -> None:
    assert list(found) == ["smile", "gaze", "hat", "glasses=clear", "glasses=none", "glasses=sun", "glasses", "noise", "coin"]


def test_conditional_undoes_confounding(found: dict[str, Direction]) -> None:
    """Smile goes with gaze at r = .8 in the data; one SD of smile must not take .8 SD of gaze along."""
    smile = found["smile"]
    assert smile.method == "conditional"
    assert smile.works
    assert smile.score > 0.95
    assert smile.score_name == "R2"
    torch.testing.assert_close(smile.vector / smile.vector.norm(), torch.eye(5)[0], atol=0.06, rtol=0)
    assert float(smile.vector[0]) == pytest.approx(smile.unit, rel=0.02)  # one SD of smile is as long in z0
    assert smile.leakage["gaze"] < 0.06
    assert "smile" not in smile.leakage


@pytest.mark.parametrize("name", ["smile", "gaze", "hat", "glasses=none", "glasses=sun", "glasses"])
def test_strength_one_does_what_is_asked(name: str, found: dict[str, Direction]) -> None:
    """On items that took no part: the mean effect over those that do not have it is one unit."""
    direction = found[name]
    z, table = world(1500, 2)
    seen = (lambda x: 1 - read(x)["glasses=none"]) if name == "glasses" else (lambda x: read(x)[name])
    attribute, _, value = name.partition("=")
    column = table[attribute].to_pylist()
    if name == "glasses":
        off = torch.tensor([v == "none" for v in column])
    elif direction.kind == "category":
        off = torch.tensor([v != value for v in column])
    else:
        off = torch.tensor([direction.kind == "number" or v is False for v in column])
    effect = float((seen(z[off] + direction.vector) - seen(z[off])).mean()) / direction.unit
    assert effect == pytest.approx(1, abs=0.1)
    assert direction.effect == pytest.approx(1, abs=0.011)
    at_one = direction.effects[direction.strengths.index(1.0)]
    assert at_one == direction.effect
    if direction.kind != "number":  # the unit is the gap between decoded items with and without
        gap = float(seen(z[~off]).mean() - seen(z[off]).mean())
        assert direction.unit == pytest.approx(gap, abs=0.05)


def test_a_value_between_two_others_is_reached_by_half(found: dict[str, Direction]) -> None:
    """Clear glasses lie between none and sun on one axis: no vector leads both there."""
    clear = found["glasses=clear"]
    assert clear.effect == pytest.approx(0.5, abs=0.1)
    assert f"reaches only {clear.effect:.0%}" in clear.note


def test_unknown_values_leave_no_confounding(found: dict[str, Direction]) -> None:
    """A fifth of the smiles is unknown; still hat and gaze move without them."""
    for name in ("hat", "gaze"):
        assert found[name].method == "conditional"
        assert found[name].leakage["smile"] < 0.06


def test_leakage_is_in_standard_deviations(found: dict[str, Direction]) -> None:
    z, _ = world(1200, 1)
    hat = found["hat"]
    moved = (read(z + hat.vector)["gaze"] - read(z)["gaze"]).abs().mean() / z[:, 1].std()
    assert hat.leakage["gaze"] == pytest.approx(float(moved), rel=0.05)
    assert not {k for k in found["glasses=sun"].leakage if k.startswith("glasses")}


@pytest.mark.parametrize("name", ["noise", "coin"])
def test_what_the_latents_do_not_know_does_not_work(name: str, found: dict[str, Direction]) -> None:
    assert not found[name].works
    assert "at chance" in found[name].note


def test_what_cannot_be_reached_is_said() -> None:
    """A reader that gives way at a third of the unit, however far one goes."""
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)

    def stiff(x: Tensor) -> dict[str, Tensor]:
        return {"smile": x[:, 0].clamp(-0.1, 0.1)}

    (smile,) = find_directions(z, table, held, about, lambda z: z, stiff, names=["smile"])
    assert smile.effect is not None
    assert 0 < smile.effect < 0.25
    assert f"reaches only {smile.effect:.0%}" in smile.note
    assert not smile.works


def test_what_no_reader_sees_is_not_claimed() -> None:
    z, table = world(400, 0)
    (hat,) = find_directions(z, table, z, table, lambda z: z, lambda x: {"smile": x[:, 0]}, names=["hat"])
    assert hat.effect is None
    assert not hat.works
    assert "not measured" in hat.note
    assert float(hat.vector[2]) == pytest.approx(3, abs=0.2)  # the gap in the latents


def test_too_little_is_left_out() -> None:
    z, table = world(200, 0)
    rare = [True] * 3 + [False] * 197
    table = table.select(["gaze"]).append_column("rare", pa.array(rare)).append_column("one", pa.array(["a"] * 200))
    table = table.append_column("empty", pa.array([None] * 200, pa.float64())).append_column("same", pa.array([1.0] * 200))
    names = [d.name for d in find_directions(z, table, z, table, lambda z: z, lambda x: {"gaze": x[:, 1]})]
    assert names == ["gaze"]
    assert find_directions(z, table, z, table, lambda z: z, lambda x: {}, names=["rare"]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z_train": torch.zeros(3, 5)}, "do not fit 200 rows"),
        ({"z_held": torch.full((200, 5), torch.nan)}, "held-out latents hold NaN"),
        ({"z_train": torch.zeros(200, 5)}, "all latents are the same"),
        ({"names": ["smlie"]}, "unknown attribute 'smlie': did you mean smile"),
        ({"read": lambda x: {"smile": x[:, 0] * torch.nan}}, "reader of 'smile' gave NaN"),
    ],
)
def test_refusals(change: dict, words: str) -> None:
    z, table = world(200, 0)
    call = {"z_train": z, "attributes_train": table, "z_held": z, "attributes_held": table, "decode": lambda z: z, "read": read}
    with pytest.raises(LiminalError, match=words):
        find_directions(**{**call, **change})


def test_same_twice() -> None:
    z, table = world(400, 0)
    a, b = (find_directions(z, table, z, table, lambda z: z, read, names=["smile"])[0] for _ in range(2))
    assert torch.equal(a.vector, b.vector)
    assert a.evidence == b.evidence


def test_whitening_leaves_out_what_is_not_active() -> None:
    z = torch.randn(500, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double) * torch.tensor([3.0, 1.0, 1e-3, 0.5])
    frame = Frame(z)
    u = frame.whiten(z)
    torch.testing.assert_close(torch.cov(u.T), torch.eye(3, dtype=torch.double))
    assert float(frame.active(torch.eye(4, dtype=torch.double)[2]).norm()) < 0.01
    torch.testing.assert_close(frame.whiten(z[:1]) @ frame.colour + frame.mean, z[:1], atol=0.01, rtol=0)


# real pictures


def test_fashion_edits_are_seen_by_a_reader_of_real_pictures() -> None:
    """PCA-24 latents, a logistic reader of pixels: every label's direction is known well and strength 1 gives that label on fresh items."""
    from sklearn import decomposition
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    items, labels = fashion()
    model = fashion_pca()
    x = GREY.tensor(items)
    z = model.encode(x)
    reader = make_pipeline(decomposition.PCA(40, random_state=0), LogisticRegression(C=0.1, max_iter=200))
    reader.fit(x[:5000].flatten(1).numpy(), labels[:5000])

    def seen(x: Tensor) -> dict[str, Tensor]:
        p = reader.predict_proba(x.flatten(1).numpy())
        return {f"label={c}": torch.from_numpy(p[:, i].copy()) for i, c in enumerate(reader.classes_)}

    table = pa.table({"label": labels})
    found = {d.name: d for d in find_directions(z[:6000], table[:6000], z[6000:8000], table[6000:8000], model.decode, seen)}
    assert sorted(found) == sorted(f"label={c}" for c in LABELS)
    assert all(d.works and d.score > 0.85 for d in found.values())
    boot = found["label=Ankle boot"]
    fresh = z[8000:][[label == "Sandal" for label in labels[8000:]]]
    before, after = (seen(model.decode(at))["label=Ankle boot"] for at in (fresh, fresh + boot.vector))
    assert before.mean() < 0.2
    assert (after - before).mean() > 0.5


# names and disk


def test_names_resolve(found: dict[str, Direction]) -> None:
    names = [*{d.partition("=")[0] for d in found}, "rare"]
    assert resolve("smile", None, found, names) is found["smile"]
    assert resolve("glasses", None, found, names) is found["glasses"]
    assert resolve("glasses", "sun", found, names) is found["glasses=sun"]
    assert resolve("glasses", "SUN", found, names) is found["glasses=sun"]
    assert resolve("hat", "yes", found, names) is found["hat"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("smlie", None, "unknown direction 'smlie': did you mean smile"),
        ("label", None, "'label' is a category without a value that means off; say which value: label='Ankle boot', label=Bag"),
        ("label", "Boot", "unknown value of label 'Boot'"),
        ("smile", "3", r"smile is a number: write a strength, as in 1.5\*smile"),
        ("hat", "no", "write -hat"),
        ("hat", "maybe", "hat is yes or no"),
        ("rare", None, "'rare' has no direction: too few"),
    ],
)
def test_names_refused(name: str, value: str | None, words: str, found: dict[str, Direction]) -> None:
    some = {**found, **{f"label={v}": found["glasses=sun"] for v in ("Ankle boot", "Bag")}}
    with pytest.raises(LiminalError, match=words):
        resolve(name, value, some, ["rare"])


def test_kept_in_safetensors(found: dict[str, Direction], tmp_path: Path) -> None:
    tensors, about = directions.to_tensors(found.values())
    save_file(tensors, tmp_path / "directions.safetensors", about)
    with safe_open(tmp_path / "directions.safetensors", "pt") as file:
        back = directions.from_tensors({k: file.get_tensor(k) for k in file.keys()}, file.metadata())  # noqa: SIM118
    assert [d.evidence for d in back] == [d.evidence for d in found.values()]
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(back, found.values(), strict=True))
    json.dumps(back[0].evidence, allow_nan=False)
    with pytest.raises(LiminalError, match="find the directions again"):
        directions.from_tensors({}, about)
