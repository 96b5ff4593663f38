"""Grids and films: what is written is opened again and compared."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageFont

from liminal.errors import LiminalError
from liminal.show import film as video
from liminal.show import grid


def flat(colour: tuple[int, ...] | int, w: int = 4, h: int = 3) -> Image.Image:
    return Image.new("RGB" if isinstance(colour, tuple) else "L", (w, h), colour)


def moving(count: int = 12, side: int = 32, colours: int = 3) -> list[np.ndarray]:
    """A disc that goes over a smooth ground."""
    y, x = np.mgrid[:side, :side]
    frames = []
    for i in range(count):
        ground = np.stack([x * 6, y * 5, (x + y) * 2] if colours > 2 else [x * 0] * 3, -1) % 256
        disc = np.hypot(x - 4 - i * (side - 8) / count, y - side / 2) < 5
        frames.append(np.where(disc[..., None], np.array([250, 40, 90]), ground).astype(np.uint8))
    return frames


# grids


def test_tiles_lie_where_they_should() -> None:
    reds = [flat((i * 40, 0, 0)) for i in range(5)]
    sheet = grid.grid(reds, columns=3, gap=2)
    assert sheet.size == (3 * 6 + 2, 2 * 5 + 2)
    assert [sheet.getpixel((3 + 6 * (i % 3), 3 + 5 * (i // 3)))[0] for i in range(5)] == [0, 40, 80, 120, 160]
    assert sheet.getpixel((1, 1)) == (255, 255, 255)
    assert sheet.getpixel((16, 8)) == (255, 255, 255)  # no sixth picture


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (2, (2, 1)), (9, (3, 3)), (10, (4, 3)), (64, (8, 8))])
def test_as_square_as_it_gets(n: int, shape: tuple[int, int]) -> None:
    assert grid.grid([flat(9, 2, 2)] * n, gap=0).size == (2 * shape[0], 2 * shape[1])


def test_strip_and_odd_sizes() -> None:
    sheet = grid.strip([flat(0, 4, 4), flat(0, 2, 2)], gap=1)
    assert sheet.size == (11, 6)
    assert sheet.getpixel((7, 2)) == (0, 0, 0)  # the smaller one stands in the middle of its tile
    assert sheet.getpixel((6, 1)) == (255, 255, 255)


def test_labels_stand_below_their_row() -> None:
    plain = grid.grid([flat(0, 40, 10)] * 4, columns=2)
    named = grid.grid([flat(0, 40, 10)] * 4, columns=2, labels=["", "", "yes", "Wwwwwwwwwwwwwwwwwwww"])
    assert named.height == plain.height + grid.LABEL + 8  # only the row that has labels grows
    assert named.crop((0, 0, 92, 28)).tobytes() == plain.crop((0, 0, 92, 28)).tobytes()
    ink = np.asarray(named.convert("L"))[30:]
    assert (ink[:, 4:44] < 128).any()
    assert (ink[:, 48:88] < 128).any()
    assert (ink[:, 88:] == 255).all()  # a long label is cut to its tile


def test_shorten() -> None:
    font = ImageFont.load_default(13)
    assert grid.shorten("short", 200, font) == "short"
    cut = grid.shorten("a label that is far too long for this", 60, font)
    assert cut.endswith("…")
    assert font.getlength(cut) <= 60


def test_captions_are_whole_or_left_out() -> None:
    font = ImageFont.load_default(grid.LABEL)
    two, one = "alcohol 14.2, hue 0.57", "alcohol 14.2"
    assert grid.whole([two, one], font.getlength(two)) == [two, one]
    assert grid.whole([two, one], font.getlength(two) - 1) == [one, one]
    assert grid.whole([two, two, "hue 1"], 20) == ["", "", ""]
    assert grid.whole(["hue 1", "hue 2", "a_name_of_many_letters 1"], 60)[:2] == ["hue 1", "hue 2"]


def test_pictures_of_every_kind() -> None:
    clear = np.zeros((2, 2, 4), np.uint8)
    assert grid.picture(clear).getpixel((0, 0)) == (255, 255, 255)
    palette = flat((10, 20, 30)).quantize(2)
    for given in (
        np.full((2, 3), 7, np.uint8),
        np.full((2, 3, 1), 7, np.uint8),
        np.full((2, 3, 3), 7, np.uint8),
        flat(7, 3, 2),
    ):
        assert np.array_equal(np.asarray(grid.picture(given)), np.full((2, 3, 3), 7))
    assert grid.picture(palette).getpixel((0, 0)) == (10, 20, 30)
    for wrong in (
        np.zeros((2, 2)),
        np.zeros((2, 2, 2), np.uint8),
        np.zeros((0, 2), np.uint8),
        np.zeros(4, np.uint8),
    ):
        with pytest.raises(LiminalError, match="wanted uint8"):
            grid.picture(wrong)


def test_enlarge_by_whole_factors() -> None:
    item = np.arange(6, dtype=np.uint8).reshape(2, 3)
    large = grid.enlarge(Image.fromarray(item), 10)
    assert large.size == (12, 8)
    assert np.array_equal(np.asarray(large), np.kron(item, np.ones((4, 4), np.uint8)))
    assert grid.enlarge(large, 12) is large


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: grid.grid([]), "no pictures"),
        (lambda: grid.strip([]), "no pictures"),
        (lambda: grid.grid([flat(0)], columns=0), "columns 0"),
        (lambda: grid.grid([flat(0)], labels=["a", "b"]), "1 pictures but 2 labels"),
        (lambda: grid.save(flat(0), "x.tiff"), "can be written as"),
        (lambda: grid.save(flat(0), "/no/such/folder/x.png"), "could not write /no/such/folder/x.png"),
    ],
)
def test_grids_refused(call, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        call()


def test_pictures_come_back(tmp_path: Path) -> None:
    picture = Image.fromarray(moving(1)[0])
    for ending in ("png", "jpg", "webp"):
        grid.save(picture, tmp_path / f"a.{ending}")
        off = np.abs(
            np.asarray(Image.open(tmp_path / f"a.{ending}").convert("RGB")).astype(int) - moving(1)[0]
        ).mean()
        assert off <= (0 if ending == "png" else 8)
    grid.save(flat(3), tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size == (4, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jpg", "a.png", "a.webp"]


# films


def test_a_gif_of_few_colours_is_exact(tmp_path: Path) -> None:
    frames = moving(colours=1)
    video.gif(frames, tmp_path / "a.gif", fps=10)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == len(frames)
        assert film.size == (256, 256)  # 32 pixels, each shown as 8 x 8
        assert film.info["loop"] == 0
        for i, frame in enumerate(frames):
            film.seek(i)
            assert film.info["duration"] == 100
            assert np.array_equal(np.asarray(film.convert("RGB"))[::8, ::8], frame)


def test_a_gif_of_many_colours_is_near(tmp_path: Path) -> None:
    frames = moving(24, 48)
    assert len(np.unique(np.concatenate(frames).reshape(-1, 3), axis=0)) > 1000
    video.gif(frames, tmp_path / "a.gif", least=1)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 24
        for i in (0, 11, 23):
            film.seek(i)
            off = np.abs(np.asarray(film.convert("RGB")).astype(int) - frames[i])
            assert off.mean() < 6
            assert off.max() < 48
        still = []  # where nothing moves, nothing flickers
        for i in (3, 4):
            film.seek(i)
            still.append(np.asarray(film.convert("RGB"))[:, 30:])
        assert np.array_equal(*still)


def test_equal_frames_are_shown_as_long(tmp_path: Path) -> None:
    video.gif([flat(0), flat(0), flat(200)], tmp_path / "a.gif", fps=10)
    with Image.open(tmp_path / "a.gif") as film:
        film.seek(0)
        assert (film.n_frames, film.info["duration"]) == (2, 200)


@pytest.mark.parametrize("size", [(64, 48), (301, 263)])
def test_an_mp4_comes_back(size: tuple[int, int], tmp_path: Path) -> None:
    w, h = size
    y, x = np.mgrid[:h, :w]
    frames = [
        np.stack([(x + 4 * i) % 256, y * 255 // h, np.full_like(x, 20 * i)], -1).astype(np.uint8)
        for i in range(10)
    ]
    video.mp4(frames, tmp_path / "a.mp4", fps=12)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")  # players can start at once
    with av.open(str(tmp_path / "a.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 12
        back = [f.to_ndarray(format="rgb24") for f in film.decode(stream)]
    factor = -(-256 // max(size))
    assert back[0].shape == (h * factor + (h * factor) % 2, w * factor + (w * factor) % 2, 3)
    assert len(back) == 10
    for got, frame in zip(back, frames, strict=True):
        wanted = np.kron(frame, np.ones((factor, factor, 1), np.uint8)).astype(int)
        assert np.abs(got[: h * factor, : w * factor] - wanted).mean() < 6


def test_without_x264_the_older_codec_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx264"})
    video.mp4(moving(5), tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as film:
        back = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
        assert film.streams.video[0].codec_context.name == "mpeg4"
    assert len(back) == 5
    assert np.abs(back[2][::8, ::8].astype(int) - moving(5)[2]).mean() < 12


def test_one_frame_is_a_film_too(tmp_path: Path) -> None:
    video.gif(moving(1), tmp_path / "a.gif")
    video.mp4(moving(1), tmp_path / "a.mp4")
    assert Image.open(tmp_path / "a.gif").size == (256, 256)
    with av.open(str(tmp_path / "a.mp4")) as film:
        assert len(list(film.decode(video=0))) == 1


def test_a_film_with_sound_shows_each_frame_while_its_part_sounds(tmp_path: Path) -> None:
    rate, each = 22_050, 0.7  # seconds a frame
    time = np.arange(round(3 * each * rate)) / rate
    loud = (time >= each) & (time < 2 * each)  # the second frame's part alone
    wave = (0.5 * loud * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    video.mp4([flat(0), flat(250), flat(0)], tmp_path / "a.mp4", fps=24, sound=(wave, rate))
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as film:
        seen, heard = film.streams.video[0], film.streams.audio[0]
        assert (heard.codec_context.name, heard.rate, heard.channels) == ("aac", rate, 1)
        for stream in (seen, heard):
            assert float(stream.duration * stream.time_base) == pytest.approx(3 * each, abs=0.02)
        shown = [(f.time, f.to_ndarray(format="gray").mean()) for f in film.decode(seen)]
        film.seek(0)
        samples = np.concatenate([f.to_ndarray()[0] for f in film.decode(heard)])[: len(wave)]
    assert all((level > 120) == (each - 1e-3 < at < 2 * each - 1e-3) for at, level in shown)
    assert len(shown) >= 8 * 3 * each
    power = lambda part: float(np.sqrt((samples[part] ** 2).mean()))
    inside = (time > each + 0.05) & (time < 2 * each - 0.05)
    outside = (time < each - 0.1) | (time > 2 * each + 0.1)
    assert power(inside) == pytest.approx(0.5 / 2**0.5, rel=0.1)
    assert power(outside) < 0.01


@pytest.mark.parametrize("write", [video.gif, video.mp4])
def test_films_refused(write, tmp_path: Path) -> None:
    name = tmp_path / f"a.{write.__name__}"
    for call, words in (
        (lambda: write([], name), "no frames"),
        (lambda: write([flat(0), flat(0, 5, 5)], name), "4x3, 5x5"),
        (lambda: write([flat(0)], name, fps=0), "0 frames a second"),
        (lambda: write([flat(0)], name, fps=1000), "1000 frames a second"),
        (lambda: write([flat(0)], tmp_path / "a.png"), f"ends in .{write.__name__}"),
        (lambda: write([flat(0)], tmp_path / "none" / name.name), "could not write"),
    ):
        with pytest.raises(LiminalError, match=words):
            call()
    assert list(tmp_path.iterdir()) == []
