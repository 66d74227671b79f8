"""Why an architecture cannot be explained: one line for each, whichever library it comes from."""

from __future__ import annotations

_WINDOWS = "attends within windows"
_CHANGING = "changes its set of tokens from block to block"
_CONVOLUTIONS = "is made of convolutions, and does not attend"
_MIXED = "is made of convolutions in part, so that no grid of tokens stays the same from block to block"
_NO_ATTENTION = "mixes its tokens without attention"

_REASONS = {
    _WINDOWS: "swin_transformer swin_transformer_v2 swin_transformer_v2_cr swinv2 swin2sr donut-swin maxvit maxxvit "
    "vision_transformer_sam sam sam_vision_model vitdet dinat florence2",
    _CHANGING: "mvitv2 mvit levit pit cvt pvt pvt_v2 segformer glpn",
    _CONVOLUTIONS: "convnext convnextv2 dinov3_convnext resnet resnetv2 bit efficientnet regnet densenet vgg "
    "mobilenetv2 mobilenetv3 mobilenet_v1 mobilenet_v2 shufflenetv2 googlenet inception squeezenet alexnet mnasnet "
    "focalnet hgnet",
    _MIXED: "fastvit mobilevit mobilevitv2 efficientvit_mit efficientvit_msra swiftformer efficientformer "
    "efficientformer_v2 coatnet",
    _NO_ATTENTION: "poolformer metaformer mlp_mixer",
    "attends within mask units and drops tokens between blocks": "hiera",
    "attends without the fused attention function, except to its class token": "cait",
    "attends between channels, not patches": "xcit",
    "has two branches of tokens": "crossvit",
}
_BY_KIND = {kind: reason for reason, kinds in _REASONS.items() for kind in kinds.split()}


def why_not(kind: str) -> str | None:
    """How "it ..." goes on for an architecture; None for one that is not known.

    Args:
        kind: the file of timm or torchvision that it stands in, or the type of model that a configuration of
            transformers names.
    """
    return _BY_KIND.get(kind.rpartition(".")[2])
