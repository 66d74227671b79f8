"""Whose folder it is."""

from __future__ import annotations

import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.settings import Settings
from whylight.reports.summary import summarize
from whylight.runs.expected import expected
from whylight.runs.manifest import MOST_PICTURES, NumberedSettings, claim, settings_of

SETTINGS = Settings(
    benchmark="imagenet-segmentation",
    protocol="segmentation",
    protocol_version=1,
    model="scenes",
    model_digest="abc",
    methods={"legrad": {"method": "legrad", "options": {}}},
    explained=["target"],
    templates=["{}"],
    data={"name": "d", "path": "/here", "fingerprint": "123"},
    pictures=100,
    input_size=[96, 96],
    shard_size=64,
    batch_size=16,
    dtype="float32",
)


def test_a_folder_is_claimed_once_and_found_again(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: claim(tmp_path, SETTINGS, {"python": "3"}), range(8)))
    assert settings_of(tmp_path, Settings) == SETTINGS
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_the_same_data_may_lie_elsewhere(tmp_path):
    claim(tmp_path, SETTINGS, {})
    claim(tmp_path, replace(SETTINGS, data=SETTINGS.data | {"path": "/there"}), {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"protocol_version": 2}, "protocol_version: 2 here, 1 there"),
        ({"model_digest": "xyz"}, "model_digest"),
        ({"data": SETTINGS.data | {"fingerprint": "124"}}, r"data\.fingerprint"),
        ({"methods": {"legrad": {"method": "legrad", "options": {"start_layer": -2}}}}, r"methods\.legrad"),
        ({"methods": {}}, "methods"),
    ],
)
def test_anything_that_changes_a_row_is_refused_by_name(tmp_path, change, says):
    claim(tmp_path, SETTINGS, {})
    with pytest.raises(BadInput, match=says):
        claim(tmp_path, replace(SETTINGS, **change), {})


def test_a_manifest_that_does_not_read_is_one_clear_line(tmp_path):
    with pytest.raises(BadInput, match=r"has no manifest\.json"):
        settings_of(tmp_path, Settings)
    for broken in ("{", '{"settings": "x"}', '{"settings": [["a", 1]]}', "[]"):
        (tmp_path / "manifest.json").write_text(broken)
        with pytest.raises(BadInput, match="does not read"):
            settings_of(tmp_path, Settings)


@pytest.mark.parametrize(
    "wrong", [{"shard_size": 0}, {"shard_size": "x"}, {"batch_size": None}, {"pictures": -1}], ids=str
)
def test_settings_of_wrong_types_or_sizes_are_one_line(tmp_path, wrong):
    said = {"shard_size": 4, "batch_size": 2, "pictures": 3} | wrong
    (tmp_path / "manifest.json").write_text(json.dumps({"settings": said, "environment": {}}))
    with pytest.raises(BadInput, match=r"manifest\.json") as error:
        settings_of(tmp_path, NumberedSettings)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("size", [1, 10**12])
@pytest.mark.parametrize("pictures", [MOST_PICTURES + 1, 10**12, 1e12, 1e300, 10**4000])
def test_more_pictures_than_memory_holds_are_refused_before_anything_is_made_of_them(tmp_path, pictures, size):
    said = asdict(SETTINGS) | {"pictures": pictures, "shard_size": size}
    (tmp_path / "manifest.json").write_text(json.dumps({"settings": said, "environment": {}}))
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "shard-00000.parquet").write_bytes(b"not read")
    tracemalloc.start()
    try:
        for read in (expected, summarize):
            with pytest.raises(BadInput, match=r"manifest\.json") as error:
                read(tmp_path)
            assert len(str(error.value).splitlines()) == 1
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_as_many_pictures_as_a_run_may_have(tmp_path):
    claim(tmp_path, replace(SETTINGS, pictures=MOST_PICTURES, shard_size=10**6), {})
    assert list(expected(tmp_path).pictures) == list(range(10))
