r"""Records of made-up patients, drawn by code: a table of mixed columns whose every dependence is known.

Two hidden factors of a person, both standard normal and independent: ``frailty`` f and ``wealth`` w. With
:math:`\sigma(t) = 1 / (1 + e^{-t})`, N standard normal noise, and a = (age - 50) / 20, the columns follow
one after another:

- ``age``: 18 + 77 Beta(2, 2.4), to whole years; independent of f and w.
- ``region``: north .40, south .30, west .18, east .09, islands .03; independent of all.
- ``education``: basic, school, college, university, doctorate, by where w + .5 N - .3 a falls: below -1.3,
  .2, 1, 2, or above.
- ``smoker``: yes with chance :math:`\sigma(-1.1 - .9 w + .5 f)`, in the islands with + 1 in the brackets.
- ``bmi``: 26 + 2.2 a + 2.5 f + 1.5 [smoker] - .8 w + 2.2 N, held to 14 ... 60, one decimal.
- ``pressure``: 122 + 11 a + 6 f + .9 (bmi - 26) + 7 N mmHg, held to 80 ... 230, whole.
- ``medicated``: yes with chance :math:`\sigma((\mathrm{pressure} - 142) / 7)`.
- ``cholesterol``: 4.9 + .35 a + .25 f + .04 (bmi - 26) - .9 [medicated] + .5 N mmol/l, held to 2 ... 12,
  two decimals.
- ``income``: exp(10.2 + .75 w - .2 a^2 + .35 N), and one in fifty, at random, five times that: a heavy
  tail; whole.
- ``visits``: Poisson with mean exp(.6 + .5 a + .45 f + .3 [smoker]).
- ``ward``: surgery, heart, lung or general, with chances as the exponentials of .2, 1.1 a + .02 (pressure -
  130), 1.6 [smoker] - .5 + .4 f and .9.
- ``admitted``: a day of 2023, counted from 0: 182 + 182 sin(u) with u = (pi / 2) tanh(.8 ([lung] - [heart])
  + N), where the brackets tell the ward.
- ``insured``: yes with chance :math:`\sigma(1 + 1.2 w + .8 a)`.

Missing cells: ``cholesterol`` with chance :math:`\sigma(-.6 - 1.2 a - .25\,\mathrm{visits})`: the young who
seldom come are not tested; ``income`` with chance .05, of those with college or more .25; ``insured`` with
chance .1, in surgery .3; ``education`` with chance .04. Whether a cell is missing does not depend on what
stood in it, given the row's other cells (missing at random, Rubin 1976; for income only where education is
known).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.table import Table
from . import Dataset
from .drawn import Numbered, Progress, provenance

VERSION = 1  # of the drawing: raise it when it changes
REGIONS = {"north": 0.40, "south": 0.30, "west": 0.18, "east": 0.09, "islands": 0.03}
EDUCATION = ("basic", "school", "college", "university", "doctorate")
WARDS = ("surgery", "heart", "lung", "general")
FACTORS = ("frailty", "wealth")
TYPICAL = 4_000  # rows that hold every value
FIRST = date(2023, 1, 1)


def draw(n: int = 20_000, seed: int = 0) -> tuple[pa.Table, pa.Table]:
    """The table as it is given out, and the whole truth.

    Args:
        n: rows, 1 or more.
        seed: the same seed gives the same rows.

    Returns:
        n rows with missing cells; the same rows without any, and the two hidden factors as further columns.

    Raises:
        LiminalError: n or seed is out of range.
    """
    if n < 1 or seed < 0:
        raise LiminalError(f"patients: n {n}, seed {seed}: wanted 1 row or more and a seed of 0 or more")
    g = np.random.default_rng([VERSION, seed])
    noise = lambda: g.standard_normal(n)
    chance = lambda t: g.random(n) < 1 / (1 + np.exp(-t))
    f, w = noise(), noise()
    age = np.round(18 + 77 * g.beta(2, 2.4, n))
    a = (age - 50) / 20
    region = g.choice(list(REGIONS), n, p=list(REGIONS.values()))
    education = np.searchsorted((-1.3, 0.2, 1.0, 2.0), w + 0.5 * noise() - 0.3 * a)
    smoker = chance(-1.1 - 0.9 * w + 0.5 * f + (region == "islands"))
    bmi = np.round(np.clip(26 + 2.2 * a + 2.5 * f + 1.5 * smoker - 0.8 * w + 2.2 * noise(), 14, 60), 1)
    pressure = np.round(np.clip(122 + 11 * a + 6 * f + 0.9 * (bmi - 26) + 7 * noise(), 80, 230))
    medicated = chance((pressure - 142) / 7)
    lipids = 4.9 + 0.35 * a + 0.25 * f + 0.04 * (bmi - 26) - 0.9 * medicated + 0.5 * noise()
    cholesterol = np.round(np.clip(lipids, 2, 12), 2)
    income = np.round(
        np.exp(10.2 + 0.75 * w - 0.2 * a**2 + 0.35 * noise()) * np.where(g.random(n) < 0.02, 5, 1)
    )
    visits = g.poisson(np.exp(0.6 + 0.5 * a + 0.45 * f + 0.3 * smoker)).astype(np.float64)
    scores = [
        np.full(n, 0.2),
        1.1 * a + 0.02 * (pressure - 130),
        1.6 * smoker - 0.5 + 0.4 * f,
        np.full(n, 0.9),
    ]
    ward = (np.stack(scores, 1) + g.gumbel(size=(n, 4))).argmax(1)
    season = np.pi / 2 * np.tanh(0.8 * (ward == 2) - 0.8 * (ward == 1) + noise())
    days = np.round(182 + 182 * np.sin(season)).astype(int)
    insured = chance(1 + 1.2 * w + 0.8 * a)
    truth = pa.table(
        {
            "age": pa.array(age.astype(np.int64)),
            "region": region,
            "education": pa.array([EDUCATION[i] for i in education]),
            "smoker": smoker,
            "bmi": bmi,
            "pressure": pa.array(pressure.astype(np.int64)),
            "medicated": medicated,
            "cholesterol": cholesterol,
            "income": pa.array(income.astype(np.int64)),
            "visits": pa.array(visits.astype(np.int64)),
            "ward": pa.array([WARDS[i] for i in ward]),
            "admitted": pa.array([FIRST + timedelta(days=int(d)) for d in days]),
            "insured": insured,
            "frailty": f,
            "wealth": w,
        }
    )
    gaps = {
        "cholesterol": chance(-0.6 - 1.2 * a - 0.25 * visits),
        "income": g.random(n) < np.where(education >= 2, 0.25, 0.05),
        "insured": g.random(n) < np.where(ward == 0, 0.3, 0.1),
        "education": g.random(n) < 0.04,
    }
    return _gapped(truth.drop_columns(list(FACTORS)), gaps), truth


def _gapped(rows: pa.Table, gaps: dict[str, np.ndarray]) -> pa.Table:
    """The rows without the cells that `gaps`, bool (n,) by column, names."""
    for name, gone in gaps.items():
        held = pa.array(rows[name].to_pylist(), rows[name].type, mask=gone)
        rows = rows.set_column(rows.column_names.index(name), name, held)
    return rows


def patients(n: int = 20_000, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """The dataset: rows with missing cells; their columns and the two hidden factors, exact, as attributes.

    Args:
        n: rows.
        seed: of the drawing.
        progress: called with (rows done, n).

    Raises:
        LiminalError: as `draw`.
    """
    rows, truth = draw(n, seed)
    modality = Table.of(draw(TYPICAL)[0])  # the same columns and values whatever n and seed
    items, _ = modality.cells(rows, "patients")
    known = modality.known(rows, items)
    for name in FACTORS:
        known[name] = truth[name].to_pylist()
    if progress:
        progress(n, n)
    about = provenance(__name__, VERSION, n=n, seed=seed)
    return Dataset(
        "patients", modality, items, Numbered("patients", n), pa.table(known), held_out=None, provenance=about
    )
