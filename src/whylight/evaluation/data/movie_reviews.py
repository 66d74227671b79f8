"""Movie Reviews with rationales (ERASER, DeYoung et al., ACL 2020): ``movies/`` or its ``.tar.gz``, as distributed."""

from __future__ import annotations

import json
import lzma
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import DataSet, Unusable
from whylight.evaluation.data.files import existing, fingerprint
from whylight.models.words import Span
from whylight.runs.from_json import from_json
from whylight.runs.inputs.once import once
from whylight.runs.inputs.tars import BROKEN

Split = Literal["train", "val", "test"]
CLASSES = {"NEG": "negative", "POS": "positive"}
LABELS = tuple(CLASSES)
_LARGEST = 64 * 2**20
"""Bytes of one file in an archive; the largest of the real one has under 3 MB."""


@dataclass(frozen=True)
class Review:
    """One review.

    Attributes:
        name: its annotation id, which is the name of its document.
        text: the document as distributed.
        words: (start, end) in characters of each word; words are what white space separates, and evidence counts these.
        label: "NEG" or "POS".
        evidence: (words,) whether somebody marked the word as a reason for the label.
    """

    name: str
    text: str
    words: list[Span]
    label: str
    evidence: npt.NDArray[np.bool_]


class MovieReviews(DataSet[Review]):
    """The reviews of one part.

    Args:
        path: ``movies`` (with ``{train,val,test}.jsonl`` and ``docs``), the folder that holds it, or the archive, which
            is read where it lies: nothing of it is written anywhere.
        split: which part.

    Raises:
        BadInput: no such folder or archive, a broken archive, or no such part in it.
    """

    def __init__(self, path: Path, split: Split = "test") -> None:
        self.classes = CLASSES
        self.name = f"ERASER Movie Reviews ({split})"
        existing(path, "Movie Reviews")
        wanted = f"{split}.jsonl"
        files = _of_folder(path, wanted) if path.is_dir() else _of_archive(path, wanted)
        self._documents = {name.removeprefix("docs/"): text for name, text in files.items() if name != wanted}
        lines = _text(files[wanted], wanted).splitlines()
        records = [_record(line, f"{wanted} line {number}") for number, line in enumerate(lines, 1) if line]
        self._records = once(records, wanted, lambda record: record[0])
        if not self._records:
            raise BadInput(f"{path} holds no reviews: {wanted} is empty")
        self.names = [name for name, _ in self._records]

    def read(self, index: int) -> Review:
        """The review of a number.

        Raises:
            Unusable: its line or its document does not read, or its spans do not fit its document.
        """
        name, record = self._records[index]
        if isinstance(record, str):
            raise Unusable(record)
        if name not in self._documents:
            raise Unusable("docs holds no document of its name")
        try:
            text = self._documents[name].decode("utf-8")
        except UnicodeDecodeError:
            raise Unusable("its document is not text") from None
        words = [found.span() for found in re.finditer(r"\S+", text)]
        if not words:
            raise Unusable("its document is empty")
        label = record.get("classification")
        if label not in LABELS:
            raise Unusable(f"its classification is {label!r}, not NEG or POS")
        return Review(name, text, words, label, _evidence(record, name, len(words)))

    def fingerprint(self) -> str:
        return fingerprint(self.name, *(part for name in self.names for part in (name, self._documents.get(name, b""))))


def _evidence(record: Mapping[str, Any], name: str, words: int) -> npt.NDArray[np.bool_]:
    """The union of all spans. Some of the real ones are empty, and mark nothing."""
    marked = np.zeros(words, dtype=np.bool_)
    try:
        spans = [
            (span["docid"], int(span["start_token"]), int(span["end_token"]))
            for group in record["evidences"]
            for span in group
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"its evidences do not read: {error!r}") from None
    for document, start, end in spans:
        if document != name:
            raise Unusable("its evidence is in another document")
        if not 0 <= start <= end <= words:
            raise Unusable(f"a span of evidence goes from word {start} to {end} of {words}")
        marked[start:end] = True
    return marked


def _record(line: str, place: str) -> tuple[str, dict[str, Any] | str]:
    """A review's name and its fields, or what is wrong with them."""
    try:
        record = from_json(line)
        return str(record["annotation_id"]), record
    except json.JSONDecodeError:
        return place, "its line is no complete JSON"
    except (KeyError, TypeError):
        return place, "its line has no annotation_id"


def _of_folder(path: Path, wanted: str) -> dict[str, bytes]:
    folder = path / "movies" if (path / "movies").is_dir() else path
    existing(folder / wanted, "the list of reviews")
    documents = [d for d in sorted(existing(folder / "docs", "the folder of documents").iterdir()) if d.is_file()]
    return {wanted: (folder / wanted).read_bytes()} | {f"docs/{d.name}": d.read_bytes() for d in documents}


def _of_archive(path: Path, wanted: str) -> dict[str, bytes]:
    """The files of an archive in memory, by their path below ``movies/``; links and other things are passed over."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = re.sub(r"^(\./)?(movies/)?", "", member.name)
                if member.isfile() and (name == wanted or re.fullmatch(r"docs/[^/]+", name)):
                    if member.size > _LARGEST:
                        raise BadInput(f"{path.name} is no archive of Movie Reviews: {name} has {member.size} bytes")
                    content = archive.extractfile(member)
                    files[name] = content.read() if content else b""
    except (*BROKEN, lzma.LZMAError) as error:
        why = str(error).partition("\n")[0].rstrip(":")
        raise BadInput(f"{path.name} is no readable archive ({why}): movies.tar.gz of ERASER is needed") from None
    if wanted not in files:
        raise BadInput(f"{path.name} holds no movies/{wanted}")
    return files


def _text(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{what} is not text") from None
