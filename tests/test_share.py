"""A shared page: what is in it, what must not be, and that it answers as the library does (with
`web/test/local.test.ts`).
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import importlib.util
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import liminal
from liminal.cli import main
from liminal.errors import LiminalError
from liminal.modalities import Modality
from liminal.nn import plainly
from liminal.studio import answers, coarse, moves, pages, payload, share, wire
from liminal.studio.session import Session
from liminal.voice import Voice

ROOT = Path(__file__).parent.parent


@dataclasses.dataclass
class Kind:
    """A space, how its map is made, and what is asked of it."""

    session: Session
    method: str
    formulas: tuple[str, ...]
    change: dict[str, float]
    where: str


FORMULAS = (
    "@3 + @7 - @11",
    "mean(label=bar)",
    "@5 + 0.7*high - brightness",
    "mean(high and not brightness < 0.6)",
    "mean(brightness between 0.5 and 0.9 or label like 'blo%')",
    "0.25*@1 + 0.75*mix(@2, @9, @40)",
    "random(7) + 0.5*dim(1)",
    "@2 - 2*(mean(label=block) - mean(label=bar))",
)
WRONG = ("nonsense", "2 + 2", "@1 + @2", "high", "@1*@2", "mean(nothing=1)", "@1 + (", "dim(99)", "@99999")

needs_page = pytest.mark.skipif(
    not (pages.STATIC / share.ENGINE).is_file(), reason="the page is not built: run scripts/web.py"
)


@pytest.fixture(scope="module")
def session(tiny_space: Path) -> Iterator[Session]:
    one = Session("tiny", tiny_space, space=liminal.open(tiny_space))
    one.settle("umap")
    yield one
    one.close(5.0)


@pytest.fixture(scope="module", params=["image", "strand", "table", "melody", "audio", "text"])
def kind(request: pytest.FixtureRequest, session: Session) -> Iterator[Kind]:
    """Pictures, symbols, mixed columns, what can be heard, and what can be read."""
    if request.param == "image":
        yield Kind(
            session,
            "umap",
            FORMULAS,
            {"high": 1.5, "brightness": -0.5},
            "brightness > 0.6 and not (high or label = 'bar')",
        )
        return
    fixture, name, where = {
        "strand": ("strand_space", "length", "length > 4"),
        "table": ("wine_space", "alcohol", "alcohol > 4"),
        "melody": ("tune_space", "bar", "bar > 4"),
        "audio": ("sound_space", "label=high", "label = 'high'"),
        "text": ("sentence_space", "mood=good", "mood = 'good'"),
    }[request.param]
    folder = request.getfixturevalue(fixture)
    one = Session(request.param, folder, space=liminal.open(folder))
    one.settle("pca")
    yield Kind(
        one,
        "pca",
        ("@3 + @7 - @11", f"@5 + 0.5*{name}", "0.25*@1 + 0.75*mix(@2, @9)"),
        {name: 1.0},
        where,
    )
    one.close(5.0)


def blocks(page: str) -> dict[str, bytes]:
    """The inert blocks of a page, unpacked."""
    found = re.findall(r'<script type="application/octet-stream" id="liminal-(\w+)">([^<]*)</script>', page)
    back = bytes.maketrans(b",:", b"<&")
    return {name: gzip.decompress(base64.b85decode(text.encode().translate(back))) for name, text in found}


# the same answers


def told(of: Kind) -> dict[str, Any]:
    """What the studio says of some places, latents, items, formulas, sliders and ways."""
    s, method, change = of.session, of.method, of.change
    z = s.space.latents.numpy()
    xy = s.settle(method).map.xy
    rng = np.random.default_rng(0)
    places = np.concatenate(
        [xy[[4, 60]], xy[[9, 120]] + 0.05, xy.mean(0)[None], xy.max(0)[None] + 50]
    ).astype(np.float32)
    latents = np.concatenate(
        [z[[3, 77]], z[rng.integers(len(z), size=3)] + rng.normal(0, 0.4, (3, z.shape[1]))]
    ).astype(np.float32)
    at, look = s.at(places, method), s.look(latents, method)
    slid = moves.slide(s, wire.SlideRequest(id=8, change=change, method=method))  # type: ignore[arg-type]
    formulas = [
        answers.of_formula(s, wire.FormulaRequest(text=text, method=method))  # type: ignore[arg-type]
        for text in of.formulas
    ]
    ways = []
    for along, loop in (("linear", False), ("slerp", True), ("mix", False)):
        keys = ["@3", "@90", "@91"]
        way = moves.path(
            s,
            wire.PathRequest(keys=keys, along=along, frames=12, loop=loop, method=method),  # type: ignore[arg-type]
        )
        ways.append(
            {
                "along": along,
                "loop": loop,
                "keys": keys,
                "z": flat(way.z),
                "at": way.at,
                "steps": flat(way.steps),
                "how": way.how,
            }
        )
    return {
        "forms": forms(s, latents),
        "at": {"xy": flat(places), **{name: flat(value) for name, value in at.items()}},
        "look": {name: flat(value) for name, value in look.items()},
        "item": answers.item(s, 30).model_dump(),
        "formulas": [
            {"text": text, "shown": f.text, "z": flat(f.z), "python": f.copy_as.python}
            for text, f in zip(of.formulas, formulas, strict=True)
        ],
        "wrong": WRONG,
        "slid": {
            "id": 8,
            "change": change,
            "z": flat(slid.z),
            "attributes": [one.model_dump() for one in slid.attributes],
            "command": slid.copy_as.command,
            "python": slid.copy_as.python,
        },
        "ways": ways,
        "where": {"text": of.where, "rows": answers.where(s, of.where).rows.tolist()},
        "sources": s.sources([3, 7]).sources,
        "captions": s.sources([3, 7]).captions,
    }


def forms(s: Session, latents: np.ndarray) -> dict[str, Any]:
    """Some items in all forms, and how far decoded ones lie apart in the chart."""
    m = s.modality
    items = s.space.items(list(range(8)))
    y = s.space.generator.decode(torch.from_numpy(latents))
    chart = m.chart(y).double()
    return {
        "items": flat(items),
        "x": flat(m.tensor(items)),
        "soft": flat(m.soft(items)),
        "captions": [m.caption(item) for item in items],
        "y": flat(y),
        "apart": flat(torch.cdist(chart, chart)),
        "size": chart.shape[1],
        "films": films(m, items[:3]),
    }


def films(m: Modality, items: np.ndarray) -> dict[str, str]:
    """Some items one after the other, in each kind of file that is the modality's own."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for ending in m.films:
            path = Path(folder) / f"film{ending}"
            m.film(items, path, 24)
            found[ending.removeprefix(".")] = base64.b64encode(path.read_bytes()).decode()
    return found


def flat(value: Any) -> list[float | None]:
    """Numbers as JSON takes them: NaN as null."""
    return [
        None if x != x else (int(x) if isinstance(x, np.integer | np.bool_) else float(x))
        for x in np.asarray(value).ravel()
    ]


def node() -> Path:
    """The folder of the Node that builds the page."""
    spec = importlib.util.spec_from_file_location("web", ROOT / "scripts" / "web.py")
    assert spec is not None
    assert spec.loader is not None
    web = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(web)
    folder: Path = web.node()
    web.ready(folder)
    return folder


def test_the_page_answers_as_the_library(kind: Kind, tmp_path: Path) -> None:
    arrays, facts = payload.gather(kind.session, 10_000, False, kind.method, Voice())
    assert {"decoder", "encoder"} <= set(arrays)
    (tmp_path / "payload.bin").write_bytes(wire.pack(arrays, facts))
    with plainly(kind.session.space.generator):  # as the page's networks are
        (tmp_path / "told.json").write_text(json.dumps(told(kind), allow_nan=False))
    folder = node()
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "LIMINAL_FIXTURE": str(tmp_path)}
    done = subprocess.run(
        [folder / "npm", "test", "--", "test/local.test.ts"],
        cwd=ROOT / "web",
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout, done.stdout[-2000:]


def test_latents_survive_their_levels() -> None:
    z = np.random.default_rng(0).normal(0, 2, (500, 6)).astype(np.float32)
    levels, low, step = payload._levels(z)
    assert np.abs(payload.restored(levels, low, step) - z).max() < 2e-4


def test_shown_items_come_first() -> None:
    shown, known = payload.chosen(50_000, 3_000, 64)
    assert len(shown) == 3_000
    assert len(known) == payload.NUMBERS // 64
    assert np.array_equal(known[:3_000], shown)
    assert len(set(known.tolist())) == len(known)


def test_a_part_of_the_items_stands_on_itself(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "NUMBERS", 400)
    arrays, facts = payload.gather(session, 60, False, "umap", Voice())
    assert facts["shown"] == facts["space"]["items"] == 60
    assert len(arrays["id"]) == len(arrays["xy"]) == len(arrays["z"]) == 100
    assert arrays["member"].max() < 100
    assert not facts["whole"]


# the file


@needs_page
def test_the_file_asks_nothing_of_anybody(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert main(["share", str(session.folder), "-o", str(out), "--items", "50"]) == 0
    assert re.search(r"wrote .* to .*page\.html, \d+\.\d MB", capsys.readouterr().out)
    text = out.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]+"', text[: text.index("liminal-engine")])
    assert "connect-src 'none'" in text
    assert "default-src 'none'" in text
    assert str(session.folder.parent) not in text
    held = blocks(text)
    assert held["engine"][:4] == b"\0asm"
    found = wire.unpack(held["space"])
    assert found["shown"] == 50
    assert str(session.folder.parent).encode() not in held["space"]
    before = out.read_bytes()
    assert main(["share", str(session.folder), "-o", str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_bytes() == before
    folder = tmp_path / "folder.html"
    folder.mkdir()
    (folder / "mine").touch()
    assert main(["share", str(session.folder), "-o", str(folder), "--force"]) == 2
    assert "is a folder; name another file" in capsys.readouterr().err
    with pytest.raises(LiminalError, match="it is a folder; name a file"):
        liminal.share(session.space, folder, force=True)
    assert (folder / "mine").exists()


@needs_page
def test_private_items_stay_at_home(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    size = liminal.share(session.space, out, no_items=True)
    assert size == out.stat().st_size
    held = blocks(out.read_text())["space"]
    found = wire.unpack(held)
    z = session.space.latents.numpy()
    assert found["shown"] == found["space"]["items"] == 0
    assert not [name for name in found if name.startswith(("sheet ", "column "))]
    assert "items" not in found["space"]["able"]
    cells = payload.restored(found["z"], found["z_low"], found["z_step"])
    assert len(cells) <= len(z) // coarse.LEAST
    rows = [
        cells,
        *(
            v
            for v in found.values()
            if isinstance(v, np.ndarray) and v.ndim == 2 and v.shape[1] == z.shape[1]
        ),
    ]
    apart = torch.cdist(
        torch.from_numpy(np.concatenate(rows).astype(np.float64)), torch.from_numpy(z.astype(np.float64))
    ).min()
    assert float(apart) > 1e-3
    xy = session.settle("umap").map.xy
    assert (
        float(
            torch.cdist(
                torch.from_numpy(found["xy"].astype(np.float64)), torch.from_numpy(xy.astype(np.float64))
            ).min()
        )
        > 0
    )
    for row in z:
        for kind in (np.float32, np.float16, np.float64):
            assert row.astype(kind).tobytes() not in held
    assert len(z) not in {len(v) for v in found.values() if isinstance(v, np.ndarray) and v.ndim}
    for row in session.catalogue.rows(list(range(5)), ["source"]).to_pylist():
        assert row["source"].encode() not in held


def test_too_few_items_cannot_be_hidden(session: Session) -> None:
    xy = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.raises(LiminalError, match="too few to hide"):
        coarse.made(session, xy, np.zeros((100, 4), np.float32))


def test_cells_hold_enough() -> None:
    xy = np.random.default_rng(0).normal(size=(1234, 2))
    parts = coarse.cells(xy)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1234))
    assert all(coarse.LEAST <= len(rows) < 2 * coarse.LEAST for rows in parts)


def test_wrong_input_is_refused(tmp_path: Path) -> None:
    for arguments, words in (
        ({"path": "page.txt"}, r"\.html"),
        ({"path": "page.html", "items": 0}, "1 or more"),
        ({"path": "no/page.html"}, "does not exist"),
    ):
        with pytest.raises(LiminalError, match=words):
            liminal.share("fashion", **{**arguments, "path": tmp_path / str(arguments["path"])})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("licence", "warned"), [("MIT", False), ("not stated", True), ("CC BY-NC 4.0, non-commercial", True)]
)
def test_a_licence_that_stands_against_it_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch, licence: str, warned: bool
) -> None:
    monkeypatch.setitem(session.card.data, "licence", licence)
    assert (share.warning(session) is not None) == warned
