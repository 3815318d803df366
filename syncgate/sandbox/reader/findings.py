"""What the reader can find."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = (
    "missing", "doubled", "echoed", "reordered", "altered", "unexpected", "inconsistent", "fault never struck",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One difference. `detail` names fields, never their values."""

    kind: str
    system: str
    case_no: str
    operation: str
    part: str
    detail: str

    def __str__(self) -> str:
        where = " ".join(word for word in (self.case_no, self.operation, self.part) if word)
        return f"{self.kind}: {self.system} {where}: {self.detail}"
