import io
import shutil

import numpy as np
import pandas as pd
import pytest
from made_alerts import packet, record, stamp

from jobs.common.model_files import model_files
from jobs.common.registry_table import read_models
from jobs.common.tables import Warehouse
from jobs.import_models import main as import_models
from jobs.ingest_alerts import main as ingest_alerts
from jobs.train_acai import main as train_acai
from models.acai.scorer import AlertScorer
from models.store import load
from udfs.alert_schemas import ALERTS, STAMPS
from udfs.alerts.cutouts import read_triplets
from udfs.alerts.metadata import FEATURES, feature_matrix
from udfs.errors import ContractError

FIRST = 1_200_000_000_000_000_000
N = 60


@pytest.fixture(scope="module")
def alerts(spark, tmp_path_factory):
    """Sixty alerts of one night, a third hosted (seen by their brightness), one without drb."""
    root = tmp_path_factory.mktemp("alerts")
    (root / "night").mkdir()
    y, x = np.mgrid[:63, :63] - 31
    for i in range(N):
        hosted = i % 3 == 0
        changes = {"jd": 2460000.75, "ra": 10.0 + i, "magpsf": 16.0 if hosted else 20.0}
        alert = record(FIRST + i, **changes, **({"drb": None} if i == 7 else {}))
        alert["objectId"] = f"ZTF24obj{i:04d}"
        size = 4.0 if hosted else 1.0
        image = stamp(np.exp(-(x**2 + y**2) / (2 * size**2)))
        for channel in ("Science", "Template", "Difference"):
            alert[f"cutout{channel}"]["stampData"] = image
        (root / "night" / f"{i}.avro").write_bytes(packet(alert))
    labels = pd.DataFrame({"candid": FIRST + np.arange(N), "label": ["h", "v", "b"] * (N // 3)})
    labels.to_csv(root / "labels.csv", index=False)
    warehouse = Warehouse(spark, str(root / "warehouse"))
    ingest_alerts(["--warehouse", warehouse.root, "--input", str(root / "night")])
    return warehouse, root


def train(warehouse, labels, *more):
    train_acai([
        "--warehouse", warehouse.root, "--labels-file", str(labels), "--epochs", "2",
        "--rounds", "1", "--min-examples", "5", "--resamples", "5", "--in-process", *more,
    ])  # fmt: skip


def test_a_trained_set_scores_alerts_as_its_training_said(alerts, caplog):
    warehouse, root = alerts
    caplog.set_level("INFO")
    train(warehouse, root / "labels.csv", "--labels", "acai_h,acai_b")
    assert "labelled alerts: 60 in = 59 used + 0 not in the table + 1 with" in caplog.text
    models = {model.label: model for model in read_models(warehouse)}
    assert set(models) == {"acai_h", "acai_b"}
    model = models["acai_h"]
    assert (model.algorithm, model.stage, model.features) == ("acai", "candidate", FEATURES)
    assert model.data_versions == {"alerts": 1}

    files = model_files(warehouse)
    model_set = load(files, "acai", model.version)
    stored = files.read(f"acai/{model.version}/predictions.parquet")
    predictions = pd.read_parquet(io.BytesIO(stored))
    mine = predictions[predictions["label"] == "acai_h"].set_index("source_id")
    assert ((mine.index - FIRST) % 3 == 0).tolist() == (mine["target"] == 1).tolist()
    rows = warehouse.read(ALERTS).toPandas().set_index("candid").loc[mine.index]
    features = feature_matrix({n: rows[n].to_numpy(float) for n in FEATURES})
    images, _ = read_triplets(*(rows[n].map(bytes).tolist() for n in STAMPS))
    scores = AlertScorer([model_set]).score(features, images)
    np.testing.assert_allclose(scores["acai_h"], mine["score"], rtol=0, atol=1e-6)


def test_labels_that_cannot_be_used_are_named(alerts, tmp_path):
    warehouse, root = alerts
    labels = pd.read_csv(root / "labels.csv")
    for message, changed in {
        "x.csv: column 'label' is missing; there are: candid, letter": labels.rename(
            columns={"label": "letter"}
        ),
        "x.csv: unknown label 'q'": labels.assign(label="q"),
        f"x.csv: alert {FIRST} has 2 labels": pd.concat(
            [labels, labels.iloc[:1].assign(label="n")]
        ),
        "x.csv: a candid is missing or no integer": labels.assign(candid="none"),
        "none of its 60 alerts is in the table": labels.assign(candid=labels["candid"] + 10**6),
        "label acai_o cannot be trained: 0 positive alerts": labels,
    }.items():
        changed.to_csv(tmp_path / "x.csv", index=False)
        with pytest.raises(ContractError, match=message):
            train(warehouse, tmp_path / "x.csv", "--labels", "acai_o")
    with pytest.raises(ContractError, match="nowhere.csv cannot be read"):
        train(warehouse, tmp_path / "nowhere.csv")
    with pytest.raises(ContractError, match="no model of braai is in production"):
        train(warehouse, root / "labels.csv", "--instead-of-drb", "braai")


@pytest.mark.data
def test_published_networks_enter_the_registry_whole_or_not_at_all(warehouse, data_dir, tmp_path):
    published = data_dir / "acai_oracle" / "models"
    for path in published.glob("*.h5"):
        shutil.copy(path, tmp_path)
    damaged = bytearray((tmp_path / "acai_o.d1_dnn_20201130.h5").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "acai_o.d1_dnn_20201130.h5").write_bytes(damaged)
    argv = ["--warehouse", warehouse.root, "--algorithms", "acai", "--folder"]
    with pytest.raises(ContractError, match="acai_o.d1_dnn_20201130.h5 is not the published file"):
        import_models([*argv, str(tmp_path)])
    (tmp_path / "acai_h.d1_dnn_20201130.h5").unlink()
    with pytest.raises(ContractError, match="acai_h.d1_dnn_20201130.h5 does not exist"):
        import_models([*argv, str(tmp_path)])
    assert read_models(warehouse) == [] and model_files(warehouse).names("acai") == []

    import_models([*argv, str(published)])
    models = read_models(warehouse)
    assert sorted(m.label for m in models) == ["acai_b", "acai_h", "acai_n", "acai_o", "acai_v"]
    assert {m.features for m in models} == {FEATURES}
