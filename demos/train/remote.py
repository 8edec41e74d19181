"""Training on Hugging Face Jobs with a visitor's own login, for those who outgrow this machine.

The login is the visitor's session on a Space, else a token that they give for one use. It goes from the request into
the backend of their job, which holds it in memory while the job runs, and nowhere else: no file, no log, no state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component
from huggingface_hub import HfApi

from demos.core.context import Context
from demos.core.events import PROMPT_EVENT
from demos.core.visitor import has_right, token_of
from demos.train.runs import Runs, Shown, Watched
from demos.train.submit import Starter
from demos.ui import widgets
from models.training.execution.hf_jobs import HFJobs

FLAVOR = "t4-small"  # until the Hub has been asked what there is
HOURS = 1.0


def remote_section(
    ctx: Context, starter: Starter, runs: Runs, shown: Shown, visitor: gr.BrowserState, job: list[Any],
    options: list[Any],
) -> None:  # fmt: skip
    """Place the section, folded away, and connect it; `job` holds upload, recipe, start and title."""
    remote = Remote(ctx, starter, runs)
    most = runs.manager.limits.wall_seconds / 3600
    with widgets.options(ctx, "train.remote.title"):
        widgets.html_line(ctx.localize_html("train.remote.about"), "facts", "train-remote-about")
        with gr.Row(elem_classes="train-choices"):
            token = gr.Textbox(
                "",  # without a value a page sends null for a field that was never unfolded
                label=ctx.t("train.remote.token_or_login" if can_use_login() else "train.remote.token"),
                info=ctx.t("train.remote.token_info"),
                type="password", max_length=200, elem_id="train-remote-token",
            )  # fmt: skip
            flavor = gr.Dropdown(
                [FLAVOR], value=FLAVOR, label=ctx.t("train.remote.flavor"), elem_id="train-remote-flavor"
            )
            hours = gr.Slider(
                0.25, most, min(HOURS, most), step=0.25, label=ctx.t("train.remote.hours"),
                elem_id="train-remote-hours",
            )  # fmt: skip
        with gr.Row(elem_id="train-remote-bar", elem_classes="toolbar"):
            ask = gr.Button(ctx.t("train.remote.ask"), size="md", elem_id="train-remote-ask")
            go = gr.Button(ctx.t("train.remote.go"), size="md", interactive=False, elem_id="train-remote-go")
        cost = widgets.html_line("", "score", "train-remote-cost")
    where: list[Component] = [token, flavor, hours]
    asked = ask.click(remote.on_ask, where, [flavor, cost, go], **PROMPT_EVENT)
    changes = [flavor.input, hours.release, token.input]  # a price on its way is not that of the new choice
    gr.on(changes, remote.on_change, None, [cost, go], cancels=asked, **PROMPT_EVENT)
    go.click(remote.on_start, [visitor, *job, *where, *options], [token, *shown], **PROMPT_EVENT)
    shown.resume.click(remote.on_resume, [visitor, shown.watched, *where], list(shown), **PROMPT_EVENT)


class Remote:
    """The event handlers of the section."""

    def __init__(self, ctx: Context, starter: Starter, runs: Runs) -> None:
        self._ctx, self._starter, self._runs = ctx, starter, runs

    def on_ask(self, token: str, flavor: str, hours: float, request: gr.Request) -> list[Any]:
        """Ask the Hub which hardware there is and what it costs: hardware, cost, start button."""
        prices = self._prices(self._login(token, request), request)
        chosen = flavor if flavor in prices else next(iter(prices))
        choices = [(f"{name} ({price:.2f} $ / h)", name) for name, price in prices.items()]
        cost = self._ctx.localize_html("train.remote.cost", dollars=prices[chosen] * hours, hours=hours)
        return [gr.update(choices=choices, value=chosen), cost, gr.update(interactive=True)]

    def on_change(self) -> list[Any]:
        """Clear the cost after a change, so that it is asked for again: cost, start button."""
        return ["", gr.update(interactive=False)]

    def on_start(
        self, visitor: str, upload: Any, recipe: str, start: str, title: str, token: str, flavor: str, hours: float,
        request: gr.Request, *values: Any,
    ) -> list[Any]:  # fmt: skip
        """Send the job to Hugging Face and show it: an empty token field, and everything about the job."""
        backend = self.backend(self._login(token, request), flavor, hours)
        return ["", *self._starter.on_start(visitor, upload, recipe, start, title, request, *values, backend=backend)]

    def on_resume(
        self, visitor: str, watched: Watched | None, token: str, flavor: str, hours: float, request: gr.Request
    ) -> Shown:
        """Resume the watched job; one on Hugging Face needs the login again."""
        login = token.strip() or _login_token(request)

        def resume(owner: str, job_id: str) -> None:
            backend = self.backend(login, flavor, hours) if login else None
            is_remote = self._runs.manager.snapshot(owner, job_id).remote
            self._runs.manager.resume(owner, job_id, backend if is_remote else None)

        self._runs.act(resume, visitor, watched, request)
        return self._runs.on_stale(visitor, watched, request)

    def backend(self, token: str, flavor: str, hours: float) -> HFJobs:
        """Return where a job of this visitor runs."""
        endpoint = self._ctx.library.hub.endpoint or None
        return HFJobs(token, flavor, f"{max(1, round(60 * hours))}m", endpoint)

    def _login(self, token: str, request: gr.Request) -> str:
        login = token.strip() or _login_token(request)
        if not login:
            raise widgets.user_error(self._ctx, request, "train.remote.no_login")
        return login

    def _prices(self, token: str, request: gr.Request) -> Mapping[str, float]:
        """Return dollars an hour of all hardware that is paid by the minute."""
        api = HfApi(endpoint=self._ctx.library.hub.endpoint or None, token=token)
        try:
            api.whoami()  # prices are public; an invalid login should be noticed now
            offered = api.list_jobs_hardware()
        except Exception as error:  # of whatever HTTP library
            message = str(error).splitlines()[0].replace(token, "…")
            raise widgets.user_error(self._ctx, request, "train.push.failed", message=message) from error
        return {one.name: 60 * one.unit_cost_usd for one in offered if one.unit_label == "minute"}


def can_use_login() -> bool:
    """Return whether the login of a visitor has the rights that a job on Hugging Face needs."""
    return has_right("push") and has_right("jobs")


def _login_token(request: gr.Request | None) -> str | None:
    return token_of(request) if can_use_login() else None
