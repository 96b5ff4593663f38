"""Encoder-decoders of transformers as spaces: tiny ones, built and trained on the spot on drawn sentences."""

from __future__ import annotations

import copy
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import liminal
from liminal.cli import main
from liminal.errors import LiminalError
from liminal.foreign import Foreign
from liminal.modalities.text import Text
from liminal.modalities.tokens import Tokens

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

PARTS = (
    ("the soup", "the staff", "a waiter", "this bar"),
    ("was", "is", "seemed"),
    ("great", "awful", "lovely", "very nice", "too loud"),
    ("", " today"),
)
SENTENCES = [f"{a} {verb} {what}{when}" for a, verb, what, when in product(*PARTS)]
STEPS = 300


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = sorted({word for sentence in SENTENCES for word in sentence.split()})
    vocabulary = {word: i for i, word in enumerate(["<pad>", "</s>", "<unk>", *words])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def t5(tokenizer: Any) -> Any:
    config = transformers.T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


def bart(tokenizer: Any) -> Any:
    config = transformers.BartConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=24,
        pad_token_id=0, eos_token_id=1, bos_token_id=1, decoder_start_token_id=1, forced_eos_token_id=None,
    )  # fmt: skip
    return transformers.BartForConditionalGeneration(config)


def trained(model: Any, tokenizer: Any, mean: bool) -> Any:
    """The model after seconds of giving back what it reads."""
    given = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    model.eval()  # without dropout it needs fewer steps
    learn = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(STEPS):
        rows = torch.randint(len(SENTENCES), (48,))
        ids, on = given["input_ids"][rows], given["attention_mask"][rows]
        h = model.get_encoder()(input_ids=ids, attention_mask=on).last_hidden_state
        if mean:
            h = ((h * on[..., None]).sum(1) / on.sum(1, keepdim=True))[:, None]
        seen = transformers.modeling_outputs.BaseModelOutput(last_hidden_state=h)
        labels = ids.masked_fill(on == 0, -100)
        loss = model(encoder_outputs=seen, attention_mask=None if mean else on, labels=labels).loss
        learn.zero_grad()
        loss.backward()
        learn.step()
    return model.train()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "drawn.txt"
    path.write_text("\n".join(SENTENCES) + "\n")
    return path


@pytest.fixture(scope="module")
def pair(tokenizer: Any) -> dict[str, Any]:
    torch.manual_seed(0)
    return liminal.seq2seq(trained(t5(tokenizer), tokenizer, mean=True), tokenizer, places=None)


@pytest.fixture(scope="module")
def space(pair: dict[str, Any], file: Path, tmp_path_factory: pytest.TempPathFactory) -> liminal.Space:
    return liminal.wrap(**pair, data=file, length=8, out=tmp_path_factory.mktemp("spaces") / "t5")


def texts(space: liminal.Space, items: np.ndarray) -> list[str]:
    return [space.modality.text(item) for item in items]


def test_sentences_come_back_and_the_model_stays_as_it_was(space: liminal.Space, pair: Any) -> None:
    assert space.dim == 16
    assert space.errors(space.reconstruct([f"@{i}" for i in range(len(SENTENCES))]))["exact"] > 0.9
    model = pair["decode"].model
    assert model.training
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("make", [t5, bart])
def test_states_of_each_place(make: Any, tokenizer: Any, file: Path) -> None:
    """Codes of two axes, 0 after the end; what lies between two sentences of any length is a sentence."""
    torch.manual_seed(0)
    model = trained(make(tokenizer), tokenizer, mean=False)
    space = liminal.wrap(**liminal.seq2seq(model, tokenizer, 8), data=file, length=8)
    assert space.generator.code == (8, 16)
    assert space.errors(space.reconstruct([f"@{i}" for i in range(len(SENTENCES))]))["exact"] > 0.9
    states = space.latents.reshape(-1, 8, 16)
    told = torch.tensor([len(text.split()) + 1 for text in texts(space, space.items(range(len(states))))])
    assert torch.equal((states != 0).any(2).sum(1), told)
    short, long = "text('the soup was awful')", "text('this bar seemed very nice today')"
    way = texts(space, space.path(short, long, frames=7).frames)
    assert (way[0], way[-1]) == ("the soup was awful", "this bar seemed very nice today")


def test_codes_do_not_hang_on_the_batch(space: liminal.Space) -> None:
    found = space.encode(space.items(range(40)))
    alone = torch.cat([space.encode(space.items([i])) for i in range(40)])
    assert torch.allclose(found, alone, atol=1e-5)
    assert torch.allclose(found, space.latents[:40], atol=1e-5)


def test_every_verb(space: liminal.Space, tmp_path: Path) -> None:
    known = set(SENTENCES)
    drawn = texts(space, space.sample(32, seed=1).items)
    assert np.mean([text in known for text in drawn]) > 0.5
    assert len(set(drawn)) > 8
    begun = texts(space, space.sample(4, begin="the staff").items)
    assert all(text.startswith("the staff") for text in begun)
    assert texts(space, space.decode(space.latents[:2])) == texts(space, space.items([0, 1]))
    path = space.path("@0", "text('this bar is great')", frames=5)
    assert texts(space, path.frames[-1:]) == ["this bar is great"]
    path.save(tmp_path / "path.txt")
    assert space.neighbors("text('the soup was great')", 1)["distance"][0].as_py() < 1e-4
    edit = space.edit("@0", "text('the soup is great') - text('the soup is awful')")
    edit.save(tmp_path / "edited.txt")
    space.map("pca").save(tmp_path / "map.png")
    space.measure().save(tmp_path / "report.html")
    for search in (
        lambda: space.complete("text('the soup')", "begin"),
        lambda: space.path("@0", "@9", along="geodesic"),
    ):
        with pytest.raises(LiminalError, match="no gradient") as caught:
            search()
        assert "\n" not in str(caught.value)


def test_open_again(space: liminal.Space, pair: dict[str, Any], capsys: Any) -> None:
    again = liminal.open(space.folder, **pair)
    assert texts(again, again.decode(again.latents[:20])) == texts(space, space.decode(space.latents[:20]))
    assert torch.allclose(again.encode(again.items([3])), space.latents[3:4], atol=1e-5)
    assert main(["decode", str(space.folder), "z.npy", "-o", "x.txt"]) == 2
    assert "wrapped model" in capsys.readouterr().err


def test_what_the_tokenizer_says_nothing_of_still_has_a_code(pair: dict[str, Any], space: Any) -> None:
    encode = pair["encode"].knowing(space.modality)
    with torch.no_grad():
        empty = encode(torch.zeros(2, 9, dtype=torch.long))
    assert empty.shape == (2, 16)
    assert empty.isfinite().all()


def test_wrong_arguments_are_told_in_one_line(
    tokenizer: Any, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = t5(tokenizer)
    alone = transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=8, n_layer=1, n_head=1, vocab_size=9))
    plain = copy.deepcopy(tokenizer)
    plain.pad_token = None
    (tmp_path / "empty.txt").write_text("\n\n")
    pictures = np.zeros((8, 8, 8), np.uint8)
    wrong = {
        "a GPT2LMHeadModel; wanted an encoder-decoder": lambda: liminal.seq2seq(alone, tokenizer),
        "a str; wanted an encoder-decoder": lambda: liminal.seq2seq("t5-small", tokenizer),
        "a T5EncoderModel": lambda: liminal.seq2seq(
            transformers.T5EncoderModel(copy.deepcopy(model.config)), tokenizer
        ),
        "the tokenizer is a NoneType": lambda: liminal.seq2seq(model, None),
        "no token to pad with": lambda: liminal.seq2seq(model, plain),
        "places=0": lambda: liminal.seq2seq(model, tokenizer, 0),
        "7 tokens of the model's; give places=7": lambda: liminal.wrap(
            **liminal.seq2seq(model, tokenizer, 4), data=long_first(tmp_path)
        ),
        "wanted sentences": lambda: liminal.wrap(**liminal.seq2seq(model, tokenizer), data=pictures),
        "hold no text": lambda: liminal.wrap(
            **liminal.seq2seq(model, tokenizer), data=tmp_path / "empty.txt", modality="text"
        ),
    }
    for says, call in wrong.items():
        with pytest.raises(LiminalError) as caught:
            call()
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(LiminalError, match=r"pip install 'liminal\[transformers\]'"):
        liminal.seq2seq(model, tokenizer)


def long_first(folder: Path) -> Path:
    path = folder / "long.txt"
    path.write_text("this bar seemed very nice today\n" * 12)
    return path


def test_ids_reach_an_encoder_as_they_are() -> None:
    """Ids are no numbers to be rounded to a model's type."""
    kinds = []

    def encode(x: Tensor) -> Tensor:
        kinds.append(x.dtype)
        return torch.nn.functional.one_hot(x, 64).float().mean(1)[:, :6]

    tokens = Tokens.learned(SENTENCES, 400, "words")
    kind = Text(8, 80, tokens.tokens)
    x = kind.tensor(np.stack([kind.item(text) for text in SENTENCES[:4]]))
    assert Foreign(encode, "encoder")(x).shape == (4, 6)
    assert kinds == [torch.int64]
