"""``whylight explain``: pictures and prompts in, a figure for each picture out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whylight.cli.files import OutputFolder
from whylight.cli.options import DEFAULT_OUT, Device, Json, Large, Model, Out, Precision, Prompts, Size, Without, Words
from whylight.cli.printing import print_error, print_json, print_table, progress
from whylight.cli.sources import parse_size, pictures_and_targets
from whylight.errors import BadInput

ENOUGH = 4096
"""Pixels of a side beyond which a figure shows no more; numbers (``--json``) are of the whole picture."""

if TYPE_CHECKING:
    from whylight.pictures.explanation import Explanation


def explain(
    pictures: Annotated[
        list[str] | None, typer.Argument(help="Files, folders or globs.", show_default="a bundled scene")
    ] = None,
    prompt: Prompts = None,
    model: Model = "scenes",
    method: Annotated[str, typer.Option(help="One of `whylight list methods`.")] = "legrad",
    out: Out = DEFAULT_OUT,
    device: Device = None,
    precision: Precision = None,
    start_layer: Annotated[
        int | None, typer.Option(help="First layer that the method sums over; negative from the end.")
    ] = None,
    size: Size = None,
    large: Large = False,
    words: Words = False,
    words_seed: Annotated[int, typer.Option(help="Of the orders that are drawn for prompts of over 12 words.")] = 0,
    without: Without = None,
    text: Annotated[
        str | None,
        typer.Option(help="Colour the words of this text: a classifier's, or a prompt's that fits the picture."),
    ] = None,
    windows: Annotated[bool, typer.Option("--windows", help="Read a text too long for the model in pieces.")] = False,
    as_json: Json = False,
) -> None:
    """Light up the places in pictures that the answer to each prompt rests on."""
    from whylight.methods import find_method
    from whylight.models.load import load
    from whylight.pictures.explain import ask
    from whylight.pictures.read import read_picture

    options: dict[str, Any] = {} if start_layer is None else {"start_layer": start_layer}
    find_method(method).check_options(options)
    input_size = parse_size(size)
    folder = OutputFolder(out)
    view = load(model, device=device, precision=precision)
    if text is not None:
        if words or without:
            raise BadInput("--text colours words by the text's own side: leave --words and --without out")
        from whylight.cli.explain_text import explain_words

        how: dict[str, Any] = {"size": input_size, "large": large, "windows": windows, "as_json": as_json}
        if explain_words(view, text, pictures, prompt, method, options, folder, **how):
            raise typer.Exit(1)
        return
    sources, targets = pictures_and_targets(view, pictures, prompt, words=words, without=without)
    rows: list[tuple[str, ...]] = []
    records: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    with progress(len(sources)) as bar:
        for name, source in bar.track(sources.items(), description="explaining"):
            try:
                picture = read_picture(source, None if as_json else ENOUGH)
            except BadInput as error:
                print_error(f"skipped: {error}")
                skipped.append({"picture": name, "error": str(error)})
                continue
            result = ask(view, picture, targets, size=input_size, large=large).answer(
                method, words_seed=words_seed, **options
            )
            file = folder.write(Path(name).stem, picture, result.figure(), asked(result))
            rows += _rows(name, result, file)
            records.append({"picture": name, "file": str(file)} | result.to_dict())
    if as_json:
        print_json({"pictures": records, "skipped": skipped})
    elif rows:
        score = view.score_name
        print_table(("picture", "prompt", score, "logit", "figure"), rows, numbers=(score, "logit"))
    if skipped:
        raise typer.Exit(1)


def asked(result: Explanation) -> object:
    """What a figure shows of a picture: the same when the same is asked again."""
    return result.model, result.method, result.options, result.targets, result.input_size, *map(len, result.words)


def _rows(name: str, result: Explanation, file: Path) -> list[tuple[str, ...]]:
    scores = zip(result.targets, result.scores, result.logits, strict=True)
    rows: list[tuple[str, ...]] = []
    for number, (target, score, logit) in enumerate(scores):
        rows.append((Path(name).name, target, f"{score:.3f}", f"{logit:.2f}", str(file)))
        if result.words:
            shares = result.words[number]
            parts = zip(shares.words, shares.scores, strict=True)
            rows += [("", f"  {word.text}", f"{part:+.3f}", "", "") for word, part in parts]
            rows.append(("", "  (no word)", f"{shares.score_of_no_word:.3f}", "", ""))
    return rows
