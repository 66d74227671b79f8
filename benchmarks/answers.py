"""Explaining the words of an answer, as multiples of one forced forward pass of the same language model, in one run.

    python benchmarks/answers.py --size small --tokens 600 --words 30 --threads 1
    python benchmarks/answers.py --size large --tokens 1200 --words 30 --threads 2 --rounds 1 --only legrad

Random models of the layer sizes of SmolVLM-256M ("small") and Qwen2.5-VL-3B ("large", 12 GB) in float32, whose first
tokens stand for a picture's: times do not depend on weights. Beside Whylight's methods stands the plain road: eager
attention with ``output_attentions=True`` and CheferCAM from autograd's gradients of all maps. Every round runs all of
them in turn; the table shows the median over rounds of the ratios within a round. Memory: what a call adds to the
process's peak, each in a process of its own (``--memory``).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import transformers

from whylight.methods.answering.catalog import find_answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.picture_grid import WHOLE, Grid
from whylight.models.transformers.answering.driving import begin
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.answer_pass import Words

SIZES: dict[str, dict[str, int]] = {
    "tiny": {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "vocab_size": 2048,
    },
    "small": {
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "intermediate_size": 1536,
        "vocab_size": 49280,
    },
    "large": {
        "hidden_size": 2048,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "intermediate_size": 11008,
        "vocab_size": 151936,
    },
}
FORWARD = "forced forward pass"
ASKED = 4
"""Words that methods with one backward pass a word are asked for."""
TEXT = 16
"""Tokens of the question."""


def calls(size: str, tokens: int, words: int) -> dict[str, Callable[[], Any]]:
    """The forced pass and what stands beside it."""
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES[size])).eval().requires_grad_(False)
    view = AnsweringView(model, size, None)
    ids = torch.randint(3, 1000, (1, tokens))
    picture = tokens - TEXT - words
    image = (torch.arange(tokens) < picture)[None]

    def run() -> AnsweringPass:
        side = int(picture**0.5)
        features = model.get_input_embeddings()(ids[image])
        made = begin(view.parts, {"input_ids": ids}, image, (features, []))
        return replace(made, answer=words, pictures=[[Grid(0, side, side, side, WHOLE)]])

    places = range(tokens - words, tokens)
    targets = [Words((place - 1,), (int(ids[0, place]),)) for place in places]

    def method(name: str, count: int) -> Callable[[], Any]:
        return lambda: find_answer_method(name).explain(view, run(), targets[:count])

    def forward() -> None:
        with torch.no_grad():
            made = run()
            x = made.tokens
            for block in made.blocks:
                x = block(x)
            made.head(x[0, -words - 1 : -1])

    def eager() -> torch.Tensor:
        rows = []
        model.set_attn_implementation("eager")
        try:
            embedded = model.get_input_embeddings()(ids).requires_grad_()
            out = model(inputs_embeds=embedded, output_attentions=True, use_cache=False)
            for word in targets[:ASKED]:
                score = word.score(out.logits[0, list(word.rows)])
                begun = row = torch.nn.functional.one_hot(torch.tensor(word.rows[0]), tokens).float()
                grads = torch.autograd.grad(score, out.attentions, retain_graph=True)
                for a, g in zip(reversed(out.attentions), reversed(grads), strict=True):
                    row = row + row @ (a * g).clamp(min=0)[0].mean(0).detach()
                rows.append(row - begun)
        finally:
            model.set_attn_implementation("sdpa")
        return torch.stack(rows)

    return {
        FORWARD: forward,
        f"legrad, all {words} words": method("legrad", words),
        f"tam, all {words} words": method("tam", words),
        "keyflow, 1 word": method("keyflow", 1),
        f"keyflow, {ASKED} words": method("keyflow", ASKED),
        "gradient_norm, 1 word": method("gradient_norm", 1),
        f"gradient_norm, {ASKED} words": method("gradient_norm", ASKED),
        "chefercam, 1 word": method("chefercam", 1),
        f"chefercam, {ASKED} words": method("chefercam", ASKED),
        f"plain eager chefercam, {ASKED} words": eager,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--tokens", type=int, default=600)
    parser.add_argument("--words", type=int, default=30)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="peak memory instead of time")
    parser.add_argument("--only", default="", help="of these alone, by the start of their names")
    parser.add_argument("--added", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    every = calls(asked.size, asked.tokens, asked.words)
    there = {name: call for name, call in every.items() if name.startswith((FORWARD, asked.only))}
    if asked.added:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        every[asked.only]()
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
        return
    if asked.memory:
        for name in there:
            command = [sys.executable, *sys.argv, "--added", "--only", name]
            print(f"{name:36} {float(subprocess.run(command, capture_output=True, text=True).stdout):8.0f} MB")
        return
    ratios: dict[str, list[float]] = {name: [] for name in there}
    for _ in range(asked.rounds):
        seconds = {}
        for name, call in there.items():
            start = time.perf_counter()
            call()
            seconds[name] = time.perf_counter() - start
        for name, value in seconds.items():
            ratios[name].append(value / seconds[FORWARD])
    for name, values in ratios.items():
        print(f"{name:36} {statistics.median(values):6.2f} forced passes")


if __name__ == "__main__":
    main()
