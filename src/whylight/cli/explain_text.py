"""``whylight explain --text``: words in, coloured words out; with a picture, both in one figure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whylight.cli.files import OutputFolder, section
from whylight.cli.printing import print_error, print_json, terminal
from whylight.cli.sources import Wish, pictures_and_targets
from whylight.errors import BadInput

if TYPE_CHECKING:
    from whylight.models.view import View
    from whylight.text import TextExplanation, TextLike

_STRONGEST = 10
_LETTERS = 20


def explain_words(
    view: View,
    text: TextLike,
    pictures: Sequence[str] | None,
    wish: Wish,
    method: str,
    options: Mapping[str, Any],
    folder: OutputFolder,
    sections: list[str],
    *,
    size: int | tuple[int, int] | None,
    large: bool,
    windows: bool,
    as_json: bool,
) -> int:
    """Explain a text, or prompts for pictures; print the words in colour, write HTML, JSON and figures.

    Args:
        text: the text or pair of a classifier, with classes as prompts; of a dual encoder one more prompt.
        sections: of a page; what is explained is added.

    Returns:
        How many pictures were skipped.

    Raises:
        BadInput: a picture for a text classifier.
    """
    from whylight.text import explain_text

    records: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    if view.classifies:
        if pictures:
            raise BadInput(f"{view.name} is a classifier: for words give --text and no picture")
        against = wish.negative and not wish.prompts
        read = explain_text(view, text, wish.targets(view), method, negative=against, windows=windows, **options)
        stem = _short(text, view.name, read.targets, method, dict(options), windows)
        records.append(_written(read, folder, stem, as_json))
        sections.append(read._repr_html_())
    else:
        if isinstance(text, tuple):
            raise BadInput(f"{view.name} reads one text; --pair is for text classifiers")
        if not wish.plain:
            raise BadInput("--text colours prompts as they are: leave --rather-than, --like and --negative out")
        wanted = [*(wish.prompts or ()), text]
        records, skipped = _pairs(view, pictures, wanted, method, options, folder, sections, size, as_json, large)
    if as_json:
        print_json({"texts": records, "skipped": skipped})
    return len(skipped)


def _pairs(
    view: View,
    names: Sequence[str] | None,
    prompts: Sequence[str],
    method: str,
    options: Mapping[str, Any],
    folder: OutputFolder,
    sections: list[str],
    size: int | tuple[int, int] | None,
    as_json: bool,
    large: bool,
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Every picture with every prompt: the picture's map and the prompt's words in one figure."""
    from whylight.pictures.explain import ask
    from whylight.pictures.read import read_picture
    from whylight.text import explain_text
    from whylight.text.figure import pair_figure

    records: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    sources, targets = pictures_and_targets(view, names, Wish(prompts))
    for name, source in sources.items():
        try:
            picture = read_picture(source)
        except BadInput as error:
            print_error(f"skipped: {error}")
            skipped.append({"picture": name, "error": str(error)})
            continue
        seen = ask(view, picture, targets, size=size, large=large).answer(method, **options)
        sections.append(section(name, seen.card()))
        for index, prompt in enumerate(seen.targets):
            read = explain_text(view, prompt, picture, method, **options)
            stem, asked = f"{Path(name).stem}-{_short(prompt)}", (view.name, method, dict(options), seen.input_size)
            figure = folder.write(stem, picture, pair_figure(seen, read, index), asked)
            sections.append(read._repr_html_())
            records.append(_written(read, folder, figure.stem, as_json) | {"picture": name, "figure": str(figure)})
            if not as_json:
                print(f"figure: {figure}")
    return records, skipped


def _written(read: TextExplanation, folder: OutputFolder, stem: str, as_json: bool) -> dict[str, Any]:
    """Write HTML and JSON, and show the words in colour."""
    files = [str(read.save(folder.folder / f"{stem}{ending}")) for ending in (".html", ".json")]
    if not as_json:
        terminal().print(read)
        for row, name in enumerate(read.targets):
            words = ", ".join(f"{word.text} {value:.3g}" for word, value in read.top(row, _STRONGEST))
            print(f"strongest for {name}: {words}")
        print(f"written: {', '.join(files)}")
    return read.to_dict() | {"files": files}


def _short(text: TextLike, *asked: object) -> str:
    """The first words of a text as a file name, and a digest that tells it from others, and from other questions."""
    words = [
        word[:_LETTERS]
        for word in re.findall(r"[a-z0-9]+", (text if isinstance(text, str) else " ".join(text)).lower())[:5]
    ]
    whole = repr((text, *asked)).encode("utf-8", "backslashreplace")
    return "-".join([*words, hashlib.sha256(whole).hexdigest()[:8]])
