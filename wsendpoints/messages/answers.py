"""What clients answer to questions of the server, and which error codes they get, as declared."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, cast, get_args, get_origin

from wsendpoints.messages.adapters import compile_adapter
from wsendpoints.messages.correlation import Correlation
from wsendpoints.messages.recognition import Recognizer
from wsendpoints.messages.structs import StructRecognizer, holds_struct
from wsendpoints.messages.substitution import is_union, union_of
from wsendpoints.messages.tags import members
from wsendpoints.messages.unions import is_object, is_struct, name_of, without_alias
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Answers", "read_error_codes"]


class Answers:
    """The answers that a class takes.

    Args:
        declared: The union of them; `None` for none.
        where: The name of the class, for the text of an error.

    Attributes:
        members: The members of the union.
    """

    __slots__ = ("_expected", "_where", "members")

    def __init__(self, declared: Any, where: str) -> None:
        self.members: Sequence[Any] = [] if declared is None else members(declared)
        self._where = where
        self._expected: dict[Any, Recognizer | StructRecognizer] = {}

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
        for part in _parts_of(union_of([*self.members])):
            if not (is_object(part) or is_struct(part)) or not correlation.may_have(part):
                raise ConfigurationError(
                    f"{self._where}.answers has {name_of(part)}, which has no field "
                    f"{correlation.field!r} to tell its question by: add "
                    f"`{correlation.field}: str | None = None`"
                )

    def check(self, expected: Any) -> None:
        """Check the type of the answer that a question waits for.

        Raises:
            ConfigurationError: The class does not declare it.
        """
        if expected in self._expected:
            return
        parts = [*_parts_of(union_of([*self.members]))] if self.members else []
        for part in _parts_of(expected):
            if part not in parts:
                declared = " | ".join(map(name_of, parts)) or "no `answers`"
                raise ConfigurationError(
                    f"{self._where} asks for {name_of(part)}, but declares {declared}: add it to "
                    "`answers`"
                )
        if holds_struct(expected):
            self._expected[expected] = StructRecognizer(expected, self._where)
        else:
            self._expected[expected] = Recognizer(compile_adapter(expected, self._where))

    def is_one(self, answer: Any, expected: Any) -> bool:
        """Return whether an answer of the class's is of the type that a question waits for.

        Args:
            answer: The answer.
            expected: The type, which was checked.
        """
        return self._expected[expected].is_one(answer)


def _parts_of(declared: Any) -> Iterator[Any]:
    """Yield the members of a union, whatever it and they are annotated with."""
    declared = without_alias(declared)
    if is_union(declared):
        for part in get_args(declared):
            yield from _parts_of(part)
    elif get_origin(declared) is Annotated:
        yield from _parts_of(declared.__origin__)
    else:
        yield declared


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
        codes = {**declared}
    elif isinstance(declared, list | tuple | set | frozenset):
        codes = dict.fromkeys(cast("Sequence[Any]", declared), "")
    if not codes or not all(map(_is_code, codes)) or {*map(type, codes.values())} != {str}:
        raise ConfigurationError(
            f"{where}.error_codes is {declared!r}: use a dict from the codes of its ErrorReply to "
            'what they mean, such as {"room_full": "The room has no place left."}'
        )
    return codes


def _is_code(code: object) -> bool:
    return isinstance(code, str | int) and not isinstance(code, bool) and code != ""
