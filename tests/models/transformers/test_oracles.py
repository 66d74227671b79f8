"""The oracles' weights under transformers' names: LeGrad agrees with the original code here too."""

from __future__ import annotations

import pytest
import torch
import transformers
from oracle_files import Oracle, read_oracle, relative_difference
from torch import Tensor

from whylight.methods import relevance
from whylight.models.transformers import wrap_transformers
from whylight.models.transformers.answering.releases import OLD
from whylight.models.view import View

LAYERS = [0, -1, -2]


def clip_from_openclip(oracle: Oracle) -> View:
    vision = oracle.meta["vision_cfg"]
    config = transformers.CLIPVisionConfig(
        hidden_size=vision["width"],
        intermediate_size=int(vision["width"] * vision["mlp_ratio"]),
        num_hidden_layers=vision["layers"],
        num_attention_heads=vision["width"] // vision["head_width"],
        image_size=vision["image_size"],
        patch_size=vision["patch_size"],
        projection_dim=oracle.meta["embed_dim"],
        hidden_act="gelu",
    )
    module = transformers.CLIPVisionModelWithProjection(config).double().eval()
    state = {key.removeprefix("visual."): value for key, value in oracle.state.items() if key.startswith("visual.")}
    renamed = {"visual_projection.weight": state["proj"].T}
    for new, old in {
        "embeddings.class_embedding": "class_embedding",
        "embeddings.patch_embedding.weight": "conv1.weight",
        "embeddings.position_embedding.weight": "positional_embedding",
        "pre_layrnorm.weight": "ln_pre.weight",
        "pre_layrnorm.bias": "ln_pre.bias",
        "post_layernorm.weight": "ln_post.weight",
        "post_layernorm.bias": "ln_post.bias",
    }.items():
        renamed[f"vision_model.{new}"] = state[old]
    parts = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    for layer in range(vision["layers"]):
        old, new = f"transformer.resblocks.{layer}", f"vision_model.encoder.layers.{layer}"
        for kind in ("weight", "bias"):
            renamed |= thirds(f"{new}.self_attn", kind, state[f"{old}.attn.in_proj_{kind}"])
            renamed[f"{new}.self_attn.out_proj.{kind}"] = state[f"{old}.attn.out_proj.{kind}"]
            renamed |= {f"{new}.{a}.{kind}": state[f"{old}.{b}.{kind}"] for a, b in parts.items()}
    return loaded(module, renamed)


def siglip_from_timm(oracle: Oracle) -> View:
    timm = oracle.meta["timm"]
    config = transformers.SiglipVisionConfig(
        hidden_size=timm["embed_dim"],
        intermediate_size=4 * timm["embed_dim"],
        num_hidden_layers=timm["depth"],
        num_attention_heads=timm["num_heads"],
        image_size=timm["img_size"],
        patch_size=timm["patch_size"],
        hidden_act="gelu",
        layer_norm_eps=1e-6,
    )
    module = transformers.SiglipVisionModel(config).double().eval()
    state = oracle.state
    renamed = {
        "embeddings.position_embedding.weight": state["pos_embed"][0],
        "head.probe": state["attn_pool.latent"],
    }
    parts = {"layer_norm1": "norm1", "layer_norm2": "norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
    for kind in ("weight", "bias"):
        renamed[f"embeddings.patch_embedding.{kind}"] = state[f"patch_embed.proj.{kind}"]
        renamed[f"post_layernorm.{kind}"] = state[f"norm.{kind}"]
        renamed[f"head.attention.in_proj_{kind}"] = torch.cat(
            [state[f"attn_pool.{part}.{kind}"] for part in ("q", "kv")]
        )
        renamed[f"head.attention.out_proj.{kind}"] = state[f"attn_pool.proj.{kind}"]
        renamed[f"head.layernorm.{kind}"] = state[f"attn_pool.norm.{kind}"]
        renamed |= {f"head.mlp.{part}.{kind}": state[f"attn_pool.mlp.{part}.{kind}"] for part in ("fc1", "fc2")}
        for layer in range(timm["depth"]):
            old, new = f"blocks.{layer}", f"encoder.layers.{layer}"
            renamed |= thirds(f"{new}.self_attn", kind, state[f"{old}.attn.qkv.{kind}"])
            renamed[f"{new}.self_attn.out_proj.{kind}"] = state[f"{old}.attn.proj.{kind}"]
            renamed |= {f"{new}.{a}.{kind}": state[f"{old}.{b}.{kind}"] for a, b in parts.items()}
    return loaded(module, renamed)


def thirds(prefix: str, kind: str, packed: Tensor) -> dict[str, Tensor]:
    """Packed query, key and value projections, apart."""
    return {f"{prefix}.{part}_proj.{kind}": third for part, third in zip("qkv", packed.chunk(3), strict=True)}


def loaded(module: torch.nn.Module, state: dict[str, Tensor]) -> View:
    if OLD and hasattr(module, "vision_model"):  # SigLIP's tower, one level down
        state = {key if key.startswith("vis") else f"vision_model.{key}": value for key, value in state.items()}
    module.load_state_dict(state)
    view = wrap_transformers(module)
    assert view is not None
    return view


@pytest.mark.parametrize("start_layer", LAYERS)
def test_clip_agrees_with_the_original(start_layer: int) -> None:
    oracle = read_oracle("legrad_openclip_vit")
    view = clip_from_openclip(oracle)
    assert relative_difference(view.output(oracle["image"]), oracle["expected.image_features"]) < 1e-12
    maps = relevance(view, oracle["image"], oracle["text"], start_layer=start_layer)
    assert relative_difference(maps[0], oracle[f"expected.relevance.from_layer_{start_layer}"].flatten(1)) < 1e-8


@pytest.mark.parametrize("start_layer", LAYERS)
def test_siglip_agrees_with_the_original(start_layer: int) -> None:
    oracle = read_oracle("legrad_siglip")
    view = siglip_from_timm(oracle)
    maps = relevance(view, oracle["image"], oracle["text"], start_layer=start_layer)
    assert relative_difference(maps[0], oracle[f"expected.relevance.from_layer_{start_layer}"].flatten(1)) < 1e-8
    with_norm = relevance(view, oracle["image"], oracle["text"], start_layer=start_layer, readout="model")
    assert relative_difference(with_norm[0], oracle[f"expected.relevance.from_layer_{start_layer}"].flatten(1)) > 0.01


def test_bert_gives_the_oracles_logits() -> None:
    oracle = read_oracle("bert")
    module = transformers.BertForSequenceClassification(transformers.BertConfig(**oracle.meta["bert_config"]))
    view = loaded(module.double().eval(), oracle.state)
    inputs = {"input_ids": oracle["input_ids"], "attention_mask": oracle["attention_mask"]}
    assert relative_difference(view.output(inputs), oracle["expected.logits"]) < 1e-8
