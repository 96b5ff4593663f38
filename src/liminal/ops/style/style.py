r"""Style: what an item is beside its class, given to another item, or kept while the class changes.

Content is what a category names (``label``: which garment), style everything else.

**Code.** Each class c is a Gaussian N(m_c, S_c). An item's style is its place in its own class, whitened and
turned:

    s = R_c S_c^(-1/2) (z - m_c),      back into any class c':  z' = m_c' + S_c'^(1/2) R_c'^T s

(whitening and colouring by class). The codes of every class have mean 0 and covariance 1, over its clear
members. The rotations R_c, which whitening leaves free, say which deviation in one class is the same style as
which in another: those that change the data alike. By Stein's lemma L_c = E[x e^T], e ~ N(0, 1), x =
decode(m_c + S_c^(1/2) e), is the decoder's mean Jacobian times S_c^(1/2), and generalised Procrustes analysis
finds the R_c that bring all L_c R_c^T near one common map (with S_c^(1/2) itself, at half the weight, stacked
below L_c: axes that hardly show in the data would turn at random).

**Clear members.** Where classes overlap (coats and pullovers), a class's Gaussian is that of its clear
members: items count with the posterior probability of their own class to a power; else a converted item would
be as doubtful as the doubtful part of its new class.

**Erasure** (LEACE), the least-squares map after which no linear reader finds the class:

    r(z) = z - W^+ P W (z - m),      W = Sigma_zz^(-1/2), P the projection on the columns of W Sigma_zc

The content part is z - r(z), the style part r(z).

None is quite free of content, see the notes of docs/benchmarks.md; `bench style` measures it.

Source: Li et al. 2017, Universal style transfer via feature transforms; Belrose et al. 2023, LEACE: perfect
linear concept erasure in closed form; Gower 1975, Generalized Procrustes analysis; Ledoit and Wolf 2004
(shrinkage); Stein 1981.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError, unknown
from ..ways import mixing
from .class_gaussians import Decode, Erasure, Gaussians, align, fit_erasure, fit_gaussians, jacobians

LEAST = 5  # items that a class needs
SHARPNESS = 6.0  # power of the posterior by which clear members count
LATENT = 0.5  # weight of the change in the latents beside that in the data when styles are matched
HOW = ("code", "erasure", "means")

Label = str | bool | None
Labels = Label | Sequence[Label] | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Style:
    """What `fit_style` fits.

    Attributes:
        name: of the category that names the content.
        classes: its values, k of them.
        counts: items of each.
        every: the Gaussians of all items of each class, which tell the class of an item that has none.
        clear: those of the clear members, between which styles are carried.
        turns: (k, d, d), the rotations R_c.
        erasure: of the content.
        aligned: ``data`` (rotations found in decoded data) or ``latents``.
        left_out: classes with too few items, and how many.
        evidence: JSON-ready: these facts, ``rank`` of the content subspace, ``erased`` (share of the latents'
            variance in it) and ``agreement`` (share of what style does to the data that the turned classes
            have in common, in [0, 1]), ``agreement_unturned``.
    """

    name: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    every: Gaussians = field(repr=False)
    clear: Gaussians = field(repr=False)
    turns: Tensor = field(repr=False)
    erasure: Erasure = field(repr=False)
    aligned: str
    left_out: dict[str, int]
    evidence: dict[str, Any] = field(repr=False)

    @property
    def dim(self) -> int:
        """d."""
        return len(self.erasure.centre)

    def chances(self, z: Tensor) -> Tensor:
        """Probability (n, k), float64, of each class for latents (n, d): quadratic discriminant analysis."""
        share = torch.tensor(self.counts, dtype=torch.float64)
        return (self.every.log_prob(latents(z, "chances", self.dim)) + share.log()).softmax(1)

    def predict(self, z: Tensor) -> list[str]:
        """The likeliest class of each latent (n, d)."""
        return [self.classes[i] for i in self.chances(z).argmax(1)]

    def rows(self, z: Tensor, classes: Labels = None) -> Tensor:
        """Places (n,) in `classes` of the classes given for z (n, d): one for all, or one each; None is
        predicted.

        Raises:
            LiminalError: an unknown class, or not one for each latent.
        """
        given = _each_label(classes, len(z))
        if len(given) != len(z):
            raise LiminalError(
                f"style: {len(given)} classes for {len(z)} latents; wanted one, or one for each"
            )
        places = {c: i for i, c in enumerate(self.classes)}
        for name in given:
            if name in self.left_out:
                raise LiminalError(
                    f"style: {self.name} {name!r} has only {self.left_out[name]}; wanted {LEAST} items or "
                    "more"
                )
            if name is not None and name not in places:
                raise unknown(self.name, name, places)
        guess = self.chances(z).argmax(1).tolist() if None in given else given
        return torch.tensor(
            [g if name is None else places[name] for name, g in zip(given, guess, strict=True)],
            dtype=torch.int64,
        )

    def code(self, z: Tensor, classes: Labels = None) -> Tensor:
        """Style codes s (n, d), float64, of latents (n, d) of the given (None: predicted) classes.

        Raises:
            LiminalError: as `rows`; or z has another width, or holds NaN.
        """
        z = latents(z, "code", self.dim)
        return self._each(
            z,
            self.rows(z, classes),
            lambda u, c: (u - self.clear.mean[c]) @ self.clear.inverse[c] @ self.turns[c].T,
        )

    def place(self, codes: Tensor, classes: Labels) -> Tensor:
        """Latents (n, d), float64, of style codes (n, d) in the given classes; the inverse of `code`.

        Raises:
            LiminalError: as `rows`.
        """
        codes = latents(codes, "place", self.dim)
        if None in _each_label(classes, len(codes)):
            raise LiminalError(
                f"place: wanted a {self.name} for every code, which tells none itself; got None"
            )
        rows = self.rows(codes, classes)
        return self._each(
            codes, rows, lambda s, c: self.clear.mean[c] + s @ self.turns[c] @ self.clear.root[c]
        )

    @staticmethod
    def _each(values: Tensor, rows: Tensor, f: Callable[[Tensor, int], Tensor]) -> Tensor:
        out = torch.empty_like(values)
        for c in rows.unique().tolist():
            out[rows == c] = f(values[rows == c], c)
        return out


# fitting


def fit_style(
    z: Tensor,
    labels: Labels,
    *,
    name: str = "content",
    decode: Decode | None = None,
    sharpness: float = SHARPNESS,
    seed: int = 0,
) -> Style:
    """Split a latent space into the content that a category names and the style that is left.

    Args:
        z: (n, d).
        labels: (n,), the category's values; None unknown, left out. Classes with fewer than 5 items are left
            out too.
        name: of the category.
        decode: z (m, d) -> x (m, *shape); styles are then matched by what they do to the data, else by what
            they do to the latents.
        sharpness: exponent of the posterior probability with which items count towards their class; 0: all
            alike.
        seed: of the points that are decoded.

    Raises:
        LiminalError: fewer than two classes with 5 items, no variance, NaN, or shapes that do not fit.
    """
    z = latents(z, "fit_style")
    given = _each_label(labels, 1)
    if len(given) != len(z):
        raise LiminalError(f"fit_style: {len(given)} labels for {len(z)} latents; wanted one for each")
    if not sharpness >= 0:
        raise LiminalError(f"fit_style: sharpness {sharpness}; wanted 0 or more")
    counts = Counter(v for v in given if v is not None)
    classes = _classes(counts, name)
    places = {c: i for i, c in enumerate(classes)}
    known = torch.tensor([i for i, v in enumerate(given) if v in places])
    z, y = z[known], torch.tensor([places[given[i]] for i in known.tolist()])
    if float(z.var(0).max()) <= 0:
        raise LiminalError("fit_style: all latents are the same; there is no style to tell apart")
    sizes = torch.bincount(y, minlength=len(classes))
    every = clear = fit_gaussians(z, y, torch.ones(len(z), dtype=z.dtype))
    if sharpness:
        own = (every.log_prob(z) + sizes.double().log()).softmax(1).gather(1, y[:, None])[:, 0]
        clear = fit_gaussians(z, y, own.clamp_min(1e-12) ** sharpness)
    maps = clear.root
    if decode is not None:
        seen = jacobians(clear, decode, seed)
        maps = torch.cat([seen / seen.norm().clamp_min(1e-12), LATENT * maps / maps.norm()], 1)
    turns, before, after = align(maps)
    erasure = fit_erasure(z, y)
    left_out = {c: n for c, n in sorted(counts.items()) if n < LEAST}
    aligned = "latents" if decode is None else "data"
    erased = float((z - erasure(z)).var(0).sum() / z.var(0).sum())
    evidence: dict[str, Any] = {"name": name, "left_out": left_out, "aligned": aligned}
    evidence["classes"] = dict(zip(classes, sizes.tolist(), strict=True))
    evidence |= {"rank": erasure.rank, "erased": erased, "agreement": after, "agreement_unturned": before}
    return Style(
        name=name,
        classes=classes,
        counts=tuple(sizes.tolist()),
        every=every,
        clear=clear,
        turns=turns,
        erasure=erasure,
        aligned=aligned,
        left_out=left_out,
        evidence=evidence,
    )


# moving styles


def _classes(counts: Counter[str], name: str) -> tuple[str, ...]:
    """The values of a category that have enough items, sorted.

    Raises:
        LiminalError: fewer than two.
    """
    found = tuple(sorted(c for c, n in counts.items() if n >= LEAST))
    if len(found) < 2:
        said = ", ".join(f"{c} {n}" for c, n in counts.most_common(5)) or "none"
        raise LiminalError(
            f"fit_style: wanted two classes of {LEAST} items or more in {name}; got {said}; label more items"
        )
    return found


def transfer(
    style: Style,
    content_z: Tensor,
    style_z: Tensor,
    blend: float = 1.0,
    content_class: Labels = None,
    style_class: Labels = None,
    how: str = "code",
) -> Tensor:
    """Items with the content of some and the style of others.

    ``code``: z = m_a + S_a^(1/2) R_a^T s, a the content item's class and s on the way from its own style code
    to the style item's, in which direction and norm go separately. ``erasure``: z + blend * (r(z_style) -
    r(z)), LEACE's content part of one and style part of the other. ``means``: z + blend * ((z_style - m_b) -
    (z - m_a)).

    Args:
        style: from `fit_style`.
        content_z: (n, d) or (d,).
        style_z: (n, d) or (d,).
        blend: 0: the content items exactly; 1: all of the style items' style.
        content_class: of the content items, one for all or one each; None: predicted.
        style_class: the same of the style items.
        how: ``code``, ``erasure`` or ``means``.

    Returns:
        (n, d), or (d,) if both were; an item given its own style is exactly itself.

    Raises:
        LiminalError: blend is outside [0, 1], an unknown class or way, NaN, or numbers of items that do not
        fit.

    Source: see the top of the module.
    """
    if how not in HOW:
        raise unknown("way of transfer", how, HOW)
    if not 0 <= blend <= 1:
        raise LiminalError(
            f"transfer: blend {blend}; wanted a number from 0 (the content item) to 1 (all of the style)"
        )
    one = content_z.ndim == style_z.ndim == 1
    a, b = latents(content_z, "transfer", style.dim), latents(style_z, "transfer", style.dim)
    rows_a, rows_b = style.rows(a, content_class), style.rows(b, style_class)
    n = len(a) if len(b) == 1 else len(b)
    if len(a) not in (1, n):
        raise LiminalError(
            f"transfer: {len(a)} content items and {len(b)} style items; wanted as many, or one of either"
        )
    a, b, rows_a, rows_b = a.expand(n, -1), b.expand(n, -1), rows_a.expand(n), rows_b.expand(n)
    named = lambda rows: [style.classes[i] for i in rows.tolist()]
    if how == "erasure":
        step = blend * (style.erasure(b) - style.erasure(a))
    elif how == "means":
        step = blend * ((b - style.every.mean[rows_b]) - (a - style.every.mean[rows_a]))
    else:
        own, other = style.code(a, named(rows_a)), style.code(b, named(rows_b))
        wanted = mixing.slerp(own, other, blend) - own
        step = style.place(wanted, named(rows_a)) - style.clear.mean[rows_a]
    moved = (a + step).to(content_z.dtype if content_z.is_floating_point() else torch.float32)
    return moved[0] if one else moved


def convert(style: Style, z: Tensor, to: Labels, classes: Labels = None) -> Tensor:
    """The other half: items of another class that keep their style, m_b + S_b^(1/2) R_b^T s, s their code in
    their own class.

    Args:
        style: from `fit_style`.
        z: (n, d) or (d,).
        to: the class that they become, one for all or one each.
        classes: that they are of; None: predicted.

    Returns:
        As z; items that are of the class already stay exactly as they are.

    Raises:
        LiminalError: an unknown class, NaN, or another width.
    """
    u = latents(z, "convert", style.dim)
    if None in _each_label(to, len(u)):
        raise LiminalError(f"convert: wanted a {style.name} to convert to; got None")
    rows, wanted = style.rows(u, classes), style.rows(u, to)
    named = lambda places: [style.classes[i] for i in places.tolist()]
    moved = style.place(style.code(u, named(rows)), named(wanted))
    moved = torch.where((rows == wanted)[:, None], u, moved).to(
        z.dtype if z.is_floating_point() else torch.float32
    )
    return moved[0] if z.ndim == 1 else moved


def _each_label(classes: Labels, count: int) -> list[str | None]:
    """Classes as text, one for each item: a single one is repeated `count` times."""
    several = isinstance(classes, Sequence | np.ndarray) and not isinstance(classes, str)
    given = list(classes) if several else [classes] * count  # type: ignore[arg-type]
    return [None if v is None else str(v) for v in given]


def latents(z: Tensor, call: str, dim: int | None = None) -> Tensor:
    """z as float64 (n, d) on the CPU."""
    z = torch.as_tensor(z).detach().cpu().double()
    z = z[None] if z.ndim == 1 and dim is not None else z
    if z.ndim != 2 or not len(z) or (dim is not None and z.shape[1] != dim):
        raise LiminalError(
            f"{call}: wanted latents of shape (n, {dim or 'd'}), got {tuple(z.shape)}; give one item a row"
        )
    if not torch.isfinite(z).all():
        row = int((~torch.isfinite(z).all(1)).nonzero()[0])
        raise LiminalError(f"{call}: row {row} of the latents holds NaN or infinity; wanted finite numbers")
    return z
