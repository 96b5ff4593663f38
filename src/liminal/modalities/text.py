"""Sentences: short texts, a line each, or a cell of a column each.

A stored item is uint8 (bytes,), the text in UTF-8 and zeros, so that a space holds what was written, whatever
words its model knows. x is int64 (places,), the tokens and the end (see `tokens`), y expected vectors of
words (see `words`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from .. import files
from ..errors import LiminalError, unknown
from ..tabular import frames
from . import Modality, Option, Read, Record, Score, Source
from .lettering import card
from .texts import LINES, PLAIN, TABLES, read, texts
from .tokens import KINDS, Tokens, fresh, spoken, tidy

if TYPE_CHECKING:
    from PIL import Image as PIL
    from torch import Tensor

    from .words import Words

MOST = {"length": 64, "vocabulary": 32_000, "width": 4096}
LEAST_VOCABULARY = 300
USUAL = {"length": 24, "vocabulary": 8192}
COVERED = 0.98  # share of the texts that are short enough, where no length is told
ROOM = 8  # bytes kept for a token, at least
TOLD = 90  # characters of a caption


class Text(Modality):
    """Sentences of some tokens at most.

    Args:
        length: tokens of the longest one, 1 to 64.
        width: bytes kept for each.
        tokens: that the model knows, as text with the spaces before them.
        merges: of subwords; None: the tokens are whole words.
        counts: how often the end and each token come in training; None: not learned yet.
        vectors: of the tokens, as `words.packed` writes them.
        column: of tables, that the texts are in.

    Reading: of a .txt file each line is an item, empty lines count but are none; of a table the cells of a
    column, of .jsonl files those of a member, and what else a row tells becomes attributes. White space
    counts as one space, characters are composed (NFC), all else stays.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "text"
    noun, plural = "sentence", "sentences"
    reads = frozenset({*PLAIN, *LINES, *TABLES})
    writes = gathers = films = (".txt", ".csv")
    literal = "text"
    options = (
        Option(
            "length",
            int,
            "N",
            "Tokens of a sentence at most, 1 to 64; default: as most have, up to 24.",
        ),
        Option("tokens", str, "KIND", "words or subwords; default: words, where these cover nearly all."),
        Option("vocabulary", int, "N", "Different tokens at most; default: 8192."),
        Option("column", str, "NAME", "Of a table, that holds the sentences; default: the wordiest."),
    )
    scores = {  # noqa: RUF012
        "wer": Score("", "lower", "word error rate: words to change, insert or take out, for each true one"),
        "exact": Score("", "higher", "share of the sentences that are restored without a fault"),
    }
    steps: ClassVar[dict[str, tuple[str, str]]] = {
        "words": ("longer", "shorter"),
        "rarity": ("rarer words", "commoner words"),
        "letters": ("longer words", "shorter words"),
        "signs": ("more signs", "fewer signs"),
        "question": ("a question", "no question"),
        "exclamation": ("exclaimed", "not exclaimed"),
        "repetition": ("more repeated", "less repeated"),
    }
    network = "language"
    scatters = False
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)

    def __init__(
        self,
        length: int,
        width: int,
        tokens: Sequence[str],
        merges: Sequence[Sequence[str]] | None = None,
        counts: Sequence[int] | None = None,
        vectors: str = "",
        column: str | None = None,
    ) -> None:
        for name, value in (("length", length), ("width", width)):
            if not 1 <= value <= MOST[name]:
                raise LiminalError(f"{name} {value}: wanted 1 to {MOST[name]}")
        self.length, self.width, self.column = length, width, column
        self.tokens, self.vectors = Tokens(tokens, merges), vectors
        self.counts = None if counts is None else [int(count) for count in counts]
        self.item_shape = (width,)

    def __repr__(self) -> str:
        return f"Text({self.length} tokens of {len(self.tokens):,})"

    @classmethod
    def infer(cls, sources: Sequence[Source], **options: Any) -> Text:
        """The modality of these texts.

        Args:
            sources: files.
            options: ``length``, ``tokens`` (a kind, or those of `config`), ``vocabulary``, ``column``, and
                the others of `config`.

        Raises:
            LiminalError: there is no text in the files, or an option is unknown or out of range.
        """
        known = {"length", "width", "tokens", "merges", "counts", "vectors", "column", "vocabulary"}
        if wrong := sorted(set(options) - known):
            raise unknown("option of sentences", wrong[0], [option.name for option in cls.options])
        if "width" in options:  # a space's own
            return cls(**{name: value for name, value in options.items() if name != "vocabulary"})
        length, most = options.get("length"), options.get("vocabulary") or USUAL["vocabulary"]
        if (kind := options.get("tokens")) not in (None, *KINDS):
            raise unknown("kind of tokens", str(kind), KINDS)
        if not LEAST_VOCABULARY <= most <= MOST["vocabulary"]:
            raise LiminalError(
                f"vocabulary {most}: wanted {LEAST_VOCABULARY} to {MOST['vocabulary']:,} tokens"
            )
        if length is not None and not 1 <= length <= MOST["length"]:
            raise LiminalError(f"length {length}: wanted 1 to {MOST['length']} tokens")
        found = texts(sources, options.get("column"))
        tokens = Tokens.learned(found, most, kind)
        longs = np.array([len(ids) for ids in tokens.ids(found)])
        if length is None:
            length = max(1, min(int(np.quantile(longs, COVERED, method="higher")), USUAL["length"]))
        if (least := int(longs.min())) > length:
            what = f"--length {least} takes it" if least <= MOST["length"] else "put a sentence on each line"
            raise LiminalError(
                f"sentences: the shortest has {least:,} tokens, wanted {length} at most; {what}"
            )
        fit = [len(text.encode()) for text, long in zip(found, longs, strict=True) if long <= length]
        width = min(max([ROOM * length, *fit]), MOST["width"])
        return cls(length, width, tokens.tokens, tokens.merges, column=options.get("column"))

    def config(self) -> dict[str, Any]:
        merges = self.tokens.merges
        return {
            "length": self.length,
            "width": self.width,
            "tokens": list(self.tokens.tokens),
            "merges": None if merges is None else [list(pair) for pair in merges],
            "counts": self.counts,
            "vectors": self.vectors,
            "column": self.column,
        }

    @property
    def told(self) -> tuple[str, ...]:
        kind = KINDS[self.tokens.merges is not None]
        return (
            f"sentences of up to {self.length} tokens, {len(self.tokens):,} {kind}; longer ones are left out "
            f"(--length takes up to {MOST['length']})",
        )

    def fitted(self, items: np.ndarray, rows: np.ndarray) -> Text:
        """The commonest tokens, how often they come, and their vectors, all from these rows."""
        from .words import packed, vectors

        texts = [self.text(item) for item in items[rows]]
        learned = Tokens.learned(texts, len(self.tokens), KINDS[self.tokens.merges is not None])
        made = Text(self.length, self.width, learned.tokens, learned.merges, column=self.column)
        x = made.tensor(items[rows]).numpy()
        counts = np.bincount(x.ravel(), minlength=len(learned) + 1)
        counts[0] = len(x)
        known = {"counts": counts.tolist(), "vectors": packed(vectors(x, len(counts)))}
        return Text(**{**made.config(), **known})

    def suited(self, count: int) -> dict[str, float]:
        """Many dimensions, little weight of the KL (a sentence has few nats), and large steps."""
        return {"dim": 64, "beta": 0.26, "batch": float(min(256, max(64, count // 100)))}

    # -- files

    def records(self, source: Source, name: str) -> Iterator[Record]:
        found, remarks = read(source, name, self.column)
        said = tuple(f"read so: {remark}" for remark in remarks)
        for entry, text, known in found:
            try:
                yield Record(self.item(text), said, entry, known)
            except LiminalError as error:
                yield Record(None, (str(error),), entry)

    def item(self, text: str) -> np.ndarray:
        """The stored item of a text.

        Raises:
            LiminalError: it is empty, or too long.
        """
        text = tidy(text)
        if not text:
            raise LiminalError("it is empty")
        count, data = len(self.tokens.ids([text])[0]), text.encode()
        if count > self.length:
            raise LiminalError(f"it has {count:,} tokens; wanted {self.length} at most")
        if len(data) > self.width:
            raise LiminalError(f"it takes {len(data):,} bytes; wanted {self.width} at most")
        return _bytes([text], self.width)[0]

    def text(self, item: np.ndarray) -> str:
        """The text of a stored item."""
        return item.tobytes().rstrip(b"\0").decode(errors="replace")

    def parse(self, arguments: dict[str, str] | str) -> np.ndarray:
        """``text('the food was great')``."""
        if not isinstance(arguments, str):
            raise LiminalError("text: wanted words in quotes, such as text('the food was great')")
        try:
            return self.item(arguments)
        except LiminalError as error:
            raise LiminalError(f"text({arguments!r}): {error}") from error

    def write(self, item: np.ndarray, path: Path) -> None:
        self.write_many(item[None], path)

    def write_many(self, items: np.ndarray, path: Path) -> None:
        """A line each, or a column `text`."""
        self._save(items, path, {})

    def film(self, items: np.ndarray, path: Path, fps: float) -> None:
        """A path as a text, a line a frame, or as a table with a column `frame` from 0."""
        self._save(items, path, {"frame": list(range(len(items)))})

    def _save(self, items: np.ndarray, path: Path, beside: dict[str, list[int]]) -> None:
        texts = [self.text(item) for item in self._checked(items)]
        if path.suffix.lower() == ".csv":
            frames.save(pa.table({**beside, self.column or "text": texts}), path)
        elif path.suffix.lower() == ".txt":
            files.atomic_bytes(path, "".join(f"{text}\n" for text in texts).encode())
        else:
            raise LiminalError(
                f"cannot write sentences to {path}: wanted an ending of {', '.join(self.writes)}"
            )

    def _checked(self, items: np.ndarray) -> np.ndarray:
        if items.ndim != 2 or items.shape[1:] != self.item_shape:
            raise LiminalError(f"sentences: wanted items of shape (n, {self.width}), got {items.shape}")
        return items

    def pack(self, item: np.ndarray) -> bytes:
        data = item.tobytes().rstrip(b"\0")
        small = zlib.compress(data, 9) if len(data) > 100 else data
        return b"\x01" + small if len(small) < len(data) else b"\x00" + data

    def unpack(self, data: bytes) -> np.ndarray:
        try:
            found = zlib.decompress(data[1:]) if data[:1] == b"\x01" else data[1:]
        except zlib.error:
            found = b"\0" * (self.width + 1)
        if len(found) > self.width:
            raise LiminalError(
                f"sentence in the catalogue: wanted {self.width} bytes at most, got {len(found)}; copy the "
                "space again"
            )
        return np.frombuffer(found.ljust(self.width, b"\0"), np.uint8).copy()

    def bits(self, items: np.ndarray) -> float:
        return 8.0 * float((items > 0).sum(1).mean())

    # -- tensors

    @cached_property
    def likelihood(self) -> Words:
        from .words import Words

        return Words(self.length + 1, self.counts or [1] * (len(self.tokens) + 1), self.vectors)

    def tensor(self, items: np.ndarray) -> Tensor:
        return self.ids([self.text(item) for item in self._checked(np.asarray(items))])

    def ids(self, texts: Sequence[str]) -> Tensor:
        """x of texts, the first `length` tokens of longer ones."""
        import torch

        x = np.zeros((len(texts), self.length + 1), np.int64)
        for row, ids in zip(x, self.tokens.ids([tidy(text) for text in texts]), strict=True):
            ids = ids[: self.length]  # other tokens may take more of them
            row[: len(ids)] = ids
        return torch.from_numpy(x)

    def items(self, y: Tensor) -> np.ndarray:
        if tuple(y.shape[1:]) != self.soft_shape:
            raise LiminalError(
                f"sentences: wanted tensors of shape (n, {', '.join(map(str, self.soft_shape))}), got "
                f"{tuple(y.shape)}"
            )
        if bool(y.isnan().any()):
            raise LiminalError("sentences: the tensor holds NaN; wanted vectors of words")
        ids = self.likelihood.words(y.detach().cpu()).tolist()
        return _bytes([self.tokens.text(row) for row in ids], self.width)

    @property
    def parts(self) -> dict[str, str]:
        from .phrases import PARTS

        return dict(PARTS)

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """See `phrases.open_words`."""
        from .phrases import open_words

        gone = open_words(self.tensor(items), name)
        return items, gone[:, None].expand(-1, self.soft_shape[0], -1)

    # -- eyes

    @cached_property
    def features(self) -> Any:
        """Of all words, of the first three and of the last three, the mean vector, and of all the largest
        numbers: (n, 4 m)."""
        from .phrases import features

        return lambda y: features(y)

    @cached_property
    def readings(self) -> Read:
        from .phrases import readings

        return readings(self.likelihood, self.tokens.tokens)

    def trivial(self, items: np.ndarray, n: int, seed: int) -> tuple[str, np.ndarray]:
        """Each word drawn after the two before it."""
        from .phrases import trigrams

        x = trigrams(self.tensor(items).numpy(), n, seed)
        return "trigrams", _bytes([self.tokens.text(row) for row in x.tolist()], self.width)

    # -- hands

    def preview(self, item: np.ndarray, size: int) -> PIL.Image:
        return card(self.text(item), size)

    def compared(self, item: np.ndarray, other: np.ndarray, size: int) -> PIL.Image:
        """Words that the other one has not are marked, in its order (a longest common subsequence)."""
        return card(self.text(item), size, fresh(self.text(item), self.text(other)))

    @property
    def words(self) -> Callable[[np.ndarray], set[str]]:
        return lambda item: spoken(self.text(item))

    def caption(self, item: np.ndarray) -> str:
        text = self.text(item)
        return text if len(text) <= TOLD else text[: TOLD - 1].rstrip() + "…"


def _bytes(texts: Sequence[str], width: int) -> np.ndarray:
    """Texts as stored items (n, width); of what is too long, as many whole characters as there is room
    for."""
    items = np.zeros((len(texts), width), np.uint8)
    for item, text in zip(items, texts, strict=True):
        data = text.encode()[:width].decode(errors="ignore").encode()
        item[: len(data)] = np.frombuffer(data, np.uint8)
    return items
