"""What is heard in the browser studio, in headless Chromium on the real server: from a key to its sound, and
from the request for a place to a sound that can be played.

Every figure is taken in a real page by ``web/test/bench/heard.mjs``. What is played has been shown before and
is made ready, as what a person looks at is; the page was silent for more than a second, after which it puts
its sound to rest, and the time until it wakes counts. The time is from the key event's own to the time at
which the buffer starts on the clock of the sound, and the latency of the output, by which that clock runs
ahead of what is heard. Made ready is a place that nobody has looked at: the request, the answer, and the
page's synthesis, all on the page's one thread.

Wants ``node``, ``chromium`` (or ``CHROMIUM``) and the packages of ``web/`` (``npm install`` there).
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from . import figures
from .figures import OUT, Figure, Record
from .processes import WorkerError
from .studio import missed, page, running, warm

SPACES = ("tunes", "digits-spoken")
PATIENCE = 1200.0  # seconds: a press takes three of them, so that the page is silent before


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("heard", (__doc__ or "").partition("\n\n")[0])
    options.add_argument("--spaces", default=",".join(SPACES), help="whose items sound, separated by commas")
    options.add_argument("--presses", type=int, default=40, help="of the key, and places that are decoded")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record = Record("heard", args, given)
    for space in given.spaces.split(","):
        heard(record, space, given)
    record.finish()


def barred(space: str) -> dict[str, tuple[str, float]]:
    """What is measured of a space, with unit and bar."""
    return {f"{space}: key to sound": ("ms", 60.0), f"{space}: a place until it can be played": ("ms", 40.0)}


def heard(record: Record, space: str, given: Namespace) -> None:
    """One space in a studio of its own."""
    names = barred(space)
    try:
        with running(space) as server:
            warm(server)
            shot = str(OUT / f"heard-{space}")
            told = page("heard.mjs", patience=PATIENCE, url=server.url, presses=given.presses, shot=shot)
    except WorkerError as error:
        return missed(record, names, error)
    key, place = names
    pressed = f"median of {told['presses']}, {told['rested']} of them from rest"
    made = (
        f"median of {told['presses']}; the answer of the server after {told['decoded_ms']:.1f} ms, the rest "
        f"is the page's synthesis of {told['seconds']:.3g} s"
    )
    clock = {"without the output's latency": told["clock_ms"]}
    for name, short, more, note in ((key, "press_ms", clock, pressed), (place, "ready_ms", {}, made)):
        beside = {"95 %": told[f"{short}_p95"], **more}
        record.add(Figure(name, told[short], *names[name], "lower", beside, note=note))
