"""What runs in prdc's venv: precision, recall, density and coverage (k = 5) of each pair of sets in an
npz.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

import meter
import numpy as np
from prdc import compute_prdc


def main() -> None:
    """Do what the command line says; the answer is the last line, JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("file", type=Path)
    options.add_argument("count", type=int)
    given = options.parse_args()
    scores = []
    with (
        np.load(given.file, allow_pickle=False) as sets,
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        for i in range(given.count):
            found = compute_prdc(
                real_features=sets[f"{i}_real"], fake_features=sets[f"{i}_samples"], nearest_k=5
            )
            scores.append({name: float(value) for name, value in found.items()})
    meter.answer({"scores": scores})


if __name__ == "__main__":
    main()
