"""Files and folders appear whole or not at all; memory-mapped files that are read are let go of."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from liminal.errors import LiminalError
from liminal.files import atomic, atomic_bytes, let_go, put


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is resident")
def test_pages_leave_memory_and_come_back(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((40_000, 1000), 3, np.uint8))
    part = np.load(tmp_path / "a.npy", mmap_mode="r")[:39_000]
    assert part.sum(dtype=np.int64) == 3 * part.size
    before = resident()
    let_go(part)
    assert before - resident() > 30e6
    assert part.sum(dtype=np.int64) == 3 * part.size


def test_what_was_changed_stays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(8))
    copy = np.load(tmp_path / "a.npy", mmap_mode="c")
    copy[0] = 7
    let_go(copy)
    assert copy[0] == 7
    let_go(np.ones(3))
    let_go([1, 2])


def test_a_file_takes_no_folder_s_place(tmp_path: Path) -> None:
    (tmp_path / "a.html").mkdir()
    (tmp_path / "a.html" / "mine").write_text("kept")
    with pytest.raises(LiminalError, match="it is a folder; name a file; nothing was changed there"):
        atomic_bytes(tmp_path / "a.html", b"x")
    with atomic(tmp_path / "b") as part:
        part.mkdir()
    (tmp_path / "file").write_text("kept")
    writing = atomic(tmp_path / "file")
    writing.__enter__().mkdir()
    with pytest.raises(LiminalError, match="nothing was changed there"):
        writing.__exit__(None, None, None)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "a.html",
        "a.html/mine",
        "b",
        "file",
    ]


def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liminal import files

    assert files.check_output(tmp_path / "page.html", False) == tmp_path / "page.html"
    assert not list(tmp_path.iterdir())

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuse)
    with pytest.raises(LiminalError, match="cannot be written"):
        files.check_output(tmp_path / "page.html", True)


def two_folders(place: Path) -> tuple[Path, Path]:
    """A folder ``new`` and a folder ``space``, each with a file that says so."""
    for name in ("new", "space"):
        (place / name).mkdir()
        (place / name / "says").write_text(name)
    return place / "new", place / "space"


def refusing(monkeypatch: pytest.MonkeyPatch, *calls: int) -> None:
    """The renames of these numbers, counted from 1, fail as a full disk does."""
    rename, count = Path.rename, iter(range(1, 100))

    def failing(self: Path, target: Path) -> Path:
        if next(count) in calls:
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    new, space = two_folders(tmp_path)
    put(new, space)
    assert [path.name for path in tmp_path.iterdir()] == ["space"]
    assert (space / "says").read_text() == "new"


@pytest.mark.parametrize("call", [1, 2])
def test_where_a_rename_fails_both_folders_are_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    new, space = two_folders(tmp_path)
    refusing(monkeypatch, call)
    with pytest.raises(OSError, match="No space"):
        put(new, space)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "space"]
    assert ((new / "says").read_text(), (space / "says").read_text()) == ("new", "space")


def test_what_cannot_be_moved_back_is_kept_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, space = two_folders(tmp_path)
    refusing(monkeypatch, 2, 3)
    with pytest.raises(LiminalError, match="lies in") as told:
        put(new, space)
    place = re.search(r"lies in (\S+): ", str(told.value))
    assert place
    assert (Path(place[1]) / "says").read_text() == "space"


def test_a_folder_written_anew_is_kept_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, space = two_folders(tmp_path)
    refusing(monkeypatch, 2)
    with pytest.raises(LiminalError, match="nothing was changed there"), atomic(space) as part:
        part.mkdir()
    assert (space / "says").read_text() == "space"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "space"]
