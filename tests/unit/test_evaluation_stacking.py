import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from models.evaluation.stacking import Stack, common_stack, fit_stack, logits
from udfs.errors import ContractError

MEAN = Stack(np.array([0.5, 0.5]), 0.0)


def two_models(n, noise, seed):
    """Answers, and two models that see the same logit through noise of their own."""
    rng = np.random.default_rng(seed)
    target = (rng.random(n) < 0.3).astype(np.int8)
    seen = [3.0 * target - 1.5 + rng.normal(0, s, n) for s in noise]
    return target, 1 / (1 + np.exp(-np.column_stack(seen)))


def test_the_stack_beats_both_models_on_fresh_examples():
    stack = fit_stack(*two_models(400, (1.5, 2.0), seed=1), start=MEAN)
    target, scores = two_models(20_000, (1.5, 2.0), seed=2)
    alone = max(average_precision_score(target, scores[:, i]) for i in (0, 1))
    assert average_precision_score(target, stack.apply(scores)) > alone + 0.02


def test_much_evidence_weighs_the_models_as_theory_does():
    # Independent noise: the best weights are inversely proportional to its variance.
    stack = fit_stack(*two_models(50_000, (1.0, 2.0), seed=3), start=MEAN)
    assert stack.weights[0] / stack.weights[1] == pytest.approx(4.0, rel=0.1)


def test_little_evidence_weighs_them_alike():
    def inequality(weights):
        return np.abs(weights[0] - weights[1]) / np.abs(weights).sum()

    ours, plain = [], []
    for seed in range(20):
        target, scores = two_models(12, (1.5, 1.5), seed=seed)
        if len(set(target)) == 2:
            ours.append(inequality(fit_stack(target, scores, start=MEAN).weights))
            fitted = LogisticRegression().fit(logits(scores), target)
            plain.append(inequality(fitted.coef_[0]))
    assert np.mean(ours) < 0.75 * np.mean(plain)


def test_a_rare_label_learns_from_the_others_which_model_to_trust():
    others = [two_models(400, (1.0, 2.5), seed=seed) for seed in range(10)]
    rare = two_models(20, (1.0, 2.5), seed=31)
    target, scores = two_models(20_000, (1.0, 2.5), seed=32)
    found = {
        name: average_precision_score(target, fit_stack(*rare, start=start).apply(scores))
        for name, start in (("mean", MEAN), ("common", common_stack([*others, rare])))
    }
    assert found["common"] > found["mean"] + 0.005


def test_labels_without_positives_count_for_the_common_stack():
    none = np.zeros(50, dtype=np.int8), np.full((50, 2), 0.3)
    some = two_models(50, (1.0, 1.0), seed=8)
    assert common_stack([some, none]).bias < common_stack([some]).bias
    with pytest.raises(ContractError, match="0 positive and 50 negative"):
        common_stack([none])


def test_a_gap_gives_no_score_and_certainty_no_infinity():
    stack = fit_stack(*two_models(400, (1.0, 1.0), seed=6), start=MEAN)
    found = stack.apply(np.array([[0.0, 1.0], [np.nan, 0.5]]))
    assert np.isfinite(found).tolist() == [True, False]
    assert logits(np.array([0.0, 0.5, 1.0])) == pytest.approx([-13.8155, 0.0, 13.8155], abs=1e-3)


def test_stacking_needs_both_classes():
    with pytest.raises(ContractError, match="0 positive and 2 negative"):
        fit_stack(np.zeros(2, dtype=np.int8), np.full((2, 2), 0.5), start=MEAN)


def test_a_stack_comes_back_from_its_file():
    target, scores = two_models(100, (1.0, 2.0), seed=7)
    stack = fit_stack(target, scores, start=MEAN)
    stored = Stack.from_bytes(stack.to_bytes())
    np.testing.assert_array_equal(stored.apply(scores), stack.apply(scores))
