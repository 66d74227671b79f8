"""``whylight train``: the models that benchmarks need and that nobody distributes."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from whylight.errors import BadInput


class Trained(str, Enum):
    """What can be trained."""

    movie_reviews = "movie-reviews"
    scenes_answers = "scenes-answers"


def train(
    name: Annotated[Trained, typer.Argument(help="Which model.", metavar="movie-reviews|scenes-answers")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder of the model; hf:local-dir:OUT loads it, of scenes-answers OUT/model."
        ),
    ],
    data: Annotated[
        Path | None, typer.Option(help="movie-reviews: ERASER's movies folder, or its .tar.gz.", show_default=False)
    ] = None,
    start: Annotated[
        str, typer.Option(help="Checkpoint to start from: a name, a folder, hf:local-dir:FOLDER.")
    ] = "bert-base-uncased",
    tiny: Annotated[bool, typer.Option("--tiny", help="Start from a small BERT with random weights instead.")] = False,
    layers: Annotated[int, typer.Option(min=1, help="With --tiny: layers.")] = 1,
    width: Annotated[int, typer.Option(min=8, help="With --tiny: width of a token.")] = 64,
    vocabulary: Annotated[int, typer.Option(min=100, help="With --tiny: word pieces.")] = 8000,
    pieces: Annotated[int, typer.Option(min=8, help="Texts are cut after so many pieces.")] = 512,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of AdamW, falling to zero.", show_default="1e-5; with --tiny 2e-3")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Reviews in a step.", show_default="10; with --tiny 16")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many epochs; the best is kept.", show_default="10; with --tiny 8"),
    ] = None,
    patience: Annotated[int, typer.Option(min=1, help="Stop after so many epochs without a better one.")] = 10,
    seed: Annotated[int, typer.Option(help="Of weights and order.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many reviews of each class and part.")] = None,
    tower: Annotated[
        str, typer.Option(help="scenes-answers: whose picture tower; scenes or scenes-siglip.")
    ] = "scenes",
) -> None:
    """Train what benchmarks need.

    movie-reviews: a classifier as the paper did (defaults), or a small one from scratch, in minutes (--tiny).
    scenes-answers: the bundled model that answers in words, from --seed alone; stopped and started again, it continues.
    """
    if name is Trained.scenes_answers:
        from whylight.cli.train_answers import train_answers

        train_answers(out, seed, tower)
        return
    if data is None:
        raise BadInput("movie-reviews needs --data: ERASER's movies folder, or its .tar.gz")
    from rich.progress import Progress

    from whylight.cli.printing import print_note, print_table, terminal
    from whylight.errors import need, need_installed

    need_installed("transformers", "tokenizers", "accelerate", extra="text")
    from whylight.evaluation.training.movie_reviews import FROM_SCRATCH, Recipe, train
    from whylight.evaluation.training.tiny_bert import Size

    recipe = FROM_SCRATCH if tiny else Recipe(start)
    asked: dict[str, Any] = {"learning_rate": learning_rate, "batch_size": batch, "epochs": epochs}
    asked = {option: value for option, value in asked.items() if value is not None}
    size = Size(layers, width, vocabulary)
    recipe = replace(recipe, tiny=size, longest=pieces, patience=patience, seed=seed, limit=limit, **asked)
    need("transformers.utils", "text").logging.disable_progress_bar()
    with Progress(console=terminal(stderr=True), transient=True) as bar:
        task = bar.add_task(name.value, total=None)

        def told(done: int, total: int, figures: dict[str, float]) -> None:
            bar.update(task, completed=done, total=total)
            if "epoch" in figures:
                accuracy, loss = figures["eval_accuracy"], figures["eval_loss"]
                bar.console.print(f"epoch {figures['epoch']:g}: accuracy {accuracy:.1%}, loss {loss:.3f}")

        outcome = train(data, out, recipe, told)
    for review, reason in outcome.skipped.items():
        print_note(f"skipped {review}: {reason}")
    rows = [
        (part, str(count), f"{outcome.cut[part]}", f"{outcome.accuracy[part]:.1%}" if part in outcome.accuracy else "-")
        for part, count in outcome.reviews.items()
    ]
    print_table(("part", "reviews", f"longer than {pieces} pieces", "accuracy"), rows)
    print(f"{outcome.epochs:g} epochs; written: {out}")
