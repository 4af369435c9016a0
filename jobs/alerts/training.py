"""From labelled alerts to a registered set of networks."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.alerts.labels import labelled_alerts
from jobs.alerts.training_table import AlertRecipe
from jobs.common.model_files import model_files
from jobs.common.progress import Progress
from jobs.common.registry_table import delta_versions
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from jobs.registry.register import register
from jobs.training.contents import as_json, scores_of
from jobs.training.network_files import forget_checkpoints
from jobs.training.networks import (
    NetworkTask,
    application_folder,
    train_networks,
)
from jobs.training.told import tell_skipped, tell_trained
from models import store
from models.acai.alert_table import BRAAI, CLASSES, AlertTable
from models.acai.inputs import ACAI_2020, fit_inputs
from models.acai.training import READS, AlertPlan, train_alert_label
from models.label_training import LabelResult
from models.networks.ranks import Ranks
from models.networks.training import Surroundings
from models.splits import TRAIN
from udfs.alert_schemas import ALERTS
from udfs.alerts.metadata import FEATURES
from udfs.errors import ContractError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlertJob:
    """A ``Job`` that trains networks on alerts."""

    recipe: AlertRecipe
    plan: AlertPlan
    checkpoints: str
    threads: int

    def run(
        self,
        task: NetworkTask,
        table: AlertTable,
        *,
        ranks: Ranks | None = None,
        on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    ) -> list[LabelResult]:
        """Train the network of one label."""
        where = Surroundings(ranks, self.checkpoints, on_epoch)
        return [train_alert_label(table, task.name, plan=self.plan, where=where)]


@dataclass(frozen=True)
class AlertTraining:
    """One training of networks for alerts: on what, how, by how many ranks.

    Attributes
    ----------
    labels_file
        Candids and letters.
    mode : {"fixed", "acai-2020"}
        Standardised or raw features.
    instead_of_drb : {"none", "rb", "braai"}
    """

    warehouse: Warehouse
    labels_file: str
    plan: AlertPlan
    mode: str
    instead_of_drb: str
    ranks: int = 1
    in_process: bool = False

    def run(self, algorithm: str, wanted: Sequence[str]) -> tuple[str, list[LabelResult]]:
        """Train, write the set, register its labels as candidates; returns version and labels.

        Parameters
        ----------
        algorithm : {"acai", "braai"}
        wanted : labels to train; none for all that have enough examples

        Raises
        ------
        ContractError
            If a wanted label cannot be trained, none can, or a rank is lost.
        """
        versions = delta_versions(self.warehouse, [ALERTS])
        recipe = self._recipe(versions[ALERTS.name], reads=algorithm == store.ACAI)
        table = recipe.open(application_folder())
        labels = self._trainable(table, algorithm, wanted)
        digest = fingerprint(recipe.digest, self.plan, self.ranks, labels)
        checkpoints = f"{self.warehouse.root.rstrip('/')}/checkpoints/{algorithm}-{digest}"
        threads = int(self.warehouse.spark.conf.get("spark.task.cpus", "1") or "1")
        results = list(self._train(AlertJob(recipe, self.plan, checkpoints, threads), labels))
        results.sort(key=lambda result: labels.index(result.label))
        version = self._save(algorithm, results, recipe, table)
        register(self.warehouse, algorithm, version, data_versions=versions)
        forget_checkpoints(self.warehouse, checkpoints)
        return version, results

    def _recipe(self, version: int, *, reads: bool) -> AlertRecipe:
        """The alerts, and the scaler if the networks read features."""
        found = labelled_alerts(
            self.warehouse, self.labels_file, version=version,
            instead_of_drb=self.instead_of_drb if reads else None, seed=self.plan.seed,
        )  # fmt: skip
        log.info(
            "labelled alerts: %d in = %d used + %d not in the table + %d with a missing feature",
            len(found.told) + found.absent + found.incomplete,
            len(found.told), found.absent, found.incomplete,
        )  # fmt: skip
        training = found.told[found.told["part"] == TRAIN]
        mode = self.mode if reads else ACAI_2020
        scaler = fit_inputs(training[list(FEATURES)].to_numpy(np.float32), mode)
        return AlertRecipe(self.warehouse.path(ALERTS), version, found.told, scaler)

    def _trainable(self, table: AlertTable, algorithm: str, wanted: Sequence[str]) -> list[str]:
        known = [BRAAI] if algorithm == store.BRAAI else list(CLASSES)
        for name in wanted:
            if name not in known:
                raise ContractError(f"--labels {name}: {algorithm} has {', '.join(known)}")
        asked = [name for name in known if name in wanted or not wanted]
        reasons = {name: table.why_untrainable(name, self.plan.min_examples) for name in asked}
        tell_skipped({n: r for n, r in reasons.items() if r}, asked=wanted)
        labels = [name for name in asked if reasons[name] is None]
        if not labels:
            raise ContractError(
                f"no label has {self.plan.min_examples} alerts of either class; label more alerts "
                "or lower --min-examples"
            )
        return labels

    def _train(self, job: AlertJob, labels: Sequence[str]) -> Iterator[LabelResult]:
        tasks = [NetworkTask(name, (name,)) for name in labels]
        progress = Progress("train_acai", len(tasks), of="networks")
        found = train_networks(
            self.warehouse.spark, job, tasks, ranks=self.ranks, in_process=self.in_process
        )
        for results in found:
            for result in results:
                tell_trained(result, rounds="best_epoch")
                added = result.summary["hard_negatives"]
                log.info("label=%s hard negatives added per round: %s", result.label, added)
                yield result
            progress.add(1)

    def _save(
        self, algorithm: str, results: Sequence[LabelResult], recipe: AlertRecipe, table: AlertTable
    ) -> str:
        contents = {result.summary["file"]: result.model for result in results}
        if recipe.scaler is not None:
            contents[store.SCALER] = recipe.scaler.to_bytes()
        contents[store.METRICS] = as_json([{"label": r.label, **r.metrics} for r in results])
        keys = pd.DataFrame(
            {"survey": "ztf", "object_id": table.object_id, "source_id": table.candid}
        )
        contents.update(scores_of((result, keys) for result in results))
        kinds = sorted({str(result.summary["kind"]) for result in results})
        return store.save(
            model_files(self.warehouse),
            contents,
            algorithm=algorithm,
            described={
                "mode": self.mode,
                "split": "star",
                "seed": self.plan.seed,
                "threshold": self.plan.threshold,
                "features": {kind: list(READS[kind]) for kind in kinds},
                "labels": {r.label: r.summary for r in results},
                "alerts": len(table.candid),
            },
            informative={"code_version": code_version()},
        )
