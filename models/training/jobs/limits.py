"""The limits of one visitor and of all visitors together."""

from __future__ import annotations

from dataclasses import dataclass

from models.training.recipes.options import option


@dataclass(frozen=True)
class Limits:
    """Limits of the trainer; sizes in bytes, times in seconds."""

    fewest_images: int = option(8, "pictures a job needs at least", min=2)
    images: int = option(5000, "pictures a job may have", min=1)
    bytes: int = option(500 * 2**20, "bytes that a job's pictures may take as files", min=1)
    pixels: int = option(50_000_000, "pixels (width times height) that one picture may have", min=1)
    steps: int = option(20_000, "optimiser steps a job may take", min=1)
    wall_seconds: float = option(6 * 3600.0, "seconds a job may run in all, pauses not counted", min=1)
    stall_seconds: float = option(1800.0, "seconds without a step after which a job counts as hung", min=1)
    memory: int = option(4 * 2**30, "bytes of main memory that a running job may hold", min=1)
    disk_per_owner: int = option(2 * 2**30, "bytes that one visitor's pictures and jobs may take on disk", min=1)
    disk_total: int = option(20 * 2**30, "bytes that all pictures and jobs may take on disk", min=1)
    disk_reserve: int = option(200 * 2**20, "bytes that training leaves free on the disk", min=0)
    jobs_per_owner: int = option(8, "jobs that one visitor may have, finished ones included", min=1)
    queued_total: int = option(20, "jobs that may wait at once", min=1)
    keep_seconds: float = option(14 * 86400.0, "seconds after which pictures and jobs that rest are deleted", min=1)
