"""SimSiam, SimCLR and MoCo: where gradients go, what the queue holds, and that each learns."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from gradients import assert_finite_gradients, assert_no_gradients, trainable
from torch import Tensor, nn

from models.analysis.metrics import std_of_l2_normalized
from models.networks.contrastive import ContrastiveOutput, MoCo, SimCLR, SimSiam, mlp_head
from models.networks.losses import info_nce, nt_xent

FEATURES = 24


def encoder() -> nn.Sequential:
    """A backbone of two layers over images of 8 x 8 pixels."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 32), nn.ReLU(), nn.Linear(32, FEATURES))


def simsiam(stop_gradient: bool = True) -> SimSiam:
    return SimSiam(encoder(), FEATURES, dim=16, pred_dim=4, stop_gradient=stop_gradient)


def simclr() -> SimCLR:
    return SimCLR(encoder(), FEATURES, dim=12)


def moco(queue_size: int = 12, momentum: float = 0.9) -> MoCo:
    return MoCo(encoder(), FEATURES, dim=10, queue_size=queue_size, momentum=momentum)


def views(num: int = 4) -> tuple[Tensor, Tensor]:
    """Two noisy versions of the same images."""
    pictures = torch.rand(num, 3, 8, 8) * 2 - 1
    return pictures + 0.1 * torch.randn_like(pictures), pictures + 0.1 * torch.randn_like(pictures)


def naive_cosine(p: Tensor, z: Tensor) -> Tensor:
    """SimSiam's D(p, z), equation 1, with no stop-gradient in it."""
    return -torch.stack([(a / a.norm()) @ (b / b.norm()) for a, b in zip(p, z, strict=True)]).mean()


def gradients(module: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    parameters = trainable(module)
    values = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {name: value for name, value in zip(parameters, values, strict=True) if value is not None}


Build = Callable[[], nn.Module]
METHODS = [simsiam, simclr, moco]


# --- Heads ------------------------------------------------------------------------------------------------


def test_simsiams_heads_are_those_of_the_paper() -> None:
    model = SimSiam(encoder(), FEATURES, dim=16, pred_dim=4)
    projector = [type(layer).__name__ for layer in model.projector]
    block = ["Linear", "BatchNorm1d", "ReLU"]
    assert projector == [*block, *block, "Linear", "BatchNorm1d"]
    last = model.projector[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert not last.affine
    assert [type(layer).__name__ for layer in model.predictor] == [*block, "Linear"]
    widths = [layer.weight.shape for layer in model.predictor if isinstance(layer, nn.Linear)]
    assert widths == [(4, 16), (16, 4)]


def test_layers_before_a_batch_norm_have_no_bias() -> None:
    for last_norm in (False, True):
        head = mlp_head([6, 8, 5], last_norm)
        linear = [layer for layer in head if isinstance(layer, nn.Linear)]
        assert [layer.bias is None for layer in linear] == [True, last_norm]
        assert head(torch.randn(4, 6)).shape == (4, 5)


# --- Output -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", METHODS)
def test_outputs(build: Build) -> None:
    output = build()(*views())
    assert isinstance(output, ContrastiveOutput)
    assert output.loss.shape == ()
    assert output.z1.shape == output.z2.shape
    assert len(output.z1) == 4
    assert not output.z1.requires_grad
    assert not output.z2.requires_grad


@pytest.mark.parametrize("build", METHODS)
def test_the_same_state_and_views_give_the_same_loss(build: Build) -> None:
    model, pair = build(), views()
    losses = []
    for twin in (copy.deepcopy(model), copy.deepcopy(model)):
        torch.manual_seed(5)
        losses.append(twin(*pair).loss)
    assert torch.equal(*losses)


# --- SimSiam ----------------------------------------------------------------------------------------------


def test_simsiams_loss_is_symmetric_and_uses_no_negatives() -> None:
    model, (view1, view2) = simsiam(), views()
    loss = model(view1, view2).loss
    z1, z2 = model.projector(model.encoder(view1)), model.projector(model.encoder(view2))
    p1, p2 = model.predictor(z1), model.predictor(z2)
    assert torch.allclose(loss, naive_cosine(p1, z2) / 2 + naive_cosine(p2, z1) / 2, atol=1e-6)
    assert torch.allclose(loss, model(view2, view1).loss, atol=1e-6)
    assert -1 <= loss.item() <= 1


def test_simsiams_gradient_does_not_pass_the_stop() -> None:
    model, (view1, view2) = simsiam(), views()
    actual = gradients(model, model(view1, view2).loss)
    z1, z2 = model.projector(model.encoder(view1)), model.projector(model.encoder(view2))
    p1, p2 = model.predictor(z1), model.predictor(z2)
    stopped = gradients(model, (naive_cosine(p1, z2.detach()) + naive_cosine(p2, z1.detach())) / 2)
    z1, z2 = model.projector(model.encoder(view1)), model.projector(model.encoder(view2))
    p1, p2 = model.predictor(z1), model.predictor(z2)
    open_way = gradients(model, (naive_cosine(p1, z2) + naive_cosine(p2, z1)) / 2)
    assert actual.keys() == stopped.keys() == trainable(model).keys()
    for name, value in actual.items():
        assert torch.allclose(value, stopped[name], atol=1e-6), name
    first = "encoder.1.weight"
    assert not torch.allclose(actual[first], open_way[first], rtol=0.05, atol=1e-5)
    unstopped = simsiam(stop_gradient=False)
    unstopped.load_state_dict(model.state_dict())
    without = gradients(unstopped, unstopped(view1, view2).loss)
    for name, value in without.items():
        assert torch.allclose(value, open_way[name], atol=1e-6), name


# --- SimCLR -----------------------------------------------------------------------------------------------


def test_simclrs_loss_is_nt_xent_of_the_projections() -> None:
    model, (view1, view2) = simclr(), views()
    output = model(view1, view2)
    z1, z2 = model.projector(model.encoder(view1)), model.projector(model.encoder(view2))
    assert torch.allclose(output.z1, z1, atol=1e-6)
    assert torch.allclose(output.loss, nt_xent(z1, z2, model.temperature), atol=1e-6)


# --- MoCo -------------------------------------------------------------------------------------------------


def test_the_key_encoder_starts_as_a_copy_that_is_not_trained() -> None:
    model = moco()
    for key, query in zip(model.encoder_k.parameters(), model.encoder_q.parameters(), strict=True):
        assert torch.equal(key, query)
        assert key is not query
        assert query.requires_grad
        assert not key.requires_grad
    assert model.encoder is model.encoder_q[0]
    assert torch.allclose(model.queue.norm(dim=0), torch.ones(12))


def test_no_gradient_reaches_the_key_encoder_or_the_queue() -> None:
    model, (view1, view2) = moco(), views()
    view2.requires_grad_()
    model(view1, view2).loss.backward()
    assert_no_gradients(model.encoder_k)
    assert_finite_gradients(model.encoder_q)
    assert view2.grad is None
    assert not model.queue.requires_grad


def test_the_key_encoder_follows_by_the_momentum_formula() -> None:
    model, pair = moco(momentum=0.9), views()
    with torch.no_grad():
        for parameter in model.encoder_q.parameters():
            parameter.add_(torch.randn_like(parameter))
    before = [parameter.clone() for parameter in model.encoder_k.parameters()]
    for _ in range(2):
        model(*pair)
        queries = list(model.encoder_q.parameters())
        before = [0.9 * key + 0.1 * query for key, query in zip(before, queries, strict=True)]
        for key, expected in zip(model.encoder_k.parameters(), before, strict=True):
            assert torch.allclose(key, expected, atol=1e-6)


def test_the_loss_uses_the_queue_as_it_was_before_this_batch() -> None:
    model, pair = moco(), views()
    queue = model.queue.clone()
    output = model(*pair)
    assert torch.allclose(output.loss, info_nce(output.z1, output.z2, queue, model.temperature), atol=1e-6)
    assert torch.equal(model.queue[:, :4], output.z2.T)
    assert torch.equal(model.queue[:, 4:], queue[:, 4:])
    assert torch.allclose(output.z2.norm(dim=1), torch.ones(4))


def test_the_queue_against_a_naive_one() -> None:
    model = moco(queue_size=12)
    slots, pointer = list(model.queue.T.clone()), 0
    for _ in range(8):
        keys = F.normalize(torch.randn(4, 10), dim=1)
        model.enqueue(keys)
        for key in keys:
            slots[pointer] = key
            pointer = (pointer + 1) % 12
        assert torch.equal(model.queue, torch.stack(slots, dim=1))
        assert int(model.queue_ptr) == pointer


def test_a_batch_that_does_not_fill_the_queue_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match="12 is not a multiple of the batch of 5"):
        moco(queue_size=12).enqueue(torch.randn(5, 10))


def test_gathered_keys_of_all_processes_enter_the_queue() -> None:
    model, pair = moco(queue_size=16), views()
    output = model(*pair, gather=lambda keys: torch.cat([keys, -keys]))
    assert torch.equal(model.queue[:, :8], torch.cat([output.z2, -output.z2]).T)
    assert int(model.queue_ptr) == 8


def test_the_loss_in_eval_mode_changes_no_state() -> None:
    model = moco().eval()
    before = copy.deepcopy(model.state_dict())
    model(*views())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_keys_belong_to_their_images_whatever_the_order() -> None:
    model, (view1, view2) = moco().eval(), views(6)
    expected = F.normalize(model.encoder_k(view2), dim=1)
    for seed in range(4):
        torch.manual_seed(seed)
        assert torch.allclose(model(view1, view2).z2, expected, atol=1e-6)


# --- Learning ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", METHODS)
def test_every_trained_parameter_gets_a_gradient(build: Build) -> None:
    model = build()
    model(*views()).loss.backward()
    assert_finite_gradients(model)


def losses_of_sixty_steps(model: nn.Module) -> tuple[list[float], float]:
    """Train on four batches of sixteen images in turn; return the losses and the last spread of z."""
    optimizer = torch.optim.Adam(trainable(model).values(), lr=0.01)
    batches = torch.rand(4, 16, 3, 8, 8) * 2 - 1
    losses = []
    for step in range(60):
        pictures = batches[step % 4]
        view1, view2 = (pictures + 0.1 * torch.randn_like(pictures) for _ in range(2))
        output = model(view1, view2)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        losses.append(output.loss.item())
    return losses, std_of_l2_normalized(output.z1)


def test_simsiam_learns_without_collapsing() -> None:
    losses, spread = losses_of_sixty_steps(simsiam())
    assert abs(losses[0]) < 0.3
    assert losses[-1] < -0.7
    assert spread > 0.5


def test_simclr_learns_to_match_views() -> None:
    losses, _ = losses_of_sixty_steps(SimCLR(encoder(), FEATURES, dim=12, temperature=0.1))
    assert losses[-1] < losses[0] / 4


def test_moco_learns_to_match_keys() -> None:
    losses, _ = losses_of_sixty_steps(moco(queue_size=32))
    assert losses[-1] < losses[4] / 2  # by then the random start has left the queue


# --- Against lightly --------------------------------------------------------------------------------------


def with_our_weights(head: nn.Module, ours: nn.Module) -> nn.Module:
    """Lightly's head with the weights and the mode of ours; a name that one of them lacks is an error."""
    head.load_state_dict({f"layers.{name}": value for name, value in ours.state_dict().items()}, strict=True)
    return head.train(ours.training)


def shuffled_norms(head: nn.Module) -> nn.Module:
    """A head whose batch norms are not those of the start, so that their place and order count."""
    for name, value in head.state_dict().items():
        if value.is_floating_point() and value.dim() == 1:
            value.copy_(0.5 + torch.rand(value.shape) if "var" in name else 0.5 * torch.randn(value.shape))
    return head


@torch.no_grad()
@pytest.mark.parametrize("training", [True, False])
def test_heads_are_lightlys(training: bool) -> None:
    heads = pytest.importorskip("lightly.models.modules.heads", reason="lightly is not installed")
    hidden = (24, 24, nn.BatchNorm1d(24), nn.ReLU())
    pairs = [
        (mlp_head([24, 16, 16, 16], last_norm=True), heads.SimSiamProjectionHead(24, 16, 16)),
        (mlp_head([16, 4, 16]), heads.SimSiamPredictionHead(16, 4, 16)),
        (mlp_head([24, 24, 12]), heads.ProjectionHead([hidden, (24, 12, None, None)])),  # SimCLR's and MoCo's here
    ]
    for ours, theirs in pairs:
        shuffled_norms(ours).train(training)
        features = torch.randn(6, int(ours.state_dict()["0.weight"].shape[1]))
        theirs = with_our_weights(theirs, ours)
        assert torch.allclose(ours(features), theirs(features), atol=1e-5)


def test_simsiams_loss_is_lightlys() -> None:
    losses = pytest.importorskip("lightly.loss", reason="lightly is not installed")
    model, (view1, view2), criterion = simsiam(), views(), losses.NegativeCosineSimilarity()
    z1, z2 = (model.projector(model.encoder(view)) for view in (view1, view2))
    p1, p2 = model.predictor(z1), model.predictor(z2)
    expected = 0.5 * (criterion(p1, z2.detach()) + criterion(p2, z1.detach()))
    out = model(view1, view2)
    assert torch.allclose(out.loss, expected, atol=1e-5)
    theirs = gradients(model, expected)
    ours = gradients(model, out.loss)
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_nt_xent_is_lightlys(temperature: float) -> None:
    losses = pytest.importorskip("lightly.loss", reason="lightly is not installed")
    z1, z2 = torch.randn(2, 5, 8, requires_grad=True)
    expected = losses.NTXentLoss(temperature=temperature)(z1, z2)
    assert torch.allclose(nt_xent(z1, z2, temperature), expected, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.07, 0.2])
def test_info_nce_is_lightlys_with_a_memory_bank(temperature: float) -> None:
    losses = pytest.importorskip("lightly.loss", reason="lightly is not installed")
    criterion = losses.NTXentLoss(temperature=temperature, memory_bank_size=(11, 8))
    query, key = torch.randn(5, 8), torch.randn(5, 8)
    queue = criterion.memory_bank.bank.T.clone()
    expected = criterion(query, key)
    assert torch.allclose(info_nce(query, key, queue, temperature), expected, atol=1e-4)
    assert expected > 0.5
