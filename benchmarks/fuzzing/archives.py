"""Tars of pictures with their texts: cut, with damaged heads, members twice, archives behind one another.

Wrong is: a sample that the damage did not touch and that is missing or different, in an archive of which nothing is
said; in a compressed one, whose checksum tells, any sample that is different.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from random import Random

from PIL import Image

from fuzzing.damage import Damaged, damaged
from fuzzing.trial import Attempt, check
from whylight.evaluation.data.data_set import Unusable, read_one
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.maps.decoded import Decode, Failed
from whylight.models.preprocessing import Preprocessing
from whylight.runs.inputs.find import Layout, find_inputs
from whylight.runs.inputs.sample import Sample
from whylight.scenes import draw_scene

_SAMPLES = 4
_FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
_PREPROCESSING = Preprocessing((32, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), patch=(8, 8))


def prepare(folder: Path) -> Attempt:
    archives = [_archive(mode, form, long) for mode in ("w", "w:gz") for form in _FORMATS for long in (False, True)]
    reviews = [_packed(kind) for kind in ("w", "w:gz", "w:bz2", "w:xz")]
    decode = Decode(_PREPROCESSING, prompts="txt")

    def attempt(random: Random, here: Path) -> str | None:
        content = random.choice(archives)
        kind = random.random()
        if kind < 0.15:
            return _reviews(random, reviews, here)
        if kind < 0.25:
            return _attempt_twice(random.choice(archives), content, decode, here)
        change = damaged(content, random, archives)
        path = here / random.choice(["x.tar", "x.tgz", "x.tar.gz", "x"])
        path.write_bytes(change.data)
        pristine = _samples(here, content)
        found = _read(path)
        said = _refused(found, decode)
        _check(pristine, [sample for sample in found if not isinstance(decode(sample), Failed)], change, content, said)
        return said

    return attempt


def _attempt_twice(first: bytes, second: bytes, decode: Decode, here: Path) -> str | None:
    """One archive behind another, as `cat` makes it: the second one's samples are read, or something is said."""
    (here / "both.tar").write_bytes(first + second)
    found = _read(here / "both.tar")
    said = _refused(found, decode)
    good = [sample for sample in found if sample.problem is None]
    # Their members have the same names, so that a reader of both finds each twice.
    check(said is not None or len(good) >= 2 * _SAMPLES, f"{len(good)} of {2 * _SAMPLES} samples, and nothing is said")
    return said


def _check(pristine: list[Sample], found: list[Sample], change: Damaged, content: bytes, said: str | None) -> None:
    """Args: found: what decodes; said: what is said of anything else."""
    good = {sample.key.rpartition("/")[2]: sample for sample in found}
    packed = content[:2] == b"\x1f\x8b"
    for sample in pristine:
        key = sample.key.rpartition("/")[2]
        touched = not packed and sample.data is not None and _touches(change, content, sample)
        there = good.get(key)
        if there is None:
            check(said is not None or touched, f"{change.how} at {change.touched}: {key} is gone, and nothing is said")
        elif not touched:
            same = there.data == sample.data and dict(there.fields) == dict(sample.fields)
            check(same or said is not None, f"{change.how} at {change.touched}: {key} is another, and nothing is said")


def _touches(change: Damaged, content: bytes, sample: Sample) -> bool:
    """Whether the damage lies in what a sample's members hold, of which a tar has no checksum."""
    if change.how in ("lost", "doubled", "spliced"):
        return (len(change.data) - len(content)) % tarfile.BLOCKSIZE == 0  # whole blocks, with whole members in them
    contents = [sample.data, *(_encoded(value) for name, value in sample.fields.items() if name in ("txt", "json"))]
    key = sample.key.rpartition("/")[2].encode()
    spans = [(at, at + len(part)) for part in contents if part and (at := content.find(part)) >= 0]
    spans += [(at, at + len(key)) for at in _places(content, key)]  # a name in a head of its own (pax, GNU)
    return any(start < change.touched[1] and change.touched[0] < stop for start, stop in spans)


def _places(content: bytes, part: bytes) -> list[int]:
    found, at = [], content.find(part)
    while at >= 0:
        found.append(at)
        at = content.find(part, at + 1)
    return found


def _encoded(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _refused(found: list[Sample], decode: Decode) -> str | None:
    """Every sample is decoded, whatever it is; what cannot be is said."""
    failed = [row for sample in found if isinstance(row := decode(sample), Failed)]
    unexpected = [row for row in failed if row.problem.status == "unexpected"]
    check(not unexpected, f"no reader expected: {unexpected[0].problem.error if unexpected else ''}")
    return failed[0].problem.error if failed else None


def _read(path: Path) -> list[Sample]:
    shards = find_inputs([str(path)], Layout()).shards
    return [sample for shard in shards for sample in shard.samples()]


def _samples(here: Path, content: bytes) -> list[Sample]:
    (here / "whole.tar").write_bytes(content)
    found = _read(here / "whole.tar")
    assert len(found) == _SAMPLES
    return found


def _archive(mode: str, form: int, long: bool) -> bytes:
    files = {}
    for number in range(_SAMPLES):
        picture = io.BytesIO()
        Image.fromarray(draw_scene(10**9 + number, 24).picture).save(picture, "PNG")
        key, caption = f"{'folder/' * 20 if long else ''}{number:06d}", f"caption {number}"
        told = json.dumps({"caption": caption, "number": number})
        files |= {f"{key}.png": picture.getvalue(), f"{key}.txt": caption.encode(), f"{key}.json": told.encode()}
    return _tar(files, mode, form)


def _tar(files: dict[str, bytes], mode: str, form: int = tarfile.DEFAULT_FORMAT) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def _reviews(random: Random, archives: list[bytes], here: Path) -> str | None:
    """An archive of reviews, which is read as a whole."""
    change = damaged(random.choice(archives), random, archives)
    (here / "movies.tar.gz").write_bytes(change.data)
    source = MovieReviews(here / "movies.tar.gz")
    refused = None
    for index in range(len(source)):
        try:
            review = read_one(source, index)
        except Unusable as error:
            refused = str(error)
            continue
        check(len(review.words) == len(review.evidence), "evidence of another length than the text")
    return refused


def _packed(mode: str) -> bytes:
    files = {f"movies/docs/{name}": b"one two three four" for name in ("a", "b")}
    span = {"start_token": 1, "end_token": 3}
    lines = [
        {"annotation_id": name, "classification": "POS", "evidences": [[span | {"docid": name}]]} for name in ("a", "b")
    ]
    files["movies/test.jsonl"] = "\n".join(map(json.dumps, lines)).encode()
    return _tar(files, mode)
