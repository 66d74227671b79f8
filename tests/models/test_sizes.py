"""Pictures of other sizes: positions are interpolated as the model's own library does it, and nothing is written to."""

from __future__ import annotations

import copy
from collections.abc import Callable

import open_clip
import pytest
import timm
import torch
from open_clip.model import resize_pos_embed
from torch import nn
from zoo import OPENCLIP, TIMM, Built, own_output
from zoo.openclip_models import TEXT, VISION, clip
from zoo.perturb import made_in_float64, pictures
from zoo.timm_models import timm_version, vit

import whylight
from whylight.errors import BadInput
from whylight.models.sizes import fit_to_patches

SIZES = [(48, 48), (24, 40), (16, 64)]  # larger, not square, and as many patches in another shape
TRUNKS = [
    kind for kind in OPENCLIP if any(word in kind for word in ("SigLIP", "EVA02", "PE-Core", "MobileCLIP", "trunk"))
]
POOLED = [kind for kind in TIMM if "DINOv2" not in kind and "no pooling" not in kind]


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
@torch.no_grad()
def test_openclip_tower_as_if_loaded_for_that_size(size: tuple[int, int]) -> None:
    model, _ = clip()()
    resized = open_clip.CLIP(16, vision_cfg=VISION | {"image_size": size}, text_cfg=TEXT).double().eval()
    state = model.state_dict()
    resize_pos_embed(state, resized)
    resized.load_state_dict(state)
    own = resized.encode_image(pictures(size))
    assert (whylight.wrap(model).output(pictures(size)) - own).abs().max() < 1e-12


@torch.no_grad()
def test_openclip_positions_follow_the_shape_where_the_count_fits() -> None:
    """OpenCLIP itself takes any shape with the trained number of patches, its positions in the wrong places."""
    model, _ = clip()()
    view, wide = whylight.wrap(model), pictures((16, 64))
    table = model.visual.positional_embedding
    grid = table[1:].reshape(1, 4, 4, 32).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, (2, 8), mode="bicubic", antialias=True).permute(0, 2, 3, 1)
    assert (view.output(wide) - model.encode_image(wide)).abs().max() > 1e-3
    moved = copy.deepcopy(model)
    moved.visual.positional_embedding = nn.Parameter(torch.cat([table[:1], grid.reshape(16, 32)]))
    assert (view.output(wide) - moved.encode_image(wide)).abs().max() < 1e-12


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", TRUNKS)
@torch.no_grad()
def test_openclip_over_timm_as_if_resized(kind: str, size: tuple[int, int]) -> None:
    model, _ = OPENCLIP[kind]()
    resized = copy.deepcopy(model)
    with made_in_float64():  # timm tries MobileCLIP's stem on zeros, before 1.0.31 on such of float32
        resized.visual.set_input_size(size)
        own = own_output(resized, pictures(size))
        assert (whylight.wrap(model).output(pictures(size)) - own).abs().max() < 1e-12


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", POOLED)
@torch.no_grad()
def test_timm_as_if_resized(kind: str, size: tuple[int, int]) -> None:
    model, _ = TIMM[kind]()
    resized = copy.deepcopy(model)
    if not hasattr(model, "set_input_size"):
        with pytest.raises(BadInput, match=r"cannot resize a Beit from 32x32 to .*install timm 1\.0\.31 or later"):
            whylight.wrap(model).output(pictures(size))
        assert timm_version() < (1, 0, 31)
        return
    if not getattr(model, "dynamic_img_size", False):  # those take any size as they are
        resized.set_input_size(size)
    own = own_output(resized, pictures(size))
    before, native = versions(model), model.patch_embed.img_size
    view = whylight.wrap(model)
    assert (view.output(pictures(size)) - own).abs().max() < 1e-12
    assert view.begin(pictures(size)).grid == (size[0] // 8, size[1] // 8)
    assert versions(model) == before
    assert model.patch_embed.img_size == native


def test_interpolated_positions_keep_their_gradient() -> None:
    model, _ = clip()()
    whylight.wrap(model).output(pictures((24, 40))).sum().backward()
    assert model.visual.positional_embedding.grad.abs().max() > 0


def test_hooks_of_the_model_run_at_every_size() -> None:
    model, _ = vit()()
    seen: list[nn.Module] = []
    model.blocks[0].register_forward_hook(lambda module, inputs, output: seen.append(module))
    view = whylight.wrap(model)
    with torch.no_grad():
        view.output(pictures((32, 32)))
        view.output(pictures((24, 40)))
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("size", "patch", "fitted"),
    [
        ((32, 32), 8, (32, 32)),
        ((36, 36), 8, (36, 36)),  # the model's own size keeps its remainder
        ((33, 47), 8, (32, 48)),  # otherwise the nearest multiple
        ((3, 100), 8, (8, 96)),
        ((50, 64), 14, (56, 70)),
    ],
)
def test_sides_become_multiples_of_the_patch(size: tuple[int, int], patch: int, fitted: tuple[int, int]) -> None:
    pixels = fit_to_patches(torch.ones(1, 3, *size, dtype=torch.float64), (patch, patch), (36, 36))
    assert pixels.shape[-2:] == fitted
    assert pixels.dtype == torch.float64
    torch.testing.assert_close(pixels, torch.ones_like(pixels))


@pytest.mark.parametrize("build", [clip(), vit(), vit(dynamic_img_size=True)], ids=["openclip", "timm", "dynamic"])
@torch.no_grad()
def test_a_side_off_the_patch_is_a_resized_picture(build: Callable[[], Built]) -> None:
    view = whylight.wrap(build()[0])
    odd = pictures((33, 47))
    fitted = torch.nn.functional.interpolate(odd, (32, 48), mode="bilinear", antialias=True)
    assert (view.output(odd) - view.output(fitted)).abs().max() < 1e-12
    assert view.begin(odd).grid == (4, 6)


def test_a_dynamic_model_is_driven_as_it_drives_itself() -> None:
    model, _ = TIMM["timm DINOv3"]()
    assert isinstance(model, timm.models.Eva)
    with torch.no_grad():
        assert (whylight.wrap(model).output(pictures((24, 40))) - model(pictures((24, 40)))).abs().max() < 1e-12


def versions(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Which tensors the model holds, and how often each was written to."""
    tensors = (*model.named_parameters(), *model.named_buffers())
    return {name: (id(tensor), tensor._version) for name, tensor in tensors}
