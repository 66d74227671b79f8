"""A small made corpus in the layout of ERASER's Movie Reviews: filler, and words that decide."""

from __future__ import annotations

import json
import random
import tarfile
from pathlib import Path

DECIDING = {"NEG": ("awful", "dull", "clumsy"), "POS": ("wonderful", "moving", "brilliant")}
FILLER = ["the", "film", "has", "a", "plot", "about", "some", "people", ",", "and", "they", "talk", "."]


def write_movies(parent: Path, reviews: int = 20, words: int = 40) -> Path:
    """``parent/movies`` with so many reviews in each part, half of them of each class."""
    folder = parent / "movies"
    (folder / "docs").mkdir(parents=True)
    for split, times in (("train", 4), ("val", 1), ("test", 1)):
        records = [_review(folder, f"{split}_{i}.txt", i, words) for i in range(times * reviews)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def pack(folder: Path) -> Path:
    """The same as an archive beside the folder."""
    path = folder.parent / "eraser_movies.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "movies")
    return path


def _review(folder: Path, name: str, number: int, words: int) -> dict:
    draw = random.Random(name)
    label = ("NEG", "POS")[number % 2]
    text = [draw.choice(FILLER) for _ in range(words)]
    places = sorted(draw.sample(range(words), 4))
    for place in places:
        text[place] = draw.choice(DECIDING[label])
    lines = [" ".join(text[i : i + 10]) for i in range(0, words, 10)]
    (folder / "docs" / name).write_text("\n".join(lines))
    spans = [
        {"docid": name, "start_token": i, "end_token": i + 1, "start_sentence": -1, "end_sentence": -1, "text": text[i]}
        for i in places
    ]
    query = {"query": "What is the sentiment of this review?", "query_type": None}
    return {"annotation_id": name, "classification": label, "evidences": [spans[:2], spans[2:]], **query}
