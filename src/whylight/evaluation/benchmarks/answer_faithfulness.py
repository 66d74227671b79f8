"""SRG and SaCo of answers in words over rows: whether a map tells what the answer rests on."""

from __future__ import annotations

from typing import ClassVar

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol, Rows, estimate_columns
from whylight.evaluation.benchmarks.faithfulness import COLUMNS, faithfulness_figures
from whylight.evaluation.estimates import Estimate


class AnswerFaithfulness(Protocol):
    """SRG: the log-odds of a right answer while patches of the picture get its mean colour, least minus most relevant
    first. SaCo: whether groups of patches that are more relevant cost more of its probability. The picture is erased
    before the tower sees it."""

    protocol = "answer faithfulness"
    version = 1
    main_figure = "srg"
    columns: ClassVar[dict[str, str]] = COLUMNS
    figures_shown: ClassVar[dict[str, str]] = {"srg": "SRG (log-odds)", "saco": "SaCo"}
    units: ClassVar[dict[str, str]] = {"srg": "log-odds"}
    measured_on: str = "scenes"
    explained_as: str = "answers"
    explains: tuple[Explained, ...] = ("target",)
    steps: ClassVar[int] = 24

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, COLUMNS, faithfulness_figures)
