"""Commands that make items: decode, sample, reconstruct."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..errors import LiminalError
from . import console
from .options import (
    ITEM,
    Device,
    Force,
    Json,
    Layout,
    PngOrFolder,
    Quiet,
    Seed,
    SpaceName,
    Threads,
    argument,
    opened,
    option,
)

if TYPE_CHECKING:
    import numpy as np

    from ..space import Space


def decode(
    space: SpaceName,
    out: PngOrFolder,
    file: Annotated[
        Path | None, argument("[LATENTS]", "A .npy file (n, d), or .parquet with a column z.")
    ] = None,
    at: Annotated[
        list[str] | None,
        option("--at", "X,Y", "A point of the space's map instead; may be given several times."),
    ] = None,
    method: Layout = "umap",
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
      liminal decode fashion --at 3.5,-2 --at 4,-2 -o there.png
    """
    import torch

    from ..export import latents
    from ..ops.samples import Samples

    if (file is None) == (not at):
        raise LiminalError("decode: wanted a file of latents, or points of the map as --at X,Y")
    places = [_place(text) for text in at or []]
    it = opened(space, threads, device)
    console.output(out, force, (".png", *it.modality.gathers), folder=True)
    if file is None:
        _decode_places(it, places, method, out, quiet)
        return
    z = latents.read(file)
    try:
        items = it.decode(z)
    except LiminalError as error:
        raise LiminalError(f"{file}: {str(error).removeprefix('decode: ')}") from error
    Samples(torch.from_numpy(z), items, it.modality, "latents").save(out)
    console.say(f"wrote {len(items):,} decoded items to {out}", quiet)


def _place(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise LiminalError(f"--at {text}: wanted two numbers, such as --at 3.5,-2") from None
    return x, y


def _decode_places(
    space: Space, places: list[tuple[float, float]], method: str, out: Path, quiet: bool
) -> None:
    with console.speaking(quiet):
        found, where = space.at(places, method)
    found.save(out)
    rows = [
        (f"{x:g},{y:g}", error, "outside" if off else "")
        for (x, y), error, off in zip(places, where.error, where.outside, strict=True)
    ]
    if not quiet:
        console.table(("at", "error of z", ""), rows)
    console.say(f"wrote {len(found):,} items at points of the {method} map to {out}", quiet)


def sample(
    space: SpaceName,
    out: PngOrFolder,
    n: Annotated[int, option("-n", "N", "How many.")] = 64,
    source: Annotated[
        str | None,
        option(
            "--from",
            "NAME",
            "prior, mixture or flow (default: what tested best); or normal, sphere, uniform.",
        ),
    ] = None,
    where: Annotated[
        str | None, option("--where", "FILTER", "Like the items that pass: \"label = 'Sandal'\".")
    ] = None,
    cluster: Annotated[
        int | None, option("--cluster", "N", "Like the items of this cluster (see liminal clusters).")
    ] = None,
    near: Annotated[str | None, option("--near", "ITEM", f"From around an item: {ITEM}")] = None,
    like: Annotated[
        list[str] | None,
        option(
            "--like", "DATA", "Like all of these: files, a folder or @12, three items or more; repeatable."
        ),
    ] = None,
    begin: Annotated[str | None, option("--begin", "TEXT", "That begin so: sentences.")] = None,
    support: Annotated[
        float | None, option("--support", "P", "Only draws with this support or more, 0 to 1.")
    ] = None,
    as_json: Json = False,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw new items.

    With --where, --cluster, --near, --like, --begin, --support or another prior a folder also gets
    table.csv and latents.parquet: support, the nearest real item and its distance, beside each file.

    \b
    Examples:
      liminal sample fashion -n 64 -o grid.png
      liminal sample fashion -n 1000 --from prior --seed 7 -o drawn
      liminal sample fashion -n 200 --where "label = 'Sandal'" --support 0.2 -o sandals
      liminal sample fashion --near @12 -o like-12.png
      liminal sample tunes --like mine.mid --like other.mid -n 8 -o more.mid
      liminal sample reviews-space --begin "the service" -n 8 -o begun.txt
    """
    it = opened(space, threads, device)
    console.output(out, force, (".png", *it.modality.gathers), folder=True)
    part = {"where": where, "cluster": cluster, "near": near, "like": like, "begin": begin}
    samples = it.sample(n, source or "default", seed, support=support, **part)  # type: ignore[arg-type]
    samples.save(out)
    known = samples.table is not None and "support" in samples.table.column_names
    trust = sorted(samples.table["support"].to_pylist()) if samples.table is not None and known else None
    if as_json:
        chosen = source is None and samples.source == it.card.sampler["default"]
        why = it.card.sampler.get("why") if chosen else None
        facts = {"n": n, "from": samples.source, "why": why, "seed": seed, "output": str(out)}
        told = {} if samples.table is None else {"evidence": samples.table.to_pylist()}
        console.emit({**facts, **told})
        return
    text = "" if trust is None else f"; median support {trust[len(trust) // 2]:.2f}"
    console.say(f"wrote {n:,} samples of {space}, drawn from its {samples.source}, to {out}{text}", quiet)


def reconstruct(
    space: SpaceName,
    out: PngOrFolder,
    what: Annotated[
        list[str] | None,
        argument("[ITEM|DATA]...", "@12, FILE, FILE#n, 'row(age=40)' or a folder; default: held-out items."),
    ] = None,
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
    it = opened(space, threads, device)
    console.output(out, force, (".png", *it.modality.gathers), folder=True)
    with console.speaking(quiet) as voice:
        found = it.reconstruct(what or _held_out(it, n, seed), voice)
    found.save(out)
    errors = it.errors(found)
    if as_json:
        console.emit({"n": len(found), **errors, "output": str(out)})
        return
    name, value = next(iter(errors.items()))
    score = it.modality.scores[name]
    unit = f" {score.unit}" if score.unit else ""
    console.say(
        f"wrote {len(found):,} reconstructions to {out}; {name} {value:.5f}{unit}, the {score.words}", quiet
    )


def _held_out(space: Space, n: int, seed: int) -> np.ndarray:
    import numpy as np

    if n < 1:
        raise LiminalError(f"-n {n}: wanted 1 or more")
    ids = space.catalogue.table(split="held", columns=["id"]).column("id").to_numpy()
    return space.items(sorted(np.random.default_rng(seed).permutation(ids)[:n].tolist()))
