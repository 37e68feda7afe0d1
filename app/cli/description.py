"""`spor openapi`: what the service offers, as a document."""

from __future__ import annotations

import json

from app.cli.options import settings_of
from app.db.session import Database
from app.main import create_app


def openapi() -> None:
    """Print the OpenAPI document."""
    document = create_app(settings_of(), Database("postgresql+psycopg://")).openapi()
    print(json.dumps(document, indent=2, ensure_ascii=False))
