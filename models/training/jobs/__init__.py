"""The queue of trainings: submit, watch, stop, delete, export."""

from models.training.jobs.manager import Estimate, JobError, JobManager, JobRequest, JobState, Limits, Snapshot

__all__ = ["Estimate", "JobError", "JobManager", "JobRequest", "JobState", "Limits", "Snapshot"]
