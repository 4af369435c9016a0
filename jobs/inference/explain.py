"""Explanations of scores: one row per light curve and label with the contributions of features."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.ledger import Done, Ledger
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from jobs.inference.fields import Field, where_of
from jobs.inference.score import joined
from models.explanations import Explained, Explainer
from models.store import XGB, ModelSet
from udfs.errors import ContractError
from udfs.schemas import EXPLANATIONS, FEATURES

# Contributions cost some hundred times a score: small batches keep all tasks busy.
_BATCH_ROWS = 2_000
_TOLD = ("survey", "field", "_id", "ccd", "quad", "filter")
_PRODUCED = (*_TOLD, "label", "contributions", "bias", "score", "model_version")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Explanation:
    """Explaining scores of some labels with the models that gave them."""

    warehouse: Warehouse
    models: Sequence[ModelSet]
    ledger: Ledger

    def run(self, fields: Sequence[Field], labels: Sequence[str], *, above: float,
            force: bool) -> None:  # fmt: skip
        """Explain the scores higher than ``above`` in fields that are not done yet.

        Raises
        ------
        ContractError
            If a label has no XGBoost model.
        """
        trees = [each.only(labels) for each in self.models if each.algorithm == XGB]
        chosen: Sequence[ModelSet] = [each for each in trees if each.labels]
        known = {label for each in chosen for label in each.labels}
        for label in labels:
            if label not in known:
                raise ContractError(
                    f"--explain {label}: none of the models has XGBoost trees for it; "
                    "networks are not explained"
                )
        done = self.ledger.finished() if self.warehouse.exists(EXPLANATIONS) else {}
        shared = self.warehouse.spark.sparkContext.broadcast(chosen)
        for field in fields:
            unit = f"{field.unit} explained {','.join(sorted(labels))}"
            digest = fingerprint([e.name for e in chosen], above, field.rows, field.digest)
            if not force and done.get(unit) == digest:
                continue
            start = time.monotonic()
            self._explain(field, shared, labels=sorted(labels), above=above)
            seconds = time.monotonic() - start
            self.ledger.record([Done(unit, digest, field.rows, field.rows, 0, seconds)])
        shared.destroy()

    def _explain(self, field: Field, shared: Broadcast[Sequence[ModelSet]], *,
                 labels: Sequence[str], above: float) -> None:  # fmt: skip
        of_labels = ", ".join(f"'{label}'" for label in labels)
        rows = with_explanations(
            self.warehouse.read(FEATURES).where(where_of([field])), shared, above=above
        )
        where = f"{where_of([field])} AND label IN ({of_labels})"
        self.warehouse.replace(
            rows.withColumn("code_version", F.lit(code_version())), EXPLANATIONS, where=where
        )
        written = self.warehouse.read(EXPLANATIONS).where(where).count()
        log.info("%s: %s scores above %g explained", field.unit, f"{written:,}", above)


def with_explanations(
    features: DataFrame, models: Broadcast[Sequence[ModelSet]], *, above: float
) -> DataFrame:
    """One row per light curve and label whose score is higher than ``above``."""
    imputers = [each.imputer for each in models.value if each.imputer]
    inputs = list(dict.fromkeys(f for imputer in imputers for f in imputer.features))
    rows = features.select(
        "survey", "field", F.col("source_id").alias("_id"), "ccd", "quad", "filter", *inputs
    )
    types = {field.name: field.dataType.simpleString() for field in EXPLANATIONS.schema}

    def explain(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        explainers = [(each, Explainer(each)) for each in models.value]
        for batch in joined(batches, _BATCH_ROWS):
            for each, explainer in explainers:
                matrix = (
                    batch.select(list(explainer.features))
                    .to_pandas()
                    .to_numpy(np.float64, na_value=np.nan)
                )
                for label in each.labels:
                    found = explainer.explain(matrix, label, above=above)
                    yield _as_batch(batch, found, label=label, model_set=each)

    schema = ", ".join(f"`{name}` {types[name]}" for name in _PRODUCED)
    return rows.mapInArrow(explain, schema)


def _as_batch(
    batch: pa.RecordBatch, found: Explained, *, label: str, model_set: ModelSet
) -> pa.RecordBatch:
    n, names = len(found.rows), model_set.features_of(label)
    contributions = pa.MapArray.from_arrays(
        pa.array(np.arange(n + 1, dtype=np.int32) * len(names)),
        pa.array(list(names) * n, pa.string()),
        pa.array(found.contributions.ravel(), pa.float32()),
    )
    told = batch.select(list(_TOLD)).take(pa.array(found.rows))
    return pa.RecordBatch.from_arrays(
        [
            *told.columns,
            pa.array([label] * n, pa.string()),
            contributions,
            pa.array(found.bias, pa.float32()),
            pa.array(found.score, pa.float32()),
            pa.array([model_set.name] * n, pa.string()),
        ],
        names=list(_PRODUCED),
    )
