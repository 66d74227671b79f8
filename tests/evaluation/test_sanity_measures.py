"""Rank correlation, random blocks, own objects, and prompts for several objects: small examples by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scipy.stats import spearmanr
from small_views import classifier, dual_encoder

import whylight
from whylight.evaluation.benchmarks import randomized as benchmark_of_random_blocks
from whylight.evaluation.benchmarks.picture_rows import PictureRows
from whylight.evaluation.benchmarks.randomized import RandomizedParameters
from whylight.evaluation.benchmarks.recognition import one_prompt
from whylight.evaluation.data.scenes import Scenes
from whylight.evaluation.heads import Head
from whylight.evaluation.method_choices import parse_methods
from whylight.evaluation.own_object import auroc, means_on
from whylight.evaluation.randomized import RandomizedBlocks, parameters_of_blocks
from whylight.evaluation.rank_correlation import rank_correlation, ranks


def test_rank_correlation_by_hand() -> None:
    assert ranks(torch.tensor([[3.0, 1.0, 3.0]])).tolist() == [[1.5, 0.0, 1.5]]
    one = torch.tensor([[1.0, 2.0, 3.0, 4.0]] * 3)
    other = torch.tensor([[2.0, 4.0, 6.0, 8.0], [1.0, 3.0, 2.0, 4.0], [5.0, 5.0, 5.0, 5.0]])
    # One swap of neighbours among four: 1 - 6 * 2 / (4 * 15).
    assert rank_correlation(one, other).tolist() == pytest.approx([1.0, 0.8, 0.0])


def test_rank_correlation_is_scipy_s() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(3, 50), torch.randint(0, 9, (3, 50)).float()
    known = [spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    assert rank_correlation(one, other).tolist() == pytest.approx(known, abs=1e-12)


@pytest.mark.parametrize("build", [classifier, dual_encoder])
def test_blocks_become_random_from_the_last_and_the_model_stays(build) -> None:
    view, pixels = build(), torch.randn(1, 3, 32, 32)
    before = {name: value.clone() for name, value in view.module.state_dict().items()}
    with torch.no_grad():
        first = [view.begin(pixels).blocks[0](view.begin(pixels).tokens)]
        known = view.output(pixels)
        outputs = []
        for random in RandomizedBlocks(view, pixels):
            assert random.module is not view.module
            run = random.begin(pixels)
            first.append(run.blocks[0](run.tokens))
            outputs.append(random.output(pixels))
    assert len(outputs) == len(view.begin(pixels).blocks) == 2
    assert torch.equal(first[0], first[1])
    assert not torch.allclose(first[0], first[2])
    assert not torch.allclose(known, outputs[0])
    assert not torch.allclose(outputs[0], outputs[1])
    after = view.module.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_what_was_drawn_once_comes_again_from_the_beginning() -> None:
    view, pixels = dual_encoder(), torch.randn(1, 3, 32, 32)
    blocks = RandomizedBlocks(view, pixels)
    with torch.no_grad():
        whole = [random.output(pixels) for random in blocks]
        first = next(iter(blocks)).output(pixels)
        again = [random.output(pixels) for random in RandomizedBlocks(view, pixels)]
    assert torch.equal(first, whole[0])
    assert all(torch.equal(one, other) for one, other in zip(whole, again, strict=True))


def test_random_weights_are_drawn_once_for_all_batches_and_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(
        benchmark_of_random_blocks, "RandomizedBlocks", lambda *asked: made.append(1) or RandomizedBlocks(*asked)
    )
    source, view = Scenes(2, "masks"), whylight.load("scenes")
    head, choices = Head(view, source.classes, ("{}",)), parse_methods("legrad,rollout")
    maker = PictureRows(view, head, RandomizedParameters(), choices, ["target"])
    pictures = [maker.reader(source)(index) for index in range(2)]
    together = maker.measured(pictures)
    # The last object of the second picture as if no other picture and no other object were asked for.
    alone = maker.measured([replace(pictures[1], asked=pictures[1].asked[-1:])])
    assert len(made) == 1
    assert [row["method"] for row in alone] == ["legrad", "rollout", "centre", "random"]
    for row in alone:
        (same,) = (one for one in together if all(one[key] == row[key] for key in ("picture", "label", "method")))
        assert row["correlations"] == pytest.approx(same["correlations"], abs=2e-3)


def test_parameters_belong_to_their_block_alone() -> None:
    import copy

    view = copy.deepcopy(classifier())
    first, second = parameters_of_blocks(view, torch.randn(1, 3, 32, 32))
    assert {id(p) for p in first} == {id(p) for p in view.module.blocks[0].parameters()}
    assert {id(p) for p in second} == {id(p) for p in view.module.blocks[1].parameters()}


def test_own_object_by_hand() -> None:
    labels = torch.tensor([[[1, 1, 0, 0]], [[0, 0, 1, -1]]])
    maps = torch.tensor([[[1.0, 0.5, 0.5, 9.0]], [[0.0, 0.5, 0.75, 9.0]]])
    table = means_on(maps, labels)
    assert table.tolist() == [[0.75, 0.5], [0.25, 0.75]]
    assert auroc(table) == 1.0
    assert auroc(torch.tensor([[0.5, 0.2], [0.7, 0.5]])) == 0.5
    assert auroc(torch.tensor([[0.5, 0.2], [0.5, 0.2]])) == 0.5  # the same map for both
    assert auroc(torch.tensor([[0.5, 0.2], [0.5, 0.4]])) == (1 + 0.5 + 1 + 0) / 4


def test_one_prompt_for_all_and_the_words_of_the_objects() -> None:
    phrases = one_prompt(["a ring", "traffic light", "apple", "the star"])
    assert phrases.prompt == "a ring and a traffic light and an apple and the star"
    assert [part.text for part in phrases.parts] == ["a ring", "a traffic light", "an apple", "the star"]
    assert all(phrases.prompt[part.start : part.end] == part.text for part in phrases.parts)
    assert phrases.text([True, False, True, True]) == "a ring and an apple and the star"
    assert phrases.text([False, False, True, False]) == "an apple"
    assert phrases.text([False] * 4) == ""


def test_scenes_of_one_to_four_kinds_in_turn() -> None:
    samples = [Scenes(8, "counts").read(index) for index in range(8)]
    assert [len(sample.regions) for sample in samples] == [1, 2, 3, 4] * 2
    assert all(region.label.split()[0] in ("a", "an") for sample in samples for region in sample.regions)
    assert [len(Scenes(3, "pairs").read(index).regions) for index in range(3)] == [2, 2, 2]


def test_what_is_absent_from_a_scene() -> None:
    source = Scenes(20, "masks")
    for index in range(20):
        sample = source.read(index)
        said = {word for region in sample.regions for word in region.label.split()}
        *_, color, kind = str(source.absent(sample)).split()
        assert color not in said
        assert kind not in said
        assert source.absent(sample) == source.absent(source.read(index))


def test_absent_of_other_sources_is_a_class_that_is_not_there() -> None:
    source = Scenes(5, "color")
    sample = source.read(0)
    assert super(Scenes, source).absent(sample) in source.classes.keys() - {sample.regions[0].label}
    assert whylight.load("scenes").classifies is False
