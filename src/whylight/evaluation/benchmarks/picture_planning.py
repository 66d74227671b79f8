"""The part of planning that is special to pictures."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.evaluation.benchmarks.benchmark import Explained
from whylight.evaluation.benchmarks.catalog import NamedPictures
from whylight.evaluation.benchmarks.picture_rows import PictureRows
from whylight.evaluation.benchmarks.prepared_pictures import preprocessing_of
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.heads import Head
from whylight.evaluation.method_choices import Choice, with_head
from whylight.models.view import View


def plan_pictures(
    wanted: Wanted, named: NamedPictures, view: View, chosen: Sequence[Choice], explained: Sequence[Explained]
) -> tuple[Source, PictureRows]:
    """The data set, and what makes rows of its pictures.

    Raises:
        UnsupportedModel: the model reads no pictures.
        BadInput: the data do not read, a template without ``{}``, or an option that asks for a head that is not there.
    """
    source = named.open(wanted.data, wanted.limit, preprocessing_of(view).size)
    head = Head(view, source.classes, wanted.templates or (source.template or named.template,))
    return source, PictureRows(view, head, named.protocol(), with_head(chosen, head.embeddings), explained)
