"""3-D shapes: which share of each cell of a grid is solid, from meshes, points and voxels.

A stored item is uint8 (32, 32, 32) by x (to the right), y (up) and z (to the front): 255 for a cell that is
solid, 0 for an empty one. x and y are the same / 255, float32 (1, 32, 32, 32), taken as probabilities. The
surface of a shape lies where they pass a half.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import PIL.Image

from ..errors import LiminalError, unknown
from ..files import atomic
from . import Modality, Option, Read, Record, Score, Source, pieces
from .occupancy import FLOOR, SIDE

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .likelihoods import Bernoulli

__all__ = ["FLOOR", "SIDE", "Shape"]
UP = ("y", "z")
MESHES = frozenset({".glb", ".obj", ".off", ".stl", ".ply"})
POINTS = frozenset({".xyz"})
VOXELS = frozenset({".npy", ".npz", ".binvox"})
HALVES = {  # axis of y (n, 1, x, y, z), and whether it is the lower half
    "left": (2, True, "all to the left of the middle"),
    "right": (2, False, "all to the right of the middle"),
    "lower": (3, True, "all below the middle of the grid"),
    "upper": (3, False, "all above the middle of the grid"),
    "back": (4, True, "all behind the middle"),
    "front": (4, False, "all before the middle"),
}


class Shape(Modality):
    """Shapes in a grid of 32^3 cells.

    Args:
        up: which axis of files points up, ``"y"`` or ``"z"``. glTF files say themselves that it is y.
        apart: nats that each further piece costs a decoded shape, learned from the items trained on: see
            `pieces`. 0: cells are decoded each by itself.

    Reading: a mesh, or all meshes of a scene where they stand, or a cloud of points is set on the floor of
    the grid, in its middle, so that its longest side fills 30 of 32 cells; see `occupancy` for what is solid.
    Files that Liminal wrote as .glb and voxels of 32^3 are taken as they are.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "shape"
    noun, plural = "shape", "shapes"
    reads = MESHES | POINTS | VOXELS
    writes = (".glb", ".obj", ".ply", ".stl")
    options = (Option("up", str, "AXIS", "Which axis of files of shapes points up, y or z; default: y."),)
    scores: ClassVar[dict[str, Score]] = {
        "unlike": Score("", "lower", "1 - IoU: share of what either fills that only one of them does"),
        "iou": Score("", "higher", "intersection over union of what is solid, by more than a half"),
        "bce": Score("nats", "lower", "cross-entropy of a cell less the entropy of its share"),
    }
    steps: ClassVar[dict[str, tuple[str, str]]] = {
        "volume": ("more solid", "less solid"),
        "width": ("wider", "narrower"),
        "height": ("taller", "lower"),
        "depth": ("deeper", "shallower"),
        "symmetry": ("more symmetric", "less symmetric"),
        "parts": ("more parts", "fewer parts"),
        "surface": ("more intricate", "more compact"),
        "balance": ("heavier above", "heavier below"),
    }
    network = "volume"
    turns = 48
    item_dtype: ClassVar[np.dtype] = np.dtype(np.uint8)
    item_shape = (SIDE, SIDE, SIDE)

    def __init__(self, up: str = "y", apart: float = 0.0) -> None:
        if up not in UP:
            raise LiminalError(f"up {up}: wanted {' or '.join(UP)}, the axis of the files that points up")
        if not 0 <= apart <= pieces.MOST:
            raise LiminalError(f"apart {apart}: wanted 0 to {pieces.MOST:g} nats")
        self.up, self.apart = up, float(apart)

    def __repr__(self) -> str:
        return f"Shape({self.up!r})"

    @classmethod
    def infer(cls, sources: Sequence[Source], *, up: str = "y", apart: float = 0.0, **options: Any) -> Shape:
        """The modality; what is read does not hang on the files.

        Args:
            sources: files of shapes.
            up, apart: see the class.

        Raises:
            LiminalError: an option is unknown or out of range.
        """
        if options:
            raise unknown("option of shapes", min(options), [option.name for option in cls.options])
        return cls(up, apart)

    @classmethod
    def holds(cls, file: Path) -> bool:
        """Arrays of numbers can be anything, and are read as shapes where that is asked for."""
        return file.suffix.lower() not in {".npy", ".npz"}

    def config(self) -> dict[str, Any]:
        return {"up": self.up, "apart": self.apart}

    def fitted(self, items: np.ndarray, rows: np.ndarray) -> Shape:
        """With what a further piece costs, by how many of these items are in several."""
        return Shape(self.up, pieces.cost(self._checked(items[rows])))

    @property
    def told(self) -> tuple[str, ...]:
        return (
            f"shapes in {SIDE} x {SIDE} x {SIDE} cells, standing on the floor, the longest side {SIDE - 2} "
            f"cells, {self.up} up (--up changes it; .glb says it itself)",
        )

    # -- files

    def records(self, source: Source, name: str) -> Iterator[Record]:
        from .solids import read

        for i, (item, remarks, many) in enumerate(read(source, name, self.up)):
            yield Record(item, remarks, i if many else None)

    def write(self, item: np.ndarray, path: Path) -> None:
        from .solids import write

        ending = path.suffix.lower()
        if ending not in self.writes:
            raise LiminalError(f"cannot write a shape to {path}; wanted one of {', '.join(self.writes)}")
        item = self._checked(item[None])[0]
        with atomic(path) as part:
            write(item, part, ending, self.up)

    def _checked(self, items: np.ndarray) -> np.ndarray:
        if tuple(items.shape[1:]) != self.item_shape or items.dtype != np.uint8:
            raise LiminalError(
                f"shapes: wanted uint8 items of shape (n, {SIDE}, {SIDE}, {SIDE}), got {items.dtype} "
                f"{items.shape}"
            )
        return items

    def pack(self, item: np.ndarray) -> bytes:
        """Deflated; as bits, where all cells are full or empty."""
        item = self._checked(item[None])[0]
        hard = bool(((item == 0) | (item == 255)).all())
        return bytes([hard]) + zlib.compress((np.packbits(item > 0) if hard else item).tobytes(), 6)

    def unpack(self, data: bytes) -> np.ndarray:
        try:
            held = np.frombuffer(zlib.decompress(data[1:]), np.uint8)
            item = np.unpackbits(held) * np.uint8(255) if data[0] else held.copy()
            return item.reshape(self.item_shape)
        except (zlib.error, ValueError, IndexError) as error:
            raise LiminalError("shape in the catalogue: it is damaged; copy the space again") from error

    # -- tensors

    @cached_property
    def likelihood(self) -> Bernoulli:
        from .likelihoods import Bernoulli

        return Bernoulli((1, *self.item_shape))

    def tensor(self, items: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(self._checked(np.asarray(items))[:, None] / np.float32(255))

    def items(self, y: Tensor) -> np.ndarray:
        import torch

        if tuple(y.shape[1:]) != self.soft_shape:
            wanted = ", ".join(map(str, self.soft_shape))
            raise LiminalError(f"shapes: wanted tensors of shape (n, {wanted}), got {tuple(y.shape)}")
        y = y.detach().to("cpu", torch.float32)
        if bool(y.isnan().any()):
            raise LiminalError("shapes: the tensor holds NaN; wanted shares in [0, 1]")
        found = (y[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        if not self.apart or not len(found):
            return found
        return np.stack([pieces.likeliest(item, self.apart) for item in found])

    @property
    def parts(self) -> dict[str, str]:
        return {name: words for name, (_, _, words) in HALVES.items()}

    def part(self, items: np.ndarray, name: str) -> tuple[np.ndarray, Tensor]:
        """Halves of the grid: ``left``, ``right``, ``lower``, ``upper``, ``back``, ``front``."""
        import torch

        if name.strip() not in HALVES:
            raise unknown("part of shapes", name, self.parts)
        axis, first, _ = HALVES[name.strip()]
        lacking = torch.ones(1, 1, *self.item_shape, dtype=torch.bool)
        lacking.narrow(axis, 0 if first else SIDE // 2, SIDE // 2).fill_(False)
        return items, lacking.expand(len(items), -1, -1, -1, -1)

    # -- eyes

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """1 - IoU of what is solid, IoU, and the cross-entropy of a cell beyond the entropy of its share."""
        from .volumes import errors

        return errors(x.to(y.device), y)

    def augment(self, y: Tensor, draw: torch.Generator) -> Tensor:
        """Blur of a strength drawn for each: decoders give soft edges."""
        from .volumes import softened

        return softened(y, draw)

    @cached_property
    def features(self) -> Callable[[Tensor], Tensor]:
        """How full blocks are, silhouettes from three sides, and where surfaces lie."""
        from .volumes import features

        return features

    @cached_property
    def readings(self) -> Read:
        from .volumes import readings

        return readings

    # -- hands

    def preview(self, item: np.ndarray, size: int) -> PIL.Image.Image:
        """The shape from the front, the right and above, lit softly."""
        from .render import picture

        return picture(self._checked(item[None])[0], size)

    def turned(self, item: np.ndarray, size: int) -> list[PIL.Image.Image]:
        """From all sides, as far above the horizon as the preview."""
        from .render import AZIMUTH, LARGE, lit, painted

        shape = lit(self._checked(item[None])[0], size >= LARGE)
        return [painted(shape, size, AZIMUTH + 360 * i / self.turns) for i in range(self.turns)]
