"""Things of the wrong kind, wherever they can be given: one line each, and no traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_views import classifier, dual_encoder
from zoo.text_classifier import text_classifier

import whylight
from whylight.errors import BadInput, WhylightError

PICTURE = Image.new("RGB", (40, 40), "red")
PIXELS = torch.rand(1, 3, 32, 32)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("legrad", {"start_layer": "x"}, "start_layer='x' must be a whole number"),
        ("legrad", {"start_layer": 1.5}, "a whole number"),
        ("legrad", {"start_layer": None}, "a whole number"),
        ("legrad", {"start_layer": True}, "a whole number"),
        ("legrad", {"libra": "yes"}, "libra='yes' must be True or False"),
        ("legrad", {"score": "sine"}, "score='sine' must be one of cosine, dot or None"),
        ("legrad", {"score": 3}, "one of cosine, dot or None"),
        ("decomposition", {"heads": "01"}, "a list, each of it a whole number"),
        ("decomposition", {"heads": [0, None]}, "a list, each of it a whole number"),
        ("decomposition", {"contrast": 1}, "contrast=1 must be one of targets, classes or a Tensor or None"),
        ("integrated_gradients", {"steps": 10**12}, "steps must be 2 to 1,000"),
        ("beyond_intuition", {"steps": 0}, "steps must be 1 to 1,000"),
        (None, {}, "method: name=None must be a string"),
        (["legrad"], {}, "a string"),
    ],
)
def test_options_are_of_the_type_of_their_hints(method: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as error:
        whylight.relevance(classifier(), PIXELS, 0, method, **options)
    assert said in str(error.value)


def test_numbers_of_numpy_are_numbers() -> None:
    view = classifier()
    asked = whylight.relevance(view, PIXELS, 0, start_layer=np.int64(1))
    assert asked.equal(whylight.relevance(view, PIXELS, 0, start_layer=1))


def refuse_pictures(view: Any) -> list[Callable[[], object]]:
    wrong: list[Any] = [None, 3, "x", [PIXELS[0], PIXELS[0]], PIXELS.to_sparse(), PIXELS.to(torch.float8_e4m3fn)]
    wrong += [torch.quantize_per_tensor(PIXELS, 0.1, 0, torch.quint8), PIXELS.to("meta"), PIXELS.int(), PIXELS[0]]
    wrong += [PIXELS[:, :1], PIXELS[:0], PIXELS[..., :0], PIXELS.to(torch.complex64), {"input_ids": None}]
    return [lambda pixels=pixels: whylight.relevance(view, pixels, 0) for pixels in wrong]


def calls() -> dict[str, Callable[[], object]]:
    view, clip, words = classifier(), dual_encoder(), text_classifier()
    sizes: list[Any] = ["96", (5,), 1.5, True, 0, -3, (0, 4), (32, 32, 32), [32, 32]]
    pictures: list[Any] = [None, 3, [PICTURE], b"", "", {}, np.array("a"), PIXELS]
    texts: list[Any] = [None, b"good", ["good", b"bad"], ("good", "bad", "ugly"), 3, "go\ud800od", "", np.array("good")]
    targets: list[Any] = [lambda output: output[:, :2], [None], {}, [1.5], [True], [[0], [1, 2]], b"lamp", "no such"]
    targets += [
        np.array(["lamp", None]),
        torch.eye(5).to_sparse(),
        torch.tensor([True]),
        [torch.rand(3), torch.rand(4)],
    ]
    found: dict[str, Callable[[], object]] = {
        "load(None)": lambda: whylight.load(None),  # type: ignore[arg-type]
        "load of a precision": lambda: whylight.load("scenes", precision=torch.int8),
        "load of a list": lambda: whylight.load("scenes", precision=["float32"]),  # type: ignore[arg-type]
        "load on 3.5": lambda: whylight.load("scenes", device=3.5),  # type: ignore[arg-type]
        "the number of a view": lambda: whylight.relevance(3, PIXELS, 0),  # type: ignore[arg-type]
        "a model, not a view": lambda: whylight.relevance(view.module, PIXELS, 0),  # type: ignore[arg-type]
        "fit": lambda: whylight.explain(view, PICTURE, fit="stretch"),  # type: ignore[arg-type]
        "fit of a list": lambda: whylight.explain(view, PICTURE, fit=[]),  # type: ignore[arg-type]
        "pieces": lambda: whylight.explain_text(words, "good", pieces="least"),  # type: ignore[arg-type]
        "windows": lambda: whylight.explain_text(words, "good", windows="yes"),  # type: ignore[arg-type]
        "a prompt of bytes": lambda: whylight.explain(clip, PICTURE, [b"a star"]),  # type: ignore[list-item]
        "half a character": lambda: whylight.explain(clip, PICTURE, "a \udcff star"),
        "a number as a prompt": lambda: whylight.explain(clip, PICTURE, 3.5),  # type: ignore[arg-type]
        "layers of text_span": lambda: whylight.text_span(clip, [PICTURE] * 2, ["a"], "x", 0),  # type: ignore[arg-type]
        "pictures of text_span": lambda: whylight.text_span(clip, None, ["a"], 0, 0),  # type: ignore[arg-type]
        "decompose": lambda: whylight.decompose(view, [PIXELS]),  # type: ignore[arg-type]
        "an unhashable option": lambda: whylight.Sessions(view, 10**6).record(PICTURE, pooling=["mean"]),
    }
    for given in (None, 3, type(view.module), print):
        found[f"explain({given})"] = lambda given=given: whylight.explain(given, PICTURE)
    for given in ("x", None, 1.5, True, 0):
        found[f"Sessions of {given!r}"] = lambda given=given: whylight.Sessions(view, given)
    for number, call in enumerate(refuse_pictures(view)):
        found[f"pixels {number}"] = call
    for kind, name, front, wrong in (
        ("size", "", lambda given: whylight.explain(view, PICTURE, size=given), sizes),
        ("picture", "", lambda given: whylight.explain(view, given), pictures),
        ("text", "", lambda given: whylight.explain_text(words, given), texts),
        ("target", "explain", lambda given: whylight.explain(view, PICTURE, given), targets),
        ("target", "relevance", lambda given: whylight.relevance(view, PIXELS, given), targets),
    ):
        for number, given in enumerate(wrong):
            found[f"{kind} {number} {name}"] = lambda front=front, given=given: front(given)
    return found


CALLS = calls()


@pytest.mark.parametrize("name", CALLS)
def test_one_line(name: str) -> None:
    with pytest.raises(WhylightError) as error:
        CALLS[name]()
    assert len(str(error.value).splitlines()) == 1


def test_names_in_an_array_are_names() -> None:
    view = classifier()
    assert whylight.explain(view, PICTURE, np.array(["lamp", "tiger cat"])).targets == ("lamp", "tiger cat")


def test_models_without_all_of_their_weights() -> None:
    view = classifier()
    view.module.head.to("meta")
    with pytest.raises(WhylightError, match=r"no values for head\.weight"):
        whylight.explain(view, PICTURE)
    eighth = classifier()
    eighth.module.head.to(torch.float8_e4m3fn)
    with pytest.raises(WhylightError, match="float8_e4m3fn"):
        whylight.explain(eighth, PICTURE)
