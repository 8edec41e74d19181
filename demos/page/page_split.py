"""Which components and listeners belong to which part of the page, and what is sent of each.

A component belongs to the innermost deferred container around it, a listener to the innermost part among all that it
and the listeners chained to it touch. The parts around that one are in the browser before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block

from demos.ui.deferred import DEFERRED, UNSENT, has_class

Config = dict[str, Any]
Path = tuple[int, ...]  # ids of the deferred containers around a component, the outermost first
# What Gradio says of components and listeners that its script does not read.
UNUSED = ("api_info", "api_info_as_input", "api_info_as_output", "example_inputs", "skip_api")
PYTHON_ONLY = ("batch", "max_batch_size", "scroll_to_output", "time_limit", "stream_every")
OPENED = ("select", "expand")  # events that happen to a container before its part is there


class PageSplit:
    """The page of one app, divided.

    Args:
        blocks: all components by their ids.
        fns: all listeners by their ids.
        whole: the configuration of the page as Gradio makes it.

    Raises:
        ValueError: a listener touches two parts of which none lies in the other.
    """

    def __init__(self, blocks: Mapping[int, Block], fns: Mapping[int, BlockFunction], whole: Config) -> None:
        self._blocks, self._fns, self.whole = blocks, fns, whole
        self._paths: dict[int, Path] = {whole["layout"]["id"]: ()}
        self._nodes: dict[int, Config] = {}
        self._walk(whole["layout"], ())
        self._complete()
        self._components: dict[int, list[Config]] = defaultdict(list)
        for each in whole["components"]:
            slim = {key: value for key, value in each.items() if key not in UNUSED}
            self._components[_last(self._paths.get(each["id"], ()))].append(slim)
        self._listeners: dict[int, list[Config]] = defaultdict(list)
        homes = self._homes()
        for each in whole["dependencies"]:
            slim = {key: value for key, value in each.items() if value is not None and key not in PYTHON_ONLY}
            self._listeners[homes[each["id"]]].append(slim)
        self._tabs = {str(blocks[one].id): one for one in self._nodes if isinstance(blocks[one], gr.Tab)}  # type: ignore[attr-defined]
        self._opened = {name: self._open(name) for name in ("", *self._tabs)}

    def opened(self, name: str) -> Config:
        """Return the configuration of the page that opens on a tab, on the first one for a name of none."""
        return self._opened.get(name, self._opened[""])

    def arrival(self, part: int, used: Collection[int] = ()) -> Config:
        """Return what the browser is sent when a container is opened for the first time.

        Args:
            part: id of the container.
            used: ids of those `gr.State` that an event has read or changed before.
        """
        stub = {"id": part, "type": self._blocks[part].get_block_name(), "props": {}, "key": None}
        listeners = [*(self._heard(each, part, used) for each in self._listeners[part]), self._arrived(part)]
        layout = self._cut(self._nodes[part], part)
        return {"components": [stub, *self._components[part]], "dependencies": listeners, "layout": layout, "page": {}}

    def _walk(self, node: Config, path: Path) -> None:
        for child in node.get("children", ()):
            block = self._blocks[child["id"]]
            self._paths[block._id] = path
            if has_class(block, DEFERRED):
                self._nodes[block._id] = child
            marked = has_class(block, DEFERRED) or has_class(block, UNSENT)
            self._walk(child, (*path, block._id) if marked else path)

    def _complete(self) -> None:
        """State what Gradio's script derives from all listeners, of which it will not have all."""
        listeners = self.whole["dependencies"]
        given = {one for each in listeners for one in each["inputs"]}
        filled = {one for each in listeners for one in each["outputs"]}
        events: dict[int, list[str]] = defaultdict(list)
        for each in listeners:
            for one, event in each["targets"]:
                events[one].append(event)
        for component in self.whole["components"]:
            one, props = component["id"], component["props"]
            if one in given | filled and "interactive" not in props:
                props["interactive"] = one in given
            if one in events:
                props["attached_events"] = events[one]

    def _homes(self) -> dict[int, int]:
        """Return the part of each listener."""
        first: dict[int, int] = {}
        chains: dict[int, list[BlockFunction]] = defaultdict(list)
        for one, listener in self._fns.items():
            first[one] = one if listener.trigger_after is None else first[listener.trigger_after]
            chains[first[one]].append(listener)
        parts = {one: self._part_of(chain) for one, chain in chains.items()}
        return {one: parts[chain] for one, chain in first.items()}

    def _part_of(self, chain: list[BlockFunction]) -> int:
        touched = {one: self._paths[one] for each in chain for one in _touched(each) if one in self._paths}
        deepest = max(touched.values(), key=len, default=())
        if any(deepest[: len(path)] != path for path in touched.values()):
            places = dict.fromkeys(
                f"{self._name(one)} in {' / '.join(map(self._name, path)) or 'the page'}"
                for one, path in touched.items()
            )
            names = ", ".join(str(each.name) for each in chain)
            raise ValueError(f"Listeners touch parts that need not be there together, {names}: {'; '.join(places)}.")
        part = _last(deepest)
        self._check_fold(part, chain)
        return 0 if has_class(self._blocks.get(part), UNSENT) else part  # endpoints are listed, though nobody sees them

    def _check_fold(self, part: int, chain: list[BlockFunction]) -> None:
        """Refuse what would not happen before a fold is opened, though it shows outside of it."""
        outputs = {each._id: each for listener in chain for each in listener.outputs}
        outside = [
            one
            for one, each in outputs.items()
            if part not in self._paths.get(one, ()) and not isinstance(each, gr.State)
        ]
        if isinstance(self._blocks.get(part), gr.Accordion) and outside:
            names = ", ".join(str(each.name) for each in chain)
            raise ValueError(
                f"{names} in {self._name(part)} would fill {self._name(outside[0])} only once that is open."
            )

    def _name(self, one: int) -> str:
        block = self._blocks[one]
        return str(block.elem_id or getattr(block, "label", None) or f"{type(block).__name__} {one}")

    def _cut(self, node: Config, *parts: int) -> Config:
        """Return the layout of a container without what lies in other parts."""
        children = node.get("children")
        if children is None:
            return node
        kept = node["id"] in parts or node["id"] not in self._nodes
        unsent = has_class(self._blocks.get(node["id"]), UNSENT)
        return {**node, "children": [self._cut(each, *parts) for each in children] if kept and not unsent else []}

    def _heard(self, listener: Config, part: int, used: Collection[int]) -> Config:
        """Let a listener that would have heard something before it was there run once when it arrives."""

        def was_missed(one: int | None, event: str) -> bool:
            if one == part:
                return event in OPENED
            if one is None or part in self._paths.get(one, ()):
                return False
            return one in used and isinstance(self._blocks.get(one), gr.State)

        missed = bool(listener["targets"]) and all(was_missed(one, event) for one, event in listener["targets"])
        targets = [*listener["targets"], *([(self.whole["layout"]["id"], "load")] if missed else [])]
        return {**listener, "targets": targets, "rendered_in": part}

    def _arrived(self, part: int) -> Config:
        """Return a listener that tells the script of the page that a part is there; it is no listener of the app."""
        targets = [(self.whole["layout"]["id"], "load")]
        js = f"() => window.unlabeled.arrived({part})"
        common = {"inputs": [], "outputs": [], "targets": targets, "backend_fn": False, "queue": False, "cancels": []}
        return {**common, "id": -part, "js": js, "trigger_mode": "once", "rendered_in": part, "show_progress": "hidden"}

    def _open(self, name: str) -> Config:
        first = next(iter(self._tabs.values()), None)
        part = self._tabs.get(name, first)
        sent = [0] if part is None else [0, part]
        components = [each for one in sent for each in self._components[one]]
        listeners = sorted((each for one in sent for each in self._listeners[one]), key=lambda each: each["id"])
        holder = self._blocks[part].parent if part is not None and name else None
        selected = {holder._id: name} if holder is not None else {}
        components = [
            {**each, "props": {**each["props"], "selected": selected[each["id"]]}} if each["id"] in selected else each
            for each in components
        ]
        page = {
            "layout": self._cut(self.whole["layout"], *sent),
            "components": [each["id"] for each in components],
            "dependencies": [each["id"] for each in listeners],
        }
        return {
            **self.whole,
            "components": components,
            "dependencies": listeners,
            "page": {"": page},
            "arrived": sent[1:],
        }


def _touched(listener: BlockFunction) -> Iterator[int]:
    """Return the ids of the components that a listener hears, reads, fills, marks as busy or brings."""
    if listener.renderable is not None:
        yield listener.renderable.container_id
    yield from (one for one, _ in listener.targets if one is not None)
    for components in (listener.inputs, listener.outputs, listener.show_progress_on or ()):
        yield from (component._id for component in components)


def _last(path: Path) -> int:
    """Return the innermost part, 0 for what is sent with the page."""
    return path[-1] if path else 0
