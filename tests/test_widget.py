"""The notebook's widget, spoken to as its page does, over a channel of this process: answers are the
server's; traits; how it ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import liminal
from liminal.space import Space
from liminal.studio import notebook, relay, server, wire

comm = pytest.importorskip("comm")
anywidget = pytest.importorskip("anywidget")

from comm.base_comm import BaseComm  # noqa: E402

from liminal import widget as module  # noqa: E402
from liminal.widget import Widget  # noqa: E402

PATIENCE = 60.0
SENT: dict[str, list[tuple[dict[str, Any], list[Any]]]] = {}


class Channel(BaseComm):  # type: ignore[misc]
    """A channel whose messages are kept."""

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **more: Any
    ) -> None:
        SENT.setdefault(self.comm_id, []).append((data or {}, list(buffers or [])))


class Page:
    """A view of a widget: what its page would say, and what it hears."""

    def __init__(self, widget: Widget, view: str = "one") -> None:
        self.widget, self.view, self.count = widget, view, 0
        self.channel = widget.comm.comm_id

    def say(self, content: Any, *buffers: bytes) -> None:
        said = {"view": self.view, **content} if isinstance(content, dict) else content
        data = {"method": "custom", "content": said}
        self.widget._handle_msg({"content": {"data": data}, "buffers": [memoryview(b) for b in buffers]})

    def heard(self, kind: str) -> list[tuple[dict[str, Any], list[Any]]]:
        custom = [
            (data["content"], buffers)
            for data, buffers in SENT[self.channel]
            if data.get("method") == "custom"
        ]
        return [(content, buffers) for content, buffers in custom if content.get("kind") == kind]

    def put(self, method: str, address: str, body: bytes = b"", type: str = "application/json") -> int:
        self.count += 1
        self.say({"kind": "ask", "id": self.count, "method": method, "address": address, "type": type}, body)
        return self.count

    def got(self, number: int) -> tuple[dict[str, Any], bytes] | None:
        for content, (body,) in self.heard("answer"):
            if (content["view"], content["id"]) == (self.view, number):
                return content, bytes(body)
        return None

    def ask(self, *given: Any) -> tuple[dict[str, Any], bytes]:
        """One request; again where the studio says that it is not ready."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            number = self.put(*given)
            while (found := self.got(number)) is None:
                assert time.monotonic() < end
                time.sleep(0.01)
            if found[0]["status"] != 503:
                return found
            time.sleep(0.05 * float(found[0]["after"]))
        raise AssertionError("no answer")


@pytest.fixture(scope="module", autouse=True)
def _channels() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comm, "create_comm", Channel)
        yield


@pytest.fixture(scope="module")
def space() -> Space:
    return liminal.open("fashion")


@pytest.fixture(scope="module")
def asked(space: Space) -> Iterator[Widget]:
    """A widget that is only asked."""
    made = Widget(space)
    yield made
    made.close()


@pytest.fixture
def widget(space: Space) -> Iterator[Widget]:
    made = Widget(space)
    yield made
    made.close()


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("liminal")}


# requests


def test_answers_as_the_server_does(asked: Widget, space: Space) -> None:
    page, running = Page(asked), server.start(space)
    base, _, token = running.url.partition("/?")
    z = np.asarray(space.latents[:3], "<f4").tobytes()
    raw = "application/octet-stream"
    try:
        for method, address, body, kind in [
            ("GET", "/api/space", b"", raw),
            ("GET", "/api/map?method=pca", b"", raw),
            ("GET", "/api/column?name=label", b"", raw),
            ("GET", "/api/thumbnails?page=9", b"", raw),
            ("POST", "/api/decode", z, raw),
            ("GET", "/api/picture?id=12&of=original", b"", raw),
            ("POST", "/api/formula", b'{"text": "@12 + 0.5*@7", "method": "pca"}', "application/json"),
            ("POST", "/api/formula", b'{"text": "@12 + smle"}', "application/json"),
            ("POST", "/api/decode", np.full(16, np.nan, "<f4").tobytes(), raw),
            ("POST", "/api/decode", b"123", raw),
            ("POST", "/api/path", b'{"keys": 3}', "application/json"),
            ("GET", "/api/item?id=99999", b"", raw),
            ("GET", "/api/nothing", b"", raw),
            ("POST", "/api/at", bytes(8 * wire.ROWS + 8), raw),
        ]:
            said, found = page.ask(method, address, body, kind)
            request = urllib.request.Request(
                f"{base}{address}{'&' if '?' in address else '?'}{token}",
                body or None,
                {"content-type": kind},
                method=method,
            )
            for _ in range(200):
                try:
                    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                        status, wanted = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, wanted = error.code, error.read()
                if status != 503:
                    break
                time.sleep(0.05)
            assert (said["status"], found) == (status, wanted), address
    finally:
        running.close()


def test_a_request_that_is_dropped_gets_no_answer(asked: Widget) -> None:
    page, turn = Page(asked, "three"), threading.Event()
    page.ask("GET", "/api/item?id=1")
    held = [
        asked.session.soon.submit(turn.wait) for _ in asked.session.soon.threads
    ]  # nobody's turn comes before this one ends
    dropped, gone, kept = (
        page.put("GET", "/api/item?id=2"),
        Page(asked, "two"),
        page.put("GET", "/api/item?id=3"),
    )
    left = gone.put("GET", "/api/item?id=4")
    page.say({"kind": "drop", "id": dropped})
    gone.say({"kind": "gone"})
    time.sleep(0.3)
    turn.set()
    end = time.monotonic() + PATIENCE
    while page.got(kept) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert all(future.result() for future in held)
    page.ask("GET", "/api/item?id=5")
    assert page.got(dropped) is None
    assert gone.got(left) is None
    assert not asked._asked


def test_messages_that_are_none_change_nothing(widget: Widget) -> None:
    page = Page(widget)
    widget.item = 7
    before = len(SENT[page.channel])
    for bad in [
        None, [], "page", {}, {"kind": "ask"}, {"kind": "ask", "id": "1", "method": 1, "address": None, "type": []},  # noqa: E501
        {"kind": "drop", "id": []}, {"kind": "drop", "id": 99}, {"kind": "gone"}, {"kind": "shown"},
        {"kind": "shown", "shown": {"item": 10**9}},
        {"kind": "shown", "shown": {"item": 3, "a": ["x"]}}, {"kind": "shown", "shown": {"z": [float("nan")] * 16}},  # noqa: E501
        {"kind": "shown", "shown": {"z": "no"}}, {"kind": "shown", "shown": {"path": [[1, 2]]}},
    ]:  # fmt: skip
        page.say(bad)
    page.say({"view": 3, "kind": "page"})
    assert len(SENT[page.channel]) == before
    assert (widget.item, widget.a, widget.path) == (7, [], [])
    assert page.ask("GET", "/api/progress")[0]["status"] == 200


# the page


def test_the_page_comes_when_it_is_asked_for_and_is_no_part_of_the_state(widget: Widget) -> None:
    widget.item = 12
    widget.a = [1, 2]
    page = Page(widget)
    page.say({"kind": "page"})
    ((content, (html,)),) = page.heard("page")
    assert content["view"] == "one"
    assert content["shown"] == {"hash": "", "a": [1, 2], "b": [], "item": 12}
    assert b"Content-Security-Policy" in html[:400]
    assert b'name="liminal-host"' in html[:600]
    assert b' src="' not in html.partition(b"<body>")[0]
    assert len(json.dumps(widget.get_state())) < 12_000


# what is selected


def test_what_a_person_makes_is_read_in_python(widget: Widget, space: Space) -> None:
    page, seen = Page(widget), []
    widget.observe(lambda change: seen.append((change["new"], widget.z)), "item")
    shown = {"hash": "subject=%4012", "item": 12, "z": None, "a": [3, 4], "b": [5], "path": [1, [0.5] * 16]}
    page.say({"kind": "shown", "shown": shown})
    z = space.catalogue.z(12).tolist()
    assert (widget.item, widget.z, widget.a, widget.b, widget.path) == (12, z, [3, 4], [5], [1, [0.5] * 16])
    assert widget.state == "subject=%4012"
    assert seen == [(12, z)]
    ((told, _),) = page.heard("show")  # the other views of it follow, this one does not
    assert told == {"kind": "show", "by": "one", "hash": "subject=%4012", "a": [3, 4], "b": [5]}
    page.say({"kind": "shown", "shown": {**shown, "z": [0.25] * 16}})  # sliders have moved it
    assert (widget.item, widget.z) == (12, [0.25] * 16)
    page.say({"kind": "shown", "shown": {**shown, "item": None, "z": [1] * 16}})
    assert (widget.item, widget.z) == (None, [1.0] * 16)


def test_what_is_set_in_python_is_shown(widget: Widget, space: Space) -> None:
    page = Page(widget)
    widget.item = 12
    assert widget.z == space.catalogue.z(12).tolist()
    widget.z = space.latents[7:8]
    assert (widget.item, widget.z) == (None, space.latents[7].tolist())
    widget.path = [3, space.latents[7]]
    widget.b = np.array([8, 9])
    widget.state = "view=path"
    widget.item = None
    told = [content for content, _ in page.heard("show")]
    z = space.latents[7].tolist()
    assert told == [
        {"kind": "show", "item": 12}, {"kind": "show", "z": z}, {"kind": "show", "path": [3, z]}, {"kind": "show", "b": [8, 9]},  # noqa: E501
        {"kind": "show", "hash": "view=path"},
    ]  # fmt: skip
    assert widget.z == z


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("item", 10_200), ("item", -1), ("item", True), ("item", 1.5), ("item", "12"), ("z", [1, 2]), ("z", "z"), ("z", [np.nan] * 16),  # noqa: E501
        ("z", 3), ("a", 3), ("a", [1.5]), ("b", ["1"]), ("path", [1] * 17), ("path", [[1, 2]]), ("path", ["@1"]),  # noqa: E501
    ],
)  # fmt: skip
def test_what_the_space_does_not_have_is_refused(widget: Widget, name: str, value: Any) -> None:
    widget.item = 5
    with pytest.raises(liminal.LiminalError, match=r"widget[.: ].*wanted|key frames"):
        setattr(widget, name, value)
    assert (widget.item, widget.a, widget.b, widget.path) == (5, [], [], [])
    assert len(Page(widget).heard("show")) == 1


def test_two_widgets_know_nothing_of_each_other(widget: Widget, space: Space) -> None:
    other = Widget(space)
    other.item = 3
    widget.item = 4
    assert (other.item, widget.item) == (3, 4)
    assert [content["item"] for content, _ in Page(other).heard("show")] == [3]
    other.close()


def test_its_names_are_its_own() -> None:
    """A name that the widgets below use for something else would break them."""
    own = {name for name in vars(Widget) if not name.startswith("__")} | {
        "session",
        "_relay",
        "_asked",
        "_since",
        "_heeding",
    }
    below = {*dir(anywidget.AnyWidget), *dir(anywidget.AnyWidget())}
    inner = {
        name
        for name in below
        if "trait" in name or "descriptors" in name or name.startswith("_static") or name == "_instance_inits"
    }
    assert own & below - inner <= {"close", "set_state", "_esm", "_anywidget_commands"}


# beginning and end


def test_ends(space: Space) -> None:
    before = threads()
    made = Widget(space)
    page = Page(made)
    page.ask("GET", "/api/space")
    assert threads() - before
    made.close()
    made.close()
    end = time.monotonic() + PATIENCE
    while threads() - before and time.monotonic() < end:
        time.sleep(0.05)
    assert not threads() - before
    made.item = 3  # leads nowhere, and fails nowhere
    assert made.comm is None


def test_one_space_has_one_widget_until_it_is_closed(space: Space) -> None:
    made = module.of(space)
    assert module.of(space) is made
    made.close()
    again = module.of(space)
    assert again is not made
    again.close()


def test_a_relay_that_has_ended_takes_requests_without_harm(asked: Widget) -> None:
    made = relay.Relay(asked.session)
    made.close()
    made.thread.join(PATIENCE)
    answers: list[object] = []
    made.ask("GET", "/api/space", b"", "x", answers.append)()
    made.close()
    assert not answers
    assert not made.thread.is_alive()


# where it is shown

CELL = """
import sys
sys.modules["comm"] = __import__("comm")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
{kernel}
import liminal
assert not {{"torch", "numpy", "ipywidgets", "anywidget"}} & set(sys.modules)
space = liminal.open("fashion")
assert "anywidget" not in sys.modules
found, _ = shell.display_formatter.format(space)
print(sorted(found), "-", found["text/plain"])
print(type(liminal.studio(space)).__name__)
"""


@pytest.mark.parametrize("kernel", [True, False])
def test_a_bare_space_is_shown_by_a_kernel_alone(kernel: bool, tmp_path: Path) -> None:
    code = CELL.format(kernel="shell.kernel = object()" if kernel else "")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    if kernel:
        assert (
            first
            == "['application/vnd.jupyter.widget-view+json', 'text/plain'] - The studio of fashion: run "
            "this cell to see it"
        )
        assert second == "Widget"
    else:
        assert first.startswith("['text/plain'] - Space(")
        assert second == "Studio"


def test_without_anywidget_there_is_the_link_and_a_word(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "running", lambda: True)
    monkeypatch.setattr(notebook, "able", lambda: False)
    running = liminal.studio(space)
    assert isinstance(running, server.Studio)
    assert notebook.HINT in running._repr_html_()
    running.close()
    monkeypatch.setattr(notebook, "able", lambda: True)
    made = liminal.studio(space)
    assert isinstance(made, Widget)
    made.close()
    asked_for = liminal.studio(space, port=0)
    assert isinstance(asked_for, server.Studio)  # a port is a wish for an address
    asked_for.close()
