"""One example of each body, shown in the OpenAPI document; the tests send every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app.api.schemas import (
    access,
    administrations,
    care,
    consents,
    deletion,
    goals,
    grant,
    instruments,
    people,
    report_jobs,
    settings,
    tablets,
)

_PATIENT = "0197a1c0-6d2e-7b44-8a51-3c9e5f107d21"
_EPISODE = "0197a1c4-91f3-7e08-b7c6-54d20a8e6f93"
_PROGRAMME = "01979f02-2b7a-73d5-9e18-a06c4bd3f742"
_SESSION = "0197a5e1-48c9-7f61-8d3b-e712905c6ab8"
_USER = "01979ef3-5d14-7a92-b0c8-61e7f20d94ab"
_ADMINISTRATION = "5e6c1f7a-3d0b-4a8e-b2f4-97d1c86a20e3"
_ANSWERS = {"1": 2, "2": 3, "3": 1, "4": 2, "5": 1, "6": 2, "7": 1, "8": 0, "9": 0, "10": 1}

_PHQ_9 = {
    "episode_id": _EPISODE,
    "instrument": "phq-9",
    "answers": _ANSWERS,
    "completed_at": "2026-03-02T09:20:00+01:00",
    "treatment_session_id": _SESSION,
    "timing": "before",
    "occasion": "session",
    "mode": "tablet",
}
_GAD_7 = {
    "episode_id": _EPISODE,
    "instrument": "gad-7",
    "answers": {"1": 1, "2": 2, "3": 2, "4": 0, "5": 1, "6": 1},
    "item_states": {"7": "declined"},
    "completed_at": "2026-03-02T09:24:00+01:00",
}
_ATTENDANCE = {"episode_id": _EPISODE, "outcome": "attended"}

_OWN_INSTRUMENT = """\
key = "sleep-check"
version = "1"
title = "Sleep check"
main_subscale = "total"
asks_about_suicide = false
validated = false

[sources.own]
text = "made by the service"
confidence = "UNVERIFIED"

[licence]
status = "free"
holder = "the service"
terms = "Free to use."
source = "own"

[[choices]]
key = "nights"
source = "own"
choices = [{ code = 0, topic = "no night" }, { code = 1, topic = "some nights" }, { code = 2, topic = "most nights" }]

[[forms]]
key = "self"
family = "self"
respondents = ["self"]
items = [
    { number = "1", topic = "falling asleep", choices = "nights", source = "own" },
    { number = "2", topic = "waking up", choices = "nights", source = "own" },
]
[[forms.subscales]]
key = "total"
items = ["1", "2"]
range = { minimum = 0, maximum = 4, source = "own" }
missing = { max_missing = 0, method = "none", source = "own" }
better = "lower"
"""

_ENDS = [{"valueCoding": {"code": str(code), "display": f"{code} of 3"}} for code in range(4)]
_QUESTIONNAIRE = {
    "resourceType": "Questionnaire",
    "language": "nb",
    "item": [
        {"linkId": str(number), "type": "choice", "text": f"Spørsmål {number}", "answerOption": _ENDS}
        for number in range(1, 8)
    ],
}

EXAMPLES: Mapping[type[BaseModel], dict[str, Any]] = {
    administrations.AdministrationPut: _PHQ_9,
    administrations.AdministrationBatch: {
        "administrations": [
            {"id": _ADMINISTRATION, **_PHQ_9},
            {"id": "c41d8a95-0b76-4f2e-8e53-6fa02d9b7c18", **_GAD_7},
        ]
    },
    administrations.AdministrationCorrection: {
        "reason": "Item 2 was read off the paper form wrongly.",
        "answers": _ANSWERS | {"2": 2},
        "accept": ["clock_ahead"],
    },
    administrations.EnteredInError: {"reason": "Filled in on the wrong patient's tablet."},
    care.PatientCreate: {"reference": "P-1042", "birth_month": "1988-04-01", "sex": "female", "language": "nn"},
    care.PatientChange: {"language": "nb"},
    care.InformantCreate: {"role": "parent", "label": "mother"},
    care.InformantChange: {"visibility": "open"},
    care.EpisodeCreate: {
        "patient_id": _PATIENT,
        "opened_at": "2026-02-23T10:00:00+01:00",
        "pathway": 1,
        "problem_areas": ["depression"],
        "programme_id": _PROGRAMME,
        "referral_source": "general_practitioner",
    },
    care.EpisodeChange: {"closed_at": "2026-06-15T12:00:00+02:00", "closing_reason": "completed"},
    care.ProgrammeCreate: {
        "name": "Guided self-help, depression",
        "format": "guided_self_help",
        "counted_contact_types": ["module", "support_call"],
        "planned_dose": 8,
        "main_instrument": "phq-9",
    },
    care.ProgrammeChange: {
        "planned_dose": 10,
        "decision_rule": {
            "instrument": "kates-2",
            "form_family": "child",
            "subscale": "total",
            "item_threshold": 2,
            "at_most": 4,
            "from_week": 6,
            "to_week": 9,
        },
    },
    care.EpisodeProgrammeCreate: {"programme_id": _PROGRAMME, "started_at": "2026-03-02T09:30:00+01:00"},
    care.EpisodeProgrammeChange: {"ended_at": "2026-06-15T12:00:00+02:00"},
    care.AttendanceCreate: _ATTENDANCE,
    care.AttendanceChange: {"outcome": "no_show", "reason": "ill"},
    care.TreatmentSessionCreate: {
        "starts_at": "2026-03-02T09:30:00+01:00",
        "contact_type": "individual",
        "minutes": 45,
        "attendances": [_ATTENDANCE],
    },
    care.TreatmentSessionChange: {"starts_at": "2026-03-03T09:30:00+01:00", "mode": "video"},
    care.AssignmentCreate: {
        "instrument": "gad-7",
        "treatment_session_id": _SESSION,
        "opens_at": "2026-03-02T09:00:00+01:00",
        "closes_at": "2026-03-09T09:00:00+01:00",
    },
    goals.GoalCreate: {"place": 1, "words": "å sove hele natten", "set_at": "2026-03-02T09:30:00+01:00"},
    goals.GoalChange: {"ended_at": "2026-05-04T09:30:00+02:00", "reached": True},
    care.AssignmentChange: {"state": "declined", "reason": "did not want to today"},
    care.ReviewCreate: {
        "dose": 7,
        "with_patient": True,
        "causes": ["alliance", "method_fit"],
        "action": "change_focus",
        "note": "Agreed to work on sleep first.",
        "due_on": "2026-05-04",
    },
    care.ReviewChange: {"done_at": "2026-05-04T10:15:00+02:00"},
    care.Acknowledgement: {"assessment": "Talked it through; no plan, no means, safety plan made."},
    consents.ConsentCreate: {
        "use": "research",
        "decision": "given",
        "stated_at": "2026-03-02T09:30:00+01:00",
        "medium": "paper",
        "text_version": "research-2026-2",
    },
    deletion.DeletionCreate: {
        "ground": "patient_demand",
        "decision": "2026/2210-4",
        "decided_at": "2026-03-02T09:30:00+01:00",
        "decided_by": "the head of the service",
    },
    deletion.LegalHoldCreate: {"reason": "A complaint is being heard."},
    deletion.LegalHoldLifting: {"reason": "The complaint has been settled."},
    settings.SettingsChange: {
        "reason": "The team wants early warnings.",
        "policy": {"flagging": "early"},
        "max_missing": {"phq-9": 1},
    },
    access.TreatmentRelationCreate: {"user_id": _USER},
    access.BlockCreate: {"user_id": _USER},
    access.BreakGlassCreate: {"reference": "P-1042", "purpose": "emergency", "note": "Rang vakttelefonen i natt."},
    access.BreakGlassReview: {"finding": "justified"},
    instruments.InstrumentFile: {"name": "sleep-check.toml", "text": _OWN_INSTRUMENT},
    instruments.Questionnaire: _QUESTIONNAIRE,
    grant.EvidenceCreate: {
        "target_group": "Voksne med lett til moderat depresjon",
        "level": 4,
        "source": "Ungsinn",
        "assessed_on": "2025-11-03",
    },
    grant.EvidenceChange: {"level": None, "source": None, "assessed_on": None},
    grant.EvaluationPlanPut: {
        "question": "Blir de som får tilbudet, bedre av depresjonen, og holder det seg?",
        "measure": "phq-9",
        "time": "Ved oppstart, ved avslutning og etter seks måneder.",
        "comparator": "Forventet utvikling for brukere med samme startskåre.",
        "missing_data": "Andelen uten måling oppgis; siste måling brukes ved avbrudd.",
        "drop_out_follow_up": "Den som uteblir to ganger, blir ringt.",
        "responsible": "Fagleder",
    },
    grant.StatementsPut: {
        "target_group": "Innbyggere over 16 år med lette til moderate psykiske plager.",
        "goals": "Hjelp innen to uker, og færre plager når hjelpen er slutt.",
        "leadership": "Avdelingsleder har ansvaret; fagleder gir veiledning hver uke.",
    },
    report_jobs.ReportJobCreate: {"year": 2025, "years": 3, "measure": "phq-9", "file_format": "csv"},
    people.ServiceCreate: {"name": "Rask psykisk helsehjelp"},
    people.ServiceChange: {"name": "Rask psykisk helsehjelp Storvik"},
    people.UserCreate: {
        "display_name": "Kari Nordmann",
        "role": "therapist",
        "service_id": "01979efe-5c30-7a91-8f27-6d1b0e94c2a5",
        "user_name": "kari.nordmann@storvik.example",
    },
    people.UserChange: {"role": "supervisor"},
    people.SessionCreate: {"user_name": "kari.nordmann@storvik.example", "password": "lange dager i fjellet"},
    people.InvitationRedemption: {
        "invitation": "spor_9yq1n0W8m2vF7cJ4hT6bX3kZ5rD1sL0aPgEuQiNoM8w",
        "password": "lange dager i fjellet",
    },
    people.PasswordChange: {"present": "lange dager i fjellet", "password": "korte netter ved sjøen"},
    tablets.DeviceCreate: {"label": "Waiting room"},
    tablets.DeviceChange: {"label": "Room 2"},
    tablets.PairingRedemption: {"code": "7KQ2-MZ4P"},
    tablets.OpeningCode: {"code": "R7M2KX"},
    tablets.LinkRedemption: {"token": "spor_kJ3vQm0yS1xW8dTnB5aLrE7uHcZ2fGpXi9oVbN4tYwM"},
    tablets.AssignmentDeclining: {"state": "declined", "reason": "too_unwell"},
}
