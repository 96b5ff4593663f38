"""Pictures: grey, RGB or RGBA, 8 bits a channel, all of one size.

A stored item is uint8 (h, w, c); networks see x = item / 255, float32 (c, h, w) in [0, 1].
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np
import PIL.Image

from .. import files
from ..errors import LiminalError
from . import Modality, Option, Read, Record, Score, regions
from .levels import DIM, parse
from .pixels import (
    SAMPLE,
    Inputs,
    eight_bits,
    is_grey,
    is_transparent,
    levels_of,
    opened,
    orientation,
    survey,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .likelihoods import Gaussian

# pictures with more pixels are decoded one at a time, so that several threads keep to bounded memory
LARGE = 2**25
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
        fit: how a picture of another shape is brought to size: ``"pad"`` shrinks or enlarges it to fit and
            fills the rest with the median colour of its border, ``"crop"`` fills the size and cuts what hangs
            over, ``"stretch"`` ignores its proportions.
        levels: the numbers (low, high) that are black and white in pictures of more than 8 bits, in
            arrays, and, where white is below 32, in pictures of 8 bits that stay below twice that; what lies
            beyond is clipped. None where the pictures have 8 bits, which are taken
            as they are; should others come, 16-bit pictures are then divided by 257, 32-bit whole numbers
            likewise where they stay below 65,536, else by 2^23, and floats as `levels.choose` finds for each.

    Reading: the EXIF orientation is applied; of an animation the first frame counts; transparent pictures are
    laid over white unless the space has 4 channels.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "image"
    noun = "picture"
    plural = "pictures"
    network = "conv"
    arrays = True
    version = 2
    writes = WRITES
    options = (
        Option("size", int, "PIXELS", "Side of the pictures; default: their own, at most 64."),
        Option("fit", str, "HOW", "pad, crop or stretch pictures of another shape."),
        Option("range", str, "LOW:HIGH", "The numbers that are black and white: 0:4095."),
    )
    scores = Modality.scores | {
        "psnr": Score("dB", "higher", "the same in decibels: 20 is blurred, 30 is good, 40 is nearly exact"),
        "ssim": Score("", "higher", "likeness of structure, 1 for the same picture"),
    }
    steps: ClassVar[dict[str, tuple[str, str]]] = {
        "brightness": ("brighter", "darker"),
        "contrast": ("more contrast", "less contrast"),
        "size": ("larger", "smaller"),
        "centre_x": ("further right", "further left"),
        "centre_y": ("lower in the picture", "higher in the picture"),
        "spread": ("wider", "narrower"),
        "upright": ("more upright", "more lying"),
        "slant": ("falling to the right", "rising to the right"),
        "red_green": ("redder", "greener"),
        "blue_yellow": ("bluer", "yellower"),
        "colourful": ("more colourful", "greyer"),
    }
    reads = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)

    def __init__(
        self,
        height: int,
        width: int,
        channels: int = 3,
        fit: str = "pad",
        levels: Sequence[float] | None = None,
    ) -> None:
        if min(height, width) < 1 or max(height, width) > 4096:
            raise LiminalError(f"image of {height} x {width} pixels: wanted 1 to 4096 on each side")
        if channels not in MODES:
            raise LiminalError(f"image with {channels} channels: wanted 1 (grey), 3 (RGB) or 4 (RGBA)")
        if fit not in FITS:
            raise LiminalError(f"fit {fit!r}: wanted pad, crop or stretch")
        self.height, self.width, self.channels, self.fit = height, width, channels, fit
        self.levels = None if levels is None else parse(levels)
        self.item_shape = (height, width, channels)

    def __repr__(self) -> str:
        scale = f", levels={self.levels}" if self.levels else ""
        return f"Image({self.height}, {self.width}, {self.channels}, {self.fit!r}{scale})"

    @classmethod
    def infer(
        cls,
        sources: Inputs,
        *,
        size: int | None = None,
        fit: str = "pad",
        channels: int | None = None,
        height: int | None = None,
        width: int | None = None,
        levels: Sequence[float] | None = None,
        range: str | Sequence[float] | None = None,
        **options: Any,
    ) -> Image:
        """The modality that suits these pictures, from the headers of all that can tell something new.

        Where some have more than 8 bits, or all are so dark that 8 bits cannot be their scale, the numbers of
        up to 512 of them, spread over the set, tell the levels (see `levels`).

        Args:
            sources: files, or open binary files.
            size: side of the (square) pictures, 8 to 256; None takes the pictures' own size if it is one and
                at most 64, else the longest side but at most 64; from 64 pictures spread over the set.
            fit: see the class.
            channels: 1, 3 or 4; None takes 1 if all are grey, 4 if any is transparent somewhere (of many
                with an alpha channel 256 and a sample of the others are looked at), else 3.
            height, width: exactly these, instead of `size`.
            levels: as the class has them, not to be found.
            range: the same as words, ``"0:4095"``, or a pair; for pictures of 8 bits only where all are
                below 32, and then a white below 32, or 0 to 255.
            options: none is known.

        Returns:
            The modality.

        Raises:
            LiminalError: none can be read, an option is out of range, the numbers fit no scale, or
                `range` is given for pictures of 8 bits that are taken as they are.
        """
        if options:
            raise LiminalError(
                f"pictures have no option {sorted(options)[0]!r}; known: size, fit, channels, range"
            )
        if height and width and channels and range is None:
            return cls(height, width, channels, fit, levels)
        known = levels if range is None else parse(range)
        seen = survey(sources, channels is None, levels is None)
        shapes = [s.shape for s in seen[:SAMPLE]]
        if known and range is not None and all(s.bits == 8 for s in seen):
            if levels_of(seen) is None:
                raise LiminalError(
                    f"range {range!r}: pictures of 8 bits are taken as they are, and all of these are such; "
                    "leave it out"
                )
            if known[1] >= DIM and known != (0, 255):
                raise LiminalError(
                    f"range {range!r}: all of these pictures have 8 bits and stay below {DIM}; wanted a "
                    "white below that, or 0:255 to take them as they are"
                )
        h, w = (height, width) if height and width else cls.choose_size(shapes, size)
        return cls(
            h,
            w,
            max(s.channels for s in seen) if channels is None else channels,
            fit,
            known or levels_of(seen),
        )

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
        told: dict[str, Any] = {"height": self.height, "width": self.width, "channels": self.channels}
        told["fit"] = self.fit
        return told if self.levels is None else {**told, "levels": list(self.levels)}

    def records(self, source: Path | BinaryIO, name: str) -> Iterator[Record]:
        yield Record(*self._picture_in(source, name))

    def _picture_in(self, source: Path | BinaryIO, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        with opened(source, name) as im, _large if im.width * im.height > LARGE else nullcontext():
            remarks = []
            if getattr(im, "is_animated", False):
                remarks.append("read from the first of several frames")
            colour = not is_grey(im)
            self._draft(im)
            plain, said = eight_bits(im, source, name, self.levels)
            remarks += said
            turn = orientation(im)  # of a PNG only now: it decodes the picture
            if turn > 1:
                plain = plain.transpose(_TURNS[turn])
            fitted, remark = self.sized(plain)
            remarks += remark
            if colour and self.channels == 1:
                remarks.append("turned from colour to grey")
            elif not colour and self.channels > 1:
                remarks.append(f"turned from grey to {KINDS[self.channels]}")
            return np.asarray(fitted, dtype=np.uint8).reshape(self.item_shape), tuple(remarks)

    def sized(self, im: PIL.Image.Image) -> tuple[PIL.Image.Image, list[str]]:
        """A picture in mode L, RGB or RGBA brought to this size and these channels, and remarks on what that
        took.

        Shrinking uses Lanczos' filter after a box reduction, enlarging a cubic one; transparent colours are
        weighted by their alpha.
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
        """The picture at its final scale; only with fit="pad" it may still be smaller than the space's on one
        side.
        """
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

    def _draft(self, im: PIL.Image.Image) -> None:
        """Let a JPEG decode at 1/2, 1/4 or 1/8 where that keeps twice the size that is wanted."""
        if im.format not in ("JPEG", "MPO"):
            return
        width, height = (self.height, self.width) if orientation(im) > 4 else (self.width, self.height)
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

    @cached_property
    def likelihood(self) -> Gaussian:
        from .likelihoods import Gaussian

        return Gaussian((self.channels, self.height, self.width))

    def tensor(self, items: np.ndarray) -> Tensor:
        import torch

        if tuple(items.shape[1:]) != self.item_shape:
            wanted = ", ".join(map(str, self.item_shape))
            raise LiminalError(f"pictures: wanted items of shape (n, {wanted}), got {tuple(items.shape)}")
        x = torch.empty((len(items), *self.shape), dtype=torch.float32)
        np.divide(items.transpose(0, 3, 1, 2), np.float32(255), out=x.numpy())
        return x

    def items(self, y: Tensor) -> np.ndarray:
        import torch

        if tuple(y.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise LiminalError(f"pictures: wanted tensors of shape (n, {wanted}), got {tuple(y.shape)}")
        y = y.detach().to("cpu", torch.float32)
        if bool(y.isnan().any()):
            raise LiminalError("pictures: the tensor holds NaN; wanted numbers in [0, 1]")
        levels = (y.clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(levels.permute(0, 2, 3, 1).numpy())

    @property
    def parts(self) -> dict[str, str]:
        return regions.PARTS

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """See `regions.region`."""
        import torch

        channels, height, width = self.shape
        gone = torch.from_numpy(~regions.region(name, height, width))
        return items, gone.expand(len(items), channels, -1, -1)

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """MSE, PSNR and SSIM of what is seen: values cut to [0, 1]."""
        from . import similarity

        y = y.clamp(0, 1)
        found = {"mse": similarity.mse(x, y), "psnr": similarity.psnr(x, y)}
        return found | {"ssim": similarity.ssim(x, y)} if min(x.shape[2:]) > 1 else found

    def augment(self, y: Tensor, draw: torch.Generator) -> Tensor:
        """Blur (3 x 3 binomial) and white noise of a strength drawn for each picture: decoders give soft
        ones.
        """
        from .similarity import softened

        return softened(y, draw)

    @cached_property
    def features(self) -> Callable[[Tensor], Tensor]:
        from .filters import RandomFilters

        return RandomFilters(self.channels)

    @cached_property
    def readings(self) -> Read:
        from . import moments

        return moments.readings

    def pack(self, item: np.ndarray) -> bytes:
        """Lossless WebP: a quarter smaller than PNG on photographs in half the time, and a tenth smaller on
        small grey pictures.
        """
        effort = {"quality": 30, "method": 2} if self.channels == 1 else {"quality": 0, "method": 0}
        data = io.BytesIO()
        self._picture(item).save(data, "WEBP", lossless=True, exact=True, **effort)
        return data.getvalue()

    def unpack(self, data: bytes) -> np.ndarray:
        with opened(io.BytesIO(data), "picture in the catalogue") as im:
            if im.size != (self.width, self.height):
                raise LiminalError(
                    f"picture in the catalogue: wanted {self.height} x {self.width} pixels, got {im.height} "
                    f"x {im.width}"
                )
            return np.array(im.convert(MODES[self.channels])).reshape(self.item_shape)

    @property
    def side(self) -> int:
        return max(self.height, self.width)

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
