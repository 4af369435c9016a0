import logging
from dataclasses import replace

import numpy as np

from jobs.training.search import search_as_tasks
from models import xgb_search
from models.label_training import Plan, Prepared
from models.splits import TEST, TRAIN
from models.xgb import SCOPE_START

PLAN = Plan(replace(SCOPE_START, max_rounds=4))
COLUMNS = {"wide": np.arange(4), "narrow": np.arange(1, 3)}
KINDS = {"rrab": "wide", "ea": "narrow"}


def prepared(rng, n=300):
    """Two labels with features of their own; two light curves per star, some rows not complete."""
    matrix = rng.normal(size=(n, 4)).astype(np.float32)
    noisy = matrix + rng.normal(size=matrix.shape)
    ea = (noisy[:, 1] * noisy[:, 2] > 0.5).astype(np.int8)
    ea[::7] = -1
    return Prepared(
        features={kind: tuple("abcd"[i] for i in at) for kind, at in COLUMNS.items()},
        matrix=matrix,
        columns=COLUMNS,
        complete={"wide": rng.random(n) > 0.1, "narrow": np.ones(n, dtype=bool)},
        kinds=KINDS,
        targets={"rrab": (noisy[:, 0] + noisy[:, 3] > 0.3).astype(np.int8), "ea": ea},
        stars=np.arange(n) // 2,
        part=np.where(np.arange(n) // 2 % 5 == 0, TEST, TRAIN).astype(np.int8),
    )


def test_tasks_find_what_the_search_in_one_process_finds(spark, caplog):
    data = prepared(np.random.default_rng(3))
    with caplog.at_level(logging.INFO):
        found = search_as_tasks(spark, data, list(KINDS), PLAN)
    assert found["rrab"] != found["ea"]
    for label, kind in KINDS.items():
        rows = np.flatnonzero(
            (data.part == TRAIN) & data.complete[kind] & (data.targets[label] >= 0)
        )
        expected = xgb_search.search(
            data.matrix[rows][:, COLUMNS[kind]],
            data.targets[label][rows],
            groups=data.stars[rows].astype(str).tolist(),
            settings=PLAN.settings,
        )
        assert found[label] == expected != PLAN.settings
    # A line per label and stage, and how far all of it is.
    lines = [record.getMessage() for record in caplog.records]
    assert sum(line.startswith("label=ea stage=") for line in lines) == 5
    assert any(line.startswith("search: 10 of 10 stages") for line in lines)
