"""Stored items of a dataset in one memory-mapped file of the user's cache, written once and in the order of
the inputs.

A cached set is a folder ``items/<what>-<state>``: ``items.npy``, ``known.arrow`` (a row an item: its source,
its group and what is known about it) and ``set.json``. `what` is a hash of the place and the options; `state`
one of the inputs' names, sizes and times and of the reader's version, so that a set that changed, or that
would be read otherwise today, is read anew and its old copy removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from .. import files
from ..errors import LiminalError
from ..modalities import Modality

# counts changes in what is kept, and in how files are read; a modality counts its own
VERSION = 2
# columns of known.arrow; the last begins the names of attributes
SOURCE, GROUP, KNOWN = "source", "group", "known."
Batch = TypeVar("Batch")
Progress = Callable[[int, int], None]


class Outcome(NamedTuple):
    """What became of one item: itself and remarks about it, or None and the reason.

    Attributes:
        name: of the input, or of its entry: ``file#entry``.
        item: stored item, or None.
        remarks: as in `modalities.Record`.
        known: its attributes by name: float, bool or str.
        group: what it must not be parted from.
        further: whether it comes from the same input as the one before it.
    """

    name: str
    item: np.ndarray | None
    remarks: tuple[str, ...]
    known: Mapping[str, Any] = MappingProxyType({})
    group: str | None = None
    further: bool = False


class Told(Sequence[Path]):
    """Paths that tell how far one is through them, as whoever looks at all of them before the reading does
    not.
    """

    def __init__(self, paths: Sequence[Path], progress: Progress | None) -> None:
        self.paths, self.progress = paths, progress

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: Any) -> Any:
        if self.progress and isinstance(i, int) and i % 64 == 63:
            self.progress(i + 1, len(self.paths))
        return self.paths[i]


@dataclass(frozen=True)
class Stored:
    """Items on disk, and what happened on the way.

    Attributes:
        modality: how the items look.
        items: (n, *item_shape), memory-mapped, read-only.
        sources: n names.
        known: n rows, a column for each attribute: float64, bool or string; no columns where nothing is
            known.
        groups: n names, or None where no item has one; an item without a group has its own.
        kept: (n,) int64, the rank of each item's input; never falling.
        notes: sentences with counts.
        skipped: (item, reason).
    """

    modality: Modality
    items: np.ndarray
    sources: list[str]
    known: pa.Table
    groups: list[str] | None
    kept: np.ndarray
    notes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


def store(
    place: Path,
    state: Iterable[object],
    options: dict[str, Any],
    modality_class: type[Modality],
    infer: Callable[[], Modality],
    batches: Iterable[Batch],
    work: Callable[[Modality, Batch], list[Outcome]],
    total: int,
    progress: Progress | None = None,
) -> Stored:
    """The items of a set, from the cache or read now by several threads.

    Args:
        place: the folder or file that the set comes from.
        state: whatever changes when the set does, JSON-ready.
        options: of the modality and the reader.
        modality_class: rebuilds the modality of a cached set.
        infer: the modality of a set that is read now.
        batches: the inputs, a few at a time; only as many as are being worked on are held.
        work: reads one batch, in a thread.
        total: how many inputs there are.
        progress: called with (done, total).

    Raises:
        LiminalError: no input can be used, or the cache cannot be written.
    """
    what = _digest([str(place.absolute()), modality_class.name, options])
    as_read = _digest([VERSION, modality_class.version, *state])
    folder = files.cache_folder("items") / f"{what}-{as_read}"
    found = _open(folder, modality_class)
    if found is None:
        modality = infer()
        try:
            with files.atomic(folder) as part:
                part.mkdir()
                _write(part, modality, _in_order(batches, lambda b: work(modality, b)), total, progress)
        except LiminalError:
            found = _open(folder, modality_class)  # another process may have written the same set meanwhile
            if found is None:
                raise
        for old in folder.parent.glob(f"{what}-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        found = found or _open(folder, modality_class)
        if found is None:
            raise LiminalError(
                f"the cache {folder} cannot be read back; remove it, or name another folder in LIMINAL_CACHE"
            )
    elif progress:
        progress(total, total)
    return found


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:20]


def _in_order(batches: Iterable[Batch], work: Callable[[Batch], list[Outcome]]) -> Iterator[list[Outcome]]:
    """`work` over batches in threads, results in order, at most a few batches under way."""
    threads = min(8, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[list[Outcome]]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _write(
    folder: Path, modality: Modality, results: Iterable[list[Outcome]], total: int, progress: Progress | None
) -> None:
    """items.npy by appending rows (so that a full disk is an error, not a crash of the mapping), then what is
    known, then set.json.
    """
    kept: list[int] = []
    outcomes: list[Outcome] = []  # of the items, without the items
    skipped: list[tuple[str, str]] = []
    remarks: Counter[str] = Counter()
    done = 0
    with open(folder / "items.npy", "wb") as out:
        start = _header(out, modality, 0)
        for batch in results:
            for outcome in batch:
                done += not outcome.further
                if (item := outcome.item) is None:
                    skipped.append((outcome.name, outcome.remarks[0]))
                    continue
                out.write(item.data if item.flags.c_contiguous else item.tobytes())
                kept.append(done - 1)
                remarks.update(outcome.remarks)
                outcomes.append(outcome._replace(item=None))
            if progress:
                progress(done, total)
        if not kept:
            name, reason = skipped[0] if skipped else ("the set", "it is empty")
            raise LiminalError(
                f"{name}: {reason}"
                if len(skipped) < 2
                else f"none of {len(skipped)} {modality.plural} can be read; {name}: {reason}"
            )
        out.seek(0)
        assert _header(out, modality, len(kept)) == start
    notes = [
        f"{outcomes[0].name} was {remark}"
        if done == 1 and len(kept) == 1
        else f"{count:,} of {len(kept):,} {modality.plural} were {remark}"
        for remark, count in remarks.most_common()
    ]
    with pa.OSFile(str(folder / "known.arrow"), "wb") as file:
        table = _known(outcomes)
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    gaps = None if kept == list(range(len(kept))) else kept
    described = {
        "config": modality.config(),
        "n": len(kept),
        "kept": gaps,
        "notes": notes,
        "skipped": skipped,
    }
    (folder / "set.json").write_text(json.dumps(described), encoding="utf-8")


def _known(outcomes: Sequence[Outcome]) -> pa.Table:
    """What is kept of each item beside itself."""
    columns = {SOURCE: pa.array([o.name for o in outcomes], pa.string())}
    if any(o.group is not None for o in outcomes):
        columns[GROUP] = pa.array([o.group for o in outcomes], pa.string())
    for name in dict.fromkeys(name for o in outcomes for name in o.known):
        columns[KNOWN + name] = _column([o.known.get(name) for o in outcomes])
    return pa.table(columns)


def _column(values: Sequence[Any]) -> pa.Array:
    """Floats, bools or strings as a column of that type, words where they are mixed; None is unknown."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {bool, np.bool_}:
        return pa.array(values, pa.bool_())
    if not kinds & {bool, np.bool_, str}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _header(out: Any, modality: Modality, n: int) -> int:
    fields = {"descr": modality.item_dtype.str, "fortran_order": False, "shape": (n, *modality.item_shape)}
    np.lib.format.write_array_header_1_0(out, fields)
    return out.tell()


def _open(folder: Path, modality_class: type[Modality]) -> Stored | None:
    """A cached set, or None where it is missing or damaged."""
    try:
        told = json.loads((folder / "set.json").read_text(encoding="utf-8"))
        items = np.load(folder / "items.npy", mmap_mode="r", allow_pickle=False)
        modality = modality_class(**told["config"])
        if items.shape != (told["n"], *modality.item_shape) or items.dtype != modality.item_dtype:
            return None
        kept = np.arange(told["n"]) if told["kept"] is None else np.asarray(told["kept"], dtype=np.int64)
        with pa.OSFile(str(folder / "known.arrow")) as file:
            table = pa.ipc.open_file(file).read_all()
        sources = table[SOURCE].to_pylist()
        if len(sources) != len(items):
            return None
        names = [name for name in table.column_names if name.startswith(KNOWN)]
        return Stored(
            modality=modality,
            items=items,
            sources=sources,
            known=table.select(names).rename_columns([name.removeprefix(KNOWN) for name in names]),
            groups=_groups(table, sources),
            kept=kept,
            notes=tuple(told["notes"]),
            skipped=tuple((a, b) for a, b in told["skipped"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _groups(table: pa.Table, sources: Sequence[str]) -> list[str] | None:
    if GROUP not in table.column_names:
        return None
    groups = table[GROUP].to_pylist()
    return [source if group is None else group for group, source in zip(groups, sources, strict=True)]
