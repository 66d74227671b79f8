"""``--out`` of every command: places that cannot be, and disks that are full, are one line and harm nothing."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import Outcome, Run
from PIL import Image
from zoo.movie_reviews import write_movies

from whylight.cli.main import COMMANDS
from whylight.scenes import draw_scene

MINI = ("scenes-pointing", "--limit", "2", "--methods", "raw_attention")
TINY = ("--tiny", "--layers", "1", "--width", "8", "--epochs", "1", "--pieces", "16", "--limit", "2")
WORDS: dict[str, tuple[str, ...]] = {
    "explain": ("explain", "a.png", "-p", "a star", "--model", "clip"),
    "explain --text": ("explain", "--text", "the film was good", "--model", "words"),
    "compare": ("compare", "a.png", "-p", "a star", "--model", "clip", "--methods", "legrad,rollout"),
    "attention": ("attention", "a.png", "--model", "clip"),
    "ask": ("ask", "a.png", "What colour is the ring?"),
    "run": ("run", "a.png", "-p", "a star", "--method", "raw_attention"),
    "benchmark": ("benchmark", *MINI),
    "report": ("report", "done"),
    "reproduce": ("reproduce", "legrad-table2", "--data", "nothing"),
    "train": ("train", "movie-reviews", "--data", "movies", *TINY),
}
"""Commands that write; ``web`` writes nothing, and ``list`` neither."""


def test_every_command_that_writes_is_tried() -> None:
    assert {words.split()[0] for words in WORDS} == COMMANDS.keys() - {"web", "list"}


@pytest.fixture
def prepared(run: Run) -> Run:
    """Everything that the commands read is there."""
    Image.fromarray(draw_scene(1000000043).picture).save("a.png")
    Path("nothing").mkdir()
    write_movies(Path(), reviews=4)
    return run


@pytest.fixture(scope="module")
def benchmarked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from whylight.evaluation.benchmarks.planning import plan
    from whylight.evaluation.benchmarks.wanted import Wanted
    from whylight.runs.run import execute

    folder = tmp_path_factory.mktemp("benchmark") / "done"
    execute(plan(Wanted(MINI[0], None, "scenes", "raw_attention", limit=2)), folder)
    return folder


def ran(run: Run, name: str, out: str, benchmarked: Path) -> Outcome:
    words = [str(benchmarked) if word == "done" else word for word in WORDS[name]]
    return run(*words, "--out", out)


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/whylight/x"])
@pytest.mark.parametrize("name", WORDS)
def test_places_that_cannot_be_are_one_line(prepared: Run, name: str, out: str, benchmarked: Path) -> None:
    Path("file").write_text("mine")
    outcome = ran(prepared, name, out, benchmarked)
    assert outcome.status == 2
    (line,) = outcome.err.strip().splitlines()[-1:]
    assert out.partition("/x")[0] in line
    assert "Traceback" not in outcome.err
    assert Path("file").read_text() == "mine"


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file may become larger: what a system says then is what it says of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", WORDS)
def test_a_full_disk_is_one_line_and_leaves_no_half_file(prepared: Run, name: str, benchmarked: Path) -> None:
    with small_disk(64):
        outcome = ran(prepared, name, "out", benchmarked)
    assert outcome.status == 2, outcome.err
    assert "cannot be written" in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err
    left = [path for path in Path("out").rglob("*") if path.is_file() and "checkpoints" not in path.parts]
    assert all(path.name in (".locks", ".lock") or path.stat().st_size <= 64 for path in left), left
    assert not [path for path in left if path.suffix in (".png", ".html", ".md", ".parquet")]
