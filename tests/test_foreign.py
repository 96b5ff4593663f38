"""Models of others: every usual form is taken, a wrong one told before any work, and the model stays as it
was.
"""

from __future__ import annotations

import functools
import threading
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import liminal
from liminal import assembly, build
from liminal.errors import LiminalError
from liminal.foreign import Foreign, modules_of
from liminal.generator import Wrapped
from liminal.priors import Normal

X = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
Z = X.flatten(1)[:, :6]
PICTURES = (np.random.default_rng(0).random((40, 8, 8)) * 255).astype(np.uint8)


def code(x: Tensor) -> Tensor:
    return x.flatten(1)[:, :6]


def picture(z: Tensor) -> Tensor:
    return torch.cat([z, z.new_zeros(len(z), 58)], 1).sigmoid().view(-1, 1, 8, 8)


@dataclass
class Holder:
    """An object with one value under a name."""

    name: str
    value: Any

    def __getattr__(self, name: str) -> Any:
        if name == self.__dict__.get("name"):
            return self.value
        raise AttributeError(name)


Pair = namedtuple("Pair", ["log_var", "mean"])

ENCODERS: dict[str, Callable[[Tensor], Any]] = {
    "tensor": code,
    "float64": lambda x: code(x).double(),
    "half": lambda x: code(x).half(),
    "numpy": lambda x: code(x).numpy(),
    "numpy float64": lambda x: code(x).numpy().astype(np.float64),
    "mean and log_var": lambda x: (code(x), code(x) * 0 - 3),
    "a list": lambda x: [code(x), "more"],
    "nested": lambda x: ((code(x), code(x) * 0), {"loss": 1.0}),
    "a named tuple": lambda x: Pair(code(x) * 0, code(x)),
    "a distribution": lambda x: torch.distributions.Normal(code(x), 1.0),
    "latent_dist": lambda x: Holder("latent_dist", torch.distributions.Normal(code(x), 1.0)),
    "an unknown key alone": lambda x: {"encoded": code(x)},
    "mean before a draw": lambda x: {"z": code(x) + torch.randn(len(x), 6), "mu": code(x)},
}
ENCODERS |= {
    f"key {k}": lambda x, k=k: {k: code(x), "loss": 0.5}
    for k in ("z", "mean", "mu", "latent", "latents", "embedding")
}
ENCODERS |= {
    f"attribute {k}": lambda x, k=k: Holder(k, code(x)) for k in ("mean", "latents", "last_hidden_state", "z")
}


@pytest.mark.parametrize("form", ENCODERS)
def test_a_code_is_found_in_whatever_an_encoder_gives(form: str) -> None:
    model = Wrapped(picture, ENCODERS[form], Normal(6), (1, 8, 8))
    found = model.encode(X)
    assert found.dtype == torch.float32
    assert torch.allclose(found, Z, atol=1e-3 if form == "half" else 0)


DECODERS: dict[str, Callable[[Tensor], Any]] = {
    "tuple": lambda z: (picture(z), z),
    "sample": lambda z: Holder("sample", picture(z)),
    "key sample": lambda z: {"sample": picture(z), "mask": z},
    "key recon": lambda z: {"recon": picture(z), "mu": z},
    "numpy": lambda z: picture(z).numpy(),
    "float64": lambda z: picture(z).double(),
    "a distribution": lambda z: torch.distributions.Bernoulli(picture(z)),
}


@pytest.mark.parametrize("form", DECODERS)
def test_an_item_is_found_in_whatever_a_decoder_gives(form: str) -> None:
    for model in (
        Wrapped(DECODERS[form], None, Normal(6), (1, 8, 8)),
        Wrapped(DECODERS[form], None, Normal(6)),
    ):
        assert torch.equal(model.decode(Z), picture(Z))
        assert model.shape == (1, 8, 8)


def test_a_model_of_doubles_gets_doubles() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 6)).double()
    found = Wrapped(picture, net, Normal(6), (1, 8, 8)).encode(X)
    assert found.dtype == torch.float32
    assert torch.allclose(found, net(X.double()).detach().float())


def test_codes_of_two_axes_are_flat_for_every_verb_and_whole_for_the_decoder(tmp_path: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def encode(x: Tensor) -> Tensor:
        return x.flatten(1)[:, :6].reshape(-1, 2, 3)

    def decode(w: Tensor) -> Tensor:
        seen.append(tuple(w.shape[1:]))
        return picture(w.flatten(1))

    space = liminal.wrap(decode, encode, PICTURES, out=tmp_path / "w")
    assert space.dim == 6
    assert torch.equal(space.latents, encode(space.modality.tensor(PICTURES[:, :, :, None])).flatten(1))
    assert space.sample(3).items.shape == (3, 8, 8, 1)
    again = liminal.open(tmp_path / "w", decode=decode, encode=encode)
    assert np.array_equal(again.decode(again.latents[:4]), space.decode(space.latents[:4]))
    assert set(seen) == {(2, 3)}


def test_a_wrap_that_ends_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = assembly.learn_attributes

    def broken(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(assembly, "learn_attributes", broken)  # the last part to be written
    with pytest.raises(KeyboardInterrupt):
        liminal.wrap(picture, code, PICTURES, out=tmp_path / "w")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(assembly, "learn_attributes", whole)
    assert len(liminal.wrap(picture, code, PICTURES, out=tmp_path / "w").catalogue) == len(PICTURES)
    monkeypatch.setattr(build, "assemble", no_work)
    with pytest.raises(LiminalError, match="exists already"):
        liminal.wrap(picture, code, PICTURES, out=tmp_path / "w")


def test_wide_codes_do_without_a_mixture(tmp_path: Path) -> None:
    """A style for each of 18 layers, as StyleGAN has them, here of fewer numbers."""
    spread = torch.randn(64, 18 * 64, generator=torch.Generator().manual_seed(0)) / 8
    back = torch.linalg.pinv(spread)

    def decode(w: Tensor) -> Tensor:
        return (w.flatten(1) @ back).reshape(-1, 1, 8, 8).sigmoid()

    space = liminal.wrap(decode, lambda x: (x.flatten(1) @ spread).reshape(-1, 18, 64), PICTURES)
    assert space.dim == 1152
    assert "mixture" not in space.samplers
    assert space.sample(2).items.shape == (2, 8, 8, 1)


def test_a_wrong_code_shape_is_refused() -> None:
    with pytest.raises(LiminalError, match="12 numbers"):
        Wrapped(picture, code, Normal(6), (1, 8, 8), (4, 3))


WRONG_ENCODERS: dict[str, tuple[Any, str]] = {
    "nothing": (lambda x: None, "nothing"),
    "text": (lambda x: "code", "str"),
    "unknown keys": (lambda x: {"a": code(x), "b": code(x)}, "'a', 'b'"),
    "no callable": (3, "int"),
    "no encoder": (None, "give dim="),
    "wrong batch": (lambda x: code(x)[:1], r"\(1, 6\)"),
    "an item at a time": (lambda x: list(code(x)), r"\(6,\)"),
    "one number": (lambda x: code(x).sum(), r"\(\)"),
    "NaN": (lambda x: code(x) * float("nan"), "NaN"),
    "infinity": (lambda x: code(x) / 0, "infinity"),
    "it fails": (lambda x: nn.Linear(3, 2)(x), "RuntimeError"),
    "complex": (lambda x: torch.complex(code(x), code(x)), "Tensor"),
    "a draw": (lambda x: code(x) + 0.1 * torch.randn(len(x), 6), "eval"),
    "functional dropout": (lambda x: nn.functional.dropout(code(x)), "dropout"),
    "a mean over the batch": (lambda x: code(x) - code(x).mean(0), "alone"),
}


def no_work(*_: Any, **__: Any) -> None:
    raise AssertionError("work was begun")


@pytest.mark.parametrize("form", WRONG_ENCODERS)
def test_a_wrong_encoder_is_told_in_one_line_before_any_work(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "assemble", no_work)
    encode, says = WRONG_ENCODERS[form]
    with pytest.raises(LiminalError, match=says) as caught:
        liminal.wrap(picture, encode, PICTURES)
    assert "encoder" in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG_DECODERS: dict[str, tuple[Any, str]] = {
    "nothing": (lambda z: None, "nothing"),
    "no callable": ("f", "str"),
    "flat": (lambda z: picture(z).flatten(1), r"\(2, 64\).*\(2, 1, 8, 8\)"),
    "channels last": (lambda z: picture(z).permute(0, 2, 3, 1), "permute"),
    "another size": (lambda z: picture(z)[..., :4], r"\(2, 1, 8, 4\)"),
    "wrong batch": (lambda z: picture(z)[:1], "batch of 2"),
    "wrong width": (lambda z: picture(z @ torch.ones(5, 6)), "RuntimeError"),
    "NaN": (lambda z: picture(z).log() * float("nan"), "NaN"),
    "noise": (lambda z: picture(z) + torch.rand(len(z), 1, 8, 8), "same input"),
}


@pytest.mark.parametrize("form", WRONG_DECODERS)
def test_a_wrong_decoder_is_told_in_one_line_before_any_work(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "assemble", no_work)
    decode, says = WRONG_DECODERS[form]
    with pytest.raises(LiminalError, match=says) as caught:
        liminal.wrap(decode, code, PICTURES)
    assert "decoder" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dim_and_prior_must_fit_the_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "assemble", no_work)
    with pytest.raises(LiminalError, match=r"6 numbers.*dim=7"):
        liminal.wrap(picture, code, PICTURES, dim=7)
    with pytest.raises(LiminalError, match="prior has 9"):
        liminal.wrap(picture, code, PICTURES, prior=Normal(9))
    with pytest.raises(LiminalError, match="normal"):
        liminal.wrap(picture, code, PICTURES, prior="normall")


def test_a_code_that_fails_later_is_refused_too() -> None:
    model = Wrapped(picture, lambda x: code(x) / (x.flatten(1)[:, :1] > 0.99), Normal(6), (1, 8, 8))
    with pytest.raises(LiminalError, match="infinity"):
        model.encode(X)
    shrinking = Wrapped(picture, lambda x: code(x)[:, : len(x)], Normal(6), (1, 8, 8))
    with pytest.raises(LiminalError, match=r"\(5, 5\).*\(5, 6\)"):
        shrinking.encode(X)


def test_a_decoder_in_another_range_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Hears(liminal.Voice):
        def warn(self, text: str) -> None:
            said.append(text)

    monkeypatch.setattr(build, "assemble", no_work)
    for decode in (picture, lambda z: picture(z) * 2 - 1.6, lambda z: picture(z) * 255):
        with pytest.raises(AssertionError, match="work"):
            liminal.wrap(decode, code, PICTURES, voice=Hears())
    assert len(said) == 2
    assert all("range" in text for text in said)


# -- the model stays as it was


class Net(nn.Module):
    """An autoencoder with batch normalisation and dropout, as somebody has it in training."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
        self.up = nn.Sequential(
            nn.Linear(6, 64), nn.BatchNorm1d(64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8))
        )

    def encode(self, x: Tensor) -> Tensor:
        return self.down(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.up(z)


class Keeper:
    """An object that is no module and holds one."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def __call__(self, x: Tensor) -> Tensor:
        return self.net.encode(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.net.decode(z)


NET = Net()


def by_global_name(x: Tensor) -> Tensor:
    return NET.encode(x)


def in_a_list(x: Tensor) -> list[Tensor]:
    return [(lambda part: NET.encode(part))(x)]


def part(net: Net, x: Tensor) -> Tensor:
    return net.encode(x)


def ways(net: Net) -> dict[str, tuple[Any, Any]]:
    def inner(x: Tensor) -> Tensor:
        return net.encode(x)

    return {
        "modules": (net.up, net.down),
        "bound methods": (net.decode, net.encode),
        "closures": (lambda z: net.up(z), lambda x: net.down(x)),
        "partials": (functools.partial(Net.decode, net), functools.partial(part, net)),
        "an object": (Keeper(net).decode, Keeper(net)),
        "a function in a function": (lambda z: (lambda: net.decode(z))(), lambda x: inner(x)),
        "a default": (lambda z, net=net: net.decode(z), lambda x, *, net=net: net.encode(x)),
        "names": (lambda z: NET.decode(z), by_global_name),
        "names inside": (lambda z: NET.decode(z), in_a_list),
    }


@pytest.mark.parametrize("way", ways(NET))
def test_a_model_in_training_is_used_as_it_is_worth_and_left_as_it_was(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net().train()
    net.up[0].eval()  # frozen by its owner, and to stay so
    net.down[1].bias.requires_grad_(False)
    monkeypatch.setitem(globals(), "NET", net)
    decode, encode = ways(net)[way]
    before = {k: v.clone() for k, v in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    learning = [p.requires_grad for p in net.parameters()]

    class EnoughError(Exception):
        pass

    def work(generator: Wrapped, *_: Any, **__: Any) -> None:
        z = generator.eval().requires_grad_(False).encode(X)
        x = generator.decode(z)
        assert not generator.decode_soft(z).requires_grad
        soft = z.clone().requires_grad_()
        generator.decode_soft(soft).sum().backward()
        assert soft.grad is not None
        assert all(p.grad is None for p in net.parameters())
        raise EnoughError(z, x)

    monkeypatch.setattr(build, "assemble", work)
    with pytest.raises(EnoughError) as caught:
        liminal.wrap(decode, encode, PICTURES)
    assert [m.training for m in net.modules()] == modes
    assert [p.requires_grad for p in net.parameters()] == learning
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    net.eval()
    with torch.no_grad():
        assert torch.equal(caught.value.args[0], net.encode(X)), "codes are those of evaluation mode"
        assert torch.equal(caught.value.args[1], net.decode(net.encode(X)))


def test_a_model_that_nobody_can_reach_is_refused_where_it_computes_by_batch() -> None:
    hidden = {"a": [{"b": [{"c": [{"d": [nn.BatchNorm2d(1)]}]}]}]}
    with pytest.raises(LiminalError, match="eval"):
        Foreign(lambda x: hidden["a"][0]["b"][0]["c"][0]["d"][0](x).flatten(1), "encoder").tried(X)
    assert len(modules_of(lambda x: hidden)) == 0


def test_two_threads_do_not_take_each_others_mode() -> None:
    """The one that ends first must not put a module back into training under the other."""
    net = Net().train()
    begun, go = threading.Event(), threading.Event()

    def slow(z: Tensor) -> Tensor:
        begun.set()
        assert go.wait(20)
        return net.up(z)

    model = Wrapped(slow, lambda x: net.down(x), Normal(6), (1, 8, 8))
    found: list[Tensor] = []
    thread = threading.Thread(target=lambda: found.append(model.decode(Z)))
    thread.start()
    assert begun.wait(20)
    model.encode(X)
    go.set()
    thread.join()
    assert net.up[1].training
    with torch.no_grad():
        assert torch.allclose(
            found[0], net.eval().up(Z), rtol=1e-5, atol=1e-6
        )  # threads may sum in another order


def test_a_decoder_through_numpy_says_that_it_has_no_derivatives() -> None:
    model = Wrapped(lambda z: np.asarray(picture(torch.from_numpy(z.numpy()))), code, Normal(6), (1, 8, 8))
    assert torch.equal(model.decode(Z), picture(Z))
    with pytest.raises(LiminalError, match="numpy"):
        model.decode_soft(Z.clone().requires_grad_())
