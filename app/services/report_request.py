"""What a report is asked for, whether it may be, and what all its sections need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

from app.db.codes import Language, OrganisationMode, Role
from app.db.counted import Counting, count
from app.db.curves import Line
from app.db.editing import all_of_organisation
from app.db.instruments import find_instrument
from app.db.models import Programme, Service
from app.db.reports import Asked
from app.db.session import Work
from app.errors import Forbidden, InvalidReference, MalformedBody
from app.reports.cohort import Dimension, Period
from app.reports.guarded import Where
from app.reports.summary import COMPOSITE
from app.reports.tabulation import Axes
from app.scales.change import ChangeCriteria
from app.services.report_cells import ByDimension, age_bands, by_dimension
from app.services.settings import ServiceSettings, current_settings
from app.trajectories.growth import GrowthCurve

FILTERS: Final = (
    Dimension.PROGRAMME,
    Dimension.PATHWAY,
    Dimension.SEX,
    Dimension.AGE_BAND,
    Dimension.BASELINE_THIRD,
    Dimension.LANGUAGE,
)
"""The dimensions of which a report can be about one value; it is then about no other."""

A_SERVICE: Final = "the id of a service of the organisation, or none for all of them"

_LANGUAGES: Final[Mapping[str, str]] = {
    Language.BOKMAL: "Norsk bokmål",
    Language.NYNORSK: "Norsk nynorsk",
    Language.ENGLISH: "English",
}
"""By their own names, which are the same in every language."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is asked for: which episodes, which measure, and what it is held against besides what is known."""

    period: Period
    measure: str
    service_id: UUID | None = None
    """None: of the whole organisation."""
    respondent: str | None = None
    dimension: Dimension | None = None
    value: str | None = None
    own_fall: float | None = None
    own_source: str | None = None

    @property
    def asked(self) -> Asked:
        """Which episodes the database is asked for."""
        return Asked(self.period, self.measure, self.service_id, self.respondent, self.dimension)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What all sections need: the request as the database is asked, names, and the whole of the organisation."""

    work: Work | None
    """None where it is of several organisations."""
    count: Counting
    request: ReportRequest
    asked: Asked
    threshold: int
    services: Mapping[str, str]
    programmes: Mapping[str, str]
    criteria: ChangeCriteria | None
    curve: GrowthCurve | None
    whole: ByDimension
    """By the dimension of which one value is asked for; by none otherwise."""
    where: Where

    @property
    def own_work(self) -> Work:
        """The transaction, of a report of one organisation."""
        assert self.work is not None, "what is of several organisations names nobody"
        return self.work

    @property
    def service(self) -> str | None:
        """The service asked for, None for all of them."""
        return None if self.request.service_id is None else str(self.request.service_id)


def require_own_service(work: Work, service_id: UUID | None) -> None:
    """Let a service lead ask for the own service or for the whole organisation.

    Raises
    ------
    Forbidden
        If another service is asked for.
    """
    if work.scope.role is Role.SERVICE_LEAD and service_id not in (None, work.scope.service_id):
        raise Forbidden(
            "a service lead's reports are of the own service or of the whole organisation",
            pointer="/service_id",
            allowed=f"{work.scope.service_id}, or none for the whole organisation",
        )


def filter_named(name: str | None) -> Dimension | None:
    """Give the dimension of a name, of which a report can be about one value.

    Raises
    ------
    MalformedBody
        If it is none of them.
    """
    if name is not None and name not in FILTERS:
        raise MalformedBody("not a dimension of one value", pointer="/dimension", allowed=", ".join(FILTERS))
    return None if name is None else Dimension(name)


def check_request(work: Work, request: ReportRequest) -> None:
    """Refuse what cannot be asked for.

    Raises
    ------
    Forbidden
        If a service lead asks for another service than the own one.
    MalformedBody
        If a dimension is asked for without a value, or a comparator without its source.
    """
    require_own_service(work, request.service_id)
    if (request.dimension is None) != (request.value is None):
        raise MalformedBody("a dimension and its value go together", pointer="/value", allowed="both or neither")
    if (request.own_fall is None) != (not request.own_source):
        raise MalformedBody(
            "a comparator of one's own goes with its source", pointer="/own_source", allowed="own_fall too, or neither"
        )


def require_measure(work: Work, measure: str) -> None:
    """Refuse a measure that there is not.

    Raises
    ------
    UnknownInstrument
        If there is no such instrument.
    """
    if measure != COMPOSITE:
        find_instrument(work, measure, pointer="/measure")


def gather(work: Work, request: ReportRequest, threshold: int) -> Gathered:
    """Count the episodes asked for, and read what they are held against and called by.

    Raises
    ------
    InvalidReference
        If there is no such service or measure, or nobody has the value that is asked for.
    """
    services = {str(each.id): each.name for each in all_of_organisation(work, Service)}
    if request.service_id is not None and str(request.service_id) not in services:
        raise InvalidReference("there is no such service", pointer="/service_id", allowed=A_SERVICE)
    settings = current_settings(work)
    criteria, curve = _held_against(work, request, settings)
    asked = request.asked
    counting = partial(count, work)
    whole = by_dimension(counting, asked, list(services), threshold)
    where = Where(request.period, None if request.service_id is None else str(request.service_id))
    if request.value is not None:
        if request.value not in whole.axes.values:
            allowed = f"a row of the table by_{request.dimension}"
            raise InvalidReference("no closed episode has this value", pointer="/value", allowed=allowed)
        where = replace(where, value=request.value, any_value=False)
        asked = replace(asked, of=(request.value,), cuts=whole.cuts)
    programmes = {str(each.id): each.name for each in all_of_organisation(work, Programme)}
    return Gathered(work, counting, request, asked, threshold, services, programmes, criteria, curve, whole, where)


def _held_against(
    work: Work, request: ReportRequest, settings: ServiceSettings
) -> tuple[ChangeCriteria | None, GrowthCurve | None]:
    """Give the criteria of change of the measure, and the expected curve where the organisation has switched it on."""
    if request.measure == COMPOSITE:
        return None, None
    instrument = find_instrument(work, request.measure, pointer="/measure")
    form = instrument.forms[0]
    criteria = form.subscale(instrument.main_subscale).criteria
    shown = settings.mode is OrganisationMode.DECISION_SUPPORT and instrument.for_change
    return criteria, settings.curve_for(Line(request.measure, form.family)) if shown else None


def labels_of(gathered: Gathered, dimension: Dimension) -> Mapping[str, str]:
    """Give the own words of the values of a dimension that has any."""
    if dimension is Dimension.PROGRAMME:
        return gathered.programmes
    if dimension is Dimension.LANGUAGE:
        return _LANGUAGES
    if dimension is Dimension.AGE_BAND:
        return age_bands()
    return {}


def axes_over(gathered: Gathered, values: tuple[str | None, ...]) -> Axes:
    """Give the axes of the report over other values."""
    return replace(gathered.whole.axes, values=values)
