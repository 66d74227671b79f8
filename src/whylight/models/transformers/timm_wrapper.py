"""transformers' wrapper of timm models: driven as the timm model inside, with what transformers knows of it."""

from __future__ import annotations

from typing import Any

from whylight.models.timm.view import TimmView, preprocessing_from

WRAPPERS = ("TimmWrapperForImageClassification", "TimmWrapperModel")


class TimmWrapperView(TimmView):
    """The timm model inside a wrapper, with the wrapper's names of classes and its preprocessing.

    Raises:
        UnsupportedModel: for architectures without one constant grid of patch tokens.
    """

    def __init__(self, wrapper: Any, name: str) -> None:
        super().__init__(wrapper.timm_model, name)
        self._config = wrapper.config
        if told := getattr(wrapper.config, "pretrained_cfg", None):
            self.preprocessing = preprocessing_from(wrapper.timm_model, told)

    @property
    def class_names(self) -> list[str] | None:
        names = self._config.id2label
        count = self.class_count
        if count is None or count != len(names) or not all(index in names for index in range(count)):
            return None
        return [str(names[index]) for index in range(count)]
