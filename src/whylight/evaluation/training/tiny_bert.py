"""A small BERT classifier with random weights, and a tokenizer of word pieces made from the texts that it will read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from whylight.errors import need

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
POSITIONS = 0.1
"""Weight of positions beside pieces at the start: which words there are matters first, and then where they stand."""


@dataclass(frozen=True)
class Size:
    """How large: layers, width of a token (heads have 64 each), and word pieces in the vocabulary."""

    layers: int = 1
    width: int = 64
    vocabulary: int = 8000


def tiny_tokenizer(texts: Sequence[str], vocabulary: int, longest: int) -> Any:
    """A fast tokenizer like that of bert-base-uncased, whose pieces are the most frequent ones of some texts.

    The same texts give the same pieces with the same numbers.
    """
    tokenizers, transformers = need("tokenizers", "text"), need("transformers", "text")
    numbers = _pieces(texts, vocabulary)
    pieces = _tokenizer(tokenizers.models.WordPiece(numbers, unk_token="[UNK]"))
    pieces.decoder = tokenizers.decoders.WordPiece()
    ends = [(name, numbers[name]) for name in ("[SEP]", "[CLS]")]
    pieces.post_processor = tokenizers.processors.BertProcessing(*ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=pieces, model_max_length=longest, **names)


def _pieces(texts: Iterable[str], vocabulary: int) -> dict[str, int]:
    """The most frequent pieces and their numbers."""
    tokenizers = need("tokenizers", "text")
    learner = _tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    texts = list(texts)
    letters = sorted({letter for text in texts for letter in learner.normalizer.normalize_str(text)} - set(" "))
    # The trainer numbers what stands inside words in the order of a hash table, which differs in every run, and between
    # pairs of equal frequency it chooses by number. Named beforehand, they have the same numbers in every run.
    inside = [f"##{letter}" for letter in letters]
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=[*SPECIAL, *inside], show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    numbers: dict[str, int] = learner.get_vocab()
    return numbers


def _tokenizer(model: Any) -> Any:
    """Lower case, apart at white space and punctuation."""
    tokenizers = need("tokenizers", "text")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return tokenizer


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
        attention_probs_dropout_prob=0.0,
        # BERT's 0.02 is for 768: the narrower a layer, the larger its weights, for outputs of the same size.
        initializer_range=0.02 * (768 / size.width) ** 0.5,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.mul_(POSITIONS)
    return model
