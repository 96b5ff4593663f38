"""Measures of a generator: numbers with an interval, a direction and the trivial baseline that they must
beat.

A room for each family: `samples` (Frechet distance, precision and recall, variety, copies), `structure`
(neighbourhoods, dimension, stability, geometry), `factors` (disentanglement), `meaning` (of mixtures). `eyes`
turn items into what these compare, and `report` asks for all of them. Every function takes generators and
arrays.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .report.report import Report
    from .report.survey import measure
    from .value import Interval, Measure, subsample_interval, subsample_spread

__all__ = ["Interval", "Measure", "Report", "measure", "subsample_interval", "subsample_spread"]
_WHERE = {"Report": "report.report", "measure": "report.survey"}  # all else: value


def __getattr__(name: str) -> Any:
    """What the report needs loads when it is asked for: most commands open a space and measure nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_WHERE.get(name, 'value')}", __name__), name)
