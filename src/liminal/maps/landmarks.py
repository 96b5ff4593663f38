"""Landmarks: latents among which every item has its nearest ones, and what these say of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..distances import nearest

VOTES = 15  # nearest items that vote


@dataclass(frozen=True)
class Around:
    """Neighbours in z among the landmarks.

    Attributes:
        landmarks: their rows of z, rising.
        rest: the other rows, rising.
        far: (landmarks, v) distances of each landmark to its nearest others, rising.
        near: (landmarks, v), which ones they are, as places in `landmarks`.
        votes: (rest, 15), the nearest landmarks of each other item, as places in `landmarks`.
    """

    landmarks: np.ndarray
    rest: np.ndarray
    far: np.ndarray
    near: np.ndarray
    votes: np.ndarray


def around(z: np.ndarray, landmarks: np.ndarray, most: int) -> Around:
    """The neighbours of latents z (n, d) among the landmarks, rows of z: of each landmark `most`, of each
    other item 15.
    """
    index = torch.from_numpy(z[landmarks])
    far, near = nearest(index, index, min(most, len(landmarks) - 1))
    rest = np.setdiff1d(np.arange(len(z)), landmarks)
    votes = nearest(index, torch.from_numpy(z[rest]), min(VOTES, len(landmarks)))[1]
    return Around(landmarks, rest, far.numpy(), near.numpy(), votes.numpy())


def voted(around: Around, labels: np.ndarray) -> np.ndarray:
    """Labels (n,) of all items: those of the landmarks, and of each other item the commonest among its
    nearest landmarks.
    """
    if not len(around.rest):
        return labels
    out = np.empty(len(around.landmarks) + len(around.rest), np.int64)
    out[around.landmarks] = labels
    votes = torch.from_numpy(labels + 1)[torch.from_numpy(around.votes)]
    counts = torch.zeros(len(votes), int(labels.max()) + 2).scatter_add_(1, votes, torch.ones(votes.shape))
    out[around.rest] = counts.argmax(1).numpy() - 1
    return out


def purity(around: Around, labels: np.ndarray) -> np.ndarray:
    """Share (n,) of each item's 15 nearest landmarks that carry its own label; 0 for noise (-1)."""
    out, known = np.empty(len(labels)), labels[around.landmarks]
    out[around.landmarks] = (known[around.near[:, :VOTES]] == known[:, None]).mean(1)
    if len(around.rest):
        out[around.rest] = (known[around.votes] == labels[around.rest, None]).mean(1)
    return np.where(labels < 0, 0.0, out)
