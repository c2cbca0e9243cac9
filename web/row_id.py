"""Ids in the paths of addresses."""

from starlette.convertors import IntegerConvertor


class RowId(IntegerConvertor):
    """A number that an id may be; a longer one is no address, rather than one that Python refuses to read."""

    regex = "[0-9]{1,19}"
