"""A shared link names its tab, in the reader's language, with an image and an address that others can reach."""

import html
import re
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio
import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from demos.core.context import Context
from demos.core.i18n import LANGUAGES, Texts
from demos.core.paths import FIRST_PAINT
from demos.page.discovery import discover
from demos.page.link_preview import FILE, ICON, MOST_BYTES, SIZE, LinkPreviews, draw_icon, write_previews

TEXTS = Texts.load()
TABS = [demo.name for demo in discover()]
TEMPLATE = Path(gradio.__file__).parent / "templates" / "frontend" / "index.html"


def request(query: str = "", root_path: str = "", **headers: str) -> Request:
    known = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "scheme": "http",
        "server": ("127.0.0.1", 7860), "headers": [(name.encode(), value.encode()) for name, value in known.items()],
        "root_path": "", "app": SimpleNamespace(root_path=root_path),
    }  # fmt: skip
    return Request(scope)


def tags(page: str) -> dict[str, list[str]]:
    """What each tag of the head says, by its name."""
    found: dict[str, list[str]] = {}
    for name, text in re.findall(r'<meta\s+(?:property|name)="([^"]+)"\s+content="([^"]*)"', page.split("<style>")[0]):
        found.setdefault(name, []).append(html.unescape(text))
    return found


def sent(asked: Request, folder: Path = FIRST_PAINT) -> str:
    return LinkPreviews(TEXTS, TABS, folder)(asked, TEMPLATE.read_bytes()).decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tab", TABS)
def test_a_link_says_what_its_tab_is(tab: str, language: str) -> None:
    page = sent(request(f"tab={tab}&ratio=80", accept_language=language))
    found, table = tags(page), TEXTS.tables[language]
    assert found["og:title"] == [f"{table[f'{tab}.title']} · Unlabeled"]
    assert found["og:description"] == found["description"] == [table[f"{tab}.lead"]]
    assert found["og:image"] == [f"http://127.0.0.1:7860/preview/{tab}.jpg"]
    assert found["og:url"] == [f"http://127.0.0.1:7860/?tab={tab}&ratio=80"], "the view itself, not only its tab"
    assert re.search(rf'<html\s+lang="{language}"', page)


def test_nothing_of_gradios_own_is_left() -> None:
    page = sent(request())
    assert "Gradio" not in " ".join(text for texts in tags(page).values() for text in texts)
    assert not re.search(r'githubusercontent|"gradio\.app|@teamGradio|Click to try', page)
    assert all(len(texts) == 1 for name, texts in tags(page).items() if name.startswith(("og:", "twitter:")))


@pytest.mark.parametrize("query", ["", "tab=", "tab=nowhere", "tab=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&%22=%3E"])
def test_another_link_is_described_as_the_whole_app(query: str) -> None:
    page = sent(request(query))
    assert tags(page)["og:title"] == ["Unlabeled"]
    assert tags(page)["og:image"][0].endswith(f"/preview/{TABS[0]}.jpg")
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("root_path", "headers", "root"),
    [
        ("", {"x_forwarded_host": "demo.example.org", "x_forwarded_proto": "https"}, "https://demo.example.org"),
        ("/app", {}, "http://127.0.0.1:7860/app"),
        ("https://example.org/app", {}, "https://example.org/app"),
    ],
)
def test_addresses_are_those_of_the_proxy(root_path: str, headers: dict[str, str], root: str) -> None:
    found = tags(sent(request("tab=mae", root_path, **headers)))
    assert found["og:image"] == [f"{root}/preview/mae.jpg"]
    assert found["og:url"] == [f"{root}/?tab=mae"]


def test_no_image_is_named_that_is_not_there(tmp_path: Path) -> None:
    assert "og:image" not in tags(sent(request("tab=mae"), tmp_path))


@pytest.mark.parametrize("tab", TABS)
def test_the_images_are_of_the_size_that_readers_take(tab: str) -> None:
    path = FIRST_PAINT / tab / FILE
    assert path.stat().st_size < MOST_BYTES, "run: python app.py --precompute"
    with Image.open(path) as image:
        assert (image.format, image.size) == ("JPEG", SIZE)


def difference(one: Path, other: Path) -> float:
    """Mean over all values, of 255; decoders may round differently."""
    first, second = (np.asarray(Image.open(path).convert("RGBA"), np.float64) for path in (one, other))
    return float(np.abs(first - second).mean())


def test_the_images_and_the_icon_are_those_that_the_command_writes(context: Context, tmp_path: Path) -> None:
    for demo in discover():
        folder = context.first_paint / demo.name
        folder.mkdir(parents=True)
        for path in (FIRST_PAINT / demo.name).glob("*"):
            if path.name != FILE:
                (folder / path.name).symlink_to(path)
    write_previews(context, discover())
    draw_icon(tmp_path / "icon.png")
    pairs = [(tmp_path / "icon.png", ICON)]
    pairs += [(context.first_paint / tab / FILE, FIRST_PAINT / tab / FILE) for tab in TABS]
    for drawn, kept in pairs:
        assert difference(drawn, kept) < 2, f"{kept} is old; run: python app.py --precompute"


def fetched(url: str, **headers: str) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60)


def test_the_running_app_serves_page_image_and_icon(app_url: str) -> None:
    with fetched(f"{app_url}/?tab=embeddings", **{"Accept-Language": "zh-CN"}) as answer:
        found = tags(answer.read().decode())
    assert found["og:title"] == [f"{TEXTS.tables['zh']['embeddings.title']} · Unlabeled"]
    for url, kind in ((found["og:image"][0], "image/jpeg"), (f"{app_url}/favicon.ico", "image/png")):
        with fetched(url) as answer:
            assert answer.headers["content-type"] == kind
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(f"{app_url}/preview/../weights.jpg")
