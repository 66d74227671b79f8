"""Files are written whole or not at all, and a name that one process took no other takes."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from whylight.errors import BadInput
from whylight.runs import files
from whylight.runs.files import make_folder, save_as, write_file, write_new_file


def full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_what_was_there_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "a.png", b"good")
    monkeypatch.setattr("whylight.runs.files.os.fsync", full)
    for name in ("a.png", "b.png"):
        with pytest.raises(BadInput, match=f"{name} cannot be written: No space left on device"):
            write_file(tmp_path / name, b"better")
        with pytest.raises(BadInput, match="No space left"):
            write_new_file(tmp_path / name, b"better")
    assert path.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_of_many_who_want_a_name_one_gets_it(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr("whylight.runs.files.os.link", no_links)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: write_new_file(tmp_path / "a", b"%d" % number), range(40)))
    assert got.count(True) == 1
    assert (tmp_path / "a").read_bytes() == b"%d" % got.index(True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    other = write_file(tmp_path / "other", b"another's")
    (tmp_path / "a").symlink_to(other)
    write_file(tmp_path / "a", b"mine")
    assert other.read_bytes() == b"another's"


@pytest.mark.parametrize(
    "name", ["a.txt/b", "x\0y", "n" * 300, "/proc/whylight/x"], ids=["file", "nul", "long", "proc"]
)
def test_places_that_cannot_be_are_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(BadInput, match="cannot be a folder for results"):
        make_folder(tmp_path / name)
    with pytest.raises(BadInput, match="cannot be written"):
        write_file(tmp_path / name, b"")


def test_nobody_s_home_stands_as_it_is() -> None:
    assert files.home_opened(Path("~nosuchuser/a.png")) == Path("~nosuchuser/a.png")


def test_results_are_saved_by_their_ending_at_home_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    forms = {"json": lambda: "{}", "png": lambda: b"picture", "html": lambda: "<p>"}
    written = save_as("~/new/folder/why.PNG", forms, "things")
    assert written == tmp_path / "new" / "folder" / "why.PNG"
    assert written.read_bytes() == b"picture"
    for name in ("why.gif", "png", "why.png.txt"):
        with pytest.raises(BadInput, match=rf"{name}: things are saved as \.json, \.png or \.html"):
            save_as(tmp_path / "other" / name, forms, "things")
    assert not (tmp_path / "other").exists()
