"""The web app: one page and an API over models that are served. ``whylight.web.app(views)`` makes it."""

from whylight.web.app import app
from whylight.web.limits import Limits

__all__ = ["Limits", "app"]
