"""Load a bundled model: the model, its preprocessing and its tokenizer."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
import torch
from open_clip.model import set_model_preprocess_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from safetensors.torch import load_file

from whylight.errors import WhylightError
from whylight.scenes.architecture import FOLDERS, ModelName, build, configuration
from whylight.scenes.vocabulary import SceneTokenizer


def load_scenes(
    name: ModelName = "scenes",
) -> tuple[open_clip.CLIP | open_clip.CustomTextCLIP, Callable[..., torch.Tensor], SceneTokenizer]:
    """A bundled model in evaluation mode and float32, its preprocessing (PIL picture to (3, 96, 96)), its tokenizer.

    The model notes its preprocessing, as OpenCLIP's own loader makes it do.

    Args:
        name: ``"scenes"`` (class token, an ``open_clip.CLIP``) or ``"scenes-siglip"`` (attention pooling, an
            ``open_clip.CustomTextCLIP`` over a timm trunk). Both embed pictures and texts in 192 dimensions.

    Raises:
        WhylightError: for another name, or if the weights are not there.
    """
    if name not in FOLDERS:
        raise WhylightError(f"no bundled model is called {name!r}; there are: {', '.join(FOLDERS)}")
    path = FOLDERS[name] / "open_clip_model.safetensors"
    if not path.exists():
        raise WhylightError(f"the weights of {name} are missing; make them: python -m whylight.scenes.train --out DIR")
    model = build(name)
    model.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    preprocessing = {"size": model.visual.image_size, **configuration(name)["preprocess_cfg"]}
    set_model_preprocess_cfg(model, preprocessing)
    transform = image_transform_v2(PreprocessCfg(**preprocessing), is_train=False)
    return model.eval(), transform, SceneTokenizer()
