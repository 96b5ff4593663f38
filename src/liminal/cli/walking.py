"""Commands that move in a space: morph, edit, transfer, directions."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from . import console
from .options import (
    ITEM,
    Device,
    Drawing,
    Force,
    ItemName,
    Json,
    Quiet,
    Seed,
    SpaceName,
    Threads,
    argument,
    flag,
    opened,
    option,
)

STAYED = 0.1  # standard deviations of a reading below which it is told as unchanged


def morph(
    space: SpaceName,
    items: Annotated[list[str], argument("ITEM...", f"Two or more: {ITEM}")],
    out: Annotated[
        Path,
        option(
            "-o --output", "FILE", "A film (.gif, .mp4), all frames in rows (.png), or a form of their kind."
        ),
    ],
    along: Annotated[
        str, option("--along", "WAY", "linear, slerp, mix, smooth, geodesic or conditional.")
    ] = "slerp",
    frames: Annotated[int, option("--frames", "N", "How many.")] = 48,
    loop: Annotated[bool, flag("--loop", "Go back to the first item at the end.")] = False,
    only: Annotated[
        str | None, option("--only", "NAMES", "Change these attributes alone: smile,hat.")
    ] = None,
    pace: Annotated[
        str, option("--pace", "HOW", "data: frames differ evenly; latent: steps in z are even.")
    ] = "data",
    as_json: Json = False,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Walk from item to item and show what lies between.

    \b
    Examples:
      liminal morph fashion @12 @977 -o morph.gif
      liminal morph fashion @12 @977 @40 --along smooth --loop -o tour.mp4
      liminal morph fashion @12 @977 --along geodesic --frames 24 -o morph.png
      liminal morph furniture @12 @40 --along conditional -o morph.gif
      liminal morph fashion @12 me.png "mean(label=Bag)" --along mix -o morph.mp4
    """
    from ..show import items as show

    it = opened(space, threads, device)
    out = console.result(out, force, show.path_endings(it.modality))
    path = it.path(
        *items, along=along, frames=frames, loop=loop, pace=pace, only=only.split(",") if only else ()
    )
    path.save(out)
    if as_json:
        console.emit(
            {
                **path.evidence,
                "along": path.along,
                "frames": len(path),
                "keys_at": path.at,
                "output": str(out),
            }
        )
        return
    lowest = "" if path.support is None else f"; lowest support {path.support.min():.2f}"
    console.say(f"wrote {len(path)} frames along {along} to {out}; {path.words}{lowest}", quiet)


def edit(
    space: SpaceName,
    item: ItemName,
    formula: Annotated[
        str,
        argument(
            "FORMULA",
            "'+1.5*smile - glasses', 'smile=1', '2*dim(7)', or 'mean(label=Bag) - mean(label=Coat)'.",
        ),
    ],
    out: Annotated[
        Path,
        option(
            "-o --output",
            "FILE",
            "The edited item as its kind or .png, or with --strip or --sweep the strip (.png).",
        ),
    ],
    strip: Annotated[
        bool, flag("--strip", "The edit at five strengths from -2 to 2 in one picture.")
    ] = False,
    sweep: Annotated[
        str | None, option("--sweep", "A:B:N", "The edit at N strengths from A to B in one picture: -3:3:7.")
    ] = None,
    keep_detail: Annotated[
        bool, flag("--keep-detail", "Add the difference to the item itself, not to its reconstruction.")
    ] = False,
    along: Annotated[str, option("--along", "WAY", "linear, or conditional on all attributes.")] = "linear",
    as_json: Json = False,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Move an item by a formula.

    Tells what a reader of attributes, fitted to other items, sees before and after, how far the result can be
    trusted (support), and the nearest real items. Strength 1 of an attribute is one standard deviation of a
    number, or off to on.

    \b
    Examples:
      liminal edit faces-space @12 "+1.5*smile - glasses" -o out.png
      liminal edit faces-space @12 "smile=0.8" --keep-detail -o out.png
      liminal edit faces-space @12 "+glasses" --along conditional -o out.png
      liminal edit faces-space @12 "-glasses" --sweep -2:2:9 -o strip.png
      liminal edit fashion @1 "mean(label='Ankle boot') - mean(label=Sandal)" -o out.png
    """
    from ..ops import edits
    from ..show import grid
    from ..show import items as show

    strengths = edits.sweep(sweep) if sweep else list(edits.STRENGTHS)
    it = opened(space, threads, device)
    drawn = strip or sweep is not None
    out = console.result(out, force, tuple(grid.FORMATS) if drawn else show.item_endings(it.modality))
    edited = it.edit(item, formula, keep_detail, along)
    if drawn:
        grid.save(it.strip([item], formula, strengths, along), out)
    else:
        edited.save(out)
    told = edited.evidence
    if as_json:
        console.emit({**told, "item": item, "output": str(out)})
        return
    if told["attributes"] and not quiet:
        _moved(told["attributes"])
    way = "" if along == "linear" else f" along {along}"
    console.say(f"wrote {item} edited by {formula}{way} to {out}; {in_words(told)}", quiet)


def _moved(read: dict[str, dict[str, Any]]) -> None:
    """A table of the attributes that an edit was about or moved, and how many others stayed."""
    shown = {name: v for name, v in read.items() if v["asked"] or abs(v["change"] or 0.0) >= STAYED}
    moved = sorted(shown, key=lambda name: -abs(shown[name]["change"] or 0.0))
    order = [name for name in shown if shown[name]["asked"]] + [n for n in moved if not shown[n]["asked"]]
    if shown:
        console.table(
            ("attribute", "before", "after", "change in SD", "asked"),
            [
                (name, v["before"], v["after"], v["change"], "*" if v["asked"] else "")
                for name, v in ((name, shown[name]) for name in order)
            ],
        )
    if left := len(read) - len(shown):
        others = "attribute" if left == 1 else "attributes"
        console.say(
            f"{'and ' if shown else ''}{left} {'other ' if shown else ''}{others} stayed, within {STAYED} SD"
        )


def transfer(
    space: SpaceName,
    content: Annotated[str, option("--content", "ITEM", "What stays what it is: " + ITEM)],
    style: Annotated[str, option("--style", "ITEM", "Whose style it takes over.")],
    out: Annotated[Path, option("-o --output", "FILE", "The result, or with --strip all three (.png).")],
    blend: Annotated[
        float, option("--blend", "T", "From 0, the content item, to 1, all of the style.")
    ] = 1.0,
    by: Annotated[
        str | None,
        option("--by", "CATEGORY", "What names the content; default: label, or what the latents tell best."),
    ] = None,
    strip: Annotated[bool, flag("--strip", "Content, style and result in one picture.")] = False,
    as_json: Json = False,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Show one item in the style of another.

    The class that a category names is kept, all else comes from the style item.

    \b
    Examples:
      liminal transfer fashion --content @12 --style @40 -o out.png
      liminal transfer fashion --content @12 --style me.png --blend 0.5 --strip -o strip.png
      liminal transfer faces-space --content @12 --style @40 --by hair_style -o out.png
    """
    from ..show import grid
    from ..show import items as show

    it = opened(space, threads, device)
    out = console.result(out, force, tuple(grid.FORMATS) if strip else show.item_endings(it.modality))
    done = it.transfer(content, style, blend, by)
    done.save(out, strip)
    told = done.evidence
    if as_json:
        console.emit({**told, "output": str(out)})
        return
    classes = told["classes"]
    seen = f"; read as {told['content']['after']['value']}" if told["content"] else ""
    trust = "" if told["support"] is None else f"; support {told['support']:.2f}"
    near = (
        "; nearest real items " + ", ".join(f"@{n['id']}" for n in told["nearest"]) if told["nearest"] else ""
    )
    console.say(
        f"wrote {content} ({classes['content']}) in the style of {style} ({classes['style']}) to "
        f"{out}{seen}{trust}{near}",
        quiet,
    )
    others = [name for name in it.categories if name != told["by"]]
    if by is None and others:
        console.say(
            f"content is what {told['by']} names; --by {shlex.quote(others[0])} would take another category",
            quiet,
        )


def directions(
    space: SpaceName,
    source: Annotated[
        str, option("--from", "NAME", "attributes, readings, pca, jacobian or factorised.")
    ] = "attributes",
    at: Annotated[
        str | None, option("--at", "ITEM", "Where jacobian looks, and what the picture moves: " + ITEM)
    ] = None,
    k: Annotated[int, option("-k", "K", "How many without labels.")] = 8,
    out: Drawing = None,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """List directions, and how far each can be relied on.

    \b
    Examples:
      liminal directions fashion
      liminal directions tunes --from readings
      liminal directions fashion --from pca -k 6 -o pca.png
      liminal directions fashion --from jacobian --at @12
    """
    from ..ops.directions.directions import table
    from ..show import grid

    if out is not None:
        console.output(out, force, grid.FORMATS)
    it = opened(space, threads, device)
    found = it.find_directions(source, at, k, seed)
    rows = table(found)
    if out is not None:
        grid.save(it.direction_strips(found, at), out)
    if as_json:
        console.emit({"directions": [d.evidence for d in found], "output": None if out is None else str(out)})
        return
    headers: tuple[str, ...] = ("direction", "score", "")
    more: tuple[str, ...] = ("note",)
    if source in ("attributes", "readings"):
        more = ("effect", "leakage", "looks real", "holds from", "to", "best dimension", "its score", "note")
    cells = []
    for row in rows:
        row |= dict(zip(("holds from", "to"), row["holds"] or (None, None), strict=True))
        row["looks real"] = row["looks_real"] and row["looks_real"][1]
        row |= dict(zip(("best dimension", "its score"), row["best_dimension"] or (None, None), strict=True))
        cells.append([row["name"], row["score"], row["score_name"], *(row[name] for name in more)])
    headers += more
    console.table(headers, cells)
    if out is not None:
        console.say(f"wrote {len(found)} directions to {out}", quiet)


def in_words(told: dict[str, Any]) -> str:
    """The evidence of an edit or a transfer in one sentence."""
    words = [f"it moved by {told['distance']:.2f} in the latent space"] if "distance" in told else []
    if told.get("leakage") is not None:
        words.append(f"other attributes moved by {told['leakage']:.2f} SD on average")
    if told.get("support") is not None:
        words.append(f"support {told['support']['after']:.2f}")
    if told.get("nearest"):
        words.append("nearest real items " + ", ".join(f"@{n['id']}" for n in told["nearest"]))
    return "; ".join(words)
