"""Archives and JSON that are damaged where their libraries say nothing, or raise what no reader expects."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from whylight.errors import BadInput
from whylight.evaluation.data.coco import CocoInstances
from whylight.evaluation.data.data_set import Unusable
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.maps.decoded import Decode, Failed
from whylight.models.preprocessing import Preprocessing
from whylight.runs.from_json import from_json
from whylight.runs.inputs.braces import expand_braces
from whylight.runs.inputs.detect import kind_of_content
from whylight.runs.inputs.find import Layout, find_inputs
from whylight.runs.inputs.locate import encoded_picture
from whylight.runs.inputs.sample import Sample
from whylight.runs.manifest import read

DEEP = "[" * 100_000


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 600
            tar.addfile(member, io.BytesIO(bytes(range(200)) * 3))
    return content.getvalue()


def samples(path: Path) -> list[Sample]:
    return [sample for shard in find_inputs([str(path)], Layout()).shards for sample in shard.samples()]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("spoiled", ["a bit of a header", "a header of zeros", "another archive behind it"])
def test_what_lies_behind_the_end_of_an_archive_is_said(spoiled: str, packed: bool, tmp_path: Path) -> None:
    content = bytearray(archive("a.jpg", "b.jpg", "c.jpg"))
    second = 512 + 1024  # a header, and 600 bytes in blocks of 512
    if spoiled == "a bit of a header":
        content[second + 3] ^= 1
    elif spoiled == "a header of zeros":
        content[second : second + 512] = bytes(512)
    else:
        content += archive("d.jpg")
    path = tmp_path / "x.tar"
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
    *good, last = samples(path)
    assert [sample.key.rpartition("/")[2] for sample in good] == (["a", "b", "c"] if "another" in spoiled else ["a"])
    assert last.problem is not None
    assert last.problem.status == "cut-archive"
    assert "lies more" in last.problem.error


def test_flipped_bits_of_a_compressed_archive_are_said(tmp_path: Path) -> None:
    """Of gzip, zlib raises what is no OSError."""
    packed = bytearray(gzip.compress(archive("a.jpg", "b.jpg"), 9))
    for place in range(20, len(packed) - 20, 3):
        damaged = bytearray(packed)
        damaged[place] ^= 0xFF
        path = tmp_path / "x.tar"
        path.write_bytes(damaged)
        try:
            found = samples(path)
        except BadInput:  # not even its first block reads
            continue
        assert any(sample.problem is not None for sample in found)
    path.write_bytes(packed[:60])
    with pytest.raises(OSError, match="damaged"):
        encoded_picture(f"{path}::b.jpg")


def test_a_member_of_a_million_million_bytes_is_not_read(tmp_path: Path) -> None:
    """A sparse member's zeros are nowhere in the archive, so that its length says nothing of it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, headers in (("a.jpg", {"GNU.sparse.map": "0,600", "GNU.sparse.size": str(10**12)}), ("b.jpg", {})):
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = 600, headers
            tar.addfile(member, io.BytesIO(bytes(600)))
    path = tmp_path / "x.tar"
    path.write_bytes(gzip.compress(content.getvalue()))
    large, good = samples(path)
    assert large.problem is not None
    assert large.problem.status == "cut-member"
    assert "a.jpg is to have 1,000,000,000,000 bytes, more than a gibibyte" in large.problem.error
    assert (good.problem, len(good.data)) == (None, 600)
    with pytest.raises(OSError, match="more than a gibibyte"):
        encoded_picture(f"{path}::a.jpg")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(BadInput, match="no end to wait for"):
        samples(tmp_path / "pipe.jpg")
    (tmp_path / "list.txt").write_text("list.txt\npipe.jpg\n")
    row = Decode(Preprocessing((8, 8), (0.5,) * 3, (0.5,) * 3))(samples(tmp_path / "list.txt")[1])
    assert isinstance(row, Failed)
    assert "no end to wait for" in row.problem.error


@pytest.mark.parametrize("name", ["{0..99999999999}", "{0..9999}{0..9999}", "{1..3}{000..999999}"])
def test_braces_that_stand_for_millions_are_refused_at_once(name: str) -> None:
    with pytest.raises(BadInput, match="more than 1,000,000 names"):
        expand_braces(name)
    assert len(expand_braces("{000000..999999}")) == 1_000_000


def test_deep_json_is_a_value_error() -> None:
    with pytest.raises(json.JSONDecodeError, match="nested too deeply"):
        from_json(DEEP)
    assert from_json('{"a": [1]}') == {"a": [1]}


def test_deep_json_is_one_bad_row_or_one_line(tmp_path: Path) -> None:
    table = tmp_path / "x.jsonl"
    table.write_text('{"image": "a.png"}\n' + DEEP + "\n")
    assert [sample.problem is not None and sample.problem.status for sample in samples(table)] == [False, "bad-row"]

    (tmp_path / "val2017").mkdir()
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text(DEEP)
    with pytest.raises(BadInput, match="nested too deeply"):
        CocoInstances(tmp_path)

    (tmp_path / "docs").mkdir()
    (tmp_path / "test.jsonl").write_text(DEEP)
    with pytest.raises(Unusable, match="complete JSON"):
        MovieReviews(tmp_path).read(0)

    (tmp_path / "manifest.json").write_text(DEEP)
    with pytest.raises(BadInput, match="does not read"):
        read(tmp_path)


def test_a_text_with_a_mark_at_its_head_may_end_inside_a_character() -> None:
    assert kind_of_content("\ufeffimage,caption\na.png,é".encode()[:-1]) == "csv"
