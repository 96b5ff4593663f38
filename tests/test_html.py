"""The page: well formed, self-contained, safe against any text, and truthful in where it draws things."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from liminal.show.page import Bars, Figure, Meter, Points, Prose, Section, page

VOID = {"meta", "link", "img", "br"}


class Parsed(HTMLParser):
    """Elements with their attributes, the visible text, and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text, self.open, self.whole = "", [], True
        self.feed(text)
        self.close()
        self.whole &= not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.whole &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "PNG")
    return out.getvalue()


METER = Meter(
    title="Coverage",
    meaning="What it says.",
    value=0.5,
    text="0.500",
    top=1.0,
    interval=(0.4, 0.62),
    interval_text="95 %: 0.40 to 0.62",
    marks=[("real items", 0.97, "0.970"), ("PCA", 0.1, "0.100")],
    better="higher",
    note="Small print.",
)


def whole_page() -> str:
    bars = Bars("KL", [2.0, 1.0, 0.0], "nats", "Each dimension.")
    sections = [
        Section(
            "Samples",
            "Drawn.",
            [Figure(png(), "A caption", "Alt text"), Figure(png(), "Second", "Alt"), METER, bars],
        ),
        Section(
            "Left out",
            "Nothing.",
            [Prose(["One <p>.", "Two."]), Points(["First reason.", "Second <reason>."])],
        ),
        Section("Strips", "", [Figure(png(), "Moves.", "Strip", "Dimension 3")]),
    ]
    return page("A report", sections, "The lead.", [("model", "vae")])


def test_the_page_is_whole_and_asks_for_nothing() -> None:
    text = whole_page()
    parsed = Parsed(text)
    assert parsed.whole
    assert text.startswith("<!doctype html>")
    assert "<script" not in text
    for tag, attributes in parsed.elements:
        for name in ("src", "href"):
            if name in attributes:
                assert attributes[name].startswith("data:"), (tag, attributes)
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text
    for wanted in (
        "A report",
        "The lead.",
        "model",
        "Coverage",
        "What it says.",
        "0.970",
        "↑ higher is better",
        "Small print.",
        "A caption",
        "tallest: 2 nats",
        "One <p>.",
        "Second <reason>.",
        "Dimension 3 Moves.",
    ):
        assert wanted in parsed.text


def test_a_meter_draws_what_it_says() -> None:
    parsed = Parsed(page("t", [Section("s", "", [METER])]))
    named = {a.get("class"): a for tag, a in parsed.elements if tag == "rect"}
    assert named["bar"]["width"] == "50.00%"
    whisker = next(a for tag, a in parsed.elements if tag == "line")
    assert (whisker["x1"], whisker["x2"]) == ("40.00%", "62.00%")
    marks = [a["x"] for tag, a in parsed.elements if tag == "svg" and "x" in a]
    assert marks == ["97.00%", "10.00%"]
    label = next(a["aria-label"] for tag, a in parsed.elements if tag == "svg" and "aria-label" in a)
    assert label == "Coverage: 0.500; real items 0.970; PCA 0.100"
    out = Parsed(
        page(
            "t",
            [
                Section(
                    "s",
                    "",
                    [
                        Meter(
                            title="x",
                            meaning="",
                            value=9.0,
                            text="9",
                            top=2.0,
                            interval=None,
                            interval_text="",
                            marks=[("below", -1.0, "-1")],
                        )
                    ],
                )
            ],
        )
    )
    assert [a["width"] for tag, a in out.elements if a.get("class") == "bar"] == ["100.00%"]
    assert [a["x"] for tag, a in out.elements if tag == "svg" and "x" in a] == ["0.00%"]


def test_bars_fill_the_width_and_reach_the_top() -> None:
    parsed = Parsed(page("t", [Section("s", "", [Bars("b", [4.0, 1.0, 0.0], "nats", "")])]))
    bars = [a for tag, a in parsed.elements if tag == "rect"]
    assert [b["height"] for b in bars] == ["100.00%", "25.00%", "0.00%"]
    ends = [float(b["x"][:-1]) + float(b["width"][:-1]) for b in bars]
    assert ends == sorted(ends)
    assert 90 < ends[-1] <= 100
    assert Parsed(page("t", [Section("s", "", [Bars("b", [0.0, 0.0], "nats", "")])])).whole


def test_neighbouring_figures_stand_together() -> None:
    text = whole_page()
    assert text.count('<div class="figures">') == 2
    assert text.count("<figure>") == 3
    assert '<div class="figures many">' not in text
    strips = [Figure(png(), "", f"Strip {i}") for i in range(3)]
    assert page("t", [Section("s", "", strips)]).count('<div class="figures many">') == 1
    assert len(re.findall(r'alt="[^"]+"', text)) == 3


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=30), st.sampled_from(["higher", "lower", ""]))
def test_no_text_breaks_out(text: str, better: str) -> None:
    hostile = f'</style></h1><script>alert("{text}")</script>&<b x=\'{text}'
    made = page(
        hostile,
        [
            Section(
                hostile,
                hostile,
                [
                    Meter(
                        title=hostile,
                        meaning=hostile,
                        value=1,
                        text=hostile,
                        top=1,
                        interval=None,
                        interval_text=hostile,
                        marks=[(hostile, 1, hostile)],
                        better=better,
                        note=hostile,
                    )
                ],
            )
        ],
        hostile,
    )
    parsed = Parsed(made)
    assert parsed.whole
    assert not [tag for tag, _ in parsed.elements if tag == "script"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_page_may_be_nearly_empty(count: int) -> None:
    parsed = Parsed(page("Only a title", [Section("Empty")] * count))
    assert parsed.whole
    assert "Only a title" in parsed.text
