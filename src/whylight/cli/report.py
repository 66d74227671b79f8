"""``whylight report``: tables and pictures of one or many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whylight.cli.options import Html
from whylight.cli.printing import terminal
from whylight.errors import BadInput, need_installed


def report(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs, finished or not.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the report. Default: report in the first run's.")] = None,
    method: Annotated[
        str | None, typer.Option(help="Method of class bars and contact sheets. Default: the best.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Put published figures beside the measured ones.")] = False,
    group_by: Annotated[
        str | None, typer.Option(help="Of maps: compare the values of a column that the run kept.")
    ] = None,
    html: Html = None,
) -> None:
    """Compare runs, without running any model: tables, bars, curves, best and worst pictures."""
    need_installed("pyarrow", extra="evaluation")
    from whylight.evaluation.published import figures_for
    from whylight.reports.map_run import is_map_run, load_run
    from whylight.reports.maps import write_map_report
    from whylight.reports.report import write_report, write_report_page
    from whylight.reports.summary import summarize
    from whylight.reports.tables import terminal_table

    console = terminal()
    if maps := [folder for folder in folders if is_map_run(folder)]:
        if len(folders) > 1:
            raise BadInput(f"{maps[0]} holds maps: a report of maps is about one run")
        place = out or maps[0] / "report"
        written = write_map_report(load_run(maps[0]), place, method=method, group_by=group_by, page=html)
        print(f"written: {written}")
        return
    if group_by is not None:
        raise BadInput("--group-by is for runs of maps (`whylight run`)")
    summaries = [summarize(folder) for folder in folders]
    for summary in summaries:
        if method is not None and method not in summary.settings.methods:
            raise BadInput(f"{summary.folder} has no method {method!r}: {', '.join(summary.settings.methods)}")
        published = figures_for(summary.settings.benchmark, summary.settings.model) if compare else {}
        console.print(terminal_table(summary, published, console.width))
    if html is not None:
        write_report_page(summaries, html, method, compare)
    written = write_report(summaries, out or folders[0] / "report", method, compare)
    print(f"written: {written}")
