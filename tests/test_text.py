"""Sentences: tokens that lose nothing, files, literals, words and their vectors, what is wrong, pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from liminal import registry
from liminal.errors import LiminalError
from liminal.modalities import words
from liminal.modalities.lettering import card
from liminal.modalities.text import Text
from liminal.modalities.tokens import UNKNOWN, Tokens, fresh, joined, pieces, spoken, tidy
from liminal.modalities.words import Words, edits
from liminal.show import items as show

REVIEWS = ["the food was great", "the food was awful!", "great service", "the staff wasn't rude"]
SCRIPTS = (
    "The soup wasn't cold, was it?",
    "Großartig – süß & weiß!",
    "Обслуживание было медленным.",
    "الطعام كان لذيذا",
    "料理はとても美味しかった。",
    "खाना बहुत अच्छा था",
    "식당 직원들이 친절했어요",
    "yum 😋👩🏽‍🍳🇫🇷 5/5 #1 @home",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.txt"
    path.write_text("\n".join(REVIEWS) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def subwords() -> Tokens:
    return Tokens.learned([*REVIEWS, *SCRIPTS[:2]] * 20, 400, "subwords")


def kind_of(*texts: str, length: int = 8, kind: str | None = "words") -> Text:
    tokens = Tokens.learned(texts, 400, kind)
    return Text(length, 8 * length + 40, tokens.tokens, tokens.merges)


def items_of(kind: Text, *texts: str) -> np.ndarray:
    return np.stack([kind.item(text) for text in texts])


def read(kind: Text, path: Path) -> list[str]:
    return [kind.text(r.item) for r in kind.records(path, path.name) if r.item is not None]


# tokens


@pytest.mark.parametrize("text", SCRIPTS)
def test_subwords_lose_nothing_in_any_script(subwords: Tokens, text: str) -> None:
    """Also of scripts that training did not have: their letters are bytes."""
    assert subwords.text(subwords.ids([text])[0]) == tidy(text)
    assert "".join(pieces(" " + tidy(text))) == " " + tidy(text)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_subwords_lose_nothing(subwords: Tokens, text: str) -> None:
    assert subwords.text(subwords.ids([tidy(text)])[0]) == tidy(text)
    assert tidy(tidy(text)) == tidy(text)


def test_pieces_are_words_and_signs_with_the_space_before() -> None:
    assert pieces(" don't 'tis well-known… 5/5, 日本語 ok") == (
        [" don't", " 'tis", " well", "-", "known", "…", " 5", "/", "5", ",", " 日本語", " ok"]
    )


def test_words_are_the_commonest_and_one_for_all_others() -> None:
    tokens = Tokens.learned(["a b", "a c", "a b"], 3, "words")
    assert tokens.tokens == (UNKNOWN, " a", " b")
    assert tokens.ids(["a b", "b c A"]) == [[2, 3], [3, 1, 1]]
    assert tokens.text([3, 1, 2, 0, 3]) == "b ▢ a"


def test_what_has_no_spaces_is_no_word_and_what_comes_once_no_subword() -> None:
    draw = np.random.default_rng(0)
    texts = ["".join(draw.choice(list("今天气很好我们去公园玩吧"), 12)) for _ in range(60)]
    made = Tokens.learned(texts, 8192)
    assert made.merges is not None
    found = made.ids(texts)
    assert min(map(len, found)) > 2  # a token of a whole sentence would teach nothing of another one
    assert [made.text(ids) for ids in found] == texts


def test_words_are_taken_where_they_are_nearly_all() -> None:
    few = Tokens.learned(["good food", "bad food"] * 50, 300)
    assert few.merges is None
    many = Tokens.learned([f"word{i} and{i}" for i in range(400)], 300)
    assert many.merges is not None
    assert many.ids(["word7"])[0] != many.ids(["word8"])[0]


def test_bytes_that_stand_alone_make_characters() -> None:
    assert joined(["<0xC3>", "<0xA9>", " a", "<0xF0>"]) == "é a\ufffd"


# files


def test_each_line_is_an_item(file: Path) -> None:
    kind = Text.infer([file])
    found = list(kind.records(file, "reviews.txt"))
    assert [kind.text(r.item) for r in found if r.item is not None] == REVIEWS
    assert [r.entry for r in found] == [0, 1, 2, 3]
    assert found[2].known == {"file": "reviews"}
    assert (kind.length, kind.tokens.merges) == (5, None)
    assert Text.infer([file], **kind.config()) == kind
    assert Text(**kind.config()) == kind
    item, _ = kind.load(file, "reviews.txt", 1)
    assert kind.text(item) == "the food was awful!"
    with pytest.raises(LiminalError, match="several sentences"):
        kind.load(file, "reviews.txt")


def test_empty_lines_count_but_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one two\r\n\r\n  \nthree\tfour  five\r\n")
    kind = Text.infer([path])
    assert [(r.entry, kind.text(r.item)) for r in kind.records(path, "a.txt") if r.item is not None] == [
        (0, "one two"),
        (3, "three four five"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_of_others_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("café crème\nnaïve – “quoted”\n".encode(encoding))
    kind = Text.infer([path])
    assert read(kind, path) == ["café crème", "naïve – “quoted”"]
    said = {
        "cp1252": "read so: a.txt is not UTF-8 and was read as cp1252",
        "utf-16": "read so: a.txt was read as UTF-16",
        "utf-16-le": "read so: a.txt was read as UTF-16",
    }.get(encoding, "")
    assert {"".join(r.remarks).split(";")[0] for r in kind.records(path, "a.txt")} == {said}


def test_the_wordiest_column_of_a_table_is_taken(tmp_path: Path) -> None:
    table = pa.table({"name": ["Ann B", "Bo C", "Cy D"], "stars": [1, 5, 4], "said": REVIEWS[:3]})
    for name in ("t.csv", "t.parquet"):
        path = tmp_path / name
        (pyarrow.csv.write_csv if name == "t.csv" else pq.write_table)(table, path)
        kind = Text.infer([path])
        assert read(kind, path) == REVIEWS[:3]
        first = next(iter(kind.records(path, name)))
        assert (first.entry, first.known["stars"]) == (0, 1)
        assert read(Text.infer([path], column="name"), path) == ["Ann B", "Bo C", "Cy D"]
        with pytest.raises(LiminalError, match="no column 'sad'; did you mean said"):
            Text.infer([path], column="sad")


def test_lines_of_json_are_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    moods = ("good", "bad")
    rows = [
        {"text": text, "mood": mood, "more": {"not": "told"}}
        for text, mood in zip(REVIEWS, moods, strict=False)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    kind = Text.infer([path])
    assert read(kind, path) == REVIEWS[:2]
    assert next(iter(kind.records(path, "a.jsonl"))).known == {"mood": "good"}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.txt", b"", "hold no text"),
        ("blank.txt", b"\n \n\t\n", "hold no text"),
        ("binary.txt", bytes(range(256)) * 8, "no text"),
        ("late.txt", b"good food\n" * 500 + b"a\0b\n", "no text"),
        ("packed.txt", bytes(range(1, 256)) * 8, "no text"),
        ("long.txt", b"so and " * 15 + b"so\n", "the shortest has 31 tokens, wanted 24 at most; --length 31"),
        ("page.txt", b"so and " * 99 + b"so\n", "put a sentence on each line"),
        ("numbers.csv", b"a,b\n1,2\n3,4\n", "no column holds sentences"),
    ],
)
def test_files_without_sentences_are_refused(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(LiminalError, match=words):
        Text.infer([path])


def test_what_is_wrong_in_a_file_is_said_with_its_place(tmp_path: Path) -> None:
    kind = kind_of(*REVIEWS)
    for name, data, said in (
        ("a.jsonl", '{"text": "a b"}\n{"text": \n', "a.jsonl: line 2 is no JSON"),
        ("b.jsonl", '["a b"]\n', "b.jsonl: line 1 is no object"),
        ("c.jsonl", "\n", "c.jsonl holds no rows"),
        ("d.csv", "n,m\n1,2\n", "d.csv: no column holds sentences; say which one with --column"),
    ):
        (tmp_path / name).write_text(data)
        with pytest.raises(LiminalError, match=said):
            list(kind.records(tmp_path / name, name))
    (tmp_path / "e.txt").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(LiminalError, match=r"e\.txt"):
        list(kind.records(tmp_path / "e.txt", "e.txt"))


def test_one_word_is_a_sentence_and_ten_thousand_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("good\nbad\n" + "very " * 10_000 + "good\nfine\n")
    kind = Text.infer([path])
    good, bad, long, fine = kind.records(path, "a.txt")
    assert kind.text(good.item) == "good"  # type: ignore[arg-type]
    assert long.item is None
    assert long.remarks == (f"it has 10,001 tokens; wanted {kind.length} at most",)
    assert (bad.entry, long.entry, fine.entry) == (1, 2, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"length": 0}, "length 0: wanted 1 to 64"),
        ({"length": 65}, "length 65"),
        ({"vocabulary": 10}, "vocabulary 10: wanted 300 to 32,000"),
        ({"tokens": "letters"}, "letters"),
        ({"lenght": 3}, "did you mean length"),
        ({"column": "said"}, "column 'said': lines of text have no columns"),
    ],
)
def test_options_that_do_not_fit_are_refused(file: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(LiminalError, match=said):
        Text.infer([file], **options)


def test_files_come_back(tmp_path: Path) -> None:
    kind = kind_of(*SCRIPTS, length=64, kind="subwords")
    items = items_of(kind, *SCRIPTS)
    for name in ("a.txt", "a.csv"):
        kind.write_many(items, tmp_path / name)
        assert read(kind, tmp_path / name) == [tidy(text) for text in SCRIPTS]
    kind.film(items[:2], tmp_path / "path.csv", 24)
    assert pyarrow.csv.read_csv(tmp_path / "path.csv").column_names == ["frame", "text"]
    with pytest.raises(LiminalError, match=r"wanted an ending of \.txt, \.csv"):
        kind.write(items[0], tmp_path / "a.doc")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_stored_items_keep_what_was_written(text: str) -> None:
    kind = Text(64, 400, [UNKNOWN], None)
    if not tidy(text) or len(kind.tokens.ids([tidy(text)])[0]) > 64:
        with pytest.raises(LiminalError):
            kind.item(text)
        return
    item = kind.item(text)
    assert kind.text(item) == tidy(text)
    assert np.array_equal(kind.unpack(kind.pack(item)), item)


def test_literals(file: Path) -> None:
    kind = Text.infer([file])
    assert kind.text(kind.parse("the  staff was great")) == "the staff was great"
    assert kind.text(kind.parse("the zebra was great")) == "the zebra was great"  # kept, known or not
    for wrong, said in (("", "it is empty"), ("very " * 9, "9 tokens"), ({"a": "1"}, "words in quotes")):
        with pytest.raises(LiminalError, match=said):
            kind.parse(wrong)  # type: ignore[arg-type]


# tensors


def test_x_is_tokens_and_the_end_and_comes_back() -> None:
    kind = kind_of(*REVIEWS)
    items = items_of(kind, *REVIEWS, "unseen")
    x = kind.tensor(items)
    assert tuple(x.shape) == (5, 9)
    assert x.dtype == torch.int64
    assert (x[2] > 0).tolist() == [True, True, *[False] * 7]
    back = kind.items(kind.soft(items))
    assert [kind.text(item) for item in back] == [*REVIEWS, "▢"]
    with pytest.raises(LiminalError, match="shape"):
        kind.items(torch.zeros(1, 3, 2))
    with pytest.raises(LiminalError, match="NaN"):
        kind.items(kind.soft(items) * torch.nan)


def test_what_is_learned_comes_from_training_rows() -> None:
    kind = kind_of(*REVIEWS, "secret words")
    items = items_of(kind, *REVIEWS, "secret words")
    fitted = kind.fitted(items, np.arange(4))
    assert " secret" not in fitted.tokens.tokens
    assert fitted.counts is not None
    assert fitted.counts[0] == 4
    assert fitted.counts[1 + fitted.tokens.tokens.index(" the")] == 3
    assert Text(**json.loads(json.dumps(fitted.config()))) == fitted
    assert fitted.text(fitted.items(fitted.soft(items))[4]) == "▢ ▢"


# words and their vectors


@pytest.mark.parametrize(
    ("a", "b", "away"),
    [
        ([1, 2, 3, 0], [1, 2, 3, 0], 0),
        ([1, 2, 3, 0], [1, 9, 3, 0], 1),
        ([1, 2, 3, 0], [2, 3, 0, 0], 1),
        ([0, 0, 0, 0], [1, 2, 3, 0], 3),
        ([1, 2, 3, 4], [4, 3, 2, 1], 4),
        ([1, 2, 0, 0], [3, 1, 2, 0], 1),
    ],
)
def test_edits(a: list[int], b: list[int], away: int) -> None:
    assert edits(torch.tensor([a]), torch.tensor([b])).tolist() == [away]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=6), st.lists(st.integers(1, 4), max_size=6))
def test_edits_are_a_distance(a: list[int], b: list[int]) -> None:
    x, y = (torch.tensor([[*row, *[0] * (7 - len(row))]]) for row in (a, b))
    away = int(edits(x, y))
    assert away == int(edits(y, x)) == _levenshtein(a, b)


def _levenshtein(a: list[int], b: list[int]) -> int:
    """By its definition."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return _levenshtein(a[1:], b[1:])
    return 1 + min(_levenshtein(a[1:], b), _levenshtein(a, b[1:]), _levenshtein(a[1:], b[1:]))


def test_words_of_the_same_contexts_have_the_nearest_vectors() -> None:
    """100 words in 50 pairs; the two of a pair stand in for each other in otherwise fixed surroundings."""
    draw = np.random.default_rng(0)
    pair = draw.integers(0, 50, (6000, 4))
    pair[:, 1] = (pair[:, 0] + 1) % 50  # what follows a pair depends on it
    pair[:, 2] = (pair[:, 0] + 2) % 50
    pair[:, 3] = (pair[:, 0] + 3) % 50
    x = 1 + 2 * pair + draw.integers(0, 2, pair.shape)
    found = words.vectors(np.pad(x, ((0, 0), (0, 1))), 101)
    assert found.shape == (100, words.SIZE)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    near, other = found @ found.T - 2 * np.eye(100), np.arange(100) + 1 - 2 * (np.arange(100) % 2)
    assert (near.argmax(1) == other).mean() > 0.8
    assert 0.4 < near[np.arange(100), other].mean() < 0.6  # half of each vector is its own


def test_few_words_are_equally_far_apart() -> None:
    found = words.vectors(np.array([[1, 2, 0], [3, 1, 0]]), 4)
    assert np.array_equal(found, np.eye(3, dtype=np.float32))


def test_vectors_come_back_from_text() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    back = words.unpacked(words.packed(rows), 30)
    assert np.abs(back - rows).max() < 0.01
    for wrong in ("no base64!", words.packed(rows)[:-4]):
        with pytest.raises(LiminalError, match="copy the space again"):
            words.unpacked(wrong, 30)


@pytest.fixture
def likelihood() -> Words:
    return Words(5, [10, 5, 3, 2])


def test_answers_are_chances_of_words_and_of_the_end(likelihood: Words) -> None:
    out = torch.randn(6, *likelihood.soft_shape, generator=torch.Generator().manual_seed(0))
    y = likelihood.soft(out)
    assert tuple(y.shape) == (6, 4, 5)
    assert torch.allclose(y.sum(1), torch.ones(6, 5), atol=1e-5)  # vectors of few words are axes
    assert (y[:, -1].diff(dim=1) >= -1e-6).all()  # once ended, ended
    x = torch.tensor([[1, 2, 0, 0, 0]])
    assert torch.equal(likelihood.words(likelihood.target(x)), x)
    after = likelihood.target(torch.tensor([[1, 0, 2, 3, 0]]))
    assert likelihood.words(after).tolist() == [[1, 0, 0, 0, 0]]


def test_nll_is_that_of_each_word_up_to_the_end(likelihood: Words) -> None:
    likelihood.eval()
    x = torch.tensor([[1, 2, 0, 0, 0], [3, 0, 0, 0, 0]])
    out = torch.randn(2, *likelihood.soft_shape, generator=torch.Generator().manual_seed(0))
    chance = likelihood.logits(out.transpose(1, 2)).log_softmax(-1)
    wanted = -(chance[0, [0, 1, 2], [1, 2, 0]].sum() + chance[1, [0, 1], [3, 0]].sum()) / 2
    assert torch.isclose(likelihood.nll(x, out), wanted)


def test_corrupted_sentences_lack_words_and_close_up(likelihood: Words) -> None:
    torch.manual_seed(0)
    x = torch.tensor([[1, 2, 3, 2, 0]]).expand(4000, -1)
    found = likelihood.corrupted(x, 0.3)
    long = (found > 0).sum(1)
    assert abs(float(long.float().mean()) - 4 * 0.7) < 0.05
    place = torch.arange(5)[None]
    assert ((found > 0) == (place < long[:, None])).all()
    whole = found[long == 4]
    assert (whole == x[0]).all()
    assert torch.equal(likelihood.corrupted(x, 0.0), x)


def test_errors_count_words(likelihood: Words) -> None:
    x = torch.tensor([[1, 2, 0, 0, 0], [1, 2, 3, 1, 0]])
    y = likelihood.target(torch.tensor([[1, 2, 0, 0, 0], [1, 3, 1, 0, 0]]))
    found = likelihood.errors(x, y)
    assert found["wer"].tolist() == [0, 0.25]
    assert found["exact"].tolist() == [1, 0]


# eyes and hands


def test_parts_are_known_alone() -> None:
    kind = kind_of(*REVIEWS)
    items = items_of(kind, "the food was great")
    _, open_ = kind.part(items, "begin")
    assert open_[0, 0].tolist() == [False] * 4 + [True] * 5
    _, open_ = kind.part(items, "words:2-3")
    assert open_[0, 0].tolist() == [True, False, False, *[True] * 6]
    for wrong in ("end", "words:5", "words:3-2", "words:0"):
        with pytest.raises(LiminalError, match="part"):
            kind.part(items, wrong)


def test_readings_say_what_is_seen() -> None:
    kind = kind_of(*REVIEWS, "was the food great?", "great great food!")
    items = items_of(kind, "was the food great?", "great great food!", "the food was great")
    assert kind.readings is not None
    found = {name: value.tolist() for name, value in kind.readings(kind.soft(items)).items()}
    assert found["words"] == [5, 4, 4]
    assert (found["question"], found["exclamation"]) == ([1, 0, 0], [0, 1, 0])
    assert found["signs"] == pytest.approx([0.2, 0.25, 0])
    assert found["repetition"] == pytest.approx([0, 1 / 3, 0])
    assert set(found) == set(Text.steps)


def test_the_trivial_generator_draws_words_after_the_two_before() -> None:
    kind = kind_of("a b c", "a b d", "x y z")
    name, made = kind.trivial(items_of(kind, "a b c", "a b d", "x y z"), 200, 0)
    assert name == "trigrams"
    assert {kind.text(item) for item in made} == {"a b c", "a b d", "x y z"}


@pytest.mark.parametrize("text", [*SCRIPTS, "word " * 60, "w" * 200])
@pytest.mark.parametrize("size", [48, 64, 256])
def test_pictures_show_words_within_their_edges(text: str, size: int) -> None:
    kind = Text(64, 4000, [UNKNOWN], None)
    picture = np.asarray(kind.preview(np.frombuffer(text.encode().ljust(4000, b"\0"), np.uint8), size))
    assert picture.shape[1] == size
    ink = (picture < 128).all(2)
    assert ink.any()
    assert not ink[:, [0, -1]].any()
    assert not ink[[0, -1]].any()


def test_new_words_are_marked() -> None:
    assert fresh("the food was great", "the food was not very good") == [False, False, False, True]
    assert fresh("a b c", "a") == [False, True, True]
    assert fresh("same thing", "same thing") == [False, False]
    assert fresh("b a", "a b").count(True) == 1
    kind = kind_of(*REVIEWS)
    items = items_of(kind, "the food was great", "the food was awful!")
    plain, marked = (np.asarray(kind.preview(items[0], 128)), np.asarray(kind.compared(*items, 128)))
    amber = (marked[..., 2] < 200) & (marked[..., 0] > 240)
    assert amber.any()
    left = np.flatnonzero(amber.any(0))[0]
    assert np.array_equal(marked[:, : left - 1], plain[:, : left - 1])
    assert np.array_equal(kind.compared(items[0], items[0], 128), plain)


@settings(max_examples=60, deadline=None)
@given(*[st.lists(st.sampled_from("abc"), min_size=1, max_size=7)] * 2)
def test_words_that_are_not_marked_are_a_longest_common_subsequence(a: list[str], b: list[str]) -> None:
    marks = fresh(" ".join(a), " ".join(b))
    kept = [word for word, mark in zip(a, marks, strict=True) if not mark]
    rest = iter(b)
    assert all(word in rest for word in kept)
    inserted = len(a) + len(b) - 2 * len(kept)  # by words taken out and put in alone
    assert inserted >= _levenshtein(a, b)
    assert len(kept) == _common(a, b)


def _common(a: list[str], b: list[str]) -> int:
    if not a or not b:
        return 0
    if a[0] == b[0]:
        return 1 + _common(a[1:], b[1:])
    return max(_common(a[1:], b), _common(a, b[1:]))


def test_pictures_do_not_say_the_same_twice() -> None:
    kind = kind_of(*REVIEWS)
    items = items_of(kind, *REVIEWS)
    assert show.captions(items, kind, show.tiles(items, kind, 128)) == [""] * 4


def test_marks_follow_words_that_are_broken() -> None:
    long = "w" * 60
    picture = np.asarray(card(f"a {long} b", 128, [False, True, False]))
    amber = (picture[..., 2] < 200) & (picture[..., 0] > 240)
    assert amber.any(1).sum() > 30  # more than one line


def test_words_name_groups() -> None:
    assert spoken("The staff wasn't rude, was it? 5/5 😋") == {
        "the",
        "staff",
        "wasn't",
        "rude",
        "was",
        "it",
        "5",
    }
    kind = kind_of(*REVIEWS)
    assert kind.words(kind.item("great GREAT service!")) == {"great", "service"}


def test_captions_are_the_sentence(file: Path) -> None:
    kind = Text.infer([file], length=64)
    assert kind.caption(kind.item("the food was great")) == "the food was great"
    told = kind.caption(kind.item("word " * 30))
    assert len(told) <= 90
    assert told.endswith("…")


def test_files_of_sentences_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(REVIEWS * 5))
    found = registry.dataset(str(tmp_path / "a.txt"))
    assert isinstance(found.modality, Text)
    assert len(found) == 20
    assert (
        len(registry.dataset(str(tmp_path / "a.txt"), modality="text", length=4)) == 15
    )  # "the food was awful!" has five
