import numpy as np
import pytest
from made_models import images, rows_of, save_networks, save_trees
from scipy.special import expit, logit

from models import store
from models.evaluation.stacking import Stack
from models.scorer import Scorer
from models.stacks import without_orphans

STACKS = {"rrab": Stack(np.array([0.5, 1.5]), -0.25), "ea": Stack(np.array([1.0, 0.0]), 0.0)}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Networks, trees and stacks of both."""
    files = store.LocalFiles(tmp_path_factory.mktemp("models"))
    names = [f"dnn-{save_networks(files)}", f"xgb-{save_trees(files)}"]
    version = store.save(
        files,
        {f"{label}.json": stack.to_bytes() for label, stack in STACKS.items()},
        algorithm="stack",
        described={
            "features": dict.fromkeys(STACKS, names),
            "labels": {n: {"kind": n, "file": f"{n}.json", "output": 0} for n in STACKS},
        },
        informative={},
    )
    return [store.load(files, *store.split_name(name)) for name in [*names, f"stack-{version}"]]


def test_a_stack_scores_what_its_formula_says_of_both_models(sets):
    scores = Scorer(sets).score(rows_of(40), images(40))
    assert list(scores)[-3:] == ["rrab_stack", "ea_stack", "status"]
    expected = expit(0.5 * logit(scores["rrab_dnn"]) + 1.5 * logit(scores["rrab_xgb"]) - 0.25)
    np.testing.assert_allclose(scores["rrab_stack"], expected, rtol=1e-5)
    np.testing.assert_allclose(scores["ea_stack"], scores["ea_dnn"], rtol=1e-5)


def test_a_row_that_one_model_cannot_score_has_no_stack(sets):
    rows, pixels = rows_of(3), images(3)
    rows.loc[0, "sw"] = np.nan
    pixels[1] = np.nan
    assert Scorer(sets).score(rows, pixels)["rrab_stack"].notna().tolist() == [False, False, True]


def test_stacks_without_the_models_they_were_fitted_to_do_not_score(sets):
    networks, trees, stacks = sets
    assert without_orphans(sets) == (sets, [])
    kept, lines = without_orphans([networks, trees.only(["rrab"]), stacks])
    assert [each.labels for each in kept] == [("ea", "rrab"), ("rrab",), ("rrab",)]
    assert lines == [
        f"ea of {stacks.name} does not score: it combines {trees.name}, which is not among the "
        "models; run train_stack and promote_models for those that are"
    ]
    assert without_orphans([trees, stacks])[0] == [trees]
