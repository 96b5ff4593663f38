"""Muon: known answers against the singular value decomposition, and against AdamW on a problem that it is
made for.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from liminal.muon import SIZE, Muon, is_matrix, orthogonal


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_orthogonal_keeps_the_singular_vectors(rows: int, columns: int, seed: int, scale: float) -> None:
    """U S V^T -> U S' V^T with S' about 1 for every singular value that is not tiny, whatever the scale of
    the matrix.
    """
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ orthogonal(matrix * scale) @ v.T
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-4  # the polynomial sees them through float64
    large = inner.diagonal()[s > 0.05 * s[0]]
    assert ((large > 0.5) & (large < 1.3)).all()


def test_orthogonal_of_nothing_is_nothing() -> None:
    assert torch.equal(orthogonal(torch.zeros(5, 3)), torch.zeros(5, 3))
    assert torch.isnan(orthogonal(torch.full((4, 4), torch.nan))).all()


def test_what_is_a_matrix() -> None:
    convolution, norm = nn.Conv2d(3, 8, 4), nn.GroupNorm(2, 8)
    assert is_matrix(convolution.weight)
    assert is_matrix(nn.Linear(4, 5).weight)
    assert not is_matrix(convolution.bias)
    assert not is_matrix(norm.weight)
    assert not is_matrix(nn.Linear(4, 1).weight)


@pytest.mark.parametrize("shape", [(6, 9), (8, 3, 4, 4)])
def test_first_step(shape) -> None:
    """Against the formula: weights decay by rate x decay and move by rate x SIZE x sqrt(max(r, c)) along U
    V^T.
    """
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(shape))
    if len(shape) == 4:
        weight = nn.Parameter(weight.detach().contiguous(memory_format=torch.channels_last))
    before, weight.grad = weight.detach().clone(), torch.randn_like(weight)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    u, _, v = torch.linalg.svd(weight.grad.reshape(len(weight), -1), full_matrices=False)
    moved = (0.95 * before - weight.detach()).reshape(len(weight), -1) / (
        0.1 * SIZE * math.sqrt(max(len(weight), before[0].numel()))
    )
    along = (u.T @ moved @ v.T).diagonal()
    assert ((along > 0.65) & (along < 1.2)).all()
    assert float(moved.norm()) == pytest.approx(float(along.norm()), rel=1e-3)


def test_finds_the_least_squares_answer() -> None:
    """Linear regression without noise on inputs whose directions differ tenfold in size, with a falling rate:
    the weights themselves.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(512, 12, generator=generator) * torch.logspace(0, -1, 12)
    wanted = torch.randn(7, 12, generator=generator)
    weight = nn.Parameter(torch.zeros(7, 12))
    optimizer = Muon([weight], 0.0, weight_decay=0)
    for i in range(400):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - i / 400)
        optimizer.zero_grad()
        (x @ (weight - wanted).T).square().mean().backward()
        optimizer.step()
    assert float((weight - wanted).detach().abs().max()) < 0.01
