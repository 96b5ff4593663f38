"""What `make demo` runs: a latent space of drawn faces in about two minutes, and what can be done with it, in
demo/; then the studio.

Everything here is one call each on the space, as a user would write it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import liminal
from liminal import cli
from liminal.tensors import set_threads
from liminal.voice import Terminal


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make demo ARGS=...", description=(__doc__ or "").partition("\n\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=2.0, help="of training (2)")
    parser.add_argument("--epochs", type=float, help="instead of --minutes")
    parser.add_argument("--n", type=int, default=8000, help="faces to draw (8000)")
    parser.add_argument("--dim", type=int, default=32, help="latent dimensions (32)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the results (demo)")
    parser.add_argument(
        "--no-browser", action="store_true", help="print how to open the studio instead of opening it"
    )
    args = parser.parse_args()
    voice = Terminal()
    set_threads(args.threads)
    args.out.mkdir(exist_ok=True)
    length = {"epochs": args.epochs} if args.epochs else {"minutes": args.minutes}
    space = liminal.fit(
        "faces", args.out / "faces-space", dim=args.dim, **length, seed=args.seed, threads=args.threads,
        reading={"n": args.n}, force=True, voice=voice,
    )  # fmt: skip
    for name, what in write(space, args.out, voice):
        print(f"{args.out / name}: {what}")
    command = "liminal" if shutil.which("liminal") else ".venv/bin/liminal"
    if args.no_browser or not sys.stdin.isatty():
        print(f"to walk in it: {command} studio {space.folder}")
        return 0
    print("and now the studio, in the browser:", flush=True)
    cli.main(["studio", str(space.folder)])  # until ctrl-C
    return 0


def write(space: liminal.Space, out: Path, voice: Terminal) -> list[tuple[str, str]]:
    """Every picture of the demo, and what each shows."""
    held = space.catalogue.table("split = 'held'", columns=["id"])["id"].to_pylist()
    faces = [f"@{i}" for i in held[:12]]
    plain = space.catalogue.table("split = 'held' and glasses = 'none' and smile < 0", columns=["id"])[
        "id"
    ].to_pylist()[:4]
    steps = {
        "reconstructions.png": (
            "held-out faces, and below each what the model makes of its code",
            lambda p: space.reconstruct(faces).save(p),
        ),
        "samples.png": ("64 faces that nobody drew", lambda p: space.sample(64).save(p)),
        "morph.gif": (
            "a walk through four faces",
            lambda p: space.path(*faces[:4], frames=72, loop=True).save(p),
        ),
        "smile.png": ("four faces from -2 to +2 smiles", lambda p: space.strip(plain, "smile").save(p)),
        "glasses.png": (
            "the same faces, glasses going on",
            lambda p: space.strip(plain, "glasses", (0, 0.25, 0.5, 0.75, 1)).save(p),
        ),
        "map.png": (
            "every face on a plane, near when their codes are near",
            lambda p: space.map("umap", color="hair_style").save(p),
        ),
        "report.html": (
            "what the space is worth, measured",
            lambda p: space.measure(voice=voice).save(p),
        ),
    }
    for i, (name, (what, make)) in enumerate(steps.items()):
        voice.progress("drawing the results", i / len(steps), what)
        make(out / name)
    voice.close()
    return [(name, what) for name, (what, _) in steps.items()]


if __name__ == "__main__":
    sys.exit(main())
