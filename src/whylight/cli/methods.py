"""The methods for ``whylight list methods``, which would else import torch to read them off the registry."""

from __future__ import annotations

METHODS = (
    (
        "attention_cam",
        "GradCAM on the last attention map: heads weighted by the mean gradient at the readout row, ReLU",
        "as the GradCAM baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "beyond_intuition",
        "attention weighted by head or token importance through the layers, times integrated gradients of the last",
        "Chen et al., TMLR 2023",
    ),
    (
        "chefercam",
        "attention times its positive gradient, mean over heads, multiplied through the layers",
        "Chefer et al., ICCV 2021, arXiv 2103.15679",
    ),
    (
        "clip_surgery",
        "patch features from value-value attention, minus what all given prompts have in common",
        "Li et al., Pattern Recognition 2025, arXiv 2304.05653",
    ),
    (
        "decomposition",
        "each patch's exact share in the output, summed over heads and layers, in the direction of the target",
        "Gandelsman et al., ICLR 2024, arXiv 2310.05916 (TextSpan)",
    ),
    (
        "gem",
        "cosine of the prompt with patches that self-self attention has gathered, on a path without MLPs",
        "Bousselham et al., CVPR 2024, arXiv 2312.00878",
    ),
    (
        "grad_eclip",
        "the last layer's values, weighted by the read-out token's gradient and its query's cosine with keys",
        "Zhao et al., ICML 2024",
    ),
    (
        "gradcam",
        "GradCAM on a block's tokens: channels weighted by their mean gradient over the patches",
        "Selvaraju et al., ICCV 2017, arXiv 1610.02391",
    ),
    (
        "input_gradient",
        "gradient of the logit at the pixels (largest channel), or input times gradient (summed over channels)",
        "Simonyan et al., 2013, arXiv 1312.6034; Shrikumar et al., 2016, arXiv 1605.01713",
    ),
    (
        "integrated_gradients",
        "input times its gradient, averaged on the way from a zero input, summed over channels",
        "Sundararajan et al., ICML 2017, arXiv 1703.01365, through captum",
    ),
    (
        "keyflow",
        "evidence for the target against all evidence, through the layers, spread among patches with like keys",
        "this project",
    ),
    (
        "legrad",
        "gradients of every layer's attention map, ReLU, mean over heads and queries, sum over layers",
        "Bousselham et al., ICCV 2025, arXiv 2404.03214",
    ),
    (
        "lrp",
        "layer-wise relevance propagation through the whole model, down to the pixels",
        "Bach et al., PLOS ONE 2015; Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "partial_lrp",
        "relevance (LRP) of the last attention map, mean over heads, at the row the output is read from",
        "Voita et al., ACL 2019; as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "raw_attention",
        "last layer's attention, mean over heads, at the row the output is read from; the same for every target",
        "as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "relevance_rollout",
        "attention relevance (LRP), mean over heads, multiplied through the layers",
        "Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "rollout",
        "attention multiplied through the layers, skip connections as identities; the same for every target",
        "Abnar and Zuidema, ACL 2020, arXiv 2005.00928",
    ),
    (
        "token_tm",
        "attention times gradient through the layers, weighted by how each token's length and direction change",
        "Wu et al., CVPR 2024, arXiv 2403.14552, as re-implemented by the authors of LibraGrad",
    ),
    (
        "transformer_attribution",
        "attention relevance (LRP) times its positive gradient, mean over heads, multiplied through the layers",
        "Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
)
"""Name, what it does, where it comes from; ``tests/cli/test_help.py`` holds it to the registry."""

ANSWER_METHODS = (
    (
        "attention_cam",
        "GradCAM on the last attention map: heads weighted by the mean gradient at the predicting row, ReLU",
        "as the GradCAM baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "chefercam",
        "attention times its positive gradient, mean over heads, multiplied through the layers",
        "Chefer et al., ICCV 2021, arXiv 2103.15679",
    ),
    (
        "erasing",
        "fall of the word's log-odds where a window of the picture's tokens is replaced by their mean",
        "after Zeiler and Fergus, ECCV 2014, arXiv 1311.2901",
    ),
    (
        "gradient_norm",
        "length of the gradient of the word's log-odds at each embedding",
        "Simonyan et al., 2013, arXiv 1312.6034",
    ),
    (
        "input_gradient",
        "embedding times gradient of the word's log-odds, summed over features: signed",
        "Shrikumar et al., 2016, arXiv 1605.01713",
    ),
    (
        "keyflow",
        "what the values that question and answer look at could move, over all layers, spread among like patches",
        "this project",
    ),
    (
        "legrad",
        "positive gradient of each layer's own reading of the word at its attention, summed over layers",
        "Bousselham et al., 2024, arXiv 2404.03214",
    ),
    (
        "logit_lens",
        "how strongly each token's last state says the word itself",
        "as the first step of TAM",
    ),
    (
        "raw_attention",
        "last layer's attention, mean over heads, at the row that predicts the word",
        "as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    ),
    (
        "rollout",
        "attention multiplied through the layers, skip connections as identities",
        "Abnar and Zuidema, ACL 2020, arXiv 2005.00928",
    ),
    (
        "tam",
        "what the picture's tokens would say themselves, less what earlier words explain, filtered; no gradients",
        "Li et al., ICCV 2025, arXiv 2506.23270",
    ),
)
"""The same of the methods of ``whylight ask``."""
