# pyright: basic
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model, login  # type: ignore[import-untyped]  # Django has no types
from django.db import transaction  # type: ignore[import-untyped]  # Django has no types
from django.http import HttpResponse  # type: ignore[import-untyped]  # Django has no types
from django.middleware.csrf import get_token  # type: ignore[import-untyped]  # Django has no types
from django.shortcuts import redirect  # type: ignore[import-untyped]  # Django has no types

from examples.django_chat.models import Line
from examples.django_chat.sockets import Room, Said, groups
from wsendpoints.django import broadcast

PAGE = """<!doctype html>
<title>Chat</title>
<form method=post action=/login>{token}<input name=name required><button>Log in</button></form>
<ul id=lines></ul>
<form id=say>{token}<input name=text required><button>Say</button></form>
<script>
const socket = new WebSocket(`${{location.origin.replace("http", "ws")}}/ws/chat/lobby`);
socket.onmessage = ({{data}}) => {{
  const line = document.createElement("li"), said = JSON.parse(data);
  line.textContent = `${{said.author}}: ${{said.text}}`;
  lines.append(line);
}};
say.onsubmit = (event) => {{
  event.preventDefault();
  fetch("/say/lobby", {{method: "POST", body: new FormData(say)}});
  say.reset();
}};
</script>
"""


def page(request: Any) -> Any:
    token = f"<input type=hidden name=csrfmiddlewaretoken value={get_token(request)}>"
    return HttpResponse(PAGE.format(token=token).encode())


def log_in(request: Any) -> Any:
    # A project asks for a password here.
    user, _ = get_user_model().objects.get_or_create(username=request.POST["name"])
    login(request, user)
    return redirect("/")


def say(request: Any, room: str) -> Any:
    line = Line.objects.create(room=room, author=request.user, text=request.POST["text"])
    said = Said(author=request.user.username, text=line.text)
    transaction.on_commit(partial(broadcast, groups, Room(room), said))
    return HttpResponse(status=204)
