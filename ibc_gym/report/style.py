"""The look of a page: one style sheet, light and dark, for screens and phones, and the document around it."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #fbfaf8; --card: #ffffff; --ink: #1d2330; --soft: #5d6675; --rule: #e3e1dc; --wash: #f3f1ec;
  --good: #1b7f4d; --bad: #b3402a;
  --c0: #1f6feb; --c1: #d9670c; --c2: #178a6a; --c3: #a0359c; --c4: #8a6d00; --c5: #c22f4e; --c6: #3d7f9b; --c7: #6b5bd2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171d; --card: #1b1f27; --ink: #e7e9ee; --soft: #9aa3b2; --rule: #2e343f; --wash: #232833;
    --good: #57c88f; --bad: #f0866c;
    --c0: #6ea8ff; --c1: #ffa057; --c2: #4fcaa4; --c3: #e07fdb; --c4: #dcbb45; --c5: #ff7d95; --c6: #7fc4e0; --c7: #a99bff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: clamp(1.6rem, 4.5vw, 2.2rem); line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 .35rem; text-wrap: balance; }
h2 { font-size: 1.3rem; letter-spacing: -0.01em; margin: 3rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p { max-width: 42rem; margin: .4rem 0 .9rem; }
.soft, figcaption, .label { color: var(--soft); }
.lead { font-size: 1.05rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .86em; }
code { overflow-wrap: anywhere; }
pre {
  background: var(--wash); border-radius: 8px; padding: .8rem 1rem; margin: .5rem 0; overflow-x: auto;
  line-height: 1.45; max-height: 24rem;
}
.scroll { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .93rem; }
caption { text-align: left; font-weight: 600; padding: 0 0 .35rem; }
th, td { text-align: right; padding: .5rem .8rem; border-bottom: 1px solid var(--rule); white-space: nowrap; vertical-align: middle; }
th { color: var(--soft); font-weight: 500; font-size: .84rem; border-bottom-color: var(--soft); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td:last-child, th:last-child { padding-right: 0; }
td.words, th.words { text-align: left; white-space: normal; min-width: 9rem; }
td.plot, th.plot { width: 13.5rem; min-width: 11rem; text-align: left; }
td small { color: var(--soft); }
.aside { margin-left: .5em; font-weight: 400; color: var(--soft); } td .aside { display: block; margin-left: 1.5em; }
td strong { font-size: 1.05em; }
.good { color: var(--good); } .bad { color: var(--bad); }
.swatch { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .5em; background: var(--series); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 1rem 1.2rem 1.1rem; min-width: 0; }
.card h3 { margin: 0 0 .6rem; }
dl { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: .3rem .9rem; margin: 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .7rem 0 0; } summary { cursor: pointer; color: var(--soft); font-size: .92rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16.5rem), 1fr)); gap: .4rem 1.2rem; }
figure { margin: 0; }
figcaption { font-size: .86rem; margin: .5rem 0 .15rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-family: inherit; font-size: 11px; fill: var(--soft); }
.landscape svg { overflow: hidden; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)); gap: .6rem 1.2rem; }
.strip { overflow-x: auto; border-radius: 8px; margin: 0 0 .3rem; }
.strip img { display: block; width: 100%; min-width: 46rem; height: auto; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; font-size: .88rem; color: var(--soft); margin: .2rem 0 .6rem; padding: 0; list-style: none; }
.key svg { display: inline-block; width: 14px; height: 14px; vertical-align: -2px; margin-right: .4em; }
.held { stroke-dasharray: 5 3; } .wide { max-width: 24rem; }
.grid { stroke: var(--rule); fill: none; } .tick { stroke: var(--rule); fill: none; }
.line { stroke: var(--series); fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.mark { stroke: var(--series); fill: var(--card); stroke-width: 2; }
.interval { min-width: 11rem; } .whisker { stroke: var(--series); stroke-width: 3; stroke-linecap: round; opacity: .55; } .dot { fill: var(--series); } .dot.held { fill: var(--card); stroke: var(--series); stroke-dasharray: none; }
.level { fill: none; stroke: #fff; stroke-opacity: .55; stroke-width: .8; }
.frame { fill: none; stroke: var(--rule); }
.chosen { fill: none; stroke: #ff4d3d; stroke-width: 2.6; } .oracle { stroke: #fff; stroke-width: 2; fill: none; } .halo { stroke: #111; stroke-width: 4.5; fill: none; }
.candidate { fill: #fff; fill-opacity: .8; } .key .candidate { fill: var(--ink); }
.key .oracle { stroke: var(--ink); }
.series-0 { --series: var(--c0); } .series-1 { --series: var(--c1); } .series-2 { --series: var(--c2); } .series-3 { --series: var(--c3); }
.series-4 { --series: var(--c4); } .series-5 { --series: var(--c5); } .series-6 { --series: var(--c6); } .series-7 { --series: var(--c7); }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .88rem; }
@media (max-width: 34rem) {
  main { padding: 1.5rem 1rem 3rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
}
@media print { body { background: #fff; } details > * { display: block; } }
"""


def document(title: str, body: str) -> str:
    """A page that is complete in itself.

    Args:
        title: Plain text.
        body: HTML.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def write_page(out: Path, page: str) -> Path:
    """Write a page whole or not at all; one that is there is replaced."""
    passing = out.with_name(f".{out.name}-{os.getpid()}")
    passing.write_text(page, encoding="utf-8")
    return passing.replace(out)
