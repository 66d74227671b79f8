"""``whylight run`` as a person types it, and what its rows say."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import pytest
import timm
import torch
from command_line import Outcome
from PIL import Image
from safetensors.torch import save_file

import whylight
from whylight.cli.main import main
from whylight.maps.inside import Inside
from whylight.models.preprocessing import Frame
from whylight.runs.folder import RunFolder
from whylight.runs.store import read_rows
from whylight.scenes import draw_scene, phrase

SIZE = 64


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Run a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Outcome:
        try:
            main(words)
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run


def picture(index: int, ending: str = "PNG", shape: tuple[int, int] | None = None) -> bytes:
    content = io.BytesIO()
    drawn = Image.fromarray(draw_scene(10**9 + index, SIZE).picture)
    (drawn.resize(shape) if shape else drawn).save(content, ending)
    return content.getvalue()


def pictures(folder: str, *indices: int) -> None:
    Path(folder).mkdir(exist_ok=True)
    for index in indices:
        (Path(folder) / f"{index}.png").write_bytes(picture(index))


def rows(folder: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_rows(folder).to_pylist()
    return found


def test_rows_hold_what_explain_says(run: Any) -> None:
    pictures("p", 0, 1)
    (Path("p") / "wide.jpg").write_bytes(picture(2, "JPEG", (90, 50)))
    asked = ("-p", "a red star", "-p", "a ring")
    ran = run("run", "p", *asked, "--out", "m", "--method", "legrad,rollout", "--precision", "float32", "--batch", "1")
    assert ran.status == 0
    assert "1 shards, 3 pictures; no picture done already; rows go to m/rows" in ran.err
    assert "3 of 3 pictures done, 0 failed" in ran.err
    found = list(whylight.read_maps("m"))
    assert [(e.key, e.method) for e in found] == [
        (f"p/{name}", method) for name in ("0.png", "1.png", "wide.jpg") for method in ("legrad", "rollout")
    ]
    for stored in found:
        fresh = whylight.explain("scenes", stored.key, ["a red star", "a ring"], stored.method)
        assert torch.allclose(stored.relevance, fresh.relevance, rtol=1e-4, atol=1e-5 * float(fresh.relevance.max()))
        assert stored.frame == fresh.frame
        assert stored.scores == pytest.approx(fresh.scores, abs=1e-5)
        assert stored.logits == pytest.approx(fresh.logits, abs=1e-3)
        assert stored.picture.tobytes() == fresh.picture.tobytes()
        assert (stored.targets, stored.input_size) == (fresh.targets, fresh.input_size)
    Path("p/0.png").unlink()
    gone = next(iter(whylight.read_maps("m")))
    assert gone.picture.getcolors() == [(SIZE * SIZE, (128, 128, 128))]


def test_half_precision_has_a_scale_and_other_programs_read_it(run: Any) -> None:
    pictures("p", 0, 1)
    assert run("run", "p", "-p", "a ring", "--out", "half").status == 0
    assert run("run", "p", "-p", "a ring", "--out", "full", "--precision", "float32").status == 0
    frame = pandas.read_parquet("half/rows")
    assert list(frame["status"]) == ["ok", "ok"]
    for stored, exact in zip(frame.itertuples(), rows("full"), strict=True):
        back = stored.relevance.astype(np.float32) * stored.scale
        assert stored.relevance.dtype == np.float16
        assert np.abs(back - exact["relevance"]).max() <= 2**-11 * np.abs(exact["relevance"]).max()
    query = "select key, len(relevance), grid_height * grid_width from 'half/rows/*.parquet' order by key"
    assert duckdb.sql(query).fetchall() == [("p/0.png", 144, 144), ("p/1.png", 144, 144)]


def test_prompts_of_their_own_from_tars_and_tables(run: Any) -> None:
    captions: list[Any] = ["a ring", ["a ring", "a red star"], "", "a ring"]
    with tarfile.open("x.tar", "w") as archive:
        for index, caption in enumerate(captions):
            text = json.dumps({"c": caption}).encode()
            for name, data in ((f"{index}.png", picture(index)), (f"{index}.json", text)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    assert run("run", "x.tar", "--prompts-from", "json:c", "--out", "m").status == 0
    found = {(r["key"], r["target"]): r for r in rows("m")}
    assert set(found) == {
        ("x.tar/0", "a ring"),
        ("x.tar/1", "a ring"),
        ("x.tar/1", "a red star"),
        ("x.tar/2", None),
        ("x.tar/3", "a ring"),
    }
    assert found["x.tar/2", None]["status"] == "no-prompt"
    alone = whylight.explain("scenes", np.asarray(Image.open(io.BytesIO(picture(3)))), "a ring")
    row = found["x.tar/3", "a ring"]
    stored = np.array(row["relevance"], np.float32) * row["scale"]
    assert np.allclose(stored, alone.relevance.flatten(), atol=2e-3 * row["scale"])


def test_a_run_among_its_pictures_does_not_read_itself(run: Any) -> None:
    pictures("p", 0, 1)
    words = ("run", "p", "-p", "a ring", "--out", "p/maps", "--overlays", "png", "--method", "raw_attention")
    assert run(*words).status == 0
    overlays = sorted(path.name for path in Path("p/maps/overlays/shard-00000").iterdir())
    assert overlays == [f"00000{i}-{i}_png.raw_attention.a_ring.png" for i in (0, 1)]
    assert Image.open(f"p/maps/overlays/shard-00000/{overlays[0]}").size == (SIZE, SIZE)
    assert run("report", "p/maps").status == 0
    assert run(*words).status == 0
    assert [r["key"] for r in rows("p/maps")] == ["p/0.png", "p/1.png"]


def test_the_likeliest_of_many(run: Any) -> None:
    pictures("p", 0, 1, 2)
    words = ("a red star", "a ring", "a blue square", "a green heart")
    prompts = [part for word in words for part in ("-p", word)]
    assert run("run", "p", *prompts, "--out", "all").status == 0
    assert run("run", "p", *prompts, "--top", "2", "--out", "top").status == 0
    for key in ("p/0.png", "p/1.png", "p/2.png"):
        every = sorted((r for r in rows("all") if r["key"] == key), key=lambda r: -r["logit"])
        best = [r for r in rows("top") if r["key"] == key]
        assert [r["target"] for r in best] == [r["target"] for r in every[:2]]
        for a, b in zip(best, every, strict=False):
            assert a["score"] == pytest.approx(b["score"], abs=1e-5)
            mine, other = (np.array(r["relevance"], np.float32) * r["scale"] for r in (a, b))
            assert np.allclose(mine, other, atol=2e-3 * b["scale"])


def test_classes_and_the_predicted_ones_of_a_classifier(run: Any) -> None:
    """The maps and probabilities of each picture alone, for classes that are named and those that are predicted."""
    pictures("p", 0, 1, 2)
    torch.manual_seed(0)
    small = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 5}
    model = timm.models.vision_transformer.VisionTransformer(**small)
    Path("classifier").mkdir()
    save_file(model.state_dict(), "classifier/model.safetensors")
    described = {"architecture": "vit_tiny_patch16_224", "num_classes": 5, "model_args": small}
    Path("classifier/config.json").write_text(json.dumps(described | {"pretrained_cfg": {"input_size": [3, 32, 32]}}))
    name = "timm:local-dir:classifier"
    asked: dict[str, tuple[str, ...]] = {"predicted": (), "named": ("-p", "3", "-p", "0"), "top": ("--top", "2")}
    for out, words in asked.items():
        more = ("--model", name, "--methods", "legrad,raw_attention", "--precision", "float32", "--out", out)
        assert run("run", "p", *words, *more).status == 0
    view = whylight.load(name)
    for key in ("p/0.png", "p/1.png", "p/2.png"):
        pixels, _ = view.preprocessing(Image.open(key))
        scores = view.output(pixels[None]).softmax(-1)[0].tolist()
        best = sorted(range(5), key=lambda index: -scores[index])[:2]
        for out, indices in (("predicted", best[:1]), ("named", [3, 0]), ("top", best)):
            for method in ("legrad", "raw_attention"):
                found = [r for r in rows(out) if (r["key"], r["method"]) == (key, method)]
                assert [r["score"] for r in found] == pytest.approx([scores[i] for i in indices], abs=1e-5)
                alone = whylight.explain(view, key, indices, method=method)
                assert np.allclose([r["relevance"] for r in found], alone.relevance.flatten(1), rtol=1e-4, atol=1e-7)


def test_methods_may_repeat(run: Any) -> None:
    pictures("p", 0)
    assert run("run", "p", "-p", "a ring", "--method", "rollout", "--method", "raw_attention", "--out", "m").status == 0
    assert [r["method"] for r in rows("m")] == ["rollout", "raw_attention"]
    scores = {r["score"] for r in rows("m")}
    assert len(scores) == 1
    assert scores.pop() == pytest.approx(whylight.explain("scenes", "p/0.png", "a ring").scores[0], abs=1e-5)


def test_a_run_grows_and_starts_anew_only_when_told_to(run: Any) -> None:
    pictures("p", 0, 1, 2)
    words = ("run", "p", "-p", "a ring", "--out", "m", "--shard-size", "2", "--method", "raw_attention")
    assert run(*words).status == 0
    before = {path.name: path.stat().st_mtime_ns for path in Path("m/rows").iterdir()}
    pictures("p", 3, 11)  # 11 comes between 1 and 2
    refused = run(*words)
    assert refused.status == 2
    assert "--on-existing extend does those that are new" in " ".join(refused.err.split())
    assert run(*words, "--on-existing", "extend").status == 0
    assert sorted(r["key"] for r in rows("m")) == [f"p/{i}.png" for i in (0, 1, 11, 2, 3)]
    after = {path.name: path.stat().st_mtime_ns for path in Path("m/rows").iterdir()}
    assert before.items() <= after.items()
    assert run(*words).status == 0, "the run that has grown is found again"
    assert run(*words, "--on-existing", "overwrite").status == 0
    assert [r["key"] for r in rows("m")] == [f"p/{i}.png" for i in (0, 1, 11, 2, 3)]
    Path("thesis").mkdir()
    Path("thesis/thesis.txt").write_text("mine")
    assert run("run", "p", "-p", "a ring", "--out", "thesis", "--on-existing", "overwrite").status == 2
    assert Path("thesis/thesis.txt").read_text() == "mine"


def test_only_what_failed_is_tried_again(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures("p", 0, 1, 2)
    good = Path("p/1.png").read_bytes()
    Path("p/1.png").write_bytes(good[:500])
    words = ("run", "p", "-p", "a ring", "-p", "a star", "--out", "m", "--shard-size", "2", "--method", "raw_attention")
    ran = run(*words)
    assert ran.status == 0
    assert "3 of 3 pictures done, 1 failed" in ran.err
    (bad,) = [r for r in rows("m") if r["status"] != "ok"]
    assert (bad["key"], bad["status"]) == ("p/1.png", "damaged-picture")
    assert "truncated" in bad["error"]
    before = [r for r in rows("m") if r["status"] == "ok"]
    Path("p/1.png").write_bytes(good)
    ran = run(*words, "--retry-failed")
    assert "1 shards, 1 pictures that failed" in ran.err
    after = rows("m")
    assert {r["status"] for r in after} == {"ok"}
    assert [r for r in after if r["key"] != "p/1.png"] == before
    assert len(after) == 6
    read: list[str] = []
    reading = RunFolder.read
    monkeypatch.setattr(RunFolder, "read", lambda folder, name: read.append(name) or reading(folder, name))
    assert run(*words, "--retry-failed").status == 0
    assert sorted(name for name in read if name.startswith("rows/")) == [
        "rows/shard-00000.parquet",
        "rows/shard-00001.parquet",
    ]
    assert rows("m") == after


def test_a_picture_of_too_many_tokens_is_a_row(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whylight.pictures.cost.MOST_TOKENS", 300)
    pictures("p", 0)
    (Path("p") / "wide.jpg").write_bytes(picture(2, "JPEG", (300, 60)))
    words = ("run", "p", "-p", "a ring", "--out", "m", "--method", "raw_attention", "--size", "96")
    assert run(*words).status == 0
    ok, wide = rows("m")
    assert (ok["status"], wide["status"]) == ("ok", "too-large")
    assert "96 x 480 pixels are 720 tokens, more than" in wide["error"]
    assert "--large" in wide["error"]
    assert run(*words, "--large", "--retry-failed").status == 0
    assert [(r["status"], r["grid_width"]) for r in rows("m")] == [("ok", 12), ("ok", 60)]


def test_a_picture_that_hangs_is_given_up(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from whylight.maps import decoded

    pictures("p", 0, 1, 2)
    read = decoded.read_bytes
    monkeypatch.setattr(decoded, "read_bytes", lambda place: time.sleep(30) if "1.png" in place else read(place))
    began = time.monotonic()
    ran = run("run", "p", "-p", "a ring", "--out", "m", "--timeout", "2", "--method", "raw_attention")
    assert ran.status == 0
    assert time.monotonic() - began < 25
    assert {r["key"]: r["status"] for r in rows("m")} == {"p/0.png": "ok", "p/1.png": "timeout", "p/2.png": "ok"}


def test_a_full_disk_is_one_line_and_loses_nothing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures("p", 0, 1, 2)
    words = ("run", "p", "-p", "a ring", "--out", "m", "--shard-size", "1", "--method", "raw_attention")
    sync = os.fsync

    def full(descriptor: int) -> None:
        if "shard-00001" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("whylight.runs.files.os.fsync", full)
    ran = run(*words)
    assert ran.status == 2
    assert "No space left on device" in ran.err
    assert "start the same command again" in " ".join(ran.err.split())
    assert [r["key"] for r in rows("m")] == ["p/0.png"]
    monkeypatch.setattr("whylight.runs.files.os.fsync", sync)
    assert run(*words).status == 0
    assert [r["key"] for r in rows("m")] == [f"p/{i}.png" for i in range(3)]


def test_into_a_url(run: Any) -> None:
    pictures("p", 0, 1)
    assert run("run", "p", "-p", "a ring", "--out", "memory://maps", "--method", "raw_attention").status == 0
    assert [e.key for e in whylight.read_maps("memory://maps")] == ["p/0.png", "p/1.png"]
    here = Path("here").absolute()
    assert run("run", "p", "-p", "a ring", "--out", f"file://{here}", "--method", "raw_attention").status == 0
    assert len(rows("here")) == 2


def test_masks_and_boxes(run: Any) -> None:
    Path("masks").mkdir()
    Path("p").mkdir()
    lines = []
    for index in range(4):
        scene = draw_scene(10**9 + index, SIZE, (1, 1))
        Image.fromarray(scene.picture).save(f"p/{index}.png")
        Image.fromarray(scene.objects[0].mask).save(f"masks/{index}.png")
        item = scene.objects[0]
        what = phrase(item.kind, item.color, item.texture)
        lines.append(json.dumps({"path": f"p/{index}.png", "box": item.box, "what": what, "ground": scene.ground}))
    Path("t.jsonl").write_text("\n".join(lines))
    words = ("run", "t.jsonl", "--prompt-column", "what", "--keep", "ground", "--out")
    assert run(*words, "boxes", "--box-column", "box").status == 0
    assert run("run", "p", "-p", "a ring", "--out", "masks-run", "--inside", "masks").status == 0
    found = rows("boxes")
    assert all(row["ground"] and 0 < row["inside"] < 1 for row in found)
    inside, area = (sum(row[name] for row in found) for name in ("inside", "area"))
    assert inside > 1.3 * area, "trained on scenes, it looks at the object"
    assert all(0 < row["area"] < 1 for row in rows("masks-run"))
    assert run("report", "boxes", "--group-by", "ground").status == 0
    page = Path("boxes/report/index.html").read_text()
    for word in ("by target", "by ground", "right for the wrong reason", "relevance inside", found[0]["ground"], "ok"):
        assert word in page
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(sources) == page.count("src=") >= 5, "every picture lies inside the page"
    assert all(Image.open(io.BytesIO(base64.b64decode(source))).width > 300 for source in sources)
    assert run("report", "boxes", "--html", "new/one.html").status == 0
    assert "right for the wrong reason" in Path("new/one.html").read_text()
    refused = run("report", "boxes", "--group-by", "hospital")
    assert refused.status == 2
    assert "whylight run --keep hospital" in " ".join(refused.err.split())


def test_labels_lie_where_the_model_looks() -> None:
    fields = {"b": [0, 0, 10, 20]}
    frame = Frame((20, 40), (10.0, 0.0, 30.0, 20.0))  # the middle square of a wide picture
    assert not Inside(boxes="b").label("k", fields, frame, (4, 4)).any()
    label = Inside(boxes="b").label("k", {"b": [[10, 0, 20, 20], [0, 0, 1, 1]]}, frame, (4, 4))
    assert label.tolist() == [[1, 1, 0, 0]] * 4
    padded = Inside(boxes="b").label("k", fields, Frame((20, 10), (-5.0, 0.0, 15.0, 20.0)), (4, 4))
    assert padded.tolist() == [[-1, 1, 1, -1]] * 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "spark", "-p", "a ring"), "--engine is one of local, torchrun, ray"),
        (("--engine", "torchrun", "-p", "a ring"), "start it by"),
        ((), "say what to look for"),
        (("-p", "a ring", "--prompts-from", "txt"), "not both"),
        (("-p", "a ring", "--keep", "key"), "have a column of that name"),
        (("-p", "a ring", "--method", "legrat"), "legrad"),
        (("-p", "a ring", "--overlays", "gif"), "--overlays is one of tar, png"),
    ],
)
def test_errors_are_one_line(run: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str) -> None:
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    pictures("p", 0)
    ran = run("run", "p", "--out", "m", *words)
    assert ran.status == 2
    assert said in " ".join(ran.err.split())


def test_events_for_programs(run: Any) -> None:
    pictures("p", 0, 1)
    ran = run("run", "p", "-p", "a ring", "--out", "m", "--json", "--method", "raw_attention")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["begin", "end"]
    assert events[0]["pictures"] == 2
    assert events[-1]["done"] == 2
