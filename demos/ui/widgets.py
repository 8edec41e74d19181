"""The look all tabs share: theme, style sheet, and the handful of components every tab is made of."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.i18n import I18nData
from PIL import Image

from demos.core.context import Context
from demos.core.events import LATEST_QUICK_EVENT, PRIVATE_MODEL_EVENT
from demos.core.i18n import InputError
from models.data.images import ImageError, read_image


def lead(ctx: Context, key: str) -> gr.Markdown:
    """Place the one sentence a tab begins with."""
    return gr.Markdown(ctx.t(key), elem_classes="lead")


def note(ctx: Context, key: str) -> gr.Markdown:
    """Place a short quiet text, such as the honest limit of a model."""
    return gr.Markdown(ctx.t(key), elem_classes="note")


def aside(ctx: Context, title_key: str, body_key: str) -> gr.Accordion:
    """Place an explanation that is folded away until asked for."""
    with gr.Accordion(ctx.t(title_key), open=False, elem_classes="aside") as fold:
        gr.Markdown(ctx.t(body_key))
    return fold


def options(ctx: Context, title_key: str) -> gr.Accordion:
    """Open a folded block for secondary controls; use it as a context manager."""
    return gr.Accordion(ctx.t(title_key), open=False, elem_classes="options")


def pills(ctx: Context, label_key: str, choices: Mapping[str, str], value: str, elem_id: str | None = None) -> gr.Radio:
    """Place a switch between a few choices (value -> key of its text), side by side; screen readers read its label."""
    return gr.Radio(
        [(ctx.t(key), name) for name, key in choices.items()],
        value=value,
        label=ctx.t(label_key),
        container=False,
        elem_classes="pills",
        elem_id=elem_id,
    )


def photo(ctx: Context, label_key: str, value: str | Path | None = None, elem_id: str | None = None) -> gr.Image:
    """Place an input for one photo (file, camera, clipboard); handlers get the path of the file as it came.

    Read it with `open_photo`, which says what is wrong with a file in the visitor's language.
    """
    return undecoded(
        gr.Image(
            None if value is None else str(value),
            label=ctx.t(label_key),
            type="filepath",
            image_mode=None,
            sources=["upload", "webcam", "clipboard"],
            buttons=[],
            placeholder=ctx.t("common.drop"),  # type: ignore[arg-type]
            elem_classes=["picture", "photo"],
            elem_id=elem_id,
        )
    )


def undecoded(image: gr.Image) -> gr.Image:
    """Make an image input hand over the path of the file as it came.

    By itself Gradio decodes the file first and fails on a damaged one before anybody can say what is wrong.
    """
    image.preprocess = lambda payload: payload.path if payload else None  # type: ignore[method-assign]
    return image


def image(
    label: I18nData, value: str | Path | None = None, elem_id: str | None = None, download: bool = True
) -> gr.Image:
    """Place a result image with its caption underneath, exact to the pixel."""
    return gr.Image(
        None if value is None else str(value),
        label=label,
        type="filepath",
        format="png",
        interactive=False,
        buttons=["download", "fullscreen"] if download else ["fullscreen"],
        elem_classes=["picture"],
        elem_id=elem_id,
    )


def before_after(
    label: I18nData, value: tuple[str, str] | None = None, elem_id: str | None = None, position: float = 50
) -> gr.ImageSlider:
    """Place two images of equal size under one slider; `position` percent of the first show at the start."""
    return gr.ImageSlider(
        value,
        label=label,  # type: ignore[arg-type]
        type="filepath",
        format="png",
        interactive=False,
        buttons=["download", "fullscreen"],
        elem_classes=["picture", "before-after"],
        elem_id=elem_id,
        slider_position=position,
    )


def panel(value: str | None, elem_id: str, css: str, **options: Any) -> gr.HTML:
    """Place HTML with a style of its own, which reaches nothing else on the page."""
    return gr.HTML(value, css_template=css, apply_default_css=False, elem_id=elem_id, **options)


def download(ctx: Context, key: str, elem_id: str, value: str | None = None, **options: Any) -> gr.DownloadButton:
    """Place a quiet button that saves a file."""
    label: Any = ctx.t(key)
    return gr.DownloadButton(label, value, elem_id=elem_id, elem_classes="quiet", **options)


def html_line(value: str = "", elem_class: str = "facts", elem_id: str | None = None) -> gr.HTML:
    """Place a line of HTML made by `Context.both`, by default the line of facts under a result."""
    return gr.HTML(value, elem_classes=elem_class, elem_id=elem_id)


def facts_line(
    ctx: Context,
    weights: Sequence[str],
    size: tuple[int, int],
    seconds: float,
    prepared: bool = False,
    menu: bool = False,
) -> str:
    """Write the line every panel ends with: which weights, at what width and height in pixels, how long it took.

    The seconds are those of the networks alone; `prepared` says that the result was made in advance (first paint), and
    `menu` that the names of the weights open the panel "models" of the tab.
    """
    infos = [ctx.weights_info(name) for name in weights]
    sizes = [ctx.localize_html("common.parameters", millions=f"{info.num_parameters / 1e6:.1f}") for info in infos]
    tag = 'button type="button" data-open="models"' if menu else "b"
    shown = [f"<{tag}>{short_name(info.name)}</{tag.split()[0]}>" for info in infos]
    names = " + ".join(f"{name} ({size})" for name, size in zip(shown, sizes, strict=True))
    time = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    key = "common.facts_prepared" if prepared else "common.facts"
    return f"{names} · {ctx.localize_html(key, width=size[0], height=size[1], time=time)}"


def short_name(name: str) -> str:
    """Write the name of some weights as HTML, a commit in it cut to its first digits."""
    title, _, commit = name.partition("@")
    return html.escape(f"{title}@{commit[:7]}" if commit else title)


def strip(ctx: Context, paths: Sequence[Path], elem_id: str | None = None) -> gr.Dataset:
    """Place a strip of example thumbnails; its click event passes the index of the chosen one."""
    return gr.Dataset(
        label=ctx.t("common.examples"),
        components=[gr.Image(render=False)],
        samples=[[str(path)] for path in paths],
        samples_per_page=max(len(paths), 1),
        type="index",
        elem_classes="strip",
        elem_id=elem_id,
    )


def fill_when_open(
    fold: gr.Accordion,
    fn: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],  # the first shows that `fn` works
    again: Sequence[Any] = (),  # events of Gradio's own
    stale: Callable[..., Any] | None = None,  # an event of a script of ours, which Gradio cannot bundle with the others
) -> None:
    """Run `fn` when a fold opens, and while it is open whenever one of some events happens.

    So nothing is computed for a fold that nobody looks at.
    """
    is_open = gr.State(False)
    fold.collapse(lambda: False, None, is_open, **LATEST_QUICK_EVENT)
    opened = fold.expand(lambda: True, None, is_open, **LATEST_QUICK_EVENT)
    common = {"outputs": list(outputs), "show_progress_on": outputs[0], **PRIVATE_MODEL_EVENT}
    opened.then(fn, list(inputs), trigger_mode="always_last", **common)

    def run(shown: bool, *values: Any) -> Any:
        return fn(*values) if shown else gr.skip()

    if again:
        # Not always_last: of an event with several such listeners, as a photo's has here, Gradio starts them all anew
        # whenever one was late, and so never comes to rest.
        gr.on(list(again), run, [is_open, *inputs], trigger_mode="multiple", **common)
    if stale is not None:
        stale(run, [is_open, *inputs], trigger_mode="always_last", **common)


def open_photo(ctx: Context, request: gr.Request | None, path: str | None) -> Image.Image:
    """Read a visitor's photo; a gr.Error in the visitor's language if there is none or it cannot be used."""
    if not path:
        raise user_error(ctx, request, "error.no_photo")
    with user_errors(ctx, request):
        return read_image(path, name=Path(path).name)


@contextmanager
def user_errors(ctx: Context, request: gr.Request | None) -> Iterator[None]:
    """Turn what is wrong with an input into one sentence in the visitor's language."""
    try:
        yield
    except ImageError as error:
        raise user_error(ctx, request, f"error.image.{error.code}", **error.values) from error
    except InputError as error:
        raise user_error(ctx, request, error.key, **error.values) from error


def user_error(ctx: Context, request: gr.Request | None, key: str, **values: Any) -> gr.Error:
    """Make the message that tells a visitor, in their language, why there is no result."""
    return error_of(ctx.localize(request, key, **values))


def warn(error: gr.Error) -> None:
    """Show the sentence of an error whose event goes on, so that nothing old stands beside a refused picture."""
    gr.Warning(error.message, duration=8)


def error_of(message: str) -> gr.Error:
    """Make the message that shows a finished sentence."""
    return gr.Error(message, duration=8, print_exception=False)
