"""Which models cannot score: damaged files, models that do not load, wrong predictions."""

import io
from collections.abc import Sequence

import pandas as pd

from jobs.common.model_files import model_files
from jobs.common.production import load_combined, load_models
from jobs.common.smoke import Sample, sample_of, smoke_test
from jobs.common.tables import Warehouse
from models import store
from models.registry import Model
from udfs.schemas import FEATURES


class Checks:
    """Checks of models in a warehouse; what they read is read once."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._predictions: dict[str, pd.DataFrame] = {}
        self._samples: dict[str, Sample | None] = {}

    def broken(self, models: Sequence[Model]) -> dict[tuple[str, str], str]:
        """Set and label of each model that cannot score -> why."""
        found = {}
        for name in sorted({model.set_name for model in models}):
            of_set = [model for model in models if model.set_name == name]
            found.update({(name, label): why for label, why in self._broken(of_set).items()})
        return found

    def predictions(self, model: Model) -> pd.DataFrame:
        """The test part of a model's set: label, light curve, target, score; empty if not stored.

        Raises
        ------
        ContractError
            If the file is missing or damaged.
        """
        name = model.set_name
        if name not in self._predictions:
            files = model_files(self._warehouse)
            noted = store.read_manifest(files, model.algorithm, model.version)["files"]
            self._predictions[name] = pd.DataFrame(columns=["label"])
            if store.PREDICTIONS in noted:
                content = store.read_checked(
                    files, model.algorithm, model.version, checksums=noted, name=store.PREDICTIONS
                )
                self._predictions[name] = pd.read_parquet(io.BytesIO(content))
        return self._predictions[name]

    def _broken(self, models: Sequence[Model]) -> dict[str, str]:
        try:
            model_set = load_models(self._warehouse, models)
            predictions = self.predictions(models[0])
            combined = load_combined(self._warehouse, model_set)
            if model_set.name not in self._samples:
                imputers = [e.imputer for e in (*combined, model_set) if e.imputer]
                self._samples[model_set.name] = sample_of(
                    self._warehouse,
                    dict.fromkeys(name for imputer in imputers for name in imputer.features),
                    version=models[0].data_versions.get(FEATURES.name),
                    predictions=predictions,
                )
            sample = self._samples[model_set.name]
            return smoke_test(model_set, sample, predictions, combined=combined)
        except ValueError as error:
            if len(models) == 1:
                return {models[0].label: str(error)}
            # A file of one label may be the cause: the others need not suffer.
            return {label: why for model in models for label, why in self._broken([model]).items()}
