"""Datasets from files: folders, idx, arrays, Parquet, attributes joined to them, MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import os
import pickle
import struct
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from liminal.datasets import Dataset
from liminal.datasets import mnist as published
from liminal.datasets.attributes import as_attributes, join_attributes
from liminal.datasets.folder import sort_by_folder
from liminal.datasets.idx import read_idx
from liminal.datasets.paths import read
from liminal.errors import LiminalError, NumericalError
from liminal.files import cache_folder
from liminal.modalities.image import Image

HUGGING = pa.struct({"bytes": pa.binary(), "path": pa.string()})
DATA = Path(os.environ.get("LIMINAL_DATA", "/nonexistent"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "cache"))


def picture(level: int, h: int = 16, w: int = 16, c: int = 3) -> np.ndarray:
    """Of one level, but for a white pixel, so that no set of them is dark altogether."""
    a = np.full((h, w, c), level, np.uint8)
    a[-1, -1] = 255
    return a


def save(path: Path, a: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(a[..., 0] if a.shape[-1] == 1 else a).save(path)
    return path


def encoded(a: np.ndarray) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(a).save(out, "PNG")
    return out.getvalue()


def levels(dataset: Dataset) -> list[int]:
    return [int(i.flat[0]) for i in dataset.items]


def refused(*words: str, path: Path, **options: object) -> str:
    with pytest.raises(LiminalError) as told:
        read(path, Image, **options)  # type: ignore[arg-type]
    text = str(told.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text
    return text


# --- folders


def test_folder_order_hidden_files_links_and_progress(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name, level in (
        ("b.png", 2),
        ("a.PNG", 1),
        ("sub/c.png", 3),
        (".hidden.png", 9),
        (".git/d.png", 9),
        ("sub/deep/e.bmp", 4),
    ):
        save(data / name, picture(level))
    (data / "readme.txt").write_text("hello")
    (data / "sub" / "loop").symlink_to(data)
    (data / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (data / "linked.png").symlink_to(data / "b.png")
    seen: list[tuple[int, int]] = []
    d = read(data, Image, progress=lambda done, total: seen.append((done, total)))
    assert list(d.sources) == ["a.PNG", "b.png", "linked.png", "sub/c.png", "sub/deep/e.bmp"]
    assert levels(d) == [1, 2, 2, 3, 4]
    assert d.modality == Image(16, 16, 3)
    assert d.attributes.num_columns == 0
    assert d.held_out is None
    assert [s[0] for s in d.skipped] == ["gone.png"]
    assert seen[-1] == (5, 5)
    assert d.name == "data"
    assert json.dumps(d.provenance)


def test_folder_is_cached_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    for i in range(40):
        save(data / f"{i:02}.png", picture(i))
    first = read(data, Image)
    assert isinstance(first.items, np.memmap)
    assert not first.items.flags.writeable
    reads: list[str] = []
    records = Image.records
    monkeypatch.setattr(
        Image, "records", lambda self, source, name: reads.append(name) or records(self, source, name)
    )
    again = read(data, Image)
    assert reads == []
    assert again.modality == first.modality
    assert again.notes == first.notes
    np.testing.assert_array_equal(again.items, first.items)
    other = read(data, Image, size=8)
    assert other.items.shape == (40, 8, 8, 3)
    assert len(reads) == 40
    os.utime(data / "00.png", ns=(1, 1))
    save(data / "01.png", picture(200))
    changed = read(data, Image)
    assert len(reads) == 80
    assert levels(changed)[:3] == [0, 200, 2]
    assert first.items[1, 0, 0, 0] == 1  # who holds the old set keeps it
    assert len(list(cache_folder("items").iterdir())) == 2  # the old copy is gone, the other size stays


def test_damaged_cache_is_read_anew(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for i in range(3):
        save(data / f"{i}.png", picture(i))
    read(data, Image)
    (folder,) = cache_folder("items").iterdir()
    for file, body in (
        ("set.json", b"{"),
        ("items.npy", b"cut"),
        ("items.npy", (folder / "items.npy").read_bytes()[:300]),
    ):
        (folder / file).write_bytes(body)
        assert levels(read(data, Image)) == [0, 1, 2]


def test_class_folders_and_splits(tmp_path: Path) -> None:
    for i, name in enumerate(("cat/1.png", "cat/x/2.png", "dog/1.png")):
        save(tmp_path / "classes" / name, picture(i))
    d = read(tmp_path / "classes", Image)
    assert d.attributes.to_pydict() == {"label": ["cat", "cat", "dog"]}
    assert d.attributes["label"].type == pa.string()
    assert d.held_out is None
    save(tmp_path / "classes" / "stray.png", picture(9))
    d = read(tmp_path / "classes", Image)
    assert d.attributes["label"].to_pylist() == ["cat", "cat", "dog", None]
    assert any("1 of 4" in n and "stray.png" in n for n in d.notes)

    for i, name in enumerate(("Test/dog/9.png", "train/cat/1.png", "train/dog/2.png", "val/cat/3.png")):
        save(tmp_path / "split" / name, picture(i))
    d = read(tmp_path / "split", Image)
    assert d.held_out is not None
    assert d.held_out.tolist() == [True, False, False, True]
    assert d.attributes["label"].to_pylist() == ["dog", "cat", "dog", "cat"]
    assert any("held out" in n for n in d.notes)

    for i, name in enumerate(("train/1.png", "test/2.png")):
        save(tmp_path / "plain" / name, picture(i))
    d = read(tmp_path / "plain", Image)
    assert d.held_out is not None
    assert d.held_out.tolist() == [True, False]
    assert d.attributes.num_columns == 0

    save(tmp_path / "one" / "images" / "1.png", picture(0))
    assert read(tmp_path / "one", Image).attributes.num_columns == 0


def test_broken_files_among_good_ones_are_listed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for i in range(50):
        save(data / f"{i:02}.png", picture(i))
    (data / "07.png").write_text("hello")
    whole = encoded(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    (data / "20.png").write_bytes(whole[: len(whole) // 2])
    (data / "21.png").write_bytes(b"")
    (data / "cat.csv").write_text("file,age\n06.png,1\n08.png,22\n49.png,3\n")
    for _ in range(2):  # read, then from the cache
        d = read(data, Image, attributes=data / "cat.csv")
        assert len(d) == 47
        assert [s[0] for s in d.skipped] == ["07.png", "20.png", "21.png"]
        assert "not a picture" in d.skipped[0][1]
        assert "cut" in d.skipped[1][1]
        assert "empty" in d.skipped[2][1]
        assert [d.sources[i] for i in (6, 7, 46)] == ["06.png", "08.png", "49.png"]
        assert levels(d)[6:8] == [6, 8]
        assert d.attributes["age"].to_pylist()[6:8] == [1.0, 22.0]


def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused("empty", "is empty", path=tmp_path / "empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("hello")
    refused("holds no pictures", ".png", path=tmp_path / "text")
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "a.png").write_text("hello")
    refused("a.png", "not a picture", path=tmp_path / "junk")
    (tmp_path / "junk" / "b.png").write_text("hello")
    refused("none of 2 pictures", "a.png", path=tmp_path / "junk")
    cut = encoded(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))[
        :400
    ]  # its header is whole
    for name in ("a.png", "b.png"):
        (tmp_path / "junk" / name).write_bytes(cut)
    refused("none of 2 pictures", "a.png", "cut", path=tmp_path / "junk")
    refused("no such file or folder", path=tmp_path / "nowhere")
    refused("wanted a folder", path=tmp_path / "text" / "a.txt")
    refused("no such file", path=tmp_path / "text", attributes=tmp_path / "no.csv")
    refused("8 to 256", path=tmp_path / "junk", size=3)
    assert list(cache_folder("items").iterdir()) == []


def test_notes_say_what_was_done(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for i in range(6):
        save(data / f"{i}.png", picture(i, 30, 20 if i < 4 else 30))
    save(data / "grey.png", picture(5, 30, 30, 1))
    PIL.Image.fromarray(np.full((30, 30), 40000, np.uint16)).save(data / "deep.png")
    d = read(data, Image)
    assert d.modality == Image(30, 30, 3)
    assert set(d.notes) == {
        "4 of 8 pictures were padded to 30 x 30",
        "2 of 8 pictures were turned from grey to RGB",
        "1 of 8 pictures were scaled from 16 to 8 bits",
    }
    assert any("cropped to 24 x 24" in n for n in read(data, Image, size=24, fit="crop").notes)


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    for i in range(3):
        save(data / f"{i}.png", picture(i))

    class Full(io.FileIO):
        def write(self, body: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("liminal.datasets.cache.open", lambda path, mode: Full(path, mode), raising=False)
    refused("could not write", "No space left", path=data)
    assert list(cache_folder("items").iterdir()) == []


def test_unusable_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "data" / "a.png", picture(1))
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "file"))
    refused("cache folder", "LIMINAL_CACHE", path=tmp_path / "data")


def test_single_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", picture(7, 100, 50))
    d = read(str(path), Image)
    assert len(d) == 1
    assert d.sources == ["a.png"]
    assert d.notes == ("a.png was padded to 64 x 64",)


# --- idx


def idx(a: np.ndarray) -> bytes:
    kinds = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    big = a.astype(a.dtype.newbyteorder(">"))
    return (
        bytes([0, 0, kinds[a.dtype.str[1:]], a.ndim]) + struct.pack(f">{a.ndim}I", *a.shape) + big.tobytes()
    )


@settings(deadline=None, max_examples=40)
@given(
    a=st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]).flatmap(
        lambda kind: arrays(
            np.dtype(kind),
            array_shapes(max_dims=4, max_side=5),
            elements={"allow_nan": False} if kind[0] == "f" else None,
        )
    ),
    zipped=st.booleans(),
)
def test_idx_gives_every_type_back(
    a: np.ndarray, zipped: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("idx") / "a.idx"
    path.write_bytes(gzip.compress(idx(a)) if zipped else idx(a))
    got = read_idx(path)
    assert got.dtype == a.dtype
    np.testing.assert_array_equal(got, a)


def test_bad_idx(tmp_path: Path) -> None:
    body = idx(np.arange(240, dtype=np.uint8).reshape(3, 10, 8))
    for bad, words in (
        (b"\x89PNG" + body, "not an idx file"),
        (b"", "not an idx file"),
        (body[:9], "within its header"),
        (body[:-5], "should hold 240 bytes of 3 x 10 x 8"),
        (body + b"x", "should hold 240 bytes"),
        (gzip.compress(body)[:-20], "gzip"),
        (b"\x1f\x8b" + body, "gzip"),
    ):
        (tmp_path / "a.idx").write_bytes(bad)
        with pytest.raises(LiminalError, match=words) as told:
            read_idx(tmp_path / "a.idx")
        assert "a.idx" in str(told.value)
    with pytest.raises(LiminalError, match="cannot be read"):
        read_idx(tmp_path / "no.idx")


def mnist_files(folder: Path, zipped: bool = True, train: int = 6, test: int = 4) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, n, start in (("train", train, 0), ("t10k", test, 100)):
        images = np.arange(start, start + n, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
        for kind, a in (("images-idx3", images), ("labels-idx1", np.arange(n, dtype=np.uint8) % 10)):
            name = f"{part}-{kind}-ubyte" + (".gz" if zipped else "")
            (folder / name).write_bytes(gzip.compress(idx(a), mtime=0) if zipped else idx(a))
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_idx_folder_and_single_file(tmp_path: Path, zipped: bool) -> None:
    folder = mnist_files(tmp_path / "set", zipped)
    d = read(folder, Image)
    assert d.modality == Image(28, 28, 1)
    assert levels(d) == [*range(6), *range(100, 104)]
    assert d.held_out is not None
    assert d.held_out.tolist() == [False] * 6 + [True] * 4
    assert d.attributes["label"].to_pylist() == list("0123450123")
    assert d.sources[6] == "t10k-images-idx3-ubyte#0"
    alone = read(next(folder.glob("t10k-images*")), Image)
    assert levels(alone) == [100, 101, 102, 103]
    assert alone.held_out is None
    assert alone.attributes["label"].to_pylist() == list("0123")
    bigger = read(folder, Image, size=32, channels=3)
    assert bigger.items.shape == (10, 32, 32, 3)
    assert levels(bigger) == levels(d)
    next(folder.glob("train-labels*")).unlink()
    assert read(folder, Image).attributes["label"].to_pylist() == [None] * 6 + list("0123")
    name = next(folder.glob("t10k-labels*"))
    name.write_bytes(idx(np.zeros(3, np.uint8)))
    refused("wanted 4 whole numbers", path=folder)


# --- arrays


@pytest.mark.parametrize(
    "shape", [(5, 9, 10), (5, 9, 10, 1), (5, 9, 10, 3), (5, 9, 10, 4), (5, 3, 9, 10), (5, 1, 9, 10)]
)
def test_npy_layouts(tmp_path: Path, shape: tuple[int, ...]) -> None:
    a = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "a.npy", a)
    d = read(tmp_path / "a.npy", Image)
    wanted = a[..., None] if a.ndim == 3 else a.transpose(0, 2, 3, 1) if shape[3] == 10 else a
    np.testing.assert_array_equal(d.items, wanted)
    assert isinstance(d.items, np.memmap)  # used where it is
    assert not (tmp_path / "cache").exists()
    assert d.sources[4] == "a.npy#4"
    assert len(read(tmp_path / "a.npy", Image, size=16)) == 5


@pytest.mark.parametrize(
    ("kind", "scale", "words"),
    [
        (np.uint16, 257, "16-bit pictures were scaled"),
        (np.uint16, 1, None),
        (np.int64, 1, None),
        (np.float32, 1 / 255, "0 to 1"),
        (np.float64, 1, "0 to 255"),
        (np.float16, 1, "0 to 255"),
    ],
)
def test_npy_ranges(tmp_path: Path, kind: type, scale: float, words: str | None) -> None:
    a = np.arange(256).reshape(4, 8, 8)
    np.save(tmp_path / "a.npy", (a * scale).astype(kind))
    d = read(tmp_path / "a.npy", Image)
    np.testing.assert_array_equal(d.items[..., 0], a)
    assert any(words in n for n in d.notes) if words else d.notes == ()


def test_npy_of_yes_and_no_and_one_picture(tmp_path: Path) -> None:
    np.save(tmp_path / "b.npy", np.eye(8, dtype=bool)[None])
    assert set(read(tmp_path / "b.npy", Image).items.flat) == {0, 255}
    np.save(tmp_path / "one.npy", picture(9, 20, 30))
    assert read(tmp_path / "one.npy", Image).items.shape == (1, 20, 30, 3)


def test_bad_arrays(tmp_path: Path) -> None:
    a = np.zeros((6, 8, 8), np.float32)
    a[4, 2, 2] = np.nan
    np.save(tmp_path / "a.npy", a)
    refused("a.npy", "row 4", "NaN", path=tmp_path / "a.npy")
    a[4, 2, 2] = -np.inf
    np.save(tmp_path / "a.npy", a)
    refused("row 4", "infinity", path=tmp_path / "a.npy")
    a[4, 2, 2] = -1
    np.save(tmp_path / "a.npy", a)
    refused("from -1 to 0", "wanted 0 to 1", path=tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.linspace(-1, 1, 128).reshape(2, 8, 8))
    refused("from -1 to 1", "--range=-1:1", path=tmp_path / "a.npy")
    for bad in (
        np.zeros((5, 64), np.uint8),
        np.zeros((0, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 2), np.uint8),
        np.full((2, 8, 8), "x"),
    ):
        np.save(tmp_path / "a.npy", bad)
        refused("a.npy", "wanted", path=tmp_path / "a.npy") if bad.size else refused(
            "holds no pictures", path=tmp_path / "a.npy"
        )
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    refused("pickled", path=tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(pickle.dumps(print))
    refused("pickled", path=tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros((5, 8, 8), np.uint8))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:200])
    refused("cut", path=tmp_path / "a.npy")
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04junk")
    refused("cut", path=tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", z=np.zeros(3))
    refused("no array of pictures among z", path=tmp_path / "a.npz")


def test_npz(tmp_path: Path) -> None:
    x = np.array([0, 1, 2, 90], np.uint8)[:, None, None].repeat(8, 1).repeat(9, 2)
    np.savez_compressed(
        tmp_path / "a.npz",
        images=x,
        labels=np.array([3, 1, 2, 1]),
        age=np.array([1.5, 2, 3, 4]),
        z=np.zeros((4, 77)),
    )
    d = read(tmp_path / "a.npz", Image)
    assert levels(d) == [0, 1, 2, 90]
    assert d.attributes.to_pydict() == {"label": ["3", "1", "2", "1"], "age": [1.5, 2.0, 3.0, 4.0]}
    assert d.notes[0] == "left out of a.npz: z (not one value for each picture)"
    for keys in (
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ):
        np.savez(
            tmp_path / "s.npz",
            **dict(zip(keys, (x, np.arange(4)[:, None], x[:2] + 50, np.array([7, 8])), strict=True)),
        )
        d = read(tmp_path / "s.npz", Image)
        assert levels(d) == [0, 1, 2, 90, 50, 51]
        assert d.attributes["label"].to_pylist() == list("012378")
        assert d.held_out is not None
        assert d.held_out.tolist() == [False] * 4 + [True] * 2
    np.savez(tmp_path / "only.npz", whatever=x)
    assert levels(read(tmp_path / "only.npz", Image)) == [0, 1, 2, 90]
    np.savez(
        tmp_path / "days.npz", images=x, day=np.array(["1970-01-03", "NaT", "1970-01-02", "NaT"], "M8[D]")
    )
    assert read(tmp_path / "days.npz", Image).attributes.to_pydict() == {"day": [2.0, None, 1.0, None]}


def test_npz_of_factors_and_of_what_is_never_opened(tmp_path: Path) -> None:
    """As dSprites is published: pictures of 0 and 1, (n, k) arrays of factors, and a pickled member."""
    x = np.indices((5, 8, 8)).sum(0).astype(np.uint8) % 2
    values = np.arange(10.0).reshape(5, 2) + 0.5
    np.savez(
        tmp_path / "d.npz",
        metadata=np.array([{"a": 1}], dtype=object),
        imgs=x,
        latents_values=values,
        latents_classes=np.arange(10).reshape(5, 2),
    )
    with zipfile.ZipFile(tmp_path / "d.npz", "a") as archive:
        archive.writestr("readme.txt", "about it")
    d = read(tmp_path / "d.npz", Image)
    np.testing.assert_array_equal(d.items[..., 0], x * 255)
    assert d.attributes.column_names == [
        "latents_values_0",
        "latents_values_1",
        "latents_classes_0",
        "latents_classes_1",
    ]
    assert d.attributes["latents_values_1"].to_pylist() == values[:, 1].tolist()
    told = " / ".join(d.notes)
    assert "metadata (pickled" in told
    assert "readme.txt" in told
    assert "0 to 1" in told
    names = np.array([b"shape", b"size"])
    np.savez(tmp_path / "n.npz", imgs=x, latents_values=values, latents_names=names)
    named = read(tmp_path / "n.npz", Image)
    assert named.attributes["size"].to_pylist() == values[:, 1].tolist()
    np.savez(tmp_path / "p.npz", images=np.array([{}, {}], dtype=object), y=np.zeros(2))
    refused("p.npz", "images", "pickled", path=tmp_path / "p.npz")


def npy(shape: tuple[int, ...], dtype: str = "|u1", body: bytes = b"") -> bytes:
    """An array's file with any shape in its header."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue() + body


@pytest.mark.parametrize(
    "shape", [(-5, 8, 8), (5, -8, -8), (2**62, 8, 8), (2**70, 8, 8), (10**6, 10**6, 10**6), (5, 8, 9)]
)
def test_array_headers_that_promise_what_is_not_there(tmp_path: Path, shape: tuple[int, ...]) -> None:
    (tmp_path / "a.npy").write_bytes(npy(shape, body=bytes(5 * 8 * 8)))
    refused("a.npy", "cut or no array", path=tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", npy(shape, body=bytes(5 * 8 * 8)))
    refused("a.npz", "images is left out", path=tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:  # what is not needed does no harm
        archive.writestr("x.npy", npy((5, 8, 8), body=bytes(range(64)) * 5))
    assert len(read(tmp_path / "a.npz", Image)) == 5


def test_headers_of_arrays_full_of_errors(tmp_path: Path) -> None:
    whole = npy((5, 8, 8), body=bytes(range(64)) * 5)
    rng = np.random.default_rng(0)
    for _ in range(300):
        body = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            body[rng.integers(0, 128)] = rng.integers(0, 256)
        (tmp_path / "a.npy").write_bytes(bytes(body))
        told = "a.npy"
        try:
            assert len(read(tmp_path / "a.npy", Image)) > 0
        except LiminalError as error:
            told = str(error)
        assert "a.npy" in told
        assert "\n" not in told


def test_a_small_file_that_unpacks_to_a_large_one_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liminal.datasets.arrays.UNPACKED", 2**20)
    x = np.zeros((3000, 28, 28), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", images=x)
    refused("a.npz", "would unpack to 2,35", path=tmp_path / "a.npz")
    (tmp_path / "a-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x)))
    refused("would unpack to 2,352,000", path=tmp_path / "a-images-idx3-ubyte.gz")
    (tmp_path / "b.idx.gz").write_bytes(gzip.compress(idx(x[:3])[:-5] + bytes(3_000_000)))
    refused("2,352 bytes", "got more", path=tmp_path / "b.idx.gz")
    noise = np.random.default_rng(0).integers(0, 256, x.shape, dtype=np.uint8)
    np.savez_compressed(tmp_path / "n.npz", images=noise)
    assert len(read(tmp_path / "n.npz", Image)) == 3000  # large, but so is its file
    (tmp_path / "c.idx").write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**31, 2**31))
    refused("c.idx", "got 0", path=tmp_path / "c.idx")
    (tmp_path / "d.idx").write_bytes(bytes([0, 0, 8, 200]) + struct.pack(">200I", *[1] * 200) + b"x")
    refused("d.idx", "not an idx file", path=tmp_path / "d.idx")


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (np.linspace(0, 4095, 256).round().astype(np.uint16), 4095),
        (np.linspace(0, 3900, 256).round().astype(np.uint16), 4095),
        (np.linspace(0, 300, 256).round().astype(np.int32), 300),
        (np.linspace(0, 70000, 256).round().astype(np.int64), 70000),
        (np.linspace(0, 17, 256).round().astype(np.uint8), 17),
        (np.linspace(0, 65535, 256).round().astype(np.uint16), 65535),
        (np.append(np.linspace(0, 1, 255), 1.01), 1),
        (np.append(np.linspace(0, 1, 255), 7.5), 1),
        (np.append(np.linspace(-1e-4, 1, 255), 0), 1),
        (np.linspace(0, 251.5, 256), 255),
        (np.linspace(0, 40, 256), 40),
    ],
)
def test_one_scale_for_an_array(tmp_path: Path, values: np.ndarray, white: float) -> None:
    np.save(tmp_path / "a.npy", values.reshape(4, 8, 8))
    d = read(tmp_path / "a.npy", Image)
    wanted = np.clip(values.astype(float) / white * 255, 0, 255)
    assert np.abs(d.items.ravel().astype(float) - wanted).max() <= 0.5 + 1e-9
    assert d.modality == Image(8, 8, 1, levels=(0, white))
    assert any(f"0 to {white:,} taken as black to white" in n and "--range" in n for n in d.notes)


def test_what_is_read_later_has_the_scale_of_the_set(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.linspace(0, 4095, 128).round().astype(np.uint16).reshape(2, 8, 8))
    space = read(tmp_path / "a.npy", Image).modality
    np.save(tmp_path / "dark.npy", np.full((2, 8, 8), 819, np.uint16))
    assert levels(read(tmp_path / "dark.npy", Image, **space.config())) == [51, 51]
    PIL.Image.fromarray(np.full((8, 8), 819, np.uint16)).save(tmp_path / "dark.tif")
    assert levels(read(tmp_path / "dark.tif", Image, **space.config())) == [51]
    np.save(tmp_path / "b.npy", np.arange(256, dtype=np.uint8).reshape(4, 8, 8))
    assert levels(read(tmp_path / "b.npy", Image, **Image(8, 8, 1).config())) == [0, 64, 128, 192]
    binary = Image(
        8, 8, 1, levels=(0, 1)
    )  # an array as the space itself draws it, and one as it was learned from
    assert levels(read(tmp_path / "b.npy", Image, **binary.config())) == [0, 64, 128, 192]
    np.save(tmp_path / "c.npy", np.ones((1, 8, 8), np.uint8))
    assert levels(read(tmp_path / "c.npy", Image, **binary.config())) == [255]
    assert levels(read(tmp_path / "c.npy", Image, **Image(8, 8, 1).config())) == [1]


def test_the_range_of_an_array_can_be_given(tmp_path: Path) -> None:
    a = np.linspace(-1, 1, 128).reshape(2, 8, 8)
    np.save(tmp_path / "a.npy", a)
    for asked in ("-1:1", (-1, 1)):
        d = read(tmp_path / "a.npy", Image, range=asked)
        np.testing.assert_array_equal(d.items[..., 0], np.rint((a + 1) * 127.5))
        assert d.modality.config()["levels"] == [-1, 1]
    d = read(tmp_path / "a.npy", Image, range="0:0.5")
    assert int(d.items.max()) == 255
    assert any("2 of 2 pictures were clipped" in n for n in d.notes)
    for bad in ("5", "a:b", "1:0", "0:0", "0:inf", "nan:1", "0:1:2", "", (1,), 7):
        refused("range", "wanted", path=tmp_path / "a.npy", range=bad)


# --- scales of files


def tiffs(folder: Path, pictures: list[np.ndarray]) -> Path:
    folder.mkdir()
    for i, a in enumerate(pictures):
        PIL.Image.fromarray(a).save(folder / f"{i:03}.tif")
    return folder


def ramp(low: float, high: float, kind: str) -> np.ndarray:
    a = np.linspace(low, high, 256).reshape(16, 16)
    return (a if kind[0] == "f" else a.round()).astype(kind)


@pytest.mark.parametrize(
    ("pictures", "white"),
    [
        ([ramp(0, 4095, "u2"), ramp(0, 500, "u2"), ramp(100, 2000, "u2")], 4095),
        ([ramp(0, 300, "i4"), ramp(0, 3, "i4")], 300),
        ([ramp(0, 65535, "u2"), ramp(0, 900, "u2")], 65535),
        ([ramp(0, 1.0, "f4"), ramp(0, 1.02, "f4"), ramp(0, 0.2, "f4")], 1),
        ([ramp(-1e-4, 1, "f4"), ramp(0, 0.9, "f4")], 1),
        ([ramp(0, 250, "f4"), ramp(0, 0.8, "f4")], 255),
    ],
)
def test_one_scale_for_a_folder(tmp_path: Path, pictures: list[np.ndarray], white: float) -> None:
    d = read(tiffs(tmp_path / "set", pictures), Image)
    wanted = np.clip(np.stack(pictures).astype(float) / white * 255, 0, 255)
    assert np.abs(d.items[..., 0] - wanted).max() <= 0.5 + 1e-4
    assert d.modality.config()["levels"] == [0, white]
    assert any(f"0 to {white:,} taken as black to white" in n and "--range" in n for n in d.notes)
    again = read(tmp_path / "set", Image)  # from the cache
    assert again.modality == d.modality
    with pytest.raises(LiminalError, match="range"):
        read(tmp_path / "set", Image, range="low:high")
    half = read(tmp_path / "set", Image, range=f"0:{white / 2}")
    assert np.abs(half.items[..., 0] - np.clip(2 * wanted, 0, 255)).max() <= 1
    assert any("were clipped" in n for n in half.notes)


def test_files_of_eight_bits_keep_their_numbers(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for i in range(5):
        save(data / f"{i}.png", picture(i, c=1))
    d = read(data, Image)
    assert levels(d) == [0, 1, 2, 3, 4]
    assert d.modality.config() == {"height": 16, "width": 16, "channels": 1, "fit": "pad"}
    assert d.notes == ()
    refused("8 bits", "leave it out", path=data, range="0:4")
    PIL.Image.fromarray(ramp(0, 4095, "u2")).save(data / "deep.tif")
    mixed = read(data, Image)
    assert levels(mixed)[:5] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(mixed.items[5, ..., 0], np.rint(ramp(0, 4095, "u2") / 4095 * 255))


@pytest.mark.parametrize(("high", "ending"), [(1, "png"), (1, "bmp"), (20, "png"), (31, "tif")])
def test_files_of_eight_bits_that_are_all_dark_have_a_scale(tmp_path: Path, high: int, ending: str) -> None:
    """Masks of 0 and 1, or of the numbers of classes, are no shades of 255."""
    masks = np.random.default_rng(0).integers(0, high + 1, (6, 16, 16)).astype(np.uint8)
    masks[0, 0, 0] = high
    masks[3] = 0
    data = tmp_path / "masks"
    data.mkdir()
    for i, mask in enumerate(masks):
        PIL.Image.fromarray(mask).save(data / f"{i}.{ending}")
    d = read(data, Image)
    np.testing.assert_array_equal(d.items[..., 0], np.rint(masks / high * 255))
    assert any(f"0 to {high} taken as black to white" in note for note in d.notes)
    plain = read(data, Image, range="0:255")
    np.testing.assert_array_equal(plain.items[..., 0], masks)
    refused("below 32", "0:255", path=data, range="0:100")
    m = Image(**d.modality.config())  # a space reads more of them so, and its own pictures as they are
    np.testing.assert_array_equal(m.read(data / f"0.{ending}"), d.items[0])
    m.write(d.items[0], tmp_path / "own.png")
    np.testing.assert_array_equal(m.read(tmp_path / "own.png"), d.items[0])


def test_dark_pictures_keep_their_numbers_where_one_is_bright_or_clear(tmp_path: Path) -> None:
    dark = np.full((16, 16), 3, np.uint8)
    dark[4:8] = 9
    bright = dark.copy()
    bright[0, 0] = 200
    for name, other in (("bright", bright), ("clear", np.dstack([dark, dark, dark, dark]))):
        data = tmp_path / name
        data.mkdir()
        for i in range(5):
            PIL.Image.fromarray(dark).save(data / f"{i}.png")
        PIL.Image.fromarray(other).save(data / "9.png")
        d = read(data, Image)
        assert levels(d)[:5] == [3] * 5
        assert "levels" not in d.modality.config()


def test_two_pictures_in_colour_among_two_hundred(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for i in range(200):
        save(data / f"{i:03}.png", picture(i, 8, 8, 3 if i in (101, 198) else 1))
    d = read(data, Image)
    assert d.modality == Image(8, 8, 3)
    save(data / "077.png", np.full((8, 8, 4), 9, np.uint8))
    assert read(data, Image).modality == Image(8, 8, 4)


def test_folders_in_a_folder(tmp_path: Path) -> None:
    def known(*names: str) -> tuple[list[bool] | None, list[str | None] | None, str]:
        held_out, labels, notes = sort_by_folder(names)
        return None if held_out is None else held_out.tolist(), labels, " / ".join(notes)

    assert known("a/cat/1", "a/cat/2", "a/dog/1")[:2] == (None, ["cat", "cat", "dog"])
    assert known("x/y/cat/1", "x/y/dog/1", "preview")[1] == ["cat", "dog", None]
    assert known("d/train/1", "d/train/2", "d/test/1")[:2] == ([False, False, True], None)
    held, labels, notes = known("d/train/a/1", "d/train/b/2", "d/test/a/3", "preview.png")
    assert (held, labels) == ([False, False, True, False], ["a", "b", "a", None])
    assert "preview.png" in notes
    assert known("training_set/a/1", "training_set/b/1", "test_set/a/1")[0] == [False, False, True]
    held, labels, _ = known("bottle/train/1", "bottle/test/2", "cup/train/3", "cup/test/4")
    assert (held, labels) == ([False, True, False, True], ["bottle", "bottle", "cup", "cup"])
    held, _, notes = known("test/1", "other/2", "third/2")
    assert held is None
    assert "test is not held out" in notes
    held, _, notes = known("1", "2", "test/3", "test/4", "test/5")
    assert held is None
    assert "test is not held out" in notes
    assert known("steam train/1", "test tube/2", "car/3")[:2] == (None, ["steam train", "test tube", "car"])
    _, labels, notes = known("1", "2", "3", "a/1", "b/1")
    assert labels is None
    assert "3 of 5" in notes
    assert known("cat/1", "cat/2") == (None, None, "")


# --- Parquet


def test_parquet_of_bytes_and_of_hugging_face(tmp_path: Path) -> None:
    data = [encoded(picture(i)) for i in range(100)]
    pq.write_table(
        pa.table({"id": range(100), "photo": data, "tag": ["x", None] * 50, "ok": [True, False] * 50}),
        tmp_path / "a.parquet",
        row_group_size=30,
    )
    d = read(tmp_path / "a.parquet", Image)
    assert levels(d) == list(range(100))
    assert d.sources[99] == "a.parquet#99"
    assert {f.name: f.type for f in d.attributes.schema} == {
        "tag": pa.string(),
        "ok": pa.bool_(),
    }

    features = {
        "info": {
            "features": {
                "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
                "image": {"_type": "Image"},
            }
        }
    }
    data[3] = None
    data[5] = b"junk"
    table = pa.table(
        {"image": [{"bytes": b, "path": f"{i}.png"} for i, b in enumerate(data)], "label": [0, 1] * 50}
    )
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps(features)}), tmp_path / "h.parquet"
    )
    for _ in range(2):
        d = read(tmp_path / "h.parquet", Image)
        assert len(d) == 98
        assert [s[0] for s in d.skipped] == ["h.parquet#3", "h.parquet#5"]
        assert d.sources[3:5] == ["h.parquet#4", "h.parquet#6"]
        assert levels(d)[3:5] == [4, 6]
        assert d.attributes["label"].to_pylist()[:5] == ["cat", "dog", "cat", "cat", "cat"]


def test_parquet_shards(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    for name, rows in (
        ("test-00000-of-00001", [9]),
        ("train-00000-of-00002", [0, 1]),
        ("train-00001-of-00002", [2]),
    ):
        pq.write_table(
            pa.table({"image": [{"bytes": encoded(picture(r)), "path": None} for r in rows], "label": rows}),
            folder / f"{name}.parquet",
        )
    d = read(tmp_path / "set", Image)
    assert levels(d) == [9, 0, 1, 2]
    assert d.held_out is not None
    assert d.held_out.tolist() == [True, False, False, False]
    assert d.attributes["label"].to_pylist() == ["9", "0", "1", "2"]


def test_parquet_with_paths_instead_of_bytes(tmp_path: Path) -> None:
    for i in range(3):
        save(tmp_path / "set" / "img" / f"{i}.png", picture(10 * i))
    save(tmp_path / "secret.png", picture(99))
    paths = ["img/0.png", "img/1.png", "img/2.png", "../secret.png", str(tmp_path / "secret.png"), "gone.png"]
    table = pa.table({"image": pa.array([{"bytes": None, "path": p} for p in paths], HUGGING)})
    pq.write_table(table, tmp_path / "set" / "a.parquet")
    d = read(tmp_path / "set" / "a.parquet", Image)
    assert levels(d) == [0, 10, 20]
    assert [name for name, _ in d.skipped] == ["a.parquet#3", "a.parquet#4", "a.parquet#5"]
    assert "gone.png" in d.skipped[2][1]
    pq.write_table(table.slice(3), tmp_path / "set" / "b.parquet")
    refused("none of 3 rows", "b.parquet#0", "secret.png", "no bytes", path=tmp_path / "set" / "b.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "set" / "c.parquet")
    refused("none of 0", path=tmp_path / "set" / "c.parquet")


def test_parquet_of_lists_and_of_several_columns(tmp_path: Path) -> None:
    rgb = [{"bytes": encoded(picture(i)), "path": None} for i in (50, 60)]
    mask = [encoded(picture(0)), encoded(picture(1))]
    columns = {
        "seg_mask": mask,
        "photos": pa.array([[x] for x in rgb], pa.list_(HUGGING)),
        "box": [[1, 2], [3, 4]],
        "nothing": pa.nulls(2),
        "age": [3, 4],
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    d = read(tmp_path / "a.parquet", Image)
    assert levels(d) == [50, 60]
    assert d.attributes.column_names == ["age"]
    notes = " / ".join(d.notes)
    assert "photos; seg_mask" in notes
    assert "box" in notes
    assert "nothing" in notes
    assert levels(read(tmp_path / "a.parquet", Image, column="seg_mask")) == [0, 1]
    refused("no column 'age'", "seg_mask, photos", path=tmp_path / "a.parquet", column="age")
    assert "further" not in notes
    pairs = pa.array([[rgb[0], rgb[1]], [rgb[1]], [rgb[1], rgb[0], rgb[0]]], pa.list_(HUGGING))
    pq.write_table(pa.table({"photos": pairs}), tmp_path / "b.parquet")
    d = read(tmp_path / "b.parquet", Image)
    assert levels(d) == [50, 60, 60]
    assert any("3 further ones, in 2 rows, are left out" in note for note in d.notes)


def test_parquet_colour_is_looked_for_in_every_row(tmp_path: Path) -> None:
    rows = [encoded(picture(i, 8, 8, 3) if i == 170 else picture(i, 8, 8, 1)[..., 0]) for i in range(200)]
    pq.write_table(pa.table({"image": rows}), tmp_path / "a.parquet")
    d = read(tmp_path / "a.parquet", Image)
    assert d.modality == Image(8, 8, 3)
    assert levels(d) == list(range(200))


def test_parquet_files_whose_columns_differ(tmp_path: Path) -> None:
    for i, label in enumerate(([1], [{"a": 1}])):
        pq.write_table(pa.table({"image": [encoded(picture(i))], "x": label}), tmp_path / f"{i}.parquet")
    assert levels(read(tmp_path, Image)) == [0, 1]
    pq.write_table(pa.table({"image": [encoded(picture(1))], "x": ["a"]}), tmp_path / "1.parquet")
    refused("differ in the type", path=tmp_path)


def test_bad_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    refused("no column of encoded pictures", "a", path=tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": [b"x", b"y"]}), tmp_path / "b.parquet")
    refused("none of 2 pictures", path=tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "b.parquet").read_bytes()[:60])
    refused("c.parquet", "cut", path=tmp_path / "c.parquet")


# --- attributes


def csv(tmp_path: Path, text: str, name: str = "t.csv") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def test_columns_get_types(tmp_path: Path) -> None:
    text = (
        "file,age,smile,hat,on,mood,label,score,empty,code\n"
        "a.png,31,yes,1,1.0, glad ,3,nan,,007\n"
        'b.png,-4.5e1,No,0,,"sad, very",5,0.25,,x\n'
        "c.png,,,,0.0,none,,NA,,\n"
    )
    t = join_attributes(csv(tmp_path, text), ["a.png", "b.png", "c.png"])
    assert t.to_pydict() == {
        "age": [31.0, -45.0, None],
        "smile": [True, False, None],
        "hat": [True, False, None],
        "on": [True, None, False],
        "mood": ["glad", "sad, very", "none"],
        "label": ["3", "5", None],
        "score": [None, 0.25, None],
        "code": ["007", "x", None],
    }
    assert [str(f.type) for f in t.schema] == [
        "double",
        "bool",
        "bool",
        "bool",
        "string",
        "string",
        "double",
        "string",
    ]


def test_types_of_parquet_columns() -> None:
    import datetime
    import decimal

    t, _ = as_attributes(
        pa.table(
            {
                "i": [1, 2],
                "bit": [0, 1],
                "d": [decimal.Decimal("1.5"), None],
                "s": ["1", "2"],
                "w": ["True", "FALSE"],
                "when": [datetime.date(2020, 1, 2), None],
                "dict": pa.array(["u", "v"]).dictionary_encode(),
                "list": [[1], [2]],
                "raw": [b"a", b"b"],
                "null": pa.nulls(2),
                "label": [4, 5],
            }
        )
    )
    assert {f.name: str(f.type) for f in t.schema} == {
        "i": "double",
        "bit": "bool",
        "d": "double",
        "s": "string",
        "w": "bool",
        "when": "double",
        "dict": "string",
        "label": "string",
    }
    with pytest.raises(LiminalError, match="attribute a: row 2 is infinite"):
        as_attributes(pa.table({"a": [1.0, float("inf")]}))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("path", "path,age\ndog/1.png,2\ncat/1.png,1\n"),
        ("./ and \\", "path,age\n./dog\\1.png,2\n./cat\\1.png,1\n"),
        ("semicolons, BOM", "\ufefffile;age\ndog/1.png;2\ncat/1.png;1\n"),
        ("tabs and an index", "\tfile\tage\n0\tdog/1.png\t2\n1\tcat/1.png\t1\n"),
        ("unnamed", "what,age\ndog/1.png,2\ncat/1.png,1\n"),
        ("name is not the key", "name,file,age\nRex,dog/1.png,2\nTom,cat/1.png,1\n"),
    ],
)
def test_keys_by_path(tmp_path: Path, key: str, text: str) -> None:
    t = join_attributes(csv(tmp_path, text), ["cat/1.png", "dog/1.png", "dog/2.png"])
    assert t["age"].to_pylist() == [1.0, 2.0, None]


@pytest.mark.parametrize(
    "keys", [("x/a.png", "y/b.v2.png"), ("a.png", "b.v2.png"), ("a", "b.v2"), ("a.jpg", "b.v2.jpg")]
)
def test_keys_by_base_name_and_stem(tmp_path: Path, keys: tuple[str, str]) -> None:
    t = join_attributes(
        csv(tmp_path, f"image,age\n{keys[1]},20\n{keys[0]},10\nother.png,5\n"),
        ["s/a.png", "t/b.v2.png", "t/c.png"],
    )
    assert t["age"].to_pylist() == [10.0, 20.0, None]


def test_ambiguous_names_match_nothing(tmp_path: Path) -> None:
    t = join_attributes(csv(tmp_path, "file,age\n1.png,10\n2.png,20\n"), ["a/1.png", "b/1.png", "b/2.png"])
    assert t["age"].to_pylist() == [None, None, 20.0]


def test_leading_zeros_and_numbers_as_names(tmp_path: Path) -> None:
    t = join_attributes(csv(tmp_path, "id,age\n010,20\n10,30\n"), ["010.png", "10.png"])
    assert t["age"].to_pylist() == [20.0, 30.0]
    pq.write_table(pa.table({"id": [10, 11], "age": [2, 3]}), tmp_path / "t.parquet")
    assert join_attributes(tmp_path / "t.parquet", ["11.png", "10.png"])["age"].to_pylist() == [3.0, 2.0]


def test_a_column_of_numbers_is_no_key_by_accident(tmp_path: Path) -> None:
    rows = "\n".join(f"{5 + i},{i % 3}" for i in range(10))
    with pytest.raises(LiminalError, match="no row matches"):
        join_attributes(csv(tmp_path, f"age,kind\n{rows}\n"), [f"{i}.png" for i in range(25)])


def test_rows_join_arrays(tmp_path: Path) -> None:
    sources = [f"a.npy#{i}" for i in range(4)]
    assert join_attributes(csv(tmp_path, "rank,mood\n3,a\n2,b\n1,c\n0,d\n"), sources).to_pydict() == {
        "rank": [3.0, 2.0, 1.0, 0.0],
        "mood": ["a", "b", "c", "d"],
    }
    assert join_attributes(csv(tmp_path, "id,mood\n3,a\n2,b\n"), sources)["mood"].to_pylist() == [
        None,
        None,
        "b",
        "a",
    ]
    with pytest.raises(LiminalError, match="no row matches"):
        join_attributes(csv(tmp_path, "mood\na\nb\n"), sources)
    with pytest.raises(LiminalError, match="no row matches"):
        join_attributes(csv(tmp_path, "mood\na\nb\n"), ["x.png", "y.png"])  # files are not joined by row


def test_bad_attributes(tmp_path: Path) -> None:
    items = ["a.png", "b.png"]
    for text, words in (
        ("file,age\nq.png,1\n", r"t\.csv: no row matches an item.*'file' holds 'q\.png'.*'a\.png'"),
        ("file,age\na.png,1\na.png,2\n", r"'a\.png' stands in rows 1 and 2"),
        ("file,age\na.png,1\nb.png,2\nb.png,3\n", r"'b\.png' stands in rows 2 and 3"),
        ("file,age,age\na.png,1,2\n", "'age' occurs twice"),
        ("file,age\n", "empty"),
        ("", "cannot be read|empty"),
        ("file,age\na.png,1,7\n", "cannot be read as a table"),
        ("file\na.png\n", "no column"),
        ("file,age\na.png,inf\nb.png,2\n", "infinite"),
    ):
        with pytest.raises(LiminalError, match=words) as told:
            join_attributes(csv(tmp_path, text), items)
        assert "\n" not in str(told.value)
    (tmp_path / "b.csv").write_bytes(b"file,age\na.png,\xff\xfe\n\x80\n")
    (tmp_path / "b.parquet").write_bytes(b"PAR1junk")
    for name in ("b.csv", "b.parquet", "no.csv", "t.json"):
        with pytest.raises(LiminalError, match=name.replace(".", r"\.")):
            join_attributes(tmp_path / name, items)


def test_attributes_on_top_of_labels(tmp_path: Path) -> None:
    for i, name in enumerate(("cat/1.png", "cat/2.png", "dog/1.png")):
        save(tmp_path / "d" / name, picture(i))
    table = csv(tmp_path, "file,label,age\ncat/1.png,lion,5\ndog/1.png,wolf,6\n")
    d = read(tmp_path / "d", Image, attributes=table)
    assert d.attributes.to_pydict() == {"label": ["lion", None, "wolf"], "age": [5.0, None, 6.0]}
    assert any("names 2 of 3 items" in n for n in d.notes)
    assert any("label was taken from t.csv" in n for n in d.notes)
    sub = d.subset(np.array([2, 0]))
    assert sub.attributes["age"].to_pylist() == [6.0, 5.0]


@settings(deadline=None, max_examples=40)
@given(
    rows=st.dictionaries(
        st.text("abcXYZ019_- .é", min_size=1, max_size=8)
        .map(str.strip)
        .filter(lambda s: s and not s.startswith(".") and not s.endswith(".")),
        st.one_of(st.none(), st.floats(-1e6, 1e6)),
        min_size=1,
        max_size=8,
    ),
    seed=st.integers(0, 99),
)
def test_every_row_finds_its_file(
    rows: dict[str, float | None], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = {name: (None if v is None else v + 2.5 * (v in (0, 1))) for name, v in rows.items()} | {
        "known": 7.5
    }
    names = [f"{n}.png" for n in rows]
    order = np.random.default_rng(seed).permutation(len(names))
    values = list(rows.values())
    body = "\n".join(f"{names[i]},{'' if values[i] is None else repr(values[i])}" for i in order)
    table = join_attributes(
        csv(tmp_path_factory.mktemp("t"), f"file,v\n{body}\n"), [f"deep/{n}" for n in names]
    )
    assert table["v"].to_pylist() == values


# --- MNIST and Fashion-MNIST


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[published.Published, Path]]:
    """A tiny set with MNIST's names, published by a server on this machine."""
    folder = mnist_files(tmp_path / "served")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    md5 = {f.name: hashlib.md5(f.read_bytes()).hexdigest() for f in folder.iterdir()}
    addresses = ("http://127.0.0.1:1/", f"http://127.0.0.1:{server.server_port}/")
    yield (
        published.Published(
            name="tiny",
            folder="tiny",
            addresses=addresses,
            md5=md5,
            classes=published.DIGITS,
            about={"source": "here", "licence": "MIT"},
        ),
        folder,
    )
    server.shutdown()
    server.server_close()
    thread.join()


def test_download_then_cache_then_offline(
    served: tuple[published.Published, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LIMINAL_DATA", raising=False)
    tiny, folder = served
    d = published._read(tiny, None, {})
    assert levels(d) == [*range(6), *range(100, 104)]
    assert d.provenance["licence"] == "MIT"
    for f in folder.iterdir():
        f.unlink()
    assert len(published._read(tiny, None, {})) == 10  # from the cache
    own = mnist_files(tmp_path / "data" / "tiny", train=3)
    monkeypatch.setenv("LIMINAL_DATA", str(own.parent))
    assert len(published._read(tiny, None, {})) == 7  # the user's own folder wins


def test_wrong_checksum_and_offline_are_one_line(
    served: tuple[published.Published, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIMINAL_DATA", raising=False)
    tiny, _ = served
    first = next(iter(tiny.md5))
    with pytest.raises(LiminalError, match="another checksum") as told:
        published._read(replace(tiny, md5={**tiny.md5, first: "0" * 32}), None, {})
    assert "LIMINAL_DATA" in str(told.value)
    assert not list(cache_folder("data", "tiny").iterdir())
    with pytest.raises(LiminalError, match=r"could not be downloaded.*LIMINAL_DATA") as told:
        published._read(replace(tiny, addresses=tiny.addresses[:1]), None, {})
    assert "\n" not in str(told.value)
    assert not isinstance(told.value, NumericalError)


@pytest.mark.skipif(not (DATA / "fashion_mnist").is_dir(), reason="LIMINAL_DATA has no fashion_mnist")
def test_fashion_mnist() -> None:
    d = published.fashion_mnist()
    assert d.items.shape == (70000, 28, 28, 1)
    assert d.held_out is not None
    assert int(d.held_out.sum()) == 10000
    assert d.held_out[60000:].all()
    counts = d.attributes["label"].value_counts().to_pylist()
    assert {c["values"]: c["counts"] for c in counts} == dict.fromkeys(published.CLOTHES, 7000)
    assert d.attributes["label"][0].as_py() == "Ankle boot"  # as the set's own page shows its first picture
    assert d.provenance["licence"] == "MIT"
    assert abs(float(d.items[:60000].mean()) / 255 - 0.2860) < 1e-4  # the mean that is commonly quoted
    m = d.modality
    part = d.items[:2000]
    np.testing.assert_array_equal(m.items(m.tensor(part)), part)
    np.testing.assert_array_equal(np.stack([m.unpack(m.pack(i)) for i in part[:200]]), part[:200])
    for name, md5 in published.FASHION.md5.items():
        file = DATA / "fashion_mnist" / name
        if file.is_file():
            assert hashlib.md5(file.read_bytes()).hexdigest() == md5


@pytest.mark.skipif(not (DATA / "lfw64").is_dir(), reason="LIMINAL_DATA has no lfw64")
def test_photographs_with_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for file in sorted((DATA / "lfw64" / "images").iterdir())[:48]:
        (folder / file.name).symlink_to(file)
    d = read(folder, Image, attributes=DATA / "lfw64" / "labels.csv")
    assert d.items.shape == (48, 64, 64, 3)
    assert d.skipped == ()
    kinds = {f.name: str(f.type) for f in d.attributes.schema}
    assert kinds["smile"] == "bool"
    assert kinds["eyeglasses"] == "double"
    m = d.modality
    np.testing.assert_array_equal(np.stack([m.unpack(m.pack(i)) for i in d.items]), d.items)
    with PIL.Image.open(folder / d.sources[5]) as im:
        np.testing.assert_array_equal(d.items[5], np.asarray(im.convert("RGB")))
    line = next(
        row
        for row in (DATA / "lfw64" / "labels.csv").read_text().splitlines()
        if row.startswith("00005.jpg,")
    )
    assert d.attributes["person"][5].as_py() == float(line.split(",")[1])
