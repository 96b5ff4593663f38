"""`Space`: what a user holds; each verb once."""

from __future__ import annotations

from typing import Any

from . import resolve
from .core import Core
from .verbs import changing, composing, drawing, finding, items, measuring, seeing, walking


class Space(Core):
    """What a user holds: a trained (or wrapped) model with its items.

    Made by `liminal.fit`, `liminal.open` or `liminal.wrap`. Items are named as on the command line: ``"@12"``
    (or the integer 12), a file, ``FILE#n`` for one of the many items in a file, one that is typed where the
    kind of data can be (``"row(age=40)"``), or a formula such as ``"mean(label=Sandal)"``; a latent (d,) is
    taken as it is.

    Attributes:
        generator: the model.
        modality: how items look and how they are read and written.
        card: what is known about the space.
        folder: where it lives.
        samplers: by name: ``prior``, ``mixture``, ``flow``.
    """

    encode = items.encode
    reconstruct = items.reconstruct
    errors = items.errors
    neighbors = items.neighbors
    latent = resolve.latent
    original = resolve.original
    names = resolve.names

    sample = drawing.sample

    path = walking.path
    edit = walking.edit
    strip = walking.strip
    transfer = walking.transfer

    complete = composing.complete
    compose = composing.compose

    find_directions = finding.find_directions
    direction = resolve.direction
    direction_strips = finding.direction_strips
    between = finding.between
    matching = finding.matching
    categories = property(finding.categories)
    style = finding.style

    inverse = seeing.inverse
    at = seeing.at
    lattice = seeing.lattice
    clusters = seeing.clusters
    lonely = seeing.lonely
    unusual = seeing.unusual

    measure = measuring.measure
    meaning = measuring.meaning
    dimensions = measuring.dimensions
    stability = measuring.stability

    save = changing.save
    label = changing.label
    add = changing.add
    encode_data = changing.encode_data

    def info(self) -> dict[str, Any]:
        """JSON-ready facts about the space."""
        return {**super().info(), "parameters": sum(p.numel() for p in self.generator.parameters())}
