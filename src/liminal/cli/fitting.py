"""Commands that make a space, or bring more into it: fit, encode, label."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ..errors import LiminalError
from . import console
from .facts import in_brief
from .options import Device, Force, Json, Quiet, Seed, SpaceName, Threads, argument, flag, opened, option

if TYPE_CHECKING:
    from ..card import Card
    from ..modalities import Option


class ReadingOptions(TyperCommand):
    """A command with the options that each kind of data is read by, from its class, beside its own.

    The classes are loaded when this command is asked for, and not for the list of all commands. What is given
    lies in the context's ``meta``.
    """

    GIVEN = "liminal.reading"
    _own: list[Any]
    _reading: list[Any]

    @property
    def params(self) -> list[Any]:
        if not self._reading and self._own:
            self._reading = _of_kinds()
            at = 1 + [p.name for p in self._own].index("modality")
            self._own[at:at] = self._reading
        return self._own

    @params.setter
    def params(self, params: list[Any]) -> None:
        self._own, self._reading = params, []

    def invoke(self, ctx: Any) -> Any:
        given = {option.name: ctx.params.pop(option.name) for option in self._reading}
        ctx.meta[self.GIVEN] = {name: value for name, value in given.items() if value is not None}
        return super().invoke(ctx)


def _of_kinds() -> list[Any]:
    """The options, made by typer from a function that has them as arguments; each one's help has a part for
    each kind.
    """
    from .. import registry

    found: dict[str, list[tuple[str, Option]]] = {}
    for name, kind in registry.modalities().items():
        for known in kind.options:
            found.setdefault(known.name, []).append((name, known))

    def read(**given: Any) -> None: ...

    kinds: dict[str, Any] = {}
    for name, told in found.items():
        flags, help = f"--{name.replace('_', '-')}", " ".join(f"{kind}: {known.help}" for kind, known in told)
        first = told[0][1]
        shown = flag(flags, help) if first.kind is bool else option(flags, first.metavar, help)
        kinds[name] = Annotated[first.kind | None, shown]
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in kinds.items()
    ]
    read.__signature__, read.__annotations__ = inspect.Signature(keywords), kinds  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(read)
    command: Any = typer.main.get_command(app)
    return [made for made in command.params if made.name in kinds]


def fit(
    context: typer.Context,
    data: Annotated[
        str, argument("DATA", "A folder, a file (an idx, npy, npz or Parquet one, too), or a dataset's name.")
    ],
    out: Annotated[Path, option("-o --output", "SPACE", "Folder of the new space.")],
    model: Annotated[str | None, option("--model", "NAME", "vae (default), ae or wae.")] = None,
    dim: Annotated[int | None, option("--dim", "N", "Latent dimensions; 16, or as suits.")] = None,
    prior: Annotated[str | None, option("--prior", "NAME", "normal or sphere; wae has uniform, too.")] = None,
    minutes: Annotated[
        float | None, option("--minutes", "M", "Minutes of training; 5, or epochs as suit the data.")
    ] = None,
    epochs: Annotated[float | None, option("--epochs", "N", "Passes over the data, not minutes.")] = None,
    attributes: Annotated[Path | None, option("--attributes", "FILE", "CSV, Parquet, by file name.")] = None,
    bind: Annotated[
        str | None, option("--bind", "NAMES", "Attributes that get a dimension of their own: smile,glasses.")
    ] = None,
    codes: Annotated[Path | None, option("--codes", "FILE", "Latents of the items, to be decoded.")] = None,
    modality: Annotated[
        str | None,
        option("--modality", "NAME", "Kind of data; default: what DATA looks like, which is said."),
    ] = None,
    n: Annotated[int | None, option("--n", "N", "Items of a dataset that is drawn by code.")] = None,
    correlate: Annotated[
        str | None, option("--correlate", "A:B=R", "faces: two factors that go together: glasses:hat=0.8.")
    ] = None,
    batch: Annotated[int | None, option("--batch", "N", "Items a step; 64, or as suits.")] = None,
    rate: Annotated[float | None, option("--rate", "R", "Learning rate at its peak; default 0.003.")] = None,
    width: Annotated[int | None, option("--width", "N", "Channels at the finest resolution.")] = None,
    beta: Annotated[float | None, option("--beta", "B", "vae: weight of the KL.")] = None,
    free_bits: Annotated[
        float | None, option("--free-bits", "NATS", "vae: KL left free in each dimension.")
    ] = None,
    tc: Annotated[float | None, option("--tc", "W", "vae: extra weight of the total correlation.")] = None,
    mixing: Annotated[
        float | None, option("--mixing", "W", "vae: means of latents shall be mixes, of sounds.")
    ] = None,
    likelihood: Annotated[str | None, option("--likelihood", "NAME", "vae: gaussian or bernoulli.")] = None,
    noise: Annotated[float | None, option("--noise", "SD", "Noise on the inputs (denoising).")] = None,
    rae: Annotated[float | None, option("--rae", "W", "ae: weight of the RAE penalties.")] = None,
    penalty: Annotated[float | None, option("--penalty", "W", "wae: weight of the MMD.")] = None,
    seed: Seed = 0,
    threads: Threads = None,
    device: Device = None,
    resume: Annotated[bool, flag("--resume", "Go on with an interrupted fit.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Train a model on data and make a space of it.

    \b
    Examples:
      liminal fit photos/ -o photos-space --dim 32 --minutes 5 --attributes labels.csv
      liminal fit faces -o faces-space --n 8000 --epochs 20
      liminal fit photos/ -o photos-space --dim 32 --minutes 5 --resume
    """
    own = _given(width=width, beta=beta, free_bits=free_bits, tc=tc, likelihood=likelihood)
    how = _given(batch=batch, rate=rate, minutes=minutes, epochs=epochs, threads=threads, device=device)
    how |= {"model": model, "dim": dim, "prior": prior, "seed": seed, "resume": resume, "force": force}
    how |= {"attributes": attributes, "modality": modality, "codes": codes}
    own |= _given(mixing=mixing, noise=noise, rae=rae, penalty=penalty)
    how["options"] = _model_options(model or ("vae" if codes is None else "given"), own)
    how["reading"] = _given(n=n, correlate=correlate) | context.meta[ReadingOptions.GIVEN]
    how["bind"] = [name.strip() for name in bind.split(",")] if bind else ()
    folder = _trained(data, out, quiet, context.obj, how)
    if folder is not None and not quiet:
        _fitted(folder)


def _given(**options: Any) -> dict[str, Any]:
    """The options that have a value."""
    return {name: value for name, value in options.items() if value is not None}


def _trained(data: str, out: Path, quiet: bool, argv: Sequence[str], how: dict[str, Any]) -> Path | None:
    """As `build.fit`.

    Raises:
        Interrupted: ctrl-C came; the message says how to go on.
    """
    from .. import build

    with console.speaking(quiet) as voice:
        try:
            return build.fit(data, out, voice=voice, **how)
        except KeyboardInterrupt:
            raise console.Interrupted(_how_to_resume(out, argv)) from None


def _model_options(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options given, if the model takes them all.

    Raises:
        LiminalError: it does not, or there is no such model.
    """
    from .. import registry

    kind = registry.named("model", model, registry.MODELS)
    takes = [name for name in inspect.signature(kind).parameters if name not in ("shape", "dim", "prior")]
    for name in given:
        if name not in takes:
            flags = ", ".join(f"--{t.replace('_', '-')}" for t in takes)
            raise LiminalError(f"model {model} has no --{name.replace('_', '-')}; it takes {flags}")
    return given


def _how_to_resume(out: Path, argv: Sequence[str]) -> str:
    from ..outputs import beside

    folder = new if (new := beside(out)).exists() else out
    if not (folder / "checkpoint" / "state.json").exists():
        return "interrupted before there was anything to keep"
    again = [a for a in argv if a not in ("--force", "--resume")]
    return f"interrupted; the state is kept, go on with: {shlex.join(['liminal', *again, '--resume'])}"


def _fitted(folder: Path) -> None:
    """What a fit made, and the commands to try on it."""
    from ..card import Card

    card, name = Card.read(folder), shlex.quote(str(folder))
    lines = [f"{folder} is ready: {in_brief(card)}", "try:"]
    lines += [f"  liminal sample {name} -n 64 -o grid.png", f"  liminal morph {name} @0 @1 -o morph.gif"]
    edit = _an_edit(card)
    lines += [f"  liminal edit {name} @0 {shlex.quote(edit)} -o edit.png"] if edit else []
    lines += [f"  liminal map {name} -o map.png", f"  liminal measure {name} -o report.html"]
    for line in lines:
        console.say(line)


def _an_edit(card: Card) -> str:
    """A formula along a learned direction, one that works if there is any; empty if there is none."""
    from ..ops.formulas.formula import Named, show

    found = json.loads(card.parts.get("directions.safetensors", {}).get("evidence", "[]"))
    for direction in sorted(found, key=lambda one: (not one.get("works"), one.get("kind") == "category")):
        attribute, equals, value = direction["name"].partition("=")
        return "+1.5*" + show(Named(attribute, value if equals else None))
    return ""


def encode(
    space: SpaceName,
    data: Annotated[str, argument("DATA", "As `liminal fit` takes it.")],
    out: Annotated[
        Path | None, option("-o --output", "FILE", "Latents as .parquet (id, z, attributes) or .npy.")
    ] = None,
    add: Annotated[bool, flag("--add", "Append the items to the space instead.")] = False,
    as_json: Json = False,
    threads: Threads = None,
    device: Device = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Give the latents of data, or add the data to the space.

    \b
    Examples:
      liminal encode photos-space more/ -o z.parquet
      liminal encode photos-space more/ --add
    """
    from ..export import latents

    if (out is None) == (not add):
        raise LiminalError("wanted -o FILE or --add, one of the two")
    if out is not None:
        console.output(out, force, latents.ENDINGS)
    it = opened(space, threads, device)
    with console.speaking(quiet) as voice:
        if out is None:
            n, where = it.add(data, voice=voice), f"the catalogue of {space}"
        else:
            z, columns = it.encode_data(data, voice=voice)
            latents.write(out, z, columns)
            n, where = len(z), str(out)
    if as_json:
        console.emit({"items": n, "dim": it.dim, "output": None if out is None else str(out), "added": add})
    else:
        console.say(
            f"wrote {n:,} items to {where}"
            if add
            else f"wrote {n:,} latents of {it.dim} dimensions to {where}",
            quiet,
        )


def label(
    space: SpaceName,
    file: Annotated[
        Path, argument("FILE", "CSV or Parquet; a column of file names and one for each attribute.")
    ],
    threads: Threads = None,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Add attributes to a space, and learn their directions.

    Items that the file does not name, or gives no value, keep the value that they have.

    \b
    Example:
      liminal label photos-space labels.csv
    """
    it = opened(space, threads, device)
    with console.speaking(quiet) as voice:
        names = it.label(file, voice=voice)
    console.say(f"{space} now knows {', '.join(names)}", quiet)
