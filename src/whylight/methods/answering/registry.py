"""The table of methods for answers."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from whylight.methods.registry import Method

ExplainAnswer = Callable[..., Tensor]
"""(view, run, words, **options) to relevance (words, tokens): see :func:`answer_method`."""

TABLE: dict[str, Method] = {}


def answer_method(
    name: str, *, summary: str, citation: str, gradient: bool = True, smooth: bool = True
) -> Callable[[ExplainAnswer], ExplainAnswer]:
    """Register a function as a method for answers.

    It takes a view, the :class:`~whylight.models.answering_pass.AnsweringPass` of a question with its answer (a batch
    of one), and a list of :class:`~whylight.passes.answer_pass.Words`; it returns relevance of every token of the
    sequence for each of them, (words, tokens). Keyword-only parameters are its options.
    """

    def register(explain: ExplainAnswer) -> ExplainAnswer:
        TABLE[name] = Method(
            name=name,
            explain=explain,
            summary=summary,
            citation=citation,
            gradient=gradient,
            libra=False,
            smooth=smooth,
            autocast=False,
        )
        return explain

    return register
