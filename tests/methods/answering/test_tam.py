"""TAM against its authors' code."""

from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F
from oracle_files import read_oracle, relative_difference

from whylight.methods.answering.tam import activations, rank_gaussian

# As the original ran there: the row that predicts the first answer token (separator 53) has that separator as its
# class, and stands for the answer's first word.
PROMPT, PREDICTS, ANSWER = range(23, 28), 29, range(30, 35)


@pytest.mark.parametrize("token", range(5))
def test_tam(token: int) -> None:
    oracle = read_oracle("tam")
    hidden, head, ids = (oracle[name].double() for name in ("hidden", "lm_head", "tokens"))
    ids = ids.long()
    answer = ids[list(ANSWER)].tolist()
    said = [*ids[list(PROMPT)].tolist(), *answer][: 6 + token]
    classes = [int((hidden[PROMPT[0]] @ head.T).argmax()), *said[1:5], int(ids[PREDICTS]), *said[6:]]
    text = [*PROMPT, PREDICTS, *ANSWER][: 6 + token]
    seen, own = activations(
        hidden, head, torch.arange(2, 22), torch.tensor(text), torch.tensor(classes), torch.tensor(said)
    )
    assert relative_difference(own, oracle[f"expected.text_activation.{token}"].double()) < 1e-6
    shape = int(oracle.meta["rows"]), int(oracle.meta["cols"])
    assert relative_difference(seen.view(shape), oracle[f"expected.after_causal_inference.{token}"]) < 1e-6
    both = torch.cat([seen, own[:-1]])
    scaled = (seen - both.min()) / (both.max() - both.min())
    assert relative_difference(rank_gaussian(scaled.view(shape)), oracle[f"expected.map.{token}"]) < 1e-6
    assert json.loads(json.dumps(answer)) == oracle.meta["answer"]


def test_rank_filter_gives_quiet_windows_their_median_and_empty_ones_nothing() -> None:
    assert torch.equal(rank_gaussian(torch.zeros(4, 5)), torch.zeros(4, 5))
    quiet = 10 + torch.rand(5, 6, dtype=torch.float64) * 1e-4
    windows = F.pad(quiet[None, None], (1, 1, 1, 1), mode="reflect")[0, 0].unfold(0, 3, 1).unfold(1, 3, 1).flatten(-2)
    assert (rank_gaussian(quiet) - windows.median(-1).values).abs().max() < 1e-12
