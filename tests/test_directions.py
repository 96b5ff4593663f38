"""Directions: known worlds where the answer is exact, real pictures where readers judge, and names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from linear import GREY, LABELS, fashion, fashion_pca
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import liminal
from liminal.errors import LiminalError
from liminal.ops.directions import directions, effects, probes, search
from liminal.ops.directions.directions import Direction, resolve
from liminal.ops.directions.probes import Frame, left_out, projected
from liminal.ops.directions.search import find_directions

SIZE = 3000


def world(n: int, seed: int) -> tuple[Tensor, pa.Table]:
    """Latents of five independent causes; hats and glasses go with smiles, as confounded data have it.

    z0 = smile, z1 = gaze, z2 = hat, z3 = glasses, z4 says nothing and is smaller.
    """
    draw = np.random.default_rng(seed)
    smile = draw.normal(size=n)
    gaze = 0.8 * smile + 0.6 * draw.normal(size=n)
    hat = smile + draw.normal(size=n) > 0
    glasses = np.where(draw.normal(size=n) < 0, "none", np.where(draw.normal(size=n) > 0, "clear", "sun"))
    level = np.select([glasses == "clear", glasses == "sun"], [2.0, 4.0], 0.0)
    z = np.stack([smile, gaze, 3.0 * hat, level, 0.3 * draw.normal(size=n)], 1) + 0.1 * draw.normal(
        size=(n, 5)
    )
    blind = [None if i % 5 == 0 else float(s) for i, s in enumerate(smile)]
    table = pa.table(
        {
            "smile": blind,
            "gaze": gaze,
            "hat": pa.array(hat),
            "glasses": glasses,
            "noise": draw.normal(size=n),
            "coin": draw.random(n) > 0.5,
        }
    )
    return torch.tensor(z, dtype=torch.float32), table


def read(x: Tensor) -> dict[str, Tensor]:
    """What is drawn, read exactly; the last latent is drawn as the noise and the coin that it does not
    know.
    """
    clear = torch.exp(-2 * (x[:, 3] - 2) ** 2)
    sun = torch.sigmoid(4 * (x[:, 3] - 3))
    return {
        "smile": x[:, 0],
        "gaze": x[:, 1],
        "hat": torch.sigmoid(4 * (x[:, 2] - 1.5)),
        "glasses=none": torch.sigmoid(4 * (1 - x[:, 3])),
        "glasses=clear": clear,
        "glasses=sun": sun,
        "noise": x[:, 4],
        "coin": torch.sigmoid(x[:, 4]),
    }


@pytest.fixture(scope="module")
def found() -> dict[str, Direction]:
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)
    return {d.name: d for d in find_directions(z, table, held, about, decode=lambda z: z, read=read)}


def test_every_attribute_has_its_directions(found: dict[str, Direction]) -> None:
    assert list(found) == [
        "smile",
        "gaze",
        "hat",
        "glasses=clear",
        "glasses=none",
        "glasses=sun",
        "glasses",
        "noise",
        "coin",
    ]


def test_conditional_undoes_confounding(found: dict[str, Direction]) -> None:
    """Smile goes with gaze at r = .8 in the data; one SD of smile must not take .8 SD of gaze along."""
    smile = found["smile"]
    assert smile.method == "conditional"
    assert smile.works
    assert smile.score > 0.95
    assert smile.score_name == "R2"
    torch.testing.assert_close(smile.vector / smile.vector.norm(), torch.eye(5)[0], atol=0.06, rtol=0)
    assert float(smile.vector[0]) == pytest.approx(smile.unit, rel=0.02)  # one SD of smile is as long in z0
    assert smile.leakage["gaze"] < 0.06
    assert "smile" not in smile.leakage


def test_a_direction_that_leaves_the_data_says_so() -> None:
    """AUC and effect are perfect for both; but whatever is drawn with a hat looks like no real item."""
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)
    wide = float(z[:, 2].abs().max())
    found = {
        d.name: d
        for d in find_directions(
            z, table, held, about, lambda z: z, read, ["smile", "hat"],
            real=lambda x: x[:, 2].abs() < 0.5 * wide,
        )
    }  # fmt: skip
    smile, hat = found["smile"].looks_real, found["hat"].looks_real
    assert smile is not None
    assert hat is not None
    assert smile[0] == pytest.approx(smile[1], abs=0.1)
    assert "leaves the data" not in found["smile"].note
    assert hat[1] < 0.5 * hat[0]
    assert "leaves the data" in found["hat"].note
    (row,) = directions.table([found["hat"]])
    assert row["looks_real"] == hat
    (back,) = directions.from_tensors(*directions.to_tensors([found["hat"]]))
    assert back.looks_real == hat


def test_what_others_tell_is_held_fixed_though_readers_mistake_it() -> None:
    """Hats and glasses come together 95 times in 100, and the reader takes half of a hat from the glasses:
    the plain difference would
    please it most, and move both."""
    draw = np.random.default_rng(0)

    def tangled(n: int) -> tuple[Tensor, pa.Table]:
        glasses = draw.random(n) > 0.5
        hat = glasses ^ (draw.random(n) < 0.05)
        z = np.stack([3.0 * hat, 3.0 * glasses, draw.normal(size=n)], 1) + 0.2 * draw.normal(size=(n, 3))
        return torch.tensor(z, dtype=torch.float32), pa.table(
            {"hat": hat, "glasses": glasses, "coin": draw.random(n) > 0.5}
        )

    def mistaken(x: Tensor) -> dict[str, Tensor]:
        hat, glasses = torch.sigmoid(4 * (x[:, 0] - 1.5)), torch.sigmoid(4 * (x[:, 1] - 1.5))
        return {"hat": 0.5 * hat + 0.5 * glasses, "glasses": glasses, "coin": torch.sigmoid(x[:, 2])}

    (z, table), (held, about) = tangled(2000), tangled(600)
    found = {d.name: d for d in find_directions(z, table, held, about, decode=lambda z: z, read=mistaken)}
    assert found["hat"].method in ("conditional", "projected")
    assert "held fixed" in found["hat"].note
    assert abs(float(found["hat"].vector[1])) < 0.1 * float(found["hat"].vector[0])
    assert "held fixed" not in found["coin"].note
    plain = find_directions(
        z, table, held, about, decode=lambda z: z, read=mistaken, names=["hat"], methods=["difference"]
    )
    assert float(plain[0].vector[1]) > 0.5 * float(plain[0].vector[0])  # asked for by name it is given


@pytest.mark.parametrize("name", ["smile", "gaze", "hat", "glasses=none", "glasses=sun", "glasses"])
def test_strength_one_does_what_is_asked(name: str, found: dict[str, Direction]) -> None:
    """On items that took no part: the mean effect over those that do not have it is one unit."""
    direction = found[name]
    z, table = world(1500, 2)
    seen = (lambda x: 1 - read(x)["glasses=none"]) if name == "glasses" else (lambda x: read(x)[name])
    attribute, _, value = name.partition("=")
    column = table[attribute].to_pylist()
    if name == "glasses":
        off = torch.tensor([v == "none" for v in column])
    elif direction.kind == "category":
        off = torch.tensor([v != value for v in column])
    else:
        off = torch.tensor([direction.kind == "number" or v is False for v in column])
    effect = float((seen(z[off] + direction.vector) - seen(z[off])).mean()) / direction.unit
    assert effect == pytest.approx(1, abs=0.1)
    assert direction.effect == pytest.approx(1, abs=0.011)
    at_one = direction.effects[direction.strengths.index(1.0)]
    assert at_one == direction.effect
    if direction.kind != "number":  # the unit is the gap between decoded items with and without
        gap = float(seen(z[~off]).mean() - seen(z[off]).mean())
        assert direction.unit == pytest.approx(gap, abs=0.05)


def test_a_value_between_two_others_is_reached_by_half(found: dict[str, Direction]) -> None:
    """Clear glasses lie between none and sun on one axis: no vector leads both there."""
    clear = found["glasses=clear"]
    assert clear.effect == pytest.approx(0.5, abs=0.1)
    assert f"reaches only {clear.effect:.0%}" in clear.note


def test_unknown_values_leave_no_confounding(found: dict[str, Direction]) -> None:
    """A fifth of the smiles is unknown; still hat and gaze move without them."""
    for name in ("hat", "gaze"):
        assert found[name].method == "conditional"
        assert found[name].leakage["smile"] < 0.06


def test_leakage_is_in_standard_deviations(found: dict[str, Direction]) -> None:
    z, _ = world(1200, 1)
    hat = found["hat"]
    moved = (read(z + hat.vector)["gaze"] - read(z)["gaze"]).abs().mean() / z[:, 1].std()
    assert hat.leakage["gaze"] == pytest.approx(float(moved), rel=0.05)
    assert not {k for k in found["glasses=sun"].leakage if k.startswith("glasses")}


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(0, 999))
def test_projected_is_seen_by_none_of_the_others(m: int, seed: int) -> None:
    """All at once: orthogonal to each of the others, copies and sums among them included, and no shorter than
    it must be.
    """
    draw = torch.Generator().manual_seed(seed)
    normals = torch.randn(m + 1, 8, generator=draw, dtype=torch.double)
    normals = normals / normals.norm(dim=1, keepdim=True)
    assume(float(torch.linalg.svdvals(normals[1:])[-1]) > probes.NEW)
    doubled = torch.cat([normals[1:], -normals[1:2]])
    left = projected(normals[0], doubled)
    assert left is not None
    torch.testing.assert_close(normals[1:] @ left, torch.zeros(m, dtype=torch.double), atol=1e-9, rtol=0)
    away = normals[0] - left  # lies in the span of the others
    torch.testing.assert_close(
        normals[1:].T @ torch.linalg.lstsq(normals[1:].T, away[:, None]).solution[:, 0], away
    )
    assert projected(normals[1], doubled) is None


def test_projected_keeps_what_the_others_read(found: dict[str, Direction]) -> None:
    """Gaze is .8 smile: their probes' normals are 37 degrees apart.

    What is left of smile tells it less well, and that is said.
    """
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)
    call = {"decode": lambda z: z, "read": read, "names": ["smile"]}
    (free,) = find_directions(z, table, held, about, **call, methods=["projected"])
    assert free.method == "projected"
    assert free.effect == pytest.approx(1, abs=0.02)
    assert free.leakage["gaze"] < 0.1
    plain = find_directions(z, table, held, about, **call, methods=["difference"])[0]
    assert plain.leakage["gaze"] > 0.5
    assert free.projected_score == plain.projected_score == found["smile"].projected_score
    assert free.projected_score is not None
    assert 0.05 < free.projected_score < free.score - 0.3
    both = find_directions(z, table, held, about, **call, conditional=True)[0]
    assert both.method in search.CONDITIONAL


def test_a_bound_dimension_is_tried_and_kept_exactly(found: dict[str, Direction]) -> None:
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)
    (hat,) = find_directions(
        z, table, held, about, lambda z: z, read, names=["hat"], dimensions={"hat": 2, "smile": 0}
    )
    assert hat.method == "dimension"
    assert torch.equal(hat.vector != 0, torch.tensor([False, False, True, False, False]))
    assert hat.effect == pytest.approx(1, abs=0.02)
    assert sum(hat.leakage.values()) == pytest.approx(0, abs=1e-9)
    assert all(d.method != "dimension" for d in found.values())
    with pytest.raises(LiminalError, match="hat is bound to dimension 5; the latents have dimensions 0 to 4"):
        find_directions(z, table, held, about, lambda z: z, read, dimensions={"hat": 5})


def test_the_best_single_dimension_stands_beside_the_direction(found: dict[str, Direction]) -> None:
    for name, index in {"smile": 0, "gaze": 1, "hat": 2, "glasses=none": 3, "glasses": 3}.items():
        best = found[name].best_dimension
        assert best is not None
        assert best[0] == index
        assert best[1] == pytest.approx(found[name].score, abs=0.01)  # each cause is a dimension
    turned = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)))[0]
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)
    (smile,) = find_directions(
        z @ turned, table, held @ turned, about, lambda z: z @ turned.T, read, names=["smile"]
    )
    assert smile.score > 0.95
    assert smile.best_dimension is not None
    assert smile.best_dimension[1] < 0.8  # in a turned space none is


@pytest.mark.parametrize(
    ("curve", "holds"),
    [
        (lambda s: 0.5 * s, (-3, 3)),  # a line, however steep
        (lambda s: np.clip(s, 0, 1.2), (0, 1.5)),  # a probability that is off to begin with, and full at 1.2
        (lambda s: np.clip(s, -2, 2) + 0.01 * s, (-3, 3)),
        (lambda s: np.sign(s) * s**2, (-1.5, 1.5)),
        (lambda s: s if s < 1.2 else 0.9, (-3, 1)),  # turns back
        (lambda s: -s, (0, 0)),
    ],
)
def test_a_direction_holds_where_its_curve_is_straight(curve, holds, found: dict[str, Direction]) -> None:
    strengths = (-3.0, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0)
    effects = tuple(float(curve(s)) for s in strengths)
    changed = replace(
        found["smile"], strengths=strengths, effects=effects, effect=effects[strengths.index(1.0)]
    )
    assert changed.holds == pytest.approx(holds)
    assert changed.evidence["holds"] == changed.holds
    assert replace(changed, effect=None).holds is None


def test_table_has_a_row_for_each(found: dict[str, Direction]) -> None:
    rows = directions.table(found.values())
    assert [row["name"] for row in rows] == list(found)
    hat = found["hat"]
    row = rows[2]
    assert row["leakage"] == pytest.approx(sum(hat.leakage.values()) / len(hat.leakage))
    assert hat.leakage[row["leaks_most"][0]] == row["leaks_most"][1] == max(hat.leakage.values())
    assert (row["holds"], row["best_dimension"], row["works"], row["moves_most"]) == (
        hat.holds,
        hat.best_dimension,
        True,
        None,
    )
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize("name", ["noise", "coin"])
def test_what_the_latents_do_not_know_does_not_work(name: str, found: dict[str, Direction]) -> None:
    assert not found[name].works
    assert "at chance" in found[name].note


def test_what_cannot_be_reached_is_said() -> None:
    """A reader that gives way at a third of the unit, however far one goes."""
    z, table = world(SIZE, 0)
    held, about = world(1200, 1)

    def stiff(x: Tensor) -> dict[str, Tensor]:
        return {"smile": x[:, 0].clamp(-0.1, 0.1)}

    (smile,) = find_directions(z, table, held, about, lambda z: z, stiff, names=["smile"])
    assert smile.effect is not None
    assert 0 < smile.effect < 0.25
    assert f"reaches only {smile.effect:.0%}" in smile.note
    assert not smile.works


def test_what_no_reader_sees_is_not_claimed() -> None:
    z, table = world(400, 0)
    (hat,) = find_directions(z, table, z, table, lambda z: z, lambda x: {"smile": x[:, 0]}, names=["hat"])
    assert hat.effect is None
    assert not hat.works
    assert "not measured" in hat.note
    assert float(hat.vector[2]) == pytest.approx(3, abs=0.2)  # the gap in the latents


KINDS = ("beanie", "cap", "crown", "hood")


def dressed(n: int, seed: int, table: str) -> tuple[Tensor, pa.Table]:
    """Latents of hats of four kinds, an axis each, and of a smile; a table that tells hats twice."""
    draw = np.random.default_rng(seed)
    kind = np.where(draw.random(n) < 0.6, draw.integers(0, 4, n), -1)
    smile = draw.normal(size=n)
    z = np.stack([*(2.0 * (kind == i) for i in range(4)), smile], 1) + 0.2 * draw.normal(size=(n, 5))
    hat = {"hat": pa.array(kind >= 0)}
    one = {"headgear": ["none" if i < 0 else KINDS[i] for i in kind]}
    each = {name: pa.array(kind == i) for i, name in enumerate(KINDS)}
    bare = {"bare": pa.array(kind < 0)}
    columns = {"one": hat | one, "each": hat | each, "parts": bare | each}[table]
    return torch.tensor(z, dtype=torch.float32), pa.table({"smile": smile, **columns})


def worn(x: Tensor) -> dict[str, Tensor]:
    kinds = {name: torch.sigmoid(5 * (x[:, i] - 1)) for i, name in enumerate(KINDS)}
    hat = torch.sigmoid(5 * (x[:, :4].amax(1) - 1))
    of = {f"headgear={name}": seen for name, seen in kinds.items()}
    return {"smile": x[:, 4], "hat": hat, **kinds, "bare": 1 - hat, **of, "headgear=none": 1 - hat}


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("one", ["hat", "headgear=beanie", "headgear"]),
        ("each", ["hat", "beanie", "hood"]),
        ("parts", ["bare", "beanie"]),
    ],
)
def test_what_contains_another_is_not_held_against_it(table: str, names: list[str]) -> None:
    """A hat beside its kinds, as one column or as four: all else held fixed, no hat is left to move."""
    (z, about), (held, known) = dressed(3000, 0, table), dressed(900, 1, table)
    seen = set(about.column_names)
    read = lambda x: {k: v for k, v in worn(x).items() if k.partition("=")[0] in seen}
    found = {d.name: d for d in find_directions(z, about, held, known, decode=lambda z: z, read=read)}
    for name in names:
        one = found[name]
        assert one.vector.any(), name
        assert one.effect == pytest.approx(1, abs=0.1), name
        assert one.works
        assert one.not_held
        assert "smile" not in one.not_held
        assert set(one.leakage) == {"smile"}
        assert one.leakage["smile"] < 0.1
        assert "not held against" in one.note
    beanie = next((found[n] for n in names if "beanie" in n), None)
    if beanie is not None:
        assert int(beanie.vector.abs().argmax()) == 0
    assert not found["smile"].not_held


def test_columns_that_make_each_other_up_have_vectors() -> None:
    """The same length in two units, and a sum of two others: pairs of columns do not tell the latter."""
    draw = np.random.default_rng(0)

    def made(n: int) -> tuple[Tensor, pa.Table]:
        z = torch.tensor(draw.normal(size=(n, 4)), dtype=torch.float32)
        a, b, c, d = z.double().numpy().T
        return z, pa.table({"cm": c, "inch": c / 2.54 + 1, "a": a, "b": b, "sum": a + b, "d": d})

    (z, table), (held, known) = made(2000), made(500)
    seen = lambda x: {
        "cm": x[:, 2], "inch": x[:, 2] / 2.54 + 1, "a": x[:, 0], "b": x[:, 1],
        "sum": x[:, 0] + x[:, 1], "d": x[:, 3],
    }  # fmt: skip
    found = {d.name: d for d in find_directions(z, table, held, known, decode=lambda z: z, read=seen)}
    assert all(d.works and d.effect == pytest.approx(1, abs=0.05) for d in found.values())
    assert (found["cm"].not_held, found["inch"].not_held) == (("inch",), ("cm",))
    assert set(found["sum"].not_held) == {"a", "b"}
    assert found["d"].not_held == ()
    at = found["sum"].vector / found["sum"].vector.norm()
    torch.testing.assert_close(at, torch.tensor([0.5**0.5, 0.5**0.5, 0.0, 0.0]), atol=0.1, rtol=0)


def test_how_well_one_tells_the_other() -> None:
    draw = np.random.default_rng(0)
    hat, other = draw.random(4000) < 0.5, draw.random(4000) < 0.5
    beanie = hat & (draw.random(4000) < 0.1)
    flags = {"hat": hat, "other": other, "beanie": beanie, "none": ~hat, "rare": draw.random(4000) < 0.001}
    flag = {name: values.astype(float) for name, values in flags.items()}
    for pair in (("hat", "beanie"), ("beanie", "hat"), ("none", "beanie"), ("hat", "none"), ("hat", "hat")):
        assert probes.tells(*(flag[name] for name in pair)) == 1
    assert probes.tells(flag["hat"], flag["other"]) < 0.1
    assert probes.tells(flag["beanie"], flag["rare"]) < 0.01  # chance alone would hardly bring them together
    age = draw.normal(40, 15, 4000)
    assert probes.tells(age, (age > 60).astype(float)) == 1
    assert probes.tells((age < 60).astype(float), -age) == 1
    assert probes.tells(age, 2.54 * age + 1) == pytest.approx(1)
    assert probes.tells(age, draw.normal(size=4000)) < 0.01
    assert abs(probes.tells(age, flag["other"]) - 0.5) < 0.05
    nine = np.where(np.arange(4000) % 40 == 0, ~hat, hat)  # 2.5 % otherwise: H = 1 - .0125 / .25
    assert probes.tells(flag["hat"], nine.astype(float)) == pytest.approx(0.95, abs=0.01)
    unknown = flag["hat"].copy()
    unknown[::3] = np.nan
    assert probes.tells(unknown, flag["beanie"]) == 1
    assert probes.tells(np.full(9, np.nan), flag["hat"][:9]) == probes.tells(np.ones(9), np.arange(9.0)) == 0


def test_a_direction_without_a_vector_is_no_edit(found: dict[str, Direction]) -> None:
    none = replace(found["hat"], vector=torch.zeros(5), note="no vector is left for it")
    for value in (None, "yes"):
        with pytest.raises(LiminalError, match="no vector") as told:
            resolve("hat", value, {"hat": none})
        assert "label" in str(told.value)


def test_what_was_not_held_is_kept_on_disk(found: dict[str, Direction]) -> None:
    one = replace(found["hat"], not_held=("cap", "crown"))
    (again,) = directions.from_tensors(*directions.to_tensors([one]))
    assert again.not_held == ("cap", "crown")
    assert one.evidence["not_held"] == ("cap", "crown")


def test_too_little_is_left_out() -> None:
    z, table = world(200, 0)
    rare = [True] * 3 + [False] * 197
    table = (
        table.select(["gaze"])
        .append_column("rare", pa.array(rare))
        .append_column("one", pa.array(["a"] * 200))
    )
    table = table.append_column("empty", pa.array([None] * 200, pa.float64())).append_column(
        "same", pa.array([1.0] * 200)
    )
    names = [d.name for d in find_directions(z, table, z, table, lambda z: z, lambda x: {"gaze": x[:, 1]})]
    assert names == ["gaze"]
    assert find_directions(z, table, z, table, lambda z: z, lambda x: {}, names=["rare"]) == []


def test_why_an_attribute_has_no_direction_is_told() -> None:
    z, table = world(200, 0)
    three = [1.0, 2.0, 3.0] + [None] * 197
    table = (
        table.select(["gaze"])
        .append_column("three", pa.array(three))
        .append_column("one", pa.array([True] * 200))
    )
    table = table.append_column("rare", pa.array([True] * 3 + [False] * 197)).append_column(
        "none", pa.array([None] * 200, pa.string())
    )
    why = left_out(table, table)
    assert list(why) == ["three", "one", "rare", "none"]
    assert why["three"] == "only 6 items have a known three; wanted 20 to learn from and 10 held out"
    assert "all 400 items whose one is known have the same, True" in why["one"]
    assert "6 have True" in why["rare"]
    assert "wanted 10 to learn from and 5 held out" in why["rare"]
    assert "no item has a known value" in why["none"]
    assert {d.name for d in find_directions(z, table, z, table, lambda z: z, read)} == set(
        table.column_names
    ) - set(why)


def test_what_is_only_another_attribute_has_no_vector_of_its_own() -> None:
    """A hat that is always there with glasses: nothing of it is left once these are held fixed."""
    z, table = world(400, 0)
    table = pa.table({"hat": table["hat"], "cap": table["hat"]})
    (cap,) = find_directions(z, table, z, table, lambda z: z, read, names=["cap"], conditional=True)
    assert not cap.works
    assert float(cap.vector.norm()) == 0
    assert "only with other attributes" in cap.note
    assert cap.projected_score is None


def test_duplicates_change_nothing() -> None:
    z, table = world(400, 0)
    twice = torch.cat([z, z]), pa.concat_tables([table, table])
    a, b = (
        find_directions(*part, z, table, lambda z: z, read, names=["hat"])[0] for part in ((z, table), twice)
    )
    assert along(a.vector, b.vector) > 0.999
    assert a.score == pytest.approx(b.score, abs=0.01)


def along(a: Tensor, b: Tensor) -> float:
    return float(torch.cosine_similarity(a, b, dim=0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": ["probes"]}, "unknown method of directions 'probes': did you mean probe"),
        ({"z_train": torch.zeros(3, 5)}, "do not fit 200 rows"),
        ({"z_held": torch.full((200, 5), torch.nan)}, "held-out latents hold NaN"),
        ({"z_train": torch.zeros(200, 5)}, "all latents are the same"),
        ({"names": ["smlie"]}, "unknown attribute 'smlie': did you mean smile"),
        ({"read": lambda x: {"smile": x[:, 0] * torch.nan}}, "reader of 'smile' gave NaN"),
    ],
)
def test_refusals(change: dict, words: str) -> None:
    z, table = world(200, 0)
    call = {
        "z_train": z,
        "attributes_train": table,
        "z_held": z,
        "attributes_held": table,
        "decode": lambda z: z,
        "read": read,
    }
    with pytest.raises(LiminalError, match=words):
        find_directions(**{**call, **change})


def test_same_twice() -> None:
    z, table = world(400, 0)
    a, b = (find_directions(z, table, z, table, lambda z: z, read, names=["smile"])[0] for _ in range(2))
    assert torch.equal(a.vector, b.vector)
    assert a.evidence == b.evidence


def test_whitening_leaves_out_what_is_not_active() -> None:
    z = torch.randn(500, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double) * torch.tensor(
        [3.0, 1.0, 1e-3, 0.5]
    )
    frame = Frame(z)
    u = frame.whiten(z)
    torch.testing.assert_close(torch.cov(u.T), torch.eye(3, dtype=torch.double))
    assert float(frame.active(torch.eye(4, dtype=torch.double)[2]).norm()) < 0.01
    torch.testing.assert_close(frame.whiten(z[:1]) @ frame.colour + frame.mean, z[:1], atol=0.01, rtol=0)


def test_whitening_of_fewer_latents_than_dimensions() -> None:
    z = torch.randn(30, 400, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    frame = Frame(z)
    u = frame.whiten(z)
    assert u.shape[1] == 29
    torch.testing.assert_close(torch.cov(u.T), torch.eye(29, dtype=torch.double))
    torch.testing.assert_close(u @ frame.colour + frame.mean, z)
    with pytest.raises(LiminalError, match="all latents are the same"):
        Frame(torch.ones(3, 5))


# real pictures


def test_fashion_edits_are_seen_by_a_reader_of_real_pictures() -> None:
    """PCA-24 latents, a logistic reader of pixels: every label's direction is known well and strength 1 gives
    that label on fresh items.
    """
    from sklearn import decomposition
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    items, labels = fashion()
    model = fashion_pca()
    x = GREY.tensor(items)
    z = model.encode(x)
    reader = make_pipeline(decomposition.PCA(40, random_state=0), LogisticRegression(C=0.1, max_iter=200))
    reader.fit(x[:5000].flatten(1).numpy(), labels[:5000])

    def seen(x: Tensor) -> dict[str, Tensor]:
        p = reader.predict_proba(x.flatten(1).numpy())
        return {f"label={c}": torch.from_numpy(p[:, i].copy()) for i, c in enumerate(reader.classes_)}

    table = pa.table({"label": labels})
    found = {
        d.name: d
        for d in find_directions(z[:6000], table[:6000], z[6000:8000], table[6000:8000], model.decode, seen)
    }
    assert sorted(found) == sorted(f"label={c}" for c in LABELS)
    assert all(d.works and d.score > 0.85 for d in found.values())
    boot = found["label=Ankle boot"]
    fresh = z[8000:][[label == "Sandal" for label in labels[8000:]]]
    before, after = (seen(model.decode(at))["label=Ankle boot"] for at in (fresh, fresh + boot.vector))
    assert before.mean() < 0.2
    assert (after - before).mean() > 0.5


# names and disk


def test_names_resolve(found: dict[str, Direction]) -> None:
    names = [*{d.partition("=")[0] for d in found}, "rare"]
    assert resolve("smile", None, found, names) is found["smile"]
    assert resolve("glasses", None, found, names) is found["glasses"]
    assert resolve("glasses", "sun", found, names) is found["glasses=sun"]
    assert resolve("glasses", "SUN", found, names) is found["glasses=sun"]
    assert resolve("hat", "yes", found, names) is found["hat"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("smlie", None, "unknown direction 'smlie': did you mean smile"),
        (
            "label",
            None,
            "'label' is a category without a value that means off; say which value: label='Ankle boot', "
            "label=Bag",
        ),
        ("label", "Boot", "unknown value of label 'Boot'"),
        ("smile", "3", r"smile is a number: write a strength, as in 1.5\*smile"),
        ("hat", "no", "write -hat"),
        ("hat", "maybe", "hat is yes or no"),
        ("rare", None, "'rare' has no direction: too few"),
    ],
)
def test_names_refused(name: str, value: str | None, words: str, found: dict[str, Direction]) -> None:
    some = {**found, **{f"label={v}": found["glasses=sun"] for v in ("Ankle boot", "Bag")}}
    with pytest.raises(LiminalError, match=words):
        resolve(name, value, some, ["rare"])


def test_kept_in_safetensors(found: dict[str, Direction], tmp_path: Path) -> None:
    tensors, about = directions.to_tensors(found.values())
    save_file(tensors, tmp_path / "directions.safetensors", about)
    with safe_open(tmp_path / "directions.safetensors", "pt") as file:
        back = directions.from_tensors({k: file.get_tensor(k) for k in file.keys()}, file.metadata())  # noqa: SIM118
    assert [d.evidence for d in back] == [d.evidence for d in found.values()]
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(back, found.values(), strict=True))
    json.dumps(back[0].evidence, allow_nan=False)
    with pytest.raises(LiminalError, match="find the directions again"):
        directions.from_tensors({}, about)


def test_directions_of_earlier_versions_open(found: dict[str, Direction]) -> None:
    """Without what was not measured then; where it holds follows from the curve."""
    later = ("best_dimension", "projected_score", "moves", "holds")
    evidence = {k: v for k, v in found["smile"].evidence.items() if k not in later}
    (back,) = directions.from_tensors(
        {"smile": found["smile"].vector}, {"directions": json.dumps([evidence])}
    )
    assert back.best_dimension is None
    assert back.projected_score is None
    assert back.holds == found["smile"].holds
    assert {k: v for k, v in back.evidence.items() if k not in later} == evidence
    assert all(d.holds is not None for d in liminal.open("fashion").directions.values())


@pytest.mark.parametrize("wanted", [-0.7, 0.0, 0.4, 0.9])
def test_reach_finds_the_strength_of_a_value(wanted: float) -> None:
    """tanh along the first axis, whose inverse is known; a value that is never read gives the nearest one."""
    z, vector = torch.tensor([0.2, 1.0]), torch.tensor([0.5, 0.0])
    step = effects.reach(lambda z: torch.tanh(z[:, 0]), z, vector, wanted, 0.4)
    assert float(step[0]) == pytest.approx(np.arctanh(wanted) - 0.2, abs=0.02)
    assert float(step[1]) == 0
    far = effects.reach(lambda z: torch.tanh(z[:, 0]), z, vector, 2.0, 0.4)
    assert float(far[0]) <= 0.5 * 2 * effects.REACH
