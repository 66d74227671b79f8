"""``whylight compare``: methods side by side on one picture."""

from __future__ import annotations

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
from whylight.cli.printing import print_error, print_json, print_note, print_table, progress
from whylight.cli.sources import Wish, parse_size, pictures_and_targets
from whylight.errors import BadInput, MissingExtra, UnsupportedModel

if TYPE_CHECKING:
    from whylight.pictures.explanation import Explanation


def compare(
    picture: Annotated[str | None, typer.Argument(help="A file.", show_default="a bundled scene")] = None,
    prompt: Prompts = None,
    rather_than: RatherThan = None,
    like: Like = None,
    patch: Patch = None,
    negative: Negative = False,
    methods: Annotated[
        str | None,
        typer.Option(help="Between commas, with options: legrad,legrad:smooth=true", show_default="all"),
    ] = None,
    model: Model = "scenes",
    out: Out = DEFAULT_OUT,
    device: Device = None,
    precision: Precision = None,
    size: Size = None,
    large: Large = False,
    words: Words = False,
    without: Without = None,
    value_range: ValueRange = None,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Draw methods side by side: one row per prompt, one column per method, with times."""
    from whylight.models.load import load
    from whylight.pictures.comparison import comparison_figure
    from whylight.pictures.explain import ask

    chosen = _methods(methods)
    input_size = parse_size(size)
    folder = OutputFolder(out)
    wish = Wish(prompt, rather_than, like, patch, negative, words, tuple(without or ()))
    view = load(model, device=device, precision=precision)
    sources, targets = pictures_and_targets(view, [picture] if picture else None, wish, input_size, value_range)
    if len(sources) > 1:
        raise BadInput(f"compare takes one picture, and {picture} holds {len(sources)}")
    name, source = next(iter(sources.items()))
    seen: dict[str, Any] = {"size": input_size, "large": large, "value_range": value_range}
    question = ask(view, source, targets, negative=negative and targets is None, **seen)
    results: list[Explanation] = []
    refused: dict[str, str] = {}
    with progress(len(chosen)) as bar:
        for written, (method, options) in bar.track(chosen.items(), total=len(chosen), description="comparing"):
            try:
                results.append(question.answer(method, **options))
            except (UnsupportedModel, BadInput, MissingExtra) as error:
                refused[written] = str(error)
    for method, reason in refused.items():
        (print_error if methods else print_note)(f"without {method}: {reason}")
    if not results:
        raise BadInput(f"{view.name} can be explained by none of these methods")
    asked = view.name, [result.label for result in results], results[0].targets, results[0].input_size, words
    file = folder.write(f"{Path(name).stem}-methods", question.look.picture, comparison_figure(results), asked)
    if html is not None:
        from whylight.pictures.comparison import comparison_html

        write_page(html, f"Methods on {Path(name).name}", section(Path(name).name, comparison_html(results)))
    if as_json:
        print_json({"picture": name, "file": str(file), "methods": [r.to_dict() for r in results], "refused": refused})
    else:
        print_table(("method", "seconds"), [(r.label, f"{r.seconds:.3f}") for r in results], numbers=("seconds",))
        print(file)
    if methods and refused:
        raise typer.Exit(1)


def _methods(names: str | None) -> dict[str, tuple[str, dict[str, Any]]]:
    """The methods to show, as they were written, with their options: all, LeGrad first, or those named.

    Raises:
        UnknownName: no such method or option.
        BadInput: none named, or an option that does not fit.
    """
    from whylight.evaluation.method_choices import one_method
    from whylight.methods import methods

    if names is None:
        return {name: (name, {}) for name in sorted(methods(), key=lambda name: (name != "legrad", name))}
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not chosen:
        raise BadInput(f"no method named; there are: {', '.join(methods())}")
    return {name: one_method(name) for name in chosen}
