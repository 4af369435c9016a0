"""Replaying packets onto a real broker: complete, in order, in time, under new candids."""

import io
import math
import os
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import fastavro
import pytest
from kafka_broker import KafkaBroker
from made_alerts import packet, record, schema

from jobs.alerts.fresh import FIRST_CANDID, LARGEST_SEED, fresh
from jobs.alerts.replay import (
    Message,
    as_messages,
    burst,
    by_time,
    replay,
    steady,
    survey_timing,
)
from jobs.common.broker import ensure_topic, open_producer
from udfs.alerts.ztf import candids, read_alerts
from udfs.errors import ContractError

JOB = Path(__file__).resolve().parents[2] / "jobs" / "replay_alerts.py"
ZTF_CANDID = 2812345678901234567


def made_packets(count: int) -> list[bytes]:
    """Alerts of five sources, with the long identifiers that ZTF gives."""
    return [packet({**record(ZTF_CANDID + i), "objectId": f"ZTF24{i % 5}"}) for i in range(count)]


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    return made_packets(20)


@pytest.fixture
def folder(tmp_path: Path, packets: list[bytes]) -> Path:
    """The packets as files, some below."""
    (tmp_path / "packets" / "below").mkdir(parents=True)
    for i, content in enumerate(packets):
        within = tmp_path / "packets" / ("below" if i % 2 else ".")
        (within / f"{i:02d}.avro").write_bytes(content)
    return tmp_path / "packets"


def run(broker: KafkaBroker, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(JOB), "--kafka", str(broker.settings_file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def decoded(content: bytes) -> dict:
    (alert,) = fastavro.reader(io.BytesIO(content))
    return alert


def test_the_job_sends_every_file_as_often_as_asked(broker, folder, packets):
    arguments = ["--input", str(folder), "--topic", "complete", "--partitions", "2"]
    result = run(broker, *arguments, "--repeat", "3")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "messages: 60 sent = 20 files x 3" in result.stdout
    found = broker.read_all("complete")
    assert Counter(message.value for message in found) == {content: 3 for content in packets}
    assert {message.partition for message in found} == {0, 1}


def test_the_job_sends_new_candids_once_each(broker, folder, packets):
    arguments = ["--input", str(folder), "--topic", "renamed", "--fresh-candids", "--repeat", "4"]
    result = run(broker, *arguments, "--seed", "7", "--rate", "1000")
    assert result.returncode == 0, result.stdout + result.stderr
    found = [decoded(message.value) for message in broker.read_all("renamed")]
    new = {alert["candid"] for alert in found}
    assert len(new) == 80
    assert not new & {decoded(content)["candid"] for content in packets}
    # objectIds stay, so alerts of a source still come from the same source.
    assert Counter(alert["objectId"] for alert in found) == {f"ZTF24{i}": 16 for i in range(5)}


def test_alerts_of_a_source_stay_in_order(broker, packets):
    ensure_topic(broker.settings, "ordered", 3)
    producer = open_producer(broker.settings)
    sent = list(as_messages(packets)) * 10
    assert replay(sent, producer, burst, topic="ordered").sent == 200
    producer.close()
    found = broker.read_all("ordered")
    for source in {message.key for message in sent}:
        mine = [message for message in found if message.key == source]
        assert len({message.partition for message in mine}) == 1
        assert [m.value for m in mine] == [m.value for m in sent if m.key == source]


def test_no_message_is_sent_before_it_is_due(broker, packets):
    ensure_topic(broker.settings, "paced", 1)
    producer = open_producer(broker.settings)
    producer.partitions_for("paced")
    messages = list(as_messages(packets))
    start_ms = time.time() * 1000
    replay(messages, producer, steady(20), topic="paced")
    producer.close()
    found = broker.read_all("paced")
    assert [m.value for m in found] == packets
    for i, message in enumerate(found):
        assert message.timestamp >= math.floor(start_ms + i * 1000 / 20)


def test_a_message_that_is_late_does_not_delay_the_rest(broker, packets):
    ensure_topic(broker.settings, "late", 1)
    producer = open_producer(broker.settings)
    producer.partitions_for("late")
    messages = list(as_messages(packets))

    def held_up():
        for i, message in enumerate(messages):
            if i == 5:
                time.sleep(1)
            yield message

    start_ms = time.time() * 1000
    replay(held_up(), producer, steady(10), topic="late")
    producer.close()
    at = [message.timestamp for message in broker.read_all("late")]
    # Message 5 is held up until second 1.4: what was due by then goes with it, not at 10 a second.
    gaps_ms = sorted(b - a for a, b in pairwise(at[5:14]))
    assert gaps_ms[len(gaps_ms) // 2] < 50
    assert at[19] >= math.floor(start_ms + 1900)


def alert_at(jd: float, key: bytes = b"a") -> Message:
    return Message(key, b"", jd)


def test_survey_timing_keeps_the_gaps():
    pace = survey_timing(speed_up=10)
    night = 2460000.5
    assert pace(alert_at(night), alert_at(night + 40 / 86400)) == pytest.approx(4, abs=1e-4)
    assert pace(alert_at(night), alert_at(night)) == 0
    # The next repetition starts where the last one ends, and an unknown time does not stop all.
    assert pace(alert_at(night), alert_at(night - 3)) == 0
    assert pace(alert_at(night), alert_at(math.nan)) == 0
    assert pace(alert_at(math.nan), alert_at(night)) == 0


def test_survey_timing_goes_by_the_exposures(tmp_path):
    times = [2460000.7, 2460000.5, 2460000.6]
    for name, jd in zip("abc", times, strict=True):
        (tmp_path / f"{name}.avro").write_bytes(packet(record(ZTF_CANDID, jd=jd)))
    (tmp_path / "0.avro").write_bytes(b"no packet")
    files = [tmp_path / f"{name}.avro" for name in "0abc"]
    assert [path.stem for path in by_time(files)] == ["b", "c", "a", "0"]


def test_what_cannot_be_read_is_sent_without_a_key(broker):
    ensure_topic(broker.settings, "unread", 1)
    producer = open_producer(broker.settings)
    replay(as_messages([b"no packet"]), producer, burst, topic="unread")
    producer.close()
    (message,) = broker.read_all("unread")
    assert (message.key, message.value) == (None, b"no packet")


def test_messages_outlive_a_restart_and_a_kill(tmp_path, packets):
    with KafkaBroker(tmp_path) as own:
        ensure_topic(own.settings, "kept", 1)
        producer = open_producer(own.settings)
        replay(as_messages(packets), producer, burst, topic="kept")
        own.restart()
        assert [m.value for m in own.read_all("kept")] == packets
        own.kill()
        own.start()
        assert [m.value for m in own.read_all("kept")] == packets
        # The producer of before goes on with the broker of now.
        replay(as_messages(packets), producer, burst, topic="kept")
        producer.close()
        assert [m.value for m in own.read_all("kept")] == packets * 2


def test_a_broker_killed_in_between_gets_every_message_once(tmp_path, packets):
    with KafkaBroker(tmp_path) as own:
        ensure_topic(own.settings, "interrupted", 1)
        producer = open_producer(own.settings)

        def messages():
            for i, message in enumerate(as_messages(packets * 10)):
                if i == 100:
                    own.kill()
                    own.start()
                yield message

        account = replay(messages(), producer, steady(400), topic="interrupted")
        producer.close()
        assert account.sent == 200
        assert [m.value for m in own.read_all("interrupted")] == packets * 10


def test_a_broker_that_is_not_there_is_named(tmp_path):
    (tmp_path / "a.avro").write_bytes(b"")
    settings = tmp_path / "kafka.toml"
    settings.write_text('bootstrap.servers = "127.0.0.1:1"\n')
    result = subprocess.run(
        [sys.executable, str(JOB), "--input", str(tmp_path), "--kafka", str(settings)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert result.returncode == 2
    assert "no Kafka broker answers at 127.0.0.1:1: start one (make kafka)" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_a_message_that_the_broker_refuses_is_an_error(broker):
    broker.create_topic("small", configs={"max.message.bytes": "1000"})
    producer = open_producer(broker.settings)
    with pytest.raises(ContractError, match="did not take 1 of the first 1 .*MessageSizeTooLarge"):
        replay([Message(b"a", bytes(2000), 0.0)], producer, burst, topic="small")
    producer.close()


def test_a_topic_that_is_there_keeps_its_partitions(broker: KafkaBroker):
    assert ensure_topic(broker.settings, "there", 2) == 2
    assert ensure_topic(broker.settings, "there", 5) == 2


def test_an_empty_folder_is_named(broker, tmp_path):
    result = run(broker, "--input", str(tmp_path))
    assert result.returncode == 2
    assert f"{tmp_path}: no file ending in .avro is there" in result.stdout


def check_fresh(originals: list[bytes], copies: int) -> None:
    """Each copy reads as its original, by our decoder and by fastavro, but for the candid."""
    seen: set[int] = set()
    found = list(fresh(originals, copies, 3))
    known = read_alerts(originals)
    assert len(found) == copies * len(originals)
    for start in range(0, len(found), len(originals)):
        repetition = found[start : start + len(originals)]
        read = read_alerts(repetition)
        assert [p and p.reason for p in read.problems] == [p and p.reason for p in known.problems]
        numbers, has = candids(read.packets)
        assert (has == candids(known.packets)[1]).all()
        for content, original, candid, identified in zip(
            repetition, originals, numbers, has, strict=True
        ):
            if not identified or candid < 0:
                assert content == original
                continue
            assert FIRST_CANDID <= candid < 3 * FIRST_CANDID
            expected = decoded(original)
            for place in (expected, expected["candidate"]):
                if place.get("candid") is not None:
                    place["candid"] = int(candid)
            assert repr(decoded(content)) == repr(expected)
            copy, known_as = (fastavro.reader(io.BytesIO(c)) for c in (content, original))
            assert (copy.codec, copy.writer_schema) == (known_as.codec, known_as.writer_schema)
            seen.add(int(candid))
    numbers, has = candids(known.packets)
    assert len(seen) == copies * (has & (numbers >= 0)).sum()


def hiding_candid() -> bytes:
    """A packet whose template image happens to hold the bytes of its candid."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, "long", ZTF_CANDID)
    alert = record(ZTF_CANDID)
    image = alert["cutoutTemplate"]
    return packet({**alert, "cutoutTemplate": {**image, "stampData": buffer.getvalue() * 2}})


def in_the_candidate_only(codec: str) -> bytes:
    return packet({**record(ZTF_CANDID), "candid": None}, codec=codec)


@pytest.mark.parametrize(
    "original",
    [
        packet(record(ZTF_CANDID)),
        packet(record(ZTF_CANDID), codec="snappy"),
        packet(record(ZTF_CANDID), codec="deflate"),
        packet(record(5)),
        packet(record(10**16)),
        packet(record(ZTF_CANDID, sgscore1=math.nan)),
        in_the_candidate_only("null"),
        in_the_candidate_only("snappy"),
        hiding_candid(),
        packet({**record(ZTF_CANDID), "candid": None}, schema(candid=None)),
        packet(record(ZTF_CANDID))[:-40],
        packet(record(-5)),
        b"",
    ],
    ids=["plain", "snappy", "deflate", "short", "eight-bytes", "nan", "candidate",
         "candidate-snappy", "hidden", "none", "cut-off", "negative", "empty"],
)  # fmt: skip
def test_fresh_changes_the_candid_and_nothing_else(original):
    check_fresh([original], 3)


def test_fresh_copies_of_real_packets(data_dir):
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    check_fresh([path.read_bytes() for path in files], 2)


def test_fresh_candids_depend_on_the_seed_only(packets):
    assert list(fresh(packets, 2, 1)) == list(fresh(packets, 2, 1))
    assert list(fresh(packets, 1, 1)) == list(fresh(packets, 2, 1))[: len(packets)]
    one, other = ({decoded(p)["candid"] for p in fresh(packets, 2, seed)} for seed in (1, 2))
    assert not one & other
    assert all(decoded(p)["candid"] < 3 * 10**17 for p in fresh(packets, 1, LARGEST_SEED))
    with pytest.raises(ContractError, match="seed=-1"):
        fresh(packets, 1, -1)


def test_start_and_stop_say_what_is_there(broker: KafkaBroker, tmp_path):
    start = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "start.sh"
    again = [start, "--work-dir", broker.work_dir]
    result = subprocess.run(again, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"a broker already runs from {broker.work_dir}" in result.stderr
    port = broker.bootstrap.rpartition(":")[2]
    taken = [start, "--work-dir", tmp_path / "other", "--port", port]
    result = subprocess.run(taken, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"port {port} is taken already" in result.stderr
    assert not (tmp_path / "other").exists()
    stop = start.with_name("stop.sh")
    (tmp_path / "broker.pid").write_text(str(os.getpid()))  # not a broker: left alone
    result = subprocess.run([stop, "--work-dir", tmp_path], capture_output=True, text=True)
    assert "the broker was not running" in result.stdout


def test_a_broker_that_fails_shows_its_log(tmp_path):
    broker = KafkaBroker(tmp_path)
    broker.start()
    broker.stop()
    (tmp_path / "data" / "meta.properties").write_text("version=1\n")
    with pytest.raises(AssertionError) as caught:
        broker.start()
    assert f"the whole log is {tmp_path / 'broker.log'}" in str(caught.value)
    assert "meta.properties" in str(caught.value)
    assert not (tmp_path / "broker.pid").exists()
