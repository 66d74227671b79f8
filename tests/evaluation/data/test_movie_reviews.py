"""ERASER's layout, as a folder and as an archive; what is wrong is one line, or a review that is skipped by name."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from zoo.movie_reviews import DECIDING, pack, write_movies

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import Unusable
from whylight.evaluation.data.movie_reviews import MovieReviews


@pytest.fixture
def movies(tmp_path: Path) -> Path:
    return write_movies(tmp_path, reviews=4)


def change(movies: Path, number: int, **fields: object) -> None:
    path = movies / "test.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    records[number] |= fields
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")


def test_reviews_with_their_evidence(movies: Path) -> None:
    source = MovieReviews(movies)
    assert len(source) == 4
    for index in range(4):
        review = source.read(index)
        assert review.name == f"test_{index}.txt"
        assert review.label == ("NEG", "POS")[index % 2]
        marked = [
            review.text[start:end] for (start, end), yes in zip(review.words, review.evidence, strict=True) if yes
        ]
        assert len(marked) == 4
        assert set(marked) <= set(DECIDING[review.label])
    assert len(MovieReviews(movies, "train")) == 16


def test_folder_parent_and_archive_are_the_same(movies: Path) -> None:
    sources = [MovieReviews(path) for path in (movies, movies.parent, pack(movies))]
    assert len({source.fingerprint() for source in sources}) == 1
    assert len({source.read(1).text for source in sources}) == 1


def test_spans_overlap_and_may_be_empty(movies: Path) -> None:
    spans = [(2, 5), (4, 6), (9, 9)]
    evidences = [[{"docid": "test_0.txt", "start_token": a, "end_token": b} for a, b in spans]]
    change(movies, 0, evidences=evidences)
    assert MovieReviews(movies).read(0).evidence.nonzero()[0].tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"annotation_id": "other.txt"}, "no document"),
        ({"annotation_id": "../test.jsonl"}, "no document"),
        ({"classification": "MEH"}, "classification is 'MEH'"),
        ({"evidences": [[{"docid": "test_1.txt", "start_token": 0, "end_token": 1}]]}, "another document"),
        ({"evidences": [[{"docid": "test_0.txt", "start_token": 30, "end_token": 41}]]}, "word 30 to 41 of 40"),
        ({"evidences": [[{"docid": "test_0.txt", "start_token": 3}]]}, "do not read"),
        ({"evidences": None}, "do not read"),
    ],
)
def test_a_review_that_is_wrong_is_skipped_alone(movies: Path, fields: dict, reason: str) -> None:
    change(movies, 0, **fields)
    source = MovieReviews(movies)
    with pytest.raises(Unusable, match=reason):
        source.read(0)
    assert source.read(1).label == "POS"


def test_a_broken_line_is_named(movies: Path) -> None:
    path = movies / "test.jsonl"
    path.write_text(path.read_text() + '{"annotation_id": "test_9.t')
    source = MovieReviews(movies)
    assert source.names[4] == "test.jsonl line 5"
    with pytest.raises(Unusable, match="no complete JSON"):
        source.read(4)


def test_faults_of_the_whole_are_one_line(movies: Path) -> None:
    archive = pack(movies)
    broken = movies.parent / "broken.tar.gz"
    broken.write_bytes(archive.read_bytes()[:2000])
    none = movies.parent / "none.tar.gz"
    with tarfile.open(none, "w:gz") as empty:
        empty.addfile(tarfile.TarInfo("other/file"), io.BytesIO())
    (movies / "val.jsonl").unlink()
    for path, split, line in (
        (movies.parent / "nowhere", "test", "missing"),
        (movies, "val", "missing"),
        (broken, "test", "no readable archive"),
        (none, "test", "holds no movies/test.jsonl"),
        (movies / "test.jsonl", "test", "no readable archive"),
    ):
        with pytest.raises(BadInput, match=line) as raised:
            MovieReviews(path, split)
        assert "\n" not in str(raised.value)


def test_an_archive_writes_nothing_and_follows_no_link(movies: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the film was good")
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(movies, "movies")
        for name in ("movies/docs/test_0.txt", "movies/../../escaped.txt"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, str(secret)
            archive.addfile(link)
        record = tarfile.TarInfo("../escaped.txt")
        record.size = 4
        archive.addfile(record, io.BytesIO(b"evil"))
    before = sorted(tmp_path.rglob("*"))
    assert "film was good" not in MovieReviews(path).read(0).text
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parent / "escaped.txt").exists()
