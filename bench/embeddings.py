"""Sentences from the embeddings of a model that somebody already has: wordllama's, by a small decoder."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from collections.abc import Sequence

import numpy as np
import torch

import liminal
from liminal.voice import Terminal

from . import figures, processes
from .fashion import cost
from .figures import OUT, Figure, Record
from .sentences import Split, bleu, decoded, reviews, split

VERSION = "0.3.2"
SHOWN = 50


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("embeddings", __doc__ or "")
    options.add_argument("--minutes", type=float, default=10.0, help="of the training")
    options.add_argument("--words", type=int, default=8, help="of a sentence at most")
    options.add_argument("--space", help="score this space instead of training one")
    options.add_argument("--seed", type=int, default=0, help="of the training and of what is asked")
    options.add_argument("--threads", type=int, help="CPU threads of the training")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("embeddings", args, given), Terminal()
    if given.space:
        space = liminal.open(given.space)
    else:
        table, codes = reviews(given.words), OUT / "embeddings.npy"
        with table.open(newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        (OUT / "embeddings.txt").write_text("\n".join(texts) + "\n")
        python = processes.venv("wordllama", VERSION)
        processes.ask(python, "wordllama_worker.py", [OUT / "embeddings.txt", codes], OUT / "embeddings.log")
        how = {"minutes": given.minutes, "seed": given.seed, "threads": given.threads}
        space = liminal.fit(
            table, OUT / "embeddings-space", modality="text", codes=codes, voice=voice, force=True,
            reading={"length": given.words}, **how,
        )  # fmt: skip
    voice.close()
    cost(record, space)
    train, held = (split(space, name) for name in ("train", "held"))
    some = np.random.default_rng(given.seed).permutation(len(held.texts))[:3000]
    true = [held.texts[i] for i in some]
    found, near = decoded(space, held.z[some]), nearest(train, held.z[some])
    beside = {"nearest embedding": bleu(near, true)[0]}
    score, signature = bleu(found, true)
    record.add(Figure("BLEU-4 of sentences from embeddings", score, "%", None, "higher", beside,
                      note=f"{len(some):,} held-out sentences; {signature}"))  # fmt: skip
    exact, copied = ([a == b for a, b in zip(side, true, strict=True)] for side in (found, near))
    beside = {"nearest embedding": 100 * float(np.mean(copied))}
    new = 100 * float(np.mean(np.array(exact)[~np.array(copied)]))
    record.add(Figure("exactly the sentence", 100 * float(np.mean(exact)), "%", None, "higher", beside,
                      note=f"of those that training has not seen {new:.1f} %"))  # fmt: skip
    same = [sorted(a.split()) == sorted(b.split()) for a, b in zip(found, true, strict=True)]
    record.add(Figure("its words in whatever order", 100 * float(np.mean(same)), "%", None, "higher",
                      note="such embeddings are means over tokens and know no order"))  # fmt: skip
    lines = [f"{a}\n    {b}" for a, b in zip(true, found, strict=True)]
    (OUT / "embeddings-restored.txt").write_text("\n".join(lines[:SHOWN]) + "\n")
    record.note("look at bench/out/embeddings-restored.txt")
    record.finish()


def nearest(train: Split, z: torch.Tensor) -> list[str]:
    """The sentence of the training embedding with the largest cosine, for each of some."""
    known = torch.nn.functional.normalize(train.z, dim=1)
    best = [(part @ known.T).argmax(1) for part in torch.nn.functional.normalize(z, dim=1).split(256)]
    return [train.texts[i] for i in torch.cat(best).tolist()]
