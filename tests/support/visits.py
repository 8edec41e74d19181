"""What a visitor does on a page of the app, for the browser tests."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, expect

MAP = "#embeddings-plot .scatter"
OPENING = {  # what each tab shows before anybody has done anything
    "cyclegan": "#cyclegan-translated img",
    "mae": "#mae-result-slider img",
    "vae": "#vae-result-strip img",
    "embeddings": "#embeddings-plot .scatter[data-state=drawn] canvas",
    "train": "#train-view .run-sheet img",
}
Hosts = Literal["fail", "hang"]

PATIENCE = 90_000  # milliseconds; a page that takes a second takes many on a busy machine
expect.set_options(timeout=PATIENCE)


class OpenPage(Protocol):
    """Opens a page of the app as a visitor with a language, a window and a network of their own, once `ready` shows."""

    def __call__(
        self,
        path: str = "/",
        *,
        locale: str = "en-US",
        size: tuple[int, int] = (1280, 720),
        dark: bool = False,
        touch: bool = False,
        other_hosts: Hosts = "fail",
        ready: str = "#tabs",
    ) -> Page: ...


def stop_other_hosts(context: BrowserContext, own_host: str, other_hosts: Hosts, log: Callable[[str], None]) -> None:
    """Log every request to another host; it fails at once, or never gets an answer."""

    def stop(route: Route) -> None:
        log(f"request to another host: {route.request.url}")
        if other_hosts == "fail":
            route.abort()

    context.route(lambda url: urlsplit(url).netloc != own_host, stop)


def upload(page: Page, component: str, *files: Path) -> None:
    """Give files to the component, as the file chooser does."""
    page.locator(f"{component} input[type=file]").first.set_input_files([str(file) for file in files])


def choose(page: Page, component: str, value: str) -> None:
    """Choose one of a component's radio buttons by its label, once nothing above moves it any more."""
    page.locator(f"{component} label:has(input[value='{value}'])").click()
    expect(page.locator(f"{component} input[value='{value}']")).to_be_checked()


def open_card(page: Page, tab: str, name: str) -> None:
    """Open a card of the shelf of the open tab, or whatever else of it opens a panel, and wait for the panel."""
    page.locator(f"#tab-{tab} [data-open={name}]").first.click()
    expect(page.locator(f"#{tab}-panel-{name} > [data-testid=accordion-content]")).to_be_visible()


def press_tool(page: Page, tool: str) -> None:
    """Press one of the page's tools, which stand behind one button on a phone."""
    button = page.locator(f".tools [data-do={tool}]")
    if not button.is_visible():
        page.locator(".tools-more").click()
    button.click()


def image_in(page: Page, result: str) -> str:
    """Wait until a result shows an image; return its address, which is another for another image."""
    image = page.locator(f"{result} img").first
    expect(image).to_be_visible()
    page.wait_for_function("selector => document.querySelector(selector).naturalWidth > 0", arg=f"{result} img")
    return image.get_attribute("src") or ""


def another_image_in(page: Page, result: str, before: str) -> str:
    """Wait until a result shows another image than `before`; return its address."""
    expect(page.locator(f"{result} img").first).not_to_have_attribute("src", before)
    return image_in(page, result)


@contextmanager
def answers_held_back(page: Page) -> Iterator[None]:
    """Lets no answer through that is asked for within it, until its end."""
    held: list[Route] = []
    page.route("**/queue/data*", lambda route: held.append(route))
    yield
    assert held, "nothing was asked"
    for route in held:
        route.continue_()
    page.unroute("**/queue/data*")


def asks(page: Page) -> Any:
    """Waits at its end until the page has asked for an answer: what comes then comes meanwhile."""
    return page.expect_request("**/queue/data*")


def images_of_examples(page: Page, strip: str, result: str, numbers: Sequence[int]) -> dict[int, str]:
    """Click examples one after the other; return the address of the image that each leads to, by its number."""
    shown, found = image_in(page, result), {}
    for number in numbers:
        page.locator(f"{strip} button").nth(number).click()
        found[number] = shown = another_image_in(page, result, shown)
    return found


def lasso_all(page: Page) -> None:
    """Draw a lasso around all images of the map."""
    page.locator(f"{MAP} [data-action=lasso]").click()
    page.locator(MAP).scroll_into_view_if_needed()
    box = page.locator(f"{MAP} .scatter-plot").bounding_box()
    assert box
    left, top, right, bottom = box["x"] + 3, box["y"] + 60, box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
