"""Where a studio is found: its socket on this machine alone, its token, and the folder of its space.

Light, so that it is told first.
"""

from __future__ import annotations

import errno
import re
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LiminalError
from ..files import cache_folder

PORT, TRIED = 8765, 100  # the first port, and how many from there
READY = Path(__file__).parent.parent / "spaces"


@dataclass(frozen=True)
class Address:
    """A socket that listens on 127.0.0.1, and the token that its visitors must know."""

    socket: socket.socket = field(repr=False)
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def url(self) -> str:
        """What is opened in the browser."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"


def listen(port: int | None = None) -> Address:
    """A new address.

    Args:
        port: this one; None: `PORT`, or the next one that is free.

    Raises:
        LiminalError: the port is taken, or may not be used.
    """
    for candidate in range(PORT, PORT + TRIED) if port is None else [port]:
        # told to be TCP: asyncio lets only such send small answers at once, others wait 40 ms for company
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if sys.platform != "win32":  # there it would let two servers share a port
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(("127.0.0.1", candidate))
            opened.listen(128)
            return Address(opened, opened.getsockname()[1])
        except OSError as error:
            opened.close()
            if port is not None:
                why = (
                    "is taken: another program listens there"
                    if error.errno == errno.EADDRINUSE
                    else f"cannot be used ({error.strerror})"
                )
                raise LiminalError(
                    f"--port {port} {why}; name another one, or leave --port out to take the next free one"
                ) from error
    raise LiminalError(f"ports {PORT} to {PORT + TRIED - 1} are all taken; name a free one with --port")


def allowed(hosts: Iterable[str]) -> tuple[str, ...]:
    """Hosts that a browser may come by, as they are compared.

    Raises:
        LiminalError: one is no ``HOST`` and no ``HOST:PORT``.
    """
    found = tuple(host.strip().lower() for host in hosts)
    for host in found:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", host):
            raise LiminalError(
                f"--allow {host!r}: wanted HOST or HOST:PORT as it stands in the browser, such as "
                "localhost:9000"
            )
    return found


def unkept() -> str | None:
    """Why nothing that a studio works out can be kept for its next start; None where it can.

    Raises:
        LiminalError: there is no cache folder and none can be made.
    """
    folder = cache_folder("studio")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return (
            f"the cache folder {folder} cannot be written ({error.strerror or error}): "
            "the map is laid out anew at each start; set LIMINAL_CACHE to a folder that can"
        )


def space_folder(name: str | Path) -> Path:
    """As `registry.space_folder`, without torch where the space is there."""
    for folder in (Path(name), READY / Path(name).name if str(name) == Path(name).name else Path(name)):
        if (folder / "card.json").is_file():
            return folder
    from .. import registry

    return registry.space_folder(name)
