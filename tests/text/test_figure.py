"""A picture and its prompt in one figure."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from zoo.transformers_models import perturbed

from whylight.errors import BadInput
from whylight.models.openclip.view import OpenClipView
from whylight.pictures.explain import explain
from whylight.text import explain_text
from whylight.text.figure import pair_figure

PROMPT = "three dark-red birds, sitting on a very very very very very long branch of a tree in the evening"


def test_words_stand_below_the_picture_in_their_order() -> None:
    torch.manual_seed(0)
    vision = {"image_size": 32, "layers": 1, "width": 24, "head_width": 8, "patch_size": 8}
    text = {"context_length": 30, "vocab_size": 49408, "width": 24, "heads": 3, "layers": 1}
    view = OpenClipView(perturbed(open_clip.CLIP(16, vision, text)))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    seen, read = explain(view, picture, ["a tree", PROMPT]), explain_text(view, PROMPT, picture)
    figure = pair_figure(seen, read, target=1)
    assert [text.get_text() for text in figure.texts] == [word.text for word in read.words]
    places = [(round(-text.get_position()[1], 6), text.get_position()[0]) for text in figure.texts]
    assert places == sorted(places)
    assert len({down for down, _ in places}) > 1
    assert all(0 < across < 1 and -1 < down < 0 for down, across in places)
    assert any(text.get_bbox_patch() is not None for text in figure.texts)
    with pytest.raises(BadInput, match="'a tree'"):
        pair_figure(seen, read)
