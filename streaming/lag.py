"""How far the broker is ahead of the stream."""

import logging
from collections.abc import Mapping

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from jobs.common.kafka import KafkaSettings

log = logging.getLogger(__name__)


class TopicEnd:
    """Watches the last offsets of a topic."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._consumer: KafkaConsumer | None = None

    def offsets(self) -> dict[int, int] | None:
        """Partition -> offset that the next message will get; None while nobody answers."""
        try:
            if self._consumer is None:
                self._consumer = KafkaConsumer(**self._settings.for_python())
            partitions = self._consumer.partitions_for_topic(self._topic) or set()
            ends = self._consumer.end_offsets([TopicPartition(self._topic, p) for p in partitions])
        except KafkaError as error:
            log.warning("the end of topic %s is unknown: %s", self._topic, error)
            self.close()
            return None
        return {part.partition: offset for part, offset in ends.items()}

    def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = None


def behind(ends: Mapping[int, int], read: Mapping[int, int]) -> int:
    """Messages that are in the topic and not read; all of a partition that was never read."""
    return sum(max(end - read.get(partition, 0), 0) for partition, end in ends.items())
