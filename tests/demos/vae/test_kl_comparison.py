"""The comparison of models trained with different weights of the KL divergence."""

import json
import re
from pathlib import Path

from demos.core.context import Context
from demos.vae.kl_comparison import COMPARED, comparison_html
from demos.vae.networks import Networks


def test_every_model_gets_the_same_photos_and_draws(context: Context, networks: Networks, images: list[str]) -> None:
    shown = comparison_html(context, networks, images[:2], 3)
    strips = {Path(path) for path in re.findall(r'gradio_api/file=([^"]+\.png)"', shown)}
    assert len(strips) == 1 + 2 * len(COMPARED) + 1 and all(path.is_file() for path in strips)
    assert [name for name in COMPARED if f'data-model="{name}"' in shown] == list(COMPARED)
    (numbers,) = re.findall(r'gradio_api/file=([^"]+\.json)"', shown)
    assert set(json.loads(Path(numbers).read_text())) == set(COMPARED)
    again, other = (comparison_html(context, networks, images[:2], seed) for seed in (3, 4))
    assert again == shown != other
