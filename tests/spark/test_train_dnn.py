"""Networks trained from Delta tables, as Spark tasks and over ranks of Horovod."""

import io
import os
import signal
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score
from synthetic_features import feature_rows, write_features, write_labels

from jobs.common.model_files import model_files
from jobs.common.registry_table import delta_versions, read_models
from jobs.common.tables import Warehouse
from jobs.train_dnn import main
from jobs.training.network_run import NetworkTraining
from jobs.training.networks import NetworkJob, NetworkTask, train_on_ranks
from models import store
from models.dnn import DnnPlan, train_separate
from models.feature_sets import read_feature_sets
from models.networks.checkpoint import CheckpointFile
from models.networks.schedule import Schedule
from models.networks.training import NetworkPlan, Surroundings
from models.scorer import Scorer
from models.taxonomy import read_taxonomy
from udfs.errors import ContractError
from udfs.schemas import FEATURES

CONF = Path(__file__).resolve().parents[2] / "conf"
FEW = ["--resamples", "20", "--min-examples", "30", "--epochs", "12", "--learning-rate", "3e-3"]


@pytest.fixture(scope="module")
def toy(spark, tmp_path_factory):
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("toy") / "warehouse"))
    rows = feature_rows()
    rng = np.random.default_rng(5)
    rows["dmdt"] = [rng.random(676).astype(np.float32).tolist() for _ in range(len(rows))]
    write_features(warehouse, rows)
    write_labels(warehouse, rows)
    return warehouse


def train(warehouse, *flags):
    before = {model.version for model in read_models(warehouse)}
    main(["--warehouse", warehouse.root, *FEW, *flags])
    (version,) = {model.version for model in read_models(warehouse)} - before
    return store.load(model_files(warehouse), store.DNN, version)


def plan(epochs):
    network = NetworkPlan(epochs=epochs, schedule=Schedule(learning_rate=3e-3))
    return DnnPlan(network=network, multi=network, min_examples=30, resamples=20)


def job_of(toy, plan, folder):
    """What the processes of a training are told."""
    training = NetworkTraining(
        toy,
        read_taxonomy(CONF / "labels.toml"),
        read_feature_sets(CONF / "features.toml"),
        plan,
    )
    recipe, _ = training._recipe(delta_versions(toy, [FEATURES])["features"], [])
    return NetworkJob(recipe, plan, str(folder), threads=1)


def test_networks_as_spark_tasks_learn_and_are_stored_with_what_scoring_needs(toy):
    trained = train(toy, "--networks", "both")
    assert trained.labels == ("ea", "rrab")
    of_ea = 35 if trained.manifest["labels"]["ea"]["file"] == "ea.npz" else 61
    assert len(trained.features_of("ea")) == of_ea and len(trained.features_of("rrab")) == 61
    assert trained.imputer is not None and trained.scaler is not None
    told = pd.read_parquet(
        io.BytesIO(model_files(toy).read(f"dnn/{trained.version}/predictions.parquet"))
    )
    for label in trained.labels:
        mine = told[told["label"] == label]
        assert average_precision_score(mine["target"], mine["score"]) > 0.9
    # The stored networks give the stored scores, by the runtime that knows no TensorFlow.
    rows = feature_rows().set_index("source_id")
    mine = told[told["label"] == "rrab"]
    images = images_of(toy).loc[mine["source_id"]]
    scored = Scorer([trained]).score(
        rows.loc[mine["source_id"]], np.stack(images.to_list()).reshape(-1, 26, 26, 1)
    )
    np.testing.assert_allclose(scored["rrab_dnn"], mine["score"], atol=2e-6)


def images_of(warehouse):
    found = warehouse.read(FEATURES).select("source_id", "dmdt").toPandas()
    return found.set_index("source_id")["dmdt"].map(lambda v: np.array(v, np.float32))


def test_the_network_of_all_labels_is_one_file(toy):
    trained = train(toy, "--networks", "multi", "--in-process", "--epochs", "2")
    told = trained.manifest["labels"]
    assert {name: (t["file"], t["output"]) for name, t in told.items()} == {
        "ea": ("multi.npz", 0),
        "rrab": ("multi.npz", 1),
    }
    assert set(trained.files) == {"multi.npz"}


def test_a_lost_rank_ends_the_job_and_the_next_one_goes_on(toy, tmp_path):
    """Rank 1 is killed in its third epoch; the repetition starts with that epoch."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    marker = tmp_path / "killed"

    class Killed(NetworkJob):
        def run(self, task, table, *, ranks=None, on_epoch=None):
            def after(epoch, record):
                if epoch == 2 and ranks.rank == 1 and not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                with open(tmp_path / f"epochs_{ranks.rank}", "a") as told:
                    told.write(f"{epoch} ")

            return super().run(task, table, ranks=ranks, on_epoch=after)

    job = Killed(**vars(job_of(toy, plan(5), tmp_path / "checkpoints")))
    tasks = [NetworkTask("rrab", ("rrab",))]
    with pytest.raises(ContractError, match="rank of the training was lost.*goes on from there"):
        train_on_ranks(toy.spark, job, tasks, ranks=2)
    reached = CheckpointFile(str(tmp_path / "checkpoints" / "rrab.npz")).read().state.epoch
    assert reached == 3
    ((result,),) = train_on_ranks(toy.spark, job, tasks, ranks=2)
    assert (tmp_path / "epochs_1").read_text().split() == ["0", "1", "3", "4"]
    assert result.summary["epochs"] == 5 and result.label == "rrab"


def test_more_ranks_than_slots_are_refused(toy):
    with pytest.raises(ContractError, match="--ranks 3: Spark runs 2 tasks at once"):
        main(["--warehouse", toy.root, *FEW, "--ranks", "3"])


def test_a_label_with_too_few_examples_is_refused_with_its_count(toy):
    with pytest.raises(ContractError, match="label ew cannot be trained: 0 positive"):
        main(["--warehouse", toy.root, *FEW, "--labels", "ew"])


def test_training_without_spark(toy, tmp_path):
    """A table and a plan are enough; the session above only made the table."""
    job = job_of(toy, plan(2), tmp_path)
    table = job.recipe.open(tmp_path)
    columns = np.arange(table.features.shape[1])
    result = train_separate(
        table, "rrab", columns=columns, kind="ontological", plan=job.plan, where=Surroundings()
    )
    assert result.summary["epochs"] == 2
