"""What several test files share: a cache of their own, a folder of small pictures, and a tiny space fitted to
them once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):  # their threads share the cores
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))

SLOW = {  # files whose tests train, drive a browser, start servers and commands, or run the documentation
    *(
        "bench",
        "cli",
        "bad_input",
        "docs",
        "readme",
        "share",
        "space",
        "studio",
        "studio_guard",
        "studio_kinds",
    ),
    *("studio_schema", "train", "verbs", "web", "wheel", "widget", "kept", "foreign", "inverted", "clusters"),
}
TRAIN = {
    "tiny_space",
    "strand_space",
    "tune_space",
    "sound_space",
    "sentence_space",
    "spaces",
    "trained",
    "odd_space",
    "flow",
    "results",
}  # fixtures that train


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what `make fast` leaves out."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.path.stem.removeprefix("test_") in SLOW or TRAIN & fixtures:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMINAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def draw_pictures(folder: Path, count: int, seed: int = 0, side: int = 16) -> Path:
    """Grey pictures of bars and blocks in two class folders, and ``attributes.csv`` with the brightness and
    whether it is high up.
    """
    generator = np.random.default_rng(seed)
    lines = ["file,brightness,high"]
    for i in range(count):
        kind = ("bar", "block")[i % 2]
        place = folder / "pictures" / kind
        place.mkdir(parents=True, exist_ok=True)
        brightness, high = generator.uniform(0.4, 1), bool(generator.integers(2))
        picture = generator.integers(0, 20, (side, side)).astype(np.uint8)
        left, top = int(generator.integers(2, side // 2)), 2 if high else side // 2
        width = 2 if kind == "bar" else side // 3
        picture[top : top + side // 3, left : left + width] = round(255 * brightness)
        Image.fromarray(picture).save(place / f"{i:04d}.png")
        lines.append(f"{i:04d}.png,{brightness:.3f},{'yes' if high else 'no'}")
    (folder / "attributes.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``pictures/bar``, ``pictures/block`` (120 each) and ``attributes.csv``."""
    return draw_pictures(tmp_path_factory.mktemp("drawn"), 240)


@pytest.fixture(scope="session")
def tiny_space(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A space fitted in seconds; shared, so nobody writes to it."""
    from liminal import build

    out = tmp_path_factory.mktemp("spaces") / "tiny"
    build.fit(
        str(pictures / "pictures"),
        out,
        dim=4,
        epochs=40,
        batch=32,
        options={"width": 8},
        attributes=pictures / "attributes.csv",
        threads=1,
    )
    return out


@pytest.fixture(scope="session")
def strand_space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A space of 200 strands of letters (see `toys`), whose kind is registered meanwhile; shared, so nobody
    writes to it.
    """
    import toys

    from liminal import build, cli, registry

    cli.main(["fit", "--help"])  # its options are made once, and the toy's are none of them
    folder = tmp_path_factory.mktemp("strands")
    registry.MODALITIES["strand"] = toys.STRAND
    data = toys.write_strands(folder / "a.strand", 200)
    build.fit(str(data), folder / "strand", modality="strand", dim=4, epochs=20, batch=32, threads=1)
    yield folder / "strand"
    del registry.MODALITIES["strand"]


@pytest.fixture(scope="session")
def tune_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A space of windows of a bar in two voices; nobody writes to it."""
    import kinds

    from liminal import build

    folder = tmp_path_factory.mktemp("tunes")
    build.fit(
        str(kinds.tunes(folder)),
        folder / "tunes",
        modality="melody",
        reading={"bars": 1, "voices": 2},
        dim=4,
        epochs=6,
        batch=32,
        threads=1,
    )
    return folder / "tunes"


@pytest.fixture(scope="session")
def sound_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A space of tones of a quarter of a second; nobody writes to it."""
    import kinds

    from liminal import build

    folder = tmp_path_factory.mktemp("tones")
    build.fit(
        str(kinds.sounds(folder)),
        folder / "tones",
        modality="audio",
        reading={"bands": 32},
        dim=4,
        epochs=6,
        batch=32,
        threads=1,
    )
    return folder / "tones"


SCRIPTS = (  # and signs that take several characters each
    "isn't it?",
    "süß & weiß!",
    "медленно",
    "لذيذ جدا",
    "美味しい。",
    "친절해요",
    "अच्छा",
    "yum 😋👩🏽\u200d🍳",
)


@pytest.fixture(scope="session")
def sentence_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A space of short reviews, the first ones in other scripts, in subwords; nobody writes to it."""
    import kinds

    from liminal import build

    folder = tmp_path_factory.mktemp("sentences")
    path = kinds.sentences(folder)
    other = [json.dumps({"text": text, "mood": "good"}, ensure_ascii=False) for text in SCRIPTS]
    path.write_text("\n".join(other) + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    build.fit(
        str(path),
        folder / "sentences",
        modality="text",
        reading={"tokens": "subwords", "vocabulary": 420, "length": 12},
        dim=4,
        epochs=6,
        batch=32,
        threads=1,
    )
    return folder / "sentences"


@pytest.fixture(scope="session")
def wine_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A space of scikit-learn's wine, one cell in twenty missing, with the grower as a category; nobody
    writes to it.
    """
    from sklearn.datasets import load_wine

    from liminal import build

    found, draw = load_wine(), np.random.default_rng(0)
    lines = [",".join([*found.feature_names, "grower"])]
    for cells, grower in zip(found.data, found.target, strict=True):
        told = ["" if draw.random() < 0.05 else f"{v:g}" for v in cells]
        lines.append(",".join([*told, found.target_names[grower]]))
    folder = tmp_path_factory.mktemp("wine")
    (folder / "wine.csv").write_text("\n".join(lines) + "\n")
    build.fit(
        str(folder / "wine.csv"),
        folder / "wine",
        modality="table",
        dim=4,
        epochs=20,
        batch=32,
        threads=1,
    )
    return folder / "wine"
