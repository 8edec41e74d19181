"""The catalogue of weights: our own come with the repository, published ones are fetched on request.

A record pins the exact revision where it is known; adding weights is adding an entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.hub.records import MB, Checkpoint, Family

OWN_REPO = ""  # Hub id of our own weights once they are published: `<name>/model.safetensors` in one repository


_OWN = (
    Checkpoint("apple2orange", "cyclegan", "Apples to oranges, light generator", "arXiv 1703.10593",
               direction="apple2orange", partner="orange2apple"),
    Checkpoint("orange2apple", "cyclegan", "Oranges to apples, light generator", "arXiv 1703.10593",
               direction="orange2apple", partner="apple2orange"),
    Checkpoint("apple-discriminator", "cyclegan", "Tells photographed apples from translated ones", "arXiv 1703.10593",
               lesson=True),
    Checkpoint("orange-discriminator", "cyclegan", "Tells photographed oranges from translated ones",
               "arXiv 1703.10593", lesson=True),
    *(
        Checkpoint(f"{way}-{half}", "cyclegan", f"{way} trained without the {what} loss", "arXiv 1703.10593",
                   direction=way, partner=f"{back}-{half}", lesson=True)
        for half, what in (("no-cycle", "cycle"), ("no-adversarial", "adversarial"))
        for way, back in (("apple2orange", "orange2apple"), ("orange2apple", "apple2orange"))
    ),
    Checkpoint("mae-photos", "mae", "Masked autoencoder of everyday photos", "arXiv 2111.06377"),
    Checkpoint("vae-portraits", "vae", "Stylised, computer-made portraits", "arXiv 1312.6114", latent="global"),
    Checkpoint("vae-fruit", "vae", "Apples and oranges", "arXiv 1312.6114", latent="global"),
    Checkpoint("vae-fruit-autoencoder", "vae", "Apples and oranges, without the KL divergence", "arXiv 1312.6114",
               latent="global", lesson=True),
    Checkpoint("vae-fruit-beta4", "vae", "Apples and oranges, beta 4", "OpenReview Sy2fzU9gl", latent="global",
               lesson=True),
    Checkpoint("simsiam-photos", "contrastive", "SimSiam on everyday photos", "arXiv 2011.10566"),
    Checkpoint("simclr-photos", "contrastive", "SimCLR on everyday photos", "arXiv 2002.05709"),
    Checkpoint("moco-photos", "contrastive", "MoCo v2 on everyday photos", "arXiv 2003.04297"),
    Checkpoint("supervised-photos", "supervised", "The same backbone, trained with labels", "arXiv 1512.03385"),
    Checkpoint("fruit-judge", "supervised", "Tells apples from oranges, to judge translations", "arXiv 1512.03385",
               lesson=True),
)  # fmt: skip


def _from_url(
    name: str, summary: str, paper: str, license: str, layout: str, url: str, size: int, sha256: str = "",
    family: Family = "contrastive", note: str = "Not verified on the real file.",
) -> Checkpoint:  # fmt: skip
    return Checkpoint(
        name, family, summary, paper, license, "-NC-" in license, layout, filename=url.rsplit("/", 1)[-1], url=url,
        sha256=sha256, size=size, note=note,
    )  # fmt: skip


_FRUIT_SPACE = "davidpiscasio/unpaired-img2img"
_FRUIT_COMMIT = "3ce13dcd9fafca8f086ff5a532cf2cc34431995e"

_CYCLEGAN = (
    Checkpoint("cyclegan-apple2orange", "cyclegan", "CycleGAN apples to oranges, a copy of the authors' weights",
               "arXiv 1703.10593", "BSD-2-Clause", layout="cyclegan-resnet-generator", repo_id=_FRUIT_SPACE,
               repo_type="space", filename="checkpoints/apple2orange_pretrained/latest_net_G.pth",
               revision=_FRUIT_COMMIT, sha256="ff989c98f3a077cd11c2623ed8742e2ef147e81d10b4e4c2ee6935796bda957a",
               size=45_575_747, exact_size=True, direction="apple2orange", partner="cyclegan-orange2apple",
               note="In a third party's Space; not compared with the file that the authors serve."),
    Checkpoint("cyclegan-orange2apple", "cyclegan", "CycleGAN oranges to apples, a copy of the authors' weights",
               "arXiv 1703.10593", "BSD-2-Clause", layout="cyclegan-resnet-generator", repo_id=_FRUIT_SPACE,
               repo_type="space", filename="checkpoints/orange2apple_pretrained/latest_net_G.pth",
               revision=_FRUIT_COMMIT, size=45_575_747, direction="orange2apple", partner="cyclegan-apple2orange",
               note="In a third party's Space; not compared with the authors' file, hash and exact size not verified."),
)  # fmt: skip

_MAE_PAPER = "arXiv 2111.06377"
_MAE_LICENSE = "CC-BY-NC-4.0"
_MAE_CONFLICT = "The Hub page says Apache-2.0, the authors' licence CC BY-NC 4.0: the stricter one is shown."
_MAE_SERVER = "https://dl.fbaipublicfiles.com/mae"


_MAE = (
    Checkpoint("vit-mae-base", "mae", "ViT-MAE base", _MAE_PAPER, _MAE_LICENSE, True, "vit-mae-hub",
               "facebook/vit-mae-base", filename="model.safetensors",
               revision="0dfb9b7ed42dcfd1b74e164f86c63fd13429ced2", size=448 * MB,
               note=f"This revision is the head of the pull request refs/pr/2, not of main. {_MAE_CONFLICT}"),
    Checkpoint("vit-mae-large", "mae", "ViT-MAE large", _MAE_PAPER, _MAE_LICENSE, True, "vit-mae-hub",
               "facebook/vit-mae-large", filename="pytorch_model.bin", size=1_320 * MB,
               note=f"Full revision not verified. {_MAE_CONFLICT}"),
    Checkpoint("vit-mae-huge", "mae", "ViT-MAE huge", _MAE_PAPER, _MAE_LICENSE, True, "vit-mae-hub",
               "facebook/vit-mae-huge", filename="pytorch_model.bin", size=2_630 * MB,
               note=f"Full revision not verified. {_MAE_CONFLICT}"),
    *(
        _from_url(f"mae-{name}", summary, _MAE_PAPER, _MAE_LICENSE, "vit-mae-authors",
                  f"{_MAE_SERVER}/visualize/mae_visualize_vit_{file}.pth", size * MB, family="mae", note=note)
        for name, file, summary, size, note in (
            ("visualize-base", "base", "MAE base, the authors' file", 448, "Address and size not verified."),
            ("visualize-large", "large", "MAE large, the authors' file", 1_320, "Size not verified."),
            ("visualize-huge", "huge", "MAE huge, the authors' file", 2_630, "Address and size not verified."),
            ("ganloss-large", "large_ganloss", "MAE large, sharper: trained with a GAN loss", 1_320,
             "Size not verified."),
        )
    ),
)  # fmt: skip

_VAE = (
    Checkpoint("taesd", "vae", "TAESD, a tiny autoencoder of any photo", "github.com/madebyollin/taesd", "MIT",
               layout="autoencoder-tiny", repo_id="madebyollin/taesd", filename="diffusion_pytorch_model.safetensors",
               revision="931366cc24b8bc15d6f682fa2e0352f1deec397b", size=9_790_000, latent="spatial"),
    Checkpoint("taef2", "vae", "TAEF2, tiny, with 32 latent channels", "github.com/madebyollin/taesd", "MIT",
               layout="autoencoder-tiny", repo_id="madebyollin/taef2", filename="taef2.safetensors", size=5_400_000,
               latent="spatial", note="Full revision and size not verified."),
    Checkpoint("sd-vae-ft-mse", "vae", "The autoencoder of Stable Diffusion", "arXiv 2112.10752", "MIT",
               layout="autoencoder-kl", repo_id="stabilityai/sd-vae-ft-mse",
               filename="diffusion_pytorch_model.safetensors", revision="c01e0282cf0708e7fdecf07fb5f9089f5bc61c79",
               size=334_643_268, latent="spatial"),
    Checkpoint("classical-portraits", "vae", "Classical painted portraits", "arXiv 1312.6114", "Apache-2.0",
               layout="portrait-vae", repo_id="BioMike/classical_portrait_vae",
               filename="model_conv_vae_256_epoch_304.pth", revision="498c065ab0313ef91cc535f9e9accd9739f3af1c",
               size=118 * MB, latent="global", note="Last layers and value range not verified on the real file."),
)  # fmt: skip

_MOCO = "https://dl.fbaipublicfiles.com/moco/moco_checkpoints"
_MOCO_LICENSE = (
    "The repository was relicensed from CC BY-NC 4.0 to MIT in January 2023 (7397dfe); a line of its README still "
    "names the former. Not verified on the real file."
)
_ESTIMATED = "The size is estimated. Not verified on the real file."
_MOCO3 = "https://dl.fbaipublicfiles.com/moco-v3"
_MMLAB = "https://download.openmmlab.com/mmselfsup/1.x"


_NO_DECODER = "Holds the encoder alone: it gives features, and cannot show what it fills in. Not verified."

_CONTRASTIVE = (
    _from_url("mae-pretrain-base", "MAE base, encoder alone", _MAE_PAPER, _MAE_LICENSE, "vit-timm",
              f"{_MAE_SERVER}/pretrain/mae_pretrain_vit_base.pth", 343 * MB, note=_NO_DECODER),
    _from_url("mae-pretrain-large", "MAE large, encoder alone", _MAE_PAPER, _MAE_LICENSE, "vit-timm",
              f"{_MAE_SERVER}/pretrain/mae_pretrain_vit_large.pth", 1_213 * MB, note=_NO_DECODER),
    _from_url("mae-pretrain-huge", "MAE huge, encoder alone", _MAE_PAPER, _MAE_LICENSE, "vit-timm",
              f"{_MAE_SERVER}/pretrain/mae_pretrain_vit_huge.pth", 2_523 * MB, note=_NO_DECODER),
    Checkpoint("simclr-resnet50", "contrastive", "SimCLR ResNet-50", "arXiv 2002.05709", "Apache-2.0", layout="simclr",
               repo_id="lightly-ai/simclrv1-imagenet1k-resnet50-1x", filename="resnet50-1x.pth", size=103 * MB,
               note="Takes pixels in [0, 1] as they are. Full revision not verified."),
    _from_url("simsiam-resnet50", "SimSiam ResNet-50", "arXiv 2011.10566", "CC-BY-NC-4.0", "simsiam",
              "https://dl.fbaipublicfiles.com/simsiam/models/100ep/pretrain/checkpoint_0099.pth.tar", 290 * MB,
              note=_ESTIMATED),
    _from_url("moco-v1-resnet50", "MoCo v1 ResNet-50", "arXiv 1911.05722", "MIT", "moco",
              f"{_MOCO}/moco_v1_200ep/moco_v1_200ep_pretrain.pth.tar", 258 * MB, note=_MOCO_LICENSE),
    _from_url("moco-v2-resnet50", "MoCo v2 ResNet-50", "arXiv 2003.04297", "MIT", "moco",
              f"{_MOCO}/moco_v2_800ep/moco_v2_800ep_pretrain.pth.tar", 258 * MB, note=_MOCO_LICENSE),
    _from_url("moco-v3-resnet50", "MoCo v3 ResNet-50", "arXiv 2104.02057", "CC-BY-NC-4.0", "moco-v3",
              f"{_MOCO3}/r-50-1000ep/r-50-1000ep.pth.tar", 546 * MB, note=_ESTIMATED),
    _from_url("moco-v3-vit-small", "MoCo v3 ViT-S/16", "arXiv 2104.02057", "CC-BY-NC-4.0", "moco-v3",
              f"{_MOCO3}/vit-s-300ep/vit-s-300ep.pth.tar", 430 * MB, note=_ESTIMATED),
    _from_url("byol-resnet50", "BYOL ResNet-50", "arXiv 2006.07733", "Apache-2.0", "byol",
              f"{_MMLAB}/byol/byol_resnet50_16xb256-coslr-200e_in1k/"
              "byol_resnet50_16xb256-coslr-200e_in1k_20220825-de817331.pth", 273 * MB, "de817331"),
    Checkpoint("dino-vit-small", "contrastive", "DINO ViT-S/16 (self-distilled)", "arXiv 2104.14294", "Apache-2.0",
               layout="vit-timm", repo_id="timm/vit_small_patch16_224.dino", filename="model.safetensors",
               revision="733b42a211ebe03aa7327050699cfcee7cd96123", size=86_700_000),
    Checkpoint("dinov2-small", "contrastive", "DINOv2 ViT-S/14 (self-distilled)", "arXiv 2304.07193", "Apache-2.0",
               layout="dinov2-hub", repo_id="facebook/dinov2-small", filename="model.safetensors",
               revision="150c8e7bb7cef2d30ec31b13a517af14840ee3f7", size=88_200_000),
)  # fmt: skip

# BSD-3-Clause is torchvision's code; of weights its documentation says that they may have terms from their data set.
_DATA_TERMS = "The licence is torchvision's; terms of ImageNet, which the weights were trained on, may apply as well."

_SUPERVISED = (
    _from_url("alexnet", "AlexNet (labels)", "arXiv 1404.5997", "BSD-3-Clause", "alexnet",
              "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", 244_408_911, "7be5be79", "supervised",
              f"Top-1 on ImageNet 56.5 %. {_DATA_TERMS}"),
    Checkpoint("vgg16", "supervised", "VGG-16 (labels)", "arXiv 1409.1556", "BSD-3-Clause", layout="vgg16",
               repo_id="timm/vgg16.tv_in1k", filename="model.safetensors",
               revision="3394518cba29aee1ea82a49d971be90d2dd1dab7", size=553 * MB,
               note=f"Top-1 on ImageNet 71.6 %. {_DATA_TERMS}"),
    Checkpoint("resnet18", "supervised", "ResNet-18 (labels)", "arXiv 1512.03385", "BSD-3-Clause", layout="resnet18",
               repo_id="timm/resnet18.tv_in1k", filename="model.safetensors", size=46_800_000,
               note=f"Top-1 on ImageNet 69.8 %. Full revision not verified. {_DATA_TERMS}"),
    Checkpoint("resnet50", "supervised", "ResNet-50 (labels)", "arXiv 1512.03385", "BSD-3-Clause", layout="resnet50",
               repo_id="timm/resnet50.tv_in1k", filename="model.safetensors",
               revision="aa6c2d36d56bc0209040c02b5a7b7d7bf11d57b8", sha256="5d061a3c", size=102 * MB,
               note=f"Top-1 on ImageNet 76.1 %. {_DATA_TERMS}"),
)  # fmt: skip

CHECKPOINTS: Mapping[str, Checkpoint] = {
    record.name: record for record in (*_OWN, *_CYCLEGAN, *_MAE, *_VAE, *_CONTRASTIVE, *_SUPERVISED)
}
OWN: tuple[str, ...] = tuple(record.name for record in _OWN if not record.lesson)


def checkpoint(name: str) -> Checkpoint:
    """Return the record called `name`.

    Raises:
        ValueError: There is none; the message lists those that exist.
    """
    if name not in CHECKPOINTS:
        raise ValueError(f"There are no weights called {name!r}; choose one of {', '.join(CHECKPOINTS)}.")
    return CHECKPOINTS[name]
