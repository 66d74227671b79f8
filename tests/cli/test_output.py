"""Figures of several runs in one folder, file names that are none, and streams that take nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command_line import Run
from matplotlib.figure import Figure
from PIL import Image

from whylight.cli.files import OutputFolder

LIST = [sys.executable, "-c", "from whylight.cli.main import main; main(['list', 'models'])"]


def picture(path: str, color: str = "red") -> Image.Image:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    drawn = Image.new("RGB", (40, 32), color)
    drawn.paste("white", (4, 4, 20, 20))
    drawn.save(path)
    return drawn


def figure() -> Figure:
    return Figure(figsize=(0.2, 0.2))


def test_what_several_write_at_once_into_one_folder_is_all_there(tmp_path: Path) -> None:
    """As many folders as processes would have: each takes its names where the others take theirs."""
    pictures = [Image.new("RGB", (4, 4), (level, 0, 0)) for level in range(6)]

    def write(color: int) -> list[Path]:
        folder = OutputFolder(tmp_path)
        return [folder.write("cat", drawn, figure(), color) for drawn in pictures]

    with ThreadPoolExecutor(4) as pool:
        written = [path for paths in pool.map(write, range(4)) for path in paths]
    assert len(set(written)) == 24
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert write(2) == written[12:18]  # asked again, replaced


def test_other_prompts_do_not_replace_a_figure(run: Run) -> None:
    picture("cat.png")
    files = []
    for prompt in ("a star", "a ring", "a star"):
        out = run("explain", "cat.png", "-p", prompt, "--model", "clip", "--out", "out", "--json").out
        files.append(json.loads(out)["pictures"][0]["file"])
    assert files == ["out/cat.png", "out/cat-2.png", "out/cat.png"]


def test_an_empty_file_blocks_no_name(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"")
    assert OutputFolder(tmp_path).write("cat", Image.new("RGB", (4, 4)), figure()).name == "cat.png"


def test_long_names_leave_room_for_an_ending(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    first, second = (folder.write("ä" * 125, Image.new("RGB", (4, 4)), figure()) for _ in range(2))
    assert first.is_file()
    assert second.is_file()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "the name of a picture is empty"),
        ("a\0b.png", "null"),
        ("n" * 300 + ".png", "File name too long"),
        ("~nosuchuser/a.png", "there is no such file"),
        ("pipe.png", "is no file: a pipe"),
        ("caf\udce9.png", "there is no such file"),
        ("[", "there is no such file"),
        ("/dev/null", "is no file"),
    ],
    ids=["empty", "nul", "long", "nobody", "pipe", "bytes", "bracket", "device"],
)
def test_names_of_no_picture_are_one_line(run: Run, name: str, said: str) -> None:
    os.mkfifo("pipe.png")
    outcome = run("explain", name, "-p", "a star", "--model", "clip")
    assert outcome.status in (1, 2)
    (line,) = outcome.err.splitlines()
    assert said in line


def test_pictures_of_a_folder_are_what_pillow_reads(run: Run) -> None:
    for name in ("in/a.png", "in/b.PNG"):
        picture(name)
    Image.open("in/a.png").convert("RGB").save("in/c.jfif", "JPEG")
    Image.open("in/a.png").convert("RGB").save("in/d.tga")
    Path("in/e.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    os.mkfifo("in/f.png")
    shown = json.loads(run("explain", "in", "-p", "a star", "--model", "clip", "--json").out)["pictures"]
    assert [Path(each["picture"]).name for each in shown] == ["a.png", "b.PNG", "c.jfif", "d.tga"]


def test_names_that_are_no_text_are_shown_and_written(run: Run) -> None:
    name = os.fsencode("caf") + b"\xe9.png"
    Path("a.png").parent.mkdir(exist_ok=True)
    picture("a.png")
    os.rename(b"a.png", name)
    outcome = run("explain", os.fsdecode(name), "-p", "a star", "--model", "clip", "--json")
    assert outcome.status == 0
    assert json.loads(outcome.out)["pictures"][0]["picture"] == os.fsdecode(name)


@pytest.mark.parametrize(
    ("redirected", "status", "said"),
    [(">/dev/full", 2, "No space left"), (">&-", 0, ""), ("2>&-", 0, ""), ("| head -c 1 >/dev/null", 0, "")],
)
def test_streams_that_take_nothing(redirected: str, status: int, said: str) -> None:
    done = subprocess.run(["bash", "-c", f'"$@" {redirected}', "-", *LIST], capture_output=True, text=True)
    assert done.returncode == status
    assert len(done.stderr.splitlines()) == (1 if said else 0)
    assert said in done.stderr


def test_what_a_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    program = "from whylight.cli.main import main; main(['explain', 'caf\\xe9-\\u2605.png', '-p', 'a'])"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == r"skipped: caf\xe9-\u2605.png: there is no such file"
