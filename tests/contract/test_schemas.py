"""The schemas of the messages of many endpoints."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, computed_field, create_model

from tests.contract.endpoints import Assistant, Calculator, Chat, Loud, Where
from tests.some_messages import Said, Say
from wsendpoints import WebSocketEndpoint
from wsendpoints.contract import describe
from wsendpoints.contract.description import Parameter
from wsendpoints.contract.resolved import Resolved
from wsendpoints.contract.schemas import COMPONENTS, Names, Schemas, schemas_of


def endpoint(sends: Any, takes: Any = None) -> type[WebSocketEndpoint]:
    """Return a class that sends and takes messages of these types."""

    class Made(WebSocketEndpoint):
        encoding = "json"

        async def on_receive(self, websocket: Any, data: Any) -> None: ...

        on_receive.__annotations__["data"] = Any if takes is None else takes

    Made.sends = sends
    return type("Made", (Made,), {})


def schemas(*classes: type[WebSocketEndpoint]) -> Schemas:
    """Return the schemas of classes."""
    return schemas_of([describe(it) for it in classes])


def test_each_class_is_a_component_once() -> None:
    """Messages that are the same class are the same component, in all endpoints."""
    found = schemas(Chat, Assistant, Calculator, Loud)
    assert [*found.components] == [
        "Approval",
        "Approve",
        "Done",
        "Leave",
        "Progress",
        "Run",
        "Said",
        "Say",
        "Token",
        "add_params",
    ]
    chat = describe(Chat)
    say, leave, frame = chat.received
    assert found.received(say) == {"$ref": f"{COMPONENTS}Say"}
    assert found.received(leave) == found.sent(leave) == {"$ref": f"{COMPONENTS}Leave"}
    assert found.received(frame) == {"type": "string", "format": "binary"}
    assert found.components["Say"] == {
        "description": "A message.",
        "type": "object",
        "properties": {
            "type": {"const": "say", "type": "string"},
            "text": {"type": "string", "default": ""},
        },
        "required": ["type"],
    }


class Lazy(BaseModel):
    position: Literal[1, 2] = 1


class Mode(BaseModel):
    room: Literal["a", "b"]
    lazy: Lazy = Lazy()


def test_parameters_have_schemas() -> None:
    """A parameter has that of the field that takes it. The model is no component."""

    class Params(WebSocketEndpoint):
        params: Mode

    description = describe(Params, "/{room}/{other}")
    found = schemas_of([description])
    assert "Mode" not in found.components
    assert found.components["Lazy"]["properties"]["position"]["enum"] == [1, 2]
    assert [found.parameter(description, it) for it in description.parameters] == [
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string"},
        {"allOf": [{"$ref": f"{COMPONENTS}Lazy"}], "default": {"position": 1}},
    ]
    named = describe(Chat)
    found = schemas_of([named])
    room, since, tag = named.parameters
    assert found.parameter(named, tag) == {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
    }
    assert found.parameter(named, since) == {"type": "integer", "default": 0}
    assert found.parameter(named, room) == {"type": "string"}


def test_parameters_of_a_typed_dict_that_is_no_component() -> None:
    """A class without parameters has no schema for one."""
    description = describe(Loud, "/{room}/{number:int}/{rest:path}")
    found = schemas_of([description])
    assert [found.parameter(description, it) for it in description.parameters] == [
        {"type": "string"},
        {"type": "integer"},
        {"type": "string"},
    ]
    assert Where.__name__ not in found.components


class Area(BaseModel):
    width: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic has it
    @property
    def area(self) -> int:
        return self.width**2


class Plan(BaseModel):
    """It has an area."""

    area: Area
    said: Said | None = None


def test_class_that_is_read_and_written_otherwise_has_two_components() -> None:
    """So has each class that has it as a part; the others are one."""
    found = schemas(endpoint(Plan, Plan))
    assert [*found.components] == ["AreaInput", "AreaOutput", "PlanInput", "PlanOutput", "Said"]
    assert [*found.components["AreaInput"]["properties"]] == ["width"]
    assert [*found.components["AreaOutput"]["properties"]] == ["width", "area"]
    ref = found.components["PlanOutput"]["properties"]["area"]
    assert ref == {"$ref": f"{COMPONENTS}AreaOutput"}
    both = create_model("Both", area=(Area, ...), plan=(Plan, ...))
    assert "BothInput" in schemas(endpoint(both, both)).components
    sent_alone = schemas(endpoint(Plan, Area)).components["Plan"]["properties"]["area"]
    assert sent_alone == {"$ref": f"{COMPONENTS}AreaOutput"}
    taken_alone = schemas(endpoint(Area, Plan)).components["Plan"]["properties"]["area"]
    assert taken_alone == {"$ref": f"{COMPONENTS}AreaInput"}
    alone = schemas(endpoint(Plan))
    assert [*alone.components] == ["Area", "Plan", "Said"]


def test_classes_of_the_same_name_have_numbers() -> None:
    """The first message has the name, whatever stands within others, in the order of routes."""
    other = create_model("Say", number=(int, 0))
    inner = create_model("Plan", within=(Plan, ...))
    found = schemas(endpoint(Say), endpoint(inner), endpoint(other))
    assert [*found.components] == ["Area", "Plan", "Plan2", "Said", "Say", "Say2"]
    assert [*found.components["Say2"]["properties"]] == ["number"]
    assert [*found.components["Plan"]["properties"]] == ["within"]
    assert schemas(endpoint(Say), endpoint(inner), endpoint(other)) == found


class Keys(BaseModel):
    """Somebody's keys."""

    key: SecretStr = "hunter2"  # type: ignore[assignment]  # a mistake, and a leak


class _Private(BaseModel):
    """Nobody else is to read this."""

    keys: Keys = Keys()
    url: str = "redis://user:hunter2@host"


def test_p08_no_secret_and_no_module_is_told() -> None:
    """Defaults that are secrets, docstrings that are private, and modules are not in it."""
    other = create_model("Keys", number=(int, 0), __module__="secret.place")
    description = describe(endpoint(_Private | other, _Private))
    found = schemas_of([description])
    text = f"{found.components} {[found.sent(it) for it in description.sent]}"
    for word in ("hunter2", "secret.place", "tests", "Nobody else"):
        assert word not in text
    assert "Somebody's keys." in text
    assert "Private" in schemas(endpoint(_Private)).components


class Node(BaseModel):
    children: list["Node"] = []
    other: "Other | None" = None


def test_parameter_that_a_framework_resolves_has_the_schema_of_its_type() -> None:
    """Beside those of the class's own."""
    number = Parameter("n", "query", True, False, type=Annotated[int, Field(ge=3)])
    description = describe(endpoint(int, int), resolved=Resolved([number]))
    found = schemas_of([description])
    assert found.parameter(description, number) == {"type": "integer", "minimum": 3}


class Other(BaseModel):
    node: Node
    title: Annotated[str, Field(title="A title")] = ""
    model_config = {"title": "Another one"}


def test_recursive_classes_are_components() -> None:
    """A class that is a part of itself refers to itself."""
    found = schemas(endpoint(Node, Node))
    assert found.components["Node"]["properties"]["children"]["items"] == {
        "$ref": f"{COMPONENTS}Node"
    }
    assert found.components["Other"]["title"] == "Another one"
    assert found.components["Other"]["properties"]["title"]["title"] == "A title"


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (["Say", "Say", "Say2", "Say"], ["Say", "Say2", "Say22", "Say3"]),
        (
            ["Envelope[list[Say]]", "Größe", "_", "", "a.b"],
            ["Envelope_list_Say", "Gr_e", "Value", "Value2", "a_b"],
        ),
    ],
)
def test_names_are_given_once(wanted: Sequence[str], given: Sequence[str]) -> None:
    """A name is of ASCII, and of one thing."""
    names = Names()
    assert [names.give(it) for it in wanted] == given


def test_p09_each_class_is_looked_at_once() -> None:
    """There are 2 to the power of 60 ways through these models, and 61 models."""
    model: Any = create_model("End")
    for number in range(60):
        model = create_model(f"Link{number}", left=(model, ...), right=(model, ...))
    assert len(schemas(endpoint(model, model)).components) == 61
