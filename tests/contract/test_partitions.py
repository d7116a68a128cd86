"""Where the relay puts a key: where any other client of Kafka would."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from producers.kafka.producer import partition_of


@given(st.binary(max_size=64), st.integers(1, 24))
def test_a_key_goes_where_every_other_client_puts_it(key: bytes, count: int) -> None:
    partitions = list(range(count))
    assert partition_of(key, partitions, partitions) == DefaultPartitioner()(key, partitions, partitions)
