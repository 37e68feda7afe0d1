"""What `spor run` prints: where to look, the credentials, and three requests to copy."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from uuid import UUID, uuid4

from app.services.demonstration import Credentials

_ANSWERS = {"1": 1, "2": 1, "3": 2, "4": 1, "5": 0, "6": 1, "7": 1, "8": 0, "9": 0}


def requests_to_copy(address: str, credentials: Credentials, episode_id: UUID, now: datetime) -> str:
    """Write the text that a person sees when the service answers."""
    put = {
        "episode_id": str(episode_id),
        "instrument": "phq-9",
        "answers": _ANSWERS,
        "completed_at": now.isoformat(timespec="seconds"),
        "mode": "tablet",
    }
    path = f"{address}/v1"
    return "\n".join(
        [
            "",
            f"Spor answers at {address} (stop it with Ctrl-C).",
            "",
            "Credentials of the demonstration organisation",
            f"  tablet        {credentials.tablet}",
            f"  therapist     {credentials.therapist}",
            f"  service lead  {credentials.service_lead}",
            "",
            "Three requests to copy",
            "",
            "# A tablet puts a PHQ-9 and gets a receipt.",
            f"curl -sS -X PUT {path}/administrations/{uuid4()} \\",
            f"  -H 'Authorization: Bearer {credentials.tablet}' -H 'Content-Type: application/json' \\",
            f"  -d {shlex.quote(json.dumps(put))}",
            "",
            "# The therapist looks at the patient's trajectory.",
            f"curl -sS '{path}/episodes/{episode_id}/trajectory' \\",
            f"  -H 'Authorization: Bearer {credentials.therapist}' -H 'Accept-Language: nb'",
            "",
            "# The service lead reads the windows and thresholds in force.",
            f"curl -sS {path}/settings \\",
            f"  -H 'Authorization: Bearer {credentials.service_lead}'",
            "",
        ]
    )
