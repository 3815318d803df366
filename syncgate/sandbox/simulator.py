"""One simulated system at work: what is asked, which fault strikes, what is answered, all in the ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from syncgate.sandbox.ledger import Entry, Ledger
from syncgate.sandbox.modes import LISTING_MODES, MODES, BadSwitch, Modes, Switch, parse_switch
from syncgate.sandbox.server import Cut, Deed, Hold, Send
from syncgate.sandbox.systems.altering import Alterable, Alteration, BadAlteration, parse_alterations
from syncgate.sandbox.systems.export import Exports, exported
from syncgate.sandbox.systems.interface import Call, System, Typed, Verdict, parse_json
from syncgate.sandbox.systems.listings import Listing, Lists
from syncgate.sandbox.wire import Reply, Request, encode, json_reply

CONTROL = "/_sandbox/"
TYPED = CONTROL + "records"
"""Where a clerk of the system types a record in; no fault ever strikes it."""

ALTERED = CONTROL + "alterations"
"""Where records are altered behind everybody's back, as many as one likes at a time."""

_FOREIGN_PAGE = Reply(
    200,
    "<!DOCTYPE html><html><head><title>系统维护</title></head>"
    "<body><p>系统升级维护中，请稍后访问。</p></body></html>".encode(),
    media_type="text/html; charset=utf-8",
)
_NO_HTTP = bytes.fromhex("160301005a0200") + "\u4e71\u7801".encode("gbk") + b"\x00\xff\r\n\r\n"

_NOTHING_DONE = Verdict(json_reply(503, {"error": "unavailable"}), "none")


class Simulator:
    """Answers for one system; what it holds is what its ledger says."""

    def __init__(
        self,
        system: System,
        *,
        ledger: Ledger,
        modes: Modes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._system = system
        self._ledger = ledger
        self._modes = modes or Modes()
        self._clock = clock
        for change in ledger.changes():
            system.apply(change)

    def answer(self, requests: Sequence[Request]) -> Sequence[Deed]:
        """What to do on each connection, once everything that it promises is committed."""
        entries: list[Entry] = []
        deeds: list[Deed] = []
        seqs = self._ledger.next_seqs()
        for request in requests:
            if request.path == TYPED and request.method == "POST" and isinstance(self._system, Typed):
                entry, deed = self._type_in(self._system, request, seqs)
                entries.append(entry)
                deeds.append(deed)
                continue
            if request.path == ALTERED and request.method == "POST":
                altered, reply = self._alter(request, seqs)
                entries += altered
                deeds.append(_send(reply, request))
                continue
            if request.path.startswith(CONTROL):
                deeds.append(_send(self._control(request), request))
                continue
            entry, deed = self._serve(request, seqs)
            entries.append(entry)
            deeds.append(deed)
        self._ledger.append(entries)
        return deeds

    def left(self, entry: int, *, is_reset: bool) -> None:
        """Keep that a true answer reached nobody."""
        self._ledger.note_unheard(entry, at=self._clock(), why="reset" if is_reset else "left")

    def _serve(self, request: Request, seqs: Iterator[int]) -> tuple[Entry, Deed]:
        at, seq = self._clock(), next(seqs)
        call = self._system.identify(request)
        switch = self._draw(call)
        verdict = self._verdict(request, call, switch, at=at)
        if verdict.change is not None:
            self._system.apply(verdict.change)
        deed, status, is_answered = self._deed(request, verdict, switch, seq=seq)
        entry = Entry(
            seq=seq,
            at=at,
            operation=call.operation or "unknown",
            key=call.key,
            part=call.part,
            request_key=call.request_key,
            body=request.body,
            fault=switch.mode if switch else None,
            effect=verdict.effect,
            status=status,
            is_answered=is_answered,
            change=verdict.change,
        )
        return entry, deed

    def _type_in(self, system: Typed, request: Request, seqs: Iterator[int]) -> tuple[Entry, Deed]:
        seq = next(seqs)
        call, verdict = system.type_in(_value(request.body))
        if verdict.change is not None:
            self._system.apply(verdict.change)
        entry = Entry(
            seq=seq,
            at=self._clock(),
            operation=call.operation,
            key=call.key,
            part=call.part,
            request_key="",
            body=request.body,
            fault=None,
            effect=verdict.effect,
            status=verdict.reply.status,
            is_answered=True,
            change=verdict.change,
        )
        return entry, _send(verdict.reply, request)

    def _alter(self, request: Request, seqs: Iterator[int]) -> tuple[list[Entry], Reply]:
        """What can be altered is; of the rest the answer says why not, by its place in the list."""
        try:
            alterations = parse_alterations(_value(request.body))
        except BadAlteration as error:
            return [], json_reply(422, {"error": str(error)})
        entries, refused = [], {}
        for no, alteration in enumerate(alterations):
            try:
                entries.append(self._altered(alteration, seqs))
            except BadAlteration as error:
                refused[str(no)] = str(error)
        return entries, json_reply(200, {"altered": len(entries), "refused": refused})

    def _altered(self, alteration: Alteration, seqs: Iterator[int]) -> Entry:
        if not isinstance(self._system, Alterable):
            raise BadAlteration(f"expected a system whose records can be altered, got {self._system.name}")
        change = self._system.alter(alteration)
        self._system.apply(change)
        return Entry(
            seq=next(seqs),
            at=self._clock(),
            operation="alter",
            key=change.key,
            part=change.part,
            request_key="",
            body=change.record.encode("utf-8", "backslashreplace"),
            fault=None,
            effect=change.kind,
            status=200,
            is_answered=True,
            change=change,
        )

    def _draw(self, call: Call) -> Switch | None:
        if not call.operation:
            return None
        listing = self._listing(call)

        def fits(mode: str) -> bool:
            return mode not in LISTING_MODES or (listing is not None and listing.strikes(mode, call.value))

        return self._modes.draw(call.operation, is_read=call.is_read, fits=fits)

    def _listing(self, call: Call) -> Listing | None:
        return self._system.listing(call) if isinstance(self._system, Lists) else None

    def _verdict(self, request: Request, call: Call, switch: Switch | None, *, at: float) -> Verdict:
        if not call.operation:
            return Verdict(json_reply(404, {"error": "no such path"}), "none")
        match switch.mode if switch else None:
            case "drop_before" | "unavailable":
                return _NOTHING_DONE
            case "throttle":
                return Verdict(json_reply(429, {"error": "busy"}, ("Retry-After", "1")), "none")
            case "refuse":
                return self._system.refusal(call)
            case "deny":
                return self._system.denial()
            case "hang" if switch and not switch.acts:
                return _NOTHING_DONE
            case _:
                verdict = self._system.decide(request, call, at=at)
                return self._spoiled(call, verdict, switch)

    def _spoiled(self, call: Call, verdict: Verdict, switch: Switch | None) -> Verdict:
        """The page that a listing mode makes of a true one; whoever may not read it learns no more than before."""
        listing = self._listing(call)
        if switch is None or switch.mode not in LISTING_MODES or listing is None or verdict.reply.status != 200:
            return verdict
        return listing.spoiled(call.value, switch.mode, self._modes.draw_kind)

    def _deed(
        self, request: Request, verdict: Verdict, switch: Switch | None, *, seq: int
    ) -> tuple[Deed, int | None, bool]:
        match switch.mode if switch else None:
            case "drop_before":
                return Cut(is_reset=True), None, False
            case "commit_then_drop":
                return Cut(), None, False
            case "hang":
                return Hold(), None, False
            case "garbage":
                return self._garbage(verdict.reply)
            case _:
                after = switch.delay if switch and switch.mode == "slow" else 0.0
                return (_send(verdict.reply, request, after=after, entry=seq), verdict.reply.status, True)

    def _garbage(self, truth: Reply) -> tuple[Deed, int | None, bool]:
        whole = encode(truth, is_kept_alive=True)
        match self._modes.draw_kind(3):
            case 0:
                page = encode(_FOREIGN_PAGE, is_kept_alive=False)
                return Send(page, is_last=True), _FOREIGN_PAGE.status, False
            case 1:
                return Send(_NO_HTTP, is_last=True), None, False
            case _:
                # Cut inside the body: the length that the head announced never comes.
                return (Send(whole[: -max(1, len(truth.body) // 2)], is_last=True), truth.status, False)

    def _control(self, request: Request) -> Reply:
        name, _, rest = request.path[len(CONTROL) :].partition("/")
        match request.method, name:
            case "GET", "health":
                return json_reply(200, {"system": self._system.name, "status": "ok"})
            case "GET", "counts":
                return json_reply(200, {"system": self._system.name, **self._ledger.counts.to_json()})
            case "GET", "records" if isinstance(self._system, Typed):
                return self._show_number(self._system, unquote(rest))
            case "GET", "export" if isinstance(self._system, Exports):
                return exported(self._system.export(), request.query)
            case "GET", "modes":
                return self._show_modes()
            case "POST", "modes":
                return self._switch_on(request)
            case "DELETE", "modes":
                self._modes.switch_off(unquote(rest) or None)
                return self._show_modes()
            case _:
                return json_reply(404, {"error": "no such path"})

    def _show_number(self, system: Typed, name: str) -> Reply:
        number = system.number_of(name)
        return json_reply(404, {"error": "not found"}) if number is None else json_reply(200, {"id": number})

    def _switch_on(self, request: Request) -> Reply:
        try:
            switch, seed = parse_switch(
                json.loads(request.body), operations=self._system.operations, modes=self._mode_names()
            )
        except BadSwitch as error:
            return json_reply(422, {"error": str(error)})
        except (ValueError, RecursionError):
            return json_reply(400, {"error": "expected a JSON object"})
        if seed is not None:
            self._modes.seed(seed)
        self._modes.switch_on(switch)
        return self._show_modes()

    def _mode_names(self) -> Iterable[str]:
        return (*MODES, *LISTING_MODES) if isinstance(self._system, Lists) else MODES

    def _show_modes(self) -> Reply:
        return json_reply(200, {"system": self._system.name, "modes": self._modes.to_json()})


def _value(body: bytes) -> Any:
    try:
        return parse_json(body.decode("utf-8"))
    except ValueError:
        return None


def _send(reply: Reply, request: Request, *, after: float = 0.0, entry: int | None = None) -> Send:
    data = encode(reply, is_kept_alive=request.is_kept_alive)
    return Send(data, after=after, is_last=not request.is_kept_alive, entry=entry)
