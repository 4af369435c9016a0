import numpy as np
import pytest
from scipy.optimize import minimize

from models.evaluation.consistency import PROJECTIONS, consistent, is_consistent, nearest_above
from models.taxonomy import parse_taxonomy
from udfs.errors import ContractError

TREE = """
[a]
name = "a"
column = "a"
kind = "ontological"
trained = true

[b]
name = "b"
column = "b"
kind = "ontological"
parent = "a"
trained = true

[c]
name = "c"
column = "c"
kind = "ontological"
parent = "a"
trained = true

[d]
name = "d"
column = "d"
kind = "ontological"
parent = "b"
trained = true

[e]
name = "e"
column = "e"
kind = "ontological"
trained = true
"""
# d below b below a; c below a; e alone. The columns stand in another order than the tree.
LABELS = ("d", "a", "e", "c", "b")
ABOVE = {0: 4, 4: 1, 3: 1}


@pytest.fixture(scope="module")
def taxonomy():
    return parse_taxonomy(TREE, source="tree.toml")


@pytest.fixture
def scores():
    return np.random.default_rng(5).random((200, len(LABELS)))


@pytest.mark.parametrize("how", PROJECTIONS)
def test_no_child_above_its_parent(how, taxonomy, scores):
    fixed = consistent(scores, LABELS, taxonomy, how=how)
    for child, parent in ABOVE.items():
        assert np.all(fixed[:, child] <= fixed[:, parent] + 1e-15)
    np.testing.assert_array_equal(fixed[:, 2], scores[:, 2])


@pytest.mark.parametrize("how", PROJECTIONS)
def test_consistent_rows_and_rows_with_gaps_stay(how, taxonomy, scores):
    fine = scores[is_consistent(scores, ABOVE)]
    assert 0 < len(fine) < len(scores)
    np.testing.assert_array_equal(consistent(fine, LABELS, taxonomy, how=how), fine)
    gap = np.array([[0.9, 0.1, 0.5, 0.5, np.nan]])
    np.testing.assert_array_equal(consistent(gap, LABELS, taxonomy, how=how), gap)


def test_lift_and_lower_by_hand(taxonomy):
    row = np.array([[0.9, 0.2, 0.5, 0.3, 0.1]])  # d a e c b
    lifted = consistent(row, LABELS, taxonomy, how="lift")
    np.testing.assert_allclose(lifted, [[0.9, 0.9, 0.5, 0.3, 0.9]])
    lowered = consistent(row, LABELS, taxonomy, how="lower")
    np.testing.assert_allclose(lowered, [[0.1, 0.2, 0.5, 0.2, 0.1]])
    mean = consistent(row, LABELS, taxonomy, how="mean")
    np.testing.assert_allclose(mean, [[0.5, 0.55, 0.5, 0.25, 0.5]])


def test_nearest_has_the_least_squared_change(taxonomy, scores):
    wrong = scores[~is_consistent(scores, ABOVE)][:12]
    found = consistent(wrong, LABELS, taxonomy, how="nearest")
    limits = [
        {"type": "ineq", "fun": lambda x, c=c, p=p: x[p] - x[c]} for c, p in ABOVE.items()
    ]  # fmt: skip
    for row, ours in zip(wrong, found, strict=True):
        best = minimize(
            lambda x, row=row: ((x - row) ** 2).sum(), row, constraints=limits, method="SLSQP",
            options={"ftol": 1e-14},
        )  # fmt: skip
        # SLSQP stops at a relative change of 1e-14 of the sum, about 1e-7 of the values.
        np.testing.assert_allclose(ours, best.x, atol=1e-6)


def test_the_scored_ancestor_counts_where_the_parent_has_no_scores(taxonomy):
    assert nearest_above(taxonomy, ("d", "a")) == {"d": "a"}
    lifted = consistent(np.array([[0.8, 0.3]]), ("d", "a"), taxonomy, how="lift")
    np.testing.assert_allclose(lifted, [[0.8, 0.8]])


def test_an_unknown_projection_is_named(taxonomy, scores):
    with pytest.raises(ContractError, match="projection is 'max', expected one of lift, lower"):
        consistent(scores, LABELS, taxonomy, how="max")
