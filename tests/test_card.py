"""The card: what is written comes back, what is wrong is refused in one line, and parts change only by a
commit.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
import threading
import warnings
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from liminal import card as cards
from liminal.card import Card, examine, read_weights, table_entry, verify, write_weights
from liminal.errors import LiminalError


def a_card(**changed: Any) -> Card:
    sections: dict[str, Any] = {
        "model": {"class": "vae", "arguments": {"dim": 4}},
        "modality": {"name": "image", "arguments": {"size": 28}},
        "prior": {"name": "normal", "dim": 4},
        "seed": 7,
    }
    return Card(**(sections | changed))


def refused(call: Any, *parts: str) -> None:
    with pytest.raises(LiminalError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text, text


def test_a_card_comes_back_as_it_was(tmp_path: Path) -> None:
    card = a_card(notes=["größer: ☃"], measures={"mse": 0.25}, parts={"items.lance": {"version": 3}})
    card.commit(tmp_path)
    assert Card.read(tmp_path) == card
    assert card.created.endswith("+00:00")
    assert os.listdir(tmp_path) == ["card.json"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(section=st.dictionaries(st.text(), json_values), notes=st.lists(st.text()))
def test_any_json_survives_in_a_section(
    tmp_path_factory: pytest.TempPathFactory, section: dict[str, Any], notes: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("space")
    card = a_card(data=section, notes=notes)
    card.commit(folder)
    assert Card.read(folder) == card


def test_numpy_torch_tuples_paths_and_infinities_become_plain_json(tmp_path: Path) -> None:
    measures = {
        "a": np.float32(0.5),
        "b": np.arange(2),
        "c": (1, Path("x")),
        "psnr": math.inf,
        "d": torch.tensor([math.nan, 1.0]),
    }
    a_card(measures=measures).commit(tmp_path)
    text = (tmp_path / "card.json").read_text()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert Card.read(tmp_path).measures == {
        "a": 0.5,
        "b": [0, 1],
        "c": [1, "x"],
        "psnr": None,
        "d": [None, 1.0],
    }


def test_no_space_no_card_and_an_unfinished_space_are_told_apart(tmp_path: Path) -> None:
    refused(lambda: Card.read(tmp_path / "nowhere"), "nowhere", "no such space", "liminal spaces")
    (tmp_path / "file").write_text("x")
    refused(lambda: Card.read(tmp_path / "file"), "is a file", "folder")
    refused(lambda: Card.read(tmp_path), "no card.json", "liminal fit")
    (tmp_path / "checkpoint").mkdir()
    refused(lambda: Card.read(tmp_path), "unfinished", "--resume")
    a_card().commit(tmp_path)
    assert Card.read(tmp_path).seed == 7  # a finished space may train on: its card counts


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b'{"format": 1, "kind"', "not JSON"),
        (b"\xff\xfe\x00garbage", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "names no format"),
        (b"[1, 2]", "names no format"),
        (b'{"format": true}', "names no format"),
        (b'{"format": 0}', "names no format"),
        (b'{"format": 3}', "made by a newer Liminal (format 3; this one reads up to 2): upgrade liminal"),
        (b'{"format": 1}', "kind: wanted text, got nothing"),
    ],
)
def test_what_is_no_card_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "card.json").write_bytes(content)
    refused(lambda: Card.read(tmp_path), "card.json", says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": {"class": "vae"}}, "model.arguments: wanted an object"),
        ({"model": {"class": 3, "arguments": {}}}, "model.class: wanted text, got 3"),
        ({"modality": []}, "modality: wanted an object"),
        ({"prior": {"name": "normal", "dim": "4"}}, "prior.dim: wanted a whole number, got '4'"),
        ({"prior": {"name": "normal", "dim": True}}, "prior.dim"),
        ({"seed": 1.5}, "seed: wanted a whole number"),
        ({"notes": ["a", 1]}, "notes.1: wanted text"),
        ({"notes": "a"}, "notes: wanted a list"),
        ({"kind": "model"}, "'model'; wanted a space"),
        ({"parts": {"weights.safetensors": 3}}, "parts.weights.safetensors: wanted an object"),
        ({"parts": {"weights.safetensors": {"bytes": "3"}}}, "parts.weights.safetensors.bytes"),
        ({"parts": {"../weights.safetensors": {}}}, "outside the space"),
        ({"parts": {"/etc/passwd": {}}}, "outside the space"),
        ({"parts": {"weights.safetensors": {"file": "a/../../b.safetensors"}}}, "outside the space"),
    ],
)
def test_fields_of_the_wrong_type_are_refused_on_both_ways(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    (tmp_path / "card.json").write_text(json.dumps(asdict(a_card()) | change))
    refused(lambda: Card.read(tmp_path), says)
    (tmp_path / "card.json").unlink()
    refused(lambda: a_card(**change).commit(tmp_path), says)
    assert os.listdir(tmp_path) == []


def test_older_formats_are_migrated_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_card(notes=["old"]).commit(tmp_path)
    before = (tmp_path / "card.json").read_bytes()
    monkeypatch.setattr(cards, "FORMAT", 4)
    monkeypatch.setitem(cards.MIGRATIONS, 2, lambda card: card | {"seed": card["seed"] + 1})
    monkeypatch.setitem(cards.MIGRATIONS, 3, lambda card: card | {"seed": card["seed"] * 10})
    card = Card.read(tmp_path)
    assert (card.format, card.seed, card.notes) == (4, 80, ["old"])
    assert (tmp_path / "card.json").read_bytes() == before


def test_a_reader_sees_a_whole_card_while_others_commit(tmp_path: Path) -> None:
    a_card(seed=0, notes=["0" * 20_000]).commit(tmp_path)
    errors: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            for _ in range(20):
                a_card(seed=seed, notes=[str(seed) * 20_000]).commit(tmp_path)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers) or not seen:
        card = Card.read(tmp_path)
        assert card.notes == [str(card.seed) * 20_000]
        seen += 1
    for writer in writers:
        writer.join()
    assert not errors
    assert Card.read(tmp_path).seed in (1, 2)
    assert os.listdir(tmp_path) == ["card.json"]


# Weights


def some_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    conv = torch.randn(4, 3, 3, 3, generator=g).to(memory_format=torch.channels_last)
    tied = torch.randn(5, 5, generator=g)
    return {
        "conv": conv,
        "tied": tied,
        "again": tied,
        "turned": tied.T,
        "count": torch.tensor(3),
        "half": torch.randn(7, generator=g).half(),
        "none": torch.zeros(0, 2),
    }


def test_weights_come_back_bitwise_and_writable(tmp_path: Path) -> None:
    weights = some_weights() | {"parameter": torch.nn.Parameter(torch.ones(2))}
    entry = write_weights(tmp_path, "weights.safetensors", weights)
    assert entry["bytes"] == (tmp_path / "weights.safetensors").stat().st_size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = read_weights(tmp_path, "weights.safetensors", entry)
        back["conv"].mul_(1)
    assert back.keys() == weights.keys()
    for name, tensor in weights.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor)


def test_half_precision_is_upcast_where_asked(tmp_path: Path) -> None:
    weights = {
        "w": torch.randn(5, generator=torch.Generator().manual_seed(1)).half(),
        "n": torch.tensor([1, 2]),
    }
    entry = write_weights(tmp_path, "weights.safetensors", weights)
    back = read_weights(tmp_path, "weights.safetensors", entry, torch.float32)
    assert back["w"].dtype == torch.float32
    assert torch.equal(back["w"], weights["w"].float())
    assert back["n"].dtype == torch.int64


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 60, -100, -1])
def test_cut_weights_are_refused_with_and_without_the_card(tmp_path: Path, length: int) -> None:
    entry = write_weights(tmp_path, "weights.safetensors", some_weights())
    size = length if length >= 0 else entry["bytes"] + length
    os.truncate(tmp_path / "weights.safetensors", size)
    card = a_card(parts={"weights.safetensors": entry})
    says = (f"has {size} bytes", f"the card says {entry['bytes']}")
    refused(lambda: verify(tmp_path, card), "weights.safetensors", *says)
    refused(lambda: read_weights(tmp_path, "weights.safetensors", entry), "weights.safetensors", *says)
    refused(lambda: read_weights(tmp_path, "weights.safetensors"), "weights.safetensors", "cut or damaged")


def test_changed_and_missing_parts_are_found(tmp_path: Path) -> None:
    entry = write_weights(tmp_path, "weights.safetensors", some_weights())
    card = a_card(parts={"weights.safetensors": entry, "items.lance": {"version": 1}})
    refused(lambda: verify(tmp_path, card), "items.lance is missing")
    (tmp_path / "items.lance").mkdir()
    verify(tmp_path, card, hashes=True)
    data = bytearray((tmp_path / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "weights.safetensors").write_bytes(data)
    verify(tmp_path, card)
    refused(lambda: verify(tmp_path, card, hashes=True), "weights.safetensors", "hash differs")
    refused(lambda: read_weights(tmp_path, "weights.safetensors", entry), "hash differs")
    (tmp_path / "weights.safetensors").unlink()
    refused(lambda: verify(tmp_path, card), "weights.safetensors is missing")
    refused(lambda: read_weights(tmp_path, "weights.safetensors", entry), "weights.safetensors is missing")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["BOMB"],)


def test_pickled_weights_are_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    path = tmp_path / "weights.safetensors"
    for protocol in (2, 4, 5):
        path.write_bytes(pickle.dumps({"w": Bomb(), "filling": "x" * 100}, protocol))
        refused(lambda: read_weights(tmp_path, path.name), path.name, "can run code", "safetensors")
    torch.save({"w": torch.zeros(3)}, path)
    assert zipfile.is_zipfile(path)
    refused(lambda: read_weights(tmp_path, path.name), path.name, "can run code")
    path.write_bytes(b"\x93NUMPY" + bytes(200))
    refused(lambda: read_weights(tmp_path, path.name), path.name, "no safetensors file")
    path.write_bytes(pickle.dumps({"w": Bomb()}, 0))
    refused(lambda: read_weights(tmp_path, path.name), path.name)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("ending", [".pt", ".pkl", ".bin", ".ckpt"])
def test_a_pickled_file_in_the_place_of_weights_is_named(tmp_path: Path, ending: str) -> None:
    torch.save({}, tmp_path / f"model{ending}")
    refused(lambda: read_weights(tmp_path, "weights.safetensors"), f"model{ending}", "can run code")
    refused(lambda: read_weights(tmp_path, f"model{ending}"), f"model{ending}", ".safetensors files only")
    refused(lambda: write_weights(tmp_path, f"weights{ending}", {}), f"weights{ending}", ".safetensors")


def test_a_header_whose_length_looks_like_a_pickle_is_still_read(tmp_path: Path) -> None:
    # A pickle of protocol 2 begins with 80 02, which is also a header length of 0x280 = 640 bytes.
    from safetensors.torch import save

    for pad in range(600):
        data = save({"w": torch.ones(2)}, metadata={"pad": "x" * pad})
        if data[:2] == b"\x80\x02":
            break
    assert data[:2] == b"\x80\x02"
    (tmp_path / "weights.safetensors").write_bytes(data)
    assert torch.equal(read_weights(tmp_path, "weights.safetensors")["w"], torch.ones(2))


# Parts change only by a commit


def test_new_weights_leave_the_old_space_whole_until_the_commit(tmp_path: Path) -> None:
    name, old, new = "weights.safetensors", some_weights(0), some_weights(1)
    first = a_card(parts={name: write_weights(tmp_path, name, old)})
    first.commit(tmp_path)
    entry = write_weights(tmp_path, name, new)
    seen = Card.read(tmp_path)
    verify(tmp_path, seen, hashes=True)
    assert torch.equal(read_weights(tmp_path, name, seen.parts[name])["conv"], old["conv"])
    a_card(parts={name: entry}).commit(tmp_path)
    assert torch.equal(read_weights(tmp_path, name, Card.read(tmp_path).parts[name])["conv"], new["conv"])
    # Who read the card before the commit still finds its weights.
    assert torch.equal(read_weights(tmp_path, name, seen.parts[name])["conv"], old["conv"])


def test_weights_without_a_card_are_written_over_and_the_same_ones_are_not_written_again(
    tmp_path: Path,
) -> None:
    name = "weights.safetensors"
    write_weights(tmp_path, name, some_weights(0))
    entry = write_weights(tmp_path, name, some_weights(1))
    assert "file" not in entry
    a_card(parts={name: entry}).commit(tmp_path)
    stamp = (tmp_path / name).stat().st_mtime_ns
    assert write_weights(tmp_path, name, some_weights(1)) == entry
    assert (tmp_path / name).stat().st_mtime_ns == stamp
    assert sorted(os.listdir(tmp_path)) == ["card.json", name]


def test_files_that_no_card_names_are_swept_after_a_day(tmp_path: Path) -> None:
    name = "directions.safetensors"
    for seed in range(4):
        a_card(parts={name: write_weights(tmp_path, name, some_weights(seed)) | {"evidence": "[]"}}).commit(
            tmp_path
        )
    files = sorted(tmp_path.glob("directions*"))
    (tmp_path / "directions-mine.safetensors").write_bytes(b"not ours")
    assert len(files) == 3  # two with a hash, and the plain name, which was free for every other one
    for file in files:
        os.utime(file, (0, 0))
    a_card(parts={name: write_weights(tmp_path, name, some_weights(9)) | {"evidence": "[]"}}).commit(tmp_path)
    left = {p.name for p in tmp_path.glob("directions*")}
    now = Card.read(tmp_path).parts[name].get("file", name)
    assert now in left
    assert "directions-mine.safetensors" in left
    assert len(left) < len(files) + 2
    verify(tmp_path, Card.read(tmp_path), hashes=True)


def test_reading_a_card_loads_no_torch(tmp_path: Path) -> None:
    a_card().commit(tmp_path)
    code = (
        "import sys; from liminal.card import Card; Card.read(sys.argv[1]); print('torch' in sys.modules, "
        "'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def a_table(folder: Path, count: int = 40) -> dict[str, Any]:
    """A catalogue in `folder` that was added to once, and its entry for the card."""
    from liminal import rows
    from liminal.catalogue import Catalogue

    z = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)

    def batch(part: slice) -> Any:
        n = len(z[part])
        return rows.batch(z[part], ["train"] * n, [b"x" * 50] * n, ["a"] * n, None)

    table = Catalogue.create(folder, [batch(slice(0, 30))], 3, {})
    first = table_entry(folder, "items.lance", table.version)
    version = table.append([batch(slice(30, count))])
    entry = table_entry(folder, "items.lance", version, first)
    assert len([name for name in entry["files"] if name.startswith("data/")]) == 2
    assert entry == table_entry(folder, "items.lance", version), (
        "what is known of older files is what they are"
    )
    return entry


def test_any_flipped_bit_of_the_items_is_found_and_named(tmp_path: Path) -> None:
    parts = {
        "weights.safetensors": write_weights(tmp_path, "weights.safetensors", {"a": torch.ones(3)}),
        "items.lance": a_table(tmp_path),
    }
    card = a_card(parts=parts)
    verify(tmp_path, card, hashes=True)
    assert examine(tmp_path, card) == ({}, [])
    random = np.random.default_rng(1)
    for name, entry in parts["items.lance"]["files"].items():
        file = tmp_path / "items.lance" / name
        whole = file.read_bytes()
        for at in [0, len(whole) - 1, *random.integers(0, len(whole), 10).tolist()]:
            flipped = bytearray(whole)
            flipped[at] ^= 1 << int(random.integers(8))
            file.write_bytes(flipped)
            verify(tmp_path, card)  # quick, and of sizes alone
            refused(
                lambda: verify(tmp_path, card, hashes=True), "items.lance", Path(name).name, "1 of 3 files"
            )
            lost, unsure = examine(tmp_path, card)
            assert list(lost) == ["items.lance"]
            assert not unsure
        file.write_bytes(whole[:-1])
        refused(lambda: verify(tmp_path, card), "items.lance", f"{entry['bytes'] - 1} bytes", "1 of 3 files")
        file.unlink()
        refused(lambda: verify(tmp_path, card), "items.lance", "missing")
        file.write_bytes(whole)
    verify(tmp_path, card, hashes=True)


def test_files_of_an_uncommitted_write_are_no_part_of_the_items(tmp_path: Path) -> None:
    entry = a_table(tmp_path)
    card = a_card(parts={"items.lance": entry})
    (tmp_path / "items.lance" / "data" / "somebody-elses.lance").write_bytes(b"unfinished")
    verify(tmp_path, card, hashes=True)
    with pytest.raises(LiminalError, match="version 9"):
        table_entry(tmp_path, "items.lance", 9)


def test_what_has_no_checksum_is_said(tmp_path: Path) -> None:
    entry = a_table(tmp_path)
    del entry["files"]
    assert examine(tmp_path, a_card(parts={"items.lance": entry})) == ({}, ["items.lance"])
