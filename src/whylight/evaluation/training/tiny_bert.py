"""A small BERT classifier with random weights, and a tokenizer of word pieces made from the texts that it will read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from whylight.evaluation.requirements import need

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Size:
    """How large: layers, width of a token (heads have 64 each), and word pieces in the vocabulary."""

    layers: int = 2
    width: int = 128
    vocabulary: int = 8000


def tiny_tokenizer(texts: Iterable[str], vocabulary: int, longest: int) -> Any:
    """A fast tokenizer like that of bert-base-uncased, whose pieces are the most frequent ones of some texts."""
    tokenizers, transformers = need("tokenizers", "text"), need("transformers", "text")
    pieces = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    pieces.decoder = tokenizers.decoders.WordPiece()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), show_progress=False
    )
    pieces.train_from_iterator(texts, trainer)
    ends = [(name, pieces.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    pieces.post_processor = tokenizers.processors.BertProcessing(*ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=pieces, model_max_length=longest, **names)


def tiny_bert(tokenizer: Any, labels: Sequence[str], longest: int, size: Size) -> Any:
    """A ``BertForSequenceClassification`` with random weights (torch's seed decides them)."""
    transformers = need("transformers", "text")
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=max(1, size.width // 64),
        intermediate_size=4 * size.width,
        max_position_embeddings=longest,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    return transformers.BertForSequenceClassification(config)
