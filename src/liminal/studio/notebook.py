"""Whether Python runs in a notebook, and how a bare space shows itself there.

Light: it loads neither torch nor IPython.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

HINT = "To see the studio in the notebook itself: pip install 'liminal[widget]'"


def running() -> bool:
    """Whether this is the process of a notebook that can show widgets: a Jupyter kernel, or marimo."""
    marimo = sys.modules.get("marimo")
    return _kernel() is not None or (marimo is not None and bool(marimo.running_in_notebook()))


def able() -> bool:
    """Whether what the widget needs is installed."""
    return importlib.util.find_spec("anywidget") is not None


def register(show: Callable[[Any], Any]) -> None:
    """Have a `Space` at the end of a Jupyter cell show itself by the MIME bundle that ``show`` gives;
    elsewhere nothing happens.
    """
    shell = _kernel()
    if shell is not None:
        formatter = shell.display_formatter.mimebundle_formatter
        formatter.for_type_by_name(
            "liminal.space", "Space", lambda space, **_: show(space) if able() else None
        )


def _kernel() -> Any:
    """IPython's shell in a kernel, where whoever started this process has loaded it."""
    loaded = sys.modules.get("IPython")
    shell = loaded.get_ipython() if loaded is not None and hasattr(loaded, "get_ipython") else None
    return shell if hasattr(shell, "kernel") else None
