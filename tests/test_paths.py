"""Paths and edits: known answers, properties, and the files that they leave."""

from __future__ import annotations

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
from liminal.ops import edits
from liminal.ops.ways import curves, paths
from liminal.ops.ways.noise_mixing import Mixer
from liminal.priors import Normal, Sphere

# paths


def shade(side: int = 8) -> tuple[Wrapped, Pictures]:
    """A generator whose picture is all one grey: z0 / 255."""
    model = Wrapped(lambda z: z[:, :1, None, None].expand(-1, 1, side, side) / 255, None, Normal(2))
    return model, Pictures(side, side, 1)


def test_a_path_through_keys_goes_at_constant_speed() -> None:
    model, pictures = shade()
    keys = torch.tensor([[0.0, 0.0], [60.0, 0.0], [240.0, 0.0]])
    walk = paths.path(model, pictures, keys, frames=13)
    torch.testing.assert_close(walk.z[:, 0], torch.arange(13) * 20.0)
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
    along=st.sampled_from(["linear", "slerp", "mix", "smooth"]),
    loop=st.booleans(),
    pace=st.sampled_from(paths.PACES),
)
def test_every_key_is_exactly_a_frame(
    keys: list[list[float]], extra: int, along: str, loop: bool, pace: str
) -> None:
    model, pictures = shade()
    z = torch.tensor(keys)
    walk = paths.path(model, pictures, z, along, len(keys) + extra, loop, pace=pace)
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


def test_a_path_that_does_not_move_says_so() -> None:
    """A decoder whose rounding depends on the place in the batch shows steps of very different size where
    there are none.
    """
    rough = Wrapped(
        lambda z: (z[:, :1] + 3e-7 * (torch.arange(len(z))[:, None] % 7 == 0))[:, :, None, None].expand(
            -1, 1, 8, 8
        ),
        None,
        Normal(2),
    )
    pictures = Pictures(8, 8, 1)
    still = paths.path(rough, pictures, torch.tensor([[0.5, 1.0], [0.5, 1.0]]), frames=12, pace="latent")
    assert not still.moves
    assert still.evidence["length"] == 0
    assert still.evidence["unevenness"] == 1
    assert (
        still.evidence["note"]
        == still.words
        == "the path does not move: everything on it decodes to the same"
    )
    walk = paths.path(rough, pictures, torch.tensor([[0.5, 1.0], [0.75, 1.0]]), frames=12, pace="latent")
    assert walk.moves
    assert "note" not in walk.evidence
    assert walk.words == "the largest step is 1.00 times the mean one"


@pytest.mark.parametrize("along", ["linear", "slerp", "mix", "smooth"])
def test_a_stretch_of_no_length_between_others(along: str) -> None:
    model, pictures = shade()
    keys = torch.tensor([[0.0, 1.0], [60.0, 1.0], [60.0, 1.0], [120.0, 1.0]])
    walk = paths.path(model, pictures, keys, along, 12)
    assert walk.at == (0, 5, 6, 11)
    assert walk.steps[5] == 0
    np.testing.assert_allclose(np.delete(walk.steps, 5), 12 / 255, rtol=2e-3)


def test_constant_speed_in_the_data() -> None:
    """x = z^2 / 255: even greys stand at the roots; the pace of the latents leaves them uneven."""
    model = Wrapped(lambda z: (z[:, :1, None, None] ** 2 / 255).expand(-1, 1, 8, 8), None, Normal(1))
    keys = torch.tensor([[0.0], [10.0]])
    walk = paths.path(model, Pictures(8, 8, 1), keys, frames=11)
    torch.testing.assert_close(walk.z[:, 0], (torch.arange(11) * 10.0).sqrt(), atol=0.02, rtol=0)
    assert walk.evidence["unevenness"] < 1.01
    walk = paths.path(model, Pictures(8, 8, 1), keys, frames=11, pace="latent")
    torch.testing.assert_close(walk.z[:, 0], torch.arange(11) * 1.0)
    assert walk.evidence["unevenness"] == pytest.approx(1.9, rel=1e-3)


def test_constant_speed_over_a_cliff() -> None:
    """A decoder that does nearly all within a thousandth of the way is still shown in even steps."""
    model = Wrapped(
        lambda z: torch.sigmoid((z[:, :1, None, None] - 0.37) * 5000).expand(-1, 1, 8, 8), None, Normal(1)
    )
    walk = paths.path(model, Pictures(8, 8, 1), torch.tensor([[0.0], [1.0]]), frames=21)
    assert walk.evidence["length"] == pytest.approx(1, abs=1e-3)
    assert walk.evidence["unevenness"] < 1.25


KEYS = torch.tensor([[0.0, 0.0], [4.0, 0.0], [5.0, 2.0], [1.0, 3.0], [1.0, 3.5]])


@pytest.mark.parametrize("mixer", [None, Mixer(Normal(2))])
@pytest.mark.parametrize("loop", [False, True])
def test_a_smooth_curve_has_no_corner(loop: bool, mixer: Mixer | None) -> None:
    """Directions agree on either side of a key, where straight lines turn by up to 120 degrees."""
    parts = curves.smooth(KEYS, loop, mixer)
    before = [part(torch.tensor([1 - 1e-3, 1.0])).diff(dim=0)[0] for part in parts]
    after = [part(torch.tensor([0.0, 1e-3])).diff(dim=0)[0] for part in parts]
    meetings = list(zip(before, after[1:] + after[:1] if loop else after[1:], strict=loop))
    assert len(meetings) == (5 if loop else 3)
    for a, b in meetings:
        assert float(torch.nn.functional.cosine_similarity(a, b, dim=0)) > 0.999
    for i, part in enumerate(parts):
        assert torch.equal(part(torch.tensor([0.0, 1.0])), KEYS[[i, (i + 1) % 5]])
        off = part(torch.linspace(0, 1, 50))
        a, b = KEYS[i], KEYS[(i + 1) % 5]
        along = ((off - a) @ (b - a) / (b - a).square().sum()).clamp(0, 1)
        assert float((off - a - along[:, None] * (b - a)).norm(dim=1).max()) < 0.35 * float(
            (b - a).norm()
        )  # it stays near its chord


def test_smooth_known_answers() -> None:
    t = torch.linspace(0, 1, 9)
    (line,) = curves.smooth(KEYS[:2])
    torch.testing.assert_close(line(t), KEYS[0] + t[:, None] * (KEYS[1] - KEYS[0]))
    even = torch.arange(4.0)[:, None] * torch.tensor([[1.0, -2.0]])
    for i, part in enumerate(curves.smooth(even)):
        torch.testing.assert_close(part(t), even[0] + (i + t[:, None]) * even[1])
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    square = torch.stack([torch.tensor([1.0, 1.0]) @ torch.linalg.matrix_power(turn, i) for i in range(4)])
    first, second, *_ = curves.smooth(square, loop=True)
    torch.testing.assert_close(first(t) @ turn, second(t))
    assert float(first(torch.tensor([0.5])).norm()) == pytest.approx(
        1.25
    )  # Hermite: 1 + slope / 4, between the chord's 1 and the circle's 1.41


def test_curves_computed_in_advance() -> None:
    bent = torch.tensor([[0.0, 0.0], [1.0, 5.0], [2.0, 0.0]])
    other = torch.tensor([[2.0, 0.0], [4.0, 1.0], [9.0, 0.0]])
    way = paths.polyline_way(torch.stack([bent, other]))
    t = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    torch.testing.assert_close(
        way(bent[0], bent[2], t), torch.tensor([[0.0, 0.0], [0.5, 2.5], [1.0, 5.0], [1.5, 2.5], [2.0, 0.0]])
    )
    torch.testing.assert_close(way(other[2], other[0], t), way(other[0], other[2], t).flip(0))
    walk = paths.path(*shade(), torch.stack([bent[0], bent[2], other[2]]), way, 7, name="geodesic")
    assert walk.along == "geodesic"
    assert torch.equal(walk.z[list(walk.at)], torch.stack([bent[0], bent[2], other[2]]))
    with pytest.raises(LiminalError, match="none of the curves"):
        way(bent[0], other[2], t)
    for wrong in (torch.zeros(2, 2), torch.zeros(1, 1, 2), torch.full((1, 2, 2), torch.nan)):
        with pytest.raises(LiminalError, match="polyline_way"):
            paths.polyline_way(wrong)


@pytest.mark.parametrize("along", ["linear", "slerp", "smooth"])
def test_only_one_direction_changes(along: str) -> None:
    model = Wrapped(lambda z: z[:, :1, None, None].expand(-1, 1, 8, 8) / 255, None, Normal(3))
    keys = torch.tensor([[10.0, 2.0, 3.0], [60.0, 50.0, -9.0], [100.0, 0.0, 4.0]])
    walk = paths.path(model, Pictures(8, 8, 1), keys, along, 9, only=torch.tensor([[2.0, 0.0, 0.0]]))
    torch.testing.assert_close(walk.z[:, 1:], keys[:1, 1:].expand(9, -1))
    assert torch.equal(walk.z[0], keys[0])
    assert torch.equal(walk.z[list(walk.at)], walk.keys)
    torch.testing.assert_close(walk.keys[:, 0], keys[:, 0])


def test_only_takes_the_nearest_in_the_given_coordinates() -> None:
    z, start = torch.tensor([[3.0, 1.0]]), torch.tensor([1.0, 1.0])
    v = torch.tensor([[1.0, 1.0]])
    torch.testing.assert_close(curves.only(z, start, v), torch.tensor([[2.0, 2.0]]))
    torch.testing.assert_close(
        curves.only(z, start, torch.cat([v, 2 * v])), torch.tensor([[2.0, 2.0]])
    )  # the same twice is one
    white = torch.diag(torch.tensor([1.0, 3.0]))  # a change of the second coordinate weighs nine times
    torch.testing.assert_close(curves.only(z, start, v, white), torch.tensor([[1.2, 1.2]]))
    torch.testing.assert_close(curves.only(z, start, torch.eye(2)), z)


def test_a_path_carries_its_evidence() -> None:
    model, pictures = shade()
    keys = torch.tensor([[0.0, 0.0], [100.0, 0.0]])

    def read(x: Tensor) -> dict[str, Tensor]:
        grey = x.flatten(1).mean(1) * 255
        return {"grey": grey, "hump": (grey - 50).abs() - grey / 5, "still": grey / 1000, "scaled": grey}

    walk = paths.path(
        model,
        pictures,
        keys,
        frames=11,
        support=lambda z: 1 - z[:, 0] / 200,
        read=read,
        scale={"grey": 10.0, "hump": 1.0, "scaled": 500.0},
    )
    evidence = walk.evidence
    assert evidence["least_support"] == pytest.approx(0.5)
    assert evidence["support"] == pytest.approx([1 - i / 20 for i in range(11)])
    assert evidence["pace"] == "data"
    assert set(evidence["attributes"]) == {"grey", "hump"}  # the others change by less than half their scale
    assert evidence["attributes"]["grey"] == {
        "at_keys": pytest.approx([0, 100]),
        "monotone": pytest.approx(1),
    }
    # 50 down to -10 and up to 30: 20 of the 100 that it moves
    assert evidence["attributes"]["hump"] == {
        "at_keys": pytest.approx([50, 30]),
        "monotone": pytest.approx(0.2),
    }
    loop = paths.path(model, pictures, keys, frames=10, loop=True, read=read, scale={"grey": 10.0})
    assert loop.evidence["attributes"]["grey"]["monotone"] == pytest.approx(
        1
    )  # there and back, straight both times
    assert "support" not in loop.evidence


def test_mixtures_say_where_they_are_made() -> None:
    keys = torch.tensor([[60.0, 0.0], [0.0, 60.0]])
    assert "normal prior" in paths.path(*shade(), keys, "mix", 5).evidence["how"]
    walk = paths.path(*shade(), keys / 60, "mix", 5, mixer=Mixer(Sphere(2)))
    assert "sphere" in walk.evidence["how"]
    torch.testing.assert_close(walk.z.norm(dim=1), torch.ones(5))
    assert "how" not in paths.path(*shade(), keys, "slerp", 5).evidence
    assert paths.path(*shade(), keys, Mixer(Normal(2)), 5).along == "mix"


@pytest.mark.parametrize(
    ("keys", "options", "words"),
    [
        (torch.zeros(1, 2), {}, "wanted 2 items or more to go through, got 1"),
        (torch.zeros(3, 2), {"frames": 2}, "2 frames cannot show 3 items"),
        (torch.zeros(2, 2), {"along": "slrep"}, "unknown way between items 'slrep': did you mean slerp"),
        (torch.zeros(2, 2), {"along": "smoth"}, "did you mean smooth"),
        (torch.zeros(2, 2), {"along": "geodesic"}, r"give polyline_way\(curves\)"),
        (torch.zeros(2, 2), {"pace": "date"}, "unknown pace 'date': did you mean data"),
        (torch.zeros(2, 2), {"only": torch.zeros(1, 2)}, "a direction of no length"),
        (torch.zeros(2, 2), {"only": torch.ones(1, 3)}, r"wanted directions of shape \(k, 2\)"),
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
    with pytest.raises(LiminalError, match=r"\.gif, \.mp4, \.png"):
        walk.save(tmp_path / "a.wav")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "a.mp4", "a.png"]


# edits


def brightness(x: Tensor) -> dict[str, Tensor]:
    return {"brightness": x.flatten(1).mean(1)}


def test_an_edit_and_its_evidence(tmp_path: Path) -> None:
    model, pictures = shade()
    done = edits.edit(
        model, pictures, torch.tensor([51.0, 0.0]), torch.tensor([102.0, 0.0]), "+2*light", brightness
    )
    assert done.z_after.tolist() == [153, 0]
    assert (int(done.before[0, 0, 0]), int(done.after[0, 0, 0])) == (51, 153)
    assert done.distance == 102
    assert done.change == pytest.approx(0.4)
    read = done.evidence["attributes"]["brightness"]
    assert (read["before"], read["after"]) == pytest.approx((0.2, 0.6))
    done.save(tmp_path / "out.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), done.after[..., 0])
    with pytest.raises(LiminalError, match=r"wanted a name that ends in one of .*\.png"):
        done.save(tmp_path / "out.xyz")
    with pytest.raises(LiminalError, match=r"same shape \(d,\), got \(2,\) and \(3,\)"):
        edits.edit(model, pictures, torch.zeros(2), torch.zeros(3), "smile")


def test_a_strip_shows_strengths_from_left_to_right() -> None:
    model, pictures = shade()
    picture = edits.strip(
        model, pictures, torch.tensor([[100.0, 0.0], [150.0, 0.0]]), torch.tensor([20.0, 0.0]), size=8
    )
    middles = [[picture.getpixel((4 + 12 * c + 4, 4 + 12 * r + 4)) for c in range(5)] for r in range(2)]
    assert middles == [[(v, v, v) for v in range(start, start + 100, 20)] for start in (60, 110)]
    assert picture.height > 2 * 12 + 4  # the strengths stand below
    with pytest.raises(LiminalError, match="1 strength or more"):
        edits.strip(model, pictures, torch.zeros(2), torch.zeros(2), ())
