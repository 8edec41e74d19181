"""The opening view of a tab says little: at 1280 x 720 at most 60 English words or 120 Chinese characters."""

import re

import pytest
from visits import OpenPage

pytestmark = pytest.mark.browser

MOST = {"en": 60, "zh": 120}
# Text in sight of the running page, but for captions of images and charts and what is there to be pressed.
READ = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  const beside = "figcaption, .chart, label, button, kbd, nav, script, style, .mask-label, [role=tab], [role=menu], h1";
  const isUnseen = (element) => {  // for screen readers alone: an element of one pixel, or within one
    if (!element) return false;
    const {width, height} = element.getBoundingClientRect(), {overflow} = getComputedStyle(element);
    return (width <= 1 && height <= 1 && overflow !== "visible") || isUnseen(element.parentElement);
  };
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || node.parentElement.closest(beside)) continue;
    if (!node.parentElement.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (isUnseen(node.parentElement)) continue;
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < window.innerHeight) found.push(node.data.trim());
  }
  return found;
}"""


@pytest.mark.parametrize("language", list(MOST))
@pytest.mark.parametrize("tab", ["cyclegan", "mae", "vae", "embeddings", "train"])
def test_the_opening_view_says_little(visit: OpenPage, tab: str, language: str) -> None:
    page = visit(f"/?tab={tab}", locale={"en": "en-US", "zh": "zh-CN"}[language], ready=f"#tab-{tab} .lead.block")
    page.wait_for_function("() => [...document.images].every((image) => image.complete)")
    found = page.evaluate(READ)
    units = r"[A-Za-z][\w’'-]*" if language == "en" else r"[\u4e00-\u9fff]"
    assert 5 < len(re.findall(units, " ".join(found))) <= MOST[language], " | ".join(found)
