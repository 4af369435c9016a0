"""From the scores of networks and of trees to a registered set of stacks."""

import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jobs.common.model_files import model_files
from jobs.common.registry_table import read_models
from jobs.common.tables import Warehouse
from jobs.common.version import code_version
from jobs.registry.register import register
from jobs.training.contents import as_json, scores_of
from jobs.training.told import tell_skipped
from models import store
from models.evaluation.stacking import Part, Stack, common_stack, fit_stack
from models.label_training import BY_STAR, Judged, LabelResult, told_counts
from models.metrics import NAMES as METRICS
from models.metrics import label_metrics, metrics_of
from models.registry import Model
from models.store import DNN, PREDICTIONS, VALIDATION, XGB
from udfs.errors import ContractError

KINDS = (DNN, XGB)
_LIGHT_CURVE = ["survey", "object_id", "source_id"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StackTraining:
    """One training of stacks; threshold and resamples as in ``models.label_training.Plan``."""

    warehouse: Warehouse
    threshold: float = 0.7
    resamples: int = 1000

    def run(self, wanted: Sequence[str], names: Sequence[str]) -> tuple[str, list[LabelResult]]:
        """Fit, write the set, register its labels as candidates; returns version and labels.

        Parameters
        ----------
        wanted : labels to combine; none for all that both sets have
        names : a set of networks and one of trees; the newest of each without them

        Raises
        ------
        ContractError
            If there is no such pair of sets, they did not learn from the same examples, or a
            wanted label cannot be combined.
        """
        pair = _pair(read_models(self.warehouse), names)
        files = model_files(self.warehouse)
        manifests = [store.read_manifest(files, m.algorithm, m.version) for m in pair]
        _check_alike(pair, manifests)
        rows = pd.concat(
            [
                together(*(self._scores(manifest, part) for manifest in manifests)).assign(
                    part=part
                )
                for part in (VALIDATION, PREDICTIONS)
            ],
            ignore_index=True,
        )
        shared = [name for name in manifests[0]["labels"] if name in manifests[1]["labels"]]
        labels = wanted or shared
        unfit = {name: why for name in {*shared, *labels} if (why := _why_not(rows, name))}
        tell_skipped({name: unfit[name] for name in labels if name in unfit}, asked=wanted)
        labels = [name for name in labels if name not in unfit]
        if not labels:
            raise ContractError(f"{pair[0].set_name} and {pair[1].set_name} share no such label")
        # All labels tell how the two kinds compare, also those that are not asked for.
        start = common_stack([_learnt_from(rows, name) for name in shared if name not in unfit])
        seed = manifests[0]["seed"]
        results = [self._fit(rows, name, start=start, seed=seed) for name in labels]
        tell_stacks(results)
        version = store.save(
            files,
            {
                **{result.summary["file"]: result.model for result in results},
                store.METRICS: as_json([{"label": r.label, **r.metrics} for r in results]),
                **scores_of((result, rows) for result in results),
            },
            algorithm=store.STACK,
            described={
                "mode": manifests[0]["mode"],
                "split": BY_STAR,
                "seed": seed,
                "threshold": self.threshold,
                "features": {r.label: [model.set_name for model in pair] for r in results},
                "labels": {r.label: r.summary for r in results},
                "surveys": sorted(rows["survey"].unique().tolist()),
                "stars": len(rows[_LIGHT_CURVE[:2]].drop_duplicates()),
                "light_curves": len(rows[_LIGHT_CURVE].drop_duplicates()),
            },
            informative={"code_version": code_version()},
        )
        register(self.warehouse, store.STACK, version, data_versions=pair[0].data_versions)
        return version, results

    def _scores(self, manifest: Mapping[str, Any], part: str) -> pd.DataFrame:
        """What a set says of a part, with its scores in a column named by its algorithm."""
        algorithm, version, noted = (manifest[k] for k in ("algorithm", "version", "files"))
        if part not in noted:
            raise ContractError(
                f"models {store.set_name(algorithm, version)} came without {part}, which stacks "
                f"need: run train_{algorithm} again"
            )
        content = store.read_checked(
            model_files(self.warehouse), algorithm, version, checksums=noted, name=part
        )
        return pd.read_parquet(io.BytesIO(content)).rename(columns={"score": algorithm})

    def _fit(self, rows: pd.DataFrame, label: str, *, start: Stack, seed: int) -> LabelResult:
        """Fit the stack of a label to the validation part, and judge it by the test part."""
        target, scores = rows["target"].to_numpy(np.int8), rows[[*KINDS]].to_numpy()
        validation, test = _parts(rows, label)
        stack = fit_stack(*_learnt_from(rows, label), start=start)
        judged = [Judged(of, target[of], stack.apply(scores[of])) for of in (validation, test)]
        names = rows["survey"] + ":" + rows["object_id"]
        metrics = label_metrics(
            target[test],
            judged[1].score,
            stars=names.iloc[test].tolist(),
            threshold=self.threshold,
            resamples=self.resamples,
            seed=seed,
        )
        for column, kind in enumerate(KINDS):
            alone = metrics_of(target[test], scores[test, column], threshold=self.threshold)[0]
            metrics[f"average_precision_{kind}"] = float(alone[METRICS.index("average_precision")])
        counts = {
            name: np.bincount(target[rows_of], minlength=2)
            for name, rows_of in (("validation", validation), ("test", test))
        }
        return LabelResult(
            label=label,
            model=stack.to_bytes(),
            summary={
                "kind": label,
                "file": f"{label}.json",
                "output": 0,
                "counts": told_counts(counts),
            },
            metrics=metrics,
            importances={},
            validation=judged[0],
            test=judged[1],
        )


def together(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The light curves that both sets have in this part, with a column of scores for each.

    Curves of a source in two filters that share its number cannot be told apart: left out.

    Parameters
    ----------
    first, second : DataFrame
        label, survey, object_id, source_id, target, and the scores in a column of another name.

    Raises
    ------
    ContractError
        If they do not agree on an answer.
    """
    key = ["label", *_LIGHT_CURVE]
    one, other = (part[~part.duplicated(key, keep=False)] for part in (first, second))
    unclear = len(first) - len(one)
    if unclear:
        log.warning("%s scores left out: their source_id names several curves", f"{unclear:,}")
    both = one.merge(other, on=key, how="inner", suffixes=("", "_second"))
    differ = both[both["target"] != both["target_second"]]
    if len(differ):
        row = differ.iloc[0]
        raise ContractError(
            f"the sets learnt from other labels: {row['label']} of {row['object_id']} is "
            f"{row['target']} in one and {row['target_second']} in the other; train both again"
        )
    return both.drop(columns="target_second")


def tell_stacks(results: Sequence[LabelResult]) -> None:
    """Log the average precision of each stack beside its models, and the means."""
    names = ["average_precision", *[f"average_precision_{kind}" for kind in KINDS]]
    found = np.array([[r.metrics[name] for name in names] for r in results], dtype=float)
    line = "%s average precision: stack %.3f, networks %.3f, trees %.3f"
    for result, figures in zip(results, found, strict=True):
        log.info(line, f"label={result.label}", *figures)
    log.info(line, f"mean of {len(results)} labels:", *np.nanmean(found, axis=0))


def _pair(models: Sequence[Model], names: Sequence[str]) -> list[Model]:
    """A model of the set of networks, and one of the set of trees."""
    pair = []
    for kind in KINDS:
        of_kind = [m for m in models if m.algorithm == kind]
        wanted = [m for m in of_kind if not names or m.set_name in names]
        if not wanted:
            known = ", ".join(sorted({m.set_name for m in of_kind})) or "none"
            raise ContractError(
                f"no registered set of {kind} models{' among ' + ', '.join(names) if names else ''}"
                f"; registered: {known}; train one with train_{kind}, or name one after --models"
            )
        pair.append(max(wanted, key=lambda m: (m.created, m.version)))
    return pair


def _check_alike(pair: Sequence[Model], manifests: Sequence[Mapping[str, Any]]) -> None:
    """Raise ContractError unless both sets learnt from the same part of the same tables."""
    first, second = (
        {"tables": dict(model.data_versions), **{k: told[k] for k in ("mode", "split", "seed")}}
        for model, told in zip(pair, manifests, strict=True)
    )
    for name, value in first.items():
        if second[name] != value:
            raise ContractError(
                f"{pair[0].set_name} and {pair[1].set_name} cannot be combined: their {name} are "
                f"{value} and {second[name]}; train both on the same tables, by star, with one seed"
            )
    if first["split"] != BY_STAR:
        raise ContractError(
            f"{pair[0].set_name} was not split by star: a stack would flatter itself"
        )


def _parts(rows: pd.DataFrame, label: str) -> list[NDArray[np.int64]]:
    """Numbers of the label's rows in the validation and in the test part."""
    mine = rows["label"] == label
    return [np.flatnonzero(mine & (rows["part"] == part)) for part in (VALIDATION, PREDICTIONS)]


def _learnt_from(rows: pd.DataFrame, label: str) -> Part:
    """Answers and scores of the label's validation part."""
    found = rows.iloc[_parts(rows, label)[0]]
    return found["target"].to_numpy(np.int8), found[[*KINDS]].to_numpy()


def _why_not(rows: pd.DataFrame, label: str) -> str | None:
    """What keeps a label from being combined; None if nothing does."""
    for name, part in zip(("validation", "test"), _parts(rows, label), strict=True):
        found = np.bincount(rows["target"].to_numpy()[part], minlength=2)
        if not found.all():
            return f"the {name} part has {found[1]} positive and {found[0]} negative light curves"
    return None
