"""What requests for the document, and for the console, are answered with."""

import json
import re
from typing import Any, Final

import pytest

from wsendpoints import ConfigurationError
from wsendpoints.connection.denial import DenialResponse
from wsendpoints.console.documents import Documents

SECURITY: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def describe() -> dict[str, Any]:
    """Return a document."""
    return {"asyncapi": "3.0.0", "info": {"title": "\u2028é"}}


def headers_of(answer: DenialResponse) -> dict[str, str]:
    """Return the headers of an answer."""
    return {name.decode(): value.decode() for name, value in answer.headers}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/main.js", "text/javascript; charset=utf-8"),
        ("/docs/style.css", "text/css; charset=utf-8"),
        ("/docs/LICENSES.txt", "text/plain; charset=utf-8"),
        ("/docs/asyncapi.json", "application/json"),
        ("/asyncapi.json", "application/json"),
    ],
)
def test_each_path_has_its_type_and_is_protected(path: str, kind: str) -> None:
    """A GET has the body, and headers that let a browser do nothing else; a HEAD these alone."""
    documents = Documents(describe, "/asyncapi.json", "/docs")
    got, head = documents.find(path, "GET"), documents.find(path, "HEAD")
    assert got is not None
    assert head is not None
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert got.body
    size = {"content-type": kind, "content-length": f"{len(got.body)}"}
    assert headers_of(got) == headers_of(head) == {**SECURITY, **size}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
@pytest.mark.parametrize("path", ["/docs", "/docs/main.js", "/asyncapi.json"])
def test_other_methods_are_refused(path: str, method: str) -> None:
    """The answer says which are taken."""
    refused = Documents(describe, "/asyncapi.json", "/docs").find(path, method)
    assert refused is not None
    assert (refused.status, refused.body) == (405, b"Method Not Allowed")
    assert headers_of(refused)["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/", "/docs/", "/docs/nothing.js", "/docs/index.html", "/docs/../router.py", "/Docs"]
)
def test_nothing_is_elsewhere(path: str) -> None:
    """What is no file of the page has no answer."""
    assert Documents(describe, "/asyncapi.json", "/docs").find(path, "GET") is None


def test_document_is_made_once_when_it_is_asked_for() -> None:
    """It is JSON in ASCII, and the same at both of its paths."""
    made: list[dict[str, Any]] = []

    def make() -> dict[str, Any]:
        made.append(describe())
        return made[-1]

    documents = Documents(make, "/asyncapi.json", "/docs")
    documents.find("/docs", "GET")
    assert made == []
    found = [documents.find(path, "GET") for path in ("/asyncapi.json", "/docs/asyncapi.json")]
    bodies = {it.body for it in found if it is not None}
    assert len(made) == len(bodies) == 1
    (body,) = bodies
    assert body.isascii()
    assert json.loads(body) == describe()


@pytest.mark.parametrize(
    ("asyncapi", "docs", "there"),
    [
        (None, None, set[str]()),
        ("/api.json", None, {"/api.json"}),
        (None, "/console", {"/console", "/console/asyncapi.json"}),
        ("/docs/asyncapi.json", "/docs", {"/docs", "/docs/asyncapi.json"}),
    ],
    ids=["neither", "the document", "the console", "one within the other"],
)
def test_either_may_be_left_out(asyncapi: str | None, docs: str | None, there: set[str]) -> None:
    """The console has the document, also where that has no path of its own."""
    documents = Documents(describe, asyncapi, docs)
    paths = ["/api.json", "/asyncapi.json", "/docs", "/docs/asyncapi.json"]
    paths += ["/console", "/console/asyncapi.json"]
    assert {it for it in paths if documents.find(it, "GET") is not None} == there


@pytest.mark.parametrize(
    "path", ["", "/", "docs", "/docs/", "//", "/a//b", "/{a}", "/a b", "/?", 7]
)
@pytest.mark.parametrize("name", ["asyncapi", "docs"])
def test_what_is_no_path_is_refused(name: str, path: Any) -> None:
    """It has segments of plain text."""
    text = f"{name}={path!r}: use a path without parameters, such as '/{name}', or None"
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}$"):
        Documents(describe, *(path if it == name else None for it in ("asyncapi", "docs")))


@pytest.mark.parametrize("path", ["/docs", "/docs/main.js"])
def test_document_may_not_be_where_the_console_is(path: str) -> None:
    """One path has one answer."""
    text = f"asyncapi={path!r}: that belongs to the console, whose path is '/docs'"
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}$"):
        Documents(describe, path, "/docs")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(
            "/docs/main.js",
            "'/docs/main.js' belongs to the console: give that another path, as in "
            "docs='/console', or none, with docs=None",
            id="the console",
        ),
        pytest.param(
            "/asyncapi.json",
            "'/asyncapi.json' is the document of the endpoints: give that another path, as in "
            "asyncapi='/api.json', or none, with asyncapi=None",
            id="the document",
        ),
    ],
)
def test_routes_may_not_be_where_something_is(path: str, text: str) -> None:
    """All others may be anywhere."""
    documents = Documents(describe, "/asyncapi.json", "/docs")
    documents.check(["/", "/{docs}", "/docs/{name:path}"])
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}$"):
        documents.check(["/a", path])
