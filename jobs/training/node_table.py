"""The features table on each machine: read from Delta as Arrow batches, mapped by all ranks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable
from numpy.typing import NDArray

from jobs.common.version import fingerprint
from jobs.training.sizes import KEY
from models.feature_sets import FeatureSets
from models.imputation import Imputer
from models.networks.table import NetworkTable, once_per_node
from models.scaling import Scaler
from models.taxonomy import Taxonomy
from models.training_set import target_of
from udfs.errors import ContractError

_ORDER = [*KEY, "source_id", "filter"]


@dataclass(frozen=True)
class TableRecipe:
    """What a machine needs to make its copy of the training table.

    Attributes
    ----------
    uri, version
        The Delta table of features, and the version of it: all machines read the same rows.
    stars
        As ``labelled_stars`` gives it.
    """

    uri: str
    version: int
    stars: pd.DataFrame
    taxonomy: Taxonomy
    sets: FeatureSets
    imputer: Imputer
    scaler: Scaler

    @property
    def digest(self) -> str:
        """Changes when any of the rows would."""
        stars = pd.util.hash_pandas_object(self.stars).to_numpy().tobytes().hex()
        parts = (self.imputer.to_bytes(), self.scaler.to_bytes())
        return fingerprint(self.uri, self.version, stars, *(part.hex() for part in parts))

    def open(self, below: Path) -> NetworkTable:
        """The table of this machine, made in that folder by the first process that asks."""
        return NetworkTable.open(once_per_node(below / f"training-{self.digest}", self._fill))

    def _fill(self, folder: Path) -> None:
        batches = [self._usable(batch) for batch in self._read()]
        if not any(len(told) for told, _, _ in batches):
            raise ContractError(f"{self.uri}: no labelled light curve has a dmdt histogram")
        rows = pd.concat([told for told, _, _ in batches], ignore_index=True)
        order = rows.sort_values(_ORDER, kind="stable").index.to_numpy()
        told = rows.iloc[order]
        features = np.concatenate([matrix for _, matrix, _ in batches])[order]
        table = NetworkTable(
            survey=told["survey"].to_numpy(str),
            object_id=told["object_id"].to_numpy(str),
            source_id=told["source_id"].to_numpy(np.int64),
            star=told.groupby(KEY).ngroup().to_numpy().astype(np.int64),
            part=told["part"].to_numpy(np.int8),
            features=self.scaler.transform(features),
            dmdt=np.concatenate([images for _, _, images in batches])[order],
            targets=self._targets(told, features),
            labels=self.taxonomy.scored,
        )
        table.write(folder)

    def _read(self) -> Iterator[pa.RecordBatch]:
        surveys = sorted(set(self.stars.index.get_level_values("survey")))
        rows = DeltaTable(self.uri, version=self.version).to_pyarrow_dataset()
        yield from rows.to_batches(
            columns=[*_ORDER, *self.sets.ontological, "dmdt"],
            filter=pa.compute.field("survey").isin(surveys),
        )

    def _usable(
        self, batch: pa.RecordBatch
    ) -> tuple[pd.DataFrame, NDArray[np.float32], NDArray[np.float32]]:
        """Keys and answers, filled features and images of the labelled rows with an image."""
        told = batch.select(_ORDER).to_pandas().join(self.stars, on=KEY, how="left")
        lengths = batch.column("dmdt").value_lengths().to_numpy(zero_copy_only=False)
        keep = told["part"].notna().to_numpy() & (lengths == 676)
        chosen = batch.filter(pa.array(keep))
        matrix = np.column_stack([
            chosen.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
            for name in self.sets.ontological
        ])  # fmt: skip
        images = chosen.column("dmdt").flatten().to_numpy(zero_copy_only=False)
        return (
            told[keep],
            self.imputer.transform(matrix),
            images.astype(np.float32).reshape(-1, 676),
        )

    def _targets(self, told: pd.DataFrame, features: NDArray[np.float32]) -> NDArray[np.int8]:
        """Answers per label; unknown where a feature that the label reads is missing."""
        columns = []
        for name in self.taxonomy.scored:
            names = self.sets.of_kind(self.taxonomy.label(name).kind)
            complete = self.imputer.complete(features, names)
            columns.append(np.where(complete, target_of(told, name, self.taxonomy), -1))
        return np.column_stack(columns).astype(np.int8)
