"""The decoder of sentences: it writes the likeliest one, is told what is known, and answers for what it
wrote."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import pytest
import torch
from torch import Tensor

from liminal.errors import LiminalError
from liminal.export import onnx
from liminal.modalities.words import END, Words
from liminal.models.vae import VAE
from liminal.nn import language, plainly

V, PLACES, DIM = 8, 3, 5


@pytest.fixture(scope="module")
def model() -> VAE:
    """Untrained, with weights large enough for words to hang on the words before them."""
    torch.manual_seed(0)
    data = Words(PLACES, [2] + [9] * (V - 1))
    made = VAE(data, DIM, width=4, network="language").eval().requires_grad_(False)
    for layer, much in ((made.decoder.before, 5), (made.decoder.head[-1], 3), (made.decoder.write.enter, 3)):
        layer.weight.mul_(much)
    return made


def chances(model: VAE, z: Tensor, x: Tensor) -> Tensor:
    """log p(x | z), (n,), of sentences x (n, PLACES), place by place, up to the end."""
    out = model.decoder.taught(z, x)
    told = torch.stack([model.likelihood.logits(step).log_softmax(-1) for step in out.unbind(-1)], 1)
    return (told.gather(2, x[..., None])[..., 0] * model.likelihood.told(x)).sum(1)


def everything() -> Tensor:
    """All sentences that there are."""
    rows = product(range(V), repeat=PLACES)
    return torch.tensor([row for row in rows if all(b == END for a, b in pairwise(row) if a == END)])


Z = torch.randn(40, DIM, generator=torch.Generator().manual_seed(1))


def likeliest(model: VAE, x: Tensor) -> Tensor:
    """The best of sentences x (m, PLACES) for each of Z."""
    return torch.stack([x[chances(model, z.expand(len(x), -1), x).argmax()] for z in Z])


def test_with_beginnings_enough_the_likeliest_sentence_is_found(
    model: VAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "BEAM", V)  # all words, and of V^2 pairs the best V
    best, found = likeliest(model, everything()), model.decoder.written(Z)
    found = found * model.likelihood.told(found)
    assert float((best == found).all(1).float().mean()) > 0.9
    assert len(torch.unique(best, dim=0)) > 5


def test_two_beginnings_find_more_than_one(model: VAE) -> None:
    with plainly(model):
        greedy = model.likelihood.words(model.decode(Z))
    found = model.decoder.written(Z)
    better = chances(model, Z, found) - chances(model, Z, greedy)
    assert float(better.mean()) > 0.01
    assert (found != greedy).any()


def test_answers_stand_for_what_is_written(model: VAE) -> None:
    found = model.decoder.written(Z)
    assert torch.equal(model.likelihood.words(model.decode(Z)), found * model.likelihood.told(found))
    with torch.enable_grad():
        z = Z.clone().requires_grad_()
        (slope,) = torch.autograd.grad(model.decode_soft(z).square().sum(), z)
    assert slope.abs().sum() > 0


@pytest.mark.parametrize("known", [(True, False, False), (False, True, False), (True, True, False)])
def test_known_words_are_told(model: VAE, known: tuple[bool, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """They are as they were, and the others are the likeliest beside them."""
    monkeypatch.setattr(language, "BEAM", V)
    true, on = torch.tensor([[2, 3, 0]]), torch.tensor([known])
    x, rest = true.expand(len(Z), -1), everything()
    rest = rest[((rest == true) | ~on).all(1)]
    found = model.decoder.written(Z, x, on.expand(len(Z), -1))
    assert torch.equal(found[:, on[0]], x[:, on[0]])
    found = found * model.likelihood.told(found)
    assert float((found == likeliest(model, rest)).all(1).float().mean()) > 0.9
    lacking = ~on[:, None].expand(len(Z), *model.shape[:1], -1)
    y = model.decode_told(Z, x, lacking)
    assert torch.equal(model.likelihood.words(y), found * model.likelihood.told(found))


def test_files_for_other_programs_write_plainly(model: VAE, tmp_path: Path) -> None:
    assert onnx.decoder(model, tmp_path / "x.onnx") < 1e-5
    assert not model.decoder.plain
    with plainly(model):
        assert model.decoder.plain
    assert not model.decoder.plain


def test_other_decoders_answer_as_ever() -> None:
    torch.manual_seed(0)
    model = VAE((1, 8, 8), 4, width=4).eval()
    z, lacking = torch.randn(3, 4), torch.zeros(3, 1, 8, 8, dtype=torch.bool)
    assert torch.equal(model.decode_told(z, torch.rand(3, 1, 8, 8), lacking), model.decode(z))
    with pytest.raises(LiminalError, match="4 dimensions"):
        model.decode_told(z[:, :2], torch.rand(3, 1, 8, 8), lacking)
