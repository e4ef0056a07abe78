"""An application whose document has a given text in each place that an application fills."""

import json
from typing import Any, Final

from wsendpoints.console import Documents
from wsendpoints.protocol.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["HARMLESS", "MARKUP", "hostile"]

MARKUP: Final = (
    "</script></title></textarea><img src=x onerror=alert(1)><!-- ]]> \u2028 {{7*7}} ${7*7} "
    "<a href='javascript:alert(2)'>\"'`"
)
HARMLESS: Final = "x"


def document(text: str) -> dict[str, Any]:
    """Return a document with a text wherever it may have one."""
    link = f"javascript:alert(3)//{text}"
    schema = {
        "title": text,
        "description": text,
        "type": "object",
        "properties": {
            "kind": {"const": text},
            text: {"type": "string", "default": text, "description": text},
            "free": {"type": "string", "pattern": text},
            "choice": {"enum": [text, "other"], "examples": [text]},
        },
        "required": [text],
        "discriminator": text,
        "externalDocs": {"url": link, "description": text},
    }
    message = {
        "name": text,
        "title": text,
        "summary": text,
        "description": text,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{_step(text)}"},
        "examples": [{"payload": {"kind": text, text: text, "choice": text}}],
        "correlationId": {"location": f"$message.payload#/{_step(text)}"},
        "externalDocs": {"url": link},
        "x-error-codes": {text: text},
    }
    pointer = f"#/channels/{_step(text)}"
    refs = [{"$ref": f"{pointer}/messages/{_step(text)}"}]
    credentials = {
        text: {"type": "httpApiKey", "name": text, "in": "cookie", "description": text},
        f"{text}2": {"type": "httpApiKey", "name": text, "in": "header", "description": text},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": text,
            "version": text,
            "description": text,
            "termsOfService": link,
            "contact": {"name": text, "url": link},
            "license": {"name": text, "url": link},
            "externalDocs": {"url": link},
        },
        "servers": {"a": {"host": text, "protocol": text, "description": text, "pathname": link}},
        "channels": {
            text: {
                "address": f"/{text}/{{room}}",
                "title": text,
                "summary": text,
                "description": text,
                "parameters": {"room": {"description": text, "enum": [text], "default": text}},
                "messages": {text: message},
                "bindings": {
                    "ws": {
                        "query": {
                            "type": "object",
                            "properties": {
                                text: {"type": "string", "description": text, "pattern": text}
                            },
                            "required": [text],
                        }
                    }
                },
                "x-subprotocols": {text: {"encoding": text}},
                "x-tag": "kind",
                "x-limits": {text: text},
                "x-close-codes": {text: {"causes": [text], "limits": [text]}},
                "x-refusals": {text: text},
            }
        },
        "operations": {
            text: {
                "action": "receive",
                "channel": {"$ref": pointer},
                "messages": refs,
                "reply": {"messages": refs},
                "summary": text,
                "x-stream": True,
                "security": [
                    {"$ref": f"#/components/securitySchemes/{_step(it)}"} for it in credentials
                ],
            }
        },
        "components": {"schemas": {text: schema}, "securitySchemes": credentials},
    }


def _step(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def hostile(text: str) -> ASGIApp:
    """Return an application that serves the document with a text, and the console."""
    documents = Documents(lambda: json.loads(json.dumps(document(text))), None, "/docs")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        answer = documents.find(path.removeprefix(scope.get("root_path", "")), scope["method"])
        assert answer is not None
        await answer(scope, receive, send)

    return app
