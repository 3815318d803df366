"""A process killed at any moment of an upload has stored all of a file or nothing, and a 2xx means all."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from syncgate.flows.accepting.leftovers import remove_leftovers
from tests.conftest import OpenStore
from tests.integration.flows.filing import posted, put
from tests.integration.flows.worksite import worksite
from tests.support.rows import SetClock

ROOT = Path(__file__).parents[3]
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 4096 + b"end"
"""Three chunks, and with its beginning and its end five commits."""
LAST = 5

CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from uuid import UUID
    from syncgate.storage import SiteKeyring, SqlStore
    from tests.integration.flows import filing
    from tests.integration.flows.worksite import worksite
    from tests.integration.store.test_material_crash import CONTENT
    from tests.support.rows import SetClock

    url, case_id, dies_in, moment, acknowledged = sys.argv[1:6]
    site = worksite(SqlStore(url, keyring=SiteKeyring(bytes(range(32))), clock=SetClock()), SetClock(), [])
    commits = 0

    class Dying:
        async def write(self, step):
            global commits
            commits += 1
            if commits == int(dies_in) and moment == "inside":
                def dying(tx):
                    step(tx)
                    os.kill(os.getpid(), signal.SIGKILL)
                return await site_writer.write(dying)
            result = await site_writer.write(step)
            if commits == int(dies_in):
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        async def read(self, step):
            return await site_writer.read(step)

    site_writer = site.gate.writer
    from dataclasses import replace
    site.gate = replace(site.gate, writer=Dying())
    filing.put(site, UUID(case_id), CONTENT)
    open(acknowledged, "w").write("201")
    """
)


@pytest.mark.parametrize(
    ("dies_in", "moment"), [(1, "after"), (3, "inside"), (LAST - 1, "after"), (LAST, "inside"), (LAST, "after")]
)
def test_a_kill_leaves_the_whole_file_or_none(
    store_url: str, open_store: OpenStore, tmp_path: Path, dies_in: int, moment: str
) -> None:
    """Crash point: after the first commit of an upload, between chunks, inside the last commit and right after it
    (promises 1 and 3)."""
    clock = SetClock()
    site = worksite(open_store(store_url, clock=clock), clock, [])
    case_id = posted(site)
    acknowledged = tmp_path / "acknowledged"
    command = [sys.executable, "-c", CHILD, store_url, str(case_id), str(dies_in), moment, str(acknowledged)]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    is_stored = site.store.read(lambda tx: tx.material(case_id, "m1")) is not None
    assert is_stored is (dies_in == LAST and moment == "after")
    assert not acknowledged.exists()
    clock.move(days=1)
    site.run(remove_leftovers(site.gate, older_than=timedelta(0)))
    assert site.store.read(lambda tx: tx.unfinished_files(before=clock.now(), limit=9)) == []
    again = put(site, case_id, CONTENT)
    assert (again.status, again.sha256) == (200 if is_stored else 201, hashlib.sha256(CONTENT).hexdigest())
