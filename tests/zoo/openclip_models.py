"""Small random OpenCLIP models of every supported kind, built by OpenCLIP's own classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import open_clip
import timm
import torch
from open_clip.transformer import Transformer, VisionTransformer
from timm.layers import HybridEmbed
from timm.models import register_model
from timm.models.vision_transformer_hybrid import ConvStem
from torch import Tensor, nn

from zoo.own_attention import with_own_attention
from zoo.perturb import perturbed, pictures

Built = tuple[nn.Module, Tensor]

TEXT = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
VISION = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 3}


def clip(quick_gelu: bool = False, **vision: Any) -> Callable[[], Built]:
    def build() -> Built:
        torch.manual_seed(0)
        config = VISION | vision
        model = open_clip.CLIP(16, vision_cfg=config, text_cfg=TEXT, quick_gelu=quick_gelu)
        size = config["image_size"]
        return perturbed(model), pictures((size, size) if isinstance(size, int) else size)

    return build


def coca(**vision: Any) -> Callable[[], Built]:
    def build() -> Built:
        torch.manual_seed(0)
        pooled = {"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 4, "output_tokens": True}
        model = open_clip.CoCa(
            16,
            multimodal_cfg=TEXT | {"attn_pooler_heads": 2},
            text_cfg=TEXT | {"embed_cls": True, "output_tokens": True},
            vision_cfg=VISION | pooled | vision,
        )
        return perturbed(model), pictures()

    return build


def tower(**vision: Any) -> Callable[[], Built]:
    """The picture tower alone."""

    def build() -> Built:
        model, inputs = clip(**vision)()
        return model.visual, inputs

    return build


def sequence_first() -> Built:
    """As OpenCLIP 2.x lays out its tokens: (tokens, batch, width) inside the blocks."""
    torch.manual_seed(0)
    model = open_clip.CLIP(16, vision_cfg=VISION, text_cfg=TEXT)
    model.visual.transformer = Transformer(32, 3, 4, batch_first=False)
    return perturbed(model), pictures()


class Version2(VisionTransformer):
    """A tower without the methods that OpenCLIP 2.x did not have; its own forward is the parent's."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("_embeds", "_pool"):
            raise AttributeError(name)
        return super().__getattribute__(name)

    def forward(self, pixels: Tensor) -> Tensor:
        self.__class__ = VisionTransformer
        try:
            return self(pixels)
        finally:
            self.__class__ = Version2


def version2(**vision: Any) -> Callable[[], Built]:
    def build() -> Built:
        model, inputs = clip(**vision)()
        model.visual.__class__ = Version2
        return model, inputs

    return build


def own_attention(build: Callable[[], Built]) -> Callable[[], Built]:
    """The same model as OpenCLIP's main branch builds it."""

    def rebuilt() -> Built:
        model, inputs = build()
        return with_own_attention(model), inputs

    return rebuilt


def through_timm(name: str, pool: str, proj: str | None, text: dict[str, Any] | None = None) -> Callable[[], Built]:
    """A dual encoder over a timm trunk, as OpenCLIP builds it from its configuration."""

    def build() -> Built:
        torch.manual_seed(0)
        vision = {
            "timm_model_name": name,
            "timm_model_pretrained": False,
            "timm_pool": pool,
            "timm_proj": proj,
            "image_size": 32,
        }
        model = open_clip.CustomTextCLIP(16, vision_cfg=vision, text_cfg=TEXT | (text or {}), init_logit_bias=-10)
        return perturbed(model), pictures()

    return build


def _tiny(**options: Any) -> dict[str, Any]:
    """OpenCLIP's options for a trunk, and a small shape."""
    small = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 3, "num_heads": 2}
    kept = {key: value for key, value in options.items() if not key.startswith("pretrained") and key != "cache_dir"}
    return small | kept


@register_model
def tiny_siglip(pretrained: bool = False, **options: Any) -> nn.Module:
    return timm.models.VisionTransformer(**_tiny(**options), class_token=False)


@register_model
def tiny_vit(pretrained: bool = False, **options: Any) -> nn.Module:
    return timm.models.vit_tiny_patch16_224(**_tiny(**options))


@register_model
def tiny_eva02_clip(pretrained: bool = False, **options: Any) -> nn.Module:
    return timm.models.eva02_base_patch16_clip_224(**_tiny(**options), ref_feat_shape=(4, 4))


@register_model
def tiny_pe_core(pretrained: bool = False, **options: Any) -> nn.Module:
    return timm.models.vit_pe_core_tiny_patch16_384(**_tiny(**options), ref_feat_shape=(4, 4), attn_pool_num_heads=4)


@register_model
def tiny_mobileclip(pretrained: bool = False, **options: Any) -> nn.Module:
    stem = ConvStem(channels=(8, 8, 16), stride=(2, 2, 2), kernel_size=(2, 2, 2), padding=0, act_layer=nn.GELU)

    def embed(**arguments: Any) -> HybridEmbed:
        return HybridEmbed(stem, proj=False, **arguments | {"patch_size": 1})

    return timm.models.VisionTransformer(**_tiny(**options) | {"patch_size": 1}, embed_layer=embed, no_embed_class=True)


SIGLIP_TEXT = {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"}


def multi_query(pool_type: str) -> Callable[[], Built]:
    """SigLIP with several latent queries in its pooler."""

    def build() -> Built:
        model, inputs = through_timm("tiny_siglip", "map", "none", SIGLIP_TEXT)()
        trunk = model.visual.trunk
        trunk.attn_pool = timm.layers.AttentionPoolLatent(16, num_heads=2, latent_len=3, pool_type=pool_type)
        return perturbed(model), inputs

    return build


OPENCLIP: dict[str, Callable[[], Built]] = {
    "openclip ViT-B/32, B/16, L/14 (class token)": clip(),
    "openclip ViT-H/14 (head width 80)": clip(patch_size=14, image_size=28, width=40, head_width=10),
    "openclip ViT-bigG/14 (MLP ratio 4.9231)": clip(
        patch_size=14, image_size=42, width=52, head_width=13, mlp_ratio=4.9231
    ),
    "openclip QuickGELU": clip(quick_gelu=True),
    "openclip average pooling": clip(pool_type="avg"),
    "openclip CLIPA (average, final_ln_after_pool, no_ln_pre)": clip(
        pool_type="avg", final_ln_after_pool=True, no_ln_pre=True
    ),
    "openclip class token, final_ln_after_pool": clip(final_ln_after_pool=True),
    "openclip layer scale, patch dropout": clip(ls_init_value=0.1, patch_dropout=0.5),
    "openclip not square": clip(image_size=(24, 40)),
    "openclip patch leaves a remainder": clip(image_size=36),
    "openclip custom block": clip(
        block_type="custom", qk_norm=True, scale_heads=True, scale_attn_inner=True, scale_attn=True, scale_fc=True
    ),
    "openclip picture tower alone": tower(),
    "openclip picture tower, average, with tokens": tower(pool_type="avg", output_tokens=True),
    "openclip picture tower, no pooling": tower(pool_type="none"),
    "openclip sequence first (2.x)": sequence_first,
    "openclip 2.x class token": version2(),
    "openclip 2.x average, final_ln_after_pool": version2(pool_type="avg", final_ln_after_pool=True),
    "openclip CoCa": coca(),
    "openclip CoCa average pooling": coca(pool_type="avg"),
    "openclip CoCa parallel poolers": coca(attentional_pool="parallel", width=16),
    "openclip main, class token": own_attention(clip()),
    "openclip main, average pooling, layer scale": own_attention(clip(pool_type="avg", ls_init_value=0.1)),
    "openclip main, CoCa": own_attention(coca()),
    "openclip SigLIP": through_timm("tiny_siglip", "map", "none", SIGLIP_TEXT),
    "openclip SigLIP, several queries": multi_query("token"),
    "openclip SigLIP, mean of several queries": multi_query("avg"),
    "openclip EVA02-CLIP": through_timm("tiny_eva02_clip", "token", None),
    "openclip PE-Core": through_timm("tiny_pe_core", "map", None),
    "openclip MobileCLIP-B": through_timm("tiny_mobileclip", "token", None),
    "openclip timm trunk, linear projection": through_timm("tiny_vit", "avg", "linear"),
    "openclip timm trunk, MLP projection": through_timm("tiny_vit", "avg", "mlp"),
}
