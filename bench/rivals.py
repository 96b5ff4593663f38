"""Simple generators of table rows that ours is measured against: independent columns, a mixture, a copula.

All take and give stored rows (n, k), as `liminal.modalities.table` has them: numbers as they are, symbols as
indices, NaN where a cell is empty. What they need to know of columns (codes of numbers, symbols) is learned
from the rows that they are fitted to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from liminal.modalities.columns import NUMBERS, Column

FEW = 32  # different values up to which the mixture takes a number as symbols, so that no spike is lost
COMPONENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
LEAST = 0.05  # standard deviation of a component, in units of a code
STEPS, ENOUGH = 60, 1e-4  # of the mixture's fit, and nats a row below which it has ended
SECONDS = 60.0  # that the mixture may take
HIDDEN = 0.1  # of the rows, which choose the number of components

Rows = np.ndarray


def independent(columns: Sequence[Column], rows: Rows, n: int, seed: int) -> Rows:
    """Each cell drawn from its column on its own."""
    draw = np.random.default_rng(seed)
    at = draw.integers(len(rows), size=(n, rows.shape[1]))
    return np.take_along_axis(rows, at, axis=0)


class Mixture:
    """A mixture whose components draw every cell on its own: Gaussians on codes of numbers, and symbols; a
    missing cell is one more symbol. Fitted by expectation maximisation, the number of components chosen by
    the likelihood of rows that were hidden.

    Args:
        columns: with codes learned from the rows.
        rows: (n, k).
        seed: of the start and of the hidden rows.
    """

    def __init__(self, columns: Sequence[Column], rows: Rows, seed: int = 0) -> None:
        self.columns = columns
        begun, draw = time.perf_counter(), np.random.default_rng(seed)
        self.values = [_symbols(c, rows[:, i]) for i, c in enumerate(columns)]
        order = draw.permutation(len(rows))
        hidden, seen = np.split(order, [max(1, round(HIDDEN * len(rows)))])
        data = self._coded(rows)
        best, self.count = -np.inf, 1
        for count in COMPONENTS:
            if 2 * count > len(seen) or time.perf_counter() - begun > SECONDS / 4:
                break
            parts = self._fit(data, seen, count, np.random.default_rng([seed, count]))
            score = float(np.logaddexp.reduce(self._logs(data, hidden, parts), 1).mean())
            if score > best:
                best, self.count = score, count
        self.parts = self._fit(data, order, self.count, np.random.default_rng([seed, self.count]))

    def sample(self, n: int, seed: int) -> Rows:
        """n rows."""
        draw = np.random.default_rng(seed)
        weights, tables, means, spreads = self.parts
        which = draw.choice(self.count, n, p=weights)
        rows = np.empty((n, len(self.columns)))
        for i, (column, values) in enumerate(zip(self.columns, self.values, strict=True)):
            sums = tables[i][which].cumsum(1)
            symbol = (draw.random((n, 1)) * sums[:, -1:] > sums).sum(1)
            rows[:, i] = values[symbol]
            code = means[i][which] + spreads[i][which] * draw.standard_normal(n)
            number = column.decoded(code)
            rows[:, i] = np.where(np.isinf(rows[:, i]), number, rows[:, i])
        return rows

    def _coded(self, rows: Rows) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Each column's symbols, one-hot (n, symbols), and codes (n,), 0 where a cell is no number."""
        hot, codes = [], []
        for i, (column, values) in enumerate(zip(self.columns, self.values, strict=True)):
            cells = rows[:, i]
            same = (cells[:, None] == values) | (np.isnan(cells)[:, None] & np.isnan(values))
            free = np.isinf(values)
            hot.append((same | (free & ~np.isnan(cells)[:, None])).astype(float))
            number = free.any() and column.kind in NUMBERS
            codes.append(np.nan_to_num(column.coded(cells)) if number else 0 * cells)
        return hot, codes

    def _fit(self, data, at, count, draw):  # type: ignore[no-untyped-def]
        # begins at rows, each softly joined to the one that is nearest in its codes and symbols
        flat = np.concatenate([*data[0], np.stack(data[1], 1)], 1)[at]
        centres = flat[draw.choice(len(at), count, replace=False)]
        far = (flat**2).sum(1)[:, None] - 2 * flat @ centres.T + (centres**2).sum(1)
        share = np.eye(count)[far.argmin(1)] * 0.9 + 0.1 / count
        before = -np.inf
        for _ in range(STEPS):
            parts = self._maximised(data, at, share)
            logs = self._logs(data, at, parts)
            total = np.logaddexp.reduce(logs, 1)
            share = np.exp(logs - total[:, None])
            if total.mean() - before < ENOUGH:
                break
            before = total.mean()
        return parts

    def _maximised(self, data, at, share):  # type: ignore[no-untyped-def]
        weights = share.sum(0) + 1e-9
        tables, means, spreads = [], [], []
        for hot, codes in zip(*data, strict=True):
            hot, codes = hot[at], codes[at]
            tables.append(share.T @ hot + hot.mean(0) + 1e-6)
            tables[-1] /= tables[-1].sum(1, keepdims=True)
            known = (share.T @ (hot[:, -1] * (codes != 0))) + 1e-9  # a number is the last symbol
            mean = share.T @ codes / known
            square = share.T @ codes**2 / known - mean**2
            means.append(mean)
            spreads.append(np.sqrt(np.maximum(square, LEAST**2)))
        return weights / weights.sum(), tables, means, spreads

    def _logs(self, data, at, parts):  # type: ignore[no-untyped-def]
        weights, tables, means, spreads = parts
        logs = np.log(weights)[None]
        for i, (hot, codes) in enumerate(zip(*data, strict=True)):
            logs = logs + hot[at] @ np.log(tables[i]).T
            if np.isinf(self.values[i]).any():
                off = (codes[at][:, None] - means[i]) / spreads[i]
                logs = logs - hot[at][:, -1:] * (off**2 / 2 + np.log(spreads[i]) + 0.919)
        return logs


def _symbols(column: Column, cells: Rows) -> np.ndarray:
    """What cells of a column may be: values, NaN for a missing one, and last inf for a number."""
    known = np.unique(cells[~np.isnan(cells)])
    gone = [np.nan] if np.isnan(cells).any() else []
    if column.kind in NUMBERS and len(known) > FEW:
        return np.array([*gone, np.inf])
    return np.array([*gone, *known])


class Copula:
    """A Gaussian copula: ranks as quantiles of the normal law, ties in random order, their correlations, and
    back by the columns' own quantiles. Symbols are ordered by how common they are, missing cells are one.

    Args:
        columns: of the rows.
        rows: (n, k).
        seed: of the order of ties.
    """

    def __init__(self, columns: Sequence[Column], rows: Rows, seed: int = 0) -> None:
        draw, n = np.random.default_rng(seed), len(rows)
        self.sorted, scores = [], []
        normal = np.array([NormalDist().inv_cdf((r + 0.5) / n) for r in range(n)])
        for i, column in enumerate(columns):
            cells = rows[:, i]
            rank = np.where(np.isnan(cells), np.inf, cells)
            if column.kind not in NUMBERS:
                values, counts = np.unique(rank, return_counts=True)
                rank = -counts[np.searchsorted(values, rank)] + np.searchsorted(values, rank) * 1e-6
            order = np.lexsort((draw.random(n), rank))
            self.sorted.append(cells[order])
            scores.append(np.empty(n))
            scores[-1][order] = normal
        together = np.corrcoef(np.stack(scores)) if len(columns) > 1 else np.ones((1, 1))
        self.root = np.linalg.cholesky(together + 1e-6 * np.eye(len(columns)))

    def sample(self, n: int, seed: int) -> Rows:
        """n rows."""
        from scipy.special import ndtr

        noise = np.random.default_rng(seed).standard_normal((n, len(self.root)))
        chance = ndtr(noise @ self.root.T)
        at = np.minimum((chance * len(self.sorted[0])).astype(int), len(self.sorted[0]) - 1)
        return np.stack([cells[at[:, i]] for i, cells in enumerate(self.sorted)], 1)
