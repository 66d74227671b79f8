"""The tokenizer of ``scenes-answers``: one token a word, both spellings of colour, question marks left out."""

from __future__ import annotations

from typing import Any

from whylight.errors import need
from whylight.scenes.answers.questions import COUNTS
from whylight.scenes.draw import COLORS, TEXTURES
from whylight.scenes.shapes import KINDS

PAD, BEGIN, END, UNKNOWN, IMAGE, USER, ASSISTANT = "<pad>", "<s>", "</s>", "<unk>", "<image>", "USER:", "ASSISTANT:"
SPECIAL = (PAD, BEGIN, END, UNKNOWN, IMAGE, USER, ASSISTANT)
_SAID = ("what", "color", "is", "the", "texture", "has", "there", "a", "an", "how", "many", "objects", "are")
_MORE = ("describe", "picture", "and", "yes", "no", ",", "in", "of", "shape", "object", "this")
WORDS = (*_SAID, *_MORE, *COUNTS, *COLORS, *TEXTURES, *KINDS)
NUMBERS = {token: number for number, token in enumerate((*SPECIAL, *WORDS))}
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '" + USER + "' if message['role'] == 'user' else '" + ASSISTANT + "' }}"
    "{% for part in message['content'] %}{{ ' " + IMAGE + "' if part['type'] == 'image' else ' ' + part['text'] }}"
    "{% endfor %} {% endfor %}"
)
"""The answer follows the question at once: with a token between the two, training stays at guessing among the colours
that a picture holds."""


def tokenizer() -> Any:
    """A fast tokenizer of transformers; it puts the begin token before a prompt.

    Raises:
        MissingExtra: transformers is not installed.
    """
    transformers = need("transformers", "transformers")
    tokenizers = need("tokenizers", "transformers")
    core = tokenizers.Tokenizer(tokenizers.models.WordLevel(NUMBERS, unk_token=UNKNOWN))
    plain = tokenizers.normalizers
    core.normalizer = plain.Sequence([plain.Lowercase(), plain.Replace("colour", "color")])
    cut = tokenizers.pre_tokenizers
    mark = tokenizers.Regex(r"[?!.;:]+")
    comma = tokenizers.Regex(r",")
    core.pre_tokenizer = cut.Sequence([cut.Split(mark, "removed"), cut.WhitespaceSplit(), cut.Split(comma, "isolated")])
    core.decoder = tokenizers.decoders.WordPiece(cleanup=True)  # no space before commas
    core.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, NUMBERS[BEGIN])]
    )
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        additional_special_tokens=[IMAGE, USER, ASSISTANT],
    )
    made.chat_template = CHAT_TEMPLATE
    return made


def numbers(text: str) -> list[int]:
    """Words of a question or an answer as the tokenizer numbers them."""
    return [NUMBERS[word] for word in text.replace(",", " ,").split()]
