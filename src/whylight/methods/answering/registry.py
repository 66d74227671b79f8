"""The table of methods for answers."""

from __future__ import annotations

from collections.abc import Callable

from whylight.methods.registry import Explain, Method, registering

TABLE: dict[str, Method] = {}


def answer_method(
    name: str, *, summary: str, citation: str, gradient: bool = True, smooth: bool = True
) -> Callable[[Explain], Explain]:
    """Register a function as a method for answers.

    It takes a view, the :class:`~whylight.models.answering_pass.AnsweringPass` of a question with its answer (a batch
    of one), and a list of :class:`~whylight.passes.answer_pass.Words`; it returns relevance of every token of the
    sequence for each of them, (words, tokens). Keyword-only parameters are its options.
    """
    return registering(
        TABLE,
        name,
        summary=summary,
        citation=citation,
        gradient=gradient,
        libra=False,
        smooth=smooth,
        autocast=False,
    )
