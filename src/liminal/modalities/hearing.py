r"""What can be read from melodies without labels: closed forms that need nobody's training.

All work on y (n, 90, voices, steps), the probability of each symbol, and are exact where y is hard. With
o_t(p) the chance that pitch p begins at step t and h_t that what was goes on, pitch p sounds with the chance
s_t(p) = o_t(p) + h_t s_{t-1}(p).

===========  ==============================================================================  ==========
reading      what it is                                                                      unit
===========  ==============================================================================  ==========
density      notes that begin                                                                a beat
interval     mean distance of a note from the one before it                                  semitones
range        highest minus lowest note                                                       semitones
syncopation  sum of L(rest or hold) - L(note) over the notes that a stronger place without   a bar
             a note follows before the next note; L is 0 on a bar line, -1 half a bar (or a
             beat, where a bar does not fall into halves), and so on down to a step
in_key       share of the notes in the major scale that holds most of them                   0 to 1
contour      slope of the regression of pitch on time over the notes: rising above 0         semitones
                                                                                             a bar
repetition   share of the notes after the first bar (of one bar: its first half) that stand  0 to 1
             a bar (half a bar) before, too
held         share of the time in which a note that began earlier goes on                    0 to 1
rest         share of the time that is silent                                                0 to 1
===========  ==============================================================================  ==========

Of several voices the mean is taken. A beat is a quarter note.

Source: Longuet-Higgins and Lee 1984, The rhythmic interpretation of monophonic music (syncopation).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .tunes import Meter, compound
from .windows import FIRST, HOLD

SCALE = (0, 2, 4, 5, 7, 9, 11)
TINY = 1e-6


def levels(meter: Meter, steps: int, bars: int) -> list[int]:
    """How strong each step of some bars is: 0 for a bar line, -1 for the next finer places, ...

    Args:
        meter: of the bars.
        steps: of a bar.
        bars: how many.
    """
    beats, parts = (meter[0] // 3, [3]) if compound(meter) else (meter[0], [])
    factors = [*_primes(beats), *parts]
    unit = steps
    for factor in factors:
        unit = unit // factor if unit % factor == 0 else 0
    factors = [*factors, *_primes(unit)] if unit else _primes(steps)
    found, unit = [-len(factors) - 1] * steps, steps
    for depth, factor in enumerate([1, *factors]):
        unit //= factor
        for t in range(0, steps, unit):
            found[t] = max(found[t], -depth)
    return found * bars


def _primes(n: int) -> list[int]:
    found, factor = [], 2
    while n > 1:
        if n % factor:
            factor += 1
        else:
            found.append(factor)
            n //= factor
    return found


def sounding(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """y (n, 90, v, t) -> onsets o, what sounds s, and the last pitch begun before each step l, all (n, v, t,
    88)."""
    y = y.movedim(1, -1)
    onset, hold = y[..., FIRST:], y[..., HOLD : HOLD + 1]
    none = 1 - onset.sum(-1, keepdim=True).clamp(0, 1)
    heard, last = [onset[:, :, 0]], [torch.zeros_like(onset[:, :, 0])]
    for t in range(1, y.shape[2]):
        last.append(onset[:, :, t - 1] + none[:, :, t - 1] * last[-1])
        heard.append(onset[:, :, t] + hold[:, :, t] * heard[-1])
    return onset, torch.stack(heard, 2), torch.stack(last, 2)


def readings(y: Tensor, meter: Meter, steps: int, bars: int) -> dict[str, Tensor]:
    """The readings of the table above, (n,) each.

    Args:
        y: (n, 90, voices, bars * steps), probabilities.
        meter: of the bars.
        steps: of a bar.
        bars: of an item.
    """
    y = y.float()
    onset, heard, last = sounding(y)
    begun = onset.sum(-1).clamp(0, 1)  # (n, v, t)
    count = begun.sum(-1).clamp_min(TINY)
    beats = 4 * bars * meter[0] / meter[1]
    pitch = torch.arange(onset.shape[-1], device=y.device, dtype=y.dtype)
    apart = (pitch[:, None] - pitch).abs()
    known = onset.sum(-1) * last.sum(-1)
    moved = (torch.einsum("nvtp,pq->nvtq", onset, apart) * last).sum((-1, -2))
    whole = heard.sum(-1).clamp(0, 1)
    found = {
        "density": begun.sum(-1) / beats,
        "interval": moved / known.sum(-1).clamp_min(TINY) * (known.sum(-1) > TINY),
        "range": _range(onset),
        "syncopation": _syncopation(begun, levels(meter, steps, bars)) / bars,
        "in_key": _in_key(onset, count),
        "contour": steps * _slope(onset, begun, pitch),
        "repetition": _repetition(onset, steps if bars > 1 else steps // 2),
        "held": (whole - begun).clamp_min(0).mean(-1),
        "rest": 1 - whole.mean(-1),
    }
    return {name: value.mean(1) for name, value in found.items()}


def _range(onset: Tensor) -> Tensor:
    """The number of pitches p such that some note is p or higher, and some lower."""
    missing = torch.log1p(-onset.clamp(0, 1 - TINY)).sum(2)  # of each pitch, the log chance that it is absent
    above = 1 - missing.flip(-1).cumsum(-1).flip(-1).exp()
    below = 1 - (missing.cumsum(-1) - missing).exp()
    return (above * below).sum(-1)


def _syncopation(begun: Tensor, strong: list[int]) -> Tensor:
    """Sum over notes, and over each level above a note's own, of the chance that a place of that level comes
    before the next note."""
    pairs = [
        (i, j)
        for i, own in enumerate(strong)
        for level in range(own + 1, 1)
        if (j := next((j for j in range(i + 1, len(strong)) if strong[j] >= level), None)) is not None
    ]
    free = torch.log1p(-begun.clamp(0, 1 - TINY)).cumsum(-1)
    first, then = (torch.tensor(places, device=begun.device) for places in zip(*pairs, strict=True))
    return (begun[..., first] * (free[..., then] - free[..., first]).exp()).sum(-1)


def _in_key(onset: Tensor, count: Tensor) -> Tensor:
    classes = torch.zeros(*onset.shape[:2], 12, device=onset.device, dtype=onset.dtype)
    place = (torch.arange(onset.shape[-1], device=onset.device) + 9) % 12  # the lowest pitch is an A
    classes = classes.index_add(2, place, onset.sum(2))
    fits = torch.stack([classes[..., [(i + k) % 12 for k in SCALE]].sum(-1) for i in range(12)], -1)
    return (fits.amax(-1) / count).clamp(0, 1)


def _slope(onset: Tensor, begun: Tensor, pitch: Tensor) -> Tensor:
    """Semitones a step."""
    weight = begun / begun.sum(-1, keepdim=True).clamp_min(TINY)
    at = torch.arange(begun.shape[-1], device=onset.device, dtype=onset.dtype)
    share = onset / begun.sum(-1)[..., None, None].clamp_min(TINY)
    centre = at - (weight * at).sum(-1, keepdim=True)
    spread = (weight * centre.square()).sum(-1)
    height = (share * pitch).sum(-1)  # (n, v, t), weighted
    return (centre * height).sum(-1) / spread.clamp_min(TINY) * (spread > TINY)


def _repetition(onset: Tensor, lag: int) -> Tensor:
    later, earlier = onset[:, :, lag:], onset[:, :, :-lag]
    return (later * earlier).sum((-1, -2)) / later.sum((-1, -2)).clamp_min(TINY)


def heard(y: Tensor, beats: int) -> Tensor:
    """y (n, 90, v, t) -> (n, m): what an ear keeps of a melody, fixed and the same for every model.

    Where notes begin; which pitch classes sound in each beat; and how high, in octaves from the middle.

    Args:
        y: probabilities.
        beats: how many parts of equal length the time is cut into; t where they do not fit.
    """
    onset, sound, _ = sounding(y.float())
    parts = beats if onset.shape[2] % beats == 0 else onset.shape[2]
    each = sound.unflatten(2, (parts, -1)).mean(3)  # (n, v, beats, 88)
    place = (torch.arange(each.shape[-1], device=y.device) + 9) % 12
    classes = torch.zeros(*each.shape[:3], 12, device=y.device, dtype=each.dtype).index_add(3, place, each)
    octaves = (torch.arange(each.shape[-1], device=y.device, dtype=each.dtype) - 39) / 12
    return torch.cat([onset.sum(-1).flatten(1), classes.flatten(1), (each * octaves).sum(-1).flatten(1)], 1)
