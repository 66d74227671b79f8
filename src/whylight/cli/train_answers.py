"""``whylight train scenes-answers``."""

from __future__ import annotations

from pathlib import Path


def train_answers(out: Path, seed: int, tower: str) -> None:
    """Train the bundled model that answers in words, and say how often it is right on scenes that it has not seen."""
    from rich.progress import Progress

    from whylight.cli.options import one_of
    from whylight.cli.printing import print_table, terminal
    from whylight.errors import need
    from whylight.evaluation.answer_accuracy import accuracy
    from whylight.models.transformers.answering.bundled import load_scenes_answers
    from whylight.scenes.answers.towers import TOWERS
    from whylight.scenes.answers.train import Plan, train

    one_of("--tower", tower, tuple(TOWERS))
    need("transformers.utils", "transformers").logging.disable_progress_bar()
    with Progress(console=terminal(stderr=True), transient=True) as bar:
        tasks = {what: bar.add_task(what, total=None) for what in ("features", "steps")}

        def told(what: str, done: int, total: int, figures: dict[str, float]) -> None:
            said = what if not figures else f"{what}, loss {figures['loss']:.3f}"
            bar.update(tasks[what], completed=done, total=total, description=said)

        folder = train(out, Plan(seed=seed, tower=tower), told)  # type: ignore[arg-type]
    right = accuracy(load_scenes_answers(folder))
    found = {kind: spellings["color"] for kind, spellings in right.items()}
    rows = [(kind, f"{share:.1%}", str(count)) for kind, (share, count) in found.items()]
    print_table(("question", "right", "asked"), rows, numbers=("right", "asked"))
    print(f"written: {folder}")
