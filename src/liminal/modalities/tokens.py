"""Words and subwords: how texts are taken apart, and put together again without a loss.

A text is taken apart into pieces: words, signs and runs of one sign, each with the space before it. *Words*
are the commonest pieces, all others one sign for what is unknown. *Subwords* are parts of pieces by byte pair
encoding (Sennrich et al. 2016), with single bytes for what no part covers, so that any text in any script
comes back.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = " ▢"  # of a word that training sentences do not have
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LETTER = r"\p{L}\p{M}\p{N}_"
PIECE = rf" ?['’]?[{LETTER}]+(?:['’][{LETTER}]+)*| ?([^\s{LETTER}])\1*"
ALONE = re.compile(  # signs of scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
COVERED = 0.98  # share of all words that the commonest ones must be, for words to be tokens
AGAIN = 2  # times that two subwords must stand together to be one, or a text that comes once is one
KINDS = ("words", "subwords")


def tidy(text: str) -> str:
    """A text as it is kept: composed characters (NFC), one space for whatever white space there is."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class Tokens:
    """Tokens of texts, from 1 on; 0 is the end.

    Args:
        tokens: as text, with the spaces before them.
        merges: of byte pair encoding, in their order, each two tokens with a space between that is doubled;
            None: the tokens are whole words.
    """

    def __init__(self, tokens: Sequence[str], merges: Sequence[Sequence[str]] | None = None) -> None:
        self.tokens = tuple(tokens)
        self.merges = None if merges is None else tuple((a, b) for a, b in merges)

    @classmethod
    def learned(cls, texts: Iterable[str], most: int, kind: str | None = None) -> Tokens:
        """The tokens of some texts.

        Args:
            texts: as `tidy` gives them.
            most: tokens in all, at most.
            kind: ``words`` or ``subwords``; None: words, if `most` of them are nearly all that there are;
                what stands between two signs of a script without spaces is no word.
        """
        from tokenizers import Tokenizer, models, trainers

        texts = [" " + text for text in texts]
        whole = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        whole.pre_tokenizer = _split()
        everything = trainers.WordLevelTrainer(
            vocab_size=2**31, special_tokens=[UNKNOWN], show_progress=False
        )
        whole.train_from_iterator(texts, everything)
        counts = np.zeros(whole.get_vocab_size(), np.int64)
        for ids in whole.encode_batch_fast(texts, add_special_tokens=False):
            np.add.at(counts, ids.ids, 1)
        known = sorted(whole.get_vocab().items(), key=lambda pair: (-counts[pair[1]], pair[0]))
        order = [piece for piece, _ in known if piece != UNKNOWN][: most - 1]
        if kind is None:
            covered = sum(counts[i] for piece, i in known[: most - 1] if not ALONE.search(piece))
            kind = KINDS[bool(covered < COVERED * counts.sum())]
        if kind == "words":
            return cls([UNKNOWN, *order])
        made = Tokenizer(models.BPE(byte_fallback=True))
        made.pre_tokenizer = _split()
        trainer = trainers.BpeTrainer(
            vocab_size=max(most, 300), min_frequency=AGAIN, special_tokens=BYTES, show_progress=False
        )
        made.train_from_iterator(texts, trainer)
        model = json.loads(made.to_str())["model"]
        found = sorted(model["vocab"], key=model["vocab"].get)
        return cls(found, [pair if isinstance(pair, list) else pair.split(" ") for pair in model["merges"]])

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer, models

        vocabulary = {token: i for i, token in enumerate(self.tokens)}
        if self.merges is None:
            made = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
        else:
            made = Tokenizer(models.BPE(vocabulary, list(self.merges), byte_fallback=True))
        made.pre_tokenizer = _split()
        return made

    def __len__(self) -> int:
        return len(self.tokens)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each text its tokens, from 1 on."""
        found = self._tokenizer.encode_batch_fast([" " + text for text in texts], add_special_tokens=False)
        return [[i + 1 for i in one.ids] for one in found]

    def text(self, ids: Iterable[int]) -> str:
        """The text of tokens up to the first 0."""
        told = []
        for i in ids:
            if i == 0:
                break
            told.append(self.tokens[i - 1])
        return joined(told).strip()


def joined(tokens: Iterable[str]) -> str:
    """Tokens as text; bytes that stand alone together make characters."""
    data = b""
    for token in tokens:
        byte = re.fullmatch("<0x([0-9A-F]{2})>", token)
        data += bytes([int(byte[1], 16)]) if byte else token.encode()
    return data.decode(errors="replace")


def fresh(text: str, other: str) -> list[bool]:
    """Of each word between spaces whether it is none of the other text's, by a longest common subsequence."""
    a, b = other.split(" "), text.split(" ")
    long = np.zeros((len(a) + 1, len(b) + 1), int)
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            both = long[i + 1, j + 1] + 1
            long[i, j] = both if a[i] == b[j] else max(long[i + 1, j], long[i, j + 1])
    marks: list[bool] = []
    i = 0
    while len(marks) < len(b):
        j = len(marks)
        if i < len(a) and a[i] == b[j]:
            marks.append(False)
            i += 1
        elif i < len(a) and long[i + 1, j] >= long[i, j + 1]:
            i += 1
        else:
            marks.append(True)
    return marks


def spoken(text: str) -> set[str]:
    """The words of a text in small letters, without signs."""
    return {word for piece in pieces(text) if (word := piece.strip().lower()) and word[-1].isalnum()}


def _split():  # type: ignore[no-untyped-def]
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(PIECE), "isolated")


def pieces(text: str) -> list[str]:
    """The words and signs of a text, each with the space before it."""
    return [piece for piece, _ in _split().pre_tokenize_str(text)]
