"""Every format that people keep pictures in gives each picture once, by its content and not by its name."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from whylight.errors import BadInput
from whylight.runs.inputs.braces import expand_braces
from whylight.runs.inputs.find import Layout, find_inputs
from whylight.runs.inputs.locate import encoded_picture
from whylight.runs.inputs.sample import Sample

PLAIN = Layout()


def jpeg(shade: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (16, 12), (shade, 0, 0)).save(content, "JPEG")
    return content.getvalue()


def samples(*names: object, layout: Layout = PLAIN) -> list[Sample]:
    return [sample for shard in find_inputs([str(n) for n in names], layout).shards for sample in shard.samples()]


def content(sample: Sample) -> bytes:
    return sample.data if sample.data is not None else Path(sample.source).read_bytes()


def write_tar(path: Path, members: list[tuple[str, bytes]], *, close: bool = True) -> None:
    file = io.BytesIO()
    archive = tarfile.open(fileobj=file, mode="w")  # noqa: SIM115 - some are never closed
    for name, data in members:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    if close:
        archive.close()
    path.write_bytes(file.getvalue())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        ("{008..011}.tar", ["008.tar", "009.tar", "010.tar", "011.tar"]),
        ("{8..11}", ["8", "9", "10", "11"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{a,b}/{1..2}", ["a/1", "a/2", "b/1", "b/2"]),
        ("{x}{1,2}", ["{x}1", "{x}2"]),
    ],
)
def test_braces(text: str, names: list[str]) -> None:
    assert expand_braces(text) == names


def test_files_folders_globs_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for index, name in enumerate(("a/1.jpg", "a/deep/2.jpg", "b.jpg", "c.jpg", "with space é.jpg")):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(jpeg(index))
    Path("a/notes.txt").write_text("no picture")
    assert [s.key for s in samples("a")] == ["a/1.jpg", "a/deep/2.jpg"]
    assert [s.key for s in samples("a", "a/", "./a/1.jpg", tmp_path / "a/1.jpg")] == ["a/1.jpg", "a/deep/2.jpg"]
    assert [s.key for s in samples("?.jpg")] == ["b.jpg", "c.jpg"]
    Path("list.dat").write_text("# mine\nb.jpg\n\nwith space é.jpg\nb.jpg\nnowhere.jpg\n")
    found = samples("list.dat")
    assert [s.key for s in found] == ["b.jpg", "with space é.jpg", "nowhere.jpg"]
    assert content(found[1]) == jpeg(4)
    shards = find_inputs(["a", "b.jpg", "c.jpg"], Layout(shard_size=3)).shards
    assert [len(list(shard.samples())) for shard in shards] == [3, 1]


def test_tables_of_all_kinds_hold_the_same(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"{index}.jpg").write_bytes(jpeg(index))
    encoded = base64.b64encode(jpeg(1)).decode()
    cells = ["0.jpg", encoded, f"data:image/jpeg;base64,{base64.b64encode(jpeg(2)).decode()}", ""]
    lines = [json.dumps({"image": cell, "text": f"t{i}"}) for i, cell in enumerate(cells)]
    (tmp_path / "t.jsonl").write_text("\n".join([*lines, "{broken", "[]"]))
    (tmp_path / "t.csv").write_text("text;image\n" + "\n".join(f'"t{i}";"{cell}"' for i, cell in enumerate(cells)))
    pq.write_table(pa.table({"image": cells, "text": [f"t{i}" for i in range(4)]}), tmp_path / "named.tar")
    for name in ("t.jsonl", "t.csv", "named.tar"):
        found = samples(tmp_path / name, layout=Layout(shard_size=2))
        assert [content(s) for s in found[:3]] == [jpeg(0), jpeg(1), jpeg(2)], name
        assert [s.fields["text"] for s in found[:4]] == ["t0", "t1", "t2", "t3"]
        assert found[3].problem is not None
        assert found[3].problem.status == "no-picture"
        assert len({s.key for s in found}) == len(found)
    assert [s.problem.status for s in samples(tmp_path / "t.jsonl")[4:] if s.problem] == ["bad-row", "bad-row"]


def test_parquet_with_bytes_and_structs_across_row_groups(tmp_path: Path) -> None:
    rows = [{"bytes": jpeg(i), "path": f"{i}.jpg"} for i in range(10)]
    pq.write_table(pa.table({"picture": rows, "n": list(range(10))}), tmp_path / "t.parquet", row_group_size=3)
    inputs = find_inputs([str(tmp_path / "t.parquet")], Layout(shard_size=4))
    found = [[s.fields["n"] for s in shard.samples()] for shard in inputs.shards]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    last = list(inputs.shards[1].samples())[-1]
    assert last.data == jpeg(7)
    assert encoded_picture(last.source) == jpeg(7)


def test_web_addresses_are_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("url,text\nhttps://example.org/a.jpg,x\n")
    with pytest.raises(BadInput, match="img2dataset"):
        find_inputs([str(tmp_path / "t.csv")], Layout())


def test_members_of_a_sample_may_lie_anywhere_in_a_tar(tmp_path: Path) -> None:
    pictures = [(f"{i}.jpg", jpeg(i)) for i in range(3)]
    texts = [(f"{i}.json", json.dumps({"caption": f"c{i}"}).encode()) for i in (2, 0, 1)]
    write_tar(tmp_path / "x.tar", [*pictures, *texts])
    found = samples(tmp_path / "x.tar")
    assert [s.key.rpartition("/")[2] for s in found] == ["0", "1", "2"]
    assert [s.data for s in found] == [jpeg(0), jpeg(1), jpeg(2)]
    assert [s.fields["json"]["caption"] for s in found] == ["c0", "c1", "c2"]
    assert [encoded_picture(s.source) for s in found] == [jpeg(0), jpeg(1), jpeg(2)]


@pytest.mark.parametrize(
    ("members", "statuses"),
    [
        ([("a.jpg", jpeg(1)), ("a.jpg", jpeg(1))], [None]),
        ([("a.jpg", jpeg(1)), ("a.jpg", jpeg(2))], ["duplicate-member"]),
        ([("a.txt", b"words")], ["no-picture"]),
        ([("a.input.jpg", jpeg(1)), ("a.mask.png", jpeg(2))], [None]),
        ([("a.one.jpg", jpeg(1)), ("a.two.jpg", jpeg(2))], ["ambiguous-picture"]),
        ([("a.jpg", jpeg(1)), ("a.json", b"{no")], ["bad-sidecar"]),
        ([("d/a.jpg", jpeg(1)), ("e/a.jpg", jpeg(2)), (".hidden", b"")], [None, None]),
    ],
)
def test_tars_as_they_are(tmp_path: Path, members: Any, statuses: list[str | None]) -> None:
    write_tar(tmp_path / "x.tar", members)
    found = samples(tmp_path / "x.tar")
    assert [s.problem and s.problem.status for s in found] == statuses
    assert all(s.data == jpeg(1) for s in found[:1] if s.problem is None)


def test_tars_never_closed_cut_and_empty(tmp_path: Path) -> None:
    members = [(f"{i}.jpg", jpeg(i)) for i in range(4)]
    write_tar(tmp_path / "open.tar", members, close=False)
    assert [s.problem for s in samples(tmp_path / "open.tar")] == [None] * 4
    whole = (tmp_path / "open.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:-700])  # in the middle of the last picture
    cut = samples(tmp_path / "cut.tar")
    assert [s.problem and s.problem.status for s in cut] == [None, None, None, "cut-member", "cut-archive"]
    (tmp_path / "header.tar").write_bytes(whole[: 3 * (512 + 1024) + 100])  # in the middle of a header
    assert len([s for s in samples(tmp_path / "header.tar") if s.problem is None]) == 3
    (tmp_path / "none.tar").write_bytes(b"")
    assert [s.problem and s.problem.status for s in samples(tmp_path / "none.tar")] == ["unreadable-archive"]
    import gzip

    (tmp_path / "x.dat").write_bytes(gzip.compress(whole))
    assert [s.data for s in samples(tmp_path / "x.dat")] == [data for _, data in members]


def test_urls(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/pics/a.jpg", jpeg(1))
    memory.pipe_file("/pics/b/c.jpg", jpeg(2))
    assert [s.key for s in samples("memory://pics")] == ["memory://pics/a.jpg", "memory://pics/b/c.jpg"]
    assert [s.key for s in samples("memory://pics/*.jpg")] == ["memory:///pics/a.jpg"]
    (tmp_path / "d.jpg").write_bytes(jpeg(3))
    found = samples(f"file://{tmp_path}")
    assert [encoded_picture(s.source) for s in found] == [jpeg(3)]
    write_tar(tmp_path / "x.tar", [("a.jpg", jpeg(4))])
    memory.pipe_file("/x.tar", (tmp_path / "x.tar").read_bytes())
    assert [s.data for s in samples("memory://x.tar")] == [jpeg(4)]


def test_data_sets_of_hugging_face(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra whylight[datasets] is not installed")
    rows = {"image": [{"bytes": jpeg(i), "path": None} for i in range(5)], "text": [f"t{i}" for i in range(5)]}
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    one = datasets.Dataset.from_dict(rows, features=features)
    one.select([4, 2]).save_to_disk(str(tmp_path / "one"))
    found = samples(tmp_path / "one")
    assert [s.data for s in found] == [jpeg(4), jpeg(2)]
    assert [s.fields["text"] for s in found] == ["t4", "t2"]
    datasets.DatasetDict({"train": one, "test": one.select([0])}).save_to_disk(str(tmp_path / "two"))
    found = samples(tmp_path / "two")
    assert [s.data for s in found] == [jpeg(0), *(jpeg(i) for i in range(5))]
    assert len({s.key for s in found}) == 6


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("nowhere", None, "no such file or folder"),
        ("*.xyz", None, "matches no file"),
        ("a.bin", bytes(range(256)), "neither pictures"),
        ("a.csv", b"colour,image_id\nred,3\n", "name no file that is there .* --picture-column"),
    ],
)
def test_what_holds_no_pictures_is_one_clear_line(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=said):
        find_inputs([str(tmp_path / name)], Layout())


def test_only_what_lies_in_the_run_s_own_folder_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run" / "overlays").mkdir(parents=True)
    (tmp_path / "run" / "overlays" / "1.jpg").write_bytes(jpeg(1))
    (tmp_path / "2.jpg").write_bytes(jpeg(2))
    monkeypatch.chdir(tmp_path / "run")
    for names, own in (("../2.jpg", "."), ("..", "."), ("..", f"file://{tmp_path}/run"), (str(tmp_path), "../run")):
        assert [content(sample) for sample in samples(names, layout=Layout(but=own))] == [jpeg(2)]


def test_a_file_system_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(place: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("whylight.runs.inputs.places.url_to_fs", missing)
    with pytest.raises(BadInput, match=r"^s3:// needs a package that is not installed: Install s3fs to access S3$"):
        find_inputs(["s3://bucket/a.png"], Layout())


def test_a_table_whose_picture_column_has_a_name_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(jpeg(1))
    (tmp_path / "a.csv").write_text("colour,scan\nred,1.jpg\n")
    (found,) = samples(tmp_path / "a.csv", layout=Layout(picture="scan"))
    assert content(found) == jpeg(1)
    assert found.fields["colour"] == "red"
