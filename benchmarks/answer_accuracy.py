"""The table of docs/answers.md: how often scenes-answers is right, by kind of question and spelling.

python benchmarks/answer_accuracy.py --scenes 400
"""

from __future__ import annotations

import argparse

import torch

from whylight.evaluation.answer_accuracy import SPELLINGS, accuracy
from whylight.models.load import load
from whylight.models.transformers.answering.view import AnsweringView


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--model", default="scenes-answers")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    view = load(asked.model)
    assert isinstance(view, AnsweringView)
    print(f"| question | asked | {' | '.join(SPELLINGS)} |")
    print(f"|---|---:|{'---:|' * len(SPELLINGS)}")
    for kind, spellings in accuracy(view, asked.scenes).items():
        shares = " | ".join(f"{spellings[spelling][0]:.1%}" for spelling in SPELLINGS)
        print(f"| {kind} | {spellings['color'][1]:,} | {shares} |")


if __name__ == "__main__":
    main()
