"""Small random timm models of every supported kind, built by timm's own entry points where there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
from torch import Tensor, nn

from zoo.perturb import perturbed, pictures

Built = tuple[nn.Module, Tensor]

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2, "num_classes": 5}


def timm_version() -> tuple[int, ...]:
    return tuple(int(part) for part in timm.__version__.split(".")[:3])


def named(name: str, **options: Any) -> Callable[[], Built]:
    """timm's own architecture, made small."""

    def build() -> Built:
        torch.manual_seed(0)
        config = SMALL | options
        size = config["img_size"]
        model = timm.create_model(name, **{key: value for key, value in config.items() if value is not None})
        return perturbed(model), pictures((size, size) if isinstance(size, int) else size)

    return build


def vit(**options: Any) -> Callable[[], Built]:
    def build() -> Built:
        torch.manual_seed(0)
        config = SMALL | options
        size = config["img_size"]
        model = timm.models.VisionTransformer(**config)
        return perturbed(model), pictures((size, size) if isinstance(size, int) else size)

    return build


REF = {"ref_feat_shape": (4, 4)}

TIMM: dict[str, Callable[[], Built]] = {
    "timm ViT": named("vit_tiny_patch16_224"),
    "timm ViT average pooling, fc_norm": vit(global_pool="avg"),
    "timm ViT average pooling, no class token": vit(global_pool="avg", class_token=False, fc_norm=False),
    "timm ViT average pooling, prefix included": vit(global_pool="avg", pool_include_prefix=True),
    "timm ViT max pooling": vit(global_pool="max"),
    "timm ViT avgmax pooling": vit(global_pool="avgmax"),
    "timm ViT map pooling": vit(global_pool="map", class_token=False),
    "timm ViT map pooling, class token and registers": vit(global_pool="map", reg_tokens=2),
    "timm ViT map pooling, prefix included": vit(global_pool="map", reg_tokens=2, pool_include_prefix=True),
    "timm ViT pre-norm, no final norm": vit(pre_norm=True, final_norm=False),
    "timm ViT qk_norm, drop path, patch drop": vit(qk_norm=True, drop_path_rate=0.1, patch_drop_rate=0.5),
    "timm ViT not square": vit(img_size=(24, 40)),
    "timm ViT patch leaves a remainder": vit(img_size=36),
    "timm ViT dynamic_img_size": vit(dynamic_img_size=True),
    "timm ViT features": vit(num_classes=0),
    "timm ViT features, no pooling": vit(num_classes=0, global_pool=""),
    "timm ViT features, no pooling, no class token": vit(num_classes=0, global_pool="", class_token=False),
    "timm ViT post-norm blocks": vit(block_fn=timm.models.vision_transformer.ResPostBlock, init_values=0.1),
    "timm ViT parallel block": vit(block_fn=timm.models.vision_transformer.ParallelScalingBlock),
    "timm SigLIP": named("vit_base_patch16_siglip_224"),
    "timm DeiT": named("deit_tiny_patch16_224"),
    "timm DeiT distilled": named("deit_tiny_distilled_patch16_224"),
    "timm DeiT III": named("deit3_small_patch16_224"),
    "timm DINOv2": named("vit_small_patch14_dinov2", patch_size=14, img_size=42, num_classes=0),
    "timm DINOv2 with registers": named("vit_small_patch14_reg4_dinov2", patch_size=14, img_size=42),
    "timm DINOv3": named("vit_small_patch16_dinov3", embed_dim=32, num_classes=0),
    "timm DINOv3 plus, class token": named("vit_small_plus_patch16_dinov3", embed_dim=32, global_pool="token"),
    "timm EVA": named("eva_giant_patch14_224", mlp_ratio=2.0),
    "timm EVA-02": named("eva02_tiny_patch14_224", **REF),
    "timm rotary": named("vit_small_patch16_rope_224"),
    "timm rotary, registers, mean": named("vit_base_patch16_rope_reg1_gap_256", **REF),
    "timm PE-Core": named("vit_pe_core_tiny_patch16_384", attn_pool_num_heads=4, **REF),
    "timm BEiT": named("beit_base_patch16_224"),
    "timm BEiT, shared relative positions": named(
        "beit_base_patch16_224", use_rel_pos_bias=False, use_shared_rel_pos_bias=True, use_abs_pos_emb=True
    ),
    "timm BEiTv2, class token": named("beitv2_base_patch16_224", global_pool="token"),
}
if timm_version() >= (1, 0, 31):  # before, its own forward fails in float64
    TIMM["timm rotary, mixed"] = named("vit_small_patch16_rope_mixed_224")
