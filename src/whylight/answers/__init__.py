"""Models that answer in words: ask, and see where in the picture each word of the answer comes from."""

from whylight.answers.answer import Answer
from whylight.answers.ask import ask, ask_as_it_comes

__all__ = ["Answer", "ask", "ask_as_it_comes"]
