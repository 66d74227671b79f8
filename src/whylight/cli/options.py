"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whylight.errors import BadInput


def obtainable(name: str | None) -> str | None:
    """The same name of a model, once it is known that it is here or can be fetched: said at once where it is not.

    Raises:
        BadInput: it is nowhere to be had.
    """
    if name:
        from whylight.models.network import refuse_unreachable

        refuse_unreachable(name)
    return name


Prompts = Annotated[
    list[str] | None,
    typer.Option("--prompt", "-p", help="What to look for, or a class name or number; may repeat.", show_default=False),
]
RatherThan = Annotated[
    str | None,
    typer.Option("--rather-than", help="Why each prompt rather than this one: the difference.", show_default=False),
]
Like = Annotated[
    str | None,
    typer.Option("--like", help="Another picture, instead of prompts: what makes it like that.", show_default=False),
]
Patch = Annotated[
    str | None, typer.Option("--patch", metavar="ROW,COLUMN", help="Of that picture this patch.", show_default=False)
]
Negative = Annotated[bool, typer.Option("--negative", help="What speaks against each prompt or class.")]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="scenes, scenes-siglip, openclip:NAME/TAG, timm:NAME, torchvision:NAME, hf:ID, ...",
        callback=obtainable,
    ),
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
ValueRange = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="BLACK WHITE", help="Of floats and of greys of more than 8 bits: 0 4095.", show_default=False),
]
Large = Annotated[bool, typer.Option("--large", help="Take a size of more than 16,384 tokens.")]
Words = Annotated[
    bool,
    typer.Option("--words", help='What each word of each prompt adds; phrases: "(a red ring) and (a blue star)".'),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="Clean prompts of what this prompt says, too; may repeat.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, with the raw relevance, instead of a table.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write one self-contained page there, too.")]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--methods",
        "--method",
        help="Between commas, options after colons: legrad,legrad:start_layer=-2; or all; may repeat.",
        show_default="legrad",
    ),
]
EngineName = Annotated[str, typer.Option(help="local, torchrun (or Slurm) or ray.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that decode; 0: a thread beside the model.")]
Address = Annotated[str | None, typer.Option(help="Of a Ray cluster; default: one is started here.")]
Actors = Annotated[int, typer.Option(min=1, help="Ray's processes that hold the model.")]
Gpus = Annotated[float, typer.Option(min=0, help="GPUs of each of them.")]
Batch = Annotated[int, typer.Option(min=1, help="Pictures explained at once.")]

DEFAULT_OUT = Path("whylight-out")


def methods_of(given: list[str] | None) -> str:
    """All that ``--methods`` was given, between commas."""
    return ",".join(given or ["legrad"])


def one_of(name: str, value: str | None, words: tuple[str, ...]) -> None:
    """Check an option.

    Raises:
        BadInput: it is none of the words.
    """
    if value is not None and value not in words:
        raise BadInput(f"{name} is one of {', '.join(words)}, not {value!r}")
