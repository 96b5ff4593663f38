"""One self-contained page: text, pictures, meters and bars.

No script, no outside reference; light or dark as the reader's system is.
"""

from __future__ import annotations

import base64
import html
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A number on a scale that starts at 0; the scale is drawn where there is something to compare the number
    with.

    Attributes:
        title: its name.
        meaning: what it says, in plain words.
        value: where the bar ends.
        text: the value as it is written.
        top: the end of the scale, above 0.
        interval: ends of a whisker on the bar, or None.
        interval_text: as it is written.
        marks: (what, value, text) of numbers to compare with.
        better: which way is better, or ``""``.
        note: small print.
    """

    title: str
    meaning: str
    value: float
    text: str
    top: float
    interval: tuple[float, float] | None = None
    interval_text: str = ""
    marks: Sequence[tuple[str, float, str]] = ()
    better: Literal["higher", "lower", ""] = ""
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A PNG with a caption; `alt` says what it shows to those who cannot see it; `title` stands in front of
    the caption.
    """

    png: bytes
    caption: str
    alt: str
    title: str = ""


@dataclass(frozen=True)
class Bars:
    """A bar for each number (all >= 0), in the order given; `unit` labels the scale."""

    title: str
    values: Sequence[float]
    unit: str
    caption: str


@dataclass(frozen=True)
class Points:
    """Sentences, each an entry of a list."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Prose:
    """Paragraphs."""

    texts: Sequence[str]


Block = Meter | Figure | Bars | Points | Prose


@dataclass(frozen=True)
class Section:
    """A heading, a few sentences and blocks; neighbouring figures stand side by side where there is room."""

    title: str
    intro: str = ""
    blocks: Sequence[Block] = field(default_factory=tuple)


def page(
    title: str, sections: Sequence[Section], lead: str = "", facts: Sequence[tuple[str, str]] = ()
) -> str:
    """The page as HTML text.

    Args:
        title: its heading and the browser tab's.
        sections: in order.
        lead: a paragraph below the heading.
        facts: (name, value) pairs set in a row above the sections.
    """
    shown = "".join(f"<div><dt>{_text(k)}</dt><dd>{_text(v)}</dd></div>" for k, v in facts)
    body = "".join(_section(s) for s in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{_text(title)}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>{STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n<header><h1>{_text(title)}</h1>"
        + (f'<p class="lead">{_text(lead)}</p>' if lead else "")
        + (f"<dl>{shown}</dl>" if shown else "")
        + f"</header>\n{body}</main>\n</body>\n</html>\n"
    )


def _text(value: str) -> str:
    return html.escape(value, quote=True)


def _section(section: Section) -> str:
    parts = []
    for of_figures, blocks in itertools.groupby(section.blocks, lambda block: isinstance(block, Figure)):
        if not of_figures:
            parts += [_block(block) for block in blocks if not isinstance(block, Figure)]
            continue
        figures = [_figure(block) for block in blocks if isinstance(block, Figure)]
        many = " many" if len(figures) > 2 else ""
        parts.append(f'<div class="figures{many}">{"".join(figures)}</div>')
    intro = f'<p class="intro">{_text(section.intro)}</p>' if section.intro else ""
    return f"<section><h2>{_text(section.title)}</h2>{intro}{''.join(parts)}</section>\n"


def _block(block: Meter | Bars | Points | Prose) -> str:
    if isinstance(block, Points):
        return '<ul class="points">' + "".join(f"<li>{_text(t)}</li>" for t in block.texts) + "</ul>"
    if isinstance(block, Prose):
        return '<div class="prose">' + "".join(f"<p>{_text(t)}</p>" for t in block.texts) + "</div>"
    return _meter(block) if isinstance(block, Meter) else _bars(block)


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.png).decode()
    picture = f'<img alt="{_text(figure.alt)}" src="data:image/png;base64,{data}">'
    title = f"<b>{_text(figure.title)}</b> " if figure.title else ""
    return f"<figure><div class='print'>{picture}</div><figcaption>{title}{_text(figure.caption)}</figcaption></figure>"  # noqa: E501


SHAPES = (
    "M0-6 6 0 0 6-6 0Z",
    "M0-6 6 5-6 5Z",
    "M-5-5H5V5H-5Z",
    "M0-6A6 6 0 1 1 0 6 6 6 0 1 1 0-6Z",
    "M0 6 6-5-6-5Z",
)  # diamond, triangle, square, disc, upside down
DIRECTIONS = {"higher": "↑ higher is better", "lower": "↓ lower is better", "": ""}


def _percent(value: float, top: float) -> str:
    return f"{100 * min(max(value / top, 0.0), 1.0):.2f}%"


def _meter(meter: Meter) -> str:
    x = _percent(meter.value, meter.top)
    svg = (
        f'<rect class="track" y="12" width="100%" height="12" rx="3"/><rect class="bar" y="12" width="{x}" '
        'height="12" rx="3"/>'
    )
    if meter.interval:
        low, high = (_percent(v, meter.top) for v in meter.interval)
        svg += f'<line class="whisker" x1="{low}" x2="{high}" y1="18" y2="18"/>'
        svg += "".join(f'<line class="whisker" x1="{v}" x2="{v}" y1="14" y2="22"/>' for v in (low, high))
    legend = ""
    for i, (what, value, text) in enumerate(meter.marks):
        shape = f'<path class="mark m{i % len(SHAPES)}" d="{SHAPES[i % len(SHAPES)]}"/>'
        svg += f'<svg x="{_percent(value, meter.top)}" y="6" overflow="visible">{shape}</svg>'
        legend += (
            f'<li><svg class="key" viewBox="-7 -7 14 14" aria-hidden="true">{shape}</svg>{_text(what)} '
            f"<b>{_text(text)}</b></li>"
        )
    compared = "; ".join(f"{what} {text}" for what, _, text in meter.marks)
    label = _text(f"{meter.title}: {meter.text}" + (f"; {compared}" if compared else ""))
    interval = f'<span class="interval">{_text(meter.interval_text)}</span>' if meter.interval_text else ""
    way = f'<span class="way">{DIRECTIONS[meter.better]}</span>' if meter.better else ""
    return (
        f'<article><div class="head"><h3>{_text(meter.title)}</h3>{way}</div><p>{_text(meter.meaning)}</p>'
        f'<div class="value"><b>{_text(meter.text)}</b>{interval}</div>'
        + (
            f'<svg class="meter" role="img" aria-label="{label}">{svg}</svg><ul>{legend}</ul>'
            if legend
            else ""
        )
        + (f"<small>{_text(meter.note)}</small>" if meter.note else "")
        + "</article>"
    )


def _bars(bars: Bars) -> str:
    top, n = max([*bars.values, 1e-12]), max(len(bars.values), 1)
    step, gap = 100 / n, min(0.25, 8 / n)
    drawn = ""
    for i, value in enumerate(bars.values):
        x, width, height = i * step + step * gap / 2, step * (1 - gap), 100 * value / top
        drawn += (
            f'<rect class="bar" x="{x:.3f}%" width="{width:.3f}%" y="{100 - height:.2f}%" '
            f'height="{height:.2f}%"/>'
        )
    label = _text(f"{bars.title}: {len(bars.values)} bars, the largest {top:.3g} {bars.unit}")
    return (
        f'<article class="wide"><div class="head"><h3>{_text(bars.title)}</h3>'
        f'<span class="way">tallest: {top:.3g} {_text(bars.unit)}</span></div>'
        f'<p>{_text(bars.caption)}</p><svg class="bars" role="img" '
        f'aria-label="{label}">{drawn}</svg></article>'
    )


STYLE = """
:root{--paper:#fbfaf8;--card:#fff;--ink:#1d1f24;--soft:#5c616b;--line:#e4e2dd;--track:#ece9e4;--bar:#2f6db3;--whisker:#0d2747;
--m0:#c2540a;--m1:#6b7280;--m2:#0f8a6a;--m3:#8a4fa3;--m4:#a8870b}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1d2026;--ink:#e9e8e5;--soft:#a3a8b2;--line:#30343c;--track:#2c3038;
--bar:#5b9be0;--whisker:#e8f1fc;--m0:#f39a4a;--m1:#b4bac5;--m2:#49c9a2;--m3:#c99be0;--m4:#e3c84e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:clamp(1.6rem,4.5vw,2.3rem);line-height:1.2;letter-spacing:-.02em;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;letter-spacing:-.01em;margin:2.75rem 0 .35rem}
h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.25rem 0 .6rem;color:var(--soft);max-width:44rem}
.lead{font-size:1.05rem}
dl{display:flex;flex-wrap:wrap;gap:.75rem 2rem;margin:1.25rem 0 0;padding:1rem 0;border:solid var(--line);border-width:1px 0}
dt{font-size:.8rem;color:var(--soft)}dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
section{display:grid;gap:.9rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr))}
section>h2,section>.intro,section>.figures{grid-column:1/-1}section>.intro{margin-top:-.6rem}
.figures{display:flex;flex-wrap:wrap;gap:1.25rem}
.many{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr))}
figure{margin:0;flex:1 1 17rem;min-width:0}
.print{background:#fff;border:1px solid var(--line);border-radius:8px;padding:2px}
img{display:block;width:100%;height:auto;border-radius:6px}
figcaption{margin-top:.45rem;font-size:.9rem;color:var(--soft);max-width:44rem}
article{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.1rem;display:flex;flex-direction:column}
.head{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.1rem .75rem;align-items:baseline}
.way{font-size:.82rem;color:var(--soft);white-space:nowrap}
article p{font-size:.92rem;line-height:1.45}
.value{margin-top:auto;display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .7rem;font-variant-numeric:tabular-nums}
.value b{font-size:1.55rem;letter-spacing:-.01em}.interval{color:var(--soft);font-size:.88rem}
.meter{display:block;width:100%;height:26px;margin:.15rem 0 .35rem;overflow:visible}
.wide{grid-column:1/-1}
.bars{display:block;width:100%;height:110px;border-bottom:1px solid var(--line);margin-top:auto}
.track{fill:var(--track)}.bar{fill:var(--bar)}.whisker{stroke:var(--whisker);stroke-width:1.6}
.mark{stroke:var(--card);stroke-width:1}.m0{fill:var(--m0)}.m1{fill:var(--m1)}.m2{fill:var(--m2)}.m3{fill:var(--m3)}.m4{fill:var(--m4)}
ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.88rem;color:var(--soft)}
figcaption b{color:var(--ink)}
.prose{grid-column:1/-1}.prose p{color:var(--ink);margin:.25rem 0 .8rem}
.points{grid-column:1/-1;display:block;list-style:disc;padding-left:1.2rem;font-size:.95rem;max-width:44rem}
li b{color:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
.key{width:12px;height:12px;margin-right:.35rem;vertical-align:-1px}
small{display:block;margin-top:.45rem;font-size:.8rem;line-height:1.4;color:var(--soft)}
@media print{body{background:#fff}article,figure{break-inside:avoid}}
"""  # noqa: E501
