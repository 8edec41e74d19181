"""The menu of models: what it offers, what it fetches, and that whatever goes wrong leaves the old model in use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import torch
from hub_server import StandInHub
from published import PUBLISHED
from safetensors.torch import save

from demos.core.context import Context, make_context
from demos.core.families import families_by_tab
from demos.core.i18n import Texts
from demos.cyclegan.translation import generators
from demos.page.prefetch import prefetch
from demos.ui.model_menu.handlers import Choice, Handlers
from models.checkpoints import Library
from models.formats import tensors
from models.hub import client
from models.hub.catalogue import CHECKPOINTS
from models.hub.client import Hub
from models.hub.records import Checkpoint
from models.model_cache import ModelCache
from models.networks.mae import MaskedAutoencoderViT

TAESD = CHECKPOINTS["taesd"]
OPENING = Choice("vae-fruit", "vae-fruit")
TEXTS = Texts.load()
REQUEST: Any = SimpleNamespace(headers={"accept-language": "en"})


def vae_file() -> bytes:
    return save({name: tensor.contiguous() for name, tensor in PUBLISHED["autoencoder-tiny"]().items()})


@pytest.fixture
def library(hub_server: StandInHub, tmp_path: Path) -> Library:
    torch.manual_seed(1)
    hub_server.pin(TAESD.repo_id, TAESD.revision or "", {TAESD.filename: vae_file()})
    hub = Hub(endpoint=hub_server.url, cache=tmp_path / "cache", assets=tmp_path / "assets", mirror=hub_server.mirror)
    return Library(hub, ModelCache())


@pytest.fixture
def ctx(library: Library, tmp_path: Path) -> Context:
    return make_context(library.load, library.info, tmp_path / "files", library=library)


@pytest.fixture
def handlers(ctx: Context) -> Handlers:
    return Handlers(ctx, families_by_tab()["vae"])


def picked(name: Any) -> Any:
    """What the page reports of a click on a row."""
    return {"name": name}


@pytest.fixture
def warnings_shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said to the visitor as a warning."""
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", said.append)
    return said


class Answer:
    """The values of the menu's components, by name; what an answer leaves alone is None."""

    def __init__(self, values: list[Any]) -> None:
        told: list[Any] = [None if value == gr.skip() else value for value in values]
        self.choice, self.used, ticket, self.rows, self.about, self.sentence, fetch, cancel = told
        self.switched = ticket is not None
        self.fetchable, self.busy = fetch["visible"], cancel["visible"]

    def state_of(self, name: str) -> str:
        """The words at the end of a row, in English."""
        row = re.search(rf'data-name="{re.escape(name)}".*?</button>', self.rows)
        assert row is not None, f"{name} is not offered"
        return re.findall(r'<span lang="en">([^<]*)</span>', row[0])[-1]


def last(answers: Iterator[list[Any]]) -> Answer:
    """What the components hold in the end, of those that any of the answers set."""
    told = list(answers)
    return Answer(
        [next((v for v in reversed(values) if v != gr.skip()), gr.skip()) for values in zip(*told, strict=True)]
    )


def test_looking_asks_nobody(ctx: Context, hub_server: StandInHub) -> None:
    for tab, families in families_by_tab().items():
        menu = Handlers(ctx, families)
        opening = {"cyclegan": "apple2orange", "mae": "mae-photos", "embeddings": "simclr-photos"}.get(tab, "vae-fruit")
        choice, _ = menu.on_open(Choice(opening, opening), opening, "", REQUEST)
        menu.about(choice)
        offered = re.findall(r'data-name="([^"]+)"', menu.rows(choice))
        seconds = {r.partner for r in CHECKPOINTS.values() if r.partner and r.direction == "apple2orange"}
        expected = {r.name for r in CHECKPOINTS.values() if r.family in families and not r.lesson} - seconds
        assert set(offered) == expected
        assert len(offered) == len(expected)
    assert hub_server.log == []


def test_a_row_shows_name_size_licence_and_state(ctx: Context) -> None:
    rows = Handlers(ctx, families_by_tab()["mae"]).rows(Choice("mae-photos", "mae-photos"))
    assert "ViT-MAE large" in rows and "1.32 GB" in rows
    assert "not for commercial use" in rows and "CC-BY-NC-4.0" in rows
    assert "to download" in rows and "in use" in rows


def test_the_kind_of_latent_is_told(handlers: Handlers) -> None:
    assert "cross-fades" in handlers.about(Choice("vae-fruit", "taesd"))
    assert "only inside what it saw" in handlers.about(Choice("vae-fruit", "classical-portraits"))


def test_a_model_on_disk_is_used_at_once(handlers: Handlers) -> None:
    answer = last(handlers.on_pick(picked("vae-portraits"), OPENING, "vae-fruit", "", REQUEST))
    assert (answer.used, answer.switched) == ("vae-portraits", True)
    assert answer.state_of("vae-portraits") == "in use"


def test_a_model_is_fetched_when_asked_and_then_used(handlers: Handlers, hub_server: StandInHub) -> None:
    answer = last(handlers.on_pick(picked("taesd"), OPENING, "vae-fruit", "", REQUEST))
    assert (answer.used, answer.switched, answer.fetchable) == ("vae-fruit", False, True)
    assert hub_server.log == [], "picking is not fetching"
    answers = [Answer(values) for values in handlers.on_fetch(answer.choice, "vae-fruit")]
    assert answers[0].busy and re.search(r"[\d.]+ of [\d.]+ MB", answers[0].sentence)
    assert {answer.used for answer in answers[:-1]} == {None}, "what is chosen meanwhile stays chosen"
    assert (answers[-1].used, answers[-1].switched, answers[-1].busy) == ("taesd", True, False)
    assert answers[-1].state_of("taesd") == "in use"


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "cut", "wrong_bytes"])
def test_a_fault_leaves_the_old_model_in_use(
    handlers: Handlers, hub_server: StandInHub, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    hub_server.fault = fault
    answer = last(handlers.on_fetch(Choice("vae-fruit", "taesd"), "vae-fruit"))
    assert (answer.used, answer.switched, answer.busy, answer.fetchable) == (None, False, False, True)
    answer.rows = handlers.rows(OPENING)
    assert answer.state_of("taesd") == "to download"
    assert answer.sentence.count("<span lang=") == 2, "the sentence in both languages"


def test_leaving_cancels_the_download(handlers: Handlers, library: Library, hub_server: StandInHub) -> None:
    hub_server.fault = "slow"
    answers = handlers.on_fetch(Choice("vae-fruit", "taesd"), "vae-fruit")
    next(answers)
    assert hub_server.sent.wait(10)
    answers.close()  # type: ignore[attr-defined]
    assert library.downloads._running == {}
    cancelled = Answer(handlers.on_cancel(Choice("vae-fruit", "taesd")))
    assert "cancelled" in cancelled.sentence and cancelled.fetchable and not cancelled.busy
    assert cancelled.used is cancelled.choice is None, "what was chosen meanwhile stays chosen"


def test_a_link_uses_the_weights_that_it_names(handlers: Handlers, warnings_shown: list[str]) -> None:
    *values, linked, fold = list(handlers.on_linked("vae-portraits", OPENING, "vae-fruit", REQUEST))[-1]
    assert (Answer(values).used, linked, fold, warnings_shown) == ("vae-portraits", "vae-portraits", gr.skip(), [])


def test_a_link_fetches_nothing(handlers: Handlers, hub_server: StandInHub, warnings_shown: list[str]) -> None:
    *values, linked, fold = list(handlers.on_linked("taesd", OPENING, "vae-fruit", REQUEST))[-1]
    answer = Answer(values)
    assert (answer.used, answer.choice.picked, answer.fetchable, linked) == ("vae-fruit", "taesd", True, "vae-fruit")
    assert fold["open"] and "“taesd”" in warnings_shown[0]
    assert hub_server.log == []
    kept, _ = handlers.on_open(answer.choice, "vae-fruit", "", REQUEST)  # the fold says that it was opened
    assert kept.picked == "taesd"


def test_a_link_offline_offers_no_fetching(ctx: Context, library: Library, warnings_shown: list[str]) -> None:
    ctx.library.hub = replace(library.hub, offline=True)
    (values,) = Handlers(ctx, families_by_tab()["vae"]).on_linked("taesd", OPENING, "vae-fruit", REQUEST)
    assert [value for value in values if value != gr.skip()] == ["vae-fruit"]
    assert "does not offer" in warnings_shown[0]


@pytest.mark.parametrize("name", ["vit-mae-base", "own/abc", "../../etc", "x" * 900])
def test_a_link_cannot_name_what_the_menu_does_not_offer(
    handlers: Handlers, warnings_shown: list[str], name: str
) -> None:
    (values,) = handlers.on_linked(name, OPENING, "vae-fruit", REQUEST)
    assert [value for value in values if value != gr.skip()] == ["vae-fruit"]
    assert "does not offer" in warnings_shown[0] and len(warnings_shown[0]) < 200


def test_a_link_says_only_what_others_can_have(ctx: Context) -> None:
    menu = Handlers(ctx, families_by_tab()["vae"], unlinked=("vae-fruit",))
    assert [menu.linked(name) for name in ("vae-fruit", "own/abc", "taesd")] == ["", "", "taesd"]


@pytest.mark.parametrize("name", ["vit-mae-base", "local/x", "../../etc", None, 5, "ann/tiny@" + "a" * 40])
def test_a_name_that_is_not_offered_is_refused(handlers: Handlers, name: Any) -> None:
    with pytest.raises(gr.Error, match="not offered here"):
        list(handlers.on_pick(picked(name), OPENING, "vae-fruit", "", REQUEST))
    assert list(handlers.on_fetch(Choice("vae-fruit", "vit-mae-base"), "vae-fruit")) == []


def test_a_pasted_id_is_fetched_recognised_and_offered_to_its_visitor_only(
    handlers: Handlers, hub_server: StandInHub
) -> None:
    commit = hub_server.add("ann/tiny", {"model.safetensors": vae_file()}, license="cc-by-nc-4.0")
    answer = last(handlers.on_paste("ann/tiny", OPENING, "vae-fruit"))
    name = f"ann/tiny@{commit}"
    assert (answer.used, answer.switched, answer.choice.pasted) == (name, True, (name,))
    assert "not for commercial use" in answer.rows
    assert "ann/tiny" not in handlers.rows(OPENING), "another visitor does not see it"
    with pytest.raises(gr.Error):
        list(handlers.on_pick(picked(name), OPENING, "vae-fruit", "", REQUEST))
    asked = len(hub_server.log)
    again = last(handlers.on_paste(name, OPENING, "vae-fruit"))
    assert again.used == name, "who asks for the same id gets it"
    assert len(hub_server.log) == asked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "is no id of a repository"),
        ("<b>x</b>/y", "is no id of a repository"),
        ("bob/nothing", "no public repository bob/nothing"),
        ("ann/words", "known here"),
        ("ann/readme", "no weights"),
        ("ann/encoder", "another kind"),
        ("ann/big", "more than the"),
    ],
)
def test_an_id_of_no_use_is_refused_with_a_sentence(
    ctx: Context, hub_server: StandInHub, text: str, words: str, library: Library
) -> None:
    hub_server.add("ann/words", {"model.safetensors": save({"word.embedding": torch.zeros(3)})})
    hub_server.add("ann/readme", {"README.md": b"hello"})
    hub_server.add("ann/encoder", {"model.safetensors": save(dict(PUBLISHED["vit-timm"]()))})
    hub_server.add("ann/big", {"model.safetensors": bytes(1_000_001)})
    if text == "ann/big":
        ctx.library.hub = replace(library.hub, max_bytes=1_000_000)
    answer = last(Handlers(ctx, families_by_tab()["vae"]).on_paste(text, OPENING, "vae-fruit"))
    assert words in answer.sentence
    assert "<b>x" not in answer.sentence
    assert (answer.used, answer.switched, answer.choice) == (None, False, None)


def test_one_of_several_files_is_chosen_by_a_click(ctx: Context, hub_server: StandInHub) -> None:
    tensors = PUBLISHED["cyclegan-resnet-generator"]()
    file = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    commit = hub_server.add("ann/gan", {f"latest_net_{name}.pth": file for name in ("D_A", "G_A", "G_B")})
    menu, opening = Handlers(ctx, families_by_tab()["cyclegan"]), Choice("apple2orange", "apple2orange")
    answer = last(menu.on_paste("ann/gan", opening, "apple2orange"))
    assert "several files of weights" in answer.sentence
    names = re.findall('data-name="([^"]*)"', answer.sentence)
    assert names == ["ann/gan/latest_net_G_A.pth", "ann/gan/latest_net_G_B.pth"]
    answer = last(menu.on_choose(picked(names[1]), opening, "apple2orange"))
    assert answer.used == f"ann/gan/latest_net_G_B.pth@{commit}"
    for report in (None, {}, {"name": "<b>"}):
        assert "is no id" in last(menu.on_choose(report, opening, "apple2orange")).sentence


def test_settings_beside_a_pasted_file_are_used_and_those_that_are_assumed_are_told(
    ctx: Context, hub_server: StandInHub, library: Library
) -> None:
    file = save(MaskedAutoencoderViT(32, 8, 128, 1, 2, 64, 1, 2).state_dict())
    config = json.dumps({"num_attention_heads": 4, "decoder_num_attention_heads": 1, "norm_pix_loss": True}).encode()
    names = [("ann/told", "mae/config.json"), ("ann/bare", "other/config.json")]
    answers = []
    for repo, name in names:
        hub_server.add(repo, {"mae/model.safetensors": file, name: config})
        answers.append(last(Handlers(ctx, ["mae"]).on_paste(repo, OPENING, "vae-fruit")))
    told, bare = (library.load(answer.used) for answer in answers)
    assert isinstance(told, MaskedAutoencoderViT) and isinstance(bare, MaskedAutoencoderViT)
    assert (told.norm_pix_loss, [block.attn.num_heads for block in told.blocks]) == (True, [4])  # type: ignore[union-attr]
    assert (bare.norm_pix_loss, [block.attn.num_heads for block in bare.blocks]) == (False, [2])  # type: ignore[union-attr]
    assert "num_heads" not in answers[0].about and "mean 0.5 0.5 0.5" in answers[0].about
    assert "it is assumed: num_heads 2, decoder_num_heads 2, norm_pix_loss False" in answers[1].about
    hub_server.add("ann/bad", {"model.safetensors": file, "config.json": b'{"hidden_size": 7}'})
    answer = last(Handlers(ctx, ["mae"]).on_paste("ann/bad", OPENING, "vae-fruit"))
    assert "embed_dim 7, but the tensors have 128" in answer.sentence


def test_what_is_no_model_does_not_stay_on_disk(handlers: Handlers, library: Library, hub_server: StandInHub) -> None:
    hub_server.add("ann/words", {"model.safetensors": save({"word.embedding": torch.zeros(3)})})
    answer = last(handlers.on_paste("ann/words", OPENING, "vae-fruit"))
    assert "word.embedding" in answer.sentence, "what was found"
    assert "tiny autoencoder" in answer.sentence and "CycleGAN" not in answer.sentence, "what this tab expects"
    blobs = [path for path in (library.hub.cache_folder / "models--ann--words").rglob("*") if path.is_file()]
    assert [path for path in blobs if "refs" not in path.parts] == []


def test_a_model_the_tab_cannot_use_is_refused(ctx: Context) -> None:
    refusing = Handlers(ctx, families_by_tab()["vae"], lambda model: "menu.wrong_kind")
    answer = last(refusing.on_pick(picked("vae-portraits"), OPENING, "vae-fruit", "", REQUEST))
    assert (answer.used, answer.switched) == ("vae-fruit", False)
    assert "cannot use" in answer.sentence


def test_offline_only_what_is_on_disk_is_offered(
    ctx: Context, library: Library, hub_server: StandInHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx.library.hub = replace(library.hub, offline=True)
    handlers = Handlers(ctx, families_by_tab()["vae"])
    assert re.findall(r'data-name="([^"]+)"', handlers.rows(OPENING)) == ["vae-portraits", "vae-fruit"]
    answer = last(handlers.on_paste("ann/tiny", OPENING, "vae-fruit"))
    assert "offline" in answer.sentence
    assert hub_server.log == []


@pytest.mark.parametrize("module", [client, tensors], ids=["hub", "weights"])
def test_every_reason_has_its_sentence_in_both_languages(module: Any) -> None:
    for code, sentence in module._SENTENCES.items():
        kind = "hub" if module is client else "weights"
        mentioned = set(re.findall(r"{(\w+)", sentence))
        for table in TEXTS.tables.values():
            assert set(re.findall(r"{(\w+)", table[f"error.{kind}.{code}"])) <= mentioned, code


def test_titles_say_the_same_as_the_records() -> None:
    for key in TEXTS.tables["en"]:
        if key.startswith("menu.name."):
            assert key.removeprefix("menu.name.") in CHECKPOINTS, key


@pytest.mark.parametrize(
    ("record", "direction", "pair"),
    [
        ("apple2orange", "apple2orange", ("apple2orange", "orange2apple")),
        ("apple2orange", "orange2apple", ("orange2apple", "apple2orange")),
        ("cyclegan-apple2orange", "orange2apple", ("cyclegan-orange2apple", "cyclegan-apple2orange")),
    ],
)
def test_a_pair_of_generators_goes_both_ways(record: str, direction: str, pair: tuple[str, str]) -> None:
    assert generators(CHECKPOINTS[record], direction) == pair


def test_a_generator_alone_has_ours_for_the_way_back() -> None:
    local = Checkpoint("local/x.pth", "cyclegan", "x", "none", direction="apple2orange")
    assert generators(local, "apple2orange") == ("local/x.pth", "orange2apple")
    assert generators(local, "orange2apple") == ("orange2apple", "local/x.pth")
    unknown = replace(local, direction="")
    assert generators(unknown, "orange2apple") == ("local/x.pth",), "our fruit is no way back from a zebra"


def test_prefetching_fills_the_cache_and_says_what_is_there(
    library: Library, hub_server: StandInHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {name: record for name, record in CHECKPOINTS.items() if record.is_own or name == "taesd"}
    monkeypatch.setattr("demos.page.prefetch.CHECKPOINTS", only)
    hub_server.add("ann/tiny", {"model.safetensors": vae_file()})
    assert prefetch(library, ["vae", "ann/tiny"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"taesd +9\.8 MB +on disk +MIT", printed)
    assert "ann/tiny@" in printed and re.search(r"in all +\d+\.\d MB", printed)
    asked = len(hub_server.log)
    assert prefetch(library, ["vae"]) == 0
    assert len(hub_server.log) == asked, "what is there is not fetched again"


def test_prefetching_goes_on_after_a_failure_and_tells_it(
    library: Library, hub_server: StandInHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prefetch(library, ["pears", "vae"]) == 1
    printed = capsys.readouterr()
    assert "'pears' is no tab" in printed.err
    assert "no public repository madebyollin/taef2" in printed.err
    assert "taesd" in printed.out


def test_a_local_file_is_offered_under_its_name(ctx: Context, library: Library, tmp_path: Path) -> None:
    path = tmp_path / "orange2apple.pth"
    torch.save(PUBLISHED["cyclegan-resnet-generator"](), path)
    record = library.add_local(path)
    assert (record.name, record.family, record.direction) == ("local/orange2apple.pth", "cyclegan", "orange2apple")
    menu = Handlers(ctx, families_by_tab()["cyclegan"])
    opening = Choice("apple2orange", "apple2orange")
    answer = last(menu.on_pick(picked(record.name), opening, "apple2orange", "", REQUEST))
    assert answer.used == record.name
