"""What there is of a space, as the studio's page hears of it: its kind of data, attributes, maps and columns;
what long work is at; and what is wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .packed import Codes, Json, Packed, Places, Rows

Method = Literal["umap", "pca", "tsne"]
Along = Literal["slerp", "linear", "mix", "smooth", "geodesic", "conditional"]
Kind = Literal["category", "bool", "number"]
Found = Literal["attributes", "readings", "pca", "jacobian", "factorised"]
Ending = Annotated[str, Field(pattern="^[a-z0-9]{1,8}$")]  # of a file, without the dot
Able = Literal[
    "items",
    "encode",
    "detail",
    "lock",
    "bend",
    "like",
    "begin",
    "transfer",
    "complete",
    "compose",
    "report",
    "support",
    "lonely",
    "unusual",
    "reload",
]


class Modality(Json):
    """The kind of data: what `modalities.Modality` says of it in words, and the arguments of this one.

    ``parts`` of an item that may be known alone, in words; ``measure``: what lengths are counted in and how
    long one item is, None where items are only counted.

    Endings have no dot; ``films``: what a path can be saved as; ``drawn``: those of them that have a size in
    pixels; ``config`` is for the page's own view of the kind, ``modalities/NAME.ts``.
    """

    name: str
    noun: str
    plural: str
    reads: list[Ending]
    writes: list[Ending]
    films: list[Ending]
    drawn: list[Ending]
    parts: dict[str, str]
    measure: tuple[str, float] | None
    config: dict[str, Any]


class Attribute(Json):
    """``values`` of a category, in the order of its codes; ``low`` and ``high`` of a number."""

    name: str
    kind: Kind
    values: list[str] | None = None
    low: float | None = None
    high: float | None = None


class Space(Json):
    """``sources`` of samples, the default first; ``laid``: those of the ``maps`` that need not be laid out
    any more; ``tile``: width and
    height of a thumbnail; ``broken``: why there is no model.

    What cannot be had everywhere: ``able`` (show single ``items``, ``encode`` files, keep the ``detail`` of
    an item, ``lock`` attributes, ``bend`` what moves them, draw samples ``like`` a group, ``transfer`` a
    style, ``complete`` parts, ``compose`` pieces, make the ``report``, tell ``support``, list the ``lonely``
    items, tell what is ``unusual`` in one, ``reload`` the space from its folder) and directions ``found``.
    """

    name: str
    title: str
    dim: int
    items: int
    able: list[Able]
    found: list[Found]
    modality: Modality
    attributes: list[Attribute]
    sources: list[str]
    maps: list[Method]
    laid: list[Method]
    alongs: list[Along]
    tile: tuple[int, int]
    pages: int
    ready: bool
    broken: str | None
    notes: list[str]
    licence: str
    data: str
    version: str


class Task(Json):
    """Long work: ``done`` from 0 to 1, None where that is not known."""

    what: str
    done: float | None
    text: str


class Progress(Json):
    """``newer``: what has become of the space on disk since it was opened, in a line."""

    ready: bool
    broken: str | None
    newer: str | None
    tasks: list[Task]


class Failure(Json):
    """What is wrong in one line; of a formula also the character ``at`` which, and names that are ``near`` to
    one that is unknown.
    """

    error: str
    at: int | None = None
    near: list[str] = Field(default=[])


class Layout(Packed):
    """Places of all items; ``words`` say how far the map can be trusted."""

    xy: Places
    id: Rows
    method: Method
    words: str
    trustworthiness: float | None
    fitted_on: int


class Column(Packed):
    """One attribute of all items: codes of a category into ``values`` (`UNKNOWN`), 0 or 1 of a yes/no
    (`NEITHER`), numbers (NaN).
    """

    data: Codes
    name: str
    kind: Kind
    values: list[str] | None
    low: float | None
    high: float | None
