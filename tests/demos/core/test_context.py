"""What all tabs rest on: texts in two languages, result files, the folder they lie in, and finding the tabs."""

import ast
import os
import re
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

import demos
from demos.core import environment
from demos.core.context import Context, Demo
from demos.core.files import FileStore
from demos.core.i18n import LANGUAGES, Texts, preferred_language
from demos.core.tabs import TAB_IDS
from demos.page.discovery import discover
from demos.ui import widgets
from models.data.images import ImageError

ROOT = Path(__file__).resolve().parents[3]
TEXTS = Texts.load()
SOURCES = [ROOT / "app.py", *sorted((ROOT / "demos").glob("*.py"))]
# Functions that take the key of a text: position of the key among the arguments.
KEY_ARGUMENT = {"t": 0, "both": 0, "label": 0, "say": 1, "sorry": 2, "lead": 1, "note": 1, "options": 1, "photo": 1}


def request_from(accept_language: str) -> gr.Request:
    return gr.Request(headers={"accept-language": accept_language})


def noise(seed: int, side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr-FR,fr;q=0.9", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("ZH-hant-HK", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("fr, zh;q=0.2", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=nonsense, en;q=0.5", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_most(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


def test_sentences_come_in_the_language_of_the_request() -> None:
    english = TEXTS.localize(request_from("en-US"), "common.facts", width=8, height=9, time="1 s")
    chinese = TEXTS.localize(request_from("zh-TW,zh;q=0.9"), "common.facts", width=8, height=9, time="1 s")
    assert "8 × 9 px" in english
    assert "像素" in chinese
    assert TEXTS.localize(None, "error.no_photo") == TEXTS.tables["en"]["error.no_photo"]


def test_sentences_in_both_languages_escape_their_values() -> None:
    html = TEXTS.localize_html("error.image.empty", name="<b>apple</b>.jpg")
    assert html.count("&lt;b&gt;apple&lt;/b&gt;.jpg") == 2
    assert [part.split('"')[1] for part in html.split("<span ")[1:]] == list(LANGUAGES)


def test_an_unknown_text_is_loud() -> None:
    for ask in (TEXTS.label, TEXTS.localize_html, lambda key: TEXTS.localize(None, key)):
        with pytest.raises(KeyError, match="no.such.text"):
            ask("no.such.text")


def test_both_languages_say_the_same_things() -> None:
    english, chinese = TEXTS.tables["en"], TEXTS.tables["zh"]
    assert set(english) == set(chinese)
    fields = re.compile(r"{(\w+)")
    for key, text in english.items():
        assert text.strip() and chinese[key].strip(), key
        assert sorted(set(fields.findall(text))) == sorted(set(fields.findall(chinese[key]))), key
        assert text.count("<b>") == chinese[key].count("<b>"), key


def test_both_languages_cite_the_same_sources() -> None:
    """An arXiv id in one language stands in the other too."""
    papers = [{key: set(re.findall(r"\d{4}\.\d{5}|\d{4}\.\d{4}\b", text)) for key, text in table.items()}
              for table in TEXTS.tables.values()]  # fmt: skip
    assert papers[0] == papers[1] and {"1712.02950", "1902.10186"} <= set().union(*papers[0].values())


def test_bold_type_in_markdown_ends_where_it_should() -> None:
    """Stars between a mark and a letter, as in Chinese quotes, do not count as an end or a beginning."""
    for key, text in [pair for table in TEXTS.tables.values() for pair in table.items()]:
        parts = text.split("**")
        assert len(parts) % 2, key
        for before, bold, after in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            assert bold[0].isalnum() or not before[-1:].isalnum(), (key, bold)
            assert bold[-1].isalnum() or not after[:1].isalnum(), (key, bold)


def keys_used(source: Path) -> set[str]:
    """Literal keys given to the functions in `KEY_ARGUMENT`, and every other literal that names a text."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            position = KEY_ARGUMENT.get(name)
            if position is not None and len(node.args) > position:
                argument = node.args[position]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_text_that_is_used_exists(source: Path) -> None:
    assert keys_used(source) <= set(TEXTS.tables["en"])


def test_texts_for_labels_have_no_fields() -> None:
    """The browser would read braces as a message format; only `say` and `both` fill them in."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("t", "label") and node.args:
                key = getattr(node.args[0], "value", None)
                if isinstance(key, str):
                    assert "{" not in TEXTS.tables["en"][key], key


@pytest.mark.parametrize("code", ["empty", "not_an_image", "unsupported", "truncated", "too_large", "too_small"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_image_problem_has_a_sentence(context: Context, code: str, language: str) -> None:
    error = ImageError(code, "apple.jpg", kind="HEIC", limit=50, width=1, height=2)
    with pytest.raises(gr.Error) as told, widgets.user_errors(context, request_from(language)):
        raise error
    message = str(told.value)
    assert "apple.jpg" in message
    assert "{" not in message


def test_a_missing_photo_is_explained(context: Context) -> None:
    with pytest.raises(gr.Error, match="照片"):
        widgets.open_photo(context, request_from("zh-CN"), None)


def test_twenty_visitors_with_one_result_all_get_a_whole_file(tmp_path: Path) -> None:
    store, image = FileStore(tmp_path / "files"), noise(0, 256)

    def save_and_read(_: int) -> tuple[str, bytes]:
        path = store.save_image(image.copy())
        with Image.open(path) as saved:
            return path, saved.convert("RGB").tobytes()

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(save_and_read, range(60)))
    assert {path for path, _ in results} == {results[0][0]}
    assert {pixels for _, pixels in results} == {image.tobytes()}
    assert os.listdir(tmp_path / "files") == [Path(results[0][0]).name]


def test_files_are_told_apart_by_content(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    grey = noise(0).convert("L")
    paths = {store.save_image(noise(0)), store.save_image(noise(1)), store.save_image(grey)}
    paths |= {store.save_bytes(b"a", ".csv"), store.save_bytes(b"b", ".csv"), store.save_bytes(b"a", ".zip")}
    assert len(paths) == 6
    assert Path(store.save_bytes(b"a", ".csv")).read_bytes() == b"a"


def test_old_files_go_and_files_in_use_stay(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    old, used = Path(store.save_image(noise(0))), Path(store.save_image(noise(1)))
    for path in (old, used):
        os.utime(path, (0, 0))
    store.save_image(noise(1))  # handed out again
    assert store.sweep() == 1
    assert not old.exists()
    assert used.exists()
    assert Path(store.save_image(noise(0))).exists()


def test_parts_of_files_that_were_never_finished_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    old, young = tmp_path / ".part-old", tmp_path / ".part-young"  # of a killed process, and of one that writes now
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    assert store.sweep() == 1
    assert list(tmp_path.iterdir()) == [young]

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        store.save_bytes(b"a", ".csv")
    assert list(tmp_path.iterdir()) == [young], "a write that failed leaves nothing"


def test_the_served_folder_is_fresh_and_abandoned_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    os.waitpid(finished, 0)
    abandoned, running = tmp_path / f"unlabeled-{finished}", tmp_path / f"unlabeled-{os.getppid()}"
    own, foreign = tmp_path / f"unlabeled-{os.getpid()}", tmp_path / "unlabeled-notes"
    for folder in (abandoned, running, own, foreign):
        folder.mkdir()
        (folder / "file").touch()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(environment.atexit, "register", lambda *_, **__: None)
    environment.prepare()
    assert os.environ["GRADIO_TEMP_DIR"] == str(own)
    assert sorted(tmp_path.iterdir()) == sorted([running, own, foreign])
    assert list(own.iterdir()) == []
    assert environment.files_folder().parent == own


def test_settings_of_the_host_are_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("GRADIO_ANALYTICS_CACHE_FREQUENCY", "7")
    monkeypatch.delenv("GRADIO_ANALYTICS_ENABLED", raising=False)
    monkeypatch.setattr(environment.atexit, "register", lambda *_, **__: None)
    environment.prepare()
    assert os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] == "7"
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"


def fake_tabs(monkeypatch: pytest.MonkeyPatch, folder: Path, **tabs: object) -> None:
    """Makes `discover` see these modules, each with the given DEMO, instead of the real ones."""
    monkeypatch.setattr(demos, "__path__", [str(folder)])
    for name, demo in tabs.items():
        (folder / f"{name}.py").touch()
        module = types.ModuleType(f"demos.{name}")
        if demo is not None:
            module.DEMO = demo  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"demos.{name}", module)


def a_demo(name: str) -> Demo:
    return Demo(name, build=lambda ctx: None, precompute=lambda ctx, folder: None)


def test_tabs_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_tabs(monkeypatch, tmp_path, core=None, **{name: a_demo(name) for name in sorted(TAB_IDS)})
    assert [demo.name for demo in discover()] == list(TAB_IDS)


def test_the_places_of_all_tabs_are_fixed() -> None:
    assert TAB_IDS[:6] == ("overview", "features", "cyclegan", "mae", "vae", "gan")
    assert TAB_IDS[6:] == ("content_style", "embeddings", "few_labels", "train")
    assert all(f"{name}.title" in table for name in TAB_IDS for table in TEXTS.tables.values())
    with pytest.raises(ValueError, match="add it to TAB_IDS"):
        assert a_demo("sharpness").order


def test_a_module_without_a_tab_is_loud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_tabs(monkeypatch, tmp_path, vae=a_demo("vae"), forgot=None)
    with pytest.raises(TypeError, match="demos/forgot must define DEMO"):
        discover()


def test_two_tabs_of_one_name_are_loud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_tabs(monkeypatch, tmp_path, one=a_demo("vae"), two=a_demo("vae"))
    with pytest.raises(ValueError, match="repeats the tab name 'vae'"):
        discover()


@pytest.mark.parametrize("demo", discover(), ids=lambda demo: demo.name)
def test_every_tab_builds_alone_and_has_a_title(context: Context, demo: Demo) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        demo.build(context)
    assert len(app.blocks) > 3
    assert f"{demo.name}.title" in TEXTS.tables["en"]
