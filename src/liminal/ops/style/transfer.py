"""One transfer of style with its evidence, and a table of many to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from ...generator import Generator
from ...modalities import Modality
from ...show import grid
from ...show import items as show
from ...show.items import Picture
from .style import Label, Labels, Style, latents, transfer

Read = Callable[[Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """An item with the content of one item and the style of another.

    Attributes:
        z: (d,).
        item: the stored item that z decodes to.
        content_item: the content item's reconstruction, so that only the transfer differs.
        style_item: the style item's.
        by: the category that names the content.
        classes: of the content item and of the style item.
        chances: the probability of these classes in the latents.
        blend: how much of the style.
        how: see `transfer`.
        distance: |z - z of the content item|.
        content: what readers see as the content ``before``, in the content item, and ``after``, in the
            result: the likeliest value and its probability; empty if it was not read.
        style: every other reading of the content item, the style item and the result.
        support: of z, or None where no support was given.
        nearest: ids of the nearest real items and their distances.
        modality: how the items look.
    """

    z: Tensor
    item: np.ndarray
    content_item: np.ndarray
    style_item: np.ndarray
    by: str
    classes: tuple[str, str]
    chances: tuple[float, float]
    blend: float
    how: str
    distance: float
    content: dict[str, tuple[str, float]]
    style: dict[str, dict[str, float]]
    support: float | None
    nearest: list[tuple[int, float]]
    modality: Modality = field(repr=False)

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: all that is known of the transfer but latents and items."""
        content = {when: {"value": value, "probability": p} for when, (value, p) in self.content.items()}
        return {
            "by": self.by,
            "classes": {"content": self.classes[0], "style": self.classes[1]},
            "chances": {"content": self.chances[0], "style": self.chances[1]},
            "blend": self.blend,
            "how": self.how,
            "distance": self.distance,
            "content": content,
            "style": self.style,
            "support": self.support,
            "nearest": [{"id": i, "distance": d} for i, d in self.nearest],
        }

    def picture(self, size: int = 128) -> Picture:
        """Content, style and result side by side."""
        items = np.stack([self.content_item, self.style_item, self.item])
        labels = [f"content: {self.classes[0]}", f"style: {self.classes[1]}", "result"]
        return show.drawn(items, self.modality, size, 3, labels)

    def save(self, path: str | Path, strip: bool = False) -> Path:
        """Write the result to a file in the format that its ending names, or, with `strip`, a picture of
        content, style and result.

        Returns:
            What was written.

        Raises:
            LiminalError: that format cannot be written, or the file cannot.
        """
        if not strip:
            return show.save_item(self.item, self.modality, path)
        path = show.ended(path, ".png")
        grid.save(self.picture(), path)
        return path


def restyle(
    generator: Generator,
    modality: Modality,
    style: Style,
    content_z: Tensor,
    style_z: Tensor,
    blend: float = 1.0,
    content_class: Label = None,
    style_class: Label = None,
    how: str = "code",
    read: Read | None = None,
    support: Callable[[Tensor], Tensor] | None = None,
    nearest: Callable[[Tensor], Sequence[tuple[int, float]]] | None = None,
) -> Transfer:
    """As `transfer` for one pair of latents (d,), decoded, with its evidence.

    Args:
        generator: decodes the latents.
        modality: turns decoded data into items.
        style: from `fit_style`.
        content_z, style_z: (d,).
        blend, content_class, style_class, how: see `transfer`.
        read: decoded data (n, *shape) -> readings (n,) by name; the content's are probabilities called
            ``{style.name}={value}``.
        support: z (n, d) -> p-values (n,).
        nearest: z (d,) -> ids of real items and their distances.

    Raises:
        LiminalError: as `transfer`; or the latents are no single ones.
    """
    if content_z.ndim != 1 or style_z.ndim != 1:
        raise LiminalError(
            f"restyle: wanted two latents (d,), got {tuple(content_z.shape)} and {tuple(style_z.shape)}"
        )
    z = transfer(style, content_z, style_z, blend, content_class, style_class, how)
    pair = torch.stack([content_z, style_z])
    rows = style.rows(pair, [content_class, style_class])
    chances = style.chances(pair)[torch.arange(2), rows].tolist()
    x = generator.decode(torch.stack([content_z, style_z, z])).cpu()
    before, other, after = modality.items(x)
    content, others = _seen(read(x), style.name) if read else ({}, {})
    return Transfer(
        z=z,
        item=after,
        content_item=before,
        style_item=other,
        by=style.name,
        classes=(style.classes[rows[0]], style.classes[rows[1]]),
        chances=(chances[0], chances[1]),
        blend=blend,
        how=how,
        distance=float((z - content_z).norm()),
        content=content,
        style=others,
        support=float(support(z[None])[0]) if support else None,
        nearest=[(int(i), float(d)) for i, d in nearest(z)] if nearest else [],
        modality=modality,
    )


def _seen(
    readings: Mapping[str, Tensor], by: str
) -> tuple[dict[str, tuple[str, float]], dict[str, dict[str, float]]]:
    """Readings (3,) of content item, style item and result as `Transfer` holds them: of the category `by`,
    and all others.
    """
    seen = {name: value.tolist() for name, value in readings.items()}
    own = {name.split("=", 1)[1]: v for name, v in seen.items() if name.startswith(f"{by}=")}
    content = {}
    for when, i in (("before", 0), ("after", 2)) if own else ():
        value = max(own, key=lambda v: own[v][i])
        content[when] = (value, float(own[value][i]))
    others = {
        name: {"content": v[0], "style": v[1], "result": v[2]}
        for name, v in seen.items()
        if not name.startswith(f"{by}=")
    }
    return content, others


def table(
    generator: Generator,
    modality: Modality,
    style: Style,
    contents: Tensor,
    styles: Tensor,
    blend: float = 1.0,
    content_classes: Labels = None,
    style_classes: Labels = None,
    how: str = "code",
    size: int = 96,
) -> Picture:
    """A picture of every content (n, d) in every style (m, d): styles above, contents on the left, results
    between.

    Args:
        generator: decodes the latents.
        modality: draws the items.
        style: from `fit_style`.
        contents: (n, d), a row each.
        styles: (m, d), a column each.
        blend, how: see `transfer`.
        content_classes, style_classes: n and m of them, or one; None: predicted.
        size: of one tile, in pixels.

    Raises:
        LiminalError: as `transfer`.
    """
    contents, styles = (
        latents(contents, "table", style.dim).float(),
        latents(styles, "table", style.dim).float(),
    )
    n, m = len(contents), len(styles)
    a, b = style.rows(contents, content_classes), style.rows(styles, style_classes)
    above, left = (
        [style.classes[i] for i in rows.tolist()] for rows in (b.repeat(n), a.repeat_interleave(m))
    )
    moved = transfer(style, contents.repeat_interleave(m, 0), styles.repeat(n, 1), blend, left, above, how)
    x = generator.decode(torch.cat([styles, contents, moved])).cpu()
    shown = show.tiles(modality.items(x), modality, size)
    tiles = [grid.blank(*shown[0].size), *shown[:m]]
    for i in range(n):
        tiles += [shown[m + i], *shown[m + n + i * m : m + n + (i + 1) * m]]
    return grid.grid(tiles, columns=m + 1)
