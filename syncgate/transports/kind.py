"""What a transport offers to the site: a name, the model of its options, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from syncgate.ports import Clock, Entropy, Secrets, Transport
from syncgate.transports.answers import AnswerRule
from syncgate.transports.content import Content, links_only


class Limits(Protocol):
    """The limits of an adapter that a transport keeps itself; rate and concurrency are kept by the flows."""

    @property
    def connect_timeout(self) -> float:
        """Seconds to get a connection."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds for the whole request, from the first wait to the last byte of the answer."""
        ...


class Quirks(Protocol):
    """A system's `quirks.py`, loaded by path by the site; what it does not define is not used."""

    def register(self, signing: dict[str, Any]) -> None:
        """Adds `SigningScheme`s by name to `signing`; a built-in name cannot be taken."""
        ...


class Build(Protocol):
    """Makes a transport that speaks with one system."""

    def __call__(
        self,
        options: Any,
        rules: Sequence[AnswerRule],
        *,
        limits: Limits,
        secrets: Secrets,
        clock: Clock,
        entropy: Entropy,
        address: str | None = None,
        quirks: Any = None,
    ) -> Transport:
        """The transport, not yet connected.

        Args:
            options: an instance of the kind's options model.
            rules: the adapter's answer rules, in the order in which they are judged.
            limits: time-outs.
            secrets: asked anew for every request, so that a rotated secret counts at once.
            clock: for signatures and for `Retry-After` dates.
            entropy: for nonces.
            address: the site's address of this system; replaces the one in the options.
            quirks: the system's loaded `quirks.py`, if it has one.

        Raises:
            SiteInvalid: everything that does not fit together, at once: rules of unknown operations,
                missing secrets.
        """
        ...


def _any_address(text: str) -> str:
    return text


ContentProblems = Callable[[Any, str, Content, Any], Iterator[str]]
"""What is wrong with how a file goes along with an operation: from the options, the operation's name, what the adapter
says under `content`, and the adapter's loaded `quirks.py` or None."""


Sort = Literal["any", "list", "count", "read", "poll", "write"]
"""What an operation is for; `any` where its protocol does not tell."""


@dataclass(frozen=True, slots=True)
class Asks:
    """What an operation is for, and the keys that its placeholders mention."""

    sort: Sort = "any"
    keys: frozenset[str] = frozenset()


def _any_keys(_: Any, __: str) -> Asks:
    return Asks()


def _any_operation(_: BaseModel) -> frozenset[str] | None:
    return None


def _no_secrets(_: BaseModel) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class TransportKind:
    """One protocol.

    Attributes:
        name: what an adapter writes under `transport`.
        options_model: validates an adapter's `options`; unknown keys are refused.
        build: makes the transport.
        options_model_with: the options model of an adapter that brings `quirks.py`; None where quirks add
            nothing to it.
        secret_names: the names of all secrets that given options refer to.
        check_address: gives an address of the site's configuration as it is used; raises ValueError where it is none
            of this protocol.
        content_problems: what is wrong with how a file goes along; by default only links do.
        poll_names: the names of the operations of given options that ask what became of a sending, and whose
            answers need no rules; None where any operation may, and rules say what it answers.
        asks: what an operation of given options is for, by its name, and the keys that it takes.
        lists: whether its transport is a `Listing`.
    """

    name: str
    options_model: type[BaseModel]
    build: Build
    options_model_with: Callable[[Any], type[BaseModel]] | None = None
    secret_names: Callable[[Any], frozenset[str]] = _no_secrets
    check_address: Callable[[str], str] = _any_address
    content_problems: ContentProblems = links_only
    poll_names: Callable[[Any], frozenset[str] | None] = _any_operation
    asks: Callable[[Any, str], Asks] = _any_keys
    lists: bool = False

    def options_model_for(self, quirks: Any = None) -> type[BaseModel]:
        """The model to validate options with, given the adapter's loaded `quirks.py` or None."""
        if quirks is None or self.options_model_with is None:
            return self.options_model
        return self.options_model_with(quirks)
