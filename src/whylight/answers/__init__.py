"""Models that answer in words: ask, and see where in the picture each word of the answer comes from."""

from whylight.answers.answer import Answer
from whylight.answers.ask import ask
from whylight.answers.batches import ask_each

__all__ = ["Answer", "ask", "ask_each"]
