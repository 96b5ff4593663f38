"""The contract of a modality: everything that depends on the kind of data, told to the rest of Liminal
through one class.

A modality knows four forms of an item and the ways between them:

- a **record**: a file, or one of the many items in a file;
- the **stored item**: a numpy array of fixed `item_shape` and `item_dtype`, cheap to keep by the million;
- **x**, the tensor that an encoder takes, (n, *likelihood.shape);
- **y**, what a decoder answers, (n, *likelihood.soft_shape): pixels, probabilities, means. `likelihood` says
  what it means.

Beside the forms it has eyes (`chart`, `errors`, `readings`, `features`) and hands (`write`, `preview`,
`caption`, `media`), and may tell in which ways an item can be `varied` in training. What has an honest
default goes through the likelihood; what has none must be there when the class is made. Modules of modalities
import torch only inside functions, so that the command line can ask a class for its words and options.

A new modality is one file with one subclass, and one line in `registry.py`.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import LiminalError
from .forms import SCORES, Media, Option, Read, Record, Score, Source, abstract

if TYPE_CHECKING:
    import torch
    from PIL import Image as PIL
    from torch import Tensor

    from .likelihoods import Likelihood

__all__ = ["Media", "Modality", "Option", "Read", "Record", "Score", "Source"]
WANTED = ("name", "noun", "plural", "reads", "writes")  # by every class of its own


class Modality(ABC):
    """One kind of data.

    Instances are immutable: they say how items of one space look (size, channels, vocabulary, ...).

    Attributes:
        name: in cards and on the command line; ``modalities/NAME.py`` and the page's ``modalities/NAME.ts``
            bear it.
        noun, plural: what messages call an item, and items.
        reads: endings of the files it reads, lower case, with the dot.
        writes: endings of the files it writes, its own first; a picture of an item can always be written as
            .png.
        films: further endings that a path can be written as, beside .gif, .mp4 and .png.
        options: of the command line; arguments of `infer`.
        scores: what the errors are called.
        steps: of a reading, what more and less of it are called: ``brighter``, ``darker``.
        arrays: whether arrays of numbers (npy, npz, idx, numpy) are items of this kind where nothing else is
            said.
        version: counts changes in how items are read, so that no cache gives items of an older reader.
        turns: of how many pictures one turn of an item is made, see `turned`; 0 where it has one side only.
        scatters: whether samplers learn latents as scattered as posteriors are; not where a step aside is
            another item, as for sentences.
        network: the file in ``nn/`` whose networks suit x and y.
        item_shape, item_dtype: of a stored item.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    reads: ClassVar[frozenset[str]]
    writes: ClassVar[tuple[str, ...]]
    films: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    scores: ClassVar[dict[str, Score]] = SCORES
    steps: ClassVar[dict[str, tuple[str, str]]] = {}
    arrays: ClassVar[bool] = False
    version: ClassVar[int] = 1
    turns: ClassVar[int] = 0
    scatters: ClassVar[bool] = True
    network: ClassVar[str] = "mlp"
    item_shape: tuple[int, ...]
    item_dtype: ClassVar[np.dtype]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        missing = [name for name in (*WANTED, "item_dtype") if not hasattr(cls, name)]
        missing += sorted(abstract(cls))
        if missing:
            raise TypeError(
                f"modality {cls.__name__} lacks {', '.join(missing)}; see liminal.modalities.Modality"
            )

    # -- from files to items, and back

    @classmethod
    @abstractmethod
    def infer(cls, sources: Sequence[Source], **options: Any) -> Modality:
        """The modality that suits these files, with the user's options laid over what is inferred.

        ``infer(sources, **m.config())`` equals m: a space's own modality reads more data exactly as the
        first.

        Raises:
            LiminalError: none of the files can be read, or an option is unknown or out of range.
        """

    @classmethod
    def holds(cls, file: Path) -> bool:
        """Whether a file whose ending is in `reads`, in a folder whose kind is not told, looks like one of
        this kind; for endings that files of all sorts have, such as .json."""
        return True

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-ready arguments; ``type(m)(**m.config())`` equals ``m``.

        What was learned from data lies here too.
        """

    @property
    def told(self) -> tuple[str, ...]:
        """Sentences on what `infer` found in the data, for whoever brought them."""
        return ()

    def fitted(self, items: np.ndarray, rows: np.ndarray) -> Modality:
        """This modality with codes learned from `rows` of the stored items, which are those trained on.

        Itself by default.
        """
        return self

    def suited(self, count: int) -> dict[str, float]:
        """What suits a fit to `count` items of this kind where it is told nothing else: ``dim``, ``epochs``,
        ``batch`` and arguments of models by name. Empty by default: 16 dimensions, five minutes, 64 a step.
        """
        return {}

    @abstractmethod
    def records(self, source: Source, name: str) -> Iterator[Record]:
        """The items in a file, or in its bytes, in order; one that cannot be used comes with its reason and
        loses no other.

        Args:
            source: a path, or an open binary file.
            name: what errors call it.

        Raises:
            LiminalError: nothing in it can be read; names the file and what is wrong.
        """

    adopted: ClassVar[str] = ""  # ending of the files that `adopt` gives

    @classmethod
    def adopt(cls, data: Any) -> bytes | None:
        """Data that somebody holds in memory, such as a data frame, as the bytes of a file of this kind; None
        where it is no such.

        Arrays of numbers are not asked about: a kind with `arrays` reads them as they are.
        """
        return None

    def load(self, source: Source, name: str, entry: int | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
        """The stored item in a file, and remarks on how it was read.

        Args:
            source, name: as `records` takes them.
            entry: which item of a file that holds many.

        Raises:
            LiminalError: it cannot be read, there is no such entry, or there are several and none was named.
        """
        found = None
        for i, record in enumerate(self.records(source, name)):
            if entry is None and i:
                raise LiminalError(f"{name} holds several {self.plural}; name one, such as {name}#0")
            if entry is None or (i if record.entry is None else record.entry) == entry:
                found = record
            if entry is not None and found:
                break
        if found is None:
            which = f"no {self.noun} number {entry}" if entry is not None else f"no {self.plural}"
            raise LiminalError(f"{name} holds {which}")
        if found.item is None:
            raise LiminalError(f"{name}: {found.remarks[0]}")
        return found.item, found.remarks

    def read(self, path: Path) -> np.ndarray:
        """The stored item in a file that holds one."""
        return self.load(path, str(path))[0]

    def parse(self, arguments: dict[str, str] | str) -> np.ndarray:
        """The stored item that a literal of a formula stands for: ``row(age=40)`` gives {"age": "40"},
        ``text('...')`` a string.

        Raises:
            LiminalError: this kind of data has no literals, or this is none.
        """
        raise LiminalError(f"{self.plural} cannot be typed; name a file or an item such as @12")

    literal: ClassVar[str | None] = None  # the name before the parenthesis

    @abstractmethod
    def write(self, item: np.ndarray, path: Path) -> None:
        """Write a stored item to a file, whole or not at all, in the format that its ending names: one of
        `writes`.
        """

    def write_many(self, items: np.ndarray, path: Path) -> None:
        """Write items to one file, for endings in `gathers`."""
        raise LiminalError(f"cannot write several {self.plural} to {path}; name a folder")

    gathers: ClassVar[tuple[str, ...]] = ()  # endings of files that hold many items

    def film(self, items: np.ndarray, path: Path, fps: float) -> None:
        """Write a path's items to a file that ends as one of `films`."""
        raise LiminalError(f"cannot write a path of {self.plural} to {path}; wanted .gif, .mp4 or .png")

    @abstractmethod
    def pack(self, item: np.ndarray) -> bytes:
        """A stored item as the bytes that the catalogue keeps; lossless, as small as is quick."""

    @abstractmethod
    def unpack(self, data: bytes) -> np.ndarray:
        """The inverse of `pack`."""

    def bits(self, items: np.ndarray) -> float:
        """Mean size of stored items (n, *item_shape) in bits, before any compression."""
        return 8.0 * self.item_dtype.itemsize * float(np.prod(self.item_shape))

    # -- between items and tensors

    @property
    @abstractmethod
    def likelihood(self) -> Likelihood:
        """p(x | z): shapes and types of x and y, and what y means."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one x."""
        return self.likelihood.shape

    @property
    def soft_shape(self) -> tuple[int, ...]:
        """Of one y."""
        return self.likelihood.soft_shape

    @property
    def dtype(self) -> torch.dtype:
        """Of x."""
        return self.likelihood.dtype

    @abstractmethod
    def tensor(self, items: np.ndarray) -> Tensor:
        """Stored items (n, *item_shape) as x (n, *shape)."""

    @abstractmethod
    def items(self, y: Tensor) -> np.ndarray:
        """y (n, *soft_shape), as a decoder gives it, as stored items (n, *item_shape).

        ``tensor(items(soft(a)))`` equals ``tensor(a)``: a perfect decoder gives the items themselves.

        Raises:
            LiminalError: y has another shape, or holds NaN.
        """

    def varied(self, x: Tensor, draw: torch.Generator) -> Tensor:
        """x (n, *shape) with a change drawn for each item that leaves it as good an item as it was, such as a
        tune in another key: what training sees in the place of x.

        The items themselves by default. Where dimensions are bound to attributes nothing is changed, as the
        change may touch one.

        Args:
            x: (n, *shape), not changed in place.
            draw: what the change is drawn from, on the CPU.
        """
        return x

    def mixed(self, a: Tensor, b: Tensor) -> Tensor | None:
        """The items that a and b (n, *shape) make together, half of each: two sounds played at once.

        What is said of linear latent spaces is held against it. None: the kind knows of no such items.
        """
        return None

    def soft(self, items: np.ndarray) -> Tensor:
        """Stored items as a perfect decoder would give them: y (n, *soft_shape)."""
        return self.likelihood.target(self.tensor(items))

    def drawn(self, y: Tensor, generator: torch.Generator) -> np.ndarray:
        """Stored items drawn from p(x | z), where `items` gives the likeliest: what samples are made by.

        Args:
            y: (n, *soft_shape), as a decoder gives it, on the CPU.
            generator: what is drawn from, on the CPU.
        """
        return self.items(self.likelihood.draw(y, generator))

    def lacking(self, items: np.ndarray) -> Tensor | None:
        """Which places of y say what `items` lack, such as a row's empty cells: bool (n, *soft_shape).

        None where nothing is lacking, or nothing ever can be. Where it can, `likelihood.partial` judges the
        rest.
        """
        return None

    def filled(self, y: Tensor, lacking: Tensor) -> Tensor:
        """y in which no place that was lacking says that it lacks again."""
        return y

    @property
    def parts(self) -> dict[str, str]:
        """Examples of parts of an item that may be known alone, by the name under which `part` takes them,
        in words."""
        return {}

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """What a part of items prescribes, and the places of y about which it says nothing.

        Args:
            items: stored items (n, *item_shape).
            name: one of `parts`.

        Returns:
            The items, changed where the part itself asks for something that they do not have (notes of a
            chord), and bool (n, *soft_shape).

        Raises:
            LiminalError: there is no such part.
        """
        known = f"wanted one such as {', '.join(self.parts)}" if self.parts else "they are only known whole"
        raise LiminalError(f"{name!r} is no part of {self.plural}; {known}")

    def harden(self, y: Tensor) -> Tensor:
        """The items that y stands for, in y's own form."""
        return self.likelihood.harden(y)

    # -- eyes

    def chart(self, y: Tensor) -> Tensor:
        """y as rows (n, m) in which a plain distance is how far items look apart: what geometry, pace and
        errors are measured in.
        """
        return self.likelihood.chart(y)

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """How far answers are from the truth: (n,) float64 by a name of `scores`, the headline first."""
        return self.likelihood.errors(x, y)

    def augment(self, y: Tensor, draw: torch.Generator) -> Tensor:
        """Items with what a decoder's answers suffer from laid over them, for networks that shall read
        both.
        """
        return y

    @cached_property
    def features(self) -> Callable[[Tensor], Tensor] | None:
        """y (n, *soft_shape) -> features (n, m), fixed and the same for every model; None: general ones are
        taken, and it is said.
        """
        return None

    @cached_property
    def readings(self) -> Read | None:
        """y -> numbers (n,) by name that anybody can read from an item without labels; None where none are
        known.
        """
        return None

    def exact(self, y: Tensor) -> dict[str, Tensor]:
        """Attributes that y states itself, such as the columns of a table: by an attribute's name, or
        name=value of a category.
        """
        return {}

    def stated(self, items: np.ndarray) -> dict[str, list[Any]]:
        """Attributes that stored items state themselves, as `Record.known` has them, by name; None where an
        item lacks one. What is drawn where a filter holds is held against it by them.
        """
        return {}

    def said(self, name: str, value: Any) -> str:
        """What is stated under a name, in words."""
        return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

    def trivial(self, items: np.ndarray, n: int, seed: int) -> tuple[str, np.ndarray] | None:
        """n items (n, *item_shape) of the simplest generator that suits, fitted to items, and what it is
        called; None: PCA.
        """
        return None

    # -- hands

    def sound(self, items: np.ndarray) -> tuple[np.ndarray, int] | None:
        """Stored items as they sound, one after the other and all equally long: float32 (m,) within -1 and 1,
        and how many samples a second.

        None: the kind is only seen. A film of a kind that sounds shows each item while it does.
        """
        return None

    @abstractmethod
    def preview(self, item: np.ndarray, size: int) -> PIL.Image:
        """An RGB picture of the item, at most `size` pixels on its longer side."""

    def compared(self, item: np.ndarray, other: np.ndarray, size: int) -> PIL.Image:
        """A preview of the item in which what another one has not is marked; a plain one by default."""
        return self.preview(item, size)

    def turned(self, item: np.ndarray, size: int) -> list[PIL.Image]:
        """`turns` pictures of the item from all sides, as `preview` gives them, the first one of them."""
        return []

    @property
    def side(self) -> int:
        """The longer side, in pixels, of a preview that shows all there is in an item."""
        return 256

    @property
    def measure(self) -> tuple[str, float]:
        """What the length of an item is counted in, and how long one is."""
        return self.plural, 1.0

    def caption(self, item: np.ndarray) -> str:
        """The item in a few words; empty where its picture says all."""
        return ""

    @property
    def words(self) -> Callable[[np.ndarray], Collection[str]] | None:
        """Stored item -> the words that it says, each once, by which groups of items are named; None: items
        say none.
        """
        return None

    def media(self, item: np.ndarray, size: int = 256) -> Media:
        """The item as a page shows it; its picture by default."""
        held = io.BytesIO()
        self.preview(item, size).save(held, "PNG")
        return Media("image/png", held.getvalue())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.config() == other.config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted((k, str(v)) for k, v in self.config().items()))))
