"""The threads that compute: one that answers what is decoded at once, in batches over all requests, and lanes
for what takes longer.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BATCH = 256  # rows computed at once: what comes meanwhile waits no longer than for these

Rows = np.ndarray
Arrays = dict[str, np.ndarray]


@dataclass(eq=False, kw_only=True)  # one request is not another one's equal, and arrays cannot be compared so
class _Job:
    key: Hashable
    rows: Rows
    future: Future[Arrays]
    done: int = 0
    parts: list[Arrays] = field(default_factory=list)
    born: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        return len(self.rows) - self.done


class Worker:
    """One thread that answers for rows of latents or places.

    Rows with the same key are computed together, whichever requests they came with; a request of many rows is
    answered piece by piece, and small ones go between. A future that its owner cancels is dropped, also half
    done.

    Args:
        compute: key, rows (n, ...) -> arrays whose first axis is n. What it raises goes to the request whose
            rows are to blame.
    """

    def __init__(self, compute: Callable[[Hashable, Rows], Arrays]) -> None:
        self._compute = compute
        self._new: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting: list[_Job] = []
        self._turn = 0
        self._ended = False
        self.threads = [threading.Thread(target=self._run, name="liminal-worker", daemon=True)]
        self.threads[0].start()

    def ask(self, key: Hashable, rows: Rows) -> Future[Arrays]:
        """The arrays for these rows (n, ...), n >= 1, when they are computed."""
        job = _Job(key=key, rows=rows, future=Future())
        self._new.put(job)
        if self._ended:
            job.future.cancel()
        return job.future

    def close(self) -> None:
        """End the thread after the batch at hand; what waits is cancelled, and what comes."""
        self._ended = True
        self._new.put(None)

    def _run(self) -> None:
        while self._gathered():
            batch = self._chosen()
            if not batch:
                continue
            pieces = [job.rows[job.done : job.done + count] for job, count in batch]
            try:
                found = self._compute(batch[0][0].key, np.concatenate(pieces))
            except Exception:  # find out whose fault it is
                for (job, _), piece in zip(batch, pieces, strict=True):
                    self._alone(job, piece)
                continue
            at = 0
            for job, count in batch:
                self._take(job, count, {name: values[at : at + count] for name, values in found.items()})
                at += count

    def _gathered(self) -> bool:
        """Take in what has come, waiting only where there is nothing to do; False: the end."""
        while True:
            try:
                job = self._new.get(block=not self._waiting)
            except queue.Empty:
                return True
            if job is None:
                for left in self._waiting:
                    left.future.cancel()
                return False
            self._waiting.append(job)

    def _chosen(self) -> list[tuple[_Job, int]]:
        """Which rows come next: of the request with the fewest left, every fourth time of the oldest one;
        filled up with others like it.
        """
        self._waiting = [job for job in self._waiting if not job.future.cancelled()]
        if not self._waiting:
            return []
        self._turn += 1
        order = sorted(self._waiting, key=lambda job: job.born if self._turn % 4 == 0 else job.left)
        batch, room = [], BATCH
        for job in order:
            if job.key == order[0].key and room:
                count = min(job.left, room)
                batch.append((job, count))
                room -= count
        return batch

    def _alone(self, job: _Job, piece: Rows) -> None:
        try:
            self._take(job, len(piece), self._compute(job.key, piece))
        except Exception as error:
            self._end(job, error)

    def _take(self, job: _Job, count: int, found: Arrays) -> None:
        job.parts.append(found)
        job.done += count
        if not job.left:
            self._end(job, {name: np.concatenate([part[name] for part in job.parts]) for name in found})

    def _end(self, job: _Job, result: Arrays | Exception) -> None:
        self._waiting.remove(job)
        settle(job.future, lambda: result)


class Lane:
    """Threads that do one thing after another, the first that came first; what was cancelled before its turn
    is left out.

    Args:
        name: of the threads.
        threads: how many things at once.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._ended = False
        self.threads = [
            threading.Thread(target=self._run, name=f"liminal-{name}-{i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self.threads:
            thread.start()

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """The result of `work`, when it is done."""
        future: Future[Any] = Future()
        self._waiting.put((future, work))
        if self._ended:
            future.cancel()
        return future

    def close(self) -> None:
        """End each thread after what it is at; what waits is cancelled, and what comes."""
        self._ended = True
        for _ in self.threads:
            self._waiting.put(None)

    def _run(self) -> None:
        while (given := self._waiting.get()) is not None:
            future, work = given
            if self._ended:
                future.cancel()
            elif not future.cancelled():
                settle(future, work)


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Give a future what `work` returns, or the exception that it raises or returns; a cancelled one stays
    so.
    """
    try:
        result = work()
    except Exception as error:
        result = error
    if future.set_running_or_notify_cancel():
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
