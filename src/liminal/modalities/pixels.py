"""From a picture file to pixels of 8 bits: the header checked before anything is decoded, every decoder's failure one plain error."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.BmpImagePlugin
import PIL.GifImagePlugin
import PIL.Image
import PIL.JpegImagePlugin
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
import PIL.WebPImagePlugin

from ..errors import LiminalError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # each registered by its import above
MAX_PIXELS = 178_956_970  # Pillow's own bound: a 24-bit picture of half a gigabyte
MAX_SENT = 50_331_648  # of a picture that comes as bytes, through a page: more than cameras give, in seconds
ORIENTATION = 0x0112  # the EXIF tag

_hush = threading.Lock()
_hushed: list[warnings.catch_warnings] = []
_readers = 0


@contextmanager
def opened(source: Path | BinaryIO, name: str) -> Iterator[PIL.Image.Image]:
    """A picture with its header read and its size checked; everything that a decoder may raise becomes one `LiminalError`."""
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
                f"{name}: the picture is cut or damaged ({' '.join(str(error).split()) or type(error).__name__})"
            ) from error


@contextmanager
def _no_warnings() -> Iterator[None]:
    """No warnings from Pillow while any thread of ours reads: the filters are the process's own, so they are set and restored once."""
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


def header(source: Path | BinaryIO, name: str, look: bool) -> tuple[tuple[int, int], int]:
    """Height and width as shown, and the channels that keep everything; only with `look`, and an alpha channel, pixels are read."""
    with opened(source, name) as im:
        turned = (im.format != "PNG" or "exif" in im.info) and orientation(
            im
        ) > 4  # else Pillow would decode a PNG to look behind it
        shape = (im.width, im.height) if turned else (im.height, im.width)
        clear = look and im.has_transparency_data and is_transparent(im.convert("RGBA"))
        return shape, 4 if clear else 1 if is_grey(im) else 3


def orientation(im: PIL.Image.Image) -> int:
    """What is still to be done about a picture's orientation, 1 to 8 as EXIF counts; above 4 width and height change places."""
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


def eight_bits(im: PIL.Image.Image, name: str) -> PIL.Image.Image:
    """The picture decoded, in mode L, RGB or RGBA."""
    if im.mode == "F" or im.mode.startswith("I"):
        return PIL.Image.fromarray(_levels(np.asarray(im), name))
    if im.has_transparency_data:
        return im.convert("RGBA")
    if im.mode in ("L", "RGB"):
        im.load()
        return im
    return im.convert("L" if im.mode == "1" else "RGB")


def _levels(values: np.ndarray, name: str) -> np.ndarray:
    """Numbers as 0..255; the class's docstring says how the scale is chosen."""
    if not np.isfinite(values).all():
        raise LiminalError(f"{name}: the picture holds NaN or infinity")
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "iu"
    if low < 0 or (not whole and high > 255):
        raise LiminalError(
            f"{name}: values from {low:g} to {high:g}; wanted whole numbers, or floats in [0, 1] or [0, 255]"
        )
    if whole:
        scale = 1 / 257 if high < 2**16 else 2.0**-23
    else:
        scale = 255.0 if high <= 1 else 1.0
    return np.rint(np.minimum(values * scale, 255)).astype(np.uint8)
