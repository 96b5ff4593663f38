"""Pictures: grey, RGB or RGBA, 8 bits a channel, all of one size.

A stored item is uint8 (h, w, c); networks see x = item / 255, float32 (c, h, w) in [0, 1].
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from .. import files
from ..errors import LiminalError
from . import Modality
from .pixels import depth, eight_bits, header, is_grey, is_transparent, opened, orientation

# pictures with more pixels are decoded one at a time, so that several threads keep to bounded memory
LARGE = 2**25
SAMPLE = 64  # files whose headers tell the size and the channels
FITS = ("pad", "crop", "stretch")
WRITES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
KINDS = {1: "grey", 3: "RGB", 4: "RGBA"}
_TURNS = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}

_large = threading.Lock()


class Image(Modality):
    """Pictures of one size and one number of channels.

    Args:
        height: in pixels.
        width: in pixels.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA).
        fit: how a picture of another shape is brought to size: ``"pad"`` shrinks or enlarges it to fit and fills the rest with the
            median colour of its border, ``"crop"`` fills the size and cuts what hangs over, ``"stretch"`` ignores its proportions.

    Reading: the EXIF orientation is applied; of an animation the first frame counts; transparent pictures are laid over white unless
    the space has 4 channels; 16-bit pictures are divided by 257; 32-bit whole numbers likewise where they stay below 65,536, else they
    are divided by 2^23; floats are taken as [0, 1] if they lie there, else as [0, 255].
    """

    name = "image"
    plural = "pictures"
    endings = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
    save_as = ".png"
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)

    def __init__(self, height: int, width: int, channels: int = 3, fit: str = "pad") -> None:
        if min(height, width) < 1 or max(height, width) > 4096:
            raise LiminalError(f"image of {height} x {width} pixels: wanted 1 to 4096 on each side")
        if channels not in MODES:
            raise LiminalError(f"image with {channels} channels: wanted 1 (grey), 3 (RGB) or 4 (RGBA)")
        if fit not in FITS:
            raise LiminalError(f"fit {fit!r}: wanted pad, crop or stretch")
        self.height, self.width, self.channels, self.fit = height, width, channels, fit
        self.item_shape = (height, width, channels)
        self.shape = (channels, height, width)

    def __repr__(self) -> str:
        return f"Image({self.height}, {self.width}, {self.channels}, {self.fit!r})"

    @classmethod
    def infer(
        cls,
        paths: Sequence[Path | BinaryIO],
        *,
        size: int | None = None,
        fit: str = "pad",
        channels: int | None = None,
        height: int | None = None,
        width: int | None = None,
        **options: Any,
    ) -> Image:
        """The modality that suits these pictures, from the headers of up to 64 of them.

        Args:
            paths: files, or open binary files.
            size: side of the (square) pictures, 8 to 256; None takes the pictures' own size if it is one and at most 64, else the
                longest side but at most 64.
            fit: see the class.
            channels: 1, 3 or 4; None takes 1 if all are grey, 4 if any is transparent somewhere, else 3.
            height, width: exactly these, instead of `size`.
            options: none is known.

        Returns:
            The modality.

        Raises:
            LiminalError: none can be read, or an option is out of range.
        """
        if options:
            raise LiminalError(f"pictures have no option {sorted(options)[0]!r}; known: size, fit, channels")
        if height and width and channels:
            return cls(height, width, channels, fit)
        step = max(1, len(paths) // SAMPLE)
        order = [*range(0, len(paths), step), *(i for i in range(len(paths)) if i % step)]
        shapes: list[tuple[int, int]] = []
        seen: set[int] = set()
        first: LiminalError | None = None
        for i in order:
            source = paths[i]
            try:
                shape, depth = header(
                    source,
                    str(source) if isinstance(source, Path) else f"picture {i}",
                    channels is None and 4 not in seen,
                )
                shapes.append(shape)
                seen.add(depth)
            except LiminalError as error:
                first = first or error
            if len(shapes) == SAMPLE:
                break
        if not shapes:
            if len(paths) == 1 and first:
                raise first
            raise LiminalError(
                f"none of {len(paths)} pictures can be read" + (f"; the first: {first}" if first else "")
            )
        h, w = (height, width) if height and width else cls.choose_size(shapes, size)
        return cls(h, w, max(seen) if channels is None else channels, fit)

    @staticmethod
    def choose_size(shapes: Sequence[tuple[int, int]], size: int | None) -> tuple[int, int]:
        """Height and width for pictures of these heights and widths: `size` squared, or see `infer`.

        Raises:
            LiminalError: `size` is not from 8 to 256.
        """
        if size is not None:
            if not 8 <= size <= 256:
                raise LiminalError(f"size {size}: wanted 8 to 256 pixels")
            return size, size
        h, w = shapes[0]
        if len(set(shapes)) == 1 and max(h, w) <= 64 and min(h, w) >= 8:
            return h, w
        side = max(8, min(64, max(max(s) for s in shapes)))
        return side, side

    def config(self) -> dict[str, Any]:
        return {"height": self.height, "width": self.width, "channels": self.channels, "fit": self.fit}

    def read(self, path: Path) -> np.ndarray:
        return self.load(path, str(path))[0]

    def load(self, source: Path | BinaryIO, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        with opened(source, name) as im, _large if im.width * im.height > LARGE else nullcontext():
            remarks = []
            if getattr(im, "is_animated", False):
                remarks.append("read from the first of several frames")
            bits, colour, turn = depth(im), not is_grey(im), orientation(im)
            self._draft(im, swapped=turn > 4)
            plain = eight_bits(im, name)
            if bits > 8:
                remarks.append(f"scaled from {bits} to 8 bits")
            if turn > 1:
                plain = plain.transpose(_TURNS[turn])
            fitted, remark = self.fitted(plain)
            remarks += remark
            if colour and self.channels == 1:
                remarks.append("turned from colour to grey")
            elif not colour and self.channels > 1:
                remarks.append(f"turned from grey to {KINDS[self.channels]}")
            return np.asarray(fitted, dtype=np.uint8).reshape(self.item_shape), tuple(remarks)

    def fitted(self, im: PIL.Image.Image) -> tuple[PIL.Image.Image, list[str]]:
        """A picture in mode L, RGB or RGBA brought to this size and these channels, and remarks on what that took.

        Shrinking uses Lanczos' filter after a box reduction, enlarging a cubic one; transparent colours are weighted by their alpha.
        """
        remarks = []
        target = (self.width, self.height)
        if im.size != target:
            im, remark = self._resized(im)
            remarks.append(remark)
        if im.mode == "RGBA" and self.channels < 4:
            if is_transparent(im):
                remarks.append("laid over white because they are transparent")
            im = _over_white(im)
        im = im.convert(MODES[self.channels])
        if im.size != target:
            canvas = PIL.Image.new(im.mode, target, _border_colour(im))
            canvas.paste(im, ((self.width - im.width) // 2, (self.height - im.height) // 2))
            im = canvas
        return im, remarks

    def _resized(self, im: PIL.Image.Image) -> tuple[PIL.Image.Image, str]:
        """The picture at its final scale; only with fit="pad" it may still be smaller than the space's on one side."""
        w, h = im.size
        width, height = self.width, self.height
        how, box = "stretched", None
        scale = (max if self.fit == "crop" else min)(width / w, height / h)
        if self.fit == "pad":
            width, height = (
                min(full, max(1, round(side * scale))) for side, full in ((w, width), (h, height))
            )
            how = "resized" if (width, height) == (self.width, self.height) else "padded"
        elif self.fit == "crop":
            left, top = (w - width / scale) / 2, (h - height / scale) / 2
            box = (max(0.0, left), max(0.0, top), min(w, w - left), min(h, h - top))
            how = "resized" if max(left, top) < 0.5 else "cropped"
        elif (round(w * scale), round(h * scale)) == (width, height):
            how = "resized"
        smooth = PIL.Image.Resampling.LANCZOS if w * h > width * height else PIL.Image.Resampling.BICUBIC
        return im.resize(
            (width, height), smooth, box, reducing_gap=3.0
        ), f"{how} to {self.height} x {self.width}"

    def _draft(self, im: PIL.Image.Image, swapped: bool) -> None:
        """Let a JPEG decode at 1/2, 1/4 or 1/8 where that keeps twice the size that is wanted."""
        if im.format not in ("JPEG", "MPO"):
            return
        width, height = (self.height, self.width) if swapped else (self.width, self.height)
        ratios = (width / im.width, height / im.height)
        scale = min(ratios) if self.fit == "pad" else max(ratios)
        im.draft(
            "L" if self.channels == 1 else im.mode,
            (max(1, round(2 * scale * im.width)), max(1, round(2 * scale * im.height))),
        )

    def write(self, item: np.ndarray, path: Path) -> None:
        ending = path.suffix.lower()
        if ending not in WRITES:
            raise LiminalError(f"cannot write a picture to {path}: wanted an ending of {', '.join(WRITES)}")
        if not path.absolute().parent.is_dir():
            raise LiminalError(
                f"cannot write {path}: the folder {path.absolute().parent} does not exist; make it first"
            )
        im = self._picture(item)
        if ending in (".jpg", ".jpeg", ".bmp") and im.mode == "RGBA":
            im = _over_white(im)
        options: dict[str, Any] = {"lossless": True, "exact": True} if ending == ".webp" else {}
        if ending in (".jpg", ".jpeg"):
            options = {"quality": 95, "subsampling": 0}
        with files.atomic(path) as part:
            im.save(part, **options)

    def tensor(self, items: np.ndarray) -> Tensor:
        if tuple(items.shape[1:]) != self.item_shape:
            raise LiminalError(
                f"pictures: wanted items of shape (n, {', '.join(map(str, self.item_shape))}), got {tuple(items.shape)}"
            )
        x = torch.empty((len(items), *self.shape), dtype=torch.float32)
        np.divide(items.transpose(0, 3, 1, 2), np.float32(255), out=x.numpy())
        return x

    def items(self, x: Tensor) -> np.ndarray:
        if tuple(x.shape[1:]) != self.shape:
            raise LiminalError(
                f"pictures: wanted tensors of shape (n, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}"
            )
        x = x.detach().to("cpu", torch.float32)
        if bool(x.isnan().any()):
            raise LiminalError("pictures: the tensor holds NaN; wanted numbers in [0, 1]")
        levels = (x.clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(levels.permute(0, 2, 3, 1).numpy())

    def pack(self, item: np.ndarray) -> bytes:
        """Lossless WebP: a quarter smaller than PNG on photographs in half the time, and a tenth smaller on small grey pictures."""
        effort = {"quality": 30, "method": 2} if self.channels == 1 else {"quality": 0, "method": 0}
        data = io.BytesIO()
        self._picture(item).save(data, "WEBP", lossless=True, exact=True, **effort)
        return data.getvalue()

    def unpack(self, data: bytes) -> np.ndarray:
        with opened(io.BytesIO(data), "picture in the catalogue") as im:
            if im.size != (self.width, self.height):
                raise LiminalError(
                    f"picture in the catalogue: wanted {self.height} x {self.width} pixels, got {im.height} x {im.width}"
                )
            return np.array(im.convert(MODES[self.channels])).reshape(self.item_shape)

    def preview(self, item: np.ndarray, size: int) -> PIL.Image.Image:
        im = self._picture(item)
        im = _over_white(im) if im.mode == "RGBA" else im.convert("RGB")
        longest = max(im.size)
        if longest > size:
            return im.resize(
                [max(1, round(side * size / longest)) for side in im.size], PIL.Image.Resampling.LANCZOS
            )
        times = size // longest
        return (
            im.resize([side * times for side in im.size], PIL.Image.Resampling.NEAREST) if times > 1 else im
        )

    def bits(self) -> float:
        return 8.0 * self.height * self.width * self.channels

    def _picture(self, item: np.ndarray) -> PIL.Image.Image:
        if item.shape != self.item_shape or item.dtype != np.uint8:
            raise LiminalError(
                f"picture: wanted a uint8 item of shape {self.item_shape}, got {item.dtype} {item.shape}"
            )
        return PIL.Image.fromarray(np.ascontiguousarray(item[..., 0] if self.channels == 1 else item))


def _over_white(im: PIL.Image.Image) -> PIL.Image.Image:
    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", im.size, "white"), im).convert("RGB")


def _border_colour(im: PIL.Image.Image) -> Any:
    """The median of each channel along the picture's border."""
    a = np.asarray(im).reshape(im.height, im.width, -1)
    ring = np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]])
    middle = np.sort(ring, axis=0)[len(ring) // 2]
    return int(middle[0]) if len(middle) == 1 else tuple(int(v) for v in middle)
