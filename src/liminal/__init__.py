"""Liminal: see, walk, edit, measure and share latent spaces.

Names load when they are first used: ``import liminal`` itself loads neither torch nor numpy.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .card import Card
    from .datasets import Dataset
    from .errors import LiminalError
    from .generator import Autoencoder, Generator
    from .maps.project import Map
    from .measures import Report
    from .measures.eyes.reader import Reader
    from .modalities import Modality
    from .modalities.seq2seq import seq2seq
    from .opening import fit, open, wrap
    from .ops.directions.directions import Direction
    from .ops.edits import Edit
    from .ops.samples import Samples
    from .ops.ways.paths import Path
    from .priors import Prior
    from .space import Space
    from .studio.server import start as studio
    from .studio.share import share
    from .voice import Terminal, Voice

__version__ = "0.1.0"
__all__ = [
    "Autoencoder",
    "Card",
    "Dataset",
    "Direction",
    "Edit",
    "Generator",
    "LiminalError",
    "Map",
    "Modality",
    "Path",
    "Prior",
    "Reader",
    "Report",
    "Samples",
    "Space",
    "Terminal",
    "Voice",
    "__version__",
    "fit",
    "open",
    "seq2seq",
    "share",
    "studio",
    "wrap",
]
_WHERE = {
    "Autoencoder": "generator",
    "Card": "card",
    "Dataset": "datasets",
    "Direction": "ops.directions.directions",
    "Edit": "ops.edits",
    "Generator": "generator",
    "LiminalError": "errors",
    "Map": "maps.project",
    "Modality": "modalities",
    "Path": "ops.ways.paths",
    "Prior": "priors",
    "Reader": "measures.eyes.reader",
    "Report": "measures",
    "Samples": "ops.samples",
    "Space": "space",
    "Terminal": "voice",
    "Voice": "voice",
    "fit": "opening",
    "open": "opening",
    "seq2seq": "modalities.seq2seq",
    "share": "studio.share",
    "wrap": "opening",
}


def __getattr__(name: str) -> Any:
    if name == "studio":
        return importlib.import_module(".studio", __name__)  # a package that can be called
    if name not in _WHERE:
        raise AttributeError(f"module 'liminal' has no attribute {name!r}")
    if (
        _WHERE[name] in ("opening", "space") and "IPython" in sys.modules
    ):  # a notebook will show what comes of these
        importlib.import_module(".studio.notebook", __name__).register(_show)
    value = getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)
    globals()[name] = value
    return value


def _show(space: Any) -> Any:
    """What a notebook shows of a space."""
    return importlib.import_module(".widget", __name__).of(space)._repr_mimebundle_()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
