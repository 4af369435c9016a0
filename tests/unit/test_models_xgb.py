from dataclasses import replace

import numpy as np
import pytest
import xgboost
from sklearn.metrics import roc_auc_score

from models import xgb_search
from models.xgb import Settings, as_input, class_weight, load, predict, train

NAMES = ("signal", "noise", "empty")


def problem(n, seed):
    """The target follows the first column; the second is noise, the third has no value."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=(n, 2)), np.full(n, np.nan)]).astype(np.float32)
    chance = 1 / (1 + np.exp(-3 * matrix[:, 0]))
    return matrix, (rng.random(n) < chance).astype(np.int8)


@pytest.fixture(scope="module")
def trained():
    matrix, target = problem(600, 1)
    return train(matrix, target, validation=problem(200, 2), features=NAMES, settings=Settings())


def test_model_finds_the_signal(trained):
    matrix, target = problem(2000, 3)
    scores = predict(load(trained.model), as_input(matrix, NAMES))
    # The best any model can do on this noise, less what 600 rows cost.
    best = roc_auc_score(target, matrix[:, 0])
    assert best - 0.03 < roc_auc_score(target, scores) <= best + 0.005
    gains = {name: found["gain"] for name, found in trained.importances.items()}
    assert max(gains, key=gains.__getitem__) == "signal" and "empty" not in gains


def test_training_twice_gives_the_same_bytes(trained):
    matrix, target = problem(600, 1)
    again = train(matrix, target, validation=problem(200, 2), features=NAMES, settings=Settings())
    assert again.model == trained.model
    other = train(matrix, target, validation=problem(200, 2), features=NAMES,
                  settings=Settings(seed=7))  # fmt: skip
    assert other.model != trained.model


def test_cut_booster_is_the_one_trained_with_the_best_number_of_rounds(trained):
    assert trained.stopped_early and trained.rounds > 1
    matrix, target = problem(600, 1)
    retrained = xgboost.train(
        Settings().parameters(target),
        xgboost.DMatrix(matrix, label=target, feature_names=list(NAMES)),
        num_boost_round=trained.rounds,
    )
    data = as_input(problem(300, 4)[0], NAMES)
    np.testing.assert_array_equal(predict(load(trained.model), data), retrained.predict(data))


def test_validation_auc_is_that_of_the_stored_model(trained):
    matrix, target = problem(200, 2)
    scores = predict(load(trained.model), as_input(matrix, NAMES))
    assert trained.validation_auc == pytest.approx(roc_auc_score(target, scores), abs=1e-6)


def test_validation_with_one_class_trains_a_fixed_number_of_rounds():
    matrix, target = problem(300, 1)
    one_class = (matrix[:20], np.zeros(20, dtype=np.int8))
    found = train(matrix, target, validation=one_class, features=NAMES,
                  settings=Settings(rounds_unvalidated=7))  # fmt: skip
    assert (found.rounds, found.stopped_early, found.validation_auc) == (7, False, None)
    assert load(found.model).num_boosted_rounds() == 7


def test_weight_balances_the_classes():
    target = np.array([1, 0, 0, 0], dtype=np.int8)
    assert class_weight(target) == 3.0
    assert replace(Settings(), weigh_classes=True).parameters(target)["scale_pos_weight"] == 3.0
    assert Settings().parameters(target)["scale_pos_weight"] == 1.0


def test_search_walks_the_stages_to_the_optimum(monkeypatch):
    seen = []

    def auc(data, target, settings, folds):
        """Best at depth 6, child weight 4, shares 0.9 and 0.7, eta 0.05."""
        seen.append(settings)
        return -(abs(settings.max_depth - 6) + abs(settings.min_child_weight - 4)
                 + abs(settings.subsample - 0.9) + abs(settings.colsample_bytree - 0.7)
                 + settings.eta)  # fmt: skip

    monkeypatch.setattr(xgb_search, "_cross_validated_auc", auc)
    matrix, target = problem(50, 1)
    best = xgb_search.search(matrix, target, groups=[str(i) for i in range(50)],
                             settings=Settings())  # fmt: skip
    assert (best.max_depth, best.min_child_weight, best.eta) == (6, 4, 0.05)
    assert (best.subsample, best.colsample_bytree) == (0.9, 0.7)
    # Nine, nine and four candidates, then the refinements within [3, 7) and [1, 5).
    assert [(s.max_depth, s.min_child_weight) for s in seen[:9]] == [
        (d, w) for d in (3, 5, 7) for w in (1, 3, 5)
    ]
    assert [(s.subsample, s.colsample_bytree) for s in seen[9:18]][0] == (1.0, 1.0)
    assert [s.eta for s in seen[18:22]] == [0.3, 0.2, 0.1, 0.05]
    assert all(3 <= s.max_depth < 7 and 1 <= s.min_child_weight < 5 for s in seen[22:])


def test_search_runs_and_does_not_lose_to_its_start():
    matrix, target = problem(240, 1)
    start = Settings(max_rounds=5)
    groups = [str(i // 2) for i in range(240)]
    best = xgb_search.search(matrix, target, groups=groups, settings=start)
    data = xgboost.DMatrix(matrix, label=target)

    def auc(settings):
        return xgboost.cv(settings.parameters(target), data, num_boost_round=5, nfold=5,
                          stratified=True, seed=3)["test-auc-mean"].max()  # fmt: skip

    # Other folds than those searched on, hence the slack.
    assert auc(best) > auc(start) - 0.02
