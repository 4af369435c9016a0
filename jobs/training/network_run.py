"""From labels and features to a registered set of networks."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import functions as F

from jobs.common.model_files import model_files
from jobs.common.progress import Progress
from jobs.common.registry_table import delta_versions
from jobs.common.tables import Warehouse
from jobs.common.version import code_version, fingerprint
from jobs.registry.register import register
from jobs.training.network_files import forget_checkpoints, network_contents
from jobs.training.networks import (
    NetworkJob,
    NetworkTask,
    application_folder,
    train_networks,
)
from jobs.training.node_table import TableRecipe
from jobs.training.run import fit_on_sample, only_mode
from jobs.training.sizes import labelled_stars
from jobs.training.told import tell_skipped, tell_trained
from models import store
from models.dnn import MULTI, DnnPlan, better_of
from models.feature_sets import FeatureSets
from models.label_training import LabelResult
from models.networks.table import NetworkTable
from models.scaling import RANK, fit_scaler
from models.splits import TRAIN
from models.taxonomy import Taxonomy
from udfs.errors import ContractError
from udfs.schemas import FEATURES, LABELS

SEPARATE, BOTH = "separate", "both"
KINDS = (SEPARATE, MULTI, BOTH)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkTraining:
    """One training of networks: what is trained, on what, how, by how many ranks.

    Attributes
    ----------
    kind : {"separate", "multi", "both"}
        A network per label, one for all labels, or both and of each label the better.
    ranks
        1: networks side by side as Spark tasks; more: one after the other, each on all ranks.
    in_process
        One after the other in the driver, without Spark tasks.
    """

    warehouse: Warehouse
    taxonomy: Taxonomy
    sets: FeatureSets
    plan: DnnPlan
    kind: str = BOTH
    scaling: str = RANK
    ranks: int = 1
    in_process: bool = False

    def run(self, wanted: Sequence[str], surveys: Sequence[str]) -> tuple[str, list[LabelResult]]:
        """Train, write the set, register its labels as candidates; returns version and labels.

        Parameters
        ----------
        wanted : labels to train; none for all that have enough examples
        surveys : surveys to learn from; none for all

        Raises
        ------
        ContractError
            If a wanted label cannot be trained, none can, the features are of two modes, or a
            rank is lost.
        """
        versions = delta_versions(self.warehouse, [FEATURES, LABELS])
        recipe, mode = self._recipe(versions[FEATURES.name], surveys)
        table = recipe.open(application_folder())
        labels = self._trainable(table, wanted)
        digest = fingerprint(recipe.digest, self.plan, self.ranks, labels)
        checkpoints = f"{self.warehouse.root.rstrip('/')}/checkpoints/dnn-{digest}"
        threads = int(self.warehouse.spark.conf.get("spark.task.cpus", "1") or "1")
        job = NetworkJob(recipe, self.plan, checkpoints, threads)
        results = self._best(list(self._train(job, labels)), labels)
        version = store.save(
            model_files(self.warehouse),
            network_contents(results, recipe, table),
            algorithm=store.DNN,
            described={
                "mode": mode,
                "split": "star",
                "seed": self.plan.seed,
                "threshold": self.plan.threshold,
                "features": {
                    kind: list(self.sets.of_kind(kind))
                    for kind in sorted({r.summary["kind"] for r in results})
                },
                "labels": {r.label: r.summary for r in results},
                "surveys": sorted(set(np.unique(table.survey).tolist())),
                "stars": int(len(np.unique(table.star))),
                "light_curves": len(table.part),
            },
            informative={"code_version": code_version()},
        )
        register(self.warehouse, store.DNN, version, data_versions=versions)
        forget_checkpoints(self.warehouse, checkpoints)
        return version, results

    def _recipe(self, version: int, surveys: Sequence[str]) -> tuple[TableRecipe, str]:
        """The imputer and the scaler are fitted here, once, on a sample of the training part."""
        features = self.warehouse.read(FEATURES)
        if surveys:
            features = features.where(F.col("survey").isin(list(surveys)))
        mode = only_mode(features)
        stars = labelled_stars(self.warehouse, features, self.taxonomy, seed=self.plan.seed)
        imputer, sample = fit_on_sample(features, stars[stars["part"] == TRAIN], self.sets)
        scaler = fit_scaler(imputer.transform(sample), self.scaling)
        recipe = TableRecipe(
            uri=self.warehouse.path(FEATURES),
            version=version,
            stars=stars,
            taxonomy=self.taxonomy,
            sets=self.sets,
            imputer=imputer,
            scaler=scaler,
        )
        return recipe, mode

    def _trainable(self, table: NetworkTable, wanted: Sequence[str]) -> tuple[str, ...]:
        """The labels with enough examples, in the order of the taxonomy."""
        reasons = {
            name: table.why_untrainable(name, self.plan.min_examples)
            for name in list(wanted) or self.taxonomy.scored
        }
        tell_skipped({n: r for n, r in reasons.items() if r}, asked=wanted)
        labels = tuple(name for name in self.taxonomy.scored if reasons.get(name, "") is None)
        if not labels:
            raise ContractError(
                f"no label has {self.plan.min_examples} light curves of either class; ingest more "
                "labels or lower --min-examples"
            )
        return labels

    def _train(self, job: NetworkJob, labels: Sequence[str]) -> Iterator[LabelResult]:
        # The network of all labels takes longest: first.
        tasks = [NetworkTask(MULTI, tuple(labels))] if self.kind != SEPARATE else []
        tasks += [NetworkTask(name, (name,)) for name in labels] if self.kind != MULTI else []
        log.info("training %d networks for %d labels", len(tasks), len(labels))
        progress = Progress("train_dnn", len(tasks), of="networks")
        found = train_networks(
            self.warehouse.spark, job, tasks, ranks=self.ranks, in_process=self.in_process
        )
        for results in found:
            for result in results:
                tell_trained(result, rounds="best_epoch")
                yield result
            progress.add(1)

    def _best(self, results: Sequence[LabelResult], labels: Sequence[str]) -> list[LabelResult]:
        """Of each label the network that does better on the validation part."""
        best: dict[str, LabelResult] = {}
        for result in results:
            known = best.get(result.label)
            best[result.label] = result if known is None else better_of(known, result)
        if self.kind == BOTH:
            multi = [n for n in labels if best[n].summary["file"] == f"{MULTI}.npz"]
            log.info(
                "the network of all labels is the better one for %d of %d: %s",
                len(multi), len(labels), ", ".join(multi) or "none",
            )  # fmt: skip
        return [best[name] for name in labels]
