"""Out-of-fold scores, one file per survey, learner and fold: what is there stays as it is."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from label_data import Labelled, labels_with_examples
from label_learners import Fold, Targets, learner
from numpy.typing import NDArray

from models.evaluation.folds import folds_by_light_curve, folds_by_star, parts_of_fold
from models.splits import TEST, VALIDATION
from models.taxonomy import Taxonomy

BY_STAR, BY_LIGHT_CURVE = "star", "light-curve"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Study:
    """One set of stars, divided into folds."""

    name: str
    labelled: Labelled
    targets: Targets
    taxonomy: Taxonomy
    fold: NDArray[np.intp]
    unit: NDArray[np.intp]
    n_folds: int
    folder: Path

    def part(self, number: int) -> NDArray[np.int8]:
        """Training, validation or test part of each row in one fold."""
        return parts_of_fold(self.fold, self.unit, number=number, n_folds=self.n_folds)

    def scores(self, model: str) -> dict[str, NDArray[np.float32]]:
        """Label -> (n_folds, n) scores: validation and test rows of each fold, NaN elsewhere."""
        found = [self._fold_scores(model, number) for number in range(self.n_folds)]
        return {label: np.stack([scores[label] for scores in found]) for label in self.targets}

    def test_scores(self, model: str) -> dict[str, NDArray[np.float32]]:
        """Label -> (n,) scores of each row by the models that did not see its star."""
        return {
            label: scores[self.fold, np.arange(scores.shape[1])]
            for label, scores in self.scores(model).items()
        }

    def done(self, model: str) -> bool:
        """Whether all folds of a learner are there."""
        return all(self._file(model, number).exists() for number in range(self.n_folds))

    def run(self, model: str) -> None:
        """Train the learner on every fold that is not there yet."""
        for number in range(self.n_folds):
            if self._file(model, number).exists():
                continue
            start = time.monotonic()
            fold = Fold(self.labelled, self.targets, self.part(number), self.taxonomy)
            found = learner(model)(fold)
            self.folder.mkdir(parents=True, exist_ok=True)
            np.savez(self._file(model, number), **found)
            log.info("study=%s model=%s fold=%d seconds=%.0f", self.name, model, number,
                     time.monotonic() - start)  # fmt: skip

    def _file(self, model: str, number: int) -> Path:
        return self.folder / f"{self.name}.{model}.{number}.npz"

    def _fold_scores(self, model: str, number: int) -> dict[str, NDArray[np.float32]]:
        with np.load(self._file(model, number)) as stored:
            return {label: stored[label] for label in self.targets}


def open_study(
    name: str,
    labelled: Labelled,
    taxonomy: Taxonomy,
    *,
    folder: Path,
    n_folds: int = 5,
    split: str = BY_STAR,
    labels: Sequence[str] = (),
) -> Study:
    """The folds of a set of stars and the labels that have enough examples."""
    targets = labels_with_examples(labelled, taxonomy)
    n_rows = len(labelled.star)
    if split == BY_STAR:
        fold, unit = folds_by_star(labelled.star, n_folds), labelled.star
    else:
        fold, unit = folds_by_light_curve(n_rows, n_folds), np.arange(n_rows)
    chosen = {label: targets[label] for label in labels or targets}
    return Study(name, labelled, chosen, taxonomy, fold, unit, n_folds, folder)


def both_parts(study: Study, label: str, number: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the validation and of the test part of a fold that have an answer."""
    part, target = study.part(number), study.targets[label]
    validation, test = (
        np.flatnonzero((part == which) & (target >= 0)) for which in (VALIDATION, TEST)
    )
    return validation, test
