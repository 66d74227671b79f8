"""Explaining texts: which words a text classifier, or the text side of a dual encoder, rested on."""

from whylight.models.words import Word, split_words
from whylight.text.explain import explain_text
from whylight.text.explanation import TextExplanation
from whylight.text.sentences import TextLike
from whylight.text.words import word_scores

__all__ = ["TextExplanation", "TextLike", "Word", "explain_text", "split_words", "word_scores"]
