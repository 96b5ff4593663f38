"""Measures of a generator: numbers with an interval, a direction and the trivial baseline that they must
beat.

One file for each family: `reconstruction`, `fidelity` (Frechet distance), `coverage` (precision, recall,
density, coverage), `structure` (neighbourhoods, active units, KL); `features` and `reader` turn items into
vectors that these compare; `survey` asks `sections` for all of them and makes a `report`. Every function
takes generators and arrays.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .report import Report
    from .survey import measure
    from .value import Interval, Measure, subsample_interval, subsample_spread

__all__ = ["Interval", "Measure", "Report", "measure", "subsample_interval", "subsample_spread"]
_WHERE = {"Report": "report", "measure": "survey"}  # all else: value


def __getattr__(name: str) -> Any:
    """What the report needs loads when it is asked for: most commands open a space and measure nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_WHERE.get(name, 'value')}", __name__), name)
