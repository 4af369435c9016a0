"""Networks on a fold: the architecture and training of the project, on one processor."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.networks.architecture import SCOPE, Architecture
from models.networks.loss import BINARY
from models.networks.runtime import Network
from models.networks.schedule import Schedule
from models.networks.stored import to_bytes, together
from models.networks.training import Examples, NetworkPlan, train_network
from models.scaling import RANK, fit_scaler
from models.splits import TRAIN, VALIDATION

if TYPE_CHECKING:
    from label_learners import Fold

PLAN = NetworkPlan(batch=128, schedule=Schedule(learning_rate=1e-3))
SHARED_UNITS = 64
# Factor on SCoPe's dropouts: some thousands of stars are few.
DROPOUT = 0.4

FloatArray = NDArray[np.float32]


def train_and_score(
    fold: "Fold",
    matrix: FloatArray,
    labels: Sequence[str],
    *,
    seeds: Sequence[int],
    loss: str = BINARY,
) -> FloatArray:
    """Scores of the validation and test rows of a fold, (n_rows, n_labels) float32.

    The mean logit of networks that start from different weights.

    Parameters
    ----------
    matrix : (n, n_features) float32
        Gaps filled; scaled here by rank to a normal distribution, fitted on the training part.
    labels
        One sigmoid each; an answer that is not known has no weight.
    loss : {"binary", "focal"}
    """
    features = fit_scaler(matrix[fold.part == TRAIN], RANK).transform(matrix)
    answers = np.column_stack([fold.targets[label] for label in labels])
    target, weight = (answers == 1).astype(np.float32), (answers >= 0).astype(np.float32)
    known = (answers >= 0).any(axis=1)
    image = fold.labelled.images
    train, validation = (
        Examples(features, image, target, weight, np.flatnonzero((fold.part == part) & known))
        for part in (TRAIN, VALIDATION)
    )
    shared = SHARED_UNITS if len(labels) > 1 else 0
    architecture = Architecture(
        SCOPE, features.shape[1], len(labels), head_units=shared, dropout=DROPOUT
    )
    rows = np.flatnonzero(fold.part != TRAIN)
    plans = [replace(PLAN, seed=seed, loss=loss) for seed in seeds]
    members = [train_network(architecture, train, validation, plan=plan).weights for plan in plans]
    network = Network.load(to_bytes(*together(architecture, members)))
    return network.predict(features[rows], image[rows])
