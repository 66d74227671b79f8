"""Loading timm models by timm's own loader."""

from __future__ import annotations

from pathlib import Path

from whylight.models import names
from whylight.models.door import refuse_damaged
from whylight.models.timm.supported import check_architecture
from whylight.models.timm.view import TimmView


def load_timm(identifier: str) -> TimmView:
    """A pretrained model by "NAME" or "NAME.TAG", "hf-hub:ID" or "local-dir:PATH", in evaluation mode.

    Raises:
        UnknownName: no such name, with near misses.
        UnsupportedModel: an architecture without one constant grid of patch tokens.
        WhylightError: timm could not load it.
    """
    import timm

    name = f"timm:{identifier}"
    if identifier.startswith("local-dir:"):
        refuse_damaged(Path(identifier.removeprefix("local-dir:")), name)
    elif not identifier.startswith("hf-hub:"):
        if not timm.is_model(identifier.partition(".")[0]):
            raise names.unknown(name)
        check_architecture(identifier.partition(".")[0], name)
    try:
        model = timm.create_model(identifier, pretrained=True)
    except Exception as error:
        raise names.failure(name, error) from error
    return TimmView(model.eval(), name)
