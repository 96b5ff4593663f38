"""A small network that reads attributes from data: what a decoded item shows, said by somebody who has seen
only real ones.

One trunk, one linear layer of heads. Numbers are regressed on standardised values (mean squared error),
yes/no attributes are a logit (binary cross-entropy), categories a softmax (cross-entropy). An item whose
value is unknown (null) is left out of that attribute's term. It is fitted on real items with light noise and
blur laid over them, so that the softness of a decoder's pictures does not mislead it, and it is used in two
ways: to measure what an edit or a sample shows, and as a feature map (`Reader.features`) that knows which
differences between items matter.

Letters: x what a decoder answers, or a real item in that form (`Modality.soft`): (n, *shape); f features (n,
64).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import LiminalError
from ...modalities import Modality, Read
from ...nn import trunk
from ...tensors import CHUNK, in_chunks, inference
from .columns import Spec, describe, targets

FEATURES = 64

__all__ = ["Reader", "Spec", "auc", "describe", "fit_reader", "reading", "targets"]


class Reader(nn.Module):
    """Reads the attributes of x.

    Args:
        shape: of one x.
        spec: from `describe`.
        width: channels of the first layer; 32 gives about 100,000 parameters.
        network: the family of its body, as `Modality.network` has it.

    Raises:
        LiminalError: `spec` is empty.
    """

    def __init__(self, shape: tuple[int, ...], spec: Spec, width: int = 32, network: str = "conv") -> None:
        super().__init__()
        if not spec:
            raise LiminalError(
                "reader: there is no attribute with two or more values to learn; give a table with at least "
                "one"
            )
        self.shape, self.spec, self.width, self.network = tuple(shape), spec, width, network
        sizes = [len(how["classes"]) if how["kind"] == "category" else 1 for how in spec.values()]
        ends = np.cumsum(sizes)
        self._slices = {name: slice(int(e - s), int(e)) for name, s, e in zip(spec, sizes, ends, strict=True)}
        self.trunk = trunk(network, self.shape, width, FEATURES)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.heads = nn.Linear(FEATURES, int(ends[-1]))

    def config(self) -> dict[str, Any]:
        """JSON-ready arguments: ``Reader(**r.config())`` builds the same network, `load_state_dict` fills
        it.
        """
        return {"shape": list(self.shape), "spec": self.spec, "width": self.width, "network": self.network}

    def _soft_features(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.trunk(x)))

    def soft(self, x: Tensor) -> dict[str, Tensor]:
        """As calling the reader, but differentiable in x and in one piece: (n,) standardised numbers and
        logits, (n, classes) logits.
        """
        out = self.heads(self._soft_features(x))
        return {
            name: out[:, s] if self.spec[name]["kind"] == "category" else out[:, s.start]
            for name, s in self._slices.items()
        }

    def loss(self, x: Tensor, wanted: Mapping[str, Tensor]) -> Tensor:
        """The mean over attributes of each one's loss on the rows where it is known; a scalar.

        Args:
            x: (n, *shape).
            wanted: (n,) for each attribute, from `targets`.
        """
        terms = []
        for name, out in self.soft(x).items():
            y = wanted[name]
            if self.spec[name]["kind"] == "category":
                known = y >= 0
                losses = F.cross_entropy(out, y.clamp_min(0), reduction="none", label_smoothing=0.02)
            else:
                known = ~torch.isnan(y)
                y = torch.nan_to_num(y)
                losses = (
                    F.mse_loss(out, y, reduction="none")
                    if self.spec[name]["kind"] == "number"
                    else _bce(out, y)
                )
            terms.append((losses * known).sum() / known.sum().clamp_min(1))
        return torch.stack(terms).mean()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x (n, *shape) -> for each attribute: a number in its own units (n,), the probability of yes (n,),
        or of each class (n, classes).

        Exact: float32, evaluation mode, no autograd, bounded memory. `soft` is the differentiable one.

        Raises:
            LiminalError: x has another shape.
        """
        self._check(x)
        out: dict[str, Tensor] = {}
        with inference(self):
            for name, raw in _join(
                [self.soft(self._part(x, i)) for i in range(0, max(len(x), 1), CHUNK)]
            ).items():
                how = self.spec[name]
                if how["kind"] == "number":
                    out[name] = raw * how["std"] + how["mean"]
                else:
                    out[name] = raw.softmax(-1) if how["kind"] == "category" else raw.sigmoid()
        return out

    def named(self, x: Tensor) -> dict[str, Tensor]:
        """As calling the reader, but a category gives the probability (n,) of each value under
        ``name=value``.
        """
        found: dict[str, Tensor] = {}
        for name, value in self(x).items():
            if value.ndim == 1:
                found[name] = value
            else:
                found |= {f"{name}={c}": value[:, i] for i, c in enumerate(self.spec[name]["classes"])}
        return found

    def features(self, x: Tensor) -> Tensor:
        """x (n, *shape) -> (n, 64), what the heads see: a feature map in which near means alike in the
        attributes. Exact, as calling it.

        Raises:
            LiminalError: x has another shape.
        """
        self._check(x)
        with inference(self):
            return in_chunks(lambda part: self._soft_features(part.to(self._device, torch.float32)), x)

    def scores(self, x: Tensor, attributes: pa.Table) -> dict[str, dict[str, float]]:
        """How well the attributes of items that the reader has not seen are read.

        Args:
            x: (n, *shape).
            attributes: n rows.

        Returns:
            For each attribute with enough known values: ``r2`` of a number (1 exact, 0 no better than the
            mean), ``auc`` and ``accuracy`` of a yes/no, ``accuracy`` of a category; and ``n``, the rows that
            counted.

        Raises:
            LiminalError: the numbers of rows differ, or a column is missing.
        """
        if len(x) != len(attributes):
            raise LiminalError(f"reader: {len(x)} items but {len(attributes)} rows of attributes")
        read, wanted, out = self(x), targets(attributes, self.spec), {}
        for name, y in wanted.items():
            kind = self.spec[name]["kind"]
            known = y >= 0 if kind == "category" else ~torch.isnan(y)
            y, p = y[known].double(), read[name].cpu()[known].double()
            if len(y) < 2:
                continue
            if kind == "category":
                out[name] = {"accuracy": float((p.argmax(1) == y).double().mean())}
            elif kind == "bool":
                out[name] = {"accuracy": float(((p > 0.5) == (y > 0.5)).double().mean())}
                if 0 < y.sum() < len(y):
                    out[name]["auc"] = auc(y.numpy() > 0.5, p.numpy())
            else:
                y = y * self.spec[name]["std"] + self.spec[name]["mean"]
                spread = (y - y.mean()).square().sum()
                if spread == 0:
                    continue
                out[name] = {"r2": float(1 - (p - y).square().sum() / spread)}
            out[name]["n"] = len(y)
        return out

    @property
    def _device(self) -> torch.device:
        return self.heads.weight.device

    def _part(self, x: Tensor, i: int) -> Tensor:
        return x[i : i + CHUNK].to(self._device, torch.float32)

    def _check(self, x: Tensor) -> None:
        if tuple(x.shape[1:]) != self.shape:
            raise LiminalError(
                f"reader: wanted items of shape (n, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}"
            )


def reading(reader: Reader, modality: Modality) -> Read:
    """What reads attributes from decoded data y (n, *soft_shape), made hard: what y states itself, else the
    reader.

    Numbers come in their own units, yes/no as probabilities, a category as the probability of each
    ``name=value``: (n,) by name.
    """
    return lambda y: {**reader.named(hard := modality.harden(y)), **modality.exact(hard)}


def auc(yes: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a random yes scores above a random no, ties counted half.

    Args:
        yes: bool (n,), both kinds present.
        score: (n,).
    """
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = int(yes.sum())
    return float((rank[yes].sum() - positive * (positive + 1) / 2) / (positive * (len(yes) - positive)))


def _bce(out: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(out, y, reduction="none")


def _join(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([p[name] for p in parts]) for name in parts[0]}


def fit_reader(
    items: np.ndarray,
    modality: Modality,
    attributes: pa.Table,
    *,
    seed: int = 0,
    epochs: float = 2.0,
    steps: int | None = None,
    batch: int = 128,
    rate: float = 4e-3,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int, float], None] | None = None,
) -> Reader:
    """Fit a `Reader` to real items: AdamW on a one-cycle schedule, batches drawn by index from the stored
    items.

    Args:
        items: (n, *modality.item_shape), stored items, memory-mapped or not; only one batch at a time becomes
            a tensor.
        modality: how the items look.
        attributes: n rows.
        seed: fixes the first weights, the order of items and the noise (the same weights again on the same
            machine and thread count).
        epochs: passes over the items, a fraction too; at least 20 steps are made.
        steps: this many batches instead of `epochs`.
        batch: items a step.
        rate: the highest learning rate.
        device: where to compute; the reader stays there.
        progress: called after each step with (step, steps, loss).

    Returns:
        The reader, in evaluation mode. Measure it with `Reader.scores` on items that it has not seen.

    Raises:
        LiminalError: rows and items differ in number, there are fewer than 2, or no attribute can be learned.
    """
    n = len(items)
    if n != len(attributes) or n < 2:
        raise LiminalError(
            f"reader: {n} items and {len(attributes)} rows of attributes; wanted the same number, 2 or more"
        )
    spec = describe(attributes)
    wanted = targets(attributes, spec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = Reader(modality.soft_shape, spec, network=modality.network).to(device)
    draw = torch.Generator().manual_seed(seed)
    batch = min(batch, n)
    steps = max(20, round(epochs * n / batch)) if steps is None else steps
    optimiser = torch.optim.AdamW(reader.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=rate, total_steps=steps, pct_start=0.2, final_div_factor=100
    )
    reader.train()
    order, at = torch.randperm(n, generator=draw), 0
    for step in range(steps):
        if at + batch > n:
            order, at = torch.randperm(n, generator=draw), 0
        rows = order[at : at + batch].sort().values  # in rising order: kinder to a memory-mapped file
        at += batch
        x = modality.augment(modality.soft(items[rows.numpy()]).to(device), draw)
        loss = reader.loss(x, {name: y[rows].to(device) for name, y in wanted.items()})
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if progress:
            progress(step + 1, steps, float(loss.detach()))
    return reader.eval()
