"""Where a studio is found: its socket on this machine alone, its token, and the folder of its space. Light, so that it is told first."""

from __future__ import annotations

import errno
import secrets
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LiminalError

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
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
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


def space_folder(name: str | Path) -> Path:
    """As `registry.space_folder`, without torch where the space is there."""
    for folder in (Path(name), READY / Path(name).name if str(name) == Path(name).name else Path(name)):
        if (folder / "card.json").is_file():
            return folder
    from .. import registry

    return registry.space_folder(name)
