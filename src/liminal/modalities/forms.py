"""What goes to and fro between a modality and the rest: records of files, options, scores, media."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Source = Path | BinaryIO
Read = Callable[["Tensor"], "dict[str, Tensor]"]


class Record(NamedTuple):
    """One item as it was read, or why it could not be.

    Attributes:
        item: the stored item; None where it cannot be used.
        remarks: what completes the sentence "some items were ..."; of an item that cannot be used, the
            reason.
        entry: its number in a file that holds many items (``file#entry``); None where the file is the item.
        known: attributes by name: float, bool or str.
        group: items of one group, in whatever files, are never split between training and held-out ones
            (windows of one tune).
    """

    item: np.ndarray | None
    remarks: tuple[str, ...] = ()
    entry: int | None = None
    known: dict[str, Any] = {}  # noqa: RUF012
    group: str | None = None


class Option(NamedTuple):
    """An option of the command line that a modality reads its data by.

    Attributes:
        name: the argument of `Modality.infer`; the flag is ``--name`` with hyphens.
        kind: int, float, str or bool.
        metavar: what stands for its value in the help.
        help: one line.
    """

    name: str
    kind: type
    metavar: str
    help: str


class Score(NamedTuple):
    """What an error of `Modality.errors` is called, in the report and in tables.

    Attributes:
        unit: ``dB``, ``nats``, or empty.
        better: ``lower`` or ``higher``.
        words: what it tells, in plain words.
    """

    unit: str
    better: Literal["lower", "higher"]
    words: str


class Media(NamedTuple):
    """An item as a page shows it: its type, ``image/png`` or ``text/html``, and its bytes."""

    type: str
    data: bytes


SCORES = {
    "mse": Score("", "lower", "mean squared error of an item's numbers"),
    "mae": Score("", "lower", "mean absolute error of an item's numbers"),
    "nats": Score("nats", "lower", "how surprised the decoder is by each true symbol; 0 is certain"),
    "wrong": Score("", "lower", "share of the symbols that are not restored"),
}


def abstract(cls: type) -> set[str]:
    """Members of the contract that the class leaves abstract (ABCMeta counts them only after this runs)."""
    names = {name for base in cls.__mro__ for name in getattr(base, "__abstractmethods__", ())}
    return {name for name in names if getattr(getattr(cls, name, None), "__isabstractmethod__", False)}
