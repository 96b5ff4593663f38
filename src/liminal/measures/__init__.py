"""Measures of a generator: numbers with an interval, a direction and the trivial baseline that they must beat.

One file for each family: `reconstruction`, `fidelity` (Frechet distance), `coverage` (precision, recall, density, coverage),
`structure` (neighbourhoods, active units, KL); `features` and `reader` turn items into vectors that these compare; `survey` asks
`sections` for all of them and makes a `report`. Every function takes generators and arrays.
"""

from .report import Report
from .survey import measure
from .value import Interval, Measure, subsample_interval, subsample_spread

__all__ = ["Interval", "Measure", "Report", "measure", "subsample_interval", "subsample_spread"]
