"""The studio: a space in the browser, or in a notebook.

``liminal.studio(space)`` shows one; see `server.start` and `liminal.widget`.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..space import Space
    from ..widget import Widget
    from .server import Studio


class _Callable(types.ModuleType):
    """The module under whose name the package also has its function: ``liminal.studio`` is both."""

    def __call__(
        self,
        space: Space | str | Path,
        port: int | None = None,
        *,
        threads: int | None = None,
        device: str | None = None,
    ) -> Studio | Widget:
        from . import notebook

        if port is None and notebook.running() and notebook.able():
            from ..widget import Widget, of

            return (
                Widget(space, threads=threads, device=device) if isinstance(space, str | Path) else of(space)
            )
        from .server import start

        return start(space, port, threads=threads, device=device)


sys.modules[__name__].__class__ = _Callable
