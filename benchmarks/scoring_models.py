"""Model sets of 44 labels and rows to score with them, made up: trees are grown, networks drawn."""

import json
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from jobs.common.config import CONF
from models import store
from models.feature_sets import REQUIRED, read_feature_sets
from models.imputation import fit_imputer
from models.networks.architecture import Architecture, weight_shapes
from models.networks.stored import to_bytes
from models.scaling import fit_scaler
from models.taxonomy import read_taxonomy

SETS = read_feature_sets(CONF / "features.toml")
TAXONOMY = read_taxonomy(CONF / "labels.toml")
LABELS = TAXONOMY.scored[:44]
KIND = {label: TAXONOMY.label(label).kind for label in LABELS}
TRAINING_ROWS = 10_000
# The catalogues miss a source as a whole: columns by their prefix, and the share of sources.
CATALOGUES = {"AllWISE": 0.4, "Gaia_EDR3": 0.1, "PS1_DR1": 0.2}

FloatMatrix = NDArray[np.float64]


def catalogue_rows(n: int, rng: np.random.Generator) -> FloatMatrix:
    """The 13 columns whose gaps are filled from neighbours, (n, 13), with gaps.

    Magnitudes of a source go together as colours of stars do, and whole catalogues are absent.
    """
    g, colour, infrared = rng.normal(17, 1.5, n), rng.normal(0.8, 0.5, n), rng.normal(1.5, 0.6, n)
    w1 = g - infrared
    w3 = w1 - rng.normal(0.3, 0.8, n)
    rows = np.column_stack(
        [w1, w1 - rng.normal(0, 0.1, n), w3, w3 - rng.normal(2, 0.8, n)]
        + [np.exp(rng.normal(-0.5, 1, n))]
        + [g + k * colour + rng.normal(0, 0.05, n) for k in (0.5, 0, -0.6)]
        + [g + k * colour + rng.normal(0, 0.05, n) for k in (0.6, -0.2, 0, -0.5, -0.4)]
    )
    gaps = rng.random(rows.shape) < 0.02
    for columns, share in zip(np.split(np.arange(13), [4, 8]), CATALOGUES.values(), strict=True):
        gaps[np.ix_(rng.random(n) < share, columns)] = True
    rows[gaps] = np.nan
    return rows


def feature_rows(n: int, *, seed: int) -> FloatMatrix:
    """All 61 features of light curves, (n, 61), gaps in those that are filled."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, len(SETS.ontological)))
    filling = [SETS.filling[name] for name in SETS.ontological]
    rows[:, [how == "regress" for how in filling]] = catalogue_rows(n, rng)
    constant = np.array([how not in ("regress", REQUIRED) for how in filling])
    rows[(rng.random(rows.shape) < 0.3) & constant] = np.nan
    return rows


def images(n: int, *, seed: int) -> NDArray[np.float32]:
    """As dmdt images are: most pixels small, (n, 26, 26, 1)."""
    return np.random.default_rng(seed).beta(0.3, 3.0, (n, 26, 26, 1)).astype(np.float32)


def weights(architecture: Architecture, *, seed: int) -> list[NDArray[np.float32]]:
    """Drawn so that the scores of different rows differ."""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[:-1])) if shape[1:] else 0.1, shape)
        .astype(np.float32)
        for _, shape in weight_shapes(architecture)
    ]  # fmt: skip


@lru_cache(maxsize=1)
def trees(rounds: int) -> dict[str, bytes]:
    """Label -> booster of so many trees of depth 5, in UBJ form."""
    matrix = fit_imputer(feature_rows(TRAINING_ROWS, seed=1), SETS).transform(
        feature_rows(3000, seed=2)
    )
    found = {}
    for i, label in enumerate(LABELS):
        rng = np.random.default_rng(i)
        names = SETS.of_kind(KIND[label])
        inputs = matrix[:, [SETS.ontological.index(name) for name in names]]
        signal = inputs @ rng.normal(size=len(names)) / 3 + 2 * np.sin(2 * inputs[:, i % 35])
        target = signal + rng.normal(size=len(signal)) > np.quantile(signal, 0.7)
        data = xgb.DMatrix(inputs, label=target, feature_names=list(names))
        settings = {"objective": "binary:logistic", "max_depth": 5, "eta": 0.05, "subsample": 0.6,
                    "colsample_bytree": 0.6, "nthread": 1, "tree_method": "hist"}  # fmt: skip
        found[label] = bytes(xgb.train(settings, data, rounds).save_raw("ubj"))
    return found


def tree_set(files: store.Files, rounds: int) -> store.ModelSet:
    """All labels by boosted trees."""
    told = {name: {"kind": KIND[name], "file": f"{name}.ubj", "output": 0} for name in LABELS}
    contents = {f"{name}.ubj": model for name, model in trees(rounds).items()}
    return _stored(files, store.XGB, contents, told)


def network_set(files: store.Files, *, multi: bool) -> store.ModelSet:
    """All labels by networks: one for all, or one each."""
    everything = SETS.of_kind("ontological")
    if multi:
        network = Architecture("scope", len(everything), len(LABELS), head_units=64)
        contents = {"multi.npz": to_bytes(network, weights(network, seed=0))}
        told = {
            name: {"kind": "ontological", "file": "multi.npz", "output": i}
            for i, name in enumerate(LABELS)
        }
        return _stored(files, store.DNN, contents, told)
    contents = {}
    for i, label in enumerate(LABELS):
        network = Architecture("scope", len(SETS.of_kind(KIND[label])))
        contents[f"{label}.npz"] = to_bytes(network, weights(network, seed=i))
    told = {name: {"kind": KIND[name], "file": f"{name}.npz", "output": 0} for name in LABELS}
    return _stored(files, store.DNN, contents, told)


def feature_frames(rows: int, per_frame: int) -> Iterator[pd.DataFrame]:
    """The features by name, frame after frame."""
    for first in range(0, rows, per_frame):
        matrix = feature_rows(min(per_frame, rows - first), seed=100 + first)
        yield pd.DataFrame(matrix, columns=list(SETS.ontological))


def _stored(
    files: store.Files, algorithm: str, contents: dict[str, bytes], told: dict[str, object]
) -> store.ModelSet:
    matrix = feature_rows(TRAINING_ROWS, seed=1)
    imputer = fit_imputer(matrix, SETS)
    contents = {
        **contents,
        store.IMPUTER: imputer.to_bytes(),
        store.METRICS: json.dumps([]).encode(),
    }
    if algorithm != store.XGB:
        contents[store.SCALER] = fit_scaler(imputer.transform(matrix)).to_bytes()
    version = store.save(
        files,
        contents,
        algorithm=algorithm,
        described={
            "mode": "fixed",
            "labels": told,
            "features": {kind: list(SETS.of_kind(kind)) for kind in sorted(set(KIND.values()))},
        },
        informative={"code_version": "benchmark"},
    )
    return store.load(files, algorithm, version)
