"""Fashion-MNIST for the benches: the pictures, and a classifier trained on them whose features samples are
compared in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liminal.datasets.mnist import fashion_mnist
from liminal.modalities import Modality
from liminal.tensors import in_chunks, inference
from liminal.voice import Voice

from .figures import OUT

WIDE = 128  # features


@dataclass(frozen=True)
class Clothes:
    """The 60,000 training and 10,000 test pictures as stored items (n, 28, 28, 1), with the names of their
    classes.
    """

    modality: Modality
    train: np.ndarray
    train_labels: list[str]
    test: np.ndarray
    test_labels: list[str]


def clothes(voice: Voice | None = None) -> Clothes:
    """Read from ``LIMINAL_DATA``, else the cache, else downloaded."""
    found = fashion_mnist(progress=lambda i, n: (voice or Voice()).progress("reading", i / n))
    assert found.held_out is not None
    labels = np.array(found.attributes["label"].to_pylist())
    held = found.held_out
    return Clothes(
        found.modality, found.items[~held], labels[~held].tolist(), found.items[held], labels[held].tolist()
    )


class Classifier(nn.Module):
    """Three convolutions, one hidden layer of 128 units, whose values after the ReLU are the features, and 10
    classes.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 32, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 96, 3, padding=1, bias=False),
            nn.BatchNorm2d(96),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(96 * 9, WIDE),
            nn.ReLU(),
        )
        self.head = nn.Linear(WIDE, classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (n, 1, 28, 28) in [0, 1] -> (n, classes) logits."""
        return self.head(F.dropout(self.trunk(2 * x - 1), 0.25, self.training))

    def features(self, x: Tensor) -> Tensor:
        """x (n, 1, 28, 28) -> (n, 128), exact."""
        with inference(self):
            return in_chunks(lambda part: self.trunk(2 * part - 1), x)

    def accuracy(self, x: Tensor, wanted: Tensor) -> float:
        """Share of the items (n, 1, 28, 28) whose class (n,) is named rightly."""
        with inference(self):
            return float((in_chunks(self, x).argmax(1) == wanted).double().mean())


def numbered(labels: list[str]) -> Tensor:
    """Class names -> their places in alphabetical order (n,), int64."""
    places = {name: i for i, name in enumerate(sorted(set(labels)))}
    return torch.tensor([places[name] for name in labels])


def classifier(data: Clothes, epochs: float, fresh: bool, voice: Voice, seed: int = 1) -> Classifier:
    """A classifier of the real training pictures; kept in ``bench/out``, so that several benches compare in
    the same features.

    Args:
        data: what to learn.
        epochs: passes over it.
        fresh: train again, whatever is kept.
        voice: hears progress.
        seed: of the weights and the order of the pictures.
    """
    kept = OUT / f"classifier-{epochs:g}-{seed}.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier()
        if kept.is_file() and not fresh:
            model.load_state_dict(safetensors.torch.load_file(kept))
        else:
            _train(model, data, epochs, voice, seed)
            safetensors.torch.save_file(model.state_dict(), kept)
    return model.eval().requires_grad_(False)


def _train(
    model: Classifier, data: Clothes, epochs: float, voice: Voice, seed: int, batch: int = 128
) -> None:
    wanted = numbered(data.train_labels)
    steps = max(1, round(epochs * len(data.train) / batch))
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=4e-3, total_steps=max(2, steps), pct_start=0.2
    )
    order = np.random.default_rng(seed)
    rows = np.zeros(0, np.int64)
    model.train()
    for step in range(steps):
        if len(rows) < batch:
            rows = order.permutation(len(data.train))
        now, rows = np.sort(rows[:batch]), rows[batch:]
        loss = F.cross_entropy(model(data.modality.tensor(data.train[now])), wanted[torch.from_numpy(now)])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        voice.progress(
            "training the bench's classifier", (step + 1) / steps, f"loss {float(loss.detach()):.3f}"
        )
