"""``whylight explain``: pictures and prompts in, a figure for each picture out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whylight.cli.files import OutputFolder, section, write_page
from whylight.cli.options import (
    DEFAULT_OUT,
    Device,
    Html,
    Json,
    Large,
    Like,
    Model,
    Negative,
    Out,
    Patch,
    Precision,
    Prompts,
    RatherThan,
    Size,
    ValueRange,
    Without,
    Words,
)
from whylight.cli.printing import print_error, print_json, print_table, progress
from whylight.cli.sources import Wish, number_or_word, parse_size, pictures_and_targets
from whylight.errors import BadInput

ENOUGH = 4096
"""Pixels of a side beyond which a figure shows no more; numbers (``--json``) are of the whole picture."""

if TYPE_CHECKING:
    from PIL.Image import Image

    from whylight.models.raster import Raster
    from whylight.pictures.explanation import Explanation
    from whylight.pictures.read import PictureLike


def explain(
    pictures: Annotated[
        list[str] | None, typer.Argument(help="Files, folders or globs.", show_default="a bundled scene")
    ] = None,
    prompt: Prompts = None,
    rather_than: RatherThan = None,
    like: Like = None,
    patch: Patch = None,
    negative: Negative = False,
    model: Model = "scenes",
    method: Annotated[
        str, typer.Option(help="One of `whylight list methods`, with options: legrad:smooth=true.")
    ] = "legrad",
    out: Out = DEFAULT_OUT,
    device: Device = None,
    precision: Precision = None,
    start_layer: Annotated[
        int | None, typer.Option(help="First layer that the method sums over; negative from the end.")
    ] = None,
    layer: Annotated[int | None, typer.Option(help="Of the method: which layer; negative from the end.")] = None,
    head: Annotated[str | None, typer.Option(help="Of raw_attention and rollout: a head, mean or max.")] = None,
    size: Size = None,
    large: Large = False,
    value_range: ValueRange = None,
    words: Words = False,
    words_seed: Annotated[int, typer.Option(help="Of the orders that are drawn for prompts of over 12 words.")] = 0,
    without: Without = None,
    video: Annotated[
        Path | None, typer.Option(help="Write a video of all frames here.", show_default="for videos, one in --out")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Only each so-many-th frame.")] = 1,
    fps: Annotated[
        float | None, typer.Option(min=0.1, help="Frames per second.", show_default="the video's; 12 for pictures")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="Colour the words of this text: a classifier's, or a prompt's that fits the picture."),
    ] = None,
    pair: Annotated[str | None, typer.Option(help="A second text, which is read together with --text.")] = None,
    windows: Annotated[bool, typer.Option("--windows", help="Read a text too long for the model in pieces.")] = False,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Light up the places in pictures that the answer to each prompt rests on."""
    from whylight.evaluation.method_choices import one_method
    from whylight.models.load import load
    from whylight.pictures.explain import ask
    from whylight.pictures.look import read_for
    from whylight.pictures.video import is_video

    given = {"start_layer": start_layer, "layer": layer, "head": None if head is None else number_or_word(head)}
    method, options = one_method(method, given)
    input_size = parse_size(size)
    folder = OutputFolder(out)
    sections: list[str] = []
    wish = Wish(prompt, rather_than, like, patch, negative, words, tuple(without or ()))
    view = load(model, device=device, precision=precision)
    if pair is not None and text is None:
        raise BadInput("--pair is the second text of a pair: give the first as --text")
    if text is not None:
        if words or without:
            raise BadInput("--text colours words by the text's own side: leave --words and --without out")
        from whylight.cli.explain_text import explain_words

        how: dict[str, Any] = {"size": input_size, "large": large, "windows": windows, "as_json": as_json}
        asked_text = text if pair is None else (text, pair)
        left_out = explain_words(view, asked_text, pictures, wish, method, options, folder, sections, **how)
        _write_page(html, method, view.name, sections)
        if left_out:
            raise typer.Exit(1)
        return
    if video is not None or any(map(is_video, pictures or ())):
        from whylight.cli.video import explain_video

        if words or html is not None:
            raise BadInput("a video shows maps, frame by frame: leave --words and --html out")
        film: dict[str, Any] = {"size": input_size, "large": large, "value_range": value_range, "as_json": as_json}
        place = video or folder.folder / f"{Path((pictures or [''])[0]).stem}.mp4"
        if not explain_video(view, pictures or (), wish, method, options, place, every=every, fps=fps, **film):
            raise typer.Exit(1)
        return
    sources, targets = pictures_and_targets(view, pictures, wish, input_size, value_range)
    seen: dict[str, Any] = {"negative": negative and targets is None, "size": input_size, "large": large}

    def answer(picture: PictureLike | Raster) -> Explanation:
        return ask(view, picture, targets, **seen).answer(method, words_seed=words_seed, **options)

    pages = None if html is None else sections
    told = _Told(folder, score=view.score_name)
    # Where figures alone are wanted, no more pixels than they show.
    read = partial(read_for, view.channels, value_range=value_range, enough=None if as_json else ENOUGH)
    told.tell(sources, read, answer, pages)
    _write_page(html, method, view.name, sections)
    told.print(as_json)
    if told.skipped:
        raise typer.Exit(1)


@dataclass
class _Told:
    """What is told of pictures, one after the other."""

    folder: OutputFolder
    score: str
    rows: list[tuple[str, ...]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)

    def tell(
        self,
        sources: Mapping[str, PictureLike],
        read: Callable[[PictureLike], Image | Raster],
        answer: Callable[[Image | Raster], Explanation],
        sections: list[str] | None,
    ) -> None:
        """Explain each picture and write its figure; one that cannot be read is skipped, with a line.

        Args:
            sections: get a card of each, where a page is wanted.
        """
        with progress(len(sources)) as bar:
            for name, source in bar.track(sources.items(), description="explaining"):
                try:
                    picture = read(source)
                except BadInput as error:
                    print_error(f"skipped: {error}")
                    self.skipped.append({"picture": name, "error": str(error)})
                    continue
                result = answer(picture)
                file = self.folder.write(Path(name).stem, result.picture, result.figure(), asked(result))
                self.score = result.score_name
                self.rows += _rows(name, result, file)
                self.records.append({"picture": name, "file": str(file)} | result.to_dict())
                if sections is not None:
                    sections.append(section(name, result.card()))

    def print(self, as_json: bool) -> None:
        if as_json:
            print_json({"pictures": self.records, "skipped": self.skipped})
        elif self.rows:
            columns = ("picture", "prompt", self.score, "logit", "figure")
            print_table(columns, self.rows, numbers=(self.score, "logit"))


def _write_page(html: Path | None, method: str, model: str, sections: list[str]) -> None:
    if html is not None and sections:
        from whylight.pictures.page import escape
        from whylight.text.html import STYLE

        title = f"{method}, {model}"
        write_page(html, title, f"<h1>{escape(title)}</h1>{''.join(sections)}", STYLE)


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
