"""The seams between what decides and what acts, as Protocols: the outside world, and the store."""

from syncgate.ports.live import Difference, Probed, Probing
from syncgate.ports.outside import Clock, Entropy, Request, Secrets, SentFile, Transport
from syncgate.ports.store import (
    CaseFilter,
    DeliveryFilter,
    Keyring,
    OnSystem,
    Step,
    Store,
    Tx,
    Writer,
)

__all__ = [
    "CaseFilter",
    "Clock",
    "DeliveryFilter",
    "Difference",
    "Entropy",
    "Keyring",
    "OnSystem",
    "Probed",
    "Probing",
    "Request",
    "Secrets",
    "SentFile",
    "Step",
    "Store",
    "Transport",
    "Tx",
    "Writer",
]
