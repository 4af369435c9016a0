"""The broker that messages are sent to: a producer that fails in words, and the topic."""

from typing import Any

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError

from jobs.common.kafka import KafkaSettings
from udfs.errors import ContractError

_LARGEST_MESSAGE = 16 << 20
_REACHED_WITHIN_MS = 5_000


def open_producer(settings: KafkaSettings, *, compression: str | None = None) -> Any:
    """A kafka.KafkaProducer that neither loses, repeats nor reorders messages.

    Raises
    ------
    ContractError
        If no broker answers within five seconds.
    """
    # A message that does not come through is tried again for two minutes, within which a broker
    # can be started again: look for it every second.
    arguments = {"reconnect_backoff_max_ms": 1_000, **_quick(settings)}
    try:
        return KafkaProducer(
            acks="all", enable_idempotence=True, max_request_size=_LARGEST_MESSAGE,
            batch_size=1 << 20, linger_ms=5,
            compression_type=compression, **arguments,
        )  # fmt: skip
    except KafkaError as error:
        raise _unreached(settings, error) from error


def ensure_topic(settings: KafkaSettings, topic: str, partitions: int) -> int:
    """Partitions of the topic, which is made if it is not there.

    Raises
    ------
    ContractError
        If no broker answers within five seconds, or it refuses to make the topic.
    """
    try:
        admin = KafkaAdminClient(**_quick(settings))
    except KafkaError as error:
        raise _unreached(settings, error) from error
    try:
        admin.create_topics({topic: {"num_partitions": partitions}}, wait_for_metadata=True)
        return partitions
    except TopicAlreadyExistsError:
        return len(admin.describe_topics([topic])[0]["partitions"])
    except KafkaError as error:
        raise ContractError(f"topic {topic} cannot be made: {error}") from error
    finally:
        admin.close()


def _quick(settings: KafkaSettings) -> dict[str, Any]:
    return {"bootstrap_timeout_ms": _REACHED_WITHIN_MS, **settings.for_python()}


def _unreached(settings: KafkaSettings, error: Exception) -> ContractError:
    refused = ", or it refuses the login" if "sasl.mechanism" in settings.options else ""
    return ContractError(
        f"no Kafka broker answers at {settings.bootstrap_servers}{refused}: start one (make "
        f"kafka), or name another with --kafka FILE; --verbose tells more ({type(error).__name__})"
    )
