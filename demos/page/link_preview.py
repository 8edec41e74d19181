"""What is shown of a link to the app where it is shared: title, description and image of its tab, and the icon."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from gradio.route_utils import get_root_url
from PIL import Image, ImageDraw, ImageFont
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from demos.core.context import Context, Demo
from demos.core.i18n import Texts, preferred_language
from demos.core.paths import ASSETS, FIRST_PAINT

NAME = "Unlabeled"
SIZE = (1200, 630)  # pixels, the shape that the sites which show previews ask for
MOST_BYTES = 200_000  # of an image: some readers fetch no larger one
FILE = "preview.jpg"
ICON = ASSETS / "look" / "icon.png"
ICON_SIDE = 192
PAPER, INK, ACCENT = "#fbfaf8", "#1c1917", "#0f766e"
LOCALES = {"en": "en_US", "zh": "zh_CN"}
_GRADIOS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_SETTINGS = b"<script>window.gradio_config"  # after it stand the settings of all components, which are no markup
_MARKUP = re.compile(r"<[^>]+>|[*`]|\[|\]\([^)]*\)")


class LinkPreviews:
    """Write the tags that describe a link in the head of the page, in the place of Gradio's own."""

    def __init__(self, texts: Texts, tabs: Sequence[str], folder: Path = FIRST_PAINT) -> None:
        self._texts, self._tabs, self._folder = texts, tabs, folder

    def __call__(self, request: Request, page: bytes) -> bytes:
        """Return the page with the language and the tags of this request."""
        language = preferred_language(request.headers.get("accept-language"))
        head, settings, rest = page.partition(_SETTINGS)
        head = re.sub(rb'(<html\s+lang=)"en"', rb'\1"%s"' % language.encode(), _GRADIOS.sub(b"", head), count=1)
        tags = self._tags(request, language).encode()
        return head.replace(b"<head>", b"<head>\n" + tags, 1) + settings + rest

    def _tags(self, request: Request, language: str) -> str:
        asked, table = request.query_params.get("tab", ""), self._texts.tables[language]
        named = [asked] if asked in self._tabs else []
        tab = (named or [*self._tabs, ""])[0]
        title = " · ".join([*(table[f"{name}.title"] for name in named), NAME])
        about = _MARKUP.sub("", table.get(f"{tab}.lead" if named else "app.lead") or table["app.lead"])
        root = root_url(request)
        query = urlencode(request.query_params.multi_items())
        tags = {"og:site_name": NAME, "og:type": "website", "og:title": title, "og:description": about,
                "og:url": f"{root}/?{query}" if query else f"{root}/", "og:locale": LOCALES[language],
                "twitter:card": "summary_large_image"}  # fmt: skip
        if (self._folder / tab / FILE).is_file():
            width, height = SIZE
            tags |= {"og:image": f"{root}/preview/{tab}.jpg", "og:image:width": str(width),
                     "og:image:height": str(height), "og:image:alt": about}  # fmt: skip
        written = "".join(
            f'<meta {"name" if name.startswith("twitter") else "property"}="{name}" content="{html.escape(text)}">\n'
            for name, text in tags.items()
        )
        return (
            f'<title>{html.escape(title)}</title>\n<meta name="description" content="{html.escape(about)}">\n{written}'
            '<link rel="icon" type="image/png" href="favicon.ico">\n'
        )


def preview_route(tabs: Sequence[str], folder: Path = FIRST_PAINT) -> Route:
    """Return the route that serves the images, ``/preview/TAB.jpg``."""

    def serve(request: Request) -> Response:
        tab = request.path_params["tab"]
        path = folder / tab / FILE
        return FileResponse(path) if tab in tabs and path.is_file() else Response(status_code=404)

    return Route("/preview/{tab}.jpg", serve)


def root_url(request: Request) -> str:
    """Return the public address of the app, without a slash at its end, as Gradio finds it behind a proxy."""
    given = getattr(request.scope.get("app"), "root_path", "") or request.scope.get("root_path", "")
    return get_root_url(request, "/", given)


def write_previews(ctx: Context, demos: Sequence[Demo]) -> None:
    """Write the image of every tab that has one, from what the tab opens on."""
    for demo in demos:
        if demo.preview is not None:
            draw_preview(demo.preview(ctx), ctx.first_paint / demo.name / FILE)


def draw_preview(images: Sequence[Image.Image], path: Path) -> None:
    """Write RGB images side by side at one height over the name of the app, as a JPEG; no word needs a language."""
    gap, foot = 24, 96
    ratios = [image.width / image.height for image in images]
    height = min((SIZE[0] - gap * (len(images) + 1)) / sum(ratios), SIZE[1] - foot - gap)
    left = start = round((SIZE[0] - height * sum(ratios) - gap * (len(images) - 1)) / 2)
    top = round((SIZE[1] - foot + gap - height) / 2)
    paper = Image.new("RGB", SIZE, PAPER)
    for image, ratio in zip(images, ratios, strict=True):
        paper.paste(image.resize((round(height * ratio), round(height)), Image.Resampling.LANCZOS), (left, top))
        left += round(height * ratio) + gap
    font = ImageFont.load_default(52)
    ImageDraw.Draw(paper).text((start, SIZE[1] - foot / 2), NAME, fill=INK, font=font, anchor="lm")
    for quality in (90, 80, 70, 60):
        paper.save(path, "JPEG", quality=quality, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return
    raise ValueError(f"{path} is larger than {MOST_BYTES} bytes; draw fewer details.")


def draw_icon(path: Path) -> None:
    """Write the icon, a label that says nothing, as a PNG."""
    scale = 4
    side = ICON_SIDE * scale
    paper = Image.new("RGBA", (side, side))
    pen = ImageDraw.Draw(paper)
    pen.rounded_rectangle((0, 0, side - 1, side - 1), side * 0.22, fill=ACCENT)
    corners = [(0.16, 0.5), (0.36, 0.26), (0.84, 0.26), (0.84, 0.74), (0.36, 0.74)]
    pen.polygon([(x * side, y * side) for x, y in corners], fill=PAPER)
    pen.circle((0.37 * side, 0.5 * side), 0.055 * side, fill=ACCENT)
    paper.resize((ICON_SIDE, ICON_SIDE), Image.Resampling.LANCZOS).save(path, optimize=True)
