"""The shelf of the MAE tab and its thumbnails, which show prepared results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from demos.mae.analysis import influence, predict_ensemble, relative_influence
from demos.mae.inpainting import draw_damage
from demos.mae.inpainting_ui import OPENING_MIX, Damage, reconstruct_composite, repair
from demos.mae.masks import draw_mask
from demos.mae.reconstruction import grid_of, heat_image, reconstruct
from demos.mae.session import WEIGHTS, MAESession, MaskRequest
from demos.ui.shelf.shelf import Group
from demos.ui.shelf.thumbnails import STEPS, pair, save_thumbnails

TITLES: Mapping[Group, Mapping[str, str]] = {  # of the cards by their names
    "play": {"mend": "mend_title", "mix": "mix_title"},
    "inside": {"ratios": "ratios_title", "often": "often_title", "influence": "influence_title"},
}  # fmt: skip
NUM_MASKS = 16  # of the ensemble


def precompute_thumbnails(session: MAESession, opening: MaskRequest, photos: Sequence[Path], folder: Path) -> None:
    """Write the thumbnails for the opening result into a folder."""
    result, model, photo = session.result(opening), session.model(WEIGHTS), session.photo(opening)
    damage = Damage("scratches", 1)
    mended = repair(session, opening.path, WEIGHTS, damage, draw_damage(model.img_size, damage.damage, damage.seed))
    mixed = reconstruct_composite(session, opening, str(photos[1 % len(photos)]), OPENING_MIX / 100)
    ratios = [reconstruct(model, photo, draw_mask(photo, grid_of(model), ratio, "random", 1)) for ratio in (0.25, 0.95)]
    *_, ensemble = predict_ensemble(model, photo, opening.mask_ratio, opening.mask_kind, opening.seed, NUM_MASKS)
    *_, changes = influence(model, photo, opening.mask, int(np.flatnonzero(opening.mask)[opening.mask.sum() // 2]))
    images = {
        "mend": pair(mended.damaged, mended.mended),
        "mix": pair(mixed.original, mixed.pasted),
        "ratios": pair(ratios[0].pasted, ratios[1].pasted),
        "often": pair(ensemble.mean, ensemble.std),
        "influence": pair(result.masked, heat_image(photo, relative_influence(changes), 1.0)),
        STEPS[0]: pair(result.original, result.masked),
        STEPS[1]: pair(result.masked, result.raw),
        STEPS[2]: pair(result.pasted, result.error),
    }
    save_thumbnails(images, folder)
