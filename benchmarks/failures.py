"""What failures cost a long run: a simulation of workers that die and start again.

    python benchmarks/failures.py --pictures 10000000 --rate 300 --workers 16 --mtbf 24

Each worker does shard after shard; a shard is lost when its worker dies before it is stored, and is done again by
whoever is free. Deaths come at random (exponential), with the given mean time between failures of one worker, and each
costs a restart besides. For each shard size: how long the run takes, how many deaths there are, what share of the work
is done twice (means of many trials), and beside it what the formula says: a shard of T seconds on a worker that dies
every M seconds takes M (exp(T / M) - 1) seconds of work on average, so that M / T (exp(T / M) - 1) - 1 of it is done
twice; for small shards that is T / 2M.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import statistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000_000)
    parser.add_argument("--rate", type=float, default=300.0, help="pictures per second of one worker")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--mtbf", type=float, default=24.0, help="hours between deaths of one worker, on average")
    parser.add_argument("--restart", type=float, default=120.0, help="seconds until a dead worker works again")
    parser.add_argument("--trials", type=int, default=40)
    arguments = parser.parse_args()
    mean = arguments.mtbf * 3600
    ideal = arguments.pictures / arguments.rate / arguments.workers
    print(f"without failures: {ideal / 3600:.2f} h on {arguments.workers} workers\n")
    print("| pictures in a shard | seconds of a shard | hours | deaths | work done twice | formula |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in (256, 1_000, 10_000, 100_000, 1_000_000):
        seconds = size / arguments.rate
        shards = math.ceil(arguments.pictures / size)
        trials = [
            simulate(shards, seconds, arguments.workers, mean, arguments.restart, seed)
            for seed in range(arguments.trials)
        ]
        took, deaths, lost = (statistics.mean(column) for column in zip(*trials, strict=True))
        share, formula = lost / (shards * seconds), mean * math.expm1(seconds / mean) / seconds - 1
        row = f"| {size:,} | {seconds:,.1f} | {took / 3600:.2f} | {deaths:.1f} "
        print(f"{row}| {100 * share:.3f} % | {100 * formula:.3f} % |")


def simulate(
    shards: int, seconds: float, workers: int, mean: float, restart: float, seed: int
) -> tuple[float, int, float]:
    """When the last shard is stored, in seconds, how many deaths there were, and seconds of work that was lost."""
    draw = random.Random(seed)
    free = [(0.0, draw.expovariate(1 / mean), worker) for worker in range(workers)]  # when free, when it dies
    heapq.heapify(free)
    left, end, deaths, lost = shards, 0.0, 0, 0.0
    while left:
        now, death, worker = heapq.heappop(free)
        if now + seconds <= death:
            left -= 1
            end = max(end, now + seconds)
            heapq.heappush(free, (now + seconds, death, worker))
        else:
            deaths += 1
            lost += death - now
            again = death + restart
            heapq.heappush(free, (again, again + draw.expovariate(1 / mean), worker))
    return end, deaths, lost


if __name__ == "__main__":
    main()
