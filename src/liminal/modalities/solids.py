"""Shapes from files and to files: meshes and points through trimesh, voxels by themselves.

Nothing that is read is run or unpickled; materials, pictures, cameras and lights are left aside. What Liminal
writes as .glb carries a note that its coordinates are those of the grid, so that it comes back in place.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import LiminalError
from .forms import Source
from .occupancy import framed, of_mesh, of_points, of_voxels

Found = tuple[np.ndarray | None, tuple[str, ...], bool]  # an item, remarks, whether the file holds many
NOTE = "liminal"
FRAME = "grid"  # what the note says of coordinates in [0, 1]
MAGIC = (
    (b"glTF", ".glb"),
    (b"ply", ".ply"),
    (b"OFF", ".off"),
    (b"#binvox", ".binvox"),
    (b"\x93NUMPY", ".npy"),
    (b"PK\x03\x04", ".npz"),
)
LARGEST = 1 << 30  # bytes of a file, and cells of an array
NOTHING = {  # files without faces
    ".glb": b"glTF" + struct.pack("<IIII", 2, 48, 28, 0x4E4F534A) + b'{"asset":{"version":"2.0"}} ',
    ".obj": b"# an empty shape\n",
    ".ply": b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\n"
    b"property float z\nelement face 0\nproperty list uchar int vertex_indices\nend_header\n",
    ".stl": bytes(84),
}
COLOUR = (217, 196, 168, 255)
NORMALS: dict[str, Any] = {
    ".glb": {"include_normals": True},
    ".obj": {"include_normals": True},
    ".ply": {"vertex_normal": True},
    ".stl": {},
}


def read(source: Source, name: str, up: str) -> Iterator[Found]:
    """The shapes in a file, in order.

    Args:
        source, name: as `Modality.records` takes them.
        up: ``"y"`` or ``"z"``: the axis that points up, where the format does not say it.

    Raises:
        LiminalError: nothing in it can be read.
    """
    data, ending = _data(source, name)
    if ending in (".npy", ".npz"):
        voxels = _voxels(data, name)
        many = voxels.ndim == 4
        for one in voxels if many else voxels[None]:
            yield *_tried(partial(_settled, one, up)), many
    elif ending == ".binvox":
        yield *_tried(partial(_settled, _binvox(data, name), up)), False
    else:
        parsed = _parsed(data, ending, name)
        yield *_tried(partial(_stood, parsed, up == "y" or ending == ".glb")), False


def _tried(
    make: Callable[[], tuple[np.ndarray, tuple[str, ...]]],
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """An item and remarks, or why it cannot be used."""
    try:
        return make()
    except LiminalError as error:
        return None, (str(error),)


def _data(source: Source, name: str) -> tuple[bytes, str]:
    """A file's bytes and its ending, from its name or from what it begins with."""
    try:
        if isinstance(source, Path):
            if source.stat().st_size > LARGEST:
                raise LiminalError(f"{name}: it is larger than 1 GiB; reduce the mesh first")
            data, ending = source.read_bytes(), source.suffix.lower()
        else:
            held: BinaryIO = source
            data, ending = held.read(LARGEST + 1), Path(name).suffix.lower()
    except OSError as error:
        raise LiminalError(f"{name}: it cannot be read ({error.strerror or error})") from error
    if not data:
        raise LiminalError(f"{name}: it is empty")
    for start, told in MAGIC:
        if data.startswith(start):
            return data, told
    if ending not in (".obj", ".stl", ".off", ".ply", ".xyz"):
        ending = ".obj" if re.search(rb"^v\s", data[:4096], re.MULTILINE) else ".stl"
    return data, ending


# -- meshes


class Parsed(NamedTuple):
    """What a file of meshes holds: all of them in one frame, points, remarks, and whether they stand where
    the grid has them already.
    """

    vertices: np.ndarray
    faces: np.ndarray
    points: np.ndarray
    remarks: tuple[str, ...]
    framed: bool


def _parsed(data: bytes, ending: str, name: str) -> Parsed:
    import trimesh

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options: Any = {} if ending in (".xyz", ".stl", ".off") else {"skip_materials": True}
            scene = trimesh.load_scene(io.BytesIO(data), file_type=ending[1:], process=False, **options)
            meshes, points = _gathered(scene, trimesh)
    except MemoryError:
        raise LiminalError(f"{name}: there is not enough memory to read it") from None
    except Exception as error:  # parsers of foreign files raise whatever they meet
        why = " ".join(str(error).split())[:120]
        what = f"it is damaged, or no {ending} file ({why or type(error).__name__})"
        raise LiminalError(f"{name}: {what}") from error
    kept = any(_noted(thing) for thing in scene.geometry.values())
    return Parsed(*_joined(meshes), points, _aside(scene), kept)


def _stood(parsed: Parsed, upright: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """The item of all meshes of a file, where they stand in it, or of its points."""
    turn = (lambda p: p) if upright else _rotated
    if len(faces := parsed.faces):
        if faces.min() < 0 or faces.max() >= len(parsed.vertices):
            raise LiminalError("its faces name points that are not there")
        used, faces = np.unique(faces, return_inverse=True)
        at, faces = turn(parsed.vertices[used]), faces.reshape(-1, 3)
        offset, scale = (np.zeros(3), 1.0) if parsed.framed else framed(at)
        return of_mesh(at * scale + offset, faces), parsed.remarks
    if not len(parsed.points):
        raise LiminalError("it holds neither faces nor points")
    at = turn(parsed.points)
    offset, scale = framed(at)
    return of_points(at * scale + offset), (*parsed.remarks, "read as points on a surface")


def _gathered(scene: Any, trimesh: Any) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Vertices and faces of each mesh, and points, all in the scene's own frame."""
    meshes, points = [], []
    for node in scene.graph.nodes_geometry:
        place, key = scene.graph[node]
        thing = scene.geometry[key]
        if isinstance(thing, trimesh.Trimesh) and len(thing.faces):
            meshes.append((trimesh.transform_points(thing.vertices, place), np.asarray(thing.faces)))
        elif isinstance(thing, trimesh.PointCloud | trimesh.Trimesh):
            points.append(trimesh.transform_points(thing.vertices, place))
    return meshes, np.concatenate(points) if points else np.zeros((0, 3))


def _joined(meshes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if not meshes:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    first = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
    faces = np.concatenate([faces + n for (_, faces), n in zip(meshes, first, strict=False)])
    return np.concatenate([vertices for vertices, _ in meshes]), faces


def _aside(scene: Any) -> tuple[str, ...]:
    """What a scene holds beside shapes, and how it was read."""
    many = len(scene.graph.nodes_geometry)
    remarks = [f"of {many} meshes, read as one shape"] if many > 1 else []
    beside = [
        word
        for word, there in (
            ("cameras", getattr(scene, "has_camera", False)),
            ("lights", bool(getattr(scene, "_lights", None))),
        )
        if there
    ]
    if beside:
        remarks.append(f"read without {' and '.join(beside)}")
    return tuple(remarks)


def _noted(thing: Any) -> bool:
    note = getattr(thing, "metadata", {}).get(NOTE)
    return isinstance(note, str) and note == FRAME


def _rotated(points: np.ndarray) -> np.ndarray:
    """z up to y up: what was to the front (-y) stays there (z)."""
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], 1)


def write(item: np.ndarray, path: Path, ending: str, up: str) -> None:
    """The surface of an item as a mesh; .glb in grid units with smooth normals, the others with the axis up
    that files of this space have. Where nothing is solid, the file holds no faces.
    """
    import trimesh

    from .surface import mesh

    vertices, faces, normals = mesh(item)
    if not len(faces):
        path.write_bytes(NOTHING[ending])
        return
    if up == "z" and ending != ".glb":
        vertices, normals = (np.stack([t[:, 0], -t[:, 2], t[:, 1]], 1) for t in (vertices, normals))
    made = trimesh.Trimesh(vertices, faces, vertex_normals=normals, process=False)
    if ending == ".glb":
        made.metadata[NOTE] = FRAME
        made.visual = trimesh.visual.TextureVisuals(
            material=trimesh.visual.material.PBRMaterial(
                baseColorFactor=COLOUR, metallicFactor=0.0, roughnessFactor=0.8
            )
        )
    data: Any = made.export(file_type=ending[1:], **NORMALS[ending])
    path.write_bytes(data.encode() if isinstance(data, str) else data)


# -- voxels


def _settled(voxels: np.ndarray, up: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The item of voxels by the axes of a file."""
    return of_voxels(voxels if up == "y" else voxels.transpose(0, 2, 1)[:, :, ::-1]), ()


def _voxels(data: bytes, name: str) -> np.ndarray:
    """The array of voxels in an npy or npz file, (a, b, c) or (n, a, b, c)."""
    try:
        held: Any = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(held, np.ndarray):
            found = held
        else:
            if sum(told.file_size for told in held.zip.infolist()) > 2 * LARGEST:
                raise LiminalError(f"{name}: it unpacks to more than 2 GiB")
            small = {key: held[key] for key in held.files if key in ("voxels", "shape")}
            if set(small) == {"voxels", "shape"} and small["shape"].ndim == 1:
                return _unpacked(small["voxels"], tuple(int(s) for s in small["shape"]), name)
            every = [held[key] for key in held.files]
            found = next((array for array in every if array.ndim in (3, 4, 5)), np.zeros(0))
    except LiminalError:
        raise
    except Exception as error:  # zip and npy readers raise whatever they meet
        raise LiminalError(f"{name}: it is no array of numbers, or damaged") from error
    if found.ndim == 5 and 1 in (found.shape[1], found.shape[-1]):
        found = found[:, 0] if found.shape[1] == 1 else found[..., 0]
    if found.ndim not in (3, 4) or found.size > LARGEST:
        raise LiminalError(f"{name}: wanted voxels of shape (a, b, c) or (n, a, b, c)")
    return found


def _unpacked(bits: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Voxels packed as bits, a row an item, beside the shape that they have."""
    each = int(np.prod(shape[1:], dtype=np.int64)) if len(shape) == 4 and min(shape) > 0 else 0
    if bits.dtype != np.uint8 or bits.ndim != 2 or not each or bits.shape != (shape[0], -(-each // 8)):
        raise LiminalError(f"{name}: voxels and shape do not go together; wanted packed bits, a row each")
    return np.unpackbits(bits, axis=1)[:, :each].reshape(shape)


def _binvox(data: bytes, name: str) -> np.ndarray:
    """A .binvox file (Min 2004): a head of words, then pairs of a value and how often it comes; x, z, y."""
    head, _, body = data.partition(b"data\n")
    dim = re.search(rb"dim\s+(\d+)\s+(\d+)\s+(\d+)", head)
    if dim is None or not body:
        raise LiminalError(f"{name}: it is damaged, or no .binvox file")
    sides = tuple(int(side) for side in dim.groups())
    runs = np.frombuffer(body[: len(body) // 2 * 2], np.uint8).reshape(-1, 2)
    total = int(np.prod(sides, dtype=np.int64))
    if not 0 < total <= LARGEST or int(runs[:, 1].sum(dtype=np.int64)) != total:
        raise LiminalError(f"{name}: it is cut short, or no .binvox file")
    return np.repeat(runs[:, 0] > 0, runs[:, 1]).reshape(sides).transpose(0, 2, 1)
