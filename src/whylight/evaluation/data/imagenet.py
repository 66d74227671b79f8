"""Pictures with one class each: class folders (torchvision's ``ImageFolder``), or ImageNet's flat validation folder."""

from __future__ import annotations

from pathlib import Path

from whylight.errors import BadInput, need
from whylight.evaluation.data.data_set import Region, Sample, Source
from whylight.evaluation.data.files import PICTURES, existing, fingerprint, open_picture, pictures_in, read_lines, sizes
from whylight.evaluation.data.wordnet import imagenet_names, in_words, leading_id

_SYNSETS = (
    "imagenet_2012_validation_synset_labels.txt",
    "ILSVRC2012_validation_synset_labels.txt",
    "synset_labels.txt",
)
_NUMBERS = "ILSVRC2012_validation_ground_truth.txt"


class LabelledPictures(Source):
    """Pictures with one class each.

    Args:
        path: a folder of class folders; or a flat folder of pictures whose classes are said by a file of one WordNet id
            per picture (``imagenet_2012_validation_synset_labels.txt``), by the development kit's
            ``ILSVRC2012_validation_ground_truth.txt`` with its ``meta.mat``, or by file names that begin with a WordNet
            id. The files may lie in the folder, beside it, or in a folder ``ILSVRC2012_devkit_t12/data`` in either.

    Raises:
        BadInput: no picture, or no way to tell the classes.
    """

    name = "labelled pictures"

    def __init__(self, path: Path) -> None:
        self.path = existing(path, "the folder of pictures")
        folders = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
        classes = [p for p in folders if any(q.suffix.lower() in PICTURES for q in p.iterdir())]
        flat = pictures_in(path) if path.is_dir() else []
        if flat:
            labelled = _flat_labels(path, flat)
        else:
            labelled = [(picture, folder.name) for folder in classes for picture in pictures_in(folder)]
        if not labelled:
            raise BadInput(f"{path} holds neither class folders with pictures nor pictures")
        self._pictures = [picture for picture, _ in labelled]
        self._labels = [label for _, label in labelled]
        self.names = [str(picture.relative_to(path)) for picture in self._pictures]
        present = sorted(set(self._labels))
        known = imagenet_names()
        self.classes = dict(known) if all(label in known for label in present) else {}
        self.classes.update({label: _words(label) for label in present if label not in self.classes})

    def read(self, index: int) -> Sample:
        return Sample(self.names[index], open_picture(self._pictures[index]), (Region(self._labels[index]),))

    def label(self, index: int) -> str:
        """The class of a picture, without opening it."""
        return self._labels[index]

    def fingerprint(self) -> str:
        return fingerprint(self._labels, sizes(self._pictures))


def _words(label: str) -> str:
    return in_words(label) if leading_id(label) == label else label.replace("_", " ").replace("-", " ")


def _flat_labels(path: Path, pictures: list[Path]) -> list[tuple[Path, str]]:
    places = [
        path,
        path.parent,
        path / "ILSVRC2012_devkit_t12" / "data",
        path.parent / "ILSVRC2012_devkit_t12" / "data",
    ]
    for place in places:
        for name in _SYNSETS:
            if (place / name).exists():
                return _zip(pictures, read_lines(place / name, "the class of each picture"), place / name)
    for place in places:
        if (place / _NUMBERS).exists():
            numbers = read_lines(place / _NUMBERS, "the class of each picture")
            return _zip(pictures, _by_number(numbers, place), place / _NUMBERS)
    by_name = [(picture, leading_id(picture.name)) for picture in pictures]
    if unnamed := [picture.name for picture, label in by_name if label is None]:
        raise BadInput(
            f"{path} is flat and nothing says the classes: put {_SYNSETS[0]}, or {_NUMBERS} and meta.mat, beside it, "
            f"or begin file names with WordNet ids (unlike {unnamed[0]})"
        )
    return [(picture, label) for picture, label in by_name if label is not None]


def _zip(pictures: list[Path], labels: list[str], file: Path) -> list[tuple[Path, str]]:
    if len(pictures) != len(labels):
        raise BadInput(
            f"{file.name} names {len(labels)} classes for {len(pictures)} pictures: one of them is incomplete"
        )
    return list(zip(pictures, labels, strict=True))


def _by_number(numbers: list[str], place: Path) -> list[str]:
    """The development kit's numbers are its own order, not the classifiers': only ``meta.mat`` translates them."""
    meta = place / "meta.mat"
    if not meta.exists():
        raise BadInput(f"{_NUMBERS} counts classes in the development kit's order: put its meta.mat beside it")
    try:
        synsets = need("scipy.io", "evaluation").loadmat(meta, squeeze_me=True)["synsets"]
        by_number = {int(s["ILSVRC2012_ID"]): str(s["WNID"]) for s in synsets}
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise BadInput(f"{meta} does not read as the development kit's meta.mat: {error}") from None
    try:
        return [by_number[int(number)] for number in numbers]
    except (KeyError, ValueError) as error:
        raise BadInput(f"{_NUMBERS} holds {error}, which meta.mat does not know") from None
