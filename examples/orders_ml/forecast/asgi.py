"""What a server serves: the shop, with its models loaded before the first request."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "shop"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "forecast.settings")

from django_matt.asgi import get_asgi_application

application = get_asgi_application()
