"""Settings of a network that its tensors do not give, from the files that libraries write beside the weights."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from models.formats.tensors import WeightsError
from models.formats.weights_folder import ARCHITECTURES
from models.hub.records import MAX_SETTINGS_BYTES, SETTINGS_FILES

SIDES = range(16, 641)  # pixels that an encoder may ask for

_OWN_LAYOUTS = {"vae": "conv-vae", "resnet_generator": "cyclegan-resnet-generator"}  # others as their architecture
_NAMES = {  # those of transformers and diffusers -> ours
    "num_attention_heads": "num_heads", "decoder_num_attention_heads": "decoder_num_heads",
    "norm_pix_loss": "norm_pix_loss", "layer_norm_eps": "norm_eps", "hidden_size": "embed_dim",
    "decoder_hidden_size": "decoder_embed_dim", "norm_num_groups": "norm_groups", "hidden_act": "activation",
    "act_fn": "activation",
}  # fmt: skip
_TIMM = ("model_args", "pretrained_cfg")
_RESAMPLE = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
_VALUES: Mapping[str, Callable[[Any], object]] = {  # of a model that was built
    "num_heads": lambda model: _network(model).blocks[0].attn.num_heads,
    "decoder_num_heads": lambda model: model.decoder_blocks[0].attn.num_heads,
    "norm_pix_loss": lambda model: model.norm_pix_loss,
    "mean": lambda model: model.preprocessing.mean,
    "std": lambda model: model.preprocessing.std,
    "size": lambda model: model.preprocessing.size,
    "resample": lambda model: model.preprocessing.resample,
    "norm_eps": lambda model: _network(model).norm.eps,
    "norm_groups": lambda model: model.decoder.conv_norm_out.num_groups,
    "img_size": lambda model: model.img_size,
}


class Settings(NamedTuple):
    """Settings by our names, and the layout that they are of where they are this project's own."""

    values: Mapping[str, Any]
    layout: str = ""


def settings_beside(path: Path) -> Settings:
    """Return the settings in the files beside a file of weights; none where there are no such files.

    Raises:
        WeightsError: "bad_settings", if such a file cannot be read or holds a value that makes no sense.
    """
    config, images = (_read(path, name) for name in SETTINGS_FILES)
    if config.get("arch") in ARCHITECTURES and isinstance(config.get("args"), dict):
        parameters = inspect.signature(ARCHITECTURES[config["arch"]]).parameters.values()
        values = {each.name: each.default for each in parameters if each.default is not each.empty} | config["args"]
        return _checked(path, Settings(values, _OWN_LAYOUTS.get(config["arch"], config["arch"].replace("_", "-"))))
    values = {ours: config[theirs] for theirs, ours in _NAMES.items() if config.get(theirs) is not None}
    values |= _of_timm(config) if "architecture" in config else {}
    values |= _of_images(path, images)
    return _checked(path, Settings(values))


def _checked(path: Path, settings: Settings) -> Settings:
    for key, is_valid in _VALID.items():
        if key in settings.values and not is_valid(settings.values[key]):
            raise WeightsError("bad_settings", path.name, what=f"{key} {settings.values[key]!r:.40}")
    return settings


def assumed(wanted: tuple[str, ...], values: Mapping[str, Any], model: nn.Module) -> str:
    """Return what a model has for those of the wanted settings that nothing gave, such as "num_heads 6"."""
    return ", ".join(f"{name} {_shown(_VALUES[name](model))}" for name in wanted if name not in values)


def _read(path: Path, name: str) -> dict[str, Any]:
    file = path.with_name(name)
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_bytes()) if file.stat().st_size <= MAX_SETTINGS_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WeightsError("bad_settings", path.name, what=f"{name} is no JSON object")
    return found


def _of_timm(config: Mapping[str, Any]) -> dict[str, Any]:
    args, images = (found if isinstance(found := config.get(key), dict) else {} for key in _TIMM)
    images = images or dict(config)  # before 2023 they lay at the top
    size, resample = images.get("input_size"), images.get("interpolation")
    values = {
        "num_heads": args.get("num_heads"),
        "mean": images.get("mean"),
        "std": images.get("std"),
        "size": size[-1] if isinstance(size, list) and len(size) == 3 and size[1] == size[2] else None,
        "resample": resample if resample in _RESAMPLE.values() else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _of_images(path: Path, images: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that an image processor of transformers gives."""
    if not images:
        return {}
    factor = images.get("rescale_factor", 1 / 255)
    if images.get("do_rescale") is False or not (_is_number(factor) and math.isclose(factor, 1 / 255)):
        raise WeightsError("bad_settings", path.name, what=f"rescale_factor {factor!r:.40}")
    found: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    if images.get("do_normalize", True):
        found = {"mean": images.get("image_mean"), "std": images.get("image_std")}
    size = images.get("crop_size") if images.get("do_center_crop") else images.get("size")
    if isinstance(size, dict):
        sides = {size[key] for key in ("height", "width", "shortest_edge") if size.get(key) is not None}
        size = sides.pop() if len(sides) == 1 else None
    found |= {"size": size, "resample": _RESAMPLE.get(images.get("resample", 2))}
    return {key: value for key, value in found.items() if value is not None}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_triple(value: object) -> bool:
    is_three = isinstance(value, list | tuple) and len(value) == 3
    return is_three and all(_is_number(each) and 0 <= each <= 1 for each in value)  # type: ignore[attr-defined]


_VALID: Mapping[str, Callable[[Any], bool]] = {
    "norm_pix_loss": lambda value: isinstance(value, bool),
    "norm_eps": lambda value: _is_number(value) and 0 < value < 1,
    "norm_groups": _is_count,
    "img_size": _is_count,
    "mean": _is_triple,
    "std": lambda value: _is_triple(value) and min(value) > 0,
    "size": lambda value: isinstance(value, int) and value in SIDES,
    "resample": lambda value: value in _RESAMPLE.values(),
}


def _network(model: Any) -> Any:
    return getattr(model, "network", model)


def _shown(value: object) -> str:
    return " ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else str(value)
