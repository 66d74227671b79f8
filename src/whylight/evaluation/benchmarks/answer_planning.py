"""The part of planning that is special to models that answer in words."""

from __future__ import annotations

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.answer_faithfulness import AnswerFaithfulness
from whylight.evaluation.benchmarks.answer_faithfulness_rows import AnswerFaithfulnessRows
from whylight.evaluation.benchmarks.answer_rows import AnswerRows
from whylight.evaluation.benchmarks.caption_rows import CaptionRows
from whylight.evaluation.benchmarks.catalog import NamedAnswers
from whylight.evaluation.benchmarks.right_answers import RightAnswers
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.data.scene_questions import SceneQuestions
from whylight.evaluation.method_choices import Choice, parse_methods
from whylight.methods.answering.catalog import answer_methods, find_answer_method
from whylight.models.load import load
from whylight.models.transformers.answering.view import AnsweringView


def plan_answers(
    wanted: Wanted, named: NamedAnswers
) -> tuple[SceneQuestions | Source, RightAnswers | CaptionRows, list[Choice]]:
    """What is asked about, and what makes rows of the answers.

    Raises:
        BadInput: the model does not answer in words.
        UnknownName: no such method or option.
    """
    names = ",".join(answer_methods()) if wanted.methods == "all" else wanted.methods
    chosen = parse_methods(names, find_answer_method)
    view = load(wanted.model, device=wanted.device, precision=wanted.precision)
    if not isinstance(view, AnsweringView) or not view.sees:
        raise BadInput(f"{view.name} does not answer questions about pictures: --model scenes-answers does")
    view.check_ready()
    source = named.open(wanted.data, wanted.limit)
    if isinstance(source, SceneQuestions):
        of_answers = AnswerFaithfulnessRows if named.protocol is AnswerFaithfulness else AnswerRows
        return source, of_answers(view, chosen), chosen
    return source, CaptionRows(view, chosen, source.classes), chosen
