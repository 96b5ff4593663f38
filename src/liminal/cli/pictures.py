"""Commands that make pictures: decode, sample, reconstruct, morph, edit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..errors import LiminalError
from ..voice import Voice
from . import console
from .options import ITEM, Device, Force, ItemName, Json, PngOrFolder, Quiet, Seed, SpaceName, Threads, argument, flag, opened, option

if TYPE_CHECKING:
    import numpy as np

    from ..space import Space


def decode(
    space: SpaceName,
    file: Annotated[Path, argument("LATENTS", "A .npy file (n, d), or .parquet with a column z.")],
    out: PngOrFolder,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Turn latents into items.

    \b
    Examples:
      liminal decode fashion z.parquet -o grid.png
      liminal decode fashion z.npy -o decoded
    """
    import torch

    from ..export import latents
    from ..ops.samples import Samples

    console.output(out, force, (".png",), folder=True)
    z = latents.read(file)
    it = opened(space, threads, device)
    try:
        items = it.decode(z)
    except LiminalError as error:
        raise LiminalError(f"{file}: {str(error).removeprefix('decode: ')}") from error
    Samples(torch.from_numpy(z), items, it.modality, "latents").save(out)
    console.say(f"wrote {len(items):,} decoded items to {out}", quiet)


def sample(
    space: SpaceName,
    out: PngOrFolder,
    n: Annotated[int, option("-n", "N", "How many.")] = 64,
    source: Annotated[str | None, option("--from", "NAME", "prior, mixture or flow; default: what tested best.")] = None,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw new items.

    \b
    Examples:
      liminal sample fashion -n 64 -o grid.png
      liminal sample fashion -n 1000 --from prior --seed 7 -o drawn
    """
    console.output(out, force, (".png",), folder=True)
    it = opened(space, threads, device)
    samples = it.sample(n, source or "default", seed)
    samples.save(out)
    if as_json:
        why = it.card.sampler.get("why") if source is None else None
        console.emit({"n": n, "from": samples.source, "why": why, "seed": seed, "output": str(out)})
    else:
        console.say(f"wrote {n:,} samples of {space}, drawn from its {samples.source}, to {out}", quiet)


def reconstruct(
    space: SpaceName,
    out: PngOrFolder,
    what: Annotated[list[str] | None, argument("[ITEM|DATA]...", "@12, files or folders; default: held-out items.")] = None,
    n: Annotated[int, option("-n", "N", "Held-out items, where none are named.")] = 12,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Encode items and decode them again.

    A grid shows them below the originals.

    \b
    Examples:
      liminal reconstruct fashion -n 24 -o grid.png
      liminal reconstruct photos-space @12 @40 me.jpg -o grid.png
    """
    console.output(out, force, (".png",), folder=True)
    it = opened(space, threads, device)
    with console.speaking(quiet) as voice:
        originals = _originals(it, what, voice) if what else _held_out(it, n, seed)
    found = it.reconstruct(originals)
    found.save(out)
    error = it.modality.tensor(originals) - it.modality.tensor(found.items)
    mse = float(error.double().square().mean())
    if as_json:
        console.emit({"n": len(found), "mse": mse, "output": str(out)})
    else:
        console.say(f"wrote {len(found):,} reconstructions to {out}; mean squared error {mse:.5f}", quiet)


def _held_out(space: Space, n: int, seed: int) -> np.ndarray:
    import numpy as np

    if n < 1:
        raise LiminalError(f"-n {n}: wanted 1 or more")
    ids = space.catalogue.table(split="held", columns=["id"]).column("id").to_numpy()
    return space.items(sorted(np.random.default_rng(seed).permutation(ids)[:n].tolist()))


def _originals(space: Space, names: Sequence[str], voice: Voice) -> np.ndarray:
    """The stored items of the space, in files, or in data, that the names stand for."""
    import numpy as np

    from .. import registry

    found = []
    for name in names:
        if name.startswith("@"):
            if not name[1:].isdecimal():
                raise LiminalError(f"{name}: wanted @ and a number, such as @12; only items and files have an original")
            found.append(space.items([int(name[1:])]))
        elif Path(name).is_file() and Path(name).suffix.lower() in space.modality.endings:
            found.append(space.modality.read(Path(name))[None])
        else:
            found.append(np.asarray(registry.dataset(name, None, space.modality, voice).items))
    return np.concatenate(found)


def morph(
    space: SpaceName,
    items: Annotated[list[str], argument("ITEM...", f"Two or more: {ITEM}")],
    out: Annotated[Path, option("-o --output", "FILE", "A film (.gif, .mp4), or all frames in rows (.png).")],
    along: Annotated[str, option("--along", "WAY", "slerp or linear.")] = "slerp",
    frames: Annotated[int, option("--frames", "N", "How many.")] = 48,
    loop: Annotated[bool, flag("--loop", "Go back to the first item at the end.")] = False,
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
      liminal morph fashion @12 me.png "mean(label=Bag)" --along linear --loop -o morph.mp4
    """
    console.output(out, force, (".gif", ".mp4", ".png"))
    it = opened(space, threads, device)
    path = it.path(*items, along=along, frames=frames, loop=loop)
    path.save(out)
    if as_json:
        console.emit({**path.evidence, "along": path.along, "frames": len(path), "keys_at": path.at, "output": str(out)})
    else:
        uneven = path.evidence["unevenness"]
        console.say(f"wrote {len(path)} frames along {along} to {out}; the largest step is {uneven:.2f} times the mean one", quiet)


def edit(
    space: SpaceName,
    item: ItemName,
    formula: Annotated[str, argument("FORMULA", "'+1.5*smile - glasses', or 'mean(label=Bag) - mean(label=Coat)'.")],
    out: Annotated[Path, option("-o --output", "FILE", "The edited item, or with --strip the strip (.png).")],
    strip: Annotated[bool, flag("--strip", "The edit at five strengths from -2 to 2 in one picture.")] = False,
    as_json: Json = False,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Move an item by a formula.

    Tells what a reader of attributes, fitted to other items, sees before and after. Strength 1 of an attribute is one standard
    deviation of a number, or off to on.

    \b
    Examples:
      liminal edit faces-space @12 "+1.5*smile - glasses" -o out.png
      liminal edit faces-space @12 "-glasses" --strip -o strip.png
      liminal edit fashion @1 "mean(label='Ankle boot') - mean(label=Sandal)" -o out.png
    """
    from ..export import grid

    endings = grid.FORMATS if strip else (*grid.FORMATS, ".gif", ".bmp")
    console.output(out, force, endings)
    it = opened(space, threads, device)
    edited = it.edit(item, formula)
    if strip:
        grid.save(it.strip([item], formula), out)
    else:
        edited.save(out)
    if as_json:
        console.emit({**edited.evidence, "item": item, "output": str(out)})
        return
    read = edited.evidence["attributes"]
    if read and not quiet:
        console.table(("attribute", "before", "after"), [(name, v["before"], v["after"]) for name, v in read.items()])
    console.say(f"wrote {item} edited by {formula} to {out}; it moved by {edited.distance:.2f} in the latent space", quiet)
