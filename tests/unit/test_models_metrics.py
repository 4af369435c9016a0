import numpy as np
import pytest
from sklearn import metrics as reference

from models.metrics import NAMES, bootstrap, label_metrics, metrics_of, star_resamples


def scores(n=400, seed=3, steps=20):
    """Scores with many ties, better than chance."""
    rng = np.random.default_rng(seed)
    target = (rng.random(n) < 0.2).astype(np.int8)
    score = np.clip(rng.normal(0.35 + 0.35 * target, 0.2), 0, 1)
    return target, (np.round(score * steps) / steps).astype(np.float32)


def by_scikit_learn(target, score, threshold, weight=None):
    yes = score > threshold
    return [
        reference.precision_score(target, yes, sample_weight=weight),
        reference.recall_score(target, yes, sample_weight=weight),
        reference.f1_score(target, yes, sample_weight=weight),
        reference.average_precision_score(target, score, sample_weight=weight),
        reference.roc_auc_score(target, score, sample_weight=weight),
    ]


@pytest.mark.parametrize("steps", [1, 5, 20, 10**6])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_metrics_agree_with_scikit_learn(steps, threshold):
    target, score = scores(steps=steps)
    found = metrics_of(target, score, threshold=threshold)[0]
    np.testing.assert_allclose(found, by_scikit_learn(target, score, threshold), rtol=1e-12)


def test_a_score_equal_to_the_threshold_is_no():
    target = np.array([1, 1, 0], dtype=np.int8)
    score = np.array([0.7, 0.8, 0.1], dtype=np.float32)
    assert metrics_of(target, score, threshold=0.7)[0, 1] == 0.5


def test_resamples_agree_with_weighted_scikit_learn():
    target, score = scores(n=150)
    star = np.arange(150) // 3
    weight = star_resamples(np.random.default_rng(1), star, 20)
    found = metrics_of(target, score, threshold=0.5, weight=weight)
    expected = [by_scikit_learn(target, score, 0.5, weight=w) for w in weight]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_resamples_draw_whole_stars():
    star = np.repeat(np.arange(40), 4)
    weight = star_resamples(np.random.default_rng(1), star, 100)
    assert (weight.reshape(100, 40, 4) == weight.reshape(100, 40, 4)[:, :, :1]).all()
    assert (weight[:, ::4].sum(axis=1) == 40).all()


def test_interval_of_the_recall_is_binomial_for_single_light_curves():
    rng = np.random.default_rng(0)
    target = np.ones(2000, dtype=np.int8)
    score = rng.random(2000).astype(np.float32)
    drawn = bootstrap(target, score, stars=[str(i) for i in range(2000)], threshold=0.7)
    share = np.mean(score > 0.7)
    # A standard deviation from 1,000 resamples is good to 1/sqrt(2000) = 2 %; take 4 of them.
    assert drawn[:, 1].std() == pytest.approx(np.sqrt(share * (1 - share) / 2000), rel=0.09)


def test_copies_of_a_star_do_not_narrow_the_interval():
    target, score = scores(n=300)
    stars = [f"s{i}" for i in range(300)]
    once = bootstrap(target, score, stars=stars, threshold=0.5, seed=1)
    tenfold = bootstrap(np.repeat(target, 10), np.repeat(score, 10),
                        stars=np.repeat(stars, 10).tolist(), threshold=0.5, seed=1)  # fmt: skip
    assert tenfold[:, 3].std() == pytest.approx(once[:, 3].std(), rel=0.1)


def test_counts_and_intervals_enclose_the_values():
    target, score = scores()
    found = label_metrics(target, score, stars=[str(i) for i in range(400)], threshold=0.5)
    matrix = reference.confusion_matrix(target, score > 0.5)
    names = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    assert [found[name] for name in names] == matrix.ravel().tolist()
    for name in NAMES:
        low, high = found[f"{name}_95"]
        assert low < found[name] < high


@pytest.mark.parametrize("only", [0, 1])
def test_undefined_metrics_are_none(only):
    target = np.full(10, only, dtype=np.int8)
    score = np.linspace(0, 0.6, 10, dtype=np.float32)
    found = label_metrics(target, score, stars=["a"] * 10, threshold=0.7)
    assert found["precision"] is None and found["roc_auc"] is None
    assert (found["recall"] is None) == (only == 0)
    assert found["average_precision_95"] is None or only == 1


def test_no_rows_at_all():
    found = label_metrics(np.array([], np.int8), np.array([], np.float32), stars=[], threshold=0.7)
    assert found["light_curves"] == 0 and found["f1"] is None
