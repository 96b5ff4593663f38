"""Bad input: exit code 2, one line on standard error that names the file or argument, nothing half-written.

Ctrl-C: 130, state kept.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from liminal.cli import main

Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused; the one line that it says."""

    def run(*argv: object, code: int = 2) -> str:
        assert main([str(a) for a in argv]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err.strip("\n").count("\n") == 0, err
        assert err.startswith(f"liminal {argv[0]}: ")
        assert "Traceback" not in err
        return err

    return run


def bomb(path: Path, side: int = 60_000) -> Path:
    """A valid PNG of side x side black dots: half a megabyte that would need 3.6 GB as bytes."""
    packer = zlib.compressobj(1)
    row = bytes(1 + side // 8)
    data = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)),
            (b"IDAT", data),
            (b"IEND", b""),
        ):
            file.write(
                struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            )
    return path


# -- data


def test_data_that_cannot_be_read(tmp_path: Path, refused: Refused) -> None:
    empty, junk, words, out = tmp_path / "empty", tmp_path / "junk", tmp_path / "words", tmp_path / "space"
    for folder in (empty, junk, words):
        folder.mkdir()
    (junk / "a.png").write_text("hello")
    (words / "notes.rst").write_text("hello")
    (tmp_path / "a.rst").write_text("hello")
    assert f"{empty} is empty; wanted pictures" in refused("fit", empty, "-o", out)
    assert "a.png" in refused("fit", junk, "-o", out)
    said = refused("fit", words, "-o", out)
    assert f"{words} holds no pictures" in said
    assert "wanted files that end in" in said
    assert "nowhere" in refused("fit", tmp_path / "nowhere", "-o", out)
    assert "a.rst" in refused("fit", tmp_path / "a.rst", "-o", out)
    assert "did you mean faces?" in refused("fit", "faecs", "-o", out)
    assert not out.exists()


def test_a_bomb_is_refused(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "set").mkdir()
    bomb(tmp_path / "set" / "bomb.png")
    said = refused("fit", tmp_path / "set", "-o", tmp_path / "space")
    assert "bomb.png" in said
    assert "pixels" in said
    assert not (tmp_path / "space").exists()


def test_bad_files_among_good_ones_are_counted_and_listed(
    pictures: Path, tiny_space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    shutil.copytree(pictures / "pictures" / "bar", folder)
    good = len(list(folder.iterdir()))
    (folder / "cut.png").write_bytes((folder / "0000.png").read_bytes()[:60])
    (folder / "words.png").write_text("hello")
    bomb(folder / "bomb.png")
    assert main(["encode", str(tiny_space), str(folder), "-o", str(tmp_path / "z.npy")]) == 0
    err = capsys.readouterr().err
    assert f"3 of {good + 3} inputs skipped" in err
    for name in ("cut.png", "words.png", "bomb.png"):
        assert name in err
    assert len(np.load(tmp_path / "z.npy")) == good


def test_mixed_sizes_and_modes_are_read(
    tiny_space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for i, mode in enumerate(("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")):
        form = {"CMYK": "jpg", "F": "tiff"}.get(mode, "png")
        image = Image.new("L", (10 + 7 * i, 40 - 3 * i), 90)
        image = (
            Image.fromarray(np.full((40, 30), 20_000, np.uint16)) if mode == "I;16" else image.convert(mode)
        )
        image.save(folder / f"{i}.{form}")
    assert main(["encode", str(tiny_space), str(folder), "-o", str(tmp_path / "z.npy")]) == 0
    assert np.isfinite(np.load(tmp_path / "z.npy")).all()
    assert len(np.load(tmp_path / "z.npy")) == 9
    err = capsys.readouterr().err
    assert "padded to 16 x 16" in err
    assert "scaled from 16 to 8 bits" in err
    assert "skipped" not in err


def test_attributes_that_match_nothing(
    pictures: Path, tiny_space: Path, tmp_path: Path, refused: Refused
) -> None:
    table, out = tmp_path / "labels.csv", tmp_path / "space"
    table.write_text("file,smile\nanna.png,1\n")
    said = refused("fit", pictures / "pictures", "-o", out, "--attributes", table)
    assert f"{table}: no row matches an item" in said
    assert str(table) in refused("label", tiny_space, table)
    table.write_text("file,smile\n")
    assert str(table) in refused("fit", pictures / "pictures", "-o", out, "--attributes", table)
    assert "gone.csv" in refused(
        "fit", pictures / "pictures", "-o", out, "--attributes", tmp_path / "gone.csv"
    )
    assert "gone.csv" in refused("label", tiny_space, tmp_path / "gone.csv")
    assert not out.exists()


def test_nan_in_arrays(tiny_space: Path, tmp_path: Path, refused: Refused) -> None:
    x, z = np.zeros((20, 16, 16), np.float32), np.zeros((3, 4), np.float32)
    x[7, 2, 2] = z[1, 2] = np.nan
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "z.npy", z)
    assert "x.npy" in refused("fit", tmp_path / "x.npy", "-o", tmp_path / "space")
    said = refused("decode", tiny_space, tmp_path / "z.npy", "-o", tmp_path / "o.png")
    assert "z.npy: row 1 of the latents holds NaN" in said
    assert not (tmp_path / "space").exists()
    assert not (tmp_path / "o.png").exists()


def test_latents_that_do_not_fit(tiny_space: Path, tmp_path: Path, refused: Refused) -> None:
    np.save(tmp_path / "z.npy", np.zeros((3, 5), np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "z.parquet").write_text("hello")
    said = refused("decode", tiny_space, tmp_path / "z.npy", "-o", tmp_path / "o.png")
    assert "z.npy: wanted latents of shape (n, 4), got (3, 5)" in said
    for name in ("objects.npy", "z.parquet", "gone.npy", "z.txt"):
        assert name in refused("decode", tiny_space, tmp_path / name, "-o", tmp_path / "o.png")
    assert not (tmp_path / "o.png").exists()


# -- arguments


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--dim 0", "--dim 0"),
        ("--dim -3", "--dim -3"),
        ("--epochs 0", "epochs 0"),
        ("--minutes -1", "minutes -1"),
        ("--minutes nan", "minutes nan"),
        ("--minutes 1 --epochs 1", "--epochs or --minutes"),
        ("--batch 1", "batch 1"),
        ("--rate 0", "rate 0"),
        ("--rate nan", "rate nan"),
        ("--model gan", "unknown model 'gan'"),
        ("--prior uniform", "uniform prior"),
        ("--prior nope", "nope prior"),
        ("--beta -1", "beta -1"),
        ("--width 0", "width 0"),
        ("--likelihood poisson", "likelihood 'poisson'"),
        ("--penalty 1", "model vae has no --penalty"),
        ("--size 3", "size 3"),
        ("--fit squeeze", "fit 'squeeze'"),
        ("--threads 0", "--threads 0"),
        ("--device toaster", "device 'toaster'"),
        ("--n 10", "'n'"),
        ("--seed -1", "'--seed'"),
    ],
)
def test_arguments_of_fit(option: str, says: str, pictures: Path, tmp_path: Path, refused: Refused) -> None:
    short = () if "--epochs" in option or "--minutes" in option else ("--epochs", 1)
    assert says in refused("fit", pictures / "pictures", "-o", tmp_path / "o", *option.split(), *short)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sample no-such-space -n 4 -o {o}.png", "unknown space 'no-such-space'"),
        ("sample {s} -n 0 -o {o}.png", "n = 0"),
        ("sample {s} -n 2000 -o {o}.png", "not 2000"),
        ("sample {s} --from nowhere -o {o}.png", "unknown sampler 'nowhere'"),
        ("sample {s} --threads 0 -o {o}.png", "--threads 0"),
        ("sample {s} --device toaster -o {o}.png", "device 'toaster'"),
        ("sample {s} -o {o}.xyz", "o.xyz"),
        ("sample {s} -o {o}/deep/o.png", "does not exist"),
        ("reconstruct {s} @9999 -o {o}.png", "@9999"),
        ("reconstruct {s} @x -o {o}.png", "@x"),
        ("reconstruct {s} gone.png -o {o}.png", "gone.png"),
        ("reconstruct {s} -n 0 -o {o}.png", "-n 0"),
        ("neighbors {s} @9999", "@9999"),
        ("neighbors {s} @1 -k 0", "k = 0"),
        ("neighbors {s} @1 --where brightness=", "brightness="),
        ("neighbors {s} @1 --where nothing=1", "nothing"),
        ("neighbors {s} gone.png", "gone.png"),
        ("morph {s} @1 -o {o}.gif", "2 items or more"),
        ("morph {s} @1 @2 --frames 1 -o {o}.gif", "1 frames"),
        ("morph {s} @1 @2 --along the-river -o {o}.gif", "the-river"),
        ("morph {s} @1 @2 -o {o}.avi", "o.avi"),
        ("edit {s} @1 +1.5*nosuchthing -o {o}.png", "nosuchthing"),
        ("edit {s} @99999999 +high -o {o}.png", "@99999999"),
        ("edit {s} @1 __import__('os').system('x') -o {o}.png", "__import__"),
        ("edit {s} @1 @2 -o {o}.png", "wanted a change"),
        ("edit {s} high +high -o {o}.png", "no item to start from"),
        ("edit {s} @1 +high -o {o}.mp3", "o.mp3"),
        ("map {s} --method isomap -o {o}.png", "isomap"),
        ("map {s} --lattice 9 -o {o}.png", "columns x rows"),
        ("morph {s} @1 @2 --pace fast -o {o}.gif", "fast"),
        ("morph {s} @1 @2 --only nosuchthing -o {o}.gif", "nosuchthing"),
        ("edit {s} @1 dim(99) -o {o}.png", "dim(99)"),
        ("edit {s} @1 high --sweep 1:2 -o {o}.png", "first:last:count"),
        ("transfer {s} --content @1 --style @2 --by nosuchthing -o {o}.png", "nosuchthing"),
        ("transfer {s} --content @1 --style @2 --blend 3 -o {o}.png", "blend 3"),
        ("clusters {s} --method astrology -o {o}.png", "astrology"),
        ("clusters {s} -o {o}.pdf", "o.pdf"),
        ("directions {s} --from magic -o {o}.png", "magic"),
        ("decode {s} -o {o}.png", "wanted a file of latents"),
        ("sample {s} --near @1 --where high -o {o}.png", "choose one of"),
        ("neighbors {s} @1 --metric taxi -o {o}.png", "taxi"),
        ("map {s} --color hat -o {o}.png", "unknown attribute 'hat'"),
        ("measure {s} -o {o}.pdf", "o.pdf"),
        ("encode {s} gone -o {o}.npy", "gone"),
        ("encode {s} gone -o {o}.txt", "o.txt"),
        ("encode {s} gone", "-o FILE or --add"),
        ("encode {s} gone --add -o {o}.npy", "-o FILE or --add"),
        ("encode {s} gone --add", "gone"),
    ],
)
def test_arguments_of_the_verbs(
    command: str, says: str, tiny_space: Path, tmp_path: Path, refused: Refused
) -> None:
    argv = [part.format(s=tiny_space, o=tmp_path / "o") for part in command.split()]
    assert says in refused(*argv)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_is_left_alone(
    tiny_space: Path, pictures: Path, tmp_path: Path, refused: Refused
) -> None:
    z = tmp_path / "z.npy"
    np.save(z, np.zeros((2, 4), np.float32))
    for command in (
        "sample {s} -o {o}.png",
        "reconstruct {s} -o {o}.png",
        "decode {s} {z} -o {o}.png",
        "neighbors {s} @1 -o {o}.png",
        "morph {s} @1 @2 -o {o}.gif",
        "edit {s} @1 +high -o {o}.png",
        "edit {s} @1 +high --strip -o {o}.png",
        "map {s} -o {o}.png",
        "measure {s} -o {o}.html",
        "encode {s} x -o {o}.parquet",
        "sample {s} -o {o}",
    ):
        argv = [part.format(s=tiny_space, o=tmp_path / "o", z=z) for part in command.split()]
        out = Path(argv[-1])
        out.write_text("mine")
        said = refused(*argv)
        assert f"{out} exists already" in said
        assert "--force" in said
        assert out.read_text() == "mine"
        out.unlink()
    card = (tiny_space / "card.json").read_bytes()
    assert "--force" in refused("fit", pictures / "pictures", "-o", tiny_space)
    assert (tiny_space / "card.json").read_bytes() == card
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("mine")
    for more in ((), ("--force",), ("--resume",)):
        assert "diary" in refused("fit", pictures / "pictures", "-o", tmp_path / "diary", *more)
    assert "monday.txt" in refused("sample", tiny_space, "-o", tmp_path / "diary", "--force")
    assert (tmp_path / "diary" / "monday.txt").read_text() == "mine"


# -- spaces


class Trap:
    """Unpickling it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.trace),)


def card_of(space: Path, **changes: object) -> None:
    card = json.loads((space / "card.json").read_text())
    (space / "card.json").write_text(json.dumps({**card, **changes}))


def cut_card(space: Path) -> None:
    path = space / "card.json"
    path.write_bytes(path.read_bytes()[:200])


def cut_weights(space: Path) -> None:
    path = space / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def cut_items(space: Path) -> None:
    for path in (space / "items.lance").rglob("*.lance"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickled(space: Path) -> None:
    (space / "weights.safetensors").write_bytes(pickle.dumps(Trap(space / "trace")))


def pickled_by_name(space: Path) -> None:
    card = json.loads((space / "card.json").read_text())
    (space / "weights.pt").write_bytes(pickle.dumps(Trap(space / "trace")))
    card["parts"] = {
        ("weights.pt" if name.startswith("weights") else name): entry for name, entry in card["parts"].items()
    }
    (space / "card.json").write_text(json.dumps(card))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty card": (lambda space: (space / "card.json").write_text("{}"), "card.json"),
    "cut card": (cut_card, "card.json"),
    "no card": (lambda space: (space / "card.json").unlink(), "card.json"),
    "newer": (lambda space: card_of(space, format=99), "newer Liminal"),
    "no parts": (lambda space: card_of(space, parts={}), "card.json"),
    "foreign model": (
        lambda space: card_of(space, model={"class": "vae", "arguments": {"shape": [1, 16, 16], "depth": 3}}),
        "card.json",
    ),
    "cut weights": (cut_weights, "weights.safetensors"),
    "no weights": (lambda space: (space / "weights.safetensors").unlink(), "weights.safetensors"),
    "no items": (lambda space: shutil.rmtree(space / "items.lance"), "items.lance"),
    "cut items": (cut_items, "items.lance"),
    "pickled": (pickled, "weights.safetensors"),
    "pickled by name": (pickled_by_name, "weights.pt"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_space_is_refused(case: str, tiny_space: Path, tmp_path: Path, refused: Refused) -> None:
    damage, says = DAMAGE[case]
    space = tmp_path / "space"
    shutil.copytree(tiny_space, space)
    damage(space)
    assert says in refused("neighbors", space, "@1", "-o", tmp_path / "o.png")
    assert not (space / "trace").exists(), "something was unpickled"
    assert not (tmp_path / "o.png").exists()


def test_what_is_no_space(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("hello")
    assert "folder" in refused("info", tmp_path / "folder")
    assert "file is a file" in refused("info", tmp_path / "file")
    assert "gone" in refused("info", tmp_path / "gone")


# -- full disk, ctrl-C

SMALL = ["--dim", "2", "--width", "8", "--threads", "1"]


def start(argv: list[object], most: int | None = None) -> subprocess.Popen[str]:
    """The command line in a process of its own; with `most`, no file may grow beyond so many bytes (as on a
    full disk).
    """

    def limits() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if most is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    command = [sys.executable, "-m", "liminal", *map(str, argv)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limits
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("command", "most"),
    [
        ("sample {s} -n 64 -o {o}.png", 1_000),
        ("sample {s} -n 4 -o {o}", 60),
        ("morph {s} @1 @2 -o {o}.gif", 1_000),
        ("encode {s} {p} -o {o}.npy -q", 2_000),
        ("encode {s} {p} --add -q", 2_000),
        ("label {s} {a} -q", 2_000),
    ],
)
def test_a_full_disk(command: str, most: int, tiny_space: Path, pictures: Path, tmp_path: Path) -> None:
    space, place = tmp_path / "space", tmp_path / "place"
    shutil.copytree(tiny_space, space)
    place.mkdir()
    before = (space / "card.json").read_bytes()
    names = {"s": space, "o": place / "o", "p": pictures / "pictures", "a": pictures / "attributes.csv"}
    main(
        ["encode", str(space), str(pictures / "pictures"), "-o", str(tmp_path / "z.npy"), "-q"]
    )  # now the pictures are in the cache
    run = start([part.format(**names) for part in command.split()], most)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 2, err
    assert out == ""
    assert err.strip("\n").count("\n") == 0, err
    assert "could not" in err or "full" in err
    assert list(place.iterdir()) == []
    assert (space / "card.json").read_bytes() == before
    assert main(["neighbors", str(space), "@1"]) == 0, "the space is as it was"


def test_a_disk_that_fills_up_while_training(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "space"
    run = start(["fit", pictures / "pictures" / "bar", "-o", out, "--epochs", 1000, *SMALL], 100_000)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 2, err
    said, error = err.strip("\n").split("\n")  # what the data look like, then what went wrong
    assert "read as pictures" in said
    assert f"could not write {out}" in error
    assert not (out / "card.json").exists()
    assert not [p for p in out.rglob("*") if p.name.startswith(".")], "no temporary file stays"


def test_ctrl_c_keeps_the_state_and_says_how_to_go_on(
    pictures: Path, tmp_path: Path, refused: Refused
) -> None:
    out = tmp_path / "my space"
    argv = ["fit", pictures / "pictures" / "bar", "-o", out, "--epochs", 100_000, *SMALL]
    run = start(argv)
    for _ in range(1200):
        if (out / "checkpoint" / "state.json").exists() or run.poll() is not None:
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    text, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert text == ""
    assert "Traceback" not in err
    again = shlex.join(["liminal", *map(str, argv), "--resume"])
    assert err.splitlines()[-1] == f"liminal fit: interrupted; the state is kept, go on with: {again}"
    assert json.loads((out / "checkpoint" / "state.json").read_text())["state"]["step"] >= 20
    assert not (out / "card.json").exists()
    assert "--resume" in refused(*argv)
    assert "my space" in refused("info", out)
