"""The button that shares a picture, and the code of the address in it."""

import html
import json
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos.core.context import Context
from demos.ui.share_picture import MOST_CHARACTERS, qr_route, share_html


def test_the_button_holds_what_the_page_draws(context: Context) -> None:
    slots = [["#a img"], ["#b canvas", '#c [data-x="1"]']]
    markup = share_html(context, "mae.share", slots, "#score")
    given = re.search(r'data-share="([^"]*)" data-fact="#score"', markup)
    assert given and json.loads(html.unescape(given[1])) == slots
    texts = re.findall(r'<template data-text="(\w+)">(.*?)</template>', markup)
    assert [name for name, _ in texts] == ["title", "fact", "link", "saved", "nothing"]
    assert all(text.count("lang=") == 2 for name, text in texts if name != "fact"), "in both languages"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("https://demo.example.org/?tab=mae&ratio=80", 200),
        ("http://127.0.0.1/" + "a" * (MOST_CHARACTERS - 17), 200),
        ("http://127.0.0.1/" + "a" * MOST_CHARACTERS, 400),
        ("javascript:alert(1)", 400),
        ("", 400),
    ],
)
def test_only_addresses_become_codes(text: str, status: int) -> None:
    answer = TestClient(Starlette(routes=[qr_route()])).get("/qr.png", params={"text": text})
    assert answer.status_code == status
    assert answer.content.startswith(b"\x89PNG") == (status == 200)
