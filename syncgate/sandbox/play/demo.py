"""The demo from the first process to the last word. Exit code 0 only if everything holds."""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from syncgate.sandbox.city import CASE_COUNT, City, build_city
from syncgate.sandbox.expected import expected_lines, write_expected
from syncgate.sandbox.play import by_hand, care, hours, new_code, planted, rare, secrecy
from syncgate.sandbox.play.aside import Aside
from syncgate.sandbox.play.calls import Calls
from syncgate.sandbox.play.clerks import Clerks, Operators
from syncgate.sandbox.play.fleet import Fleet
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import Posting
from syncgate.sandbox.play.processes import GateProcess, Simulators, create_key, run_command, run_reader
from syncgate.sandbox.play.reconciled import Edited, Found
from syncgate.sandbox.play.site import (
    BASES,
    BY_HAND,
    FRONT,
    FRONTS,
    DemoError,
    Folder,
    at_most,
    copy_site,
    demo_secrets,
    free_port,
    write_config,
)
from syncgate.sandbox.play.tamper import copy_altered, copy_echoed
from syncgate.sandbox.play.timetable import DESK_TIMETABLE, DESKS, FRONT_MODES, FRONT_TIMETABLE, MODES, Timetable
from syncgate.sandbox.play.two_sources import TwoSources
from syncgate.sandbox.play.under_way import withdraw_under_way
from syncgate.sandbox.play.weekend import Counts, Weekend

PROCESSES_TAKE = 150.0
"""How much longer five processes and their database may take: to start, and to wait for the leases of the killed."""
PROOF_TAKES = 25.0
"""What reading every system and searching for personal values is given of that."""
SPREAD = 50.0
SYSTEMS = (*BASES, *FRONTS)
CONNECTED = (*SYSTEMS, BY_HAND)
SOURCES = ("window", "food", "app", "street", "hotline", "urban", "ecology")


class Demo:
    """One run of the demo in its folder."""

    def __init__(
        self, folder: Folder, *, seed: int, case_count: int, at_most: float, has_processes: bool = False
    ) -> None:
        self._folder, self._seed, self._case_count, self._at_most = folder, seed, case_count, at_most
        self._started = time.monotonic()
        self._env = demo_secrets()
        self._systems = Simulators(folder, self._env, SYSTEMS)
        self._process: GateProcess | Fleet = (
            Fleet(folder, self._env) if has_processes else GateProcess(folder, self._env, free_port())
        )
        self._keys: dict[str, str] = {}

    def prepare(self) -> None:
        """Clear the folder, start the systems, write the configuration."""
        shutil.rmtree(self._folder.path, ignore_errors=True)
        self._folder.path.mkdir(parents=True)
        self._systems.start_all()
        store_url = self._process.store_url()
        write_config(self._folder, ports=self._systems.ports, listen_port=self._process.port, store_url=store_url)
        copy_site(self._folder)
        planted.shorten_graces(self._folder.site)

    def start(self) -> None:
        """Start the gate, and make the keys: the first with the command line, the others with that."""
        self._process.start()
        keeper = create_key(self._folder, self._env, role="security", name="demo-keeper")
        gate = Gate(*self._process.base_urls, source_key="", operator_key=keeper)
        self._keys = {source: gate.make_key(f"demo-{source}", role="source", source=source) for source in SOURCES}
        self._keys |= {role: gate.make_key(f"demo-{role}", role=role) for role in ("operator", "integrator")}

    def _gate(self, source: str, person: str = "operator") -> Gate:
        """The gate as a source and a person see it."""
        return Gate(*self._process.base_urls, source_key=self._keys[source], operator_key=self._keys[person])

    def _calls(self, gates: Mapping[str, Gate]) -> Calls:
        ports = self._systems.ports
        return Calls(gates, Clerks(lambda: ports["food"]), Operators(lambda: ports["hotline"]))

    def say(self, word: str) -> None:
        """Progress, on stderr."""
        print(f"{time.monotonic() - self._started:6.1f} s  {word}", file=sys.stderr, flush=True)

    def stay(self) -> None:
        """Start everything, and play nothing until interrupted."""
        self.start()
        print(f"gate: {self._process.base_url}  (API: {self._process.base_url}/docs)")
        for name, port in self._systems.ports.items():
            print(f"{name}: {self._folder.address(name, port)}")
        for name, key in self._keys.items():
            print(f"key of {name}: {key}")
        print("Ctrl-C ends everything.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return

    def play(self) -> bool:
        """Whether everything held."""
        city = build_city(self._seed, case_count=self._case_count).with_assigned()
        count = write_expected(city.every_life, self._folder.expected, systems=CONNECTED)
        self.say(f"{count} lines of what every system must hold are written, before the first post")
        hours.move(self._folder.site, datetime.now(UTC) + hours.AWAY)
        self.start()
        metrics = self._run(city, {source: self._gate(source) for source in SOURCES})
        # Nothing moves any more; what is planted after the reading stays there.
        is_read = self._read()
        self.say("a difference is planted at each of four systems, and they are reconciled")
        planted.tell(planted.Planted(self._gate("window"), self._systems, self._folder.systems).run())
        self._process.keep_journal()
        self.stop()
        return self._is_secret(city, metrics) and is_read

    def stop(self) -> None:
        """End every process."""
        self._process.stop()
        self._systems.stop_all()

    def remove(self) -> None:
        """Remove what is not kept under `.demo`."""
        self._process.remove()

    def _run(self, city: City, gates: Mapping[str, Gate]) -> str:
        gate, calls = gates["window"], self._calls(gates)
        integrator = self._gate("window", "integrator")
        sending = hours.SendingHours(gate, integrator, site=self._folder.site, now=partial(datetime.now, UTC))
        sending.deploy()
        posting = Posting(gate, calls, city, spread=SPREAD)
        timetable = Timetable(self._systems, self._process, gate, self.say)
        together = TwoSources(calls, gate, city, base_urls=self._process.base_urls, keys=self._keys)
        operator = care.Operator(gate)
        operator.start()
        front = Timetable(self._systems, self._process, gate, self.say, targets=(FRONT,))
        desks = Timetable(self._systems, self._process, gate, self.say, targets=DESKS)
        played = {
            "timetable": timetable.run,
            "front": partial(front.run, FRONT_TIMETABLE),
            "desks": partial(desks.run, DESK_TIMETABLE),
            "hours": sending.watch,
        }
        players = [threading.Thread(target=_guarded, args=(run, posting), name=name) for name, run in played.items()]
        self.say(f"posting {len(city.every_life)} cases")
        for player in players:
            player.start()
        until = self._started + self._at_most - PROOF_TAKES
        posting.run(until=until)
        for player in players:
            player.join()
        self._process.leave_alone()
        sending.write(self._folder.hours)
        self.say(f"{calls.call_count} calls made; food is paused, and both sources post the same cases")
        edited = Edited(calls, gate, city.edited)
        edited.post()
        together.run()
        self.say("food is resumed")
        self.say("insurance has added a code, and told nobody")
        passed = new_code.NewCode(gate, integrator, self._systems, site=self._folder.site).run()
        weekend = Weekend(calls, gate, city, self._systems, logs=self._folder.logs, say=self.say)
        aside = self._aside(calls, integrator, city, operator)
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(aside.at_the_weekend)
            counts = weekend.run()
            beside.result()
            counts.write(self._folder.weekend)
            beside = pool.submit(aside.next_morning)
            withdraw_under_way(city.withdrawn.in_flight, calls=calls, gate=gate, systems=self._systems)
            self.say("food's own people change records behind everybody's back; food is reconciled")
            found = edited.run()
            beside.result()
        aside.at_night()
        lines = [line for line in expected_lines(city.every_life) if line["system"] in CONNECTED]
        typed = by_hand.ByHand(gate, lines, self._confirm).run()
        lines = by_hand.without_typed(lines, typed)
        left = care.wait_until_settled(gate, lines, calls.case_no_by_id, until=until)
        operator.stop()
        if wrong := care.wrong_reasons(lines, left, calls.case_no_by_id):
            raise DemoError("expected other reasons:\n" + "\n".join(wrong[:20]))
        by_hand.check_nothing_sent(gate.deliveries(system=BY_HAND), typed)
        together.check()
        edited.check()
        aside.check()
        retries = sum(one.retry_count for one in gates.values())
        self._tell(calls, timetable, operator, retry_count=retries, left_count=len(left))
        _tell_of_two(together)
        _tell_of_weekend(counts)
        _tell_of_withdrawals(calls)
        _tell_of_edited(found)
        aside.tell()
        hours.tell(sending.waited)
        new_code.tell(passed)
        by_hand.tell(typed)
        rare.tell(rare.named(city.every_life, left, calls.case_no_by_id))
        return gate.metrics()

    def _confirm(self, delivery_id: str, number: str) -> None:
        said = ["--held", "--remote-ref", number, "--reason", by_hand.WHY]
        run_command(self._folder, self._env, "deliveries", "confirm", delivery_id, *said)

    def _aside(self, calls: Calls, integrator: Gate, city: City, operator: care.Operator) -> Aside:
        gates = (self._gate("window"), integrator)
        folder, env = self._folder, self._env
        return Aside(calls, *gates, self._systems, city, operator=operator, folder=folder, env=env, say=self.say)

    def _tell(
        self, calls: Calls, timetable: Timetable, operator: care.Operator, *, retry_count: int, left_count: int
    ) -> None:
        killed = ", ".join(map(str, timetable.in_flight_at_kills))
        print(f"posted: {len(calls.case_no_by_id)} cases in {calls.call_count} calls")
        print(f"  repeated on purpose: {calls.repeat_count}, after no answer: {retry_count}")
        print(f"killed with kill -9: {len(timetable.in_flight_at_kills)} times, in flight then: {killed}")
        print(f"processes killed in all: {len(self._process.killed_at)}")
        print(f"requeued by the operator after wrong refusals: {operator.requeue_count}")
        print(f"left behind, each as expected: {left_count} deliveries")
        if len(timetable.in_flight_at_kills) < 3:
            raise DemoError("expected three kills with deliveries in flight, got fewer")

    def _read(self) -> bool:
        required = ["--kills", str(self._folder.kills), "--faults-required", ",".join((*MODES, *FRONT_MODES))]
        required += ["--outage", str(self._folder.weekend), "--hours", str(self._folder.hours)]
        code, told = run_reader(self._folder, "--systems", str(self._folder.systems), *required)
        print(told, end="")
        return all([code == 0, self._finds_alteration(), self._finds_echoes()])

    def _finds_alteration(self) -> bool:
        """Alter one record behind food's back, in a copy, and let the reader find it."""
        return self._finds(
            "one record altered behind food's back",
            lambda copy: copy_altered(self._folder.systems, copy),
            ("altered: food", "premises differs", "findings: missing 0, doubled 0, echoed 0"),
        )

    def _finds_echoes(self) -> bool:
        """Bring food what its own clerks typed, in a copy, and let the reader find it."""
        return self._finds_echo("create") and self._finds_echo("event")

    def _finds_echo(self, operation: str) -> bool:
        return self._finds(
            f"one {operation} of what food typed itself",
            lambda copy: copy_echoed(self._folder.systems, copy, operation=operation),
            ("echoed: food", f" {operation} ", "doubled 0, echoed 1, reordered 0"),
        )

    def _finds(self, what: str, tamper: Callable[[Path], None], words: Sequence[str]) -> bool:
        copy = self._folder.path / "altered"
        tamper(copy)
        code, told = run_reader(self._folder, "--systems", str(copy), "--kills", str(self._folder.kills))
        is_found = code == 1 and all(word in told for word in words)
        print(f"{what}, in a copy: {'found' if is_found else 'NOT FOUND'}")
        return is_found

    def _is_secret(self, city: City, metrics: str) -> bool:
        page = self._folder.path / "metrics.txt"
        page.write_text(metrics, "utf-8")
        stored = self._process.stored_files()
        files = [*stored, *sorted(self._folder.logs.glob("gate*")), page]
        values = secrecy.personal_values(city.every_life)
        public = secrecy.published(self._folder.site)
        found = secrecy.readable(files, secrecy.patterns(values), public=public)
        names = ", ".join(file.name for file in files) if len(files) < 20 else f"{len(files)} files"
        said = "none" if not found else f"{len(found)} FOUND\n  " + "\n  ".join(found[:20])
        print(f"personal values readable in {names}, of {len(values)} looked for in 7 forms: {said}")
        return not found


def _guarded(run: object, posting: Posting) -> None:
    assert callable(run)
    try:
        run()
    except Exception as error:
        posting.abort(error)


def _tell_of_two(together: TwoSources) -> None:
    print(f"known under two numbers, both naming one case: {together.joined_count} cases")
    if (outcome := together.outcome) is not None:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(outcome.statuses.items()))
        print(f"one case posted by two processes at once under two numbers: {answers}, in {outcome.seconds:.1f} s")
        print(f"  one case in revision {outcome.revision}, one delivery per slot")


def _tell_of_weekend(counts: Counts) -> None:
    print(f"province gone from Friday 18:00 to Monday 08:00: {counts.posted_count} cases posted meanwhile")
    told = f"its breaker opened {counts.opened_count} time, parked {counts.parked_count}"
    print(f"  {counts.waited_count} deliveries waited, {told}; drained in {counts.drained_seconds:.1f} s")


def _tell_of_withdrawals(calls: Calls) -> None:
    if not calls.withdrawn_count:
        return
    print(f"withdrawn: {calls.withdrawn_count} cases, under way at that moment: {calls.under_way_count} deliveries")
    if not calls.under_way_count:
        raise DemoError("expected something to be under way when a case was withdrawn, got nothing")


def _tell_of_edited(found: Found) -> None:
    print(f"changed in food behind everybody's back: {found.cases_count} cases, each found, and taken as a revision")
    print(f"  verified at food in the same run: {found.verified_count} records; nothing differs in the next one")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="syncgate demo", description=__doc__)
    parser.add_argument("--site", type=Path, default=Path(), help="the example site")
    parser.add_argument("--stay", action="store_true", help="start everything and play nothing")
    parser.add_argument("--processes", action="store_true", help="run the gate as several processes on PostgreSQL")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--cases", type=int, default=CASE_COUNT, help="how many applications of item A")
    parser.add_argument("--at-most", type=float, default=at_most(), help="seconds; more for a slow machine")
    options = parser.parse_args(arguments)
    root = options.site.resolve()
    demo = Demo(
        Folder(root, root / ".demo"),
        seed=options.seed,
        case_count=options.cases,
        at_most=options.at_most + (PROCESSES_TAKE if options.processes else 0.0),
        has_processes=options.processes,
    )
    try:
        demo.prepare()
        if options.stay:
            demo.stay()
            return 0
        is_good = demo.play()
    except DemoError as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    finally:
        demo.stop()
        demo.remove()
    print("the demo holds" if is_good else "the demo does NOT hold")
    return 0 if is_good else 1
