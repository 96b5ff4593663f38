"""Films: frames to gif and mp4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import files
from ..errors import LiminalError
from .grid import Picture, enlarge, picture

LEAST = 256  # pixels on the longer side; smaller frames are enlarged by a whole factor
SHOWN = 8  # times a second, at least, that a film with sound shows its picture: players skip long frames
SLOWEST = 0.01  # frames a second: a film must be able to write down how long each is shown
SAMPLE = 1_000_000  # pixels that the palette of a gif is chosen from


def gif(frames: Sequence[Picture], path: str | Path, fps: float = 24, least: int = LEAST) -> None:
    """Write a gif that plays for ever, whole or not at all.

    All frames share one palette: every colour exactly where there are 256 or fewer, else the best 256 (median
    cut, then k-means), without dithering, so that still parts stay still. A gif counts time in hundredths of
    a second: 24 frames a second become 25. Equal frames in a row are stored once and shown longer.

    Args:
        frames: PIL images or uint8 arrays, all of one size.
        path: ends in ``.gif``.
        fps: frames a second, from `SLOWEST` to 50 (faster ones are slowed down by viewers).
        least: pixels; smaller frames are enlarged to it by a whole factor.

    Raises:
        LiminalError: no frames, sizes differ, fps is out of range, or the file cannot be written.
    """
    pictures = _frames(frames, path, ".gif", fps, 50)
    shown = [enlarge(p, least) for p in _indexed(pictures)]
    wait = max(2, round(100 / fps)) * 10
    with files.atomic(path) as part:
        shown[0].save(
            part,
            "GIF",
            save_all=True,
            append_images=shown[1:],
            duration=wait,
            loop=0,
            disposal=1,
            optimize=False,
        )


def mp4(
    frames: Sequence[Picture],
    path: str | Path,
    fps: float = 24,
    least: int = LEAST,
    sound: tuple[np.ndarray, int] | None = None,
) -> None:
    """Write an mp4 (H.264, or MPEG-4 part 2 where that encoder is missing) that players start before they
    have all of it.

    Frames of odd size gain a row or column at the edge, because 4:2:0 colour wants even ones.

    Args:
        frames: PIL images or uint8 arrays, all of one size.
        path: ends in ``.mp4``.
        fps: frames a second, from `SLOWEST` to 240.
        least: pixels; smaller frames are enlarged to it by a whole factor.
        sound: samples within -1 and 1, float32 (m,), and how many a second: an AAC track. The frames are then
            shared out evenly over its length, and `fps` says nothing.

    Raises:
        LiminalError: no frames, sizes differ, fps is out of range, or the film cannot be written.
    """
    import av

    if sound is not None and len(sound[0]):
        fps = len(frames) * sound[1] / len(sound[0])
    pictures = [enlarge(p, least) for p in _frames(frames, path, ".mp4", fps, 240)]
    arrays = [np.asarray(p) for p in pictures]
    arrays = [np.pad(a, ((0, a.shape[0] % 2), (0, a.shape[1] % 2), (0, 0)), mode="edge") for a in arrays]
    h264, again = "libx264" in av.codecs_available, 1 if sound is None else math.ceil(SHOWN / fps)
    with files.atomic(path) as part:
        try:
            with av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as film:
                stream = film.add_stream(
                    "libx264" if h264 else "mpeg4", rate=again * Fraction(fps).limit_denominator(1001)
                )
                stream.height, stream.width = arrays[0].shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = (
                    {"crf": "18", "preset": "medium"}
                    if h264
                    else {"qscale": "3", "flags": "+qscale", "global_quality": "354"}
                )
                heard = None if sound is None else film.add_stream("aac", rate=sound[1], layout="mono")
                for array in (array for array in arrays for _ in range(again)):
                    film.mux(stream.encode(av.VideoFrame.from_ndarray(array, "rgb24")))
                film.mux(stream.encode(None))
                if heard is not None and sound is not None:
                    film.mux(heard.encode(_track(*sound)))
                    film.mux(heard.encode(None))
        except av.FFmpegError as error:
            raise LiminalError(
                f"could not write {path}: {error.strerror or error}; nothing was changed there"
            ) from error


def _track(samples: np.ndarray, rate: int) -> Any:
    """Samples (m,) as a frame of sound."""
    import av

    found = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None], "fltp", "mono")
    found.sample_rate, found.pts, found.time_base = rate, 0, Fraction(1, rate)
    return found


def _frames(
    frames: Sequence[Picture], path: str | Path, ending: str, fps: float, most: int
) -> list[Image.Image]:
    if Path(path).suffix.lower() != ending:
        raise LiminalError(f"save {path}: wanted a name that ends in {ending}")
    if not len(frames):
        raise LiminalError(f"save {path}: no frames; wanted 1 or more")
    if not SLOWEST <= fps <= most:
        raise LiminalError(f"save {path}: {fps:g} frames a second; wanted {SLOWEST:g} to {most}")
    pictures = [picture(f) for f in frames]
    sizes = {p.size for p in pictures}
    if len(sizes) > 1:
        shown = ", ".join(f"{w}x{h}" for w, h in sorted(sizes)[:3])
        raise LiminalError(f"save {path}: frames of one size wanted, got {shown}")
    return pictures


def _indexed(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """The pictures with one palette of 256 colours between them."""
    codes = [_codes(p) for p in pictures]
    seen = np.zeros(1 << 24, bool)
    for code in codes:
        seen[code] = True
    colours = np.flatnonzero(seen)
    palette = _rgb(colours) if len(colours) <= 256 else _palette(codes)
    nearest = np.zeros(1 << 24, np.uint8)
    nearest[colours] = _nearest(_rgb(colours), palette)
    flat = palette.tobytes() + bytes(3 * (256 - len(palette)))
    shown = []
    for code in codes:
        image = Image.fromarray(nearest[code])
        image.putpalette(flat)
        shown.append(image)
    return shown


def _codes(image: Image.Image) -> np.ndarray:
    rgb = np.asarray(image).astype(np.int32)
    return rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]


def _rgb(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], 1).astype(np.uint8)


def _nearest(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """For each of the colours (n, 3) the row of the palette (k, 3) that is nearest."""
    from scipy.spatial import cKDTree  # a third of a second to load, that drawing a grid need not wait for

    return cKDTree(palette).query(colours)[1]  # type: ignore[no-any-return]


def _palette(codes: Sequence[np.ndarray]) -> np.ndarray:
    """The best 256 colours (256, 3) of pictures: median cut on a sample of the pixels, then k-means over the
    distinct colours.
    """
    pixels = np.concatenate([c.ravel() for c in codes])
    pixels = pixels[:: -(-len(pixels) // SAMPLE)]
    colours, counts = np.unique(pixels, return_counts=True)
    cut = Image.fromarray(_rgb(colours)[None]).quantize(
        256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    centres = np.array(cut.getpalette(), float).reshape(-1, 3)
    rgb, weight = (
        _rgb(colours).astype(float),
        np.sqrt(counts),
    )  # the root keeps rare colours, such as a highlight in a few frames
    for _ in range(6):
        nearest = _nearest(rgb, centres)
        total = np.bincount(nearest, weight, len(centres))
        sums = np.stack([np.bincount(nearest, weight * rgb[:, c], len(centres)) for c in range(3)], 1)
        centres = np.where(total[:, None] > 0, sums / np.maximum(total, 1)[:, None], centres)
    return centres.round().astype(np.uint8)
