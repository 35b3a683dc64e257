"""Pages that open from disk: one HTML file, with its style, pictures and sounds inside it."""

import base64
import html
from collections.abc import Iterable, Sequence

STYLE = """
:root { --ink: #1d2733; --soft: #5b6776; --line: #dde3ea; --blue: #2563c9; --paper: #fff; --wash: #f6f8fa; }
* { box-sizing: border-box; }
body { font: 15px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 1180px; padding: 28px 24px 80px; }
h1 { font-size: 27px; margin: 0 0 6px; } h2 { font-size: 20px; margin: 46px 0 6px; }
h3 { font-size: 16px; margin: 22px 0 6px; } p { max-width: 78ch; margin: 6px 0 12px; } .soft { color: var(--soft); }
.verdict { font-size: 18px; border-left: 4px solid var(--blue); padding: 4px 0 4px 14px; margin: 14px 0; }
.warn { background: #fff6e5; border: 1px solid #f0d9a8; border-radius: 6px; padding: 8px 14px; max-width: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 10px 0 16px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 11px; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--line); text-align: right; }
th { background: var(--wash); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
th.reason { text-align: left; } td.reason { white-space: normal; text-align: left; max-width: 70ch; }
td small { color: var(--soft); display: block; line-height: 1.2; font-size: 12px; }
td.good { color: #1f7a45; } td.bad { color: #b3372a; }
svg { max-width: 100%; height: auto; } img { width: 100%; height: auto; display: block; }
.item { border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px 16px; margin: 14px 0; }
.item h3 { margin: 0 0 4px; } .players { display: flex; flex-wrap: wrap; gap: 14px; margin: 8px 0; }
.players label { flex: 1 1 220px; color: var(--soft); font-size: 13px; }
audio { width: 100%; height: 36px; display: block; }
details > summary { cursor: pointer; color: var(--blue); margin: 8px 0; } #items th { cursor: pointer; }
nav a { color: var(--blue); text-decoration: none; margin-right: 16px; }
@media print { details > * { display: block; } audio { display: none; } }
"""


def document(title: str, body: str, *, script: str = "") -> str:
    """A whole page.

    Args:
        title: plain text; it stands above the page too.
        body: HTML that refers to nothing outside itself.
        script: JavaScript.

    Returns:
        HTML.
    """
    text = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{text}</h1>{body}" + (f"<script>{script}</script>" if script else "") + "</body></html>\n"
    )


def sections(parts: Iterable[tuple[str, str, str]]) -> str:
    """Links to the parts of a page, and the parts.

    Args:
        parts: anchor, title and HTML of each; those without content are left out.

    Returns:
        HTML.
    """
    shown = [part for part in parts if part[2]]
    links = "".join(f'<a href="#{anchor}">{html.escape(title)}</a>' for anchor, title, _ in shown)
    return f"<nav>{links}</nav>" + "".join(
        f'<h2 id="{anchor}">{html.escape(title)}</h2>{content}' for anchor, title, content in shown
    )


def facts(entries: dict[str, str]) -> str:
    """A list of labels and what stands behind them, of plain text."""
    lines = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(value)}</dd>" for key, value in entries.items())
    return f"<dl>{lines}</dl>"


def png_source(png: bytes) -> str:
    """A PNG as the source of an `<img>`."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, anchor: str = "", classes: Sequence[str] = ()
) -> str:
    """An HTML table of plain text.

    Args:
        header: names of the columns.
        rows: cells.
        anchor: its id.
        classes: of the columns, where they have one.

    Returns:
        HTML that scrolls sideways where it has to.
    """
    kinds = list(classes) + [""] * (len(header) - len(classes))
    head = "".join(f'<th class="{kind}">{html.escape(cell)}</th>' for cell, kind in zip(header, kinds))
    lines = "".join("<tr>" + "".join(_td(cell, kind) for cell, kind in zip(row, kinds)) + "</tr>" for row in rows)
    name = f' id="{anchor}"' if anchor else ""
    return f'<div class="wide"><table{name}><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _td(cell: str, kind: str) -> str:
    text = html.escape(cell)
    figure, bracket, rest = text.partition(" [")  # an interval is read after its mean
    if bracket and rest.endswith("]"):
        text = f"{figure} <small>[{rest}</small>"
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"
