"""``python -m liminal`` is the command line (and what ``accelerate launch -m liminal`` starts)."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
