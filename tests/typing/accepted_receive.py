"""The types of what a test's client receives."""

from typing import Annotated, Any, Literal, Optional, TypeAlias, Union, assert_type

from pydantic import Field

from tests.some_messages import Envelope, Leave, Said, Say
from wsendpoints import ErrorMessage
from wsendpoints.testing import Client

Message: TypeAlias = Said | Leave


async def receive(
    client: Client,
    kind: type[Said],
    kinds: type[Said] | type[Leave],
    anything: Any,
) -> None:
    """Receive each kind of type."""
    assert_type(await client.receive(), str | bytes)
    assert_type(await client.receive(timeout=1), str | bytes)

    assert_type(await client.receive(Said), Said)
    assert_type(await client.receive(Said, timeout=1), Said)
    assert_type(await client.receive(ErrorMessage), ErrorMessage)
    assert_type(await client.receive(str), str)
    assert_type(await client.receive(bytes), bytes)

    assert_type(await client.receive(Said | Leave), Said | Leave)
    assert_type(await client.receive(Said | Leave, timeout=1), Said | Leave)
    assert_type(await client.receive(Said | None), Said | None)
    assert_type(await client.receive(Union[Said, Leave]), Said | Leave)
    assert_type(await client.receive(Optional[Said]), Said | None)
    assert_type(await client.receive(Message), Said | Leave)
    assert_type(await client.receive("Said | Leave"), Said | Leave)

    assert_type(await client.receive(list[Said]), list[Said])
    assert_type(await client.receive(list[Said | Leave]), list[Said | Leave])
    assert_type(await client.receive(dict[str, int]), dict[str, int])
    assert_type(await client.receive(tuple[int, str]), tuple[int, str])
    assert_type(await client.receive(Envelope[Say]), Envelope[Say])
    assert_type(await client.receive(Annotated[int, Field(gt=1)]), int)
    assert_type(await client.receive(Annotated[Said | Leave, Field()]), Said | Leave)
    assert_type(await client.receive(Literal["x"]), Literal["x"])

    assert_type(await client.receive(kind), Said)
    assert_type(await client.receive(kinds), Said | Leave)
    assert_type(await client.receive(anything), Any)
