"""Precision, recall, density and coverage of two npy files, by ``liminal`` or by ``prdc`` (in its own venv),
in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from pathlib import Path
from typing import Any

import meter
import numpy as np


def by_prdc(real: np.ndarray, samples: np.ndarray, k: int, threads: int) -> Any:
    """The work of the package; it chooses its own eight threads."""
    from prdc import compute_prdc

    def work() -> dict[str, float]:
        with contextlib.redirect_stdout(io.StringIO()):
            return dict(compute_prdc(real, samples, k))

    return work


def by_liminal(real: np.ndarray, samples: np.ndarray, k: int, threads: int) -> Any:
    """The work of Liminal."""
    import torch

    from liminal.measures.samples.coverage import NAMES, prdc

    torch.set_num_threads(threads)

    def work() -> dict[str, float]:
        found = prdc(torch.from_numpy(real), torch.from_numpy(samples), k)
        return {name: getattr(found, name) for name in NAMES}

    return work


def main() -> None:
    """Do what the command line says; the answer is the last line, JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("library", choices=["liminal", "prdc"])
    options.add_argument("real", type=Path)
    options.add_argument("samples", type=Path)
    options.add_argument("--k", type=int, default=5)
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    real, samples = (np.load(path, allow_pickle=False) for path in (given.real, given.samples))
    work = {"liminal": by_liminal, "prdc": by_prdc}[given.library](real, samples, given.k, given.threads)
    found, told = meter.metered(work)
    meter.answer({**told, **{name: float(value) for name, value in found.items()}})


if __name__ == "__main__":
    main()
