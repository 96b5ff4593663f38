"""The addresses of the studio, with what each takes and gives."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from pydantic import BaseModel

from .contents import Column, Layout, Progress, Space
from .wire import (
    At,
    BetweenRequest,
    Completed,
    CompleteRequest,
    ComposeRequest,
    Decoded,
    Dimensions,
    Directions,
    Encoded,
    ExportRequest,
    Formula,
    FormulaRequest,
    Group,
    Item,
    Lonely,
    Look,
    Names,
    Path,
    PathRequest,
    SampleRequest,
    Samples,
    Slid,
    SlideRequest,
    Sources,
    SourcesRequest,
    Strip,
    Transfer,
    TransferRequest,
    Unusual,
)


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
    _: KW_ONLY
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
    Route("decode", "POST", "/api/decode", Decoded, "latents decoded", takes="n d"),
    Route("at", "POST", "/api/at", At, "what lies at places of the map", takes="n 2", query=_ON),
    Route(
        "look",
        "POST",
        "/api/look",
        Look,
        "latents decoded, with support, nearest items and place",
        takes="n d",
        query=_ON,
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
        "unusual",
        "GET",
        "/api/unusual",
        Unusual,
        "which attributes that an item states are unusual given its others",
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
    Route(
        "where",
        "GET",
        "/api/where",
        Group,
        "the items that a condition holds for, such as `label = 'Bag'`",
        query={"text": "string"},
    ),
    Route("lonely", "GET", "/api/lonely", Lonely, "the items that stand most alone, the loneliest first"),
    Route("sources", "POST", "/api/sources", Sources, "where items come from", takes=SourcesRequest),
    Route(
        "encode",
        "POST",
        "/api/encode",
        Encoded,
        "a file of one's own, encoded",
        takes="file",
        query={**_ON, "name?": "string"},
    ),
    Route("formula", "POST", "/api/formula", Formula, "what a formula leads to", takes=FormulaRequest),
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
        takes=BetweenRequest,
    ),
    Route("slide", "POST", "/api/slide", Slid, "an item moved along directions", takes=SlideRequest),
    Route(
        "strip",
        "GET",
        "/api/strip",
        Strip,
        "an item moved along one direction or dimension",
        query={"kind": '"direction" | "dimension"', "name": "string", "id?": "number"},
    ),
    Route("dimensions", "GET", "/api/dimensions", Dimensions, "a card for each latent dimension, by use"),
    Route("path", "POST", "/api/path", Path, "a walk through key frames", takes=PathRequest),
    Route(
        "compose",
        "POST",
        "/api/compose",
        Path,
        "a piece: items one after the other, by a form",
        takes=ComposeRequest,
    ),
    Route(
        "export",
        "POST",
        "/api/export",
        "application/octet-stream",
        "a walk or a piece as a file",
        takes=ExportRequest,
    ),
    Route("sample", "POST", "/api/sample", Samples, "new items", takes=SampleRequest),
    Route(
        "transfer",
        "POST",
        "/api/transfer",
        Transfer,
        "one item in the style of another",
        takes=TransferRequest,
    ),
    Route(
        "complete",
        "POST",
        "/api/complete",
        Completed,
        "what may stand around a known part of an item",
        takes=CompleteRequest,
    ),
    Route("report", "GET", "/api/report", "text/html", "the measures as a page; made once"),
    Route(
        "progress",
        "GET",
        "/api/progress",
        Progress,
        "what long work is at, and whether the space on disk is a newer one",
    ),
    Route("reload", "POST", "/api/reload", Space, "the space as it is on disk now takes the place"),
)
