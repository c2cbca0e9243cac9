"""Runs on disk: nothing is lost while the server or the process is away, and what is sent twice is the same run."""

import json
import logging
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from formicary.client import Recorder
from formicary.client.notices import Notices
from formicary.client.outbox import Outbox
from formicary.client.spool import Segment, Spool

from .conftest import NewRecorder
from .stand_in import Reply, StandIn, failure, rejected, standing_in


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def record(recorder: Recorder, *ids: str) -> None:
    for id_ in ids:
        with recorder.run("scout", external_id=id_):
            pass


def kept(spool: Path) -> list[str]:
    """The ids of the runs on disk, in the order of the names of the segments."""
    lines = [line for path in sorted(spool.glob("*-*.jsonl")) for line in path.read_text().splitlines()]
    return [json.loads(line)["externalId"] for line in lines]


def sent(server: StandIn) -> list[str]:
    return [run["externalId"] for run in server.runs]


def leave_behind(url: str, spool: Path, *ids: str, **options: Any) -> None:
    """Runs of a recorder that ends before the server is there."""
    recorder = Recorder(url, spool=spool, **options)
    record(recorder, *ids)
    recorder.close(0.2)


def test_nothing_is_left_on_disk_when_the_server_has_it(
    new_recorder: NewRecorder, server: StandIn, spool: Path
) -> None:
    recorder = new_recorder(spool=spool)
    record(recorder, "a", "b")
    assert recorder.flush()
    assert sent(server) == ["a", "b"]
    assert recorder.counts.delivered == 2
    recorder.close()
    assert list(spool.iterdir()) == []


def test_what_could_not_be_sent_is_kept_and_the_next_process_sends_it(
    new_recorder: NewRecorder, server: StandIn, nowhere: str, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    leave_behind(nowhere, spool, "a", "b", "c", batch_size=2)
    assert sorted(kept(spool)) == ["a", "b", "c"]
    assert "3 runs are left in the spool" in caplog.text
    new_recorder(spool=spool)
    server.wait_for_batches(2)
    assert sorted(sent(server)) == ["a", "b", "c"]


def test_only_who_can_read_the_process_can_read_its_spool(nowhere: str, spool: Path) -> None:
    leave_behind(nowhere, spool, "a")
    assert {path.stat().st_mode & 0o077 for path in [spool, *spool.iterdir()]} == {0}


def test_what_earlier_processes_left_goes_first_and_is_removed(
    new_recorder: NewRecorder, server: StandIn, nowhere: str, spool: Path
) -> None:
    leave_behind(nowhere, spool, "a")
    leave_behind(nowhere, spool, "b")
    recorder = new_recorder(spool=spool)
    record(recorder, "c")
    assert recorder.flush()
    assert (sorted(sent(server)[:2]), sent(server)[2:]) == (["a", "b"], ["c"])
    assert recorder.counts.delivered == 3
    recorder.close()
    assert list(spool.iterdir()) == []


def test_a_process_that_lives_keeps_its_segments(
    new_recorder: NewRecorder, server: StandIn, nowhere: str, spool: Path
) -> None:
    alive = new_recorder(nowhere, spool=spool)
    record(alive, "a")
    assert not alive.flush(0.2)
    other = new_recorder(spool=spool)
    record(other, "b")
    assert other.flush()
    assert sent(server) == ["b"]
    assert kept(spool) == ["a"]
    alive.close(0.1)
    new_recorder(spool=spool)
    server.wait_for_batches(2)
    assert sent(server) == ["b", "a"]


def test_while_the_server_is_away_a_segment_takes_in_what_comes_until_it_is_full(
    new_recorder: NewRecorder, nowhere: str, spool: Path
) -> None:
    recorder = new_recorder(nowhere, spool=spool, batch_size=3)
    for number in range(10):
        record(recorder, f"{number}")
        recorder.flush(0.01)
    assert [len(path.read_text().splitlines()) for path in sorted(spool.glob("*.jsonl"))] == [1, 3, 3, 3]
    assert recorder.counts.waiting == 10


def test_a_line_that_was_cut_off_costs_only_itself(
    new_recorder: NewRecorder, nowhere: str, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave_behind(nowhere, spool, *(f"{number}" for number in range(20)))
    (segment,) = spool.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes()[:-30])
    with standing_in() as server:
        recorder = new_recorder(server.url, spool=spool)
        record(recorder, "new")
        assert recorder.flush()
        assert sorted(sent(server)) == sorted([*(f"{number}" for number in range(19)), "new"])
        assert (recorder.counts.delivered, recorder.counts.lost) == (20, 1)
    assert "1 runs are refused: HTTP 400: not JSON" in caplog.text


def test_what_the_server_never_takes_is_put_aside(new_recorder: NewRecorder, server: StandIn, spool: Path) -> None:
    recorder = new_recorder(spool=spool)
    server.replies.append(Reply(body=rejected(1)))
    record(recorder, "a", "b", "c")
    assert recorder.flush()
    server.replies.append(Reply(401, failure("An API key is needed", "UNAUTHENTICATED")))
    record(recorder, "d")
    assert recorder.flush()
    refused = [json.loads(line) for line in (spool / "refused.jsonl").read_text().splitlines()]
    assert [run["externalId"] for run in refused] == ["b", "d"]
    assert (recorder.counts.rejected, recorder.counts.lost, kept(spool)) == (1, 1, [])


def test_no_more_is_kept_than_allowed(new_recorder: NewRecorder, nowhere: str, spool: Path) -> None:
    recorder = new_recorder(nowhere, spool=spool, spool_bytes=1_000, batch_size=2, capacity=5)
    for number in range(100):
        record(recorder, f"{number}")
        recorder.flush(0.001)
    assert 1_000 <= sum(path.stat().st_size for path in spool.glob("*.jsonl")) < 2_000
    assert recorder.counts.dropped > 50


def test_what_the_disk_does_not_take_is_sent_from_memory(
    new_recorder: NewRecorder, server: StandIn, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = new_recorder(spool=spool)
    shutil.rmtree(spool)
    record(recorder, "a")
    assert recorder.flush()
    assert sent(server) == ["a"]
    assert re.search("the spool cannot be (written|read)", caplog.text)


def test_a_spool_that_cannot_be_made_is_refused_at_the_start(server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Recorder(server.url, spool=tmp_path / "file" / "spool")


def test_synced_or_not_the_same_is_written(nowhere: str, spool: Path) -> None:
    leave_behind(nowhere, spool, "a", spool_sync=True)
    assert kept(spool) == ["a"]


def test_a_write_that_the_disk_takes_only_in_part_is_undone(spool: Path) -> None:
    script = """
import resource, signal, sys
from pathlib import Path
from formicary.client.spool import Spool

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
segment = Spool(Path(sys.argv[1]), most_bytes=1_000).segment()
segment.append([60 * b"a"])
try:
    segment.append([60 * b"b"])
except OSError:
    print(segment.read() == [60 * b"a"], len(segment), segment.size)
"""
    spool.mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(spool)], capture_output=True, text=True, check=True)
    assert done.stdout == "True 1 61\n"


def test_a_segment_of_another_process_takes_nothing_in(nowhere: str, spool: Path) -> None:
    leave_behind(nowhere, spool, "a")
    outbox = Outbox(Spool(spool, most_bytes=10_000), batch_size=10, batch_bytes=10_000, notices=Notices())
    outbox.adopt()
    outbox.put([b"{}"])
    for _ in range(2):
        batch = outbox.take(0)
        assert isinstance(batch, Segment)
        assert len(batch.read()) == 1
        outbox.settle(batch)
