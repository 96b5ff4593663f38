"""Memory-mapped files are let go of, and only those that are read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from liminal.errors import LiminalError
from liminal.files import atomic, atomic_bytes, let_go


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
