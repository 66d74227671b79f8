"""The OpenCLIP models of the oracle files of decomposition, Grad-ECLIP and CLIP Surgery, as views."""

from __future__ import annotations

import open_clip
import torch
from open_clip.transformer import VisionTransformer
from oracle_files import Oracle, read_oracle

from whylight.models.openclip.view import OpenClipView


def decomposition_oracle(dtype: torch.dtype = torch.float64) -> tuple[OpenClipView, Oracle]:
    oracle = read_oracle("clip_decomposition")
    config = oracle.meta["vision_cfg"]
    tower = VisionTransformer(
        image_size=config["image_size"],
        patch_size=config["patch_size"],
        width=config["width"],
        layers=config["layers"],
        heads=config["width"] // config["head_width"],
        mlp_ratio=config["mlp_ratio"],
        output_dim=oracle.meta["embed_dim"],
    )
    tower.load_state_dict(oracle.state)
    return OpenClipView(tower.eval().to(dtype)), oracle


def surgery_oracle(dtype: torch.dtype = torch.float64) -> tuple[OpenClipView, Oracle]:
    oracle = read_oracle("clip_surgery")
    tower = VisionTransformer(**oracle.meta["open_clip_vision"], act_layer=open_clip.model.QuickGELU)
    tower.to(dtype).eval().load_state_dict(oracle.state)
    return OpenClipView(tower), oracle


def grad_eclip_oracle(dtype: torch.dtype = torch.float64) -> tuple[OpenClipView, Oracle]:
    oracle = read_oracle("grad_eclip")
    model = open_clip.model.CLIP(**oracle.meta["open_clip"]).to(dtype).eval()
    model.load_state_dict(oracle.state)
    return OpenClipView(model), oracle
