"""What `manage.py` is in a project."""

import os
import sys

from django.core.management import execute_from_command_line  # type: ignore[import-untyped]  # Django has no types

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_chat.settings")
    execute_from_command_line(sys.argv)
