import io

import fastavro
import numpy as np
import pytest

from jobs.common.config import CONF
from streaming.avro_messages import RECORD_COLUMNS, avro_schema, encode
from streaming.filters import read_filters
from udfs.alert_schemas import FORCED_COLUMNS, HISTORY_COLUMNS
from udfs.errors import ContractError

CANDID = 1234567890123456789  # float64 cannot hold it
FILTER = 'about = "Bright ones."\nwhere = "magpsf < 18"\n'


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def test_the_shipped_filters_each_have_their_own_topic():
    filters = read_filters(CONF / "filters")
    assert [f.name for f in filters] == [
        "anomalies", "rr_lyrae", "supernova", "variable_outburst",
    ]  # fmt: skip
    assert [f.topic for f in filters] == [f"lambdasky_{f.name}" for f in filters]
    assert all(f.about and not f.about.startswith("\n") for f in filters)


def test_a_filter_has_a_version_that_follows_its_text(tmp_path):
    (one,) = read_filters(write(tmp_path, bright=FILTER))
    assert (one.name, one.about, one.where) == ("bright", "Bright ones.", "magpsf < 18")
    assert one.topic == "lambdasky_bright"
    (same,) = read_filters(write(tmp_path, bright=FILTER))
    (other,) = read_filters(write(tmp_path, bright=FILTER.replace("18", "17")))
    assert same == one
    assert other.version != one.version


def test_a_filter_may_name_its_topic(tmp_path):
    (one,) = read_filters(write(tmp_path, bright=FILTER + 'topic = "follow-up.bright"\n'))
    assert one.topic == "follow-up.bright"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILTER + 'tpoic = "x"\n', r"bad.toml: unknown key 'tpoic'; did you mean 'topic'\?"),
        ('about = "x"\n', r"bad.toml: key 'where' is missing"),
        ('about = "x"\nwhere = true\n', r"bad.toml: where is True, expected a text"),
        ('about = " "\nwhere = "true"\n', r"bad.toml: about is ' ', expected a text"),
        ("about = x\n", r"bad.toml: not valid TOML"),
        (FILTER + 'topic = "two words"\n', r"bad.toml: topic 'two words' is no name for Kafka"),
        (FILTER + 'topic = "lambdasky_good"\n', r"topic 'lambdasky_good' is that of .*toml"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_named(tmp_path, text, message):
    with pytest.raises(ContractError, match=message) as error:
        read_filters(write(tmp_path, good=FILTER, bad=text))
    assert "\n" not in str(error.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ContractError, match="nowhere is not a folder"):
        read_filters(tmp_path / "nowhere")


def record(**changes):
    """A published alert; what is not given is null."""
    needed = {"night": 60000, "candid": CANDID, "objectId": "ZTF20aaaaaaa", "jd": 2459999.75}
    told = {"filter": "bright", "filter_version": "0123456789ab"}
    return dict.fromkeys(RECORD_COLUMNS) | needed | told | changes


def test_whoever_gets_a_message_can_read_it():
    sent = record(
        acai_h=np.float32(0.1).item(), fid=2, isdiffpos=False, ssnamenr="Céres",
        known_labels=[("rrlyr", 0.75), ("puls", 0.875)],
    )  # fmt: skip
    reader = fastavro.reader(io.BytesIO(encode(sent)))
    (found,) = list(reader)
    assert found == sent | {"known_labels": {"rrlyr": 0.75, "puls": 0.875}}
    assert found["candid"] == CANDID
    docs = {field["name"]: field["doc"] for field in reader.writer_schema["fields"]}
    assert docs["candid"] == "the alert"


def test_a_message_has_everything_but_arrays_and_where_it_came_from():
    names = [field["name"] for field in avro_schema()["fields"]]
    assert {"braai", "cut_rb", "lc_n_det", "anomaly", "known_labels", "model_version"} <= set(names)
    left_out = {*HISTORY_COLUMNS, *FORCED_COLUMNS, "topic", "partition", "offset", "message_time"}
    assert not left_out & set(names)


def test_the_same_alert_gives_the_same_bytes_and_another_does_not():
    one = encode(record(known_labels=[("ab", 0.5), ("cd", 0.25)]))
    assert one == encode(record(known_labels=[("cd", 0.25), ("ab", 0.5)]))
    other = encode(record(known_labels=[("ab", 0.5), ("cd", 0.5)]))
    assert one != other
    assert one[-16:] != other[-16:]  # the marker follows the content
