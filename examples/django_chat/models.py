# pyright: basic
from typing import Any

from django.conf import settings  # type: ignore[import-untyped]  # Django has no types
from django.db import models  # type: ignore[import-untyped]  # Django has no types


class Line(models.Model):  # type: ignore[misc]  # it has no types
    objects: Any
    room = models.CharField(max_length=50)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.TextField()
