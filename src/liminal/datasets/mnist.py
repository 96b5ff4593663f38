"""MNIST and Fashion-MNIST: 60,000 grey 28 x 28 pictures to learn from and 10,000 held out, in 10 classes."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import files
from ..errors import LiminalError
from . import Dataset
from .cache import Progress
from .idx import DIGITS, idx_files, read_idx_dataset

CLOTHES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Where a set is published, and how to know it.

    Attributes:
        name: of the dataset.
        folder: its name below ``LIMINAL_DATA`` and in the cache.
        addresses: places that hold the four files; tried in order.
        md5: of each file.
        classes: their names.
        about: its source and licence.
    """

    name: str
    folder: str
    addresses: tuple[str, ...]
    md5: dict[str, str]
    classes: Sequence[str]
    about: dict[str, str]


FASHION = Published(
    name="fashion-mnist",
    folder="fashion_mnist",
    addresses=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    classes=CLOTHES,
    about={
        "source": "Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), "
        "https://github.com/zalandoresearch/fashion-mnist",
        "licence": "MIT",
    },
)
MNIST = Published(
    name="mnist",
    folder="mnist",
    addresses=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    md5={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    classes=DIGITS,
    about={
        "source": "MNIST (LeCun, Cortes, Burges 1998), http://yann.lecun.com/exdb/mnist",
        "licence": "CC BY-SA 3.0",
    },
)


def fashion_mnist(progress: Progress | None = None, **options: Any) -> Dataset:
    """Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT): clothes, the attribute ``label`` holding the class's
    name.

    Args:
        progress: called with (done, total).
        options: of ``Image.infer``, for example ``size=32``.

    Returns:
        70,000 pictures, the last 10,000 held out, from ``LIMINAL_DATA``, else the cache, else downloaded (30
        MB).

    Raises:
        LiminalError: the set is nowhere and cannot be downloaded.
    """
    return _read(FASHION, progress, options)


def mnist(progress: Progress | None = None, **options: Any) -> Dataset:
    """MNIST (LeCun, Cortes, Burges 1998): handwritten digits; otherwise as `fashion_mnist` (12 MB)."""
    return _read(MNIST, progress, options)


def _read(published: Published, progress: Progress | None, options: dict[str, Any]) -> Dataset:
    dataset = read_idx_dataset(
        _folder(published), None, progress, names=published.classes, name=published.name, **options
    )
    return replace(dataset, provenance={**dataset.provenance, **published.about})


def _folder(published: Published) -> Path:
    """The folder that holds the set; downloaded into the cache if need be."""
    own = files.data_folder()
    if own is not None and len(idx_files(own / published.folder)) == 2:
        return own / published.folder
    cache = files.cache_folder("data", published.folder)
    for file, md5 in published.md5.items():
        if not (cache / file).is_file():
            files.atomic_bytes(cache / file, _download(published, file, md5))
    return cache


def _download(published: Published, file: str, md5: str) -> bytes:
    """A file from the first address that gives it whole."""
    reason = "no address is known"
    for address in published.addresses:
        try:
            with urllib.request.urlopen(address + file, timeout=30) as answer:
                data = answer.read()
        except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
            reason = str(getattr(error, "reason", None) or error)
            continue
        if hashlib.md5(data, usedforsecurity=False).hexdigest() == md5:
            return data
        reason = "what came has another checksum than what was published"
    raise LiminalError(
        f"{published.name}: {file} could not be downloaded ({reason}); connect, "
        f"or set LIMINAL_DATA to a folder that holds {published.folder}/{file}"
    )
