"""A kind of data that has nothing of a picture: ragged strands of letters, many to a file, with attributes
beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import PIL.Image

from liminal import files
from liminal.errors import LiminalError
from liminal.modalities import Modality, Option, Record, Source

if TYPE_CHECKING:
    from torch import Tensor

    from liminal.modalities.likelihoods import Categorical

LETTERS = "acgt"
LONGEST, END = 12, 4
COLOURS = np.array([[46, 125, 50], [21, 101, 192], [249, 168, 37], [198, 40, 40], [255, 255, 255]], np.uint8)
STRAND = "toys:Strand"  # as the registry names it


class Strand(Modality):
    """Strands of 1 to 12 letters a, c, g, t.

    A ``.strand`` file holds one a line, and after a tab each ``key=value`` known about it.

    A stored item is uint8 (12,): the letters as 0 to 3, then 4 to the end; x is the same as int64, y
    probabilities (5, 12).

    Args:
        longest: letters of the longest strand that is read; longer ones are left out.
    """

    name = "strand"
    noun = "strand"
    plural = "strands"
    reads = frozenset({".strand"})
    writes = (".strand",)
    gathers = (".strand",)
    literal = "strand"
    options = (Option("longest", int, "N", "Letters of the longest strand that is read; default: 12."),)
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)
    item_shape = (LONGEST,)

    def __init__(self, longest: int = LONGEST) -> None:
        if not 1 <= longest <= LONGEST:
            raise LiminalError(f"longest {longest}: wanted 1 to {LONGEST} letters")
        self.longest = longest

    @classmethod
    def infer(cls, sources: Sequence[Source], *, longest: int = LONGEST, **options: Any) -> Strand:
        if options:
            raise LiminalError(f"strands have no option {sorted(options)[0]!r}; known: longest")
        return cls(longest)

    def config(self) -> dict[str, Any]:
        return {"longest": self.longest}

    def records(self, source: Source, name: str) -> Iterator[Record]:
        try:
            data = source.read_bytes() if isinstance(source, Path) else source.read()
            lines = data.decode().splitlines()
        except OSError as error:
            raise LiminalError(f"{name}: cannot be read ({error.strerror or error})") from error
        except UnicodeDecodeError as error:
            raise LiminalError(f"{name}: no text ({error.reason}); wanted one strand a line") from error
        for i, line in enumerate(lines):
            letters, *known = line.split("\t")
            try:
                item = self._item(letters)
            except LiminalError as error:
                yield Record(None, (str(error),), i)
            else:
                pairs = (pair.partition("=") for pair in known)
                yield Record(item, (), i, {key: _value(value) for key, _, value in pairs})

    def _item(self, letters: str) -> np.ndarray:
        wrong = sorted(set(letters) - set(LETTERS))
        if wrong:
            raise LiminalError(f"the letter {wrong[0]!r} is none of a, c, g, t")
        if not 1 <= len(letters) <= self.longest:
            raise LiminalError(f"it has {len(letters)} letters; wanted 1 to {self.longest}")
        item = np.full(LONGEST, END, np.uint8)
        item[: len(letters)] = [LETTERS.index(letter) for letter in letters]
        return item

    def parse(self, arguments: dict[str, str] | str) -> np.ndarray:
        if not isinstance(arguments, str):
            raise LiminalError("strand: wanted letters in quotes, such as strand('acgt')")
        try:
            return self._item(arguments)
        except LiminalError as error:
            raise LiminalError(f"strand({arguments!r}): {error}") from None

    @property
    def parts(self) -> dict[str, str]:
        return {"start:2": "the first letters"}

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        import torch

        word, _, count = name.partition(":")
        if word != "start" or not count.isdigit() or not 1 <= int(count) <= LONGEST:
            raise LiminalError(f"{name!r} is no part of strands; wanted one such as start:2")
        gone = torch.ones(len(items), *self.soft_shape, dtype=torch.bool)
        gone[..., : int(count)] = False
        return items, gone

    def write(self, item: np.ndarray, path: Path) -> None:
        self._write(item[None], path)

    def write_many(self, items: np.ndarray, path: Path) -> None:
        self._write(items, path)

    def _write(self, items: np.ndarray, path: Path) -> None:
        if path.suffix.lower() not in self.writes:
            raise LiminalError(
                f"cannot write strands to {path}: wanted an ending of {', '.join(self.writes)}"
            )
        text = "".join(f"{self._letters(item)}\n" for item in items)
        files.atomic_bytes(path, text.encode())

    def pack(self, item: np.ndarray) -> bytes:
        return self._letters(item).encode()

    def unpack(self, data: bytes) -> np.ndarray:
        return self._item(data.decode())

    def bits(self, items: np.ndarray) -> float:
        """Two a letter and one more symbol for the end."""
        return float(np.log2(END + 1) * np.minimum((items != END).sum(1) + 1, LONGEST).mean())

    @cached_property
    def likelihood(self) -> Categorical:
        from liminal.modalities.likelihoods import Categorical

        return Categorical(LONGEST, END + 1, end=END)

    def tensor(self, items: np.ndarray) -> Tensor:
        import torch

        if tuple(items.shape[1:]) != self.item_shape:
            raise LiminalError(f"strands: wanted items of shape (n, {LONGEST}), got {tuple(items.shape)}")
        return torch.from_numpy(items.astype(np.int64))

    def items(self, y: Tensor) -> np.ndarray:
        if tuple(y.shape[1:]) != self.soft_shape:
            raise LiminalError(f"strands: wanted y of shape (n, {END + 1}, {LONGEST}), got {tuple(y.shape)}")
        if bool(y.isnan().any()):
            raise LiminalError("strands: y holds NaN; wanted probabilities")
        found = y.detach().cpu().argmax(1).numpy().astype(np.uint8)
        found[:, 0] = y[:, :END, 0].detach().cpu().argmax(1).numpy()  # no strand is empty
        ended = np.maximum.accumulate(found == END, axis=1)
        return np.where(ended, np.uint8(END), found)

    def harden(self, y: Tensor) -> Tensor:
        return self.soft(self.items(y)).to(y)

    def preview(self, item: np.ndarray, size: int) -> PIL.Image.Image:
        side = max(1, size // LONGEST)
        blocks = COLOURS[item][None].repeat(side, 0).repeat(side, 1)
        return PIL.Image.fromarray(blocks[:, :size])

    def caption(self, item: np.ndarray) -> str:
        return self._letters(item)

    def _letters(self, item: np.ndarray) -> str:
        return "".join(LETTERS[i] for i in item if i != END)


def _value(text: str) -> float | bool | str:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def write_strands(path: Path, count: int, seed: int = 0) -> Path:
    """A file of strands that begin with a (short ones) or with t (long ones), each with its ``length`` and
    its ``head``.
    """
    draw = np.random.default_rng(seed)
    lines = []
    for i in range(count):
        head = "at"[i % 2]
        body = "".join(draw.choice(list(LETTERS), draw.integers(1, 5) + 6 * (i % 2)))
        lines.append(f"{head}{body}\tlength={len(body) + 1}\thead={head}")
    path.write_text("\n".join(lines) + "\n")
    return path
