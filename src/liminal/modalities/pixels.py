"""From a picture file to pixels of 8 bits: the header is checked before anything is decoded, and every
failure of a decoder becomes one plain error.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import PIL.BmpImagePlugin
import PIL.GifImagePlugin
import PIL.Image
import PIL.JpegImagePlugin
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
import PIL.WebPImagePlugin

from ..errors import LiminalError
from .levels import DIM, Levels, Numbers, beyond, choose, clipped, foreign, scaled, told

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # each registered by its import above
MAX_PIXELS = 178_956_970  # Pillow's own bound: a 24-bit picture of half a gigabyte
MAX_SENT = 50_331_648  # of a picture that comes as bytes, through a page: more than cameras give, in seconds
ORIENTATION = 0x0112  # the EXIF tag
SAMPLE = 64  # files that tell the size
LOOKS = 256  # files whose pixels are all looked at; then as many more, spread over the set
JPEG = (".jpg", ".jpeg", ".jfif")

_hush = threading.Lock()
_hushed: list[warnings.catch_warnings] = []
_readers = 0


@contextmanager
def opened(source: Path | BinaryIO, name: str) -> Iterator[PIL.Image.Image]:
    """A picture with its header read and its size checked; everything that a decoder may raise becomes one
    `LiminalError`.
    """
    most = MAX_PIXELS if isinstance(source, Path) else MAX_SENT
    with _no_warnings():
        try:
            with PIL.Image.open(source, formats=FORMATS) as im:
                if im.width * im.height > most:
                    raise PIL.Image.DecompressionBombError
                if not im.width * im.height:
                    raise LiminalError(f"{name}: the picture has no pixels ({im.height} x {im.width})")
                yield im
        except LiminalError:
            raise
        except PIL.Image.DecompressionBombError as error:
            raise LiminalError(
                f"{name}: more than {most:,} pixels, which is not decoded; make the picture smaller first"
            ) from error
        except FileNotFoundError as error:
            raise LiminalError(f"{name}: there is no such file") from error
        except PIL.UnidentifiedImageError as error:
            empty = isinstance(source, Path) and source.stat().st_size == 0
            reason = (
                "the file is empty"
                if empty
                else "not a picture that can be read (PNG, JPEG, WebP, GIF, BMP, TIFF)"
            )
            raise LiminalError(f"{name}: {reason}") from error
        except Exception as error:  # a cut or damaged file can make a decoder raise anything
            raise LiminalError(
                f"{name}: the picture is cut or damaged "
                f"({' '.join(str(error).split()) or type(error).__name__})"
            ) from error


@contextmanager
def _no_warnings() -> Iterator[None]:
    """No warnings from Pillow while any thread of ours reads: the filters are the process's own, so they are
    set and restored once.
    """
    global _readers
    with _hush:
        _readers += 1
        if _readers == 1:
            _hushed.append(warnings.catch_warnings())
            _hushed[0].__enter__()
            warnings.simplefilter("ignore")
    try:
        yield
    finally:
        with _hush:
            _readers -= 1
            if not _readers:
                _hushed.pop().__exit__(None, None, None)


class Inputs(Protocol):
    """Files, or open binary files, gone through once and in order; how many is known."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Path | BinaryIO]: ...


class Seen(NamedTuple):
    """What a look at a picture tells.

    Attributes:
        shape: height and width as shown.
        channels: that keep everything.
        bits: of one channel, at least 8.
        alpha: whether it can be transparent.
        numbers: the range of more than 8 bits, or of 8 bits, where it was asked for and all are finite.
    """

    shape: tuple[int, int]
    channels: int
    bits: int
    alpha: bool
    numbers: Numbers | None


def look(source: Path | BinaryIO, name: str, alpha: bool, numbers: bool, dim: bool = False) -> Seen:
    """A picture's header; pixels are read only with `alpha` and an alpha channel, with `numbers` and more
    than 8 bits, or with `dim` and 8 bits.
    """
    with opened(source, name) as im:
        bits = depth(im)
        channels, found = 1 if is_grey(im) else 3, None
        if numbers and bits > 8 and (values := deep(im, source, name)) is not None:
            found = Numbers()
            found = found if found.add(values[..., :3] if values.ndim == 3 else values) else None
        turned = (im.format != "PNG" or "exif" in im.info) and orientation(
            im
        ) > 4  # else Pillow would decode a PNG to look behind it
        shape = (im.width, im.height) if turned else (im.height, im.width)
        can = im.has_transparency_data
        if alpha and can and is_transparent(im.convert("RGBA")):
            channels = 4
        if dim and bits == 8:
            with suppress(Exception):  # cut pixels: whoever reads them says so
                shades = np.asarray(im.convert("L" if is_grey(im) else "RGB"))
                found = Numbers()
                found.add(shades)
        return Seen(shape, channels, bits, can, found)


def survey(sources: Inputs, alpha: bool, numbers: bool) -> list[Seen]:
    """All headers, but for those that cannot tell anything new, and the pixels of some files; first a sample
    of the set.

    Raises:
        LiminalError: no file can be read.
    """
    sample: list[Seen] = []
    others: list[Seen] = []
    first: LiminalError | None = None
    colour, clear, looks, deep, plain = not alpha, False, 0, 0, 0
    dim = numbers  # all so far are of 8 bits, and so dark that those can be no shades
    step, every = max(1, len(sources) // SAMPLE), -(-len(sources) // LOOKS)
    for i, source in enumerate(sources):
        if colour and not dim and i % step and isinstance(source, Path) and source.suffix.lower() in JPEG:
            continue  # of 8 bits and never transparent
        name = str(source) if isinstance(source, Path) else f"picture {i}"
        alpha_too = alpha and not clear and (looks < LOOKS or i % every == 0)
        try:
            dim_too = dim and (plain < LOOKS or i % every == 0)
            found = look(source, name, alpha_too, numbers and (deep < LOOKS or i % every == 0), dim_too)
        except LiminalError as error:
            first = first or error
            continue
        (others if i % step else sample).append(found)
        colour |= found.channels > 1
        clear |= found.channels == 4
        looks += found.alpha
        deep += found.bits > 8
        plain += found.bits == 8
        dim &= found.bits == 8 and not found.alpha and (found.numbers is None or found.numbers.high < DIM)
    if sample or others:
        return sample + others
    if len(sources) == 1 and first:
        raise first
    raise LiminalError(
        f"none of {len(sources)} pictures can be read" + (f"; the first: {first}" if first else "")
    )


def levels_of(seen: Sequence[Seen]) -> Levels | None:
    """One scale for all pictures of more than 8 bits, or None where the usual one of each does as well or
    better.

    Pictures of 8 bits have one too where all are opaque and below 32, such as masks of 0 and 1.
    """
    whole, floats = Numbers(True), Numbers(False)
    if all(one.bits == 8 for one in seen):
        for one in seen:
            whole.merge(one.numbers or Numbers())
        dim = 0 < whole.high < DIM and not any(one.alpha for one in seen)
        return choose(whole, "pictures") if dim else None
    for one in seen:
        if one.numbers and one.bits > 8:
            (whole if one.numbers.whole else floats).merge(one.numbers)
    scales = [choose(n, "pictures") for n in (whole, floats) if n.high >= n.low]
    if len(set(scales)) != 1:
        return None  # none, or whole numbers and floats that no one scale suits
    mixed = any(one.bits == 8 for one in seen)
    return None if mixed and all(one.bits <= 16 for one in seen) and scales[0] == (0, 65535) else scales[0]


def orientation(im: PIL.Image.Image) -> int:
    """What is still to be done about a picture's orientation, 1 to 8 as EXIF counts; above 4 width and height
    change places.
    """
    if im.format == "TIFF":
        return 1  # Pillow turns these itself
    turn = im.getexif().get(ORIENTATION, 1)
    return turn if turn in range(1, 9) else 1


def is_transparent(im: PIL.Image.Image) -> bool:
    """Whether any pixel of an RGBA picture is not opaque."""
    return im.getchannel("A").getextrema() != (255, 255)


def is_grey(im: PIL.Image.Image) -> bool:
    """Whether a picture's mode, or its palette, holds greys only."""
    if im.mode != "P" or im.palette is None:
        return im.mode in ("L", "LA", "1", "F") or im.mode.startswith("I")
    colours = np.array(im.getpalette("RGB")).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def depth(im: PIL.Image.Image) -> int:
    """Bits of one channel as the file holds them, at least 8; to be asked before anything is decoded."""
    raw = [tile[3] if isinstance(tile[3], str) else tile[3][0] for tile in getattr(im, "tile", ()) if tile[3]]
    if im.mode.startswith("I;16") or (im.format in ("PNG", "TIFF") and any(";16" in str(r) for r in raw)):
        return 16
    return 32 if im.mode in ("I", "F") else 8


def deep(im: PIL.Image.Image, source: Path | BinaryIO, name: str) -> np.ndarray | None:
    """The numbers of a picture of more than 8 bits, (h, w) or (h, w, c); None where they cannot be had.

    Pillow keeps the upper byte of 16-bit colour only. Read in the other byte order it keeps the lower one.
    """
    raw = {tile[3] if isinstance(tile[3], str) else tile[3][0] for tile in getattr(im, "tile", ()) if tile[3]}
    if im.mode == "F" or im.mode.startswith("I"):
        return np.asarray(im)
    if im.mode not in ("RGB", "RGBA") or not raw <= {f"{im.mode};16{order}" for order in "BLN"}:
        return None
    upper = np.asarray(im).astype(np.uint16)
    with opened(source, name) as again:
        again.tile = [tile._replace(args=_swapped(tile.args)) for tile in again.tile]  # type: ignore[attr-defined]
        return upper * 256 + np.asarray(again)


def _swapped(args: Any) -> Any:
    """A decoder's arguments with the raw mode, alone or the first of them, in the other byte order."""
    if isinstance(args, tuple):
        return (_swapped(args[0]), *args[1:])
    big = args.endswith("B") or (args.endswith("N") and sys.byteorder == "big")
    return args[:-1] + ("L" if big else "B")


def eight_bits(
    im: PIL.Image.Image, source: Path | BinaryIO, name: str, levels: Levels | None
) -> tuple[PIL.Image.Image, list[str]]:
    """The picture decoded, in mode L, RGB or RGBA, and remarks on its scale; `Image` says what `levels`
    do.
    """
    bits = depth(im)
    if bits == 8 and levels and levels[1] < DIM and not im.has_transparency_data:
        plain = np.asarray(im.convert("L" if is_grey(im) else "RGB"))
        if plain.max() <= 2 * levels[1]:  # brighter ones have the usual scale, as Liminal writes them
            return _by_levels(im, plain, bits, name, levels)
    grey = im.mode == "F" or im.mode.startswith("I")
    if grey or (bits > 8 and levels not in (None, (0, 65535))):
        values = deep(im, source, name)
        if values is not None:
            return _by_levels(im, values, bits, name, levels)
    remarks = [f"scaled from {bits} to 8 bits"] if bits > 8 else []
    if im.has_transparency_data:
        return im.convert("RGBA"), remarks
    if im.mode in ("L", "RGB"):
        im.load()
        return im, remarks
    return im.convert("L" if im.mode == "1" else "RGB"), remarks


def _by_levels(
    im: PIL.Image.Image, values: np.ndarray, bits: int, name: str, levels: Levels | None
) -> tuple[PIL.Image.Image, list[str]]:
    """A picture of more than 8 bits from its numbers."""
    colours = values[..., :3] if values.ndim == 3 else values
    numbers = Numbers()
    if not numbers.add(colours):
        raise LiminalError(f"{name}: the picture holds NaN or infinity")
    if levels and foreign(numbers, levels):
        levels = None
    usual = levels is None and numbers.whole and numbers.low >= 0
    levels = levels or _usual(numbers, name)
    what = f"scaled from {bits} to 8 bits" if bits > 8 else "brightened"
    remarks = [what + ("" if usual else f": {told(levels)}")]
    if beyond(colours, levels):
        remarks.append(clipped(levels))
    plain = PIL.Image.fromarray(scaled(colours, levels))
    if im.has_transparency_data and colours.ndim == 3:
        plain.putalpha(im.convert("RGBA").getchannel("A"))
    return plain, remarks


def _usual(numbers: Numbers, name: str) -> Levels:
    """Black and white of one picture whose set tells nothing: the full scale of 16 or 31 bits, or of
    floats.
    """
    if numbers.whole and numbers.low >= 0:
        return 0.0, 65535.0 if numbers.high < 2**16 else 2.0**31
    return choose(numbers, name)
