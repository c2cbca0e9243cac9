"""Ids of runs are UUIDs that grow with time and never come twice."""

import random
import subprocess
import sys
import time
import uuid

from formicary.client.identifier import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    ids = [uuid.UUID(new_id()) for _ in range(1_000)]
    assert {(id_.version, id_.variant) for id_ in ids} == {(7, uuid.RFC_4122)}
    assert len(set(ids)) == 1_000


def test_the_head_of_an_id_is_its_time() -> None:
    before = time.time_ns() // 1_000_000
    head = int(new_id().replace("-", "")[:12], 16)
    assert before <= head <= time.time_ns() // 1_000_000


def test_ids_differ_whatever_seed_an_agent_takes() -> None:
    random.seed(1)
    first = new_id()
    random.seed(1)
    assert new_id()[-16:] != first[-16:]


def test_a_forked_child_gives_other_ids_than_its_parent() -> None:
    script = """
import os
from formicary.client.identifier import new_id
new_id()
ours, theirs = os.pipe()
if os.fork() == 0:
    os.write(theirs, new_id()[-16:].encode())
    os._exit(0)
print(os.read(ours, 16).decode() != new_id()[-16:])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
