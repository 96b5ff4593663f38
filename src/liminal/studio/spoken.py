"""What people write in the studio: formulas with its remembered directions, how they may go on, and how a
result is written elsewhere.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
import torch
from torch import Tensor

from ..errors import LiminalError
from ..ops.formulas import formula
from ..ops.formulas.parsing import FUNCTIONS
from ..ops.formulas.syntax import KEYWORDS, WORD, Item, Mean, Named, Number, Sum
from ..resolve import Names
from . import wire

if TYPE_CHECKING:
    from .session import Session

MOST = 40  # completions
SEARCHED = (
    "pca",
    "factorised",
)  # directions that the library finds again by their names; others depend on where one was
SIGNS = {
    "dim": "dim(0): one standard deviation along a latent dimension",
    "mean": "mean(label=Bag): the mean of the items that pass a filter",
    "mix": "mix(@1, @2): a mixture in equal parts",
    "random": "random(7): the draw of that seed",
}


class MisreadError(LiminalError):
    """A formula that cannot be read: also the character where, from 0, and names near to one that is
    unknown.
    """

    def __init__(self, text: str, at: int | None = None, near: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.at, self.near = at, list(near)


class Spoken(Names):
    """The names in a formula: those of the space and the directions that the studio remembers.

    Files have no names here.

    Args:
        session: of the studio.
        start: the latent (d,) of the item that is edited.
    """

    def __init__(self, session: Session, start: Tensor | None = None) -> None:
        super().__init__(session.space, start)
        self.remembered = session.remembered

    def item(self, id: int) -> Tensor:
        latents = self.space.latents
        return latents[id].clone() if 0 <= id < len(latents) else super().item(id)

    def direction(self, name: str, value: str | None) -> Tensor:
        if value is None and name in self.remembered:
            return self.remembered[name].vector
        return super().direction(name, value)

    def file(self, path: str) -> Tensor:
        raise LiminalError("files have no names in the studio: drop the file on the page")


def read(session: Session, text: str, start: Tensor | None = None) -> tuple[formula.Node, Tensor, float]:
    """A formula's tree, its vector (d,) and the summed weight of its places: 1 a place, 0 a change.

    Raises:
        MisreadError: it cannot be read, or a name is unknown.
    """
    names = Spoken(session, start)
    try:
        tree = formula.parse(text)
        return tree, *formula.evaluate(tree, names)
    except LiminalError as error:
        raise _misread(session, text, error, names) from error


def _misread(session: Session, text: str, error: LiminalError, names: Spoken) -> MisreadError:
    """The error with its place in the text and what was meant."""
    found = re.search(r"character (\d+)", str(error))
    if found:
        return MisreadError(str(error), min(int(found[1]) - 1, len(text)))
    for leaf in formula.leaves(formula.parse(text)):
        try:
            if not isinstance(leaf, Number):
                formula.evaluate(leaf, names)
        except LiminalError:
            shown = formula.show(leaf)
            at = re.search(
                rf"(?<!\w){re.escape(leaf.name if isinstance(leaf, Named) else shown)}(?!\w)", text
            )
            if isinstance(leaf, Mean):
                return _valued(session, text, error, leaf)
            known = (
                [written(session, name) for name in directions(session)] if isinstance(leaf, Named) else []
            )
            return MisreadError(
                str(error),
                at.start() if at else None,
                difflib.get_close_matches(shown, known, n=3, cutoff=0.4),
            )
    return MisreadError(str(error))


def _valued(session: Session, text: str, error: LiminalError, mean: Mean) -> MisreadError:
    """The error with the place of the value that no item has, and the values near to it, as they can stand
    there.
    """
    attributes = session.space.catalogue.attributes
    for name, value in formula.compared(mean.where):
        known = session.space.catalogue.values(name) if attributes.get(name) == "category" else [value]
        at = re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
        if value not in known and at:
            near = difflib.get_close_matches(
                value, known if re.fullmatch(r"\w+", value) else [], n=3, cutoff=0.5
            )
            quoted = text[at.start() - 1] in "'\""
            shown = [n if quoted or re.fullmatch(r"[\w ]+", n) else formula.quote_text(n) for n in near]
            return MisreadError(str(error), at.start(), shown)
    return MisreadError(str(error))


def point(session: Session, place: wire.Place) -> Tensor:
    """The latent (d,) of an item (``"@12"``), a formula, or a latent; nothing in it is looked up on the disk.

    Raises:
        LiminalError: it is none of these.
    """
    if isinstance(place, str):
        tree, vector, weight = read(session, place)
        return (
            vector if abs(weight - 1) < 1e-6 else formula.point(tree, Spoken(session))
        )  # this says what is wrong with the weights
    return latent(session, place)


def row(session: Session, id: int) -> int:
    """The row of an item: items are numbered as they lie.

    Raises:
        LiminalError: there is no such item.
    """
    if not 0 <= id < session.count:
        raise LiminalError(f"@{id}: this space has items @0 to @{session.count - 1}")
    return id


def item(session: Session, place: wire.Place) -> int | Tensor:
    """A place for a verb that knows more of an item of the space than its latent.

    Raises:
        LiminalError: as `row` and `point`.
    """
    if isinstance(place, str) and place.strip().startswith("@") and place.strip()[1:].isdecimal():
        return row(session, int(place.strip()[1:]))
    return point(session, place)


def latent(session: Session, numbers: Sequence[float]) -> Tensor:
    """A latent (d,) from numbers.

    Raises:
        LiminalError: not d of them, or not finite.
    """
    with np.errstate(over="ignore"):
        z = torch.from_numpy(np.asarray(numbers, np.float64).astype(np.float32))
    if z.shape != (session.space.dim,) or not torch.isfinite(z).all():
        raise LiminalError(f"wanted {session.space.dim} finite numbers for a latent, got {len(numbers)}")
    return z


def change(session: Session, strengths: dict[str, float], start: Tensor) -> tuple[Tensor, list[str], str]:
    """The vector (d,) of directions by name and strength, the attributes that they are about, and the
    formula.

    Raises:
        LiminalError: a name is unknown or no direction.
    """
    total = torch.zeros(session.space.dim)
    asked: list[str] = []
    terms: list[str] = []
    for name, strength in strengths.items():
        tree, vector, weight = read(session, name, start)
        if abs(weight) > 1e-6:
            raise LiminalError(f"{name!r} is a place; wanted the name of a direction")
        total = total + strength * vector
        asked += formula.attributes(tree)
        terms.append(
            f"{'-' if strength < 0 else '+'} "
            f"{abs(strength):g}*{formula.show(tree) if isinstance(tree, Named) else f'({name})'}"
        )
    return total, asked, " ".join(terms).removeprefix("+ ")


def directions(session: Session) -> list[str]:
    """The names of all directions, the remembered ones first."""
    return [*session.remembered, *session.space.directions]


def learned(session: Session, name: str) -> bool:
    """Whether a direction's text names an attribute of the space, and so what can be learned of it."""
    tree = formula.parse(name)
    if not isinstance(tree, Named) or tree.name in session.remembered:
        return False
    return tree.name in session.space.card.attributes


def written(session: Session, name: str) -> str:
    """A direction's name as formulas take it."""
    return formula.quote_name(name) if name in session.remembered else formula.show(Named(*_parts(name)))


def _parts(name: str) -> tuple[str, str | None]:
    attribute, equals, value = name.partition("=")
    return attribute, value if equals else None


def completions(session: Session, prefix: str) -> list[wire.Completion]:
    """What a word that begins so may become; with nothing written, what there is."""
    found = [
        wire.Completion(text=written(session, name), kind="direction", about=_told(session, name))
        for name in directions(session)
    ]
    found += [
        wire.Completion(text=name, kind="direction", about=f"read in any {session.space.modality.noun}")
        for name in session.space.readable
    ]
    found += [
        wire.Completion(text=f"{name}(", kind="function", about=SIGNS[name])
        for name in FUNCTIONS
        if name in SIGNS
    ]
    modality = session.space.modality
    if modality.literal is not None:
        about = f"a {modality.noun} that is typed"
        found.append(wire.Completion(text=f"{modality.literal}(", kind="function", about=about))
    for one in session.attributes:
        if one.kind == "category":
            for value in one.values or []:
                text = f"mean({formula.quote_name(one.name)}={_value(value)})"
                found.append(wire.Completion(text=text, kind="mean", about=f"the mean of {one.name} {value}"))
        elif one.kind == "bool":
            found.append(
                wire.Completion(
                    text=f"mean({formula.quote_name(one.name)})", kind="mean", about=f"the mean of {one.name}"
                )
            )
    word = prefix.strip().lower()
    rank = [
        (0 if one.text.lower().startswith(word) else 1 if word in one.text.lower() else 2, i)
        for i, one in enumerate(found)
    ]
    named = [found[i] for place, i in sorted(rank) if place < 2]
    return [*named, *(_by_file(session, word) if len(word) > 1 else [])][:MOST]


def _by_file(session: Session, word: str) -> list[wire.Completion]:
    """The first items whose file has the word in its name."""
    table = session.catalogue.table(columns=["id", "source"])
    found = (
        table.filter(pc.match_substring(table["source"], word, ignore_case=True)).slice(0, MOST).to_pylist()
    )
    return [wire.Completion(text=f"@{row['id']}", kind="item", about=row["source"]) for row in found]


def _value(text: str) -> str:
    """A category's value as a filter takes it: bare if it can be."""
    return text if WORD.fullmatch(text) and text.lower() not in KEYWORDS else formula.quote_text(text)


def _told(session: Session, name: str) -> str:
    one = session.remembered.get(name) or session.space.directions[name]
    return f"{one.score_name} {one.score:.2f}" + ("" if one.works else "; does not work")


# the same elsewhere


def plain(session: Session, place: wire.Place) -> str | None:
    """A place as the space itself reads it, without what only this studio remembers; None where that cannot
    be.
    """
    if not isinstance(place, str):
        return None
    named = [leaf.name for leaf in formula.leaves(formula.parse(place)) if isinstance(leaf, Named)]
    return None if any(name in session.remembered for name in named) else place


def in_python(session: Session, place: wire.Place, z: Tensor) -> str:
    """A place as an argument in Python: its text, or the numbers of its latent."""
    text = plain(session, place)
    return repr(text) if text is not None else tensor(z)


def tensor(z: Tensor) -> str:
    """Numbers (d,) as Python takes them."""
    return f"torch.tensor([{', '.join(f'{v:.6g}' for v in z.tolist())}])"


def quoted(text: str) -> str:
    """A text in double quotes, as Python takes it: formulas hold single ones."""
    return json.dumps(text, ensure_ascii=False)


def signed(text: str) -> str:
    """A change as it follows a place."""
    return text if text.startswith("-") else f"+ {text}"


def remembered(session: Session, name: str) -> tuple[str, str] | None:
    """A direction that only this studio remembers: its name, and how Python comes by its vector; None of any
    other formula.
    """
    tree = formula.parse(name)
    if not isinstance(tree, Named) or tree.value is not None or tree.name not in session.remembered:
        return None
    one = session.remembered[tree.name]
    if one.method in SEARCHED:
        return (
            tree.name,
            f"{{d.name: d.vector for d in space.find_directions({quoted(one.method)})}}[{quoted(tree.name)}]",
        )
    return tree.name, tensor(one.vector)


def remark(text: str) -> str:
    """A comment after a line of Python: on that line alone, whatever a name holds."""
    return f"  # {' '.join(text.split())}"


def python(session: Session, *lines: str) -> str:
    """Lines of Python that open the space, named ``space`` there, and go on with it."""
    begin = (
        ["import liminal", "import torch"] if any("torch." in line for line in lines) else ["import liminal"]
    )
    return "\n".join([*begin, "", f"space = liminal.open({quoted(session.name)})", *lines])


def command(session: Session, verb: str, *arguments: str) -> str:
    """One line for a shell."""
    return shlex.join(["liminal", verb, session.name, *arguments])


def of_formula(session: Session, text: str, tree: formula.Node, z: Tensor) -> wire.Copy:
    """A formula's place elsewhere; on the command line where it is an item and what moves it."""
    line = None
    if plain(session, text) is not None and isinstance(tree, Sum) and isinstance(tree.terms[0], Item | Mean):
        rest = formula.show(Sum(tree.terms[1:]) if len(tree.terms) > 2 else tree.terms[1])
        if abs(read(session, rest)[2]) < 1e-6:
            line = command(session, "edit", formula.show(tree.terms[0]), rest, "-o", "out.png")
    shown = in_python(session, text, z)
    latent_of = f"space.latent({shown})" if not shown.startswith("torch") else shown
    return wire.Copy(python=python(session, f"space.decode({latent_of})"), command=line)
