# pyright: basic
from django.contrib.auth.decorators import login_required  # type: ignore[import-untyped]  # Django has no types
from django.urls import path  # type: ignore[import-untyped]  # Django has no types
from django.views.decorators.http import require_POST  # type: ignore[import-untyped]  # Django has no types

from examples.django_chat import views

urlpatterns = [
    path("", views.page),
    path("login", require_POST(views.log_in)),
    path("say/<str:room>", require_POST(login_required(views.say))),
]
