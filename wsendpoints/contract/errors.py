"""The schema, and an example, of the messages that tell a client of an error."""

from collections.abc import Mapping
from typing import Any

from wsendpoints.contract.description import Description, ErrorMessages
from wsendpoints.contract.json_schemas import Schema

__all__ = ["error_example", "error_schema"]


def error_schema(description: Description, errors: ErrorMessages) -> Schema:
    """Return the schema of the error messages of a class.

    Args:
        description: The class.
        errors: Its error messages, which are not those of a dialect.
    """
    details = {
        "type": "object",
        "properties": {
            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
            "type": {"type": "string"},
            "msg": {"type": "string"},
        },
        "required": ["loc", "type", "msg"],
    }
    every: dict[str, Schema] = {
        "code": _code(errors),
        "errors": {
            "description": "What is wrong with an invalid message: at most ten errors.",
            "type": "array",
            "items": details,
        },
        "more": {"description": "How many errors there are beyond those.", "type": "integer"},
        "message": {"description": "What the application says of it.", "type": "string"},
        "details": {"description": "What else the application tells of it."},
    }
    names = errors.names
    properties: dict[str, Schema] = {errors.tag: {"const": "error", "type": "string"}}
    properties.update({names[key]: schema for key, schema in every.items()})
    if (field := description.correlation_id) is not None and field != errors.tag:
        properties[field] = {
            "description": "That of the message that it answers.",
            "type": ["string", "integer"],
        }
    return {
        "description": "What answers a message with an error.",
        "type": "object",
        "properties": properties,
        "required": [errors.tag, names["code"]],
    }


def _code(errors: ErrorMessages) -> Schema:
    kinds = {"string" if isinstance(code, str) else "integer" for code in errors.codes}
    if errors.is_open:
        return {"description": "What kind of error it is.", "type": ["string", "integer"]}
    kind: Any = sorted(kinds)
    return {
        "description": "What kind of error it is.",
        "type": kind[0] if len(kind) == 1 else kind,
        "enum": [*errors.codes],
    }


def error_example(errors: ErrorMessages) -> Mapping[str, Any]:
    """Return an error message with the first of the codes."""
    names = errors.names
    code = next(iter(errors.codes), "refused")
    example: dict[str, Any] = {errors.tag: "error", names["code"]: code}
    if code == "invalid_message":
        example[names["errors"]] = [{"loc": ["text"], "type": "missing", "msg": "Field required"}]
    elif text := errors.codes.get(code):
        example[names["message"]] = text
    return example
