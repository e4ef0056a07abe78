"""The modules of the page, each by itself, in the browser that they are for."""

import json
import math
from collections.abc import Generator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from tests.console.windows import browser, server
from tests.contract.test_readers import VALID, documents
from tests.examples.browsing import Server
from tests.packing import extension, pack, unpack
from wsendpoints.protocol.close_codes import CloseCode

__all__ = ["browser", "server"]


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Generator[Page]:
    """Return a page of the console's origin."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/docs")
    yield page
    context.close()


def call(page: Page, module: str, script: str, argument: object = None) -> Any:
    """Return what a function of a module, and an argument, returns."""
    return page.evaluate(
        f"async (it) => {{ const module = await import('/docs/{module}.js'); return {script}; }}",
        argument,
    )


@pytest.mark.parametrize("name", [*(it for it in VALID if it != "nothing"), "an invalid example"])
def test_examples_are_valid_messages(page: Page, name: str) -> None:
    """What the document gives as an example the page calls valid, and knows for what it is."""
    found = page.evaluate(
        """async (document) => {
            const { readDocument } = await import('/docs/document.js');
            const { Schemas } = await import('/docs/schemas.js');
            const api = readDocument(document);
            const schemas = new Schemas(api);
            const told = [];
            let count = 0;
            for (const endpoint of api.endpoints) {
                for (const message of [...endpoint.sent, ...endpoint.received]) {
                    if (message.example === undefined) continue;
                    count += 1;
                    for (const it of schemas.problems(message.id, message.example)) {
                        told.push(`${message.id} ${it.path}: ${it.reason}`);
                    }
                }
            }
            return { count, told };
        }""",
        documents()[name],
    )
    assert found["count"] > 3
    wrong = ['Chat/Say text: type "number" is invalid. Expected "string"']
    assert found["told"] == (wrong if name == "an invalid example" else [])


VALUES: Final[list[Any]] = [
    None,
    True,
    [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32, 2**53 - 1],
    [-1, -32, -33, -128, -129, -32768, -32769, -(2**31) - 1, -(2**53) + 1],
    [0.5, -1e300, 5e-324],
    ["", "ü😀", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "a" * 65536],
    [[], [0] * 15, [0] * 16, [0] * 65536],
    [{}, {f"{it}": it for it in range(16)}, {"a": {"b": [None]}}],
    {f"{it}": it for it in range(65536)},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda it: repr(it)[:20])
def test_messagepack_is_that_of_python(page: Page, value: Any) -> None:
    """Each reads what the other writes."""
    # As texts, since Playwright takes long for each value within another.
    written = (
        "Array.from(module.pack(JSON.parse(it)), (byte) => String.fromCharCode(byte)).join('')"
    )
    packed = call(page, "msgpack", written, json.dumps(value))
    assert unpack(packed.encode("latin-1")) == value
    read = "JSON.stringify(module.unpack(Uint8Array.from(it, (sign) => sign.charCodeAt(0))))"
    assert json.loads(call(page, "msgpack", read, pack(value).decode("latin-1"))) == value


@pytest.mark.parametrize(
    ("packed", "shown"),
    [
        pytest.param(pack(b"\x00\xff"), "00ff", id="bytes"),
        pytest.param(pack(b"a" * 300), "61" * 300, id="long bytes"),
        pytest.param(pack(2**63), f"{2**63}", id="an integer that is no number of JSON"),
        pytest.param(b"\xca\x3f\x00\x00\x00", 0.5, id="single float"),
        pytest.param(pack(extension(1, b"abcd")), "0161626364", id="extension"),
        pytest.param(pack(extension(1, b"abc")), "01616263", id="odd extension"),
    ],
)
def test_messagepack_that_json_has_no_form_for_is_shown(
    page: Page, packed: bytes, shown: object
) -> None:
    """Bytes in hexadecimal digits, and a number as a text."""
    assert call(page, "msgpack", "module.unpack(Uint8Array.from(it))", list(packed)) == shown


@pytest.mark.parametrize(
    "packed", [b"", b"\xc1", b"\xa2a", b"\x01\x01", b"\xdc\x00\x02\x01", b"\xa1\xff"]
)
def test_what_is_no_messagepack_is_refused(page: Page, packed: bytes) -> None:
    """It is an Error, and no value."""
    script = (
        "(() => { try { return module.unpack(Uint8Array.from(it)); } catch { return 'no'; } })()"
    )
    assert call(page, "msgpack", script, list(packed)) == "no"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '{"a":[1,{"b":{}}],"c":[]}',
            '{\n  "a": [\n    1,\n    {\n      "b": {}\n    }\n  ],\n  "c": []\n}',
        ),
        ("12345678901234567890.10", "12345678901234567890.10"),
        ('"{\\"a\\": [1,2]}"', '"{\\"a\\": [1,2]}"'),
        ("no [json, {", "no [json, {"),
        (" [ ] ", "[]"),
    ],
)
def test_json_is_indented_and_else_stays(page: Page, text: str, shown: str) -> None:
    """Numbers keep their digits, texts their spaces, and what is no JSON is as it is."""
    assert call(page, "frames", "module.indented(it)", text) == shown


@pytest.mark.parametrize("text", ["", "a", "ü", "€", "😀", "a😀€ü"])
def test_size_is_that_of_utf_8(page: Page, text: str) -> None:
    """As the frame has it."""
    assert call(page, "frames", "module.sizeOf(it)", text) == len(text.encode())


@pytest.mark.parametrize("code", [*CloseCode], ids=lambda it: it.name)
def test_each_close_code_has_a_name_and_a_meaning(page: Page, code: CloseCode) -> None:
    """The names are those of the registry."""
    found = call(page, "closing", "module.explain({closeCodes: {}}, it)", code.value)
    name = found["title"].removeprefix(f"{code.value} ").upper().replace(" ", "_")
    assert name.removesuffix("_RECEIVED") == code.name.removesuffix("_RECEIVED")
    assert len(found["meanings"]) == 1


def test_storage_of_others_is_left_alone(page: Page) -> None:
    """What is no list of messages is none that was saved."""
    for stored in ("{", "7", '[{"name": 1}, null, {}]'):
        found = page.evaluate(
            """async (stored) => {
                const { load } = await import('/docs/saved.js');
                localStorage.setItem('wsendpoints.console./x', stored);
                return load(new URL('http://a/'), { address: 'x' });
            }""",
            stored,
        )
        assert found == []


def test_not_a_number_is_packed(page: Page) -> None:
    """JSON has none, and a page may write `1e999`."""
    packed = bytes(call(page, "msgpack", "[...module.pack(it)]", math.inf))
    assert unpack(packed) == math.inf
