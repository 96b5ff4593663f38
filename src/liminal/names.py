"""Names that attributes can have: which a space keeps, how others are made fit when data are read, and which
tells a split.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import LiminalError

RESERVED = frozenset(
    {"id", "split", "z", "item", "thumbnail", "source", "distance", "_distance", "_score"}
    | {"_rowid", "_rowaddr", "_rowoffset"}
)
SPLIT = ("split", "split_")  # a column that tells what is held out, as it is and as `fit_names` calls it
TRAIN = ("train", "training")
HELD_OUT = ("test", "testing", "val", "valid", "validation")
HELD = frozenset({*HELD_OUT, "held", "held-out", "held_out", "holdout", "dev", "eval", "evaluation"})
_SIGNS = str.maketrans({".": "_", "`": "_", '"': "_"})  # a filter could not tell such a name


def check_names(names: Sequence[str]) -> None:
    """Refuse names of attributes that the catalogue cannot keep or a filter could not tell apart."""
    seen: dict[str, str] = {}
    for name in names:
        low = name.lower()
        if low in RESERVED:
            raise LiminalError(f"attribute {name!r}: this name is the catalogue's own; rename the attribute")
        if not name.strip() or name != name.translate(_SIGNS):
            raise LiminalError(
                f"attribute {name!r}: a name needs a letter and may hold no dot, backquote or double quote; "
                "rename it"
            )
        if low in seen:
            raise LiminalError(
                f"attributes {seen[low]!r} and {name!r} differ only in case, and filters take names in any "
                "case; rename one"
            )
        seen[low] = name


def fit_names(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The same names, those changed that `check_names` refuses: dots and quotes become underscores, and a
    name that is taken or reserved gets one at its end.

    Returns:
        n names that `check_names` accepts, and a remark for each one that was changed.
    """
    fit: list[str] = []
    remarks = []
    whole = {name.lower() for name in names if name == _fit(name)}
    for name in names:
        new = _fit(name)
        while new.lower() in {n.lower() for n in fit} or (new != name and new.lower() in whole):
            new += "_"
        fit.append(new)
        if new != name:
            remarks.append(f"the attribute {name!r} is called {new} here: {_why(name)}")
    return fit, tuple(remarks)


def _fit(name: str) -> str:
    new = " ".join(name.split()).translate(_SIGNS) or "unnamed"
    return new + "_" if new.lower() in RESERVED else new


def _why(name: str) -> str:
    if name.strip().lower() in RESERVED:
        return "a space has a column of that name itself"
    if name == _fit(name):
        return "another one differs only in case, and filters take names in any case"
    return "a name holds a letter, and no dot, backquote or double quote"


def held_by(name: str, values: Sequence[Any]) -> list[bool] | None:
    """Which of the items a column named ``split`` holds out: those with test, val, validation, held, ...

    for train or nothing.

    None where the column has another name, or none of its words is such a one.

    Raises:
        LiminalError: only some of its words are.
    """
    words = [v.strip().lower() if isinstance(v, str) else v for v in values]
    given = dict.fromkeys(word for word in words if word not in (None, ""))
    if name.lower() not in SPLIT or not any(word in HELD or word in TRAIN for word in given):
        return None
    wrong = next((word for word in given if word not in HELD and word not in TRAIN), None)
    if wrong is not None:
        raise LiminalError(
            f"the column {name.rstrip('_')} holds {wrong!r} beside words for what is held out; "
            "wanted train, test or val, or another name for the column"
        )
    return [word in HELD for word in words]
