"""What goes over the wire between the studio's server and its page: what each of the `routes` takes and
gives, as JSON or `packed`; what there is of a space, and failures, are `contents`.

`scripts/wire.py` writes the same for the page, `web/src/wire.ts`.

Latents and places are sent as raw little-endian float32, at most `ROWS` rows. An item is named by its
``row``, 0 to n - 1, which is the order of all columns, or by its ``id`` in the catalogue. Errors are
`Failure`, with status 400 (wrong input), 401 and 403 (strangers), 404, 405, 408 (the body did not come), 413
(too large), 500 (a fault of ours) and 503 (not ready: ask again after ``Retry-After`` seconds).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .contents import Along, Ending, Method
from .packed import PACKED as PACKED  # these names are handed on
from .packed import (
    Flags,
    Items,
    Json,
    Latents,
    Numbers,
    One,
    Others,
    Packed,
    Places,
    Rows,
    RowTriples,
    Steps,
    Triples,
    Vectors,
)
from .packed import pack as pack
from .packed import unpack as unpack

ROWS = 4096  # latents or places in one request
UPLOAD = 32 << 20  # bytes of a dropped file
TEXT = 16 << 20  # bytes of a JSON request
FRAMES = 480  # of a walk or a piece
FILM = 48  # frames of a film at four times the size, 16 times as many pixels: at twice, four times as many
PAGE, ACROSS, TILE = 1024, 32, 64  # thumbnails of a sheet, and in a row of it; pixels of one, at most
UNKNOWN, NEITHER = 65_535, 255  # of a category's codes, of a yes/no

Place = str | list[float]  # "@12", a formula, or a latent
Id = Annotated[int, Field(ge=0, lt=2**31)]
Number = Annotated[float, Field(allow_inf_nan=False)]


# what latents look like


class Decoded(Packed):
    items: Items


class At(Packed):
    """What lies at places of the map: ``error`` is the distance to expect from an item there (NaN outside);
    ``support`` as in `Look`.
    """

    items: Items
    z: Latents
    inside: Flags
    error: Numbers
    support: Numbers
    nearest: Rows
    distance: Numbers


class Look(Packed):
    """Latents decoded, their support (NaN while unknown), rows and distances of the three nearest items, and
    their place on the map.
    """

    items: Items
    z: Latents
    support: Numbers
    nearest: RowTriples
    distance: Triples
    xy: Places


class Copy(Json):
    """The same in Python and on the command line, where that can be written."""

    python: str | None
    command: str | None


class Neighbor(Json):
    id: int
    row: int
    distance: float


class Item(Json):
    """``caption``: the item in a few words, empty where it is seen at once; ``error``: mean squared
    difference of the reconstruction in the modality's chart; ``worse``: share of held-out ones with more.
    """

    id: int
    row: int
    caption: str
    source: str
    split: str
    attributes: dict[str, str | float | bool | None]
    neighbors: list[Neighbor]
    z: list[float]
    error: float
    worse: float | None
    support: float | None


class Cell(Json):
    """An attribute that an item states, and what is usual among those alike in its others, in words; ``p`` as
    in `ops.unusual.Cell`.
    """

    name: str
    value: str
    usual: str
    p: float


class Unusual(Json):
    """What an item states, the most unusual first."""

    cells: list[Cell]


class Group(Packed):
    """Rows of the items that a condition holds for, rising."""

    rows: Rows


class Lonely(Packed):
    """Rows of the items that stand most alone, loneliest first; ``times``: how many times as far from its
    10th nearest as the median item.
    """

    rows: Rows
    times: Numbers


class SourcesRequest(Json):
    rows: list[Id] = Field(max_length=1024)


class Sources(Json):
    """Where items come from: the names of their files; and what they are in a few words, which may be
    none.
    """

    sources: list[str]
    captions: list[str]


class Encoded(Look):
    """A dropped file: ``worse`` as for `Item`; ``belongs``: is it of the kind that the space is made of;
    ``remarks`` on its reading; ``unusual``: as `Unusual`, empty where items state nothing.
    """

    original: One
    error: float
    worse: float | None
    belongs: bool | None
    remarks: list[str]
    unusual: list[Cell]


class FormulaRequest(Json):
    """``start``: a latent that a formula without items moves."""

    text: str = Field(max_length=10_000)
    start: list[Number] | None = None
    method: Method = "umap"


class Formula(Look):
    """``text`` as the studio read it; ``names`` of attributes and directions in it; ``ids`` of items."""

    text: str
    names: list[str]
    ids: list[int]
    copy_as: Copy


class Completion(Json):
    """``text`` is what to write."""

    text: str
    kind: Literal["attribute", "direction", "mean", "function", "item"]
    about: str


class Names(Json):
    completions: list[Completion]


# directions and dimensions


class Moved(Json):
    """By how many standard deviations something changes."""

    name: str
    sd: float


class Direction(Json):
    """``text`` names it in formulas; ``low`` to ``high`` are the strengths in which it holds; ``baseline`` is
    the score of chance.
    """

    name: str
    text: str
    kind: str
    score: float
    score_name: str
    baseline: float
    works: bool
    effect: float | None
    low: float | None
    high: float | None
    leakage: list[Moved]
    moves: list[Moved]
    words: str


class Directions(Packed):
    vectors: Vectors
    directions: list[Direction]


class BetweenRequest(Json):
    """Rows of two selections; the direction leads from a to b, and is remembered under ``name`` ("A to
    B").
    """

    a: list[Id]
    b: list[Id]
    name: str | None = Field(None, max_length=80)


class SlideRequest(Json):
    """Directions by name and strength, from an item (``id``) or a latent; ``lock``: attributes that stay as
    their readers see them; ``bend``: those of attributes along ``conditional``, see `Space.edit`.
    """

    z: list[Number] | None = None
    id: Id | None = None
    change: dict[str, Number]
    lock: list[str] = Field(default=[])
    bend: bool = False
    keep_detail: bool = False
    method: Method = "umap"


class Reading(Json):
    """What a reader sees of an attribute; ``change`` in standard deviations."""

    name: str
    before: float
    after: float
    change: float | None
    asked: bool


class Slid(Look):
    """``leakage``: mean change of what was not asked for; ``kept``: share of the change's length that the
    locks leave.
    """

    attributes: list[Reading]
    leakage: float | None
    length: float
    change: float
    kept: float
    copy_as: Copy


class Strip(Packed):
    """An item moved along a direction or a dimension by the strengths ``at``."""

    items: Items
    at: Numbers
    name: str
    kind: Literal["direction", "dimension"]


class Dimension(Json):
    """``use``: what items tell in it, in the ``unit`` nats, or the variance of latents; ``spread``: standard
    deviation of latents; ``title``: what it moves, unlike any other's, empty where that is nothing;
    ``effect`` on the strongest reading and mean ``leakage`` on others, in theirs; ``words``: what changes;
    ``numbers``: by how much.
    """

    index: int
    name: str
    spread: float
    use: float
    unit: str
    active: bool
    title: str
    strongest: str | None
    effect: float | None
    leakage: float | None
    words: str
    numbers: str


class Dimensions(Json):
    dimensions: list[Dimension]


# paths, samples, styles


class PathRequest(Json):
    """``only``: attributes; all that is not along their directions stays as in the first key."""

    keys: list[Place] = Field(max_length=64)
    along: Along = "slerp"
    frames: int = Field(48, ge=2, le=FRAMES)
    loop: bool = False
    only: list[str] = Field(default=[])
    method: Method = "umap"


class ComposeRequest(Json):
    """A piece from a walk through ``items``: its ``length`` in the kind's measure, its ``form``, such as
    ``AA'BA``, and what all of it is ``over``; ``seed`` of the variations.
    """

    items: list[Place] = Field(max_length=64)
    length: Number | None = None
    form: str | None = Field(None, max_length=200)
    over: str | None = Field(None, max_length=1000)
    seed: int = Field(0, ge=0, lt=2**31)
    method: Method = "umap"


class Straightness(Json):
    """How straight an attribute goes from key to key: 1 where it never turns back."""

    name: str
    at_keys: list[float]
    monotone: float


class Path(Packed):
    """``at``: the frame of each key; ``steps``: root mean square difference of each frame from the next;
    ``unevenness``: 1 is even.
    """

    z: Latents
    items: Items
    support: Numbers
    xy: Places
    steps: Steps
    at: list[int]
    length: float
    largest_step: float
    unevenness: float
    least_support: float | None
    how: str
    attributes: list[Straightness]
    copy_as: Copy


class ExportRequest(Json):
    """A walk or a piece; ``times``: how large the items are drawn, 1 being as large as they are when nothing
    is said.
    """

    path: PathRequest | ComposeRequest
    format: Ending = "gif"
    fps: float = Field(24, ge=0.01, le=50)
    times: int = Field(1, ge=1, le=4)


class SampleRequest(Json):
    """At most one of ``rows`` (like these items), ``cluster`` and ``begin`` (what items begin with, typed);
    ``support``: only draws with at least this much, not with ``begin``."""

    n: int = Field(16, ge=1, le=1024)
    source: str = "default"
    rows: list[Id] | None = None
    cluster: Id | None = None
    begin: str | None = Field(None, max_length=300)
    seed: int = Field(0, ge=0, lt=2**53)
    support: float | None = Field(None, ge=0, le=1)
    method: Method = "umap"


class Samples(Look):
    source: str
    copy_as: Copy


class TransferRequest(Json):
    content: Place
    style: Place
    blend: float = Field(1.0, ge=0, le=1)
    by: str | None = None
    method: Method = "umap"


class Transfer(Look):
    """``by``: the category that names the content; classes and how sure they are; what a reader sees as the
    content after.
    """

    by: str
    content_class: str
    style_class: str
    content_chance: float
    style_chance: float
    seen: str | None
    seen_chance: float | None
    length: float
    copy_as: Copy


class CompleteRequest(Json):
    """``known``: parts that stay, each of which may begin with ``not ``; ``near``: what answers shall be
    like; ``seed`` of which real items are looked through.
    """

    item: Place
    known: list[Annotated[str, Field(max_length=1000)]] = Field(min_length=1, max_length=8)
    n: int = Field(4, ge=1, le=16)
    near: Place | None = None
    seed: int = Field(0, ge=0, lt=2**31)
    method: Method = "umap"


class Completed(Look):
    """Answers, the known part put back, the best first; how far each ``agrees`` by itself; ``beside``: the
    item given, and the real one that agrees best with the part put into it, which ``agreed`` so far.
    """

    agrees: Numbers
    beside: Others
    agreed: float
    copy_as: Copy
