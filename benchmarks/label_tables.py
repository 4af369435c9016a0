"""The tables of the label benchmark, from out-of-fold scores."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from label_folds import Study, both_parts
from numpy.typing import NDArray

from models.evaluation.calibration import fit_calibration
from models.evaluation.consistency import PROJECTIONS, consistent, nearest_above
from models.evaluation.groups import quantile_edges
from models.evaluation.macro import LabelScores, Macro, macro_average
from models.evaluation.reliability import log_losses, reliability
from models.evaluation.stacking import Part, common_stack, fit_stack
from models.evaluation.superclasses import NAMES, class_intervals, class_metrics, highest_class
from models.evaluation.two_models import model_agreement
from models.metrics import metrics_of
from udfs.errors import ContractError

THRESHOLD = 0.7
Scores = dict[str, NDArray[np.float32]]


def stacked(study: Study, models: Sequence[str]) -> Scores:
    """Label -> (n,) scores of the stack of some models, fitted on the validation part per fold."""
    found = {model: study.scores(model) for model in models}

    def part(label: str, validation: NDArray[np.intp], number: int) -> Part:
        return study.targets[label][validation], _columns(found, label, number)[validation]

    starts = [
        common_stack([part(n, both_parts(study, n, number)[0], number) for n in study.targets])
        for number in range(study.n_folds)
    ]

    def learn(label: str, validation: NDArray[np.intp], number: int) -> Callable[..., Any]:
        start = starts[number]
        try:
            return fit_stack(*part(label, validation, number), start=start).apply
        except ContractError:  # no positive in the validation part
            return start.apply

    return _per_fold(study, lambda label, number: _columns(found, label, number), learn)


def calibrated(study: Study, model: str) -> Scores:
    """Label -> (n,) probabilities: isotonic regression on the validation part per fold."""
    found = study.scores(model)

    def learn(label: str, validation: NDArray[np.intp], number: int) -> Callable[..., Any]:
        try:
            return fit_calibration(
                study.targets[label][validation], found[label][number][validation]
            ).apply
        except ContractError:
            return lambda scores: scores

    return _per_fold(study, lambda label, number: found[label][number], learn)


def _columns(
    found: dict[str, dict[str, NDArray[np.float32]]], label: str, number: int
) -> NDArray[np.float32]:
    return np.column_stack([scores[label][number] for scores in found.values()])


def _per_fold(
    study: Study,
    inputs: Callable[[str, int], NDArray[np.float32]],
    learn: Callable[[str, NDArray[np.intp], int], Callable[..., Any]],
) -> Scores:
    """Fit something on the validation rows of each fold and apply it to its test rows."""
    result = {}
    for label in study.targets:
        scores = np.full(len(study.fold), np.nan, dtype=np.float32)
        for number in range(study.n_folds):
            apply = learn(label, both_parts(study, label, number)[0], number)
            test = np.flatnonzero(study.fold == number)
            scores[test] = apply(inputs(label, number)[test])
        result[label] = scores
    return result


def compare(
    study: Study,
    scores: dict[str, Scores],
    *,
    resamples: int,
    rows: NDArray[np.bool_] | None = None,
) -> Macro:
    """Average precision of all models on the same rows; ``rows`` keeps some of them only."""
    labels = []
    for label, target in study.targets.items():
        chosen = np.flatnonzero((target >= 0) if rows is None else (target >= 0) & rows)
        labels.append(
            LabelScores(
                chosen,
                target[chosen],
                {model: of[label][chosen] for model, of in scores.items()},
            )
        )
    return macro_average(labels, study.labelled.star, resamples=resamples)


def precision_table(study: Study, scores: dict[str, Scores], found: Macro) -> list[dict[str, Any]]:
    """Per label: examples, and of each model average precision, precision and recall at 0.7."""
    table = []
    for i, (label, target) in enumerate(study.targets.items()):
        rows = target >= 0
        entry: dict[str, Any] = {
            "label": label,
            "positive": int(np.sum(target == 1)),
            "negative": int(np.sum(target == 0)),
        }
        for j, model in enumerate(found.models):
            low, high = np.nanquantile(found.labels_drawn[:, i, j], [0.025, 0.975])
            at = metrics_of(target[rows], scores[model][label][rows], threshold=THRESHOLD)[0]
            entry[model] = {
                "average_precision": float(found.labels[i, j]),
                "interval": [float(low), float(high)],
                "precision": float(at[0]),
                "recall": float(at[1]),
                "roc_auc": float(at[4]),
            }
        table.append(entry)
    return table


def calibration_table(study: Study, scores: dict[str, Scores]) -> dict[str, dict[str, float]]:
    """Per model: expected calibration error and log loss, averaged over the labels."""
    table = {}
    for model, of in scores.items():
        errors, losses = [], []
        for label, target in study.targets.items():
            rows = target >= 0
            errors.append(reliability(target[rows], of[label][rows]).expected_error)
            losses.append(log_losses(target[rows], of[label][rows]).mean())
        table[model] = {
            "calibration_error": float(np.mean(errors)),
            "log_loss": float(np.mean(losses)),
        }
    return table


def consistency_table(study: Study, probabilities: Scores) -> dict[str, Any]:
    """What each projection onto the trees does to log loss and average precision."""
    labels = list(study.targets)
    raw = np.column_stack([probabilities[label] for label in labels])
    above = nearest_above(study.taxonomy, labels)
    versions = {"none": raw}
    for how in PROJECTIONS:
        versions[how] = consistent(raw, labels, study.taxonomy, how=how)
    table: dict[str, Any] = {}
    for how, matrix in versions.items():
        of = {label: matrix[:, i].astype(np.float32) for i, label in enumerate(labels)}
        table[how] = {
            **calibration_table(study, {how: of})[how],
            "average_precision": float(compare(study, {how: of}, resamples=0).value[0]),
        }
    table["pairs"] = {
        f"{child} -> {parent}": _share(probabilities[child], probabilities[parent])
        for child, parent in above.items()
    }
    return table


def _share(child: NDArray[np.float32], parent: NDArray[np.float32]) -> dict[str, float | int]:
    yes = child > THRESHOLD
    both = int(np.count_nonzero(yes & (parent > THRESHOLD)))
    return {"children": int(yes.sum()), "share": both / int(yes.sum()) if yes.any() else np.nan}


def agreement_table(study: Study, first: Scores, second: Scores) -> list[dict[str, Any]]:
    """Per label: agreement of two models at 0.7 and in their highest scores."""
    table = []
    for label, target in study.targets.items():
        rows = target >= 0
        found = model_agreement(first[label][rows], second[label][rows], threshold=THRESHOLD)
        table.append({
            "label": label, "at_threshold": found.at_threshold, "yes": found.yes_at_threshold,
            "top": found.top, "n_top": found.n_top,
        })  # fmt: skip
    return table


def group_table(
    study: Study, scores: dict[str, Scores], value: NDArray[np.float64], *, n_groups: int = 4
) -> list[dict[str, Any]]:
    """Macro average precision in groups of equal size of a property.

    Over the labels with ten positives and ten negatives in every group.
    """
    edges = quantile_edges(value, n_groups)
    group = np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(edges) - 2)
    usable = [
        label
        for label, target in study.targets.items()
        if all(
            min(np.sum(target[group == g] == 1), np.sum(target[group == g] == 0)) >= 10
            for g in range(len(edges) - 1)
        )
    ]
    table = []
    for g in range(len(edges) - 1):
        entry: dict[str, Any] = {
            "low": float(edges[g]), "high": float(edges[g + 1]), "labels": len(usable)
        }  # fmt: skip
        for model, of in scores.items():
            found = []
            for label in usable:
                rows = (group == g) & (study.targets[label] >= 0)
                metrics = metrics_of(study.targets[label][rows], of[label][rows], threshold=0.7)
                found.append(metrics[0, 3])
            entry[model] = float(np.mean(found))
        table.append(entry)
    return table


def superclass_table(
    scores: Scores,
    kind: NDArray[np.str_],
    star: NDArray[np.intp],
    *,
    classes: dict[str, tuple[str, ...]],
    labels: dict[str, str],
) -> dict[str, Any]:
    """One class per star, that of the label with the highest score, against the catalogue's.

    Parameters
    ----------
    classes
        Superclass -> classes of the catalogue; stars of other classes are left out.
    labels
        Superclass -> label that stands for it.
    """
    names = list(classes)
    of_kind = {k: i for i, name in enumerate(names) for k in classes[name]}
    true = np.array([of_kind.get(k, -1) for k in kind])
    rows = true >= 0
    matrix = np.column_stack([scores[labels[name]][rows] for name in names])
    predicted = highest_class(matrix)
    found = class_metrics(true[rows], predicted, names)
    intervals = class_intervals(
        true[rows], predicted, n_classes=len(names),
        star=np.unique(star[rows], return_inverse=True)[1],
    )  # fmt: skip
    return {
        "stars": int(rows.sum()),
        "per class": {
            name: {"stars": int(np.sum(true == i)), "precision": float(found.precision[i]),
                   "recall": float(found.recall[i])}
            for i, name in enumerate(names)
        },
        "averages": {
            name: {"value": float(v), "interval": [float(q) for q in interval]}
            for name, v, interval in zip(NAMES, found.averages, intervals, strict=True)
        },
        "confusion": found.confusion.tolist(),
    }  # fmt: skip
