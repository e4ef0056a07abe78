"""What is in the brackets of the base is what a class sends."""

# Types are written here as values, and classes as type checkers refuse them.
# mypy: disable-error-code="misc, valid-type, type-arg, index"
# pyright: reportInvalidTypeForm=false, reportMissingTypeArgument=false, reportGeneralTypeIssues=false

import types
from typing import Annotated, Any, ClassVar, Generic, TypeVar, Union

import pytest
import typing_extensions

from tests.some_messages import Envelope, Leave, Said, Say
from wsendpoints import ConfigurationError
from wsendpoints.messages.generics import UnboundTypeVariable
from wsendpoints.messages.parameter import take_brackets

M = TypeVar("M")
T = TypeVar("T")
U = TypeVar("U")
D = typing_extensions.TypeVar("D", default=Said)


class Base(Generic[M]):
    """A class with a parameter for what it sends."""

    sends: ClassVar[Any] = None


class Two(Base[T | U], Generic[T, U]):
    """A generic subclass with two variables in the brackets."""


class Nested(Base[list[Envelope[T]] | Leave], Generic[T]):
    """A generic subclass with a variable inside of what is in the brackets."""


class Passing(Nested[T], Generic[T]):
    """A generic subclass that hands its variable on."""


class WithDefault(Base[D], Generic[D]):
    """A generic subclass with a type for those that give none."""


class Plainly(Base[Said]):
    """A subclass."""


class Mixin:
    """Says nothing of what is sent."""


def subclass(*bases: Any, **attributes: Any) -> Any:
    """Return a subclass that took what is in the brackets, as one of an endpoint does."""
    body = {"__module__": __name__, **attributes}
    cls = types.new_class("Sub", bases, exec_body=lambda namespace: namespace.update(body))
    take_brackets(cls, Base)
    return cls


@pytest.mark.parametrize(
    ("base", "sends"),
    [
        pytest.param(Base[Said], Said, id="one"),
        pytest.param(Base[Said | Leave], Said | Leave, id="union"),
        pytest.param(Base[Union[Said, Leave]], Said | Leave, id="Union"),  # noqa: UP007 - as it may be written
        pytest.param(Base["Said"], Said, id="string"),
        pytest.param(Base["Said | list[Leave]"], Said | list[Leave], id="string of a union"),
        pytest.param(Base[list["Said"]], list[Said], id="string inside"),
        pytest.param(Base[Annotated[int, "x"]], Annotated[int, "x"], id="Annotated"),
        pytest.param(Base[Any], Any, id="Any"),
        pytest.param(Base[None], type(None), id="None"),
        pytest.param(Two[Said, Leave], Said | Leave, id="two variables"),
        pytest.param(Nested[Say], list[Envelope[Say]] | Leave, id="variable inside"),
        pytest.param(Passing[Say], list[Envelope[Say]] | Leave, id="variable of a subclass"),
        pytest.param(WithDefault[Leave], Leave, id="variable with a default"),
        pytest.param(WithDefault, Said, id="default"),
        pytest.param(Plainly, Said, id="inherited"),
        pytest.param(Base, None, id="no brackets"),
    ],
)
def test_what_is_in_the_brackets_is_sent(base: Any, sends: Any) -> None:
    """It is found wherever a class inherits it from, with all type variables filled in."""
    assert subclass(base).sends == sends
    assert subclass(Mixin, base).sends == sends
    assert subclass(subclass(base)).sends == sends


@pytest.mark.parametrize("base", [Two, Nested, Passing])
def test_open_type_variable_waits_for_a_subclass(base: Any) -> None:
    """Until then nothing is taken."""
    with pytest.raises(UnboundTypeVariable, match=r"\AT\Z"):
        take_brackets(base, Base)
    assert base.sends is None


def test_subclass_that_binds_nothing_is_an_error() -> None:
    """The error names the class that would have to be bound."""
    with pytest.raises(ConfigurationError) as caught:
        subclass(Nested)
    assert str(caught.value) == (
        "Sub, Base[...]: Sub does not say what the type variable T of Nested is: subclass "
        "Nested[...], with a type in the brackets"
    )


def test_name_that_is_not_known_is_an_error() -> None:
    """As in any annotation."""
    with pytest.raises(ConfigurationError, match=r"Sub, Base\[...\]: .*'Nope', which is not known"):
        subclass(Base["Nope"])  # type: ignore[name-defined]  # the case  # pyright: ignore[reportUndefinedVariable]


def test_local_name_is_known_in_subclasses_made_elsewhere() -> None:
    """What a string stands for is looked up while the class around which it is known is made."""

    def make() -> Any:
        class Local: ...

        class Chat(Base["Local"]): ...

        take_brackets(Chat, Base)
        return Chat, Local

    chat, local = make()
    assert chat.sends is local
    assert subclass(chat).sends is local


@pytest.mark.parametrize(
    ("base", "sends"),
    [
        pytest.param(Base[Said | Leave], Leave | Said, id="in another order"),
        pytest.param(Base[Said], None, id="nothing"),
        pytest.param(Passing[Say], list[Envelope[Say]] | Leave, id="filled in"),
    ],
)
def test_same_in_both_places_is_no_mistake(base: Any, sends: Any) -> None:
    """What is in the brackets holds."""
    cls = subclass(base, sends=sends)
    assert cls.sends == subclass(base).sends


def test_type_variable_in_both_places_is_filled_in_in_both() -> None:
    """The two are compared as the subclass binds them."""

    class Both(Base[list[T]], Generic[T]):
        sends = list[T]

    assert subclass(Both[Said]).sends == list[Said]


class Sending:
    """A mixin that says what is sent."""

    sends = Leave


@pytest.mark.parametrize(
    ("bases", "attributes", "text"),
    [
        pytest.param(
            (Base[Said],),
            {"sends": Leave},
            "Sub sends Said, as Base[...] says, but Sub.sends is Leave: leave `sends` out, and "
            "write all messages in the brackets",
            id="itself",
        ),
        pytest.param(
            (Sending, Base[Said]),
            {},
            "Sub sends Said, as Base[...] says, but Sending.sends is Leave: leave `sends` out, and "
            "write all messages in the brackets",
            id="mixin",
        ),
        pytest.param(
            (subclass(Base, sends=Said), Base[Leave]),
            {},
            "Sub sends Leave, as Base[...] says, but Sub.sends is Said: leave `sends` out, and "
            "write all messages in the brackets",
            id="base",
        ),
        pytest.param(
            (subclass(Base[Said]),),
            {"sends": Leave},
            "Sub sends Said, as Base[...] says, but Sub.sends is Leave: leave `sends` out, and "
            "write all messages in the brackets",
            id="subclass",
        ),
        pytest.param(
            (subclass(Base[Said]), Base[Leave]),
            {},
            "Sub has two bases Base[...] with different messages, Leave and Said: write the same "
            "union in both",
            id="other brackets",
        ),
        pytest.param(
            (subclass(Base[Said]), subclass(Base[Leave])),
            {},
            "Sub has two bases Base[...] with different messages, Said and Leave: write the same "
            "union in both",
            id="bases with other brackets",
        ),
    ],
)
def test_something_else_in_another_place_is_an_error(
    bases: tuple[Any, ...], attributes: dict[str, Any], text: str
) -> None:
    """Type checkers know what is in the brackets, and nothing else may be sent then."""
    with pytest.raises(ConfigurationError) as caught:
        subclass(*bases, **attributes)
    assert str(caught.value) == text


def test_same_brackets_twice_are_no_mistake() -> None:
    """Two bases may agree."""
    assert subclass(subclass(Base[Said | Leave]), Base[Leave | Said]).sends == Said | Leave


def test_subclass_changes_what_a_default_says() -> None:
    """What a class took from brackets does not count as written there."""
    with_default = subclass(Base[D], Generic[D])
    assert with_default.sends is Said
    assert subclass(with_default[Leave]).sends is Leave
