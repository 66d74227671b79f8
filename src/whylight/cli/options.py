"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Prompts = Annotated[
    list[str] | None,
    typer.Option("--prompt", "-p", help="What to look for, or a class name or number; may repeat.", show_default=False),
]
Model = Annotated[
    str, typer.Option("--model", "-m", help="scenes, scenes-siglip, openclip:NAME/TAG, timm:NAME, hf:ID, ...")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the figures.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, mps.", show_default="cpu")]
Precision = Annotated[str | None, typer.Option(help="float32, bfloat16, float16, float64.", show_default="float32")]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="N|HxW",
        help="Input size in pixels: N for the shorter side of the whole picture, HxW for a fixed shape.",
        show_default="the model's own",
    ),
]
Large = Annotated[bool, typer.Option("--large", help="Take a size of more than 16,384 tokens.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, with the raw relevance, instead of a table.")]

DEFAULT_OUT = Path("whylight-out")
