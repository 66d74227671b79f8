"""``whylight ask``: a picture and a question in, the answer and where its words come from out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whylight.cli.files import OutputFolder
from whylight.cli.options import DEFAULT_OUT, Device, Json, Out, Precision, obtainable
from whylight.cli.printing import print_json, print_note, print_table

if TYPE_CHECKING:
    from whylight.answers import Answer


def ask(
    picture: Annotated[str, typer.Argument(help="A file; - for a question without a picture.")],
    question: Annotated[str, typer.Argument(help="What to ask.")],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="scenes-answers, hf:ID, hf:local-dir:PATH", callback=obtainable),
    ] = "scenes-answers",
    method: Annotated[str, typer.Option(help="keyflow, legrad, chefercam:tower=true, tam, ...")] = "keyflow",
    answer: Annotated[str | None, typer.Option(help="Explain this answer.", show_default="what the model says")] = None,
    rather_than: Annotated[str | None, typer.Option(help="Explain the answer's word rather than this one.")] = None,
    word: Annotated[
        list[str] | None, typer.Option("--word", "-w", help="Only this word or phrase; may repeat.", show_default="all")
    ] = None,
    longest: Annotated[int, typer.Option(min=1, help="At most so many tokens of a free answer.")] = 64,
    start_layer: Annotated[
        int | None, typer.Option(help="First layer that the method uses; negative from the end.")
    ] = None,
    tower: Annotated[bool, typer.Option("--tower", help="chefercam, rollout: go on through the tower.")] = False,
    smooth: Annotated[bool, typer.Option("--smooth", help="Spread relevance among patches that are alike.")] = False,
    out: Out = DEFAULT_OUT,
    device: Device = None,
    precision: Precision = None,
    as_json: Json = False,
) -> None:
    """Ask a model that answers in words, and see where each word of its answer comes from."""
    from whylight.answers.ask import ask
    from whylight.evaluation.method_choices import one_method
    from whylight.methods.answering.catalog import find_answer_method
    from whylight.models.load import load

    folder = OutputFolder(out)
    asked = {"start_layer": start_layer, "tower": tower or None, "smooth": smooth or None}
    method, options = one_method(method, asked, find_answer_method)
    view = load(model, device=device, precision=precision)
    result = ask(
        view,
        None if picture == "-" else picture,
        question,
        answer=answer,
        rather_than=rather_than,
        words=word,
        method=method,
        longest=longest,
        **options,
    )
    files = _write(folder, "answer" if picture == "-" else f"{Path(picture).stem}-answer", result)
    if as_json:
        print_json(result.to_dict() | {"files": [str(file) for file in files]})
        return
    print(result.text)
    if result.cut:
        print_note(f"cut after {longest} tokens: --longest takes more")
    print_table(("word", "probability", "from the picture", "picture's share"), _rows(result), numbers=("probability",))
    for file in files:
        print(file)


def _write(folder: OutputFolder, stem: str, result: Answer) -> list[Path]:
    """The figure, where there is a picture, and the page beside it under the same name."""
    if result.picture is None:
        return [result.save(folder.folder / f"{stem}.html")]
    figure = folder.write(stem, result.picture, result.figure())
    return [figure, result.save(figure.with_suffix(".html"))]


def _rows(result: Answer) -> list[tuple[str, ...]]:
    return [
        (
            said,
            f"{float(result.probabilities[i]):.3f}",
            "follows from the text" if result.follows(i) else f"{float(result.from_picture[i]):+.2f}",
            f"{float(result.picture_share[i]):.0%}",
        )
        for i, said in enumerate(result.words)
    ]
