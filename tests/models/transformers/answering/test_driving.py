"""Models that answer in words, driven from embedding to head, are the models themselves."""

from __future__ import annotations

import pytest
import torch
from zoo.answering_models import MADE, QUESTION, answering_model, rough_picture

import whylight
from whylight.models.transformers.answering.releases import OLD

SIZES = [(80, 120), (90, 60)]


@pytest.mark.parametrize("family", MADE)
def test_driven_is_own(family: str) -> None:
    wrong = OLD and family == "paligemma"  # its own mask is float32 in a float64 model, which SDPA reads wrongly
    model, processor, prompt = answering_model(family, torch.float32 if wrong else torch.float64)
    view = whylight.wrap(model, processor=processor)
    for size in SIZES:
        inputs = view.place(view.inputs(prompt.format(QUESTION), [rough_picture(*size)]))
        with torch.no_grad():
            own = model(**inputs, use_cache=False).logits
            run = view.begin(inputs)
            tokens = run.tokens
            for block in run.blocks:
                tokens = block(tokens)
            assert (run.head(tokens) - own).abs().max() < (1e-5 if wrong else 1e-10)
            assert (run.readout(tokens) - own[:, -1]).abs().max() < (1e-5 if wrong else 1e-10)


@pytest.mark.parametrize("family", MADE)
def test_forced_answer_is_own_and_blind_to_what_comes_later(family: str) -> None:
    model, processor, prompt = answering_model(family)
    view = whylight.wrap(model, processor=processor)
    inputs = view.place(view.inputs(prompt.format(QUESTION), [rough_picture(80, 120)]))
    length = inputs["input_ids"].shape[1]
    image = model.config.image_token_id
    logits = []
    for last in (60, image):  # an answer may say the image token's number: it is no picture
        forced = view.with_answer(inputs, torch.tensor([[50, 51, last]]))
        with torch.no_grad():
            run = view.begin(forced, answer=3)
            tokens = run.tokens
            for block in run.blocks:
                tokens = block(tokens)
            logits.append(run.head(tokens)[:, length - 1 : -1])
    assert (logits[0] - logits[1]).abs().max() == 0
    if OLD and family == "paligemma":
        return  # its own mask lets the question see the answer
    with torch.no_grad():
        own = model(**view.with_answer(inputs, torch.tensor([[50, 51, 60]])), use_cache=False).logits
    assert (logits[0] - own[:, length - 1 : -1]).abs().max() < 1e-10


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("family", MADE)
def test_row_of_a_padded_batch_is_the_question_alone(family: str, side: str) -> None:
    model, processor, prompt = answering_model(family)
    view = whylight.wrap(model, processor=processor)
    alone = [
        view.place(view.inputs(prompt.format(question), [rough_picture(80, 120, seed)]))
        for seed, question in enumerate((QUESTION, "where ?"))
    ]
    longest = max(each["input_ids"].shape[1] for each in alone)
    batch = {}
    for name in alone[0]:
        rows = [each[name] for each in alone]
        if name in ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"):
            gaps = [(longest - row.shape[1], 0) if side == "left" else (0, longest - row.shape[1]) for row in rows]
            rows = [torch.nn.functional.pad(row, gap) for row, gap in zip(rows, gaps, strict=True)]
        batch[name] = torch.cat(rows)
    with torch.no_grad():
        apart = torch.cat([view.output(each) for each in alone])
        assert (view.output(batch) - apart).abs().max() < 1e-10


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen3_vl", "llava"])
def test_nothing_is_written_to_the_model(family: str) -> None:
    model, processor, prompt = answering_model(family, torch.float32)
    view = whylight.wrap(model, processor=processor)
    before = {name: id(value) for name, value in vars(model.model).items()}
    view.output(view.inputs(prompt.format(QUESTION), [rough_picture(80, 120)]))
    assert {name: id(value) for name, value in vars(model.model).items()} == before
    assert all(parameter.grad is None for parameter in model.parameters())
