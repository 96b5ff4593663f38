"""Parts of items, items completed from them, and pieces: known answers, and what people type."""

from __future__ import annotations

import json
from pathlib import Path

import kinds
import linear
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import liminal
from liminal.cli import main
from liminal.errors import LiminalError
from liminal.modalities import passages, pitches, regions
from liminal.modalities.audio import Audio
from liminal.modalities.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood
from liminal.modalities.melody import Melody
from liminal.modalities.mixed import Mixed
from liminal.modalities.phase import centres
from liminal.modalities.windows import FIRST, HOLD, LOWEST, REST
from liminal.ops.completing import complete
from liminal.ops.filling import complete as search
from liminal.space import Space
from liminal.tensors import rng
from liminal.voice import Voice


@pytest.fixture(scope="module")
def space() -> Space:
    return liminal.open("fashion")


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Space:
    folder = tmp_path_factory.mktemp("tunes")
    how = {"dim": 16, "epochs": 160, "seed": 0, "threads": 1, "device": "cpu", "voice": Voice()}
    return liminal.fit(kinds.tunes(folder), folder / "space", options={"beta": 0.1}, **how)


def sounding(item: np.ndarray) -> list[int | None]:
    """The MIDI pitch that sounds at each step of one voice."""
    found: list[int | None] = []
    for symbol in item.tolist():
        found.append(found[-1] if symbol == HOLD else None if symbol == REST else symbol - FIRST + LOWEST)
    return found


# -- likelihoods


@settings(deadline=None)
@given(st.integers(0, 2**16))
def test_symbols_that_are_known_leave_the_others_their_share(seed: int) -> None:
    draw = rng(seed)
    y = torch.rand(2, 5, 3, generator=draw).softmax(1)
    x = torch.randint(5, (2, 3), generator=draw)
    lacking = torch.rand(2, 5, 3, generator=draw) < 0.5
    kept = Categorical(3, 5).kept(y, x, lacking)
    may = lacking | torch.nn.functional.one_hot(x, 5).movedim(-1, 1).bool()
    torch.testing.assert_close(kept.sum(1), torch.ones(2, 3))
    assert not kept[~may].any()
    torch.testing.assert_close(kept, y * may / (y * may).sum(1, keepdim=True))
    surprise = Categorical(3, 5).partial(x, lacking, y)(y)
    torch.testing.assert_close(surprise, -(y * may).sum(1).log().sum(1))


@pytest.mark.parametrize("kind", [Gaussian, Bernoulli])
def test_numbers_that_are_known_are_put_in_their_place(kind: type) -> None:
    x, y = torch.rand(3, 2, 4, generator=rng(0)), torch.rand(3, 2, 4, generator=rng(1))
    lacking = torch.rand(3, 2, 4, generator=rng(2)) < 0.5
    likelihood = kind((2, 4))
    kept = likelihood.kept(y, x, lacking)
    assert torch.equal(kept[~lacking], x[~lacking])
    assert torch.equal(kept[lacking], y[lacking])
    square = ((x - y).square() * ~lacking).flatten(1).sum(1)
    torch.testing.assert_close(likelihood.missed(y, x, lacking), square)
    spread = square.sum() / (~lacking).sum()
    torch.testing.assert_close(likelihood.partial(x, lacking, y)(y), square / (2 * spread))


@pytest.mark.parametrize(
    "likelihood",
    [
        Gaussian((2, 4)),
        Bernoulli((8,)),
        Categorical(3, 5),
        Mixed([("number", 1), ("optional", 2), ("yes", 1), ("category", 3)]),
    ],
    ids=lambda likelihood: likelihood.name,
)
def test_all_pairs_at_once_are_as_far_apart_as_each_alone(likelihood: Likelihood) -> None:
    """Real items, hardened; what is known of others; the same as `missed` tells of each pair."""
    draw = rng(5)
    y = likelihood.harden(likelihood.soft(3 * torch.randn(9, *likelihood.soft_shape, generator=draw)))
    x = y.argmax(1) if isinstance(likelihood, Categorical) else y
    lacking = torch.rand(4, *likelihood.soft_shape, generator=draw) < 0.5
    found = likelihood.missing(x, x[:4], lacking)
    for i, j in np.ndindex(4, 9):
        alone = likelihood.missed(y[j : j + 1], x[i : i + 1], lacking[i : i + 1])
        torch.testing.assert_close(found[i, j], alone[0], atol=1e-4, rtol=1e-4)
    assert (found > 0.1).any()


def test_doubt_is_how_far_an_answer_is_from_what_it_stands_for() -> None:
    kind = Categorical(1, 3)
    y = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0], [0.98, 0.01, 0.01]])[..., None]
    torch.testing.assert_close(kind.doubt(y), (kind.chart(y) - kind.chart(kind.harden(y))).square().sum(1))
    assert kind.doubt(y)[0] == 0
    assert float(kind.doubt(y)[2]) == pytest.approx(-np.log(0.98), rel=0.02)  # nats, near certainty
    mixed = Mixed([("number", 1), ("yes", 1)])
    assert (mixed.doubt(torch.tensor([[0.3, 1.0], [0.3, 0.5]])) > 0.1).tolist() == [False, True]
    assert not Gaussian((4,)).doubt(torch.rand(2, 4, generator=rng(0))).any()


# -- searches


class Unbounded(linear.PCA):
    """Not cut to [0, 1], so that algebra has the answer."""

    def decode_soft(self, z: torch.Tensor) -> torch.Tensor:
        return (self.mean + (z * self.scale) @ self.axes.T).unflatten(1, self.shape)


def test_the_search_finds_what_algebra_finds() -> None:
    """On a linear generator the likeliest latent of half a picture is a ridge regression."""
    model, kind = Unbounded(linear.GREY.tensor(linear.fashion()[0][:6000]), 24), linear.GREY
    x = kind.tensor(linear.fashion()[0][6000:6008])
    _, gone = kind.part(linear.fashion()[0][6000:6008], "right")
    z = search(model, kind, x, gone, torch.zeros(8, model.dim))
    seen = ~gone[0].flatten()
    a = (model.axes * model.scale)[seen]
    flat = (x.flatten(1) - model.mean)[:, seen]
    miss = (model.decode(z) - x).flatten(1)[:, seen].square()
    spread = miss.sum() / miss.numel()
    exact = torch.linalg.solve(a.T @ a / spread + torch.eye(model.dim), a.T @ flat.T / spread).T
    found = (model.decode(z) - model.decode(exact)).square().mean()
    assert float(found) < 0.005 * float(x.var())
    assert float(miss.mean()) < 1.1 * float((model.decode(exact) - x).flatten(1)[:, seen].square().mean())


def test_halves_of_pictures_are_completed_better_than_by_the_nearest_real_one() -> None:
    """Pictures that the generator never saw: what was hidden, and what was known."""
    model, kind = linear.fashion_pca(), linear.GREY
    pictures = linear.fashion()[0]
    held, pool = pictures[6000:6064], pictures[:2000]
    _, gone = kind.part(held, "right")
    found = complete(model, kind, held, gone, pool, n=3)
    hidden = gone[0, 0].numpy()
    truth = held[..., 0][:, hidden].astype(float)
    error = [np.square(items[..., 0][:, hidden] - truth).mean() for items in (found.items[0], found.beside)]
    assert error[0] < 0.85 * error[1]
    assert np.array_equal(found.items[0][..., 0][:, ~hidden], held[..., 0][:, ~hidden])
    assert (found.agreement[0] > found.baseline).mean() > 0.8
    differ = [
        np.square(a.astype(float) - b).mean() for a, b in zip(found.items[1], found.items[2], strict=True)
    ]
    assert np.median(differ) > 100  # squared grey levels


def test_an_item_is_never_its_own_answer(space: Space) -> None:
    found = space.complete("@12", "left", n=2)
    assert found.baseline[0] < 0.999  # the nearest real item is another one
    assert not np.array_equal(found.beside[0], space.items([12])[0])
    for answer in found.items[:, 0]:
        assert np.array_equal(answer[:, :14], space.items([12])[0][:, :14])
    assert found.support is not None
    assert (found.support > 0.02).all()


def test_searches_that_have_arrived_stay_and_leave_the_others_alone() -> None:
    """Each ends where it would end by itself, whatever else is searched for."""
    model, kind = linear.fashion_pca(), linear.GREY
    pictures = linear.fashion()[0][6000:6006]
    x, (_, gone) = kind.tensor(pictures), kind.part(pictures, "right")
    start, cost = torch.zeros(6, model.dim), lambda z: z.square().sum(1) / 2
    away = kind.likelihood.missed(model.decode(start), x, gone)
    enough = away * torch.tensor([2.0, 0.5, 0.0, 2.0, 0.3, 0.0])
    z = search(model, kind, x, gone, start, cost, enough)
    left = kind.likelihood.missed(model.decode(z), x, gone)
    assert torch.equal(z[[0, 3]], start[[0, 3]])
    for i in (1, 4):
        assert 0.5 * float(enough[i]) < float(left[i]) <= float(enough[i])
    assert (left[[2, 5]] < 0.3 * away[[2, 5]]).all()


def test_melodies_are_completed_by_notes_and_not_by_means_of_several(tunes: Space) -> None:
    """Where the search asks for the likeliest item, the decoder is surer of what it answers."""
    kind, model = tunes.modality, tunes.generator
    held = np.sort(tunes.catalogue.latents(split="held")[0])[:16]
    x = kind.tensor(tunes.items(held.tolist()))
    _, gone = kind.part(tunes.items(held.tolist()), "bar:1")
    doubts = [
        kind.likelihood.doubt(model.decode(search(model, kind, x, gone, torch.zeros(16, 16), None, None, d)))
        for d in (False, True)
    ]
    assert float(doubts[1].mean()) < 0.8 * float(doubts[0].mean())


def test_answers_come_from_training_items_only(tunes: Space) -> None:
    """A bar of an item that was held out: the nearest real one is one of the others."""
    held, train = (tunes.catalogue.latents(split=split)[0] for split in ("held", "train"))
    asked = tunes.items(held[:6].tolist())
    found = tunes.complete(asked, "bar:1", n=1)
    known = {row.tobytes() for row in tunes.items(train.tolist())[..., 16:]}
    moved = [
        tunes.modality.varied(tunes.modality.tensor(tunes.items(train.tolist())), rng(i)) for i in range(40)
    ]
    known |= {row.tobytes() for rows in moved for row in rows.numpy().astype(np.uint8)[..., 16:]}
    assert {row.tobytes() for row in found.beside[..., 16:]} <= known


def test_a_mask_of_ones_own(space: Space) -> None:
    known = torch.zeros(1, 28, 28, dtype=torch.bool)
    known[:, :9] = True
    found = space.complete("@12", known, n=1)
    assert np.array_equal(found.items[0, 0][:9], space.items([12])[0][:9])
    with pytest.raises(LiminalError, match=r"wanted known as bool \(1, 28, 28\)"):
        space.complete("@12", known[0])
    for mask, said in ((known | True, "all of the"), (known & False, "nothing is known")):
        with pytest.raises(LiminalError, match=said):
            space.complete("@12", mask)
    with pytest.raises(LiminalError, match="lacks nothing; name a part to keep, such as left"):
        space.complete("@12")
    with pytest.raises(LiminalError, match="n = 0"):
        space.complete("@12", "left", n=0)


# -- parts


def test_regions_of_pictures() -> None:
    assert regions.region("left", 4, 6).sum() == regions.region("bottom", 4, 6).sum() == 12
    assert regions.region("box:1,2,2,1", 4, 6).nonzero()[1].tolist() == [1, 2]
    assert regions.region("middle", 4, 4).sum() == 4
    for name, said in (("box:9,9,2,2", "lies outside"), ("box:1", "wanted left, top"), ("lefft", "left")):
        with pytest.raises(LiminalError, match=said):
            regions.region(name, 4, 6)


def test_parts_of_melodies() -> None:
    kind = Melody(2, 4, 2, (4, 4))
    item = kind.parse("C4 - . - D4 - - - E4 / C3 - - -")[None]
    _, gone = kind.part(item, "voice:2")
    assert gone[0, :, 0].all()
    assert not gone[0, :, 1].any()
    _, gone = kind.part(item, "bars:2")
    assert gone[..., :16].all()
    assert not gone[..., 16:].any()
    _, gone = kind.part(item, "rhythm")
    assert gone[0, FIRST:, 0, 0].all()
    assert not gone[0, :FIRST, 0, 0].any()
    assert not gone[0, :, 0, [1, 2, 3]].any()
    for name, said in (("voice:3", "from 1 to 2"), ("bars:x", "wanted numbers"), ("voise:1", "voice:1")):
        with pytest.raises(LiminalError, match=said):
            kind.part(item, name)


def test_notes_over_chords_lie_in_them_on_the_beats() -> None:
    kind = Melody(2, 4, 1, (4, 4))
    item = kind.parse("C#4 D4 - - A4 - - - F4 - - - - - - - D4 - - - - - - - . - - -")[None]
    moved, gone = kind.part(item, "over:C Am")
    told = [pitches.pitch_name(int(moved[0, 0, t])) for t in (0, 4, 8, 16)]
    assert told == ["C4", "G4", "E4", "C4"]  # the nearest notes of C major, then of A minor
    assert moved[0, 0, 1] == item[0, 0, 1]  # off the beat
    classes = {int(s - FIRST + LOWEST) % 12 for s in range(FIRST, 90) if gone[0, s, 0, 16]}
    assert classes == {9, 0, 4}
    assert gone[0, :, 0, 1].all()
    two = kind.part(item, "over:C F | Am Dm")[1]
    assert {int(s - FIRST + LOWEST) % 12 for s in range(FIRST, 90) if two[0, s, 0, 8]} == {5, 9, 0}
    assert pitches.chord("F#m7") == (6, 9, 1, 4)
    assert pitches.chord("Bb/D") == (10, 2, 5)
    for wrong in ("over:H", "over:Cfoo", "over:", "over:C C C C C | C"):
        with pytest.raises(LiminalError, match="chord"):
            kind.part(item, wrong)


def test_passages_name_the_beat_of_compound_meters() -> None:
    kind = Melody(1, 4, 1, (6, 8))
    item = np.full((1, *kind.item_shape), REST, np.uint8)
    gone = kind.part(item, "over:C")[1]
    assert (~gone[0, FIRST:, 0]).any(0).nonzero()[:, 0].tolist() == [0, 6]
    assert passages.open_symbols(item, "bar:1", 1, 12, 6)[1].sum() == 0


# -- melodies


def test_a_bar_is_kept_and_another_found(tunes: Space) -> None:
    found = tunes.complete("@5", "bar:1", n=4)
    given = tunes.items([5])[0]
    assert all(np.array_equal(item[0, :16], given[0, :16]) for item in found.items[:, 0])
    assert len({item.tobytes() for item in found.items[:, 0]}) > 1


def test_the_rhythm_of_one_on_the_pitches_of_another(tunes: Space) -> None:
    high, low = (
        next(
            i
            for i in range(160)
            if (np.nanmean([p or np.nan for p in sounding(tunes.items([i])[0, 0])]) > 70) == up
        )
        for up in (True, False)
    )
    found = tunes.complete(high, "rhythm", n=3, near=low)
    given = tunes.items([high])[0]
    for item in found.items[:, 0]:
        assert np.array_equal(item >= FIRST, given >= FIRST)
        assert np.array_equal(item == REST, given == REST)
    pitch = np.nanmean([p or np.nan for p in sounding(found.items[0, 0, 0])])
    assert pitch < np.nanmean([p or np.nan for p in sounding(given[0])]) - 5  # down towards the other one


def test_a_piece_over_chords(tunes: Space, tmp_path: Path) -> None:
    piece = tunes.compose("@1", "@2", "@6", length=16, over="Am Dm Em Am")
    chords = [pitches.chord(name) for name in ("Am", "Dm", "Em", "Am")]
    steps = np.concatenate(list(piece.frames), axis=1)[0]
    wrong = [
        t
        for t in range(0, len(steps), 4)
        if steps[t] >= FIRST and (int(steps[t]) - FIRST + LOWEST) % 12 not in chords[t // 16 % 4]
    ]
    assert not wrong
    plain = tunes.compose("@1", "@2", "@6", length=16)
    assert not np.array_equal(plain.frames, piece.frames)
    assert piece.save(tmp_path / "piece.mid").stat().st_size > 200
    theme = tunes.compose("@1", form="AA'A''A", length=8)  # and variations on it
    assert np.array_equal(theme.frames[[0, 3]], tunes.items([1, 1]))
    assert len({frame.tobytes() for frame in theme.frames}) > 1
    away = [float((z - theme.z[0]).norm()) for z in theme.z[1:]]
    assert len({0.0, *away}) == 3
    assert away[2] == 0
    with pytest.raises(LiminalError, match="3 items do not fit into 2 melodies"):
        tunes.compose("@1", "@2", "@6", length=4)


def test_samples_like_a_few_files(tunes: Space, tmp_path: Path) -> None:
    """Three high tunes: draws are high, and lie nearer to them than draws from all."""
    high = [i for i in range(40) if np.nanmean([p or np.nan for p in sounding(tunes.items([i])[0, 0])]) > 70][
        :5
    ]
    for i in high:
        tunes.modality.write(tunes.items([i])[0], tmp_path / f"{i}.mid")
    drawn = tunes.sample(32, like=[str(tmp_path / f"{i}.mid") for i in high])
    pitch = lambda items: np.nanmean([p or np.nan for item in items for p in sounding(item[0])])
    assert pitch(drawn.items) > pitch(tunes.sample(32).items) + 5
    assert "items like" in drawn.source
    with pytest.raises(LiminalError, match="0 items to draw from"):
        tunes.sample(4, like=[])
    assert torch.equal(tunes.sample(4, like=high).z, tunes.sample(4, like=[f"@{i}" for i in high]).z)


# -- what people type


def test_the_commands(tunes: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = str(tunes.folder)
    said = lambda *args: (main([str(a) for a in args]), capsys.readouterr())
    code, out = said("complete", where, "@3", "--keep", "bar:1", "-n", 2, "-o", tmp_path / "answers")
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "answers").iterdir()) == ["01.mid", "02.mid", "table.csv"]
    assert "nearest real" in out.out
    assert "that keep bar:1" in out.out
    code, out = said("complete", where, "@3", "--keep", "rhythm", "--json", "-o", tmp_path / "one.mid")
    told = json.loads(out.out)
    assert (code, told["known"], len(told["answers"])) == (0, "rhythm", 4)
    assert told["answers"][0]["agreement"] > told["nearest_real"]["agreement"] - 1
    assert said("complete", where, "@3", "--keep", "bar:3", "-o", tmp_path / "x.mid")[0] == 2
    assert not (tmp_path / "x.mid").exists()
    code, out = said("complete", where, "@3", "-o", tmp_path / "x.mid", "--parts")
    assert code == 0
    assert "over:Am F C G" in out.out
    piece = ("compose", where, "@1", "@2", "--bars", 16, "--form", "AABA", "-o", tmp_path / "p.mid")
    code, out = said(*piece)
    assert code == 0
    assert "wrote 8 melodies in the form AABA" in out.out
    code, out = said(*piece[:-1], tmp_path / "p.wav", "--over", "Am F", "--json")
    assert json.loads(out.out)["how"] == "8 melodies in the form AABA"
    code, out = said("compose", where, "@1", "@2", "--bars", 7, "-o", tmp_path / "q.mid")
    assert code == 2
    assert "wanted a multiple of 2, such as 8" in out.err
    for length in ("nan", "inf"):
        code, out = said("compose", where, "@1", "@2", "--bars", length, "-o", tmp_path / "q.mid")
        assert code == 2
        assert "wanted a number such as 16" in out.err
    code, out = said("complete", where, "@3", "--keep", "bar:1")
    assert code == 2
    assert "-o answers" in out.err
    assert tunes.complete("@3", ("bar:1", "rhythm"), n=1).known == "bar:1, rhythm"


def test_parts_of_sounds() -> None:
    kind = Audio(8000, 0.512, 32)
    item = np.zeros((1, *kind.item_shape), np.uint8)
    gone = kind.part(item, "seconds:0-0.256")[1]
    assert not gone[0, 0, :, : kind.frames // 2].any()
    assert gone[0, 0, :, kind.frames // 2 :].all()
    low, high = (kind.part(item, name)[1][0, 0, :, 0] for name in ("below:1000", "above:1000"))
    assert torch.equal(low, ~high)
    at = centres(8000, 32)
    assert at[~low.numpy()].max() < 1000 <= at[~high.numpy()].min()
    for name, said in (("seconds:3-4", "lies outside"), ("below:1-2", "below"), ("seconds:1", "seconds")):
        with pytest.raises(LiminalError, match=said):
            kind.part(item, name)
