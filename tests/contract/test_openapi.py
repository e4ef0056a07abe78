"""The messages of classes as components of an OpenAPI document."""

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from pydantic import BaseModel, WithJsonSchema

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud, Quiet
from tests.contract.hostile import ROUTES
from tests.contract.openapi_readers import OPENAPI_READERS
from wsendpoints import ConfigurationError, WebSocket, WebSocketEndpoint, handles
from wsendpoints.contract.openapi import openapi_schemas, with_schemas

EMPTY: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Application", "version": "1.0.0"},
    "paths": {},
}


def ref(name: str) -> dict[str, str]:
    """Return what refers to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def test_unions_are_told_apart_by_their_tag() -> None:
    """A class has a union for each direction; the error messages are among what clients get."""
    schemas = openapi_schemas(Assistant)
    assert [*schemas] == [
        "Approval",
        "Approve",
        "AssistantClientMessage",
        "AssistantError",
        "AssistantServerMessage",
        "Done",
        "Progress",
        "Run",
        "Token",
    ]
    assert schemas["AssistantClientMessage"] == {
        "description": "What clients of Assistant send.",
        "oneOf": [ref("Run"), ref("Approval")],
        "discriminator": {
            "propertyName": "type",
            "mapping": {"run": ref("Run")["$ref"], "approval": ref("Approval")["$ref"]},
        },
    }
    server = schemas["AssistantServerMessage"]
    assert server["description"] == "What clients of Assistant get."
    assert [*server["discriminator"]["mapping"]] == [
        "token",
        "done",
        "error",
        "approve",
        "progress",
    ]


def test_messages_that_no_tag_tells_apart_are_any_of_them() -> None:
    """One may be a text, or no model at all."""
    schemas = openapi_schemas(Chat, Loud)
    assert schemas["ChatClientMessage"] == {
        "description": "What clients of Chat send.",
        "anyOf": [ref("Say"), ref("Leave"), {"type": "string", "format": "binary"}],
    }
    (text,) = schemas["LoudClientMessage"]["anyOf"]
    assert text["type"] == "string"


def test_class_without_messages_takes_nothing_and_may_send_anything() -> None:
    """A class that declares nothing sends what it likes."""
    schemas = openapi_schemas(Quiet)
    assert schemas == {
        "QuietClientMessage": False,
        "QuietServerMessage": {"description": "What clients of Quiet get.", "anyOf": [{}]},
    }


def test_messages_of_a_dialect_are_its_records() -> None:
    """A client sends calls, and gets results and errors."""
    schemas = openapi_schemas(Calculator)
    calls = schemas["CalculatorClientMessage"]["anyOf"]
    assert [it["properties"]["method"]["const"] for it in calls] == ["add", "say", "fail"]
    assert ref("CalculatorError") in schemas["CalculatorServerMessage"]["anyOf"]


def test_parameters_are_no_messages() -> None:
    """There are only messages, and what they refer to."""

    class Color(Enum):
        RED = "red"
        BLUE = "blue"

    class Params(BaseModel):
        color: Color

    class Colors(WebSocketEndpoint):
        params: Params

    assert [*openapi_schemas(Colors)] == ["ColorsClientMessage", "ColorsServerMessage"]


# Pydantic has no type for it.
PATH: Final[Any] = {
    "type": "array",
    "prefixItems": [{"type": "integer"}],
    "items": {"type": "string"},
}


class Point(BaseModel):
    type: Literal["point", "place"]
    at: tuple[int, str]
    path: Annotated[tuple[Any, ...], WithJsonSchema(PATH)] = (0,)


class Far(BaseModel):
    type: Literal["far"] = "far"


class Ray(BaseModel):
    type: Literal["point"] = "point"


class Map(WebSocketEndpoint):
    encoding = "json"

    @handles
    async def point(self, websocket: WebSocket, data: Point | Far) -> None: ...


def test_tuples_are_those_of_2020() -> None:
    """OpenAPI 3.1 has `prefixItems`, which AsyncAPI's readers have not."""
    fields = openapi_schemas(Map)["Point"]["properties"]
    assert fields["at"]["prefixItems"] == [{"type": "integer"}, {"type": "string"}]
    assert fields["path"]["prefixItems"] == [{"type": "integer"}]
    assert fields["path"]["items"] == {"type": "string"}


def test_message_may_have_several_tags() -> None:
    """Each of them leads to it."""
    mapping = openapi_schemas(Map)["MapClientMessage"]["discriminator"]["mapping"]
    assert mapping == {
        "point": ref("Point")["$ref"],
        "place": ref("Point")["$ref"],
        "far": ref("Far")["$ref"],
    }


def test_tag_of_two_messages_tells_nothing() -> None:
    """Then there is no discriminator."""

    class Rays(WebSocketEndpoint):
        encoding = "json"
        sends = Point | Ray

    assert "discriminator" not in openapi_schemas(Rays)["RaysServerMessage"]


def test_classes_share_schemas_and_have_names_of_their_own() -> None:
    """Two classes of one name are told apart by a number; one that is given twice is one."""
    other = type("Map", (Map,), {"encoding": "json"})
    schemas = openapi_schemas(Map, other, Map)
    assert [it for it in schemas if it.startswith("Map")] == [
        "MapClientMessage",
        "MapClientMessage2",
        "MapError",
        "MapError2",
        "MapServerMessage",
        "MapServerMessage2",
    ]
    assert schemas["MapClientMessage"]["oneOf"] == schemas["MapClientMessage2"]["oneOf"]


def test_class_that_can_not_be_served_is_refused() -> None:
    """It is told as by `describe`."""
    with pytest.raises(ConfigurationError):
        openapi_schemas(WebSocketEndpoint)


# In a document.


def test_document_is_not_changed() -> None:
    """A copy has the schemas, and all that was there."""
    document: Any = {**EMPTY, "components": {"schemas": {"Other": {}}, "headers": {}}}
    found = with_schemas(document, openapi_schemas(Map))
    assert [*document["components"]["schemas"]] == ["Other"]
    assert found["components"]["headers"] == {}
    assert [*found["components"]["schemas"]] == ["Other", *openapi_schemas(Map)]


def test_same_schema_is_there_once() -> None:
    """A schema of the document that is the same is no other one."""
    schemas = openapi_schemas(Map)
    document = with_schemas(EMPTY, schemas)
    assert with_schemas(document, schemas) == document


def test_other_schema_stays_and_ours_gets_a_number() -> None:
    """What refers to ours refers to it by its new name, and is itself another one."""
    schemas = openapi_schemas(Map)
    own = {**schemas, "Point": {"type": "string"}, "Point2": {"type": "integer"}}
    found = with_schemas({**EMPTY, "components": {"schemas": own}}, schemas)["components"][
        "schemas"
    ]
    assert {name: found[name] for name in own} == own
    assert found["Point3"] == schemas["Point"]
    union = found["MapClientMessage2"]
    assert union["oneOf"] == [ref("Point3"), ref("Far")]
    assert union["discriminator"]["mapping"]["place"] == ref("Point3")["$ref"]
    assert {*found} - {*own} == {"Point3", "MapClientMessage2"}


# Those who read it.

CLASSES = [Assistant, Chat, Calculator, Quiet, Loud, Map]


def test_document_is_one_of_openapi() -> None:
    """The official schema takes it, whatever the classes have."""
    schemas = openapi_schemas(*CLASSES, *ROUTES.values())
    # The validator takes it for one of Python.
    assert schemas["Constraints"]["properties"]["named"].pop("pattern").startswith("(?<")
    document = with_schemas(EMPTY, schemas)
    OpenAPIV31SpecValidator(document).validate()
    document["components"]["schemas"]["Run"]["type"] = "message"
    with pytest.raises(OpenAPIValidationError):
        OpenAPIV31SpecValidator(document).validate()


CODE = """\
import type { components } from "./document";

type Schemas = components["schemas"];

export function read(message: Schemas["AssistantServerMessage"]): string {
  switch (message.type) {
    case "token":
    case "done":
    case "approve":
      return message.id ?? "";
    case "progress":
      // @ts-expect-error: it has no id
      return message.id;
    case "error":
      const code: "invalid_message" | "busy" | "refused" = message.code;
      return code;
    default:
      const none: never = message;
      return none;
  }
}

export const run: Schemas["AssistantClientMessage"] = { type: "run", id: "1" };
export const approval: Schemas["AssistantClientMessage"] = {
  type: "approval", id: "1", granted: true,
};
// @ts-expect-error: it is not granted, nor refused
export const half: Schemas["AssistantClientMessage"] = { type: "approval", id: "1" };
// @ts-expect-error: it is what the server sends
export const token: Schemas["AssistantClientMessage"] = { type: "token", id: "1" };
// @ts-expect-error: there is no such type
export const walk: Schemas["AssistantClientMessage"] = { type: "walk", id: "1" };

export function placed(message: Schemas["MapClientMessage"]): string {
  if (message.type === "far") {
    // @ts-expect-error: only a point is anywhere
    return message.at[1];
  }
  // @ts-expect-error: the first one is a number
  const wrong: string = message.at[0];
  return message.at[1];
}

export function called(record: Schemas["CalculatorClientMessage"]): number {
  // @ts-expect-error: only those of `add` are known
  record.params.left;
  return record.method === "add" ? record.params.left : 0;
}

// @ts-expect-error: it takes nothing
export const nothing: Schemas["QuietClientMessage"] = "";
"""


def test_unions_narrow_in_typescript(tmp_path: Path) -> None:
    """What openapi-typescript makes of them is narrowed by the tag, under `tsc --strict`.

    A line that is expected to be wrong, and is not, is told of.
    """
    schemas = openapi_schemas(*CLASSES, *ROUTES.values())
    # Of a list of itself openapi-typescript makes no type.
    schemas["Words"] = True
    document = with_schemas(EMPTY, schemas)
    mistaken = CODE.replace('"approval", id: "1" }', '"approval", id: "1", granted: false }')
    for name, text in [
        ("document.json", json.dumps(document)),
        ("right.ts", CODE),
        ("mistaken.ts", mistaken),
    ]:
        (tmp_path / name).write_text(text, encoding="utf-8")
    told = OPENAPI_READERS.run("compile.mjs", str(tmp_path), "right.ts", "mistaken.ts")
    assert told == ["mistaken.ts:27: Unused '@ts-expect-error' directive."]
