"""What clients answer to questions of the server, and which error codes they get, as declared."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from wsendpoints.messages.correlation import Correlation
from wsendpoints.messages.tags import members
from wsendpoints.messages.unions import bare, is_object, name_of, runtime_types
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Answers", "read_error_codes"]


class Answers:
    """The answers that a class takes.

    Args:
        declared: The union of them; `None` for none.
        where: The name of the class, for the text of an error.
    """

    __slots__ = ("_where", "members")

    def __init__(self, declared: Any, where: str) -> None:
        self.members: Sequence[Any] = [] if declared is None else members(declared)
        self._where = where

    def check_field(self, correlation: Correlation | None) -> None:
        """Check that each answer can have the id of its question.

        Raises:
            ConfigurationError: One can't.
        """
        if not self.members:
            return
        if correlation is None:
            raise ConfigurationError(
                f"{self._where} declares `answers`, but no `correlation_id`: name the field that "
                'an answer has in common with its question, as in `correlation_id = "id"`'
            )
        for member in self.members:
            if not is_object(member) or not correlation.may_have(member):
                raise ConfigurationError(
                    f"{self._where}.answers has {name_of(member)}, which has no field "
                    f"{correlation.field!r} to tell its question by: add "
                    f"`{correlation.field}: str | None = None`"
                )

    def check(self, expected: Any) -> None:
        """Check the type of the answer that a question waits for.

        Raises:
            ConfigurationError: The class does not declare it.
        """
        for member in members(expected):
            if member not in self.members:
                declared = " | ".join(map(name_of, self.members)) or "no `answers`"
                raise ConfigurationError(
                    f"{self._where} asks for {name_of(member)}, but declares {declared}: add it to "
                    "`answers`"
                )

    def is_one(self, answer: Any, expected: Any) -> bool:
        """Return whether an answer of the class's is of the type that a question waits for."""
        return any(_is_instance(answer, member) for member in members(expected))


def _is_instance(answer: Any, member: Any) -> bool:
    classes = runtime_types(member) or frozenset({bare(member)})
    return any(isinstance(answer, klass) for klass in classes if isinstance(klass, type))


def read_error_codes(declared: object, where: str) -> Mapping[str | int, str] | None:
    """Return the codes of errors that a class declares, each with its description.

    Args:
        declared: A mapping from codes to descriptions, or the codes alone; `None` for any code.
        where: The name of the class, for the text of an error.

    Raises:
        ConfigurationError: They are something else.
    """
    if declared is None:
        return None
    codes: Mapping[Any, Any] = {}
    if isinstance(declared, Mapping):
        codes = declared
    elif isinstance(declared, list | tuple | set | frozenset):
        codes = dict.fromkeys(cast("Sequence[Any]", declared), "")
    if not codes or not all(
        isinstance(code, str | int) and isinstance(text, str) for code, text in codes.items()
    ):
        raise ConfigurationError(
            f"{where}.error_codes is {declared!r}: use a dict from the codes of its ErrorReply to "
            'what they mean, such as {"room_full": "The room has no place left."}'
        )
    return codes
