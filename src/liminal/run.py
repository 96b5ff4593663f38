"""One training in progress: how long and how fast, its model and optimisers, and how they are kept on disk.

Everything random in step s comes from (seed, s) alone and the order of the items from (seed, epoch), so a
checkpoint needs no generator states and a resumed run repeats the uninterrupted one bit for bit (CPU, same
number of threads, bounded by epochs).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from .errors import LiminalError
from .files import atomic_bytes
from .generator import Mixed, Trainable
from .muon import Muon, is_matrix
from .tensors import choose_device, has_fast_bf16, rng

WARM = 100  # steps over which the learning rate rises


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

    def draw(self) -> torch.Generator:
        """What this process changes its items by in the present step, see `Modality.varied`."""
        place = [self.plan.seed, self.state.step, self.accelerator.process_index]
        return rng(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def advance(
        self, x: Tensor, done: float, known: Tensor | None = None, mixed: Mixed | None = None
    ) -> dict[str, Tensor] | None:
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
            own = self.wrapped(x, done, known, player, mixed)
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
