"""Options with which every recipe trains in a moment."""

from typing import Any

SMALL: dict[str, dict[str, Any]] = {
    "cyclegan": {"image_size": 32, "num_filters": 8, "num_blocks": 1, "discriminator_filters": 8, "pool_size": 2},
    "mae": {"image_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2, "batch_size": 4,
            "decoder_embed_dim": 16, "decoder_depth": 1, "decoder_num_heads": 2},
    "vae": {"image_size": 32, "latent_dim": 4, "num_filters": 8, "batch_size": 4},
    "simsiam": {"image_size": 32, "width": 8, "dim": 16, "pred_dim": 8, "batch_size": 4},
    "simclr": {"image_size": 32, "width": 8, "dim": 16, "batch_size": 4},
    "moco": {"image_size": 32, "width": 8, "dim": 16, "queue_size": 16, "batch_size": 4},
    "supervised": {"image_size": 32, "width": 8, "batch_size": 4},
}  # fmt: skip
