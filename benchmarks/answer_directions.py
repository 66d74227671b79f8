"""Are the maps of "red rather than blue" and of "blue rather than red" two maps?

    python benchmarks/answer_directions.py --scenes 20

Of questions for a colour: the correlation of both maps, the mean over all questions, for every method.
"""

from __future__ import annotations

import argparse

import numpy as np
from answer_formulas import register_all

import whylight
from whylight.evaluation.data.scene_questions import SceneQuestions

METHODS = ("keyflow", "keyflow_before", "keyflow_length", "chefercam")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenes", type=int, default=20)
    asked = parser.parse_args()
    register_all()
    view, source = whylight.load("scenes-answers"), SceneQuestions(asked.scenes, ("color",))
    questions = [(scene.picture, one) for scene in map(source.read, range(len(source))) for one in scene.questions]
    print(f"{len(questions)} questions")
    for method in METHODS:
        found = []
        for picture, question in questions:
            other = "red" if question.answer != "red" else "blue"
            pairs = ((question.answer, other), (other, question.answer))
            one, back = (
                whylight.ask(view, picture, question.text, answer=word, rather_than=than, method=method, smooth=True)
                for word, than in pairs
            )
            found.append(np.corrcoef(one.maps.flatten(), back.maps.flatten())[0, 1])
        print(f"{method}: {np.mean(found):.2f}")


if __name__ == "__main__":
    main()
