from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from made_models import SETS, save_networks, save_trees

from jobs.registry.comparison import compare
from models import store
from models.judgement import Comparison, judge
from models.registry import (
    CANDIDATE,
    PRODUCTION,
    RETIRED,
    Model,
    candidates_of,
    in_production,
    next_change,
    promoted,
    rolled_back,
    to_promote,
    to_roll_back,
)
from udfs.errors import ContractError


def at(day):
    return datetime(2026, 11, day, tzinfo=UTC)


def model(label="ea", version="v1", stage=CANDIDATE, *, day=1, algorithm="xgb", ap=0.9, n=None,
          read=None):  # fmt: skip
    return Model(
        algorithm=algorithm, label=label, version=version, stage=stage, folder="f", file="a.ubj",
        output=0, files=(("a.ubj", "0" * 64, 3),), features=("sw",), threshold=0.7,
        average_precision=ap, metrics={}, data_versions=read or {}, code_version="c",
        created=at(day), changed=at(day), reason="", promoted=n, change=n or 0,
    )  # fmt: skip


def stages(models):
    return {(m.label, m.version): m.stage for m in models}


def after(models, changed):
    """The registry with some rows changed."""
    new = {(m.key, m.version): m for m in changed}
    return [new.get((m.key, m.version), m) for m in models]


def test_a_set_gives_one_candidate_per_label_with_all_that_scoring_needs(tmp_path):
    files = store.LocalFiles(tmp_path)
    manifest = store.read_manifest(files, "dnn", save_networks(files))
    ea, rrab = candidates_of(
        manifest, dict.fromkeys(manifest["files"], 7), metrics={"ea": {"label": "ea",
        "average_precision": 0.9, "roc_auc": 0.8, "roc_auc_95": [0.1, 0.9], "recall": None}},
        data_versions={"features": 3}, now=at(1),
    )  # fmt: skip
    assert [name for name, _, _ in ea.files] == ["imputer.npz", "multi.npz", "scaler.npz"]
    assert ea.checksums == {name: manifest["files"][name] for name, _, _ in ea.files}
    assert (ea.output, rrab.output, ea.file) == (0, 1, "multi.npz")
    assert ea.features == SETS.ontological and ea.threshold == 0.7
    assert ea.average_precision == 0.9 and ea.metrics == {"roc_auc": 0.8}
    assert rrab.average_precision is None and rrab.metrics == {}
    assert (ea.stage, ea.folder) == (CANDIDATE, f"models/dnn/{ea.version}")
    trees = store.read_manifest(files, "xgb", save_trees(files))
    (first, _) = candidates_of(
        trees, dict.fromkeys(trees["files"], 7), metrics={}, data_versions={}, now=at(1)
    )
    assert [name for name, _, _ in first.files] == ["ea.ubj", "imputer.npz"]


def test_the_newest_candidate_that_is_newer_than_production_is_proposed():
    models = [
        model("ea", "v1", PRODUCTION, day=2),
        model("ea", "v0", day=1),
        model("rrab", "v1", PRODUCTION, day=2),
        model("rrab", "v2", day=3),
        model("rrab", "v3", day=4),
        model("rrab", "v4", RETIRED, day=5),
        model("ew", "v2", day=3),
    ]
    assert [(m.label, m.version) for m in to_promote(models)] == [("ew", "v2"), ("rrab", "v3")]
    assert [m.version for m in to_promote(models, labels=["rrab"])] == ["v3"]
    assert to_promote(models, labels=["ea"]) == []


def test_a_set_asked_for_by_name_can_be_old_or_retired():
    models = [model("ea", "v1", PRODUCTION, day=2), model("ea", "v0", RETIRED, day=1),
              model("ew", "v0", day=1)]  # fmt: skip
    assert [m.key for m in to_promote(models, version="xgb-v0")] == [("xgb", "ea"), ("xgb", "ew")]
    with pytest.raises(ContractError, match="no models 'xgb-v9'; did you mean 'xgb-v"):
        to_promote(models, version="xgb-v9")
    with pytest.raises(ContractError, match="no such model of 'ew'"):
        to_promote(models, version="xgb-v1", labels=["ew"])
    with pytest.raises(ContractError, match="no such model of 'eww'; did you mean 'ew'"):
        to_promote(models, labels=["eww"])


def test_promotion_retires_what_was_there_and_rollback_brings_it_back():
    models = [model("ea", "v1"), model("ea", "v2", day=2), model("ea", "v3", day=3)]
    for n, version in enumerate(("v1", "v2", "v3"), 1):
        (chosen,) = to_promote(models, version=f"xgb-{version}")
        current = in_production(models).get(chosen.key)
        assert next_change(models) == n
        models = after(models, promoted(chosen, current, change=n, now=at(9), reason="r"))
    assert stages(models) == {("ea", "v1"): RETIRED, ("ea", "v2"): RETIRED,
                              ("ea", "v3"): PRODUCTION}  # fmt: skip
    for n, (back, gone) in enumerate((("v2", "v3"), ("v1", "v2")), 4):
        ((current, earlier),), alone = to_roll_back(models)
        assert (earlier.version, current.version, alone) == (back, gone, [])
        models = after(models, rolled_back(current, earlier, change=n, now=at(9), reason=": bad"))
        assert in_production(models)["xgb", "ea"].version == back
    assert next_change(models) == 6
    pairs, (left,) = to_roll_back(models)
    assert pairs == [] and left.version == "v1"
    assert in_production(models)["xgb", "ea"].reason == "rolled back from v2: bad"


def test_rollback_without_labels_undoes_the_last_promotion_alone():
    models = [
        model("ea", "v1", RETIRED, n=1), model("ea", "v2", PRODUCTION, n=2),
        model("ew", "v1", RETIRED, n=1), model("ew", "v3", PRODUCTION, n=3),
    ]  # fmt: skip
    ((current, _),), _ = to_roll_back(models)
    assert current.label == "ew"
    ((current, _),), _ = to_roll_back(models, labels=["ea"])
    assert current.label == "ea"
    with pytest.raises(ContractError, match="nothing to roll back"):
        to_roll_back([model()])


def test_two_models_in_production_for_one_label_are_an_error():
    with pytest.raises(ContractError, match="xgb ea: both v1 and v2 are in production"):
        in_production([model(version="v1", stage=PRODUCTION), model(version="v2",
                                                                    stage=PRODUCTION)])  # fmt: skip


@pytest.mark.parametrize(
    ("candidate", "current", "falls"),
    [(0.8, 0.9, True), (0.9, 0.9, False), (0.9, 0.8, False), (None, 0.1, True), (0.1, None, False),
     (None, None, False)],
)  # fmt: skip
def test_a_candidate_falls_where_its_figure_is_lower(candidate, current, falls):
    assert Comparison(candidate, current, 0).falls == falls


TRAINED = {"alerts": 7}


@pytest.mark.parametrize(
    ("figures", "read", "before_read", "better", "says"),
    [
        # A trained candidate against the published networks: its own figure proves nothing.
        ((0.99, None), TRAINED, {}, False, "nothing compares it with v1 in production; judge both"),
        ((None, None), TRAINED, {}, False, "undefined against undefined by the stored figures: no"),
        ((None, None), {}, TRAINED, False, "promote it with --force --reason WHY"),
        ((0.1, None), {}, {}, False, "nothing compares it with v1"),
        ((None, None), {}, {}, True, "imported in place of an imported one"),
        # Published networks against a trained one that has a figure.
        ((None, 0.1), {}, TRAINED, False, "undefined against 0.1000"),
        ((0.8, 0.9), TRAINED, TRAINED, False, "0.8000 against 0.9000"),
        ((0.9, 0.9), TRAINED, TRAINED, True, "0.9000 against 0.9000"),
    ],
)
def test_what_cannot_be_compared_stays_out(figures, read, before_read, better, says):
    candidate, current = model(version="v2", read=read), model(version="v1", read=before_read)
    found, why = judge(candidate, current, Comparison(*figures, 0), forced=None)
    assert found is better and says in why and "\n" not in why
    forced, why = judge(candidate, current, Comparison(*figures, 0), forced="a night of alerts")
    assert forced
    if not better:
        assert why.startswith("forced (a night of alerts) though average precision ")


def test_common_rows_make_a_model_without_a_figure_comparable():
    mine = predicted((1, 1, 0.9), (2, 0, 0.6), (3, 0, 0.1))
    other = predicted((1, 1, 0.5), (2, 0, 0.6), (3, 0, 0.1))
    candidate, current = model(version="v2", read=TRAINED), model(version="v1", ap=None)
    found = compare(candidate, current, predicted=mine, before=other)
    better, why = judge(candidate, current, found, forced=None)
    assert better and why == "average precision 1.0000 against 0.5000 on 3 common test rows"


def predicted(*rows, label="ea"):
    return pd.DataFrame(
        [("s", str(i), i, label, target, score) for i, target, score in rows],
        columns=["survey", "object_id", "source_id", "label", "target", "score"],
    )


def test_models_are_compared_on_the_light_curves_that_both_predicted():
    # On the common rows 1, 2, 3 the candidate ranks the positive second, the other one first.
    mine = predicted((1, 1, 0.5), (2, 0, 0.6), (3, 0, 0.1), (4, 1, 0.9), (5, 1, 0.9))
    other = predicted((1, 0, 0.9), (2, 0, 0.2), (3, 0, 0.1), (9, 1, 0.0))
    candidate, current = model(version="v2", ap=0.99), model(version="v1", ap=0.01)
    found = compare(candidate, current, predicted=mine, before=other)
    assert (found.candidate, found.current, found.rows) == (0.5, 1.0, 3)
    assert str(found) == "average precision 0.5000 against 1.0000 on 3 common test rows"


@pytest.mark.parametrize(
    "other",
    [predicted((8, 1, 0.9), (9, 0, 0.2)), predicted((2, 0, 0.5)), predicted((1, 1, 0.5), label="e"),
     pd.DataFrame(columns=["label"])],
)  # fmt: skip
def test_stored_figures_count_without_common_rows_of_both_classes(other):
    mine = predicted((1, 1, 0.5), (2, 0, 0.6))
    current = replace(model(version="v1"), average_precision=0.95)
    found = compare(model(version="v2"), current, predicted=mine, before=other)
    assert (found.candidate, found.current, found.rows) == (0.9, 0.95, 0) and found.falls
    assert str(found).endswith("by the stored figures")
