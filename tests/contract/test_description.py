"""An endpoint as a value."""

from dataclasses import replace

from tests.contract.endpoints import Assistant, Chat
from tests.some_messages import Leave, Said, Say
from wsendpoints.contract.describing import describe


def test_messages_are_listed_once() -> None:
    """A message that several operations take, or send, is one message."""
    chat = describe(Chat)
    assert [it.type for it in chat.received] == [Say, Leave, bytes]
    assert [it.type for it in chat.sent] == [Said, Leave]
    assistant = describe(Assistant)
    assert [it.name for it in assistant.received] == ["Run", "Approval"]
    assert [it.name for it in assistant.sent] == ["Token", "Done", "Approve", "Progress"]


def test_descriptions_are_values() -> None:
    """What describes the same is equal, and can be a key."""
    chat = describe(Chat, "/rooms/{room}")
    assert chat == describe(Chat, "/rooms/{room}")
    assert hash(chat) == hash(describe(Chat, "/rooms/{room}"))
    assert chat != describe(Chat, "/") != replace(chat, name="Other")
