"""The page's files, read once: what a request names is looked up among these, never on the disk."""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Liminal</title>
<p>The studio's page has not been built here: run <code>npm install && npm run build</code> in the folder <code>web</code>,
then start the studio again. The interface below <code>/api/</code> works.</p></html>
"""  # noqa: E501


def read(folder: Path = STATIC) -> dict[str, tuple[bytes, str]]:
    """Contents and content type of every file of the page by its path; ``/`` is the page itself."""
    found = {"/": (UNBUILT.encode(), KINDS[".html"])}
    for file in sorted(folder.rglob("*")) if folder.is_dir() else []:
        kind = KINDS.get(file.suffix)
        if kind is not None and file.is_file():
            path = f"/{file.relative_to(folder).as_posix()}"
            found["/" if path == "/index.html" else path] = (file.read_bytes(), kind)
    return found


def single(name: str = "index.html", head: str = "", folder: Path = STATIC) -> str:
    """A page as one HTML text with its script and styles inside: for a notebook's frame, or a file that is
    opened by a double click.

    The page's script is one file: modules inside a page cannot import each other.

    Args:
        name: of the page's file.
        head: HTML that stands before all scripts.
        folder: where the built page lies.
    """
    file = folder / name
    if not file.is_file():
        return UNBUILT

    def inside(found: re.Match[str]) -> str:
        text = (folder / found["path"].lstrip("/")).read_text("utf-8")
        if found["tag"] == "link":
            return f"<style>{text}</style>"
        text = text.replace("</script", "<\\/script")
        return f'<script type="module">{text}</script>'

    page = file.read_text("utf-8")
    page = re.sub(
        r'<(?P<tag>script|link)\b[^>]*?\b(?:src|href)="(?P<path>/assets/[^"]+)"[^>]*>(?:</script>)?',
        inside,
        page,
    )
    return page.replace("<head>", f"<head>{head}", 1)
