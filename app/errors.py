"""The domain errors: what can go wrong, in the words of the domain.

    SporError
    ├── InvalidInput                   the caller sent something that can't be what it claims to be
    │   ├── MalformedBody              a field is missing, of the wrong type or out of range
    │   ├── UnknownInstrument          no such instrument, or no such form of it
    │   ├── UnknownItem                the form has no such item
    │   ├── InvalidAnswer              a code that the item does not have
    │   ├── InvalidSeries              observations that no trajectory can be made of
    │   └── InvalidReference           the body points at something that does not belong with the rest
    ├── Unauthenticated                no credential, or one that is unknown, expired or revoked
    ├── Forbidden                      a valid credential of a role that may not do this
    ├── NotFound                       it does not exist, or is not the caller's to see: the same answer
    ├── Conflict                       the request does not fit the state of the record
    │   ├── AdministrationConflict     the id is taken by another body
    │   ├── NotAllowedInMode           the organisation's mode does not give this
    │   ├── InstrumentNotEnabled       the organisation has no agreement by which it may use the instrument
    │   ├── InstrumentNotForChange     a trajectory of what is not followed over time
    │   ├── LocalLoginOff              people log in through an identity provider, not by a password of ours
    │   └── StateConflict              a step that the present state does not allow
    ├── NotAcceptable                  it can be given in several forms, and the caller wants none of them
    ├── PreconditionRequired           an edit without If-Match
    ├── PreconditionFailed             an edit of a version that is no longer the newest
    ├── TooManyRequests                more, in the last minute, than one caller may ask
    ├── InstrumentDataError            an instrument file breaks a rule of the format
    ├── ServerMisconfigured            the database or the settings can't be used safely
    ├── IdentityProviderUnavailable    the provider's keys can't be fetched; trying again later may help
    └── DatabaseUnavailable            the database is away, full or shutting down; trying again later may help

The errors know nothing of HTTP: `app.api.errors` holds the one table that gives each its status. No error
carries an answer that a patient gave; `allowed` says what would have been right.
"""

from __future__ import annotations

import re


class SporError(Exception):
    """Something that the caller can be told in one plain sentence.

    Parameters
    ----------
    detail : str
        One sentence for a person. Never holds a patient's answer or identity.
    pointer : str, optional
        JSON pointer (RFC 6901) to the offending part of the input.
    allowed : str, optional
        What would have been accepted.
    """

    def __init__(self, detail: str, *, pointer: str | None = None, allowed: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.allowed = allowed


class InvalidInput(SporError):
    """The caller sent something that can't be what it claims to be; `also` holds what else is wrong with it."""

    also: tuple[InvalidInput, ...] = ()


class MalformedBody(InvalidInput):
    """A field is missing, of the wrong type or out of range."""


class UnknownInstrument(InvalidInput):
    """No such instrument, or no such form of it."""


class UnknownItem(InvalidInput):
    """The form has no such item."""


class InvalidAnswer(InvalidInput):
    """A code that the item does not have."""


class InvalidSeries(InvalidInput):
    """Observations that no trajectory can be made of."""


class InvalidReference(InvalidInput):
    """The body points at something that does not belong with the rest."""


class Unauthenticated(SporError):
    """No credential, or one that is unknown, expired or revoked."""


class Forbidden(SporError):
    """A valid credential of a role that may not do this."""


class NotFound(SporError):
    """It does not exist, or is not the caller's to see: the same answer."""


class Conflict(SporError):
    """The request does not fit the state of the record."""


class AdministrationConflict(Conflict):
    """The id is taken by another body."""


class NotAllowedInMode(Conflict):
    """The organisation's mode does not give this."""


class InstrumentNotEnabled(Conflict):
    """The organisation has no agreement by which it may use the instrument."""


class InstrumentNotForChange(Conflict):
    """A trajectory was asked for of an instrument that is not followed over time."""


class LocalLoginOff(Conflict):
    """People log in through an identity provider, not by a password of ours."""


class StateConflict(Conflict):
    """A step that the present state does not allow."""


class NotAcceptable(SporError):
    """It can be given in several forms, and the caller wants none of them."""


class PreconditionRequired(SporError):
    """An edit without If-Match."""


class PreconditionFailed(SporError):
    """An edit of a version that is no longer the newest."""


class TooManyRequests(SporError):
    """More, in the last minute, than one caller may ask; `retry_after` seconds from now there is room again.

    Examples
    --------
    >>> TooManyRequests("ask again later", retry_after=3).retry_after
    3
    """

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class InstrumentDataError(SporError):
    """An instrument file breaks a rule of the format; `path` leads to the place, by keys and places in lists."""

    path: tuple[str | int, ...] = ()


class ServerMisconfigured(SporError):
    """The database or the settings can't be used safely."""


class IdentityProviderUnavailable(SporError):
    """The identity provider's keys can't be fetched, so that nobody can be recognised; trying again later may help."""


class DatabaseUnavailable(SporError):
    """The database is away, full or shutting down; trying again later may help. `reason` is for the operator."""

    reason: str = ""


def slug(error: type[SporError]) -> str:
    """Give the stable name of an error, as its problem type and files have it: NotFound is not-found."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()
