"""Inputs by the thousand that are damaged, foreign or mad, and what became of each.

    python benchmarks/fuzz.py                                  # 10,000 inputs, two at a time
    python benchmarks/fuzz.py --inputs 500 --kinds pictures    # some of one kind
    python benchmarks/fuzz.py --again pictures:123             # one of them, with all that it says
    python benchmarks/fuzz.py --minutes 10 --jobs 1            # as many as that time allows, of all kinds alike

Every input follows from the seed, its kind and its number. It ends in one of five ways: refused in one line (a whole
one or a part of it, by name), a result, a traceback, a hang, or a silent wrong answer by an oracle of its kind. The
goal is 0 of the last three. Inputs are tried in a process of their own that is started again when one of them kills
it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, takewhile
from threading import Lock
from typing import get_args

from fuzzing.kinds import SHARES
from fuzzing.trial import Column, Outcome
from fuzzing.worker import tried_in_worker

COLUMNS = get_args(Column)
FAULTS = COLUMNS[2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", choices=list(SHARES), default=list(SHARES))
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which an input hangs")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no input is tried any more")
    parser.add_argument("--again", metavar="KIND:NUMBER", help="one input")
    arguments = parser.parse_args()
    if arguments.again:
        kind, _, number = arguments.again.partition(":")
        outcomes = tried([(kind, int(number))], arguments.seed, limit=arguments.limit)
        print(f"{outcomes[0].column}: {outcomes[0].said}")
    else:
        started = time.monotonic()
        wanted = until(started + 60 * arguments.minutes, shared(arguments.inputs, arguments.kinds))
        outcomes = tried(wanted, arguments.seed, arguments.jobs, arguments.limit)
        print(table(outcomes))
        print(f"{len(outcomes):,} inputs in {(time.monotonic() - started) / 60:.1f} minutes, seed {arguments.seed}")
    raise SystemExit(any(outcome.column in FAULTS for outcome in outcomes))


def shared(inputs: int, kinds: Sequence[str]) -> list[tuple[str, int]]:
    """So many inputs over the kinds, as (kind, number), in proportion to their shares at any point of the list."""
    whole = sum(SHARES[kind] for kind in kinds)
    places = [
        ((number + 0.5) / SHARES[kind], kind, number)
        for kind in kinds
        for number in range(-(-inputs * SHARES[kind] // whole))
    ]
    return [(kind, number) for _, kind, number in sorted(places)][:inputs]


def until(end: float, inputs: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Inputs up to a time of the monotonic clock."""
    return takewhile(lambda _: time.monotonic() < end, inputs)


def tried(inputs: Iterable[tuple[str, int]], seed: int, jobs: int = 1, limit: float = 60) -> list[Outcome]:
    """Try inputs, in so many processes; what breaks is told at once."""
    waiting, lock = iter(inputs), Lock()

    def next_ones() -> Iterator[tuple[str, int]]:
        while True:
            with lock:
                following = next(waiting, None)
            if following is None:
                return
            yield following

    def work(_: int) -> list[Outcome]:
        outcomes = []
        for outcome in tried_in_worker(next_ones(), seed, limit):
            outcomes.append(outcome)
            if outcome.column in FAULTS:
                print(f"{outcome.kind}:{outcome.number} {outcome.column}: {outcome.said}", file=sys.stderr, flush=True)
        return outcomes

    with ThreadPoolExecutor(jobs) as pool:
        return list(chain(*pool.map(work, range(jobs))))


def table(outcomes: Sequence[Outcome]) -> str:
    """How often each kind ended in each way, as Markdown."""
    kinds = list(dict.fromkeys(outcome.kind for outcome in outcomes))
    counts = {kind: Counter(o.column for o in outcomes if o.kind == kind) for kind in kinds}
    lines = [f"| kind | tried | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * (1 + len(COLUMNS))]
    lines += [_line(kind, counts[kind]) for kind in kinds]
    return "\n".join([*lines, _line("all", sum(counts.values(), Counter()))])


def _line(name: str, counts: Mapping[str, int]) -> str:
    return f"| {name} | {sum(counts.values()):,} | {' | '.join(f'{counts.get(c, 0):,}' for c in COLUMNS)} |"


if __name__ == "__main__":
    main()
