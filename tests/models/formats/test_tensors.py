"""Files of weights: nothing in them is run, and each kind of wrong file is refused by its own sentence."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.formats.tables import WRAPPERS
from models.formats.tensors import WeightsError, build_strictly, read_tables, read_tensors

TENSORS = {"a.weight": torch.arange(600.0).reshape(20, 30), "a.bias": torch.ones(20).half()}


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in found)


def legacy(value: object, path: Path) -> None:
    torch.save(value, path, _use_new_zipfile_serialization=False)


WRITERS: dict[str, Callable[[Any, Path], None]] = {"safetensors": save_file, "zip": torch.save, "legacy": legacy}


# --- What is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", ["model.safetensors", "model.bin", "checkpoint.pth.tar", "x"])
def test_a_file_is_recognised_by_its_content(writer: str, name: str, tmp_path: Path) -> None:
    WRITERS[writer](TENSORS, tmp_path / name)
    assert equal(read_tensors(tmp_path / name), TENSORS)


@pytest.mark.parametrize("first", [b"<", b"\n", b"P", b"\x80", b"v", b"%"])
@pytest.mark.parametrize("second", [b"<", b"K", b"\x02", b"h"])
def test_a_safetensors_header_of_any_length_is_read(first: bytes, second: bytes, tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    header = header.ljust(int.from_bytes(first + second, "little"))
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert read_tensors(tmp_path / "x.safetensors")["a"].tolist() == [0.0]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("is_zip", [False, True])
def test_other_pickle_protocols_are_read_or_refused_with_the_true_reason(is_zip: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save(TENSORS, path, pickle_protocol=3, _use_new_zipfile_serialization=is_zip)
    assert equal(read_tensors(path), TENSORS)
    for protocol in (4, 5):
        torch.save(TENSORS, path, pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
        assert refusal(path).code == "pickle_protocol"


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_taken_off(wrapper: str, tmp_path: Path) -> None:
    torch.save({"epoch": 3, "arch": "resnet50", wrapper: TENSORS, "optimizer": {"lr": 0.1}}, tmp_path / "x.pth")
    assert equal(read_tensors(tmp_path / "x.pth"), TENSORS)


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": TENSORS, "best_acc1": torch.tensor(71.2), "epoch": 90},
        {"epoch": 1, "state": {"inner": {"net": TENSORS}}, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}},
        {"optimizer_state_dict": {"a": torch.ones(1), "b": torch.ones(1), "c": torch.ones(1)}, "my_cnn": TENSORS},
        {"netD": {**TENSORS, "c": torch.ones(1)}, "netG": TENSORS},
        {"ema": {"shadow": torch.ones(2)}, "model": TENSORS},
        [{"lr": 0.1}, TENSORS],
        (TENSORS, 3),
        {"meters": {"acc": torch.ones(1)}, "weights_of_mine": TENSORS},
    ],
)
def test_the_table_is_found_wherever_it_lies(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.pth")
    assert equal(read_tensors(tmp_path / "x.pth"), TENSORS)


def test_two_tables_side_by_side_are_one_network_too(tmp_path: Path) -> None:
    torch.save({"encoder": TENSORS, "decoder": TENSORS}, tmp_path / "x.pth")
    joined, *parts = read_tables(tmp_path / "x.pth")
    assert joined.keys() == {f"{part}.{name}" for part in ("encoder", "decoder") for name in TENSORS}
    assert all(equal(part, TENSORS) for part in parts)


def test_what_a_file_holds_instead_is_told(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "arch": "resnet50", "args": {"lr": 1}, "a": 1.5, "b": 2}, tmp_path / "x.pth")
    error = refusal(tmp_path / "x.pth")
    assert error.code == "no_tensors"
    assert "but epoch (int), arch (str), args (dict), a (float), …: choose" in str(error)


def test_tables_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    loop: dict[str, Any] = {}
    loop["inner"] = loop
    torch.save(loop, tmp_path / "x.pth")
    assert refusal(tmp_path / "x.pth").code == "no_tensors"


def test_old_state_dicts_with_metadata_are_read(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    legacy(network.state_dict(), tmp_path / "x.pth")
    assert equal(read_tensors(tmp_path / "x.pth"), dict(network.state_dict()))


# --- What is refused --------------------------------------------------------------------------------------


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as info:
        read_tensors(path)
    sentence = str(info.value)
    assert path.name in sentence
    assert "\n" not in sentence
    assert len(sentence) < 200
    return info.value


@pytest.mark.parametrize("write", [torch.save, legacy, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_with_code_is_not_run(write: Callable[[Any, Path], None], tmp_path: Path) -> None:
    write({"state_dict": TENSORS, "trap": Trap(tmp_path / "sprung")}, tmp_path / "x.pth")
    assert refusal(tmp_path / "x.pth").code == "pickle_code"
    assert not (tmp_path / "sprung").exists()


def test_a_program_with_its_weights_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:  # the members of a TorchScript file
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"x/{name}", b"")
    assert refusal(tmp_path / "x.pt").code == "pickle_code"


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95, 0.999])
def test_a_file_cut_short_is_refused(writer: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    WRITERS[writer](TENSORS, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(20, int(len(whole) * share))])
    assert refusal(path).code == "truncated"


PAGE = "<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:5d061a3c\nsize 102520792\n"
CONTENTS = {
    "lfs_pointer": POINTER.encode(),
    "html": PAGE.encode(),
    "empty": b"",
    "not_weights": b"\x89PNG\r\n\x1a\n" + bytes(100),
}


@pytest.mark.parametrize("code", CONTENTS)
@pytest.mark.parametrize("name", ["model.safetensors", "model.pth"])
def test_files_of_another_kind_are_refused(code: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(CONTENTS[code])
    assert refusal(tmp_path / name).code == code


@pytest.mark.parametrize("content", [b"<?xml version='1.0'?><Error>AccessDenied</Error>", b"\n\n <html>"])
def test_other_error_pages_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    assert refusal(tmp_path / "x.pth").code == "html"


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("photos/cat.jpg", b"meow")
    assert refusal(tmp_path / "x.pth").values["kind"] == "zip"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing.pth").code == "no_file"
    assert refusal(tmp_path).code == "no_file"


@pytest.mark.parametrize("value", [{}, [1, 2], {"a": 1}, {"a": torch.ones(2), "b": 3}, {3: torch.ones(2)}, 7])
def test_what_is_no_table_of_tensors_is_refused(value: object, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "x.pth")
    assert refusal(tmp_path / "x.pth").code == "no_tensors"


@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_a_small_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(10**12)}, tmp_path / "x.pth")
    torch.save({"a": torch.zeros(10, 10).to_sparse()}, tmp_path / "y.pth")
    assert refusal(tmp_path / "x.pth").code == "truncated"
    assert refusal(tmp_path / "y.pth").code == "truncated"


@pytest.mark.parametrize(
    "header",
    [
        b"{not json",
        b"[]",
        b'{"a": 3}',
        json.dumps({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}).encode(),
        json.dumps({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 4]}}).encode(),
    ],
)
def test_a_broken_header_is_refused(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    assert refusal(tmp_path / "x.safetensors").code in ("truncated", "not_weights")


def test_names_in_sentences_are_made_printable() -> None:
    assert "\x1b" not in str(WeightsError("empty", "a\x1b[31m.pth"))
    assert str(WeightsError("empty")).startswith("This file is an empty file")


# --- Loading ----------------------------------------------------------------------------------------------


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def tensors(**changes: Tensor | None) -> dict[str, Tensor]:
    values: dict[str, Tensor | None] = {
        **make().state_dict(),
        **{k.replace("_", ".", 1): v for k, v in changes.items()},
    }
    return {key: value for key, value in values.items() if value is not None}


def test_tensors_are_copied_as_float32_in_eval_mode_without_gradients() -> None:
    given = tensors(**{"0_weight": torch.rand(2, 3).half(), "0_bias": torch.rand(2).double()})
    model = build_strictly(make, given, "a pair")
    state = model.state_dict()
    for key, value in given.items():
        assert torch.equal(state[key], value.to(state[key].dtype))
        assert state[key].data_ptr() != value.data_ptr()
    assert {value.dtype for key, value in state.items() if "num" not in key} == {torch.float32}
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert model(torch.rand(4, 3)).shape == (4, 2)


def test_files_older_than_batch_norms_counters_are_loaded() -> None:
    model = build_strictly(make, tensors(**{"1_num_batches_tracked": None}), "a pair")
    assert model.state_dict()["1.num_batches_tracked"] == 0


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("missing_tensors", {"0_bias": None}),
        ("missing_tensors", {"1_running_mean": None}),
        ("unexpected_tensors", {"2_weight": torch.ones(1)}),
        ("wrong_shape", {"0_weight": torch.ones(3, 2)}),
        ("wrong_shape", {"0_bias": torch.ones(2, 1)}),
        ("wrong_dtype", {"0_weight": torch.ones(2, 3, dtype=torch.long)}),
        ("wrong_dtype", {"0_weight": torch.ones(2, 3, dtype=torch.bool)}),
        ("wrong_dtype", {"0_weight": torch.ones(2, 3, dtype=torch.complex64)}),
        ("wrong_dtype", {"1_num_batches_tracked": torch.tensor(1.5)}),
        ("not_finite", {"0_bias": torch.tensor([1.0, float("nan")])}),
        ("not_finite", {"0_bias": torch.tensor([1.0, float("inf")])}),
        ("not_finite", {"0_bias": torch.tensor([1.0, 1e300], dtype=torch.float64)}),
    ],
)
def test_what_does_not_fit_is_refused(code: str, changes: dict[str, Tensor | None]) -> None:
    with pytest.raises(WeightsError) as info:
        build_strictly(make, tensors(**changes), "a pair")
    assert info.value.code == code
    name = next(iter(changes)).replace("_", ".", 1)
    assert name in str(info.value)
