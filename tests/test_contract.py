"""The contract over the registries: every modality, and every model with every prior on every modality.

Nothing is listed by hand.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import kinds
import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

import liminal
from liminal import registry, resolve
from liminal.errors import LiminalError
from liminal.export import onnx
from liminal.generator import Autoencoder, Trainable
from liminal.modalities import Modality, likelihoods
from liminal.models.inverted import encoded
from liminal.ops.directions import conditional
from liminal.priors import PRIORS
from liminal.space import Space
from liminal.tensors import rng
from liminal.voice import Voice

NAMES = [*registry.MODALITIES, *kinds.TOYS]


@pytest.fixture(scope="module", autouse=True)
def toys() -> Iterator[None]:
    registry.MODALITIES.update(kinds.TOYS)
    yield
    for name in kinds.TOYS:
        registry.MODALITIES.pop(name)


@cache
def kind(name: str) -> type[Modality]:
    return registry.load((registry.MODALITIES | kinds.TOYS)[name])


class Known:
    """A kind's files, its modality as inferred from them, and their items."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.path = name, kinds.FILES[name](folder)
        inside = self.path.rglob("*") if self.path.is_dir() else [self.path]
        self.files = sorted(p for p in inside if p.is_file())
        modality = kind(name).infer(self.files)
        records = [r for f in self.files for r in modality.records(f, f.name)]
        self.items = np.stack([r.item for r in records if r.item is not None])
        self.modality = modality.fitted(self.items, np.arange(len(self.items)))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory):
    made: dict[str, Known] = {}

    def of(name: str) -> Known:
        if name not in made:
            made[name] = Known(name, tmp_path_factory.mktemp(name))
        return made[name]

    return of


def test_every_registered_kind_has_data_and_a_formula() -> None:
    assert set(kinds.FILES) == set(kinds.FORMULAS) == {*registry.MODALITIES}


def asked() -> list[str]:
    """The members that CONTRIBUTING says a kind of data has, in its order."""
    page = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()
    step = re.search(r"^1\. (`modalities/NAME.py`.*?)^2\. ", page, re.MULTILINE | re.DOTALL)
    assert step is not None
    (must,) = re.findall(r"It has (.*?) A class that lacks", step[1], re.DOTALL)
    return re.findall(r"`(\w+)`", must)


def bare(*left_out: str) -> type[Modality]:
    """The toy with nothing but what CONTRIBUTING asks for, and what these members stand on."""
    own = vars(kind("strand"))
    beside = [
        name for name in own if name == "__init__" or (re.match(r"_[a-z]", name) and callable(own[name]))
    ]
    return type("Bare", (Modality,), {name: own[name] for name in {*asked(), *beside} - set(left_out)})


def test_a_kind_that_is_made_as_contributing_says_works(known, tmp_path: Path) -> None:
    path, items = known("strand").path, known("strand").items
    m = bare().infer([path])
    assert np.array_equal(np.stack([r.item for r in m.records(path, "a")]), items)
    assert torch.allclose(m.tensor(m.items(m.soft(items))).double(), m.tensor(items).double())
    m.write(items[0], tmp_path / "one.strand")
    assert np.array_equal(m.read(tmp_path / "one.strand"), items[0])
    assert set(m.errors(m.tensor(items), m.soft(items))) <= set(m.scores)
    assert m.chart(m.soft(items)).ndim == 2
    assert m.media(items[0]).type == "image/png"


@pytest.mark.parametrize("member", [name for name in asked() if name != "item_shape"])  # an instance's own
def test_a_kind_that_lacks_a_member_is_refused_when_it_is_made(member: str) -> None:
    with pytest.raises(TypeError, match=member):
        bare(member)


# -- modalities


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_is_only_seen_or_all_its_items_sound_equally_long(known, name: str) -> None:
    k = known(name)
    assert all(kind(name).holds(file) for file in k.files)
    heard = k.modality.sound(k.items[:3])
    if heard is not None:
        wave, rate = heard
        assert wave.dtype == np.float32
        assert np.abs(wave).max() <= 1
        assert len(wave) / rate == pytest.approx(
            3 * len(k.modality.sound(k.items[:1])[0]) / rate, abs=2 / rate
        )


@pytest.mark.parametrize("name", NAMES)
def test_items_come_back_from_every_form(known, name: str, tmp_path: Path) -> None:
    m, items = known(name).modality, known(name).items
    assert items.shape[1:] == m.item_shape
    assert items.dtype == m.item_dtype
    assert np.array_equal(m.unpack(m.pack(items[3])), items[3], equal_nan=items.dtype.kind == "f")
    x, y = m.tensor(items), m.soft(items)
    assert (tuple(x.shape[1:]), x.dtype) == (m.shape, m.dtype)
    assert tuple(y.shape[1:]) == m.soft_shape
    assert torch.allclose(m.tensor(m.items(y)).double(), x.double(), atol=1e-5), (
        "a perfect decoder gives the items"
    )
    assert torch.allclose(m.harden(y), y, atol=1e-5), "what is hard stays as it is"
    assert m.bits(items) > 0
    for ending in m.writes:
        m.write(items[2], tmp_path / f"one{ending}")
        assert (tmp_path / f"one{ending}").stat().st_size > 0
        if ending in m.reads:
            assert_back(m, ending, m.read(tmp_path / f"one{ending}")[None], items, [2])
    for ending in m.gathers:
        m.write_many(items[:5], tmp_path / f"many{ending}")
        found = list(m.records(tmp_path / f"many{ending}", "many"))
        assert [r.entry for r in found] == list(range(5))
        assert_back(m, ending, np.stack([r.item for r in found]), items, range(5))
        with pytest.raises(LiminalError, match="#0"):
            m.load(tmp_path / f"many{ending}", "many")
        assert np.array_equal(m.load(tmp_path / f"many{ending}", "many", 3)[0], found[3].item, equal_nan=True)
        with pytest.raises(LiminalError, match="99"):
            m.load(tmp_path / f"many{ending}", "many", 99)
    for ending in m.films:
        m.film(items[:4], tmp_path / f"film{ending}", 24)
        assert (tmp_path / f"film{ending}").stat().st_size > 0
    with pytest.raises(LiminalError):
        m.write(items[0], tmp_path / "a.nosuchending")


def assert_back(m: Modality, ending: str, found: np.ndarray, items: np.ndarray, rows: Sequence[int]) -> None:
    """What was read from a file that items[rows] were written to is these: exactly, or nearer than to any
    other."""
    if ending not in kinds.NEAR:
        assert torch.allclose(m.tensor(found), m.tensor(items[list(rows)]), atol=1e-4)
        return
    apart = torch.cdist(m.chart(m.soft(found)), m.chart(m.soft(items)))
    assert apart.argmin(1).tolist() == list(rows)


@pytest.mark.parametrize("name", NAMES)
def test_what_training_sees_is_varied_by_the_draw_alone(known, name: str) -> None:
    m, x = known(name).modality, known(name).modality.tensor(known(name).items)
    before = x.clone()
    seen = m.varied(x, rng(0))
    assert (seen.shape, seen.dtype) == (x.shape, x.dtype)
    assert torch.equal(seen, m.varied(x, rng(0)))
    assert torch.equal(x, before)
    assert torch.isfinite(m.likelihood.target(seen)).all()


@pytest.mark.parametrize("name", NAMES)
def test_mixes_are_items_between_the_two(known, name: str) -> None:
    m, x = known(name).modality, known(name).modality.tensor(known(name).items)
    a, b = x[::2][: len(x) // 2], x[1::2]
    before = a.clone()
    both = m.mixed(a, b)
    assert torch.equal(a, before)
    if both is None:
        return
    assert (both.shape, both.dtype) == (a.shape, a.dtype)
    assert torch.allclose(both, m.mixed(b, a))
    apart = lambda u, v: (m.chart(m.likelihood.target(u)) - m.chart(m.likelihood.target(v))).norm(dim=1)
    assert ((apart(both, a) <= apart(a, b)) | (apart(both, b) <= apart(a, b))).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_modality_is_told_by_its_config(known, name: str) -> None:
    m = known(name).modality
    again = type(m)(**json.loads(json.dumps(m.config())))
    assert again == m
    assert type(m).infer(known(name).files, **m.config()) == m, "a space reads more data as the first"
    assert torch.equal(again.tensor(known(name).items), m.tensor(known(name).items))
    likelihood = type(m.likelihood)(**json.loads(json.dumps(m.likelihood.config())))
    assert (likelihood.shape, likelihood.soft_shape, likelihood.dtype) == (m.shape, m.soft_shape, m.dtype)
    with pytest.raises(LiminalError, match="nosuch"):
        type(m).infer(known(name).files, nosuch=1)


@pytest.mark.parametrize("name", NAMES)
def test_eyes(known, name: str) -> None:
    """The chart tells items apart and a copy not, errors of a copy are none, soft answers have gradients."""
    m, items = known(name).modality, known(name).items
    x, y = m.tensor(items), m.soft(items)
    chart = m.chart(y)
    assert chart.ndim == 2
    assert torch.isfinite(chart).all()
    assert torch.equal(chart[:2], m.chart(y[:2])), "an item's place does not hang on its batch"
    assert (chart[0] - chart[1]).norm() > 0
    scores = m.errors(x, y)
    assert set(scores) <= set(m.scores)
    headline = next(iter(scores))
    assert m.scores[headline].better == "lower"
    assert scores[headline].shape == (len(items),)
    assert scores[headline].abs().max() < 1e-5
    assert next(iter(m.errors(x, y.roll(1, 0)).values())).mean() > 1e-3
    out = torch.randn(4, *m.soft_shape, generator=rng(0), requires_grad=True)
    soft = m.likelihood.soft(out)
    assert soft.shape == out.shape
    m.chart(soft).square().sum().backward()
    assert torch.isfinite(out.grad).all()
    assert m.items(soft).shape == (4, *m.item_shape)
    assert m.augment(y[:3], rng(1)).shape == y[:3].shape
    for read in (m.readings, m.exact):
        for value in (read(y[:5]) if read else {}).values():
            assert value.shape == (5,)
            assert torch.isfinite(value).all()
    if m.features is not None:
        assert m.features(y[:5]).shape[0] == 5
    trivial = m.trivial(items, 7, 0)
    assert trivial is None or trivial[1].shape == (7, *m.item_shape)


@pytest.mark.parametrize("name", NAMES)
def test_the_likelihood_prefers_what_is_true(known, name: str) -> None:
    """Gradient descent on nll and on distortion brings a free output to the data."""
    m, items = known(name).modality, known(name).items[:16]
    for loss in (m.likelihood.nll, m.likelihood.distortion):
        out = torch.zeros(16, *m.soft_shape, requires_grad=True)
        first = float(next(iter(m.errors(m.tensor(items), m.likelihood.soft(out).detach()).values())).mean())
        optimizer = torch.optim.Adam([out], 0.1)
        for _ in range(60):
            optimizer.zero_grad()
            loss(m.tensor(items), out).backward()
            optimizer.step()
        last = float(next(iter(m.errors(m.tensor(items), m.likelihood.soft(out).detach()).values())).mean())
        assert last < 0.5 * first


@pytest.mark.parametrize("name", NAMES)
def test_hands(known, name: str) -> None:
    m, items = known(name).modality, known(name).items
    for size in (24, 46, 320):
        picture = m.preview(items[0], size)
        assert picture.mode == "RGB"
        assert max(picture.size) <= size
    assert isinstance(m.caption(items[0]), str)
    media = m.media(items[0])
    assert media.type.count("/") == 1
    assert media.data
    if m.literal is None:
        with pytest.raises(LiminalError):
            m.parse("x")


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=200))
def test_bytes_that_are_none_are_refused_in_one_line(name: str, data: bytes) -> None:
    said = ""
    try:
        m = kind(name).infer([io.BytesIO(data)])
        found = list(m.records(io.BytesIO(data), "the file"))
    except LiminalError as error:
        said = str(error)
    else:
        assert all(r.item is None or r.item.shape == m.item_shape for r in found)
    assert "\n" not in said


# -- models on modalities


def priors(model: str) -> Iterator[str]:
    """The priors that a model can have."""
    for prior in (*PRIORS, "fitted"):
        try:
            registry.load(registry.MODELS[model])((1, 8, 8), 3, prior=prior)
        except LiminalError:
            continue
        yield prior


CASES = [
    (name, model, prior)
    for name, model in itertools.product(NAMES, registry.MODELS)
    for prior in priors(model)
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model", "prior"), CASES)
def test_every_model_with_every_prior_on_every_kind(
    known, name: str, model: str, prior: str, tmp_path: Path
) -> None:
    m, items = known(name).modality, known(name).items
    torch.manual_seed(0)
    made: Trainable = registry.load(registry.MODELS[model])(
        m.likelihood, 3, prior=prior, network=m.network, width=4
    )
    for player in made.players:
        terms = made(m.tensor(items[:8]), 0.5, player=player)
        assert all(torch.isfinite(v) for v in terms.values())
        sum(v for k, v in terms.items() if not k.startswith("_")).backward()
    assert {p for player in made.players for p in made.parameters_of(player)} == set(made.parameters())
    generator: Autoencoder = encoded(made, m)
    z = generator.encode(m.tensor(items[:6]))
    assert z.shape == (6, 3)
    assert torch.equal(z, generator.encode(m.tensor(items[:6])))
    assert torch.allclose(generator.prior.nearest(z), z, atol=1e-5)
    y = generator.decode(z)
    assert tuple(y.shape) == (6, *m.soft_shape)
    assert m.items(y).shape == (6, *m.item_shape)
    again = type(made)(m.likelihood, **json.loads(json.dumps(made.config())))
    again.load_state_dict(safetensors.torch.load(safetensors.torch.save(made.state_dict())))
    assert torch.equal(encoded(again, m).decode(z), y)
    assert type(made.untrained()) is type(made)
    assert onnx.decoder(generator, tmp_path / "decoder.onnx") < 1e-4


# -- every verb on every kind


@pytest.fixture(scope="module")
def spaces(known, tmp_path_factory: pytest.TempPathFactory):
    made: dict[str, Space] = {}

    def of(name: str) -> Space:
        if name not in made:
            out = tmp_path_factory.mktemp("space") / "s"
            how = {"dim": 4, "epochs": kinds.EPOCHS.get(name, 12), "seed": 0, "threads": 1, "device": "cpu"}
            how["options"] = {"width": 8}
            made[name] = liminal.fit(known(name).path, out, voice=Voice(), **how)
        return made[name]

    return of


@pytest.mark.parametrize("name", NAMES)
def test_every_verb(spaces, name: str, tmp_path: Path) -> None:
    """Each verb gives what it promises and writes it in every form that the kind has; the kind was found from
    the files alone.
    """
    s, m = spaces(name), spaces(name).modality
    formula = kinds.FORMULAS[name]
    assert m.name == name
    assert len(s.catalogue) == kinds.COUNT
    assert s.read is not None
    for n, form in ((4, "grid.png"), (3, "folder"), *((3, f"many{e}") for e in m.gathers)):
        s.sample(n).save(tmp_path / form)
        assert (tmp_path / form).exists()
    assert s.sample(4, support=0.05, near="@1").table is not None
    back = s.reconstruct(["@0", "@1"])
    assert np.array_equal(back.originals, s.items([0, 1]), equal_nan=m.item_dtype.kind == "f")
    assert set(s.errors(back)) <= set(m.scores)
    for metric in ("euclidean", "decoded", "geodesic"):
        assert s.neighbors("@1", 3, metric=metric)["id"][0].as_py() == 1
    for along in ("linear", "slerp", "mix", "smooth", "geodesic", "conditional"):
        path = s.path("@1", "@6", along=along, frames=5)
        ends = s.decode(s.latents[[1, 6]])  # in another batch: sums round to the level beside
        off = 1 if isinstance(m.likelihood, likelihoods.Numbers) and m.item_dtype == np.uint8 else 0
        assert np.allclose(path.frames[[0, -1]], ends, rtol=0, atol=off, equal_nan=m.item_dtype.kind == "f")
        assert path.save(tmp_path / along).suffix in (*m.films, ".gif")
    path.save(tmp_path / "rows.png")
    edit = s.edit("@1", formula, keep_detail=True)
    assert edit.save(tmp_path / "edited").suffix == m.writes[0]
    edit.save(tmp_path / "edited.png")
    assert edit.change > 0
    s.strip(["@1"], formula).save(tmp_path / "strip.png")
    if any(kind == "category" for kind in s.card.attributes.values()):
        assert s.transfer("@1", "@2").save(tmp_path / "styled").exists()
    found = s.find_directions()
    assert any(d.score > 0.6 for d in found)
    assert len(s.find_directions("pca")) == len(s.find_directions("jacobian", "@1")) == 4
    drawn = s.map("pca")
    drawn.save(tmp_path / "map.png")
    s.lattice(drawn, 3, 3).save(tmp_path / "lattice.png")
    s.clusters("kmeans", 3).save(tmp_path / "clusters.png")
    again = liminal.open(s.folder, device="cpu")
    assert np.array_equal(
        again.decode(s.latents[:3]), s.decode(s.latents[:3]), equal_nan=m.item_dtype.kind == "f"
    )


@pytest.mark.parametrize("name", NAMES)
def test_attributes_move_along_the_conditional_mean(
    spaces, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditional, "STEPS", (60, 60))
    s = spaces(name)
    for said in [d.name for d in s.directions.values() if d.vector.any()][:4]:
        attribute, _, value = said.partition("=")
        term = f"`{attribute}`" + (f"='{value}'" if value else "")
        for item in ("@1", "mean(id < 9)"):
            edit = s.edit(item, term, along="conditional")
            assert edit.asked == (attribute,)
            assert torch.isfinite(edit.z_after).all()
        nothing = s.edit("@1", f"0*{term}", along="conditional")
        assert torch.equal(nothing.z_after, nothing.z_before)


@pytest.mark.parametrize("name", NAMES)
def test_an_item_that_is_typed_goes_wherever_an_item_does(spaces, name: str, tmp_path: Path) -> None:
    s, m = spaces(name), spaces(name).modality
    assert (name in kinds.LITERALS) == (m.literal is not None)
    for other, text in kinds.LITERALS.items():
        if other != name:
            with pytest.raises(LiminalError, match=m.plural):
                s.latent(text)
            continue
        item = resolve.stored(s, text)
        assert item is not None
        assert item.shape == m.item_shape
        assert torch.equal(s.latent(text), s.encoded(item[None])[0])
        both = torch.stack([s.latent(text), s.latent("@1")])
        torch.testing.assert_close(s.encode([text, "@1"]), both)
        assert len(s.neighbors(text, 3)) == 3
        half = s.latent(f"0.5*{text} + 0.5*@1")
        torch.testing.assert_close(half, (s.latent(text) + s.latent("@1")) / 2)
        assert torch.equal(s.path(text, "@1", frames=5, along="linear").z[0], s.latent(text))
        assert s.edit(text, kinds.FORMULAS[name], keep_detail=True).save(tmp_path / "edited").exists()
        same = np.array_equal(s.reconstruct(text).originals[0], item, equal_nan=m.item_dtype.kind == "f")
        assert same
    with pytest.raises(LiminalError, match="no item that could be encoded"):
        s.reconstruct("mean(id < 9)")
    with pytest.raises(LiminalError, match="unknown function 'nosuch'"):
        s.latent("nosuch(a=1)")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_in_part_is_completed(spaces, name: str, tmp_path: Path) -> None:
    """Every part that a kind names: what is kept stays, what was not known is never looked at, and answers
    differ."""
    s, m = spaces(name), spaces(name).modality
    assert m.parts
    for part in m.parts:
        found = s.complete("@3", part, n=3)
        assert found.items.shape == (3, 1, *m.item_shape)
        asked, gone = m.part(s.items([3]), part)
        x, kept = m.tensor(asked), m.soft(found.items[:, 0])
        missed = m.likelihood.missed(kept, x.expand(3, *x.shape[1:]), gone.expand_as(kept))
        assert float(missed.max()) < 1e-3, part
        assert (found.agreement <= 1).all()
        found.save(tmp_path / f"{part[:4]}.png")
        found.save(tmp_path / part[:4])
        assert len(list((tmp_path / part[:4]).iterdir())) == 4  # and a table
        other = s.complete(found.items[1, 0], part, n=1).items[0]  # another rest of it says nothing
        again = s.complete(found.items[2, 0], part, n=1).items[0]
        assert np.array_equal(other, again, equal_nan=m.item_dtype.kind == "f"), part
    both = s.complete(["@3", "@4"], part, n=2)
    assert both.items.shape == (2, 2, *m.item_shape)
    assert both.save(tmp_path / "both").exists()
    if "over:" not in part:
        rest = s.complete("@3", f"not {part}", n=1)
        assert not np.array_equal(rest.items[0], found.items[0])
    with pytest.raises(LiminalError, match="nosuch"):
        s.complete("@3", "nosuch")


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_every_kind(spaces, name: str, tmp_path: Path) -> None:
    s, m = spaces(name), spaces(name).modality
    noun, one = m.measure
    piece = s.compose("@1", "@6", length=8 * one, form="ABA'A")
    assert len(piece) == 8
    equal = partial(np.array_equal, equal_nan=m.item_dtype.kind == "f")
    assert equal(piece.frames[:2], piece.frames[6:])
    assert not equal(piece.frames[:2], piece.frames[4:6])
    assert equal(piece.frames[0], s.items([1])[0])  # what is named is played as it is
    assert equal(piece.frames[3], s.items([6])[0])
    piece.save(tmp_path / "piece")
    plain = s.compose("@1", "@6", "@9", length=5 * one)
    assert [equal(plain.frames[at], s.items([i])[0]) for i, at in zip((1, 6, 9), plain.at, strict=True)] == [
        True
    ] * 3
    with pytest.raises(LiminalError, match=f"7 {noun} are not whole|{7 * one:g} {noun} are not whole"):
        s.compose("@1", "@6", length=7 * one, form="AB")
    with pytest.raises(LiminalError, match="wanted letters"):
        s.compose("@1", "@6", form="A-B")


@pytest.mark.parametrize("name", NAMES)
def test_the_report_and_meaning(spaces, name: str, tmp_path: Path) -> None:
    s = spaces(name)
    report = s.measure()
    report.save(tmp_path / "report.html")
    held = s.modality.tensor(s.items(s.catalogue.table(split="held", columns=["id"])["id"].to_pylist()))
    headline, errors = next(
        iter(s.modality.errors(held, s.generator.decode(s.generator.encode(held))).items())
    )
    assert report[headline].value == pytest.approx(float(errors.mean()), rel=1e-4)
    assert min(report[headline].baseline.values()) > 0
    assert report.verdict()
    assert report.facts["modality"] == name
    page = (tmp_path / "report.html").read_text()
    general = f"not made for {s.modality.plural}" in page
    assert general == (s.modality.features is None), "general features are said to be such"
    assert "Do mixtures mean something" in s.meaning(pairs=30).words
