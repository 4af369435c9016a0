import logging
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from made_models import images, save_alert_networks, save_networks, save_trees
from synthetic_features import feature_rows, write_features

from jobs.common.model_files import model_files
from jobs.common.production import load_production
from jobs.common.registry_table import append_models, delta_versions, read_models
from jobs.common.tables import Warehouse
from jobs.promote_models import main
from jobs.registry.checks import Checks
from jobs.registry.promotion import Promotion
from jobs.registry.register import register
from models import store
from models.registry import in_production
from udfs.errors import ContractError
from udfs.schemas import FEATURES, MODELS

N_STARS = 40


@pytest.fixture(scope="module")
def rows():
    found = feature_rows(N_STARS)
    found["dmdt"] = list(images(len(found)).reshape(len(found), -1).tolist())
    return found


@pytest.fixture(scope="module")
def featured(spark, rows, tmp_path_factory):
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("promote") / "warehouse"))
    write_features(warehouse, rows)
    return warehouse


@pytest.fixture
def toy(featured, tmp_path):
    """The features, and no registry."""
    shutil.copytree(featured.path(FEATURES), tmp_path / "features")
    return Warehouse(featured.spark, str(tmp_path))


def register_trees(warehouse, rows, **how):
    """Stores and registers a set; returns its name."""
    version = save_trees(model_files(warehouse), rows, **how)
    register(warehouse, "xgb", version, data_versions=delta_versions(warehouse, [FEATURES]))
    return f"xgb-{version}"


@pytest.fixture
def add(toy, rows):
    return partial(register_trees, toy, rows)


def stages(warehouse):
    return {(m.set_name, m.label): m.stage for m in read_models(warehouse)}


def said(caplog):
    return [r.getMessage() for r in caplog.records if r.name.startswith("jobs.")]


def test_first_models_of_both_kinds_come_in_one_commit(toy, rows, add, caplog):
    trees = add(rounds=8)
    networks = save_networks(model_files(toy), rows)
    register(toy, "dnn", networks, data_versions={})
    register(toy, "dnn", networks, data_versions={})
    before = delta_versions(toy, [MODELS])["registry"]
    assert len(read_models(toy)) == 4
    with caplog.at_level(logging.INFO):
        main(["--warehouse", toy.root])
    assert delta_versions(toy, [MODELS])["registry"] == before + 1
    assert stages(toy) == {
        (name, label): "production"
        for name in (f"dnn-{networks}", trees) for label in ("ea", "rrab")
    }  # fmt: skip
    assert f"xgb ea {trees[4:]}: promoted, the first of its label" in said(caplog)
    assert [each.name for each in load_production(toy, ("xgb", "dnn"))] == [
        f"dnn-{networks}", trees,
    ]  # fmt: skip
    main(["--warehouse", toy.root])
    assert said(caplog)[-1] == "no candidate is newer than the models in production"


def test_worse_models_are_kept_out_unless_forced_and_can_be_rolled_back(toy, add, caplog):
    good = add(rounds=9)
    main(["--warehouse", toy.root])
    bad = add(rounds=1)
    with caplog.at_level(logging.INFO):
        main(["--warehouse", toy.root, "--labels", "ea"])
        assert any(f"ea {bad[4:]}: not promoted, average precision 0." in line
                   and "on 80 common test rows" in line for line in said(caplog))  # fmt: skip
        assert stages(toy)[good, "ea"] == "production"
        main(["--warehouse", toy.root, "--labels", "ea", "--force", "--reason", "a try"])
        assert (stages(toy)[good, "ea"], stages(toy)[bad, "ea"]) == ("retired", "production")
        main(["--warehouse", toy.root, "--list"])
        (line,) = [ln for ln in said(caplog) if f"{bad[4:]} production" in ln]
        assert line.startswith("xgb   ea ") and "forced (a try) though average precision" in line
    # The set in use is mixed now: ea of the one, rrab of the other.
    assert {s.name: s.labels for s in load_production(toy, ["xgb"])} == {
        bad: ("ea",), good: ("rrab",),
    }  # fmt: skip
    main(["--warehouse", toy.root, "--rollback", "--reason", "no good"])
    assert stages(toy) == {
        (good, "ea"): "production", (good, "rrab"): "production",
        (bad, "ea"): "retired", (bad, "rrab"): "candidate",
    }  # fmt: skip
    (row,) = [m for m in read_models(toy) if m.set_name == bad and m.label == "ea"]
    assert row.reason == f"rolled back to {good[4:]}: no good"


def test_published_networks_give_way_to_published_ones_and_not_to_trained_ones(toy, caplog):
    def braai(seed):
        version = save_alert_networks(model_files(toy), seed=seed)[1]
        register(toy, "braai", version, data_versions={})
        return version

    first = braai(1)
    main(["--warehouse", toy.root])
    second = braai(2)
    main(["--warehouse", toy.root])
    assert stages(toy) == {
        (f"braai-{first}", "braai"): "retired", (f"braai-{second}", "braai"): "production",
    }  # fmt: skip
    # As train_acai registers: of the alerts, with a figure of its own test part.
    third = save_alert_networks(model_files(toy), seed=3)[1]
    (row,) = (m for m in read_models(toy) if m.version == second)
    folder, files = f"models/braai/{third}", model_files(toy)
    noted = store.read_manifest(files, "braai", third)["files"]
    trained = replace(
        row, version=third, stage="candidate", folder=folder, promoted=None, change=0,
        average_precision=0.99, data_versions={"alerts": 0}, created=datetime.now(UTC),
        files=tuple((name, noted[name], 1) for name, _, _ in row.files),
    )  # fmt: skip
    append_models(toy, [trained], set_name=f"braai-{third}")
    with caplog.at_level(logging.INFO):
        main(["--warehouse", toy.root])
        assert stages(toy)[f"braai-{second}", "braai"] == "production"
        (line,) = [ln for ln in said(caplog) if f"{third}: not promoted" in ln]
        assert f"nothing compares it with {second} in production" in line
        main(["--warehouse", toy.root, "--force", "--reason", "better on 500 alerts"])
    assert stages(toy)[f"braai-{third}", "braai"] == "production"
    main(["--warehouse", toy.root, "--rollback"])
    assert stages(toy)[f"braai-{second}", "braai"] == "production"


def test_a_damaged_model_is_refused_and_the_others_promoted(toy, add):
    name = add(rounds=7)
    model_files(toy).write(f"xgb/{name[4:]}/ea.ubj", b"broken")
    with pytest.raises(ContractError, match="1 of 2 models were refused.* ea: .*ea.ubj is damage"):
        main(["--warehouse", toy.root])
    assert stages(toy) == {(name, "ea"): "candidate", (name, "rrab"): "production"}


def test_a_model_that_scores_otherwise_than_in_the_training_is_refused(toy, add):
    name = add(rounds=6, noise=0.01)
    with pytest.raises(ContractError, match=r"smoke prediction: star1_\d+ scores 0\.\d+, in the "):
        main(["--warehouse", toy.root])
    assert set(stages(toy).values()) == {"candidate"}
    # Without the features of the training nothing can be compared: probabilities will do.
    (ea, _) = sorted((m for m in read_models(toy) if m.set_name == name), key=lambda m: m.label)
    assert Checks(toy).broken([ea]) != {}
    ea.data_versions["features"] = 99
    assert Checks(toy).broken([ea]) == {}


def test_features_that_changed_since_the_training_do_not_matter(toy, rows, add):
    name = add(rounds=5)
    write_features(toy, rows.assign(skew=0.0, period_ELS_ECE_EAOV=0.0))
    main(["--warehouse", toy.root])
    write_features(toy, rows)
    assert set(stages(toy).values()) == {"production"} and name


def promotion_of(warehouse):
    """A promotion as of now: what others commit from here on, it does not know."""
    models = read_models(warehouse)
    promotion = Promotion(warehouse, models, models)
    return lambda version: promotion.promote(labels=[], version=version, forced=None)


@pytest.mark.parametrize("how", ["one after the other", "at the same moment"])
def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(toy, add, monkeypatch, how):
    sets = [add(rounds=3), add(rounds=4)]
    promotions = [promotion_of(toy) for _ in sets]
    told = {}

    def run(i):
        try:
            promotions[i](sets[i])
        except ContractError as error:
            told[i] = str(error)

    if how == "at the same moment":
        barrier = threading.Barrier(2)
        waits = lambda self, models: barrier.wait() and {} or {}  # noqa: E731
        monkeypatch.setattr(Checks, "broken", waits)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
        if how == "one after the other":
            thread.join()
    for thread in threads:
        thread.join()
    ((loser, message),) = told.items()
    assert "made by somebody else" in message and "\n" not in message
    assert stages(toy) == {
        (sets[i], label): "candidate" if i == loser else "production"
        for i in range(2) for label in ("ea", "rrab")
    }  # fmt: skip
    assert len(in_production(read_models(toy))) == 2


@pytest.fixture(scope="module")
def candidates(featured, rows):
    register_trees(featured, rows)
    return featured


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--version", "xgb-nosuch"], "the registry has no models 'xgb-nosuch'"),
        (["--labels", "rrabb"], "no such model of 'rrabb'; did you mean 'rrab'"),
        (["--algorithm", "xbg"], "--algorithm xbg: expected one of xgb, dnn, stack, acai, braai"),
        (["--rollback"], "nothing to roll back"),
        (["--rollback", "--force", "--reason", "x"], "--rollback goes with neither"),
        (["--force"], "--force needs --reason"),
    ],
)
def test_bad_requests_are_answered_in_one_line(candidates, flags, message):
    with pytest.raises(ContractError, match=message) as error:
        main(["--warehouse", candidates.root, *flags])
    assert "\n" not in str(error.value)
    assert set(stages(candidates).values()) == {"candidate"}


def test_a_registry_without_a_production_model_says_what_to_run(candidates, toy):
    with pytest.raises(ContractError, match="in production: train some .* run promote_models"):
        load_production(candidates, ("xgb", "dnn"))
    with pytest.raises(ContractError, match="no registered models: run train_xgb"):
        main(["--warehouse", toy.root])
