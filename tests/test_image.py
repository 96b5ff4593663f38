"""The image modality: the contract's round trips, what is read from every kind of file, what is refused."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from liminal.errors import LiminalError
from liminal.modalities.image import Image
from liminal.modalities.levels import Numbers, choose, scaled


def smooth(h: int, w: int, c: int, seed: int = 0) -> np.ndarray:
    """A picture with gradients, so that resizing and JPEG keep it."""
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(40, 100, (2, c))
    item = 40 + a * y[..., None] + b * x[..., None]
    return item.round().astype(np.uint8)


def save(path: Path, a: np.ndarray, **options: object) -> Path:
    PIL.Image.fromarray(a[..., 0] if a.ndim == 3 and a.shape[2] == 1 else a).save(path, **options)
    return path


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG written by hand: RGB, 8 bits, with these bytes as its compressed rows."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


items = st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 4])).flatmap(
    lambda s: arrays(np.uint8, s)
)


@settings(deadline=None, max_examples=60)
@given(item=items)
def test_contract_round_trips(item: np.ndarray) -> None:
    m = Image(*item.shape)
    x = m.tensor(item[None])
    assert x.dtype == torch.float32
    assert tuple(x.shape) == (1, *m.shape)
    assert 0 <= float(x.min()) <= float(x.max()) <= 1
    np.testing.assert_array_equal(m.items(x)[0], item)
    np.testing.assert_array_equal(m.unpack(m.pack(item)), item)
    assert Image(**m.config()) == m
    assert m.preview(item, 64).mode == "RGB"
    assert max(m.preview(item, 64).size) <= 64


@settings(deadline=None, max_examples=30)
@given(item=items)
def test_lossless_files_give_the_item_back(
    item: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    m = Image(*item.shape)
    folder = tmp_path_factory.mktemp("files")
    endings = [".png", ".webp"] + ([".bmp"] if m.channels < 4 else []) + ([".gif"] if m.channels == 1 else [])
    for ending in endings:
        m.write(item, folder / f"a{ending}")
        np.testing.assert_array_equal(m.read(folder / f"a{ending}"), item)


def test_every_level_survives_the_tensor() -> None:
    m = Image(16, 16, 1)
    item = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    x = m.tensor(item[None])
    np.testing.assert_allclose(x.flatten().numpy(), np.arange(256) / 255, rtol=1e-6)
    np.testing.assert_array_equal(m.items(x)[0], item)
    outside = m.items(torch.tensor([-3.0, 0.4 / 255, 0.6 / 255, 7.0]).repeat(64).reshape(1, 1, 16, 16))
    assert outside.reshape(-1)[:4].tolist() == [0, 0, 1, 255]
    with pytest.raises(LiminalError, match="NaN"):
        m.items(torch.full((1, 1, 16, 16), torch.nan))
    with pytest.raises(LiminalError, match="wanted tensors"):
        m.items(torch.zeros(1, 3, 16, 16))
    with pytest.raises(LiminalError, match="wanted items"):
        m.tensor(np.zeros((2, 8, 16, 1), np.uint8))


def test_read_only_items_make_tensors_without_a_warning() -> None:
    stored = np.zeros((3, 8, 8, 1), np.uint8)
    stored.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Image(8, 8, 1).tensor(stored).sum() == 0


@pytest.mark.parametrize("ending", [".png", ".webp", ".bmp", ".tif", ".gif"])
def test_grey_and_colour_files(tmp_path: Path, ending: str) -> None:
    grey = smooth(12, 20, 1)
    options = {"lossless": True} if ending == ".webp" else {}
    path = save(tmp_path / f"g{ending}", grey, **options)
    np.testing.assert_array_equal(Image(12, 20, 1).read(path), grey)
    rgb = Image(12, 20, 3).read(path)
    np.testing.assert_array_equal(rgb, np.repeat(grey, 3, axis=2))


def test_jpeg_grey_rgb_and_cmyk(tmp_path: Path) -> None:
    item = smooth(64, 64, 3)
    save(tmp_path / "a.jpg", item, quality=95)
    assert np.abs(Image(64, 64, 3).read(tmp_path / "a.jpg").astype(int) - item).mean() < 2
    PIL.Image.fromarray(item).convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    assert np.abs(Image(64, 64, 3).read(tmp_path / "c.jpg").astype(int) - item).mean() < 3
    grey = np.asarray(PIL.Image.fromarray(item).convert("L")).astype(int)
    got, remarks = Image(64, 64, 1).load(tmp_path / "a.jpg", "a.jpg")
    assert np.abs(got[..., 0] - grey).mean() < 2
    assert remarks == ("turned from colour to grey",)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_exif_orientation(tmp_path: Path, turn: int, ending: str) -> None:
    shown = np.zeros((40, 24, 3), np.uint8)  # red above left, green above right, blue below left, black
    shown[:20, :12, 0] = shown[:20, 12:, 1] = shown[20:, :12, 2] = 255
    undo = {
        2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
        3: PIL.Image.Transpose.ROTATE_180,
        4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
        5: PIL.Image.Transpose.TRANSPOSE,
        6: PIL.Image.Transpose.ROTATE_90,
        7: PIL.Image.Transpose.TRANSVERSE,
        8: PIL.Image.Transpose.ROTATE_270,
    }
    im = PIL.Image.fromarray(shown)
    kept = im.transpose(undo[turn]) if turn in undo else im
    exif = PIL.Image.Exif()
    exif[0x0112] = turn
    kept.save(tmp_path / f"a{ending}", exif=exif)
    m = Image.infer([tmp_path / f"a{ending}"])
    assert (m.height, m.width) == (40, 24)
    got = m.read(tmp_path / f"a{ending}")
    assert [int(got[r, c].argmax()) for r, c in ((10, 6), (10, 18), (30, 6))] == [0, 1, 2]
    assert got[30, 18].max() < 60


def test_one_bit_palette_and_transparent_palette(tmp_path: Path) -> None:
    bits = np.indices((10, 10)).sum(0) % 2 == 0
    PIL.Image.fromarray(bits).save(tmp_path / "one.png")
    np.testing.assert_array_equal(Image(10, 10, 1).read(tmp_path / "one.png")[..., 0], bits * 255)
    p = PIL.Image.new("P", (10, 10), 0)
    p.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    p.paste(1, (0, 0, 5, 10))
    p.save(tmp_path / "p.png")
    assert Image.infer([tmp_path / "p.png"]).channels == 3
    assert Image(10, 10, 3).read(tmp_path / "p.png")[0, [0, 9]].tolist() == [[0, 0, 255], [255, 0, 0]]
    p.save(tmp_path / "t.png", transparency=1)
    assert Image.infer([tmp_path / "t.png"]).channels == 4
    assert Image(10, 10, 4).read(tmp_path / "t.png")[0, [0, 9], 3].tolist() == [0, 255]
    white, remarks = Image(10, 10, 3).load(tmp_path / "t.png", "t.png")
    assert white[0, [0, 9]].tolist() == [[255, 255, 255], [255, 0, 0]]
    assert remarks == ("laid over white because they are transparent",)


def test_transparency_over_white_and_kept(tmp_path: Path) -> None:
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :8] = (200, 100, 0, 255)
    rgba[:, 8:] = (10, 20, 30, 0)
    path = save(tmp_path / "a.png", rgba)
    assert Image.infer([path]).channels == 4
    np.testing.assert_array_equal(Image(16, 16, 4).read(path), rgba)
    over = Image(16, 16, 3).read(path)
    assert over[0, [0, 15]].tolist() == [[200, 100, 0], [255, 255, 255]]
    la = np.stack([np.full((16, 16), 50, np.uint8), rgba[..., 3]], -1)
    PIL.Image.fromarray(la, "LA").save(tmp_path / "la.png")
    assert Image(16, 16, 1).read(tmp_path / "la.png")[0, [0, 15], 0].tolist() == [50, 255]
    half = rgba.copy()
    half[..., 3] = 255
    assert (
        Image.infer([save(tmp_path / "solid.png", half)]).channels == 3
    )  # an alpha channel that hides nothing
    # the colours of clear pixels do not bleed into the edge when the picture shrinks
    small = Image(8, 8, 4).read(path)
    assert np.abs(small[0, 3, :3].astype(int) - (200, 100, 0)).max() <= 1


def test_deep_pictures(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).reshape(16, 16)
    wanted = np.rint(ramp.round() / 257)
    for ending in (".png", ".tif"):
        PIL.Image.fromarray(ramp.round().astype(np.uint16)).save(tmp_path / f"a{ending}")
        got, remarks = Image(16, 16, 1).load(tmp_path / f"a{ending}", "a")
        np.testing.assert_array_equal(got[..., 0], wanted)
        assert remarks == ("scaled from 16 to 8 bits",)
    PIL.Image.fromarray(ramp.round().astype(np.int32)).save(tmp_path / "i.tif")
    got, remarks = Image(16, 16, 1).load(tmp_path / "i.tif", "i")
    np.testing.assert_array_equal(got[..., 0], wanted)
    assert remarks == ("scaled from 32 to 8 bits",)
    PIL.Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "f.tif")
    np.testing.assert_array_equal(Image(16, 16, 1).read(tmp_path / "f.tif")[..., 0], np.rint(ramp / 257))
    PIL.Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(tmp_path / "n.tif")
    with pytest.raises(LiminalError, match="NaN"):
        Image(9, 9, 1).read(tmp_path / "n.tif")


def test_sixteen_bit_rgb_png_is_said(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + struct.pack(">3H", 0x8000, 0x1234, 0xFFFF) * 9 for _ in range(9))
    body = bytearray(png(9, 9, rows))
    body[24] = 16  # the bit depth, then the header's check sum
    body[29:33] = struct.pack(">I", zlib.crc32(bytes(body[12:29])))
    (tmp_path / "a.png").write_bytes(bytes(body))
    got, remarks = Image(9, 9, 3).load(tmp_path / "a.png", "a.png")
    assert np.abs(got[0, 0].astype(int) - (0x80, 0x12, 0xFF)).max() <= 1
    assert remarks == ("scaled from 16 to 8 bits",)


def test_gif_first_frame(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (12, 12), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    got, remarks = Image(12, 12, 3).load(tmp_path / "a.gif", "a.gif")
    assert (got == (255, 0, 0)).all()
    assert remarks == ("read from the first of several frames",)


def test_pad_crop_stretch(tmp_path: Path) -> None:
    wide = np.full((20, 40, 3), 255, np.uint8)
    wide[4:16, 5:35] = (200, 0, 0)
    path = save(tmp_path / "a.png", wide)
    padded, remarks = Image(20, 20, 3, "pad").load(path, "a")
    assert remarks == ("padded to 20 x 20",)
    assert (padded[:5] == 255).all()  # the border's own colour
    assert (padded[15:] == 255).all()
    assert np.abs(padded[10, 10].astype(int) - (200, 0, 0)).max() <= 2  # Lanczos' filter rings a little
    cropped, remarks = Image(20, 20, 3, "crop").load(path, "a")
    assert remarks == ("cropped to 20 x 20",)
    np.testing.assert_array_equal(cropped, wide[:, 10:30])
    stretched, remarks = Image(20, 20, 3, "stretch").load(path, "a")
    assert remarks == ("stretched to 20 x 20",)
    assert np.abs(stretched[7:13, 5:15].astype(int) - (200, 0, 0)).max() <= 2
    grown, remarks = Image(80, 160, 3).load(path, "a")
    assert remarks == ("resized to 80 x 160",)
    assert np.abs(grown[40, 80].astype(int) - (200, 0, 0)).max() <= 1


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (1, 1), (257, 255)])
@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_shape_fits(tmp_path: Path, shape: tuple[int, int], fit: str, channels: int) -> None:
    for kind in (1, 3, 4):
        path = save(tmp_path / f"{kind}.png", np.full((*shape, kind), 130, np.uint8))
        item = Image(24, 16, channels, fit).read(path)
        assert item.shape == (24, 16, channels)
    assert Image(24, 16, 3, fit).read(save(tmp_path / "a.jpg", np.full((*shape, 3), 130, np.uint8))).std() < 3


def test_shrinking_averages_instead_of_skipping(tmp_path: Path) -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 254
    for ending in (".png", ".jpg"):
        small = Image(16, 16, 3).read(save(tmp_path / f"a{ending}", stripes))
        assert np.abs(small.astype(int) - 127).max() <= 3, ending


def test_infer(tmp_path: Path) -> None:
    a = save(tmp_path / "a.png", smooth(20, 30, 1))
    b = save(tmp_path / "b.png", smooth(20, 30, 1, 1))
    c = save(tmp_path / "c.png", smooth(50, 30, 3))
    d = save(tmp_path / "d.jpg", smooth(300, 200, 3))
    tiny = save(tmp_path / "tiny.png", smooth(4, 5, 1))
    assert Image.infer([a, b]) == Image(20, 30, 1)
    assert Image.infer([a, c]) == Image(50, 50, 3)
    assert Image.infer([a, c, d], fit="crop") == Image(64, 64, 3, "crop")
    assert Image.infer([d]) == Image(64, 64, 3)
    assert Image.infer([tiny]) == Image(8, 8, 1)
    assert Image.infer([a], size=128, channels=4) == Image(128, 128, 4)
    (tmp_path / "junk.png").write_text("hello")
    assert Image.infer([tmp_path / "junk.png", a]) == Image(20, 30, 1)
    with pytest.raises(LiminalError, match=r"junk\.png: not a picture"):
        Image.infer([tmp_path / "junk.png"])
    with pytest.raises(LiminalError, match=r"none of 2 pictures.*junk"):
        Image.infer([tmp_path / "junk.png"] * 2)
    for size in (7, 257):
        with pytest.raises(LiminalError, match="8 to 256"):
            Image.infer([a], size=size)
    for bad in ({"fit": "zoom"}, {"channels": 2}, {"colour": True}):
        with pytest.raises(LiminalError):
            Image.infer([a], **bad)


def test_bomb_is_refused_from_its_header_without_a_warning(tmp_path: Path) -> None:
    for width, height in ((60000, 60000), (200_000, 1000)):
        (tmp_path / "bomb.png").write_bytes(png(width, height, bytes(1000)))
        with pytest.raises(LiminalError, match=r"bomb\.png: more than 178,956,970 pixels") as told:
            Image(64, 64, 3).read(tmp_path / "bomb.png")
        assert "\n" not in str(told.value)
    (tmp_path / "large.png").write_bytes(
        png(10_000, 12_000, bytes(1000))
    )  # Pillow warns from 89 million pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LiminalError, match=r"large\.png: the picture is cut or damaged"):
            Image(64, 64, 3).read(tmp_path / "large.png")


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp", ".tif", ".gif"])
def test_cut_files(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(0)
    whole = save(tmp_path / f"a{ending}", rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)).read_bytes()
    for part in (0.05, 0.3, 0.6, 0.9):
        path = tmp_path / f"cut{ending}"
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(LiminalError) as told:
            Image(60, 60, 3).read(path)
        assert "\n" not in str(told.value)
        assert f"cut{ending}" in str(told.value)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_damaged_files_never_raise_anything_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]))
    out = io.BytesIO()
    PIL.Image.fromarray(smooth(30, 30, 3)).save(out, kind)
    body = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    told = "x: "
    try:
        item, _ = Image(30, 30, 3).load(io.BytesIO(bytes(body)), "x")
        assert item.shape == (30, 30, 3)
    except LiminalError as error:
        told = str(error)
    assert told.startswith("x: ")
    assert "\n" not in told


def test_missing_empty_and_foreign_files(tmp_path: Path) -> None:
    m = Image(8, 8, 1)
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "none.bmp").write_bytes(png(0, 5))
    for name, words in (
        ("empty.png", "empty"),
        ("text.jpg", "not a picture"),
        ("no.png", "no such file"),
        ("folder.png", "folder"),
        ("none.bmp", "none"),
    ):
        with pytest.raises(LiminalError, match=words):
            m.read(tmp_path / name)
    with pytest.raises(LiminalError):
        m.unpack(b"RIFF....WEBP")
    with pytest.raises(LiminalError, match="wanted 8 x 8"):
        m.unpack(Image(9, 9, 1).pack(np.zeros((9, 9, 1), np.uint8)))


def test_threads_leave_the_warning_filters_as_they_were(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", smooth(20, 20, 3))
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: Image(20, 20, 3).read(path), range(200)))
    assert warnings.filters == before
    assert all((g == got[0]).all() for g in got)


def test_write(tmp_path: Path) -> None:
    item = smooth(32, 32, 4)
    item[:16, :, 3] = 0
    m = Image(32, 32, 4)
    for ending in (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"):
        m.write(item, tmp_path / f"a{ending}")
        with PIL.Image.open(tmp_path / f"a{ending}") as im:
            assert im.size == (32, 32)
    assert (Image(32, 32, 3).read(tmp_path / "a.jpg")[:14] > 250).all()  # clear is white
    for bad, words in (
        ("a.tga", "wanted an ending"),
        ("a", "wanted an ending"),
        ("no/a.png", "does not exist"),
    ):
        with pytest.raises(LiminalError, match=words):
            m.write(item, tmp_path / bad)
    with pytest.raises(LiminalError, match="wanted a uint8 item"):
        m.write(item[..., :3], tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_preview_and_bits() -> None:
    item = smooth(10, 20, 3)
    m = Image(10, 20, 3)
    assert m.bits(item[None]) == 10 * 20 * 3 * 8
    big = m.preview(item, 70)
    assert big.size == (60, 30)
    np.testing.assert_array_equal(np.asarray(big)[::3, ::3], item)
    assert m.preview(item, 20).size == (20, 10)
    assert m.preview(item, 10).size == (10, 5)
    clear = np.zeros((8, 8, 4), np.uint8)
    assert (np.asarray(Image(8, 8, 4).preview(clear, 8)) == 255).all()


def test_arguments() -> None:
    for bad in ((0, 8, 3), (8, 5000, 3), (8, 8, 2), (8, 8, 3, "zoom")):
        with pytest.raises(LiminalError):
            Image(*bad)
    assert Image(8, 9, 3) == Image(8, 9, 3)
    assert Image(8, 9, 3) != Image(8, 9, 3, "crop")
    assert len({Image(8, 9, 3), Image(8, 9, 3)}) == 1


def test_mpo_from_a_phone_is_its_first_picture(tmp_path: Path) -> None:
    first, second = (PIL.Image.new("RGB", (40, 40), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    got = Image(10, 10, 3).read(tmp_path / "a.jpg")
    assert got[..., 0].min() > 240
    assert got[..., 2].max() < 20


def deep_png(a: np.ndarray) -> bytes:
    """A PNG of 16 bits written by hand, grey (h, w, 1), RGB or RGBA."""
    h, w, c = a.shape
    body = bytearray(png(w, h, b"".join(b"\0" + row.astype(">u2").tobytes() for row in a)))
    body[24:26] = 16, {1: 0, 3: 2, 4: 6}[c]
    body[29:33] = struct.pack(">I", zlib.crc32(bytes(body[12:29])))
    return bytes(body)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_twelve_bits_in_sixteen(tmp_path: Path, channels: int) -> None:
    a = np.random.default_rng(0).integers(0, 4096, (16, 12, channels)).astype(np.uint16)
    a[..., 3:] = 65535  # opaque
    a[0, 0, 3:] = 0
    a[1, 1, :3] = 4095
    (tmp_path / "a.png").write_bytes(deep_png(a))
    m = Image.infer([tmp_path / "a.png"])
    assert m == Image(16, 12, channels, levels=(0, 4095))
    got, remarks = m.load(tmp_path / "a.png", "a.png")
    np.testing.assert_array_equal(got[..., :3], np.rint(a[..., :3] / 4095 * 255))
    np.testing.assert_array_equal(got[..., 3:], a[..., 3:] / 257)
    assert len(remarks) == 1
    assert "0 to 4,095" in remarks[0]
    with open(tmp_path / "a.png", "rb") as file:  # as the studio gets it
        np.testing.assert_array_equal(m.load(file, "a.png")[0], got)
    m.write(got, tmp_path / "b.png")  # its own pictures have 8 bits, and stay as they are
    np.testing.assert_array_equal(m.read(tmp_path / "b.png"), got)


def test_levels_are_kept_and_refused() -> None:
    m = Image(8, 8, 1, levels=(0, 4095))
    assert m.config()["levels"] == [0, 4095]
    assert Image.infer([], **m.config()) == m
    assert m != Image(8, 8, 1)
    assert "levels" not in Image(8, 8, 1).config()
    for bad in ((0,), (0, 0), (1, 0), (0, np.inf), "0-4095", ("a", 1), 5, (0, [1])):
        with pytest.raises(LiminalError, match="range") as told:
            Image(8, 8, 1, levels=bad)  # type: ignore[arg-type]
        assert "\n" not in str(told.value)


@settings(deadline=None, max_examples=200)
@given(high=st.integers(1, 2**31), low=st.floats(0, 0.9))
def test_white_is_near_the_greatest_number(high: int, low: float) -> None:
    for values in (np.array([high, int(low * high)]), np.array([high, low * high], float)):
        numbers = Numbers()
        numbers.add(values)
        black, white = choose(numbers, "x")
        assert black == 0
        assert high / 1.05 <= white <= 2 * high
        assert white in (1, 255, 65535, high) or math.log2(white + 1).is_integer()
        got = scaled(values, (black, white))
        assert int(got[0]) >= 127  # the brightest picture is bright
        assert got[0] >= got[1]


def test_numbers_below_black() -> None:
    def of(*values: float) -> Numbers:
        numbers = Numbers()
        assert numbers.add(np.array(values))
        return numbers

    assert choose(of(-0.04, *[1.0] * 9), "x") == (0, 1)
    assert choose(of(-9999, *[300] * 999), "x") == (0, 300)  # a rare mark of what is missing
    with pytest.raises(LiminalError, match=r"x: numbers from -1 to 1; .*--range=-1:1"):
        choose(of(-1, 1, 0.5), "x")
    assert choose(of(0, 0), "x") == (0, 1)
    assert choose(of(1e308, 0), "x") == (0, 1e308)
    assert not Numbers().add(np.array([1, np.nan]))


def test_pictures_of_another_scale_than_the_space(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.full((8, 8), 257 * 50, np.uint16)).save(tmp_path / "a.png")
    assert Image(8, 8, 1, levels=(0, 1)).read(tmp_path / "a.png").flat[0] == 50
    PIL.Image.fromarray(np.full((8, 8), 500, np.uint16)).save(tmp_path / "b.png")
    got, remarks = Image(8, 8, 1, levels=(100, 300)).load(tmp_path / "b.png", "b")
    assert got.flat[0] == 255
    assert any("clipped" in r for r in remarks)
    mixed = [tmp_path / "a.png", tmp_path / "f.tif"]
    PIL.Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "f.tif")
    PIL.Image.fromarray(np.full((8, 8), 60000, np.uint16)).save(tmp_path / "a.png")
    m = Image.infer(mixed)  # no one scale suits both
    assert [int(m.read(path).flat[0]) for path in mixed] == [233, 128]
