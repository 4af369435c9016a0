"""The models that score: read from the registry, loaded and checked."""

import logging
from collections.abc import Sequence

from jobs.common.model_files import model_files
from jobs.common.registry_table import read_models
from jobs.common.tables import Warehouse
from models.registry import Model, in_production
from models.stacks import without_orphans
from models.store import STACK, ModelSet, load, split_name
from udfs.errors import ContractError

log = logging.getLogger(__name__)


def production_sets(warehouse: Warehouse, algorithms: Sequence[str]) -> dict[str, list[Model]]:
    """Name of each set with models in production -> those models.

    Raises
    ------
    ContractError
        If no model of these algorithms is in production.
    """
    current = in_production(
        model for model in read_models(warehouse) if model.algorithm in algorithms
    )
    if not current:
        raise ContractError(
            f"no model of {' or '.join(algorithms)} is in production: train some with "
            f"{' or '.join(f'train_{a}' for a in algorithms)}, then run promote_models"
        )
    by_set: dict[str, list[Model]] = {}
    for model in current.values():
        by_set.setdefault(model.set_name, []).append(model)
    return dict(sorted(by_set.items()))


def load_production(warehouse: Warehouse, algorithms: Sequence[str]) -> list[ModelSet]:
    """The sets with models in production, each with the labels for which it is.

    A stack whose models are not in production, or not any more, is left out with a warning.

    Raises
    ------
    ContractError
        If no model of these algorithms is in production, or a file is missing or damaged.
    """
    sets = production_sets(warehouse, algorithms)
    scoring, left_out = without_orphans(
        [load_models(warehouse, models) for models in sets.values()]
    )
    for line in left_out:
        log.warning("%s", line)
    return scoring


def load_models(warehouse: Warehouse, models: Sequence[Model]) -> ModelSet:
    """These models of one set, their files checked against the registry."""
    return load(
        model_files(warehouse),
        models[0].algorithm,
        models[0].version,
        labels=[model.label for model in models],
        checksums={name: sha256 for model in models for name, sha256 in model.checksums.items()},
    )


def load_named(
    warehouse: Warehouse, names: Sequence[str], algorithms: Sequence[str]
) -> list[ModelSet]:
    """Whole sets by their names, in production or not; stacks bring the models they combine."""
    found = {}
    for name in sorted(names):
        algorithm, version = split_name(name)
        if algorithm not in algorithms:
            raise ContractError(
                f"--models {name}: this job scores with {' or '.join(algorithms)}, not with "
                f"{algorithm}"
            )
        found[name] = load(model_files(warehouse), algorithm, version)
    for stack in [each for each in found.values() if each.algorithm == STACK]:
        for each in load_combined(warehouse, stack):
            found.setdefault(each.name, each)
    return list(found.values())


def load_combined(warehouse: Warehouse, model_set: ModelSet) -> list[ModelSet]:
    """The models whose scores a set of stacks combines; none for sets that read features."""
    if model_set.algorithm != STACK:
        return []
    labels_of: dict[str, list[str]] = {}
    for label in model_set.labels:
        for name in model_set.features_of(label):
            labels_of.setdefault(name, []).append(label)
    return [
        load(model_files(warehouse), *split_name(name), labels=labels)
        for name, labels in labels_of.items()
    ]
