"""The browser studio in headless Chromium without a graphics card, beside regl-scatterplot and
embedding-atlas in the same browser.

Every figure is taken in a real page by ``web/test/bench/``, on the real server. How drawing is timed, for the
studio and its peers alike: the same browser with the same switches and window, the same points, a place on
the screen as large as the studio's map, points as large as the studio's, and the same gesture, a drag by the
mouse in 60 steps, the next one sent when the page has taken the last (at most ``--gesture`` seconds of it). A
frame counts when something was drawn in it, and it has ended when all its drawing is done: after the frame's
callbacks one pixel is read back from every WebGL context that drew, which waits for everything queued; WebGPU
is asked when its queue is through. The time of a frame is from the end of the one before to its own. So
nobody wins by handing in work and leaving it undone, and what keeps the page from drawing counts as well.
CPU-ms are what all the browser's processes took for it.

While it moves, the studio draws as many points as there is time for, a uniform sample, and where frames take
long plainer ones (laid over each other, not summed; tiles without round corners and hatching); the rest is
added when it rests. The peers draw all points in every frame. Hence the bar for full detail.

Wants ``node``, ``npm``, ``chromium`` (or ``CHROMIUM``) and the packages of ``web/`` (``npm install`` there).
The peers' packages are installed once, by version, into ``bench/out/peers-web``, and are no part of the
project. What cannot be run is skipped and says why.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from liminal.errors import LiminalError
from liminal.studio.wire import unpack

from . import figures
from .figures import OUT, ROOT, Figure, Record
from .processes import WorkerError

PACKAGES = {"embedding-atlas": "0.26.0", "regl-scatterplot": "1.16.0", "regl": "2.1.1", "pub-sub-es": "3.0.0"}
PEERS = ("regl-scatterplot", "regl-scatterplot, fast", "embedding-atlas")
FOLDER = OUT / "peers-web"
WEB = ROOT / "web"
# MB by which the server may grow while many are served: what the allocator keeps, but no leak of 16 kB an
# answer
FLAT = 16.0
SLOWEST = 150.0  # seconds for one measurement

Told = dict[str, Any]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("studio", (__doc__ or "").partition("\n\n")[0])
    options.add_argument("--space", default="fashion", help="to show")
    options.add_argument("--points", type=int, default=1_000_000, help="of the large map")
    options.add_argument(
        "--items", type=int, default=70_000, help="of the map with pictures: the space's own, repeated"
    )
    options.add_argument("--gesture", type=float, default=12.0, help="seconds that one gesture may take")
    options.add_argument("--starts", type=int, default=3, help="of the command, the middle one counts")
    options.add_argument("--hovers", type=int, default=100, help="places that the pointer is moved to")
    options.add_argument("--clients", type=int, default=20, help="that hover at once")
    options.add_argument("--requests", type=int, default=50, help="of each client, ten a second")
    options.add_argument("--no-peers", action="store_true", help="the studio alone")
    options.add_argument(
        "--only", default="", metavar="PARTS", help=f"some of {', '.join(PARTS)}, separated by commas"
    )
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench.

    Raises:
        LiminalError: there is no such part.
    """
    given = arguments().parse_args(args)
    parts = [part for part in given.only.split(",") if part] or list(PARTS)
    for part in parts:
        if part not in PARTS:
            raise LiminalError(f"bench studio: there is no part {part}; wanted some of {', '.join(PARTS)}")
    record = Record("studio", args, given)
    with running(given.space) as server:
        warm(server)  # the map is laid out and kept, and whatever else a second start finds there
    if "start" in parts:
        starts(record, None, given)
    with running(given.space) as server:
        warm(server)
        for part in parts:
            if part != "start":
                PARTS[part](record, server, given)
    record.finish()


# the server and the pages


class NotYetError(WorkerError):
    """The server is still making what was asked for."""


class Server:
    """A studio that runs in a process of its own."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        parts = urlsplit(url)
        self.port, self.token = parts.port or 80, parse_qs(parts.query)["token"][0]

    def ask(
        self, path: str, body: bytes | None = None, connection: http.client.HTTPConnection | None = None
    ) -> bytes:
        """The answer of a route.

        Raises:
            NotYetError: it is still making it.
            WorkerError: it answered with another error.
        """
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=SLOWEST)
        headers = {"cookie": f"liminal-{self.port}={self.token}"}
        own.request("GET" if body is None else "POST", path, body, headers)
        answer = own.getresponse()
        data = answer.read()
        if connection is None:
            own.close()
        if answer.status == 503:
            raise NotYetError(path)
        if answer.status != 200:
            raise WorkerError(f"{path} answered {answer.status}: {data[:200].decode(errors='replace')}")
        return data

    def map(self) -> np.ndarray:
        """Places of the items."""
        found: np.ndarray = unpack(self.ask("/api/map?method=umap"))["xy"]
        return found

    def resident(self) -> float | None:
        """Memory of the process in MB; None where the system does not say."""
        try:
            with open(f"/proc/{self.pid}/status") as file:
                table = dict(line.split(":", 1) for line in file)
        except OSError:
            return None
        return int(table["VmRSS"].split()[0]) * 1024 / 1e6


@contextmanager
def running(space: str) -> Iterator[Server]:
    """A studio of a space until it is no longer wanted.

    Raises:
        LiminalError: it does not start.
    """
    argv = [sys.executable, "-m", "liminal", "studio", space, "--no-browser"]
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=compiled()
    )
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line):
                yield Server(found[0], process.pid)
                return
        raise LiminalError(f"liminal studio {space} did not start: {said.strip().splitlines()[-1:]}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def compiled() -> dict[str, str]:
    """The environment, with Python keeping the modules that it has compiled, as an installed package has
    them.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def warm(server: Server, patience: float = 240.0) -> None:
    """Wait until a server has all that it makes once: the map, the model, the way back from the map, support.

    Raises:
        LiminalError: it does not get there.
    """
    until = time.monotonic() + patience
    places = server.map()
    while time.monotonic() < until:
        progress = json.loads(server.ask("/api/progress"))
        if progress["broken"]:
            raise LiminalError(f"the studio has no model: {progress['broken']}")
        if progress["ready"] and not progress["tasks"]:
            try:
                answer = unpack(server.ask("/api/at?method=umap", np.asarray(places[:1], "<f4").tobytes()))
            except NotYetError:
                answer = {"support": np.nan}
            if np.isfinite(answer["support"]).all():
                return
        time.sleep(0.3)
    raise LiminalError(f"the studio was not ready within {patience:g} seconds")


def page(script: str, patience: float = SLOWEST, **given: Any) -> Told:
    """What a script of ``web/test/bench`` measures in a browser.

    Raises:
        WorkerError: it could not; the last thing that it said.
    """
    node = shutil.which("node")
    if node is None:
        raise WorkerError("there is no node on the PATH")
    if not (WEB / "node_modules" / "playwright-core").is_dir():
        raise WorkerError("web/node_modules is not there: run npm install in web")
    liminal = Path(sys.executable).with_name("liminal")
    environment = {
        **compiled(),
        **({"LIMINAL": str(liminal)} if liminal.exists() and "LIMINAL" not in os.environ else {}),
    }
    argv = [node, str(WEB / "test" / "bench" / script), json.dumps(given)]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=WEB,
        start_new_session=True,
    )
    try:
        said, wrong = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the browser with it
        process.communicate()
        raise WorkerError(f"{script} took more than {patience:.0f} seconds") from None
    if process.returncode:
        last = [line for line in wrong.strip().splitlines() if line] or [f"exit code {process.returncode}"]
        raise WorkerError(f"{script}: {last[-1][:200]}")
    found: Told = json.loads(said.strip().splitlines()[-1])
    return found


def packages() -> Path:
    """The folder with the peers' packages, installed if they are not there.

    Raises:
        WorkerError: they cannot be installed.
    """
    mark, wanted = FOLDER / "installed.json", json.dumps(PACKAGES)
    if mark.is_file() and mark.read_text() == wanted:
        return FOLDER
    npm = shutil.which("npm")
    if npm is None:
        raise WorkerError("there is no npm on the PATH")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text(
        json.dumps({"name": "peers", "private": True, "dependencies": PACKAGES})
    )
    print(
        f"installing {', '.join(f'{name} {version}' for name, version in PACKAGES.items())} (once)",
        flush=True,
    )
    argv = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--legacy-peer-deps",
        "--ignore-scripts",
        "--loglevel=error",
    ]
    done = subprocess.run(argv, cwd=FOLDER, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines() or ["no word why"]
        raise WorkerError(f"npm could not install them: {last[-1]}; it needs the network once")
    mark.write_text(wanted)
    return FOLDER


def missed(record: Record, names: Mapping[str, tuple[str, float]], why: object) -> None:
    """Figures that could not be taken."""
    for name, (unit, bar) in names.items():
        record.add(Figure(name, None, unit, bar, "lower", note=str(why)))


# the parts


STARTS = {
    "start: map drawn": ("s", 2.5),
    "start: a place decoded": ("s", 5.0),
    "initial JavaScript, gzipped": ("KB", 250.0),
}


def starts(record: Record, _: Server | None, given: Namespace) -> None:
    """From the command to the map and to the first decoded place; the browser is open already."""
    try:
        told = [page("start.mjs", space=given.space) for _ in range(given.starts)]
    except WorkerError as error:
        return missed(record, STARTS, error)
    note = (
        f"the middle of {len(told)} starts on a warm disk; the address was printed after "
        f"{middle(told, 'told_ms') / 1000:.2f} s"
    )
    values = [
        middle(told, "map_ms") / 1000,
        middle(told, "live_ms") / 1000,
        middle(told, "script_bytes") / 1000,
    ]
    for (name, (unit, bar)), value, more in zip(
        STARTS.items(), values, (note, "", "all scripts loaded until the map was drawn"), strict=True
    ):
        known = value if np.isfinite(value) else None
        record.add(
            Figure(
                name,
                known,
                unit,
                bar,
                "lower",
                note=more if known is not None else "nothing came within a minute",
            )
        )


def middle(told: Sequence[Told], name: str) -> float:
    """The median of a number over rounds; what did not come in a round counts as never."""
    return statistics.median(one[name] if one.get(name) is not None else float("inf") for one in told)


HOVERS = {"hover: to the decoded item": ("ms", 30.0), "hover: slowest of 20": ("ms", 80.0)}
TILES = {"microscope: 144 tiles": ("ms", 400.0)}


def live(record: Record, server: Server, given: Namespace) -> None:
    """From the pointer's move to the decoded item, and from the request for 144 tiles to their picture."""
    try:
        told = page("live.mjs", url=server.url, hovers=given.hovers, rounds=12, shot=str(OUT / "studio-live"))
    except WorkerError as error:
        return missed(record, HOVERS | TILES, error)
    for name, value, note in hovered(told, HOVERS):
        record.add(Figure(name, value, *HOVERS[name], "lower", note=note))
    note = (
        f"{told['rounds']} requests, to the end of the first frame that shows them; they take 0.16 s more "
        "to fade in"
    )
    slowest = {} if told["tiles_ms"] is None else {"95 %": told["tiles_ms_p95"]}
    note = note if told["tiles_ms"] is not None else "no view wanted as many tiles at once"
    record.add(
        Figure(
            "microscope: 144 tiles",
            told["tiles_ms"],
            *TILES["microscope: 144 tiles"],
            "lower",
            slowest,
            note=note,
        )
    )


def hovered(told: Told, names: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    """Median and 95 % of the hovers, by name."""
    first, second = names
    return [
        (first, told["hover_ms"], f"median of {told['hovers']}, event to painted card"),
        (second, told["hover_ms_p95"], "95 % are faster"),
    ]


SHARED = {"shared page: hover to the decoded item": ("ms", 20.0)}


def shared(record: Record, server: Server, given: Namespace) -> None:
    """The same in the page that `liminal share` writes, opened as a file."""
    name, target = "shared page: hover to the decoded item", OUT / "studio-shared.html"
    command = [sys.executable, "-m", "liminal", "share"]
    if subprocess.run([*command, "--help"], capture_output=True).returncode:
        return missed(record, SHARED, "there is no command liminal share here")
    target.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [*command, given.space, "-o", str(target)], capture_output=True, text=True, timeout=SLOWEST
        )
    except subprocess.TimeoutExpired:
        return missed(record, SHARED, f"liminal share took more than {SLOWEST:.0f} seconds")
    if done.returncode or not target.exists():
        said = (done.stderr or done.stdout).strip().splitlines() or ["no file was written"]
        return missed(record, SHARED, f"liminal share: {said[-1]}")
    try:
        told = page(
            "live.mjs",
            url=target.resolve().as_uri(),
            hovers=given.hovers,
            rounds=0,
            shot=str(OUT / "studio-shared"),
        )
    except WorkerError as error:
        return missed(record, SHARED, error)
    note = f"median of {told['hovers']}; the file holds {target.stat().st_size / 1e6:.1f} MB"
    record.add(
        Figure(name, told["hover_ms"], *SHARED[name], "lower", {"95 %": told["hover_ms_p95"]}, note=note)
    )


CROWD = {
    "many clients: slowest of 20 answers": ("ms", 500.0),
    "many clients: errors": ("", 0.0),
    "many clients: server grows by": ("MB", FLAT),
}


def crowd(record: Record, server: Server, given: Namespace) -> None:
    """Many clients that hover at once."""
    places = server.map()
    hover(server, places, given.clients, 10)  # what the allocator keeps is there before
    before = server.resident()
    told = hover(server, places, given.clients, given.requests)
    after = server.resident()
    for figure in crowded(told, before, after, given.clients):
        record.add(figure)


def hover(server: Server, places: np.ndarray, clients: int, requests: int) -> list[tuple[float, str]]:
    """Milliseconds of every answer, and what went wrong, of clients that each ask for one place every tenth
    of a second.
    """
    told: list[tuple[float, str]] = []

    def client(number: int) -> None:
        choose = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        begun = time.perf_counter() + choose.random() / 10
        for turn in range(requests):
            time.sleep(max(0.0, begun + turn / 10 - time.perf_counter()))
            place = places[choose.randrange(len(places))] + np.array(
                [choose.gauss(0, 0.05), choose.gauss(0, 0.05)], np.float32
            )
            asked, wrong = time.perf_counter(), ""
            try:
                server.ask("/api/at?method=umap", np.asarray(place, "<f4").tobytes(), connection)
            except (WorkerError, OSError, http.client.HTTPException) as error:
                wrong = str(error) or type(error).__name__
                connection.close()
            told.append((1000 * (time.perf_counter() - asked), wrong))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def crowded(
    told: Sequence[tuple[float, str]], before: float | None, after: float | None, clients: int
) -> list[Figure]:
    """The figures of many clients' answers."""
    times, wrong = [took for took, _ in told], [words for _, words in told if words]
    slow, errors, grows = CROWD
    by = None if before is None or after is None else after - before
    how = f"{clients} at once, {len(told):,} answers, ten a second each; 95 % are faster"
    held = (
        "this system does not say what a process holds"
        if before is None
        else f"from {before:,.0f} MB, after a round that does not count"
    )
    return [
        Figure(
            slow,
            float(np.quantile(times, 0.95)),
            *CROWD[slow],
            "lower",
            {"median": float(np.median(times))},
            note=how,
        ),
        Figure(errors, len(wrong), *CROWD[errors], "lower", note=wrong[0] if wrong else ""),
        Figure(grows, by, *CROWD[grows], "lower", note=held),
    ]


def drawn(record: Record, server: Server, given: Namespace) -> None:
    """The map at rest and while it moves: a million points, and items with their pictures, beside the
    peers.
    """
    for kind, count in (("items", given.items), ("heaps", given.points)):
        if not count:
            continue
        names = drawing(kind, count)
        common = {"url": server.url, "kind": kind, "points": count, "seconds": given.gesture}
        try:
            ours = page("map.mjs", shot=str(OUT / f"studio-{kind}"), **common)
        except WorkerError as error:
            missed(record, names, error)
            continue
        place = {**{side: ours["box"][side] for side in ("width", "height")}, "point": 2 * ours["radius"] + 1}
        theirs = {} if given.no_peers else {who: peer(who, {**common, **place}) for who in PEERS}
        with contextlib.suppress(WorkerError):
            theirs["a frame with one point"] = page(
                "floor.mjs", width=place["width"], height=place["height"], seconds=given.gesture
            )
        for figure in compared(kind, count, ours, theirs):
            record.add(figure)
        record.note(
            f"look at bench/out/studio-{kind}.png"
            + (" and at those of the peers beside it" if theirs else "")
        )


def peer(who: str, common: Told) -> Told:
    """What a peer takes for the same; ``why`` where it could not be measured."""
    try:
        shot = str(OUT / f"studio-{common['kind']}-{who.replace(', ', '-')}")
        return page("peers.mjs", who=who, folder=str(packages()), shot=shot, **common)
    except WorkerError as error:
        return {"why": str(error)}


def drawing(kind: str, count: int) -> dict[str, tuple[str, float]]:
    """What is measured of a map, with unit and bar."""
    of = f"{count:,} {'points' if kind == 'heaps' else 'items'}"
    if kind == "heaps":
        return {
            f"{of}: first picture": ("s", 2.0),
            f"{of}: a frame while moving": ("ms", 120.0),
            f"{of}: full detail after rest": ("s", 1.0),
        }
    return {f"{of}: a frame while moving": ("ms", 33.0), f"{of}: the same with thumbnails": ("ms", 33.0)}


def compared(kind: str, count: int, ours: Told, theirs: Mapping[str, Told]) -> list[Figure]:
    """The figures of a map with the peers' beside them, and those of the peers that could not be measured as
    figures of their own.
    """
    could = {who: told for who, told in theirs.items() if "why" not in told}
    names = drawing(kind, count)
    beside = {
        who.replace(package(who), f"{package(who)} {PACKAGES.get(package(who), '')}".rstrip()): told
        for who, told in could.items()
    }
    frames = {who: told["frame_ms"] for who, told in beside.items()}
    cost = "; CPU-ms a frame: " + ", ".join(
        f"{who} {told['cpu_ms']:.0f}" for who, told in [("studio", ours), *beside.items()]
    )
    if kind == "heaps":
        first, moving, settled = names
        firsts = {who: told["first_ms"] / 1000 for who, told in beside.items() if "first_ms" in told}
        whole = f"from the data's arrival; all of them after {ours['all_ms'] / 1000:.2f} s"
        steps = f"{ours['settled_frames']} frames, {ours['settled_cpu_ms']:,.0f} CPU-ms"
        last = f"from the pointer's last move to the last frame drawn; {steps}"
        found = [
            Figure(first, ours["first_ms"] / 1000, *names[first], "lower", firsts, note=whole),
            Figure(moving, ours["frame_ms"], *names[moving], "lower", frames, note=spread(ours) + cost),
            Figure(settled, ours["settled_ms"] / 1000, *names[settled], "lower", note=last),
        ]
    else:
        moving, near = names
        closer = ours["near"]
        shows = (
            f"{ours['thumbnails']} thumbnails and the microscope in view; {spread(closer)}; CPU-ms a frame: "
            f"{closer['cpu_ms']:.0f}"
        )
        all_of = f"all in view, the microscope behind; {spread(ours)}{cost}"
        found = [
            Figure(moving, ours["frame_ms"], *names[moving], "lower", frames, note=all_of),
            Figure(near, closer["frame_ms"], *names[near], "lower", note=shows),
        ]
    absent = {who: told["why"] for who, told in theirs.items() if "why" in told}
    of = next(iter(names)).partition(":")[0]
    return found + [
        Figure(f"{of}: a frame while moving, {who}", None, "ms", note=why) for who, why in absent.items()
    ]


def package(who: str) -> str:
    """The package of a peer, without how it is used."""
    return who.partition(",")[0]


def spread(told: Told) -> str:
    """How many frames a gesture had, and how slow the slow ones were."""
    return f"median of {told['frames']} frames, 95 % within {told['frame_ms_p95']:.0f} ms"


PARTS: dict[str, Callable[..., None]] = {
    "start": starts,
    "live": live,
    "shared": shared,
    "crowd": crowd,
    "drawn": drawn,
}
