"""English and Chinese texts: for labels (translated in the browser) and for sentences made on the server."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
from gradio.i18n import I18nData

I18N_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "i18n"
LANGUAGES = ("en", "zh")
DEFAULT_LANGUAGE = "en"


class InputError(ValueError):
    """An input cannot be used; `key` and `values` make the sentence for the visitor."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(f"{key}: {values}")
        self.key, self.values = key, values


def preferred_language(accept_language: str | None) -> str:
    """Return which of `LANGUAGES` an ``Accept-Language`` header such as ``"zh-TW,zh;q=0.9,en;q=0.8"`` asks for most.

    `DEFAULT_LANGUAGE` if there is no header, or none of its languages is spoken here.
    """
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().split("-")[0]
        try:
            quality = float(parameters.partition("q=")[2] or 1.0)
        except ValueError:
            continue  # a malformed wish is no wish
        if language in LANGUAGES and quality > best_quality:
            best, best_quality = language, quality
    return best


@dataclass(frozen=True)
class Texts:
    """All strings of the app by language and flat key (``"<tab>.<what>"``)."""

    tables: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, folder: Path = I18N_FOLDER) -> Texts:
        """Read ``<language>.json`` for every language of the app."""
        return cls({name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in LANGUAGES})

    def i18n(self) -> gr.I18n:
        """Return the tables in the form `gr.Blocks.launch` takes; browsers fall back from zh-CN to zh."""
        return gr.I18n(**{name: dict(table) for name, table in self.tables.items()})

    def label(self, key: str) -> I18nData:
        """Return a text for a static label, translated in the browser.

        Raises:
            KeyError: If the key is not in the tables (a typing error in a tab should be loud).
        """
        self._template(DEFAULT_LANGUAGE, key)
        return I18nData(key)

    def localize(self, request: gr.Request | None, key: str, /, **values: Any) -> str:
        """Return a finished sentence in the language of the visitor who sent `request`."""
        header = request.headers.get("accept-language") if request is not None else None
        return self._template(preferred_language(header), key).format(**values)

    def localize_html(self, key: str, /, **values: Any) -> str:
        """Return HTML holding the sentence in every language; the style sheet shows the visitor's own.

        Needed where a text carries numbers and is part of the page before any request was made.
        Values are escaped; the text itself may hold simple markup.
        """
        safe = {name: html.escape(v) if isinstance(v, str) else v for name, v in values.items()}
        sentences = {name: self._template(name, key).format(**safe) for name in LANGUAGES}
        return "".join(f'<span lang="{name}">{text}</span>' for name, text in sentences.items())

    def _template(self, language: str, key: str) -> str:
        try:
            return self.tables[language][key]
        except KeyError:
            raise KeyError(f"no text {key!r} in assets/i18n/{language}.json") from None


class Localize(Protocol):
    """A sentence in the language of the visitor who sent the request."""

    def __call__(self, request: gr.Request | None, key: str, /, **values: Any) -> str:
        """Return the sentence."""


class LocalizeHtml(Protocol):
    """HTML holding a sentence in every language, of which the page shows the visitor's."""

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return the HTML."""
