import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from models.evaluation.folds import folds_by_light_curve, folds_by_star, parts_of_fold
from models.evaluation.groups import metrics_by_group, quantile_edges
from models.evaluation.macro import LabelScores, macro_average
from models.evaluation.superclasses import class_intervals, class_metrics, highest_class
from models.evaluation.two_models import model_agreement, score_map
from models.splits import TEST, TRAIN, VALIDATION


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_agreement_of_two_models_by_hand():
    first = np.array([0.9, 0.8, 0.75, 0.2, 0.1, np.nan, 0.3])
    second = np.array([0.95, 0.3, 0.71, 0.9, 0.1, 0.9, 0.0])
    found = model_agreement(first, second, threshold=0.7)
    assert found.at_threshold == pytest.approx(4 / 6)
    assert found.yes_at_threshold == pytest.approx(2 / 4)
    # Three highest: rows 0, 1, 2 against 0, 3, 2.
    assert (found.top, found.n_top) == (pytest.approx(2 / 3), 3)
    # The highest is row 0 in both; the lowest are rows 4 and 6.
    assert model_agreement(first, second, threshold=0.7, n_top=1).top == 1.0


def test_agreement_without_a_yes_is_undefined():
    found = model_agreement(np.full(4, 0.1), np.full(4, 0.2), threshold=0.7)
    assert (found.at_threshold, found.yes_at_threshold, found.top) == (1.0, None, None)


def test_score_map_counts_every_pair_once():
    counts = score_map(np.array([0.0, 0.99, 1.0, np.nan]), np.array([1.0, 0.0, 0.0, 0.5]), n_bins=2)
    np.testing.assert_array_equal(counts, [[0, 1], [2, 0]])


def label(rng, n=400, noise=1.0):
    target = (rng.random(n) < 0.3).astype(np.int8)
    scores = {
        name: (target + rng.normal(0, s * noise, n)).astype(np.float32)
        for name, s in (("good", 0.5), ("poor", 2.0))
    }
    return LabelScores(np.arange(n), target, scores)


def test_macro_average_is_the_mean_of_the_average_precisions(rng):
    labels = [label(rng), label(rng, noise=2.0)]
    found = macro_average(labels, np.arange(400), resamples=200)
    for i, of in enumerate(labels):
        for j, name in enumerate(found.models):
            expected = average_precision_score(of.target, of.scores[name])
            assert found.labels[i, j] == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(found.value, found.labels.mean(axis=0))
    low, high = found.interval("good")
    assert low < found.value[0] < high


def test_the_lead_of_a_model_is_surer_than_either_figure(rng):
    of = label(rng)
    shifted = of.scores["good"] + rng.normal(0, 0.1, 400).astype(np.float32)
    pair = LabelScores(of.rows, of.target, {"one": of.scores["good"], "other": shifted})
    found = macro_average([pair], np.arange(400), resamples=200)
    low, high = found.interval("one")
    lead_low, lead_high = found.interval("one", minus="other")
    assert lead_high - lead_low < (high - low) / 3


def test_a_label_counts_its_own_rows_only(rng):
    of = label(rng, n=50)
    later = LabelScores(of.rows + 950, of.target, of.scores)
    # Each of the other 950 rows is of a star of its own, so that few draws are of these 50.
    found = macro_average([later], np.arange(1000), resamples=50)
    shifted = macro_average([of], np.arange(1000), resamples=50)
    assert found.value[0] == shifted.value[0]
    assert np.abs(found.drawn - shifted.drawn).max() > 0


def test_intervals_come_from_stars_not_light_curves(rng):
    of = label(rng, n=100)
    rows = np.repeat(np.arange(100), 5)
    many = LabelScores(np.arange(500), of.target[rows], {"good": of.scores["good"][rows]})
    wide = macro_average([many], rows, resamples=300).interval("good")
    narrow = macro_average([many], np.arange(500), resamples=300).interval("good")
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_groups_partition_the_light_curves(rng):
    value = rng.permutation(101).astype(float)
    value[:3] = np.nan
    target = (rng.random(101) < 0.5).astype(np.int8)
    edges = quantile_edges(value, 4)
    found = metrics_by_group(
        target, rng.random(101).astype(np.float32), value, edges=edges,
        stars=[str(i) for i in range(101)], threshold=0.5, resamples=10,
    )  # fmt: skip
    sizes = [g.metrics["light_curves"] for g in found]
    assert sum(sizes) == 98 and max(sizes) - min(sizes) <= 1
    assert found[-1].high == np.nanmax(value)


def test_a_group_knows_its_own_stars_only():
    target = np.array([1, 1, 0, 0], dtype=np.int8)
    score = np.array([0.9, 0.1, 0.9, 0.1], dtype=np.float32)
    found = metrics_by_group(
        target, score, np.array([1.0, 5.0, 6.0, 2.0]), edges=[0, 3, 9], stars=list("abcd"),
        threshold=0.5, resamples=10,
    )  # fmt: skip
    assert [g.metrics["average_precision"] for g in found] == [1.0, 0.5]
    assert [g.metrics["stars"] for g in found] == [2, 2]


def test_class_metrics_agree_with_scikit_learn(rng):
    true, predicted = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    found = class_metrics(true, predicted, list("abcd"))
    precision, recall, _, _ = precision_recall_fscore_support(true, predicted)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    weighted = precision_recall_fscore_support(true, predicted, average="weighted")[:2]
    np.testing.assert_allclose(
        found.averages, [precision.mean(), recall.mean(), weighted[0], weighted[1]]
    )
    low, high = class_intervals(true, predicted, star=np.arange(500), n_classes=4, resamples=50).T
    assert np.all((low < found.averages) & (found.averages < high))


def test_a_light_curve_without_a_class_counts_against_recall_alone():
    found = class_metrics(np.array([0, 0, 1]), np.array([0, -1, 1]), ["a", "b"])
    np.testing.assert_allclose(found.precision, [1.0, 1.0])
    np.testing.assert_allclose(found.recall, [0.5, 1.0])


def test_a_class_that_is_never_predicted_counts_as_nothing_found():
    found = class_metrics(np.array([0, 1]), np.array([0, 0]), ["a", "b"])
    assert np.isnan(found.precision[1])
    assert found.averages[0] == pytest.approx(0.25)


def test_highest_class_of_known_scores():
    scores = np.array([[0.1, 0.4, np.nan], [np.nan] * 3, [0.9, 0.4, 0.95]])
    np.testing.assert_array_equal(highest_class(scores), [1, -1, 2])


def test_a_star_is_in_one_fold_and_one_part(rng):
    star = np.repeat(np.arange(300), 2)
    fold = folds_by_star(star, 5)
    assert [np.sum(fold == k) for k in range(5)] == [120] * 5
    part = parts_of_fold(fold, star, number=2, n_folds=5)
    np.testing.assert_array_equal(part == TEST, fold == 2)
    for one in (fold, part):
        np.testing.assert_array_equal(one[0::2], one[1::2])
    assert 0.04 < np.mean(part == VALIDATION) < 0.14
    assert np.mean(part == TRAIN) > 0.6


def test_folds_by_light_curve_tear_stars_apart():
    fold = folds_by_light_curve(600, 5)
    assert np.mean(fold[0::2] != fold[1::2]) > 0.7
