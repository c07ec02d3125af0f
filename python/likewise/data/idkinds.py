"""How a column's ids are told: integers where every one is a canonical integer, text otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from likewise.data.columns import logger

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_INTEGRAL = re.compile(r"\s*(?:0|-?[1-9][0-9]{0,17})(?:\.0*)?\s*")

# What counts as an integer beside text, as SQL has patterns.
INTEGRAL = r"\s*(0|-?[1-9][0-9]*)(\.0*)?\s*"

_BLANKS = "' ' || chr(9) || chr(10) || chr(13)"  # what trim takes off

# Where all other ids of a column are integers, these are missing values and not names.
MISSING_WORDS = ("nan", "null", "none", "na", "n/a", "<na>", "\\n")


def warn_of_mixed_ids(source: str, role: str, example: object) -> None:
    """Says that ids of which some are integers became text.

    Args:
        source: What is read.
        role: Whose ids.
        example: One that is no integer.
    """
    logger.warning("%s: %s ids are not all integers, such as %r: all are taken as text", source, role, example)


def mixed_example(values: Iterable[object]) -> object | None:
    """A text among numbers, if there are both; None where values are of one kind."""
    values = list(values)
    kinds = set(map(type, values))
    texts = tuple(kind for kind in kinds if issubclass(kind, (str, bytes)))
    numbers = tuple(kind for kind in kinds if issubclass(kind, (int, float, np.integer, np.floating)))
    if not texts or not any(isinstance(value, numbers) and value == value for value in values):
        return None
    return next(value for value in values if isinstance(value, texts))


@dataclass(frozen=True)
class IdReading:
    """One way to read a column of ids.

    Attributes:
        value: The SQL of the id; NULL where there is none, or where it cannot be read this way.
        missing: The SQL that says there is none.
        is_text: Whether ids are text.
    """

    value: str
    missing: str
    is_text: bool


class IdKind(Enum):
    """How ids written as text look, from the narrowest kind to the widest."""

    INT32 = "INTEGER"
    INT64 = "BIGINT"
    INTEGRAL = "integers with spaces around or a fraction of zero"
    TEXT = "VARCHAR"

    def reading(self, raw: str) -> IdReading:
        """Reads text as ids of this kind.

        Args:
            raw: The SQL of the text.
        """
        if self is IdKind.TEXT:
            text = f"trim({raw}, {_BLANKS})"
            return IdReading(f"CASE WHEN {text} <> '' THEN {raw} END", f"coalesce({text} = '', true)", True)
        words = ", ".join(f"'{word}'" for word in ("", *MISSING_WORDS))
        missing = f"coalesce(lower(trim({raw}, {_BLANKS})) IN ({words}), true)"
        if self is IdKind.INTEGRAL:
            digits = f"regexp_extract({raw}, '^{INTEGRAL}$', 1)"
            return IdReading(f"TRY_CAST(nullif({digits}, '') AS BIGINT)", missing, False)
        # Comparing with the text written back leaves out "007", "+7", "7.0", "1e3" and "0x7", which a cast takes.
        number = f"TRY_CAST({raw} AS {self.value})"
        return IdReading(f"CASE WHEN {number}::VARCHAR = {raw} THEN {number} END", missing, False)

    @staticmethod
    def of_sample(texts: Iterable[str]) -> IdKind:
        """The narrowest kind that holds all ids of a sample."""
        kind = IdKind.INT32
        for text in texts:
            if text.strip() == "" or text.strip().lower() in MISSING_WORDS:
                continue
            if _INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63:
                if not -(2**31) <= int(text) < 2**31 and kind is IdKind.INT32:
                    kind = IdKind.INT64
            elif _INTEGRAL.fullmatch(text):
                kind = IdKind.INTEGRAL
            else:
                return IdKind.TEXT
        return kind


def text_readings(raw: str, narrowest: IdKind = IdKind.INT32) -> list[IdReading]:
    """The ways to read ids written as text, from a kind to the widest."""
    kinds = list(IdKind)
    return [kind.reading(raw) for kind in kinds[kinds.index(narrowest) :]]


def typed_readings(raw: str, type_name: str) -> list[IdReading]:
    """The ways to read ids of a column of some DuckDB type, narrowest first.

    Args:
        raw: The SQL of the column.
        type_name: Its type, as DuckDB writes it.
    """
    as_text = IdReading(f"{raw}::VARCHAR", f"{raw} IS NULL", True)
    if type_name in ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"):
        return [IdReading(f"{raw}::INTEGER", f"{raw} IS NULL", False)]
    if type_name in ("BIGINT", "UINTEGER"):
        return [IdReading(f"{raw}::BIGINT", f"{raw} IS NULL", False)]
    if type_name in ("UBIGINT", "HUGEINT", "UHUGEINT"):
        return [IdReading(f"TRY_CAST({raw} AS BIGINT)", f"{raw} IS NULL", False), as_text]
    if type_name in ("FLOAT", "DOUBLE") or type_name.startswith("DECIMAL"):
        number = f"{raw}::DOUBLE"
        missing = f"coalesce(NOT isfinite({number}), true)"
        integral = f"CASE WHEN abs({number}) < 9.2e18 AND {number} = floor({number}) THEN {raw}::BIGINT END"
        fractional = f"CASE WHEN isfinite({number}) THEN {raw}::VARCHAR END"
        return [IdReading(integral, missing, False), IdReading(fractional, missing, True)]
    return [IdKind.TEXT.reading(raw if type_name == "VARCHAR" else f"{raw}::VARCHAR")]
