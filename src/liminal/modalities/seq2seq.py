"""Sentences through an encoder-decoder of `transformers` (T5, BART, Marian, ...), as the two callables that
`liminal.wrap` and `liminal.open` take.

A latent is what the encoder makes of a sentence, its last hidden states; the decoder writes from it, the
likeliest token each time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import LiminalError
from . import Modality
from .text import Text

PLACES = 16
SPOKEN = 0.5  # of the longest state: where states are shorter, the sentence has ended
MORE = 4  # tokens of the model's for each of the space's, at most


def seq2seq(model: Any, tokenizer: Any, places: int | None = PLACES) -> dict[str, Any]:
    """``decode`` and ``encode`` of an encoder-decoder, for `liminal.wrap` and `liminal.open`:

        space = liminal.wrap(**liminal.seq2seq(model, tokenizer), data="sentences.txt")

    The model is used as it is. It should give back what it reads, as those do that were trained to take noise
    away; a translator writes the other language.

    Args:
        model: an encoder-decoder that generates, such as ``T5ForConditionalGeneration``.
        tokenizer: its own.
        places: hidden states of a latent, which is (places, h), flattened to d = places * h numbers: one for
            each token, 0 after the last one. None: their mean, d = h, for a model that was trained to write
            from it.

    Raises:
        LiminalError: `transformers` is not installed, the model is no encoder-decoder, or the tokenizer is
            missing or does not pad.
    """
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise LiminalError(
            "seq2seq: transformers is not installed; pip install 'liminal[transformers]'"
        ) from error
    config = getattr(model, "config", None)
    able = getattr(model, "can_generate", None)
    if not getattr(config, "is_encoder_decoder", False) or not callable(able) or not able():
        raise LiminalError(
            f"seq2seq: the model is a {type(model).__name__}; wanted an encoder-decoder that generates, "
            "such as T5ForConditionalGeneration or what AutoModelForSeq2SeqLM loads"
        )
    if not callable(tokenizer) or not hasattr(tokenizer, "batch_decode"):
        raise LiminalError(
            f"seq2seq: the tokenizer is a {type(tokenizer).__name__}; wanted the model's own, such as "
            "AutoTokenizer loads"
        )
    if tokenizer.pad_token is None:
        raise LiminalError("seq2seq: the tokenizer has no token to pad with; set tokenizer.pad_token")
    if places is not None and places < 1:
        raise LiminalError(f"seq2seq: places={places}; wanted 1 or more, or None for the mean")
    return {"decode": Decoder(model, tokenizer, places), "encode": Encoder(model, tokenizer, places)}


@dataclass(frozen=True, eq=False)
class _Half:
    """What the two callables share.

    Attributes:
        model, tokenizer, places: as `seq2seq` takes them.
        kind: of the sentences, whose tokens are x and y; None: `wrap` and `open` tell it.
    """

    model: Any
    tokenizer: Any
    places: int | None
    kind: Text | None = None

    def knowing(self, kind: Modality) -> Self:
        """The same for items of this kind.

        Raises:
            LiminalError: they are no sentences.
        """
        if not isinstance(kind, Text):
            raise LiminalError(f"seq2seq: the data are {kind.plural}; wanted sentences")
        return replace(self, kind=kind)


class Encoder(_Half):
    """x (n, t) -> the last hidden states (n, places, h), or their mean (n, h)."""

    def __call__(self, x: Tensor) -> Tensor:
        assert self.kind is not None
        texts = [self.kind.tokens.text(row) for row in x.tolist()]
        found = self.tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
        ids, on = found["input_ids"].long(), found["attention_mask"].long()
        if not ids.shape[1]:  # all are empty, for a tokenizer that tells no end
            ids, on = F.pad(ids, (0, 1), value=self.tokenizer.pad_token_id), F.pad(on, (0, 1))
        on[:, 0] = 1
        long = on.sum(1)
        if self.places is not None and int(long.max()) > self.places:
            raise LiminalError(
                f"seq2seq: {texts[int(long.argmax())]!r} has {int(long.max())} tokens of the model's; give "
                f"places={int(long.max())} or more, or read shorter sentences, length={self.kind.length // 2}"
            )
        ids, on = ids.to(self.model.device), on.to(self.model.device)
        states = self.model.get_encoder()(input_ids=ids, attention_mask=on).last_hidden_state
        states = states * on[..., None]
        if self.places is None:
            return states.sum(1) / on.sum(1, keepdim=True)
        return F.pad(states, (0, 0, 0, self.places - states.shape[1]))


class Decoder(_Half):
    """z (n, places, h), or (n, h) -> y (n, m + 1, t), of what the model writes."""

    def __call__(self, z: Tensor) -> Tensor:
        from transformers.modeling_outputs import BaseModelOutput

        assert self.kind is not None
        states = z.reshape(len(z), -1, z.shape[-1])
        size = states.norm(dim=2)
        on = size >= SPOKEN * size.amax(1, keepdim=True)
        most = MORE * (self.kind.length + 1)
        own = self.model.config.get_text_config(decoder=True)
        with torch.no_grad():
            ids = self.model.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=states),
                attention_mask=on.long(),
                max_new_tokens=min(most, getattr(own, "max_position_embeddings", most + 1) - 1),
                do_sample=False,
                num_beams=1,
            )
        texts = self.tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return self.kind.likelihood.target(self.kind.ids(texts))
