"""Where Kafka is and how to log in, once for Spark and once for Python, from one TOML file.

A cluster with passwords::

    bootstrap.servers = "kafka-1.example.org:9093,kafka-2.example.org:9093"
    security.protocol = "SASL_SSL"
    sasl.mechanism = "SCRAM-SHA-512"
    sasl.username = "${KAFKA_USER}"
    sasl.password = "${KAFKA_PASSWORD}"
    ssl.truststore.location = "/etc/lambdasky/ca.pem"

Names are those of Kafka's Java client, but for sasl.username and sasl.password, of which its line
of JAAS is made. Certificates are PEM, as both clients read it. ``${NAME}`` is taken from the
environment; a secret can come from nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from models.toml_tables import check_keys, parse_toml
from udfs.errors import ContractError

LOCAL = Path(__file__).resolve().parents[2] / "conf" / "kafka" / "local.toml"
SERVERS = "bootstrap.servers"
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_LOGIN_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:,\[\]]+):\d+")


class _Option(NamedTuple):
    """A property that a file may set."""

    python: tuple[str, ...]
    """Its names in kafka-python; none if only Spark needs it."""
    number: bool = False
    secret: bool = False


_OPTIONS = {
    "client.id": _Option(("client_id",)),
    "security.protocol": _Option(("security_protocol",)),
    "sasl.mechanism": _Option(("sasl_mechanism",)),
    "sasl.username": _Option(("sasl_plain_username",)),
    "sasl.password": _Option(("sasl_plain_password",), secret=True),
    # For mechanisms without user and password; kafka-python takes the Kerberos ticket by itself.
    "sasl.jaas.config": _Option((), secret=True),
    "sasl.kerberos.service.name": _Option(("sasl_kerberos_service_name",)),
    "ssl.truststore.location": _Option(("ssl_cafile",)),
    # One PEM file with the certificates and the key.
    "ssl.keystore.location": _Option(("ssl_certfile", "ssl_keyfile")),
    "ssl.key.password": _Option(("ssl_password",), secret=True),
    "request.timeout.ms": _Option(("request_timeout_ms",), number=True),
    "connections.max.idle.ms": _Option(("connections_max_idle_ms",), number=True),
    "metadata.max.age.ms": _Option(("metadata_max_age_ms",), number=True),
    "reconnect.backoff.ms": _Option(("reconnect_backoff_ms",), number=True),
    "reconnect.backoff.max.ms": _Option(("reconnect_backoff_max_ms",), number=True),
    "retry.backoff.ms": _Option(("retry_backoff_ms",), number=True),
}


@dataclass(frozen=True)
class KafkaSettings:
    """A cluster and how to log in there. Printed without the values of the options."""

    bootstrap_servers: str
    """``host:port``, several joined by commas."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Properties of the Java client, and sasl.username and sasl.password."""

    def __repr__(self) -> str:
        return f"KafkaSettings({self.bootstrap_servers!r}, set: {', '.join(self.options) or '-'})"

    def for_spark(self) -> dict[str, str]:
        """Options of Spark's Kafka source and sink, each starting with ``kafka.``."""
        login = ("sasl.username", "sasl.password")
        properties = {name: v for name, v in self.options.items() if name not in login}
        if "sasl.password" in self.options:
            properties["sasl.jaas.config"] = self._jaas_line()
        for store in ("truststore", "keystore"):
            if f"ssl.{store}.location" in properties:
                properties[f"ssl.{store}.type"] = "PEM"
        return {
            f"kafka.{name}": v
            for name, v in {SERVERS: self.bootstrap_servers, **properties}.items()
        }

    def for_python(self) -> dict[str, Any]:
        """Arguments of the classes of kafka-python."""
        arguments: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers.split(",")}
        for name, value in self.options.items():
            option = _OPTIONS[name]
            for argument in option.python:
                arguments[argument] = int(value) if option.number else value
        return arguments

    def _jaas_line(self) -> str:
        user, password = (_quoted(self.options[f"sasl.{n}"]) for n in ("username", "password"))
        module = _LOGIN_MODULES[self.options["sasl.mechanism"]]
        return f"{module} required username={user} password={password};"


def read_kafka_settings(path: Path | None, environment: Mapping[str, str]) -> KafkaSettings:
    """The settings of a TOML file; ``None`` is conf/kafka/local.toml, the broker of make kafka.

    Raises
    ------
    ContractError
        If the file is not there or not TOML, a key is unknown, a value is of no use, a secret is
        written out, or a variable is not in the environment. No message has a secret in it.
    """
    path = path or LOCAL
    if not path.is_file():
        raise ContractError(f"{path} does not exist; it names the Kafka broker, see {LOCAL}")
    table = _flat(parse_toml(path.read_text(), source=str(path)))
    check_keys(table, required=(SERVERS,), optional=_OPTIONS, where=str(path))
    values = {
        name: _value(name, value, environment, where=str(path)) for name, value in table.items()
    }
    servers = values.pop(SERVERS).replace(" ", "")
    if not all(_SERVER.fullmatch(server) for server in servers.split(",")):
        raise ContractError(f"{path}: {SERVERS} = {servers!r}: expected host:port,host:port")
    _check_login(values, where=str(path))
    return KafkaSettings(servers, values)


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """``security.protocol = ...`` is a table within a table for TOML: back to one name."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= (
            _flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
        )
    return flat


def _value(name: str, value: Any, environment: Mapping[str, str], *, where: str) -> str:
    option = _OPTIONS.get(name, _Option(()))
    if option.secret and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
        raise ContractError(
            f'{where}: {name} is written out; write {name} = "${{NAME}}" and set NAME in the '
            "environment"
        )
    if isinstance(value, bool) or not isinstance(value, int if option.number else str):
        expected = "a whole number" if option.number else "a text in quotes"
        raise ContractError(f"{where}: {name} = {value!r}: expected {expected}")

    def look_up(match: re.Match[str]) -> str:
        found = environment.get(match[1], "")
        if not found:
            raise ContractError(f"{where}: {name} needs {match[1]} in the environment: set it")
        return found

    return _VARIABLE.sub(look_up, str(value))


def _check_login(values: Mapping[str, str], *, where: str) -> None:
    """That a login is whole, and that nobody believes in one that is not used."""
    protocol = values.get("security.protocol", "PLAINTEXT")
    if protocol not in _PROTOCOLS:
        raise ContractError(
            f"{where}: security.protocol = {protocol!r}: expected one of {', '.join(_PROTOCOLS)}"
        )
    given = [name for name in values if name.startswith("sasl.")]
    if not protocol.startswith("SASL_"):
        if given:
            raise ContractError(
                f"{where}: {given[0]} is of no use with security.protocol = {protocol!r}: "
                "SASL_SSL logs in"
            )
        return
    mechanism = values.get("sasl.mechanism")
    if mechanism is None:
        raise ContractError(f"{where}: key 'sasl.mechanism' is missing; {protocol} needs it")
    if mechanism in _LOGIN_MODULES:
        for name in ("sasl.username", "sasl.password"):
            if name not in values:
                raise ContractError(f"{where}: key {name!r} is missing; {mechanism} needs it")
    elif "sasl.jaas.config" not in values or "sasl.password" in values:
        raise ContractError(
            f"{where}: sasl.mechanism = {mechanism!r} needs sasl.jaas.config; with user and "
            f"password there are {', '.join(_LOGIN_MODULES)}"
        )


def _quoted(text: str) -> str:
    """A text as Java's JAAS reads it, whatever characters a password has."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
