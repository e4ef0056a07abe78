from typing import Any

from django.core.management.base import BaseCommand  # type: ignore[import-untyped]  # Django has no types

from examples.django_chat.sockets import Room, Said, groups
from wsendpoints.django import broadcast


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    help = "Says something in a room, from another process, as a task of Celery's would."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("room")
        parser.add_argument("text")

    def handle(self, *args: Any, room: str, text: str, **options: Any) -> None:
        broadcast(groups, Room(room), Said(author="the house", text=text))
