"""The contract of a modality: one kind of data, told to the rest of Liminal through one class.

A modality knows three forms of an item and the ways between them:

- a **file** (or the bytes that the catalogue keeps),
- the **stored item**: a numpy array of fixed `item_shape` and `item_dtype`, cheap to keep by the million,
- the **tensor** that networks see, of shape `shape`.

A new modality is one file with one subclass, and one line in `registry.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import numpy as np
from torch import Tensor

from ..errors import LiminalError

if TYPE_CHECKING:
    from PIL import Image as PIL


class Modality(ABC):
    """One kind of data. Instances are immutable: they say how items of one space look (size, channels, ...)."""

    name: ClassVar[str]
    plural: ClassVar[str] = "items"  # what messages call them
    endings: ClassVar[frozenset[str]]  # of the files it reads, lower case, with the dot
    save_as: ClassVar[str]  # the ending of a written item unless the user names one
    item_shape: tuple[int, ...]  # of a stored item
    item_dtype: ClassVar[np.dtype]
    shape: tuple[int, ...]  # of an item as networks see it

    @classmethod
    @abstractmethod
    def infer(cls, paths: Sequence[Path], **options: Any) -> Modality:
        """The modality that suits these files (from a sample of them), with the user's options laid over what is inferred.

        Raises:
            LiminalError: none of the files can be read, or an option is out of range.
        """

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-ready arguments; ``type(m)(**m.config())`` equals ``m``."""

    @abstractmethod
    def read(self, path: Path) -> np.ndarray:
        """The stored item in a file.

        Raises:
            LiminalError: with the file's name and what is wrong with it.
        """

    def load(self, source: Path | BinaryIO, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """As `read`, from a file or from its bytes, with remarks that complete the sentence "some items were ...".

        Args:
            source: a path, or the contents of a file.
            name: what errors call the source.
        """
        if not isinstance(source, Path):
            raise LiminalError(f"{name}: {self.plural} are read from files only")
        return self.read(source), ()

    @abstractmethod
    def write(self, item: np.ndarray, path: Path) -> None:
        """Write a stored item to a file, in the format that its ending names."""

    @abstractmethod
    def tensor(self, items: np.ndarray) -> Tensor:
        """Stored items (n, *item_shape) as float32 tensors (n, *shape)."""

    @abstractmethod
    def items(self, x: Tensor) -> np.ndarray:
        """Tensors (n, *shape), as a decoder gives them, as stored items (n, *item_shape)."""

    @abstractmethod
    def pack(self, item: np.ndarray) -> bytes:
        """A stored item as the bytes that the catalogue keeps; lossless, as small as is quick."""

    @abstractmethod
    def unpack(self, data: bytes) -> np.ndarray:
        """The inverse of `pack`."""

    @abstractmethod
    def preview(self, item: np.ndarray, size: int) -> PIL.Image:
        """An RGB picture of the item, at most `size` pixels on its longer side (small items are enlarged by whole factors)."""

    @abstractmethod
    def bits(self) -> float:
        """Size of one stored item in bits, before any compression."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.config() == other.config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted((k, str(v)) for k, v in self.config().items()))))
