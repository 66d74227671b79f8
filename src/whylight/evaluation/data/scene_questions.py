"""Questions about the bundled scenes, with the masks of the objects that each answer is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor, from_numpy

from whylight.evaluation.data.data_set import DataSet
from whylight.evaluation.data.files import fingerprint
from whylight.scenes import FIRST_EVALUATION_SEED, Scene, draw_scene
from whylight.scenes.answers.features import seen_of
from whylight.scenes.answers.questions import Kind, Question, Seen, ask

ASKED: tuple[Kind, ...] = ("color", "what", "texture", "yes", "no")
_FIRST = FIRST_EVALUATION_SEED + 100_000


@dataclass(frozen=True)
class AskedScene:
    """A scene and questions about it, one of each kind where it allows one.

    Attributes:
        name: its seed.
    """

    name: str
    scene: Scene
    questions: tuple[Question, ...]

    @property
    def picture(self) -> Image.Image:
        return Image.fromarray(self.scene.picture)

    def mask(self, objects: tuple[int, ...]) -> Tensor:
        """(height, width) int8, 1 on any of these objects."""
        whole = np.zeros(self.scene.picture.shape[:2], dtype=bool)
        for index in objects:
            whole |= self.scene.objects[index].mask
        return from_numpy(whole.astype(np.int8))

    def twins(self, question: Question) -> tuple[int, ...]:
        """Objects that share the answer, and were not asked about."""
        if question.kind not in ("color", "texture") or not question.about:
            return ()
        seen = seen_of(self.scene)
        return tuple(
            index
            for index, other in enumerate(seen)
            if index not in question.about and getattr(other, question.kind) == question.answer
        )


class SceneQuestions(DataSet[AskedScene]):
    """Scenes of two to five objects that no bundled model was trained on, and what is asked about them."""

    def __init__(self, count: int = 500, kinds: tuple[Kind, ...] = ASKED) -> None:
        self.name, self.kinds, self.classes = "questions about scenes", kinds, {}
        self.names = [str(_FIRST + i) for i in range(count)]

    def read(self, index: int) -> AskedScene:
        seed = int(self.names[index])
        scene = draw_scene(seed, objects=(2, 5))
        return AskedScene(self.names[index], scene, tuple(questions_about(seen_of(scene), seed, self.kinds)))

    def fingerprint(self) -> str:
        return fingerprint([*self.names, *self.kinds])


def questions_about(seen: list[Seen], seed: int, kinds: tuple[Kind, ...]) -> list[Question]:
    """The questions of a scene follow from its seed."""
    random = np.random.default_rng((seed, 1))
    tried = (next((q for _ in range(5) if (q := ask(kind, seen, random))), None) for kind in kinds)
    return [question for question in tried if question is not None]
