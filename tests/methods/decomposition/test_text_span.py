"""TextSpan's greedy picks against the reference's, and the front function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from oracle_files import Oracle, read_oracle
from PIL import Image
from torch import Tensor
from zoo.openclip_oracles import decomposition_oracle

from whylight.errors import BadInput
from whylight.methods.decomposition import decompose
from whylight.methods.decomposition.text_span import greedy_directions
from whylight.models.openclip.view import OpenClipView
from whylight.pictures.text_span import text_span

TEXTS = [f"text {number}" for number in range(12)]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Callable[[OpenClipView], Tensor]:
    """Gives the text-less tower of the oracle twelve invented embeddings."""
    embeddings = torch.nn.functional.normalize(torch.randn(12, 10, generator=torch.Generator().manual_seed(3)), dim=-1)

    def install(view: OpenClipView) -> Tensor:
        def encode_text(prompts: Sequence[str]) -> Tensor:
            return embeddings[[TEXTS.index(prompt) for prompt in prompts]]

        monkeypatch.setattr(view, "encode_text", encode_text)
        return embeddings

    return install


def test_picks_agree_with_the_reference() -> None:
    oracle: Oracle = read_oracle("clip_decomposition")
    picks, shares = greedy_directions(oracle["textspan.head_outputs"], oracle["textspan.texts"], 5, rank=8)
    assert picks == oracle["expected.textspan.picks_rank8"].tolist()
    assert min(shares) > 0
    assert sum(shares) < 1


def test_all_directions_together_hold_all_the_variance() -> None:
    outputs = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    texts = torch.randn(30, 6, generator=torch.Generator().manual_seed(1))
    picks, shares = greedy_directions(outputs, texts, 30)
    assert len(picks) == len(set(picks)) == 6  # as many as there are dimensions
    assert sum(shares) == pytest.approx(1, abs=1e-9)


def test_a_head_is_named_by_its_outputs(encoded: Callable[[OpenClipView], Tensor]) -> None:
    view, _ = decomposition_oracle(torch.float32)
    embeddings = encoded(view)
    pixels = torch.randn(20, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    named = text_span(view, pixels, TEXTS, layer=-1, head=2, count=3)
    outputs = decompose(view, pixels).attention[:, 3, :, 2].sum(1)
    picks, shares = greedy_directions(outputs, embeddings, 3)
    assert [direction.text for direction in named] == [TEXTS[pick] for pick in picks]
    assert [direction.share for direction in named] == pytest.approx(shares, rel=1e-4)


def test_pictures_may_be_files(encoded: Callable[[OpenClipView], Tensor], tmp_path: Path) -> None:
    view, _ = decomposition_oracle(torch.float32)
    encoded(view)
    assert view.preprocessing is not None
    generator = torch.Generator().manual_seed(5)
    opened = [
        Image.fromarray(torch.randint(0, 256, (40, 50, 3), generator=generator, dtype=torch.uint8).numpy())
        for _ in range(6)
    ]
    for number, picture in enumerate(opened):
        picture.save(tmp_path / f"{number}.png")
    pixels = torch.stack([view.preprocessing(picture)[0] for picture in opened])
    expected = text_span(view, pixels, TEXTS, layer=0, head=0, count=2)
    assert text_span(view, sorted(tmp_path.iterdir()), TEXTS, layer=0, head=0, count=2) == expected
    assert text_span(view, opened, TEXTS, layer=0, head=0, count=2) == expected


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"layer": 4}, "4 layers of 3 heads"),
        ({"head": 3}, "4 layers of 3 heads"),
        ({"count": 13}, "between 1 and the number of texts, 12"),
        ({"texts": []}, "number of texts, 0"),
        ({"pictures": torch.randn(1, 3, 32, 32)}, "at least two pictures"),
        ({"pictures": []}, "at least two pictures"),
    ],
)
def test_what_cannot_be_named_is_refused(
    changes: dict[str, object], line: str, encoded: Callable[[OpenClipView], Tensor]
) -> None:
    view, _ = decomposition_oracle(torch.float32)
    encoded(view)
    arguments = {"pictures": torch.randn(4, 3, 32, 32), "texts": TEXTS, "layer": 0, "head": 0, "count": 2} | changes
    with pytest.raises(BadInput, match=line):
        text_span(view, **arguments)  # type: ignore[arg-type]


def test_a_model_without_text_tower_is_refused() -> None:
    view, _ = decomposition_oracle(torch.float32)
    with pytest.raises(BadInput, match="no text tower"):
        text_span(view, torch.randn(4, 3, 32, 32), TEXTS, layer=0, head=0)
