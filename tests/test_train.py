"""The training loop: reproducible, resumable bit for bit, safe against NaN, stoppable."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch

from liminal.datasets.splits import split
from liminal.errors import LiminalError, NumericalError
from liminal.generator import Trainable
from liminal.modalities.image import Image
from liminal.models.vae import VAE
from liminal.run import Plan, Run
from liminal.train import FIRST_SAVE, data_hash, train
from liminal.voice import Voice


class Mirrored(Image):
    """Pictures of which training sees about half mirrored."""

    def varied(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        turned = torch.rand(len(x), 1, 1, 1, generator=draw) < 0.5
        return torch.where(turned, x.flip(3), x)


class Overlaid(Mirrored):
    """Pictures that can lie over each other."""

    def mixed(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a + b) / 2


IMAGE, VARIED, MIXED = (kind(12, 12, 1) for kind in (Image, Mirrored, Overlaid))


class Ear(Voice):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)

    def warn(self, text: str) -> None:
        self.heard.append(f"warning: {text}")


def items(n: int = 256, seed: int = 0) -> np.ndarray:
    """Soft blobs at random places: something that can be learned."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:12, :12]
    cy, cx = rng.uniform(3, 9, (2, n, 1, 1))
    return (255 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 6)).astype(np.uint8)[..., None]


def model(**arguments) -> VAE:
    torch.manual_seed(0)
    return VAE(IMAGE.shape, 3, width=8, **arguments)


def run(
    folder,
    network: Trainable | None = None,
    voice: Voice | None = None,
    resume: bool = False,
    modality: Image = IMAGE,
    known: np.ndarray | None = None,
    **plan,
):
    network = network or model()
    folder.mkdir(exist_ok=True)
    plan = {"epochs": 3, "batch": 16, **plan}
    log = train(
        network,
        items(),
        modality,
        items(64, 1),
        Plan(**plan),
        folder,
        device="cpu",
        threads=1,
        resume=resume,
        voice=voice,
        known=known,
    )
    return network, log


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(
        torch.equal(p, q) for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_learns_and_repeats(tmp_path, monkeypatch) -> None:
    first, log = run(tmp_path / "a", epochs=8)
    monkeypatch.setattr("liminal.train.SAVE_EVERY", 0.0)  # as on a slow machine: many checkpoints
    second, slow = run(tmp_path / "b", epochs=8)
    assert slow["loss"] == log["loss"]  # of the last steps, not of the last seconds
    other, _ = run(tmp_path / "c", epochs=8, seed=1)
    assert same(first, second)
    assert not same(first, other)
    x = IMAGE.tensor(items(64, 1))
    error = float((first.decode(first.encode(x)) - x).square().mean())
    assert error < 0.5 * float((x - x.mean(0)).square().mean())
    assert log["steps"] == 8 * 16
    assert log["epochs"] == 8
    lines = [json.loads(line) for line in (tmp_path / "a" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 128
    assert np.isfinite(lines[-1]["reconstruction"])


def test_what_training_sees_is_varied_unless_dimensions_are_bound(tmp_path) -> None:
    plain, _ = run(tmp_path / "plain", epochs=1)
    varied, _ = run(tmp_path / "varied", epochs=1, modality=VARIED)
    assert not same(plain, varied)
    known = np.random.default_rng(0).standard_normal((256, 1)).astype(np.float32)
    plain, _ = run(tmp_path / "bound", epochs=1, known=known)
    varied, _ = run(tmp_path / "both", epochs=1, known=known, modality=VARIED)
    assert same(plain, varied)


def test_means_of_latents_decode_to_mixes_where_that_is_asked_for(tmp_path) -> None:
    x = IMAGE.tensor(items(64, 1))
    a, b = x[:32], x[32:]
    missed = {}
    for weight in (0.0, 1.0):
        found, log = run(tmp_path / f"{weight}", model(mixing=weight), epochs=12, modality=MIXED)
        assert ("mixing" in log["loss"]) == bool(weight)
        between = found.decode((found.encode(a) + found.encode(b)) / 2)
        missed[weight] = float((between - (a + b) / 2).square().mean())
    assert missed[1.0] < 0.8 * missed[0.0]
    _, log = run(tmp_path / "unmixed", model(mixing=1.0), epochs=1)  # a kind that knows of no mixes
    assert "mixing" not in log["loss"]


@pytest.mark.parametrize("modality", [IMAGE, VARIED, MIXED], ids=["plain", "varied", "mixed"])
@pytest.mark.parametrize("stops", [(5,), (20, 33)])
def test_resumes_bit_for_bit(tmp_path, monkeypatch, stops, modality) -> None:
    """Stopped in the middle (even twice) and resumed: the same weights, optimiser and average as without the
    stop.
    """
    network = partial(model, mixing=float(modality is MIXED))
    whole, _ = run(tmp_path / "whole", network(), modality=modality)
    advance = Run.advance
    left = list(stops)

    class DiedError(Exception):
        pass

    def dying(self, *given):
        if left and self.state.step == left[0]:
            left.pop(0)
            self.save()
            advance(self, *given)  # the step in which it dies is lost
            raise DiedError
        return advance(self, *given)

    monkeypatch.setattr(Run, "advance", dying)
    for _ in stops:
        with pytest.raises(DiedError):
            run(tmp_path / "cut", network(), resume=True, modality=modality)
    torch.rand(7)  # whatever else the process draws must not matter
    resumed, log = run(tmp_path / "cut", network(), resume=True, modality=modality)
    assert log["steps"] == 48
    assert same(whole, resumed)


def test_resume_with_other_arguments_is_refused(tmp_path) -> None:
    run(tmp_path / "a")
    with pytest.raises(LiminalError, match="epochs 3"):
        run(tmp_path / "a", epochs=4, resume=True)
    (tmp_path / "a" / "checkpoint" / "state.json").write_text("{")
    with pytest.raises(LiminalError, match="damaged"):
        run(tmp_path / "a", resume=True)


def changed(x: np.ndarray, row: int) -> np.ndarray:
    """The same but for one number of one item."""
    x = x.copy()
    x[row, 5, 5, 0] ^= 1
    return x


@pytest.mark.parametrize(
    "other",
    [
        {"items": items(seed=7)},
        *({"items": changed(items(), row)} for row in (0, 100, -1)),
        {"held": items(64, 2)},
        {"modality": Image(12, 12, 1, "crop")},
        {"known": np.ones((256, 1), np.float32)},
    ],
    ids=["all", "first", "one", "last", "held out", "how they are read", "bound"],
)
def test_other_data_of_the_same_number_is_not_the_same(other: dict) -> None:
    same = {"items": items(), "held": items(64, 1), "modality": IMAGE, "known": None}
    assert data_hash(**same) == data_hash(**same)
    assert data_hash(**same) != data_hash(**{**same, **other})


def test_of_large_data_the_first_and_the_last_item_count(monkeypatch) -> None:
    monkeypatch.setattr("liminal.train.HASHED", 10 * 144)
    mine = data_hash(items(), items(64, 1), IMAGE)
    for row in (0, -1):
        assert data_hash(changed(items(), row), items(64, 1), IMAGE) != mine
    assert data_hash(changed(items(), 1), items(64, 1), IMAGE) == mine  # ten of them are looked at


def test_resuming_on_replaced_items_is_refused(tmp_path) -> None:
    run(tmp_path / "a")
    with pytest.raises(LiminalError, match="other data") as told:
        train(
            model(), items(seed=9), IMAGE, items(64, 1), Plan(epochs=3, batch=16), tmp_path / "a",
            device="cpu", threads=1, resume=True,
        )  # fmt: skip
    assert "--force" in str(told.value)


def test_resume_without_checkpoint_starts_afresh(tmp_path) -> None:
    ear = Ear()
    fresh, _ = run(tmp_path / "a", resume=True, voice=ear)
    assert any("afresh" in text for text in ear.heard)
    assert same(fresh, run(tmp_path / "b")[0])


class Fragile(VAE):
    """Its loss is infinite `times` times from step 10 on."""

    times = 1
    calls = 0

    def loss(self, x, progress):
        terms = super().loss(x, progress)
        self.calls += 1
        if self.calls > 10 and self.times:
            self.times -= 1
            terms["reconstruction"] = terms["reconstruction"] * float("nan")
        return terms


def test_goes_back_after_nan(tmp_path) -> None:
    torch.manual_seed(0)
    network, ear = Fragile(IMAGE.shape, 3, width=8), Ear()
    _, log = run(tmp_path / "a", network, ear)
    assert log["setbacks"] == 1
    assert any("NaN" in text and "halved" in text for text in ear.heard)
    assert all(torch.isfinite(p).all() for p in network.parameters())
    assert log["steps"] == 48


def test_gives_up_after_many_nans(tmp_path) -> None:
    torch.manual_seed(0)
    network = Fragile(IMAGE.shape, 3, width=8)
    network.times = 100
    with pytest.raises(NumericalError, match="learning rate"):
        run(tmp_path / "a", network)


def test_collapse_is_said_early(tmp_path) -> None:
    ear = Ear()
    run(tmp_path / "a", model(beta=500.0), ear)
    assert any("posterior collapse" in text and "--beta" in text for text in ear.heard)
    ear = Ear()
    run(tmp_path / "b", voice=ear, epochs=8)
    assert not any("collapse" in text for text in ear.heard)


def test_interrupt_keeps_the_state(tmp_path) -> None:
    kept, before = tmp_path / "a" / "checkpoint" / "state.json", signal.getsignal(signal.SIGINT)

    def interrupt() -> None:
        while not kept.exists():  # the first checkpoint: training is under way, however slow the machine
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", epochs=100000)
    assert json.loads(kept.read_text())["state"]["step"] > FIRST_SAVE  # and not that of the first checkpoint
    assert signal.getsignal(signal.SIGINT) is before


def test_minutes_bound_the_training(tmp_path, monkeypatch) -> None:
    ticks = itertools.count()  # a clock that every look at it moves on, however slow the machine
    monkeypatch.setattr("liminal.train.time.perf_counter", lambda: 0.25 * next(ticks))
    _, log = run(tmp_path / "a", epochs=None, minutes=1)
    assert 50 < log["seconds"] <= 61
    assert 10 < log["steps"] < 120


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, "--epochs"),
        ({"epochs": 1, "minutes": 1}, "--epochs"),
        ({"epochs": 0}, "epochs 0"),
        ({"minutes": -1}, "minutes"),
        ({"epochs": 1, "batch": 1}, "batch 1"),
    ],
)
def test_plan_checks(arguments, word: str) -> None:
    with pytest.raises(LiminalError, match=word):
        Plan(**arguments)


def test_split() -> None:
    mask = split(1000, None, 0)
    assert mask.sum() == 100
    assert (mask == split(1000, None, 0)).all()
    assert (mask != split(1000, None, 1)).any()
    own = np.arange(10) < 3
    assert split(10, own, 0) is own
    assert split(500_000, None, 0).sum() == 10_000
    for count, held in ((1, None), (4, np.zeros(4, bool)), (4, np.ones(4, bool))):
        with pytest.raises(LiminalError):
            split(count, held, 0)
