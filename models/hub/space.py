"""Publish this app as a Space on the Hugging Face Hub: the files that it needs, in one commit without a history."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceHardware, get_token
from huggingface_hub.repocard import metadata_load
from packaging.requirements import Requirement

from models.hub.client import Hub, HubError, hub_errors
from models.hub.references import Reference

NEEDED = ("CHANGELOG.md", "LICENSE", "README.md", "app.py", "assets", "demos", "models", "requirements.txt")
MARK = "demos/page/page.py"  # what a Space of this app holds, and one of another app does not
BLANK = {".gitattributes", "README.md"}  # what the Hub puts into a new Space

_AGAIN = "Run the same command again: what has arrived is not sent twice, and the Space changes only at the end."
_SENTENCES = {
    "not_found": "There is no Space {space} that this login can see: check the spelling, or make it with --create.",
    "forbidden": "This login may not write to {space}: make a token with write access on {address}/settings/tokens, "
                 "and put it into HF_TOKEN.",
    "cut_off": f"The connection to {{address}} broke. {_AGAIN}",
    "no_network": f"{{address}} cannot be reached. {_AGAIN}",
    "timeout": f"{{address}} did not answer in time. {_AGAIN}",
    "unpaid": "This account may not make a Space on that hardware: a free one may on ZeroGPU, with "
              "--create --hardware zero-a10g.",
    "taken": "The Space {space} holds another app ({found}): choose another name.",
    "no_login": "Nobody is logged in: run `hf auth login`, or put a token with write access into HF_TOKEN.",
}  # fmt: skip


def needed_files(root: Path) -> dict[str, int]:
    """Return the files that the app needs to run, as paths below `root`, and their sizes in bytes.

    Raises:
        ValueError: One of the folders or files in `NEEDED` is missing.
    """
    found: dict[str, int] = {}
    for top in NEEDED:
        if not (root / top).exists():
            raise ValueError(f"{root} is no whole copy of this app: it has no {top}.")
        for path in sorted([root / top, *(root / top).rglob("*")]):
            parts = path.relative_to(root).parts
            if path.is_file() and not path.is_symlink() and not _is_left_out(parts):
                found["/".join(parts)] = path.stat().st_size
    return found


def _is_left_out(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in parts) or parts[-1].endswith(".pyc")


def check_head(root: Path) -> None:
    """Raise a ValueError where the head of README.md does not describe a Space that can run this app."""
    try:
        head = metadata_load(root / "README.md") or {}
    except Exception as error:  # of the YAML reader, which is a dependency of the client alone
        raise ValueError(f"The head of README.md is no YAML: {error}") from error
    lines = (root / "requirements.txt").read_text("utf-8").splitlines()
    gradio = next(each for each in map(Requirement, filter(None, lines)) if each.name == "gradio")
    problems = {
        "title is missing": not head.get("title"),
        "sdk is not gradio": head.get("sdk") != "gradio",
        "app_file does not exist": not (root / str(head.get("app_file", "app.py"))).is_file(),
        f"sdk_version is not in {gradio.specifier}": not gradio.specifier.contains(str(head.get("sdk_version", "0"))),
        "short_description has more than 60 characters": len(str(head.get("short_description", ""))) > 60,
    }
    if wrong := [problem for problem, is_there in problems.items() if is_there]:
        raise ValueError(f"The head of README.md does not describe a Space: {', '.join(wrong)}.")


def publish_space(
    root: Path,
    files: Collection[str],
    space: str,
    *,
    create: bool = False,
    hardware: SpaceHardware | None = None,
    endpoint: str = "",
) -> str:
    """Upload the app in `root` to a Space as the person who is logged in, and return the address of the Space.

    Args:
        root: Folder of the app, whose head `check_head` has passed.
        files: What is uploaded, as `needed_files` found it.
        space: Such as "user/name".
        create: Whether to make the Space if there is none.
        hardware: That of a Space that is made, such as "zero-a10g"; None for the Hub's default.
        endpoint: Address of the Hub; empty for `HF_ENDPOINT`.

    Raises:
        ValueError: The app cannot be published or nobody is logged in; with a sentence.
        HubError: The Hub refused for another reason.
    """
    reference = Reference.parse(space)
    if reference.revision:
        raise HubError("bad_id", given=space)
    hub = Hub(endpoint=endpoint)
    if not get_token():
        raise ValueError(_SENTENCES["no_login"])
    api = HfApi(endpoint=hub.address)
    with _errors(hub, space):
        if create:
            api.create_repo(space, repo_type="space", space_sdk="gradio", space_hardware=hardware, exist_ok=True)
        there = set(api.list_repo_files(space, repo_type="space"))
        if MARK not in there and (others := sorted(there - BLANK)):
            raise ValueError(_SENTENCES["taken"].format(space=space, found=", ".join(others[:3])))
        gone = sorted(path for path in there - set(files) if path.partition("/")[0] in NEEDED)
        api.create_commit(
            space,
            [
                *(CommitOperationAdd(path, root / path) for path in files),
                *(CommitOperationDelete(path, is_folder=False) for path in gone),
            ],
            commit_message="Publish Unlabeled",
            repo_type="space",
        )
    return f"{hub.address}/spaces/{space}"


@contextmanager
def _errors(hub: Hub, space: str) -> Iterator[None]:
    """Turn errors of the Hub into sentences about the Space."""
    try:
        with hub_errors(hub, space, space=True):
            try:
                yield
            except RuntimeError as error:  # what the client raises around the failed upload of a file
                raise error.__cause__ or error from None
    except HubError as error:
        code = "unpaid" if error.values.get("status") == 402 else error.code
        if code not in _SENTENCES:
            raise
        raise ValueError(_SENTENCES[code].format(space=space, address=hub.address)) from error
