"""Reading data asks the modality: many items a file, what is known of each, groups, splits, kinds, and
FILE#n.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer.main
from PIL import Image as PIL
from toys import STRAND, Strand, write_strands

from liminal import build, cli, opening, registry
from liminal.cli import main
from liminal.datasets import Dataset, paths
from liminal.datasets.splits import own_split, split
from liminal.errors import LiminalError
from liminal.modalities import Modality, Record, Source
from liminal.modalities.image import Image
from liminal.space import Space
from liminal.voice import Voice

LINES = "acgt\tlength=4\thead=a\tnew=true\nttx\tlength=3\ng\tlength=1\thead=g\n\nta\thead=t\tnew=false\n"


class Ear(Voice):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)

    def warn(self, text: str) -> None:
        self.heard.append(f"warning: {text}")


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODALITIES, "strand", STRAND)
        yield


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: object) -> str:
        assert main([str(a) for a in arguments]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1, said
        return said

    return run


def pictures(folder: Path, count: int, side: int = 8) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        PIL.fromarray(np.full((side, side), 20 * i, np.uint8)).save(folder / f"{i:02}.png")
    return folder


def letters(dataset: Dataset) -> list[str]:
    return [dataset.modality.caption(item) for item in dataset.items]


# -- many items a file


def test_a_file_of_many_keeps_what_is_known_of_each(tmp_path: Path) -> None:
    file = tmp_path / "a.strand"
    file.write_text(LINES)
    for _ in range(2):  # read, then from the cache
        d = paths.read(file, Strand)
        assert letters(d) == ["acgt", "g", "ta"]
        assert list(d.sources) == ["a.strand#0", "a.strand#2", "a.strand#4"]
        known = d.attributes
        assert known["length"].to_pylist() == [4.0, 1.0, None]
        assert known["head"].to_pylist() == ["a", "g", "t"]
        assert known["new"].to_pylist() == [True, None, False]
        assert [known.schema.field(n).type for n in ("length", "head", "new")] == [
            pa.float64(),
            pa.string(),
            pa.bool_(),
        ]
        assert [name for name, _ in d.skipped] == ["a.strand#1", "a.strand#3"]
        assert "'x'" in d.skipped[0][1]
        assert d.groups is None
    assert letters(d.subset(np.array([2]))) == ["ta"]


def test_a_folder_of_files_of_many(tmp_path: Path) -> None:
    for name, text in (("train/a", "aa\nzz\ncc\n"), ("train/b", "gg\n"), ("test/c", "tt\nta\n")):
        file = tmp_path / f"{name}.strand"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (tmp_path / "train" / "bad.strand").write_bytes(b"\xff\xfe")
    (tmp_path / "train" / "empty.strand").write_text("")
    (tmp_path / "known.csv").write_text("file,age\ntrain/a.strand#2,7\ntest/c.strand#1,9\n")
    seen: list[tuple[int, int]] = []
    d = paths.read(tmp_path, Strand, tmp_path / "known.csv", lambda done, total: seen.append((done, total)))
    assert dict(zip(d.sources, letters(d), strict=True)) == {
        "test/c.strand#0": "tt",
        "test/c.strand#1": "ta",
        "train/a.strand#0": "aa",
        "train/a.strand#2": "cc",
        "train/b.strand#0": "gg",
    }
    assert d.held_out is not None
    assert d.held_out.tolist() == [True, True, False, False, False]
    assert d.attributes["age"].to_pylist() == [None, 9.0, None, 7.0, None]
    assert dict(d.skipped).keys() == {"train/a.strand#1", "train/bad.strand", "train/empty.strand"}
    assert seen[-1] == (5, 5)  # files
    names = [f"{i:02}.png" for i in range(3)]
    assert list(paths.read(pictures(tmp_path / "p", 3), Image).sources) == names


def test_a_set_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.strand"
    file.write_text("xx\nyy\n")
    with pytest.raises(LiminalError, match=r"a\.strand#0.*'x'"):
        paths.read(file, Strand)


def test_a_file_that_breaks_off_loses_only_its_rest(tmp_path: Path) -> None:
    class Broken(Strand):
        name = "broken"

        def records(self, source: Source, name: str) -> Iterator[Record]:
            for i, record in enumerate(super().records(source, name)):
                if i == 2:
                    raise LiminalError(f"{name}: the file is cut")
                yield record

    (tmp_path / "a.strand").write_text("aa\ncc\ngg\n")
    (tmp_path / "b.strand").write_text("tt\n")
    d = paths.read(tmp_path, Broken)
    assert letters(d) == ["aa", "cc", "tt"]
    assert d.skipped == (("a.strand", "the file is cut"),)


def test_a_newer_reader_reads_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.strand"
    file.write_text("aa\ncc\n")
    read: list[str] = []
    records = Strand.records

    def counted(self: Strand, source: Source, name: str) -> Iterator[Record]:
        read.append(name)
        return records(self, source, name)

    monkeypatch.setattr(Strand, "records", counted)
    paths.read(file, Strand)
    paths.read(file, Strand)
    assert len(read) == 1
    monkeypatch.setattr(Strand, "version", 2)
    paths.read(file, Strand)
    assert len(read) == 2


def test_words_among_numbers_are_words(tmp_path: Path) -> None:
    file = tmp_path / "a.strand"
    file.write_text("aa\tage=1.5\ncc\tage=old\ngg\tage=true\n")
    assert paths.read(file, Strand).attributes["age"].to_pylist() == ["1.5", "old", "True"]


# -- groups and splits


class Tuned(Strand):
    """Strands of one first letter belong together; the common letter is learned."""

    name = "tuned"

    def __init__(self, longest: int = 12, common: int | None = None) -> None:
        super().__init__(longest)
        self.common = common

    @classmethod
    def infer(cls, sources: Sequence[Source], *, longest: int = 12, **options: Any) -> Tuned:
        return cls(longest, options.get("common"))

    def config(self) -> dict[str, Any]:
        return {"longest": self.longest, "common": self.common}

    def records(self, source: Source, name: str) -> Iterator[Record]:
        for record in super().records(source, name):
            yield record._replace(group=None if record.item is None else "acgt"[record.item[0]])

    def fitted(self, items: np.ndarray, rows: np.ndarray) -> Tuned:
        return Tuned(self.longest, int(np.bincount(items[rows].ravel(), minlength=4)[:4].argmax()))


def test_groups_are_read_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.strand"
    file.write_text("aa\nxx\nac\ngg\n")
    for _ in range(2):
        d = paths.read(file, Tuned)
        assert d.groups == ["a", "a", "g"]
    assert d.subset(np.array([False, True, True])).groups == ["a", "g"]


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_parted(seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups = [f"tune {i}" for i in draw.integers(0, 60, 1000)]
    held = split(1000, None, seed, groups)
    names = np.array(groups)
    assert not set(names[held]) & set(names[~held])
    assert 50 < held.sum() <= 100
    assert (held == split(1000, None, seed, groups)).all()


def test_a_group_of_nearly_everything_is_trained_on() -> None:
    groups = ["most"] * 90 + ["few"] * 12
    assert np.flatnonzero(split(102, None, 0, groups)).tolist() == list(range(90, 102))
    with pytest.raises(LiminalError, match="one group, 'most'"):
        split(5, None, 0, ["most"] * 5)


def test_a_split_of_the_datas_own_may_not_part_a_group() -> None:
    own = np.array([True, False, False, True])
    assert split(4, own, 0, ["a", "b", "b", "c"]) is own
    with pytest.raises(LiminalError, match="parts the group 'b'"):
        split(4, own, 0, ["a", "b", "c", "b"])


@pytest.mark.parametrize("word", ["test", "Val", "validation", "held", "holdout"])
def test_a_split_column_tells_what_is_held_out(tmp_path: Path, word: str) -> None:
    file = tmp_path / "a.strand"
    file.write_text(f"aa\tsplit=train\tage=3\ncc\tsplit={word}\tage=4\ngg\tage=5\n")
    ear = Ear()
    d = registry.dataset(file, voice=ear)
    assert d.held_out is not None
    assert d.held_out.tolist() == [False, True, False]
    assert d.attributes.column_names == ["age"]
    assert any("column split" in line and "1 item" in line for line in ear.heard)


def test_no_name_is_not_the_folder_that_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures(tmp_path / "p", 4))
    assert len(registry.dataset(".")) == 4
    with pytest.raises(LiminalError, match="data '': wanted a path or the name of a dataset"):
        registry.dataset("")


def test_a_split_column_in_a_file_of_attributes(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", 4)
    (tmp_path / "s.csv").write_text("file,Split\n00.png,train\n01.png,test\n02.png,train\n03.png,train\n")
    d = registry.dataset(folder, tmp_path / "s.csv")
    assert d.held_out is not None
    assert d.held_out.tolist() == [False, True, False, False]
    assert not d.attributes.num_columns
    (tmp_path / "s.csv").write_text("file,split\n00.png,train\n01.png,fold3\n")
    with pytest.raises(LiminalError, match=r"'fold3'.*wanted train, test"):
        registry.dataset(folder, tmp_path / "s.csv")
    (tmp_path / "s.csv").write_text("file,split\n00.png,0.7\n01.png,0.9\n02.png,1.2\n")
    d = registry.dataset(folder, tmp_path / "s.csv")  # of a race: it tells nothing of what is held out
    assert d.held_out is None
    assert d.attributes.column_names == ["split_"]
    all_train = replace(d, attributes=pa.table({"split": ["train"] * 4}), held_out=None)
    assert own_split(all_train).held_out is None


def test_a_split_column_of_a_table_is_no_part_of_its_rows(tmp_path: Path) -> None:
    lines = [f"{i % 9},{i % 7},{'test' if i % 4 else 'train'}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,split", *lines]))
    d = registry.dataset(tmp_path / "t.csv")
    assert d.held_out is not None
    assert d.held_out.tolist() == [i % 4 > 0 for i in range(40)]
    assert d.items.shape == (40, 2)
    assert d.attributes.column_names == ["a", "b"]


def test_codes_are_learned_from_training_rows_only() -> None:
    items = np.stack([Strand().parse(text) for text in ("aaa", "a", "tttttttttttt", "c")])
    held = np.array([False, False, True, False])
    d = Dataset("drawn", Tuned(), items, list("0123"), pa.table({}), held_out=held)
    prepared, found = build.prepared(d, 0)
    assert found.tolist() == held.tolist()
    assert prepared.modality.config()["common"] == 0  # a: t is the commonest only among what is held out


# -- the kind of data


def test_the_larger_kind_is_taken_and_the_other_said(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mixed", 5)
    (folder / "a.strand").write_text("aa\ncc\n")
    ear = Ear()
    d = registry.dataset(folder, voice=ear)
    assert isinstance(d.modality, Image)
    assert len(d) == 5
    said = " ".join(ear.heard)
    assert "5 image files" in said
    assert "read as pictures" in said
    assert "1 strand file (a.strand) is not read" in said
    assert "--modality strand" in said
    assert "other file" not in said
    (folder / "phone.HEIC").write_bytes(b"x")
    (folder / "README").write_text("x")
    (folder / "b.heic").write_bytes(b"x")
    ear = Ear()
    registry.dataset(folder, voice=ear)
    assert "3 other files are not read (2 .heic, 1 no ending)" in ear.heard
    ear = Ear()
    d = registry.dataset(folder, modality="strand", voice=ear)
    assert isinstance(d.modality, Strand)
    assert len(d) == 2
    assert "5 image files are not read" in " ".join(ear.heard)


def test_what_is_inferred_and_why(tmp_path: Path) -> None:
    (tmp_path / "a.strand").write_text("aa\ncc\n")
    np.save(tmp_path / "a.npy", np.zeros((3, 8, 8), np.uint8))
    png = pictures(tmp_path / "p", 3) / "01.png"
    pq.write_table(pa.table({"image": [png.read_bytes()], "n": [3]}), tmp_path / "a.parquet")
    for name, kind, why in (
        ("a.strand", Strand, "ends in .strand"),
        ("a.npy", Image, "array of numbers"),
        ("p/01.png", Image, "ends in .png"),
        ("a.parquet", Image, "encoded pictures"),
    ):
        ear = Ear()
        assert isinstance(registry.dataset(tmp_path / name, voice=ear).modality, kind)
        assert sum(why in line and f"read as {kind.plural}" in line for line in ear.heard) == 1
    assert isinstance(registry.dataset(np.zeros((3, 8, 8), np.uint8)).modality, Image)


class Words(Strand):
    """Reads what another kind reads, too, and more."""

    name = "words"
    reads = frozenset({".strand", ".words"})


def test_of_two_kinds_that_read_a_file_the_more_specific_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MODALITIES", {"words": f"{__name__}:Words", "strand": STRAND})
    (tmp_path / "a.strand").write_text("aa\ncc\n")
    assert registry.dataset(tmp_path / "a.strand").modality.name == "strand"
    assert registry.dataset(tmp_path).modality.name == "strand"
    assert registry.dataset(tmp_path, modality="words").modality.name == "words"


def test_a_kind_that_does_not_fit_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    folder, out = pictures(tmp_path / "p", 3), tmp_path / "space"
    (tmp_path / "a.strand").write_text("aa\ncc\n")
    np.save(tmp_path / "a.npy", np.zeros((3, 8, 8), np.uint8))
    said = refused("fit", folder, "-o", out, "--modality", "strand")
    assert "3 image files" in said
    assert "strands" in said
    said = refused("fit", tmp_path / "a.strand", "-o", out, "--modality", "image")
    assert "ends in .strand" in said
    assert "pictures" in said
    assert "array" in refused("fit", tmp_path / "a.npy", "-o", out, "--modality", "strand")
    assert "did you mean strand?" in refused("fit", folder, "-o", out, "--modality", "stand")
    said = refused("fit", "faces", "-o", out, "--modality", "strand")
    assert "dataset faces holds pictures" in said
    assert "leave --modality out" in said
    with pytest.raises(LiminalError, match="array holds pictures"):
        registry.dataset(np.zeros((3, 8, 8), np.uint8), modality="strand")
    with pytest.raises(LiminalError, match="holds pictures"):
        registry.dataset(registry.dataset(folder), modality="strand")
    with pytest.raises(LiminalError, match="did you mean image"):
        opening.wrap(lambda z: z, lambda x: x, folder, modality="imag")
    assert not out.exists()


def test_every_dataset_names_its_kind() -> None:
    for name, (_, _, kind) in registry.DATASETS.items():
        assert kind in registry.MODALITIES, name


@pytest.mark.parametrize("size", [None, 12])
def test_a_modality_reads_more_exactly_as_it_did(tmp_path: Path, size: int | None) -> None:
    folder = pictures(tmp_path / "p", 3, 9)
    options = {} if size is None else {"size": size}
    m = Image.infer(sorted(folder.iterdir()), **options)
    others = sorted(pictures(tmp_path / "q", 3, 30).iterdir())
    assert Image.infer(others, **m.config()) == m
    assert registry.dataset(tmp_path / "q", modality=m).modality == m


def test_a_modality_needs_no_infer_to_read_more(tmp_path: Path) -> None:
    class Fixed(Strand):
        name = "fixed"

        @classmethod
        def infer(cls, sources: Sequence[Source], **options: Any) -> Strand:
            raise AssertionError("this was inferred once")

    (tmp_path / "a.strand").write_text("aa\nccc\n")
    d = registry.dataset(tmp_path, modality=Fixed(2))
    assert d.modality == Fixed(2)
    assert letters(d) == ["aa"]
    items = Strand().parse("acgt")[None]
    assert letters(registry.dataset(items, modality=Strand())) == ["acgt"]
    with pytest.raises(LiminalError, match="wanted uint8"):
        registry.dataset(items.astype(np.int64), modality=Strand())


# -- options


def test_the_help_of_fit_shows_each_kinds_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, kind in registry.modalities().items():
        for option in kind.options:
            assert re.search(rf"--{option.name.replace('_', '-')}\b.*?\b{name}: {option.help[:20]}", text)


def test_an_option_of_another_kind_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    folder = pictures(tmp_path / "p", 3)
    (tmp_path / "a.strand").write_text("aa\ncc\n")
    said = refused("fit", folder, "-o", tmp_path / "s", "--longest", 3)
    assert "--longest is an option of strands" in said
    assert "--size, --fit" in said
    said = refused("fit", tmp_path / "a.strand", "-o", tmp_path / "s", "--size", 16)
    assert "--size is an option of pictures" in said
    assert "--longest" in said
    assert "longest" in refused("fit", "faces", "-o", tmp_path / "s", "--longest", 3)


def test_options_reach_the_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(build, "fit", lambda *_, **how: given.update(how))
    assert main(["fit", "x", "-o", str(tmp_path / "s"), "--longest", "7", "--modality", "strand"]) == 0
    assert given["reading"] == {"longest": 7}
    assert given["modality"] == "strand"


def test_modalities_tell_their_options_without_torch() -> None:
    code = (
        "import sys; from liminal import registry; registry.modalities(); import liminal.cli.fitting;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_list_of_commands_loads_no_kind() -> None:
    code = (
        "import sys; from liminal.cli import main; main(['--help']);"
        "assert not {'numpy', 'PIL', 'liminal.registry'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    command: Any = typer.main.get_command(cli.app)
    assert "fit" in command.commands


# -- FILE#n


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    folder = tmp_path_factory.mktemp("strands")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODALITIES, "strand", STRAND)
        how = {"dim": 3, "epochs": 4, "batch": 16, "options": {"width": 4}, "threads": 1}
        yield opening.fit(str(write_strands(folder / "a.strand", 64)), folder / "space", **how)  # type: ignore[arg-type]


@pytest.fixture
def more(tmp_path: Path) -> Path:
    file = tmp_path / "more.strand"
    file.write_text("acgt\nttttt\nxx\ngg\n")
    return file


def test_a_space_of_strands_knows_what_its_file_told(space: Space) -> None:
    assert isinstance(space.modality, Strand)
    assert set(space.card.attributes) == {"length", "head"}
    assert space.catalogue.table(columns=["source"])["source"][3].as_py() == "a.strand#3"


def test_an_entry_is_an_item(space: Space, more: Path, tmp_path: Path) -> None:
    items = [space.modality.load(more, "more", i)[0] for i in (0, 1, 3)]
    codes = space.encode(np.stack(items))
    for i, z in zip((0, 1, 3), codes, strict=True):
        assert space.latent(f"{more}#{i}").allclose(z, atol=1e-5)
    assert space.latent(f"'{more}#1'").allclose(codes[1], atol=1e-5)  # in a formula
    assert (space.original(f"{more}#3") == space.modality.soft(items[2][None])[0]).all()
    assert (
        space.reconstruct([f"{more}#3", "@2"]).originals == np.stack([items[2], space.items([2])[0]])
    ).all()
    one = tmp_path / "one.strand"
    one.write_text("acgt\n")
    assert space.latent(one).allclose(codes[0], atol=1e-5)
    assert space.latent(f"{one}#0").allclose(codes[0], atol=1e-5)


def test_a_file_of_many_gives_all_where_many_are_wanted(space: Space, more: Path) -> None:
    ear = Ear()
    found = space.reconstruct(str(more), ear)
    assert [space.modality.caption(item) for item in found.originals] == ["acgt", "ttttt", "gg"]
    assert any("more.strand#2" in line for line in ear.heard)
    assert space.encode(more).shape == (3, 3)
    errors = space.errors(found)
    assert list(errors) == ["nats", "wrong"]
    assert all(0 <= v < 9 for v in errors.values())


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("{more}", "name one, such as"),
        ("{more}#9", "no strand number 9"),
        ("{more}#2", "'x'"),
        ("gone.strand#1", "there is no such file"),
    ],
)
def test_an_item_that_a_file_does_not_hold(
    space: Space, more: Path, refused: Callable[..., str], item: str, says: str
) -> None:
    name = item.format(more=more)
    with pytest.raises(LiminalError, match=re.escape(says)):
        space.latent(name)
    assert says in refused("neighbors", space.folder, name)
    assert says in refused("morph", space.folder, "@1", name, "-o", more.with_name("m.gif"))


def test_entries_on_the_command_line(
    space: Space, more: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["neighbors", str(space.folder), f"{more}#1", "--json"]) == 0
    capsys.readouterr()
    command = ["reconstruct", str(space.folder), f"{more}#1", str(more), "@1", "--json"]
    assert main([*command, "-o", str(tmp_path / "r.png")]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 5
    for data, n in ((f"{more}#1", 1), (str(more), 3)):
        assert main(["encode", str(space.folder), data, "-o", str(tmp_path / f"{n}.parquet"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["items"] == n
    assert pq.read_table(tmp_path / "3.parquet")["source"].to_pylist() == [
        "more.strand#0",
        "more.strand#1",
        "more.strand#3",
    ]


def test_an_entry_of_an_array_or_a_column_is_an_item(
    tiny_space: Path, pictures: Path, tmp_path: Path
) -> None:
    it = opening.open(tiny_space)
    items = it.items([3, 5])
    np.save(tmp_path / "a.npy", items)
    files = sorted((pictures / "pictures" / "bar").iterdir())[:2]
    pq.write_table(pa.table({"image": [f.read_bytes() for f in files]}), tmp_path / "a.parquet")
    assert it.latent(f"{tmp_path / 'a.npy'}#1").allclose(it.latent("@5"), atol=1e-4)
    assert it.latent(f"{tmp_path / 'a.parquet'}#1").allclose(it.latent(files[1]), atol=1e-4)
    assert it.encode(tmp_path / "a.npy").shape == (2, it.dim)
    with pytest.raises(LiminalError, match="name one"):
        it.latent(str(tmp_path / "a.npy"))


def test_a_file_of_just_that_name_wins(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("aa\n")
    assert paths.located(tmp_path / "a#1") == (tmp_path / "a", 1)
    (tmp_path / "a#1").write_text("cc\n")
    assert paths.located(tmp_path / "a#1") == (tmp_path / "a#1", None)
    assert paths.located(tmp_path / "b#1") is None


def test_the_contract_tells_its_own_members_apart() -> None:
    """Only kinds that say so adopt arrays."""
    assert not Modality.arrays
    assert not Strand.arrays
    assert Image.arrays
