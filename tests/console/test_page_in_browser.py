"""The console in a browser, as people use it: Debian's Chromium, with uvicorn as the server."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.console.app import FRAMES
from tests.console.windows import PHONE, OpenWindow, Window, browser, open_window, server

__all__ = ["browser", "open_window", "server"]

HELLO: Final = '{"type": "say", "id": 7, "text": "Hello"}'


def test_a_newcomer_sees_what_is_answered_and_why(open_window: OpenWindow) -> None:
    """Connect, send the example, then what is not valid: both are answered, and say why."""
    window = open_window()
    window.open()
    expect(window.page).to_have_title("All of it: console")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("All of it")
    expect(window.button("Send")).to_be_disabled()
    window.field("room").fill("lobby")
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    expect(window.row("Connected to ws://127.0.0.1")).to_have_count(1)

    expect(window.validity).to_have_text("Valid: Say")
    window.button("Send").click()
    expect(window.row("sentSay")).to_have_count(1)
    answer = window.row("receivedSaid")
    expect(answer).to_contain_text(re.compile(r"\d ms.*Hello, lobby 10"))

    window.content.fill('{"type": "say", "text": ""}')
    expect(window.validity).to_contain_text("Not a valid Say")
    expect(window.validity).to_contain_text("text String is too short")
    window.button("Send anyway").click()
    expect(window.row("sentSay").last).to_contain_text("invalid: text String is too short")
    expect(window.row("receivedError")).to_contain_text(
        "text: String should have at least 1 character; The message is none of those that are taken"
    )
    window.content.fill("{")
    expect(window.validity).to_contain_text("the whole is no json")
    window.button("Send anyway").click()
    expect(window.status).to_have_text("Closed with 1007 Invalid data")
    expect(window.row("Closed with 1007 Invalid data")).to_contain_text("a frame that is not json")


def test_handshake_has_what_was_filled_in(open_window: OpenWindow) -> None:
    """Path and query are checked, a token is not shown, and what a page can't send is told."""
    window = open_window()
    window.open("Room")
    expect(window.button("Connect anyway")).to_be_visible()
    window.field("room").fill("a b/ü?")
    expect(window.button("Connect")).to_be_visible()
    window.field("limit (optional)").fill("none")
    form = window.page.get_by_role("form", name="Connection")
    expect(form).to_contain_text("How many at most. ")
    expect(form).to_contain_text('type "string" is invalid. Expected "integer" Without it: 10.')
    expect(window.button("Connect anyway")).to_be_visible()
    window.field("limit (optional)").fill("3")
    window.field("mood (optional)").select_option("bad")
    window.field("token (optional)").fill("secret")
    expect(window.field("token (optional)")).to_have_attribute("type", "password")
    expect(form).to_contain_text("A page can't send the header “Authorization”.")
    expect(form).to_contain_text("The browser sends the cookie “session”, if it has it.")
    expect(form).to_contain_text("The browser sends the cookie “theme”, if it has it.")
    expect(form).to_contain_text("/rooms/a%20b/%C3%BC%3F?limit=3&token=secret&mood=bad")
    window.field("room").fill("ü")
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    window.send("Say", HELLO)
    expect(window.row("receivedSaid")).to_contain_text("Hello, ü 3")
    window.button("Disconnect").click()
    expect(window.row("Closed with 1000 Normal closure")).to_be_visible()

    window.field("token (optional)").fill("wrong")
    window.button("Connect").click()
    expect(window.status).to_have_text("Not connected: the handshake was refused")
    window.row("The connection was not opened").click()
    expect(window.details).to_contain_text("403: the origin of the page may not connect")
    expect(window.details).to_contain_text("The browser tells a page no more")


def test_an_answer_that_is_not_as_declared_is_marked(open_window: OpenWindow) -> None:
    """Both directions are validated."""
    window = open_window()
    window.open("Room")
    window.field("room").fill("a")
    window.button("Connect").click()
    window.send("Lie")
    row = window.row("receivedSaid")
    expect(row).to_contain_text('invalid: text type "number" is invalid. Expected "string"')
    row.click()
    expect(window.details).to_contain_text("It does not match the schema of Said")
    window.send("Fail")
    expect(window.row("receivedError")).to_contain_text("This never works.")


def test_close_codes_are_explained(open_window: OpenWindow) -> None:
    """By the document, by the RFC, or as the application's own, with the reason."""
    window = open_window()
    window.open("Closing")
    for code, told in {
        "1008": "1008 Policy violation and the reason “as you wish” — What was sent breaks",
        "1013": "or the client is too slow. Known causes: send_timeout: 10; inbox_timeout: 30",
        "4711": "4711 and the reason “as you wish” — A code of the application's own",
    }.items():
        window.button("Connect").click()
        expect(window.status).to_have_text("Connected")
        window.send("Text", code)
        expect(window.row(f"Closed with {code}")).to_contain_text(told)


def test_bytes_are_sent_and_shown(open_window: OpenWindow) -> None:
    """They are written in hexadecimal digits, or as text, and shown as a table."""
    window = open_window()
    window.connect("Bytes")
    window.field("Frame").select_option("hex")
    window.content.fill("00 ff 4")
    expect(window.validity).to_contain_text("is no frame: each byte has two digits")
    window.content.fill("00ff 41")
    expect(window.validity).to_contain_text("Valid")
    window.button("Send").click()
    expect(window.row("received")).to_contain_text("41 ff 00")
    window.row("received").click()
    expect(window.details).to_contain_text(re.compile(r"000000 +41 ff 00 +A\.\."))
    window.field("Frame").select_option("binary")
    window.content.fill("ü")
    window.button("Send").click()
    expect(window.row("received").last).to_contain_text("bc c3")


def test_messagepack_is_written_and_read_as_json(open_window: OpenWindow) -> None:
    """What is typed as JSON is packed, and checked; the answer is shown as JSON too."""
    window = open_window()
    window.connect("Packed")
    expect(window.field("Frame")).to_have_value("msgpack")
    expect(window.validity).to_have_text("Valid: Say")
    window.send("Say", '{"type": "say", "text": "Grüße"}')
    row = window.row("receivedSaid")
    row.click()
    expect(window.details).to_contain_text('"text": "Grüße"')


def test_calls_of_a_dialect_are_answered(open_window: OpenWindow) -> None:
    """Which result it is the id tells, where all results are alike."""
    window = open_window()
    window.connect("Calculator")
    call = json.loads(window.content.input_value())
    assert (call["method"], {*call["params"]}) == ("add", {"first", "second"})
    window.send("add", json.dumps({**call, "id": 1, "params": {"first": 3}}))
    expect(window.row("receivedadd result")).to_contain_text('"result":5')
    call = {**call, "method": "negate", "id": 2, "params": {"first": 3}}
    window.send("negate", json.dumps(call))
    row = window.row("receivednegate result")
    expect(row).to_contain_text('"result":-3')
    row.click()
    expect(window.details).to_contain_text("answers #4")
    window.send("negate", json.dumps({**call, "params": {"first": "x"}}))
    expect(window.row("receivedError")).to_contain_text("first")


def test_a_subprotocol_is_chosen(open_window: OpenWindow) -> None:
    """One that is required is offered from the start."""
    window = open_window()
    window.open("Versions")
    expect(window.field("Subprotocol").get_by_role("option")).to_have_text(
        ["v1.example", "v2.example"]
    )
    window.field("Subprotocol").select_option("v2.example")
    window.button("Connect").click()
    expect(window.row("with subprotocol v2.example")).to_be_visible()
    window.send("Text", "Hello")
    expect(window.row("received")).to_contain_text("Hello in v2.example")


def test_a_stream_is_shown_as_it_comes_and_stopped(open_window: OpenWindow) -> None:
    """By the message that the endpoint has for that, or else with the connection."""
    window = open_window()
    window.connect("Assistant")
    window.send("Ask", '{"type": "ask", "id": "a", "count": 4}')
    window.send("Ask", '{"type": "ask", "id": "b", "count": 2}')
    expect(window.row("receivedToken")).to_have_count(6)
    notices = window.page.get_by_text("is answered with a stream")
    expect(notices).to_contain_text(["Ask (#2)", "Ask (#"])
    expect(notices).to_contain_text(["4 so far", "2 so far"])
    (second,) = re.findall(r"#\d+", notices.last.inner_text())[:1]
    window.button("Stop #2").click()
    expect(window.row("sentStop")).to_contain_text('"id":"a"')
    expect(window.row("receivedStopped")).to_contain_text('"id":"a"')
    expect(notices).to_have_count(1)
    window.button(f"Hide the stream of {second}").click()
    expect(notices).to_have_count(0)

    window.choose("Clock")
    window.button("Connect").click()
    window.send("Text")
    expect(window.page.get_by_text("1 so far")).to_be_visible()
    window.button("Stop #2 with the connection").click()
    expect(window.status).to_have_text("Closed with 1000 Normal closure")


def test_a_question_of_the_server_is_answered(open_window: OpenWindow) -> None:
    """The answer is filled in, with the id of the question."""
    window = open_window()
    window.connect("Files")
    window.send("Delete", '{"type": "delete", "id": "mine"}')
    window.button("Answer #3").click()
    expect(window.field("Message")).to_have_value("Files/Confirmed")
    question = json.loads(window.row("receivedConfirm").locator(".preview").inner_text())
    answer = json.loads(window.content.input_value())
    expect(window.content).to_be_focused()
    assert answer == {"type": "confirmed", "id": question["id"], "yes": True}
    window.button("Send").click()
    expect(window.row("receivedDeleted")).to_contain_text('"id":"mine","done":true')
    expect(window.button("Answer #3")).to_have_count(0)


def test_the_log_is_filtered_paused_cleared_and_exported(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    """What is exported is what is shown, a frame a line."""
    window = open_window()
    window.open("Room")
    window.field("room").fill("a")
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    for text in ("one", "two"):
        window.send("Say", HELLO.replace("Hello", text))
    expect(window.rows).to_have_count(5)
    window.field("Filter").fill("TWO")
    expect(window.rows).to_have_count(2)
    window.field("Direction").select_option("received")
    expect(window.rows).to_contain_text(["two, a 10"])
    with window.page.expect_download() as downloading:
        window.button("Export").click()
    downloading.value.save_as(tmp_path / "log.jsonl")
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    exported = json.loads(line)
    assert (exported["direction"], exported["type"], exported["bytes"]) == ("received", "Said", 41)
    assert json.loads(exported["text"]) == {"type": "said", "id": 7, "text": "two, a 10"}
    assert exported["latency"] > 0

    window.field("Filter").fill("")
    window.field("Direction").select_option("")
    window.field("Type").select_option("Said")
    expect(window.rows).to_have_count(2)
    window.field("Type").select_option("")
    window.button("Pause").click()
    window.button("Replay all sent").click()
    expect(window.page.get_by_text("4 new ones since the pause")).to_be_visible()
    expect(window.rows).to_have_count(5)
    window.button("Pause").click()
    expect(window.rows).to_have_count(9)
    window.button("Clear").click()
    expect(window.rows).to_have_text(["Nothing yet."])


def test_messages_are_saved_for_another_time(open_window: OpenWindow) -> None:
    """They are there after the page was left, and may be deleted."""
    window = open_window()
    for _ in range(2):
        window.open("Room")
        window.page.get_by_text("Saved messages").click()
        if window.field("Saved").get_by_role("option").count() == 1:
            window.content.fill(HELLO)
            window.field("Save it as").fill("greeting")
            window.field("Save it as").press("Enter")
            expect(window.field("Saved")).to_have_value("greeting")
    window.field("Saved").select_option("greeting")
    window.button("Use").click()
    expect(window.content).to_have_value(HELLO)
    window.button("Delete").click()
    expect(window.page.get_by_text("Saved messages (0)")).to_be_visible()
    expect(window.button("Use")).to_be_disabled()


def test_a_message_is_sent_again_edited_and_copied_as_code(open_window: OpenWindow) -> None:
    """The code in Python runs as it is."""
    window = open_window(permissions=["clipboard-read", "clipboard-write"])
    window.open("Room")
    window.field("room").fill("it's")
    window.button("Connect").click()
    text = '{"type": "say", "text": "it\'s \\"😀\\" \\u2028"}'
    window.send("Say", text)
    window.row("sentSay").click()
    window.button("Send again").click()
    expect(window.row("receivedSaid")).to_have_count(2)
    window.button("Edit").click()
    expect(window.content).to_have_value(re.compile(r'^\{\n  "type": "say",\n  "text": "it\'s'))

    window.button("wscat").click()
    code = window.details.get_by_role("textbox")
    expect(code).to_have_value(
        re.compile(r"^npx wscat --connect 'ws://.*/rooms/it'\\''s' --wait 5")
    )
    assert window.page.evaluate("navigator.clipboard.readText()") == code.input_value()
    window.button("TypeScript").click()
    expect(code).to_have_value(re.compile(r"new WebSocket\(\"ws://"))
    window.button("Python").click()
    expect(window.details.get_by_role("status")).to_have_text("Copied as Python")
    done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-c", code.input_value()],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["text"] == "it's \"😀\" \u2028, it's 10"


def test_several_connections_are_open_in_tabs(open_window: OpenWindow) -> None:
    """Each has its own endpoint and log; the keys of a tab list move between them."""
    window = open_window()
    window.connect("Bytes")
    window.choose("Packed")
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    window.send("Say")
    tabs = window.page.get_by_role("tab")
    expect(tabs).to_have_text(["1 Bytes open", "2 Packed open"])
    expect(window.rows).to_have_count(3)
    tabs.nth(1).press("ArrowRight")
    expect(tabs.nth(0)).to_be_focused()
    expect(tabs.nth(0)).to_have_attribute("aria-selected", "true")
    expect(window.rows).to_have_count(1)
    window.button("New tab").click()
    expect(tabs).to_have_count(3)
    window.button("Close tab").click()
    expect(tabs).to_have_text(["1 Bytes open", "2 Packed open"])
    expect(tabs.nth(1)).to_be_focused()
    window.button("Close tab").click()
    expect(tabs).to_have_text(["1 Bytes open"])
    expect(window.button("Close tab")).to_be_disabled()


def focus(window: Window, name: str) -> None:
    """Move the focus forward to what has a name, by the Tab key alone."""
    script = (
        "(document.activeElement.labels?.[0] ?? document.activeElement)"
        ".textContent.trim() + (document.activeElement.getAttribute('aria-label') ?? '')"
    )
    for _ in range(60):
        if window.page.evaluate(script) == name:
            return
        window.page.keyboard.press("Tab")
    pytest.fail(f"{name} is not reached")


def test_all_is_done_by_keys(open_window: OpenWindow) -> None:
    """Nothing needs a pointer, and what has the focus is seen to have it."""
    window = open_window()
    window.open()
    keyboard = window.page.keyboard
    focus(window, "room")
    keyboard.type("lobby")
    keyboard.press("Enter")
    expect(window.status).to_have_text("Connected")
    focus(window, "Content")
    keyboard.press("Control+Enter")
    expect(window.row("receivedSaid")).to_have_count(1)
    focus(window, "Pause")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert window.page.evaluate(outline) == "solid"
    while not window.page.evaluate("document.activeElement.role === 'listbox'"):
        keyboard.press("Tab")
    frames = window.page.get_by_role("listbox", name="Frames")
    for key, chosen in {
        "ArrowUp": "received",
        "ArrowDown": "received",
        "Home": "note",
        "PageDown": "received",
        "PageUp": "note",
        "End": "received",
    }.items():
        keyboard.press(key)
        expect(frames.get_by_role("option", selected=True)).to_contain_text(chosen)
    expect(window.details.get_by_role("heading")).to_have_text("#3 received Said")


def test_the_page_stays_small_however_much_comes(open_window: OpenWindow) -> None:
    """It has the newest 10,000 frames, of which only those that are seen are elements."""
    window = open_window()
    window.connect("Burst")
    window.send("Integer", f"{FRAMES}")
    expect(window.row(f"number {FRAMES - 1}")).to_be_visible()
    counted = window.page.get_by_text("older ones are gone")
    shown, kept, gone = map(int, re.findall(r"\d+", counted.inner_text()))
    assert shown == kept <= 10_500
    assert kept + gone == FRAMES + 2
    assert window.rows.count() < 60
    frames = window.page.get_by_role("listbox", name="Frames")
    frames.evaluate("(it) => it.scrollTop = 0")
    expect(window.rows.first).to_have_attribute("aria-posinset", "1")
    expect(window.rows.first).to_contain_text(f"#{gone + 1}")
    frames.evaluate("(it) => it.scrollTop = it.scrollHeight / 2")
    middle = re.compile(r"^(49|50)\d\d$")
    expect(window.rows.first).to_have_attribute("aria-posinset", middle)
    assert window.rows.count() < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(open_window: OpenWindow, scheme: str) -> None:
    """axe-core finds nothing wrong, in either palette, on a phone too, with all of it open."""
    window = open_window(color_scheme=scheme)
    window.open()
    assert window.violations() == []
    window.field("room").fill("a")
    window.field("limit (optional)").fill("x")
    window.page.get_by_text("What it declares").click()
    window.page.get_by_text("Saved messages").click()
    window.button("Connect anyway").click()
    window.field("limit (optional)").fill("1")
    window.button("Connect").click()
    window.send("Say", HELLO)
    window.send("Say", "{}")
    window.row("sent").last.click()
    window.button("Python").click()
    assert window.violations() == []
    window.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert window.violations() == []
    assert window.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_endpoint_tells_what_it_declares(open_window: OpenWindow) -> None:
    """Its messages with their schemas, its limits, and its close codes with what leads to them."""
    window = open_window()
    window.open("Room")
    expect(window.page.get_by_role("tabpanel")).to_contain_text("All that is said is said back.")
    window.page.get_by_text("What it declares").click()
    about = window.page.locator(".about")
    expect(about).to_contain_text("1008 Policy violation: What was sent breaks the server's rules.")
    expect(about).to_contain_text("Known causes: max_invalid: 3.")
    expect(about).to_contain_text("max_message_size 1048576")
    about.locator("summary", has_text="Says something").click()
    expect(about.get_by_role("region", name="Schema of Say")).to_contain_text('"maxLength": 50')


def test_who_may_sees_and_closes_what_goes_on(open_window: OpenWindow) -> None:
    """Others are told that they may not, and the tab is there only where it is asked for."""
    window = open_window()
    window.open(path="/live/docs")
    live = window.page.get_by_role("tab", name="Live")
    live.click()
    expect(window.status).to_have_text("Nothing is known: you may not see this.")
    (complaint,) = window.complaints
    assert "403" in complaint
    window.complaints.clear()

    window.page.context.add_cookies([{"name": "admin", "value": "yes", "url": window.url}])
    window.page.get_by_role("tab", name="1 Members").click()
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    window.button("New tab").click()
    window.button("Connect").click()
    expect(window.status).to_have_text("Connected")
    live.click()
    expect(window.status).to_contain_text("2 connections to process")
    rows = window.page.get_by_role("row")
    expect(rows).to_contain_text(["Endpoint", "Members/live/members127.0.0.1", "Members"])
    expect(window.page.get_by_text("members: 2 connections")).to_be_visible()
    assert window.violations() == []
    window.field("Close with code").fill("4001")
    window.field("and reason (optional)").fill("enough")
    rows.nth(1).get_by_role("button").click()
    expect(rows).to_have_count(2)
    window.button("Close all of members").click()
    expect(window.page.get_by_text("None has members.")).to_be_visible()
    window.page.get_by_role("tab", name="2 Members").click()
    expect(window.row("Closed with 4001 and the reason “enough”")).to_be_visible()

    window.open("Room")
    expect(live).to_have_count(0)


def test_what_the_browser_does_not_let_it_do_is_told(open_window: OpenWindow) -> None:
    """Without storage messages are kept until the page is left; without clipboard text is shown."""
    window = open_window()
    window.page.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    window.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error())")
    window.connect("Bytes")
    window.page.get_by_text("Saved messages").click()
    window.button("Save").click()
    expect(window.page.get_by_role("alert")).to_contain_text("The browser stores nothing")
    expect(window.field("Saved")).to_have_value("Binary")
    window.send("Binary")
    window.row("sent").click()
    window.button("Python").click()
    expect(window.details.get_by_role("status")).to_contain_text("select the text")
    expect(window.details.get_by_role("textbox")).to_have_value(re.compile("bytes.fromhex"))


def test_without_a_document_or_endpoints_it_says_so(open_window: OpenWindow) -> None:
    """Nobody is left with an empty page."""
    window = open_window()
    window.open(path="/none/docs")
    expect(window.page.get_by_role("main")).to_have_text("There are no endpoints.")
    window.page.route("**/asyncapi.json", lambda route: route.fulfill(status=500))
    window.open()
    expect(window.page.get_by_role("status")).to_have_text(
        "The document can't be read: the server answered with status 500."
    )
    complaints, window.complaints[:] = window.complaints[:], []
    assert any("the server answered with status 500" in it for it in complaints)
