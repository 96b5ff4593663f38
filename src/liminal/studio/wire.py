"""What goes over the wire between the studio's server and its page: the routes, what each takes and gives,
and the packed format.

`scripts/wire.py` writes the same for the page, `web/src/wire.ts`.

**Packed** (content type `PACKED`): several arrays in one answer. A uint32 with the length of the header; the
header, JSON in UTF-8, padded with spaces so that what follows starts at a multiple of 8; the arrays,
little-endian, each at a multiple of 8. The header's ``arrays`` holds for each name ``dtype``, ``shape`` and
``at``, bytes from the end of the header; its other fields are the answer's JSON fields.

Latents and places are sent as raw little-endian float32, at most `ROWS` rows. An item is named by its
``row``, 0 to n - 1, which is the order of all columns, or by its ``id`` in the catalogue. Errors are
`Failure`, with status 400 (wrong input), 401 and 403 (strangers), 404, 405, 408 (the body did not come), 413
(too large), 500 (a fault of ours) and 503 (not ready: ask again after ``Retry-After`` seconds).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..errors import LiminalError

PACKED = "application/x-liminal"
ROWS = 4096  # latents or places in one request
UPLOAD = 32 << 20  # bytes of a dropped file
TEXT = 16 << 20  # bytes of a JSON request
PAGE, ACROSS, TILE = 1024, 32, 64  # thumbnails of a sheet, and in a row of it; pixels of one, at most
UNKNOWN, NEITHER = 65_535, 255  # of a category's codes, of a yes/no

Method = Literal["umap", "pca", "tsne"]
Along = Literal["slerp", "linear", "mix", "smooth", "geodesic"]
Kind = Literal["category", "bool", "number"]
Found = Literal["attributes", "pca", "jacobian", "factorised"]
Ending = Annotated[str, Field(pattern="^[a-z0-9]{1,8}$")]  # of a file, without the dot
Able = Literal["items", "encode", "detail", "lock", "like", "transfer", "report", "support"]

Place = str | list[float]  # "@12", a formula, or a latent
Id = Annotated[int, Field(ge=0, lt=2**31)]
Number = Annotated[float, Field(allow_inf_nan=False)]


DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")  # that a page has arrays of


@dataclass(frozen=True)
class Shape:
    """An array of a packed answer.

    Attributes:
        dtypes: that it may have; another is turned into the first where that loses no more than digits.
        axes: their names; ``...`` stands for those of an item.
        exact: no other type will do.
    """

    dtypes: tuple[str, ...]
    axes: str
    exact: bool = False

    def fitted(self, name: str, value: np.ndarray) -> np.ndarray:
        """An array in a type that the wire has.

        Raises:
            LiminalError: it has none, or a number in it would become another.
        """
        kind = value.dtype.str[1:]
        if kind in self.dtypes:
            return value
        target = np.dtype(f"<{self.dtypes[0]}")
        fits = not self.exact and np.can_cast(
            value.dtype, target, "same_kind" if target.kind == "f" else "unsafe"
        )
        if fits and target.kind != "f":
            info = np.iinfo(target)
            fits = value.dtype.kind in "biu" and (
                not value.size or (info.min <= int(value.min()) and int(value.max()) <= info.max)
            )
        if not fits:
            raise LiminalError(
                f"the studio's page has no array of {value.dtype} that {name} could be, or not all of its "
                "numbers fit;"
                f" wanted one of {', '.join(np.dtype(dtype).name for dtype in self.dtypes)}"
            )
        return value.astype(target)


Items = Annotated[np.ndarray, Shape(DTYPES, "n ...", exact=True)]
One = Annotated[np.ndarray, Shape(DTYPES, "...", exact=True)]
Latents = Annotated[np.ndarray, Shape(("f4",), "n d")]
Vectors = Annotated[np.ndarray, Shape(("f4",), "k d")]
Places = Annotated[np.ndarray, Shape(("f4",), "n 2")]
Numbers = Annotated[np.ndarray, Shape(("f4",), "n")]
Triples = Annotated[np.ndarray, Shape(("f4",), "n 3")]
Steps = Annotated[np.ndarray, Shape(("f4",), "k")]
Rows = Annotated[np.ndarray, Shape(("i4",), "n")]
RowTriples = Annotated[np.ndarray, Shape(("i4",), "n 3")]
Flags = Annotated[np.ndarray, Shape(("u1",), "n")]
Codes = Annotated[np.ndarray, Shape(("u2", "u1", "f4"), "n")]


class Json(BaseModel):
    """JSON in an answer, or one."""

    model_config = ConfigDict(extra="forbid")


class Packed(BaseModel):
    """An answer with arrays; every other field travels in the header."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    @classmethod
    def arrays(cls) -> dict[str, Shape]:
        """The arrays by name."""
        shapes = {
            name: next((m for m in about.metadata if isinstance(m, Shape)), None)
            for name, about in cls.model_fields.items()
        }
        return {name: shape for name, shape in shapes.items() if shape is not None}

    def pack(self) -> bytes:
        """The answer in the packed format.

        Raises:
            LiminalError: an array has a type that the wire does not know.
        """
        arrays = {}
        for name, shape in self.arrays().items():
            value = shape.fitted(name, np.asarray(getattr(self, name)))
            arrays[name] = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        return pack(
            arrays, json.loads(self.model_dump_json(exclude=set(arrays)))
        )  # pydantic writes NaN and infinity as null


def pack(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> bytes:
    """Arrays of the types that `Shape` knows and JSON fields in the packed format."""
    entries: dict[str, dict[str, Any]] = {}
    parts: list[bytes] = []
    at = 0
    for name, value in arrays.items():
        data = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
        entries[name] = {"dtype": value.dtype.str[1:], "shape": list(value.shape), "at": at}
        parts += [data, bytes(-len(data) % 8)]
        at += len(data) + -len(data) % 8
    header = json.dumps({"arrays": entries, **facts}, ensure_ascii=False, allow_nan=False).encode()
    header += b" " * (-(len(header) + 4) % 8)
    return len(header).to_bytes(4, "little") + header + b"".join(parts)


def unpack(data: bytes) -> dict[str, Any]:
    """The arrays and the JSON fields of a packed answer, by name.

    Raises:
        ValueError: it is cut, or no packed answer.
    """
    size = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + size])
    found = {name: value for name, value in header.items() if name != "arrays"}
    for name, entry in header["arrays"].items():
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(data, np.dtype(f"<{entry['dtype']}"), count, 4 + size + entry["at"])
        found[name] = values.reshape(entry["shape"])
    return found


# what there is


class Modality(Json):
    """The kind of data: what `modalities.Modality` says of it in words, and the arguments of this one.

    Endings have no dot; ``films``:
    what a path can be saved as; ``config`` is for the page's own view of the kind, ``modalities/NAME.ts``.
    """

    name: str
    noun: str
    plural: str
    reads: list[Ending]
    writes: list[Ending]
    films: list[Ending]
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
    an item, ``lock`` attributes, draw samples ``like`` a group, ``transfer`` a style, make the ``report``,
    tell ``support``) and directions ``found``.
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
    ready: bool
    broken: str | None
    tasks: list[Task]


class Failure(Json):
    """What is wrong in one line; of a formula also the character ``at`` which, and names that are ``near`` to
    one that is unknown.
    """

    error: str
    at: int | None = None
    near: list[str] = []


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
    difference of the reconstruction in
    the chart of the modality; ``worse``: share of held-out items that are restored worse.
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


class Encoded(Look):
    """A dropped file: ``worse`` as for `Item`; ``belongs``: is it of the kind that the space is made of;
    ``remarks`` on its reading.
    """

    original: One
    error: float
    worse: float | None
    belongs: bool | None
    remarks: list[str]


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
    their readers see them.
    """

    z: list[Number] | None = None
    id: Id | None = None
    change: dict[str, Number]
    lock: list[str] = []
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
    deviation of latents;
    ``effect`` on the strongest reading and mean ``leakage`` on others, in theirs; ``words``: what changes;
    ``numbers``: by how much.
    """

    index: int
    name: str
    spread: float
    use: float
    unit: str
    active: bool
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
    frames: int = Field(48, ge=2, le=480)
    loop: bool = False
    only: list[str] = []
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
    path: PathRequest
    format: Ending = "gif"
    fps: float = Field(24, ge=0.01, le=50)


class SampleRequest(Json):
    """At most one of ``rows`` (like these items) and ``cluster``; ``support``: only draws with at least this
    much.
    """

    n: int = Field(16, ge=1, le=1024)
    source: str = "default"
    rows: list[Id] | None = None
    cluster: Id | None = None
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


# routes


@dataclass(frozen=True)
class Route:
    """One address.

    Attributes:
        name: of the function behind it.
        gives: a model, or a content type.
        about: a line for people.
        takes: a model, the axes of raw float32 (``"n d"``), ``"file"``, or None.
        query: TypeScript types of its query, by name; those with a question mark may be left out.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    gives: type[BaseModel] | str
    about: str
    takes: type[BaseModel] | str | None = None
    query: dict[str, str] = field(default_factory=dict)


_ON = {"method?": "Method"}
ROUTES = (
    Route(
        "space",
        "GET",
        "/api/space",
        Space,
        "what there is: name, items, attributes, sources; whether the model is loaded",
    ),
    Route("map_", "GET", "/api/map", Layout, "places of all items; laid out once, then kept", query=_ON),
    Route(
        "column",
        "GET",
        "/api/column",
        Column,
        "one attribute of all items, or `cluster` or `split`",
        query={"name": "string"},
    ),
    Route(
        "thumbnails",
        "GET",
        "/api/thumbnails",
        "image/png",
        "a sheet of 1,024 items, 32 across",
        query={"page?": "number"},
    ),
    Route("decode", "POST", "/api/decode", Decoded, "latents decoded", "n d"),
    Route("at", "POST", "/api/at", At, "what lies at places of the map", "n 2", _ON),
    Route(
        "look",
        "POST",
        "/api/look",
        Look,
        "latents decoded, with support, nearest items and place",
        "n d",
        _ON,
    ),
    Route(
        "item",
        "GET",
        "/api/item",
        Item,
        "one item: source, attributes, neighbours, error",
        query={"id": "number"},
    ),
    Route(
        "picture",
        "GET",
        "/api/picture",
        "*/*",
        "an item, or its reconstruction, as a page shows it; of the type that the modality says",
        query={"id": "number", "of?": '"original" | "reconstruction"'},
    ),
    Route(
        "stored",
        "GET",
        "/api/stored",
        Decoded,
        "an item as it is stored, and its reconstruction",
        query={"id": "number"},
    ),
    Route("encode", "POST", "/api/encode", Encoded, "a file of one's own, encoded", "file", _ON),
    Route("formula", "POST", "/api/formula", Formula, "what a formula leads to", FormulaRequest),
    Route(
        "names",
        "GET",
        "/api/names",
        Names,
        "how what is being written may go on",
        query={"prefix?": "string"},
    ),
    Route(
        "directions",
        "GET",
        "/api/directions",
        Directions,
        "directions of attributes, or such as no attribute names",
        query={"source?": "Found", "id?": "number"},
    ),
    Route(
        "between",
        "POST",
        "/api/directions",
        Directions,
        "the direction between two selections",
        BetweenRequest,
    ),
    Route("slide", "POST", "/api/slide", Slid, "an item moved along directions", SlideRequest),
    Route(
        "strip",
        "GET",
        "/api/strip",
        Strip,
        "an item moved along one direction or dimension",
        query={"kind": '"direction" | "dimension"', "name": "string", "id?": "number"},
    ),
    Route("dimensions", "GET", "/api/dimensions", Dimensions, "a card for each latent dimension, by use"),
    Route("path", "POST", "/api/path", Path, "a walk through key frames", PathRequest),
    Route(
        "export",
        "POST",
        "/api/export",
        "application/octet-stream",
        "a walk as a film or a sheet",
        ExportRequest,
    ),
    Route("sample", "POST", "/api/sample", Samples, "new items", SampleRequest),
    Route("transfer", "POST", "/api/transfer", Transfer, "one item in the style of another", TransferRequest),
    Route("report", "GET", "/api/report", "text/html", "the measures as a page; made once"),
    Route("progress", "GET", "/api/progress", Progress, "what long work is at"),
)
