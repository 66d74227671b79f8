"""A tiny BERT classifier with a tokenizer that cuts words into pieces, for explaining texts without any download."""

from __future__ import annotations

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from whylight.models.transformers import wrap_transformers
from whylight.models.transformers.view import TransformersTextView
from zoo.transformers_models import BERT, build

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "the", "film", "good", "bad", "was", "not", "act", "un"]
PIECES = ["##ing", "##ness", "##s", "##ed", ".", ",", "!"]


def tokenizer(**options: str) -> transformers.PreTrainedTokenizerFast:
    words = Tokenizer(models.WordPiece({w: i for i, w in enumerate(VOCABULARY + PIECES)}, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=True)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.decoder = decoders.WordPiece()
    words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", **options
    )


def text_classifier(longest: int = 20) -> TransformersTextView:
    """Classes "bad" and "good", reading at most ``longest`` tokens."""
    config = transformers.BertConfig(
        **BERT | {"max_position_embeddings": longest, "num_labels": 2}, id2label={0: "bad", 1: "good"}
    )
    view = wrap_transformers(build("BertForSequenceClassification", config), name="tiny", tokenizer=tokenizer())
    assert isinstance(view, TransformersTextView)
    return view


def longer_than(longest: int) -> str:
    generator = torch.Generator().manual_seed(0)
    picks = torch.randint(4, 12, (2 * longest,), generator=generator).tolist()
    return " ".join(VOCABULARY[pick] for pick in picks)
