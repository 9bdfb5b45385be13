"""A PostgreSQL server of one's own for the tests: on loopback, in a new folder, gone afterwards.

``python3 tests/postgres_server.py`` starts one, prints its address, and stops it when it is told to end.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Variable of the environment that may hold the address of a server to use instead.
ADDRESS = "MISSING_PATTERNS_POSTGRES"
#: Settings that make a throw-away server fast and keep it to this machine.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "timezone": "UTC",
}


def binaries() -> Path | None:
    """Find the folder of the server's programs; Debian keeps one per version, off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if all((f / p).exists() for p in ("initdb", "postgres", "pg_isready"))), None)


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[str]:
    """Start a server and give its address; stop it by its own process and leave nothing behind."""
    programs = binaries()
    if programs is None:
        raise FileNotFoundError("PostgreSQL's server is not installed")
    # The server refuses to run as root, so root hands it to the user that Debian makes for it.
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = None
    try:
        password, port = secrets.token_hex(16), free_port()
        (folder / "password").write_text(password, encoding="utf-8")
        if user:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        asked = "-D data -U tester --pwfile=password -A scram-sha-256 -E UTF8 --locale=C --no-sync".split()
        subprocess.run([programs / "initdb", *asked], cwd=folder, capture_output=True, check=True, **user)
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with (folder / "log").open("wb") as log:
            command = [programs / "postgres", "-D", folder / "data", "-p", str(port), *settings]
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **user)
        ask = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        for _ in range(300):
            if subprocess.run(ask, check=False, cwd="/").returncode == 0:
                break
            time.sleep(0.1)
        yield f"postgresql+psycopg://tester:{password}@127.0.0.1:{port}/postgres"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # disconnects whoever is still there
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:  # pragma: no cover
    """Run a server until this process is told to end."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # being told twice must not cut short the clearing up
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    with running() as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        while True:
            signal.pause()


if __name__ == "__main__":  # pragma: no cover
    main()
