import numpy as np
import pytest
from sklearn.metrics import log_loss

from models.evaluation.calibration import fit_calibration, from_bytes, to_bytes
from models.evaluation.reliability import log_losses, reliability
from udfs.errors import ContractError


def overconfident(n=20_000, seed=1):
    """Scores that say 2x their logit: a known map back to the true probabilities."""
    rng = np.random.default_rng(seed)
    true = rng.normal(-1, 1.5, n)
    target = (rng.random(n) < 1 / (1 + np.exp(-true))).astype(np.int8)
    return target, 1 / (1 + np.exp(-2 * true)), 1 / (1 + np.exp(-true))


def test_calibration_recovers_the_true_probabilities():
    target, score, true = overconfident()
    fitted = fit_calibration(target, score)
    fresh_target, fresh_score, fresh_true = overconfident(seed=2)
    mapped = fitted.apply(fresh_score)
    # 20,000 examples in steps of some hundreds: a standard error of a few per cent.
    assert np.abs(mapped - fresh_true).mean() < 0.02
    assert np.abs(fresh_score - fresh_true).mean() > 0.05
    before, after = (reliability(fresh_target, p).expected_error for p in (fresh_score, mapped))
    assert after < before / 3


def test_calibration_keeps_the_order_and_stays_within_bounds():
    target, score, _ = overconfident(n=500)
    fitted = fit_calibration(target, score)
    mapped = fitted.apply(np.linspace(0, 1, 101))
    assert np.all(np.diff(mapped) >= 0)
    positives = int(target.sum())
    assert mapped[0] == pytest.approx(1 / (500 - positives + 2))
    assert mapped[-1] == pytest.approx(1 - 1 / (positives + 2))
    assert np.isnan(fitted.apply(np.array([np.nan, 0.5]))).tolist() == [True, False]


def test_calibration_needs_both_classes():
    with pytest.raises(ContractError, match="3 positive and 0 negative"):
        fit_calibration(np.ones(3, dtype=np.int8), np.array([0.1, 0.2, 0.3]))


def test_calibrations_come_back_from_their_file():
    target, score, _ = overconfident(n=300)
    fitted = fit_calibration(target, score)
    stored = from_bytes(to_bytes({"rrab": fitted}))
    assert list(stored) == ["rrab"]
    np.testing.assert_array_equal(stored["rrab"].apply(score), fitted.apply(score))


def test_reliability_by_hand():
    target = np.array([0, 1, 1, 1, 0], dtype=np.int8)
    curve = reliability(target, np.array([0.1, 0.2, 0.9, 1.0, 0.6]), n_bins=2)
    np.testing.assert_array_equal(curve.count, [2, 3])
    np.testing.assert_allclose(curve.predicted, [0.15, 2.5 / 3])
    np.testing.assert_allclose(curve.observed, [0.5, 2 / 3])
    assert curve.expected_error == pytest.approx((2 * 0.35 + 3 * (0.5 / 3)) / 5)


def test_reliability_leaves_empty_bins_out_of_the_error():
    curve = reliability(np.array([1], dtype=np.int8), np.array([0.95]))
    assert np.isnan(curve.predicted[:9]).all()
    assert curve.expected_error == pytest.approx(0.05)


def test_log_losses_agree_with_scikit_learn():
    target, score, _ = overconfident(n=200)
    assert log_losses(target, score).mean() == pytest.approx(log_loss(target, score), rel=1e-9)
    certain = log_losses(np.array([0], dtype=np.int8), np.array([1.0]))
    assert certain == pytest.approx(-np.log(1e-6))
