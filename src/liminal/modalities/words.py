r"""The likelihood of a sentence: one of many words at each place, told by vectors of the words.

.. math:: p(x_t = v | z) = \mathrm{softmax}_v(s\, e_v \cdot o_t + \log c_v), \qquad
          y_t = \textstyle\sum_v p(x_t = v | z)\, e_v

with the decoder's answer o_t, unit vectors e_v that are learned from the training sentences before all else,
and the words' frequencies c_v. The probabilities of ten thousand words at each place would be a hundred times
as large as y, and two of them are equally far apart whether the words mean the same or not; in y, and so in
`chart`, *great* lies nearer to *good* than to *pizza*.

`vectors` gives such vectors: positive pointwise mutual information of words and their neighbours, of which
the largest singular vectors are kept (Levy & Goldberg 2014, Neural word embedding as implicit matrix
factorization). *soup* and *curry*, or *tasty* and *bland*, stand in the same places, and such vectors of them
are nearly one; half of each vector is therefore drawn at random, the word's own.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import LiminalError
from .likelihoods import Likelihood

END = 0  # the symbol of what lies after the end
SCALE = 4.0  # s: at the length that a decoder's answers have at the start, chances differ and are not sure
SIZE = 64  # numbers of a word's vector, at most
NEAR = 3  # words to the left and the right that are a word's neighbours
OTHERS = 1024  # words beside the batch's own that a step of training compares with
LEVELS = 127  # of a vector's numbers as they are kept
SURE = 100.0  # length of a decoder's answer that is sure of a word, also of one that has a near neighbour
SMOOTH = 0.75  # power of the neighbours' frequencies


class Words(Likelihood):
    """A word at each place until the end.

    Args:
        length: places t, the end's own among them.
        counts: how often each of V words comes in training, that of the end first.
        vectors: their vectors (V - 1, m), without the end's, as `packed` writes them; empty: orthogonal ones
            for up to `SIZE` words, else random ones.

    x is int64 (n, t) from 0 to V - 1, y (n, m + 1, t): the last number is the chance that the sentence has
    ended.
    """

    name = "words"
    dtype = torch.int64
    END = END
    table: Tensor  # (V, m + 1), unit vectors; the end has an axis of its own
    offset: Tensor  # (V,): log frequencies

    def __init__(self, length: int, counts: Sequence[int], vectors: str = "") -> None:
        super().__init__()
        if length < 1 or len(counts) < 2:
            raise LiminalError(
                f"words: {length} places of {len(counts)} words; wanted 1 or more of 2 or more"
            )
        self.counts, self.vectors = [int(c) for c in counts], vectors
        rows = unpacked(vectors, len(counts) - 1) if vectors else _apart(len(counts) - 1)
        table = torch.zeros(len(counts), rows.shape[1] + 1)
        table[1:, :-1] = torch.from_numpy(rows)
        table[END, -1] = 1
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("offset", (torch.tensor(self.counts) + 0.5).log(), persistent=False)
        self.offset -= self.offset.logsumexp(0)
        self.shape, self.soft_shape = (length,), (table.shape[1], length)

    def config(self) -> dict[str, Any]:
        return {"length": self.shape[0], "counts": self.counts, "vectors": self.vectors}

    def logits(self, out: Tensor) -> Tensor:
        """A decoder's output (..., m + 1) as log chances of words (..., V), up to a constant."""
        return SCALE * out.float() @ self.table.T + self.offset

    def soft(self, out: Tensor) -> Tensor:
        steps = []
        on = torch.ones_like(out[:, :1, 0])  # the chance that it has not ended yet
        for step in out.unbind(-1):  # one after the other, as all at once take V times the memory
            mean = self.logits(step).softmax(-1) @ self.table
            steps.append(torch.cat([on * mean[:, :-1], 1 - on + on * mean[:, -1:]], 1))
            on = on * (1 - mean[:, -1:])
        return torch.stack(steps, -1)

    def decided(self, out: Tensor, x: Tensor) -> Tensor:
        """A decoder's output (n, m + 1, t) whose answers stand for the sentences x (n, t): made sure of x's
        word wherever they stood for another one."""
        steps = []
        on = torch.ones_like(out[:, :1, 0])
        for step, word in zip(out.unbind(-1), x.unbind(-1), strict=True):
            own = self.table[word]
            mean = self.logits(step).softmax(-1) @ self.table
            answer = torch.cat([on * mean[:, :-1], 1 - on + on * mean[:, -1:]], 1)
            other = ((answer @ self.table.T).argmax(1) != word)[:, None]
            steps.append(torch.where(other, step + SURE * own, step))
            on = on * (1 - torch.where(other, own, mean)[:, -1:])
        return torch.stack(steps, -1)

    def told(self, x: Tensor) -> Tensor:
        """bool (n, t): the places that count, up to the first end."""
        return (x == END).cumsum(-1) <= (x == END)

    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        """In training, words are compared with those of the batch and some others that stand for the rest
        (sampled softmax: Bengio & Senecal 2008)."""
        told = self.told(x)
        out, words = out.transpose(1, 2)[told], x[told]
        own = torch.unique(words)
        rest = len(self.table) - len(own)
        if not self.training or rest <= OTHERS:
            return F.cross_entropy(self.logits(out), words, reduction="sum") / len(x)
        others = torch.ones(len(self.table), dtype=torch.bool, device=x.device)
        others[own] = False
        others = others.nonzero()[:, 0][torch.randperm(rest, device=x.device)[:OTHERS]]
        seen = torch.cat([own, others])
        offset = self.offset[seen]
        offset = torch.cat([offset[: len(own)], offset[len(own) :] + math.log(rest / OTHERS)])
        logits = SCALE * out.float() @ self.table[seen].T + offset
        return F.cross_entropy(logits, torch.searchsorted(own, words), reduction="sum") / len(x)

    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        return self.nll(x, out)

    def corrupted(self, x: Tensor, amount: float) -> Tensor:
        """Sentences that lack each word with the probability `amount`; what follows moves up (Shen et al.
        2020)."""
        kept = (torch.rand(x.shape, device=x.device) >= amount) | (x == END)
        order = (~kept).long().argsort(dim=1, stable=True)
        return (x * kept).gather(1, order)

    def words(self, y: Tensor) -> Tensor:
        """The words (n, t) whose vectors are nearest to y, the end in all places after the first one."""
        found = (y.transpose(1, 2).float() @ self.table.to(y.device).T).argmax(-1)
        return found * self.told(found)

    def harden(self, y: Tensor) -> Tensor:
        return self.target(self.words(y)).to(y.dtype)

    def target(self, x: Tensor) -> Tensor:
        return self.table.to(x.device)[x].transpose(1, 2)

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """``wer``: words to change, insert or take out on the way to the true sentence, for each of its
        words; ``exact``: 1 where there are none."""
        x, found = x.to(y.device), self.words(y)
        away = edits(found, x).double()
        return {"wer": away / (x != END).sum(1).clamp_min(1), "exact": (away == 0).double()}


def edits(a: Tensor, b: Tensor) -> Tensor:
    """Edit distances (n,) between sentences a and b (n, t): words changed, inserted or taken out (Levenshtein
    1966)."""
    long_a, long_b = (a != END).sum(1), (b != END).sum(1)
    row = torch.arange(b.shape[1] + 1).expand(len(b), -1)
    rows = [row]
    for i in range(a.shape[1]):
        above, new = row, [row[:, 0] + 1]
        for j in range(b.shape[1]):
            change = above[:, j] + (a[:, i] != b[:, j]).long().cpu()
            new.append(torch.minimum(change, torch.minimum(above[:, j + 1], new[-1]) + 1))
        row = torch.stack(new, 1)
        rows.append(row)
    at = torch.stack(rows, 1)  # (n, t + 1, t + 1)
    return at[torch.arange(len(a)), long_a.cpu(), long_b.cpu()]


def vectors(x: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors of the words 1 to `count` - 1, float32 (count - 1, m), from the sentences that they are
    in.

    Args:
        x: sentences (n, t), integers, 0 after their end.
        count: V.
        seed: of what is drawn.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import svds

    if count - 1 <= SIZE:
        return _apart(count - 1)
    left, right, weight = [], [], []
    for far in range(1, min(NEAR, x.shape[1] - 1) + 1):
        a, b = x[:, :-far].ravel(), x[:, far:].ravel()
        both = (a > 0) & (b > 0)
        left += [a[both], b[both]]
        right += [b[both], a[both].astype(np.int64) + count]  # neighbours to the right, and to the left
        weight += [np.full(int(both.sum()), 1 / far)] * 2
    draw = np.random.default_rng(seed)
    found = draw.standard_normal((count, SIZE))
    pairs = coo_matrix(
        (np.concatenate(weight), (np.concatenate(left), np.concatenate(right))), (count, 2 * count)
    ).tocsr() if left else coo_matrix((count, 2 * count))  # fmt: skip
    if pairs.nnz > SIZE and min((pairs.getnnz(0) > 0).sum(), (pairs.getnnz(1) > 0).sum()) > SIZE:
        rows, columns = np.asarray(pairs.sum(1)).ravel(), np.asarray(pairs.sum(0)).ravel() ** SMOOTH
        columns *= pairs.sum() / columns.sum()
        pairs = pairs.tocoo()
        told = np.log(pairs.data * pairs.sum() / (rows[pairs.row] * columns[pairs.col]))
        more = told > 0
        told = coo_matrix((told[more], (pairs.row[more], pairs.col[more])), pairs.shape).tocsr()
        u, s, _ = svds(told, k=SIZE, v0=draw.standard_normal(count))
        known = rows > 0
        mine = u[known] * np.sqrt(s)
        mine -= mine.mean(0)
        found[known] = mine / np.sqrt(mine.std(0) + 1e-9)
    return _unit(_unit(found[1:]) + _unit(draw.standard_normal((count - 1, SIZE)))).astype(np.float32)


def packed(vectors: np.ndarray) -> str:
    """Unit vectors (n, m) as text, a byte a number."""
    whole = np.rint(LEVELS * vectors / np.abs(vectors).max(1, keepdims=True).clip(1e-9)).astype(np.int8)
    return base64.b64encode(whole.tobytes()).decode()


def unpacked(text: str, count: int) -> np.ndarray:
    """The inverse of `packed`: float32 (count, m).

    Raises:
        LiminalError: it holds no vectors of so many words.
    """
    try:
        data = base64.b64decode(text, validate=True)
        whole = np.frombuffer(data, np.int8).reshape(count, -1).astype(np.float32)
    except ValueError as error:
        raise LiminalError(
            f"words: the vectors of {count} words cannot be read; copy the space again"
        ) from error
    return _unit(whole)


def _apart(count: int) -> np.ndarray:
    """Vectors of which none is told to be near to another one, (count, m)."""
    if count <= SIZE:
        return np.eye(count, dtype=np.float32)
    return _unit(np.random.default_rng(0).standard_normal((count, SIZE)).astype(np.float32))


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)
