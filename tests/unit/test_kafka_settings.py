"""Kafka settings: what both clients get from one file, and what a file may not say."""

from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from jobs.common.kafka import LOCAL, KafkaSettings, read_kafka_settings
from udfs.errors import ContractError

SECRET = 'p"a\\ss;word'
FULL = """
bootstrap.servers = "one.example:9093, two.example:9093"
client.id = "lambdasky"
security.protocol = "SASL_SSL"
request.timeout.ms = 20000
[sasl]
mechanism = "SCRAM-SHA-512"
username = "${KAFKA_USER}"
password = "${KAFKA_PASSWORD}"
[ssl]
truststore.location = "${CERTIFICATES}/ca.pem"
keystore.location = "/etc/client.pem"
key.password = "${KEY_PASSWORD}"
"""
ENVIRONMENT = {
    "KAFKA_USER": "sky",
    "KAFKA_PASSWORD": SECRET,
    "KEY_PASSWORD": "key",
    "CERTIFICATES": "/etc/ssl",
}


def read(folder: Path, text: str, environment: dict[str, str] | None = None) -> KafkaSettings:
    path = folder / "cluster.toml"
    path.write_text(text)
    return read_kafka_settings(path, ENVIRONMENT if environment is None else environment)


def test_spark_gets_the_names_of_the_java_client(tmp_path):
    assert read(tmp_path, FULL).for_spark() == {
        "kafka.bootstrap.servers": "one.example:9093,two.example:9093",
        "kafka.client.id": "lambdasky",
        "kafka.security.protocol": "SASL_SSL",
        "kafka.request.timeout.ms": "20000",
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required"
        ' username="sky" password="p\\"a\\\\ss;word";',
        "kafka.ssl.truststore.location": "/etc/ssl/ca.pem",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.keystore.location": "/etc/client.pem",
        "kafka.ssl.keystore.type": "PEM",
        "kafka.ssl.key.password": "key",
    }


def test_python_gets_the_names_of_kafka_python(tmp_path):
    assert read(tmp_path, FULL).for_python() == {
        "bootstrap_servers": ["one.example:9093", "two.example:9093"],
        "client_id": "lambdasky",
        "security_protocol": "SASL_SSL",
        "request_timeout_ms": 20000,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "sky",
        "sasl_plain_password": SECRET,
        "ssl_cafile": "/etc/ssl/ca.pem",
        "ssl_certfile": "/etc/client.pem",
        "ssl_keyfile": "/etc/client.pem",
        "ssl_password": "key",
    }


@pytest.mark.parametrize("client", [KafkaAdminClient, KafkaConsumer, KafkaProducer])
def test_kafka_python_knows_every_argument(client, tmp_path):
    times = "".join(
        f"{name} = 7\n"
        for name in ("connections.max.idle.ms", "metadata.max.age.ms", "retry.backoff.ms",
                     "reconnect.backoff.ms", "reconnect.backoff.max.ms")
    )  # fmt: skip
    text = times + FULL.replace("[sasl]", '[sasl]\nkerberos.service.name = "kafka"')
    assert set(read(tmp_path, text).for_python()) <= set(client.DEFAULT_CONFIG)


def test_the_default_is_the_broker_of_make_kafka():
    settings = read_kafka_settings(None, {})
    assert settings == read_kafka_settings(LOCAL, {})
    assert settings.for_spark() == {"kafka.bootstrap.servers": "127.0.0.1:9092"}
    assert settings.for_python() == {"bootstrap_servers": ["127.0.0.1:9092"]}


def test_printed_without_secrets(tmp_path):
    settings = read(tmp_path, FULL)
    for text in (repr(settings), str(settings), f"{settings}"):
        assert SECRET not in text
        assert "sky" not in text
        assert "one.example:9093" in text
        assert "sasl.password" in text


LOGIN = """
bootstrap.servers = "one:9093"
security.protocol = "SASL_SSL"
sasl.mechanism = "PLAIN"
sasl.username = "sky"
sasl.password = "${KAFKA_PASSWORD}"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"${KAFKA_PASSWORD}"', '"hunter2"', "sasl.password is written out; write sasl.password"),
        ('"${KAFKA_PASSWORD}"', '"x${KAFKA_USER}"', "sasl.password is written out"),
        ('"${KAFKA_PASSWORD}"', "12345", "sasl.password is written out"),
        ("${KAFKA_PASSWORD}", "${NOT_SET}", "sasl.password needs NOT_SET in the environment"),
        ("sasl.username", "sasl.usrname", "'sasl.usrname'; did you mean 'sasl.username'?"),
        ('sasl.username = "sky"', "", "'sasl.username' is missing; PLAIN needs it"),
        ('sasl.mechanism = "PLAIN"', "", "'sasl.mechanism' is missing; SASL_SSL needs it"),
        ('"PLAIN"', '"GSSAPI"', "sasl.mechanism = 'GSSAPI' needs sasl.jaas.config"),
        ("SASL_SSL", "SSL", "sasl.mechanism is of no use with security.protocol = 'SSL'"),
        ("SASL_SSL", "SASL", "security.protocol = 'SASL': expected one of PLAINTEXT"),
        ("one:9093", "one", "bootstrap.servers = 'one': expected host:port"),
        ("one:9093", "one:9093,", "expected host:port"),
        ('bootstrap.servers = "one:9093"', "", "key 'bootstrap.servers' is missing"),
        ('"one:9093"', '["one:9093"]', "expected a text in quotes"),
        ("sasl.username", 'retry.backoff.ms = "soon"\nsasl.username', "expected a whole number"),
        ('"PLAIN"', "PLAIN", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, old, new, message):
    assert old in LOGIN
    with pytest.raises(ContractError) as caught:
        read(tmp_path, LOGIN.replace(old, new))
    assert message in str(caught.value)
    assert str(tmp_path / "cluster.toml") in str(caught.value)
    for secret in ("hunter2", "12345", SECRET):
        assert secret not in str(caught.value)


def test_an_empty_secret_is_not_set(tmp_path):
    with pytest.raises(ContractError, match="KAFKA_PASSWORD in the environment"):
        read(tmp_path, LOGIN, {"KAFKA_PASSWORD": ""})


def test_kerberos_takes_its_line_from_the_environment(tmp_path):
    line = "com.sun.security.auth.module.Krb5LoginModule required useTicketCache=true;"
    text = (
        'bootstrap.servers = "one:9093"\nsecurity.protocol = "SASL_SSL"\n'
        'sasl.mechanism = "GSSAPI"\nsasl.jaas.config = "${JAAS}"\n'
    )
    settings = read(tmp_path, text, {"JAAS": line})
    assert settings.for_spark()["kafka.sasl.jaas.config"] == line
    assert line not in str(settings.for_python())


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"nowhere\.toml does not exist"):
        read_kafka_settings(tmp_path / "nowhere.toml", {})
