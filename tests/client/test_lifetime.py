"""Processes that end, fork, are killed or have others run beside them; each is a real one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import NewRecorder
from .stand_in import StandIn

START = """
import os, sys, signal, multiprocessing, threading
from formicary.client import Recorder
recorder = Recorder(sys.argv[1], spool=sys.argv[2] if len(sys.argv) > 2 else None, max_age=600, exit_timeout=1)

def record(*ids):
    for id in ids:
        with recorder.run("scout", external_id=id):
            pass
"""
CHILD = """
record("parent")
child = multiprocessing.get_context("{method}").Process(target=record, args=["child"])
child.start()
child.join()
assert child.exitcode == 0
"""


def run(script: str, *arguments: object, code: int = 0) -> str:
    """What a process that runs this after `START` says on stderr."""
    command = [sys.executable, "-W", "error", "-c", START + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr


def sent(server: StandIn) -> list[str]:
    return sorted(run["externalId"] for run in server.runs)


def test_what_waits_is_sent_when_the_process_ends(server: StandIn) -> None:
    assert run("record('a', 'b')", server.url) == ""
    assert sent(server) == ["a", "b"]


def test_what_waits_is_sent_when_the_process_fails(server: StandIn) -> None:
    run("with recorder.run('scout', external_id='a'):\n    1 / 0", server.url, code=1)
    assert [(run["externalId"], run["errorType"]) for run in server.runs] == [("a", "ZeroDivisionError")]


def test_the_end_of_a_process_is_not_held_up_by_a_server_that_is_away() -> None:
    begun = time.monotonic()
    said = run("record('a')", "http://127.0.0.1:9")
    assert time.monotonic() - begun < 5
    assert "1 runs are lost" in said


def test_a_forked_child_sends_its_own_runs_and_none_of_its_parent(server: StandIn) -> None:
    script = """
record("parent-1")
if os.fork() == 0:
    record("child")
    recorder.flush()
    os._exit(recorder.counts.delivered != 1)
assert os.wait()[1] == 0
record("parent-2")
"""
    run(script, server.url)
    assert sent(server) == ["child", "parent-1", "parent-2"]


def test_a_fork_in_the_midst_of_sending_does_no_harm(server: StandIn) -> None:
    script = """
def work():
    for number in range(2_000):
        record(f"thread-{number}")
thread = threading.Thread(target=work)
thread.start()
children = []
for number in range(20):
    if (child := os.fork()) == 0:
        record(f"child-{number}")
        os._exit(not recorder.flush())
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 20
thread.join()
"""
    run(script, server.url)
    assert len(server.runs) == len(set(sent(server))) == 2_020


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_children_of_multiprocessing_send_their_runs_at_their_end(server: StandIn, method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    body = "\n".join(f"    {line}" for line in CHILD.format(method=method).splitlines())
    script.write_text(f"{START}\nif __name__ == '__main__':\n{body}\n")
    subprocess.run([sys.executable, script, server.url], check=True, timeout=30)
    assert sent(server) == ["child", "parent"]


def test_a_killed_process_loses_nothing_that_is_in_its_spool(
    new_recorder: NewRecorder, server: StandIn, tmp_path: Path
) -> None:
    script = "record('a', 'b')\nrecorder.flush(0.1)\nos.kill(os.getpid(), signal.SIGKILL)"
    run(script, "http://127.0.0.1:9", tmp_path, code=-signal.SIGKILL)
    recorder = new_recorder(spool=tmp_path)
    server.wait_for_batches(1)
    assert sent(server) == ["a", "b"]
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_outlives_its_parent_does_not_keep_its_segments(
    new_recorder: NewRecorder, server: StandIn, tmp_path: Path
) -> None:
    script = """
record("parent")
recorder.flush(0.1)
if os.fork() == 0:
    os.close(1), os.close(2)
    signal.pause()
print(end="", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    run(script.replace("signal.pause()", "signal.alarm(10), signal.pause()"), "http://127.0.0.1:9", tmp_path, code=-9)
    new_recorder(spool=tmp_path)
    server.wait_for_batches(1)
    assert sent(server) == ["parent"]


def test_several_processes_share_a_spool(server: StandIn, tmp_path: Path) -> None:
    script = "record(*(f'{os.getpid()}-{number}' for number in range(500)))"
    command = [sys.executable, "-c", START + script, server.url, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(30) for process in processes] == [0] * 4
    assert len(server.runs) == len(set(sent(server))) == 2_000
    assert list(tmp_path.iterdir()) == []


def test_a_run_may_end_in_a_signal_handler(server: StandIn) -> None:
    script = """
signal.signal(signal.SIGALRM, lambda *_: record(f"signal-{next(numbers)}"))
import itertools
numbers = itertools.count()
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for number in range(5_000):
    record(f"main-{number}")
signal.setitimer(signal.ITIMER_REAL, 0)
recorder.flush()
assert next(numbers) > 10
"""
    run(script, server.url)
    assert len(set(sent(server))) == len(server.runs) > 5_010


def test_only_the_standard_library_is_imported() -> None:
    script = """
import sys
before = set(sys.modules)
import formicary.client, formicary.client.spool
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(names - sys.stdlib_module_names - {"formicary"}))
print(sorted(name for name in sys.modules if name.startswith("formicary.") and not name.startswith("formicary.client")))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


def test_without_the_server_the_command_says_what_to_install(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / ".pkg"
    command = [sys.executable, "-S", "-m", "formicary", "serve"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'formicary[server]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
