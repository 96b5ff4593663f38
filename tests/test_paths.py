"""Mixtures, paths and edits: known answers, properties, and the files that they leave."""

from __future__ import annotations

import math
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import GREY, fashion, fashion_pca
from PIL import Image
from torch import Tensor

from liminal.errors import LiminalError
from liminal.generator import Wrapped
from liminal.modalities.image import Image as Pictures
from liminal.ops import edits, mixing, paths
from liminal.priors import Normal

VECTORS = st.lists(st.floats(-10, 10, width=32), min_size=4, max_size=4).map(lambda v: torch.tensor(v, dtype=torch.float32))
WAYS = pytest.mark.parametrize("way", [mixing.linear, mixing.slerp])


# mixing


@WAYS
@settings(deadline=None, max_examples=60)
@given(a=VECTORS, b=VECTORS)
def test_ends_are_exact_and_the_way_is_finite(way, a: Tensor, b: Tensor) -> None:
    walked = way(a, b, torch.linspace(0, 1, 7))
    assert torch.equal(walked[0], a)
    assert torch.equal(walked[-1], b)
    assert torch.isfinite(walked).all()
    torch.testing.assert_close(way(a, a, 0.37), a)
    torch.testing.assert_close(way(a, b, 0.25), way(b, a, 0.75), rtol=1e-4, atol=1e-3 if _opposite(a, b) else 1e-4)


def _opposite(a: Tensor, b: Tensor) -> bool:
    return float(a @ b) < 0 and float((a / a.norm() + b / b.norm()).norm()) < 0.01


@settings(deadline=None, max_examples=100)
@given(a=VECTORS, b=VECTORS, t=st.floats(0, 1))
def test_slerp_carries_the_norm_linearly(a: Tensor, b: Tensor, t: float) -> None:
    wanted = (1 - t) * float(a.norm()) + t * float(b.norm())
    assert float(mixing.slerp(a, b, t).norm()) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_slerp_on_a_quarter_circle() -> None:
    walked = mixing.slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), torch.tensor([1 / 3, 0.5]))
    third = (1 + 2 / 3) * torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)])
    torch.testing.assert_close(walked, torch.stack([third, 2 * torch.tensor([0.5, 0.5]).sqrt()]))


def test_slerp_has_constant_angular_speed() -> None:
    a, b = torch.randn(2, 16, generator=torch.Generator().manual_seed(0)).unbind()
    walked = torch.nn.functional.normalize(mixing.slerp(a, b, torch.linspace(0, 1, 21)), dim=1)
    angles = torch.acos((walked[1:] * walked[:-1]).sum(1).clamp(-1, 1))
    torch.testing.assert_close(angles, angles.mean().expand(20), rtol=2e-3, atol=0)


@pytest.mark.parametrize("far", [math.pi, math.pi - 1e-4, 1e-8])
def test_slerp_at_the_edges(far: float) -> None:
    """Opposite, nearly opposite and nearly equal: a smooth round through unit vectors with even steps."""
    a, b = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([math.cos(far), math.sin(far), 0.0])
    walked = mixing.slerp(a, b, torch.linspace(0, 1, 9))
    torch.testing.assert_close(walked.norm(dim=1), torch.ones(9))
    steps = walked.diff(dim=0).norm(dim=1)
    torch.testing.assert_close(steps, torch.full((8,), 2 * math.sin(far / 16)), atol=1e-3, rtol=0)


def test_slerp_from_zero_is_straight() -> None:
    b = torch.tensor([0.0, 4.0])
    torch.testing.assert_close(mixing.slerp(torch.zeros(2), b, 0.25), torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(mixing.slerp(b, torch.zeros(2), 0.25), torch.tensor([0.0, 3.0]))
    assert torch.equal(mixing.slerp(torch.zeros(2), torch.zeros(2), 0.5), torch.zeros(2))


def test_batches_go_together() -> None:
    a, b = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).unbind()
    t = torch.linspace(0, 1, 4)
    walked = mixing.slerp(a, b, t)
    assert walked.shape == (4, 5, 3)
    torch.testing.assert_close(walked[:, 2], mixing.slerp(a[2], b[2], t))


@settings(deadline=None, max_examples=60)
@given(z=st.lists(VECTORS.filter(lambda v: float(v.norm()) > 1e-2), min_size=1, max_size=5).map(torch.stack), again=st.integers(1, 4))
def test_mixing_an_item_with_itself_is_itself(z: Tensor, again: int) -> None:
    torch.testing.assert_close(mixing.mix(z[:1].expand(again, -1)), z[0], rtol=1e-4, atol=1e-5)
    one = torch.zeros(len(z))
    one[0] = 3
    torch.testing.assert_close(mixing.mix(z, one), z[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mixing.mix(z), mixing.mix(z.flip(0)), rtol=1e-2, atol=1e-2)


def test_mix_keeps_the_norm() -> None:
    z = torch.eye(9)
    assert float(mixing.mix(z).norm()) == pytest.approx(1)
    assert float(mixing.mean(z).norm()) == pytest.approx(1 / 3)
    torch.testing.assert_close(
        mixing.mix(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 2])), torch.tensor([4 / 3, 4 / 3]) / 2**0.5
    )
    assert torch.equal(mixing.mix(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])), torch.zeros(2))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan]])
def test_mix_refuses_weights(weights: list[float]) -> None:
    with pytest.raises(LiminalError, match="wanted 2 weights"):
        mixing.mix(torch.eye(2), torch.tensor(weights))


def test_nothing_to_mix() -> None:
    for call in (mixing.mean, mixing.mix):
        with pytest.raises(LiminalError, match="wanted 1 or more"):
            call(torch.zeros(0, 3))


# paths


def shade(side: int = 8) -> tuple[Wrapped, Pictures]:
    """A generator whose picture is all one grey: z0 / 255."""
    model = Wrapped(lambda z: z[:, :1, None, None].expand(-1, 1, side, side) / 255, None, Normal(2))
    return model, Pictures(side, side, 1)


def test_a_path_through_keys_goes_at_constant_speed() -> None:
    model, pictures = shade()
    keys = torch.tensor([[0.0, 0.0], [60.0, 0.0], [240.0, 0.0]])
    walk = paths.path(model, pictures, keys, frames=13)
    assert walk.z[:, 0].tolist() == [20.0 * i for i in range(13)]
    assert walk.at == (0, 3, 12)
    assert torch.equal(walk.z[list(walk.at)], keys)
    assert walk.frames.shape == (13, 8, 8, 1)
    assert walk.frames[:, 0, 0, 0].tolist() == [20 * i for i in range(13)]
    np.testing.assert_allclose(walk.steps, 20 / 255, rtol=1e-5)
    assert walk.evidence["length"] == pytest.approx(240 / 255)
    assert walk.evidence["unevenness"] == pytest.approx(1)


def test_a_loop_closes_without_showing_the_first_frame_twice() -> None:
    model, pictures = shade()
    walk = paths.path(model, pictures, torch.tensor([[0.0, 0.0], [120.0, 0.0]]), frames=8, loop=True)
    assert walk.z[:, 0].tolist() == [0, 30, 60, 90, 120, 90, 60, 30]
    assert walk.at == (0, 4)
    assert len(walk.steps) == 8


@settings(deadline=None, max_examples=40)
@given(
    keys=st.lists(st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=2), min_size=2, max_size=5),
    extra=st.integers(0, 20),
    along=st.sampled_from(["linear", "slerp"]),
    loop=st.booleans(),
)
def test_every_key_is_exactly_a_frame(keys: list[list[float]], extra: int, along: str, loop: bool) -> None:
    model, pictures = shade()
    z = torch.tensor(keys)
    walk = paths.path(model, pictures, z, along, len(keys) + extra, loop)
    assert len(walk) == len(walk.frames) == len(keys) + extra
    assert torch.equal(walk.z[list(walk.at)], z)
    assert torch.equal(walk.z[0], z[0])
    assert loop or torch.equal(walk.z[-1], z[-1])
    assert torch.isfinite(walk.z).all()


def test_from_an_item_to_itself() -> None:
    model, pictures = shade()
    walk = paths.path(model, pictures, torch.tensor([[5.0, 1.0], [5.0, 1.0]]), "slerp", 6)
    assert torch.equal(walk.z, torch.tensor([[5.0, 1.0]]).expand(6, 2))
    assert walk.evidence["length"] == 0
    assert walk.evidence["unevenness"] == 1


@pytest.mark.parametrize(
    ("keys", "options", "words"),
    [
        (torch.zeros(1, 2), {}, "wanted 2 items or more to go through, got 1"),
        (torch.zeros(3, 2), {"frames": 2}, "2 frames cannot show 3 items"),
        (torch.zeros(2, 2), {"along": "slrep"}, "unknown way between items 'slrep': did you mean slerp"),
        (torch.zeros(2, 3), {}, r"wanted latents of shape \(n, 2\)"),
        (torch.full((2, 2), torch.nan), {}, "NaN"),
    ],
)
def test_paths_refused(keys: Tensor, options: dict, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        paths.path(*shade(), keys, **options)


def test_a_real_path_in_every_format(tmp_path: Path) -> None:
    model = fashion_pca()
    z = model.encode(GREY.tensor(fashion()[0][:3]))
    walk = paths.path(model, GREY, z, "slerp", 14)
    assert np.array_equal(walk.frames[[0, -1]], GREY.items(model.decode(z[[0, 2]])))
    for name in ("a.gif", "a.mp4", "a.png"):
        walk.save(tmp_path / name)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 14
        assert gif.size == (308, 308)  # 28 pixels, each shown as 11 x 11
        gif.seek(13)
        shown = np.asarray(gif.convert("L"))[5::11, 5::11]
        assert np.array_equal(shown, walk.frames[-1, :, :, 0])  # greys are kept exactly
    with av.open(str(tmp_path / "a.mp4")) as film:
        frames = [f.to_ndarray(format="gray") for f in film.decode(video=0)]
    assert len(frames) == 14
    shown = frames[7].reshape(28, 11, 28, 11).mean((1, 3))
    assert np.abs(shown - walk.frames[7, :, :, 0]).mean() < 4
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (12 * (112 + 4) + 4, 2 * (112 + 4) + 4)  # 12 in a row, 28 pixels as 4 x 4 each
        first = np.asarray(sheet.convert("L"))[4:116:4, 4:116:4]
    assert np.array_equal(first, walk.frames[0, :, :, 0])
    with pytest.raises(LiminalError, match=r"\.gif, \.mp4 or \.png"):
        walk.save(tmp_path / "a.wav")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "a.mp4", "a.png"]


# edits


def brightness(x: Tensor) -> dict[str, Tensor]:
    return {"brightness": x.flatten(1).mean(1)}


def test_an_edit_and_its_evidence(tmp_path: Path) -> None:
    model, pictures = shade()
    done = edits.edit(model, pictures, torch.tensor([51.0, 0.0]), torch.tensor([102.0, 0.0]), "+2*light", brightness)
    assert done.z_after.tolist() == [153, 0]
    assert (int(done.before[0, 0, 0]), int(done.after[0, 0, 0])) == (51, 153)
    assert done.distance == 102
    assert done.change == pytest.approx(0.4)
    assert done.evidence["attributes"]["brightness"] == {"before": pytest.approx(0.2), "after": pytest.approx(0.6)}
    done.save(tmp_path / "out.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), done.after[..., 0])
    with pytest.raises(LiminalError, match=r"wanted a name that ends in one of .*\.png"):
        done.save(tmp_path / "out.xyz")
    with pytest.raises(LiminalError, match=r"same shape \(d,\), got \(2,\) and \(3,\)"):
        edits.edit(model, pictures, torch.zeros(2), torch.zeros(3), "smile")


def test_a_strip_shows_strengths_from_left_to_right() -> None:
    model, pictures = shade()
    picture = edits.strip(model, pictures, torch.tensor([[100.0, 0.0], [150.0, 0.0]]), torch.tensor([20.0, 0.0]), size=8)
    middles = [[picture.getpixel((4 + 12 * c + 4, 4 + 12 * r + 4)) for c in range(5)] for r in range(2)]
    assert middles == [[(v, v, v) for v in range(start, start + 100, 20)] for start in (60, 110)]
    assert picture.height > 2 * 12 + 4  # the strengths stand below
    with pytest.raises(LiminalError, match="1 strength or more"):
        edits.strip(model, pictures, torch.zeros(2), torch.zeros(2), ())
