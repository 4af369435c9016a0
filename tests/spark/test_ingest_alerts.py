import logging

import numpy as np
import pytest
from made_alerts import packet, record, schema, stamp

from jobs.ingest_alerts import main
from udfs.alert_schemas import ALERTS
from udfs.alerts.cutouts import read_stamp
from udfs.alerts.metadata import FEATURES
from udfs.errors import ContractError
from udfs.schemas import QUARANTINE, RUNS

FIRST = 1_200_000_000_000_000_000


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.avro").write_bytes(content)


def spoiled():
    """Name of the file -> packet, and the reason that is expected."""
    blank = record(FIRST + 10)
    blank["cutoutTemplate"]["stampData"] = stamp(np.zeros((63, 63)))
    missing = record(FIRST + 11)
    missing["cutoutDifference"] = None
    unnamed = record(FIRST + 12, candid=0)
    unnamed["candid"] = None
    unnamed["objectId"] = "ZTF24unnamed"
    return {
        "cut": (packet(record(FIRST + 13))[:500], "bad_header"),
        "empty": (b"", "empty_message"),
        "text": (b'{"candid": 1}', "not_a_container"),
        "double": (packet(record(FIRST + 14), schema(candid="double")), "bad_schema"),
        "blank": (packet(blank), "blank_cutout"),
        "missing": (packet(missing), "missing_cutout"),
        "unnamed": (packet(unnamed), "missing_candid"),
        "no time": (packet(record(FIRST + 15, jd=float("nan"))), "bad_time"),
        "nowhere [1]": (packet(record(FIRST + 16, ra=400.0)), "bad_position"),
    }


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Two folders of packets, the outer with bad ones and with two alerts that come again."""
    root = tmp_path_factory.mktemp("packets")
    for i in range(4):
        alert = record(FIRST + i, **({"drb": None} if i == 1 else {}))
        if i == 2:
            alert["candid"] = None  # as in some archives: in the candidate only
        write(
            root / "night 2" / "earlier",
            str(i),
            packet(alert, codec="snappy" if i == 3 else "null"),
        )
    write(root / "night 2", "a", packet(record(FIRST + 5)))
    write(root / "night 2", "b", packet(record(FIRST + 5)))
    write(root / "night 2", "c", packet(record(FIRST)))
    for name, (content, _) in spoiled().items():
        write(root / "night 2", name, content)
    return root


def ingest(warehouse, *paths):
    main(["--warehouse", warehouse.root, "--input", *map(str, paths)])


def alerts_of(warehouse):
    return {row["candid"]: row for row in warehouse.read(ALERTS).collect()}


def test_alerts_and_quarantine_add_up_and_a_repetition_changes_nothing(warehouse, nights, caplog):
    with caplog.at_level(logging.INFO):
        ingest(warehouse, nights)
    assert "alerts: 16 in = 6 out + 10 quarantined" in caplog.text
    alerts = alerts_of(warehouse)
    assert sorted(alerts) == [FIRST + i for i in (0, 1, 2, 3, 5)]

    written = record(FIRST + 3)
    row = alerts[FIRST + 3]
    assert row["objectId"] == written["objectId"] and row["isdiffpos"] is True
    assert row["night"] == int(written["candidate"]["jd"] - 2400000.5)
    for name in FEATURES:
        assert row[name] == pytest.approx(written["candidate"][name], rel=1e-7), name
    assert bytes(row["cutoutTemplate"]) == written["cutoutTemplate"]["stampData"]
    assert read_stamp(bytes(row["cutoutScience"])).shape == (63, 63)
    # Null is null: neither 0 nor NaN.
    assert alerts[FIRST + 1]["drb"] is None and alerts[FIRST]["drb"] is not None

    reasons = {
        row["input_file"].rpartition("/")[2].removesuffix(".avro"): row["reason"]
        for row in warehouse.read(QUARANTINE).collect()
    }
    expected = {name: reason for name, (_, reason) in spoiled().items()}
    assert reasons == expected | {"b": "duplicate_alert"}
    unnamed = warehouse.read(QUARANTINE).where("reason = 'missing_candid'").first()
    assert unnamed["object_id"] == "ZTF24unnamed" and unnamed["value"] == "0"

    caplog.clear()
    with caplog.at_level(logging.INFO):
        ingest(warehouse, nights)
    assert "2 of 2 folders are done already" in caplog.text
    ingest(warehouse, nights / "night 2", "--force")
    assert alerts_of(warehouse) == alerts
    assert warehouse.read(ALERTS).count() == 5
    assert warehouse.read(QUARANTINE).count() == 10
    assert {row["rows_in"] for row in warehouse.read(RUNS).collect()} == {4, 12}


def test_folders_without_packets_are_named(warehouse, tmp_path):
    with pytest.raises(ContractError, match="nowhere: no file ending in .avro is there"):
        ingest(warehouse, tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no packet")
    with pytest.raises(ContractError, match="no file ending in .avro is there"):
        ingest(warehouse, tmp_path)
    assert not warehouse.exists(ALERTS)
