"""Review sentences: restored, sampled, walked between, and turned from bad to good by adding a vector."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from torch import Tensor

import liminal
from liminal import LiminalError, files
from liminal.modalities.text import Text
from liminal.modalities.words import edits
from liminal.space import Space
from liminal.voice import Terminal

from . import figures
from .fashion import cost
from .figures import OUT, Figure, Record
from .ngrams import Ngrams

MOODS = ("negative", "positive")
STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
CURVE = ((41.0, 0.36), (21.0, 0.56))  # BLEU with the source, and the share of changed minds there
TIMES = tuple(round(0.1 * i, 1) for i in range(1, 10))
SHOWN = 50


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("sentences", __doc__ or "")
    options.add_argument("--minutes", type=float, default=10.0, help="of the training")
    options.add_argument("--words", type=int, default=8, help="of a sentence at most")
    options.add_argument("--model", default="vae", help="vae, or wae")
    options.add_argument("--noise", type=float, help="share of words that the encoder is not shown")
    options.add_argument("--dim", type=int, help="latent dimensions")
    options.add_argument("--space", help="score this space instead of training one")
    options.add_argument("--labels", type=int, default=100, help="sentences of each mood that are labelled")
    options.add_argument("--pairs", type=int, default=300, help="of held-out sentences to walk between")
    options.add_argument("--samples", type=int, default=5000, help="drawn, and held-out ones beside them")
    options.add_argument("--seed", type=int, default=0, help="of the training and of what is drawn")
    options.add_argument("--threads", type=int, help="CPU threads of the training")
    return options


@dataclass(frozen=True)
class Split:
    """One split: sentences, their words and moods, and their latents (n, d)."""

    texts: list[str]
    words: list[list[str]]
    moods: np.ndarray
    z: Tensor


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("sentences", args, given), Terminal()
    table = reviews(given.words)
    if given.space:
        space = liminal.open(given.space)
    else:
        how = {"minutes": given.minutes, "seed": given.seed, "threads": given.threads, "dim": given.dim}
        options = {} if given.noise is None else {"noise": given.noise}
        space = liminal.fit(
            table, OUT / "sentences-space", modality="text", model=given.model, options=options,
            reading={"length": given.words}, voice=voice, force=True, **how,
        )  # fmt: skip
    voice.close()
    cost(record, space)
    train, held = (split(space, name) for name in ("train", "held"))
    draw = np.random.default_rng(given.seed)
    restored(record, space, train, held, draw)
    language = Ngrams(train.words, len(space.modality.tokens))
    sampled(record, space, train, held, language, given.samples, given.seed)
    walked(record, space, held, language, given.pairs, draw)
    turned(record, space, train, held, given.labels, draw)
    record.note("look at bench/out/sentences-*.txt")
    record.finish()


def reviews(words: int) -> Path:
    """A CSV file of the sentences of up to so many words, as they were handed on: tokens with spaces between.

    Raises:
        LiminalError: ``LIMINAL_DATA`` has none.
    """
    folder = files.data_folder()
    if folder is None or not (folder / "yelp_sentences").is_dir():
        raise LiminalError("bench sentences: wanted yelp_sentences in the folder that LIMINAL_DATA names")
    path = OUT / f"yelp-{words}.csv"
    OUT.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "sentiment", "split"])
        for name, side in (("shen.test", "train"), ("shen.dev", "test")):
            for i, mood in enumerate(MOODS):
                for line in (folder / "yelp_sentences" / f"{name}.{i}").read_text().splitlines():
                    if 0 < len(line.split()) <= words:
                        table.writerow([" ".join(line.split()), mood, side])
    return path


def split(space: Space, name: str) -> Split:
    """The items of a split."""
    found = space.catalogue.table(columns=["id", "z", "sentiment"], split=name)
    z = torch.tensor(np.array(found["z"].to_pylist(), np.float32))
    texts = texts_of(space, space.items(found["id"].to_pylist()))
    return Split(texts, [text.split() for text in texts], np.array(found["sentiment"].to_pylist()), z)


def texts_of(space: Space, items: np.ndarray) -> list[str]:
    """Stored items as texts."""
    m = space.modality
    assert isinstance(m, Text)
    return [m.text(item) for item in items]


def decoded(space: Space, z: Tensor) -> list[str]:
    """The texts that latents stand for."""
    return texts_of(space, space.modality.items(space.generator.decode(z)))


def bleu(found: Sequence[str], true: Sequence[str]) -> tuple[float, str]:
    """BLEU-4 of texts whose words have spaces between, in %, and the signature of how it was taken."""
    from sacrebleu.metrics import BLEU

    scorer = BLEU(tokenize="none", force=True)
    score = scorer.corpus_score(list(found), [list(true)]).score
    return float(score), str(scorer.get_signature())


def restored(record: Record, space: Space, train: Split, held: Split, draw: np.random.Generator) -> None:
    """BLEU-4 and exactness of held-out reconstructions, beside the training sentence that is most alike."""
    some = draw.permutation(len(held.texts))[:3000]
    true = [held.texts[i] for i in some]
    found = decoded(space, held.z[some])
    near = nearest(train.texts, true)
    score, signature = bleu(found, true)
    exact = [a == b for a, b in zip(found, true, strict=True)]
    copied = [a == b for a, b in zip(near, true, strict=True)]
    new = ~np.array(copied)
    note = f"{len(some):,} held-out sentences; {signature}"
    beside = {"nearest training sentence": bleu(near, true)[0]}
    record.add(Figure("BLEU-4 of reconstructions", score, "%", 75.0, "higher", beside, note=note))
    beside = {"nearest training sentence": 100 * float(np.mean(copied))}
    told = f"of those that training has not seen {100 * float(np.mean(np.array(exact)[new])):.1f} %"
    record.add(
        Figure("restored exactly", 100 * float(np.mean(exact)), "%", 65.0, "higher", beside, note=told)
    )
    lines = [f"{a}\n    {b}" for a, b in zip(true, found, strict=True)]
    (OUT / "sentences-restored.txt").write_text("\n".join(lines[:SHOWN]) + "\n")


def nearest(known: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """For each text the known one with the most words and pairs of words in common, weighed by rarity."""
    scale = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True)
    rows = scale.fit_transform(known).T.tocsr()
    found = scale.transform(wanted)
    best = [np.asarray((found[i : i + 500] @ rows).argmax(1)).ravel() for i in range(0, len(wanted), 500)]
    return [known[i] for i in np.concatenate(best)]


def sampled(
    record: Record, space: Space, train: Split, held: Split, language: Ngrams, n: int, seed: int
) -> None:
    """Forward perplexity: of samples to a model of the training sentences. Reverse: of held-out sentences to
    a model of samples."""
    vocabulary = language.vocabulary
    draw = np.random.default_rng(seed)
    real = [held.words[i] for i in draw.permutation(len(held.texts))[:n]]
    again = [train.words[i] for i in draw.permutation(len(train.texts))[:n]]
    m = space.modality
    assert isinstance(m, Text)
    name, simple = m.trivial(m_items(space, train.texts), n, seed)
    plain = [text.split() for text in texts_of(space, simple)]
    drawn = texts_of(space, space.sample(n, seed=seed).items)
    words = [text.split() for text in drawn]
    bound = language.perplexity(real)
    beside = {"held-out": bound, name: language.perplexity(plain)}
    record.add(
        Figure("forward perplexity", language.perplexity(words), "", 1.5 * bound, "lower", beside,
               note=f"{n:,} samples; bar: 1.5 times held-out sentences'")
    )  # fmt: skip
    bound = Ngrams(again, vocabulary).perplexity(real)
    beside = {"as many training sentences": bound, name: Ngrams(plain, vocabulary).perplexity(real)}
    record.add(
        Figure("reverse perplexity", Ngrams(words, vocabulary).perplexity(real), "", 1.5 * bound, "lower",
               beside, note="bar: 1.5 times that of as many training sentences")
    )  # fmt: skip
    seen = set(train.texts)
    record.add(
        Figure("samples that are training sentences", float(np.mean([text in seen for text in drawn])),
               "", baseline={"held-out": float(np.mean([" ".join(w) in seen for w in real]))})
    )  # fmt: skip
    looped = [any(a == b for a, b in pairwise(w)) for w in words]
    record.add(
        Figure("samples that say a word twice in a row", float(np.mean(looped)), "", baseline={
            "held-out": float(np.mean([any(a == b for a, b in pairwise(w)) for w in real]))
        })
    )  # fmt: skip
    (OUT / "sentences-samples.txt").write_text("\n".join(drawn[:SHOWN]) + "\n")


def m_items(space: Space, texts: Sequence[str]) -> np.ndarray:
    """Texts as stored items."""
    m = space.modality
    assert isinstance(m, Text)
    return np.stack([m.item(text) for text in texts])


def walked(
    record: Record, space: Space, held: Split, language: Ngrams, pairs: int, draw: np.random.Generator
) -> None:
    """Perplexity on the way between held-out sentences, beside mixing their words place by place; and how
    even the steps are."""
    order = draw.permutation(len(held.texts))
    a, b = order[:pairs], order[pairs : 2 * pairs]
    ways, mixes = [], []
    for t in (0.0, *TIMES, 1.0):
        ways.append(decoded(space, (1 - t) * held.z[a] + t * held.z[b]))
        mixes.append([mixed(held.words[i], held.words[j], t, draw) for i, j in zip(a, b, strict=True)])
    at = {t: i + 1 for i, t in enumerate(TIMES)}
    worst, ratios = None, []
    for t in TIMES:
        way = language.perplexity([text.split() for text in ways[at[t]]])
        mix = language.perplexity([text.split() for text in mixes[at[t]]])
        ratios.append(way / mix)
        if worst is None or way / mix > worst[0]:
            worst = (way / mix, t, way, mix)
    assert worst is not None
    told = f"{worst[2]:.0f} against {worst[3]:.0f}"
    note = f"the worst of t = .1 to .9, at {worst[1]}: {told}; at .5 {ratios[4]:.2f}"
    record.add(
        Figure("perplexity on the way, against mixed words'", worst[0], "times", 1.0, "lower", note=note)
    )
    for name, found in (("decoded", ways), ("mixed words", mixes)):
        steps = np.array([distances(space, x, y) for x, y in pairwise(found)])
        direct = np.maximum(distances(space, found[0], found[-1]), 1)
        if name == "decoded":
            values = float(np.mean(steps.sum(0) / direct)), float(np.mean(steps.max(0) / direct))
        else:
            beside = float(np.mean(steps.sum(0) / direct)), float(np.mean(steps.max(0) / direct))
    record.add(
        Figure("words changed on ten steps, for each that differs", values[0], "", better="lower",
               baseline={"mixed words": beside[0]}, note="1: no word is changed in vain")
    )  # fmt: skip
    record.add(
        Figure("the largest of ten steps", values[1], "", better="lower", baseline={"mixed words": beside[1]},
               note="share of the words that differ; even steps: .1")
    )  # fmt: skip
    lines = ["\n".join(way[i] for way in ways) + "\n" for i in range(20)]
    (OUT / "sentences-paths.txt").write_text("\n".join(lines))


def mixed(a: Sequence[str], b: Sequence[str], t: float, draw: np.random.Generator) -> str:
    """At each place the word of b with the probability t, else that of a, or none where it has ended."""
    padded = [[*words, *[""] * (max(len(a), len(b)) - len(words))] for words in (a, b)]
    return " ".join(padded[int(draw.random() < t)][i] for i in range(len(padded[0]))).strip()


def distances(space: Space, a: Sequence[str], b: Sequence[str]) -> np.ndarray:
    """Edit distances of texts, (n,)."""
    m = space.modality
    assert isinstance(m, Text)
    both = [m.tokens.ids([" ".join(text.split()) for text in texts]) for texts in (a, b)]
    places = max(len(ids) for side in both for ids in side) + 1
    x, y = (torch.tensor([[*ids, *[0] * (places - len(ids))] for ids in side]) for side in both)
    return edits(x, y).numpy()


def judge(train: Split) -> Pipeline:
    """Who says whether a sentence is good or bad: words and pairs of words, weighed."""
    made = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True),
        LogisticRegression(C=10, max_iter=300),
    )
    return made.fit(train.texts, train.moods)


def turned(
    record: Record, space: Space, train: Split, held: Split, labels: int, draw: np.random.Generator
) -> None:
    """z + k (mean of one mood - mean of the other) from a few labels: how many minds change, and how much of
    the sentence stays (Shen et al. 2020)."""
    judged = judge(train)
    right = float(judged.score(held.texts, held.moods))
    ends = [train.z[draw.permutation(np.flatnonzero(train.moods == mood))[:labels]].mean(0) for mood in MOODS]
    vector = ends[1] - ends[0]
    some = np.concatenate([draw.permutation(np.flatnonzero(held.moods == mood))[:1000] for mood in MOODS])
    sign = torch.tensor([1.0 if held.moods[i] == MOODS[0] else -1.0 for i in some])[:, None]
    texts = [held.texts[i] for i in some]
    wanted = np.array([MOODS[int(held.moods[i] == MOODS[0])] for i in some])
    curve, shown = [], []
    for k in STRENGTHS:
        found = decoded(space, held.z[some] + k * sign * vector)
        curve.append((bleu(found, texts)[0], float(np.mean(judged.predict(found) == wanted))))
        shown.append(found)
    told = ", ".join(
        f"k {k:g}: {share:.2f} at {score:.1f}" for k, (score, share) in zip(STRENGTHS, curve, strict=True)
    )
    record.note(f"minds changed at BLEU with the source: {told}")
    record.note(f"the judge errs on {1 - right:.3f} of held-out sentences")
    scores, shares = np.array(curve).T
    for level, bar in CURVE:
        share = float(np.interp(level, scores[::-1], shares[::-1]))
        beside = {"k = 0": curve[0][1], "the judge's error": 1 - right}
        record.add(
            Figure(f"minds changed at BLEU {level:g}", share, "", bar, "higher", beside,
                   note=f"{labels} + {labels} labels; {len(some):,} held-out sentences")
        )  # fmt: skip
    lines = [
        "\n".join(
            [texts[i], *(f"    {k:g}: {found[i]}" for k, found in zip(STRENGTHS[1:], shown[1:], strict=True))]
        )
        for i in (*range(10), *range(1000, 1010))
    ]
    (OUT / "sentences-turned.txt").write_text("\n".join(lines) + "\n")
