"""Commands that make items from parts: complete, compose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ..errors import LiminalError
from . import console
from .options import (
    ITEM,
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


def complete(
    space: SpaceName,
    item: Annotated[str, argument("ITEM", f"What a part is known of: {ITEM}")],
    out: Annotated[
        Path | None,
        option(
            "-o --output", "PATH", "A folder of answers (no ending), all in one picture (.png), or the best."
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        option("--keep", "PART", "What is known: voice:1, bars:1-2, left, age,sex, or 'not left'."),
    ] = None,
    n: Annotated[int, option("-n", "N", "How many answers.")] = 4,
    near: Annotated[
        str | None, option("--near", "ITEM", "Answers like this one: its pitches on a kept rhythm.")
    ] = None,
    parts: Annotated[bool, flag("--parts", "Only list the parts that this kind of data has.")] = False,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Find what may stand around a known part of an item.

    The known part stays as it is. Each answer tells how far the space agrees with the part by itself
    (agreement: 1 fully, 0 no more than any real item), beside the real item that agrees best, and its
    support. Of a file of many items all are completed, one after the other.

    \b
    Examples:
      liminal complete chorales tune.mid --keep voice:1 -n 4 -o harmonies/
      liminal complete tunes @12 --keep bar:1 -o goes-on.png
      liminal complete tunes @12 --keep rhythm --near @40 -o mixed.mid
      liminal complete fashion @12 --keep left -o halves.png
      liminal complete patients "row(age=40)" --keep age -o rows.png
    """
    from ..show import items as show

    if parts:
        console.table(("part", "what it is"), list(glanced(space).modality.parts.items()))
        return
    if out is None:
        raise LiminalError("missing option -o: a folder for the answers, such as -o answers, or a .png")
    it = opened(space, threads, device)
    kind = it.modality
    endings = dict.fromkeys((".png", *kind.writes, *kind.films))
    console.output(out, force, endings, folder=True)
    found = it.complete(item, keep, n, near=near, seed=seed)
    found.save(out)
    told = found.evidence
    if as_json:
        console.emit({**told, "output": str(out)})
        return
    if not quiet:
        rows = [(f"answer {i + 1}", a["agreement"], a["support"]) for i, a in enumerate(told["answers"])]
        rows.append(("nearest real", told["nearest_real"]["agreement"], None))
        console.table(("", "agreement", "support"), rows)
    count = "" if len(found.given) == 1 else f" of {len(found.given)} {kind.plural}"
    which = "the best of " if out.suffix and out.suffix.lower() not in show.grid.FORMATS else ""
    console.say(f"wrote {which}{len(found)} answers{count} that keep {found.known} to {out}", quiet)


def compose(
    space: SpaceName,
    items: Annotated[
        list[str], argument("ITEM...", f"Two or more that it goes through, or one with a form: {ITEM}")
    ],
    out: Annotated[
        Path,
        option("-o --output", "FILE", "In a form of their kind, a film (.gif, .mp4), or a picture (.png)."),
    ],
    length: Annotated[
        float | None,
        option("--length --bars --seconds", "N", "Of the piece: bars of melodies, seconds of sounds, items."),
    ] = None,
    form: Annotated[
        str | None, option("--form", "LETTERS", "AABA: what repeats; A' is a variation of A.")
    ] = None,
    over: Annotated[
        str | None,
        option("--over", "CHORDS", "Chords that it follows, one a bar: 'Am F C G' or 'Am F | C G'."),
    ] = None,
    along: Annotated[
        str, option("--along", "WAY", "linear, slerp, mix, smooth, geodesic or conditional.")
    ] = "mix",
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Make a piece: items one after the other, on a walk through some, by a form.

    What is named is played as it is where the walk goes through it; the rest is decoded. Without --form two
    items are joined by what lies between them.

    \b
    Examples:
      liminal compose tunes @12 @40 @77 --bars 16 -o piece.mid
      liminal compose tunes @12 @40 --bars 32 --form AA'BA -o song.mp4
      liminal compose tunes @12 @40 --bars 8 --over "Am F C G" -o over.wav
    """
    from ..show import items as show

    it = opened(space, threads, device)
    out = console.result(out, force, show.path_endings(it.modality))
    piece = it.compose(*items, length=length, form=form, over=over, along=along, seed=seed)
    piece.save(out, fps=2)
    told = {"pieces": len(piece), "keys_at": piece.at, "how": piece.how}
    if as_json:
        console.emit({**piece.evidence, **told, "output": str(out)})
        return
    lowest = "" if piece.support is None else f"; lowest support {piece.support.min():.2f}"
    console.say(f"wrote {piece.how} to {out}{lowest}", quiet)
