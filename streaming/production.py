"""The models in production, as the stream sees them: looked up before every micro-batch."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from jobs.common.production import load_models, production_sets
from jobs.common.smoke import smoke_test
from jobs.common.tables import Warehouse
from models import store
from models.acai.scorer import AlertScorer
from models.registry import Model
from models.store import ModelSet
from streaming.scorers import ScorerSource, scorer_source
from udfs.errors import ContractError
from udfs.schemas import MODELS

ALGORITHMS = (store.ACAI, store.BRAAI)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Production:
    """The models of one state of the registry.

    Attributes
    ----------
    scorer
        Called on an executor: the networks, ready to score.
    version
        Names of the sets that score, joined by commas.
    refused
        Set -> why it does not score though it is in production.
    """

    scorer: ScorerSource
    version: str
    refused: Mapping[str, str]


class ProductionModels:
    """Follows the registry of a warehouse.

    A set that cannot be read or fails its smoke prediction is refused: its labels go on being
    scored by what scored them before, and it is tried again with the next micro-batch.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._registry_version = -1
        self._sets: tuple[ModelSet, ...] = ()
        self._production: Production | None = None

    def current(self) -> Production:
        """The models that score now.

        Raises
        ------
        ContractError
            If no model for alerts is in production, or none of those that are can be used.
        """
        version = self._warehouse.version(MODELS)
        known = self._production
        if known and version == self._registry_version and not known.refused:
            return known
        loaded, refused = self._load(production_sets(self._warehouse, ALGORITHMS))
        if not loaded:
            raise ContractError(
                f"no model for alerts can be used: {'; '.join(refused.values())}; roll back with "
                "promote_models, or import the published ones with import_models"
            )
        if known is None or _names(loaded) != _names(self._sets):
            known = self._send(loaded)
            log.info("models: %s", known.version)
        for name, why in refused.items():
            log.warning("models %s are refused, the ones before them stay: %s", name, why)
        self._sets, self._registry_version = loaded, version
        self._production = Production(known.scorer, known.version, refused)
        return self._production

    def _load(
        self, wanted: Mapping[str, Sequence[Model]]
    ) -> tuple[tuple[ModelSet, ...], dict[str, str]]:
        loaded: list[ModelSet] = []
        refused: dict[str, str] = {}
        here = {_name(model_set): model_set for model_set in self._sets}
        for name, models in wanted.items():
            asked = (name, *sorted(model.label for model in models))
            if asked in here:
                loaded.append(here[asked])
                continue
            try:
                loaded.append(_checked(load_models(self._warehouse, models)))
            # Whatever is wrong with a file must not stop the stream.
            except Exception as error:  # noqa: BLE001
                refused[name] = str(error)
        if refused:
            covered = {label for model_set in loaded for label in model_set.labels}
            loaded = [s for s in self._sets if set(s.labels) - covered] + loaded
        return tuple(loaded), refused

    def _send(self, sets: tuple[ModelSet, ...]) -> Production:
        version = AlertScorer(sets).model_version
        sent = self._warehouse.spark.sparkContext.broadcast(sets)
        return Production(scorer_source(sent, repr(_names(sets))), version, {})


def _checked(model_set: ModelSet) -> ModelSet:
    wrong = smoke_test(model_set, None, pd.DataFrame())
    if wrong:
        raise ContractError("; ".join(f"{label}: {why}" for label, why in wrong.items()))
    return model_set


def _name(model_set: ModelSet) -> tuple[Any, ...]:
    return (model_set.name, *sorted(model_set.labels))


def _names(sets: Iterable[ModelSet]) -> tuple[Any, ...]:
    return tuple(_name(model_set) for model_set in sets)
