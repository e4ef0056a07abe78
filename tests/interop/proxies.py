"""nginx and Caddy, configured as the guides say: with the blocks of the pages, and other ports."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self, final

import pytest

from tests.ports import HOST, reserve_port

from .servers import POLL_EVERY, ROOT, STARTED_WITHIN, Process, spawn

__all__ = ["NAME", "Caddy", "Nginx", "Proxy", "block"]

NAME: Final = "example.com"
"""The site of the pages."""


def block(page: str, language: str) -> str:
    """Return the one block of a page of the documentation that is in a language."""
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    return str(found)


def replaced(text: str, by: Mapping[str, str]) -> str:
    """Return a text with each of some parts replaced, all of which it has."""
    for old, new in by.items():
        assert old in text, f"{old!r} is not in the guide any more:\n{text}"
        text = text.replace(old, new)
    return text


class Proxy(ABC):
    """A proxy that runs while it is entered.

    Args:
        program: Its name, and that of its package in Debian.
        folder: Where its files go.

    Attributes:
        safe: The port of the block in docs/security.md ...
        pool: ... and that of the block in docs/proxies.md, in front of two servers.
    """

    def __init__(self, program: str, folder: Path) -> None:
        path = shutil.which(program)
        if path is None:
            pytest.fail(f"{program} is not installed: apt-get install {program}")
        self._program = path
        self._folder = folder
        self._stack = ExitStack()
        self._ports: list[int] = []
        self.safe = self._reserve()
        self.pool = self._reserve()

    def _reserve(self) -> int:
        reserved = self._stack.enter_context(reserve_port())
        self._ports.append(reserved.getsockname()[1])
        return self._ports[-1]

    def __enter__(self) -> Self:
        try:
            self._start(self._prepare())
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @abstractmethod
    def _prepare(self) -> Sequence[str]:
        """Write its configuration, and return its arguments."""

    @property
    @abstractmethod
    def authority(self) -> Path:
        """The certificate that a client has to trust."""

    def trusting(self) -> ssl.SSLContext:
        """Return what a client knows of it."""
        return ssl.create_default_context(cafile=self.authority)

    def _start(self, arguments: Sequence[str]) -> None:
        """Start it, and wait until it speaks TLS on all of its ports."""
        log = self._folder / "log"
        with log.open("wb") as output:
            popen = spawn([self._program, *arguments], output)
        self._stack.callback(popen.wait, 10)
        self._stack.callback(popen.terminate)
        deadline = time.monotonic() + STARTED_WITHIN
        for port in self._ports:
            while not self._speaks(port):
                if popen.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{self._program} did not start:\n{log.read_text()}")
                time.sleep(POLL_EVERY)

    def _speaks(self, port: int) -> bool:
        # Caddy makes its certificates once it runs.
        try:
            with socket.create_connection((HOST, port), 5) as plain:
                self.trusting().wrap_socket(plain, server_hostname=NAME).close()
        except OSError:
            return False
        return True


@final
class Nginx(Proxy):
    """nginx, with the blocks of both pages, and a certificate that is made for it.

    Args:
        folder: Where its files go.
        pinging: A server that pings often.
        silent: One that does not.

    Attributes:
        impatient: The ports of the block in docs/security.md with a short `proxy_read_timeout`, in
            front of each of the servers.
    """

    def __init__(self, folder: Path, pinging: Process, silent: Process) -> None:
        super().__init__("nginx", folder)
        self._servers = pinging, silent
        self.impatient: Mapping[Process, int] = {it: self._reserve() for it in self._servers}

    @property
    def authority(self) -> Path:
        return self._folder / "certificate.pem"

    def _prepare(self) -> Sequence[str]:
        key, configuration = self._folder / "key.pem", self._folder / "nginx.conf"
        new = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        names = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
        files = ("-keyout", key, "-out", self.authority)
        subprocess.run(  # noqa: S603 - our own arguments
            ["openssl", "req", *new, *names, *files],  # noqa: S607 - wherever it is
            check=True,
            capture_output=True,
        )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = [f"{kind}_temp_path {self._folder}/{kind};" for kind in kinds]
        configuration.write_text(
            f"daemon off; pid {self._folder}/pid; worker_processes 1; error_log stderr;\n"
            f"events {{}}\nhttp {{ access_log off; {' '.join(paths)}\n"
            f"ssl_certificate {self.authority}; ssl_certificate_key {key};\n"
            f"{self._site()}}}\n"
        )
        return ["-e", "stderr", "-p", f"{self._folder}", "-c", f"{configuration}"]

    def _site(self) -> str:
        pinging, silent = self._servers
        common, _, server = block("security", "nginx").partition("server {")
        safe = self._safe(server, self.safe, pinging)
        impatient = [self._safe(server, port, it) for it, port in self.impatient.items()]
        # All but the server that it passes connections to, and the zone.
        lines = [it for it in server.partition("location /ws/ {")[2].splitlines() if "_set_" in it]
        pool = replaced(
            block("proxies", "nginx"),
            {
                "127.0.0.1:8001": pinging.netloc,
                "127.0.0.1:8002": silent.netloc,
                "server {\n": f"server {{\nlisten {HOST}:{self.pool} ssl;\n",
                "# And what is in security.md.": "\n".join(["proxy_http_version 1.1;", *lines]),
            },
        )
        return common + safe + "".join(replaced(it, {"120s": "1s"}) for it in impatient) + pool

    def _safe(self, server: str, port: int, behind: Process) -> str:
        ways = {"listen 443 ssl": f"listen {HOST}:{port} ssl", "127.0.0.1:8000": behind.netloc}
        return "server {" + replaced(server, ways)


@final
class Caddy(Proxy):
    """Caddy, with the blocks of both pages, and certificates of its own.

    Args:
        folder: Where its files go.
        pinging: A server ...
        silent: ... and another.
    """

    def __init__(self, folder: Path, pinging: Process, silent: Process) -> None:
        super().__init__("caddy", folder)
        self._servers = pinging, silent

    @property
    def authority(self) -> Path:
        return self._folder / "pki" / "authorities" / "local" / "root.crt"

    def _prepare(self) -> Sequence[str]:
        pinging, silent = self._servers
        safe = replaced(
            block("security", "caddyfile"),
            {f"{NAME} {{": f"{NAME}:{self.safe} {{", "127.0.0.1:8000": pinging.netloc},
        )
        pool = replaced(
            block("proxies", "caddyfile"),
            {
                f"{NAME} {{": f"{NAME}:{self.pool} {{",
                "127.0.0.1:8001": pinging.netloc,
                "127.0.0.1:8002": silent.netloc,
            },
        )
        blocks = safe + pool
        if self._is_old():
            blocks = replaced(blocks, {"stream_close_delay 5m": ""})
        configuration = self._folder / "Caddyfile"
        configuration.write_text(
            "{\nadmin off\nlocal_certs\nskip_install_trust\nauto_https disable_redirects\n"
            f"storage file_system {self._folder}\n}}\n{blocks}"
        )
        return ["run", "--adapter", "caddyfile", "--config", f"{configuration}"]

    def _is_old(self) -> bool:
        """Whether it is older than 2.7, as that of Debian 12 is, and can't delay the end."""
        command = [self._program, "version"]
        version = subprocess.check_output(command, text=True)  # noqa: S603 - our own arguments
        numbers = re.match(r"v?(\d+)\.(\d+)", version)
        assert numbers, version
        return (int(numbers[1]), int(numbers[2])) < (2, 7)
