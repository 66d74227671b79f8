"""The page of a run of maps: one HTML file with its pictures beside it, and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from whylight.evaluation.estimates import Estimate
from whylight.reports.map_run import MapRun
from whylight.reports.maps_audit import FIGURES, Line
from whylight.runs.files import write_file

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .7rem; border-bottom: 1px solid #ddd }
td + td, th + th { text-align: right } img { max-width: 100% } h1, h2 { font-weight: 600 }
"""


def write_page(
    run: MapRun, method: str, tables: Mapping[str, Sequence[Line]], figures: Sequence[Path], out: Path
) -> Path:
    """Write ``index.html``.

    Returns:
        Its path.
    """
    settings = run.settings
    parts = [f"<h1>{escape(settings.model)}, {escape(method)}</h1>", _statuses(run)]
    parts += [_table(name, lines) for name, lines in tables.items()]
    parts += [f'<h2>{escape(p.stem.replace("-", " "))}</h2><img src="{escape(p.name)}" alt="">' for p in figures]
    title = escape(f"Maps of {settings.model}")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    path = out / "index.html"
    write_file(path, head + "\n".join(parts) + "</html>\n")
    return path


def _statuses(run: MapRun) -> str:
    rows = [f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>" for name, count in run.statuses.most_common()]
    return f"<table><tr><th>status</th><th>pictures</th></tr>{''.join(rows)}</table>"


def _table(name: str, lines: Sequence[Line]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in ("", "pictures", *FIGURES.values()))
    rows = []
    for line in lines:
        cells = "".join(f"<td>{_interval(line.figures[figure])}</td>" for figure in FIGURES)
        rows.append(f"<tr><td>{escape(line.name)}</td><td>{line.pictures:,}</td>{cells}</tr>")
    note = "Means over rows, with 95 % intervals over pictures. The area inside is what looking anywhere would give."
    return f"<h2>Where the model looks, {escape(name)}</h2><table><tr>{head}</tr>{''.join(rows)}</table><p>{note}</p>"


def _interval(figure: Estimate) -> str:
    return f"{float(figure.value):.1f} [{float(figure.low):.1f}, {float(figure.high):.1f}]"
