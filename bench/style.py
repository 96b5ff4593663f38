"""Style: garments turned into another class with their style kept, and style carried between items, judged by
readers of real pictures.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import liminal
from liminal.errors import LiminalError
from liminal.ops.style.style import HOW, SHARPNESS, Style, convert, fit_style, transfer
from liminal.ops.style.transfer import table
from liminal.show import grid
from liminal.space import Space
from liminal.tensors import in_chunks, inference
from liminal.voice import Terminal

from . import figures
from .clothes import Classifier, classifier, clothes
from .drawn import own_reader
from .figures import OUT, Figure, Record
from .leakage import Scores, leakage, score_transfer

CHANGES = (("Sandal", "Ankle boot", 0.9), ("Pullover", "Coat", 0.75))  # from, to, share that must reach it
ON = 0.15  # brightness from which a pixel belongs to the garment
Read = Callable[[Tensor], Mapping[str, Tensor]]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("style", __doc__ or "")
    options.add_argument("--space", default="fashion", help="a space of Fashion-MNIST, by name or folder")
    options.add_argument(
        "--faces", help="a space of faces; None: the one that the bench edits leaves, if it is there"
    )
    options.add_argument(
        "--most", type=int, default=1000, help="held-out items of a class that are converted"
    )
    options.add_argument(
        "--pairs", type=int, default=1000, help="of held-out items between which style is carried"
    )
    options.add_argument("--classifier-epochs", type=float, default=4.0, help="of the judge of garments")
    options.add_argument("--reader-faces", type=int, default=8000, help="drawn for the judge of faces")
    options.add_argument("--reader-epochs", type=float, default=8.0, help="of the judge of faces")
    options.add_argument("--seed", type=int, default=0, help="of the choice of pairs")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("style", args, given), Terminal()
    space = liminal.open(given.space)
    if "label" not in space.card.attributes:
        raise LiminalError(
            f"bench style: the space {given.space} has no attribute label; give one of Fashion-MNIST"
        )
    judge = classifier(clothes(voice), given.classifier_epochs, False, voice)
    voice.close()
    held = rows(space, "label", "held")
    plain, style = fitted(space, "label", sharpness=0.0), fitted(space, "label")
    record.note(f"{given.space}: {len(held.z):,} held-out items; {facts(style)}")
    for source, target, bar in CHANGES:
        changed(record, space, judge, {"every member": plain}, style, held, source, target, bar, given.most)
    carried(
        record, "garments", space, style, held, lambda x: named(judge, x), readings, given.pairs, given.seed
    )
    shown(space, style, held, ("Sandal", "Ankle boot", "Pullover", "Dress", "Bag"), "style-garments.png")
    drawn = Path(given.faces or OUT / "faces-space")
    if given.faces or drawn.is_dir():
        faces(
            record,
            liminal.open(drawn),
            given.reader_faces,
            given.reader_epochs,
            given.pairs,
            given.seed,
            voice,
        )
    else:
        record.note("faces left out: there is no space of them; python -m bench edits makes one")
    voice.close()
    record.finish()


@dataclass(frozen=True)
class Rows:
    """Items of one split: z (n, d) and their classes."""

    z: Tensor
    labels: list[str]

    def of(self, label: str) -> Tensor:
        """Latents of one class."""
        return self.z[torch.tensor([i for i, v in enumerate(self.labels) if v == label])]


def rows(space: Space, name: str, split: str) -> Rows:
    """Latents and classes of a split, items without a class left out."""
    found = space.catalogue.table(columns=["z", name], split=split)
    z = np.array(found["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(found), -1)
    labels = found[name].to_pylist()
    known = [i for i, v in enumerate(labels) if v is not None]
    return Rows(torch.from_numpy(z[known]), [labels[i] for i in known])


def fitted(space: Space, name: str, sharpness: float = SHARPNESS) -> Style:
    """A style model of a space's training items."""
    train = rows(space, name, "train")
    return fit_style(train.z, train.labels, name=name, decode=space.generator.decode, sharpness=sharpness)


def facts(style: Style) -> str:
    """What a style model says of itself."""
    e = style.evidence
    found = f"content subspace {e['rank']} of {style.dim} dimensions with {e['erased']:.2f} of the variance"
    turned = f"{e['agreement']:.2f} of what style does, {e['agreement_unturned']:.2f} before they are turned"
    return f"{found}; classes agree on {turned}"


def listed(values: Mapping[str, float]) -> str:
    """Values by name, those of one category (``name=value``) as their mean."""
    names = dict.fromkeys(k.split("=", 1)[0] for k in values)
    return ", ".join(
        f"{n} {np.mean([v for k, v in values.items() if k.split('=', 1)[0] == n]):.2f}" for n in names
    )


def named(judge: Classifier, x: Tensor) -> np.ndarray:
    """Classes (n,) that the judge sees, in the order of their names."""
    with inference(judge):
        return in_chunks(judge, x).argmax(1).numpy()


def readings(x: Tensor) -> dict[str, Tensor]:
    """Label-free readings (n,) of grey pictures (n, 1, h, w): brightness; area, height / width and middle of
    what is filled.
    """
    p = x[:, 0].double()
    on = (p > ON).double()
    area = on.sum((1, 2)).clamp_min(1)
    down = torch.arange(p.shape[1], dtype=p.dtype)[:, None]
    tall, wide = on.amax(2).sum(1), on.amax(1).sum(1).clamp_min(1)
    middle = (on * down).sum((1, 2)) / area
    return {
        "brightness": p.mean((1, 2)),
        "filled area": area,
        "height / width": tall / wide,
        "middle": middle,
    }


def alike(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> dict[str, float]:
    """Correlation of each reading of one set with that of another."""
    return {name: float(np.corrcoef(a[name], b[name])[0, 1]) for name in a}


def spread(features: Tensor) -> float:
    """Mean distance between two items' features (n, k)."""
    return float(torch.pdist(features).mean())


def changed(
    record: Record,
    space: Space,
    judge: Classifier,
    others: Mapping[str, Style],
    style: Style,
    held: Rows,
    source: str,
    target: str,
    bar: float,
    most: int,
) -> None:
    """Held-out items of one class turned into another: target reached, diversity, style kept."""
    place = sorted(set(held.labels)).index(target)
    z, decode = held.of(source)[:most], space.generator.decode
    before, real = decode(z), decode(held.of(target)[:most])
    shift = {
        "difference of means": z
        - style.every.mean[style.classes.index(source)].float()
        + style.every.mean[style.classes.index(target)].float()
    }
    tried = (
        {"": convert(style, z, target, source)}
        | shift
        | {k: convert(s, z, target, source) for k, s in others.items()}
    )
    reached: dict[str, float] = {}
    diversity: dict[str, float] = {}
    kept: dict[str, float] = {}
    each: dict[str, float] = {}
    for name, moved in tried.items():
        x = decode(moved)
        reached[name] = float((named(judge, x) == place).mean())
        diversity[name] = spread(judge.features(x)) / spread(judge.features(real))
        each = each or alike(readings(before), readings(x))
        kept[name] = float(np.mean(list(alike(readings(before), readings(x)).values())))
    title = f"{source} to {target}"
    own = {
        "reconstructions of real ones": float((named(judge, real) == place).mean()),
        "unchanged": float((named(judge, before) == place).mean()),
    }
    rest = lambda values: {k: v for k, v in values.items() if k}
    error = (reached[""] * (1 - reached[""]) / len(z)) ** 0.5
    record.add(
        Figure(
            f"{title}: target reached",
            reached[""],
            "",
            bar,
            "higher",
            own | rest(reached),
            error,
            f"{len(z)} items",
        )
    )
    record.add(
        Figure(f"{title}: diversity of the class's own", diversity[""], "", 0.8, "higher", rest(diversity))
    )
    record.add(
        Figure(f"{title}: style correlation", kept[""], "", 0.7, "higher", rest(kept), None, listed(each))
    )


def carried(
    record: Record,
    title: str,
    space: Space,
    style: Style,
    held: Rows,
    content: Callable[[Tensor], np.ndarray],
    read: Read,
    pairs: int,
    seed: int,
) -> None:
    """Style carried between held-out items of different classes, every way, beside copies of either; and what
    still tells the content.
    """
    order = np.random.default_rng(seed)
    a, b = (order.permutation(len(held.z))[:pairs] for _ in range(2))
    apart = np.array([held.labels[i] != held.labels[j] for i, j in zip(a, b, strict=True)])
    a, b = a[apart], b[apart]
    left, right = ([held.labels[i] for i in side] for side in (a, b))
    one, other = held.z[torch.from_numpy(a)], held.z[torch.from_numpy(b)]
    decode = space.generator.decode
    before, wanted = decode(one), decode(other)
    found: dict[str, Scores] = {}
    for how in HOW:
        x = decode(transfer(style, one, other, 1.0, left, right, how))
        found[how], found["copy of the content item"], found["copy of the style item"] = score_transfer(
            x, before, wanted, content, read
        )
    guessed = score_transfer(decode(transfer(style, one, other)), before, wanted, content, read)[0]
    rest = [k for k in found if k != "code"]
    note = f"{len(a)} pairs; with predicted classes {guessed.kept:.3f}"
    record.add(
        Figure(
            f"{title}: content kept",
            found["code"].kept,
            "",
            None,
            "higher",
            {k: found[k].kept for k in rest},
            None,
            note,
        )
    )
    note = f"with predicted classes {guessed.moved:.3f}; " + listed(found["code"].readings)
    record.add(
        Figure(
            f"{title}: style moved",
            found["code"].moved,
            "",
            None,
            "higher",
            {k: found[k].moved for k in rest},
            None,
            note,
        )
    )
    train = rows(space, style.name, "train")
    leaks = leakage(style, train.z, train.labels, held.z, held.labels, seed)
    for reader in leaks.raw:
        beside = {
            "chance": leaks.chance,
            "all of z": leaks.raw[reader],
            "after erasure": leaks.erased[reader],
        }
        record.add(
            Figure(
                f"{title}: content read from the code, {reader}",
                leaks.code[reader],
                "",
                None,
                "lower",
                beside,
            )
        )


def faces(
    record: Record, space: Space, count: int, epochs: float, pairs: int, seed: int, voice: Terminal
) -> None:
    """The hair style as content, everything else drawn as style; judged by a reader of its own of real
    drawings.
    """
    name = "hair_style"
    if name not in space.card.attributes:
        raise LiminalError(f"bench style: the space of faces knows no {name}")
    reader = own_reader(space, count, epochs, voice)
    style, held = fitted(space, name), rows(space, name, "held")
    record.note(f"faces: {facts(style)}")
    read = lambda x: {k: v for k, v in reader.named(x).items() if not k.startswith(f"{name}=")}
    carried(
        record, "faces", space, style, held, lambda x: reader(x)[name].argmax(1).numpy(), read, pairs, seed
    )
    shown(space, style, held, style.classes[:5], "style-faces.png")


def shown(space: Space, style: Style, held: Rows, classes: Sequence[str], file: str) -> None:
    """A picture of one content of each class in six styles."""
    contents = torch.stack([held.of(c)[3] for c in classes])
    grid.save(
        table(
            space.generator, space.modality, style, contents, held.z[:6], 1.0, list(classes), held.labels[:6]
        ),
        OUT / file,
    )
