"""The complete copy of a patient's record, for the patient or for a parent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.db.codes import InformantRole, OrganisationMode
from app.db.copying import KeptRecord, kept_of_patient
from app.db.instruments import find_instrument
from app.db.models import Administration
from app.db.session import Work
from app.errors import InvalidReference
from app.scales.instrument import Instrument
from app.services.settings import ServiceSettings, current_settings
from app.services.visibility import PATIENTS_VIEW, View, shown_to, view_of


class CopyFor(StrEnum):
    """For whom a copy is made."""

    PATIENT = "patient"
    INFORMANT = "informant"


@dataclass(frozen=True, slots=True)
class PatientCopy:
    """A patient's record as a reader may have it."""

    made_for: CopyFor
    reader_id: UUID | None
    view: View
    record: KeptRecord
    settings: ServiceSettings
    instruments: dict[tuple[str, str], Instrument]
    """By key and version: those of the forms in the copy."""

    @property
    def tells_verdicts(self) -> bool:
        """Whether verdicts are told: in the mode `record` nothing of the organisation's shows any."""
        return self.settings.mode is OrganisationMode.DECISION_SUPPORT

    def instrument_of(self, version: Administration) -> Instrument:
        """Give the instrument in which a version was answered."""
        return self.instruments[version.instrument, version.instrument_version]


def copy_record(work: Work, patient_id: UUID, made_for: CopyFor, informant_id: UUID | None) -> PatientCopy:
    """Give everything that is kept of a patient, in the episodes that the caller reaches.

    Raises
    ------
    NotFound
        If there is no such patient, or the caller may not reach them.
    InvalidReference
        If a copy for an informant names nobody, or somebody who is no parent of this patient, or one for the patient
        names an informant.
    """
    record = kept_of_patient(work, patient_id)
    view = PATIENTS_VIEW
    if made_for is CopyFor.INFORMANT:
        reader = next((each for each in record.informants if each.id == informant_id), None)
        if reader is None or reader.role not in (InformantRole.PARENT, InformantRole.SELF):
            raise InvalidReference(
                "a copy is made for the patient or for a parent of this patient", pointer="/informant_id"
            )
        view = view_of(reader, record.informants)
    elif informant_id is not None:
        raise InvalidReference("the patient's own copy names no informant", pointer="/informant_id")
    shown = shown_to(view, record)
    named = {(each.instrument, each.instrument_version) for each in shown.administrations}
    return PatientCopy(
        made_for=made_for,
        reader_id=informant_id,
        view=view,
        record=shown,
        settings=current_settings(work),
        instruments={each: find_instrument(work, *each) for each in sorted(named)},
    )
