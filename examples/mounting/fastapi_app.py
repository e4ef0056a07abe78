"""FastAPI: `uvicorn examples.mounting.fastapi_app:app`.

As a function endpoint, for what FastAPI's `Depends` gives, or mounted as an application of its
own.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Query, WebSocket

from examples.echo import Echo
from examples.mounting.greeter import Greeter

__all__ = ["app"]

app = FastAPI()


def get_greeting(language: Annotated[str, Query()] = "en") -> str:
    return {"de": "Guten Tag", "fr": "Bonjour"}.get(language, "Hello")


@app.websocket("/rooms/{room}")
async def greet(websocket: WebSocket, greeting: Annotated[str, Depends(get_greeting)]) -> None:
    await Greeter.serve(websocket, greeting=greeting)


# A mount is a prefix: clients connect to /echo/.
app.mount("/echo", Echo.as_asgi())
