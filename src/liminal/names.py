"""Names that attributes can have: which a space keeps, and how others are made fit when data are read."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import LiminalError

RESERVED = frozenset(
    {"id", "split", "z", "thumbnail", "source", "distance", "_distance", "_score"}
    | {"_rowid", "_rowaddr", "_rowoffset"}
)
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
    """The same names, those changed that `check_names` refuses: dots and quotes become underscores, and a name
    that is taken or reserved gets one at its end.

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
