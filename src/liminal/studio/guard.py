"""Who may speak to the studio: only the page that its own address opened.

Everything else ends here, before a route is looked up.

A page of any site can send requests to 127.0.0.1, or have its own name point there (DNS rebinding). So a
request must name this server as its ``Host``, must come from this server's page or from none (``Origin``,
``Sec-Fetch-Site``), and must know the token that was printed, in the address or in the cookie that the first
page set. Bodies are read here too, whole, within bounds of size and time.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATIENCE = 30.0  # seconds for a whole body to come
PAGE = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; worker-src 'self' "
    "blob:; object-src 'none'"
)
POLICY = f"{PAGE}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
PLAIN = re.compile(r"[A-Za-z0-9.:-]{1,100}")  # a host that may be shown in a command
PAGES = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Liminal</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:15vh auto;padding:0 1em;color-scheme:light dark}}
code{{display:block;padding:.5em;overflow-wrap:anywhere}}</style>
<h1>{title}</h1>{body}</html>
"""  # noqa: E501
ADDRESS = "open the address that the studio printed, with its ?token="


class RefusedError(Exception):
    """A request that goes no further: status and one line; advice for a person, of which every second line is
    typed.
    """

    def __init__(self, status: int, text: str, advice: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.status, self.advice = status, advice


class Guard:
    """ASGI middleware around the studio's app.

    Args:
        app: what is guarded.
        port: of the server on 127.0.0.1.
        token: that a request must know.
        limits: bytes of a body by path.
        limit: bytes of any other body.
        allow: other hosts that a browser may come by: ``name`` (at any port) or ``name:port``, of a tunnel or
            proxy.
    """

    def __init__(
        self,
        app: App,
        port: int,
        token: str,
        limits: Mapping[str, int],
        limit: int,
        allow: Collection[str] = (),
    ) -> None:
        self.app, self.port, self.token, self.limits, self.limit = app, port, token, limits, limit
        self.cookie = f"liminal-{port}"
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.allow = {host.lower() for host in allow}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in given),
                    *self._cookies(scope, message["status"]),
                ]
            await send(message)

        try:
            self._check(scope)
            body = await self._body(scope, receive)
        except RefusedError as refused:
            await self._refuse(scope, refused, guarded)
        except ConnectionError:  # the client went away before its body was whole
            return
        else:
            await self.app(scope, _replayed(body, receive), guarded)

    def _check(self, scope: Scope) -> None:
        """Refuse a stranger.

        Raises:
            RefusedError: who asks is not this server's page, or does not know the token.
        """
        hosts, origins, sites = (_all(scope, name) for name in ("host", "origin", "sec-fetch-site"))
        if len(hosts) != 1 or not self._answers_to(hosts[0]):
            names = " and ".join(sorted(self.hosts | self.allow))
            raise RefusedError(403, f"this server answers to {names} only", self._ways("".join(hosts)))
        own = [f"http://{hosts[0]}"] + ([f"https://{hosts[0]}"] if hosts[0] not in self.hosts else [])
        if origins and (len(origins) > 1 or origins[0] not in own):
            raise RefusedError(403, "requests from other sites are refused")
        named = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        entering = scope["path"] == "/" and scope["method"] == "GET" and bool(named)
        if any(site not in ("same-origin", "none") for site in sites) and not entering:
            raise RefusedError(403, "requests from other sites are refused")
        known = named or self._kept(scope)
        again = "The address stands where the studio was started, and is new at each start:"
        advice = (
            again,
            f"http://{hosts[0] if PLAIN.fullmatch(hosts[0]) else f'127.0.0.1:{self.port}'}/?token=...",
        )
        if not known:
            raise RefusedError(401, f"the token is missing: {ADDRESS}", advice)
        if not all(secrets.compare_digest(given.encode(), self.token.encode()) for given in known):
            raise RefusedError(403, f"the token is another one's: {ADDRESS}", advice)

    def _answers_to(self, host: str) -> bool:
        """Whether a request may name this host, with its port."""
        host = host.lower()
        return host in self.hosts or host in self.allow or re.sub(r":\d+$", "", host) in self.allow

    def _ways(self, host: str) -> tuple[str, ...]:
        """What somebody can do who came by another name or port than this server's."""
        name = host if PLAIN.fullmatch(host) else "NAME"
        return (
            "Through an ssh tunnel, take the same port on both sides, and open the printed address:",
            f"ssh -L {self.port}:127.0.0.1:{self.port} USER@MACHINE",
            "Behind a proxy, or at another port, start the studio with this name allowed:",
            f"liminal studio SPACE --port {self.port} --allow {name}",
        )

    def _kept(self, scope: Scope) -> list[str]:
        """The token in the cookie, if there is one."""
        try:
            found = SimpleCookie("; ".join(_all(scope, "cookie"))).get(self.cookie)
        except CookieError:
            return []
        return [found.value] if found else []

    def _cookies(self, scope: Scope, status: int) -> list[tuple[bytes, bytes]]:
        """The cookie that goes with the first page, so that what this loads needs no token in its address."""
        if scope["path"] != "/" or status != 200:
            return []
        return [(b"set-cookie", f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/".encode())]

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            RefusedError: it is too large, or does not come.
            ConnectionError: the client went away.
        """
        limit = self.limits.get(scope["path"], self.limit)
        length = next(iter(_all(scope, "content-length")), "0")
        if not length.isdecimal() or int(length) > limit:
            raise RefusedError(413, f"the request is larger than {limit:,} bytes")
        parts: list[bytes] = []
        held, more = 0, True
        try:
            async with asyncio.timeout(PATIENCE):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionError
                    parts.append(message.get("body", b""))
                    held, more = held + len(parts[-1]), message.get("more_body", False)
                    if held > limit:
                        raise RefusedError(413, f"the request is larger than {limit:,} bytes")
        except TimeoutError:
            raise RefusedError(408, f"the request did not come whole within {PATIENCE:g} seconds") from None
        return b"".join(parts)

    @staticmethod
    async def _refuse(scope: Scope, refused: RefusedError, send: Send) -> None:
        """A page for a person who opens an address, JSON for a program."""
        kind, body = b"application/json", json.dumps({"error": str(refused), "at": None, "near": []}).encode()
        asked = scope["method"] == "GET" and any("text/html" in one for one in _all(scope, "accept"))
        if refused.advice and asked:
            kind, body = b"text/html; charset=utf-8", _page(refused)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _page(refused: RefusedError) -> bytes:
    """A refusal as a page in plain words."""
    said = str(refused)
    lines = [f"<p>{html.escape(said[:1].upper() + said[1:])}.</p>"]
    for words, typed in zip(refused.advice[::2], refused.advice[1::2], strict=True):
        lines.append(f"<p>{html.escape(words)}<code>{html.escape(typed)}</code></p>")
    return PAGES.format(title="This address does not open the studio", body="".join(lines)).encode()


def _all(scope: Scope, name: str) -> list[str]:
    """Every value of a header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name.encode()]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body in one piece, then whatever else the client does."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
