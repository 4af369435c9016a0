import numpy as np
from scipy.special import expit, logit

from models.evaluation.bands import star_scores


def test_a_star_has_the_mean_logit_of_its_curves():
    scores = np.array([0.9, 0.2, 0.6, np.nan, np.nan])
    found = star_scores(scores, np.array([0, 1, 0, 1, 2]))
    together = expit((logit(0.9) + logit(0.6)) / 2)
    np.testing.assert_allclose(found, [together, 0.2, together, 0.2, np.nan], rtol=1e-6)


def test_a_certain_no_in_one_band_outweighs_a_doubtful_yes_in_another():
    assert star_scores(np.array([0.7, 0.0]), np.array([0, 0]))[0] < 0.01
