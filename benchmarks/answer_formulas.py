"""Formulas that were tried for keyflow of answers, as methods of the command line.

    for i in 0 1 2 3 4; do python benchmarks/answer_formulas.py benchmark scenes-answers --limit 160 --shard $i/10 \\
    --shard-size 16 --out results/formulas --methods keyflow,keyflow_before:smooth=true,keyflow_length:smooth=true; done

With g_i the gradient of the word's log-odds at the value v_i, through the rows from the question on: keyflow sums
max(v · g + |v| |g| / 2, 0) over layers, mean over heads. Beside it what it was before, the length alone, what was taken
up alone, a steeper turn from one to the other, and the root of what it was times the length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.row_products import row_times_positive_gradient, value_gradients
from whylight.cli.main import main
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import AnswerPass, Words, answer_pass

Formula = Callable[[AnswerPass, Words], Tensor]


def before(driven: AnswerPass, word: Words) -> Tensor:
    """Attention times its positive gradient, over the rows from the question on."""
    row = driven.telling(word)
    pairs = zip(driven.calls, driven.gradients(word), strict=True)
    return torch.stack([row_times_positive_gradient(call, gradient, row)[0] for call, gradient in pairs]).sum(0)


def of_values(formula: Callable[[Tensor, Tensor], Tensor]) -> Formula:
    """Of what was taken up (v · g) and the most that could be (|v| |g|), (heads, tokens) each."""

    def summed(driven: AnswerPass, word: Words) -> Tensor:
        total = []
        for call, gradient in zip(driven.calls, driven.gradients(word), strict=True):
            value = at_least_float32(call.value.detach())[0]
            moved = value_gradients(call, gradient, driven.telling(word))[0]
            total.append(formula((value * moved).sum(-1), value.norm(dim=-1) * moved.norm(dim=-1)).mean(0))
        return torch.stack(total).sum(0)

    return summed


length = of_values(lambda taken_up, most: most)
FORMULAS: dict[str, Formula] = {
    "before": before,
    "length": length,
    "taken_up": of_values(lambda taken_up, most: taken_up.relu()),
    "cubed": of_values(lambda taken_up, most: most * ((1 + taken_up / most.clamp(min=1e-30)) / 2) ** 3),
    "both": lambda driven, word: (before(driven, word) * length(driven, word)).sqrt(),
}


def register_all() -> None:
    for name, formula in FORMULAS.items():
        _register(name, formula)


def _register(name: str, formula: Formula) -> None:
    @answer_method(f"keyflow_{name}", summary=f"keyflow: {name}", citation="this project")
    def tried(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
        driven = answer_pass(view, run)
        return torch.stack([formula(driven, word) for word in words]).detach()


if __name__ == "__main__":
    register_all()
    main()
