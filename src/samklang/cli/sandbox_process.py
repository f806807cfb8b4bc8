"""The sandbox as a child process, and its control API: for the demo and the bench."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from samklang.cli.output import CANNOT_REACH, Failure


class Control:
    """The control API of docs/sandbox.md."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def put(self, path: str, body: Any) -> Any:
        return self._ask("PUT", path, json=body)

    def post(self, path: str, body: Any) -> Any:
        return self._ask("POST", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self._ask("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path)

    def post_text(self, path: str, body: bytes) -> Any:
        return self._ask("POST", path, data=body, headers={"Content-Type": "text/calendar"})

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, self._url + path, timeout=120, **arguments)
        if answer.status_code >= 400:
            raise Failure(f"The sandbox refused {method} {path}: {answer.text[:300]}", CANNOT_REACH)
        return answer.json() if answer.content else None


class SandboxProcess:
    """A sandbox on free ports that ends with us, whatever happens."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "samklang.sandbox", "--data", str(data), "--port", "0", "--with-parent"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failure("The sandbox did not start; its own words are above.", CANNOT_REACH)
        self.urls: dict[str, str] = json.loads(line)
        self.control = Control(self.urls["control"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
