"""The card of a space: `card.json`, which says what the space is and names the version of its every other
part.

Replacing the card is the only commit. Parts are written first, under names that the card on disk does not
use; then `Card.commit` replaces the card in one step, so that a reader finds the old space or the new one. Of
two writers the last wins. Nothing here unpickles or runs what it reads.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .errors import LiminalError
from .files import atomic_bytes
from .schema import problem

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FILE = "card.json"
CHECKPOINT = "checkpoint"  # a folder that an unfinished space holds, and no finished one
NEW = ".new"  # what the name of a space ends in while it waits to take the place of another
FORMAT = 2  # of the card and the folder; raised by every change that an older reader would misread


def _to_2(card: dict[str, Any]) -> dict[str, Any]:
    """A model's shapes are those of its modality's likelihood; items of any kind are counted as items."""

    def without(section: str, *names: str) -> dict[str, Any]:
        found = card.get(section)
        return {k: v for k, v in found.items() if k not in names} if isinstance(found, dict) else found  # type: ignore[return-value]

    model, training = without("model"), without("training", "images_per_second")
    if isinstance(model, dict) and isinstance(model.get("arguments"), dict):
        model["arguments"] = {k: v for k, v in model["arguments"].items() if k != "shape"}
    speed = (card.get("training") or {}).get("images_per_second") if isinstance(training, dict) else None
    return {**card, "model": model, "training": training | {"items_per_second": speed} if speed else training}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _to_2
}  # to the next format, in memory

_PICKLED = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt"}
_DANGER = "pickled weights can run code when they are read and are refused: write them again as safetensors"
_KEEP = 86400  # seconds that a file without a card is left alone: another process may be about to name it


@dataclass
class Card:
    """What a space is. The sections are JSON-ready dictionaries that belong to those who fill them.

    Attributes:
        model: ``class`` and ``arguments`` of the generator.
        modality: ``name`` and ``arguments``.
        prior: ``name`` and ``dim``.
        sampler: ``default`` and the ``reasons`` for it.
        data: ``name``, ``provenance``, ``licence``, ``n_train``, ``n_held``, ...
        attributes: name -> kind, as `Catalogue.attributes` gives it, or more about each.
        seed: of the fit.
        training: epochs, seconds, device, precision, threads, a summary of the losses, ...
        measures: name -> value, or what a measure tells.
        parts: name of a file or table -> what `write_weights` or `table_entry` returned.
        notes: sentences for the reader.
        format: of the folder; `Card.read` brings older ones up to `FORMAT`.
        kind: ``"space"``.
        liminal: the version of Liminal that wrote it.
        created: ISO time, UTC.
    """

    model: dict[str, Any]
    modality: dict[str, Any]
    prior: dict[str, Any]
    sampler: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    training: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    format: int = FORMAT
    kind: str = "space"
    liminal: str = field(default_factory=lambda: importlib.metadata.version("liminal"))
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def read(cls, folder: str | Path) -> Card:
        """The card of the space in `folder`, migrated in memory where its format is older.

        Raises:
            LiminalError: there is no card, the space is unfinished, the file is no card, or a newer Liminal
            made it.
        """
        path = _card_path(Path(folder))
        try:
            given = json.loads(path.read_bytes())
        except OSError as error:
            raise LiminalError(f"{path} cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested without end
            raise LiminalError(
                f"{path} is no card of a space: it is not JSON ({error}); copy the space again"
            ) from error
        format = given.get("format") if isinstance(given, dict) else None
        if type(format) is not int or format < 1:
            raise LiminalError(
                f"{path} is no card of a space: it names no format; a space's card is written by `liminal "
                "fit`"
            )
        if format > FORMAT:
            raise LiminalError(
                f"{path} was made by a newer Liminal (format {format}; this one reads up to {FORMAT}): "
                "upgrade liminal"
            )
        for step in range(format, FORMAT):
            given = {**MIGRATIONS[step](given), "format": step + 1}
        _check(path, given)
        return cls(**{name: given[name] for name in cls.__dataclass_fields__ if name in given})

    def commit(self, folder: str | Path) -> None:
        """Replace the card in `folder` in one step; this is what makes new parts count.

        Infinite and NaN numbers become null.

        Files of parts that neither this card nor the one before names are removed once they are a day old.

        Raises:
            LiminalError: the card is not what `Card.read` would take, or it cannot be written; the old one
            then stays.
        """
        path = Path(folder) / FILE
        card = _plain(asdict(self))
        _check(path, card)
        before = _named(Path(folder))
        atomic_bytes(path, (json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
        for name in self.parts:
            home, plain = (Path(folder) / name).parent, PurePosixPath(name)
            for file in home.glob(f"{plain.stem}-{'[0-9a-f]' * 12}{plain.suffix}"):
                if file not in before | _named(Path(folder)) and time.time() - file.stat().st_mtime > _KEEP:
                    file.unlink(missing_ok=True)


def verify(folder: str | Path, card: Card, hashes: bool = False) -> None:
    """Check that every part that the card names is there, in full size (and unchanged, if `hashes`, which
    reads all of it).

    Raises:
        LiminalError: it names the first part that is missing, cut or changed.
    """
    for name, entry in card.parts.items():
        path = part_path(folder, name, entry)
        if not path.exists():
            raise LiminalError(
                f"{path} is missing, which the space's card names; copy the whole folder again"
            )
        if path.is_file():
            _check_entry(path, entry, path.stat().st_size, _sha256(path) if hashes else "")
        else:
            _check_files(path, entry.get("files", {}), hashes)


def examine(folder: str | Path, card: Card) -> tuple[dict[str, str], list[str]]:
    """Read every part and hold it against its checksum.

    Returns:
        What is wrong with each part that is missing, cut or changed, by name; and the parts that have no
        checksum, since an older Liminal made them.
    """
    lost = {}
    for name, entry in card.parts.items():
        try:
            verify(folder, replace(card, parts={name: entry}), hashes=True)
        except LiminalError as error:
            lost[name] = str(error)
    return lost, [name for name, entry in card.parts.items() if not entry.keys() & {"sha256", "files"}]


def table_entry(
    folder: str | Path, name: str, version: int, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The card's entry of one version of a Lance table: sizes and hashes of its manifest and of the files
    this names.

    Args:
        folder: of the space.
        name: of the table, ``items.lance``.
        version: of the table.
        before: the entry of an earlier version; what it tells of a file holds, since Lance never changes one.

    Raises:
        LiminalError: there is no such version, or a file cannot be read.
    """
    table, known = Path(folder) / name, (before or {}).get("files", {})
    manifests = [table / "_versions" / f"{number}.manifest" for number in (2**64 - 1 - version, version)]
    manifest = next((path for path in manifests if path.is_file()), None)
    if manifest is None:
        raise LiminalError(f"{table} holds no version {version}; copy the whole folder again")
    try:
        told = manifest.read_bytes()
        named = [path for path in sorted((table / "data").rglob("*.lance")) if path.name.encode() in told]
        files = {}
        for path in (manifest, *named):
            inside = path.relative_to(table).as_posix()
            files[inside] = known.get(inside) or {"bytes": path.stat().st_size, "sha256": _sha256(path)}
    except OSError as error:
        raise LiminalError(f"{table} cannot be read: {error.strerror or error}") from error
    return {"version": version, "files": files}


def part_path(folder: str | Path, name: str, entry: Mapping[str, Any] | None = None) -> Path:
    """Where a part lies: `name` in the folder, or the file that its entry in the card names."""
    return Path(folder) / ((entry or {}).get("file") or name)


def write_weights(folder: str | Path, name: str, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Write tensors as safetensors and give the part's entry for the card; the card on disk and its files
    stay as they are.

    Args:
        folder: of the space.
        name: of the part, ``weights.safetensors``. Where the card on disk already uses this file for
            something else, the new file gets its hash into its name (``weights-<12 digits>.safetensors``),
            and the entry says so.
        tensors: by name, of any dtype, device and stride.

    Returns:
        ``{"sha256": ..., "bytes": ...}`` and, where it is not `name`, ``"file"``.

    Raises:
        LiminalError: it could not be written.
    """
    import torch
    from safetensors.torch import save

    if PurePosixPath(name).suffix != ".safetensors":
        raise LiminalError(f"write_weights: {name}: wanted a name that ends in .safetensors")
    data = save(
        {key: t.detach().to("cpu").clone(memory_format=torch.contiguous_format) for key, t in tensors.items()}
    )
    entry: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    path = Path(folder) / name
    if path in _named(Path(folder)):
        if path.is_file() and path.read_bytes() == data:
            return entry
        path = path.with_name(f"{path.stem}-{entry['sha256'][:12]}{path.suffix}")
        entry["file"] = path.relative_to(folder).as_posix()
    atomic_bytes(path, data)
    return entry


def read_weights(
    folder: str | Path, name: str, entry: Mapping[str, Any] | None = None, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU.

    Args:
        folder: of the space.
        name: of the part.
        entry: of the part in the card: size and hash must then match.
        dtype: floating-point tensors come as this (``torch.float32`` for weights kept in half precision);
            None: as they are.

    Returns:
        Tensors by name, writable, with memory of their own.

    Raises:
        LiminalError: the file is missing, cut or changed, or is no safetensors file; a pickled one is refused
        unread.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = part_path(folder, name, entry)
    if path.suffix != ".safetensors":
        raise LiminalError(f"{path}: weights are read from .safetensors files only; {_DANGER}")
    if not path.is_file():
        for other in sorted(f.name for f in path.parent.glob("*") if f.suffix.lower() in _PICKLED)[:1]:
            raise LiminalError(f"{path} is missing, and {other} stands in its place; {_DANGER}")
        raise LiminalError(f"{path} is missing, which holds the weights; copy the whole folder again")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LiminalError(f"{path} cannot be read: {error.strerror or error}") from error
    if data[8:9] != b"{" and len(data) > 8:
        pickled = data[:2] == b"PK" or data[:1] == b"\x80"
        raise LiminalError(
            f"{path} is no safetensors file; " + (_DANGER if pickled else "copy the space again")
        )
    _check_entry(path, entry or {}, len(data), hashlib.sha256(data).hexdigest() if entry else "")
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise LiminalError(
            f"{path} is cut or damaged ({len(data)} bytes; {error}); copy the space again"
        ) from error
    return {
        key: t.to(dtype) if dtype is not None and t.is_floating_point() else t for key, t in tensors.items()
    }


def _check_entry(path: Path, entry: Mapping[str, Any], size: int, sha256: str = "") -> None:
    if "bytes" in entry and entry["bytes"] != size:
        raise LiminalError(
            f"{path} has {size} bytes, and the card says {entry['bytes']}: it was cut or changed; copy the "
            "space again"
        )
    if sha256 and "sha256" in entry and entry["sha256"] != sha256:
        raise LiminalError(
            f"{path} was changed after the card was written: its hash differs; copy the space again"
        )


def _check_files(table: Path, files: Mapping[str, Mapping[str, Any]], hashes: bool) -> None:
    """As `_check_entry`, of all files of a table."""
    wrong = []
    for name, entry in files.items():
        path = table / name
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            wrong.append(f"{name} is missing")
        elif size != entry["bytes"]:
            wrong.append(f"{name} has {size} bytes instead of {entry['bytes']}")
        elif hashes and _sha256(path) != entry["sha256"]:
            wrong.append(f"{name} was changed after the card was written")
    if wrong:
        raise LiminalError(
            f"{table}: {wrong[0]}: {len(wrong)} of {len(files)} files not as the card says; copy the space "
            "again"
        )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _card_path(folder: Path) -> Path:
    path = folder / FILE
    if path.is_file():
        return path
    if not folder.exists():
        new = folder.with_name(folder.name + NEW) if folder.name else folder
        if (new / CHECKPOINT).is_dir():
            raise LiminalError(
                f"{folder} is an unfinished space, which lies in {new}; "
                "run the same command again with --resume"
            )
        raise LiminalError(
            f"{folder}: there is no such space; name a folder that `liminal fit` wrote, or one that "
            "`liminal spaces` lists"
        )
    if not folder.is_dir():
        raise LiminalError(f"{folder} is a file; a space is a folder, as `liminal fit` writes it")
    if (folder / CHECKPOINT).is_dir():
        raise LiminalError(
            f"{folder} is an unfinished space: its training did not end; run the same command again with "
            "--resume"
        )
    raise LiminalError(f"{folder} is no space: it holds no {FILE}; name a folder that `liminal fit` wrote")


def _check(path: Path, card: Mapping[str, Any]) -> None:
    """Refuse a card with fields missing or of another type than they must be, or that names parts outside the
    space.
    """
    found = problem(card)
    if found is not None:
        raise LiminalError(f"{path} is no card of a space: {' '.join(found.split())}")
    if card["kind"] != "space":
        raise LiminalError(f"{path}: it describes a {card['kind']!r}; wanted a space")
    for name, entry in card.get("parts", {}).items():
        for inside in (name, entry.get("file", name), *entry.get("files", {})):
            if not re.fullmatch(r"(?!/)[^\\:]+", inside) or ".." in PurePosixPath(inside).parts:
                raise LiminalError(
                    f"{path}: the part {inside!r} lies outside the space; such a card is refused"
                )


def _named(folder: Path) -> set[Path]:
    """The files that the card on disk names; none where it cannot be read."""
    try:
        parts = Card.read(folder).parts
    except LiminalError:
        return set()
    return {part_path(folder, name, entry) for name, entry in parts.items()}


def _plain(value: Any) -> Any:
    """As JSON takes it: numpy's scalars and arrays, tuples and paths made plain, numbers that are not finite
    made null.
    """
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
