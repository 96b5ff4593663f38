"""A picture of points in the plane: anti-aliased dots by colour, a legend or a scale, and small pictures of
some of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .grid import INK, WHITE, shorten

WIDTH, HEIGHT = 1280, 960  # of the picture, at most
LOW = 400  # the least height of the points' area: twelve lines of a legend
MARGIN, HEAD, SIDE = 36, 92, 200  # around the points, for the title, for the legend
SHARP = 3  # dots are painted this many times larger and averaged down
THUMB = 46  # pixels of a small picture's side
# Okabe & Ito 2008 without black and yellow's neighbours, then Tol's muted set: told apart under the common
# colour blindnesses
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#332288",
    "#882255",
    "#999933",
)
UNKNOWN, OTHER, PLAIN = "#D5D5D5", "#9A9A9A", "#3B6EA8"
RAMP = (
    "#352a6e",
    "#31508f",
    "#23748e",
    "#1f958b",
    "#3fb377",
    "#8ccb4c",
    "#e3dd3a",
)  # dark to light in even steps, blue to yellow
FAINT = (130, 130, 130)

Area = tuple[int, int, int, int]  # pixels: left, top, right, bottom


@dataclass(frozen=True)
class Colours:
    """One colour a point, and what a reader needs to know of them.

    Attributes:
        rgb: (n, 3) uint8.
        legend: (text, colour, count) of each group, in order; empty for numbers or where there is nothing to
            tell.
        limits: smallest and largest number of the scale; None for groups.
        known: points whose value is known, bool (n,).
    """

    rgb: np.ndarray
    legend: tuple[tuple[str, str, int], ...]
    limits: tuple[float, float] | None
    known: np.ndarray

    @property
    def explained(self) -> bool:
        """Whether there is a legend or a scale to show."""
        return bool(self.legend or self.limits)


def colours(values: Sequence[object] | None, n: int) -> Colours:
    """Colours for n points by a value each: numbers on a ramp (limits at the 2nd and 98th percentile), all
    else by group.

    Beyond ten groups the nine largest keep a colour and the rest share grey. None and NaN are unknown: pale
    grey.
    """
    if values is None:
        return Colours(np.tile(_rgb(PLAIN), (n, 1)), (), None, np.ones(n, bool))
    known = np.array(
        [v is not None and v == v for v in values], bool
    )  # NaN is the value that differs from itself
    if known.any() and all(_is_number(v) for v, k in zip(values, known, strict=True) if k):
        numbers = np.array([float(v) if k else math.nan for v, k in zip(values, known, strict=True)])  # type: ignore[arg-type]
        low, high = (float(q) for q in np.percentile(numbers[known], [2, 98]))
        t = np.clip((np.nan_to_num(numbers) - low) / ((high - low) or 1.0), 0, 1)
        unknown = (("unknown", UNKNOWN, int((~known).sum())),) if not known.all() else ()
        return Colours(
            np.where(known[:, None], ramp(t), _rgb(UNKNOWN)).astype(np.uint8), unknown, (low, high), known
        )
    texts = [_text(v) if k else None for v, k in zip(values, known, strict=True)]
    counts = Counter(t for t in texts if t is not None)
    largest = [
        t for t, _ in counts.most_common(len(PALETTE) if len(counts) <= len(PALETTE) else len(PALETTE) - 1)
    ]
    shown = dict(zip(sorted(largest), PALETTE, strict=False))
    legend = [(t, c, counts[t]) for t, c in shown.items()]
    if rest := sum(counts.values()) - sum(n for _, _, n in legend):
        legend.append((f"{len(counts) - len(shown)} others", OTHER, rest))
    if not known.all():
        legend.append(("unknown", UNKNOWN, int((~known).sum())))
    rgb = np.array([_rgb(UNKNOWN if t is None else shown.get(t, OTHER)) for t in texts], np.uint8).reshape(
        -1, 3
    )
    return Colours(rgb, tuple(legend), None, known)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _text(value: object) -> str:
    return {True: "yes", False: "no"}[bool(value)] if isinstance(value, bool | np.bool_) else str(value)


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)


def ramp(t: np.ndarray) -> np.ndarray:
    """Fractions (n,) in [0, 1] as colours (n, 3), 0 to 255: dark blue to yellow, lightness rising all the
    way.
    """
    stops = np.array([_rgb(c) for c in RAMP], float)
    return np.stack([np.interp(t, np.linspace(0, 1, len(stops)), stops[:, c]) for c in range(3)], -1).round()


def scatter(
    xy: np.ndarray,
    values: Sequence[object] | None = None,
    name: str = "",
    title: str = "",
    subtitle: str = "",
    thumbnail: Callable[[int], Image.Image] | None = None,
) -> Image.Image:
    """Points on white, both axes to one scale, with small pictures of some points where they do not cover one
    another.

    Args:
        xy: (n, 2), n >= 1; y upwards.
        values: what the colour of each point says; None: one colour.
        name: of the values, above the legend.
        title: in large type; empty: none.
        subtitle: in small grey type below it.
        thumbnail: row -> picture, called for the chosen rows only; None: dots alone.
    """
    paint = colours(values, len(xy))
    box = area(xy, paint, bool(title or subtitle))
    at = places(xy, box)
    image = _dots(at, paint, box[3] + MARGIN)
    draw = ImageDraw.Draw(image)
    if title:
        font = ImageFont.load_default(28)
        draw.text((MARGIN, 24), shorten(title, WIDTH - 2 * MARGIN, font), fill=(30, 30, 30), font=font)
    if subtitle:
        font = ImageFont.load_default(15)
        draw.text(
            (MARGIN, 61 if title else 36), shorten(subtitle, WIDTH - 2 * MARGIN, font), fill=FAINT, font=font
        )
    if thumbnail is not None:
        for row in _spread(at):
            _pin(image, thumbnail(row), at[row], tuple(int(c) for c in paint.rgb[row]))
    if paint.explained:
        _explain(image, paint, name, box)
    return image


def area(xy: np.ndarray, paint: Colours, headed: bool = True) -> Area:
    """Where `scatter` puts points (n, 2) of these colours, with or without a title above.

    They fill the width; the height follows, at least what a legend takes.
    """
    left, top, right = MARGIN, HEAD if headed else MARGIN, WIDTH - MARGIN - (SIDE if paint.explained else 0)
    across, up = np.ptp(xy, axis=0)
    tall = THUMB + (right - left - THUMB) * (up / across if across > 0 else 1.0)
    return left, top, right, top + round(float(np.clip(tall, LOW, HEIGHT - MARGIN - top)))


def places(xy: np.ndarray, area: Area) -> np.ndarray:
    """Data coordinates (n, 2) to pixels: one scale for both axes, centred, room for half a thumbnail at the
    edges.
    """
    left, top, right, bottom = area
    low, high = xy.min(0), xy.max(0)
    room = np.array([right - left - THUMB, bottom - top - THUMB])
    span = high - low
    scale = min((r / s for r, s in zip(room, span, strict=True) if s > 0), default=1.0)
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    return middle + (xy - (low + high) / 2) * scale * np.array([1, -1])


def _dots(at: np.ndarray, paint: Colours, height: int) -> Image.Image:
    """Discs in a fixed random order, so that no group lies on top; the fewer, the larger.

    Unknown ones lie below.
    """
    n = len(at)
    radius = SHARP * float(np.clip(170 / math.sqrt(n), 1.1, 6))
    rim = SHARP * 0.8 if n <= 3000 else 0.0  # a white rim keeps neighbours apart
    reach = math.ceil(radius + rim)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    far = np.hypot(dx, dy)
    inside = far <= radius + rim
    dy, dx, solid = dy[inside], dx[inside], (far <= radius)[inside]
    height, width = height * SHARP, WIDTH * SHARP
    owner = np.full(height * width, -1, np.int32)
    order = np.random.default_rng(0).permutation(n)
    order = np.concatenate([order[~paint.known[order]], order[paint.known[order]]])
    centre = (at * SHARP).round().astype(np.int64)
    for part in np.array_split(order, -(-n * len(dx) // 4_000_000)):
        x = np.clip(centre[part, :1] + dx, 0, width - 1)
        y = np.clip(centre[part, 1:] + dy, 0, height - 1)
        owner[(y * width + x).ravel()] = np.where(
            solid, part[:, None], -1
        ).ravel()  # of equal places the last one written stays
    canvas = np.concatenate([paint.rgb, np.array([WHITE], np.uint8)])[owner].reshape(height, width, 3)
    return Image.fromarray(canvas).reduce(SHARP)


def _spread(at: np.ndarray) -> list[int]:
    """Rows whose thumbnails stay clear of one another and leave about three quarters of the dots to be
    seen.
    """
    apart = 1.8 * THUMB
    order = np.random.default_rng(1).permutation(len(at))
    taken: dict[tuple[int, int], list[np.ndarray]] = {}
    chosen = []
    for row in order.tolist():
        cell = int(at[row, 0] // apart), int(at[row, 1] // apart)
        near = (p for i in (-1, 0, 1) for j in (-1, 0, 1) for p in taken.get((cell[0] + i, cell[1] + j), ()))
        if all(np.abs(at[row] - p).max() >= apart for p in near):
            taken.setdefault(cell, []).append(at[row])
            chosen.append(row)
    return chosen


def _pin(image: Image.Image, picture: Image.Image, at: np.ndarray, colour: tuple[int, ...]) -> None:
    """A small picture in the middle of its point, framed in white and in the point's colour."""
    picture = picture.convert("RGB")
    scale = THUMB / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = picture.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
    left, top = round(at[0] - size[0] / 2), round(at[1] - size[1] / 2)
    draw = ImageDraw.Draw(image)
    draw.rectangle((left - 3, top - 3, left + size[0] + 2, top + size[1] + 2), fill=WHITE)
    draw.rectangle((left - 2, top - 2, left + size[0] + 1, top + size[1] + 1), fill=colour)
    image.paste(small, (left, top))


def _explain(image: Image.Image, paint: Colours, name: str, area: Area) -> None:
    """The legend, or the scale of numbers, right of the points."""
    draw = ImageDraw.Draw(image)
    head, font, small = ImageFont.load_default(17), ImageFont.load_default(15), ImageFont.load_default(13)
    left, top = area[2] + 30, area[1] + 6
    room = WIDTH - MARGIN - left
    if name:
        draw.text((left, top), shorten(name, room, head), fill=(30, 30, 30), font=head)
        top += 34
    if paint.limits:
        bar = ramp(np.linspace(1, 0, 220)).astype(np.uint8)
        image.paste(Image.fromarray(np.repeat(bar[:, None], 18, 1)), (left, top))
        low, high = paint.limits
        for t in (0.0, 0.5, 1.0) if high > low else (0.5,):
            y = top + 219 * (1 - t)
            draw.line((left + 18, y, left + 23, y), fill=INK)
            draw.text((left + 30, y), f"{low + t * (high - low):.3g}", fill=INK, font=font, anchor="lm")
        top += 250
    for text, colour, count in paint.legend:
        _spot(image, left + 7, top + 9, colour)
        number = f"{count:,}"
        draw.text(
            (left + 24, top), shorten(text, room - 34 - small.getlength(number), font), fill=INK, font=font
        )
        draw.text((WIDTH - MARGIN, top + 2), number, fill=FAINT, font=small, anchor="ra")
        top += 27


def _spot(image: Image.Image, x: int, y: int, colour: str) -> None:
    spot = Image.new("L", (64, 64), 0)
    ImageDraw.Draw(spot).ellipse((0, 0, 63, 63), fill=255)
    image.paste(
        Image.new("RGB", (14, 14), colour), (x - 7, y - 7), spot.resize((14, 14), Image.Resampling.LANCZOS)
    )
