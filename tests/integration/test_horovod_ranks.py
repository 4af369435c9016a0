"""Ranks of one training over Horovod: two real processes."""

import sys
from dataclasses import replace

import cloudpickle
import numpy as np
import pytest

from models.networks.architecture import Architecture
from models.networks.schedule import Schedule
from models.networks.training import Examples, NetworkPlan, train_network
from udfs.errors import ContractError

horovod = pytest.importorskip("horovod", reason="horovod is not installed: make setup")

# Without dropout, which differs between ranks by design.
ARCHITECTURE = Architecture("scope", n_features=3, n_outputs=2, dropout=0.0)
PLAN = NetworkPlan(epochs=4, batch=32, schedule=Schedule(learning_rate=3e-3))


def examples(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3)).astype(np.float32)
    image = rng.random((n, 26, 26, 1)).astype(np.float32)
    target = np.stack([features[:, 1] > 0, image.mean(axis=(1, 2, 3)) > 0.5], axis=1)
    # Half of the answers of the second label are unknown, and not evenly so among the ranks.
    weight = np.ones((n, 2), np.float32)
    weight[: n // 2, 1] = 0.0
    return Examples(features, image, target.astype(np.float32), weight, np.arange(n))


def train_on_rank(plan, architecture):
    """What each of the processes does; also with gradients that are not averaged."""
    from models.networks.ranks import HorovodRanks

    class Deaf(HorovodRanks):
        def average_gradient(self, gradient):
            return gradient

    train, validation = examples(130, 0), examples(60, 1)
    trained = train_network(architecture, train, validation, plan=plan, ranks=HorovodRanks())
    dropping = replace(architecture, dropout=1.0)
    with_dropout = train_network(dropping, train, validation, plan=plan, ranks=HorovodRanks())
    try:
        train_network(architecture, train, validation, plan=plan, ranks=Deaf())
        drifted = "no error"
    except ContractError as error:
        drifted = str(error)
    return trained, with_dropout, drifted


@pytest.fixture(scope="module")
def results():
    # The ranks do not see the folder of the tests.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return horovod.run(train_on_rank, (PLAN, ARCHITECTURE), num_proc=2, use_gloo=True)


def test_ranks_hold_the_same_weights_to_the_bit(results):
    for first, second in ((results[0][0], results[1][0]), (results[0][1], results[1][1])):
        assert first.history == second.history
        for a, b in zip(first.weights, second.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_two_ranks_with_half_batches_follow_one_rank_with_full_batches(results):
    alone = train_network(ARCHITECTURE, examples(130, 0), examples(60, 1), plan=PLAN)
    together = results[0][0]
    for one, two in zip(alone.history, together.history, strict=True):
        # Sums of float32 gradients in another order; 16 steps of Adam carry it on.
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert two["validation_loss"] == pytest.approx(one["validation_loss"], rel=1e-4)
    for a, b in zip(alone.weights, together.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def test_ranks_that_drift_apart_are_told(results):
    assert all("epoch 0: the ranks hold different weights" in drifted for *_, drifted in results)
