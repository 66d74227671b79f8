"""``whylight attention``: where a patch, or the output, looks in one layer: a figure of all heads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whylight.cli.files import OutputFolder
from whylight.cli.options import DEFAULT_OUT, Device, Json, Large, Model, Out, Precision, Size, ValueRange
from whylight.cli.printing import print_json, print_table
from whylight.cli.sources import one_picture, parse_patch, parse_size


def attention(
    picture: Annotated[str | None, typer.Argument(help="A file.", show_default="a bundled scene")] = None,
    layer: Annotated[int, typer.Option(help="Which one; negative from the end.")] = -1,
    query: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW,COLUMN", help="The patch that looks; may repeat.", show_default="the output"),
    ] = None,
    model: Model = "scenes",
    out: Out = DEFAULT_OUT,
    device: Device = None,
    precision: Precision = None,
    size: Size = None,
    large: Large = False,
    value_range: ValueRange = None,
    as_json: Json = False,
) -> None:
    """Draw what every head of a layer looks at from a patch, or from where the output is read."""
    from whylight.models.load import load
    from whylight.pictures.attention import attention_of
    from whylight.pictures.look import look

    queries = [patch for patch in map(parse_patch, query or ()) if patch is not None]
    input_size = parse_size(size)
    folder = OutputFolder(out)
    view = load(model, device=device, precision=precision)
    name, source = one_picture(picture)
    seen = attention_of(
        look(view, source, size=input_size, large=large, value_range=value_range), layer, queries or None
    )
    rows, records = [], []
    for index, patch in enumerate(seen.queries):
        said = "the output" if patch is None else f"patch {patch[0]},{patch[1]}"
        asked = view.name, "attention", seen.layer, patch, input_size
        file = folder.write(f"{Path(name).stem}-attention", seen.picture, seen.figure(index), asked)
        rows.append((Path(name).name, str(seen.layer), said, str(file)))
        by_head, elsewhere = seen.by_head[index].tolist(), seen.elsewhere[index].tolist()
        records.append({"query": said, "file": str(file), "heads": by_head, "elsewhere": elsewhere})
    if as_json:
        print_json({"picture": name, "model": view.name, "layer": seen.layer, "queries": records})
    else:
        print_table(("picture", "layer", "query", "figure"), rows)
