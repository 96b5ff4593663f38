"""The benches: their options, their pure functions on inputs whose answer is known, and the page that they
write.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
import torch

import liminal
from bench import (
    clothes,
    edits,
    encode,
    fashion,
    figures,
    processes,
    pythae,
    scoring,
    shapes,
    sounds,
    startup,
    studio,
    table,
    vocoder,
)
from bench.__main__ import BENCHES, main
from bench.figures import Figure, Record
from liminal import LiminalError
from liminal.datasets import furniture
from liminal.modalities import phase
from liminal.modalities.audio import Audio
from liminal.modalities.image import Image

ROOT = Path(__file__).parent.parent


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(figures, "OUT", tmp_path)
    return tmp_path


# the command line


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_has_options_and_a_place_in_the_docs(name: str) -> None:
    module = importlib.import_module(f"bench.{name}")
    defaults = vars(module.arguments().parse_args([]))
    assert defaults
    assert callable(module.main)
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert len(re.findall(rf"<!-- bench {name} -->\n.*?<!-- end -->", page, re.DOTALL)) == 1
    assert f"`python -m bench {name}`" in page


def test_the_list_names_every_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*BENCHES, "all", "table"))


def test_wrong_names_are_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fashon"]) == 2
    assert main(["all", "--epochs", "1"]) == 2
    assert main(["pythae", "--recipes", "vae-transformer"]) == 2
    assert main(["encode", "--items", "3"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert "vae-resnet" in said[2]


# figures


@pytest.mark.parametrize(
    ("value", "bar", "better", "met"),
    [
        (0.008, 0.008, "lower", True),
        (0.0081, 0.008, "lower", False),
        (0.52, 0.52, "higher", True),
        (0.51, 0.52, "higher", False),
        (0.8, (0.8, 1.2), "", True),
        (1.21, (0.8, 1.2), "", False),
        (float("nan"), 0.5, "higher", False),
        (None, 0.5, "higher", None),
        (3.0, None, "higher", None),
    ],
)
def test_a_bar_is_met_or_missed(
    value: float | None, bar: figures.Bar | None, better: str, met: bool | None
) -> None:
    assert Figure("x", value, "", bar, better).met is met  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0083456, "0.008346"),
        (0.5, "0.5"),
        (12345.6, "12,346"),
        (1500, "1,500"),
        (0, "0"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_have_four_digits(number: float, text: str) -> None:
    assert figures.text(number) == text


def test_a_record_is_kept_as_json(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = Record("fashion", ["--epochs", "2"], Namespace(epochs=2.0, space=Path("x")))
    record.add(Figure("MSE", 0.02, bar=0.008, better="lower", baseline={"PCA-16": 0.0204}, error=0.001))
    record.note("a remark")
    kept = json.loads(record.finish().read_text())
    assert kept["command"].endswith("python -m bench fashion --epochs 2")
    assert kept["arguments"] == {"epochs": 2.0, "space": "x"}
    assert kept["figures"][0]["met"] is False
    assert kept["cpu_seconds"] >= 0
    said = capsys.readouterr().out
    assert said.startswith(f"$ {kept['command']}\n")
    assert "0.02 ± 0.001" in said
    assert "(≤ 0.008)" in said
    assert "MISSED" in said
    assert "PCA-16 0.0204" in said


# the page


def record(**changes: object) -> dict[str, object]:
    shown = [
        Figure("MSE", 0.02, bar=0.008, better="lower"),
        Figure("accuracy", 0.9, bar=0.87, better="higher"),
        Figure("speed", 5.0, "×"),
    ]
    return {
        "command": "python -m bench fashion --space /somewhere/deep/fashion-space",
        "machine": {
            "cores": 2,
            "system": "Linux",
            "python": "3.11",
            "torch": "2.13.0+cpu",
            "liminal": "0.1.0",
        },
        "date": "2026-01-02",
        "seconds": 10.0,
        "cpu_seconds": 20.0,
        "figures": [{**figures.asdict(f), "met": f.met} for f in shown],
        "notes": ["look at it"],
        **changes,
    }


def test_the_table_is_written_between_the_marks() -> None:
    page = (
        "# Title\n<!-- bench fashion -->\nold\n<!-- end -->\nbetween\n<!-- bench edits -->\nkept\n<!-- end "
        "-->\n"
    )
    new = table.filled(page, {"fashion": record()})
    assert "old" not in new
    assert "| MSE | **0.02** | ≤ 0.008 | **missed** |" in new
    assert "| accuracy | 0.9 | ≥ 0.87 | met |" in new
    assert "1 of 2 bars met" in new
    assert "\nbetween\n<!-- bench edits -->\nkept\n<!-- end -->\n" in new
    assert "/somewhere" not in new
    assert "--space fashion-space" in new
    assert table.filled(new, {"fashion": record()}) == new


def test_rows_have_five_cells_whatever_is_in_them() -> None:
    odd = [
        {**figures.asdict(f), "met": f.met}
        for f in (Figure("a | b", None, "s", 4.0, "lower", note="none | there"), Figure("c", 1.0))
    ]
    rows = [line for line in table.lines(record(figures=odd)) if line.startswith("| ")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [6] * len(rows)


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(LiminalError, match="0 places for fashion"):
        table.filled("# Title\n", {"fashion": record()})


def test_the_command_fills_a_page(tmp_path: Path) -> None:
    page, results = tmp_path / "page.md", tmp_path / "out"
    results.mkdir()
    page.write_text("<!-- bench fashion -->\n<!-- end -->\n")
    (results / "fashion.json").write_text(json.dumps(record()))
    table.main(["--page", str(page), "--results", str(results)])
    assert "2026-01-02" in page.read_text()


def test_a_table_of_many_rows_lies_beside_the_page(tmp_path: Path) -> None:
    page, results = tmp_path / "page.md", tmp_path / "out"
    results.mkdir()
    page.write_text("<!-- bench fashion -->\n<!-- end -->\n")
    many = [Figure(f"figure {i}", float(i), bar=3.0, better="higher") for i in range(table.MOST + 1)]
    told = record(figures=[{**figures.asdict(f), "met": f.met} for f in many])
    (results / "fashion.json").write_text(json.dumps(told))
    table.main(["--page", str(page), "--results", str(results)])
    here, beside = page.read_text(), (tmp_path / "page" / "fashion.md").read_text()
    assert "(page/fashion.md)" in here
    assert [i for i in range(len(many)) if f"| figure {i} |" in here] == [0, 1, 2]  # these missed their bars
    assert all(f"| figure {i} |" in beside for i in range(len(many)))


# scores


def test_likeness_of_a_set_with_itself_and_with_one_far_away() -> None:
    x = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    other = torch.randn(300, 4, generator=torch.Generator().manual_seed(1))
    same, far = scoring.likeness(x, other), scoring.likeness(x, other + 100)
    assert same.coverage > 0.8
    assert 0.8 < same.density < 1.2
    assert far.coverage == far.density == far.precision == 0
    assert far.frechet == pytest.approx(4 * 100**2, rel=0.05)
    assert set(scoring.errors(x, other)) == {"precision", "recall", "density", "coverage"}


def test_errors_of_known_reconstructions() -> None:
    modality = Image(8, 8, 1)
    items = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1)).astype(np.uint8)
    assert scoring.squared_error(modality, items, lambda x: x) == 0
    assert scoring.squared_error(modality, items, lambda x: x + 0.1) == pytest.approx(0.01, rel=1e-4)
    flat = np.repeat(items.reshape(30, 64)[:, :1], 64, 1).reshape(
        30, 8, 8, 1
    )  # one number a picture: one component restores it
    assert scoring.squared_error(modality, flat, scoring.principal(modality, flat, 1)) < 1e-8
    assert scoring.squared_error(modality, items, scoring.principal(modality, items, 1)) > 0.01


def test_what_a_training_took_is_in_the_card() -> None:
    record = Record("fashion", [], Namespace())
    fashion.cost(record, liminal.open("fashion"))
    assert record.figures[0].unit == "CPU-s"
    assert re.search(r"8 epochs in [\d,]+ s, [\d,]+ pictures/s, threads 1, fp32", record.figures[0].note)


def test_halves_have_nothing_in_common() -> None:
    a, b = scoring.halves(100, 40)
    assert len(a) == len(b) == 40
    assert not set(a) & set(b)
    a, b = scoring.halves(9, 5000)
    assert len(a) == len(b) == 4


def test_the_classifier_learns_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clothes, "OUT", tmp_path)
    light = np.arange(256) % 2 == 0
    items = np.where(light[:, None, None, None], 200, 30).astype(np.uint8) * np.ones((1, 28, 28, 1), np.uint8)
    labels = ["bright" if v else "dark" for v in light]
    data = clothes.Clothes(Image(28, 28, 1), items, labels, items, labels)
    voice = clothes.Voice()
    model = clothes.classifier(data, 15, False, voice)
    x, wanted = data.modality.tensor(items), clothes.numbered(labels)
    assert model.accuracy(x, wanted) == 1
    assert model.features(x).shape == (256, clothes.WIDE)
    again = clothes.classifier(data, 15, False, voice)
    assert torch.equal(model.features(x), again.features(x))


# edits


def test_effect_and_leakage_of_known_changes() -> None:
    before = {
        "smile": np.zeros(4),
        "skin": np.array([0.0, 1.0, 0.0, 1.0]),
        "hat": np.full(4, 0.5),
        "shirt": np.tile([1.0, 0.0, 0.0], (4, 1)),
    }
    after = {
        "smile": np.array([0.4, 0.6, 0.4, 0.6]),
        "skin": before["skin"] + np.array([0.1, -0.1, 0.1, -0.1]),
        "hat": np.full(4, 0.75),
        "shirt": np.tile([0.0, 1.0, 0.0], (4, 1)),
    }
    seen = edits.effect(before, after, "smile", 0.5, {"smile": 0.5, "skin": 0.2})
    assert seen.achieved == pytest.approx(1)
    assert seen.error == pytest.approx(np.std([0.8, 1.2, 0.8, 1.2], ddof=1) / 2)
    assert seen.leakage == pytest.approx({"skin": 0.5, "hat": 0.25, "shirt": 1.0})
    unmoved = edits.effect(before, before, "smile", 0.5, {})
    assert unmoved.achieved == 0
    assert set(unmoved.leakage.values()) == {0}


def test_glasses_are_whatever_is_not_none() -> None:
    read = np.array([[0.1, 0.7, 0.2], [0.9, 0.05, 0.05]])
    assert edits.glasses(read, ["clear", "none", "sun"]) == pytest.approx([0.3, 0.95])
    factors = pa.table({"glasses": ["sun", "none", "clear", "none"]})
    assert edits.gap({"glasses": np.array([0.9, 0.1, 0.7, 0.3])}, "glasses", factors) == pytest.approx(0.6)
    assert edits.gap({}, "smile", factors) is None


def test_random_steps_are_as_long_as_the_formula() -> None:
    step = torch.tensor([3.0, 4.0, 0.0])
    steps = edits.random_steps(step, 5)
    assert [float(s.norm()) for s in steps] == pytest.approx([5] * 5)
    assert not torch.equal(steps[0], steps[1])


# beside peers


def test_a_peers_venv_is_made_once_and_says_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []

    def run(step: list[str], **how: object) -> Namespace:
        said.append(step)
        return Namespace(
            returncode=int("peer==1.2" in step and len(said) < 4), stdout="", stderr="first\nno such host\n"
        )

    monkeypatch.setattr(processes, "ROOT", tmp_path)
    monkeypatch.setattr(processes.subprocess, "run", run)
    folder = tmp_path / "bench" / "venvs" / "peer"
    folder.mkdir(parents=True)
    with pytest.raises(
        LiminalError, match=r"^peer could not be installed: no such host; it needs the network once"
    ):
        processes.venv("peer", "1.2", "torch")
    assert [step[-1] for step in said] == [str(folder), "torch", "peer==1.2"]
    assert processes.venv("peer", "1.2", "torch") == folder / "bin" / "python"
    assert len(said) == 6
    assert processes.venv("peer", "1.2", "torch") == folder / "bin" / "python"
    assert len(said) == 6  # it is there
    processes.venv("peer", "1.3")
    assert len(said) == 8  # another version is not


# beside pythae


def test_recipes_are_checked() -> None:
    assert pythae.wanted("vae-mlp, rae_l2-conv") == ["vae-mlp", "rae_l2-conv"]
    with pytest.raises(LiminalError, match="vae-big"):
        pythae.wanted("vae-mlp,vae-big")


def test_ratios_are_over_embed_and_only_the_strongest_has_bars() -> None:
    cost = lambda wall, peak: {"wall": wall, "cpu": wall / 2, "before": 100.0, "peak": peak}
    told = {
        "embed": cost(12.0, 1000.0),
        "by 500": cost(6.0, 500.0),
        "same network": cost(3.0, 250.0),
        "own network": cost(24.0, 400.0),
    }
    told["own network, from a file"] = cost(48.0, 300.0)
    rows = {f.name: f for f in pythae.ratios(told, "vae-mlp", True)}
    assert len(rows) == 6
    same = {name: f for name, f in rows.items() if "pythae’s network" in name}
    own = {name: f for name, f in rows.items() if "its own network" in name}
    assert [f.value for f in same.values()] == pytest.approx([4, 4, 0.25])
    assert all(f.met for f in same.values())
    assert [f.value for f in own.values()] == pytest.approx([0.5, 0.5, 0.4])
    assert not any(f.met for f in own.values())
    memory = next(f for name, f in own.items() if "memory" in name)
    assert memory.baseline == pytest.approx(
        {"pythae by 500": 0.5, "from a file": 0.3, "above what was resident before": 1 / 3}
    )
    assert all(f.met is None for f in pythae.ratios(told, "vae-mlp", False))


def test_bars_are_set_by_pythaes_best_recipe_in_each_score(out: Path) -> None:
    run = Record("pythae", [], Namespace())
    theirs = {
        "vae-mlp": {"MSE": 0.02, "classifier": 4.0, "classifier sampler": "maf"},
        "rae_l2-mlp": {"MSE": 0.01, "classifier": 8.0, "classifier sampler": "mixture"},
    }
    pythae.compare(run, {"MSE": 0.008, "classifier": 5.0}, theirs, {"classifier": 1.0})
    found = {f.name: f for f in run.figures if f.bar is not None}
    assert [f.value for f in found.values()] == pytest.approx([0.8, 1.25])
    assert [f.met for f in found.values()] == [True, False]
    assert "rae_l2-mlp (by MSE)" in run.notes[0]


# processes


def test_a_command_is_watched() -> None:
    work = "import sys, time; x = b'1' * 80_000_000; print('half way', file=sys.stderr); time.sleep(0.4)"
    seen = processes.watch([sys.executable, "-c", work], echo=False)
    assert seen.code == 0
    assert seen.lines == ["half way"]
    assert 80e6 < seen.peak < 300e6
    assert processes.watch([sys.executable, "-c", "raise SystemExit(3)"], echo=False).code == 3


def test_a_worker_answers_or_fails_with_its_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PEERS", tmp_path)
    (tmp_path / "good.py").write_text(
        "import json, sys; print('noise'); print(json.dumps({'told': sys.argv[1]}))"
    )
    (tmp_path / "bad.py").write_text("raise RuntimeError('cannot allocate memory')")
    assert processes.ask(sys.executable, "good.py", [Path("x")], tmp_path / "log") == {"told": "x"}
    with pytest.raises(processes.WorkerError, match="cannot allocate memory"):
        processes.ask(sys.executable, "bad.py", ["train"], tmp_path / "log")


def test_embed_is_cut_until_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def ask(python: object, script: str, args: list[object], log: Path) -> dict[str, int]:
        tried.append(int(str(args[-1]).split("=")[1]))
        if tried[-1] > 500:
            raise processes.WorkerError("cannot allocate memory")
        return {"items": 6000}

    monkeypatch.setattr(pythae, "ask", ask)
    assert pythae.whole(Path("python"), ["encode"], 6000, tmp_path) == (500, {"items": 6000})
    assert tried == [6000, 2000, 500]

    def broken(*_: object) -> dict[str, int]:
        raise processes.WorkerError("no module named pythae")

    monkeypatch.setattr(pythae, "ask", broken)
    with pytest.raises(processes.WorkerError, match="no module"):
        pythae.whole(Path("python"), ["encode"], 6000, tmp_path)


def test_a_meter_counts_what_the_work_takes() -> None:
    work = "import meter; result, told = meter.metered(lambda: len(b'1' * 50_000_000))"
    code = f"{work}; meter.answer(told | {{'result': result}})"  # in a process that holds nothing to reuse
    peers = str(ROOT / "bench" / "peers")
    done = subprocess.run([sys.executable, "-c", code], cwd=peers, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["result"] == 50_000_000
    assert told["peak"] >= told["before"] + 40e6
    assert told["wall"] > 0


def test_commands_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    order, seconds = [], iter([9, 9, 5, 2, 3, 4])

    def run(argv: list[str]) -> tuple[startup.Cost, str]:
        order.append(argv[0])
        return startup.Cost(wall := next(seconds), 10 - wall), ""

    monkeypatch.setattr(startup, "run", run)
    assert startup.fastest({"a": ["a"], "b": ["b"]}, 2) == {"a": (3, 5), "b": (2, 6)}
    assert order == ["a", "b"] * 3


def test_a_peer_that_draws_nothing_is_a_row_with_its_reason() -> None:
    ours = {
        "first_ms": 900.0,
        "all_ms": 4000.0,
        "frame_ms": 60.0,
        "frame_ms_p95": 90.0,
        "cpu_ms": 50.0,
        "frames": 59,
    }
    ours |= {"settled_ms": 700.0, "settled_frames": 9, "settled_cpu_ms": 600.0}
    theirs = {
        "regl-scatterplot": {"first_ms": 3000.0, "frame_ms": 600.0, "cpu_ms": 580.0},
        "regl-scatterplot, fast": {"first_ms": 3000.0, "frame_ms": 300.0, "cpu_ms": 280.0},
        "embedding-atlas": {"why": "its WebGPU has no shader-f16"},
    }
    first, moving, settled, absent = studio.compared("heaps", 1000, ours, theirs)
    assert [f.value for f in (first, moving, settled)] == pytest.approx([0.9, 60, 0.7])
    assert list(moving.baseline) == ["regl-scatterplot 1.16.0", "regl-scatterplot 1.16.0, fast"]
    assert [f.met for f in (first, moving, settled)] == [True] * 3
    assert "studio 50" in moving.note
    assert absent.value is None
    assert absent.note == "its WebGPU has no shader-f16"
    items = studio.compared("items", 70, {**ours, "thumbnails": 320, "near": ours}, {})
    assert [f.met for f in items] == [False, False]


def test_what_many_clients_saw() -> None:
    slow, errors, grows = studio.crowded([(10.0, "")] * 99 + [(900.0, "gone")], 500.0, 501.5, 20)
    assert slow.met
    assert slow.value == pytest.approx(10)
    assert errors.value == 1
    assert not errors.met
    assert errors.note == "gone"
    assert grows.value == pytest.approx(1.5)
    assert studio.crowded([(1.0, "")], None, None, 1)[2].value is None


def test_a_start_that_never_came_counts_as_never() -> None:
    assert studio.middle([{"live_ms": 3.0}, {"live_ms": None}, {"live_ms": 1.0}], "live_ms") == 3
    assert studio.middle([{"live_ms": 3.0}, {"live_ms": None}], "live_ms") == float("inf")


def test_the_studio_bench_names_its_parts_and_what_is_missing(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LiminalError, match=r"no part hover.*start, live"):
        studio.main(["--only", "hover"])
    monkeypatch.setattr(studio.shutil, "which", lambda name: None)
    with pytest.raises(processes.WorkerError, match="no node"):
        studio.page("map.mjs")
    run = Record("studio", [], Namespace())
    studio.starts(run, None, Namespace(space="fashion", starts=1))
    assert [f.met for f in run.figures] == [None] * 3
    assert {f.note for f in run.figures} == {"there is no node on the PATH"}


def test_the_encode_bench_checks_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "OUT", tmp_path)
    monkeypatch.setattr(encode, "watch", lambda argv: processes.Watched(lines=["disk full"], code=2))
    with pytest.raises(LiminalError, match="ended with 2: disk full"):
        encode.encoded(Path("space"), Path("data.npy"), 5, Namespace(threads=None))
    np.save(tmp_path / "encoded.npy", np.zeros((4, 2), np.float32))
    monkeypatch.setattr(encode, "watch", lambda argv: processes.Watched())
    with pytest.raises(LiminalError, match="wrote 4 latents of 5"):
        encode.encoded(Path("space"), Path("data.npy"), 5, Namespace(threads=None))
    assert encode.encoded(Path("space"), Path("data.npy"), 4, Namespace(threads=None)).code == 0
    assert not (tmp_path / "encoded.npy").exists()


# sounds


def test_sounds_of_the_bench_are_mixed_as_sounds_are(tmp_path: Path) -> None:
    """Two tones far apart: the spectrogram of their mix is that of their powers, and halving is 6 dB."""
    m, time = Audio(8000, 0.25), np.arange(2048) / 8000
    waves = [(0.5 * np.sin(2 * np.pi * f * time)).astype(np.float32) for f in (300, 2000)]
    items = np.stack([sounds.levels(wave, m) for wave in waves])
    truth = sounds.levels((waves[0] + waves[1]) / 2, m)
    x = m.tensor(items)
    mixed = sounds.powers(x[:1], x[1:])
    assert float(m.errors(m.tensor(truth[None]), mixed)["lsd"]) < 1
    assert float(x[0].max() - mixed[0].max()) == pytest.approx(6.02 / 80, abs=0.01)
    soundfile.write(tmp_path / "a.wav", np.pad(waves[0][:1500], (700, 0)), 8000)
    assert np.array_equal(sounds.levels(sounds.shot(tmp_path / "a.wav", m), m), m.read(tmp_path / "a.wav"))


def test_what_names_of_spoken_digits_tell(tmp_path: Path) -> None:
    for name in ("3_theo_4.wav", "3_theo_5.wav"):
        (tmp_path / name).touch()
    told = sounds.labelled(tmp_path, tmp_path / "a.csv").read_text().splitlines()
    assert told[1:] == ["3_theo_4.wav,digit 3,theo,test", "3_theo_5.wav,digit 3,theo,train"]


# vocoder


def test_the_learned_head_hears_frames_as_the_library_does() -> None:
    """The head's levels are the item's before they are rounded, its inverse gives a sound back, and it learns
    in all its parts."""
    m, wave = Audio(8000, 0.25), vocoder.drawn(1, 3)[0][:2048]
    head = vocoder.Head(m, 16, 1)
    x = torch.from_numpy(wave)[None]
    levels = vocoder.banded(x, head)
    assert torch.equal((255 * levels[0]).round().int(), torch.from_numpy(sounds.levels(wave, m)).int())
    cut = torch.nn.functional.pad(x, (192, 320)).unfold(1, 512, 128)[:, :16] * head.window
    back = vocoder.overlapped(cut * head.window, head.window, m.hop)
    assert torch.allclose(back, x, atol=1e-5)
    vocoder.unlike(head(levels), x).backward()
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in head.parameters())
    assert vocoder.learned(head, np.zeros((64, 32), np.uint8)).shape == (4096,)


def test_sounds_are_as_far_as_they_are_halved() -> None:
    wave = (0.5 * np.random.default_rng(0).uniform(-1, 1, 2048)).astype(np.float32)
    m = Audio(8000, 0.25)
    assert vocoder.fine(wave, wave) == vocoder.converged(wave, wave, m) == 0
    assert vocoder.converged(wave / 2, wave, m) == pytest.approx(0.5, abs=1e-3)
    assert vocoder.fine(wave / 2, wave) == pytest.approx(6.02, abs=0.1)


def test_constants_of_phases_are_changed_for_one_sound() -> None:
    m = Audio(8000, 0.25)
    item = sounds.levels(vocoder.drawn(1, 4)[0][:2048], m)
    usual, count = phase.waveform(item, 8000), phase.ITERATIONS
    few = vocoder.changed(8000, ITERATIONS=0)(item)
    assert count == phase.ITERATIONS
    assert np.array_equal(phase.waveform(item, 8000), usual)
    assert sounds.apart(m, sounds.levels(usual, m), item) < sounds.apart(m, sounds.levels(few, m), item)
    guided = vocoder.changed(8000, ITERATIONS=0, started=lambda _: vocoder.turns(usual, m))(item)
    assert sounds.apart(m, sounds.levels(guided, m), item) < sounds.apart(m, sounds.levels(few, m), item)


# shapes


def test_samples_of_shapes_that_are_real_ones_are_alike() -> None:
    items = np.asarray(furniture.furniture(24, seed=2).items)
    same = shapes.alike(items, items, items)
    assert same["mmd"] == same["specificity"] == pytest.approx(0, abs=1e-6)
    assert same["coverage"] == 1
    assert same["1-NN accuracy"] == 0  # each one's nearest is its copy in the other set
    one = shapes.alike(np.repeat(items[:1], 24, 0), items, items)
    assert one["coverage"] == 1 / 24
    assert one["mmd"] > 0.3


def test_walks_of_shapes_are_told_whole_and_steady() -> None:
    table = furniture.draw(furniture.furniture(1, seed=2).attributes.to_pylist()[0])
    higher = np.roll(table, 3, axis=1)
    between = shapes.blended(np.stack([table, higher, table]))
    assert len(between) == 2 * shapes.FRAMES + 1
    assert np.array_equal(between[0], table)
    assert np.array_equal(between[shapes.FRAMES], higher)
    assert shapes.told(np.repeat(table[None], 2 * shapes.FRAMES + 1, 0)) == (True, 1.0, 1.0)
    torn = np.repeat(table[None], 2 * shapes.FRAMES + 1, 0)
    torn[5, :3, -3:, :3] = 255
    assert shapes.told(torn) == (False, 0.5, 0.5)
    assert float(shapes.iou(table[None], table[None])[0]) == 1
    assert shapes.all_iou(table[None], higher[None])[0, 0] == pytest.approx(
        float(shapes.iou(table[None], higher[None])[0])
    )
