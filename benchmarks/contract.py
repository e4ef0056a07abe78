"""How long the AsyncAPI document of many endpoints takes: `python -m benchmarks.contract`.

Each endpoint has ten models of its own, five that it takes and five that it sends. The CPU time for
twice as many is to be twice as long. The first one is that of a process that has made none before.
"""

import json
from collections.abc import Mapping
from time import process_time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, create_model

from wsendpoints import WebSocketEndpoint, handles
from wsendpoints.contract.asyncapi import asyncapi

__all__ = ["main"]

ENDPOINTS: Final = (200, 400, 100, 200)
MODELS: Final = 10


class Part(BaseModel):
    """What all of them have in common."""

    name: str
    tags: list[str] = []


def make_model(number: int) -> Any:
    tag: Any = Literal[f"m{number}"]
    fields: dict[str, Any] = {
        "type": (tag, f"m{number}"),
        "id": (str | None, None),
        "text": (Annotated[str, Field(max_length=20, description="A text.")], ...),
        "count": (Annotated[int, Field(ge=0)], ...),
        "part": (Part, ...),
        "parts": (dict[str, Part], {}),
        "ratio": (float, 1.0),
    }
    return create_model(f"M{number}", __doc__=f"The message {number}.", **fields)


def make_endpoint(number: int) -> type[WebSocketEndpoint]:
    models = [make_model(number * MODELS + each) for each in range(MODELS)]
    body: dict[str, Any] = {"encoding": "json", "correlation_id": "id"}
    for taken, sent in zip(models[::2], models[1::2], strict=True):

        async def handler(self: Any, websocket: Any, data: Any) -> Any: ...

        handler.__annotations__ = {"data": taken, "return": sent}
        handler.__name__ = f"handle_{taken.__name__}"
        body[handler.__name__] = handles(handler)
    return type(f"Endpoint{number}", (WebSocketEndpoint,), body)


def make_routes(endpoints: int) -> Mapping[str, type[WebSocketEndpoint]]:
    return {f"/{number}/{{room}}": make_endpoint(number) for number in range(endpoints)}


def main() -> None:
    print(f"{'endpoints':>10}{'models':>8}{'seconds':>9}{'kB':>7}")
    for endpoints in ENDPOINTS:
        routes = make_routes(endpoints)
        began = process_time()
        document = asyncapi(routes, title="Many", version="1.0.0")
        seconds = process_time() - began
        size = len(json.dumps(document)) // 1000
        print(f"{endpoints:>10}{endpoints * MODELS:>8}{seconds:>9.2f}{size:>7}")


if __name__ == "__main__":
    main()
