#!/usr/bin/env python
"""Django's command line for the example, which uses the models and the API of the shop beside it."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parent.parent / "shop"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "forecast.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
