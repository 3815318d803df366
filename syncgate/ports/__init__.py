"""The seams between what decides and what acts, as Protocols: the outside world, and the store."""

from syncgate.ports.outside import Clock, Entropy, Request, Secrets, Transport
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
    "Entropy",
    "Keyring",
    "OnSystem",
    "Request",
    "Secrets",
    "Step",
    "Store",
    "Transport",
    "Tx",
    "Writer",
]
