"""The house's map holds: imports run down the layers only, there are no circles, and light things stay
light.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from liminal import registry

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "liminal"

LAYERS: list[set[str]] = [
    {"errors", "files", "names", "tabular", "tensors", "distances", "voice", "foreign"},
    {"nn", "modalities", "priors"},
    {"generator", "export", "show"},
    {"datasets", "models", "ops", "maps", "measures"},
    {
        "muon",
        "run",
        "train",
        "catalogue",
        "database",
        "card",
        "outputs",
        "kept",
        "mirror",
        "schema",
        "rows",
        "filters",
    },
    {"registry", "collection", "assembly", "build", "core", "resolve", "verbs", "space", "opening"},
    {"cli", "__main__", "studio", "widget", "scale"},
]
LEVEL = {name: i for i, names in enumerate(LAYERS) for name in names}
ORDER = ["models", "ops", "maps", "measures"]  # inside the fourth layer; no face of one looks at a later one
STRANGERS = [{"nn", "modalities", "priors"}, {"datasets", "models"}]  # know nothing of each other
LINES, FUNCTION = 450, 70  # of a file, of a function with its docstring
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
        if {own, other} <= set(ORDER):
            assert ORDER.index(other) <= ORDER.index(own), (
                f"{path.name} imports {target}, which comes after it"
            )
        for group in STRANGERS:
            assert not ({own, other} <= group and own != other), (
                f"{path.name} imports {target}; the two know nothing of each other"
            )


def outside(*rooms: str) -> list[Path]:
    """The modules that lie in none of these rooms."""
    return [path for path in modules() if part(name_of(path)) not in rooms]


def test_nobody_asks_what_kind_of_data_it_is() -> None:
    """Outside modalities/ no kind is told by its name or class, and none guessed by the rank of a shape."""
    classes = {entry.partition(":")[2] for entry in registry.MODALITIES.values()}
    for path in outside("modalities"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                known = {s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)}
                kind = any(ast.unparse(s).endswith(("modality.name", "kind.name")) for s in sides)
                assert not (kind and known), f"{path}:{node.lineno}: {ast.unparse(node)}"
                own = any(re.search(r"\b(modality|m)\.(\w*_)?shape\)$", ast.unparse(s)) for s in sides)
                whole = any(isinstance(s, ast.Constant) and isinstance(s.value, int) for s in sides)
                assert not (own and whole), f"{path}:{node.lineno}: {ast.unparse(node)} guesses by rank"
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
                asked = {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}
                assert not asked & classes, f"{path}:{node.lineno}: {ast.unparse(node)}"


def lengths() -> dict[str, int]:
    """Lines of every file, by its path, and of every function, by ``path:name``."""
    found = {}
    for path in [*modules(), SOURCE / "__init__.py"]:
        text, where = path.read_text(), path.relative_to(SOURCE).as_posix()
        found[where] = len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                name = f"{where}:{node.name}"
                found[name] = max(found.get(name, 0), node.end_lineno - node.lineno + 1)
    return found


def test_nothing_is_too_long_to_be_read() -> None:
    """Files and functions end where one reads them in one go."""
    told = lengths()
    assert len(told) > 1000
    for name, count in told.items():
        most = FUNCTION if ":" in name else LINES
        assert count <= most, f"{name} has {count} lines, and may have {most}: split it along a seam"


@pytest.mark.parametrize("room", ["ops", "maps", "measures", "models", "nn"])
def test_arrays_and_evidence_draw_nothing(room: str) -> None:
    """What computes imports no pictures: `show` and the modalities draw."""
    for path in (SOURCE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not any(name.split(".")[0] == "PIL" for name in names), f"{path}:{node.lineno}"


@pytest.mark.parametrize("name", registry.MODALITIES)
def test_a_kind_is_one_file_of_each_sort(name: str) -> None:
    """Python, page and documentation are paired by the kind's name."""
    assert (SOURCE / "modalities" / f"{name}.py").is_file()
    assert (ROOT / "web" / "src" / "modalities" / f"{name}.ts").is_file()


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
