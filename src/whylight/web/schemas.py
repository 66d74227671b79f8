"""What requests hold: checked before anything is done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_SEED = 2**53 - 1
"""Larger ones are no exact numbers in a browser."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
PictureName = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
Prompt = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
Number = Annotated[float, Field(ge=-1000, le=1000)]
Whole = Annotated[int, Field(ge=-1000, le=1000)]
Place = Annotated[int, Field(ge=0, le=10_000)]
Option = bool | Whole | Number | Annotated[str, StringConstraints(max_length=100)] | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Shown(_Strict):
    """A picture that was sent before (``POST /api/pictures``), or the seed of a drawn scene."""

    model: Name | None = Field(None, description="default: the first that is offered")
    picture: PictureName | None = None
    scene: int | None = Field(None, ge=0, le=MOST_SEED)


class OfPicture(Shown):
    """The same for models that look at pictures in several sizes."""

    size: int | None = Field(None, ge=1, le=1024, description="input size in pixels, of the shorter side")


class OtherPicture(_Strict):
    """Another picture that was sent before, or the seed of a drawn scene; all of it, or one patch."""

    picture: PictureName | None = None
    scene: int | None = Field(None, ge=0, le=MOST_SEED)
    patch: tuple[Place, Place] | None = Field(None, description="row and column, counted from 0")


class Question(OfPicture):
    """What may be asked of targets beyond how much they are there."""

    rather_than: Prompt | int | None = Field(None, description="each target rather than this one: the difference")
    without: list[Prompt] = Field(
        default_factory=list, max_length=200, description="prompts of which the targets are cleaned"
    )
    negative: bool = Field(False, description="what speaks against the targets")
    like: OtherPicture | None = Field(None, description="likeness to another picture, instead of targets")


class AskPicture(Question):
    """Prompts of a dual encoder; names or numbers of a classifier's classes, or none for the predicted one."""

    targets: list[Prompt | int] = Field(default_factory=list, max_length=200)
    words: bool = Field(False, description="tell what each word of each prompt adds, too")
    method: Name = "legrad"
    options: dict[Name, Option] = Field(default_factory=dict, max_length=20)


class Explain(AskPicture):
    layers: bool = Field(False, description="what each layer adds (LeGrad), instead of their sum")
    numbers: Literal["list", "base64"] = Field("list", description="base64: little-endian float32")


class AskPatch(OfPicture):
    layer: int = Field(-1, ge=-1000, le=1000)
    row: Place
    column: Place


Values = Annotated[list[float], Field(max_length=20_000)]


class Erase(Question):
    """The picture with a share of its patches black: those of the highest values, and random ones."""

    target: Prompt | int | None = Field(None, description="none where it is likeness")
    grid: list[Annotated[Values, Field(min_length=1)]] = Field(
        min_length=1, max_length=2_000, description="a value for each patch, row by row"
    )
    share: float = Field(ge=0, le=0.95, description="of the patches")


class Words(OfPicture):
    prompt: Prompt
    method: Name = "legrad"


class EraseWords(OfPicture):
    """The prompt without a share of its words: those of the highest values, and random ones."""

    prompt: Prompt
    values: Values = Field(description="one for each word")
    share: float = Field(ge=0, le=0.95, description="of the words")


class AskText(_Strict):
    model: Name | None = None
    text: Text
    pair: Text | None = Field(None, description="a second text, which is read together with the first")
    targets: list[Prompt | int] = Field(default_factory=list, max_length=20)
    method: Name = "legrad"


class EraseText(_Strict):
    """The text without a share of its words: those of the highest values, and random ones."""

    model: Name | None = None
    text: Text
    target: Prompt | int
    values: Values = Field(description="one for each word")
    share: float = Field(ge=0, le=0.95, description="of the words")


class AskQuestion(Shown):
    """A question to a model that answers in words; without picture and scene one about text alone."""

    question: Prompt
    answer: Prompt | None = Field(None, description="explain this answer; default: what the model says")
    rather_than: Prompt | None = Field(None, description="explain one word rather than this one")
    words: list[Prompt | int] = Field(
        default_factory=list, max_length=64, description="words of the answer, phrases, or numbers; default: all"
    )
    method: Name = "keyflow"
    options: dict[Name, Option] = Field(default_factory=dict, max_length=20)
    longest: int = Field(64, ge=1, le=512, description="tokens of a free answer")
    numbers: Literal["list", "base64"] = Field("list", description="base64: little-endian float32")


class Offer(_Strict):
    name: Name
