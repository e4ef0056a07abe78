"""A method that handles messages: what is in it that runs beside the loop."""

from typing import Any

from wsendpoints.messages.method import Handler, Method, running_beside


def test_a_concurrent_method_keeps_the_handler_that_it_runs() -> None:
    """So that something can be put around that one."""

    def alone(endpoint: Any, websocket: Any, data: Any) -> Any:
        return data

    def beside(handler: Handler) -> Handler:
        def run(endpoint: Any, websocket: Any, data: Any) -> Any:
            return ["beside", handler(endpoint, websocket, data)]

        return run

    method = running_beside(Method("say", alone, str, str), beside)
    assert method.handler(None, None, 1) == ["beside", 1]
    assert method.beside == (alone, beside)
