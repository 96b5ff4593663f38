"""The command that opens the studio."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .options import Device, SpaceName, Threads, flag

if TYPE_CHECKING:
    from ..studio.address import Address

ENDING = 0.5  # seconds that what is being computed may take to end


def studio(
    space: SpaceName,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="N",
            min=1,
            max=65535,
            help="Of the address; default: 8765, or the next free one.",
        ),
    ] = None,
    no_browser: Annotated[bool, flag("--no-browser", "Print the address only.")] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="HOST[:PORT]",
            help="Another address at which a browser may come; again for more.",
        ),
    ] = None,
    threads: Threads = None,
    device: Device = None,
) -> None:
    """See, walk and edit a space in the browser.

    The address is of this machine alone and holds a token: who does not know it sees nothing. Ctrl-C ends the
    studio.

    \b
    Examples:
      liminal studio fashion
      liminal studio photos-space --port 9000 --no-browser
      liminal studio photos-space --allow studio.example.org
    """
    from ..card import Card, verify
    from ..studio import address

    folder = address.space_folder(space)
    verify(folder, Card.read(folder))
    hosts, warning = address.allowed(allow or []), address.unkept()
    if warning is not None:
        print(f"note: {warning}", file=sys.stderr, flush=True)
    here = address.listen(port)
    print(f"the studio of {space}, until ctrl-C:", flush=True)
    print(here.url, flush=True)
    if not no_browser:
        threading.Thread(target=_show, args=(here.url,), daemon=True).start()
    _serve(space, folder, here, hosts, threads, device)


def _serve(
    space: str,
    folder: Path,
    here: Address,
    allow: tuple[str, ...],
    threads: int | None,
    device: str | None,
) -> None:
    """Answer until ctrl-C; requests that came before wait in the socket."""
    from ..studio import server

    session = server.open_session(space, folder, threads, device)
    try:
        server.server(session, here, allow).run(sockets=[here.socket])
    except KeyboardInterrupt:
        raise console.Interrupted("the studio is closed") from None
    finally:
        if not session.close(ENDING):
            console.complain("liminal studio", "the studio is closed, and what it was computing is lost")
            os._exit(130)  # a thread inside torch cannot be stopped, and would abort Python's own ending


def _show(url: str) -> None:
    """Open the browser where there is a screen; one in the terminal would take it over."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return
    import webbrowser

    webbrowser.open(url)
