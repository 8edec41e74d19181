"""Model cards of weights folders, written from their configs and from the data sheets of `assets/DATA.md`."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.analysis.bootstrap import Estimate
from models.checkpoints import CHECKPOINTS, read_config
from models.hub.records import WEIGHTS
from models.training.loop.run_folder import write_atomically, write_json
from models.training.recipes import RECIPES

TRAINER = ("python", "-m", "models.training")
SHEET = "sheet.webp"  # of a weights folder, what its card shows
DATA_SHEETS = WEIGHTS.parent / "DATA.md"
CAVEAT = (
    "No third part of the pictures was kept for choosing options: where these were chosen by numbers on the very "
    "pictures measured here, as those of the weights that come with this project were, the numbers flatter a little."
)
CLASSIFIER = "resnet with classes"
PAIRLESS = "It changes whatever it is given, also pictures of neither set, and no pairs say which translation is right."
LIMITS: Mapping[str, str] = {  # by architecture; arguments are filled in
    "light_generator": f"It adds a change to the picture: colours and texture change, outlines stay. {PAIRLESS}",
    "resnet_generator": f"It paints the picture anew: what the loss does not ask for may be lost. {PAIRLESS}",
    "patch_discriminator": (
        "It scores large overlapping patches, so it hardly says where a picture looks wrong. It was trained against "
        "the generators of its own run: of other fakes, and of other kinds of pictures, its scores say little."
    ),
    "mae": (
        "It predicts what is hidden with a squared error, so that comes out soft, and small things and writing are "
        "lost. The numbers are for random patches and the share hidden in training, not for other masks."
    ),
    "vae": (
        "A whole picture passes through {latent_dim} numbers, so reconstructions and draws are soft and fine detail is "
        "lost. No single number is promised to stand for one property."
    ),
    "residual_vae": (
        "A whole picture passes through {latent_dim} numbers: fine detail is made up by the decoder, not remembered, "
        "and draws repeat what the training pictures have. No single number is promised to stand for one property."
    ),
    "resnet": (
        "It gives features, not answers; a kNN number is how often the nearest training pictures name the right class. "
        "Crops, mirror images and changed colours were to make no difference, so the features may ignore these."
    ),
    CLASSIFIER: (
        "It gives one of its {num_classes} classes to every picture, also to one of none of them. The classes are the "
        "folders of its training pictures, and some are much smaller than others."
    ),
}


def place_of(folder: Path) -> str:
    """Return the path of one of our own folders from the repository's root, the name of any other."""
    folder = folder.resolve()
    return folder.relative_to(WEIGHTS.parents[1]).as_posix() if folder.is_relative_to(WEIGHTS) else folder.name


def command_of(folder: Path, sources: Sequence[Path], judge: str | None) -> str:
    """Return the command that measures weights again, with file names without folders."""
    start = folder.name if folder.name in CHECKPOINTS else place_of(folder)
    words = [*TRAINER, "evaluate", start, "--data", *(source.name for source in sources)]
    return shlex.join([*words, *(["--judge", judge] if judge else [])])


def measured(metrics: Mapping[str, Estimate], command: str) -> dict[str, Any]:
    """Return the measurements as entries of a weights folder's config."""
    return {
        "metrics": {name: round(score.value, 4) for name, score in metrics.items()},
        "intervals": {name: [round(score.low, 4), round(score.high, 4)] for name, score in metrics.items()},
        "measured_by": command,
    }


def update_card(folder: Path, facts: Mapping[str, Any]) -> None:
    """Merge facts into the config of a weights folder and rewrite its card."""
    record = {**read_config(folder), **facts}
    write_json(folder / "config.json", record)
    write_card(folder, record)


def write_card(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the card of a weights folder from its config."""
    write_atomically(folder / "README.md", card(folder, record).encode())


def data_sheets() -> dict[str, str]:
    """Return the data sheets of the sets that our own weights were trained on, by the name of the zip."""
    parts = re.split(r"^## (\S+)$", DATA_SHEETS.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _table(record: Mapping[str, Any]) -> str:
    """Return the card's table of measurements, with intervals if there are any."""
    if not record["metrics"]:
        return "Not measured: the measures of this recipe are of other networks of the run."
    ends = {name: f" {_shown_as(*pair)} |" for name, pair in record.get("intervals", {}).items()}
    head = "| measure | value | 95 % interval |\n|---|---|---|" if ends else "| measure | value |\n|---|---|"
    rows = [f"| {name} | {_shown_as(value)} |{ends.get(name, '')}" for name, value in record["metrics"].items()]
    method = "The intervals are of a seeded bootstrap over the held-out pictures (`models/analysis/bootstrap.py`)."
    sets = " and ".join(f"{count} pictures of set {name.upper()}" for name, count in record.get("held_out", {}).items())
    meaning = record.get("meaning", "what each measure is stands in the recipe's `evaluate`")
    command = record.get("measured_by", "a command that is not recorded")
    by = f"Measured{sets and f' on {sets}'} by `{command}`; {meaning}."
    return "\n".join([head, *rows, "", *filter(None, (by, method if ends else "", CAVEAT))])


def _shown_as(*numbers: float | None) -> str:
    """Return a value, or the two ends of an interval, as a card says it."""
    known = [str(number) for number in numbers if number is not None and math.isfinite(number)]
    return " to ".join(known) if len(known) == len(numbers) else "not defined"


def _shown(record: Mapping[str, Any]) -> str:
    if "sheet" not in record:
        return ""
    return f"\n## What it does\n\n![{record['sheet']}]({SHEET})\n\n{record['sheet']} Drawn by `{record['drawn_by']}`.\n"


def _commands(folder: Path, record: Mapping[str, Any]) -> str:
    """Return the commands that train these weights again and export them."""
    words = shlex.split(record["command"])
    if "--out" not in words:
        return str(record["command"])
    run, kept = words[words.index("--out") + 1], "--keep-at" in words
    target = place_of(folder.parent) if folder.name.startswith("step-") else f"{run}/kept" if kept else place_of(folder)
    part = ["--part", record["part"]] if record.get("part") else []
    export = shlex.join([*TRAINER, "export", run, target, *part, *(["--kept"] if kept else [])])
    return f"{record['command']}\n{export}" + (f"  # step-{record['steps']:06d} of these" if kept else "")


def _schedule(record: Mapping[str, Any]) -> str:
    left = f", stopped at {100 * record['rate_left']:.1f} % of its peak" if "rate_left" in record else ""
    return f"{RECIPES[record['recipe']].schedule}{left}"


def _licence(record: Mapping[str, Any], sheets: Mapping[str, str]) -> str:
    """Return what the sources of the pictures state, beside the licence of the weights."""
    stated = {name: re.search(r"^- \*\*Licence\*\*: (.+)\.$", sheets.get(name, ""), re.M) for name in record["data"]}
    terms = "; ".join(f"{name}: {found[1]}" for name, found in stated.items() if found)
    pictures = f"as their sources state them: {terms}" if terms else "which this project does not know"
    return f"MIT for the weights. The training pictures are not part of them and have terms of their own, {pictures}."


def card(folder: Path, record: Mapping[str, Any], repo_id: str = "") -> str:
    """Return the model card of a weights folder, from its config.

    With `repo_id` it says how to load the weights from the Hub, else how to load them from this repository. The cards
    of our own weights link to the data sheets of their sets, those on the Hub hold them.
    """
    is_ours = folder.resolve().is_relative_to(WEIGHTS)
    sheets = {name: text for name, text in data_sheets().items() if name in record["data"]} if is_ours else {}
    name = f"{folder.parent.name}/{folder.name}" if folder.name.startswith("step-") else folder.name
    named, appendix = list(record["data"]), ""
    if repo_id:
        name = repo_id.split("/")[1]
        use = f'from models.checkpoints import from_pretrained\n\nmodel = from_pretrained("{repo_id}")'
        appendix = "".join(f"\n## Data sheet of {data}\n\n{text.strip()}\n" for data, text in sheets.items())
    elif is_ours and name in CHECKPOINTS:
        use = f'from models.checkpoints import load_model\n\nmodel = load_model("{name}")'
    else:
        imports = "from pathlib import Path\n\nfrom models.checkpoints import load_folder"
        use = f"{imports}\n\nmodel = load_folder(Path({json.dumps(place_of(folder), ensure_ascii=False)}))"
    if is_ours and not repo_id:
        link = os.path.relpath(DATA_SHEETS, folder.resolve())
        named = [f"[{data}]({link}#{data.replace('.', '')})" if data in sheets else data for data in named]
    planned = f" of a run of {record['planned_steps']}" if "planned_steps" in record else ""
    lesson = f"\n**Trained for a lesson.** {record['lesson']}\n" if record.get("lesson") else ""
    differs = f"\n- **Differs**: {record['differs']}" if "differs" in record else ""
    limits = LIMITS.get(CLASSIFIER if record.get("classes") else record["arch"], "").format(**record["args"])
    return f"""---
license: mit
tags: [unlabeled, {record["recipe"]}]
---
# {name}

`{record["arch"]}` with {record["num_parameters"]:,} parameters, `{json.dumps(record["args"])}`, stored as float16.
{lesson}
- **Recipe**: `{record["recipe"]}`, {record["steps"]} steps{planned} at {record["image_size"]} px.
- **Data**: {", ".join(named)}; held-out pictures are chosen by name (`models/training/data/dataset.py`).
- **Schedule**: {_schedule(record)}.{differs}
- **Time**: {record.get("time", "not recorded")}; **hardware**: {record.get("hardware", "not recorded")}.
- **Input**: float pictures in [-1, 1].
- **Licence**: {_licence(record, sheets)}

## Train it again

```sh
{_commands(folder, record)}
```

## Measured on held-out pictures

{_table(record)}
{_shown(record)}
## Limits

{limits} It was trained at {record["image_size"]} px, and measured only on such pictures as it was trained on.

## Use

```python
{use}
```
{appendix}"""
