"""The relay chooses the partition of a key as every other Kafka client does."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from producers.kafka.producer import partition_of


@given(st.binary(max_size=64), st.integers(1, 24))
def test_a_key_goes_to_the_partition_that_every_other_client_chooses(key: bytes, count: int) -> None:
    partitions = list(range(count))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, partitions, partitions)
