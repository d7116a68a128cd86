"""Why the Kafka cluster cannot be used as it is; all of these are tried again for ever."""


class ClusterError(ConnectionError):
    """The cluster cannot be used now; the text says why and, where an operator can help, what to do."""


class KafkaAccessError(ClusterError):
    """No bootstrap address accepts the connection; the text gives the reason of each address and its remedy."""


class TopicsError(ClusterError):
    """The topics of the cluster differ from the declared ones; the text names them and the remedy."""


class UnsentError(ClusterError):
    """Kafka did not store every message; those that it did not store stay in the outbox."""


class ReplacedClusterError(ClusterError):
    """A cluster with another id answers at the same address."""
