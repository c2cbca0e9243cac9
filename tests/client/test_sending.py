"""How runs get to the server, and what becomes of them where it will not have them."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from formicary.client import Counts, Recorder
from formicary.client.pipeline import AT_ONCE

from .conftest import NewRecorder
from .stand_in import PATIENCE, Reply, StandIn, failure, rejected, standing_in


def record(recorder: Recorder, number: int = 1, agent: str = "scout", **facts: Any) -> None:
    for at in range(number):
        with recorder.run(agent, external_id=f"{agent}-{at}", **facts):
            pass


def ids(batch: list[dict[str, Any]]) -> list[str]:
    return [run["externalId"] for run in batch]


def delivered(number: int, **others: int) -> Counts:
    return Counts(**{"delivered": number, "rejected": 0, "dropped": 0, "lost": 0, "waiting": 0, **others})


def test_a_full_batch_is_sent_at_once_and_the_rest_by_its_age(new_recorder: NewRecorder, server: StandIn) -> None:
    recorder = new_recorder(batch_size=10, max_age=0.05)
    record(recorder, 25)
    server.wait_for_batches(3)
    assert [len(batch) for batch in server.batches] == [10, 10, 5]


def test_a_batch_that_is_not_full_waits_for_its_age(new_recorder: NewRecorder, server: StandIn) -> None:
    recorder = new_recorder(batch_size=10, max_age=600)
    record(recorder, 9)
    assert recorder.counts.waiting == 9
    assert server.batches == []
    record(recorder)
    server.wait_for_batches(1)


def test_flush_says_whether_all_is_sent(new_recorder: NewRecorder, server: StandIn) -> None:
    recorder = new_recorder(max_age=600)
    assert recorder.flush()
    record(recorder, 3)
    assert recorder.flush()
    assert recorder.counts == delivered(3)
    hangs = threading.Event()
    server.replies.append(Reply(hangs=hangs))
    record(recorder, 2, "later")
    assert not recorder.flush(0.05)
    hangs.set()
    assert recorder.flush()
    assert recorder.counts == delivered(5)


def test_while_a_request_is_under_way_another_is_made_for_a_full_batch_only(
    new_recorder: NewRecorder, server: StandIn
) -> None:
    hangs = threading.Event()
    server.replies.append(Reply(hangs=hangs))
    recorder = new_recorder(batch_size=10, max_age=0.01)
    record(recorder, 10, "first")
    server.wait_for_batches(1)
    record(recorder, 10, "second")
    server.wait_for_batches(2)
    record(recorder, 5, "third")
    assert not recorder.flush(0.1)
    assert [batch[0]["agent"] for batch in server.batches] == ["first", "second"]
    hangs.set()
    assert recorder.flush()
    assert recorder.counts == delivered(25)


def test_the_key_is_sent(new_recorder: NewRecorder, server: StandIn) -> None:
    recorder = new_recorder(key="fmc_abc")
    record(recorder)
    assert recorder.flush()
    assert server.headers[0]["Authorization"] == "Bearer fmc_abc"


def test_one_connection_is_kept(recorder: Recorder, server: StandIn) -> None:
    for _ in range(3):
        record(recorder)
        assert recorder.flush()
    assert (len(server.batches), server.connections) == (3, 1)


def test_a_kept_connection_that_the_server_has_closed_is_no_trouble(
    recorder: Recorder, server: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies.append(Reply(body=rejected(), headers={"Connection": "keep-alive"}))
    record(recorder)
    assert recorder.flush()
    server.replies.append(Reply(cuts=True))
    record(recorder, agent="second")
    assert recorder.flush()
    assert recorder.counts == delivered(2)
    assert server.connections == 2
    assert caplog.text == ""


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503, failure("the database is away", "UNAVAILABLE")),
        Reply(429, failure("slow down", "LIMIT_EXCEEDED")),
        Reply(502, b"<html>Bad Gateway</html>"),
        Reply(500, b""),
        Reply(200, failure("an error of ours", "INTERNAL")),
        Reply(200, b"<html>Welcome</html>"),
        Reply(200, b"[]"),
        Reply(200, {"data": None}),
        Reply(cuts=True),
    ],
)
def test_what_may_pass_later_is_sent_again_under_the_same_ids(
    recorder: Recorder, server: StandIn, caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    server.replies.extend([reply, reply])
    record(recorder, 5)
    assert recorder.flush()
    assert recorder.counts == delivered(5)
    assert [ids(batch) for batch in server.batches] == [ids(server.batches[0])] * 3
    assert caplog.text.count("they cannot be sent") == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_the_server_says_when_to_come_back(recorder: Recorder, server: StandIn, *, as_date: bool) -> None:
    after = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "1"
    server.replies.append(Reply(429, failure("slow down", "LIMIT_EXCEEDED"), {"Retry-After": after}))
    record(recorder)
    begun = time.monotonic()
    assert recorder.flush()
    assert time.monotonic() - begun >= 0.9
    assert recorder.counts == delivered(1)


def test_a_server_that_is_away_is_found_again(new_recorder: NewRecorder, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    recorder = new_recorder(f"http://127.0.0.1:{port}")
    record(recorder, 20)
    assert not recorder.flush(0.1)
    assert "Connection refused" in caplog.text
    with standing_in(port) as server:
        assert recorder.flush(PATIENCE)
        assert len(server.runs) == 20
    assert recorder.counts == delivered(20)


def test_a_server_that_hangs_neither_holds_up_the_agent_nor_its_end(
    new_recorder: NewRecorder, server: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    hangs = threading.Event()
    server.replies += AT_ONCE * [Reply(hangs=hangs)]
    recorder = new_recorder(batch_size=10)
    begun = time.monotonic()
    record(recorder, 1_000)
    assert time.monotonic() - begun < 1
    recorder.close(0.2)
    assert time.monotonic() - begun < 3
    assert recorder.counts.lost == 1_000
    assert "are lost" in caplog.text
    hangs.set()


def test_runs_that_are_rejected_are_counted_and_said(
    recorder: Recorder, server: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies.append(Reply(body=rejected(1)))
    record(recorder, 3)
    assert recorder.flush()
    assert recorder.counts == delivered(2, rejected=1)
    assert "1 runs were rejected, one since agent: must not be empty." in caplog.text


class Picky(StandIn):
    """Refuses every request with a run of a certain agent, as the API does where a type is wrong."""

    def judge(self, batch: list[dict[str, Any]]) -> Reply:
        if any(run["agent"] == "bad" for run in batch):
            return Reply(200, failure("Variable '$input' got invalid value", "BAD_USER_INPUT"))
        return super().judge(batch)


def test_a_run_for_which_a_whole_batch_is_refused_is_found_and_the_others_are_recorded(
    new_recorder: NewRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    with standing_in(kind=Picky) as server:
        recorder = new_recorder(server.url)
        record(recorder, 70)
        record(recorder, agent="bad")
        record(recorder, 29, agent="second")
        assert recorder.flush()
        assert recorder.counts == delivered(99, lost=1)
        assert len(server.batches) <= 16
    assert "1 runs are refused: Variable '$input' got invalid value" in caplog.text


class Small(StandIn):
    def judge(self, batch: list[dict[str, Any]]) -> Reply:
        if len(batch) > 30:
            return Reply(413, failure("The body is larger than the limit.", "PAYLOAD_TOO_LARGE"))
        return super().judge(batch)


def test_a_batch_that_is_too_large_is_halved(new_recorder: NewRecorder) -> None:
    with standing_in(kind=Small) as server:
        recorder = new_recorder(server.url)
        record(recorder, 100)
        assert recorder.flush()
        assert recorder.counts == delivered(100)
        assert sorted(len(batch) for batch in server.batches) == [25, 25, 25, 25, 50, 50, 100]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, failure("An API key is needed", "UNAUTHENTICATED")),
        Reply(403, failure("The API key does not permit this.", "FORBIDDEN")),
        Reply(404, b"not here"),
        Reply(200, failure("Cannot query field", "GRAPHQL_VALIDATION_FAILED")),
        Reply(308, b"", {"Location": "https://elsewhere.example/graphql"}),
    ],
)
def test_a_request_that_can_never_pass_is_given_up_once(
    recorder: Recorder, server: StandIn, caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    server.replies.append(reply)
    record(recorder, 5)
    assert recorder.flush()
    assert recorder.counts == delivered(0, lost=5)
    assert len(server.batches) == 1
    assert "5 runs are refused" in caplog.text
    record(recorder)
    assert recorder.flush()
    assert recorder.counts == delivered(1, lost=5)


def test_what_there_is_no_room_for_is_dropped_and_counted(
    new_recorder: NewRecorder, server: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    hangs = threading.Event()
    server.replies += AT_ONCE * [Reply(hangs=hangs)]
    recorder = new_recorder(batch_size=10, capacity=100)
    record(recorder, 10 * AT_ONCE)
    server.wait_for_batches(AT_ONCE)
    record(recorder, 1_000, agent="more")
    dropped = recorder.counts.dropped
    assert 1_000 - 100 - 7 * 10 <= dropped <= 1_000 - 100
    hangs.set()
    assert recorder.flush(PATIENCE)
    assert recorder.counts == delivered(1_000 + 10 * AT_ONCE - dropped, dropped=dropped)
    assert "dropped" in caplog.text


def test_a_request_has_a_few_megabytes_at_most(recorder: Recorder, server: StandIn) -> None:
    record(recorder, 100, metadata={"note": 100_000 * "x"})
    assert recorder.flush()
    assert [len(batch) for batch in server.batches] == [41, 41, 18]


def test_after_the_end_runs_are_dropped(recorder: Recorder, server: StandIn) -> None:
    record(recorder)
    recorder.close()
    record(recorder)
    recorder.close()
    assert recorder.flush(0.1)
    assert recorder.counts == delivered(1, dropped=1)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"url": "127.0.0.1:8765"}, "127.0.0.1:8765"),
        ({"url": "ftp://127.0.0.1"}, "ftp"),
        ({"url": "http://127.0.0.1:http"}, "http"),
        ({"url": "http://127.0.0.1/a path"}, "a path"),
        ({"url": "http://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"}, "cher"),
        ({"url": "http://127.0.0.1", "key": "a\nb"}, "key"),
        ({"url": "http://127.0.0.1", "batch_size": 0}, "batch_size is 0; allowed are 1 to 10000"),
        ({"url": "http://127.0.0.1", "capacity": -1}, "capacity"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused_at_the_start(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Recorder(**options)
