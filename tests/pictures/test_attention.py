"""``whylight.attention``: rows of a layer's maps for patches of a picture, and the figure of all heads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_views import classifier, dual_encoder

import whylight
from whylight.attention import record_attention
from whylight.errors import BadInput
from whylight.models.view import View
from whylight.pictures.look import look
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture
WIDE = draw_scene(10**9 + 3, 64).picture[:32]


@pytest.fixture(scope="module", params=["classifier", "dual encoder"])
def view(request: pytest.FixtureRequest) -> View:
    return classifier() if request.param == "classifier" else dual_encoder()


def whole_map(view: View, picture: np.ndarray, layer: int, size: tuple[int, int]) -> torch.Tensor:
    """(heads, tokens, tokens), written out."""
    run = view.begin(look(view, picture, size=size).pixels)
    tokens = run.tokens
    with torch.no_grad():
        for block in run.blocks[: layer + 1]:
            with record_attention() as calls:
                tokens = block(tokens)
    return (calls[0].query @ calls[0].key.mT * calls[0].scale).softmax(-1)[0]


def test_rows_of_any_patch_of_a_picture_that_is_not_square(view: View) -> None:
    queries = [(0, 0), (3, 7), (2, 5)]
    for layer in (0, 1):
        found = whylight.attention(view, WIDE, layer=layer, query=queries, size=(32, 64))
        whole = whole_map(view, WIDE, layer, (32, 64))
        assert found.by_head.shape == (3, whole.shape[0], 4, 8)
        for index, (row, column) in enumerate(queries):
            own = whole[:, 1 + 8 * row + column]
            torch.testing.assert_close(found.by_head[index].flatten(1), own[:, 1:])
            torch.testing.assert_close(found.elsewhere[index], own[:, 0])
            alone = whylight.attention(view, WIDE, layer=layer, query=(row, column), size=(32, 64))
            torch.testing.assert_close(alone.by_head[0], found.by_head[index])
        read = whylight.attention(view, WIDE, layer=layer, size=(32, 64))
        torch.testing.assert_close(read.by_head[0].flatten(1), whole[:, 0, 1:])
        assert (read.queries, read.layer) == ((None,), layer)


def test_it_is_what_raw_attention_reads(view: View) -> None:
    found = whylight.attention(view, PICTURE, layer=-1)
    target = [0] if view.classifies else view.output(look(view, PICTURE).pixels).detach()
    raw = whylight.relevance(view, look(view, PICTURE).pixels, target, "raw_attention", head="all")
    torch.testing.assert_close(found.by_head.flatten(2), raw)


def test_all_patches_together_hold_no_more_than_their_rows(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    patches = [(row, column) for row in range(4) for column in range(4)]
    whole = whylight.attention(view, PICTURE, query=patches).by_head
    monkeypatch.setattr("whylight.attention.tiles.TILE_BYTES", {"cpu": 500, "cuda": 500})
    torch.testing.assert_close(whylight.attention(view, PICTURE, query=patches).by_head, whole)
    torch.testing.assert_close(whole.sum((2, 3)) + whylight.attention(view, PICTURE, query=patches).elsewhere,
                               torch.ones(16, whole.shape[1]))  # fmt: skip


def test_later_layers_do_not_run(view: View) -> None:
    ran: list[int] = []
    blocks = view.module.visual.transformer.resblocks if hasattr(view.module, "visual") else view.module.blocks
    hook = blocks[1].register_forward_hook(lambda *_: ran.append(1))
    whylight.attention(view, PICTURE, layer=0)
    assert not ran
    whylight.attention(view, PICTURE, layer=1)
    hook.remove()
    assert ran


def test_the_figure_has_a_cell_for_every_head(view: View, tmp_path: Path) -> None:
    found = whylight.attention(view, PICTURE, layer=0, query=[(1, 2), (0, 0)])
    heads = found.by_head.shape[1]
    figure = found.figure(1)
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"patch 0, 0", "mean of the heads", *(f"head {index}" for index in range(heads))} <= set(words)
    assert "attention of layer 0" in figure.texts[0].get_text()
    written = found.save(tmp_path / "deep" / "heads.png")
    assert Image.open(written).width > 500
    marked = np.asarray(next(image for axes in figure.axes for image in axes.images).get_array())
    assert not np.array_equal(marked, PICTURE)


@pytest.mark.parametrize(("options", "said"), [({"query": (4, 0)}, "no patch"), ({"layer": 2}, "model of 2 layers")])
def test_what_is_not_there_is_one_line(view: View, options: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        whylight.attention(view, PICTURE, **options)


@pytest.mark.parametrize("before", ["", "import whylight.attention;"])
def test_attention_is_a_function_and_a_package(before: str) -> None:
    code = (
        f"import numpy, whylight; {before} view = whylight.load('scenes')\n"
        "found = whylight.attention(view, numpy.zeros((96, 96, 3), numpy.uint8) + 9, query=(0, 1))\n"
        "from whylight.attention import record_attention\n"
        "print(tuple(found.by_head.shape)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr
