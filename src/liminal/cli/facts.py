"""Commands that tell what is there: info, measure, meaning, stability, spaces, datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ..errors import LiminalError
from . import console
from .options import (
    Device,
    Force,
    Json,
    Quiet,
    Seed,
    SpaceName,
    Threads,
    argument,
    flag,
    glanced,
    opened,
    option,
)

if TYPE_CHECKING:
    from ..card import Card
    from ..collection import Collection


def info(
    space: SpaceName,
    check: Annotated[
        bool, flag("--check", "Read every part, hold it against its checksum, and tell what is lost.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell what a space is.

    \b
    Examples:
      liminal info fashion
      liminal info photos-space --json
      liminal info photos-space --check
    """
    from ..measures.report.verdict import unlearned

    if check:
        return _check(space, as_json)
    it = glanced(space)
    if it.info()["parameters"] is None:  # a card of format 1: the model itself must be counted
        it = opened(space)
    facts = it.info()
    if as_json:
        console.emit(facts)
        return
    card = it.card
    first = unlearned(card.measures.get("explained"))
    tests = {name: test.get("same") for name, test in card.sampler.get("tests", {}).items()}
    rows: list[tuple[str, Any]] = [
        ("note", first),
        ("space", facts["folder"]),
        ("model", f"{card.model['class']}, {facts['dim']} dimensions, {facts['parameters']:,} parameters"),
        ("prior", card.prior["name"]),
        ("samples from", f"{card.sampler['default']}: {card.sampler.get('why', '')}".rstrip(": ")),
        ("  tests", ", ".join(f"{name} {console.cell(v)}" for name, v in tests.items())),
        (
            "data",
            f"{card.data['name']}: {card.data['n_train']:,} items trained on, {card.data['n_held']:,} held "
            "out",
        ),
        ("licence", card.data.get("licence")),
        *_about_attributes(it),
        (
            "training",
            ", ".join(
                f"{k.replace('_', ' ')} {console.cell(v)}"
                for k, v in card.training.items()
                if not isinstance(v, dict)
            ),
        ),
        (
            "figures",
            ", ".join(
                f"{k.replace('_', ' ')} {console.cell(v)}"
                for k, v in card.measures.items()
                if not isinstance(v, dict)
            ),
        ),
        ("made", f"{card.created}, liminal {card.liminal}, seed {card.seed}"),
        *(("note", note) for note in card.notes if note != first),
    ]
    console.table(("", ""), [(name, value) for name, value in rows if value])


def _check(space: str, as_json: bool) -> None:
    """Tell of each part whether it is whole; raises where one is not."""
    from ..card import Card, examine
    from ..studio.address import space_folder

    folder = space_folder(space)
    card = Card.read(folder)
    lost, unsure = examine(folder, card)
    told = dict.fromkeys(unsure, "there, with no checksum: made by an older Liminal")
    state = dict.fromkeys(card.parts, "whole") | told | lost
    if as_json:
        console.emit(state)
    else:
        console.table(("part", "state"), list(state.items()))
    if lost:
        whole = ", ".join(name for name in state if name not in lost) or "nothing"
        raise LiminalError(
            f"space {folder}: damaged: {', '.join(lost)}; there as before: {whole}; copy the space again"
        )


def _about_attributes(space: Collection) -> list[tuple[str, str]]:
    rows = []
    for name, kind in space.card.attributes.items():
        text = str(kind)
        if kind == "category":
            values = space.catalogue.values(name)
            text += f" of {len(values)}: {', '.join(values[:12])}{', ...' if len(values) > 12 else ''}"
        rows.append(("attribute", f"{name}, {text}"))
    return rows


def measure(
    space: SpaceName,
    out: Annotated[
        Path | None, option("-o --output", "FILE", "A report with figures, one self-contained .html.")
    ] = None,
    full: Annotated[bool, flag("--full", "On all items; else on 2,000 of each kind, in a minute.")] = False,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Measure what a space is worth.

    Reconstruction, samples, structure and compression, each with an interval and beside its baseline.

    \b
    Examples:
      liminal measure fashion -o report.html
      liminal measure photos-space --full --json
    """
    if out is not None:
        console.output(out, force, (".html",))
    it = opened(space, threads, device)
    with console.speaking(quiet) as voice:
        report = it.measure(seed=seed, full=full, voice=voice)
        if out is not None:
            report.save(out)
    if as_json:
        console.emit(report.to_dict())
        return
    console.table(("measure", "value", "interval", "better", "beside it"), report.table())
    for line in (*report.verdict(), *report.notes):
        console.say(line, quiet)
    if out is not None:
        console.say(f"wrote the report to {out}", quiet)


def meaning(
    space: SpaceName,
    out: Annotated[
        Path | None, option("-o --output", "FILE", "A picture of the ways and controls (.png).")
    ] = None,
    pairs: Annotated[int, option("--pairs", "N", "Pairs of items that are walked between.")] = 300,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Tell whether mixtures mean something, in words.

    Does the middle between two items show the middle of what they show? How far out does that hold? Is it a
    property of the mapping, or of the prior? Everything is read from decoded items, beside blending pixels,
    the nearest real item, PCA and random weights.

    \b
    Examples:
      liminal meaning fashion
      liminal meaning fashion --pairs 100 -o meaning.png
    """
    from ..show import grid

    if out is not None:
        console.output(out, force, grid.FORMATS)
    it = opened(space, threads, device)
    with console.speaking(quiet) as voice:
        found = it.meaning(pairs, seed, voice)
    if out is not None:
        grid.save(found.picture(), out)
    if as_json:
        console.emit({**found.to_dict(), "output": None if out is None else str(out)})
        return
    console.say(found.words)
    for note in found.notes:
        console.say(note, quiet)
    if out is not None:
        console.say(f"wrote the ways and controls to {out}", quiet)


def stability(
    space: SpaceName,
    others: Annotated[
        list[str], argument("OTHER...", "Spaces of the same data, best fitted with other seeds.")
    ],
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Tell how far spaces of the same data agree: is what one shows there again after another training?

    Compared are the latents of the first space's held-out items: their geometry (CKA), neighbours, clusters,
    and whether a direction found in one space still tells its attribute in another.

    \b
    Example:
      for s in 0 1 2; do liminal fit photos/ -o photos-$s --seed $s; done
      liminal stability photos-0 photos-1 photos-2
    """
    from ..measures.report.report import row

    it = opened(space, threads, device)
    found = it.stability([opened(other, threads, device) for other in others], seed=seed)
    if as_json:
        console.emit([measure.to_dict() for measure in found])
        return
    names = {
        "cka": "geometry (CKA)",
        "neighbour_overlap": "shared neighbours",
        "cluster_stability": "clusters (ARI)",
    }
    titles = [names.get(m.name) or f"direction {m.name.partition('.')[2]}" for m in found]
    console.table(
        ("agreement", "value", "interval", "better", "beside it"),
        [row(m, title) for m, title in zip(found, titles, strict=True)],
    )
    console.say(found[0].note, quiet)


def spaces(as_json: Json = False) -> None:
    """List the ready-made spaces.

    \b
    Example:
      liminal spaces
    """
    from .. import registry
    from ..card import Card

    found = {name: Card.read(folder) for name, folder in registry.ready_made().items()}
    if as_json:
        console.emit(
            [
                {"name": n, "folder": str(registry.ready_made()[n]), "dim": c.prior["dim"], "data": c.data}
                for n, c in found.items()
            ]
        )
    elif found:
        console.table(
            ("name", "what it is"),
            [(name, f"{card.data['name']}: {in_brief(card)}") for name, card in found.items()],
        )
    else:
        console.say("no ready-made space came with this installation")


def datasets() -> None:
    """List the datasets that `liminal fit` knows by name.

    \b
    Example:
      liminal datasets
    """
    from .. import registry

    console.table(
        ("name", "what it is"), [(name, about) for name, (_, about, _) in registry.DATASETS.items()]
    )


def in_brief(card: Card) -> str:
    """A space in a few words."""
    data, training = card.data, card.training
    text = (
        f"{card.model['class']} of {card.prior['dim']} dimensions, {data['n_train']:,} items to train on "
        f"and {data['n_held']:,} held out"
    )
    return (
        f"{text}, {training['epochs']:.4g} epochs in {duration(training['seconds'])}"
        if training.keys() >= {"epochs", "seconds"}
        else text
    )


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
