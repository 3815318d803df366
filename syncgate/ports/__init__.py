"""The seams between what decides and what acts, as Protocols: the outside world, and the store."""

from syncgate.ports.listing import UNREADABLE, Listing, Page, Paging, Query, Unread
from syncgate.ports.live import Difference, Probed, Probing
from syncgate.ports.outside import Clock, Entropy, Request, Secrets, SentFile, Transport
from syncgate.ports.store import (
    CaseFilter,
    DeliveryFilter,
    DiscrepancyFilter,
    Keyring,
    OnSystem,
    Step,
    Store,
    Tx,
    Writer,
)

__all__ = [
    "UNREADABLE",
    "CaseFilter",
    "Clock",
    "DeliveryFilter",
    "Difference",
    "DiscrepancyFilter",
    "Entropy",
    "Keyring",
    "Listing",
    "OnSystem",
    "Page",
    "Paging",
    "Probed",
    "Probing",
    "Query",
    "Request",
    "Secrets",
    "SentFile",
    "Step",
    "Store",
    "Transport",
    "Tx",
    "Unread",
    "Writer",
]
