"""Shapes: what is solid, against closed forms; surfaces, files, pictures, readings."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import manifold3d
import numpy as np
import PIL.Image
import pytest
import torch
import trimesh
from trimesh.transformations import rotation_matrix, translation_matrix

from liminal.datasets import furniture
from liminal.errors import LiminalError
from liminal.modalities import occupancy, pieces, render, surface, volumes
from liminal.modalities.shape import Shape
from liminal.show import items as shown
from liminal.tensors import rng

FULL = 30**3  # cells of the cube that the largest box fills


def read(mesh: trimesh.Trimesh, **options: str) -> np.ndarray:
    file = io.BytesIO(mesh.export(file_type="stl"))
    return Shape(**options).load(file, "a.stl")[0]


def volume(item: np.ndarray) -> float:
    """In units of the cube that the largest box fills."""
    return float(item.sum()) / 255 / FULL


def moved(mesh: trimesh.Trimesh, *by: float) -> trimesh.Trimesh:
    return mesh.copy().apply_transform(translation_matrix(by))


def box(*sides: float) -> trimesh.Trimesh:
    return trimesh.creation.box(sides)


BALL = trimesh.creation.icosphere(4)


@pytest.mark.parametrize(
    ("mesh", "truth"),
    [
        (BALL, np.pi / 6),
        (box(1, 1, 1), 1),
        (box(2000, 1000, 500), 1 / 8),
        (trimesh.creation.cylinder(0.5, 1), np.pi / 4),
        (moved(BALL, 1e3, -1e3, 1e3), np.pi / 6),
        (trimesh.util.concatenate([box(3, 1, 1), box(1, 3, 1)]), 5 / 27),  # they cross each other
        (trimesh.util.concatenate([box(1, 1, 1), moved(box(1, 1, 1), 2, 0, 0)]), 2 / 27),
        (trimesh.util.concatenate([BALL, trimesh.creation.icosphere(3, radius=0.5)]), np.pi / 6),
    ],
    ids=["ball", "cube", "millimetres", "cylinder", "far off", "crossing", "two parts", "nested"],
)
def test_volumes_are_those_of_closed_forms(mesh: trimesh.Trimesh, truth: float) -> None:
    assert volume(read(mesh)) == pytest.approx(truth, rel=0.02)


def test_faces_may_look_inwards_come_twice_or_lie_within() -> None:
    ball = read(BALL)
    inwards = BALL.copy()
    inwards.invert()
    mixed = BALL.copy()
    mixed.faces[::2] = mixed.faces[::2, ::-1]
    for other in (
        inwards,
        mixed,
        trimesh.util.concatenate([BALL, BALL]),
        trimesh.util.concatenate([BALL, inwards]),
    ):
        assert np.abs(read(other).astype(int) - ball).mean() < 0.2  # of 255: points are laid out otherwise


def test_what_an_opening_leads_to_is_outside() -> None:
    opened = box(1, 1, 1)
    opened.update_faces(np.abs(opened.face_normals[:, 1] - 1) > 0.5)  # no lid
    item = read(opened)
    assert item[16, 16, 16] == 0
    assert item[16, 1, 16] >= 128  # the floor is still there, thick enough to be seen
    assert pieces.count(item) == 1
    slit = box(1, 1, 1).subdivide_to_size(0.02)
    slit.update_faces(np.arange(len(slit.faces)) != 3000)  # narrower than a fine cell
    assert volume(read(slit)) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.7])
def test_sheets_and_wires_are_seen_as_one_piece(angle: float) -> None:
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]], [[0, 1, 2], [0, 2, 3]])
    for thin in (sheet, trimesh.creation.cylinder(0.002, 1)):
        turned = thin.copy().apply_transform(rotation_matrix(angle, [1, 0.3, 0.2]))
        assert pieces.count(read(turned)) == 1


def test_shapes_stand_on_the_floor_in_the_middle() -> None:
    solid = np.argwhere(read(box(1, 3, 2)) > 127)
    assert solid.min(0).tolist() == [11, 1, 6]
    assert solid.max(0).tolist() == [20, 30, 25]
    upright = read(box(1, 2, 3), up="z")
    assert np.ptp(np.argwhere(upright > 127), axis=0).tolist() == [9, 29, 19]
    wedge = trimesh.Trimesh(
        [[0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 0, 2]], [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
    )
    item = read(wedge, up="z")
    assert item[:, :, :16].sum() > 3 * item[:, :, 16:].sum()  # its tip points to the front
    assert item[:, :8].sum() > item[:, 20:].sum()


def test_points_on_a_surface_are_closed(tmp_path: Path) -> None:
    for count, off in ((300, 0.15), (5000, 0.05)):
        points = trimesh.sample.sample_surface(BALL, count, seed=0)[0]
        np.savetxt(tmp_path / "a.xyz", points)
        item, remarks = Shape().load(tmp_path / "a.xyz", "a.xyz")
        assert volume(item) == pytest.approx(np.pi / 6, rel=off)
        assert remarks == ("read as points on a surface",)


def test_few_points_leave_an_outside(tmp_path: Path) -> None:
    flat = box(1, 0.4, 0.8)
    points = np.concatenate([trimesh.sample.sample_surface(flat, 200, seed=1)[0], flat.bounds])
    np.savetxt(tmp_path / "a.xyz", points)
    item, _ = Shape().load(tmp_path / "a.xyz", "a.xyz")
    assert not item[:, -8:].any()  # balls about corners reached the edge of the grid, and all else was inside
    assert 0.1 < volume(item) < 0.32


def test_a_scene_is_one_shape_without_its_camera(tmp_path: Path) -> None:
    scene = trimesh.Scene([box(1, 1, 1)])
    scene.add_geometry(box(1, 1, 1), transform=translation_matrix([2, 0, 0]))
    scene.camera_transform = np.eye(4)
    (tmp_path / "a.glb").write_bytes(scene.export(file_type="glb"))
    item, remarks = Shape().load(tmp_path / "a.glb", "a.glb")
    assert volume(item) == pytest.approx(2 / 27, rel=0.02)
    assert remarks == ("of 2 meshes, read as one shape", "read without cameras")
    assert pieces.count(item) == 2


# -- voxels


def test_voxels_of_the_grid_are_taken_as_they_are(tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).random((3, 32, 32, 32)) < 0.5
    np.save(tmp_path / "a.npy", voxels)
    found = [r.item for r in Shape().records(tmp_path / "a.npy", "a")]
    assert np.array_equal(np.stack(found), 255 * voxels)
    packed = np.packbits(voxels.reshape(3, -1), axis=1)
    np.savez(tmp_path / "b.npz", voxels=packed, shape=np.array(voxels.shape))
    upright = Shape("z").load(tmp_path / "b.npz", "b", 2)[0]
    assert np.array_equal(upright, 255 * voxels[2].transpose(0, 2, 1)[:, :, ::-1])


def test_voxels_of_another_size_are_resampled() -> None:
    low = np.zeros((8, 16, 8), bool)
    low[2:6, :8, 2:6] = True
    item = occupancy.of_voxels(low)
    assert item.sum() / 255 == pytest.approx(8 * 16 * 8, rel=0.05)
    assert item[16, 2, 16] == 255
    fine = np.ones((64, 64, 64), np.uint8)
    assert occupancy.of_voxels(fine).min() == 255


def test_binvox_is_read(tmp_path: Path) -> None:
    voxels = np.zeros((32, 32, 32), bool)  # x, z, y as the format has it
    voxels[3, 5, 7:20] = True
    flat = voxels.reshape(-1).astype(np.uint8)
    runs = b"".join(struct.pack("BB", value, 1) for value in flat)
    (tmp_path / "a.binvox").write_bytes(b"#binvox 1\ndim 32 32 32\ntranslate 0 0 0\nscale 1\ndata\n" + runs)
    item = Shape().load(tmp_path / "a.binvox", "a")[0]
    assert np.array_equal(item > 0, voxels.transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.stl", b"", "empty"),
        ("a.off", b"OFF\n0 0 0\n", "neither faces nor points"),
        ("a.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 9\n", "damaged"),
        ("a.obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "no finite numbers"),
        ("a.obj", b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "no extent"),
        ("a.glb", b"glTF" + bytes(40), "damaged"),
        ("a.npz", b"PK\x03\x04" + bytes(40), "no array of numbers"),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 3\n", "damaged"),
        ("a.binvox", b"#binvox 1\ndim 32 32 32\ndata\n\x00\x05", "cut short"),
    ],
)
def test_bad_files_are_refused_in_one_line(name: str, data: bytes, said: str) -> None:
    with pytest.raises(LiminalError, match=said) as error:
        Shape().load(io.BytesIO(data), name)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(name)


def test_bad_voxels_are_refused(tmp_path: Path) -> None:
    held = {
        "nothing": (np.zeros((32, 32, 32)), "nothing in it is solid"),
        "flat": (np.ones((32, 32)), "wanted voxels of shape"),
        "negative": (np.full((32, 32, 32), -1.0), "negative"),
        "large": (np.full((32, 32, 32), 7.5), "up to 7.5"),
        "objects": (np.array([{}, 1], dtype=object), "no array of numbers"),
    }
    for name, (voxels, said) in held.items():
        np.save(tmp_path / f"{name}.npy", voxels, allow_pickle=True)
        with pytest.raises(LiminalError, match=said):
            Shape().load(tmp_path / f"{name}.npy", name)


# -- surfaces


def drawn(n: int = 8) -> np.ndarray:
    return np.asarray(furniture.furniture(n, seed=3).items)


@pytest.mark.parametrize("kind", ["furniture", "full", "noise", "speck", "ties"])
def test_surfaces_are_closed_and_look_outwards(kind: str) -> None:
    random = np.random.default_rng(0)
    item = {
        "furniture": drawn(1)[0],
        "full": np.full((32, 32, 32), 255, np.uint8),
        "noise": (random.random((32, 32, 32)) < 0.3).astype(np.uint8) * np.uint8(255),
        "speck": np.pad(np.full((2, 2, 2), 255, np.uint8), 15),
        "ties": random.choice(np.array([0, 127, 128, 255], np.uint8), (32, 32, 32)),
    }[kind]
    item = np.pad(item, [(0, 32 - n) for n in item.shape])
    vertices, faces, normals = surface.mesh(item)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all()  # nothing is open
    solid = manifold3d.Manifold(manifold3d.Mesh(vertices.astype(np.float32), faces.astype(np.uint32)))
    if kind != "noise" and kind != "ties":  # pieces that touch along an edge are no manifold
        assert solid.status() == manifold3d.Error.NoError
        assert solid.volume() == pytest.approx(item.sum() / 255 / 32**3, rel=0.15, abs=1e-4)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    assert mesh.volume > 0
    assert (np.sum(mesh.vertex_normals * normals, 1) > 0).mean() > 0.9


def test_files_come_back_as_they_were(tmp_path: Path) -> None:
    m, items = Shape(), drawn(4)
    for item in items:
        m.write(item, tmp_path / "a.glb")
        again = m.read(tmp_path / "a.glb")
        assert (
            float(volumes.errors(m.tensor(item[None]), m.tensor(again[None]))["iou"]) > 0.87
        )  # legs of two cells are half edges
    for up in ("y", "z"):
        m.write(np.zeros((32, 32, 32), np.uint8), tmp_path / "empty.glb")
        Shape(up).write(items[0], tmp_path / "a.obj")
        tall = Shape(up).read(tmp_path / "a.obj")
        extent = [np.ptp(np.argwhere(t > 127), axis=0) for t in (items[0], tall)]
        assert np.allclose(
            extent[0] / extent[0].max(), extent[1] / extent[1].max(), atol=0.1
        )  # a cell or two


@pytest.mark.parametrize("ending", [".glb", ".obj", ".ply", ".stl"])
def test_an_empty_shape_is_a_file_without_faces(tmp_path: Path, ending: str) -> None:
    Shape().write(np.zeros((32, 32, 32), np.uint8), tmp_path / f"a{ending}")
    with pytest.raises(LiminalError, match="neither faces nor points"):
        Shape().read(tmp_path / f"a{ending}")


# -- pictures


def test_pictures_show_the_shape_on_paper() -> None:
    picture = np.asarray(render.picture(drawn(1)[0], 96)).astype(int)
    assert (picture[0] > 250).all()
    warm = picture[..., 0] - picture[..., 2] > 25
    assert 0.05 < warm.mean() < 0.5
    empty = np.asarray(render.picture(np.zeros((32, 32, 32), np.uint8), 64))
    assert (empty == 255).all()


def test_nets_are_closed_and_turn_outwards() -> None:
    field = np.pad(drawn(1)[0].astype(np.float32) / 255, 1) - 0.4999
    corners, quads = render.nets(field)
    triangles = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    mesh = trimesh.Trimesh(corners, triangles, process=False)
    edges, counts = np.unique(np.sort(mesh.edges, 1), axis=0, return_counts=True)
    assert len(edges)
    assert (counts % 2 == 0).all()
    assert mesh.volume == pytest.approx((field > 0).sum(), rel=0.1)


def test_a_turn_comes_round(tmp_path: Path) -> None:
    m, item = Shape(), drawn(1)[0]
    frames = [np.asarray(f).astype(int) for f in m.turned(item, 48)]
    assert len(frames) == m.turns
    assert np.array_equal(frames[0], np.asarray(m.preview(item, 48)))
    step = [np.abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(step) < 3 * np.median(step)
    shown.save_item(item, m, tmp_path / "a.gif")
    with PIL.Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == m.turns


# -- eyes


def test_iou_counts_cells() -> None:
    a, b = torch.zeros(2, 1, 32, 32, 32), torch.zeros(2, 1, 32, 32, 32)
    a[0, 0, :4], b[0, 0, 2:6] = 1, 1
    found = volumes.errors(a, b)
    assert found["iou"].tolist() == [pytest.approx(1 / 3), 1.0]
    assert found["unlike"].tolist() == [pytest.approx(2 / 3), 0.0]


def test_readings_of_a_box() -> None:
    y = torch.zeros(1, 1, 32, 32, 32)
    y[0, 0, 4:12, 2:18, 8:24] = 1
    y[0, 0, 20:24, 2:6, 8:12] = 1
    found = {name: round(float(value[0]), 2) for name, value in volumes.readings(y).items()}
    assert found["parts"] == 2
    assert (found["height"], found["depth"]) == (50, 50)
    assert found["width"] == pytest.approx(100 * 12 / 32, abs=0.01)
    assert found["volume"] == pytest.approx(100 * (8 * 16 * 16 + 64) / 32**3, abs=0.01)
    both = y + y.flip(2)
    assert float(volumes.readings(both.clamp(0, 1))["symmetry"][0]) == pytest.approx(100)
    assert 40 < found["balance"] < 50
    cube = torch.zeros(1, 1, 32, 32, 32)
    cube[0, 0, 8:24, 8:24, 8:24] = 1
    assert float(volumes.readings(cube)["surface"][0]) == pytest.approx(1)


def test_packing_is_small() -> None:
    m, items = Shape(), drawn(8)
    assert np.mean([len(m.pack(item)) for item in items]) < 1000
    hard = np.where(items[0] > 127, np.uint8(255), np.uint8(0))
    assert len(m.pack(hard)) < 500
    assert np.array_equal(m.unpack(m.pack(hard)), hard)
    with pytest.raises(LiminalError, match="damaged"):
        m.unpack(m.pack(hard)[:20])


def test_halves_say_nothing_of_the_other(tmp_path: Path) -> None:
    m, items = Shape(), drawn(2)
    for name in m.parts:
        lacking = m.part(items, name)[1]
        assert lacking.float().mean() == 0.5
    with pytest.raises(LiminalError, match="did you mean left"):
        m.part(items, "lefft")
    assert torch.equal(m.augment(m.soft(items), rng(0)), m.augment(m.soft(items), rng(0)))
