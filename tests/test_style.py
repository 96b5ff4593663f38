"""Style: erasure and class Gaussians against closed forms, transfers that keep and swap what they should,
scores, bad input.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import liminal
from bench.leakage import leakage, score_transfer
from liminal import LiminalError
from liminal.generator import Wrapped
from liminal.modalities.image import Image
from liminal.ops.style.class_gaussians import align, fit_erasure, fit_gaussians, jacobians
from liminal.ops.style.style import Style, convert, fit_style, transfer
from liminal.ops.style.transfer import restyle, table
from liminal.priors import Normal

CLASSES = ("circle", "square", "star")


def rotation(d: int, seed: int) -> Tensor:
    return torch.linalg.qr(
        torch.randn(d, d, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    )[0]


def drawn(n: int = 600, d: int = 5, seed: int = 0, apart: float = 6.0) -> tuple[Tensor, list[str], Tensor]:
    """Latents of three Gaussian classes of different means and covariances, their labels and the standard
    Normal style behind each.
    """
    g = torch.Generator().manual_seed(seed)
    s = torch.randn(n, d, generator=g, dtype=torch.double)
    rows = torch.arange(n) % 3
    means = apart * torch.eye(3, d, dtype=torch.double)
    roots = torch.stack(
        [rotation(d, c) * torch.linspace(0.3, 1.5, d).double() @ rotation(d, c).T for c in range(3)]
    )
    return means[rows] + torch.einsum("nd,ndk->nk", s, roots[rows]), [CLASSES[c] for c in rows.tolist()], s


@pytest.fixture(scope="module")
def fitted() -> tuple[Style, Tensor, list[str]]:
    z, labels, _ = drawn()
    return fit_style(z, labels, name="kind"), z, labels


def number(labels: list[str]) -> Tensor:
    return torch.tensor([CLASSES.index(v) for v in labels])


# erasure


def test_erasure_leaves_no_covariance_with_the_content() -> None:
    z, labels, _ = drawn()
    rows = number(labels)
    erased = fit_erasure(z, rows)(z)
    means = torch.stack([erased[rows == c].mean(0) for c in range(3)])
    assert torch.allclose(
        means, z.mean(0).expand(3, -1), atol=1e-9
    )  # all classes have one mean: no linear reader does better than chance
    assert fit_erasure(z, rows).rank == 2  # three classes span two dimensions


def test_erasure_is_a_projection_and_the_least_change() -> None:
    """Belrose et al., theorem 4.2: orthogonal in the whitened space, so any other map that erases changes z
    more.
    """
    z, labels, _ = drawn(apart=1.0)
    z = z @ (rotation(5, 9) * torch.linspace(0.2, 3, 5).double())
    rows, erasure = number(labels), fit_erasure(z, number(labels))
    assert torch.allclose(erasure(erasure(z)), erasure(z), atol=1e-9)
    content = torch.nn.functional.one_hot(rows).double()
    basis = torch.linalg.svd((z - z.mean(0)).T @ (content - content.mean(0)))[0][:, :2]
    plain = z - (z - z.mean(0)) @ basis @ basis.T  # the orthogonal projection that erases too
    assert (plain - z).square().sum() > 1.1 * (erasure(z) - z).square().sum()
    covariance = torch.cov(z.T)
    # symmetric just where the projection is orthogonal in the metric of the inverse covariance
    half = erasure.matrix @ covariance
    assert torch.allclose(half, half.T, atol=1e-3 * float(half.abs().max()))


def test_erasure_of_an_isotropic_space_is_the_orthogonal_projection() -> None:
    """With covariance 1 and content along the first axis only, exactly that axis is taken away."""
    u = torch.randn(400, 4, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    u = torch.cat([u, -u])
    rows = (u[:, 0] > 0).long()
    told = torch.stack([rows == 0, rows == 1, u[:, 0]], 1).double()
    u[:, 1:] -= told @ torch.linalg.lstsq(told, u[:, 1:]).solution
    power, axes = torch.linalg.eigh(u[:, 1:].T @ u[:, 1:] / len(u))
    u[:, 1:] = u[:, 1:] @ (axes / power.sqrt()) @ axes.T
    wanted = torch.zeros(4, 4, dtype=torch.double)
    wanted[0, 0] = 1
    assert torch.allclose(fit_erasure(u, rows).matrix, wanted, atol=1e-8)


# class Gaussians and their rotations


def test_gaussians_of_many_items_are_those_drawn_from() -> None:
    z, labels, _ = drawn(30_000)
    found = fit_gaussians(z, number(labels), torch.ones(len(z), dtype=torch.double))
    for c in range(3):
        root = rotation(5, c) * torch.linspace(0.3, 1.5, 5).double() @ rotation(5, c).T
        assert torch.allclose(found.root[c], root, atol=0.05)
        assert torch.allclose(found.root[c] @ found.inverse[c], torch.eye(5, dtype=torch.double), atol=1e-6)


def test_gaussians_give_the_densities_of_torch() -> None:
    z, labels, _ = drawn(300)
    found = fit_gaussians(z, number(labels), torch.ones(len(z), dtype=torch.double))
    wanted = [
        torch.distributions.MultivariateNormal(m, r @ r).log_prob(z)
        for m, r in zip(found.mean, found.root, strict=True)
    ]
    gap = torch.stack(wanted, 1) - found.log_prob(z)
    assert torch.allclose(gap, gap[0, 0].expand_as(gap), atol=1e-6)


def test_a_small_class_takes_the_shape_of_all() -> None:
    """Five items in 5-d say nothing of their covariance, which alone would be singular; Ledoit-Wolf leans on
    the pooled one.
    """
    z, labels, _ = drawn(900)
    few = [i for i, v in enumerate(labels) if v != "star"] + [i for i, v in enumerate(labels) if v == "star"][
        :5
    ]
    own = z[few[-5:]]
    assert torch.linalg.eigvalsh(torch.cov(own.T))[0] < 1e-9
    found = fit_gaussians(z[few], number([labels[i] for i in few]), torch.ones(len(few), dtype=torch.double))
    assert torch.linalg.eigvalsh(found.root[2])[0] > 0.1


def test_rotations_are_found_again() -> None:
    """Maps that differ by a rotation only are brought to one."""
    common = (
        torch.randn(40, 6, generator=torch.Generator().manual_seed(0), dtype=torch.double)
        * torch.linspace(1, 3, 6).double()
    )
    true = torch.stack([rotation(6, c) for c in range(4)])
    turns, before, after = align(common @ true)
    assert before < 0.6
    assert after == pytest.approx(1, abs=1e-4)
    turned = (common @ true) @ turns.mT
    assert torch.allclose(turned, turned[0].expand_as(turned), atol=0.1)
    assert torch.allclose(turns @ turns.mT, torch.eye(6, dtype=torch.double).expand(4, -1, -1), atol=1e-9)


def test_jacobians_of_a_linear_decoder_are_exact() -> None:
    """x = A z: L_c^T L_c' = S_c^(1/2) A^T A S_c'^(1/2), up to the orthonormal map that shortens x."""
    z, labels, _ = drawn()
    found = fit_gaussians(z, number(labels), torch.ones(len(z), dtype=torch.double))
    a = torch.randn(30, 5, generator=torch.Generator().manual_seed(3), dtype=torch.double)
    maps = jacobians(found, lambda u: u.double() @ a.T, seed=0)
    for c in range(3):
        assert torch.allclose(maps[0].T @ maps[c], found.root[0] @ a.T @ a @ found.root[c], atol=1e-3)


def test_styles_are_matched_by_what_they_do_to_the_data() -> None:
    """Two classes whose decoder uses the same axes in another order: only by decoding can one know which is
    which.
    """
    g = torch.Generator().manual_seed(0)
    z = torch.randn(2000, 4, generator=g)
    kind = torch.arange(2000) % 2
    z[:, 3] = 8.0 * kind + 0.1 * z[:, 3]
    labels = ["a" if k == 0 else "b" for k in kind]

    def decode(u: Tensor) -> Tensor:
        return torch.where(u[:, 3:] < 4, u[:, :3], 1.0 * u[:, [1, 2, 0]]) * torch.tensor([3.0, 2.0, 1.0])

    a = z[kind == 0]
    plain, matched = (decode(convert(fit_style(z, labels, decode=d), a, "b")) for d in (None, decode))
    alike = [[float(np.corrcoef(x[:, i], decode(a)[:, i])[0, 1]) for i in range(3)] for x in (plain, matched)]
    assert max(alike[0]) < 0.5
    assert min(alike[1]) > 0.9


# the style code


def test_codes_are_white_and_without_content_in_every_class() -> None:
    z, labels, _ = drawn(6000)
    codes, rows = fit_style(z, labels).code(z, labels), number(labels)
    for c in range(3):
        assert torch.allclose(codes[rows == c].mean(0), torch.zeros(5, dtype=torch.double), atol=5e-3)
        assert torch.allclose(torch.cov(codes[rows == c].T), torch.eye(5, dtype=torch.double), atol=0.05)


def test_code_and_place_are_inverse(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, z, labels = fitted
    assert torch.allclose(style.place(style.code(z, labels), labels), z, atol=1e-9)
    assert torch.allclose(style.code(style.place(z, "star"), "star"), z, atol=1e-9)


def test_classes_are_predicted_where_they_lie_apart(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, _, _ = fitted
    z, labels, _ = drawn(seed=5)
    assert np.mean([a == b for a, b in zip(style.predict(z), labels, strict=True)]) > 0.98
    chances = style.chances(z)
    assert torch.allclose(chances.sum(1), torch.ones(len(z), dtype=torch.double))
    assert torch.equal(style.rows(z[:9], [None] * 9), style.chances(z[:9]).argmax(1))


def test_clear_members_make_the_class_where_classes_overlap() -> None:
    z, labels, _ = drawn(6000, apart=1.0)
    every, clear = (fit_style(z, labels, sharpness=p) for p in (0.0, 4.0))
    converted = [convert(s, z, "star", labels) for s in (every, clear)]
    star = [float(every.chances(c)[:, every.classes.index("star")].mean()) for c in converted]
    assert star[1] > star[0] + 0.05


def test_labels_that_are_unknown_are_left_out() -> None:
    z, labels, _ = drawn()
    some: list[Any] = [None if i % 4 == 0 else v for i, v in enumerate(labels)]
    some[1] = "hexagon"
    style = fit_style(z, some)
    kept = [i for i, v in enumerate(some) if v in CLASSES]
    assert style.evidence["classes"] == {c: sum(some[i] == c for i in kept) for c in CLASSES}
    assert style.left_out == {"hexagon": 1}
    assert torch.allclose(style.clear.mean, fit_style(z[kept], [labels[i] for i in kept]).clear.mean)


# transfer and conversion


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.sampled_from(["code", "erasure", "means"]))
def test_an_item_given_its_own_style_is_itself(seed: int, blend: float, how: str) -> None:
    style = STYLE
    g = torch.Generator().manual_seed(seed)
    a, b = 4 * torch.randn(3, 5, generator=g), 4 * torch.randn(3, 5, generator=g)
    assert torch.equal(transfer(style, a, a, blend, how=how), a)
    assert torch.equal(transfer(style, a, b, 0.0, how=how), a)


STYLE = fit_style(*drawn()[:2], name="kind")


def test_all_of_the_style_within_the_content_class(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, z, labels = fitted
    a, b = z[:100], z[100:200]
    moved = transfer(style, a, b, 1.0, labels[:100], labels[100:200])
    assert moved.dtype == z.dtype
    assert torch.allclose(style.code(moved, labels[:100]), style.code(b, labels[100:200]), atol=1e-6)
    assert style.predict(moved) == labels[:100]


def test_within_a_class_the_style_is_all_there_is(fitted: tuple[Style, Tensor, list[str]]) -> None:
    """Content and style item of one class: all of the style is the style item."""
    style, z, _ = fitted
    for how in ("code", "means"):
        assert torch.allclose(transfer(style, z[0], z[3], 1.0, "circle", "circle", how), z[3], atol=1e-6)


def test_blends_keep_the_distance_from_the_class_centre(fitted: tuple[Style, Tensor, list[str]]) -> None:
    """Direction and norm go separately: the middle of two styles is no more average than the two."""
    style, z, labels = fitted
    a, b = z[:300], z[300:]
    middle = style.code(transfer(style, a, b, 0.5, labels[:300], labels[300:]), labels[:300])
    ends = style.code(a, labels[:300]).norm(dim=1) + style.code(b, labels[300:]).norm(dim=1)
    assert torch.allclose(middle.norm(dim=1), ends / 2, atol=1e-6)


def test_erasure_swaps_the_erased_part(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, z, _ = fitted
    moved = transfer(style, z[0], z[1], 1.0, how="erasure")
    assert torch.allclose(style.erasure(moved), style.erasure(z[1]), atol=1e-9)
    assert torch.allclose(moved - style.erasure(moved), z[0] - style.erasure(z[0]), atol=1e-9)


def test_means_swap_the_deviation() -> None:
    z, labels, _ = drawn()
    style = fit_style(z, labels, sharpness=0)
    moved = transfer(style, z[0], z[1], 1.0, "circle", "square", "means")
    wanted = z[0::3].mean(0) + z[1] - z[1::3].mean(0)
    assert torch.allclose(moved, wanted, atol=1e-9)


def test_one_against_many(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, z, labels = fitted
    many = transfer(style, z[0], z[1:7], 1.0, "circle", labels[1:7])
    assert many.shape == (6, 5)
    single = [transfer(style, z[0], z[i], 1.0, "circle", labels[i]) for i in range(1, 7)]
    assert torch.allclose(many, torch.stack(single))
    assert single[0].shape == (5,)


def test_conversion_keeps_the_code_and_goes_back(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, z, labels = fitted
    there = convert(style, z, "star", labels)
    assert style.predict(there) == ["star"] * len(z)
    assert torch.allclose(style.code(there, "star"), style.code(z, labels), atol=1e-6)
    assert torch.allclose(convert(style, there, labels, "star"), z, atol=1e-6)
    stars = z[2::3]
    assert torch.equal(convert(style, stars, "star", "star"), stars)
    assert convert(style, z[0], "star").shape == (5,)


def test_converted_items_have_the_moments_of_their_new_class() -> None:
    z, labels, _ = drawn(6000)
    style = fit_style(z, labels, sharpness=0)
    moved = convert(style, z[0::3], "square", "circle")
    assert torch.allclose(moved.mean(0), z[1::3].mean(0), atol=0.02)
    assert torch.allclose(torch.cov(moved.T), torch.cov(z[1::3].T), atol=0.05)


# looked at


@pytest.fixture(scope="module")
def seen() -> tuple[Wrapped, Image]:
    """A decoder of 5-d latents into 2 x 4 grey pictures that show the first four of them."""

    def decode(z: Tensor) -> Tensor:
        return torch.sigmoid(z[:, :4] / 4).repeat_interleave(2, 1).reshape(-1, 1, 2, 4)

    return Wrapped(decode, None, Normal(5)), Image(2, 4, 1)


def read(x: Tensor) -> dict[str, Tensor]:
    """The content by the brightest of three patches, and one reading of the fourth."""
    patches = x.flatten(1)[:, ::2]
    return {f"kind={c}": patches[:, :3].softmax(1)[:, i] for i, c in enumerate(CLASSES)} | {
        "last": patches[:, 3]
    }


def test_a_transfer_carries_its_evidence(
    fitted: tuple[Style, Tensor, list[str]], seen: tuple[Wrapped, Image], tmp_path: Path
) -> None:
    (style, z, _), (generator, modality) = fitted, seen
    a, b = z[0].float(), z[1].float()
    near = lambda u: [(7, float((u - a).norm()))]
    found = restyle(
        generator, modality, style, a, b, 0.5, read=read, support=lambda u: u[:, 0] * 0 + 0.25, nearest=near
    )
    assert torch.equal(found.z, transfer(style, a, b, 0.5))
    assert np.array_equal(found.item, modality.items(generator.decode(found.z))[0])
    evidence = found.evidence
    assert evidence["classes"] == {"content": "circle", "style": "square"}
    assert evidence["content"]["before"]["value"] == evidence["content"]["after"]["value"] == "circle"
    assert evidence["style"]["last"]["style"] == pytest.approx(
        float(read(generator.decode(b))["last"]), abs=1e-6
    )
    assert evidence["support"] == 0.25
    assert evidence["nearest"] == [{"id": 7, "distance": found.distance}]
    assert set(evidence["content"]["after"]) == {"value", "probability"}
    found.save(tmp_path / "item.png")
    assert np.array_equal(modality.read(tmp_path / "item.png"), found.item)
    found.save(tmp_path / "strip.png", strip=True)
    with PIL.Image.open(tmp_path / "strip.png") as picture:
        assert picture.width > 3 * 64
    with pytest.raises(LiminalError, match="wanted a name that ends in"):
        found.save(tmp_path / "item.txt")


def test_a_transfer_without_readers_says_nothing_of_them(
    fitted: tuple[Style, Tensor, list[str]], seen: tuple[Wrapped, Image]
) -> None:
    (style, z, _), (generator, modality) = fitted, seen
    evidence = restyle(generator, modality, style, z[0], z[1]).evidence
    assert evidence["content"] == evidence["style"] == {}
    assert evidence["support"] is None
    assert evidence["nearest"] == []
    assert 0.9 < evidence["chances"]["content"] <= 1


def test_the_table_shows_every_pair(
    fitted: tuple[Style, Tensor, list[str]], seen: tuple[Wrapped, Image]
) -> None:
    """Two contents in three styles: four columns and three rows; at blend 0 a row repeats its content."""
    (style, z, labels), (generator, modality) = fitted, seen
    picture = table(
        generator, modality, style, z[:2].float(), z[3:6].float(), 0.0, labels[:2], labels[3:6], size=32
    )
    tile = modality.preview(modality.items(generator.decode(z[:1]))[0], 32)
    assert picture.size == (4 * (tile.width + 4) + 4, 3 * (tile.height + 4) + 4)
    pixels = np.asarray(picture)
    cell = lambda r, c: pixels[4 + r * (tile.height + 4) :, 4 + c * (tile.width + 4) :][
        : tile.height, : tile.width
    ]
    assert (cell(0, 0) == 255).all()
    for row in (1, 2):
        assert np.array_equal(
            cell(row, 0), np.asarray(modality.preview(modality.items(generator.decode(z[row - 1]))[0], 32))
        )
        for column in (1, 2, 3):
            assert np.array_equal(cell(row, column), cell(row, 0))


# scores


def test_scores_of_a_perfect_transfer_and_of_the_baselines() -> None:
    """x = (class, style): the perfect result has the class of one and the style of the other, whatever scale
    a class gives its style.
    """
    g = torch.Generator().manual_seed(0)
    a, b = (torch.stack([torch.randint(3, (900,), generator=g), 0.0 * torch.zeros(900)], 1) for _ in range(2))
    s, t = torch.randn(900, generator=g), torch.randn(900, generator=g)
    a[:, 1], b[:, 1] = 5 * a[:, 0] + (1 + a[:, 0]) * s, 5 * b[:, 0] + (1 + b[:, 0]) * t
    result = torch.stack([a[:, 0], 5 * a[:, 0] + (1 + a[:, 0]) * t], 1)
    got, content, copied = score_transfer(
        result, a, b, lambda x: x[:, 0].int(), lambda x: {"style": x[:, 1], "same": 0 * x[:, 1]}
    )
    assert (got.kept, content.kept) == (1, 1)
    assert got.moved > 0.99
    assert got.pairs == 900
    assert np.isnan(got.readings["same"])
    assert abs(content.moved) < 0.1
    assert copied.moved == pytest.approx(1)
    assert copied.kept == pytest.approx(1 / 3, abs=0.05)
    with pytest.raises(LiminalError, match="3 or more"):
        score_transfer(result[:2], a[:2], b[:2], lambda x: x[:, 0], lambda x: {})


def test_leakage_tells_linear_erasure_from_what_it_leaves() -> None:
    """Three classes of one mean but other shapes: nothing for a linear reader, everything for a network until
    the code whitens them.
    """
    z, labels, _ = drawn(3000, d=3, apart=0.0)
    z = torch.where(torch.arange(3000)[:, None] % 3 == 0, 0.1 * z, z)
    style = fit_style(z, labels, sharpness=0)
    found = leakage(style, z[:2000], labels[:2000], z[2000:], labels[2000:])
    assert found.chance == pytest.approx(1 / 3, abs=0.01)
    assert found.erased["linear"] < 0.45
    assert found.erased["mlp"] > 0.55
    assert found.erased["knn"] > 0.5
    assert max(found.code.values()) < 0.45


def test_leakage_of_fashion() -> None:
    """LEACE leaves a linear reader about chance; neighbours still read the garment."""
    space = liminal.open("fashion")
    parts = [
        space.catalogue.table(split=s, columns=["z", "label"]).slice(0, n)
        for s, n in (("train", 3000), ("held", 1000))
    ]
    z = [torch.from_numpy(np.stack(p["z"].to_pylist()).astype(np.float32)) for p in parts]
    labels = [p["label"].to_pylist() for p in parts]
    found = leakage(fit_style(z[0], labels[0], name="label"), z[0], labels[0], z[1], labels[1])
    assert found.raw["linear"] > 0.7
    assert found.erased["linear"] < 0.2
    assert found.erased["knn"] > found.erased["linear"] + 0.2
    assert found.code["linear"] < 0.5 * found.raw["linear"]


# bad input


def test_bad_input_to_the_fit() -> None:
    z, labels, _ = drawn(60)
    wrong: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: fit_style(z, ["circle"] * 60, name="kind"),
            "wanted two classes of 5 items or more in kind; got circle 60",
        ),
        (lambda: fit_style(z[:3], labels[:3]), "wanted two classes of 5 items or more"),
        (lambda: fit_style(z, [None] * 60), "got none"),
        (lambda: fit_style(z, None), "1 labels for 60 latents"),
        (lambda: fit_style(z, labels[:59]), "59 labels for 60 latents"),
        (lambda: fit_style(z[0], labels), r"wanted latents of shape \(n, d\)"),
        (lambda: fit_style(z[:0], []), "wanted latents of shape"),
        (
            lambda: fit_style(torch.where(torch.arange(60)[:, None] == 7, torch.nan, z), labels),
            "row 7 of the latents holds NaN",
        ),
        (lambda: fit_style(torch.ones(60, 5), labels), "all latents are the same"),
        (lambda: fit_style(z, labels, sharpness=-1.0), "wanted 0 or more"),
        (
            lambda: fit_style(z, labels, decode=lambda u: torch.full((len(u), 4), torch.nan)),
            "decoded data hold NaN",
        ),
    ]
    for call, message in wrong:
        with pytest.raises(LiminalError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_bad_input_to_transfers(fitted: tuple[Style, Tensor, list[str]]) -> None:
    style, z, labels = fitted
    few = fit_style(z, [*labels[:-1], "hexagon"])
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: transfer(style, z[0], z[1], 1.5), "blend 1.5; wanted a number from 0"),
        (lambda: transfer(style, z[0], z[1], how="cod"), "did you mean code"),
        (
            lambda: transfer(style, z[0], z[1], content_class="squar"),
            "unknown kind 'squar': did you mean square",
        ),
        (lambda: transfer(style, z[:3], z[:2]), "3 content items and 2 style items"),
        (lambda: transfer(style, z[0, :4], z[1]), r"wanted latents of shape \(n, 5\)"),
        (lambda: transfer(style, z[0] * torch.nan, z[1]), "NaN"),
        (lambda: convert(style, z[0], "cube"), "unknown kind 'cube'"),
        (lambda: convert(style, z[0], None), "wanted a kind to convert to"),
        (lambda: style.place(z[:2], ["star", None]), "wanted a kind for every code"),
        (lambda: convert(few, z[0], "hexagon"), "'hexagon' has only 1; wanted 5 items or more"),
        (lambda: style.code(z[:3], ["star", "star"]), "2 classes for 3 latents"),
        (lambda: leakage(style, z[:4], labels[:4], z, labels), "4 training items"),
    ]
    for call, message in wrong:
        with pytest.raises(LiminalError, match=message):
            call()


def test_dimensions_and_classes_without_variance_do_no_harm() -> None:
    """A dead dimension, and a class of copies of one item."""
    z, labels, _ = drawn()
    z = torch.cat([z, torch.zeros(len(z), 1)], 1)
    z[2::3] = z[2]
    style = fit_style(z, labels)
    moved = convert(style, z[0::3], "star", "circle")
    assert torch.isfinite(moved).all()
    assert float(moved[:, 5].abs().max()) < 0.1
    assert torch.allclose(style.place(style.code(z, labels), labels), z, atol=1e-6)
