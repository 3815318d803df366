"""Every error that syncgate raises on purpose.

    SyncgateError
    ├── RequestError            the caller must change the request
    │   ├── MalformedBody       malformed_body          400
    │   ├── Unauthenticated     unauthenticated         401
    │   ├── Forbidden           forbidden               403
    │   ├── NotFound            not_found               404
    │   ├── Conflict            conflict                409
    │   │   ├── CaseWithdrawn   case_withdrawn          409
    │   │   ├── CaseVoid        case_void               409
    │   │   ├── CaseMerged      case_merged             409
    │   │   ├── NotOwned        not_owned               409
    │   │   ├── CaseFinished    case_finished           409
    │   │   ├── Overtaken       overtaken               409
    │   │   └── NotHeld         not_held                409
    │   ├── StaleRevision       stale_revision          412
    │   ├── BodyTooLarge        body_too_large          413
    │   ├── UnsupportedMedia    unsupported_media_type  415
    │   ├── InvalidCase         invalid_case            422
    │   ├── MaterialMismatch    material_mismatch       422
    │   ├── InvalidRecord       invalid_record          422   source
    │   └── KeyReused           idempotency_key_reused  422
    ├── StoreUnavailable        store_unavailable       503   operations
    │   ├── StoreDamaged        store_damaged           503   operations
    │   └── CommitUnknown       commit_unknown          503   operations
    ├── SealBroken              seal_broken             500   operations   (storage/sealing.py)
    ├── FileBroken              file_broken             500   operations   (flows/files.py)
    ├── Unstorable              unstorable_value        500   developer    (storage/work.py)
    ├── SiteInvalid             site_invalid            exit 1, integrator
    └── IllegalMove             illegal_move            a defect of ours, or a move that came too late

A message says "expected X, got Y" and never holds a secret or a personal value. It is a template with facts,
`Conflict("expected revision {expected}, got {got}", expected=…, got=…)`, so that it can be said in Chinese too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from syncgate.language.said import Said


class SyncgateError(Exception):
    """The root: a stable `code`, an HTTP `status`, and the `actor` who must act.

    Attributes:
        message: what was expected and what came, in English.
        said: the same with its template and facts, for another language.
    """

    code = "internal_error"
    status = 500
    actor = "developer"

    def __init__(self, message: str, /, **facts: object) -> None:
        """Args: message: what was expected and what came; facts: its placeholders', without personal values."""
        self.said = message if isinstance(message, Said) else Said(message, **facts)
        self.message = str(self.said)
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule of a submitted document.

    Attributes:
        pointer: JSON Pointer (RFC 6901) of the field within the submitted document.
        rule: stable name of the rule, such as `required`, `max_length` or `accepted_not_before_applied`.
        expected: what the rule wants, in JSON-like words; never the value that came.
        titles: the field's title by language (`zh`, `en`), empty where the schema has none.
    """

    pointer: str
    rule: str
    expected: str = ""
    titles: dict[str, str] = field(default_factory=dict)


class RequestError(SyncgateError):
    """The caller must change the request; nothing was stored but the masked trace."""

    code = "bad_request"
    status = 400
    actor = "caller"

    def __init__(self, message: str, /, *, errors: Sequence[FieldError] = (), **facts: object) -> None:
        super().__init__(message, **facts)
        self.errors = tuple(errors)


class MalformedBody(RequestError):
    """The body is not the JSON that the call takes: torn, wrongly encoded, duplicate keys, too deep."""

    code = "malformed_body"


class Unauthenticated(RequestError):
    """No key, or a key that is not known or no longer valid."""

    code = "unauthenticated"
    status = 401


class Forbidden(RequestError):
    """The key is known but its role or scope does not reach this call."""

    code = "forbidden"
    status = 403


class NotFound(RequestError):
    """Nothing of that name is visible to the caller."""

    code = "not_found"
    status = 404


class Conflict(RequestError):
    """The request contradicts what is stored: a known id with other content, a reference of another case."""

    code = "conflict"
    status = 409


class CaseWithdrawn(Conflict):
    """The case was withdrawn, and takes no further content."""

    code = "case_withdrawn"


class CaseVoid(Conflict):
    """The case was voided, and takes no further content."""

    code = "case_void"


class CaseMerged(Conflict):
    """The case was merged into another one, and what ends a case must name that one."""

    code = "case_merged"


class NotOwned(Conflict):
    """Other sources' word counts for fields that the source would change; `errors` names every one."""

    code = "not_owned"


class CaseFinished(Conflict):
    """The case came to its end, and cannot be withdrawn any more."""

    code = "case_finished"


class Overtaken(Conflict):
    """Its source has said something later of the same case, which this would take back."""

    code = "overtaken"


class NotHeld(Conflict):
    """The arrival does not wait for a person: it was taken in, refused or dropped."""

    code = "not_held"


class StaleRevision(RequestError):
    """`If-Match` or `source_version` names an older state than the stored one."""

    code = "stale_revision"
    status = 412


class BodyTooLarge(RequestError):
    """The body is longer than the intake's limit."""

    code = "body_too_large"
    status = 413


class UnsupportedMedia(RequestError):
    """The media type or charset is none that the call takes."""

    code = "unsupported_media_type"
    status = 415


class InvalidCase(RequestError):
    """The document breaks the canonical schema or its rules; `errors` names every field at once."""

    code = "invalid_case"
    status = 422


class InvalidRecord(RequestError):
    """A source's record makes no case; `errors` names every field at once, as the source calls it."""

    code = "invalid_record"
    status = 422
    actor = "source"


class MaterialMismatch(RequestError):
    """The bytes are not those that the material's record, or their sender, tells of; `errors` names every mismatch."""

    code = "material_mismatch"
    status = 422


class KeyReused(RequestError):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"
    status = 422


class StoreUnavailable(SyncgateError):
    """The store did not take the step; nothing of it was stored."""

    code = "store_unavailable"
    status = 503
    actor = "operations"


class StoreDamaged(StoreUnavailable):
    """The store is no whole one; nothing is written to it until a person has put another in its place."""

    code = "store_damaged"


class CommitUnknown(StoreUnavailable):
    """The commit was sent and its outcome never came back; the step may or may not be stored."""

    code = "commit_unknown"


class SiteInvalid(SyncgateError):
    """The site's files cannot be used; the message lists every problem with its place."""

    code = "site_invalid"
    status = 500
    actor = "integrator"


class IllegalMove(SyncgateError):
    """A delivery was asked for a move that its phase does not allow."""

    code = "illegal_move"
    status = 409
    actor = "operator"
