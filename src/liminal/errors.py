"""What Liminal says when something is wrong: one line that names the call, what was wanted, what came and
what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LiminalError(ValueError):
    """Wrong input or a state that the user can mend. Its text is one line and is part of the interface."""


class NumericalError(LiminalError):
    """Training met NaN or infinity and could not go on from an earlier state."""


class UnknownNameError(LiminalError):
    """A name that does not exist; `known` are those that would have worked."""

    known: tuple[str, ...] = ()


def unknown(what: str, name: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """The error for a name that does not exist, offering the nearest known ones.

    Args:
        what: the kind of thing, for example ``"model"``.
        name: what the user wrote.
        known: every name that would have worked.
        hint: one more sentence, for example which command lists the names.

    Returns:
        The error to raise.
    """
    names = tuple(known)
    error = UnknownNameError(f"unknown {what} {name!r}: {offer(name, names)}" + (f" {hint}" if hint else ""))
    error.known = names
    return error


def offer(name: str, known: Iterable[str]) -> str:
    """The known names nearest to one that does not exist, or else some of the known ones, as a clause."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    return (
        "known: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") + "."
        if names
        else "there is none."
    )
