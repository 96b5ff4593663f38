"""Measures of disentanglement on the conformance kit, closed forms and independent libraries."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score

import liminal
from bench import conformance, constructed
from bench.constructed import LINEAR, RANKED, Constructed, Sampled, within
from liminal.errors import LiminalError
from liminal.measures.factors.disentanglement import (
    Disentanglement,
    disentanglement,
    factorvae,
    scored,
)
from liminal.measures.factors.factors import as_table, equal_frequency, ranked, read_factors
from liminal.measures.factors.importance import dci, probes, shared
from liminal.measures.factors.information import Information, mig
from liminal.measures.samples.coverage import prdc
from liminal.measures.value import subsample_spread

CASES = {case.name: case for case in constructed.spaces(1_500)}
SAMPLES = list(constructed.samples())


@pytest.fixture(scope="module")
def results() -> dict[str, Disentanglement]:
    """Each case is measured once; few rounds, as its interval is looked at elsewhere."""
    return {
        name: disentanglement(case.z, case.factors, rounds=2, limit=1_500) for name, case in CASES.items()
    }


# -- the conformance kit


@pytest.mark.parametrize("case", CASES.values(), ids=lambda c: c.name)
def test_scores_are_those_of_the_construction(case: Constructed, results: dict[str, Disentanglement]) -> None:
    got = results[case.name]
    missed = {
        name: (got[name].value, wanted)
        for name, wanted in case.wanted.items()
        if not within(got[name].value, wanted)
    }
    assert not missed
    if case.like:
        for name in RANKED:
            assert got[name].value == results[case.like][name].value


@pytest.mark.parametrize("case", SAMPLES, ids=lambda c: c.name)
def test_precision_recall_density_and_coverage_miss_only_what_is_known(case: Sampled) -> None:
    p = prdc(torch.from_numpy(case.real), torch.from_numpy(case.samples))
    assert {
        name for name, wanted in case.wanted.items() if not within(getattr(p, name), wanted)
    } == case.flawed


def test_the_kit_is_the_same_every_time_and_says_what_it_is() -> None:
    again = {case.name: case for case in constructed.spaces(1_500)}
    assert all(
        np.array_equal(again[name].z, case.z) and case.says.endswith(".") for name, case in CASES.items()
    )
    assert {name for case in CASES.values() for name in case.wanted} >= {*RANKED, *LINEAR}
    assert len({case.name for case in SAMPLES}) == len(SAMPLES)
    q = constructed.turned(5, 3)
    assert np.allclose(q @ q.T, np.eye(5))
    assert not within(math.nan, (0, 1))


def test_the_kit_as_files_that_any_library_can_read(tmp_path: Path) -> None:
    files = conformance.write(tmp_path / "kit", list(CASES.values()), SAMPLES)
    told = json.loads((tmp_path / "kit" / "cases.json").read_text())
    assert len(files) == len(told) + 1 == len(CASES) + len(SAMPLES) + 1
    one = next(case for case in told if case["name"] == "partly unknown")
    with np.load(tmp_path / "kit" / one["file"], allow_pickle=False) as arrays:
        assert np.array_equal(arrays["z"], CASES["partly unknown"].z)
        assert 0.2 < np.isnan(arrays["factor_flag"]).mean() < 0.4
        assert set(arrays["factor_kind"]) == {"", "a", "b", "c", "d"}
        assert np.array_equal(
            arrays["factor_number"], CASES["partly unknown"].factors["number"], equal_nan=True
        )
    assert one["wanted"]["mig"] == [0.85, 1.001]
    assert next(case for case in told if case["name"] == "collapsed")["wanted"]["density"] == [0.85, None]
    (tmp_path / "file").touch()
    with pytest.raises(LiminalError, match="name a folder"):
        conformance.write(tmp_path / "file", [], [])


# -- raw, normalised, intervals


def test_every_score_comes_raw_and_normalised_with_an_interval(results: dict[str, Disentanglement]) -> None:
    for case in ("rotated", "doubled", "noise"):
        for m in results[case].measures:
            assert m.interval is not None
            assert m.interval[0] <= m.value <= m.interval[1]
            assert m.note
            if not m.name.endswith(".normalised"):
                null, other = m.baseline["items shuffled"], results[case][m.name + ".normalised"]
                assert other.value == pytest.approx((m.value - null) / (1 - null))
    assert results["noise"]["factorvae"].value == pytest.approx(
        1 / 5, abs=0.06
    )  # what its normalised value takes away
    raw, above = scored(("mig",), np.array([0.6]), np.array([0.05]), np.array([[0.1], [0.3]]), "")
    assert (raw.value, above.value) == pytest.approx((0.6, 0.5))
    assert above.interval == pytest.approx((0.5 - 1.96 * 0.0625, 0.5 + 1.96 * 0.0625))
    assert scored(("mig",), np.array([math.nan]), np.array([0.0]), np.array([[0.0]]), "") == []


def test_interval_of_the_gap_is_that_of_independent_draws() -> None:
    values, widths = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        v = rng.uniform(-1, 1, (600, 2))
        z = torch.from_numpy(v + rng.normal(0, 0.5, v.shape))
        factors, _ = read_factors(as_table({"a": v[:, 0], "b": v[:, 1]}, 600))
        tables = Information(z, factors, rng)
        values.append(tables.spread().mig)
        widths.append(float(subsample_spread(lambda rows, t=tables: t.spread(rows).mig, (600,), rng, 20)))
    assert 0.5 < np.mean(widths) / np.std(values, ddof=1) < 2


def test_it_repeats_itself_and_the_seed_matters(results: dict[str, Disentanglement]) -> None:
    case = CASES["kinds"]
    again, other = (disentanglement(case.z, case.factors, rounds=2, limit=1_500, seed=s) for s in (0, 1))
    assert again.measures == results["kinds"].measures
    assert other["explicitness"].value != again["explicitness"].value


def test_dimensions_are_named_after_what_they_tell(results: dict[str, Disentanglement]) -> None:
    told = results["aligned"].strongest()
    assert {j: name for j, (name, _) in told.items()} == {j: f"f{4 - j}" for j in range(5)}
    assert min(share for _, share in told.values()) > 0.95
    assert results["kinds"].names == ("number", "flag", "kind")


# -- information


@settings(deadline=None, max_examples=30)
@given(st.integers(60, 400), st.integers(2, 12), st.integers(0, 10**6))
def test_information_is_that_of_scikit_learn(n: int, bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = rng.normal(size=n)
    z = np.stack([v + rng.normal(size=n), rng.integers(0, 3, n)], 1)
    flag = rng.random(n) < 0.5
    flag[:20] = np.arange(20) < 10
    factors, _ = read_factors(as_table({"v": v, "flag": flag}, n), bins)
    tables = Information(torch.from_numpy(z), factors, rng, bins, 2)
    got, entropy = tables.mutual()
    for j in range(2):
        codes = equal_frequency(z[:, j], bins)
        for k, factor in enumerate(factors):
            assert got[j, k] == pytest.approx(mutual_info_score(codes, factor.codes), abs=1e-6)
            assert entropy[j, k] == pytest.approx(mutual_info_score(factor.codes, factor.codes), abs=1e-6)


def test_shares_are_adjusted_mutual_information() -> None:
    rng = np.random.default_rng(0)
    v = rng.uniform(size=(1000, 1))
    z = v + rng.normal(0, 0.3, (1000, 1))
    factors, _ = read_factors(as_table({"v": v[:, 0]}, 1000))
    got = Information(torch.from_numpy(z), factors, rng, shuffles=40).spread().shares[0, 0]
    assert got == pytest.approx(
        adjusted_mutual_info_score(equal_frequency(z[:, 0]), factors[0].codes), abs=0.01
    )


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=200), st.integers(2, 20))
def test_bins_have_equal_frequency_and_see_only_order(values: list[float], bins: int) -> None:
    x = np.round(np.array(values), 3)
    codes = equal_frequency(x, bins)
    assert set(codes) == set(range(codes.max() + 1))
    assert codes.max() < bins
    assert (np.diff(codes[np.argsort(x, kind="stable")]) >= 0).all()
    assert all(len(set(codes[x == v])) == 1 for v in x[:5])
    assert np.array_equal(equal_frequency(x * 0.5 + 3, bins), equal_frequency(x, bins))
    if len(set(values)) == len(values) > bins and len(set(x)) == len(x):
        assert np.ptp(np.bincount(codes)) <= 1


def test_gap_by_hand() -> None:
    information = np.array([[0.6, 0.0], [0.2, 0.5], [0.1, 0.5]])
    assert mig(information, np.array([[0.8, 1.0]] * 3)) == pytest.approx((0.4 / 0.8 + 0.0) / 2)
    assert mig(information[:1], np.array([[0.8, 1.0]])) == pytest.approx((0.6 / 0.8 + 0.0) / 2)


# -- DCI, probes, votes


def test_disentanglement_and_completeness_by_hand() -> None:
    good = np.ones(2)
    assert shared(np.eye(2), good) == pytest.approx((1, 1))
    assert shared(np.full((2, 2), 0.5), good) == pytest.approx((0, 0))
    assert shared(np.array([[0.5, 0], [0.5, 0], [0, 0.5], [0, 0.5]]), good) == pytest.approx(
        (1, 0.5)
    )  # 1 - log 2 / log 4
    assert shared(np.array([[1.0, 1.0], [0.0, 0.0]]), good) == pytest.approx((0, 1))
    junk = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])  # what cannot be read has importances of nothing
    assert shared(junk, np.array([0.9, 0.9, 0.0])) == pytest.approx((1, 1))
    assert shared(junk, np.array([0.9, 0.9, 0.9]))[0] < 0.8
    assert shared(np.zeros((3, 2)), np.zeros(2)) == (0, 0)


def test_trees_are_blind_to_rising_functions_and_share_credit_among_copies() -> None:
    rng = np.random.default_rng(0)
    v = rng.uniform(-1, 1, (900, 2))
    factors, _ = read_factors(as_table({"a": v[:, 0], "b": v[:, 1] > 0}, 900))
    z = torch.from_numpy(np.repeat(v, 2, 1))
    first, second = (dci(ranked(part), factors, np.random.default_rng(1)) for part in (z, torch.exp(3 * z)))
    assert np.array_equal(first.importances, second.importances)
    assert np.ptp(first.importances[:2, 0]) < 0.35
    assert first.scores.min() > 0.95


def test_probes_reach_the_known_optimum() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6000, 3))
    number = z[:, 0] + rng.normal(size=6000)  # best R2 is 1/2
    flag = rng.random(6000) < 1 / (1 + np.exp(-2 * z[:, 1]))
    factors, _ = read_factors(as_table({"number": number, "flag": flag}, 6000))
    linear, logistic = (p.values(np.arange(len(p.answers))) for p in probes(z, factors, rng))
    assert linear == pytest.approx((0.5, 0.5), abs=0.04)
    p = 1 / (1 + np.exp(-2 * rng.normal(size=200_000)))
    entropy = -(p * np.log(p) + (1 - p) * np.log1p(-p)).mean()
    assert logistic[1] == pytest.approx(1 - entropy / math.log(2), abs=0.04)
    assert logistic[0] == pytest.approx(2 * np.maximum(p, 1 - p).mean() - 1, abs=0.05)


def test_votes_find_the_still_dimension() -> None:
    case = CASES["aligned"]
    factors, _ = read_factors(as_table(case.factors, 1500))
    rng = np.random.default_rng(0)
    assert factorvae(ranked(torch.from_numpy(case.z)), factors, rng) == 1
    one = np.repeat(case.z[:, :1], 3, 1)  # a single dimension tells one of five factors
    assert factorvae(ranked(torch.from_numpy(one)), factors, rng) == pytest.approx(0.2, abs=0.02)


# -- what comes in


def test_unknown_rare_constant_and_single_values_are_left_out_and_said() -> None:
    rng = np.random.default_rng(0)
    v = rng.uniform(size=300)
    rare = np.array(["a"] * 150 + ["b"] * 146 + ["c"] * 4, dtype=object)
    table = pa.table({
        "v": pa.array([None if i % 7 == 0 else x for i, x in enumerate(v)]),
        "rare": pa.array(rare), "same": pa.array(["x"] * 300), "few": pa.array([float(i) if i < 9 else None for i in range(300)]),  # noqa: E501
    })  # fmt: skip
    factors, notes = read_factors(table)
    assert [f.name for f in factors] == ["v", "rare"]
    assert (factors[0].codes[::7] == -1).all()
    assert factors[1].size == 2
    assert (factors[1].codes[-4:] == -1).all()
    assert [note.split(":")[0] for note in notes] == ["same", "few"]
    z = torch.from_numpy(np.stack([v, np.zeros(300), rng.normal(size=300)], 1))
    got = disentanglement(z, table, rounds=2)
    assert got.dimensions.tolist() == [0, 2]
    assert any("1 dimensions are the same" in note for note in got.notes)


def test_one_factor_or_one_dimension_leaves_out_what_is_not_defined() -> None:
    rng = np.random.default_rng(0)
    v = rng.uniform(size=400)
    one = disentanglement(np.stack([v, rng.normal(size=400)], 1), {"v": v}, rounds=2)
    names = {m.name for m in one.measures}
    assert not names & {"infom", "dci_disentanglement", "factorvae"}
    assert one["infoc"].value > 0.95
    assert any("two factors" in note for note in one.notes)
    narrow = disentanglement(v[:, None], {"v": v, "w": rng.uniform(size=400)}, rounds=2)
    assert not {m.name for m in narrow.measures} & {"infoc", "dci_completeness"}
    assert narrow["mig"].value == pytest.approx(0.5, abs=0.05)


def test_wrong_input_is_refused() -> None:
    z = np.random.default_rng(0).normal(size=(100, 3))
    with pytest.raises(LiminalError, match=r"wanted latents \(n, d\), n at least 50"):
        disentanglement(z[:20], {"v": z[:20, 0]})
    with pytest.raises(LiminalError, match="NaN in it"):
        disentanglement(np.where(z > 2, np.nan, z), {"v": z[:, 0]})
    with pytest.raises(LiminalError, match="100 latents, but v has 99"):
        disentanglement(z, {"v": z[:99, 0]})
    with pytest.raises(LiminalError, match="rows of factors"):
        disentanglement(z, pa.table({"v": z[:99, 0]}))
    with pytest.raises(LiminalError, match="none of same"):
        disentanglement(z, {"same": np.ones(100)})
    with pytest.raises(LiminalError, match="all latents are the same"):
        disentanglement(np.ones((100, 3)), {"v": z[:, 0]})


def test_real_latents_tell_the_label_but_in_no_single_dimension() -> None:
    space = liminal.open("fashion")
    table = space.catalogue.table(columns=["z", "label"]).slice(0, 3000)
    z = np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    got = disentanglement(z, table.select(["label"]), rounds=2, limit=1_500)
    assert got["explicitness"].value > 0.7
    assert got["dci_informativeness"].value > 0.6
    assert got["mig"].value < 0.15
