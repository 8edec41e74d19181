"""What axe-core finds on a page of the app, and what its visitors' fingers and keys meet."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
AXE = Axe()
SMALL_TARGETS = """limit => [...document.querySelectorAll(
    "a[href], button, input:not([type=file]), textarea, [role=slider], label:has(input), canvas[tabindex]")]
  .filter((node) => node.checkVisibility() && !node.disabled)
  .filter((node) => !node.closest(".skip, [aria-hidden=true]") && !node.matches("label *, p a, li a, a:has(button)"))
  .map((node) => [node, node.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) > 1 && Math.min(width, height) < limit - 0.5)
  .map(([node, { width, height }]) => `${node.outerHTML.slice(0, 120)} ${width.toFixed()} x ${height.toFixed()}`)"""


def grave_findings(page: Page) -> list[str]:
    """Return one line for each element that axe-core finds serious or critical fault with."""
    found = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {' '.join(map(str, node['target']))} {node['html'][:120]} {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


def small_targets(page: Page, limit: int) -> list[str]:
    """Return what can be pressed and is narrower or lower than `limit` pixels; links in a sentence are left out."""
    found: list[str] = page.evaluate(SMALL_TARGETS, limit)
    return found


def swipe(page: Page, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
    """Move one finger over the screen, as the browser gets it from a touch screen."""
    session = page.context.new_cdp_session(page)
    for step in range(steps + 1):
        x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
        points = [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()
