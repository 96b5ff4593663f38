"""Which numbers are black and white: one scale for a whole set of pictures, from the numbers that it holds.

Black is 0. With m the set's greatest number, white is the first of these that fits:

- 1, 255 or 65,535, where m lies in its upper half;
- 2^k - 1, where m is a whole number within a tenth below it (4,095 for pictures of 12 bits);
- m itself (300 for counts up to 300).

Floats are rarely exact: up to a twentieth beyond black or white is clipped. So is more than that where it is
rare: with at most one number above 1 among 200 above 0, white is 1; of numbers below 0 at most as many are
passed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import LiminalError

Levels = tuple[float, float]
SLACK = 0.05  # of white: the overshoot of a resampler
RARE = 0.005  # of the numbers above 0
DIM = 32  # 8-bit numbers that all stay below it are no picture of 8 bits: less than an eighth of the scale


@dataclass
class Numbers:
    """The range of a set's numbers, gathered array by array.

    Attributes:
        whole: they are whole numbers by their type.
        low: the least.
        high: the greatest.
        positive: how many are above 0.
        negative: how many are below 0.
        above: how many are above 1 by more than the slack.
    """

    whole: bool = True
    low: float = math.inf
    high: float = -math.inf
    positive: int = 0
    negative: int = 0
    above: int = 0

    def add(self, values: np.ndarray) -> bool:
        """Count these numbers in, unless one is NaN or infinite; whether they were."""
        low, high = float(values.min()), float(values.max())  # NaN where any number is
        if not math.isfinite(low) or not math.isfinite(high):
            return False
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.whole &= values.dtype.kind in "iu"
        self.positive += int(np.count_nonzero(values > 0))
        self.negative += int(np.count_nonzero(values < 0)) if low < 0 else 0
        self.above += int(np.count_nonzero(values > 1 + SLACK)) if high > 1 + SLACK else 0
        return True

    def merge(self, other: Numbers) -> None:
        """Count in what another one gathered."""
        self.whole &= other.whole
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.positive += other.positive
        self.negative += other.negative
        self.above += other.above


def choose(numbers: Numbers, name: str) -> Levels:
    """Black and white for these numbers, see the module.

    Args:
        numbers: of the whole set, or of a sample.
        name: what errors call the set.

    Raises:
        LiminalError: too many numbers are below 0.
    """
    white = _white(numbers)
    if numbers.low < -SLACK * white and numbers.negative > RARE * numbers.positive:
        low, high = numbers.low, numbers.high
        raise LiminalError(
            f"{name}: numbers from {low:g} to {high:g}; wanted 0 to 1, 0 to 255, 0 to 65,535 or other "
            "numbers "
            f"from 0 up; say which are black and white (--range={low:g}:{max(high, low + 1):g}), or scale "
            "them first"
        )
    return 0.0, white


def _white(numbers: Numbers) -> float:
    high, slack = numbers.high, 0.0 if numbers.whole else SLACK
    if high <= 0:
        return 1.0
    if not numbers.whole and numbers.above <= RARE * numbers.positive:
        high = min(high, 1.0)
    for full in (1.0, 255.0, 65535.0):
        if full / 2 <= high <= full * (1 + slack):
            return full
    if not numbers.whole:
        return high
    full = 2.0 ** math.ceil(math.log2(high + 1)) - 1
    return full if high >= 0.9 * full else high


def parse(given: str | Sequence[float]) -> Levels:
    """The option ``range``: ``"0:4095"``, or a pair of numbers.

    Raises:
        LiminalError: it is no pair of finite numbers, or the second is not the greater one.
    """
    parts = given.split(":") if isinstance(given, str) else given
    try:
        low, high = (float(part) for part in parts)
    except (TypeError, ValueError) as error:
        raise LiminalError(
            f"range {given!r}: wanted LOW:HIGH, the numbers of black and white, such as 0:4095"
        ) from error
    if not (math.isfinite(high - low) and low < high):
        raise LiminalError(
            f"range {given!r}: wanted two finite numbers, black below white, such as 0:4095, got {low:g} "
            f"and {high:g}"
        )
    return low, high


def foreign(numbers: Numbers, levels: Levels) -> bool:
    """Whether whole numbers plainly have another scale than floats, or yes and no, whose white is 1 or
    less.
    """
    return numbers.whole and levels[1] <= 1 and numbers.high > 2


def scaled(values: np.ndarray, levels: Levels) -> np.ndarray:
    """Numbers as uint8, 0 for black and 255 for white; what lies beyond is clipped."""
    low, high = levels
    inside = np.clip(values.astype(np.float64), low, high)
    return np.rint((inside - low) * (255 / (high - low))).astype(np.uint8)


def beyond(values: np.ndarray, levels: Levels) -> bool:
    """Whether numbers lie beyond black or white by more than rounding."""
    low, high = levels
    rounding = 1e-3 * (high - low)
    return bool(values.min() < low - rounding or values.max() > high + rounding)


def spelt(levels: Levels) -> str:
    """The levels as notes name them: "0 to 4,095"."""
    return " to ".join(f"{v:,.0f}" if v == round(v) and abs(v) < 1e15 else f"{v:.6g}" for v in levels)


def told(levels: Levels) -> str:
    """A note's words about the scale, and how to choose another."""
    return f"{spelt(levels)} taken as black to white; `fit --range LOW:HIGH` changes that"


def clipped(levels: Levels) -> str:
    """A remark on a picture with numbers beyond the levels."""
    return f"clipped: they hold numbers beyond {spelt(levels)}"
