"""The command line from the outside: what is parsed, printed, written and returned."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from PIL import Image

import liminal
from liminal.cli import app, console, main, walking
from liminal.errors import LiminalError

COMMANDS = [
    "fit",
    "info",
    "encode",
    "decode",
    "sample",
    "reconstruct",
    "neighbors",
    "morph",
    "edit",
    "map",
    "measure",
    "label",
    "spaces",
]
BOX = set("╭╮╰╯│─┃━┏┓")


def shell(*argv: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "liminal", *argv], capture_output=True, text=True, timeout=120, **more
    )  # type: ignore[call-overload]


# -- names and start


def test_every_name_of_the_package_loads() -> None:
    for name in liminal.__all__:
        assert getattr(liminal, name) is not None, name
    assert set(liminal.__all__) <= set(dir(liminal))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        liminal.nothing_like_it  # noqa: B018


@pytest.mark.parametrize("command", [[], ["fit"], ["morph"]], ids=" ".join)
def test_help_is_light(command: list[str]) -> None:
    heavy = {"torch", "lancedb", "rich"}
    if command != ["fit"]:  # which asks every kind of data for its options
        heavy |= {"numpy", "pyarrow", "PIL"}
    code = (
        f"import sys; from liminal.cli import main; code = main({[*command, '-h']}); sys.exit(code or "
        f"str({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "set()\n"


def test_version_and_help_in_a_process_of_their_own() -> None:
    assert shell("--version").stdout == f"liminal {liminal.__version__}\n"
    bare, asked = shell(), shell("--help")
    assert bare.returncode == asked.returncode == 0
    assert bare.stdout == asked.stdout
    for command in COMMANDS:
        assert f"  {command} " in asked.stdout


@pytest.mark.parametrize("command", [*COMMANDS, "datasets"])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_of_each_command(command: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, flag]) == 0
    text = capsys.readouterr().out
    assert f"\n    liminal {command} " in text.replace(f"liminal {command}\n", f"liminal {command} \n"), (
        "an example"
    )
    assert not BOX & set(text)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["sample", "fashion", "--no-such-option"], "liminal sample: no such option: --no-such-option"),
        (["sample"], "liminal sample: missing argument 'SPACE'"),
        (["sample", "fashion"], "liminal sample: missing option '-o' / '--output'"),
        (["fit", "x", "-o", "y", "--dim", "many"], "liminal fit: invalid value for '--dim'"),
        (["smaple"], "liminal: no such command 'smaple'"),
        (["--nope"], "liminal: no such option: --nope"),
        (["edit", "s", "@1", "-smile", "-o", "x.png", "--nope"], "liminal edit: no such option: --nope"),
        (["edit", "s", "@1", "-a", "-b", "-o", "x.png"], "liminal edit: got unexpected extra argument"),
        (["edit", "s", "@1", "-o", "x.png"], "liminal edit: missing argument 'FORMULA'"),
        (["edit", "s", "@1", "smile", "-o"], "liminal edit: option '-o' requires an argument"),
    ],
)
def test_usage_errors_are_one_line(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(says)
    assert err.count("\n") == 1
    assert "--help" in err
    assert not BOX & set(err)


@pytest.mark.parametrize(
    ("typed", "options", "rest"),
    [
        (["S", "@1", "-1.5*smile", "-o", "x.png"], ["-o", "x.png"], ["S", "@1", "-1.5*smile"]),
        (["S", "@1", "-glasses", "-q"], ["-q"], ["S", "@1", "-glasses"]),
        (["S", "@1", "- glasses"], [], ["S", "@1", "- glasses"]),
        (["S", "@1", "-open"], [], ["S", "@1", "-open"]),
        (["S", "@1", "-q*1"], [], ["S", "@1", "-q*1"]),
        (["S", "-k5", "@1", "-k", "-5"], ["-k", "5", "-k", "-5"], ["S", "@1"]),
        (["-o", "-x.png", "S", "@1", "-"], ["-o", "-x.png"], ["S", "@1", "-"]),
        (["--nope", "S", "-h"], ["--nope", "-h"], ["S"]),
        (["--seed=-3", "S", "--seed", "-4"], ["--seed=-3", "--seed", "-4"], ["S"]),
        (["S", "--", "-o", "--x"], [], ["S", "-o", "--x"]),
    ],
)
def test_arguments_may_begin_with_a_minus_sign(typed: list[str], options: list[str], rest: list[str]) -> None:
    known = {"-o": True, "-k": True, "-q": False, "-h": False, "--seed": True, "--force": False}
    assert console.options_first(typed, known) == [*options, "--", *rest]


GROUP: Any = typer.main.get_command(app)
WORDS = sorted({p.name for c in GROUP.commands.values() for p in c.params if p.param_type_name == "argument"})


@pytest.mark.parametrize("name", list(GROUP.commands))
@pytest.mark.parametrize("word", [*WORDS, "output", "n", "help"])
def test_an_argument_may_be_called_like_an_argument(name: str, word: str) -> None:
    """A word that names an argument or an option is no option: ``liminal sample space -n 64``."""
    command = GROUP.commands[name]
    wanted = [p for p in command.params if p.param_type_name == "argument"]
    options = [part for p in command.params if p.required and p not in wanted for part in (p.opts[0], "x")]
    for argv in ([word] * len(wanted) + options, options + [word] * len(wanted)):
        context = command.make_context(name, argv)
        for p in wanted:
            given = context.params[p.name]
            assert (given if isinstance(given, list) else [str(given)]) == [word], p.name


# -- what goes wrong


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 2, "/x/y: the disk is full"),
        (OSError(errno.EFBIG, "File too large"), 2, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (MemoryError(), 2, "not enough memory"),
        (
            RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            ),
            2,
            "not enough memory",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate"), 2, "not enough memory"),
        (KeyError("x"), 1, "a fault in Liminal itself (KeyError: 'x')"),
        (LiminalError("fit: give\none"), 2, "give one"),
    ],
)
def test_every_error_becomes_one_line(
    error: Exception,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("liminal.build.fit", fails)
    assert main(["fit", "data", "-o", "space"]) == code
    err = capsys.readouterr().err
    assert err.startswith(f"liminal fit: {says}")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    monkeypatch.setenv("LIMINAL_DEBUG", "1")
    assert main(["fit", "data", "-o", "space"]) == code
    assert "Traceback" in capsys.readouterr().err


def test_remarks_wait_until_reading_has_ended_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fit(*_: object, voice: liminal.Voice, **how: object) -> None:
        voice.progress("reading", 0.5)
        voice.say("a remark")
        voice.warn("a warning")
        if how["dim"] == 1:
            raise LiminalError("no")
        assert capsys.readouterr().err == ""
        voice.progress("training", 0.0)
        assert capsys.readouterr().err == "a remark\nwarning: a warning\n"
        voice.say("another")

    monkeypatch.setattr("liminal.build.fit", fit)
    assert main(["fit", "data", "-o", "space", "--dim", "1"]) == 2
    assert capsys.readouterr().err == "liminal fit: no\n"
    assert main(["fit", "data", "-o", "space"]) == 0
    assert capsys.readouterr().err == "another\n"


def test_an_interrupted_fit_says_how_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("liminal.build.fit", stopped)
    out = tmp_path / "my space"
    command = ["fit", "data", "-o", str(out), "--force", "--dim", "4"]
    assert main(command) == 130
    assert capsys.readouterr().err == "liminal fit: interrupted before there was anything to keep\n"
    (out / "checkpoint").mkdir(parents=True)
    (out / "checkpoint" / "state.json").write_text("{}")
    assert main(command) == 130
    said = capsys.readouterr().err
    assert (
        said
        == f"liminal fit: interrupted; the state is kept, go on with: liminal fit data -o '{out}' --dim 4 "
        "--resume\n"
    )


def test_a_reader_that_stops_listening_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "liminal", "datasets"], stdout=closed, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("model", "option", "takes"),
    [
        ("ae", "--beta", "--noise, --rae, --width"),
        ("vae", "--penalty", "--beta, --free-bits, --tc"),
        ("wae", "--free-bits", "--penalty"),
    ],
)
def test_an_option_of_another_model(
    model: str, option: str, takes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "faces", "-o", str(tmp_path / "s"), "--model", model, option, "1"]) == 2
    err = capsys.readouterr().err
    assert f"model {model} has no {option}; it takes" in err
    assert takes in err


# -- outputs


def test_outputs_are_refused_before_any_work(tmp_path: Path) -> None:
    taken, notes, ours = tmp_path / "a.png", tmp_path / "notes", tmp_path / "ours"
    taken.write_text("")
    notes.mkdir()
    (notes / "diary.txt").write_text("dear")
    ours.mkdir()
    (ours / "0000.png").write_text("")
    refused = [
        (taken, False, "exists already"),
        (tmp_path / "a.gif", False, "wanted a name that ends in .png, or one without ending"),
        (tmp_path / "none" / "a.png", False, "does not exist"),
        (notes, False, "exists already"),
        (notes, True, "holds diary.txt, which liminal did not write"),
    ]
    for path, force, why in refused:
        with pytest.raises(LiminalError, match=why):
            console.output(path, force, (".png",), folder=True)
    with pytest.raises(LiminalError, match=r"ends in \.png$"):
        console.output(tmp_path / "folder", False, (".png",))
    (tmp_path / "d.png").mkdir()
    with pytest.raises(LiminalError, match="is a folder"):
        console.output(tmp_path / "d.png", True, (".png",))
    (tmp_path / "plain").write_text("")
    with pytest.raises(LiminalError, match="is a file"):
        console.output(tmp_path / "plain", True, (".png",), folder=True)
    for path in (taken, ours, tmp_path / "new", tmp_path / "NEW.PNG"):
        assert console.output(path, True, (".png",), folder=True) == path


def test_tables_are_whole_where_they_are_piped(capsys: pytest.CaptureFixture[str]) -> None:
    long = "[bold] " + "x" * 300
    console.table(("name", "value"), [("a", 1.23456789), (long, 12345)])
    assert capsys.readouterr().out.splitlines() == [
        f"name{' ' * 303}   value",
        f"a{' ' * 306}   1.235",
        f"{long}  12,345",
    ]


def test_json_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    console.emit({"a": np.float32(0.5), "b": [float("nan"), np.arange(2)], 3: Path("x"), "c": (True, None)})
    assert json.loads(capsys.readouterr().out) == {"a": 0.5, "b": [None, [0, 1]], "3": "x", "c": [True, None]}


# -- every verb on a space


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]):
    """Run a command that must succeed; its standard output."""

    def run(*argv: object) -> str:
        assert main([str(a) for a in argv]) == 0, capsys.readouterr().err
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


def test_fit_tells_what_to_try_next(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "space"
    argv = [
        "fit",
        str(pictures / "pictures"),
        "-o",
        str(out),
        "--epochs",
        "1",
        "--dim",
        "2",
        "--width",
        "8",
        "--model",
        "ae",
        "--threads",
        "1",
    ]
    assert main(argv) == 0
    told, err = capsys.readouterr()
    assert told.startswith(
        f"{out} is ready: ae of 2 dimensions, 216 items to train on and 24 held out, 1 epochs in "
    )
    for command in ("sample", "morph", "map", "measure"):
        assert f"\n  liminal {command} {out} " in told
    assert "the names of 2 folders are the attribute label" in err
    before = (out / "card.json").read_bytes()
    assert main([*argv, "--resume"]) == 0
    assert "nothing to resume" in capsys.readouterr().err
    assert (out / "card.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["space"]


def test_info_checks_every_part(
    tiny_space: Path, tmp_path: Path, told, capsys: pytest.CaptureFixture[str]
) -> None:
    space = tmp_path / "copy"
    shutil.copytree(tiny_space, space)
    assert set(json.loads(told("info", space, "--check", "--json")).values()) == {"whole"}
    file = next((space / "items.lance" / "data").glob("*.lance"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)
    assert main(["info", str(space), "--check"]) == 2
    out, err = capsys.readouterr()
    assert file.name in out.replace("\n", "")
    assert "items.lance" in err.partition("as before")[0]
    assert "weights.safetensors" in err.partition("as before")[2]
    card = json.loads((space / "card.json").read_text())
    del card["parts"]["items.lance"]["files"]
    (space / "card.json").write_text(json.dumps(card))
    assert "older Liminal" in json.loads(told("info", space, "--check", "--json"))["items.lance"]


def test_info(tiny_space: Path, told) -> None:
    text = told("info", tiny_space)
    assert "vae, 4 dimensions" in text
    assert "216 items trained on, 24 held out" in text
    assert "category of 2: bar, block" in text
    facts = json.loads(told("info", tiny_space, "--json"))
    assert facts["dim"] == 4
    assert set(facts["attributes"]) == {"label", "brightness", "high"}


def test_encode_and_decode(pictures: Path, tiny_space: Path, tmp_path: Path, told) -> None:
    table, array, grid, folder = (tmp_path / name for name in ("z.parquet", "z.npy", "grid.png", "decoded"))
    assert (
        told("encode", tiny_space, pictures / "pictures" / "bar", "-o", table)
        == f"wrote 120 latents of 4 dimensions to {table}\n"
    )
    assert (
        json.loads(told("encode", tiny_space, pictures / "pictures", "-o", array, "--json", "-q"))["items"]
        == 240
    )
    rows = pq.read_table(table)
    assert rows.column_names[:2] == ["id", "z"]
    assert "source" in rows.column_names
    z = np.load(array)
    assert z.shape == (240, 4)
    np.testing.assert_allclose(np.stack(rows["z"].to_pylist()), z[:120], atol=1e-5)
    assert "240 decoded items" in told("decode", tiny_space, array, "-o", grid)
    assert Image.open(grid).width > 200
    told("decode", tiny_space, table, "-o", folder, "-q")
    assert len(list(folder.iterdir())) == 120
    told("decode", tiny_space, array, "-o", folder, "--force")
    assert len(list(folder.iterdir())) == 240


@pytest.mark.parametrize("source", ["prior", "mixture", "flow"])
def test_sample(source: str, tiny_space: Path, tmp_path: Path, told) -> None:
    first, again = tmp_path / "1.png", tmp_path / "2.png"
    assert f"wrote 9 samples of {tiny_space}, drawn from its {source}, to" in told(
        "sample", tiny_space, "-n", 9, "--from", source, "-o", first
    )
    evidence = json.loads(told("sample", tiny_space, "-n", 9, "--from", source, "-o", again, "--json"))
    assert evidence == {"n": 9, "from": source, "why": None, "seed": 0, "output": str(again)}
    assert first.read_bytes() == again.read_bytes()
    told("sample", tiny_space, "-n", 9, "--from", source, "-o", again, "--seed", 1, "--force")
    assert first.read_bytes() != again.read_bytes()


def test_sample_by_default_says_why(tiny_space: Path, tmp_path: Path, told) -> None:
    evidence = json.loads(told("sample", tiny_space, "-n", 3, "-o", tmp_path / "folder", "--json"))
    assert evidence["from"] in ("prior", "mixture", "flow")
    assert evidence["why"]
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == ["0000.png", "0001.png", "0002.png"]


def test_reconstruct(pictures: Path, tiny_space: Path, tmp_path: Path, told) -> None:
    file = pictures / "pictures" / "bar" / "0000.png"
    assert "wrote 12 reconstructions" in told("reconstruct", tiny_space, "-o", tmp_path / "a.png")
    assert "wrote 5 reconstructions" in told("reconstruct", tiny_space, "-n5", "-o", tmp_path / "b.png")
    found = json.loads(
        told(
            "reconstruct",
            tiny_space,
            "@3",
            file,
            pictures / "pictures" / "block",
            "-o",
            tmp_path / "c",
            "--json",
        )
    )
    assert found["n"] == 122
    assert 0 < found["mse"] < 1
    assert len(list((tmp_path / "c").iterdir())) == 122


def test_neighbors(tiny_space: Path, tmp_path: Path, told) -> None:
    lines = told("neighbors", tiny_space, "@7", "-k", 4, "-o", tmp_path / "near.png").splitlines()
    assert lines[0].split()[:2] == ["id", "distance"]
    assert lines[1].split()[:2] == ["@7", "0"]
    assert len(lines) == 6
    assert (tmp_path / "near.png").exists()
    found = json.loads(
        told(
            "neighbors",
            tiny_space,
            "mean(label=bar)",
            "-k3",
            "--where",
            "label = 'bar' and brightness > 0.6",
            "--json",
        )
    )
    assert [row["label"] for row in found["neighbors"]] == ["bar"] * 3
    assert all(row["brightness"] > 0.6 for row in found["neighbors"])


@pytest.mark.parametrize("ending", ["gif", "mp4", "png"])
def test_morph(ending: str, pictures: Path, tiny_space: Path, tmp_path: Path, told) -> None:
    out, file = tmp_path / f"m.{ending}", pictures / "pictures" / "bar" / "0000.png"
    text = told(
        "morph",
        tiny_space,
        "@1",
        file,
        "-brightness + @3",
        "--frames",
        7,
        "--along",
        "linear",
        "--loop",
        "-o",
        out,
    )
    assert text.startswith(f"wrote 7 frames along linear to {out}; the largest step is ")
    evidence = json.loads(
        told("morph", tiny_space, "@1", "@2", "--frames", 5, "-o", out, "--json", "--force")
    )
    assert (evidence["along"], evidence["frames"], evidence["keys_at"]) == ("slerp", 5, [0, 4])


@pytest.mark.parametrize(
    ("change", "asked", "shown"),
    [
        ({"smile": 1.0, "hat": -0.31, "gaze": 0.02}, "smile", ["smile", "hat"]),
        ({"smile": 0.0, "hat": 0.02, "gaze": None}, "smile", ["smile"]),
        ({"smile": 0.2, "hat": -0.5, "gaze": 0.1}, "", ["hat", "smile", "gaze"]),
        ({"smile": 0.0, "hat": 0.0, "gaze": 0.0}, "", []),
    ],
)
def test_an_edit_tells_what_moved(
    change: dict[str, float | None], asked: str, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What was asked for first, then what moved, the most first; of all others how many they are."""
    change = {**change, **{f"other {i}": 0.01 for i in range(47)}}
    walking._moved(
        {k: {"before": 0.0, "after": 1.0, "change": v, "asked": k == asked} for k, v in change.items()}
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : len(shown) + 1]] == shown
    assert f"{50 - len(shown)} " in lines[-1]
    assert "stayed" in lines[-1]
    assert len(lines) == len(shown) + (2 if shown else 1)


@pytest.mark.parametrize(
    "formula",
    ["-1.5*brightness", "-high", "- high", "+high - 0.5*brightness", "mean(label=block) - mean(label=bar)"],
)
def test_edit(formula: str, tiny_space: Path, tmp_path: Path, told) -> None:
    text = told("edit", tiny_space, "@1", formula, "-o", tmp_path / "e.png")
    assert text.splitlines()[0].split() == ["attribute", "before", "after", "change", "in", "SD", "asked"]
    assert f"wrote @1 edited by {formula} to {tmp_path / 'e.png'}; it moved by " in text
    assert Image.open(tmp_path / "e.png").size == (16, 16)
    evidence = json.loads(
        told("edit", tiny_space, "@1", formula, "--strip", "-o", tmp_path / "s.png", "--json")
    )
    assert evidence["formula"] == formula
    assert set(evidence["attributes"]) >= {"brightness", "high"}
    assert Image.open(tmp_path / "s.png").width > 5 * 100


def test_a_formula_may_also_be_the_start(tiny_space: Path, tmp_path: Path, told) -> None:
    told(
        "edit",
        tiny_space,
        "mean(label=bar)",
        "+ mean(label='block') - mean(label=bar)",
        "-o",
        tmp_path / "e.png",
    )
    told("edit", tiny_space, "-high + @3", "0*high", "-o", tmp_path / "f.png")


def test_map(tiny_space: Path, tmp_path: Path, told) -> None:
    assert told("map", tiny_space, "--method", "pca", "-o", tmp_path / "m.png").startswith(
        "wrote a map of 240 items by pca"
    )
    found = json.loads(
        told(
            "map", tiny_space, "--method", "pca", "--color", "brightness", "-o", tmp_path / "n.png", "--json"
        )
    )
    assert (found["color"], found["items"]) == ("brightness", 240)


def test_measure(tiny_space: Path, tmp_path: Path, told, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    assert main(["measure", str(tiny_space), "-o", str(out), "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert text.endswith(f"wrote the report to {out}\n")
    assert "<html" in out.read_text()
    found = json.loads(told("measure", tiny_space, "--json", "-q"))
    assert found


def test_label_and_add(
    pictures: Path, tiny_space: Path, tmp_path: Path, told, capsys: pytest.CaptureFixture[str]
) -> None:
    space, csv = tmp_path / "space", tmp_path / "more.csv"
    shutil.copytree(tiny_space, space)
    csv.write_text(
        "file,odd\n" + "".join(f"{i:04d}.png,{'yes' if i % 4 > 1 else 'no'}\n" for i in range(240))
    )
    assert told("label", space, csv, "-q") == ""
    assert set(json.loads(told("info", space, "--json"))["attributes"]) == {
        "label",
        "brightness",
        "high",
        "odd",
    }
    csv.write_text(
        "file,odd,high\n"
        + "".join(f"{i:04d}.png,{'no' if i % 4 > 1 else 'yes'},\n" for i in range(60))
        + "0060.png,,yes\n"
    )
    assert main(["label", str(space), str(csv), "--threads", "1", "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{space} now knows odd, high\n"
    assert "odd: set for 60 items, kept for 180\nhigh: set for 1 items, kept for " in err
    table = liminal.open(space).catalogue.table(columns=["source", "odd"])
    number = [int(Path(source).stem) for source in table["source"].to_pylist()]
    assert table["odd"].to_pylist() == [
        (i % 4 > 1) != (i < 60) for i in number
    ]  # turned round for those that the file names
    assert main(["encode", str(space), str(pictures / "pictures" / "bar"), "--add"]) == 0
    assert capsys.readouterr().out == f"wrote 120 items to the catalogue of {space}\n"
    assert json.loads(told("neighbors", space, "@359", "-k1", "--json"))["neighbors"][0]["id"] == 359


def test_lists(told) -> None:
    assert "faces" in told("datasets")
    names = [space["name"] for space in json.loads(told("spaces", "--json"))]
    listed = told("spaces")
    assert all(name in listed for name in names)
