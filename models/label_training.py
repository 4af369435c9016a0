"""One label from training set to model and test scores. Runs wherever it is called."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models import xgb, xgb_search
from models.feature_sets import FeatureSets
from models.imputation import Imputer, fit_imputer
from models.metrics import label_metrics
from models.splits import PART_NAMES, TEST, TRAIN, VALIDATION, split_by_light_curve
from models.taxonomy import Taxonomy
from models.training_set import TrainingSet

BY_STAR = "star"
BY_LIGHT_CURVE = "light-curve"


@dataclass(frozen=True)
class Plan:
    """How all labels are trained and judged.

    Attributes
    ----------
    split
        ``star`` or ``light-curve`` (SCoPe's).
    search
        Look for the best settings by SCoPe's staged grid search first.
    threshold
        A score above it is a yes in precision, recall and F1.
    min_examples
        Light curves that a label needs of either class.
    resamples
        Of the bootstrap.
    """

    settings: xgb.Settings
    split: str = BY_STAR
    search: bool = False
    threshold: float = 0.7
    min_examples: int = 50
    resamples: int = 1000
    seed: int = 42


@dataclass(frozen=True)
class Prepared:
    """The training set as the models see it, shared by all labels.

    Attributes
    ----------
    matrix : (n, n_features) float32
        Gaps filled.
    columns, complete
        Kind of features -> its columns of the matrix, and the rows with all of them.
    kinds
        Label -> kind.
    targets
        Label -> (n,) int8: 1, 0 or -1 (unknown).
    stars : (n,) int64
        A number per star.
    part : (n,) int8
        By star; not used when the split is by light curve.
    """

    features: dict[str, tuple[str, ...]]
    matrix: NDArray[np.float32]
    columns: dict[str, NDArray[np.intp]]
    complete: dict[str, NDArray[np.bool_]]
    kinds: dict[str, str]
    targets: dict[str, NDArray[np.int8]]
    stars: NDArray[np.int64]
    part: NDArray[np.int8]


@dataclass(frozen=True)
class Judged:
    """What a trained label says of a part of the examples.

    Attributes
    ----------
    rows : (n,) int64
        Numbers of the light curves.
    target : (n,) int8, of 0 and 1
    score : (n,) float32
    """

    rows: NDArray[np.int64]
    target: NDArray[np.int8]
    score: NDArray[np.float32]


@dataclass(frozen=True)
class LabelResult:
    """A trained label.

    ``summary`` goes into the manifest, ``metrics`` of the test part and ``importances`` beside it.
    What ends a training early, and what combines models, is fitted on the validation part.
    """

    label: str
    model: bytes
    summary: dict[str, Any]
    metrics: dict[str, Any]
    importances: dict[str, dict[str, float]]
    validation: Judged
    test: Judged


def prepare(
    data: TrainingSet,
    part: NDArray[np.int8],
    *,
    sets: FeatureSets,
    taxonomy: Taxonomy,
    plan: Plan,
    imputer: Imputer | None = None,
) -> tuple[Prepared, Imputer]:
    """Fit the imputer on the training part, unless one is given, and fill the gaps with it.

    When the split is by light curve, each label has a training part of its own; the imputer then
    sees all rows, as SCoPe's does.
    """
    if imputer is None:
        fitted_on = part == TRAIN if plan.split == BY_STAR else np.ones(len(part), dtype=bool)
        imputer = fit_imputer(data.matrix[fitted_on], sets)
    matrix = imputer.transform(data.matrix)
    kinds = {name: taxonomy.label(name).kind for name in taxonomy.scored}
    features = {kind: sets.of_kind(kind) for kind in sorted(set(kinds.values()))}
    named = np.char.add(np.char.add(data.survey, ":"), data.object_id)
    return (
        Prepared(
            features=features,
            matrix=matrix,
            columns={
                kind: np.array([data.features.index(name) for name in names])
                for kind, names in features.items()
            },
            complete={kind: imputer.complete(matrix, names) for kind, names in features.items()},
            kinds=kinds,
            targets=data.targets,
            stars=np.unique(named, return_inverse=True)[1].astype(np.int64),
            part=part,
        ),
        imputer,
    )


def parts_of(prepared: Prepared, label: str, plan: Plan) -> dict[str, NDArray[np.intp]]:
    """Rows of the training, validation and test part of a label."""
    target = np.where(prepared.complete[prepared.kinds[label]], prepared.targets[label], -1)
    part = (
        prepared.part
        if plan.split == BY_STAR
        else split_by_light_curve(target.astype(np.int8), seed=plan.seed)
    )
    return {
        name: np.flatnonzero((part == number) & (target >= 0))
        for number, name in enumerate(PART_NAMES)
    }


def why_untrainable(prepared: Prepared, label: str, plan: Plan) -> str | None:
    """What keeps a label from being trained, in a few words; None if nothing does."""
    target = np.where(prepared.complete[prepared.kinds[label]], prepared.targets[label], -1)
    for value, name in ((1, "positive"), (0, "negative")):
        found = int(np.count_nonzero(target == value))
        if found < plan.min_examples:
            return f"{found} {name} light curves, {plan.min_examples} needed"
    rows = parts_of(prepared, label, plan)[PART_NAMES[TRAIN]]
    if len(np.unique(target[rows])) < 2:
        return "all examples of one class fell outside the training part"
    return None


def train_label(prepared: Prepared, label: str, plan: Plan) -> LabelResult:
    """Train one label and score its validation and test part."""
    kind = prepared.kinds[label]
    names, columns, target = (
        prepared.features[kind],
        prepared.columns[kind],
        prepared.targets[label],
    )
    parts = parts_of(prepared, label, plan)
    train, validation, test = (parts[PART_NAMES[p]] for p in (TRAIN, VALIDATION, TEST))

    def inputs(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        return prepared.matrix[rows][:, columns]

    settings = plan.settings
    if plan.search:
        settings = xgb_search.search(
            inputs(train),
            target[train],
            groups=prepared.stars[train].astype(str).tolist(),
            settings=settings,
        )
    trained = xgb.train(
        inputs(train),
        target[train],
        validation=(inputs(validation), target[validation]),
        features=names,
        settings=settings,
    )
    booster = xgb.load(trained.model, threads=settings.threads)

    def judged(rows: NDArray[np.intp]) -> Judged:
        score = xgb.predict(booster, xgb.as_input(inputs(rows), names))
        return Judged(rows.astype(np.int64), target[rows], score)

    return result_of(
        label,
        kind,
        trained,
        counts={name: np.bincount(target[rows], minlength=2) for name, rows in parts.items()},
        validation=judged(validation),
        test=judged(test),
        stars=prepared.stars[test].astype(str).tolist(),
        plan=plan,
    )


class Judging(Protocol):
    """How a plan judges the labels that it trains: see ``Plan``."""

    @property
    def threshold(self) -> float:
        """A score above it is a yes."""

    @property
    def resamples(self) -> int:
        """Of the bootstrap."""

    @property
    def seed(self) -> int:
        """Of the bootstrap."""


def test_metrics(test: Judged, stars: Sequence[str], plan: Judging) -> dict[str, Any]:
    """Metrics of the test part, given the star of each of its rows."""
    return label_metrics(
        test.target,
        test.score,
        stars=stars,
        threshold=plan.threshold,
        resamples=plan.resamples,
        seed=plan.seed,
    )


def told_counts(counts: Mapping[str, NDArray[np.intp]]) -> dict[str, dict[str, int]]:
    """Part -> number of its negatives and positives, (2,) int, as the manifest has them."""
    return {part: {"negative": int(n[0]), "positive": int(n[1])} for part, n in counts.items()}


def result_of(
    label: str,
    kind: str,
    trained: xgb.Trained,
    *,
    counts: Mapping[str, NDArray[np.intp]],
    validation: Judged,
    test: Judged,
    stars: Sequence[str],
    plan: Plan,
) -> LabelResult:
    """A trained label with its metrics.

    Parameters
    ----------
    counts : part -> number of negatives and positives
    stars : of the test part
    """
    settings = asdict(trained.settings)
    return LabelResult(
        label=label,
        model=trained.model,
        summary={
            "kind": kind,
            "rounds": trained.rounds,
            "stopped_early": trained.stopped_early,
            "validation_auc": trained.validation_auc,
            # The set must not depend on the machine it was trained on.
            "settings": {k: v for k, v in settings.items() if k not in ("threads", "device")},
            "counts": told_counts(counts),
        },
        metrics=test_metrics(test, stars, plan),
        importances=trained.importances,
        validation=validation,
        test=test,
    )
