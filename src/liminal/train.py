"""The one training loop: any `Trainable`, any number of processes, killed and resumed without a trace (`run`
is what it steps, keeps and restores).
"""

from __future__ import annotations

import hashlib
import json
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from .errors import NumericalError
from .generator import Autoencoder, Mixed, Trainable
from .measures.structure.neighbourhoods import active_units
from .modalities import Modality
from .run import WARM, Plan, Run, State
from .tensors import in_chunks, inference
from .voice import Voice

SAVE_EVERY = 10.0  # seconds between checkpoints
FIRST_SAVE = 20  # steps until the first one
RECENT = 20  # last steps whose mean loss the card keeps; a window of seconds would differ from run to run
PATIENCE = 5  # times that training may go back after NaN or infinity
HASHED = 64 << 20  # bytes of the items, spread over all of them, that a checkpoint knows them again by


class Items(Protocol):
    """Stored items: an array, or what gives arrays when it is indexed."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: Any) -> np.ndarray: ...


def train(
    model: Trainable,
    items: Items,
    modality: Modality,
    held: np.ndarray,
    plan: Plan,
    folder: Path,
    *,
    device: str | None = None,
    threads: int | None = None,
    resume: bool = False,
    voice: Voice | None = None,
    known: np.ndarray | None = None,
) -> dict[str, Any]:
    """Fit `model` to stored items and leave the averaged weights in it.

    Args:
        model: freshly built; its weights may be anything, they are drawn from the seed by whoever built it.
        items: stored items to train on, (n, *modality.item_shape); may be memory-mapped.
        modality: turns them into tensors.
        held: a few hundred stored items never trained on, for the collapse warnings.
        plan: length, batch size, rate and seed.
        folder: of the space; ``checkpoint/`` and ``log.jsonl`` are kept in it.
        device: as `tensors.choose_device` takes it.
        threads: CPU threads; None: one or all, whichever is faster at the start.
        resume: go on from the checkpoint in `folder`; without one start afresh and say so.
        voice: hears progress and warnings.
        known: (n, b) float32, standardised attributes of the items that the first b dimensions are bound to;
            NaN where unknown.

    Returns:
        JSON-ready: epochs, steps, seconds, cpu_seconds, items_per_second, device, precision, threads, the
        last loss terms, setbacks.

    Raises:
        NumericalError: gradients kept being NaN or infinite, `PATIENCE` times at ever lower rates.
        KeyboardInterrupt: ctrl-C came; a checkpoint was written first.
        LiminalError: as `Run.load`.
    """
    voice = voice or Voice()
    fingerprint = _fingerprint(model, items, modality, held, plan, known)
    run = Run(model, plan, len(items), folder, fingerprint, device)
    found = resume and run.load()
    if resume and not found:
        voice.say(f"no checkpoint in {folder}: starting afresh")
    if found:
        voice.say(f"resumed at step {run.state.step}")
    if threads is not None:
        run.state.threads = threads
    elif not found:
        run.state.threads = _faster_threads(run, modality.tensor(items[: run.batch]))
    if not run.accelerator.num_processes > 1:
        torch.set_num_threads(run.state.threads)
    cpu = time.process_time()
    with torch.random.fork_rng(devices=[]), _deferred_interrupt() as interrupted:
        last = _loop(run, items, modality, held, voice, interrupted, known)
    with torch.no_grad():
        for p, average in zip(run.parameters, run.averages, strict=True):
            p.copy_(average)
    run.accelerator.wait_for_everyone()
    return _summary(run, time.process_time() - cpu, last)


def _fingerprint(
    model: Trainable, items: Items, modality: Modality, held: np.ndarray, plan: Plan, known: np.ndarray | None
) -> dict[str, Any]:
    """What a checkpoint is known again by: all that the steps depend on, but the rate."""
    return {
        "model": model.name,
        **model.config(),
        "likelihood of the data": model.likelihood.config(),
        "items": len(items),
        "bound": 0 if known is None else known.shape[1],
        **{k: v for k, v in asdict(plan).items() if k != "rate"},
        "data": data_hash(items, held, modality, known),
    }


def _summary(run: Run, cpu_seconds: float, loss: dict[str, float]) -> dict[str, Any]:
    """What `train` returns."""
    return {
        "epochs": round(run.state.step / run.per_epoch, 3),
        "steps": run.state.step,
        "seconds": round(run.state.seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "items_per_second": round(run.state.step * run.batch / max(run.state.seconds, 1e-9)),
        "device": str(run.accelerator.device),
        "precision": run.precision,
        "threads": run.state.threads,
        "processes": run.accelerator.num_processes,
        "loss": loss,
        "setbacks": run.state.setbacks,
        "batch": run.batch,
        "rate": run.plan.rate,
    }


def data_hash(items: Items, held: Items, modality: Modality, known: np.ndarray | None = None) -> str:
    """SHA-256 of what is trained on: number of items, their bytes (of large sets those of items spread evenly
    from the first to the last), those of held-out items, the modality, attributes of bound dimensions."""
    size = max(1, int(np.prod(modality.item_shape)) * modality.item_dtype.itemsize)
    about = [modality.name, modality.config(), len(items), len(held)]
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for part in (items, held):
        count = min(len(part), max(2, HASHED // size))
        rows = np.linspace(0, len(part) - 1, count).astype(np.int64)
        for some in np.array_split(rows, -(-count * size // (1 << 20)) or 1):
            found.update(np.ascontiguousarray(part[some]).tobytes())
    found.update(b"" if known is None else np.ascontiguousarray(known).tobytes())
    return found.hexdigest()


def _loop(
    run: Run,
    items: Items,
    modality: Modality,
    held: np.ndarray,
    voice: Voice,
    interrupted: threading.Event,
    known: np.ndarray | None,
) -> dict[str, float]:
    """Steps until the plan is fulfilled; the last loss terms."""
    log = Log(run, voice)
    started = time.perf_counter() - run.state.seconds
    saved, warned = time.perf_counter(), run.state.done > 0.15 and run.state.step > 2 * WARM
    if run.good is None:
        run.good = (State(**asdict(run.state)), run.tensors())
    while (done := run.fraction(time.perf_counter() - started)) < 1:
        rows, device = run.rows(), run.accelerator.device
        told = None if known is None else torch.from_numpy(known[rows]).to(device)
        x = modality.tensor(items[rows])
        draw = run.draw()
        if known is None:
            x = modality.varied(x, draw)
        mixed = _mixed(x, modality, draw, device) if run.model.mixing and len(x) > 1 else None
        terms = run.advance(x.to(device), done, told, mixed)
        now = time.perf_counter()
        if terms is None:
            _step_back(run, voice)
            started = now - run.state.seconds
            continue
        run.state.seconds, run.state.done = now - started, done
        log.add(terms, done)
        if run.state.step == FIRST_SAVE or now - saved > SAVE_EVERY or interrupted.is_set():
            run.save()
            log.write()
            saved = time.perf_counter()
        if interrupted.is_set():
            raise KeyboardInterrupt
        if not warned and done > 0.15 and run.state.step > 2 * WARM:  # before that little has been learned
            warned = True
            warn_of_collapse(run.model, modality.tensor(held[:512]), voice)
    if not warned:
        warn_of_collapse(run.model, modality.tensor(held[:512]), voice)
    if run.state.done < 1 or run.good is None or run.good[0].step != run.state.step:
        run.state.done = 1.0
        run.save()
    log.write()
    voice.progress("training", 1.0, log.text)
    return log.last


def _mixed(x: Tensor, modality: Modality, draw: torch.Generator, device: torch.device) -> Mixed | None:
    """Each item of a batch mixed with another one, two by two."""
    a, b = torch.randperm(len(x), generator=draw)[: len(x) // 2 * 2].view(2, -1)
    items = modality.mixed(x[a], x[b])
    return None if items is None else Mixed(a.to(device), b.to(device), items.to(device))


def _step_back(run: Run, voice: Voice) -> None:
    """After NaN or infinity: the last good state, at half the rate."""
    assert run.good is not None
    setbacks, scale, at = run.state.setbacks + 1, run.state.rate_scale / 2, run.state.step
    if setbacks > PATIENCE:
        raise NumericalError(
            f"training met NaN or infinity {setbacks} times, last at step {at} with a learning rate of "
            f"{run.plan.rate * scale * 2:.1g}: "
            "look for extreme values in the data, or lower --rate"
        )
    run.restore(*run.good)
    run.state.setbacks, run.state.rate_scale = setbacks, scale
    voice.warn(
        f"NaN or infinity at step {at}: back to step {run.state.step}, learning rate halved to "
        f"{run.plan.rate * scale:.1g}"
    )


class Log:
    """Averages of the loss terms: shown while training, written to ``log.jsonl`` at every checkpoint."""

    def __init__(self, run: Run, voice: Voice) -> None:
        self.run, self.voice = run, voice
        self.sums: dict[str, Tensor] = {}
        self.n = 0
        self.recent: deque[dict[str, Tensor]] = deque(maxlen=RECENT)
        self.text = ""
        self.shown, self.first_step, self.first_time = 0.0, run.state.step, time.perf_counter()

    @property
    def last(self) -> dict[str, float]:
        """The means of the terms over the last steps."""
        found = {name: [float(terms[name]) for terms in self.recent] for name in (self.recent or [{}])[-1]}
        return {name.lstrip("_"): sum(values) / len(values) for name, values in found.items()}

    def add(self, terms: dict[str, Tensor], done: float) -> None:
        self.recent.append(terms)
        for k, v in terms.items():
            self.sums[k] = self.sums[k] + v if k in self.sums else v
        self.n += 1
        now = time.perf_counter()
        if now - self.shown < 0.25:
            return
        self.shown, state = now, self.run.state
        speed = (state.step - self.first_step) * self.run.batch / max(now - self.first_time, 1e-9)
        left = state.seconds * (1 - done) / max(done, 1e-6)
        parts = "  ".join(f"{k.lstrip('_')} {float(v) / self.n:,.4g}" for k, v in self.sums.items())
        self.text = f"{parts}  {speed:,.0f} items/s"
        self.voice.progress("training", done, f"{self.text}  {int(left) // 60}:{int(left) % 60:02d} left")

    def write(self) -> None:
        if not self.n:
            return
        means = {k.lstrip("_"): float(v) / self.n for k, v in self.sums.items()}
        state = self.run.state
        line = {
            "step": state.step,
            "epoch": state.step / self.run.per_epoch,
            "seconds": round(state.seconds, 2),
            **means,
        }
        self.sums, self.n = {}, 0
        if self.run.main:
            path = self.run.folder.parent / "log.jsonl"
            with open(path, "a") as file:
                file.write(json.dumps(line) + "\n")


def warn_of_collapse(model: Trainable, x: Tensor, voice: Voice) -> None:
    """Say so early when most dimensions carry nothing (posterior collapse), so that nobody waits for the
    end.
    """
    if len(x) < 2 or not isinstance(model, Autoencoder):
        return
    with inference(model):
        z = in_chunks(lambda part: model.posterior(part.to(model.device)).mean, x)
    active = active_units(z)
    if active < max(1, model.dim // 4):
        hint = "lower --beta or add --free-bits 0.1" if model.name == "vae" else "lower the regularisation"
        voice.warn(
            f"only {active} of {model.dim} latent dimensions are in use so far (posterior collapse); {hint}"
        )


def _faster_threads(run: Run, x: Tensor) -> int:
    """One thread or all of them: a few trial steps of each, forward and backward.

    On a busy machine one can win by far.
    """
    most = torch.get_num_threads()
    if most == 1 or run.accelerator.device.type != "cpu" or run.accelerator.num_processes > 1:
        return most
    best: tuple[float, int] = (math.inf, most)
    kept = run.tensors()
    with torch.random.fork_rng(devices=[]):
        for count in (most, 1):
            torch.set_num_threads(count)
            times = []
            for _ in range(4):
                start = time.perf_counter()
                for player in run.model.players:
                    terms = run.model(x, 0.0, player=player)
                    torch.stack([v for k, v in terms.items() if not k.startswith("_")]).sum().backward()
                times.append(time.perf_counter() - start)
            best = min(best, (min(times[1:]) * (1.0 if count == most else 1.15), count))
    for p in run.parameters:
        p.grad = None
    run.restore(run.state, kept)
    return best[1]


@contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C (and SIGTERM) between steps instead of within one: the event is set, the loop looks at it.

    A second one ends at once.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for s, old in before.items():
            signal.signal(s, old)
