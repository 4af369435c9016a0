"""Small model sets whose scores need no training: trees on made-up rows, networks by chance."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from models import store, xgb
from models.feature_sets import read_feature_sets
from models.imputation import fit_imputer
from models.networks.architecture import ACAI, BRAAI, Architecture, weight_shapes
from models.networks.stored import to_bytes
from models.scaling import fit_scaler
from udfs.alert_schemas import ALERT_SCORES
from udfs.alerts.metadata import FEATURES

SETS = read_feature_sets(Path(__file__).resolve().parents[1] / "conf" / "features.toml")
KINDS = {"ea": "phenomenological", "rrab": "ontological"}
# What each label follows, among the features of its kind.
FOLLOWS = {"ea": "skew", "rrab": "period_ELS_ECE_EAOV"}
N_ROWS = 200


def rows_of(n: int = N_ROWS, *, seed: int = 1) -> pd.DataFrame:
    """Light curves with all 61 features, normal with a spread of 1."""
    rng = np.random.default_rng(seed)
    names = list(SETS.ontological)
    rows = pd.DataFrame(rng.normal(size=(n, len(names))), columns=names)
    return rows.assign(
        survey="toy", object_id=[f"s{i // 2:03d}" for i in range(n)], source_id=range(n)
    )


def images(n: int = N_ROWS, *, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 0.3, size=(n, 26, 26, 1)).astype(np.float32)


def described(labels: dict[str, dict[str, object]]) -> dict[str, object]:
    return {
        "mode": "fixed", "threshold": 0.7, "labels": labels, "split": "star", "seed": 42,
        "surveys": ["toy"], "stars": N_ROWS // 2, "light_curves": N_ROWS,
        "features": {kind: list(SETS.of_kind(kind)) for kind in sorted(set(KINDS.values()))},
    }  # fmt: skip


def save_trees(
    files: store.Files, rows: pd.DataFrame | None = None, *, rounds: int = 8, noise: float = 0.0
) -> str:
    """Trees for ea and rrab; their test part is all rows, with ``noise`` on the stored scores."""
    rows = rows_of() if rows is None else rows
    matrix = rows[list(SETS.ontological)].to_numpy(float)
    imputer = fit_imputer(matrix, SETS)
    filled = imputer.transform(matrix)
    contents, frames = {store.IMPUTER: imputer.to_bytes()}, []
    for label, kind in KINDS.items():
        names = SETS.of_kind(kind)
        inputs = filled[:, [SETS.ontological.index(name) for name in names]]
        target = (rows[FOLLOWS[label]] > 0).to_numpy(np.int8)
        settings = xgb.Settings(max_rounds=rounds, early_stopping_rounds=rounds)
        trained = xgb.train(
            inputs, target, validation=(inputs, target), features=names, settings=settings
        )
        score = xgb.predict(xgb.load(trained.model), xgb.as_input(inputs, names))
        contents[f"{label}.ubj"] = trained.model
        frames.append(_predicted(rows, label, target, score + np.float32(noise)))
    return _save(files, contents, frames, "xgb", {
        label: {"kind": kind, "file": f"{label}.ubj", "output": 0} for label, kind in KINDS.items()
    })  # fmt: skip


def network(n_outputs: int, *, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    architecture = Architecture("scope", n_features=61, n_outputs=n_outputs)
    weights = [
        rng.normal(scale=0.3, size=shape).astype(np.float32)
        for _, shape in weight_shapes(architecture)
    ]
    return to_bytes(architecture, weights)


def save_networks(files: store.Files, rows: pd.DataFrame | None = None, *, seed: int = 5) -> str:
    """One network of two outputs, for rrab (the second) and ea (the first); no test part."""
    rows = rows_of() if rows is None else rows
    matrix = rows[list(SETS.ontological)].to_numpy(float)
    imputer = fit_imputer(matrix, SETS)
    contents = {
        "multi.npz": network(2, seed=seed),
        store.IMPUTER: imputer.to_bytes(),
        store.SCALER: fit_scaler(imputer.transform(matrix)).to_bytes(),
    }
    return _save(files, contents, [], "dnn", {
        label: {"kind": "ontological", "file": "multi.npz", "output": i}
        for i, label in enumerate(KINDS)
    })  # fmt: skip


def _predicted(rows: pd.DataFrame, label: str, target: np.ndarray, score: np.ndarray) -> object:
    told = rows[["survey", "object_id", "source_id"]]
    return told.assign(label=label, target=target.astype("int32"), score=score)


def _save(files, contents, frames, algorithm, labels) -> str:
    if frames:
        buffer = io.BytesIO()
        pd.concat(frames).to_parquet(buffer, index=False)
        contents[store.PREDICTIONS] = buffer.getvalue()
    metrics = [{"label": label, "average_precision": 0.9, "roc_auc": 0.95} for label in labels]
    contents[store.METRICS] = json.dumps(metrics).encode()
    return store.save(
        files, contents, algorithm=algorithm, described=described(labels),
        informative={"code_version": "test"},
    )  # fmt: skip


def save_alert_networks(files: store.Files, *, seed: int = 3) -> list[str]:
    """ACAI's five networks and braai, with weights by chance; returns the two versions."""
    return [
        _save_of_family(files, ACAI, ALERT_SCORES[:5], seed),
        _save_of_family(files, BRAAI, ALERT_SCORES[5:], seed),
    ]


def _save_of_family(files: store.Files, family: str, labels: Sequence[str], seed: int) -> str:
    architecture = Architecture(family, n_features=len(FEATURES) if family == ACAI else 0)
    names = list(FEATURES) if family == ACAI else []
    contents = {}
    for i, label in enumerate(labels):
        rng = np.random.default_rng([seed, i])
        weights = [
            # ACAI takes raw numbers up to hundreds: small weights keep the scores off 0 and 1.
            rng.normal(scale=0.02 if family == ACAI else 0.1, size=shape).astype(np.float32)
            for _, shape in weight_shapes(architecture)
        ]
        contents[f"{label}.npz"] = to_bytes(architecture, weights)
    return store.save(
        files, contents, algorithm=family,
        described={
            "mode": "acai-2020", "threshold": 0.5, "features": {"all": names},
            "labels": {n: {"kind": "all", "file": f"{n}.npz", "output": 0} for n in labels},
        },
        informative={"code_version": "test"},
    )  # fmt: skip
