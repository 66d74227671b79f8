"""Training that starts from a checkpoint, and training twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file
from zoo.movie_reviews import pack, write_movies
from zoo.transformers_models import BERT

from whylight.cli.main import main
from whylight.errors import BadInput
from whylight.evaluation.training.movie_reviews import FROM_SCRATCH, Recipe, train
from whylight.evaluation.training.tiny_bert import Size, tiny_tokenizer
from whylight.models.load import load


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(write_movies(tmp_path_factory.mktemp("movies")))


PREFIXES = {"a folder": "", "hf:": "hf:", "as load names it": "hf:local-dir:"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as bert-base-uncased's is: a pretrained encoder and pooler without a classifier, and a tokenizer."""
    folder = tmp_path_factory.mktemp("bert-tiny-uncased")
    tokenizer = tiny_tokenizer(["the film has a wonderful plot", "an awful one"], 60, 20)
    torch.manual_seed(0)
    config = transformers.BertConfig(**BERT | {"vocab_size": len(tokenizer)})
    transformers.BertForPreTraining(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES.keys())
def test_training_starts_from_a_checkpoint(
    prefix: str, movies: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a learning rate of zero, what is written is what was read, with a classifier added."""
    places = ["--data", str(movies), "--out", str(tmp_path / "out"), "--start", f"{prefix}{checkpoint}"]
    how = ["--learning-rate", "0", "--epochs", "1", "--pieces", "16", "--limit", "2"]
    with pytest.raises(SystemExit) as stopped:
        main(["train", "movie-reviews", *places, *how])
    assert not stopped.value.code
    printed = capsys.readouterr().out
    rows = [line.split()[:3] for line in printed.splitlines()]
    assert ["test", "4", "4"] in rows, "part, reviews, longer than 16 pieces"
    before, after = (load_file(folder / "model.safetensors") for folder in (checkpoint, tmp_path / "out"))
    shared = [name for name in before if name.startswith("bert.")]
    assert len(shared) > 30
    assert all(torch.equal(before[name], after[name]) for name in shared)
    assert set(after) - set(shared) == {"classifier.weight", "classifier.bias"}
    view = load(f"hf:local-dir:{tmp_path / 'out'}")
    assert view.class_names == ["NEG", "POS"]
    assert view.text.tokenizer.get_vocab() == transformers.AutoTokenizer.from_pretrained(checkpoint).get_vocab()
    recipe = json.loads((tmp_path / "out" / "training.json").read_text())["recipe"]
    assert (recipe["start"], recipe["batch_size"], recipe["learning_rate"]) == (f"{prefix}{checkpoint}", 10, 0)


def test_training_from_a_checkpoint_changes_it(movies: Path, checkpoint: Path, tmp_path: Path) -> None:
    train(movies, tmp_path / "out", Recipe(str(checkpoint), longest=16, learning_rate=1e-3, epochs=1, limit=2))
    before, after = (load_file(folder / "model.safetensors") for folder in (checkpoint, tmp_path / "out"))
    assert not torch.equal(before["bert.pooler.dense.weight"], after["bert.pooler.dense.weight"])


def test_a_checkpoint_that_is_none_is_one_line(movies: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"cannot start from .*empty \(--tiny needs no checkpoint\)"):
        train(movies, tmp_path / "out", Recipe(str(tmp_path / "empty")))
    with pytest.raises(BadInput, match="there is no folder nowhere"):
        train(movies, tmp_path / "out", Recipe("hf:local-dir:nowhere"))


def test_the_same_seed_trains_the_same_model(movies: Path, tmp_path: Path) -> None:
    recipe = replace(FROM_SCRATCH, tiny=Size(1, 32, 150), longest=16, epochs=2, limit=10)
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        train(movies, tmp_path / name, replace(recipe, seed=seed))
    first, again, other = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "again", "other"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])
