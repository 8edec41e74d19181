"""One name for one thing in all texts, and short labels where a person clicks."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import gradio as gr
import pytest

from demos.core.context import Context
from demos.core.i18n import LANGUAGES, Texts
from demos.page.discovery import discover
from models.training.jobs import JobManager

TEXTS = Texts.load()
TABS = ("cyclegan", "mae", "vae", "embeddings", "train")
SHARED = ("common.", "menu.", "option.", "page.", "scatter.")
LONGEST = {"en": 40, "zh": 24}
BANNED = {  # variants of what has another name, or a name that means another thing
    "en": "translator|stopped gradient|stop gradient|projection head|trainings|beaten track|lasso go|nats a "
    "|[Jj]udge|[Yy]our photo\\b|of 255|[Kk]nob",
    "zh": "满分|评判|潜数字|长条|同伴|回程|展开程度|离散程度|没有?参加训练|停止的梯度|nats|抽取|抽样|薄纱|你|小块"
    "|小方块|路途|数图|淡入淡出|幽灵"
    "|旋钮|坍缩指标|重新加载|(?<!随机)种子|等级相关| %",
}
CLICKED = {"accordion", "button", "checkbox", "downloadbutton", "dropdown", "file", "radio", "slider", "uploadbutton"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thing_has_one_name(language: str) -> None:
    texts = TEXTS.tables[language].items()
    found = {key: match[0] for key, text in texts if (match := re.search(BANNED[language], text))}
    assert not found


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobManager]:
    manager = JobManager(tmp_path_factory.mktemp("trainer"))
    yield manager
    manager.close()


@pytest.mark.parametrize("name", TABS)
def test_labels_are_short(context: Context, jobs: JobManager, name: str) -> None:
    (demo,) = (demo for demo in discover() if demo.name == name)
    with gr.Blocks() as blocks:
        demo.build(replace(context, jobs=jobs))
    shown = [component["props"] for component in blocks.get_config_file()["components"] if component["type"] in CLICKED]
    parts = [[props.get(part) for part in ("label", "value", "choices")] for props in shown]
    keys = set(re.findall(r'"key": "([^"]+)"', json.dumps(parts, default=str).replace("\\", "")))
    own = {key for key in keys if key.startswith((f"{name}.", *SHARED))}
    assert len(own) > 10
    lengths = {(key, language): len(TEXTS.tables[language][key]) for key in own for language in LANGUAGES}
    assert not {place: length for place, length in lengths.items() if length > LONGEST[place[1]]}
