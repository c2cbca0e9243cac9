"""The server under measurement: `formicary serve` as its users start it, with its embedded PostgreSQL."""

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

READY = "Formicary is ready at "


@dataclass(frozen=True, slots=True)
class Server:
    """A running `formicary serve`. `seconds` is how long it took to be ready."""

    pid: int
    port: int
    data_dir: Path
    seconds: float

    @property
    def postgres_pid(self) -> int:
        return int(_postmaster(self.data_dir)[0])

    @property
    def dsn(self) -> str:
        lines = _postmaster(self.data_dir)
        return f"postgresql://formicary@/postgres?host={quote(lines[4], safe='')}&port={lines[3]}"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A directory for the time of a measurement, open to the user that PostgreSQL runs as."""
    path = Path(tempfile.mkdtemp(prefix="formicary-bench-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def serve(data_dir: Path, *options: str) -> Iterator[Server]:
    """Run a server on a free port of 127.0.0.1; its log goes beside the data."""
    command = [sys.executable, "-m", "formicary.cli", "serve", "--port", "0", "--data-dir", str(data_dir), *options]
    begun = time.perf_counter()
    with data_dir.with_suffix(".log").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            port = _wait_until_ready(process, data_dir)
            yield Server(process.pid, port, data_dir, time.perf_counter() - begun)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait_until_ready(process: "subprocess.Popen[str]", data_dir: Path) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(READY):
            port = urlsplit(line.removeprefix(READY).strip()).port
            assert port is not None
            return port
    raise RuntimeError(f"the server did not start: {data_dir.with_suffix('.log').read_text()[-2000:]}")


def _postmaster(data_dir: Path) -> list[str]:
    return (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
