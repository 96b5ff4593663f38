"""The studio: a space in the browser. ``liminal.studio(space)`` shows one; see `server.start`."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..space import Space
    from .server import Studio


class _Callable(types.ModuleType):
    """The module under whose name the package also has its function: ``liminal.studio`` is both."""

    def __call__(
        self, space: Space | str | Path, port: int | None = None, *, threads: int | None = None, device: str | None = None
    ) -> Studio:
        from .server import start

        return start(space, port, threads=threads, device=device)


sys.modules[__name__].__class__ = _Callable
