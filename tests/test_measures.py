"""Measures against closed forms, slow definitions, independent libraries and sets whose answer is known by
construction.
"""

from __future__ import annotations

import gzip
import html
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn

from liminal import distances as distances_module
from liminal.distances import blocks, nearest
from liminal.errors import LiminalError
from liminal.files import data_folder
from liminal.generator import Autoencoder, Generator, Wrapped
from liminal.measures import Measure, Report, measure, subsample_interval, subsample_spread
from liminal.measures.eyes.features import fit_features
from liminal.measures.eyes.pca import fit_pca
from liminal.measures.report.dimension_cards import Card, named
from liminal.measures.report.glossary import GROUPS, WORDS, words
from liminal.measures.report.mixtures import in_detail
from liminal.measures.report.report import show
from liminal.measures.report.verdict import MEAN, verdict
from liminal.measures.samples.coverage import prdc, prdc_statistic
from liminal.measures.samples.fidelity import frechet, frechet_gaussians
from liminal.measures.structure.neighbourhoods import (
    active_units,
    knn_accuracy,
    majority,
    rate,
    trustworthiness,
    vote,
)
from liminal.modalities.filters import RandomFilters
from liminal.modalities.image import Image
from liminal.modalities.likelihoods import explained
from liminal.modalities.similarity import mse, psnr, ssim
from liminal.ops.support import fit_support
from liminal.ops.ways.noise_mixing import Mixer
from liminal.priors import Gaussian, Normal, Posterior


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32))


def fashion(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The first n training and n test pictures of Fashion-MNIST (n, 28, 28, 1), with their labels."""
    folder = data_folder()
    if folder is None or not (folder / "fashion_mnist").is_dir():
        pytest.skip("LIMINAL_DATA names no folder with fashion_mnist")

    def read(name: str, head: int, size: int) -> np.ndarray:
        with gzip.open(folder / "fashion_mnist" / name) as file:
            return np.frombuffer(file.read(head + n * size)[head:], np.uint8).copy()

    out = []
    for part in ("train", "t10k"):
        out += [
            read(f"{part}-images-idx3-ubyte.gz", 16, 784).reshape(n, 28, 28, 1),
            read(f"{part}-labels-idx1-ubyte.gz", 8, 1),
        ]
    return out[0], out[1], out[2], out[3]


# -- intervals


def test_interval_of_a_mean_agrees_with_the_formula() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, 400)
    for fraction in (0.3, 0.5, 0.8):
        error = subsample_spread(lambda rows: x[rows].mean(), (400,), rng, 2000, fraction)
        assert float(error) == pytest.approx(x.std(ddof=1) / 20, rel=0.06)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(300):
        x = rng.exponential(1.0, 200)
        _, (low, high) = subsample_interval(lambda rows, x=x: float(x[rows].mean()), (200,), rng, 40)
        inside += low <= 1.0 <= high
    assert 0.90 <= inside / 300 <= 0.985


def test_interval_of_two_samples_stays_in_bounds_and_uses_every_row_once() -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def statistic(a: np.ndarray, b: np.ndarray) -> float:
        seen.append((a, b))
        return 0.99

    value, interval = subsample_interval(statistic, (10, 21), np.random.default_rng(0), 5, bounds=(0, 1))
    assert (value, interval) == (0.99, (0.99, 0.99))
    assert [len(a) for a, _ in seen] == [10, 5, 5, 5, 5, 5]
    assert all(len(np.unique(b)) == len(b) for _, b in seen)
    with pytest.raises(LiminalError, match="samples of 4 or more"):
        subsample_spread(statistic, (3, 9), np.random.default_rng(0))


# -- distances


def test_blocks_give_exact_distances_in_bounded_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances_module, "BLOCK", 64)
    a, b = normal(37, 5, 0) + 100, normal(23, 5, 1) + 100
    pieces = list(blocks(a, b))
    assert len(pieces) > 10
    assert all(t.numel() <= 64 for _, t in pieces)
    table = torch.cat([t for _, t in pieces])
    assert torch.allclose(table, torch.cdist(a.double(), b.double()).square(), atol=1e-9)
    distance, rows = nearest(a, a, 4)
    slow = torch.cdist(a.double(), a.double()).fill_diagonal_(math.inf).topk(4, largest=False)
    assert torch.allclose(distance, slow.values)
    assert torch.equal(rows, slow.indices)
    wide = normal(20, 300, 2)
    assert torch.allclose(
        torch.cat([t for _, t in blocks(wide[:7], wide)]), torch.cdist(wide[:7], wide).square(), atol=1e-2
    )
    with pytest.raises(LiminalError, match="use more items"):
        nearest(a, a, 37)


# -- precision, recall, density, coverage


def slow_prdc(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float, float, float]:
    """The published definitions, with whole tables of distances."""
    table = lambda a, b: np.sqrt(np.square(a[:, None].astype(np.float64) - b[None]).sum(-1))
    real_radii = np.sort(table(real, real), axis=1)[:, k]
    fake_radii = np.sort(table(fake, fake), axis=1)[:, k]
    d = table(real, fake)
    return (
        float((d < real_radii[:, None]).any(0).mean()),
        float((d < fake_radii[None]).any(1).mean()),
        float((d < real_radii[:, None]).sum(0).mean() / k),
        float((d.min(1) < real_radii).mean()),
    )


@settings(deadline=None, max_examples=25)
@given(
    st.integers(7, 60),
    st.integers(7, 60),
    st.integers(1, 6),
    st.integers(1, 5),
    st.floats(0, 3),
    st.integers(0, 10**6),
)
def test_prdc_is_that_of_the_definitions(n: int, m: int, d: int, k: int, shift: float, seed: int) -> None:
    real, fake = normal(n, d, seed), normal(m, d, seed + 1) + shift
    got = prdc(real, fake, k)
    wanted = slow_prdc(real.numpy(), fake.numpy(), k)
    assert (got.precision, got.recall, got.density, got.coverage) == pytest.approx(wanted, abs=1e-12)


def test_prdc_with_copies_and_a_collapsed_generator() -> None:
    real = normal(40, 3, 0)
    twice = torch.cat([real, real])
    same = slow_prdc(twice.numpy(), real.numpy(), 1)
    got = prdc(twice, real, 1)
    assert (got.precision, got.recall, got.density, got.coverage) == same
    assert got.coverage == 0  # every real ball has radius 0, and nothing is strictly inside
    one = prdc(real, real[:1].expand(40, 3), 5)
    assert one.recall == 0
    assert one.precision == 1
    assert one.coverage < 0.4


def test_prdc_refuses_what_has_no_answer() -> None:
    a = normal(20, 3, 0)
    with pytest.raises(LiminalError, match="more than k"):
        prdc(a[:5], a, 5)
    with pytest.raises(LiminalError, match="more than k"):
        prdc(a, a[:5], 5)
    with pytest.raises(LiminalError, match="all real items have the same features"):
        prdc(torch.ones(20, 3), a, 5)
    with pytest.raises(LiminalError, match="use one feature map"):
        prdc(a, a[:, :2], 5)
    with pytest.raises(LiminalError, match="finite"):
        prdc(a, a * math.nan, 5)


def test_missing_modes_lower_recall_and_coverage_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    centres = torch.from_numpy(rng.normal(0, 12, (8, 6)).astype(np.float32))

    def draw(modes: int, seed: int) -> Tensor:
        return normal(800, 6, seed) + centres[torch.arange(800) % modes]

    real, whole, half, noise = draw(8, 1), draw(8, 2), draw(4, 3), normal(800, 6, 4) * 12
    good, dropped, bad = prdc(real, whole), prdc(real, half), prdc(real, noise)
    assert min(good.precision, good.recall, good.density, good.coverage) > 0.85
    assert dropped.recall < 0.55
    assert dropped.coverage < 0.55
    assert dropped.precision > good.precision - 0.05
    assert dropped.density > good.density - 0.1
    assert bad.precision < 0.1
    assert bad.density < 0.05
    assert bad.coverage < 0.1
    assert frechet(real, whole) < frechet(real, half) / 10
    errors = subsample_spread(prdc_statistic(real, half), (800, 800), np.random.default_rng(0), 6)
    assert errors.shape == (4,)
    assert (errors < 0.1).all()


# -- Frechet distance


def test_frechet_of_known_gaussians() -> None:
    a, b = torch.tensor([1.0, 4.0], dtype=torch.float64), torch.tensor([9.0, 0.0], dtype=torch.float64)
    m = torch.tensor([3.0, 4.0], dtype=torch.float64)
    # commuting covariances: |m|^2 + sum (sqrt a - sqrt b)^2 = 25 + 4 + 4, the second one singular
    assert frechet_gaussians(m, a.diag(), torch.zeros(2, dtype=torch.float64), b.diag()) == pytest.approx(
        33.0
    )
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    turned = [turn @ s.diag() @ turn.T for s in (a, b)]
    assert frechet_gaussians(turn @ m, turned[0], 0 * m, turned[1]) == pytest.approx(33.0)


def test_frechet_of_covariances_that_do_not_commute() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(0)
    s1, s2 = (a @ a.T for a in rng.normal(size=(2, 5, 5)))
    zero = torch.zeros(5, dtype=torch.float64)
    wanted = np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert frechet_gaussians(zero, torch.from_numpy(s1), zero, torch.from_numpy(s2)) == pytest.approx(
        wanted, rel=1e-6
    )


def test_frechet_of_samples() -> None:
    x = normal(500, 4, 0)
    assert frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet(x, x + 2) == pytest.approx(16, rel=1e-5)
    assert frechet(normal(20_000, 4, 1), 3 * normal(20_000, 4, 2)) == pytest.approx(16, rel=0.03)
    assert frechet(x[:3], x[3:6]) >= 0  # fewer items than features: singular, still defined
    with pytest.raises(LiminalError, match="n >= 2"):
        frechet(x[:1], x)


# -- reconstruction


def slow_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """One channel, window by window, as the paper writes it."""
    size = min(11, min(x.shape) - 1 + min(x.shape) % 2)
    at = np.arange(size) - size // 2
    w = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
    w /= w.sum()
    scores = []
    for i in range(x.shape[0] - size + 1):
        for j in range(x.shape[1] - size + 1):
            a, b = x[i : i + size, j : j + size], y[i : i + size, j : j + size]
            ma, mb = (w * a).sum(), (w * b).sum()
            va, vb, vab = (
                (w * (a - ma) ** 2).sum(),
                (w * (b - mb) ** 2).sum(),
                (w * (a - ma) * (b - mb)).sum(),
            )
            c1, c2 = 0.01**2, 0.03**2
            scores.append((2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(scores))


@pytest.mark.parametrize("size", [9, 16])
def test_ssim_is_that_of_the_paper(size: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((2, 3, size, size)).astype(np.float32)
    y = np.clip(x + rng.normal(0, 0.2, x.shape), 0, 1).astype(np.float32)
    got = ssim(torch.from_numpy(x), torch.from_numpy(y))
    wanted = [
        np.mean([slow_ssim(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(p, q, strict=True)])
        for p, q in zip(x, y, strict=True)
    ]
    assert got.numpy() == pytest.approx(np.array(wanted), abs=1e-5)
    assert ssim(torch.from_numpy(x), torch.from_numpy(x)).numpy() == pytest.approx(1)


def test_known_errors() -> None:
    x = torch.zeros(2, 1, 8, 8)
    y = torch.stack([x[0], x[0] + 0.1])
    assert mse(x, y).numpy() == pytest.approx([0, 0.01])
    assert psnr(x, y).numpy() == pytest.approx([100, 20], abs=1e-4)
    # two flat pictures: only the luminance term is left
    assert float(ssim(x[1:], y[1:])[0]) == pytest.approx(0.01**2 / (0.1**2 + 0.01**2), rel=1e-4)
    with pytest.raises(LiminalError, match="one shape"):
        mse(x, y[:1])


# -- PCA and features


def test_pca_agrees_with_the_exact_one_and_needs_only_pieces() -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((600, 60)) * np.geomspace(3, 0.05, 60)) @ np.linalg.qr(
        rng.standard_normal((60, 60))
    )[0] + 5
    x = x.astype(np.float32)
    exact = PCA(10, svd_solver="full").fit(x)
    fitted = fit_pca(lambda: iter([torch.from_numpy(x[:100]), torch.from_numpy(x[100:])]), 10)
    t = torch.from_numpy(x)
    error = (fitted.decode(fitted.encode(t)) - t).square().mean()
    assert float(error) == pytest.approx(
        float(np.square(exact.inverse_transform(exact.transform(x)) - x).mean()), rel=1e-4
    )
    assert fitted.variances.numpy() == pytest.approx(exact.explained_variance_, rel=1e-3)
    assert fitted.sample(20_000, rng).var(0).numpy() == pytest.approx(fitted.variances.numpy(), rel=0.1)
    few = fit_pca(lambda: iter([t[:5]]), 10)
    assert few.axes.shape == (4, 60)
    assert (few.decode(few.encode(t[:5])) - t[:5]).abs().max() < 1e-3
    with pytest.raises(LiminalError, match="2 items"):
        fit_pca(lambda: iter([t[:1]]), 3)


def test_random_filters_are_the_same_on_every_machine() -> None:
    first, second = RandomFilters(1).weights[0]
    assert first.shape == (24, 1, 5, 5)
    assert second.shape == (32, 48, 3, 3)
    assert first.sum((1, 2, 3)).abs().max() < 1e-5  # blind to brightness
    assert first.flatten(1).norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    rng = np.random.Generator(np.random.PCG64(20_240_501))
    w = rng.standard_normal((24, 1, 25))[0, 0]
    assert first[0, 0].flatten()[:3].numpy() == pytest.approx(
        ((w - w.mean()) / np.linalg.norm(w - w.mean()))[:3], rel=1e-4
    )


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 48), (4, 8, 8), (3, 128, 128), (20,), (5, 7)])
def test_features_of_any_shape_are_white_and_do_not_depend_on_the_batch(shape: tuple[int, ...]) -> None:
    x = torch.from_numpy(np.random.default_rng(0).random((120, *shape)).astype(np.float32))
    first = RandomFilters(shape[0]) if len(shape) == 3 else lambda y: y.flatten(1)
    feature_map = fit_features(lambda: iter([x[:50], x[50:]]), first)
    f = feature_map(x)
    assert f.shape == (120, feature_map.dim)
    assert feature_map.dim == min(64, math.prod(shape))
    assert f.mean(0).abs().max() < 1e-2
    assert f.var(0).numpy() == pytest.approx(1, rel=0.05)
    assert torch.allclose(feature_map(x[7:9]), f[7:9], atol=1e-3)
    assert feature_map(x[:0]).shape == (0, feature_map.dim)


def test_features_of_items_that_hardly_vary() -> None:
    x = torch.rand(30, 1, 1, 1, generator=torch.Generator().manual_seed(0)).expand(30, 1, 12, 12)
    feature_map = fit_features(lambda: iter([x]), RandomFilters(1))
    assert torch.isfinite(feature_map(x)).all()


def test_on_real_pictures_the_measures_see_what_people_see() -> None:
    train, labels, test, test_labels = fashion(2400)
    to = lambda items: torch.from_numpy(items.copy()).permute(0, 3, 1, 2).float() / 255
    feature_map = fit_features(lambda: iter([to(train[:1200])]), RandomFilters(1))
    real, other = to(test[:1200]), to(test[1200:])
    rng = torch.Generator().manual_seed(0)
    few_classes = to(train)[torch.from_numpy(labels) < 5][:1200]
    noisy = (other + 0.2 * torch.randn(other.shape, generator=rng)).clamp(0, 1)
    f = {
        name: feature_map(x)
        for name, x in {
            "real": real,
            "other": other,
            "few": few_classes,
            "noisy": noisy,
            "grey": torch.rand(other.shape),
        }.items()
    }
    scores = {name: prdc(f["real"], f[name]) for name in ("other", "few", "noisy", "grey")}
    assert scores["other"].coverage > 0.93
    assert 0.9 < scores["other"].density < 1.1
    assert scores["few"].precision > scores["other"].precision - 0.05
    assert scores["few"].density > scores["other"].density - 0.1
    assert scores["few"].coverage < 0.7
    assert scores["few"].recall < scores["other"].recall - 0.1
    assert scores["noisy"].density < 0.6
    assert scores["grey"].coverage < 0.05
    distance = {name: frechet(f["real"], f[name]) for name in scores}
    assert distance["other"] < min(distance["few"], distance["noisy"]) / 4
    assert max(distance["few"], distance["noisy"]) < distance["grey"]
    right = knn_accuracy(feature_map(to(train)), labels.tolist(), f["real"], test_labels[:1200].tolist())
    assert right.mean() > 0.76


# -- structure


def test_knn_accuracy_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x, q = rng.normal(size=(300, 4)), rng.normal(size=(80, 4))
    label = lambda v: [("a" if r[0] > 0.4 else "b") for r in v]
    got = knn_accuracy(torch.from_numpy(x), label(x), torch.from_numpy(q), label(q), 9)
    wanted = KNeighborsClassifier(9).fit(x, label(x)).predict(q) == np.array(label(q))
    assert (got == wanted).all()
    assert majority(["a", "b", "b", None], ["b", None, "a", "a"]) == pytest.approx(1 / 3)


def test_knn_accuracy_leaves_out_the_unknown_and_breaks_ties_by_nearness() -> None:
    index = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    assert knn_accuracy(
        index, ["a", None, "b", "b"], torch.tensor([[0.1], [9.0]]), ["a", None], 2
    ).tolist() == [True]
    assert vote(np.array([[0, 1], [1, 0]]), ["a", "b"], ["a", "a"]).tolist() == [True, False]
    assert not knn_accuracy(index, ["a"] * 4, index[:2], ["never seen", "a"], 2)[0]
    with pytest.raises(LiminalError, match="there are 2 items"):
        knn_accuracy(index, ["a", None, None, "b"], index, ["a"] * 4, 3)
    with pytest.raises(LiminalError, match="wanted one each"):
        knn_accuracy(index, ["a"], index, ["a"] * 4, 3)


@pytest.mark.parametrize("k", [3, 10])
def test_trustworthiness_is_that_of_scikit_learn(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances_module, "BLOCK", 1000)
    x = normal(200, 12, 0)
    for z in (x[:, :2].clone(), normal(200, 2, 1), x * 2):
        assert trustworthiness(x, z, k) == pytest.approx(
            sklearn_trustworthiness(x.numpy(), z.numpy(), n_neighbors=k), abs=1e-9
        )
    with pytest.raises(LiminalError, match="k below half"):
        trustworthiness(x[:20], x[:20], 10)


def test_active_units_and_rate() -> None:
    z = normal(1000, 4, 0) * torch.tensor([1.0, 0.05, 0.2, 0.0])
    assert active_units(z) == 2
    q = Gaussian(torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.zeros(2, 2))
    found = rate(q.kl())
    assert found.nats == pytest.approx(2.5)
    assert found.bits == pytest.approx(2.5 / math.log(2))
    assert found.dimensions == pytest.approx([2.5, 0])


# -- all together


class Linear(Autoencoder):
    """PCA as a variational autoencoder: the encoder turns and scales, the posterior has one small
    variance.
    """

    name = "linear"

    def __init__(self, x: Tensor, dim: int, noise: float = 0.1) -> None:
        super().__init__()
        self.shape, self.prior, self.noise = tuple(x.shape[1:]), Normal(dim), noise
        self.pca = fit_pca(lambda: iter([x.flatten(1)]), dim)
        self.anchor = nn.Parameter(torch.zeros(1))

    def config(self) -> dict[str, object]:
        return {}

    def posterior(self, x: Tensor) -> Posterior:
        mean = self.pca.encode(x.flatten(1)) / self.pca.variances.sqrt()
        return Gaussian(mean, torch.full_like(mean, 2 * math.log(self.noise)))

    def decode_soft(self, z: Tensor) -> Tensor:
        return self.pca.decode(z * self.pca.variances.sqrt()).view(-1, *self.shape).clamp(0, 1)


MODALITY = Image(16, 16, 1)


def blobs(n: int, seed: int) -> tuple[np.ndarray, pa.Table]:
    """Pictures of one bright spot; its side is known."""
    rng = np.random.default_rng(seed)
    at, size = rng.uniform(4, 12, (n, 2)), rng.uniform(1.5, 3, n)
    y, x = np.mgrid[:16, :16]
    value = np.exp(
        -((x - at[:, :1, None]) ** 2 + (y - at[:, 1:, None]) ** 2) / (2 * size[:, None, None] ** 2)
    )
    side = pa.array(["left" if v < 8 else "right" for v in at[:, 0]])
    low = pa.array([None if i % 5 == 0 else bool(v > 8) for i, v in enumerate(at[:, 1])])
    return (255 * value).round().astype(np.uint8)[..., None], pa.table(
        {"side": side, "low": low, "size": size}
    )


@pytest.fixture(scope="module")
def surveyed() -> Report:
    (train, known), (held, asked) = blobs(600, 0), blobs(240, 1)
    steps: list[float] = []
    report = measure(
        Linear(MODALITY.tensor(train), 6),
        MODALITY,
        train,
        held,
        attributes=(known, asked),
        rounds=6,
        full=False,
        progress=lambda phase, done, text: steps.append(done),
    )
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    return report


def test_survey_of_a_space_whose_answers_are_known(surveyed: Report) -> None:
    r = surveyed
    assert [
        m.name for m in r.measures if words(m.name)[0] != "meaning" and not m.name.endswith(".normalised")
    ] == [
        *(
            "mse",
            "psnr",
            "ssim",
            "frechet",
            "precision",
            "recall",
            "density",
            "coverage",
            "kid",
            "vendi",
            "told_apart",
        ),
        *("authenticity", "nearer", "modes_found", "modes_shift"),
        *(
            "knn_accuracy.side",
            "purity.side",
            "knn_accuracy.low",
            "purity.low",
            "trustworthiness",
            "continuity",
        ),
        *("active_units", "principal_axes", "intrinsic_dimension", "enough_dimensions"),
        *("condition_number", "volume_spread", "path_length", "path_detour", "geodesic_ratio"),
        *("mig", "infom", "infoc", "explicitness", "infoe", "factorvae"),
        *("dci_disentanglement", "dci_completeness", "dci_informativeness"),
        *("compression", "kl", "code_bits", "collapsed", "effective_dimensions"),
    ]
    for m in r.measures:
        assert math.isfinite(m.value)
        assert m.interval is None or m.interval[0] <= m.value <= m.interval[1]
    # the model is PCA: it ties with its own baseline, as a code and as a generator
    for name in ("mse", "psnr", "ssim"):
        assert r[name].value == pytest.approx(r[name].baseline["PCA, 6 dimensions"], rel=2e-3)
    assert (
        r["trustworthiness"].baseline["PCA, 6 dimensions"]
        > r["trustworthiness"].baseline["PCA, 2 dimensions"]
    )
    assert r["coverage"].value == pytest.approx(r["coverage"].baseline["PCA as a generator"], abs=0.1)
    assert r["coverage"].baseline["real items"] > 0.9
    assert r["frechet"].baseline["real items"] < r["frechet"].value
    assert r["knn_accuracy.side"].value > 0.85
    assert r["knn_accuracy.side"].baseline["commonest label"] < 0.65
    assert r["active_units"].value == 6
    assert r["compression"].value == pytest.approx(16 * 16 * 8 / (6 * 32))
    # KL of N(mean, 0.1^2) with means of variance 1 over training items: (1 + 0.01 - 1 - ln 0.01) / 2 a
    # dimension
    assert r["kl"].value == pytest.approx(6 * 0.5 * (0.01 - math.log(0.01)), rel=0.03)
    assert r["code_bits"].value == pytest.approx(r["kl"].value / math.log(2))
    assert sum(r.kl_per_dimension) == pytest.approx(r["kl"].value)
    # a linear decoder: straight ways are shortest, and a step in standard deviations changes most along the
    # largest component
    assert r["geodesic_ratio"].value == pytest.approx(1, abs=0.03)
    assert r["principal_axes"].value == 6
    assert r["enough_dimensions"].value <= 6
    assert r["collapsed"].value == 0
    assert 1 < r["effective_dimensions"].value <= 6
    assert r["modes_found"].value == pytest.approx(r["modes_found"].baseline["PCA as a generator"], abs=0.2)
    assert r["told_apart"].baseline["real items"] < 0.65
    assert r["authenticity"].value > r["authenticity"].baseline["real items"] - 0.15
    assert r.facts["samples"] == 240
    assert "coverage" in r
    assert "nothing" not in r
    assert {f[:4] for f in r.figures.values()} == {b"\x89PNG"}
    assert set(r.figures) == {"reconstructions", "samples", "real", "ways", "controls"}


def test_survey_repeats_itself(surveyed: Report) -> None:
    (train, known), (held, asked) = blobs(600, 0), blobs(240, 1)
    x, y = MODALITY.tensor(train), MODALITY.tensor(held)
    model = Linear(x, 6)
    again = measure(
        model, MODALITY, train, held, attributes=(known, asked), rounds=6, full=False,
        train_z=model.encode(x), held_z=model.encode(y), samples=lambda n, seed: normal(n, 6, seed + 9),
    )  # fmt: skip
    drawn = {
        "frechet",
        "precision",
        "recall",
        "density",
        "coverage",
        "kid",
        "vendi",
        "told_apart",
        "authenticity",
        "nearer",
    }
    for m in again.measures:
        if m.name not in drawn | {"modes_found", "modes_shift"}:
            assert m.value == pytest.approx(surveyed[m.name].value, rel=1e-3, abs=1e-6)
    assert again["coverage"].value != surveyed["coverage"].value


def test_collapsed_samples_are_found_out() -> None:
    (train, _), (held, _) = blobs(400, 0), blobs(200, 1)
    model = Linear(MODALITY.tensor(train), 6)
    z = model.encode(MODALITY.tensor(train[:1])).expand(200, 6)
    report = measure(model, MODALITY, train, held, samples=z, rounds=4, full=False)
    assert report["recall"].value == 0
    assert report["coverage"].value < 0.2
    assert report["precision"].value in (0, 1)
    assert any("no attributes" in note for note in report.notes)
    assert not any("Few items" in note for note in report.notes)
    few = measure(model, MODALITY, train, held[:60], samples=z, rounds=4, full=False)
    assert any("only 60 held-out" in note for note in few.notes)


def test_survey_of_a_decoder_alone_and_of_a_deterministic_encoder() -> None:
    (train, _), (held, _) = blobs(300, 0), blobs(120, 1)
    inner = Linear(MODALITY.tensor(train), 4)
    only = measure(Wrapped(inner.decode_soft, None, Normal(4)), MODALITY, train, held, rounds=4, full=False)
    assert [m.name for m in only.measures] == [
        *(
            "frechet",
            "precision",
            "recall",
            "density",
            "coverage",
            "kid",
            "vendi",
            "told_apart",
            "authenticity",
            "nearer",
        ),
        *(
            "modes_found",
            "modes_shift",
            "condition_number",
            "volume_spread",
            "path_length",
            "path_detour",
            "geodesic_ratio",
        ),
        "compression",
    ]
    assert any("without an encoder" in note for note in only.notes)
    both = measure(
        Wrapped(inner.decode_soft, lambda x: inner.posterior(x).mean, Normal(4)),
        MODALITY,
        train,
        held,
        rounds=4,
        full=False,
    )
    assert "mse" in both
    assert "kl" not in both
    assert any("deterministic" in note for note in both.notes)
    assert isinstance(inner, Generator)


def test_survey_refuses_what_does_not_fit() -> None:
    (train, known), (held, _) = blobs(60, 0), blobs(40, 1)
    model = Linear(MODALITY.tensor(train), 3)
    with pytest.raises(LiminalError, match="5 held-out items; wanted 20"):
        measure(model, MODALITY, train, held[:5])
    with pytest.raises(LiminalError, match="60 training items but latents"):
        measure(model, MODALITY, train, held, train_z=torch.zeros(59, 3))
    with pytest.raises(LiminalError, match="rows of attributes"):
        measure(model, MODALITY, train, held, attributes=(known, known))
    with pytest.raises(LiminalError, match="samples are latents of shape"):
        measure(model, MODALITY, train, held, samples=torch.zeros(40, 2))


# -- the report


def test_report_as_json_table_and_page(surveyed: Report, tmp_path: Path) -> None:
    surveyed.save(tmp_path / "r.json")
    told = json.loads((tmp_path / "r.json").read_text())
    assert [m["name"] for m in told["measures"]] == [m.name for m in surveyed.measures]
    assert told["measures"][0]["interval"][0] < told["measures"][0]["value"]
    assert told["facts"]["dim"] == 6
    rows = surveyed.table()
    assert len(rows) == sum(not in_detail(m.name) for m in surveyed.measures)
    assert all(len(row) == 5 and all(isinstance(cell, str) for cell in row) for row in rows)
    surveyed.save(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "Neighbours agree on “side”" in page
    assert page.count("data:image/png;base64,") == 5 + 6
    shown = [m for m in surveyed.measures if not m.name.endswith(".normalised") and not in_detail(m.name)]
    assert page.count('class="meter"') == sum(bool(m.baseline) for m in shown)
    assert (
        page.count("Chance taken off") == sum(m.name.endswith(".normalised") for m in surveyed.measures) == 9
    )
    assert len(surveyed.meaning.split("\n\n")) > 3
    assert all(html.escape(part) in page for part in surveyed.meaning.split("\n\n"))
    assert in_detail("betweenness.size")
    assert not in_detail("betweenness")
    assert not in_detail("knn_accuracy.side")
    with pytest.raises(LiminalError, match=r"\.html \(a page\) or \.json"):
        surveyed.save(tmp_path / "r.pdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_a_verdict_says_first_that_nothing_was_learned(surveyed: Report) -> None:
    first = lambda value: verdict(
        [
            Measure(
                "mse",
                value,
                interval=None,
                unit="",
                better="lower",
                baseline={"PCA, 2 dimensions": 0.1, MEAN: 0.2},
            )
        ]
    )[0]
    for value in (0.2, 0.199, 0.5):
        assert "not learned" in first(value)
    assert "not learned" not in first(0.19)
    assert 0 < surveyed["mse"].value < surveyed["mse"].baseline[MEAN]
    assert "not learned" not in " ".join(surveyed.verdict())


def test_explained_is_one_for_copies_and_nothing_for_the_mean() -> None:
    x = torch.randn(200, 3, 4, generator=torch.Generator().manual_seed(0))
    assert explained(x, x, x.mean(0)) == 1
    assert explained(x, x.mean(0).expand_as(x), x.mean(0)) == pytest.approx(0, abs=1e-6)
    assert explained(x, x + 0.5, x.mean(0)) == pytest.approx(
        1 - 0.25 / float(x.var(0, correction=0).mean()), abs=1e-4
    )
    assert explained(x, -x, x.mean(0)) < 0
    assert math.isnan(explained(x[:1], x[:1], x[0]))


def test_a_baseline_that_keeps_everything_is_no_yardstick() -> None:
    beside = {"the mean item": 2.0, "PCA with 16": 1e-13}
    (said,) = verdict([Measure("mse", 0.5, interval=(0.4, 0.6), better="lower", baseline=beside)])
    assert "25 % of the mean" in said
    assert "keeps everything" in said
    assert "more error" not in said


def test_a_verdict_says_what_intervals_allow(surveyed: Report) -> None:
    said = surveyed.verdict()
    assert [line.partition(":")[0] for line in said] == ["Restoring", "Sampling", "Mixing"]
    assert surveyed.to_dict()["verdict"] == said
    assert all(html.escape(line) in surveyed.page() for line in said)
    pca = {"PCA, 6 dimensions": 0.02}
    told = {
        value: verdict(
            [
                Measure(
                    "mse",
                    value,
                    interval=(value - 0.001, value + 0.001),
                    unit="",
                    better="lower",
                    baseline=pca,
                )
            ]
        )[0]
        for value in (0.01, 0.0195, 0.03)
    }
    assert "50 % less error than by PCA" in told[0.01]
    assert "about the same error as by PCA" in told[0.0195]
    assert "50 % more error than by PCA" in told[0.03]
    beside = {"blend": 0.6, "a random real item": 0.4}
    assert verdict(
        [Measure("betweenness", 0.7, interval=(0.65, 0.75), unit="", better="higher", baseline=beside)]
    )[0].endswith("So mixtures mean something.")
    assert verdict(
        [Measure("betweenness", 0.62, interval=(0.58, 0.66), unit="", better="higher", baseline=beside)]
    )[0].endswith("no more than something simpler reaches.")
    assert verdict([Measure("told_apart", 0.51, interval=(0.48, 0.54), unit="", better="lower")])[0].endswith(
        "They look real to it."
    )
    assert (
        verdict(
            [
                Measure("betweenness", math.nan, interval=None, unit="", better="higher", baseline=beside),
                Measure("mse", 0.1),
            ]
        )
        == []
    )


def test_a_dimension_says_in_words_what_its_numbers_say() -> None:
    effects = {"brightness": 0.2, "label=Bag": -0.8, "label=Boot": 0.5, "eye_size": -0.3, "contrast": 0.01}
    card = Card(
        dimension=3,
        use=1.5,
        unit="nats",
        strongest="label=Bag",
        effects=effects,
        leakage=0.17,
        steps=MODALITY.steps,
    )
    assert card.words() == "Mostly less label “Bag”; also eye size down and brighter."
    steps = "label “Bag” -0.80, eye size -0.30, brightness +0.20"
    assert card.numbers() == f"1.50 nats. SD a step: {steps}. Leakage 0.17 SD (mean over 3 other readings)."
    assert (
        replace(card, strongest="contrast", effects={"contrast": 0.01}).words()
        == "No attribute changes with it."
    )
    assert replace(card, strongest=None, effects={}).text() == "1.50 nats."


def test_dimensions_that_move_the_same_have_names_of_their_own() -> None:
    """By what else they move and which way; by number only where that is the same too, or is nothing."""

    def card(dimension: int, **effects: float) -> Card:
        most = max(effects, key=lambda name: abs(effects[name]), default=None)
        return Card(dimension=dimension, use=1.0, unit="", strongest=most, effects=effects, leakage=0.0)

    cards = [
        card(4, centre_y=0.9, width=0.3),
        card(0, centre_y=-0.8, width=0.2, ink=0.05),
        card(1, centre_y=0.7, ink=-0.4, width=0.3),
        card(2, centre_y=0.7, ink=-0.4, width=-0.3),
        card(3, centre_y=0.6),
        card(5, width=0.6, **{"label=Bag": 0.5}),
        card(6, ink=0.02),
        card(7),
        card(8, tilt=0.9, ink=0.5),
        card(9, tilt=-0.9, ink=-0.5),
    ]
    assert [card.name for card in named(cards)] == [
        "centre y with width",
        "centre y against width",
        "centre y against ink with width",
        "centre y against ink against width",
        "centre y",
        "width",
        "",
        "",
        "tilt with ink (8)",
        "tilt with ink (9)",
    ]
    assert [card.name for card in named([card(2, tilt=1.0), card(1, tilt=0.5)])] == ["tilt (2)", "tilt (1)"]


def test_a_dimension_is_known_by_what_it_changes(surveyed: Report) -> None:
    uses = [card.use for card in surveyed.dimensions]
    assert [card.dimension for card in surveyed.dimensions] == np.argsort(
        -np.array(surveyed.kl_per_dimension), kind="stable"
    ).tolist()
    assert uses == sorted(uses, reverse=True)
    moves = {
        card.dimension: math.hypot(card.effects["centre_x"], card.effects["centre_y"])
        for card in surveyed.dimensions
    }
    assert max(moves, key=lambda j: moves[j]) in (
        0,
        1,
    )  # the first two components of a moving spot are its place
    assert max(moves.values()) > 0.5
    for card in surveyed.dimensions:
        assert card.effects[card.strongest] == max(
            card.effects.values(), key=abs
        )  # no reader: all readings are alike
        others = [abs(v) for name, v in card.effects.items() if name != card.strongest]
        assert card.leakage == pytest.approx(np.mean(others))
        assert card.png[:4] == b"\x89PNG"
    told = json.loads(json.dumps(surveyed.to_dict(), allow_nan=False))["dimensions"]
    assert [d["strongest"] for d in told] == [card.strongest for card in surveyed.dimensions]
    assert "nats" in surveyed.dimensions[0].text()


def test_support_is_held_against_what_points_decode_to() -> None:
    (train, known), (held, asked) = blobs(500, 0), blobs(240, 1)
    x, y = MODALITY.tensor(train), MODALITY.tensor(held)
    model = Linear(x, 6)
    support = fit_support(model.encode(x), model.encode(y))
    r = measure(
        model, MODALITY, train, held, attributes=(known, asked), rounds=4, full=False, support=support, mixer=Mixer(model.prior)  # noqa: E501
    )  # fmt: skip
    assert r["support_uniform"].value == support.evidence["ks_p"]
    assert r["support_of.stretched"].value < 0.1 < r["support_of.stretched"].baseline["real items"]
    assert r["support_of.shuffled"].value < r["support_of.within"].value
    auroc = r["support_auroc"]
    assert auroc.interval is not None
    assert auroc.interval[0] > 0.5
    assert auroc.baseline["guessing"] == 0.5
    assert {words(m.name)[0] for m in r.measures} == set(GROUPS) - {"reader", "dimensions"}


def test_every_measure_has_words() -> None:
    assert {group for group, *_ in WORDS.values()} | {"reader", "dimensions"} == set(GROUPS)
    for group, title, top, meaning in WORDS.values():
        assert group in GROUPS
        assert title[0].isupper()
        assert top in (None, 1.0)
        assert meaning.endswith(".")
    assert words("reader.frechet")[:2] == ("reader", "Fréchet distance")
    assert words("mig.normalised")[1] == "Gap between dimensions (MIG), above chance"


def test_numbers_that_are_not_finite_stay_out_of_json() -> None:
    report = Report(measures=(Measure("mse", math.nan, interval=(0.0, math.inf)),))
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["measures"][0]["interval"] == [0.0, None]
    assert "not finite" in report.page()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00831, "", "0.00831"),
        (0.5, "", "0.500"),
        (16, "", "16"),
        (6272, "bits", "6,272 bits"),
        (12.25, "×", "12.2×"),
        (3e-7, "", "3.0e-07"),
        (0, "", "0"),
    ],
)
def test_numbers_are_written_for_people(value: float, unit: str, text: str) -> None:
    assert show(value, unit) == text
