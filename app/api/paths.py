"""How ids stand in addresses beside which there are words: `/devices/{id}` is no address of `/devices/pairing`."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor


class IdConvertor(StringConvertor):
    """One part of an address that is none of our words; what is no UUID is told to those who may ask."""

    regex = "(?!(?:pairing|open|opening|redemption)$)[^/]+"


register_url_convertor("id", IdConvertor())

BESIDE_WORDS = ":id"
"""What follows the name of the parameter."""
