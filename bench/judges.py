"""What synthetic rows of a table are judged by: functions of stored rows (n, k) and the columns' kinds.

The judge is gradient-boosted trees, which take missing values and symbols as they are. Logistic regression
stands beside it only as a warning: it cannot see what is between columns, and independent ones fool it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from liminal.distances import nearest
from liminal.modalities.columns import NUMBERS, Column
from liminal.modalities.table import Table

FOLDS = 5
MOST = 3_000  # rows of a side that a judge sees
SYMBOLS = 200  # of a category that trees take as such; rarer ones fall together

Rows = np.ndarray


def _prepared(columns: Sequence[Column], rows: Rows) -> tuple[Rows, np.ndarray]:
    """Rows as trees take them, and which columns hold symbols."""
    symbols = np.array([c.kind not in NUMBERS for c in columns])
    rows = np.where(symbols & (rows >= SYMBOLS), SYMBOLS, rows)
    return rows, symbols


def _leaf(n: int) -> int:
    """Rows of a leaf at least: 20 as is usual, of small tables fewer, that the judge be no weaker there."""
    return int(np.clip(n // 25, 4, 20))


def auc(columns: Sequence[Column], real: Rows, made: Rows, seed: int = 0) -> float:
    """How well trees tell rows that were made from as many real ones: area under the curve over five folds;
    0.5 not at all, 1 always."""
    rows, y = _both(real, made, seed)
    rows, symbols = _prepared(columns, rows)
    trees = HistGradientBoostingClassifier(
        categorical_features=symbols, min_samples_leaf=_leaf(len(y)), early_stopping=False, random_state=seed
    )
    return _judged(trees, rows, y, seed)


def logistic(columns: Sequence[Column], real: Rows, made: Rows, seed: int = 0) -> float:
    """The same by logistic regression on numbers and one-hot symbols."""
    rows, y = _both(real, made, seed)
    parts = []
    for i, column in enumerate(columns):
        cells = rows[:, i]
        if column.kind in NUMBERS:
            parts += [np.nan_to_num(cells, nan=np.nanmean(cells))[:, None], np.isnan(cells)[:, None]]
        else:
            values = np.unique(cells[~np.isnan(cells)])[:50]
            parts.append(cells[:, None] == values)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _judged(model, np.concatenate(parts, 1).astype(float), y, seed)


def _both(real: Rows, made: Rows, seed: int) -> tuple[Rows, np.ndarray]:
    n = min(len(real), len(made), MOST)
    draw = np.random.default_rng(seed)
    sides = [part[draw.permutation(len(part))[:n]] for part in (real, made)]
    return np.concatenate(sides), np.repeat([0, 1], n)


def _judged(model, rows: Rows, y: np.ndarray, seed: int) -> float:  # type: ignore[no-untyped-def]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(model, rows, y, cv=folds, method="predict_proba")[:, 1]
    each = [roc_auc_score(y[test], found[test]) for _, test in folds.split(rows, y)]
    return float(np.mean(each))


def useful(columns: Sequence[Column], train: Rows, test: Rows) -> dict[str, float]:
    """How well trees that learned from `train` tell each column of `test` from the others: by a column's
    name, R2 of a number, share of symbols that are right."""
    found = {}
    for i, column in enumerate(columns):
        rest = [j for j in range(len(columns)) if j != i]
        others = [columns[j] for j in rest]
        known, asked = train[~np.isnan(train[:, i])], test[~np.isnan(test[:, i])]
        if len(known) < 10 or len(asked) < 10 or not rest:
            continue
        seen, symbols = _prepared(others, known[:, rest])
        how = {
            "categorical_features": symbols,
            "min_samples_leaf": _leaf(len(known)),
            "early_stopping": False,
            "max_iter": 60,
            "random_state": 0,
        }
        wanted, x = asked[:, i], _prepared(others, asked[:, rest])[0]
        if column.kind in NUMBERS:
            low, high = np.quantile(known[:, i], [0.001, 0.999])  # a few giants are no task
            model = HistGradientBoostingRegressor(**how).fit(seen, known[:, i].clip(low, high))
            found[column.name] = float(r2_score(wanted.clip(low, high), model.predict(x)))
        elif len(set(known[:, i])) < 2:
            found[column.name] = float((wanted == known[0, i]).mean())
        else:
            model = HistGradientBoostingClassifier(**how).fit(seen, known[:, i])
            found[column.name] = float((model.predict(x) == wanted).mean())
    return found


def nearness(table: Table, train: Rows, made: Rows, held: Rows) -> tuple[float, float, float]:
    """Whether made rows are copies.

    Returns:
        The chance that a made row lies nearer to a training row than a held-out one does (0.5: alike; 1:
        always), the share of made rows that are equal to a training row, and that of held-out ones.
    """
    seen, own, others = (table.chart(table.soft(part)) for part in (train, made, held))
    a, b = (nearest(seen, part, 1)[0][:, 0].numpy() for part in (own, others))
    order = np.sort(b)
    share = (np.searchsorted(order, a, "left") + np.searchsorted(order, a, "right")) / (2 * len(b))
    known = {row.tobytes() for row in np.nan_to_num(train, nan=1e300)}
    same = [float(np.mean([r.tobytes() in known for r in np.nan_to_num(p, nan=1e300)])) for p in (made, held)]
    return float(1 - share.mean()), same[0], same[1]


def hidden(rows: Rows, seed: int) -> tuple[Rows, np.ndarray]:
    """The rows with one cell of each taken away that was there, and the column (n,) of each."""
    draw = np.random.default_rng(seed)
    at = np.array([draw.choice(np.flatnonzero(~np.isnan(row))) for row in rows])
    gone = rows.copy()
    gone[np.arange(len(rows)), at] = np.nan
    return gone, at


def imputed(table: Table, train: Rows, gone: Rows, at: np.ndarray) -> dict[str, Rows]:
    """The rows with the hidden cells filled by the median or mode, by nearest neighbours, and by regressions
    on the other columns; the latter two on codes and one-hot symbols."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer

    usual = gone.copy()
    usual[np.arange(len(gone)), at] = np.array([c.usual for c in table.columns])[at]
    places = table.likelihood.places
    x, y = table.soft(train).numpy(), table.soft(usual).numpy()
    for row, column in enumerate(at):
        y[row, places[column]] = np.nan
    found = {"median or mode": usual}
    for name, imputer in {
        "nearest neighbours": KNNImputer(n_neighbors=10),
        "regressions": IterativeImputer(max_iter=5, random_state=0),
    }.items():
        filled = torch.from_numpy(imputer.fit(x).transform(y)).float()
        lacking = torch.from_numpy(np.isnan(y))
        cells = table.items(table.filled(filled, lacking))
        found[name] = np.where(np.arange(gone.shape[1]) == at[:, None], cells, gone)
    return found


def missed(table: Table, truth: Rows, filled: Rows, at: np.ndarray) -> tuple[float, float]:
    """How wrong filled cells are: of numbers the mean distance of codes, which have a standard deviation of
    1; of others the share that is wrong. NaN where there are none."""
    rows = np.arange(len(at))
    numbers = np.array([c.kind in NUMBERS for c in table.columns])[at]
    far = []
    for row in rows[numbers]:
        column = table.columns[at[row]]
        a, b = column.coded(np.array([truth[row, at[row]], filled[row, at[row]]]))
        far.append(abs(a - b))
    wrong = (truth[rows, at] != filled[rows, at])[~numbers]
    return (float(np.mean(far)) if far else np.nan), (float(wrong.mean()) if len(wrong) else np.nan)
