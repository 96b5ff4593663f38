"""A space as one HTML file in which the model still works: the studio's page with a part of the items and the
networks inside.

The file holds two blocks of bytes, compressed and in base 85: the engine that runs ONNX networks
(WebAssembly, made with the page by `scripts/web.py`), and the space, one packed answer (`wire.pack`) that
`payload` makes. What the studio's server would compute is computed in the page, by
the same definitions: the way back from the map, support, nearest items, ways, formulas.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LiminalError
from ..files import atomic_bytes, check_output
from ..voice import Voice, speaking
from . import pages, wire
from .address import space_folder
from .payload import gather, warning
from .session import Session

if TYPE_CHECKING:
    from ..space import Space

ITEMS = 3_000  # that are shown, where none are asked for
SAFE = bytes.maketrans(b"<&", b",:")  # digits of base 85 that HTML might take for its own
ENGINE = "engine.wasm.gz"  # beside the built page


def share(
    space: Space | str | Path,
    path: str | Path,
    items: int = ITEMS,
    *,
    no_items: bool = False,
    method: str = "umap",
    force: bool = False,
    voice: Voice | None = None,
) -> int:
    """Write a space as one HTML file that opens by double click, offline, and in which the model works.

    Args:
        space: an open space, its folder, or the name of a ready-made one.
        path: of the file, ``.html``.
        items: how many items are shown on the map, a random choice where there are more; latents of others
            may go along unseen.
        no_items: for private items: none of them, no latent and no attribute of a single one leaves; the map
            shows decoded places only.
        method: of the map, ``umap``, ``tsne`` or ``pca``.
        force: replace a file that is there.
        voice: whom to tell about progress.

    Returns:
        The size of the file in bytes.

    Raises:
        LiminalError: there is no such space, the file exists, or its decoder cannot be taken along.
    """
    path = check_output(path, force)
    if path.suffix.lower() not in (".html", ".htm"):
        raise LiminalError(f"share {path}: wanted a name that ends in .html")
    if path.is_dir():
        raise LiminalError(f"share {path}: it is a folder; name a file")
    if items < 1:
        raise LiminalError(f"--items {items}: wanted 1 or more; --no-items leaves all of them out")
    voice = voice or speaking()
    voice.progress("opening the space", 0.0)
    s = _session(space)
    try:
        data = page(s, items, no_items, method, voice).encode()
    finally:
        s.close(1.0)
        voice.close()
    atomic_bytes(path, data)
    if (words := warning(s)) is not None:
        voice.warn(words)
    return len(data)


def _session(space: Space | str | Path) -> Session:
    from .. import opening

    if isinstance(space, str | Path):
        folder = space_folder(space)
        return Session(folder.resolve().name, folder, space=opening.open(folder))
    return Session(space.folder.resolve().name, space.folder, space=space)


def page(
    s: Session, items: int = ITEMS, no_items: bool = False, method: str = "umap", voice: Voice | None = None
) -> str:
    """The page of a space as HTML text; arguments as of `share`.

    Raises:
        LiminalError: as `share`.
    """
    engine = pages.STATIC / ENGINE
    if not engine.is_file():
        raise LiminalError(
            "share: the page has not been built here; run python scripts/web.py first, or install liminal "
            "from a wheel"
        )
    arrays, facts = gather(s, items, no_items, method, voice or Voice())
    blocks = {"engine": engine.read_bytes(), "space": gzip.compress(wire.pack(arrays, facts), 9, mtime=0)}
    inert = "".join(
        '<script type="application/octet-stream" '
        f'id="liminal-{name}">{base64.b85encode(data).translate(SAFE).decode()}</script>'
        for name, data in blocks.items()
    )
    name = html.escape(str(facts["space"]["name"]))
    text = pages.single("page.html").replace("<title>Liminal</title>", f"<title>{name} · Liminal</title>", 1)
    return text.replace("<head>", f"<head>{_policy(text)}", 1).replace(
        '<div id="app"></div>', f'<div id="app"></div>{inert}', 1
    )


def _policy(text: str) -> str:
    """A content security policy that lets the page's own script run and nothing be asked of any network."""
    scripts = re.findall(r'<script type="module">(.*?)</script>', text, re.S)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts
    )
    rules = {
        "default-src": "'none'",
        "script-src": f"{hashes} 'wasm-unsafe-eval' blob:",
        "worker-src": "blob:",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return (
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{"; ".join(f"{k} {v}" for k, v in rules.items())}" />'
    )
