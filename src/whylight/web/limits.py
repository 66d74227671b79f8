"""How much a request may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one server.

    Attributes:
        upload_bytes: of a picture as it is sent.
        pixels: of a picture, counted before it is decoded.
        body_bytes: of every other request.
        prompts: in one question.
        prompt_characters: of one prompt.
        word_maps: in one question about words, of which a prompt of n takes 2^n; by LeGrad, from the recorded picture.
        word_maps_anew: the same by methods that run the model again.
        text_characters: of one text.
        waiting: questions that may wait for one model.
        waiting_of_client: of these, questions of one client.
        seconds: until a question that has no answer is given up.
        picture_bytes: decoded pictures that are kept.
        session_bytes: recorded pictures that are kept of each model.
    """

    upload_bytes: int = 32 * 2**20
    pixels: int = 50_000_000
    body_bytes: int = 2 * 2**20
    prompts: int = 40
    prompt_characters: int = 500
    word_maps: int = 256
    word_maps_anew: int = 64
    text_characters: int = 20_000
    waiting: int = 64
    waiting_of_client: int = 24
    seconds: float = 120.0
    picture_bytes: int = 256 * 2**20
    session_bytes: int = 512 * 2**20
