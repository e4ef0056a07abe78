"""The chat in a browser: Debian's Chromium, with uvicorn as the server."""

from collections.abc import Callable, Generator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.examples.browsing import WITHIN, ObservedWindow, Server, browser, serving

__all__ = ["browser"]

PHONE: Final = {"width": 375, "height": 667}


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Serve the chat to all tests of this module, each in rooms of its own."""
    with serving("examples.chat:app") as server:
        yield server


class Window(ObservedWindow):
    """A window on the chat."""

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def members(self) -> Locator:
        return self.page.get_by_role("list", name="In this room").get_by_role("listitem")

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def problem(self) -> Locator:
        return self.page.get_by_role("alert").filter(visible=True)

    @property
    def message(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    def join(self, name: str, room: str) -> None:
        self.page.goto(f"{self.url}/?room={room}")
        expect(self.page.get_by_role("textbox", name="Room", exact=True)).to_have_value(room)
        self.enter(name)
        expect(self.status).to_have_text("Connected")

    def enter(self, name: str) -> None:
        self.page.get_by_role("textbox", name="Your name").fill(name)
        self.page.get_by_role("button", name="Join").click()

    def say(self, text: str) -> None:
        self.message.fill(text)
        self.message.press("Enter")


OpenWindow = Callable[[], Window]


@pytest.fixture
def open_window(browser: Browser, server: Server) -> Generator[OpenWindow]:
    """Return a function that opens a window; all are closed after the test."""
    contexts: list[BrowserContext] = []

    def open_window() -> Window:
        context = browser.new_context()
        contexts.append(context)
        context.set_default_timeout(WITHIN)
        return Window(context, server.url)

    yield open_window
    for context in contexts:
        context.close()


def check_quiet(*windows: Window) -> None:
    """Check that no window logged anything, or sent a request to another host."""
    for window in windows:
        assert window.complaints == []
        assert window.hosts - {None} == {"127.0.0.1"}, "a request to another machine"


def test_two_windows_in_a_room_talk_and_a_third_elsewhere_hears_nothing(
    open_window: OpenWindow,
) -> None:
    """A message is shown in all windows of its room, and in no other."""
    ada, bob, eve = open_window(), open_window(), open_window()
    ada.join("Ada", "lobby")
    bob.join("Bob", "lobby")
    eve.join("Eve", "attic")
    expect(ada.log).to_contain_text("Bob joined.")
    expect(ada.members).to_have_text(["Ada (you)", "Bob"])
    expect(bob.members).to_have_text(["Ada", "Bob (you)"])
    expect(eve.members).to_have_text(["Eve (you)"])

    ada.say("Hello, Bob!")
    expect(bob.log.get_by_role("article")).to_contain_text(["Hello, Bob!"])
    expect(bob.log.get_by_role("article")).to_contain_text(["Ada"])
    bob.say("Hello, Ada!")
    for window in (ada, bob):
        texts = ["Hello, Bob!", "Hello, Ada!"]
        expect(window.log.get_by_role("article")).to_contain_text(texts)
    expect(ada.message).to_have_value("")

    # Messages arrive in order: with this one there, the others would have been.
    eve.say("Nobody here?")
    expect(eve.log.get_by_role("article")).to_contain_text(["Nobody here?"])
    expect(eve.log.get_by_role("article")).to_have_count(1)
    check_quiet(ada, bob, eve)


def test_a_later_window_sees_what_was_said_before(open_window: OpenWindow) -> None:
    """The history comes with the welcome."""
    ada, bob = open_window(), open_window()
    ada.join("Ada", "history")
    ada.say("first")
    ada.say("second")
    expect(ada.log.get_by_role("article")).to_have_count(2)
    bob.join("Bob", "history")
    expect(bob.log.get_by_role("article")).to_contain_text(["first", "second"])
    check_quiet(ada, bob)


@pytest.mark.parametrize("how", ["the button", "closing the window"])
def test_the_others_see_who_leaves(open_window: OpenWindow, how: str) -> None:
    """The list of members and a notice show at once that a member disconnected."""
    ada, bob = open_window(), open_window()
    ada.join("Ada", "leaving")
    bob.join("Bob", "leaving")
    expect(ada.members).to_have_text(["Ada (you)", "Bob"])
    if how == "the button":
        bob.page.get_by_role("button", name="Leave").click()
        expect(bob.page.get_by_role("button", name="Join")).to_be_visible()
    else:
        bob.page.close()
    expect(ada.log).to_contain_text("Bob left.")
    expect(ada.members).to_have_text(["Ada (you)"])
    check_quiet(ada, bob)


def test_typing_is_shown_until_the_message_comes(open_window: OpenWindow) -> None:
    """The others see that a member is typing, until the message comes."""
    ada, bob = open_window(), open_window()
    ada.join("Ada", "typing")
    bob.join("Bob", "typing")
    bob.message.press_sequentially("Hi")
    expect(ada.page.get_by_text("Bob is typing…")).to_be_visible()
    bob.message.press("Enter")
    expect(ada.log.get_by_role("article")).to_contain_text(["Hi"])
    expect(ada.page.get_by_text("Bob is typing…")).to_have_count(0)
    check_quiet(ada, bob)


def test_markup_is_shown_as_the_text_that_it_is(open_window: OpenWindow) -> None:
    """Neither a message nor a name can put an element into the page."""
    markup = "<img src=x onerror=alert(1)>"
    name = "<b onclick=alert(2)>B"
    ada, bob = open_window(), open_window()
    ada.join("Ada", "markup")
    bob.join(name, "markup")
    bob.say(markup)
    said = ada.log.get_by_role("article")
    expect(said).to_contain_text([markup])
    expect(said).to_contain_text([name])
    expect(ada.members).to_have_text(["Ada (you)", name])
    expect(ada.log).to_contain_text(f"{name} joined.")
    expect(ada.page.locator("img, b")).to_have_count(0)
    check_quiet(ada, bob)


def test_what_the_server_refuses_is_told_and_can_be_mended(open_window: OpenWindow) -> None:
    """A name or a text that is refused is shown with its error, and can be corrected."""
    ada, bob = open_window(), open_window()
    ada.join("Ada", "refused")
    bob.page.goto(f"{bob.url}/?room=refused")
    bob.enter("Ada")
    expect(bob.problem).to_have_text("In refused, somebody has the name Ada already.")
    bob.enter("B" * 25)
    expect(bob.problem).to_have_text("name: String should have at most 24 characters")
    bob.enter("Bob")
    expect(bob.status).to_have_text("Connected")

    bob.say("b" * 1001)
    expect(bob.problem).to_have_text("text: String should have at most 1000 characters")
    expect(bob.message).to_have_value("b" * 1001)
    bob.say("short")
    expect(bob.problem).to_have_count(0)
    expect(ada.log.get_by_role("article")).to_contain_text(["short"])
    check_quiet(ada, bob)


def test_the_page_fits_a_phone(open_window: OpenWindow) -> None:
    """On a small screen nothing is wider than the page, and the input stays visible."""
    ada = open_window()
    ada.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    ada.join("Ada", "phone")
    for number in range(30):
        ada.say(f"{number} {'long' * 50}")
    expect(ada.log.get_by_role("article")).to_have_count(30)
    expect(ada.log.get_by_role("article").last).to_be_in_viewport()
    expect(ada.message).to_be_in_viewport(ratio=1)
    width = ada.page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE["width"]
    check_quiet(ada)


def test_a_newcomer_talks_to_it_in_the_console(open_window: OpenWindow) -> None:
    """The examples are valid and answered as they are; of what is not valid it is said why."""
    ada = open_window()
    page = ada.page
    page.goto(f"{ada.url}/docs")
    rows = page.get_by_role("listbox", name="Frames").get_by_role("option")
    page.get_by_label("room", exact=True).fill("console")
    page.get_by_role("button", name="Connect", exact=True).click()
    send = page.get_by_role("button", name="Send", exact=True)
    send.click()
    expect(rows.filter(has_text="receivedWelcome")).to_contain_text('"members":["Ada"]')
    page.get_by_label("Message", exact=True).select_option(label="Say")
    send.click()
    expect(rows.filter(has_text="receivedSaid")).to_contain_text('"text":"Hello!"')
    page.get_by_role("textbox", name="Content").fill('{"type": "say", "text": 5}')
    expect(page.get_by_text("Not a valid Say")).to_be_visible()
    page.get_by_role("button", name="Send anyway").click()
    why = "text: Input should be a valid string"
    expect(rows.filter(has_text="receivedError")).to_contain_text(why)
    check_quiet(ada)


CUTTABLE: Final = """
window.isCutOff = false;
window.sockets = [];
window.WebSocket = class extends WebSocket {
    constructor(...args) {
        super(...args);
        sockets.push(this);
        // Before the page's own listener, which then sends nothing.
        this.addEventListener("open", () => { if (isCutOff) this.close(); });
    }
};
"""
"""Has a page keep its connections, and close each that opens while it is cut off.

All in the page: what Playwright's sync API routes calls back into its own event loop, and a call of
it from there waits for ever at times.
"""


def test_a_window_that_comes_back_has_missed_nothing(open_window: OpenWindow) -> None:
    """It keeps what it has, and gets what was said while it was cut off, once."""
    ada, bob = open_window(), open_window()
    bob.page.add_init_script(CUTTABLE)
    ada.join("Ada", "missing")
    bob.join("Bob", "missing")
    ada.say("before")
    expect(bob.log.get_by_role("article")).to_contain_text(["before"])
    bob.page.evaluate("isCutOff = true; sockets.at(-1).close()")
    expect(bob.status).to_contain_text("Reconnecting")
    expect(ada.log).to_contain_text("Bob left.")
    for text in ("one", "two", "three"):
        ada.say(text)
        expect(ada.log).to_contain_text(text)
    bob.page.evaluate("isCutOff = false")
    expect(bob.status).to_have_text("Connected")
    ada.say("after")
    texts = ["before", "one", "two", "three", "after"]
    for window in (ada, bob):
        expect(window.log.get_by_role("article")).to_contain_text(texts)
        expect(window.log.get_by_role("article")).to_have_count(len(texts))
    check_quiet(ada, bob)


def test_the_windows_come_back_after_the_server_restarted(
    open_window: OpenWindow, server: Server
) -> None:
    """After a restart of the server each window reconnects by itself, with its name."""
    ada, bob = open_window(), open_window()
    ada.join("Ada", "restart")
    bob.join("Bob", "restart")
    server.stop()
    for window in (ada, bob):
        expect(window.status).to_contain_text("Reconnecting")
    server.start()
    for window in (ada, bob):
        expect(window.status).to_have_text("Connected")
    expect(ada.members.filter(has_text="Bob")).to_have_count(1)
    bob.say("Back again")
    expect(ada.log.get_by_role("article")).to_contain_text(["Back again"])
