"""Masked autoencoder: mask most patches of an image and predict them (He et al., arXiv 2111.06377).

Images are (N, 3, S, S) in [-1, 1]. Masks are (N, L): 1 removed, 0 kept. Parameter names are those of the authors'
code, so their weights load by name; `models.formats.mae` reads them. Legend: N batch, L patches, D width,
P = patch_size² * 3 values a patch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.networks.layers import PatchEmbed, TransformerBlock, sincos_position_embedding
from models.networks.losses import masked_patch_loss
from models.networks.preprocessing import MINUS_ONE_TO_ONE, Preprocessing, Triple

NORM_PIX_EPS = 1e-6

# The three sizes of ViT (2010.11929 table 1), with the decoder of MAE's default (§4.1); the side is 224 pixels.
_DECODER = {"decoder_embed_dim": 512, "decoder_depth": 8, "decoder_num_heads": 16}
PRESETS: Mapping[str, Mapping[str, int]] = {
    "base": {"img_size": 224, "patch_size": 16, "embed_dim": 768, "depth": 12, "num_heads": 12, **_DECODER},
    "large": {"img_size": 224, "patch_size": 16, "embed_dim": 1024, "depth": 24, "num_heads": 16, **_DECODER},
    "huge": {"img_size": 224, "patch_size": 14, "embed_dim": 1280, "depth": 32, "num_heads": 16, **_DECODER},
}


class MAEOutput(NamedTuple):
    """The loss (scalar; None where nothing is masked), pred (N, L, P) and mask (N, L)."""

    loss: Tensor | None
    pred: Tensor
    mask: Tensor


class MaskedAutoencoderViT(nn.Module):
    """A deep encoder of the kept patches, and a shallow decoder that predicts all of them (§3).

    Args:
        img_size, patch_size: Side of images and of patches in pixels.
        embed_dim, depth, num_heads: The encoder.
        decoder_embed_dim, decoder_depth, decoder_num_heads: The decoder.
        mlp_ratio: Hidden width of each MLP over its width.
        norm_pix_loss: Whether targets are normalised patch by patch (§3, "reconstruction target").
        mean, std: Normalisation of each channel, on the scale [0, 1], in which the network sees and predicts patches.
        norm_eps: Epsilon of the layer norms: 1e-6 in the authors' code, 1e-12 in transformers'.
    """

    def __init__(
        self,
        img_size: int = 128,
        patch_size: int = 8,
        embed_dim: int = 192,
        depth: int = 6,
        num_heads: int = 3,
        decoder_embed_dim: int = 128,
        decoder_depth: int = 2,
        decoder_num_heads: int = 4,
        mlp_ratio: float = 4.0,
        norm_pix_loss: bool = False,
        mean: Triple = MINUS_ONE_TO_ONE.mean,
        std: Triple = MINUS_ONE_TO_ONE.std,
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.img_size, self.patch_size, self.norm_pix_loss = img_size, patch_size, norm_pix_loss
        self.preprocessing = Preprocessing(img_size, mean=mean, std=std)
        self.patch_embed = PatchEmbed(img_size, patch_size, embed_dim)
        self.num_patches = self.patch_embed.num_patches
        grid = img_size // patch_size
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(sincos_position_embedding(embed_dim, grid), requires_grad=False)
        self.blocks = nn.ModuleList(TransformerBlock(embed_dim, num_heads, mlp_ratio, norm_eps) for _ in range(depth))
        self.norm = nn.LayerNorm(embed_dim, eps=norm_eps)

        self.decoder_embed = nn.Linear(embed_dim, decoder_embed_dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_embed_dim))
        positions = sincos_position_embedding(decoder_embed_dim, grid)
        self.decoder_pos_embed = nn.Parameter(positions, requires_grad=False)
        self.decoder_blocks = nn.ModuleList(
            TransformerBlock(decoder_embed_dim, decoder_num_heads, mlp_ratio, norm_eps) for _ in range(decoder_depth)
        )
        self.decoder_norm = nn.LayerNorm(decoder_embed_dim, eps=norm_eps)
        self.decoder_pred = nn.Linear(decoder_embed_dim, patch_size**2 * 3)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)
        nn.init.xavier_uniform_(self.patch_embed.proj.weight.view(self.patch_embed.proj.out_channels, -1))
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def patchify(self, images: Tensor) -> Tensor:
        """Cut (N, 3, S, S) into rows of patches, (N, L, P), pixel by pixel with the channel running fastest."""
        p, grid = self.patch_size, self.img_size // self.patch_size
        x = images.reshape(len(images), 3, grid, p, grid, p)
        return x.permute(0, 2, 4, 3, 5, 1).reshape(len(images), grid * grid, p * p * 3)

    def unpatchify(self, patches: Tensor) -> Tensor:
        """Undo `patchify`: (N, L, P) -> (N, 3, S, S)."""
        p, grid = self.patch_size, self.img_size // self.patch_size
        x = patches.reshape(len(patches), grid, grid, p, p, 3)
        return x.permute(0, 5, 1, 3, 2, 4).reshape(len(patches), 3, self.img_size, self.img_size)

    def forward_encoder(self, images: Tensor, ids_keep: Tensor) -> Tensor:
        """Encode only the kept patches: (N, 3, S, S), (N, K) indices -> (N, 1 + K, D) with the class token first."""
        x = self.patch_embed(self.preprocessing.normalise(images)) + self.pos_embed[:, 1:]
        x = x.gather(1, ids_keep.unsqueeze(-1).expand(-1, -1, x.shape[-1]))  # (N, K, D)
        cls_token = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        x = torch.cat([cls_token, x], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def forward_decoder(self, latent: Tensor, ids_restore: Tensor) -> Tensor:
        """Predict every patch, (N, L, P), from the latent (N, 1 + K, D) and each patch's index in its order (N, L)."""
        x = self.decoder_embed(latent)
        num_removed = ids_restore.shape[1] + 1 - x.shape[1]
        tokens = torch.cat([x[:, 1:], self.mask_token.to(x.dtype).expand(len(x), num_removed, -1)], dim=1)
        tokens = tokens.gather(1, ids_restore.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
        x = torch.cat([x[:, :1], tokens], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:]

    def forward_features(self, images: Tensor) -> Tensor:
        """Encode the whole image and average the patch tokens: (N, 3, S, S) -> (N, D)."""
        everything = torch.arange(self.num_patches, device=images.device).expand(len(images), -1)
        return self.forward_encoder(images, everything)[:, 1:].mean(dim=1)

    def forward(
        self,
        images: Tensor,
        mask_ratio: float = 0.75,
        mask: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> MAEOutput:
        """Mask patches of images (N, 3, S, S) in [-1, 1], and predict all.

        Args:
            images: (N, 3, S, S) in [-1, 1].
            mask_ratio: Share of patches to remove at random where no mask is given, 0 to below 1.
            mask: (N, L) of 0 kept and 1 removed, with the same number removed in every row.
            generator: Of the random mask.

        Raises:
            ValueError: The mask has another shape, other values, unequal rows, or keeps no patch.
        """
        if mask is None:
            mask = random_mask(len(images), self.num_patches, mask_ratio, generator)
        mask = mask.to(images.device)
        ids_keep, ids_restore = self._ids(mask, len(images))
        pred = self.forward_decoder(self.forward_encoder(images, ids_keep), ids_restore)
        if not mask.any():
            return MAEOutput(None, pred, mask)
        return MAEOutput(masked_patch_loss(pred.float(), self.target(images), mask), pred, mask)

    def reconstruct(self, images: Tensor, mask: Tensor) -> Tensor:
        """Return every patch as predicted from the kept ones, as an image (N, 3, S, S) clamped to [-1, 1].

        With `norm_pix_loss` each patch's mean and std, which the prediction lacks, are the original's, so that no
        measure may use the result.
        """
        pred = self.forward(images, mask=mask).pred
        if self.norm_pix_loss:
            mean, std = self._patch_moments(self.patchify(self.preprocessing.normalise(images)))
            pred = pred * std + mean
        return self.preprocessing.invert(self.unpatchify(pred)).clamp(-1, 1)

    def target(self, images: Tensor) -> Tensor:
        """Return the patches to predict, (N, L, P), with `norm_pix_loss` each normalised by its mean and std."""
        target = self.patchify(self.preprocessing.normalise(images))
        if not self.norm_pix_loss:
            return target
        mean, std = self._patch_moments(target)
        return (target - mean) / std

    @staticmethod
    def _patch_moments(patches: Tensor) -> tuple[Tensor, Tensor]:
        variance = patches.var(dim=-1, keepdim=True)  # unbiased, as in the authors' code
        return patches.mean(dim=-1, keepdim=True), (variance + NORM_PIX_EPS).sqrt()

    def _ids(self, mask: Tensor, num: int) -> tuple[Tensor, Tensor]:
        if mask.shape != (num, self.num_patches):
            raise ValueError(f"The mask is {tuple(mask.shape)}; this model wants ({num}, {self.num_patches}).")
        if not ((mask == 0) | (mask == 1)).all():
            raise ValueError("The mask has values other than 0 (kept) and 1 (removed).")
        removed = mask.sum(dim=1)
        if (removed != removed[0]).any():
            raise ValueError("Every row of the mask must remove the same number of patches.")
        num_keep = self.num_patches - int(removed[0])
        if num_keep == 0:
            raise ValueError("The mask removes every patch; keep at least one to predict from.")
        ids_shuffle = mask.argsort(dim=1, stable=True)  # kept patches first, in image order
        return ids_shuffle[:, :num_keep], ids_shuffle.argsort(dim=1)


def num_masked(length: int, mask_ratio: float) -> int:
    """Return how many of `length` patches a ratio removes: rounded, and never all of them.

    Raises:
        ValueError: The ratio is outside [0, 1).
    """
    if not 0 <= mask_ratio < 1:
        raise ValueError(f"mask_ratio is {mask_ratio}; choose one from 0 to below 1.")
    return min(int(length * mask_ratio + 0.5), length - 1)


def random_mask(num: int, length: int, mask_ratio: float, generator: torch.Generator | None = None) -> Tensor:
    """Return masks that remove patches evenly at random, (num, length) of 0 kept and 1 removed (§3 "masking")."""
    noise = torch.rand(num, length, generator=generator)
    rank = noise.argsort(dim=1).argsort(dim=1)
    return (rank < num_masked(length, mask_ratio)).float()


def block_mask(num: int, grid: int, mask_ratio: float, generator: torch.Generator | None = None) -> Tensor:
    """Return masks that remove rectangles until exactly the ratio is reached, (num, grid²) (BEiT, 2106.08254 §2.3)."""
    target = num_masked(grid * grid, mask_ratio)
    masks = torch.zeros(num, grid, grid)
    for mask in masks:
        while (missing := target - int(mask.sum())) > 0:
            height, width = (torch.randint(1, max(2, grid // 2) + 1, (2,), generator=generator)).tolist()
            top = int(torch.randint(grid - height + 1, (), generator=generator))
            left = int(torch.randint(grid - width + 1, (), generator=generator))
            free = [(r, c) for r in range(top, top + height) for c in range(left, left + width) if mask[r, c] == 0]
            for row, column in free[:missing]:
                mask[row, column] = 1.0
    return masks.flatten(1)
