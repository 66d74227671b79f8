"""The classifier of the Movie Reviews benchmark, trained as the paper did (Chefer et al., CVPR 2021, after ERASER)."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whylight.errors import BadInput, need
from whylight.evaluation.data.data_set import Unusable, read_one
from whylight.evaluation.data.movie_reviews import LABELS, MovieReviews, Review, Split
from whylight.evaluation.training.stretches import Stretches
from whylight.evaluation.training.tiny_bert import Size, tiny_bert, tiny_tokenizer
from whylight.models.door import careful
from whylight.models.failures import telling_line
from whylight.models.network import local_where_unreachable
from whylight.runs.files import make_folder, write_file, written_by_others

_CHECKPOINTS = "checkpoints"
_FOLDER = "hf:local-dir:"
Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are the paper's.

    Attributes:
        start: a checkpoint to start from, by name or folder (``hf:`` and ``hf:local-dir:`` before it are understood);
            None: a small BERT with random weights of ``tiny``'s size.
        longest: texts are cut after so many pieces, special ones included.
        epochs, patience: stop after so many epochs, or so many without a better accuracy on the validation reviews. The
            best epoch is kept.
        warm_up: the learning rate rises over this share of the steps, and falls to zero over the others.
        stretches: of a text that is too long, train on another stretch in every epoch, and not on the beginning alone.
            What is measured is the beginning either way.
        limit: only the first so many reviews of each class and part.
    """

    start: str | None = "bert-base-uncased"
    tiny: Size = field(default_factory=Size)
    longest: int = 512
    learning_rate: float = 1e-5
    batch_size: int = 10
    epochs: int = 10
    patience: int = 10
    warm_up: float = 0.0
    stretches: bool = False
    seed: int = 0
    limit: int | None = None


FROM_SCRATCH = Recipe(start=None, learning_rate=2e-3, batch_size=16, epochs=8, warm_up=0.1, stretches=True)
"""For a small model with random weights, on one core."""


@dataclass(frozen=True)
class Outcome:
    """What was trained: accuracy on each part in [0, 1], reviews used and left out, and how many were cut."""

    accuracy: dict[str, float]
    epochs: float
    reviews: dict[str, int]
    skipped: dict[str, str]
    cut: dict[str, int]


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    progress: Progress = lambda done, total, figures: None,
) -> Outcome:
    """Train and write the model, its tokenizer and ``training.json`` into a folder that ``hf:local-dir:`` reads.

    Args:
        progress: told the steps done, all of them, and after every epoch its figures.

    Raises:
        BadInput: the folder is not empty or cannot be written, or the data or the starting checkpoint do not read.
        MissingExtra: transformers or accelerate are not installed.
    """
    transformers = need("transformers", "text")
    need("accelerate", "text")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out} is there already: choose an empty folder for the classifier")
    make_folder(out)  # now, and not after an epoch
    skipped: dict[str, str] = {}
    parts: dict[Split, list[Review]] = {s: _reviews(data, s, recipe.limit, skipped) for s in ("train", "val", "test")}
    transformers.set_seed(recipe.seed)
    tokenizer, model = _start(recipe, [review.text for review in parts["train"]])
    encoded = {}
    cut: dict[str, int] = {}
    for split, reviews in parts.items():
        encoded[split], cut[split] = _encoded(tokenizer, reviews, recipe.longest)
    learned: Any = encoded["train"]
    if recipe.stretches:
        texts, labels = zip(*((review.text, LABELS.index(review.label)) for review in parts["train"]), strict=True)
        learned = Stretches(tokenizer, texts, labels, recipe.longest, recipe.seed)
    trainer = transformers.Trainer(
        model=model,
        args=_arguments(out / _CHECKPOINTS, recipe, len(parts["train"])),
        train_dataset=learned,
        eval_dataset=encoded["val"],
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        compute_metrics=_accuracy,
        callbacks=[transformers.EarlyStoppingCallback(recipe.patience)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    telling = _telling(progress)
    trainer.add_callback(telling)
    with written_by_others(out):
        trainer.train()
    trainer.remove_callback(telling)
    accuracy = {split: trainer.evaluate(encoded[split])["eval_accuracy"] for split in ("val", "test")}
    outcome = Outcome(
        accuracy,
        epochs=float(trainer.state.epoch),
        reviews={split: len(reviews) for split, reviews in parts.items()},
        skipped=skipped,
        cut=cut,
    )
    with written_by_others(out):
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
    written = {"recipe": asdict(recipe), "outcome": asdict(outcome), "history": trainer.state.log_history}
    write_file(out / "training.json", json.dumps(written, indent=1) + "\n")
    shutil.rmtree(out / _CHECKPOINTS)
    return outcome


def _reviews(data: Path, split: Split, limit: int | None, skipped: dict[str, str]) -> list[Review]:
    """The reviews of a part; those that do not read are named with the reason."""
    source = MovieReviews(data, split)
    reviews: list[Review] = []
    for index, name in enumerate(source.names):
        try:
            reviews.append(read_one(source, index))
        except Unusable as error:
            skipped[f"{split}: {name}"] = str(error)
    kept = [review for label in LABELS for review in [r for r in reviews if r.label == label][:limit]]
    if {review.label for review in kept} != set(LABELS):
        raise BadInput(f"{split}.jsonl holds no usable reviews of both classes")
    return kept


def _start(recipe: Recipe, texts: Sequence[str]) -> tuple[Any, Any]:
    """Tokenizer and model to start from."""
    if recipe.start is None:
        tokenizer = tiny_tokenizer(texts, recipe.tiny.vocabulary, recipe.longest)
        return tokenizer, tiny_bert(tokenizer, LABELS, recipe.longest, recipe.tiny)
    transformers = need("transformers", "text")
    checkpoint = recipe.start.removeprefix(_FOLDER).removeprefix("hf:")
    if recipe.start.startswith(_FOLDER) and not Path(checkpoint).is_dir():
        raise BadInput(f"cannot start from {recipe.start}: there is no folder {checkpoint}")
    try:
        with careful(), nullcontext() if Path(checkpoint).is_dir() else local_where_unreachable():
            tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint, use_fast=True, trust_remote_code=False)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                checkpoint,
                num_labels=len(LABELS),
                id2label=dict(enumerate(LABELS)),
                label2id={label: index for index, label in enumerate(LABELS)},
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"cannot start from {recipe.start} (--tiny needs no checkpoint): {telling_line(error)}"
        ) from None
    return tokenizer, model


def _encoded(tokenizer: Any, reviews: Sequence[Review], longest: int) -> tuple[list[dict[str, Any]], int]:
    """Inputs with labels, and how many reviews were cut."""
    inputs = tokenizer([review.text for review in reviews], truncation=True, max_length=longest)
    rows = [
        {name: inputs[name][i] for name in inputs} | {"label": LABELS.index(review.label)}
        for i, review in enumerate(reviews)
    ]
    return rows, sum(bool(encoding.overflowing) for encoding in inputs.encodings)


def _arguments(folder: Path, recipe: Recipe, reviews: int) -> Any:
    steps = recipe.epochs * math.ceil(reviews / recipe.batch_size)
    return need("transformers", "text").TrainingArguments(
        output_dir=str(folder),
        learning_rate=recipe.learning_rate,
        warmup_steps=round(recipe.warm_up * steps),
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=2 * recipe.batch_size,
        num_train_epochs=recipe.epochs,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        greater_is_better=True,
        seed=recipe.seed,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _telling(progress: Progress) -> Any:
    """A callback of the trainer that says how far it is."""

    class Telling(need("transformers", "text").TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            progress(state.global_step, state.max_steps, {})

        def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
            progress(state.global_step, state.max_steps, metrics)

    return Telling()


def _accuracy(evaluated: Any) -> dict[str, float]:
    logits, labels = evaluated
    return {"accuracy": float((np.argmax(logits, -1) == labels).mean())}
