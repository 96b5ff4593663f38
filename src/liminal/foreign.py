"""Callables that somebody else wrote, called as a generator needs them: no trace in their modules, one
tensor.

A `Foreign` is an encoder or a decoder of any origin. Every torch module that it can reach is in evaluation
mode and without gradients of its parameters while it runs, and as it was afterwards. What it gives may be a
tensor, a numpy array, or a tuple, mapping or object that holds one under a usual name.
"""

from __future__ import annotations

import copy
import functools
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .errors import LiminalError

# names under which libraries hand out a code or a decoded item, the deterministic one first
CODES: tuple[str, ...] = ("mean", "mu", "latent_dist", "z", "latent", "latents", "embedding", "embeddings")
CODES += ("code", "codes", "last_hidden_state", "pooler_output")
DATA: tuple[str, ...] = ("sample", "x", "x_hat", "reconstruction", "recon", "recon_x", "reconstructions")
DATA += ("output", "image", "images", "mean")
DEEP = 5  # steps from a callable to a module: a partial of a method of an object that holds the model, ...
MANY = 64  # entries of a container, or attributes of an object, that are looked through
NESTED = 4  # tuples in mappings in objects
SAME = 1e-4  # of the largest number, by which two answers to the same input may differ
ALONE = 1e-2  # likewise, for an item by itself and in a batch: half precision rounds otherwise there

_LOCK = threading.Lock()
_HELD: dict[tuple[int, str], tuple[int, bool]] = {}  # calls under way, and what stood there before the first


class Foreign:
    """An encoder or a decoder that somebody else wrote.

    Args:
        f: the callable; a batch goes in, numbers as float32 or as its own parameters' type.
        what: ``"encoder"`` or ``"decoder"``, for errors.

    Attributes:
        modules: every torch module that it can reach, submodules too.

    Raises:
        LiminalError: it cannot be called.
    """

    def __init__(self, f: Callable[[Tensor], Any], what: str) -> None:
        if not callable(f):
            raise LiminalError(
                f"the {what} is a {type(f).__name__}: wanted a function or module of torch that takes a batch"
            )
        self.f, self.what = f, what
        self._names = CODES if what == "encoder" else DATA
        self.modules = list(dict.fromkeys(inner for m in modules_of(f) for inner in m.modules()))
        self.parameters = list(dict.fromkeys(p for m in self.modules for p in m.parameters(recurse=False)))
        floating = [p.dtype for p in self.parameters if p.is_floating_point()]
        self._kind = floating[0] if floating else torch.float32

    def __deepcopy__(self, memo: dict[int, Any]) -> Foreign:
        return Foreign(
            copy.deepcopy(self.f, memo), self.what
        )  # a function stays, and with it the modules that it reaches

    def __call__(self, x: Tensor) -> Tensor:
        """What it makes of x (n, ...), as float32; differentiable where it is.

        Raises:
            LiminalError: it fails, or gives no tensor.
        """
        given = self._given(x.to(self._kind) if x.is_floating_point() else x)
        found = tensor_of(given, self._names)
        if found is None or found.is_complex():
            raise LiminalError(
                f"the {self.what} gave {_shown(given)}: wanted a tensor, or one under {self._known}"
            )
        return found.to(x.device, torch.float32)

    def _given(self, x: Tensor) -> Any:
        parameters = self.parameters if torch.is_grad_enabled() else []
        try:
            with _held(self.modules, "training"), _held(parameters, "requires_grad"):
                return self.f(x)
        except (LiminalError, MemoryError):
            raise
        except Exception as error:
            if x.requires_grad and "numpy" in str(error):
                raise LiminalError(
                    f"the {self.what} computes with numpy, which gives no derivatives: geometry wants torch "
                    "alone"
                ) from error
            first = (str(error).strip() or "no reason given").splitlines()[0][:200]
            raise LiminalError(
                f"the {self.what} failed on a batch of shape {tuple(x.shape)}, {x.dtype}: "
                f"{type(error).__name__}: {first}"
            ) from error

    @property
    def _known(self) -> str:
        return ", ".join(self._names[:6])

    def tried(self, x: Tensor) -> Tensor:
        """What it makes of x (n, ...), once it has shown that it can be trusted with more.

        Raises:
            LiminalError: it fails, gives another number of items, NaN or infinity, something else for the
                same input, or makes an item depend on the others of its batch.
        """
        with torch.inference_mode():
            first, again, alone = self(x), self(x), self(x[:1])
        for given, count in ((first, len(x)), (alone, 1)):
            if given.ndim == 0 or len(given) != count:
                raise LiminalError(
                    f"the {self.what} gave a tensor of shape {tuple(given.shape)} for a batch of {count}: "
                    f"wanted {count} as its first size"
                )
        if not first.isfinite().all():
            raise LiminalError(f"the {self.what} gave NaN or infinity: wanted finite numbers")
        scale = max(float(first.abs().max()) if first.numel() else 0.0, 1e-12)
        if float((first - again).abs().max()) > SAME * scale:
            of = "return the mean instead of a draw" if self.what == "encoder" else "fix its noise"
            raise LiminalError(
                f"the {self.what} gave something else for the same input: wanted the same each time; {of}, "
                "call eval() on its model, leave dropout out"
            )
        if alone.shape[1:] != first.shape[1:] or float((first[:1] - alone).abs().max()) > ALONE * scale:
            raise LiminalError(
                f"the {self.what} gave something else for an item alone than in a batch of {len(x)}: "
                "wanted each item by itself; call eval() on its model, so that batch normalisation uses "
                "what it has learned"
            )
        return first


def knowing(f: Any, modality: Any) -> Any:
    """A callable as it is; one that must know how items look, such as the tokens of sentences, as its method
    `knowing` gives it for a modality."""
    return f.knowing(modality) if hasattr(f, "knowing") else f


def modules_of(f: object) -> list[nn.Module]:
    """The torch modules that a callable can reach: itself, or through a method, a partial, a closure, a name,
    ...
    """
    found: list[nn.Module] = []
    seen: dict[int, object] = {}  # holds them, so that no id is given out twice
    level = [f]
    for _ in range(DEEP):
        fresh = list({id(one): one for one in level if id(one) not in seen}.values())
        seen |= {id(one): one for one in fresh}
        found += [one for one in fresh if isinstance(one, nn.Module)]
        level = [inner for one in fresh if not isinstance(one, nn.Module) for inner in _inside(one)]
    return found


def _inside(one: object) -> list[object]:
    """What a thing holds that may lead to a module."""
    if isinstance(one, str | bytes | int | float | Tensor | np.ndarray | type | types.ModuleType):
        return []
    if isinstance(one, functools.partial):
        return [one.func, *one.args, *one.keywords.values()]
    if isinstance(one, types.MethodType):
        return [one.__self__, one.__func__]
    if isinstance(one, types.FunctionType):
        return _of_function(one)
    if isinstance(one, Mapping):
        return list(one.values())[:MANY]
    if isinstance(one, list | tuple | set):
        return list(one)[:MANY]
    call = next((vars(kind)["__call__"] for kind in type(one).__mro__ if "__call__" in vars(kind)), None)
    return [
        *list(getattr(one, "__dict__", {}).values())[:MANY],
        *([call] if isinstance(call, types.FunctionType) else []),
    ]


def _of_function(f: types.FunctionType) -> list[object]:
    """What a function closes over, has for defaults, and finds among the names of its file."""
    codes = [f.__code__]
    for code in codes:  # functions inside it come along
        codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
    names = {name for code in codes for name in code.co_names}
    reached: list[object] = [f.__globals__[name] for name in names if name in f.__globals__]
    files = [vars(one) for one in reached if isinstance(one, types.ModuleType)]
    reached += [one[name] for one in files for name in names if isinstance(one.get(name), nn.Module)]
    for cell in f.__closure__ or ():
        try:
            reached.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    return [*reached, *(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]


def tensor_of(given: object, names: Iterable[str], nested: int = NESTED) -> Tensor | None:
    """The tensor that something is or holds: under one of the names, else a sequence's first, a mapping's
    only one.
    """
    if isinstance(given, Tensor):
        return given
    if isinstance(given, np.ndarray):
        return torch.from_numpy(np.array(given)) if given.dtype.kind in "fiub" else None
    if nested == 0 or given is None:
        return None
    inside: list[object]
    if isinstance(given, Mapping):
        inside = [given[name] for name in names if name in given]
        inside = inside or (list(given.values()) if len(given) == 1 else [])
    else:
        inside = [_attribute(given, name) for name in names]
        inside += list(given) if isinstance(given, list | tuple) else []
    for one in inside:
        found = tensor_of(one, names, nested - 1)
        if found is not None:
            return found
    return None


def _attribute(given: object, name: str) -> object:
    """An attribute that is a value; None where there is none, or it does not give itself."""
    try:
        found = getattr(given, name, None)
    except Exception:  # the property of a distribution that has no mean, ...
        return None
    return None if callable(found) and not isinstance(found, Tensor) else found


def _shown(given: object) -> str:
    """What came, in a few words."""
    kind = type(given).__name__
    if isinstance(given, Tensor | np.ndarray):
        return f"a {kind} of {given.dtype}"
    if isinstance(given, Mapping):
        return f"a {kind} of {', '.join(map(repr, list(given)[:8])) or 'nothing'}"
    if isinstance(given, list | tuple):
        return f"a {kind} of {', '.join(type(one).__name__ for one in given[:8]) or 'nothing'}"
    return "nothing (None)" if given is None else f"a {kind}"


@contextmanager
def _held(things: Iterable[Any], name: str) -> Iterator[None]:
    """A flag of each thing is off inside the block, and as it was after the last block of any thread that
    holds it.
    """
    held = []
    with _LOCK:
        for one in things:
            key = (id(one), name)
            count, was = _HELD.get(key, (0, getattr(one, name)))
            if was:
                _HELD[key] = (count + 1, was)
                setattr(one, name, False)
                held.append((key, one))
    try:
        yield
    finally:
        with _LOCK:
            for key, one in held:
                count, was = _HELD.pop(key)
                if count > 1:
                    _HELD[key] = (count - 1, was)
                else:
                    setattr(one, name, was)
