"""A delivery with a file waits for its bytes, goes on when they come, and takes them along as the adapter says."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.outcome import Evidence, Outcome
from syncgate.domain.rows import Delivery
from syncgate.flows.files import CHUNK_SIZE
from syncgate.flows.links import linked_file
from syncgate.ports import Request
from tests.integration.flows.altered import UNKNOWN
from tests.integration.flows.filing import TEXT, a_material, activated, posted, put
from tests.integration.flows.worksite import Worksite, answer

LONG = b"%PDF-1.7\n" + random.Random(5).randbytes(CHUNK_SIZE + 778)
BASE64 = "{as: base64, at: /data, size_at_most: 1MiB}"
MULTIPART = "{as: multipart, name: file, payload_name: metadata}"
URL = "{as: url, at: /where/link, valid_for: 2h}"
LINK = {"where": {"type": "object", "required": ["link"], "properties": {"link": {"pattern": "^https://gate"}}}}


def with_text(site: Worksite, content: str = BASE64, **more: Any) -> Worksite:
    return activated(site, content, data=more.pop("data", TEXT), **more)


def with_links(site: Worksite) -> Worksite:
    site.gate = replace(site.gate, link_address="https://gate.example")
    return activated(site, URL, **LINK)


def only_file(site: Worksite, case_id: UUID, part: str = "m1") -> Delivery:
    (found,) = [d for d in site.deliveries(case_id, "filing") if (d.message, d.part) == ("file", part)]
    return found


def file_sends(site: Worksite) -> list[Request]:
    return [request for request in site.systems["filing"].sends if request.operation == "put_file"]


async def bytes_of(request: Request) -> bytes:
    assert request.file is not None
    return b"".join([piece async for piece in request.file.pieces()])


def test_bytes_that_are_not_there_park_the_delivery_for_who_has_the_file(site: Worksite) -> None:
    case_id = posted(with_text(site))
    site.run_dry("filing")
    delivery = only_file(site, case_id)
    assert (delivery.phase, delivery.reason, delivery.actor) == (Phase.PARKED, "material_missing", "file")
    assert site.only(case_id, "filing", "record").phase is Phase.DELIVERED
    assert file_sends(site) == []


def test_the_bytes_let_go_exactly_what_waited_for_them(site: Worksite) -> None:
    """Promise 11: another material of the case, and what is parked for another reason, stay as they are."""
    case_id = posted(with_text(site), a_material("m1"), a_material("m2"), a_material("m3"))
    put(site, case_id, LONG * 2, material="m3")
    site.run_dry("filing")
    stored = put(site, case_id, LONG, material="m1")
    assert [(d.system, d.message, d.part, d.phase) for d in stored.deliveries] == [
        ("filing", "file", "m1", Phase.PENDING)
    ]
    assert [only_file(site, case_id, part).reason for part in ("m2", "m3")] == [
        "material_missing",
        "material_too_large",
    ]
    site.run_dry("filing")
    phases = [only_file(site, case_id, part).phase for part in ("m1", "m2", "m3")]
    assert phases == [Phase.DELIVERED, Phase.PARKED, Phase.PARKED]
    assert site.attempts(only_file(site, case_id)) == ["refused", "requeued", "taken"]
    attempts = site.store.read(lambda tx: tx.attempts(only_file(site, case_id).delivery_id))
    assert (attempts[1].actor, attempts[1].detail) == ("window", {"reason": "material_stored"})


def test_bytes_that_come_between_claim_and_settle_are_not_waited_for(site: Worksite) -> None:
    """Promise 3: parked after the bytes have come, the delivery would wait for them for ever."""
    case_id = posted(with_text(site), a_material())
    for work in site.claim("filing").works:
        following = work
        while following is not None:
            verdict = site.serve(following)
            if following.delivery.message == "file":
                assert verdict.reason == "material_missing"
                put(site, case_id, LONG)
            following = site.settle(following, verdict).next_work  # type: ignore[assignment]
    assert only_file(site, case_id).phase is Phase.PENDING
    site.run_dry("filing")
    assert only_file(site, case_id).phase is Phase.DELIVERED


def test_a_material_without_a_file_of_its_own_is_none_of_this(site: Worksite) -> None:
    """Paper: the adapter's `when` keeps it out."""
    case_id = posted(with_text(site), {"id": "paper", "name": "纸质", "get_type": "1"})
    site.run_dry("filing")
    assert [d.message for d in site.deliveries(case_id, "filing")] == ["record"]


def test_text_in_the_payload_is_the_file(site: Worksite) -> None:
    case_id = posted(with_text(site))
    put(site, case_id, LONG)
    site.run_dry("filing")
    (sent,) = file_sends(site)
    assert base64.b64decode(sent.payload["data"], validate=True) == LONG
    assert (sent.payload["id"], sent.payload["called"]) == ("m1", "经营场所平面布局图")


def test_evidence_has_size_and_digest_in_place_of_the_bytes(site: Worksite) -> None:
    case_id = posted(with_text(site))
    put(site, case_id, LONG)
    site.run_dry("filing")
    (sent,) = file_sends(site)
    assert sent.kept["data"].startswith(f"[{len(LONG)} bytes, digest ")
    assert len(orjson.dumps(sent.kept)) < 300
    detail = site.store.read(lambda tx: tx.attempts(only_file(site, case_id).delivery_id))[-1].detail
    assert detail["file_size"] == len(LONG)
    assert detail["file_digest"] in sent.kept["data"]


def test_the_contract_sees_the_text_and_parks_what_it_refuses(site: Worksite) -> None:
    case_id = posted(with_text(site, data=TEXT | {"maxLength": 100}))
    site.run_dry("filing")
    assert only_file(site, case_id).reason == "material_missing"
    put(site, case_id, LONG)
    site.run_dry("filing")
    delivery = only_file(site, case_id)
    assert (delivery.reason, delivery.detail.split(":")[0]) == ("contract_violated", "/data")


def test_a_file_beyond_what_the_system_takes_is_parked_with_both_sizes(site: Worksite) -> None:
    case_id = posted(with_text(site, "{as: base64, at: /data, size_at_most: 1KiB}"))
    put(site, case_id, LONG)
    site.run_dry("filing")
    delivery = only_file(site, case_id)
    assert (delivery.reason, delivery.actor) == ("material_too_large", "file")
    assert delivery.detail == f"expected a file of at most 1024 bytes, got {len(LONG)}"


def test_a_file_beside_the_payload_can_be_read_again_and_again(site: Worksite) -> None:
    case_id = posted(activated(site, MULTIPART), a_material(media_type="application/pdf"))
    put(site, case_id, LONG)
    site.run_dry("filing")
    (sent,) = file_sends(site)
    assert sent.file is not None
    assert (sent.file.name, sent.file.payload_name, sent.file.file_name) == ("file", "metadata", "m1.pdf")
    assert (sent.file.media_type, sent.file.size) == ("application/pdf", len(LONG))
    assert [site.run(bytes_of(sent)) for _ in range(2)] == [LONG, LONG]
    assert "data" not in sent.payload


def test_a_lost_answer_is_asked_again_with_the_same_file(site: Worksite) -> None:
    """Promise 4, under an idempotency key: the second request carries the file too."""
    case_id = posted(activated(site, MULTIPART))
    put(site, case_id, LONG)
    site.systems["filing"].script.extend([answer(Outcome.TAKEN), UNKNOWN])
    site.run_dry("filing")
    first, second = file_sends(site)
    assert first.keys["send_key"] == second.keys["send_key"]
    assert site.run(bytes_of(first)) == site.run(bytes_of(second)) == LONG
    assert only_file(site, case_id).phase is Phase.DELIVERED


@pytest.mark.parametrize(
    ("given", "sent"), [("平面图.pdf", "平面图.pdf"), (None, "m1.pdf")], ids=["its own", "none of its own"]
)
def test_the_name_in_the_record_leaves_where_the_adapter_says_so(site: Worksite, given: str | None, sent: str) -> None:
    activated(site, "{as: multipart, name: file, payload_name: p, file_name: record}")
    named = {"file_name": given} if given else {}
    case_id = posted(site, a_material(media_type="application/pdf", **named))
    put(site, case_id, LONG)
    site.run_dry("filing")
    (request,) = file_sends(site)
    assert request.file is not None and request.file.file_name == sent


@pytest.mark.parametrize("name", ["../平面图.pdf", "a\\b.pdf", "a\nb.pdf"])
def test_a_name_that_is_a_path_or_no_line_is_parked_for_the_source(site: Worksite, name: str) -> None:
    activated(site, "{as: multipart, name: file, payload_name: p, file_name: record}")
    case_id = posted(site, a_material(file_name=name))
    put(site, case_id, LONG)
    site.run_dry("filing")
    delivery = only_file(site, case_id)
    assert (delivery.reason, delivery.actor, file_sends(site)) == ("file_name_unusable", "source", [])


def test_a_broken_file_is_found_before_anything_leaves(site: Worksite) -> None:
    case_id = posted(activated(site, MULTIPART))
    put(site, case_id, LONG)
    (stored,) = site.store.read(lambda tx: tx.materials(case_id))
    site.write(lambda tx: tx.delete_chunks(stored.file_id, limit=1))
    site.run_dry("filing")
    delivery = only_file(site, case_id)
    assert (delivery.phase, delivery.reason, delivery.actor) == (Phase.PARKED, "file_broken", "operations")
    assert file_sends(site) == []


def test_an_answer_that_a_file_is_missing_there_has_a_reason_of_its_own(site: Worksite) -> None:
    """DealResult 2: the rules say it; the bytes being here, a PUT of them lets nothing go."""
    case_id = posted(with_text(site))
    put(site, case_id, LONG)
    said = replace(answer(Outcome.REFUSED), reason="file_missing_there", actor="file", evidence=Evidence(sent=b"x"))
    site.systems["filing"].script.extend([answer(Outcome.TAKEN), said])
    site.run_dry("filing")
    delivery = only_file(site, case_id)
    assert (delivery.phase, delivery.reason, delivery.actor) == (Phase.PARKED, "file_missing_there", "file")
    assert put(site, case_id, LONG).deliveries == ()


# --- links


def link_of(site: Worksite) -> str:
    (sent,) = file_sends(site)
    link: str = sent.payload["where"]["link"]
    return link


def linked(site: Worksite) -> tuple[UUID, str]:
    """A case whose file was sent as a link, and the link's token."""
    case_id = posted(with_links(site))
    put(site, case_id, LONG)
    site.run_dry("filing")
    return case_id, link_of(site).removeprefix("https://gate.example/v1/materials/")


def test_a_link_opens_its_file_and_each_fetch_is_in_the_audit(site: Worksite) -> None:
    case_id, token = linked(site)
    kept = site.run(linked_file(site.gate, token))
    assert (kept.material.case_id, kept.material.material, kept.facts.size) == (case_id, "m1", len(LONG))
    entry = site.store.read(lambda tx: tx.list_audit(limit=1))[0]
    assert (entry["actor"], entry["action"], entry["object"]) == (
        "filing",
        "material_fetched",
        f"material:{case_id}/m1",
    )


def test_a_link_says_nothing_of_the_case(site: Worksite) -> None:
    """Promise 10."""
    case_id, token = linked(site)
    plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for telling in (case_id.bytes, str(case_id).encode(), b"m1", b"QX1", "张示例".encode()):
        assert telling not in plain
    assert token.isascii() and "/" not in token


def test_a_link_ends_with_its_time(site: Worksite) -> None:
    _, token = linked(site)
    site.clock.move(hours=1, minutes=59)
    site.run(linked_file(site.gate, token))
    site.clock.move(minutes=2)
    with pytest.raises(NotFound):
        site.run(linked_file(site.gate, token))


def test_no_letter_of_a_link_can_be_changed(site: Worksite) -> None:
    _, token = linked(site)
    plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(len(plain)):
        changed = bytearray(plain)
        changed[place] ^= 1
        forged = base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        with pytest.raises(NotFound):
            site.run(linked_file(site.gate, forged))


@pytest.mark.parametrize("token", ["", "a", "AAAA", "é", "A" * 500, "../../x", "=" * 40])
def test_what_is_no_link_is_not_found(site: Worksite, token: str) -> None:
    with_links(site)
    with pytest.raises(NotFound):
        site.run(linked_file(site.gate, token))


def test_links_without_an_address_are_parked_for_operations(site: Worksite) -> None:
    case_id = posted(with_links(site))
    site.gate = replace(site.gate, link_address=None)
    put(site, case_id, LONG)
    site.run_dry("filing")
    assert (only_file(site, case_id).reason, only_file(site, case_id).actor) == ("link_address_missing", "operations")


def test_a_retry_of_a_link_opens_for_its_time_again(site: Worksite) -> None:
    case_id = posted(with_links(site))
    put(site, case_id, LONG)
    busy = answer(Outcome.THROTTLED, retry_after=timedelta(minutes=5))
    site.systems["filing"].script.extend([answer(Outcome.TAKEN), busy])
    site.run_dry("filing")
    site.clock.move(minutes=10)
    site.run_dry("filing")
    first, second = (request.payload["where"]["link"] for request in file_sends(site))
    assert first != second
    assert only_file(site, case_id).phase is Phase.DELIVERED
