"""A card with any one value of another type, or without any one key, is refused in one line or does what it
did.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import liminal
from liminal.card import Card
from liminal.cli.facts import in_brief
from liminal.errors import LiminalError
from liminal.schema import problem

FASHION = Path(liminal.__file__).parent / "spaces" / "fashion"
GOOD: dict[str, Any] = json.loads((FASHION / "card.json").read_text())
EVIDENCE = ("parts", "directions.safetensors", "evidence")


def opened(card: dict[str, Any]) -> dict[str, Any]:
    """The card with the evidence, which is text, as what it says."""
    card = copy.deepcopy(card)
    part = card["parts"]["directions.safetensors"]
    part["evidence"] = json.loads(part["evidence"])
    return card


def closed(card: dict[str, Any]) -> dict[str, Any]:
    part = card.get("parts")
    part = part.get("directions.safetensors") if isinstance(part, dict) else None
    if isinstance(part, dict) and isinstance(part.get("evidence"), list | dict):
        part["evidence"] = json.dumps(part["evidence"])
    return card


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value lies; of a list, its first entry."""
    inside = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for key, inner in inside:
        yield (*at, key)
        yield from paths(inner, (*at, key))


WHERE = list(paths(opened(GOOD)))
OTHERS: list[Any] = [None, True, 0, -3, 7, 1.5, "", "text", [], [1], ["a"], [[]], {}, {"a": 1}, {"kind": []}]


def changed(path: tuple[Any, ...], value: Any = None, drop: bool = False) -> dict[str, Any]:
    card = opened(GOOD)
    inner: Any = card
    for key in path[:-1]:
        inner = inner[key]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return closed(card)


def of_another_type(path: tuple[Any, ...], value: Any) -> bool:
    old: Any = opened(GOOD)
    for key in path:
        old = old[key]
    return type(old) is not type(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cards") / "fashion"
    made.mkdir()
    for part in FASHION.iterdir():
        if part.name != "card.json":
            (made / part.name).symlink_to(part)
    return made


def use(folder: Path, card: dict[str, Any]) -> bool:
    """Whether a space with this card opens and does what it should; what is raised else is a
    `LiminalError`.
    """
    (folder / "card.json").write_text(json.dumps(card))
    try:
        space = liminal.open(folder)
        in_brief(Card.read(folder))
        repr(space)
        space.info()
        space.neighbors("@3", 2)
        space.sample(2)
        assert space.reader is not None or "reader.safetensors" not in card["parts"]
        for direction in space.directions.values():
            assert direction.holds is None or direction.holds[0] <= direction.holds[1]
        space.reconstruct(["@3"])
    except LiminalError:
        return False
    return True


def test_the_good_card_is_good(folder: Path) -> None:
    assert problem(GOOD) is None
    assert use(folder, GOOD)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(WHERE), value=st.sampled_from(OTHERS))
def test_any_value_of_another_type(folder: Path, path: tuple[Any, ...], value: Any) -> None:
    if of_another_type(path, value):
        use(folder, changed(path, value))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from([path for path in WHERE if not isinstance(path[-1], int)]))
def test_any_key_left_out(folder: Path, path: tuple[Any, ...]) -> None:
    use(folder, changed(path, drop=True))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (
            ("parts", "items.lance", "version"),
            "2",
            "parts.items.lance.version: wanted a whole number, got '2'",
        ),
        (("parts", "items.lance"), {}, "parts.items.lance.version: wanted a whole number, got nothing"),
        (("parts", "reader.safetensors", "shape"), 28, "parts.reader.safetensors.shape: wanted a list"),
        (
            ("parts", "reader.safetensors", "spec", "label", "classes"),
            [1],
            "spec.label.classes.0: wanted text",
        ),
        (("parts", "reader.safetensors", "spec", "label", "kind"), "colour", "bool or category or number"),
        ((*EVIDENCE, 0, "unit"), "1", "evidence.0.unit: wanted a number or null, got '1'"),
        ((*EVIDENCE, 0, "leakage"), [], "evidence.0.leakage: wanted an object"),
        (EVIDENCE, "[{", "evidence: wanted a list"),
        (("sampler", "fitted", "flow", "steps"), "12", "sampler.fitted.flow.steps: wanted a whole number"),
        (("sampler", "fitted", "flow"), 3, "sampler.fitted.flow: wanted an object, got 3"),
        (("sampler", "tests"), [1], "sampler.tests: wanted an object"),
        (("training", "epochs"), [8], "training.epochs: wanted a number, got [8]"),
        (("training", "loss", "kl"), "low", "training.loss.kl: wanted a number or null"),
        (("data", "n_train"), 8.5, "data.n_train: wanted a whole number, got 8.5"),
        (("data", "licence"), ["MIT"], "data.licence: wanted text or null"),
        (("attributes", "label"), {}, "attributes.label: wanted bool or category or number"),
        (("model", "class"), None, "model.class: wanted text, got nothing"),
    ],
)
def test_the_field_is_named_with_its_whole_path(path: tuple[Any, ...], value: Any, says: str) -> None:
    found = problem(changed(path, value))
    assert found is not None
    assert says in found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model", "arguments", "width"), "24"),
        (("model", "arguments", "dim"), "16"),
        (("model", "arguments", "beta"), []),
        (("modality", "arguments", "height"), 28.5),
        (("modality", "arguments", "fit"), ["pad"]),
    ],
)
def test_arguments_are_held_against_what_they_are_for(
    folder: Path, path: tuple[Any, ...], value: Any
) -> None:
    (folder / "card.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(LiminalError, match=str(path[-1])):
        liminal.open(folder)


def test_the_check_loads_no_library_of_schemas() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from liminal.card import Card; Card.read(sys.argv[1]); assert 'pydantic' not in "
        "sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(FASHION)], check=True)
