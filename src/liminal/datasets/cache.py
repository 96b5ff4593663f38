"""Stored items of a dataset in one memory-mapped file of the user's cache, written once and in the order of the inputs.

A cached set is a folder ``items/<what>-<state>``: ``items.npy`` and ``set.json``. `what` is a hash of the place and the options, `state`
one of the inputs' names, sizes and times, so that a set that changed on disk is read anew and its old copy removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import files
from ..errors import LiminalError
from ..modalities import Modality

VERSION = 2  # counts changes in how items are read
Batch = TypeVar("Batch")
Progress = Callable[[int, int], None]


class Outcome(NamedTuple):
    """What became of one input: an item and remarks about it, or None and the reason."""

    name: str
    item: np.ndarray | None
    remarks: tuple[str, ...]


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
        kept: (n,) int64, the rank of each item among the inputs; increasing.
        notes: sentences with counts.
        skipped: (input, reason).
    """

    modality: Modality
    items: np.ndarray
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
    what = _digest([str(place.absolute()), modality_class.name, options, VERSION])
    folder = files.cache_folder("items") / f"{what}-{_digest(list(state))}"
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
    """items.npy by appending rows (so that a full disk is an error, not a crash of the mapping), then set.json."""
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    remarks: Counter[str] = Counter()
    done = 0
    with open(folder / "items.npy", "wb") as out:
        start = _header(out, modality, 0)
        for outcomes in results:
            for name, item, said in outcomes:
                if item is None:
                    skipped.append((name, said[0]))
                else:
                    out.write(item.data if item.flags.c_contiguous else item.tobytes())
                    kept.append(done)
                    remarks.update(said)
                done += 1
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
        f"{count:,} of {len(kept):,} {modality.plural} were {remark}"
        for remark, count in remarks.most_common()
    ]
    gaps = kept if skipped else None  # without gaps the ranks are 0..n-1
    described = {
        "config": modality.config(),
        "n": len(kept),
        "kept": gaps,
        "notes": notes,
        "skipped": skipped,
    }
    (folder / "set.json").write_text(json.dumps(described), encoding="utf-8")


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
        return Stored(modality, items, kept, tuple(told["notes"]), tuple((a, b) for a, b in told["skipped"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
