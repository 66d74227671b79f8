"""The measured cells as a page: ``benchmarks/results.md``."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from peers.agreement import AGREES
from peers.cells import CLIPS, SIZES, STEPS
from peers.measuring import Record

FASTER = {1: 1.0, 8: 3.0, 40: 5.0}
"""How many times as fast as legrad_torch LeGrad is asked to be at batch 1, by number of prompts."""
MEMORY_SHARE = 0.25
"""The share of legrad_torch's peak memory above the model that ours may take at the larger size, batch 1."""
FIRST_PROMPT, FURTHER_PROMPT = 1.45, 0.38
"""Multiples of a plain forward pass: what one prompt may take, and what each further one may add, at batch 1."""

ABOUT = f"""\
Both sides load the same random weights and get the same random pictures and prompt embeddings; both return maps at the
picture's size. Each cell starts two fresh processes, one in each library's environment, with the same torch and number
of threads, and runs in turn a plain forward pass, Whylight and the peer: after a first call of each, and up to ten more
of ours, in which Whylight prepares what it keeps per model. Times are medians over the rounds; "times as fast" is the
median over rounds of the ratio within a round, with the lowest and highest round in brackets. Memory is the peak of the
process's resident set above the loaded model in the first call, and in brackets in all calls where that is more; the
share is ours in all calls of the peer's in its first, which favours the peer. "Ranks" is the lowest Spearman
correlation between the two sides' maps; maps of one method are asked to exceed {AGREES}. A ratio with > is a lower
bound: the peer ran out of time, and its limit stands in for its time.
"""

SIDES = {
    "legrad_torch": "LeGrad over all layers (`layer_index=0`). It merges the pictures of a batch into one map, so it "
    "gets a batch's pictures one after the other.",
    "torchcam": "torchvision's `vit_b_16`, which is timm's `vit_base_patch16_224` under other parameter names; "
    "Whylight runs timm's. One call per class after one forward pass.",
    "grad-cam": "the first norm of the last block, with the reshaping that its documentation gives for ViTs.",
    "captum": f"integrated gradients, n_steps={STEPS}, captum's other defaults (all steps as one batch). Whylight's "
    "go through captum, one step at a time: memory stays that of one picture.",
}


def page(records: Sequence[Record], missing: dict[str, str], machine: dict[str, str | int], commits: str) -> str:
    """The whole page in markdown.

    Args:
        records: measured cells, in the order of the rows.
        missing: peers that could not be installed, and what uv said.
        machine: see :func:`peers.machine.machine`.
        commits: which state of Whylight was measured.
    """
    parts = [
        "# Whylight beside its peers",
        "Written by `make bench`; the figures are those of this machine on this day.",
        setting(records, machine, commits) if records else "Nothing has been measured yet.",
        ABOUT,
    ]
    legrad = [record for record in records if record["cell"]["peer"] == "legrad_torch"]
    others = [record for record in records if record["cell"]["peer"] != "legrad_torch"]
    if legrad:
        parts += ["## LeGrad against legrad_torch", against_legrad_torch(legrad)]
        parts += ["## LeGrad against a plain forward pass", against_forward(legrad)]
    if others:
        parts += ["## Other libraries", against_others(others)]
    notes = [f"- **{peer}**{_versions(records, peer)}: {note}" for peer, note in SIDES.items()]
    notes += [f"- **{peer}** could not be installed here: {why}" for peer, why in missing.items()]
    failures = sorted({record["failed"] for record in records if "failed" in record})
    if failures:
        memory = max(record["memory"] for record in records)
        notes.append(
            f"- A process may take {memory / 2**30:.0f} GB above the loaded model and "
            f"{max(record['limit'] for record in records):.0f} s for one call. What stands in place of a figure: "
            + "; ".join(failures)
            + "."
        )
    parts += ["## What runs on the other side", "\n".join(notes)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def setting(records: Sequence[Record], machine: dict[str, str | int], commits: str) -> str:
    """The machine, what ran on it and when."""
    dates = sorted({record["date"] for record in records})
    days = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    threads = " and ".join(str(count) for count in sorted({record["threads"] for record in records}))
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']} GB; Python {machine['python']}, torch "
        f"{machine['torch']} on the CPU, float32, threads: {threads}; {days}; Whylight at commit {commits}."
    )


def against_legrad_torch(records: Iterable[Record]) -> str:
    rows = []
    for record in records:
        cell = record["cell"]
        goal = FASTER.get(cell["targets"]) if cell["batch"] == 1 else None
        share_goal = MEMORY_SHARE if cell["batch"] == 1 and cell["size"] == SIZES[-1] else None
        share = memory_share(record)
        rows.append(
            [
                cell["model"],
                str(cell["size"]),
                str(cell["batch"]),
                str(cell["targets"]),
                *_times(record),
                "" if goal is None else f"{goal:g} {verdict(lowest_ratio(record), goal)}",
                *_memory(record),
                "" if share is None else f"{share:.2f}",
                "" if share_goal is None else f"{share_goal:g} {verdict(share, share_goal, at_most=True)}",
                _agreement(record),
            ]
        )
    head = "model,px,batch,prompts,Whylight,legrad_torch,times as fast,goal,memory,legrad_torch's,share,goal,ranks"
    return table(head.split(","), rows)


def against_forward(records: Sequence[Record]) -> str:
    """Batch 1 at the smaller size: multiples of a forward pass, and what each further prompt adds."""
    rows = []
    for model in CLIPS:
        ratios = {
            record["cell"]["targets"]: forward_ratio(record)
            for record in records
            if (record["cell"]["model"], record["cell"]["batch"], record["cell"]["size"]) == (model, 1, SIZES[0])
        }
        for prompts, ratio in sorted(ratios.items()):
            row = [model, str(prompts), f"{ratio:.2f}"]
            if prompts == 1:
                row += [f"{FIRST_PROMPT} {verdict(ratio, FIRST_PROMPT, at_most=True)}", "", ""]
            elif 1 in ratios:
                further = (ratio - ratios[1]) / (prompts - 1)
                goal = f"{FURTHER_PROMPT} {verdict(further, FURTHER_PROMPT, at_most=True)}"
                row += ["", f"{further:.2f}", goal]
            else:
                row += ["", "", ""]
            rows.append(row)
    return table(["model", "prompts", "forward passes", "goal", "each further prompt", "goal"], rows)


def against_others(records: Iterable[Record]) -> str:
    rows = [
        [
            record["cell"]["peer"],
            record["cell"]["method"],
            str(record["cell"]["batch"]),
            str(record["cell"]["targets"]),
            *_times(record),
            *_memory(record),
            _agreement(record),
        ]
        for record in records
    ]
    head = "peer,method,batch,classes,Whylight,peer's,times as fast,memory,peer's,ranks"
    return table(head.split(","), rows)


def ratios(record: Record) -> list[float]:
    """How many times as fast as the peer, round by round; empty where the peer finished none."""
    theirs = record["peer"]["seconds"] if "peer" in record else []
    return [their / our for our, their in zip(record["ours"]["seconds"], theirs, strict=False)]


def lowest_ratio(record: Record) -> float | None:
    """The median ratio; where the peer ran out of time, what it is at least; None where it failed otherwise."""
    found = ratios(record)
    if found:
        return statistics.median(found)
    if record["failed"].startswith("over "):
        return float(record["limit"] / statistics.median(record["ours"]["seconds"]))
    return None


def memory_share(record: Record) -> float | None:
    """Our peak memory in all calls as a share of the peer's in its first call, which is in its favour."""
    return record["ours"]["peak"] / record["peer"]["first_peak"] if "peer" in record else None


def forward_ratio(record: Record) -> float:
    return statistics.median(
        our / plain for our, plain in zip(record["ours"]["seconds"], record["forward"], strict=True)
    )


def verdict(value: float | None, goal: float, *, at_most: bool = False) -> str:
    """Whether a goal is reached, in a word."""
    if value is None:
        return "(not comparable)"
    return "reached" if (value <= goal if at_most else value >= goal) else "**missed**"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; its first column is flush left."""
    rule = [":--"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def duration(seconds: float) -> str:
    return f"{1e3 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"


def megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB"


def _times(record: Record) -> list[str]:
    """Our time, theirs, the ratio."""
    ours, found, lowest = duration(statistics.median(record["ours"]["seconds"])), ratios(record), lowest_ratio(record)
    if found:
        theirs = duration(statistics.median(record["peer"]["seconds"]))
        return [ours, theirs, f"{lowest:.1f} ({min(found):.1f} to {max(found):.1f})"]
    return [ours, record["failed"], "" if lowest is None else f"> {lowest:.1f}"]


def _memory(record: Record) -> list[str]:
    return [_peaks(record["ours"]), _peaks(record["peer"]) if "peer" in record else ""]


def _peaks(side: dict[str, int]) -> str:
    first, later = side["first_peak"], side["peak"]
    return megabytes(first) + (f" ({megabytes(later)})" if later > 1.05 * first else "")


def _agreement(record: Record) -> str:
    if "agreement" not in record:
        return ""
    found = record["agreement"]
    return f"{found:.5f}" + ("" if found > AGREES else " **differ**")


def _versions(records: Iterable[Record], peer: str) -> str:
    """The peer's version and OpenCLIP's where it brings its own, in brackets."""
    wanted = {"legrad_torch": ("legrad-torch", "open-clip-torch")}.get(peer, (peer,))
    for record in records:
        versions = record["versions"]
        if record["cell"]["peer"] == peer and all(name in versions for name in wanted):
            return " (" + ", ".join(f"{name} {versions[name]}" for name in wanted) + ")"
    return ""
