"""What a router answers requests with: the document of its endpoints, and the console."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final, final

from wsendpoints.connection.denial import DenialResponse
from wsendpoints.console.answers import JSON, answer
from wsendpoints.console.assets import page_at
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Documents"]

_PATH: Final = re.compile(r"(/[^/{}?#%\\\s]+)+")

_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
_HTML: Final = "text/html; charset=utf-8"


@final
class Documents:
    """The document of some endpoints, and the console, at their paths.

    The console finds the document at `asyncapi.json` below its own path, also where the document
    has no path for others.

    Args:
        describe: Returns the AsyncAPI document. It is called for the first request, once.
        asyncapi: The path of the document; `None` for none.
        docs: The path of the console; `None` for none.
        has_live: Whether the console asks what goes on.

    Raises:
        ConfigurationError: One of these is no path, or the document's is one of the console's.
    """

    def __init__(
        self,
        describe: Callable[[], Mapping[str, Any]],
        asyncapi: str | None,
        docs: str | None,
        *,
        has_live: bool = False,
    ) -> None:
        self._describe = describe
        self._page: Mapping[str, bytes] = {}
        self._described: set[str] = set()
        if docs is not None:
            _check("docs", docs)
            self._page = page_at(docs, has_live=has_live)
            self._described.add(f"{docs}/asyncapi.json")
        if asyncapi is not None:
            _check("asyncapi", asyncapi)
            if asyncapi in self._page:
                raise ConfigurationError(
                    f"asyncapi={asyncapi!r}: that belongs to the console, whose path is {docs!r}"
                )
            self._described.add(asyncapi)

    def check(self, paths: Iterable[str]) -> None:
        """Check that no route is where something of this is.

        Args:
            paths: Those of the routes.

        Raises:
            ConfigurationError: One is.
        """
        for path in paths:
            if path in self._page:
                raise ConfigurationError(
                    f"{path!r} belongs to the console: give that another path, as in "
                    "docs='/console', or none, with docs=None"
                )
            if path in self._described:
                raise ConfigurationError(
                    f"{path!r} is the document of the endpoints: give that another path, as in "
                    "asyncapi='/api.json', or none, with asyncapi=None"
                )

    def find(self, path: str, method: str) -> DenialResponse | None:
        """Return what a request is answered with; `None` where there is nothing.

        Args:
            path: Its path, relative to where the router is, decoded.
            method: Its method.
        """
        if path in self._described:
            kind, body = JSON, self._document
        elif path in self._page:
            kind, body = _TYPES.get(path.rpartition(".")[2], _HTML), self._page[path]
        else:
            return None
        if method not in {"GET", "HEAD"}:
            return DenialResponse("Method Not Allowed", 405, headers={"allow": "GET, HEAD"})
        return answer(method, kind, body)

    @cached_property
    def _document(self) -> bytes:
        return json.dumps(self._describe(), separators=(",", ":")).encode()


def _check(name: str, path: object) -> None:
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise ConfigurationError(
            f"{name}={path!r}: use a path without parameters, such as '/{name}', or None"
        )
