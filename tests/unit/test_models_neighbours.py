import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import KNNImputer

from models.neighbours import BLOCK, Neighbours


def with_gaps(rng, n, columns, share):
    """Columns of different width, with gaps; each column has a value in its first row."""
    matrix = rng.normal(15.0, 1.0, (n, columns)) * rng.uniform(0.2, 3.0, columns)
    matrix[rng.random(matrix.shape) < share] = np.nan
    matrix[0] = np.where(np.isnan(matrix[0]), 15.0, matrix[0])
    return matrix


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    references=st.integers(1, 4 * BLOCK),
    columns=st.integers(1, 13),
    count=st.integers(1, 7),
    share=st.sampled_from([0.05, 0.3, 0.7, 0.95]),
)
def test_values_are_those_of_scikit_learn(seed, references, columns, count, share):
    rng = np.random.default_rng(seed)
    known = with_gaps(rng, references, columns, share)
    # The new rows have rows without any value among them.
    new = with_gaps(rng, 40, columns, share)
    expected = KNNImputer(n_neighbors=count).fit(known).transform(new)
    np.testing.assert_allclose(Neighbours(known, count).fill(new), expected, rtol=1e-9, atol=1e-9)


def slowly(known, new, count):
    """As the documentation of ``Neighbours`` says it, one row and column after the other."""
    filled = new.copy()
    for i, column in np.argwhere(np.isnan(new)):
        apart = (known - new[i]) ** 2
        common = (~np.isnan(apart)).sum(axis=1)
        distance = np.nansum(apart, axis=1) * new.shape[1] / np.where(common, common, np.nan)
        donors = np.flatnonzero(~np.isnan(known[:, column]) & ~np.isnan(distance))
        if len(donors):
            nearest = donors[np.argsort(distance[donors], kind="stable")[:count]]
            filled[i, column] = known[nearest, column].mean()
        else:
            filled[i, column] = np.nanmean(known[:, column])
    return filled


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_of_references_at_the_same_distance_the_earlier_is_nearer(rng, share):
    # Small whole numbers: most distances occur many times.
    known, new = rng.integers(0, 4, (2, 3 * BLOCK, 4)).astype(float)
    for matrix in (known, new):
        matrix[rng.random(matrix.shape) < share] = np.nan
    known[0] = 1.0
    np.testing.assert_allclose(Neighbours(known, 5).fill(new), slowly(known, new, 5), rtol=1e-12)


def test_far_references_are_skipped_without_loss(rng):
    # Blocks that lie far apart along the column of the sorting, and new rows between and beyond.
    known = with_gaps(rng, 20 * BLOCK, 6, 0.2)
    known[:, 2] *= 1000.0
    new = with_gaps(rng, 60, 6, 0.4)
    new[:, 2] *= rng.uniform(-2000.0, 3000.0, 60)
    expected = KNNImputer(n_neighbors=5).fit(known).transform(new)
    # scikit-learn's distances are differences of large squares here.
    np.testing.assert_allclose(Neighbours(known, 5).fill(new), expected, rtol=1e-9)


def test_a_row_is_filled_the_same_alone_and_in_company(rng):
    neighbours = Neighbours(with_gaps(rng, 300, 13, 0.3), 5)
    new = with_gaps(rng, 50, 13, 0.5)
    before = new.copy()
    together = neighbours.fill(new)
    alone = np.vstack([neighbours.fill(row[None]) for row in new])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(new, before)


def test_nothing_to_fill():
    neighbours = Neighbours(np.ones((3, 2)), 5)
    assert neighbours.fill(np.empty((0, 2))).shape == (0, 2)
    np.testing.assert_array_equal(neighbours.fill(np.full((2, 2), 7.0)), np.full((2, 2), 7.0))
