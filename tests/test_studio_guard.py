"""The studio refuses strangers, and stays up whatever they send."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import liminal
from liminal.errors import LiminalError
from liminal.studio import address, guard, pages, routes, server, wire


@pytest.fixture(scope="module")
def studio() -> Iterator[server.Studio]:
    running = liminal.studio(liminal.open("fashion"))
    for what in ("model", "support"):  # nothing else is computed while strangers knock
        running.session.long(what, lambda _: None).result()
    yield running
    running.close()


@pytest.fixture(scope="module")
def port(studio: server.Studio) -> int:
    return int(studio.url.split(":")[2].split("/")[0])


@pytest.fixture(scope="module")
def token(studio: server.Studio) -> str:
    return studio.url.partition("token=")[2]


def ask(
    port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request; headers with underscores for dashes.

    A `Host` given here is sent instead of the right one.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host="Host" in given)
    for name, value in given.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    with contextlib.suppress(
        ConnectionError
    ):  # refused before all of it was sent: the answer is there all the same
        connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


def raw(port: int, sent: bytes, half: bool = False) -> bytes:
    """Bytes on a socket of one's own, and what comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        parts = []
        with contextlib.suppress(OSError):  # the server may have refused, and closed, before the end of it
            line.sendall(sent)
            if half:
                line.shutdown(socket.SHUT_WR)
        try:
            while part := line.recv(65536):
                parts.append(part)
        except (ConnectionError, TimeoutError):
            pass
        return b"".join(parts)


def alive(port: int, token: str) -> bool:
    return ask(port, f"/api/space?token={token}")[0] == 200


def test_the_token_opens_and_the_cookie_keeps_open(port: int, token: str) -> None:
    status, headers, _ = ask(port, f"/?token={token}")
    assert status == 200
    cookie = headers["set-cookie"]
    assert cookie == f"liminal-{port}={token}; HttpOnly; SameSite=Strict; Path=/"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'self'" in headers["content-security-policy"]
    inside = cookie.partition(";")[0]
    assert ask(port, "/api/space", Cookie=inside)[0] == 200
    assert ask(port, "/api/space", Cookie=f"other=1; {inside}; more=2")[0] == 200
    assert ask(port, "/", Cookie=inside)[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/assets/main.js", "/api/space", "/api/openapi.json", "/docs", "/nothing"]
)
def test_nothing_is_public(port: int, token: str, path: str) -> None:
    assert ask(port, path)[0] == 401
    for wrong in ("wrong", "", token[:-1], token + "x", "ä", "%00"):
        query = wrong.replace("ä", "%C3%A4")
        assert ask(port, f"{path}?token={query}")[0] in (401, 403)
        assert ask(port, path, Cookie=f"liminal-{port}={query}")[0] in (401, 403)
    assert ask(port, f"{path}?token={token}&token=wrong")[0] == 403
    assert ask(port, path, Cookie=f"liminal-{port + 1}={token}")[0] == 401
    assert "set-cookie" not in ask(port, path)[1]


def test_a_foreign_host_is_refused(port: int, token: str) -> None:
    """DNS rebinding: another name that points here."""
    for host in (
        "evil.test",
        f"evil.test:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.1.evil.test:{port}",
        f"[::1]:{port}",
        "",
    ):
        assert ask(port, f"/api/space?token={token}", Host=host)[0] == 403, host
    assert ask(port, f"/api/space?token={token}", Host=f"localhost:{port}")[0] == 200
    assert b" 403 " in raw(port, f"GET /api/space?token={token} HTTP/1.0\r\n\r\n".encode()).split(b"\r\n")[0]
    twice = (
        f"GET /api/space?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.test\r\nConnection: "
        "close\r\n\r\n"
    )
    assert raw(port, twice.encode()).split(b" ")[1] in (b"400", b"403")


BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


def test_a_person_who_comes_through_a_tunnel_is_told_what_to_type(port: int, token: str) -> None:
    host = f"127.0.0.1:{port + 1}"
    status, headers, body = ask(port, f"/?token={token}", Host=host, **BROWSER)
    assert status == 403
    assert headers["content-type"].startswith("text/html")
    assert headers["content-security-policy"] == guard.POLICY
    for wanted in (f"ssh -L {port}:127.0.0.1:{port} ", f"--allow {host}"):
        assert wanted in body.decode()
    assert token not in body.decode()
    assert "set-cookie" not in headers
    status, headers, body = ask(port, f"/api/space?token={token}", Host=host, Accept="*/*")
    assert (status, headers["content-type"]) == (403, "application/json")
    assert f"127.0.0.1:{port}" in json.loads(body)["error"]
    hostile = ask(port, "/", Host="<script>alert(1)</script>", **BROWSER)[2].decode()
    assert "<script" not in hostile
    assert "--allow NAME" in hostile


def test_an_old_tab_after_a_restart_gets_a_page(port: int) -> None:
    for cookie in ({}, {"Cookie": f"liminal-{port}=of-the-studio-before"}):
        status, headers, body = ask(port, "/", **BROWSER, **cookie)
        assert status in (401, 403)
        assert headers["content-type"].startswith("text/html")
        assert f"127.0.0.1:{port}/?token=" in body.decode()
        assert ask(port, "/api/space", **cookie)[1]["content-type"] == "application/json"


def test_an_allowed_host_may_be_come_by_and_no_other(studio: server.Studio) -> None:
    """The whole studio behind other names: what is allowed still needs the token and its own origin."""
    here = address.listen(0)
    hosts = address.allowed(["Studio.Example.org", "localhost:9000"])
    running = server.server(studio.session, here, hosts)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [here.socket]}, daemon=True)
    thread.start()
    opening, at = f"/api/space?token={here.token}", here.port

    def status(path: str, **headers: str) -> int:
        return ask(at, path, **headers)[0]

    try:
        for host in ("studio.example.org", "STUDIO.example.org:8443", "localhost:9000", f"127.0.0.1:{at}"):
            assert status(opening, Host=host) == 200, host
            assert status("/api/space", Host=host) == 401
            assert status(opening, Host=host, Origin="https://evil.test") == 403
            assert status(opening, Host=host, Origin=f"http://{host}") == 200
        assert status(opening, Host="studio.example.org", Origin="https://studio.example.org") == 200
        assert status(opening, Host=f"127.0.0.1:{at}", Origin=f"https://127.0.0.1:{at}") == 403
        for host in (
            "example.org",
            "studio.example.org.evil.test",
            "localhost:9001",
            "evilstudio.example.org",
        ):
            assert status(opening, Host=host) == 403, host
        entered = ask(at, f"/?token={here.token}", Host="studio.example.org")[1]
        assert f"liminal-{at}={here.token}" in entered["set-cookie"]
    finally:
        running.should_exit = True
        thread.join(20)


@pytest.mark.parametrize("host", ["", "http://a.test", "a b", "a.test/", "*", "a.test:port", ".test", "<b>"])
def test_what_is_no_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(LiminalError, match="--allow"):
        address.allowed([host])


def test_half_a_head_is_not_waited_for_long(port: int, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD", 0.3)
    for sent in (b"", b"GET /api/spa", b"GET /api/space HTTP/1.1\r\nHost: 127"):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            line.sendall(sent)
            assert line.recv(100) == b"", "the server closed it"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:  # drops of a head, one by one
        with contextlib.suppress(ConnectionError):
            for _ in range(300):
                line.sendall(b"x")
                time.sleep(0.02)
        with contextlib.suppress(ConnectionError):
            assert line.recv(100) == b""
    whole = f"GET /api/space HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: liminal-{port}={token}\r\n\r\n".encode()  # noqa: E501
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:  # a second request, half
        line.sendall(whole)
        assert b" 200 " in line.recv(1000)
        line.sendall(whole[:20])
        while line.recv(100_000):
            pass
    assert alive(port, token)


def test_a_picture_of_too_many_pixels_is_refused_unread(port: int, token: str) -> None:
    bomb = io.BytesIO()
    Image.new("1", (13_300, 13_300)).save(bomb, "PNG")
    status, _, body = ask(port, f"/api/encode?token={token}", "POST", bomb.getvalue())
    assert status == 400
    assert "50,331,648 pixels" in json.loads(body)["error"]


def test_a_foreign_origin_is_refused(port: int, token: str) -> None:
    """Another site's page, with the cookie or even with the token."""
    path, body = f"/api/decode?token={token}", np.zeros((1, 16), "<f4").tobytes()
    for origin in (
        "http://evil.test",
        "null",
        f"https://127.0.0.1:{port}",
        f"http://127.0.0.1:{port + 1}",
        f"http://localhost:{port}",
    ):
        assert ask(port, path, "POST", body, Origin=origin)[0] == 403, origin
    assert ask(port, path, "POST", body, Origin=f"http://127.0.0.1:{port}")[0] == 200
    for site in ("cross-site", "same-site"):
        assert ask(port, "/api/thumbnails", Cookie=f"liminal-{port}={token}", Sec_Fetch_Site=site)[0] == 403
        assert ask(port, "/", Cookie=f"liminal-{port}={token}", Sec_Fetch_Site=site)[0] == 403
        assert ask(port, f"/?token={token}", Sec_Fetch_Site=site)[0] == 200  # a link that somebody followed
    assert ask(port, "/api/space", Cookie=f"liminal-{port}={token}", Sec_Fetch_Site="same-origin")[0] == 200


def test_no_answer_is_shared_with_other_sites(port: int, token: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        headers = ask(
            port,
            f"/api/space?token={token}",
            method,
            b"" if method == "POST" else None,
            Origin=f"http://127.0.0.1:{port}",
        )[1]
        assert not [name for name in headers if name.startswith("access-control")]
    assert (
        ask(port, "/api/decode", "OPTIONS", Origin="http://evil.test", Access_Control_Request_Method="POST")[
            0
        ]
        == 403
    )


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/assets/../../server.py",
        "/assets/%2e%2e/%2e%2e/server.py",
        "/..%2f..%2fserver.py",
        "//etc/passwd",
        "/%00",
        "/assets/",
    ],
)
def test_no_path_reaches_the_disk(port: int, token: str, path: str) -> None:
    status, _, body = ask(port, f"{path}?token={token}")
    assert status == 404
    assert json.loads(body)["error"]


def test_bodies_are_bounded(port: int, token: str) -> None:
    """Told too large, it is refused before a byte of it comes; not told, as soon as it is."""
    limits = {
        "/api/encode": wire.UPLOAD,
        "/api/decode": wire.ROWS * 64,
        "/api/at": wire.ROWS * 8,
        "/api/path": wire.TEXT,
        "/api/space": wire.TEXT,
    }
    for path, limit in limits.items():
        head = f"POST {path}?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        told = raw(port, f"{head}Content-Length: {limit + 1}\r\n\r\n".encode(), half=True)
        assert told.split(b" ")[1] == b"413", path
    head = (
        f"POST /api/at?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n"
    assert raw(port, head.encode() + 2 * chunk).split(b" ")[1] == b"413"
    assert raw(port, f"{head.split('Transfer')[0]}Content-Length: -1\r\n\r\n".encode()).split(b" ")[1] in (
        b"400",
        b"413",
    )
    assert alive(port, token)


def memory() -> int:
    """Bytes of this process, in which the server runs too, that lie in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) << 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc tells how much memory is used")
@pytest.mark.parametrize("told", [True, False], ids=["told", "in chunks"])
def test_a_gigabyte_is_not_taken_in(port: int, token: str, told: bool) -> None:
    """It is refused early, nothing of it is held, and the connection is closed."""
    before = memory()
    part = bytes(1 << 20)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        head = f"POST /api/encode?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        line.sendall(
            f"{head}{f'Content-Length: {1 << 30}' if told else 'Transfer-Encoding: chunked'}\r\n\r\n".encode()
        )
        sent = 0
        try:
            for _ in range(1024):
                line.sendall(part if told else b"100000\r\n" + part + b"\r\n")
                sent += len(part)
            while line.recv(65536):
                pass
        except (ConnectionError, TimeoutError):
            pass
        assert sent < wire.UPLOAD + (64 << 20)
    assert alive(port, token)
    assert memory() - before < 3 * wire.UPLOAD


def test_strangers_are_refused_before_their_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(
            f"POST /api/encode HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: "
            f"{wire.UPLOAD}\r\n\r\n".encode()
        )
        assert line.recv(65536).split(b" ")[1] == b"401"  # though nothing of the body was sent


def test_a_body_that_never_comes(port: int, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 0.2)
    head = f"POST /api/decode?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 64\r\n\r\n"
    assert raw(port, head.encode()).split(b" ")[1] == b"408"


def test_a_body_that_drips(port: int, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not put the end off."""
    monkeypatch.setattr(guard, "PATIENCE", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(
            f"POST /api/decode?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: "
            "6400\r\n\r\n".encode()
        )
        line.settimeout(0.05)
        end, answer = time.monotonic() + 60, b""
        while not answer and time.monotonic() < end:
            with contextlib.suppress(ConnectionError):  # answered and closed since the last byte
                line.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = line.recv(65536)
        assert answer.split(b" ")[1] == b"408"


def test_many_idle_connections(port: int, token: str) -> None:
    """Connections that say nothing, or half a line, keep nobody else waiting."""
    with contextlib.ExitStack() as lines:
        for i in range(200):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            if i % 2:
                line.sendall(b"GET /api/spa")
        assert all(alive(port, token) for _ in range(5))
    assert alive(port, token)


def test_clients_that_go_away(port: int, token: str, studio: server.Studio) -> None:
    """Half a request, half a body, half-closed and reset sockets: the next one is answered."""
    body = np.zeros((1, 16), "<f4").tobytes()
    whole = (
        f"POST /api/decode?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: "
        f"{len(body)}\r\n\r\n".encode()
        + body
    )
    for cut in (1, 20, len(whole) - len(body), len(whole) - 3):
        raw(port, whole[:cut], half=True)
        line = socket.create_connection(("127.0.0.1", port))
        line.sendall(whole[:cut])
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()
    large = np.zeros((wire.ROWS, 16), "<f4").tobytes()
    head = f"POST /api/look?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(large)}\r\n\r\n".encode()  # noqa: E501
    for _ in range(5):
        line = socket.create_connection(("127.0.0.1", port))
        line.sendall(head + large)
        line.close()
    assert alive(port, token)
    end = time.monotonic() + 30
    while studio.session.worker._waiting and time.monotonic() < end:
        time.sleep(0.02)
    assert not studio.session.worker._waiting  # nobody waits for the large ones, so nobody computes them


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00" * 100,
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)
def test_what_is_no_request(port: int, token: str, sent: bytes) -> None:
    answer = raw(port, sent, half=True)
    assert not answer or answer.split(b" ")[1][:1] == b"4"
    assert alive(port, token)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
        b'{"text": "' + b"(" * 9_000 + b'"}',
        b'{"text": 1e999}',
        b'{"text": "@' + b"9" * 5_000 + b'"}',
        b'{"text": "mean(1=1; drop table items)"}',
        b'{"text": "@1", "start": [NaN]}',
        b'{"text": "\\ud800"}',
        b"\xff\xfe",
    ],
)
def test_hostile_json(port: int, token: str, body: bytes) -> None:
    status, _, answer = ask(
        port, f"/api/formula?token={token}", "POST", body, Content_Type="application/json"
    )
    assert status == 400, answer
    assert "\n" not in json.loads(answer)["error"]


def test_hostile_numbers(port: int, token: str) -> None:
    """Latents far outside, infinite ones, rows that are too many."""
    for z, status in (
        (np.full((1, 16), 3e38), 400),
        (np.full((1, 16), 1e5), 200),
        (np.full((1, 16), np.inf), 400),
    ):
        for path in ("decode", "look"):
            assert ask(port, f"/api/{path}?token={token}", "POST", z.astype("<f4").tobytes())[0] == status
    assert ask(port, f"/api/at?token={token}&method=pca", "POST", bytes(8 * wire.ROWS + 8))[0] == 413
    assert ask(port, f"/api/item?token={token}&id={2**63}")[0] == 400
    assert ask(port, f"/api/thumbnails?token={token}&page=-1")[0] == 400


def test_hostile_numbers_from_the_first_moment_on() -> None:
    """While the model is being loaded, support calibrated and a map laid out, by several at once."""
    running = liminal.studio("fashion")
    port, token = int(running.url.split(":")[2].split("/")[0]), running.url.partition("token=")[2]
    values = np.array([[3e38], [1e5], [9e5], [-1e20], [1e-45], [1e-38], [0], [np.nan]], "<f4") * np.ones(
        (1, 16), "<f4"
    )

    def knock(i: int) -> set[int]:
        seen = set()
        for path in ("decode", "look", "look?method=pca", "at?method=pca"):
            z = values[i][: 2 if path.startswith("at") else None].tobytes()
            seen.add(ask(port, f"/api/{path}{'&' if '?' in path else '?'}token={token}", "POST", z)[0])
        return seen

    try:
        ask(port, f"/api/at?method=pca&token={token}", "POST", bytes(8))  # begins the map
        end, seen = time.monotonic() + 120, set[int]()
        with ThreadPoolExecutor(len(values)) as pool:
            while time.monotonic() < end:
                done = (
                    running.session.support is not None
                    and ask(port, f"/api/at?method=pca&token={token}", "POST", bytes(8))[0] == 200
                )
                seen = seen.union(*pool.map(knock, range(len(values))))
                if done:
                    break
        assert seen == {200, 400, 503}
    finally:
        running.close()


def test_the_server_listens_on_loopback_alone(studio: server.Studio) -> None:
    (listening,) = [line for running in studio._server.servers for line in running.sockets]
    assert listening.getsockname()[0] == "127.0.0.1"


VALUES = [
    None,
    True,
    -1,
    0,
    1,
    3,
    2**40,
    1.5,
    -1e308,
    "",
    "@1",
    "@3 + label=Bag",
    "label",
    "mix(@1, @2)",
    "umap",
    "é\u0000",
    [],
    [1],
    ["@1", "@2"],
]
VALUES += [[0.0] * 16, [1, 2, 3], [[1]], {}, {"label=Bag": 1.0}, {"": 0}, {"@1": 1}, {"dim(3)": 1e30}]


GOOD = {
    "sources": {"rows": [3, 7]},
    "formula": {"text": "@1"},
    "between": {"a": list(range(8)), "b": list(range(8, 16))},
    "slide": {"id": 3, "change": {"label=Bag": 1}},
    "path": {"keys": ["@1", "@2"], "frames": 3},
    "export": {"path": {"keys": ["@1", "@2"], "frames": 3}, "format": "png"},
    "sample": {"n": 2},
    "transfer": {"content": "@1", "style": "@2"},
    "complete": {"item": "@1", "known": ["left"], "n": 1},
    "compose": {"items": ["@1", "@2"], "length": 3},
}


@pytest.mark.parametrize(
    "route", [r for r in routes.ROUTES if isinstance(r.takes, type)], ids=lambda r: r.name
)
def test_any_json_is_answered_or_refused(port: int, token: str, route: routes.Route) -> None:
    """Whatever stands in the fields of a request: an answer or one line, never a fault."""
    assert isinstance(route.takes, type)
    draw = np.random.default_rng(0)
    seen = set()
    for i in range(60):
        changed = [name for name in route.takes.model_fields if draw.random() < (i % 4) / 4]
        given = {**GOOD[route.name], **{name: VALUES[draw.integers(len(VALUES))] for name in changed}}
        status, _, body = ask(
            port,
            f"{route.path}?token={token}",
            "POST",
            json.dumps(given).encode(),
            Content_Type="application/json",
        )
        seen.add(status)
        assert status in (200, 400), (given, body)
        if status == 400:
            assert "\n" not in json.loads(body)["error"]
    assert seen == {200, 400}


@pytest.mark.parametrize(
    "route", [r for r in routes.ROUTES if r.method == "GET" and r.query], ids=lambda r: r.name
)
def test_any_query_is_answered_or_refused(port: int, token: str, route: routes.Route) -> None:
    values = [
        "",
        "0",
        "1",
        "-1",
        "99999999999999999999",
        "1.5",
        "x",
        "pca",
        "label",
        "label=Bag",
        "A%20-%20B",
        "%00",
        "../../x",
        "dimension",
        "a" * 500,
    ]
    if route.name == "map_":
        values = [value for value in values if value != "pca"]  # which is not hostile, and takes a while
    draw = np.random.default_rng(0)
    for _ in range(25):
        query = "&".join(
            f"{name.strip('?')}={values[draw.integers(len(values))]}"
            for name in route.query
            if draw.random() < 0.8
        )
        status, _, body = (
            ask(port, f"{route.path}?{query}&token={token}") if query else (400, {}, b'{"error": "-"}')
        )
        assert status in (200, 400, 503), (query, body)
        if status == 400:
            assert "\n" not in json.loads(body)["error"]


def test_a_page_in_one_piece_names_no_other_file() -> None:
    page = pages.single(head="<meta name='of' content='the test'>")
    assert "<head><meta name='of'" in page
    assert not re.search(r'(src|href)="/', page)
    assert page.count("</script>") == page.count("<script")
    for path, (data, kind) in pages.read().items():
        if path.startswith("/assets/") and kind.startswith("text/css"):
            assert data.decode() in page
