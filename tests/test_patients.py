"""The drawn patients keep the laws that their docstring states."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from liminal.datasets.patients import FACTORS, REGIONS, draw, patients
from liminal.errors import LiminalError

N = 20_000
Columns = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def drawn() -> tuple[pa.Table, pa.Table]:
    return draw(N, seed=0)


@pytest.fixture(scope="module")
def truth(drawn: tuple[pa.Table, pa.Table]) -> Columns:
    columns = {name: np.array(drawn[1][name].to_pylist()) for name in drawn[1].column_names}
    return columns | {"a": (columns["age"] - 50) / 20}


def sigmoid(t: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-t))


def calibrated(happened: np.ndarray, chance: np.ndarray) -> None:
    """Shares in ten groups of equal chance against that chance, within four standard errors."""
    for rows in np.array_split(np.argsort(chance, kind="stable"), 10):
        error = np.sqrt(chance[rows].mean() * (1 - chance[rows].mean()) / len(rows))
        assert abs(happened[rows].mean() - chance[rows].mean()) < 4 * error + 1e-9


CHANCES: dict[str, Callable[[Columns], np.ndarray]] = {
    "smoker": lambda t: -1.1 - 0.9 * t["wealth"] + 0.5 * t["frailty"] + (t["region"] == "islands"),
    "medicated": lambda t: (t["pressure"] - 142) / 7,
    "insured": lambda t: 1 + 1.2 * t["wealth"] + 0.8 * t["a"],
}


@pytest.mark.parametrize("name", CHANCES)
def test_yes_and_no_have_the_stated_chances(name: str, truth: Columns) -> None:
    calibrated(truth[name], sigmoid(CHANCES[name](truth)))


MEANS: dict[str, tuple[Callable[[Columns], np.ndarray], float]] = {
    "bmi": (
        lambda t: 26 + 2.2 * t["a"] + 2.5 * t["frailty"] + 1.5 * t["smoker"] - 0.8 * t["wealth"],
        2.2,
    ),
    "pressure": (lambda t: 122 + 11 * t["a"] + 6 * t["frailty"] + 0.9 * (t["bmi"] - 26), 7),
    "cholesterol": (
        lambda t: 4.9 + 0.35 * t["a"] + 0.25 * t["frailty"] + 0.04 * (t["bmi"] - 26) - 0.9 * t["medicated"],
        0.5,
    ),
}


@pytest.mark.parametrize("name", MEANS)
def test_numbers_lie_about_the_stated_means(name: str, truth: Columns) -> None:
    mean, sigma = MEANS[name]
    rest = (truth[name] - mean(truth)) / sigma
    assert abs(rest.mean()) < 0.03
    assert abs(rest.std() - 1) < 0.03
    for other in ("a", "frailty", "wealth", "smoker"):
        assert abs(np.corrcoef(rest, truth[other])[0, 1]) < 0.03


def test_income_has_a_heavy_tail(truth: Columns) -> None:
    rest = (np.log(truth["income"]) - 10.2 - 0.75 * truth["wealth"] + 0.2 * truth["a"] ** 2) / 0.35
    assert abs(np.median(rest)) < 0.06
    assert (
        abs((rest > np.log(5) / 0.35 / 2 + 1).mean() - 0.02) < 0.005
    )  # one in fifty earns five times as much
    assert truth["income"].max() > 20 * np.median(truth["income"])


def test_shares_counts_and_days(truth: Columns) -> None:
    for region, share in REGIONS.items():
        assert abs((truth["region"] == region).mean() - share) < 0.015
    mean = np.exp(0.6 + 0.5 * truth["a"] + 0.45 * truth["frailty"] + 0.3 * truth["smoker"])
    assert abs((truth["visits"] - mean).mean()) < 0.05
    assert abs(((truth["visits"] - mean) ** 2 / mean).mean() - 1) < 0.05  # as of Poisson's law
    scores = np.stack(
        [
            0.2 + 0 * truth["a"],
            1.1 * truth["a"] + 0.02 * (truth["pressure"] - 130),
            1.6 * truth["smoker"] - 0.5 + 0.4 * truth["frailty"],
            0.9 + 0 * truth["a"],
        ],
        1,
    )
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    for i, ward in enumerate(("surgery", "heart", "lung", "general")):
        calibrated(truth["ward"] == ward, chances[:, i])
    days = (truth["admitted"].astype("datetime64[D]") - np.datetime64("2023-01-01")).astype(int)
    assert days.min() >= 0
    assert days.max() <= 364
    means = [days[truth["ward"] == ward].mean() for ward in ("heart", "general", "lung")]
    assert means[0] + 40 < means[1] < means[2] - 40


def test_hidden_factors_are_normal_and_independent(truth: Columns) -> None:
    for name in FACTORS:
        assert abs(truth[name].mean()) < 0.03
        assert abs(truth[name].std() - 1) < 0.03
        assert abs(np.corrcoef(truth[name], truth["age"])[0, 1]) < 0.03
    assert abs(np.corrcoef(truth["frailty"], truth["wealth"])[0, 1]) < 0.03


def test_cells_are_missing_at_the_stated_rates(drawn: tuple[pa.Table, pa.Table], truth: Columns) -> None:
    gone = {name: np.array(drawn[0][name].is_null()) for name in drawn[0].column_names}
    calibrated(gone["cholesterol"], sigmoid(-0.6 - 1.2 * truth["a"] - 0.25 * truth["visits"]))
    taught = ~np.isin(truth["education"], ("basic", "school"))
    for name, condition, yes, no in (
        ("income", taught, 0.25, 0.05),
        ("insured", truth["ward"] == "surgery", 0.3, 0.1),
        ("education", truth["smoker"], 0.04, 0.04),
    ):
        assert abs(gone[name][condition].mean() - yes) < 0.02, name
        assert abs(gone[name][~condition].mean() - no) < 0.02, name
    never = set(gone) - {"cholesterol", "income", "insured", "education"}
    assert not any(gone[name].any() for name in never)
    for name in never:
        assert drawn[0][name].equals(drawn[1][name])


def test_the_dataset(drawn: tuple[pa.Table, pa.Table]) -> None:
    found = patients(300, seed=4)
    assert found.items.shape == (300, 13)
    assert np.array_equal(patients(300, seed=4).items, found.items, equal_nan=True)
    assert not np.array_equal(patients(300, seed=5).items, found.items, equal_nan=True)
    assert set(FACTORS) <= set(found.attributes.column_names)
    assert not set(FACTORS) & {c.name for c in found.modality.columns}  # type: ignore[attr-defined]
    assert found.attributes["frailty"].to_pylist() == draw(300, seed=4)[1]["frailty"].to_pylist()
    few = patients(3, seed=1)
    assert few.modality.config() == found.modality.config()  # categories have one order, however few the rows
    with pytest.raises(LiminalError, match="1 row or more"):
        patients(0)
