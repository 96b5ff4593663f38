"""The drawn portraits: exact, independent of the batch, smooth in every number, every factor visible, and
known correlations.
"""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liminal.datasets import faces as module
from liminal.datasets.drawn import Numbered
from liminal.datasets.faces import FACTORS, draw, faces, sample_factors
from liminal.errors import LiminalError

NUMBERS = [name for name, factor in FACTORS.items() if not factor.values]
CATEGORIES = [name for name, factor in FACTORS.items() if factor.values]


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LIMINAL_CACHE", str(tmp_path / "cache"))


def columns(n: int, seed: int) -> dict[str, np.ndarray]:
    table = sample_factors(n, seed)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def changed(a: np.ndarray, b: np.ndarray, levels: int = 20) -> np.ndarray:
    """Where any channel differs by more than `levels`: (n, h, w)."""
    return np.abs(a.astype(int) - b).max(-1) > levels


def test_there_are_at_least_ten_factors_with_names_for_formulas():
    assert len(FACTORS) >= 10
    assert all(name.isidentifier() for name in FACTORS)
    assert all(
        value.isidentifier()
        for name in CATEGORIES
        for value in FACTORS[name].values
        if isinstance(value, str)
    )


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.permutations(range(20)), st.integers(1, 20))
def test_a_face_does_not_depend_on_its_batch(seed, order, count):
    factors = columns(20, seed)
    rows = np.array(order[:count])
    assert np.array_equal(draw(factors)[rows], draw({k: v[rows] for k, v in factors.items()}))


def test_table_and_columns_draw_the_same_and_defaults_fill_in():
    table = sample_factors(5, 1)
    assert np.array_equal(draw(table), draw(columns(5, 1)))
    assert np.array_equal(draw({}), draw({name: [factor.default] for name, factor in FACTORS.items()}))
    assert np.array_equal(draw({"smile": 1.0, "hat": True}), draw({"smile": [1.0], "hat": [True]}))


@pytest.mark.parametrize("size", [16, 65, 128])
def test_every_size_shows_the_same_picture(size):
    factors = sample_factors(6, 2)
    fine = draw(factors, size * 4).reshape(6, size, 4, size, 4, 3).astype(float).mean((2, 4))
    assert draw(factors, size).shape == (6, size, size, 3)
    assert np.abs(draw(factors, size) - fine).mean() < (
        4.0 if size == 16 else 1.2
    )  # edges are covered by area, not by yes or no


@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_shows_in_every_face(name):
    """Also under the hat, behind sunglasses, at any tilt."""
    given_factors = columns(36, 3)
    factor = FACTORS[name]
    pictures = [
        draw({**given_factors, name: np.full(36, value)})
        for value in factor.values or (factor.low, (factor.low + factor.high) / 2, factor.high)
    ]
    least = min(int(changed(a, b).sum((1, 2)).min()) for a, b in itertools.combinations(pictures, 2))
    assert least >= 15


def region(name: str, seed: int = 4) -> np.ndarray:
    """Where the factor changes any of 24 upright faces: (64, 64)."""
    factors = columns(24, seed) | {"tilt": np.zeros(24)}
    factor = FACTORS[name]
    low, high = (factor.values[0], factor.values[-1]) if factor.values else (factor.low, factor.high)
    return changed(*(draw({**factors, name: np.full(24, value)}) for value in (low, high)), levels=0).any(0)


@pytest.mark.parametrize(
    ("name", "rows", "cols"),
    [
        ("smile", (38, 52), (20, 44)),
        ("gaze", (26, 40), (16, 48)),
        ("eye_size", (20, 40), (16, 48)),
        ("glasses", (24, 41), (10, 54)),
        ("hat", (0, 35), (8, 56)),
        ("shirt", (50, 64), (0, 64)),
    ],
)
def test_a_factor_changes_its_own_part_only(name, rows, cols):
    where = region(name)
    inside = np.zeros_like(where)
    inside[slice(*rows), slice(*cols)] = True
    assert where.any()
    assert not (where & ~inside).any(), np.argwhere(where & ~inside)


def test_background_and_skin_keep_to_their_places():
    assert not region("background")[26:44, 26:38].any()  # the middle of the face
    assert not region("skin")[:8].any()
    assert not region("skin")[:, :4].any()
    assert not region("shirt")[:48].any()


def test_tilt_leaves_the_body_alone():
    factors = {"tilt": [-15.0, 0.0, 15.0], "hair_style": ["buzz"] * 3}
    assert not changed(draw(factors)[1:], draw(factors)[:1], levels=0)[:, 58:].any()


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_change_the_picture_smoothly_and_more_and_more(name):
    factor = FACTORS[name]
    values = np.linspace(factor.low, factor.high, 17)
    for seed in range(3):
        fixed = {k: np.repeat(v, 17) for k, v in columns(1, seed).items()}
        pictures = draw({**fixed, name: values}).astype(float)
        away = np.sqrt(((pictures - pictures[0]) ** 2).mean((1, 2, 3)))
        steps = np.sqrt(((pictures[1:] - pictures[:-1]) ** 2).mean((1, 2, 3)))
        assert np.all(np.diff(away) > -0.03 * away[-1])
        assert np.all(np.diff(away[::4]) > -0.01 * away[-1])
        assert away[-1] > 2
        assert steps.max() < 3 * steps.mean()
        assert steps.min() > 0.2 * steps.mean()
    factors = columns(50, 6)
    small = (factor.high - factor.low) * 1e-3
    start = np.minimum(factors[name], factor.high - small)
    nearby = [draw({**factors, name: value}).astype(int) for value in (start, start + small)]
    assert np.abs(nearby[1] - nearby[0]).max() <= 12  # no jumps


def test_gaze_moves_the_pupils_and_smile_lifts_the_corners():
    dark = lambda pictures: np.clip(120 - pictures.astype(float).mean(-1), 0, None)
    eyes = dark(draw({"gaze": np.linspace(-1, 1, 9)}))[:, 33:36].sum(1)  # below their highlights
    for eye in (eyes[:, 22:30], eyes[:, 34:42]):
        assert np.all(np.diff((eye * np.arange(8)).sum(1) / eye.sum(1)) > 0.15)  # in pixels
    mouth = dark(draw({"smile": np.linspace(-1, 1, 9), "skin": [0.0] * 9}))[:, 38:52]
    height = lambda part: (part * np.arange(14)[:, None]).sum((1, 2)) / part.sum((1, 2))
    assert np.all(np.diff(height(mouth[:, :, 25:28]) - height(mouth[:, :, 30:34])) < -0.2)


def test_skin_darkens_steadily():
    cheek = draw({"skin": np.linspace(0, 1, 11)})[:, 38:41, 24:26].astype(float).mean((1, 2, 3))
    assert np.all(np.diff(cheek) < -4)


def test_factors_are_independent_and_have_their_shares():
    n = 8000
    table = sample_factors(n, 0)
    assert [str(t) for t in table.schema.types] == [
        "double" if name in NUMBERS else "bool" if name == "hat" else "string" for name in table.column_names
    ]
    coded = []
    for name, factor in FACTORS.items():
        column = table[name].to_numpy(zero_copy_only=False)
        if factor.values:
            for value, share in zip(
                factor.values, factor.shares or [1 / len(factor.values)] * len(factor.values), strict=True
            ):
                assert abs((column == value).mean() - share) < 0.03
                coded.append((name, (column == value).astype(float)))
        else:
            assert factor.low <= column.min() < column.max() <= factor.high
            assert abs(column.mean() - (factor.low + factor.high) / 2) < 0.02 * (factor.high - factor.low)
            coded.append((name, column))
    correlations = np.corrcoef([column for _, column in coded])
    worst = max(
        abs(correlations[i, j])
        for i, j in itertools.combinations(range(len(coded)), 2)
        if coded[i][0] != coded[j][0]
    )
    assert worst < 0.055  # five standard errors of 1 / sqrt(n)


def test_factors_repeat_with_the_seed_and_differ_without():
    assert sample_factors(50, 7).equals(sample_factors(50, 7))
    assert not sample_factors(50, 7).equals(sample_factors(50, 8))


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([("glasses", "hat"), ("smile", "gaze"), ("smile", "hat"), ("hair_colour", "tilt")]),
    st.floats(-0.35, 0.35),
    st.integers(0, 99),
)
def test_asked_correlations_come_and_the_rest_stays(pair, rho, seed):
    n = 6000
    table = sample_factors(n, seed, f"{pair[0]}:{pair[1]}={rho}")
    free = sample_factors(n, seed)
    a, b = (FACTORS[name].score(table[name].to_numpy(zero_copy_only=False)).astype(float) for name in pair)
    assert abs(np.corrcoef(a, b)[0, 1] - rho) < 0.07
    assert all(table[name].equals(free[name]) for name in FACTORS if name != pair[1])
    assert abs(
        b.mean() - FACTORS[pair[1]].score(free[pair[1]].to_numpy(zero_copy_only=False)).mean()
    ) < 0.05 * max(1.0, FACTORS[pair[1]].high)


@pytest.mark.parametrize("rho", [0.8, 1.0])
def test_glasses_and_hat_can_go_together(rho):
    table = sample_factors(8000, 1, f"glasses:hat={rho}")
    glasses, hat = (
        table["glasses"].to_numpy(zero_copy_only=False),
        table["hat"].to_numpy(zero_copy_only=False),
    )
    assert abs(np.corrcoef(glasses != "none", hat)[0, 1] - rho) < 0.03
    assert abs(hat.mean() - 0.4) < 0.03
    assert abs((glasses == "sun").mean() - 0.2) < 0.03


@pytest.mark.parametrize(
    ("correlate", "words"),
    [
        ("glasses", "glasses:hat=0.8"),
        ("glasses:hat", "glasses:hat=0.8"),
        ("glasses:hat=much", "glasses:hat=0.8"),
        ("glasses:hat=1.5", "-1 to 1"),
        ("glasses:hat=nan", "-1 to 1"),
        ("hat:hat=0.5", "two different"),
        ("glases:hat=0.5", "did you mean glasses"),
        ("hair_style:hat=0.9", "at most"),
        ("glasses:hat=-0.9", "at most"),
    ],
)
def test_impossible_correlations_are_refused_in_one_line(correlate, words):
    with pytest.raises(LiminalError, match=words) as caught:
        sample_factors(10, 0, correlate)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({"smiles": [0.0]}, "did you mean smile"),
        ({"smile": [0.0, 2.0]}, "smile of face 1 is 2.0: wanted a number from -1 to 1"),
        ({"smile": [np.nan]}, "smile of face 0 is nan"),
        ({"smile": ["wide"]}, "wanted numbers"),
        ({"glasses": ["round"]}, "wanted one of none, clear, sun"),
        ({"smile": [0.0, 0.1], "hat": [True]}, "one value a face"),
        ({"smile": np.zeros((2, 2))}, "one value a face"),
    ],
)
def test_wrong_factors_are_refused_in_one_line(factors, words):
    with pytest.raises(LiminalError, match=words) as caught:
        draw(factors)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call", [lambda: draw({}, 8), lambda: faces(3, size=5000), lambda: faces(0), lambda: sample_factors(-1)]
)
def test_wrong_sizes_and_counts_are_refused(call):
    with pytest.raises(LiminalError, match="wanted"):
        call()


def test_the_dataset_holds_pictures_and_their_true_factors():
    seen = []
    data = faces(40, seed=5, progress=lambda done, total: seen.append((done, total)))
    assert data.items.shape == (40, 64, 64, 3)
    assert data.items.dtype == np.uint8
    assert not data.items.flags.writeable
    assert np.array_equal(data.items, draw(data.attributes))
    assert data.attributes.equals(sample_factors(40, 5))
    assert isinstance(data.attributes, pa.Table)
    assert data.sources[3] == "faces(n=40, seed=5, size=64)#3"
    assert data.sources[-1].endswith("#39")
    assert len(data.sources) == 40
    assert seen[-1] == (40, 40)
    assert data.provenance["licence"]
    part = data.subset(np.array([4, 2]))
    assert np.array_equal(part.items, data.items[[4, 2]])
    assert part.sources == [data.sources[4], data.sources[2]]


def test_the_cache_is_used_and_a_broken_one_is_drawn_again(monkeypatch, tmp_path):
    first = np.array(faces(12, seed=1, size=32).items)
    (file,) = (tmp_path / "cache" / "drawn").iterdir()
    calls = []
    real = module.portraits
    monkeypatch.setattr(module, "portraits", lambda *a: calls.append(a) or real(*a))
    assert np.array_equal(faces(12, seed=1, size=32).items, first)
    assert not calls
    file.write_bytes(file.read_bytes()[:5000])
    assert np.array_equal(faces(12, seed=1, size=32).items, first)
    assert calls
    faces(12, seed=1, size=32, correlate="glasses:hat=0.8")
    assert len(list((tmp_path / "cache" / "drawn").iterdir())) == 2


def test_an_interrupted_drawing_leaves_nothing(monkeypatch, tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        faces(20, size=16, progress=stop)
    assert not list((tmp_path / "cache" / "drawn").iterdir())


def test_numbered_sources_behave_like_a_list():
    names = Numbered("x", 5)
    assert list(names) == [f"x#{i}" for i in range(5)]
    assert names[1:3] == ["x#1", "x#2"]
    assert names[np.int64(4)] == "x#4"
    with pytest.raises(IndexError):
        names[5]
