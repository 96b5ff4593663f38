"""The one training loop: any `Trainable`, any number of processes, killed and resumed without a trace.

Everything random in step s comes from (seed, s) alone and the order of the items from (seed, epoch), so a
checkpoint needs no generator states and a resumed run repeats the uninterrupted one bit for bit (CPU, same
number of threads, bounded by epochs).
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from .errors import LiminalError, NumericalError
from .files import atomic_bytes
from .generator import Autoencoder, Trainable
from .measures.structure.neighbourhoods import active_units
from .modalities import Modality
from .muon import Muon, is_matrix
from .tensors import choose_device, has_fast_bf16, in_chunks, inference
from .voice import Voice

WARM = 100  # steps over which the learning rate rises
SAVE_EVERY = 10.0  # seconds between checkpoints
FIRST_SAVE = 20  # steps until the first one
RECENT = 20  # last steps whose mean loss the card keeps; a window of seconds would differ from run to run
PATIENCE = 5  # times that training may go back after NaN or infinity
HASHED = 64 << 20  # bytes of the items, spread over all of them, that a checkpoint knows them again by


class Items(Protocol):
    """Stored items: an array, or what gives arrays when it is indexed."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train.

    Attributes:
        epochs: passes over the training items; or
        minutes: of training (one of the two).
        batch: items a step, over all processes.
        rate: peak learning rate of Muon (weights) and AdamW (the rest): warmed up over 100 steps, held for 30
            % of the training, then a cosine to zero.
        seed: of the weights, the order of the items and all noise.
    """

    epochs: float | None = None
    minutes: float | None = None
    batch: int = 64
    rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.minutes is None):
            raise LiminalError("fit: give --epochs or --minutes, one of the two")
        length = self.epochs if self.minutes is None else self.minutes
        if length is None or not 0 < length < math.inf:
            raise LiminalError(
                f"fit: {'epochs' if self.minutes is None else 'minutes'} {length}: wanted a number above 0"
            )
        if self.batch < 2:
            raise LiminalError(f"fit: batch {self.batch}: wanted 2 or more")
        if not 0 < self.rate < math.inf:
            raise LiminalError(f"fit: rate {self.rate}: wanted a number above 0; 0.003 is the default")
        if self.seed < 0:
            raise LiminalError(f"fit: seed {self.seed}: wanted 0 or more")


@dataclass
class State:
    """Where a training stands, beside its tensors."""

    step: int = 0
    seconds: float = 0.0
    rate_scale: float = 1.0
    setbacks: int = 0
    done: float = 0.0
    threads: int = 0


class Run:
    """One training in progress: model, averaged weights, optimiser, state; and how they are kept on disk."""

    def __init__(
        self,
        model: Trainable,
        plan: Plan,
        count: int,
        folder: Path,
        fingerprint: dict[str, Any],
        device: str | None,
    ) -> None:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        wanted = choose_device(device)
        precision = "bf16" if has_fast_bf16(wanted) else "no"
        apart = DistributedDataParallelKwargs(find_unused_parameters=len(model.players) > 1)
        self.accelerator = Accelerator(
            mixed_precision=precision, cpu=wanted.type == "cpu", kwargs_handlers=[apart]
        )
        self.precision = "bf16" if precision == "bf16" else "fp32"
        self.main = self.accelerator.is_main_process
        self.plan, self.count, self.state = plan, count, State(threads=torch.get_num_threads())
        self.batch = min(plan.batch, count)
        self.folder, self.fingerprint = folder / "checkpoint", fingerprint
        flat = all(p.ndim < 5 for p in model.parameters())  # torch has no such layout for volumes
        layout = {"memory_format": torch.channels_last} if flat else {}
        self.model = model.to(self.accelerator.device, **layout)  # type: ignore[call-overload]
        self.names = [name for name, _ in self.model.named_parameters()]
        self.parameters = list(self.model.parameters())
        owned = {name: self.model.parameters_of(name) for name in model.players}
        made = [optimizer for own in owned.values() for optimizer in self._optimizers(own)]
        self.wrapped, *self.optimizers = self.accelerator.prepare(self.model, *made)
        self.owner = {p: o for o in self.optimizers for group in o.param_groups for p in group["params"]}
        self.turns = [(name, own, list({self.owner[p] for p in own})) for name, own in owned.items()]
        self.averages = [p.detach().clone() for p in self.parameters]
        self.good: tuple[State, dict[str, Tensor]] | None = None

    def _optimizers(self, parameters: list[torch.nn.Parameter]) -> list[torch.optim.Optimizer]:
        """AdamW for what is no matrix, Muon for what is one."""
        fused, rate = self.accelerator.device.type in ("cpu", "cuda"), self.plan.rate
        others = [p for p in parameters if not is_matrix(p)]
        weights = [p for p in parameters if is_matrix(p)]
        adam = (
            [torch.optim.AdamW(others, rate, betas=(0.9, 0.99), weight_decay=0.02, fused=fused)]
            if others
            else []
        )
        return [*adam, *([Muon(weights, rate)] if weights else [])]

    @property
    def per_epoch(self) -> int:
        """Steps in one pass over the items (a last short batch is left out; the next pass is shuffled
        anew).
        """
        return max(1, self.count // self.batch)

    @property
    def total(self) -> int | None:
        """Steps in all, where epochs bound the training."""
        return None if self.plan.epochs is None else max(1, round(self.plan.epochs * self.per_epoch))

    def fraction(self, seconds: float) -> float:
        """How much of the training is done; the same in every process."""
        if self.total is not None:
            return self.state.step / self.total
        assert self.plan.minutes is not None
        done = torch.tensor(seconds / (60 * self.plan.minutes), dtype=torch.float64)
        if self.accelerator.num_processes > 1:
            torch.distributed.broadcast(done, 0)
        return float(done)

    def rows(self) -> np.ndarray:
        """The rows that this process takes in the present step."""
        epoch, at = divmod(self.state.step, self.per_epoch)
        if getattr(self, "_epoch", None) != epoch:
            self._epoch, self._order = (
                epoch,
                np.random.default_rng([self.plan.seed, epoch]).permutation(self.count),
            )
        batch = self._order[at * self.batch : (at + 1) * self.batch]
        return np.sort(batch)[self.accelerator.process_index :: self.accelerator.num_processes]

    def advance(self, x: Tensor, done: float, known: Tensor | None = None) -> dict[str, Tensor] | None:
        """One step on a batch, each player in its turn.

        None where a gradient was not finite: the last good state is then wanted.
        """
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed((self.plan.seed * 1_000_003 + self.state.step) * world + rank)
        warm = min(1.0, (self.state.step + 1) / WARM)
        fall = 1.0 if done < 0.3 else 0.5 * (1 + math.cos(math.pi * min(1.0, (done - 0.3) / 0.7)))
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = self.plan.rate * self.state.rate_scale * warm * max(fall, 1e-3)
        terms: dict[str, Tensor] = {}
        for player, parameters, optimizers in self.turns:
            own = self.wrapped(x, done, known, player)
            self.model.zero_grad()
            self.accelerator.backward(torch.stack([v for k, v in own.items() if not k.startswith("_")]).sum())
            norm = torch.nn.utils.clip_grad_norm_(parameters, self.model.likelihood.size, foreach=True)
            if not torch.isfinite(norm):
                return None
            for optimizer in optimizers:
                optimizer.step()
            terms |= own
        self.state.step += 1
        keep = min(0.998, (1 + self.state.step) / (10 + self.state.step))
        torch._foreach_lerp_(self.averages, [p.detach() for p in self.parameters], 1 - keep)
        return {k: v.detach() for k, v in terms.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Copies of everything that the next step depends on."""
        found = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for name, p, average in zip(self.names, self.parameters, self.averages, strict=True):
            found[f"average.{name}"] = average
            for key, value in self.kept(p).items():
                found[f"{key}.{name}"] = value
        return {k: v.detach().to("cpu", copy=True).contiguous() for k, v in found.items()}

    def kept(self, p: Tensor) -> dict[str, Tensor]:
        """What the optimiser remembers of a parameter; its own dict, to be changed in place."""
        return self.owner[p].state[p]  # type: ignore[no-any-return]

    def restore(self, state: State, tensors: dict[str, Tensor]) -> None:
        """Back to a kept state.

        Values are copied into tensors of the parameter's own strides, which fused AdamW relies on.
        """
        self.state = State(**asdict(state))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(tensors[f"model.{name}"])
            for name, p, average in zip(self.names, self.parameters, self.averages, strict=True):
                average.copy_(tensors[f"average.{name}"])
                own = self.kept(p)
                own.clear()
                if f"step.{name}" in tensors:
                    own["step"] = tensors[f"step.{name}"].to(p.device).clone()
                for key in ("exp_avg", "exp_avg_sq", "momentum"):
                    if f"{key}.{name}" in tensors:
                        own[key] = torch.zeros_like(p, memory_format=torch.preserve_format).copy_(
                            tensors[f"{key}.{name}"]
                        )

    def save(self) -> None:
        """Remember the present state, in memory and on disk: the new tensors first, then the JSON that names
        them.
        """
        self.good = (State(**asdict(self.state)), self.tensors())
        if not self.main:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"step-{self.state.step}.safetensors"
        atomic_bytes(self.folder / name, safetensors.torch.save(self.good[1]))
        record = {"format": 1, "tensors": name, "state": asdict(self.state), "fingerprint": self.fingerprint}
        atomic_bytes(self.folder / "state.json", json.dumps(record, indent=1).encode())
        for old in self.folder.glob("step-*.safetensors"):
            if old.name != name:
                old.unlink(missing_ok=True)

    def load(self) -> bool:
        """Go on from the checkpoint on disk; False where there is none.

        Raises:
            LiminalError: the checkpoint is damaged, or was made with other arguments.
        """
        path = self.folder / "state.json"
        if not path.exists():
            return False
        try:
            record = json.loads(path.read_text())
            tensors = safetensors.torch.load((self.folder / record["tensors"]).read_bytes())
            state, fingerprint = State(**record["state"]), record["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise LiminalError(
                f"checkpoint {self.folder} is damaged ({error}); start afresh with --force"
            ) from error
        for key, value in self.fingerprint.items():
            if fingerprint.get(key) != value and key == "data":
                raise LiminalError(
                    f"checkpoint {self.folder} was made with other data: as many items, but not these, "
                    "or read or split otherwise; resume with the same data, or start afresh with --force"
                )
            if fingerprint.get(key) != value:
                raise LiminalError(
                    f"checkpoint {self.folder} was made with {key} {fingerprint.get(key)}, not {value}; "
                    "resume with the same arguments, or start afresh with --force"
                )
        self.restore(state, tensors)
        self.good = (state, tensors)
        return True


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
    bound = 0 if known is None else known.shape[1]
    fingerprint = {
        "model": model.name,
        **model.config(),
        "likelihood of the data": model.likelihood.config(),
        "items": len(items),
        "bound": bound,
        **{k: v for k, v in asdict(plan).items() if k != "rate"},
        "data": data_hash(items, held, modality, known),
    }
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
    return {
        "epochs": round(run.state.step / run.per_epoch, 3),
        "steps": run.state.step,
        "seconds": round(run.state.seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "items_per_second": round(run.state.step * run.batch / max(run.state.seconds, 1e-9)),
        "device": str(run.accelerator.device),
        "precision": run.precision,
        "threads": run.state.threads,
        "processes": run.accelerator.num_processes,
        "loss": last,
        "setbacks": run.state.setbacks,
        "batch": run.batch,
        "rate": plan.rate,
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
        terms = run.advance(modality.tensor(items[rows]).to(device), done, told)
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
