"""Names of files that people and programs make: of any characters, too long, of pipes, folders, devices and loops.

Wrong is: a file written outside the folder that was named; success without the file that it speaks of; a command line
that prints control characters, or an error on more or fewer lines than one.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from random import Random

import torch
from hypothesis import strategies as st
from PIL import Image

from fuzzing.drawn import drawn, texts
from fuzzing.trial import Attempt, check
from whylight.cli.main import main
from whylight.errors import BadInput
from whylight.models.preprocessing import Frame
from whylight.pictures.explanation import Explanation
from whylight.pictures.read import read_picture
from whylight.runs.inputs.find import Layout, find_inputs
from whylight.scenes import draw_scene

UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters and what turns the direction of a line; line feeds and tabs are a line's own."""
_SPECIAL = ("", ".", "..", "/", "~", "~nosuchuser/x.png", "pipe", "loop", "nowhere", "folder", "/dev/full", "/dev/null")
_PARTS = st.lists(
    st.one_of(
        texts, st.sampled_from(["\x1b[31m", "\u202e", "a" * 300, "*", "[", "{0..3}", "{0..9999999999}", "-x", "%s"])
    ),
    max_size=3,
)


def prepare(folder: Path) -> Attempt:
    picture = Image.fromarray(draw_scene(10**9, 24).picture)
    found = Explanation(
        torch.rand(1, 3, 3), ("a",), (0.5,), (1.0,), "cosine", picture, Frame((24, 24), (0, 0, 24, 24)), "m", "legrad"
    )
    content = io.BytesIO()
    picture.save(content, "PNG")

    def attempt(random: Random, here: Path) -> str | None:
        inside = here / "inside"
        inside.mkdir()
        _special(inside)
        before = _outside(here)
        name = _name(random)
        with contextlib.chdir(inside) if hasattr(contextlib, "chdir") else _chdir(inside):
            try:
                said = random.choice([_saved, _saved, _read, _inputs, _told, _explained])(random, name, found, content)
            finally:
                more = _outside(here) - before
                check(not more, f"{name!r}: {sorted(more)} were written outside the folder")
        return said

    return attempt


def _name(random: Random) -> str:
    if random.random() < 0.2:
        return random.choice(_SPECIAL)
    name = "".join(drawn(_PARTS, random)) + random.choice(["", ".png", ".json", ".jpg", "/x.png"])
    return os.fsdecode(name.encode("utf-8", "replace")) if random.random() < 0.7 else name


def _special(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("not there")
    (folder / "folder").mkdir()


def _safe(name: str) -> str:
    """The same name, but below the present folder."""
    return re.sub(r"\.\.+", ".", name).lstrip("/~") or "x"


def _written(name: str, content: io.BytesIO) -> bool:
    """Make it a picture, where a file can have that name; pipes and what else is there stay what they are."""
    path = Path(_safe(name))
    with contextlib.suppress(OSError, ValueError):
        if not path.exists():
            path.write_bytes(content.getvalue())
            return True
    return False


def _saved(random: Random, name: str, found: Explanation, content: io.BytesIO) -> str | None:
    path = found.save(_safe(name) if random.random() < 0.5 else f"{_safe(name)}.json")
    check(path.is_file() and path.stat().st_size > 0, f"{name!r} was saved, and is not there")
    return None


def _read(random: Random, name: str, found: Explanation, content: io.BytesIO) -> str | None:
    """A picture of that name, where a file can have it, and whatever else has."""
    if _written(name, content):
        check(read_picture(_safe(name)).size == (24, 24), f"{name!r} is read as another picture")
    read_picture(name)
    return None


def _inputs(random: Random, name: str, found: Explanation, content: io.BytesIO) -> str | None:
    """What a run would read; a whole machine is not looked through."""
    made = _written(name, content) and not set("*?[{:#") & set(name)
    try:
        shards = find_inputs([_safe(name)], Layout()).shards
    except BadInput as error:
        check(not made, f"{name!r} is a picture, and a run says {error}")
        raise
    samples = [sample for shard in shards for sample in shard.samples()]
    check(bool(samples), f"{name!r} holds nothing, and nothing is said")
    return None


def _told(random: Random, name: str, found: Explanation, content: io.BytesIO) -> str | None:
    """An error of the command line about that name."""
    words = random.choice([["report", name], ["explain", name, "-m", f"hf:local-dir:{name}"], ["explain", "-m", name]])
    status, out, err = run([*words, "-p", "a ring"] if words[0] == "explain" else words)
    check(status != 0, f"{words} exits with 0")
    return check_printed(out, err)


def _explained(random: Random, name: str, found: Explanation, content: io.BytesIO) -> str | None:
    if random.random() > 0.3:  # figures take their time
        return _told(random, name, found, content)
    _written(name, content)
    status, _, err = run(["explain", "-p", "a ring", "--json", "--out", "out", "--", _safe(name)])
    check(status != 0 or any(Path("out").glob("*.png")), f"{name!r}: exit 0, and no figure")
    return check_printed("", err)


def run(words: list[str]) -> tuple[int, str, str]:
    """A command line in this process: exit status, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as stopped:
            status = stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
    return status, out.getvalue(), err.getvalue()


def check_printed(out: str, err: str) -> str | None:
    """What was said, once nothing in it can do anything to a terminal."""
    for stream in (out, err):
        check(not UNSEEN.search(stream), f"a control character is printed: {UNSEEN.search(stream)!r}")
    lines = err.splitlines()
    check("Traceback" not in err, f"a traceback is printed: {lines[-1:]}")
    return lines[-1] if lines else None


def _outside(here: Path) -> set[str]:
    """What lies beside the folder that is written to, and beside its own beside."""
    return {*os.listdir(here), *(f"../{name}" for name in os.listdir(here.parent))}


@contextlib.contextmanager
def _chdir(folder: Path):  # type: ignore[no-untyped-def]  # contextlib.chdir came with Python 3.11
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
