"""``whylight list``: what there is, one line each."""

from __future__ import annotations

from enum import Enum
from importlib.metadata import entry_points
from typing import Annotated

import typer

from whylight.cli.methods import ANSWER_METHODS, METHODS
from whylight.cli.printing import print_lines

OF_ANSWERS = "Of models that answer in words (whylight ask):"


class Kind(str, Enum):
    """What can be listed."""

    models = "models"
    methods = "methods"


def list_names(what: Annotated[Kind, typer.Argument(help="models or methods", metavar="models|methods")]) -> None:
    """List models or methods, one line each, with where they come from."""
    if what is Kind.models:
        print_lines(MODELS)
        return
    if not entry_points(group="whylight.methods"):
        print_lines(METHODS)
    else:  # other packages have some, too
        from whylight.methods import find_method, methods

        found = [find_method(name) for name in methods()]
        print_lines((method.name, method.summary, method.citation) for method in found)
    print(f"\n{OF_ANSWERS}")
    print_lines(ANSWER_METHODS)


MODELS = (
    ("scenes", "bundled: small dual encoder with a class token, drawn scenes", "this project"),
    ("scenes-siglip", "bundled: the same with attention pooling", "this project"),
    ("scenes-answers", "bundled: answers questions about drawn scenes in words (whylight ask)", "this project"),
    ("openclip:NAME/TAG", "OpenCLIP: ViT, SigLIP, SigLIP 2, CoCa, EVA02-CLIP", "Ilharco et al., OpenCLIP, 2021"),
    ("timm:NAME", "timm: ViT, DeiT, DINOv2, DINOv3, EVA, BEiT", "Wightman, PyTorch Image Models, 2019"),
    (
        "torchvision:NAME",
        "torchvision: ViT-B/16 ... ViT-H/14; NAME/WEIGHTS, or a file",
        "TorchVision maintainers, 2016",
    ),
    ("hf:ID", "transformers: CLIP, SigLIP, ViT, DeiT, DINOv2, BERT", "Wolf et al., Transformers, EMNLP 2020"),
    ("FAMILY:local-dir:PATH", "a folder with weights, FAMILY being openclip, timm or hf", "yours"),
)
