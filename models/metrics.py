"""How good the scores of a label are, with intervals from a bootstrap over stars."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NAMES = ("precision", "recall", "f1", "average_precision", "roc_auc")
# Resamples held in memory at a time.
_CHUNK = 50


def metrics_of(
    target: NDArray[np.int8],
    score: NDArray[np.float32],
    *,
    threshold: float,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Precision, recall, F1, average precision and area under the ROC curve.

    The first three take a score above ``threshold`` as a yes. Average precision is
    sum (R_k - R_(k-1)) P_k over the distinct scores, the area that of the trapezoids.

    Parameters
    ----------
    target : (n,) int8, of 0 and 1
    score : (n,) float
    threshold : float
    weight : (n_resamples, n) float64, optional
        How often each row counts in each resample; once in one resample without it.

    Returns
    -------
    (n_resamples, 5) float64 in the order of ``NAMES``. NaN where it is undefined: precision
    without a yes, recall and average precision without a positive, the area without both classes.
    """
    counts = np.ones((1, len(target))) if weight is None else weight
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    # The last row of each run of equal scores: a threshold cannot fall inside a run.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], len(ordered) > 0))
    positive = target[order] == 1
    true_yes = np.cumsum(counts[:, order] * positive, axis=1)[:, ends]
    false_yes = np.cumsum(counts[:, order] * ~positive, axis=1)[:, ends]
    zero = np.zeros((len(counts), 1))
    true_yes, false_yes = np.hstack([zero, true_yes]), np.hstack([zero, false_yes])
    n_yes = int(np.count_nonzero(ordered[ends] > threshold))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision_at = np.nan_to_num(true_yes / (true_yes + false_yes), nan=0.0)
        recall_at = true_yes / true_yes[:, -1:]
        fall_out_at = false_yes / false_yes[:, -1:]
        precision = true_yes[:, n_yes] / (true_yes[:, n_yes] + false_yes[:, n_yes])
        recall = recall_at[:, n_yes]
        f1 = 2 * true_yes[:, n_yes] / (true_yes[:, n_yes] + false_yes[:, n_yes] + true_yes[:, -1])
        average = np.sum(np.diff(recall_at, axis=1) * precision_at[:, 1:], axis=1)
        heights = (recall_at[:, 1:] + recall_at[:, :-1]) / 2
        area = np.sum(np.diff(fall_out_at, axis=1) * heights, axis=1)
    return np.column_stack([precision, recall, f1, average, area])


def bootstrap(
    target: NDArray[np.int8],
    score: NDArray[np.float32],
    *,
    stars: Sequence[str],
    threshold: float,
    resamples: int = 1000,
    seed: int = 42,
) -> NDArray[np.float64]:
    """``metrics_of`` resamples of the stars, (resamples, 5) float64.

    Stars are drawn, not light curves: those of one star are no independent evidence.
    """
    rng = np.random.default_rng(seed)
    _, star = np.unique(np.asarray(stars, dtype=str), return_inverse=True)
    found = [np.empty((0, len(NAMES)))]
    for start in range(0, resamples, _CHUNK):
        times = star_resamples(rng, star, min(_CHUNK, resamples - start))
        found.append(metrics_of(target, score, threshold=threshold, weight=times))
    return np.vstack(found)


def star_resamples(rng: np.random.Generator, star: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """How often each row counts in ``n`` draws, with replacement, of as many stars as there are.

    Parameters
    ----------
    star : (n_rows,) int
        Number of the star of each row, from 0 without gaps.

    Returns
    -------
    (n, n_rows) float64
    """
    n_stars = int(star.max()) + 1 if len(star) else 0
    drawn = rng.integers(0, max(n_stars, 1), size=(n, n_stars))
    shifted = drawn + n_stars * np.arange(n)[:, None]
    times = np.bincount(shifted.ravel(), minlength=n * n_stars).reshape(n, n_stars)
    return times[:, star].astype(np.float64)


def label_metrics(
    target: NDArray[np.int8],
    score: NDArray[np.float32],
    *,
    stars: Sequence[str],
    threshold: float,
    resamples: int = 1000,
    seed: int = 42,
) -> dict[str, float | int | list[float] | None]:
    """Counts, the five metrics and their 95 % intervals, ready for JSON (None for undefined)."""
    yes = score > threshold
    result: dict[str, float | int | list[float] | None] = {
        "threshold": threshold,
        "light_curves": len(target),
        "stars": len(set(stars)),
        "true_positives": int(np.count_nonzero(yes & (target == 1))),
        "false_positives": int(np.count_nonzero(yes & (target == 0))),
        "false_negatives": int(np.count_nonzero(~yes & (target == 1))),
        "true_negatives": int(np.count_nonzero(~yes & (target == 0))),
    }
    values = metrics_of(target, score, threshold=threshold)[0]
    drawn = bootstrap(
        target, score, stars=stars, threshold=threshold, resamples=resamples, seed=seed
    )
    for i, name in enumerate(NAMES):
        result[name] = float(values[i]) if np.isfinite(values[i]) else None
        # A resample without a positive says nothing on the recall; it is left out.
        usable = drawn[np.isfinite(drawn[:, i]), i]
        result[f"{name}_95"] = (
            [float(q) for q in np.quantile(usable, [0.025, 0.975])]
            if len(usable) and np.isfinite(values[i])
            else None
        )
    return result
