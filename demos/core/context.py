"""What a tab is (`Demo`), what it is given (`Context`), and how the tabs are found (`discover`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gradio.i18n import I18nData
from PIL import Image
from starlette.routing import BaseRoute

from demos.core.files import FileStore
from demos.core.i18n import Localize, LocalizeHtml, Texts
from demos.core.paths import FIRST_PAINT
from demos.core.profile import Profile, detect
from demos.core.tab_interface import TabInterface
from demos.core.tabs import TAB_IDS
from demos.core.user_models import UserModels
from models import checkpoints
from models.hub.records import is_private

if TYPE_CHECKING:
    from torch import nn

    from models.checkpoints import Library, WeightsInfo
    from models.training.jobs import JobManager


@dataclass(frozen=True)
class Context:
    """Everything a tab needs from outside; tests pass one with fakes."""

    load_model: Callable[[str], nn.Module]  # name of the weights -> network in eval mode
    weights_info: Callable[[str], WeightsInfo]  # name of the weights -> what its ``config.json`` says
    t: Callable[[str], I18nData]  # key -> text for a static label, translated in the browser
    localize: Localize  # for errors and results over the API
    localize_html: LocalizeHtml  # for lines with numbers in them
    save_image: Callable[[Image.Image], str]  # -> path of a PNG the browser may fetch
    save_bytes: Callable[[bytes, str], str]  # file content and suffix -> path the browser may fetch
    library: Library  # the weights there are, on disk and to be fetched, for the menus of models
    user_models: UserModels  # what visitors trained themselves, each for its owner's pages alone
    first_paint: Path = FIRST_PAINT  # with one folder per tab, written by `Demo.precompute`
    jobs: JobManager | None = None  # the trainer; without one, nothing can be trained
    profile: Profile = "cpu-basic"  # what this host computes on
    # What each tab on the page offers the others, by its id; the page fills it in, handlers read it.
    tabs: dict[str, TabInterface] = field(default_factory=dict)
    # What tabs serve beside the page over plain HTTP, relative to the root of the app; `Demo.build` adds to it.
    routes: list[BaseRoute] = field(default_factory=list)


@dataclass(frozen=True)
class Demo:
    """One tab."""

    name: str  # id of the tab, one of `TAB_IDS`, also in ``?tab=``; its title is the text ``"<name>.title"``
    build: Callable[[Context], TabInterface | None]  # creates components and events; returns what the page may use
    precompute: Callable[[Context, Path], None]  # writes the first result into the given ``first_paint/<name>``
    # Reads from what the tab opens on the RGB images, side by side, that stand for it where a link to it is shared.
    preview: Callable[[Context], Sequence[Image.Image]] | None = None

    @property
    def order(self) -> int:
        """Return the place among all tabs, from 0.

        Raises:
            ValueError: If the name is no tab id.
        """
        if self.name not in TAB_IDS:
            raise ValueError(f"{self.name!r} is no tab id; add it to TAB_IDS in demos/core/tabs.py at its place.")
        return TAB_IDS.index(self.name)


def make_context(
    load_model: Callable[[str], nn.Module],
    weights_info: Callable[[str], WeightsInfo],
    files: Path,
    texts: Texts | None = None,
    first_paint: Path = FIRST_PAINT,
    library: Library | None = None,
    jobs: JobManager | None = None,
) -> Context:
    """Build a `Context` over a source of weights and a folder for result files, which the browser may fetch from.

    By default, the texts are those of ``assets/i18n`` and the library is this process's own.
    """
    texts = texts or Texts.load()
    store = FileStore(files)
    public = library or checkpoints.library()
    user_models = UserModels(jobs, texts.localize, public.store)
    everything = public.with_private(user_models)
    return Context(
        load_model=lambda name: everything.load(name) if is_private(name) else load_model(name),
        weights_info=lambda name: everything.info(name) if is_private(name) else weights_info(name),
        t=texts.label,
        localize=texts.localize,
        localize_html=texts.localize_html,
        save_image=store.save_image,
        save_bytes=store.save_bytes,
        library=everything,
        user_models=user_models,
        first_paint=first_paint,
        jobs=jobs,
        profile=detect(),
    )
