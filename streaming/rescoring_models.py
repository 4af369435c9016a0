"""The networks that score a past night again: those in production, or others by name."""

from collections.abc import Sequence

import pandas as pd

from jobs.common.production import load_models, load_named, load_production, production_sets
from jobs.common.smoke import smoke_test
from jobs.common.tables import Warehouse
from models.store import ModelSet
from streaming.production import ALGORITHMS
from udfs.alert_schemas import ALERT_SCORES
from udfs.errors import ContractError


def networks_for(warehouse: Warehouse, names: Sequence[str]) -> list[ModelSet]:
    """The named sets, and what is in production for the labels that they lack.

    Raises
    ------
    ContractError
        If there is no model for alerts, a set cannot be read or fails its smoke prediction, or two
        named sets give the same score.
    """
    sets = load_named(warehouse, names, ALGORITHMS) if names else []
    owner = _owners(sets)
    if not names:
        sets = load_production(warehouse, ALGORITHMS)
    elif set(ALERT_SCORES) - owner.keys():
        for models in production_sets(warehouse, ALGORITHMS).values():
            wanted = [model for model in models if model.label not in owner]
            sets += [load_models(warehouse, wanted)] if wanted else []
    for model_set in sets:
        wrong = smoke_test(model_set, None, pd.DataFrame())
        if wrong:
            told = "; ".join(f"{label}: {why}" for label, why in wrong.items())
            raise ContractError(f"models {model_set.name} cannot score: {told}")
    return sets


def thresholds_of(sets: Sequence[ModelSet]) -> dict[str, float]:
    """Label -> the score above which its model says yes."""
    return {label: float(s.manifest["threshold"]) for s in sets for label in s.labels}


def _owners(sets: Sequence[ModelSet]) -> dict[str, str]:
    owner: dict[str, str] = {}
    for model_set in sets:
        for label in model_set.labels:
            if label in owner:
                raise ContractError(
                    f"--models: {owner[label]} and {model_set.name} both score {label}; name one "
                    "of them"
                )
            owner[label] = model_set.name
    return owner
