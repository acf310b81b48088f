"""What can be wrong with NATS as the network."""

from hanota.base.errors import Fault
from hanota.wan.port import WanError


class NatsAway(WanError):
    """No server answers just now; it is tried again for ever."""

    code, fault, retryable = "HOTA-WAN-011", Fault.CARRIER, True
    what = "no NATS server answers at {servers}: {cause}"
    remedy = "check that nats-server runs there and lets this client in; it is tried again by itself"


class NoJetStream(WanError):
    """A server that answers and keeps no streams; it is tried again for ever."""

    code, fault, retryable = "HOTA-WAN-012", Fault.OPERATOR, True
    what = "the NATS server at {servers} has no JetStream for this account: {cause}"
    remedy = "start it with -js, or with a jetstream block in its configuration; it is tried again by itself"


class StreamRefused(WanError):
    """A stream, consumer or bucket that the server does not make as it is wanted."""

    code, fault, retryable = "HOTA-WAN-013", Fault.OPERATOR, True
    what = "the NATS server at {servers} does not make what is needed: {cause}"
    remedy = "compare the limits of its JetStream with docs/adr/0014; it is tried again by itself"


class NatsUrlWrong(WanError):
    """An address of servers that can't be read."""

    code, fault = "HOTA-WAN-014", Fault.OPERATOR
    what = "{url!r} is no address of NATS servers"
    remedy = "write nats://HOST:PORT, several with commas between: nats://a:4222,nats://b:4222,nats://c:4222"
