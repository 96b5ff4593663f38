"""The house's map holds: imports run down the layers only, there are no circles, and light things stay
light.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "liminal"

LAYERS: list[set[str]] = [
    {"errors", "files", "names", "tabular", "tensors", "distances", "voice", "foreign"},
    {"nn", "modalities", "priors"},
    {"generator", "export", "show"},
    {"datasets", "models", "ops", "maps", "measures"},
    {"muon", "train", "catalogue", "card", "kept", "mirror", "schema", "rows", "filters"},
    {"registry", "collection", "build", "core", "changes", "space", "opening"},
    {"cli", "__main__", "studio", "widget", "scale"},
]
LEVEL = {name: i for i, names in enumerate(LAYERS) for name in names}
STRANGERS = [{"nn", "modalities", "priors"}, {"datasets", "models"}]  # know nothing of each other
BELOW_PACKAGE = {"__version__"}  # what may be taken from the package itself


def modules() -> list[Path]:
    return sorted(p for p in SOURCE.rglob("*.py") if p != SOURCE / "__init__.py")


def part(name: str) -> str:
    """`datasets` for liminal.datasets.idx."""
    return name.split(".")[1]


def imports(path: Path) -> set[str]:
    """Every module of Liminal that a file imports, inside functions too; imports for type checking count as
    well.
    """
    package = ["liminal", *path.relative_to(SOURCE).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, node.module] if node.module else base)
            if not stem.startswith("liminal"):
                continue
            for alias in node.names:
                longer = f"{stem}.{alias.name}"
                file = SOURCE.parent / Path(*longer.split("."))
                found.add(longer if file.with_suffix(".py").exists() or file.is_dir() else stem)
            if stem == "liminal" and {a.name for a in node.names} & BELOW_PACKAGE:
                found.discard("liminal")
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "liminal"}
    return found


def name_of(path: Path) -> str:
    parts = ["liminal", *path.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_down(path: Path) -> None:
    own = part(name_of(path))
    assert own in LEVEL, f"{own} has no layer: add it to the map in docs/design.md and here"
    for target in imports(path):
        other = part(target)
        assert LEVEL[other] <= LEVEL[own], f"{path.name} imports {target}, which lies above it"
        for group in STRANGERS:
            assert not ({own, other} <= group and own != other), (
                f"{path.name} imports {target}; the two know nothing of each other"
            )


def test_no_circles() -> None:
    graph = {name_of(p): {i for i in imports(p) if i != name_of(p)} for p in modules()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, "circle: " + " > ".join([*way[way.index(name) :], name])
        if name in done:
            return
        for other in graph.get(name, ()):
            visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_every_layer_is_real() -> None:
    """The map above names nothing that has gone, but for what later issues add."""
    later = {"studio", "widget", "scale"}
    for name in set(LEVEL) - later:
        assert (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").exists(), name


def test_import_loads_no_torch() -> None:
    code = (
        "import sys, liminal; heavy = {'torch', 'numpy', 'pyarrow', 'lancedb', 'PIL'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_unpickled() -> None:
    """No call that could run what a file says: torch.load, pickle, eval, exec, numpy with pickles."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                call = ast.unparse(node.func)
                assert call not in {
                    "eval",
                    "exec",
                    "torch.load",
                    "pickle.load",
                    "pickle.loads",
                    "joblib.load",
                }, f"{path}: {call}"
                if call == "np.load":
                    assert any(
                        k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in node.keywords
                    ), path
