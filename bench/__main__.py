"""``python -m bench`` lists the benches, ``NAME`` runs one, ``all`` every one, ``table`` writes the results
into the docs.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence

BENCHES = {
    "fashion": "Fashion-MNIST in 16 dimensions: reconstruction, neighbours, samples; against PCA and raw "
    "pixels",
    "pythae": "the same at equal wall time beside pythae 0.1.2, in its own venv; speed and memory of the "
    "encode",
    "edits": "faces: what a smile or glasses formula of strength 1 does to the decoded picture, and what "
    "else",
    "encode": "a million pictures to latents: peak memory, pictures a second",
    "support": "are supports uniform, do controls score low, does low support foretell bad decodings",
    "geodesics": "curves of least energy beside stochman 0.3, in its own venv",
    "maps": "70,000 codes laid out beside umap-learn; the way back beside its inverse_transform",
    "clusters": "groups of Fashion-MNIST found without labels, against the labels",
    "prdc": "precision, recall, density, coverage beside the package prdc, in its own venv: numbers, time, "
    "memory",
    "style": "classes changed with the style kept, styles transferred, judged by a classifier of real "
    "pictures",
    "conformance": "constructed spaces and samples whose scores are known, against ours and prdc",
    "directions": "edits of faces against the true edited picture, trained on confounded drawings; bound "
    "dimensions",
    "lfw": "photographs of faces: the smile in the latents of people never trained on, and edits of it",
    "melody": "folk tunes and chorales: restored, morphed, edited, sampled; beside mixing steps and a Markov "
    "chain",
    "meaning": "do mixtures mean something, and is it the mapping or the prior",
    "studio": "the browser studio: starting, hovering, many clients, a million points beside "
    "embedding-atlas and regl-scatterplot",
    "heard": "the same, by ear: from a key to its sound, and from a place to one that can be played",
    "tables": "synthetic rows told from real ones by trees, learned from, copies; beside a mixture, a copula",
    "sounds": "spoken digits: restored, heard again, recognised, carried over between speakers, mixed",
    "sentences": "review sentences: restored, sampled, walked between, made good by a vector; beside n-grams",
    "embeddings": "sentences from another model's embeddings, beside the nearest embedding's sentence",
    "shapes": "furniture and chairs: restored, morphed, edited to the true shape, sampled",
    "vocoder": "a small learned head beside Griffin-Lim at equal time: spoken digits, sounds it never heard",
    "startup": "import, --help and sample from a cold process",
}


def main(args: Sequence[str]) -> int:
    """Run what `args` name; the exit code."""
    if not args or args[0] in ("-h", "--help"):
        print("python -m bench NAME [options]      (python -m bench NAME --help)\n")
        for name, about in {
            **BENCHES,
            "all": "every bench above, one after the other",
            "table": "bench/out into docs/benchmarks.md",
        }.items():
            print(f"  {name:<12} {about}")
        return 0
    name, rest = args[0], args[1:]
    if name == "all" and rest:
        print(
            f"bench all {rest[0]}: it takes no options, each bench has its own; run them one by one",
            file=sys.stderr,
        )
        return 2
    if name == "all":
        failed = [
            bench for bench in BENCHES if subprocess.run([sys.executable, "-m", "bench", bench]).returncode
        ]
        print("could not be run: " + ", ".join(failed) if failed else "all ran")
        return 1 if failed else 0
    if name not in BENCHES and name != "table":
        print(
            f"bench {name}: there is no such bench; wanted one of {', '.join((*BENCHES, 'all', 'table'))}",
            file=sys.stderr,
        )
        return 2
    from liminal import LiminalError

    try:
        importlib.import_module(f"bench.{name}").main(rest)
    except LiminalError as error:
        print(f"bench {name}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
