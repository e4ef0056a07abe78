"""A chat in a Django project: users log in, say something by a form, and all in the room see it.

    python -m examples.django_chat migrate --run-syncdb
    uvicorn examples.django_chat.asgi:application

Then open http://127.0.0.1:8000/, and a second time in a private window. daphne, hypercorn and
granian serve it as well, and `python -m examples.django_chat announce lobby "Lunch"` speaks to all.
"""
