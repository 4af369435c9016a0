import numpy as np
import pytest

from models.acai import training
from models.acai.alert_table import AlertTable, check_letters
from models.acai.balance import balance
from models.acai.training import AlertPlan, train_alert_label
from models.networks.architecture import weight_shapes
from models.networks.schedule import State
from models.networks.stored import from_bytes
from models.networks.training import Surroundings, Trained
from models.splits import TEST, TRAIN, VALIDATION
from udfs.errors import ContractError


@pytest.mark.parametrize(
    ("negative", "positive", "sizes"),
    [(100, 10, (25, 10)), (10, 100, (10, 25)), (10, 12, (10, 12)), (7, 3, (7, 3)), (0, 5, (0, 0))],
)
def test_the_larger_class_is_thinned_whichever_it_is(negative, positive, sizes):
    target = np.repeat([0, 1], [negative, positive]).astype(np.int8)
    kept, dropped = balance(target, ratio=2.5, seed=1)
    assert tuple(np.bincount(target[kept], minlength=2)) == sizes
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, dropped])), np.arange(len(target)))
    again = balance(target, ratio=2.5, seed=1)[0]
    np.testing.assert_array_equal(kept, again)
    if len(kept) and len(dropped) > 1:
        assert not np.array_equal(kept, balance(target, ratio=2.5, seed=2)[0])


def test_an_infinite_ratio_keeps_all():
    target = np.repeat([0, 1], [50, 2]).astype(np.int8)
    assert len(balance(target, ratio=np.inf, seed=1)[0]) == 52


@pytest.fixture
def table():
    """400 alerts, one in eight of class h; feature 0 is what the pretended network says."""
    n = 400
    letter = np.where(np.arange(n) % 8 == 0, "h", np.where(np.arange(n) % 2, "v", "b"))
    part = np.tile([TRAIN] * 7 + [TEST] + [TRAIN] * 7 + [VALIDATION], n // 16)
    part[::8] = np.tile([TRAIN, TRAIN, TRAIN, VALIDATION, TEST], n // 40)
    features = np.zeros((n, 25), dtype=np.float32)
    return AlertTable(
        candid=np.arange(n), object_id=np.array([f"s{i}" for i in range(n)]), star=np.arange(n),
        part=part.astype(np.int8), letter=letter, features=features,
        image=np.zeros((n, 63, 63, 3), dtype=np.float32),
    )  # fmt: skip


@pytest.fixture
def pretend(monkeypatch, table):
    """Trainings that only take notes, and a network that is wrong where it is told to be."""
    calls, losses, wrong = [], [0.5, 0.4, 0.6, 0.3], set()

    def train_network(architecture, train, validation, **_):
        state = State(epoch=3, best_epoch=1, best_loss=losses[len(calls)])
        calls.append((architecture, train, validation))
        weights = [
            np.full(shape, len(calls), np.float32) for _, shape in weight_shapes(architecture)
        ]
        return Trained(architecture, weights, state, [])

    def scores_of(content, table, rows):
        answers = table.target("acai_h")[rows]
        return np.where([i in wrong for i in rows], 1 - answers, answers).astype(np.float32)

    monkeypatch.setattr(training, "train_network", train_network)
    monkeypatch.setattr(training, "scores_of", scores_of)
    return calls, wrong, losses


def train(table, **changes):
    plan = AlertPlan(**{"rounds": 3, "resamples": 5, **changes})
    return train_alert_label(table, "acai_h", plan=plan, where=Surroundings())


def test_hard_negatives_join_the_training_part_until_none_is_left(table, pretend):
    calls, wrong, _ = pretend
    training_part = np.flatnonzero(table.part == TRAIN)
    target = table.target("acai_h")
    kept, dropped = balance(target[training_part], ratio=2.5, seed=42)
    first = training_part[kept]
    hard = training_part[dropped[::9]]
    wrong.update(hard.tolist())
    result = train(table)
    assert len(calls) == 2
    np.testing.assert_array_equal(calls[0][1].rows, first)
    np.testing.assert_array_equal(calls[1][1].rows, np.sort(np.concatenate([first, hard])))
    for _, _, validation in calls:
        np.testing.assert_array_equal(validation.rows, np.flatnonzero(table.part == VALIDATION))
    assert result.summary["hard_negatives"] == [len(hard)]
    # The second training has the lower loss: its weights are kept.
    assert from_bytes(result.model)[1][0].flat[0] == 2


def test_a_round_that_does_not_help_is_not_kept(table, pretend):
    calls, wrong, losses = pretend
    wrong.update(range(len(table.candid)))
    losses[:] = [0.4, 0.5]
    result = train(table, rounds=2)
    # All dropped negatives are wrong: they are in after one round, and nothing is left for more.
    assert len(calls) == 2 and result.summary["validation_loss"] == 0.4
    assert from_bytes(result.model)[1][0].flat[0] == 1
    np.testing.assert_array_equal(result.test.rows, np.flatnonzero(table.part == TEST))


def test_braai_reads_no_features_and_says_real(table, pretend):
    calls, _, _ = pretend
    plan = AlertPlan(rounds=0, resamples=5)
    result = train_alert_label(table, "braai", plan=plan, where=Surroundings())
    architecture, examples, _ = calls[0]
    assert architecture.family == "braai" and examples.features is None
    assert (examples.target[:, 0] == (table.letter != "b")).all()
    assert result.summary["kind"] == "triplets"


def test_what_cannot_be_trained_is_told(table):
    assert table.why_untrainable("acai_h", 20) is None
    assert table.why_untrainable("acai_h", 51) == "50 positive alerts, 51 needed"
    assert table.why_untrainable("acai_o", 1) == "0 positive alerts, 1 needed"
    lone = AlertTable(**{**vars(table), "part": np.full(400, TRAIN, np.int8)})
    assert "fell outside the validation part" in lone.why_untrainable("acai_h", 1)
    with pytest.raises(ContractError, match=r"x.csv: unknown label 'z'; expected h \(hosted\)"):
        check_letters({"h", "z"}, where="x.csv")
