"""The drawing of the `faces` dataset: a flat-colour portrait from exact factors, as signed distances, a batch
at a time.

Coordinates run from -1 to 1 in both directions, x to the right, y down. The body stays upright; everything on
the head is drawn in (u, v), the same plane turned by `tilt` about the top of the neck. The light comes from
the upper left. Every factor can be seen in every portrait: sunglasses let the eyes through, each style shows
under the hat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .drawn import band, bow, coverage, discs, egg, ellipse

PIVOT = 0.45  # y of the point that the head turns about
MOUTH, EYES = 0.325, 0.02  # y of the middle of the mouth, of the eyes

SKIN = (
    (0.995, 0.875, 0.785),
    (0.955, 0.765, 0.625),
    (0.835, 0.610, 0.450),
    (0.650, 0.435, 0.305),
    (0.465, 0.300, 0.215),
)
HAIR = {
    "black": (0.155, 0.145, 0.195),
    "brown": (0.385, 0.225, 0.145),
    "auburn": (0.700, 0.290, 0.155),
    "blond": (0.945, 0.775, 0.420),
    "grey": (0.735, 0.755, 0.800),
    "pink": (0.935, 0.470, 0.640),
}
BACKGROUND = {
    "sky": (0.640, 0.820, 0.935),
    "mint": (0.640, 0.865, 0.775),
    "lemon": (0.985, 0.885, 0.560),
    "peach": (1.000, 0.775, 0.640),
    "rose": (0.965, 0.690, 0.735),
    "lilac": (0.780, 0.725, 0.930),
}
SHIRT = {
    "navy": (0.205, 0.280, 0.470),
    "coral": (0.930, 0.420, 0.370),
    "teal": (0.125, 0.555, 0.560),
    "cream": (0.965, 0.935, 0.870),
}
HAT, POMPOM, FRAME = (0.400, 0.345, 0.720), (0.985, 0.950, 0.890), (0.170, 0.155, 0.205)
HAIR_TIE = (0.860, 0.290, 0.330)
WHITE, INK, MOUTH_INSIDE, TONGUE, BLUSH = (
    (1.0, 1.0, 1.0),
    (0.165, 0.115, 0.125),
    (0.455, 0.105, 0.145),
    (0.900, 0.400, 0.420),
    (0.95, 0.32, 0.33),
)
LENS = (0.110, 0.110, 0.165)


def _colour(rgb: Any) -> np.ndarray:
    """A colour (3,) or one for each portrait (n, 3), as (3, 1 or n, 1, 1)."""
    return np.ascontiguousarray(np.atleast_2d(np.asarray(rgb, np.float32)).T)[:, :, None, None]


def _mix(a: np.ndarray, b: Any, t: float) -> np.ndarray:
    return a + ((b if isinstance(b, np.ndarray) else _colour(b)) - a) * np.float32(t)


@dataclass
class _Patch:
    """A window of the canvas in one frame of coordinates."""

    u: np.ndarray
    v: np.ndarray
    rgb: np.ndarray
    pixel: float

    def fill(
        self,
        d: np.ndarray,
        colour: Any,
        opacity: float = 1.0,
        soft: float = 0.0,
        within: np.ndarray | None = None,
    ) -> None:
        """Lay a colour where d < 0; `soft` widens that edge beyond a pixel's, the edge of `within` stays
        sharp.
        """
        cover = coverage(d, self.pixel + soft)
        if within is not None:
            cover *= coverage(within, self.pixel)
        if opacity != 1:
            cover *= np.float32(opacity)
        difference = (colour if isinstance(colour, np.ndarray) else _colour(colour)) - self.rgb
        difference *= cover
        self.rgb += difference


class _Canvas:
    """n portraits in the making: planes (3, n, size, size) and both frames of coordinates."""

    def __init__(self, tilt: np.ndarray, size: int) -> None:
        self.size, self.pixel = size, 2 / size
        axis = ((np.arange(size) + 0.5) * (2 / size) - 1).astype(np.float32)
        self.x, self.y = axis[None, None, :], axis[None, :, None]
        angle = np.radians(tilt.astype(np.float64))
        self.cos, self.sin = (f(angle).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
        down = self.y - np.float32(PIVOT)
        self.u = self.cos * self.x + self.sin * down
        self.v = self.cos * down - self.sin * self.x + np.float32(PIVOT)
        self.rgb = np.empty((3, len(tilt), size, size), np.float32)

    def body(self, top: float = -1.0) -> _Patch:
        """The upright frame, from `top` down."""
        start = max(int((top + 1) / self.pixel) - 1, 0)
        return _Patch(self.x, self.y[:, start:], self.rgb[:, :, start:], self.pixel)

    def head(self, cx: Any = 0.0, cy: float = 0.0, r: float = 2.0) -> _Patch:
        """The head's frame, in the window that holds every portrait's circle of radius r about (cx, cy)."""
        down = cy - PIVOT
        x, y = self.cos * cx - self.sin * down, self.sin * cx + self.cos * down + PIVOT
        bounds = [
            (float((c.min() - r + 1) / self.pixel), float((c.max() + r + 1) / self.pixel)) for c in (y, x)
        ]
        rows, columns = (slice(max(int(low) - 1, 0), max(int(high) + 2, 1)) for low, high in bounds)
        return _Patch(
            self.u[:, rows, columns], self.v[:, rows, columns], self.rgb[:, :, rows, columns], self.pixel
        )


class _Portrait:
    """The parts of a portrait, from back to front.

    All portraits of one batch share hair style, glasses and hat.
    """

    def __init__(self, factors: dict[str, np.ndarray], size: int) -> None:
        self.canvas = _Canvas(factors["tilt"], size)
        self.style, self.glasses, self.hat = (factors[k][0] for k in ("hair_style", "glasses", "hat"))
        number = lambda name: factors[name].astype(np.float32)[:, None, None]
        self.smile, self.gaze, self.eye, self.w = (
            number("smile"),
            number("gaze"),
            number("eye_size"),
            number("face_width"),
        )
        self.half = np.float32(0.43) * self.w  # half width of the face
        self.apart = np.float32(0.105) + np.float32(0.085) * self.w  # half the distance of the eyes
        place = factors["skin"].astype(np.float64) * (len(SKIN) - 1)
        skin = np.stack(
            [np.interp(place, np.arange(len(SKIN)), channel) for channel in zip(*SKIN, strict=True)], 1
        )
        self.skin = _colour(skin)
        self.lips = _colour(np.outer(1 - 0.45 * factors["skin"], MOUTH_INSIDE))
        self.skin_shade = self.skin * _colour((0.86, 0.77, 0.75))
        self.hair = _colour([HAIR[k] for k in factors["hair_colour"]])
        self.hair_shade = self.hair * _colour((0.74, 0.70, 0.74))
        self.hair_light = _mix(self.hair, (1.0, 0.93, 0.85), 0.30)
        self.ground = _colour([BACKGROUND[k] for k in factors["background"]])
        self.shirt = _colour([SHIRT[k] for k in factors["shirt"]])

    def draw(self) -> np.ndarray:
        """uint8 (n, size, size, 3)."""
        self.background()
        self.hair_behind()
        self.body()
        self.face()
        self.eyes()
        self.mouth()
        self.brows()
        if self.glasses != "none":
            self.spectacles()
        self.hair_before()
        if self.hat:
            self.beanie()
        out = self.canvas.rgb * np.float32(255)
        out += np.float32(0.5)
        return np.ascontiguousarray(np.clip(out, 0, 255).astype(np.uint8).transpose(1, 2, 3, 0))

    def background(self) -> None:
        self.canvas.rgb[:] = self.ground
        all_of_it = self.canvas.body()
        all_of_it.fill(ellipse(all_of_it.u, all_of_it.v, 0, 0.04, 0.90, 0.90), _mix(self.ground, WHITE, 0.42))

    def hair_behind(self) -> None:
        k = self.canvas.head()
        if self.style == "long":
            d = np.maximum(egg(k.u, k.v, 0.22, self.half + 0.15, 0.80, -0.10), k.v - np.float32(0.90))
            k.fill(d, self.hair_shade)
        elif self.style == "bob":
            d = np.maximum(egg(k.u, k.v, 0.02, self.half + 0.17, 0.66, -0.16), bow(k.u, k.v, 0.50, 0.10, 0.5))
            k.fill(d, self.hair_shade)
        elif self.style == "curly":
            ring = (
                (-1.12, 0.30, 0.16),
                (-1.30, 0.10, 0.19),
                (-1.28, -0.14, 0.20),
                (1.12, 0.30, 0.16),
                (1.30, 0.10, 0.19),
                (1.28, -0.14, 0.20),
            )
            k.fill(discs(k.u, k.v, ring, self.half), _mix(self.hair, self.hair_shade, 0.6))
        elif self.style == "bun" and not self.hat:
            top = self.canvas.head(0, -0.70, 0.26)
            d = ellipse(top.u, top.v, 0, -0.70, 0.215, 0.20)
            top.fill(d, self.hair)
            top.fill(-ellipse(top.u, top.v, -0.05, -0.74, 0.19, 0.18), self.hair_shade, 0.8, 0.05, d)
            top.fill(ellipse(top.u, top.v, -0.07, -0.77, 0.085, 0.055), self.hair_light, 0.9, 0.05)

    def body(self) -> None:
        k = self.canvas.body(0.3)
        neck = np.maximum(np.abs(k.u) - np.float32(0.175), k.v - np.float32(0.85))
        torso = np.maximum(ellipse(k.u, k.v, 0, 1.16, 0.83, 0.47), np.abs(k.u) - np.float32(0.80))
        k.fill(torso, self.shirt)
        k.fill(
            -ellipse(k.u, k.v, -0.22, 1.20, 0.80, 0.50),
            self.shirt * _colour((0.80, 0.78, 0.84)),
            1.0,
            0.04,
            torso,
        )
        k.fill(ellipse(k.u, k.v, 0, 0.745, 0.315, 0.195), self.shirt * _colour((0.80, 0.78, 0.84)))
        neck = np.minimum(neck, ellipse(k.u, k.v, 0, 0.735, 0.255, 0.145))
        k.fill(neck, self.skin)
        k.fill(ellipse(k.u, k.v, 0.03, 0.42, 0.40, 0.33), self.skin_shade, 1.0, 0.03, neck)

    def face(self) -> None:
        for side in (-1, 1):
            k = self.canvas.head(side * self.half, 0.08, 0.16)
            k.fill(
                ellipse(k.u, k.v, side * (self.half + np.float32(0.02)), 0.08, 0.085, 0.115),
                self.skin if side < 0 else self.skin_shade,
            )
            k.fill(
                ellipse(k.u, k.v, side * (self.half + np.float32(0.025)), 0.085, 0.042, 0.065),
                self.skin_shade * _colour((0.95, 0.88, 0.88)),
            )
        k = self.canvas.head(0, 0.05, 0.62)
        outline = egg(k.u, k.v, 0.04, self.half, 0.535, 0.10)
        k.fill(outline, self.skin)
        k.fill(
            -egg(k.u + np.float32(0.085), k.v, 0.01, self.half, 0.535, 0.10),
            self.skin_shade,
            0.75,
            0.04,
            outline,
        )
        for side in (-1, 1):
            k = self.canvas.head(side * 0.60 * self.half, 0.235, 0.16)
            k.fill(
                ellipse(k.u, k.v, side * np.float32(0.60) * self.half, 0.235, 0.095, 0.07), BLUSH, 0.26, 0.07
            )
        k = self.canvas.head(0.01, 0.17, 0.1)
        k.fill(
            ellipse(k.u, k.v, 0.012, 0.163, 0.062, 0.042),
            self.skin_shade * _colour((0.95, 0.86, 0.86)),
            0.95,
            0.01,
        )
        k.fill(ellipse(k.u, k.v, -0.004, 0.143, 0.048, 0.036), self.skin, 0.9, 0.02)

    def eyes(self) -> None:
        for side in (-1, 1):
            x = side * self.apart
            k = self.canvas.head(x, EYES, 0.20)
            u, v, e = k.u - x, k.v - np.float32(EYES), self.eye
            white = ellipse(u, v, 0, 0, 0.108 * e, 0.118 * e)
            k.fill(ellipse(u, v, 0, -0.022, 0.120 * e, 0.118 * e), INK)
            k.fill(white, WHITE)
            look = np.float32(0.050) * self.gaze * e
            k.fill(ellipse(u, v, look, 0.004 * e, 0.076 * e, 0.090 * e), INK, within=white)
            k.fill(ellipse(u, v, look - np.float32(0.024) * e, -0.032 * e, 0.030 * e, 0.032 * e), WHITE)

    def brows(self) -> None:
        colour = self.hair * _colour((0.80, 0.76, 0.78))
        for side in (-1, 1):
            x = side * self.apart * np.float32(1.05)
            y = np.float32(EYES - 0.075) - np.float32(0.12) * self.eye
            k = self.canvas.head(x, EYES - 0.20, 0.20)
            k.fill(
                band(
                    k.u - x, np.float32(0.095), np.abs(bow(k.u - x, k.v, y, -0.045, 0.12)), np.float32(0.027)
                ),
                colour,
            )

    def mouth(self) -> None:
        s = self.smile
        rise = np.maximum(s, np.float32(0))
        k = self.canvas.head(0, MOUTH, 0.31)
        half = (np.float32(0.220) + np.float32(0.012) * s) * self.w
        upper = np.float32(0.130) * s - np.float32(0.060) * rise
        lower = np.float32(0.130) * s + np.float32(0.130) * rise
        y_upper = np.float32(MOUTH) - np.float32(0.030) * rise
        y_lower = y_upper + (lower - upper) * np.float32(0.5)  # both bows meet at the corners
        above, below = bow(k.u, k.v, y_upper, upper, half), bow(k.u, k.v, y_lower, lower, half)
        between = np.maximum(below, -above)
        k.fill(band(k.u, half, between, np.float32(0.033) - np.float32(0.008) * rise), self.lips)
        inside = np.maximum(between, np.abs(k.u) - half) + np.float32(0.018) - np.float32(0.014) * rise
        k.fill(np.maximum(inside, above - np.float32(0.115) * rise), WHITE)
        k.fill(ellipse(k.u, k.v, 0, MOUTH + 0.160, 0.120, 0.055), TONGUE, within=inside)

    def spectacles(self) -> None:
        k = self.canvas.head(0, EYES + 0.02, 0.56)
        y, rx, ry = EYES + 0.015, np.float32(0.165), np.float32(0.165)
        lens = [ellipse(k.u, k.v, side * (self.apart + np.float32(0.008)), y, rx, ry) for side in (-1, 1)]
        both = np.minimum(*lens)
        u = np.abs(k.u)
        bar = np.maximum(np.abs(k.v - np.float32(y - 0.04)) - np.float32(0.022), -both)
        k.fill(np.maximum(bar, u - self.half - np.float32(0.01)), FRAME)
        if self.glasses == "sun":
            k.fill(both, LENS, 0.72)
            shine = np.abs(
                k.u + k.v * np.float32(0.6) - np.where(k.u < 0, -1, 1) * self.apart + np.float32(0.04)
            ) - np.float32(0.028)
            k.fill(np.maximum(shine, both + np.float32(0.03)), WHITE, 0.22)
        else:
            k.fill(both, WHITE, 0.16)
        k.fill(np.abs(both) - np.float32(0.025), FRAME)

    def hair_before(self) -> None:
        k = self.canvas.head(0, -0.1, 0.80)
        u, v, w = k.u, k.v, self.half
        getattr(self, f"_{self.style}")(k, u, v, w)

    def _crown(self, k: _Patch, d: np.ndarray) -> None:
        """Hair of this outline, with its shadow on the right and its light on the upper left; only what a hat
        leaves free.
        """
        if self.hat:
            d = np.maximum(d, np.float32(-0.36) - k.v)
        k.fill(d, self.hair)
        k.fill(
            -egg(k.u + np.float32(0.13), k.v, 0.04, self.half + 0.07, 0.64, 0.0),
            self.hair_shade,
            0.85,
            0.06,
            d,
        )
        arc = np.abs(egg(k.u, k.v, 0.04, self.half - 0.02, 0.52, 0.0)) - np.float32(0.035)
        arc = np.maximum(arc, np.maximum(k.u - np.float32(0.02), -k.u - self.half * np.float32(0.8)))
        k.fill(arc, self.hair_light, 0.75, 0.05, d)

    def _buzz(self, k: _Patch, u: Any, v: Any, w: Any) -> None:
        cap = np.maximum(
            egg(u, v, 0.035, w + 0.014, 0.548, 0.10), -egg(u, v, 0.22, w * np.float32(0.93), 0.50, 0.0)
        )
        k.fill(np.maximum(cap, v - np.float32(0.02)), self.hair, 0.72, 0.02)

    def _short(self, k: _Patch, u: Any, v: Any, w: Any) -> None:
        quiff = ellipse(u, v, np.float32(0.10) * w, -0.455, w * np.float32(0.92), 0.215)
        cap = np.minimum(np.maximum(egg(u, v, 0.0, w + 0.04, 0.59, 0.04), v - np.float32(0.06)), quiff)
        sides = np.maximum(cap, -egg(u, v, 0.20, w * np.float32(0.90), 0.50, 0.0))
        fringe = np.maximum(cap, ellipse(u, v, np.float32(-0.30) * w, -0.44, w * np.float32(1.10), 0.255))
        self._crown(k, np.minimum(sides, np.minimum(fringe, np.maximum(quiff, v + np.float32(0.33)))))

    def _curly(self, k: _Patch, u: Any, v: Any, w: Any) -> None:
        curls = (
            (-1.08, -0.26, 0.17), (-0.85, -0.45, 0.19), (-0.42, -0.58, 0.20), (0.05, -0.63, 0.20), (0.50, -0.57, 0.20), (0.88, -0.44, 0.19),  # noqa: E501
            (1.08, -0.26, 0.17), (-0.62, -0.30, 0.13), (-0.25, -0.34, 0.14), (0.18, -0.35, 0.14), (0.58, -0.31, 0.13),  # noqa: E501
        )  # fmt: skip
        self._crown(k, discs(u, v, curls, w))
        k.fill(
            discs(
                u,
                v,
                ((-0.72, -0.47, 0.06), (-0.30, -0.60, 0.06), (-0.05, -0.40, 0.05), (0.22, -0.65, 0.06)),
                w,
            ),
            self.hair_light,
            0.7,
            0.04,
        )

    def _bob(self, k: _Patch, u: Any, v: Any, w: Any) -> None:
        outer = np.maximum(egg(u, v, -0.02, w + 0.12, 0.62, -0.10), v - np.float32(0.46))
        opening = np.maximum(np.abs(u) - w * np.float32(0.86), -bow(u, v, -0.19, 0.05, 0.4))
        self._crown(k, np.maximum(outer, -opening))

    def _long(self, k: _Patch, u: Any, v: Any, w: Any) -> None:
        outer = np.maximum(egg(u, v, 0.02, w + 0.10, 0.63, -0.12), v - np.float32(0.58))
        self._crown(k, np.maximum(outer, -egg(u, v, 0.24, w * np.float32(0.88), 0.62, -0.32)))

    def _bun(self, k: _Patch, u: Any, v: Any, w: Any) -> None:
        cap = np.maximum(egg(u, v, 0.02, w + 0.025, 0.575, 0.08), v - np.float32(0.02))
        self._crown(k, np.maximum(cap, -egg(u, v, 0.26, w * np.float32(0.98), 0.60, 0.0)))
        for side in (-1, 1):
            lock = ellipse(
                u + np.float32(0.10) * (v - np.float32(0.1)) * side, v, side * (w - 0.005), 0.13, 0.034, 0.25
            )
            k.fill(lock, self.hair if side < 0 else self.hair_shade)
        if not self.hat:
            k.fill(ellipse(u, v, 0, -0.535, 0.13, 0.036), HAIR_TIE)

    def beanie(self) -> None:
        k = self.canvas.head(0, -0.80, 0.17)
        ball = ellipse(k.u, k.v, 0, -0.80, 0.135, 0.125)
        k.fill(ball, POMPOM)
        k.fill(-ellipse(k.u, k.v, -0.035, -0.825, 0.125, 0.115), (0.86, 0.79, 0.76), 0.9, 0.05, ball)
        k = self.canvas.head(0, -0.5, 0.72)
        u, v, w = k.u, k.v, self.half
        dome = np.maximum(egg(u, v, -0.10, w + 0.085, 0.615, 0.0), v + np.float32(0.22))
        k.fill(dome, HAT)
        k.fill(
            -egg(u + np.float32(0.14), v, -0.10, w + 0.09, 0.64, 0.0), (0.295, 0.240, 0.585), 0.9, 0.05, dome
        )
        shine = np.maximum(
            np.abs(egg(u, v, -0.10, w - 0.02, 0.50, 0.0)) - np.float32(0.03), u + np.float32(0.05)
        )
        k.fill(shine, (0.560, 0.510, 0.850), 0.8, 0.05, dome)
        p = u / (w + np.float32(0.10))
        cuff = np.abs(v + np.float32(0.29) - np.float32(0.05) * (np.float32(1) - p * p)) - np.float32(0.075)
        cuff = np.maximum(cuff, np.abs(u) - w - np.float32(0.085)) - np.float32(0.025)
        k.fill(cuff, (0.520, 0.470, 0.830))
        for i in range(-4, 5):
            k.fill(np.abs(p - np.float32(i * 0.22)) - np.float32(0.022), HAT, 0.55, 0.02, cuff)
        k.fill(np.float32(0.20) - u, (0.345, 0.290, 0.640), 0.55, 0.14, cuff)


def portraits(factors: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Portraits that share hair style, glasses and hat: columns of n factors -> uint8 (n, size, size, 3)."""
    return _Portrait(factors, size).draw()
