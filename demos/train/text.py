"""Sentences of the trainer tab on images, limits and jobs, as HTML in all languages."""

from __future__ import annotations

import html
from collections.abc import Sequence

from demos.core.context import Context
from demos.core.files import file_url
from demos.train.presets import enough_for
from demos.ui.left_out import left_out_html
from models.training.data.audit import BLURRED_BELOW, UNEVEN_RATIO, Audit, balance
from models.training.evaluation.recordings import Recording
from models.training.jobs import Estimate, Limits, Snapshot

LIVE = ("queued", "running")
RESTING = ("paused", "interrupted", "stopped", "failed")


def duration(ctx: Context, seconds: float) -> str:
    """Return a time in seconds, minutes or hours."""
    if seconds < 90:
        return ctx.localize_html("train.seconds", count=max(1, round(seconds)))
    if seconds < 90 * 60:
        return ctx.localize_html("train.minutes", count=round(seconds / 60))
    return ctx.localize_html("train.hours", count=seconds / 3600)


def limits_html(ctx: Context, limits: Limits, classroom: bool) -> str:
    """Return what a visitor may use and who sees it, shown before they upload anything."""
    return ctx.localize_html(
        "train.limits_classroom" if classroom else "train.limits",
        pictures=limits.images,
        megabytes=limits.bytes // 2**20,
        megapixels=limits.pixels // 10**6,
        steps=limits.steps,
        hours=limits.wall_seconds / 3600,
        jobs=limits.jobs_per_owner,
        days=limits.keep_seconds / 86400,
    )


def audit_html(ctx: Context, audits: Sequence[Audit], recipe: str, from_scratch: bool) -> str:
    """Return the audit of a visitor's images and what they are enough for."""
    parts = [_set_html(ctx, audit, "AB"[place] if len(audits) > 1 else "") for place, audit in enumerate(audits)]
    level = enough_for(recipe, audits, from_scratch)
    enough = ctx.localize_html(f"train.enough.{level}")
    return f'{"".join(parts)}<p class="train-verdict train-{level}">{enough}</p>'


def _set_html(ctx: Context, audit: Audit, name: str) -> str:
    lines = [
        ctx.localize_html("train.audit.count", count=audit.count, total=audit.total, aside=audit.held_out),
        ctx.localize_html("train.audit.sides", low=audit.sides[0], middle=audit.sides[1], high=audit.sides[2]),
    ]
    if audit.labels:
        most, least, ratio = balance(audit.labels)
        lines.append(ctx.localize_html("train.audit.labels", count=len(audit.labels)))
        if ratio >= UNEVEN_RATIO:
            numbers = {"most_count": audit.labels[most], "least_count": audit.labels[least]}
            lines.append(ctx.localize_html("train.audit.uneven", most=most, least=least, **numbers))
    if audit.near_duplicates:
        lines.append(ctx.localize_html("train.audit.near", count=audit.near_duplicates))
    if audit.smooth:
        lines.append(ctx.localize_html("train.audit.smooth"))
    elif audit.blurred:
        lines.append(ctx.localize_html("train.audit.blurred", count=audit.blurred, below=BLURRED_BELOW))
    if audit.skipped:
        lines.append(left_out_html(ctx, audit.skipped, trainer=True))
    url = file_url(ctx.save_image(audit.thumbnails))
    title = f"<h4>{ctx.localize_html(f'train.set_{name}')}</h4>" if name else ""
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'{title}<img class="train-thumbnails" alt="" src="{url}"><ul>{items}</ul>'


def estimate_html(ctx: Context, estimate: Estimate, steps: int, ahead: int) -> str:
    """Return how long a job would take here and how many would run before it."""
    time = duration(ctx, estimate.seconds)
    queue = ctx.localize_html("train.ahead", count=ahead) if ahead else ctx.localize_html("train.at_once")
    speed = ctx.localize_html("train.speed", seconds=estimate.seconds_per_step, megabytes=estimate.memory // 2**20)
    return f"<b>≈ {time}</b> {ctx.localize_html('train.for_steps', steps=steps)} {queue} <small>{speed}</small>"


def state_html(ctx: Context, job: Snapshot) -> str:
    """Return how a job is doing, in one sentence."""
    if job.error:
        return ctx.localize_html(f"error.job.{job.error}", **{"step": job.step, **job.error_values})
    if job.state == "queued":
        return ctx.localize_html("train.state.queued", place=job.queue_place or 1)
    sentence = ctx.localize_html(f"train.state.{job.state}", step=job.step, total=job.total)
    if job.state == "running" and job.seconds_left is not None:
        sentence += f" {ctx.localize_html('train.left')} {duration(ctx, job.seconds_left)}."
    return sentence


def title_of(ctx: Context, job: Snapshot) -> str:
    """Return the name of a job as HTML: the visitor's own, else the method's."""
    return html.escape(job.title) if job.title else ctx.localize_html(f"train.recipe.{job.recipe}")


def head_html(ctx: Context, job: Snapshot) -> str:
    """Return the line above the view of a job."""
    start = ctx.localize_html("train.from_scratch")
    if job.start is not None:
        name = "…" + job.start[-6:] if job.start.startswith("job:") else job.start
        start = ctx.localize_html("train.from", name=name)
    facts = f"{ctx.localize_html(f'train.recipe.{job.recipe}')} · {start}"
    if job.remote:
        facts += f" · {ctx.localize_html('train.remote.here')}"
    log = f'<pre class="run-log">{html.escape(chr(10).join(job.log))}</pre>' if job.log else ""
    return f'<b>{title_of(ctx, job)}</b> · {state_html(ctx, job)}<br><span class="run-quiet">{facts}</span>{log}'


def runs_html(
    ctx: Context, jobs: Sequence[Snapshot], public: Sequence[Snapshot], recorded: Sequence[Recording], selected: str
) -> str:
    """Return the list of runs to look at: the visitor's own, in a classroom everybody's, and the shipped ones."""
    own = {job.id for job in jobs}
    groups = {
        "train.own_runs": [_entry(ctx, "job", job) for job in jobs],
        "train.public_runs": [_entry(ctx, "public", job) for job in public if job.id not in own],
        "train.recorded_runs": [
            (f"recording:{one.name}", ctx.localize_html(f"train.recording.{one.name}.short")) for one in recorded
        ],
    }
    return "".join(_group(ctx.localize_html(key), listed, selected) for key, listed in groups.items() if listed)


def _entry(ctx: Context, kind: str, job: Snapshot) -> tuple[str, str]:
    badge = f'<small class="train-{job.state}">{ctx.localize_html(f"train.badge.{job.state}")}</small>'
    return f"{kind}:{job.id}", f"{title_of(ctx, job)} {badge}"


def _group(title: str, listed: Sequence[tuple[str, str]], selected: str) -> str:
    buttons = "".join(
        f'<button type="button" data-run="{run}" aria-pressed="{str(run == selected).lower()}">{label}</button>'
        for run, label in listed
    )
    return f'<div class="train-group"><span>{title}</span>{buttons}</div>'
