"""Files of rows that are damaged, copied, edited or another run's: named, never counted, computed anew."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import whylight
from whylight.errors import BadInput, WhylightWarning
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.maps.planning import plan_maps
from whylight.maps.settings import Wanted as WantedMaps
from whylight.reports.map_run import load_run
from whylight.reports.summary import summarize
from whylight.runs.run import execute
from whylight.runs.store import name_of, read_rows, stored
from whylight.scenes import draw_scene

WANTED = {"benchmark": "scenes-segmentation", "data": None, "model": "scenes", "methods": "raw_attention", "limit": 6}
SIZES = {"shard_size": 2, "batch_size": 2}


@pytest.fixture(scope="module")
def planned() -> Any:
    return plan(Wanted(**WANTED, **SIZES))


@pytest.fixture(scope="module")
def benchmark(planned: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "whole"
    execute(planned, folder)
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with other settings."""
    folder = tmp_path_factory.mktemp("run") / "other"
    execute(plan(Wanted(**(WANTED | {"methods": "rollout"}), **SIZES)), folder)
    return folder


def file(folder: Path, number: int) -> Path:
    return folder / name_of(number)


def rewrite(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path, Path], None]:
    def rewritten(folder: Path, other: Path) -> None:
        pq.write_table(change(pq.read_table(file(folder, 1))), file(folder, 1))

    return rewritten


def flip(folder: Path, other: Path) -> None:
    content = bytearray(file(folder, 1).read_bytes())
    content[len(content) // 3] ^= 16
    file(folder, 1).write_bytes(content)


def renamed(table: pa.Table) -> pa.Table:
    names = pa.array([f"{name}x" for name in table["picture"].to_pylist()])
    return table.set_column(0, table.schema.field(0), names)


def as_binary(table: pa.Table) -> pa.Table:
    """What a flipped bit in the footer makes of a column of texts."""
    place = table.schema.get_field_index("label")
    return table.set_column(place, "label", table["label"].cast(pa.binary()))


FAULTS: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "copied": (lambda folder, other: shutil.copy(file(folder, 0), file(folder, 1)), "holds the rows of shard 0"),
    "another run's": (lambda folder, other: shutil.copy(file(other, 1), file(folder, 1)), "is of another run"),
    "no rows": (rewrite(lambda table: table.slice(0, 0)), "other rows than were written"),
    "fewer rows": (rewrite(lambda table: table.slice(1)), "other rows than were written"),
    "doubled rows": (rewrite(lambda table: pa.concat_tables([table, table])), "other rows than were written"),
    "other pictures": (rewrite(renamed), "other rows than were written"),
    "no mark": (rewrite(lambda table: table.replace_schema_metadata(None)), "does not say which shard"),
    "no column": (rewrite(lambda table: table.drop_columns(["label"])), "no column label"),
    "another type": (rewrite(as_binary), "columns of other types"),
    "flipped": (flip, "does not read"),
    "cut": (lambda folder, other: file(folder, 1).write_bytes(file(folder, 0).read_bytes()[:900]), "does not read"),
    "empty": (lambda folder, other: file(folder, 1).write_bytes(b""), "does not read"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_doubtful_shard_is_named_and_computed_anew(
    fault: str, planned: Any, benchmark: Path, other: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(benchmark, folder)
    damage, said = FAULTS[fault]
    damage(folder, other)
    with pytest.raises(BadInput, match=re.escape(name_of(1)) + ".*" + said) as refused:
        summarize(folder)
    assert "the run's command, started again, computes it anew" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert set(stored(folder).doubtful) == {1}
    with pytest.warns(WhylightWarning, match=f"shard-00001.*{said}.*: computed anew") as warned:
        execute(planned, folder)
    assert len(warned) == 1
    assert read_rows(folder).to_pylist() == read_rows(benchmark).to_pylist()


def test_a_shard_that_the_run_does_not_have_is_named_and_not_counted(benchmark: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(benchmark, folder)
    shutil.copy(file(folder, 0), file(folder, 7))
    with pytest.warns(WhylightWarning, match=r"shard-00007\.parquet: the run has no such shard") as said:
        summary = summarize(folder)
    assert len(said) == 1
    assert (summary.shards, summary.pictures) == ((3, 3), 6)
    assert file(folder, 7).exists()


def test_flipped_bits_never_change_a_row(benchmark: Path, tmp_path: Path) -> None:
    """Each bit that is flipped is found, or does not matter."""
    folder = tmp_path / "run"
    shutil.copytree(benchmark, folder)
    whole, rows = file(folder, 1).read_bytes(), read_rows(folder).to_pylist()
    random = np.random.default_rng(0)
    found = 0
    for place in random.integers(0, len(whole), 300):
        content = bytearray(whole)
        content[place] ^= 1 << int(random.integers(8))
        file(folder, 1).write_bytes(content)
        try:
            assert read_rows(folder).to_pylist() == rows, place
        except BadInput:
            found += 1
    assert found > 100


@pytest.fixture
def maps(tmp_path: Path) -> tuple[Path, WantedMaps]:
    for index in range(4):
        (tmp_path / "p").mkdir(exist_ok=True)
        Image.fromarray(draw_scene(10**9 + index, 64).picture).save(tmp_path / "p" / f"{index}.png")
    out = str(tmp_path / "m")
    wanted = WantedMaps(
        pictures=(str(tmp_path / "p"),), out=out, prompts=("a ring",), methods="raw_attention", shard_size=2
    )
    execute(plan_maps(wanted), out)
    return Path(out), wanted


def test_maps_of_a_copied_shard(maps: tuple[Path, WantedMaps]) -> None:
    folder, wanted = maps
    before = [(e.key, e.relevance.tolist()) for e in whylight.read_maps(folder)]
    shutil.copy(file(folder, 0), file(folder, 1))
    for read in (lambda: list(whylight.read_maps(folder)), lambda: load_run(folder)):
        with pytest.raises(BadInput, match=r"shard-00001\.parquet holds the rows of shard 0"):
            read()
    with pytest.warns(WhylightWarning, match="computed anew"):
        execute(plan_maps(wanted), folder)
    assert [(e.key, e.relevance.tolist()) for e in whylight.read_maps(folder)] == before
    shutil.copy(file(folder, 0), file(folder, 9))
    with pytest.warns(WhylightWarning, match="no such shard"):
        assert [e.key for e in whylight.read_maps(folder)] == [key for key, _ in before]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("picture_height", 10**8, "picture is 100000000 x 64"),
        ("picture_width", 0, "64 x 0"),
        ("grid_width", 9, "12 x 9"),
    ],
)
def test_a_row_that_says_what_cannot_be_is_one_line(
    maps: tuple[Path, WantedMaps], column: str, value: int, says: str
) -> None:
    folder, _ = maps

    def changed(table: pa.Table) -> pa.Table:
        index = table.column_names.index(column)
        return table.set_column(index, table.schema.field(index), pa.array([value] * len(table), pa.int32()))

    rewrite(changed)(folder, folder)
    with pytest.raises(BadInput, match=says):
        list(whylight.read_maps(folder, pictures=False))


def test_a_run_that_grows_keeps_the_number_of_a_doubtful_shard(maps: tuple[Path, WantedMaps], tmp_path: Path) -> None:
    folder, wanted = maps
    shutil.copy(tmp_path / "p/0.png", tmp_path / "p/4.png")
    file(folder, 1).write_bytes(b"")
    with pytest.warns(WhylightWarning, match="computed anew"):
        execute(plan_maps(replace(wanted, on_existing="extend")), folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keys = [e.key.rpartition("/")[2] for e in whylight.read_maps(folder)]
    assert keys == ["0.png", "1.png", "2.png", "3.png", "4.png"]


@pytest.mark.parametrize("text", ["{", "[]", '{"shards": 3}', '{"fingerprint": "a", "shards": [{"number": "x"}]}'])
def test_a_list_of_shards_that_does_not_read_is_one_line(maps: tuple[Path, WantedMaps], text: str) -> None:
    folder, wanted = maps
    (folder / "shards.json").write_text(text)
    for read in (lambda: plan_maps(wanted), lambda: list(whylight.read_maps(folder))):
        with pytest.raises(BadInput, match=r"shards\.json does not read") as refused:
            read()
        assert len(str(refused.value).splitlines()) == 1
    (folder / "shards.json").unlink()
    with pytest.raises(BadInput, match=r"shards\.json is missing"):
        list(whylight.read_maps(folder))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["settings"]["kind"] == "maps"
