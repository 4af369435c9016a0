"""Training of a network in one process."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from models.networks.architecture import (
    Architecture,
    build,
    ordered_variables,
    weight_shapes,
)
from models.networks.checkpoint import CheckpointFile
from models.networks.loss import loss_of, total_loss
from models.networks.runtime import Network
from models.networks.schedule import Schedule
from models.networks.stored import from_bytes, to_bytes, together
from models.networks.training import Examples, NetworkPlan, train_network
from udfs.errors import ContractError

ARCHITECTURE = Architecture("scope", n_features=3, n_outputs=2)
PLAN = NetworkPlan(epochs=6, batch=32, schedule=Schedule(learning_rate=3e-3))


def examples(n: int, *, seed: int = 0) -> Examples:
    """The first label is told by a feature, the second by the image."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3)).astype(np.float32)
    image = rng.random((n, 26, 26, 1)).astype(np.float32)
    bright = rng.random(n) < 0.5
    image[bright, 8:18, 8:18] += 1.0
    target = np.stack([features[:, 1] > 0, bright], axis=1).astype(np.float32)
    return Examples(features, image, target, np.ones_like(target), np.arange(n))


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture("scope", 61),
        Architecture("scope", 35, n_outputs=44, head_units=64),
        Architecture("acai", 25),
        Architecture("braai", 0),
    ],
)
def test_stored_order_has_the_shapes_of_keras(architecture):
    variables = ordered_variables(build(architecture), architecture)
    assert [tuple(v.shape) for v in variables] == [s for _, s in weight_shapes(architecture)]
    model = build(architecture)
    assert model.count_params() - sum(int(np.prod(v.shape)) for v in variables) == 0


def test_numbers_of_parameters_are_the_published_ones():
    def total(architecture):
        return sum(int(np.prod(shape)) for _, shape in weight_shapes(architecture))

    assert total(Architecture("acai", 25)) == 7_340


def test_stored_network_comes_back_and_equal_ones_have_equal_bytes():
    weights = [np.full(s, 0.5, np.float32) for _, s in weight_shapes(ARCHITECTURE)]
    content = to_bytes(ARCHITECTURE, weights)
    architecture, found = from_bytes(content)
    assert architecture == ARCHITECTURE
    assert all(np.array_equal(a, b) for a, b in zip(weights, found, strict=True))
    assert to_bytes(architecture, found) == content


def test_damaged_or_foreign_weights_are_refused():
    weights = [np.zeros(s, np.float32) for _, s in weight_shapes(ARCHITECTURE)]
    with pytest.raises(ContractError, match="not a stored network"):
        from_bytes(to_bytes(ARCHITECTURE, weights)[:200])
    with pytest.raises(ContractError, match="features_1.kernel: shape"):
        to_bytes(Architecture("scope", n_features=4, n_outputs=2), weights)
    weights[0] = weights[0] * np.nan
    with pytest.raises(ContractError, match="conv_1.depthwise: 9 of 9 values are not finite"):
        to_bytes(ARCHITECTURE, weights)


def test_learns_from_features_and_from_images():
    trained = train_network(ARCHITECTURE, examples(512), examples(128, seed=1), plan=PLAN)
    model = build(ARCHITECTURE)
    for variable, value in zip(
        ordered_variables(model, ARCHITECTURE), trained.weights, strict=True
    ):
        variable.assign(value)
    unseen = examples(256, seed=2)
    right = (model([unseen.features, unseen.image]).numpy() > 0.5) == (unseen.target > 0.5)
    assert right.mean(axis=0).min() > 0.9
    assert trained.history[-1]["validation_loss"] < 0.5 * trained.history[0]["validation_loss"]


def test_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path):
    train, validation = examples(96), examples(48, seed=1)
    whole = train_network(ARCHITECTURE, train, validation, plan=PLAN)
    checkpoint = CheckpointFile(str(tmp_path / "checkpoints" / "rrab.npz"))

    def killed(epoch, _):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network(
            ARCHITECTURE, train, validation, plan=PLAN, checkpoint=checkpoint, on_epoch=killed
        )
    epochs = []
    resumed = train_network(
        ARCHITECTURE, train, validation, plan=PLAN, checkpoint=checkpoint,
        on_epoch=lambda epoch, _: epochs.append(epoch),
    )  # fmt: skip
    assert epochs == [3, 4, 5]
    assert resumed.history == whole.history
    assert all(np.array_equal(a, b) for a, b in zip(resumed.weights, whole.weights, strict=True))


def test_unknown_answers_teach_nothing():
    known, validation = examples(64), examples(32, seed=1)
    weight = known.weight.copy()
    weight[:, 1] = 0.0
    masked = replace(known, weight=weight)
    lies = replace(masked, target=np.stack([known.target[:, 0], 1 - known.target[:, 1]], axis=1))
    plan = replace(PLAN, epochs=1)
    one, other = (train_network(ARCHITECTURE, e, validation, plan=plan) for e in (masked, lies))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))


def test_focal_loss_is_the_formula_of_its_paper():
    p, target = np.array([[0.9, 0.2]], np.float32), np.array([[1.0, 0.0]], np.float32)
    weight = np.ones((1, 2), np.float32)
    expected = np.mean([-(0.1**2) * np.log(0.9), -(0.2**2) * np.log(0.8)])
    assert float(loss_of("focal", 2.0)(p, target, weight)) == pytest.approx(expected, rel=1e-5)
    expected = np.mean([-np.log(0.9), -np.log(0.8)])
    assert float(loss_of("binary", 2.0)(p, target, weight)) == pytest.approx(expected, rel=1e-5)
    assert total_loss(p, target, weight) == pytest.approx([2 * expected, 2.0], rel=1e-6)


def test_features_that_are_not_finite_end_the_training_with_a_line():
    train = examples(64)
    train.features[5, 1] = np.inf
    with pytest.raises(ContractError, match="the training diverged"):
        train_network(ARCHITECTURE, train, examples(32, seed=1), plan=PLAN)


def test_networks_that_answer_together_give_the_mean_of_their_logits():
    def weights(seed):
        rng = np.random.default_rng(seed)
        return [rng.normal(0, 0.3, s).astype(np.float32) for _, s in weight_shapes(ARCHITECTURE)]

    rows = examples(20)
    members = [weights(seed) for seed in (1, 2, 3)]
    alone = [
        Network.load(to_bytes(ARCHITECTURE, own)).predict(rows.features, rows.image)
        for own in members
    ]
    content = to_bytes(*together(ARCHITECTURE, members))
    assert from_bytes(content)[0].members == 3
    expected = expit(np.mean([logit(p.astype(float)) for p in alone], axis=0))
    found = Network.load(content).predict(rows.features, rows.image)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ContractError, match="60 arrays of weights, found 59"):
        to_bytes(from_bytes(content)[0], from_bytes(content)[1][:-1])
