"""The same encode by Liminal, in a process of its own: ``array`` hands all pictures over at once, ``file``
reads them piece by piece.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import meter
import numpy as np
import torch

import liminal


def main() -> None:
    """Do what the command line says; the answer is the last line, JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("space", type=Path)
    options.add_argument("data", type=Path)
    options.add_argument("--how", choices=["array", "file"], default="array")
    options.add_argument("--threads", type=int)
    given = options.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    space = liminal.open(given.space)

    def work() -> np.ndarray | torch.Tensor:
        if given.how == "file":
            return space.encode_data(given.data)[0]
        return space.encode(np.load(given.data, mmap_mode="r", allow_pickle=False))

    z, told = meter.metered(work)
    meter.answer({**told, "items": len(z), "dim": z.shape[1]})


if __name__ == "__main__":
    main()
