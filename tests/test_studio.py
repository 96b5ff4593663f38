"""The studio's server: every route against the space `fashion`, over a real port; what the wire says, and
what Python says of the same.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import rankdata

import liminal
from liminal.errors import LiminalError
from liminal.kept import Kept, apart, together
from liminal.maps.project import METHODS
from liminal.ops.ways import paths
from liminal.space import Space
from liminal.studio import address, contents, known, pages, routes, server, wire, worker
from liminal.verbs.finding import SOURCES

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0  # seconds for what is made in the background


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def packed(self) -> dict[str, Any]:
        assert self.status == 200, self.body
        assert self.headers["content-type"] == wire.PACKED
        return wire.unpack(self.body)


class Client:
    """Asks a studio, with its token in the address."""

    def __init__(self, studio: server.Studio) -> None:
        self.studio = studio
        self.base, _, self.token = studio.url.partition("/?")

    def ask(self, path: str, body: bytes | dict[str, Any] | None = None, **headers: str) -> Answer:
        """One request; again where the studio says that it is not ready."""
        kind = {"content-type": "application/json"} if isinstance(body, dict) else {}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        url = f"{self.base}{path}{'&' if '?' in path else '?'}{self.token}"
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(url, data, {**kind, **headers}), timeout=PATIENCE
                ) as answer:
                    return Answer(answer.status, answer.headers, answer.read())
            except urllib.error.HTTPError as error:
                if error.code != 503 or time.monotonic() > end:
                    return Answer(error.code, error.headers, error.read())
                time.sleep(0.05 * float(error.headers["retry-after"]))


@pytest.fixture(scope="module")
def space() -> Space:
    return liminal.open("fashion")


@pytest.fixture(scope="module")
def studio() -> Iterator[server.Studio]:
    running = liminal.studio("fashion")
    yield running
    running.close()


@pytest.fixture(scope="module")
def client(studio: server.Studio) -> Client:
    made = Client(studio)
    assert made.ask("/api/map?method=pca").status == 200
    end = time.monotonic() + PATIENCE
    while studio.session.support is None and time.monotonic() < end:
        time.sleep(0.05)
    assert studio.session.support is not None
    return made


def bytes_of(values: Any) -> bytes:
    return np.asarray(values, "<f4").tobytes()


# the wire


def test_the_page_knows_the_same_wire() -> None:
    """web/src/wire.ts is what scripts/wire.py writes."""
    code = "import sys; sys.path.insert(0, 'scripts'); import wire; sys.stdout.write(wire.text())"
    written = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert (ROOT / "web" / "src" / "wire.ts").read_text() == written, "run scripts/wire.py"


def test_packed_arrays_come_back_aligned() -> None:
    column = contents.Column(
        data=np.arange(5, dtype=np.uint16),
        name="größe",
        kind="category",
        values=["a"],
        low=float("nan"),
        high=None,
    )
    data = column.pack()
    size = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + size])
    assert (4 + size) % 8 == 0
    assert all(entry["at"] % 8 == 0 for entry in header["arrays"].values())
    found = wire.unpack(data)
    assert found["data"].tolist() == [0, 1, 2, 3, 4]
    assert found["data"].dtype == np.uint16
    assert (found["name"], found["low"]) == ("größe", None)
    at = wire.At(
        items=np.zeros((3, 2, 2, 1)), z=np.ones((3, 5)), inside=np.array([True, False, True]), error=np.arange(3.0),  # noqa: E501
        support=np.full(3, np.nan), nearest=np.arange(3), distance=np.zeros(3),
    )  # fmt: skip
    found = wire.unpack(at.pack())
    assert found["items"].shape == (3, 2, 2, 1)
    assert found["inside"].tolist() == [1, 0, 1]
    assert found["error"].dtype == np.float32
    assert np.isnan(found["support"]).all()


def test_the_wire_names_what_there_is() -> None:
    assert set(get_args(contents.Method)) == set(METHODS)
    assert set(get_args(contents.Along)) == {*paths.NAMES, "geodesic", "conditional"}
    assert get_args(contents.Found) == SOURCES


def test_every_route_is_served_and_documented(studio: server.Studio) -> None:
    described = server.application(studio.session).openapi()["paths"]
    served = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert served == {(route.method, route.path) for route in routes.ROUTES}
    page = (ROOT / "docs" / "studio.md").read_text()
    for route in routes.ROUTES:
        assert f"`{route.method} {route.path}`" in page, f"docs/studio.md does not name {route.path}"


# what is known without the model


def test_the_first_page_needs_no_torch(client: Client, tmp_path: Path) -> None:
    """What was kept is shown again before torch is loaded: a second studio of the same space, in a process of
    its own.
    """
    client.ask("/api/column?name=label")
    client.ask("/api/space")
    client.ask("/api/thumbnails")
    code = """
import sys
from liminal.studio import address, contents, session
folder = address.space_folder("fashion")
it = session.Session("fashion", folder, lambda: None)
assert it.about(False, None).items == 10200
assert len(it.layout("pca").xy) == 10200
assert len(it.column("label").data) == 10200
assert it.thumbnails(0)[:4] == b"\\x89PNG"
heavy = {"torch", "lancedb", "sklearn", "umap"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_second_start_decodes_without_the_items_database(client: Client) -> None:
    """It takes as long to load as torch; the first start keeps the latents, which is all that a hover needs
    of it.
    """
    client.ask("/api/map?method=pca")
    code = """
import sys
import numpy as np
from liminal.studio import address, contents, server
it = server.open_session("fashion", address.space_folder("fashion"))
xy = it.settle("pca").map.xy
found = it.at(xy[:2], "pca")
assert found["items"].shape == (2, 28, 28, 1)
assert it.nearest(it.space.latents[5:7].numpy(), 1)[0].tolist() == [[5], [6]]
assert (found["support"] > 0).all()
assert it.close(5)
print("lancedb" in sys.modules)
"""
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert done.stdout == "False\n"


def test_space(client: Client, space: Space) -> None:
    told = client.ask("/api/space").json
    assert (told["name"], told["items"], told["dim"]) == ("fashion", 10_200, 16)
    kind = told["modality"]
    assert (kind["name"], kind["noun"], kind["plural"]) == ("image", "picture", "pictures")
    assert kind["config"] == space.modality.config()
    assert {"png", "jpg"} <= set(kind["reads"]) & set(kind["writes"])
    assert kind["films"] == ["gif", "mp4", "png"]
    assert told["attributes"][0]["values"] == space.catalogue.values("label")
    assert told["sources"][0] == space.source("default")
    assert set(told["sources"]) == set(space.samplers)
    assert told["ready"] is True
    assert (told["tile"], told["pages"], told["licence"]) == ([28, 28], 10, "MIT")


def test_map_is_the_space_s_own(client: Client, space: Space) -> None:
    found = client.ask("/api/map?method=pca").packed
    drawn = space.map("pca", most=len(space.catalogue))
    assert np.allclose(found["xy"], drawn.xy, atol=1e-5)
    assert found["id"].tolist() == list(range(10_200))
    assert found["words"] == drawn.words()


def test_columns(client: Client, space: Space) -> None:
    label = client.ask("/api/column?name=label").packed
    wanted = space.catalogue.table(columns=["label"])["label"].to_pylist()
    assert [label["values"][code] for code in label["data"]] == wanted
    split = client.ask("/api/column?name=split").packed
    assert (np.array(split["values"])[split["data"]] == "held").sum() == 1_800
    refused = client.ask("/api/column?name=lable")
    assert refused.status == 400
    assert "label" in refused.json["error"]


def test_columns_of_each_kind(tiny_space: Path) -> None:
    """Codes, yes/no and numbers, unknown ones too."""
    space = liminal.open(tiny_space)
    column = known.Known("tiny", tiny_space, space.card).column
    table = space.catalogue.table()
    high, brightness = column("high"), column("brightness")
    assert high.data.tolist() == [int(v) for v in table["high"].to_pylist()]
    assert np.allclose(brightness.data, table["brightness"].to_pylist())
    assert brightness.low == pytest.approx(min(table["brightness"].to_pylist()))


def test_unknown_values(tiny_space: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    space = liminal.open(tiny_space)
    space.save(copy)
    labels = tmp_path / "more.csv"
    labels.write_text("file,size,round,mood\n0000.png,1.5,yes,glad\n0001.png,,no,\n")
    changed = liminal.open(copy)
    changed.label(labels)
    column = known.Known("copy", copy, changed.card).column
    named = {
        Path(s).name: i
        for i, s in enumerate(changed.catalogue.table(columns=["source"])["source"].to_pylist())
    }
    first, second, third = (named[f"000{i}.png"] for i in range(3))
    assert column("size").data[first] == 1.5
    assert np.isnan(column("size").data[[second, third]]).all()
    assert column("round").data[[first, second, third]].tolist() == [1, 0, wire.NEITHER]
    assert column("mood").data[[first, second]].tolist() == [0, wire.UNKNOWN]


def test_thumbnails_show_the_items(client: Client, space: Space) -> None:
    sheet = np.array(Image.open(io.BytesIO(client.ask("/api/thumbnails?page=9").body)))
    rows = np.arange(9 * wire.PAGE, 10_200)
    assert sheet.shape == (-(-len(rows) // wire.ACROSS) * 28, wire.ACROSS * 28)
    for row in (rows[0], rows[40], rows[-1]):
        down, right = divmod(row - rows[0], wire.ACROSS)
        tile = sheet[down * 28 : down * 28 + 28, right * 28 : right * 28 + 28]
        assert np.array_equal(tile, space.items([int(row)])[0, ..., 0])
    assert client.ask("/api/thumbnails?page=10").status == 400


# decoding


def test_decode_and_look_are_the_space_s(client: Client, space: Space) -> None:
    z = space.latents[[5, 80, 900]].numpy() + np.array([[0.0], [0.3], [2.0]], np.float32)
    assert np.array_equal(client.ask("/api/decode", bytes_of(z)).packed["items"], space.decode(z))
    look = client.ask("/api/look?method=pca", bytes_of(z)).packed
    assert np.array_equal(look["items"], space.decode(z))
    assert np.allclose(look["support"], space.support(torch.from_numpy(z)).numpy(), atol=1e-6)
    far = np.linalg.norm(space.latents.numpy()[None] - z[:, None], axis=2)
    assert np.array_equal(look["nearest"], far.argsort(1)[:, :3])
    assert np.allclose(look["distance"], np.sort(far, 1)[:, :3], atol=1e-4)
    drawn = space.map("pca", most=len(space.catalogue))
    assert np.allclose(look["xy"], drawn.place(z), atol=1e-4)


def test_at_is_the_map_s_way_back(client: Client, space: Space) -> None:
    drawn = space.map("pca", most=len(space.catalogue))
    places = np.array([drawn.xy[3], drawn.xy[40], [1e3, 1e3]])
    found, wanted = client.ask("/api/at?method=pca", bytes_of(places)).packed, drawn.inverse()(places)
    assert np.allclose(found["z"], wanted.z, atol=1e-4)
    assert found["inside"].tolist() == [1, 1, 0]
    assert np.allclose(found["error"][:2], wanted.error[:2], rtol=1e-3)
    assert np.isnan(found["error"][2])
    assert np.abs(found["items"].astype(int) - space.decode(wanted.z)).max() <= 1
    assert (found["support"] > 0).all()


def test_many_rows_at_once(client: Client, space: Space) -> None:
    """More than one batch: the pieces come back in order."""
    z = space.draw(700, seed=1).numpy()
    assert (
        np.abs(client.ask("/api/decode", bytes_of(z)).packed["items"].astype(int) - space.decode(z)).max()
        <= 1
    )


def test_twenty_clients_at_once(client: Client, space: Space) -> None:
    z = space.draw(20, seed=2).numpy()
    with ThreadPoolExecutor(20) as pool:
        found = list(
            pool.map(
                lambda i: [client.ask("/api/decode", bytes_of(z[i])).packed["items"][0] for _ in range(5)],
                range(20),
            )
        )
    wanted = space.decode(z).astype(int)
    for i, items in enumerate(found):
        assert all(np.abs(item - wanted[i]).max() <= 1 for item in items)


def test_twenty_hands_over_the_map(client: Client, space: Space) -> None:
    """Twenty people move over the map at once: each sees what lies under their own pointer."""
    found = client.ask("/api/map?method=pca").packed["xy"]
    places = found[np.random.default_rng(5).permutation(len(found))[:160]].reshape(20, 8, 2)

    def walk(i: int) -> list[Answer]:
        return [client.ask("/api/at?method=pca", bytes_of(place)) for place in places[i]]

    with ThreadPoolExecutor(20) as pool:
        answers = [answer for walked in pool.map(walk, range(20)) for answer in walked]
    assert {answer.status for answer in answers} == {200}
    alone = client.ask("/api/at?method=pca", bytes_of(places.reshape(-1, 2))).packed
    for i, answer in enumerate(answers):
        assert np.abs(answer.packed["items"][0].astype(int) - alone["items"][i]).max() <= 1
        assert np.abs(answer.packed["z"][0] - alone["z"][i]).max() < 1e-3


# items, files, formulas


def test_item(client: Client, space: Space) -> None:
    told = client.ask("/api/item?id=12").json
    table = space.neighbors("@12", 10).to_pylist()
    assert [n["id"] for n in told["neighbors"]] == [row["id"] for row in table[1:]]
    assert told["attributes"] == {"label": table[0]["label"]}
    assert np.allclose(told["z"], space.latents[12])
    x = space.items([12]) / 255.0
    assert told["error"] == pytest.approx(
        ((x - space.decode(space.latents[12]) / 255.0) ** 2).mean(), abs=2e-5
    )
    held = space.catalogue.table(columns=["id"], split="held")["id"].to_pylist()[:300]
    errors = ((space.items(held) - space.decode(space.latents[held]).astype(float)) / 255) ** 2
    assert told["worse"] == pytest.approx((errors.mean((1, 2, 3)) > told["error"]).mean(), abs=0.06)
    assert client.ask("/api/item?id=10200").status == 400


def test_picture(client: Client, space: Space) -> None:
    for of, wanted in (
        ("original", space.items([7])[0]),
        ("reconstruction", space.decode(space.latents[7])[0]),
    ):
        shown = np.array(Image.open(io.BytesIO(client.ask(f"/api/picture?id=7&of={of}").body)))
        assert np.abs(shown[..., 0].astype(int) - wanted[..., 0]).max() <= 1


def test_a_dropped_file(client: Client, space: Space) -> None:
    picture = client.ask("/api/picture?id=40").body
    found = client.ask("/api/encode?method=pca", picture).packed
    assert np.array_equal(found["original"], space.items([40])[0])
    assert found["nearest"][0, 0] == 40
    assert np.allclose(found["z"][0], space.latents[40], atol=1e-3)
    assert found["belongs"] is True
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)).save(noise, "PNG")
    strange = client.ask("/api/encode?method=pca", noise.getvalue()).packed
    assert strange["belongs"] is False
    assert strange["worse"] < 0.01
    refused = client.ask("/api/encode", b"GIF89a nothing")
    assert refused.status == 400
    assert "the file" in refused.json["error"]


def test_items_that_a_condition_holds_for(client: Client, space: Space) -> None:
    def ask(text: str) -> Answer:
        return client.ask(f"/api/where?text={urllib.parse.quote(text)}")

    bags = space.matching("label = 'Bag'")
    assert np.array_equal(ask("label = 'Bag'").packed["rows"], bags)
    for wrong in ("label = 'Bagg'", "lable = 'Bag'", "label =", "label = 'Bag", ""):
        with pytest.raises(LiminalError) as caught:
            space.matching(wrong)
        refused = ask(wrong)
        assert refused.status == 400
        assert refused.json["error"] == " ".join(str(caught.value).split())  # as the library says it
    told = client.ask("/api/sources", {"rows": bags[:3].tolist()}).json["sources"]
    assert told == space.catalogue.rows(bags[:3].tolist(), ["source"])["source"].to_pylist()
    assert client.ask("/api/sources", {"rows": []}).json["sources"] == []
    assert client.ask("/api/sources", {"rows": [10**6]}).status == 400
    assert client.ask("/api/sources", {"rows": [0] * 1025}).status == 400


def test_the_loneliest_items(client: Client, space: Space) -> None:
    found = client.ask("/api/lonely").packed
    wanted = space.lonely(len(found["rows"]))
    assert len(wanted) == 100
    assert [
        (int(row), pytest.approx(float(times)))
        for row, times in zip(found["rows"], found["times"], strict=True)
    ] == wanted


def test_a_space_that_grows_is_told_of_and_loaded_anew(
    tiny_space: Path, pictures: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_space, tmp_path / "space")
    running = liminal.studio(folder)
    in_hand = liminal.studio(liminal.open(folder))
    try:
        one, other = Client(running), Client(in_hand)
        before = one.ask("/api/space").json
        assert one.ask("/api/map?method=pca").packed["xy"].shape == (before["items"], 2)
        newer = lambda client: client.ask("/api/progress").json["newer"]
        assert newer(one) is newer(other) is None
        assert "reload" in before["able"]
        assert "reload" not in other.ask("/api/space").json["able"]
        added = liminal.open(folder).add(str(pictures / "pictures"))
        assert added == 240
        assert newer(one) == newer(other) == "the space has 240 more items now"
        assert one.ask("/api/item?id=3").status == 200  # it goes on as it was
        assert one.ask("/api/map?method=pca").packed["xy"].shape == (before["items"], 2)
        assert "Python holds" in other.ask("/api/reload", b"").json["error"]
        first = running.session
        after = one.ask("/api/reload", b"").json
        assert after["items"] == before["items"] + 240
        assert newer(one) is None
        assert one.ask("/api/map?method=pca").packed["xy"].shape == (after["items"], 2)
        assert one.ask(f"/api/item?id={after['items'] - 1}").json["row"] == after["items"] - 1
        assert first.soon.submit(int).cancelled()  # what still asks the former one is told to ask again
        assert running.session.now is not first
    finally:
        running.close()
        in_hand.close()
    assert not any(thread.is_alive() for thread in first.now.soon.threads)


def test_a_space_that_is_changed_or_gone_meanwhile(tiny_space: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_space, tmp_path / "space")
    one = server.open_session("space", folder)
    try:
        assert one.newer() is None
        card = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps(card))  # as it was, at another time
        assert one.newer() is None
        card["created"] = "2001-01-01T00:00:00+00:00"
        card["prior"]["dim"] += 1
        (folder / "card.json").write_text(json.dumps(card))
        assert one.newer() == "the space was changed on disk"
        with pytest.raises(LiminalError, match=r"dimensions now and had .*start it again"):
            one.reload()
        assert one.now is one
        shutil.rmtree(folder)
        assert one.newer() is None
    finally:
        one.close(5.0)


def test_formula(client: Client, space: Space) -> None:
    found = client.ask("/api/formula", {"text": "@12 + 0.5*label=Bag", "method": "pca"}).packed
    assert np.allclose(found["z"][0], space.latent("@12 + 0.5*label=Bag"), atol=1e-5)
    assert (found["names"], found["ids"], found["text"]) == (["label"], [12], "@12 + 0.5*label=Bag")
    assert found["copy_as"]["command"] == "liminal edit fashion @12 '0.5*label=Bag' -o out.png"
    start = space.latents[3]
    moved = client.ask("/api/formula", {"text": "dim(2)", "start": start.tolist()}).packed
    assert np.allclose(moved["z"][0], space.latent(start) + space.names().dimension(2), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "at", "near", "says"),
    [
        ("@12 + )", 6, [], "wanted an item"),
        ("@12 + lable=Bag", 6, ["label=Bag"], "did you mean label"),
        ("@12 + 2*label=Bga", 8, ["label=Bag"], "Bag"),
        ("@99999", 0, [], "@10199"),
        ("@12 + mean(label=Sneeker)", 17, ["Sneaker"], "label has no value 'Sneeker'; did you mean Sneaker?"),
        ("@12 + mean(label=Bag", 20, [], "a ) is missing at the end"),
        ("label=Bag", None, [], "no item to start from"),
        ("", 0, [], "wanted an item"),
    ],
)
def test_a_formula_that_cannot_be_read(
    client: Client, text: str, at: int | None, near: list[str], says: str
) -> None:
    refused = client.ask("/api/formula", {"text": text})
    assert refused.status == 400
    told = refused.json
    assert told["at"] == at
    assert says in told["error"]
    assert set(near) <= set(told["near"])


def test_formulas_reach_no_files(client: Client, tmp_path: Path) -> None:
    """Neither a file's name nor a path that looks like one is looked up."""
    picture = tmp_path / "me.png"
    Image.new("L", (28, 28)).save(picture)
    for text in (f"'{picture}'", f"file('{picture}')", f"mix(@1, '{picture}')"):
        refused = client.ask("/api/formula", {"text": text})
        assert refused.status == 400
        assert "files have no names" in refused.json["error"]
    for key in (str(picture), "me.png", "../../etc/passwd"):
        assert client.ask("/api/path", {"keys": ["@1", key]}).status == 400
        assert client.ask("/api/transfer", {"content": key, "style": "@1"}).status == 400


def test_names(client: Client, space: Space) -> None:
    found = client.ask("/api/names?prefix=mean(label=S").json["completions"]
    assert "mean(label=Sandal)" in [c["text"] for c in found]
    everything = client.ask("/api/names").json["completions"]
    for completion in everything:
        if completion["kind"] in ("mean", "direction"):
            text = completion["text"] if completion["kind"] == "mean" else f"@1 + {completion['text']}"
            assert client.ask("/api/formula", {"text": text, "method": "pca"}).status == 200, completion


def test_names_are_found_by_any_part_of_a_label_or_a_file(client: Client, space: Space) -> None:
    boots = client.ask("/api/names?prefix=boot").json["completions"]
    assert "mean(label='Ankle boot')" in [c["text"] for c in boots]
    source = space.catalogue.rows([7], ["source"])["source"][0].as_py()
    found = client.ask(f"/api/names?prefix={urllib.parse.quote(source[1:].upper())}").json["completions"]
    items = [c for c in found if c["kind"] == "item"]
    assert {"text": "@7", "kind": "item", "about": source} in items
    assert all(source[1:].lower() in c["about"].lower() for c in items)


# directions, sliders, dimensions


def test_directions(client: Client, space: Space) -> None:
    found = client.ask("/api/directions").packed
    told = {d["name"]: (d, vector) for d, vector in zip(found["directions"], found["vectors"], strict=True)}
    assert set(told) == set(space.directions)
    for name, direction in space.directions.items():
        assert np.allclose(told[name][1], direction.vector)
        assert told[name][0]["score"] == pytest.approx(direction.score)
        assert (told[name][0]["low"], told[name][0]["high"]) == direction.holds


def test_directions_without_labels_are_remembered(client: Client, space: Space) -> None:
    found = client.ask("/api/directions?source=pca").packed
    assert np.allclose(found["vectors"][0], space.find_directions("pca")[0].vector, atol=1e-5)
    moved = client.ask("/api/formula", {"text": "@3 + 2*pca0", "method": "pca"}).packed
    assert np.allclose(moved["z"][0], space.latents[3].numpy() + 2 * found["vectors"][0], atol=1e-4)
    assert moved["copy_as"]["python"].count("torch.tensor") == 1  # elsewhere nobody knows pca0
    slid = client.ask("/api/slide", {"id": 12, "change": {"pca0": 1.5}}).packed
    assert 'space.find_directions("pca")' in slid["copy_as"]["python"]
    assert "1.5 * direction" in slid["copy_as"]["python"]
    assert np.allclose(run(slid["copy_as"]["python"], space).z_after, slid["z"][0], atol=1e-3)
    near = client.ask("/api/directions?source=jacobian&id=3").packed
    assert np.allclose(near["vectors"][0], space.find_directions("jacobian", "@3")[0].vector, atol=1e-3)


def run(python: str, space: Space) -> Any:
    """What the last line of copied Python makes, before it is saved; the space is the one that is open."""
    *lines, last = python.splitlines()
    assert last.endswith('.save("out.png")')
    names: dict[str, Any] = {"space": space, "torch": torch}
    exec("\n".join(line for line in lines if not line.startswith(("import ", "space = "))), names)
    return eval(last.removesuffix('.save("out.png")'), names)


def test_between_two_selections(client: Client, space: Space) -> None:
    label = np.array(space.catalogue.table(columns=["label"])["label"].to_pylist())
    bags, boots = (np.flatnonzero(label == name)[:60].tolist() for name in ("Bag", "Ankle boot"))
    found = client.ask("/api/directions", {"a": bags, "b": boots}).packed
    (told,) = found["directions"]
    assert told["score"] > 0.95
    assert told["works"] is True
    assert told["text"] == f"`{told['name']}`"
    gap = space.latents[boots].mean(0) - space.latents[bags].mean(
        0
    )  # right is towards the group that was drawn second
    assert np.dot(found["vectors"][0], gap) > 0.7 * np.linalg.norm(found["vectors"][0]) * np.linalg.norm(gap)
    moved = client.ask("/api/formula", {"text": f"@{boots[0]} + {told['text']}", "method": "pca"}).packed
    assert np.allclose(moved["z"][0], space.latents[boots[0]] + found["vectors"][0], atol=1e-4)
    again = client.ask("/api/directions", {"a": bags, "b": boots}).packed["directions"][0]
    assert again["name"] != told["name"]
    named = client.ask("/api/directions", {"a": bags, "b": boots, "name": "Bag to Ankle boot"}).packed[
        "directions"
    ][0]
    assert named["text"] == "`Bag to Ankle boot`"
    slid = client.ask("/api/slide", {"id": 12, "change": {named["text"]: -0.75}}).packed
    assert slid["copy_as"]["command"] is None
    assert '# Bag to Ankle boot\nspace.edit("@12", -0.75 * direction).save(' in slid["copy_as"]["python"]
    both = client.ask(
        "/api/slide", {"id": 12, "change": {named["text"]: 1, "label=Bag": 0.5}, "keep_detail": True}
    ).packed
    mixed = client.ask("/api/slide", {"id": 12, "change": {named["text"]: 1, "label=Bag": 0.5}}).packed
    assert 'space.edit("@12 + 0.5*label=Bag", 1 * direction).save(' in mixed["copy_as"]["python"]
    for answer in (slid, both, mixed):
        assert np.allclose(run(answer["copy_as"]["python"], space).z_after, answer["z"][0], atol=1e-3)
    sly = client.ask(
        "/api/directions", {"a": bags, "b": boots, "name": "Bag\nraise SystemExit\r\u2028to boot"}
    ).packed["directions"][0]
    for change in ({sly["text"]: 0.5}, {sly["text"]: 0.5, named["text"]: 0.5}):
        lines = client.ask("/api/slide", {"id": 3, "change": change}).packed["copy_as"]["python"].splitlines()
        assert not any(line.startswith("raise") for line in lines)  # a name stays in its comment
    assert client.ask("/api/directions", {"a": bags, "b": [10_200]}).status == 400
    assert client.ask("/api/directions", {"a": bags, "b": [1, 1, 1]}).status == 400


def test_slides_follow_what_attributes_tell(client: Client, space: Space) -> None:
    change = {"label=Bag": 1.0}
    asked = {"id": 12, "change": change, "bend": True}
    found = client.ask("/api/slide", asked).packed
    edit = space.edit("@12", "1*label=Bag", along="conditional")
    assert np.allclose(found["z"][0], edit.z_after, atol=1e-4)
    assert not np.allclose(found["z"][0], space.edit("@12", "1*label=Bag").z_after, atol=0.1)
    assert "along='conditional'" in found["copy_as"]["python"]
    assert found["copy_as"]["command"].endswith("--along conditional -o out.png")
    both = client.ask("/api/slide", asked | {"change": change | {"brightness": 1.0}}).packed
    light = space.direction("brightness").vector
    assert np.allclose(both["z"][0], edit.z_after + light, atol=1e-3)
    straight = client.ask("/api/slide", asked | {"change": {"brightness": 1.0}}).packed
    assert np.allclose(straight["z"][0], space.latents[12] + light, atol=1e-3)
    seen = {one["name"]: one for one in straight["attributes"]}
    assert seen["brightness"]["asked"]
    assert seen["brightness"]["after"] > seen["brightness"]["before"]


def test_slide(client: Client, space: Space) -> None:
    found = client.ask("/api/slide", {"id": 12, "change": {"label=Bag": 1.5}, "method": "pca"}).packed
    edit = space.edit("@12", "1.5*label=Bag")
    assert np.allclose(found["z"][0], edit.z_after, atol=1e-4)
    seen = {reading["name"]: reading for reading in found["attributes"]}
    assert seen["label=Bag"]["after"] == pytest.approx(edit.attributes_after["label=Bag"], abs=1e-3)
    assert found["kept"] == 1
    begin = 'import liminal\n\nspace = liminal.open("fashion")\n'
    assert found["copy_as"]["python"] == begin + 'space.edit("@12", "1.5*label=Bag").save("out.png")'
    more = {"change": {"label=Bag": 1.5, "dim(3)": -2}}
    place = {"z": space.latents[12].tolist()}
    for asked in (
        {"id": 12, **more},
        {**place, **more},
        {"id": 12, "lock": ["label=Shirt"], **more},
        {"id": 12, "change": {}},
    ):
        answer = client.ask("/api/slide", asked).packed
        assert np.allclose(run(answer["copy_as"]["python"], space).z_after, answer["z"][0], atol=1e-3), asked
    kept = client.ask("/api/slide", {"id": 12, "change": {"label=Bag": 1.5}, "keep_detail": True}).packed
    assert np.array_equal(kept["items"][0], space.edit("@12", "1.5*label=Bag", keep_detail=True).after)
    still = client.ask("/api/slide", {"z": space.latents[12].tolist(), "change": {}}).packed
    assert np.allclose(still["z"][0], space.latents[12])
    assert client.ask("/api/slide", {"change": {"label=Bag": 1}}).status == 400
    assert client.ask("/api/slide", {"id": 12, "change": {"@3": 1}}).status == 400


def test_a_lock_keeps_what_its_reader_sees(client: Client, space: Space) -> None:
    """A probe of its own, fitted here, sees the locked attribute move less than without the lock."""
    from sklearn.linear_model import LogisticRegression

    free = client.ask("/api/slide", {"id": 12, "change": {"label=Coat": 2}}).packed
    held = client.ask("/api/slide", {"id": 12, "change": {"label=Coat": 2}, "lock": ["label=Shirt"]}).packed
    shirt = np.array(space.catalogue.table(columns=["label"])["label"].to_pylist()) == "Shirt"
    z = space.latents.numpy()
    reader = LogisticRegression(max_iter=1000).fit((z - z.mean(0)) / z.std(0), shirt)
    moved = [abs(float(reader.coef_[0] @ ((answer["z"][0] - z[12]) / z.std(0)))) for answer in (free, held)]
    assert moved[1] < 0.25 * moved[0]
    assert 0 < held["kept"] < 1
    refused = client.ask("/api/slide", {"id": 12, "change": {"label=Coat": 2}, "lock": ["colour"]})
    assert refused.status == 400
    assert "label" in refused.json["error"]


def test_strips(client: Client, space: Space) -> None:
    found = client.ask("/api/strip?kind=dimension&name=3").packed
    z = space.latents.mean(0) + torch.tensor(found["at"])[:, None] * space.scale[3] * torch.eye(16)[3]
    assert np.abs(found["items"].astype(int) - space.decode(z)).max() <= 1
    named = client.ask("/api/strip?kind=direction&name=label%3DBag&id=5").packed
    middle = int(np.flatnonzero(named["at"] == 0)[0])
    assert np.abs(named["items"][middle].astype(int) - space.decode(space.latents[5])[0]).max() <= 1
    assert client.ask("/api/strip?kind=dimension&name=16").status == 400


def test_dimensions_are_sorted_by_use(client: Client, space: Space) -> None:
    found = client.ask("/api/dimensions").json["dimensions"]
    assert sorted(card["index"] for card in found) == list(range(16))
    use = [card["use"] for card in found]
    assert use == sorted(use, reverse=True)
    assert {card["unit"] for card in found} == {"nats"}  # as the report has it
    assert all(f"{card['use']:.2f} nats" in card["numbers"] for card in found)
    assert [card["spread"] for card in sorted(found, key=lambda c: c["index"])] == pytest.approx(
        space.scale.tolist(), rel=1e-3
    )
    assert all(card["strongest"] and abs(card["effect"]) >= card["leakage"] for card in found[:1])
    titles = [card["title"] for card in found if card["strongest"]]
    assert len(titles) > 3
    assert len(set(titles)) == len(titles)
    assert all(titles)


# paths, samples, styles


def test_path(client: Client, space: Space) -> None:
    keys: list[Any] = ["@12", "@977", space.latents[4].tolist()]
    found = client.ask("/api/path", {"keys": keys, "frames": 11, "method": "pca"}).packed
    walk = space.path("@12", "@977", space.latents[4], frames=11)
    assert np.allclose(found["z"], walk.z, atol=1e-4)
    assert found["at"] == list(walk.at)
    assert found["least_support"] == pytest.approx(walk.evidence["least_support"])
    assert found["copy_as"]["command"] is None
    assert "torch.tensor" in found["copy_as"]["python"]
    named = client.ask(
        "/api/path", {"keys": ["@12", "@977"], "frames": 5, "along": "mix", "loop": True}
    ).packed
    assert (
        named["copy_as"]["command"]
        == "liminal morph fashion @12 @977 --along mix --frames 5 --loop -o path.gif"
    )
    python = named["copy_as"]["python"].splitlines()[-1].removesuffix('.save("path.gif")')
    again = eval(python, {"space": space})  # what is offered for copying runs, and gives the same
    assert np.allclose(named["z"], again.z, atol=1e-4)
    assert client.ask("/api/path", {"keys": ["@12"]}).status == 400


@pytest.mark.parametrize(
    ("form", "starts"), [("gif", b"GIF89a"), ("png", b"\x89PNG"), ("mp4", b"\x00\x00\x00")]
)
def test_export(client: Client, form: str, starts: bytes) -> None:
    found = client.ask(
        "/api/export", {"path": {"keys": ["@12", "@977"], "frames": 6}, "format": form, "fps": 10}
    )
    assert found.body.startswith(starts)
    assert found.headers["content-disposition"] == f'attachment; filename="path.{form}"'
    if form == "gif":
        assert getattr(Image.open(io.BytesIO(found.body)), "n_frames", 1) == 6


def test_a_film_has_the_size_that_is_asked_for(client: Client) -> None:
    def made(times: int, form: str = "gif", frames: int = 3) -> Answer:
        walk = {"keys": ["@12", "@977"], "frames": frames}
        return client.ask("/api/export", {"path": walk, "format": form, "times": times})

    sizes = {times: Image.open(io.BytesIO(made(times).body)).size for times in (1, 2, 4)}
    assert sizes[1] == (308, 308)  # 28 pixels, 11 times
    assert [sizes[times][0] / sizes[1][0] for times in (2, 4)] == pytest.approx([2, 4], rel=0.04)
    sheets = [Image.open(io.BytesIO(made(times, "png").body)).width for times in (1, 2)]
    assert sheets[1] == pytest.approx(2 * sheets[0], rel=0.1)
    large = made(4, frames=wire.FILM + 1)
    assert large.status == 400
    assert large.json["error"] == (
        f"export: {wire.FILM + 1} frames at 4 times the size; wanted at most {wire.FILM}, or a smaller size"
    )
    assert made(5).status == made(0).status == 400


FAR = [1e30] + 15 * [0.0]
WALK = {"keys": ["@12", "@977"], "frames": 6}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(
            ("/api/path", {**WALK, "along": along, "keys": ["@12", FAR]})
            for along in ("slerp", "mix", "geodesic", "conditional")
        ),
        ("/api/path", {**WALK, "keys": ["@12", "@1 + 1e30*dim(1)"]}),
        ("/api/export", {"path": {**WALK, "keys": [FAR, "@12"]}}),
        *(
            ("/api/export", {"path": WALK, "format": form, "fps": fps})
            for form in ("gif", "mp4")
            for fps in (1e-300, 1e-5, 0, -1, 1e300)
        ),
        *(("/api/slide", {"id": 12, "change": {"dim(3)": size}}) for size in (1e30, -1e308)),
        ("/api/slide", {"z": FAR, "change": {}}),
        ("/api/formula", {"text": "1e30*dim(3)", "start": FAR}),
        ("/api/transfer", {"content": "@12", "style": FAR}),
        ("/api/look", np.array(FAR, "<f4").tobytes()),
        ("/api/decode", np.array(FAR, "<f4").tobytes()),
        ("/api/strip?kind=direction&name=1e30*dim(3)", None),
    ],
)
def test_numbers_out_of_all_proportion_are_wrong_input(client: Client, path: str, body: object) -> None:
    found = client.ask(path, body)  # type: ignore[arg-type]
    assert found.status == 400, found.body
    assert "\n" not in found.json["error"]
    assert "fault" not in found.json["error"]


def test_the_slowest_film(client: Client) -> None:
    for form in ("gif", "mp4"):
        assert client.ask("/api/export", {"path": WALK, "format": form, "fps": 0.01}).status == 200


def test_sample(client: Client, space: Space) -> None:
    found = client.ask("/api/sample", {"n": 5, "seed": 3, "method": "pca"}).packed
    assert np.allclose(found["z"], space.sample(5, seed=3).z, atol=1e-5)
    assert found["copy_as"]["command"] == "liminal sample fashion -n 5 --seed 3 -o samples"
    least = client.ask("/api/sample", {"n": 6, "support": 0.05, "method": "pca"}).packed
    call = least["copy_as"]["python"].splitlines()[-1]
    assert call == 'space.sample(6, seed=0, support=0.05).save("samples")'
    again = eval(call.removesuffix('.save("samples")'), {"space": space})
    assert np.allclose(least["z"], again.z, atol=1e-5)  # the line makes what was seen
    label = np.array(space.catalogue.table(columns=["label"])["label"].to_pylist())
    trousers = np.flatnonzero(label == "Trouser")[:80].tolist()
    asked = {"n": 40, "rows": trousers, "support": 0.1, "method": "pca"}
    like = client.ask("/api/sample", asked).packed
    assert (like["support"] >= 0.1).all()
    other = client.ask("/api/sample", asked | {"source": "prior"}).packed  # rows say where to draw from
    assert np.array_equal(other["z"], like["z"])
    assert (label[like["nearest"][:, 0]] == "Trouser").mean() > 0.8
    assert client.ask("/api/sample", {"n": 2, "source": "nowhere"}).status == 400
    assert client.ask("/api/sample", {"n": 0}).status == 400


def test_samples_of_a_cluster(client: Client) -> None:
    """From the clusters that are kept: to find them anew would take a minute."""
    codes = client.ask("/api/column?name=cluster").packed["data"]
    found = client.ask("/api/sample", {"n": 6, "cluster": 1, "seed": 3})
    assert (codes[found.packed["nearest"][:, 0]] == 1).mean() > 0.5
    assert "--cluster 1" in found.packed["copy_as"]["command"]
    assert client.ask("/api/sample", {"n": 6, "cluster": 9999}).status == 400
    assert client.ask("/api/sample", {"n": 6, "cluster": 1, "source": "prior"}).status == 400


def test_transfer(client: Client, space: Space) -> None:
    found = client.ask("/api/transfer", {"content": "@12", "style": "@40", "blend": 0.5}).packed
    wanted = space.transfer("@12", "@40", 0.5)
    assert np.allclose(found["z"][0], wanted.z, atol=1e-4)
    assert (found["content_class"], found["style_class"]) == wanted.classes
    assert (
        found["copy_as"]["command"]
        == "liminal transfer fashion --content @12 --style @40 --blend 0.5 -o out.png"
    )


def test_complete(client: Client, space: Space) -> None:
    asked = {"item": "@12", "known": ["not left"], "n": 2}
    found = client.ask("/api/complete", asked).packed
    wanted = space.complete("@12", "not left", 2)
    assert np.array_equal(found["items"], wanted.items[:, 0])
    assert np.array_equal(found["beside"], np.stack([wanted.given[0], wanted.beside[0]]))
    assert np.allclose(found["agrees"], wanted.agreement[:, 0], atol=1e-6)
    assert found["agreed"] == pytest.approx(wanted.baseline[0])
    assert found["copy_as"]["command"] == ("liminal complete fashion @12 --keep 'not left' -n 2 -o answers")
    assert "space.complete('@12', 'not left', n=2)" in found["copy_as"]["python"].replace('"', "'")
    place = {**asked, "item": space.latents[3].tolist(), "near": "@40", "seed": 5}
    assert client.ask("/api/complete", place).packed["copy_as"]["command"] is None
    near = client.ask("/api/complete", {**asked, "near": "@40"}).packed
    assert "--near @40" in near["copy_as"]["command"]
    for wrong in ({"known": ["lefft"]}, {"known": []}, {"n": 0}, {"item": "@99999999"}):
        assert client.ask("/api/complete", {**asked, **wrong}).status in (400, 422)
    assert client.ask("/api/space").json["modality"]["parts"]["left"]


# starting and stopping


def test_errors_are_one_line(client: Client) -> None:
    for path, body in (
        ("/api/decode", b"123"),
        ("/api/decode", b""),
        ("/api/at?method=nowhere", bytes_of([[0, 0]])),
        ("/api/look", bytes_of(np.full((1, 16), np.nan))),
        ("/api/path", {"keys": "@1"}),
        ("/api/path", {"keys": ["@1", "@2"], "frames": 10**9}),
        ("/api/formula", {}),
        ("/api/formula", {"text": "@1", "more": 1}),
        ("/api/item?id=x", None),
        ("/api/item", None),
    ):
        refused = client.ask(path, body)  # type: ignore[arg-type]
        assert refused.status == 400, (path, refused.body)
        text = refused.json["error"]
        assert text
        assert "\n" not in text


def test_what_is_not_there(client: Client) -> None:
    assert client.ask("/api/nothing").status == 404
    assert client.ask("/api/space", b"").status == 405


def test_an_unbuilt_page_says_how_to_build_it(tmp_path: Path) -> None:
    assert b"npm run build" in pages.read(tmp_path / "nothing")["/"][0]
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>built")
    (tmp_path / "assets" / "main.js").write_text("1")
    (tmp_path / "secret.pem").write_text("no page needs this")
    found = pages.read(tmp_path)
    assert found["/"] == (b"<p>built", "text/html; charset=utf-8")
    assert set(found) == {"/", "/assets/main.js"}


def test_ports(studio: server.Studio) -> None:
    taken = int(studio.url.partition(":")[2].rpartition(":")[2].partition("/")[0])
    with pytest.raises(liminal.LiminalError, match=f"--port {taken} is taken"):
        address.listen(taken)
    other = address.listen()
    other.socket.close()
    assert other.port != taken
    assert other.socket.family.name == "AF_INET"


def test_small_answers_are_sent_at_once() -> None:
    """What asyncio accepts from the socket does not wait for more to send, 40 ms for a second answer."""

    async def asked() -> int:
        found = asyncio.get_running_loop().create_future()

        def answer(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
            own = out.get_extra_info("socket")
            found.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        here = address.listen()
        async with await asyncio.start_server(answer, sock=here.socket):
            _, out = await asyncio.open_connection("127.0.0.1", here.port)
            told = await found
            out.close()
        return int(told)

    assert asyncio.run(asked())


def test_a_space_in_hand_and_a_space_that_is_not_there(space: Space) -> None:
    running = liminal.studio(space)
    try:
        assert Client(running).ask("/api/decode", bytes_of(space.latents[:1])).packed["items"].shape == (
            1,
            28,
            28,
            1,
        )
        assert running.url in running._repr_html_()
    finally:
        running.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(running.url, timeout=5)
    with pytest.raises(liminal.LiminalError, match="fashion"):
        liminal.studio("fashoin")


def test_a_model_that_cannot_be_loaded(tmp_path: Path, space: Space) -> None:
    """The map and its items are there all the same, and what needs the model says why it is not."""
    copy = tmp_path / "copy"
    space.save(copy, ids=range(40))
    session = server.open_session("copy", copy)
    (copy / "weights.safetensors").write_bytes(b"cut")
    here = address.listen()
    running = server.server(session, here)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [here.socket]}, daemon=True)
    thread.start()
    client = Client(server.Studio(here.url, session, running, thread))
    try:
        refused = client.ask("/api/decode", bytes_of(np.zeros((1, 16))))
        assert refused.status == 400
        assert "weights.safetensors" in refused.json["error"]
        assert "weights.safetensors" in client.ask("/api/progress").json["broken"]
        assert client.ask("/api/space").json["items"] == 40
    finally:
        client.studio.close()


# the worker and what is kept


def test_a_small_request_that_overtakes_a_large_one_leaves_the_worker_alive() -> None:
    begun, go = threading.Event(), threading.Event()

    def compute(key: object, rows: np.ndarray) -> dict[str, np.ndarray]:
        begun.set()
        go.wait(10)
        return {"x": rows}

    one = worker.Worker(compute)
    waiting = [one.ask("at", np.zeros((1, 2), np.float32))]
    assert begun.wait(10)
    waiting += [one.ask("at", np.full((n, 2), n, np.float32)) for n in (102, 1, 1, 300, 1)]
    go.set()
    assert [len(future.result(10)["x"]) for future in waiting] == [1, 102, 1, 1, 300, 1]
    assert one.threads[0].is_alive()
    one.close()


def test_rows_of_several_requests_are_computed_together() -> None:
    seen: list[int] = []
    begin = threading.Event()

    def compute(key: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
        begin.wait(5)
        seen.append(len(rows))
        if key == "bad" and (rows < 0).any():
            raise liminal.LiminalError("below zero")
        return {"double": 2 * rows, "rank": rankdata(rows[:, 0])}

    one = worker.Worker(compute)
    first = one.ask("good", np.zeros((1, 1)))
    rest = [one.ask("good", np.full((3, 1), i)) for i in range(4)]
    dropped = one.ask("good", np.full((1000, 1), 7.0))
    assert dropped.cancel()
    large = one.ask("good", np.arange(1000.0)[:, None])
    bad, fine = one.ask("bad", np.full((1, 1), -1.0)), one.ask("bad", np.full((1, 1), 1.0))
    begin.set()
    assert [future.result(5)["double"].tolist() for future in rest] == [[[2 * i]] * 3 for i in range(4)]
    assert np.array_equal(large.result(5)["double"][:, 0], 2 * np.arange(1000.0))
    with pytest.raises(liminal.LiminalError):
        bad.result(5)
    assert fine.result(5)["double"].tolist() == [[2.0]]
    assert first.result(5)["double"].tolist() == [[0.0]]
    assert max(seen) <= worker.BATCH
    assert len(seen) < 5 + 1 + 1000 / worker.BATCH + 4
    one.close()


def test_a_lane_leaves_out_what_was_cancelled() -> None:
    lane, begin, done = worker.Lane("test"), threading.Event(), []
    lane.submit(lambda: begin.wait(5))
    second = lane.submit(lambda: done.append(2))
    third = lane.submit(lambda: done.append(3))
    assert second.cancel()
    begin.set()
    third.result(5)
    assert done == [3]
    with pytest.raises(ZeroDivisionError):
        lane.submit(lambda: 1 / 0).result(5)
    lane.close()


def test_what_is_kept_is_exact_and_damage_is_made_anew(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path))
    kept = Kept(space.folder, space.card)
    support = space.support
    kept.put("support", *apart(support))
    found = together(type(support), *kept.get("support"), tensors=True)  # type: ignore[misc]
    z = space.draw(50, seed=5)
    assert torch.equal(found(z), support(z))
    assert torch.equal(found.weight(z), support.weight(z))
    assert found.typical == support.typical
    (file,) = tmp_path.rglob("support*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    assert kept.get("support") is None
    arrays, facts = kept.once("support", lambda: ({"a": np.ones(2)}, {"b": [1]}))
    assert kept.get("support") is not None
    assert (arrays["a"].tolist(), facts) == ([1.0, 1.0], {"b": [1]})
    assert together(type(support), arrays, facts) is None


# the command


def command(*arguments: str) -> subprocess.Popen[str]:
    """`liminal studio` in a process of its own, to which ctrl-C means what it means in a terminal."""
    line = [sys.executable, "-m", "liminal", "studio", *arguments, "--no-browser"]
    ctrl_c = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=ctrl_c
    )


def test_the_command_prints_its_address_and_ends_by_ctrl_c(studio: server.Studio) -> None:
    running = command("fashion")
    assert running.stdout is not None
    assert "ctrl-C" in running.stdout.readline()
    url = running.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    assert not url.startswith(studio.url.partition("?")[0])  # that port is taken: the next free one
    with urllib.request.urlopen(url, timeout=PATIENCE) as page:
        assert b"html" in page.read()
    running.send_signal(signal.SIGINT)
    out, said = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out, said) == (130, "", "liminal studio: the studio is closed\n")


def test_a_cache_that_cannot_be_is_told_before_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "file"))
    out, said = command("fashion").communicate(timeout=PATIENCE)
    assert out == ""
    assert "LIMINAL_CACHE" in said
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "cache"))
    assert address.unkept() is None
    assert not list((tmp_path / "cache" / "studio").iterdir()), "nothing is left of the trial"

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(address.tempfile, "TemporaryFile", refuse)
    assert "Permission denied" in (address.unkept() or "")


def test_a_space_that_was_moved_meanwhile_is_gone_and_not_damaged(tmp_path: Path) -> None:
    from liminal.studio.address import READY

    shutil.copytree(READY / "fashion", tmp_path / "here")
    space = liminal.open(tmp_path / "here")
    assert len(space.neighbors("@1", 2)) == 2
    (tmp_path / "here").rename(tmp_path / "there")
    for verb in (
        lambda: space.neighbors("@1", 2, where="label = 'Bag'"),
        lambda: space.catalogue.table(where="id < 5"),
    ):
        with pytest.raises(LiminalError, match="gone"):
            verb()


def test_the_command_refuses_in_one_line(studio: server.Studio) -> None:
    taken = studio.url.split(":")[2].split("/")[0]
    for arguments, says in (
        (["fashion", "--port", taken], f"--port {taken} is taken"),
        (["fashoin"], "did you mean fashion?"),
        (["fashion", "--allow", "http://a.test/"], "--allow"),
    ):
        running = command(*arguments)
        out, said = running.communicate(timeout=PATIENCE)
        assert (running.returncode, out) == (2, "")
        assert says in said
        assert said.count("\n") == 1
