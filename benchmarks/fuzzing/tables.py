"""Tables and lists of pictures as `whylight run` reads them: CSV, JSON lines, names in a text; made, and damaged.

Wrong is: another number of samples than the table has rows, read independently; a sample with other bytes than its
cell holds, or another caption; an error that no reader expected.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from fuzzing.damage import damaged
from fuzzing.drawn import drawn, json_like, texts
from fuzzing.trial import Attempt, check
from whylight.maps.decoded import Decode, Failed
from whylight.models.preprocessing import Preprocessing
from whylight.runs.inputs.find import Layout, find_inputs
from whylight.runs.inputs.sample import Sample
from whylight.scenes import draw_scene

_PREPROCESSING = Preprocessing((32, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), patch=(8, 8))
_LINES = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)

Made = tuple[bytes, list[Any]]
"""A file, and what each of its rows must be: a caption and the bytes of a picture (None: no picture)."""


def prepare(folder: Path) -> Attempt:
    content = io.BytesIO()
    Image.fromarray(draw_scene(10**9, 24).picture).save(content, "PNG")
    picture = content.getvalue()
    decode = Decode(_PREPROCESSING, prompts="caption")
    makers: list[tuple[str, Callable[[Random, bytes], Made]]] = [
        ("x.csv", _csv),
        ("x.tsv", _csv),
        ("x.jsonl", _json_lines),
        ("x.txt", _names),
    ]

    def attempt(random: Random, here: Path) -> str | None:
        name, make = random.choice(makers)
        data, rows = make(random, picture)
        (here / "a.png").write_bytes(picture)
        path = here / name
        if random.random() < 0.5:
            path.write_bytes(data)
            samples = _samples(path)
            _check(samples, rows, picture)
        else:
            path.write_bytes(damaged(data, random).data)
            samples = _samples(path)
        failed = [row for sample in samples if isinstance(row := decode(sample), Failed)]
        unexpected = [row.problem.error for row in failed if row.problem.status == "unexpected"]
        check(not unexpected, f"an error that nobody expected: {unexpected[:1]}")
        return failed[0].problem.error if failed else None

    return attempt


def _samples(path: Path) -> list[Sample]:
    shards = find_inputs([str(path)], Layout(shard_size=3)).shards
    samples = [sample for shard in shards for sample in shard.samples()]
    check(len({sample.key for sample in samples}) == len(samples), "two samples have the same key")
    return samples


def _check(samples: list[Sample], rows: list[Any], picture: bytes) -> None:
    check(len(samples) == len(rows), f"{len(samples)} samples of {len(rows)} rows")
    for sample, (caption, data) in zip(samples, rows, strict=True):
        if data is None:
            check(sample.problem is not None, f"{sample.source} holds no picture, and is one")
            continue
        check(sample.problem is None, f"{sample.source} is a picture, and {sample.problem} is said")
        read = sample.data if sample.data is not None else Path(sample.source).read_bytes()
        check(read == data, f"{sample.source} has other bytes than its cell")
        check(caption is None or sample.fields.get("caption") == caption, f"{sample.source} has another caption")


def _cell(random: Random, picture: bytes) -> tuple[str, bytes | None]:
    """A picture by name, in base64, as a data URL; or none."""
    encoded = base64.b64encode(picture).decode()
    url = f"data:image/png;base64,{encoded}"
    return random.choice([("a.png", picture), ("a.png", picture), (encoded, picture), (url, picture), ("", None)])


def _csv(random: Random, picture: bytes) -> Made:
    """As Python's own writer makes it, with any quotes, delimiters and line ends inside cells."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=random.choice(",;\t"), lineterminator=random.choice(["\n", "\r\n"]))
    writer.writerow(["image", "caption", "more"])
    rows: list[Any] = []
    for _ in range(random.randrange(1, 8)):
        cell, data = _cell(random, picture)
        caption = drawn(_LINES, random).replace("\0", "")
        # Of what a writer leaves bare, a reader cannot know where lines end.
        caption = caption.replace("\r", " ") if random.random() < 0.9 else caption.replace("\r", "\n")
        writer.writerow([cell, caption, drawn(_LINES, random).replace("\0", "").replace("\r", " ")])
        rows.append((caption, data))
    text = file.getvalue()
    return (b"\xef\xbb\xbf" if random.random() < 0.3 else b"") + text.encode(), rows


def _json_lines(random: Random, picture: bytes) -> Made:
    """Objects, other values of JSON, lines that are none, and deep ones."""
    lines, rows = [json.dumps({"image": "a.png", "caption": "first"})], [("first", picture)]
    for _ in range(random.randrange(8)):
        kind = random.random()
        if kind < 0.6:
            cell, data = _cell(random, picture)
            caption = drawn(_LINES, random)
            lines.append(json.dumps({"image": cell, "caption": caption, "more": drawn(json_like, random)}))
            rows.append((caption, data))
        elif kind < 0.8:
            value = drawn(json_like, random)
            lines.append(json.dumps({"image": value} if random.random() < 0.5 else value))
            rows.append((None, None))
            if isinstance(value, str) and lines[-1].startswith("{") and value:
                lines.pop(), rows.pop()  # a name of a file like any other
        else:
            deep = random.choice([10, 1_000, 100_000])
            lines.append(random.choice(['{"image"', "nonsense", "[" * deep, '{"a":' * deep, "1" * 5_000, "NaN"]))
            rows.append((None, None))
    return "\n".join(lines).encode("utf-8", "surrogatepass"), rows


def _names(random: Random, picture: bytes) -> Made:
    """Names of files, comments, empty lines; names that are there are pictures, each once."""
    lines, rows = ["a.png"], [(None, picture)]
    for _ in range(random.randrange(6)):
        lines.append(random.choice(["# a comment", "", "   ", "#a.png", f"# {drawn(texts, random)!r}"]))
    end = random.choice(["\n", "\r\n"])
    return end.join(lines).encode(), rows
