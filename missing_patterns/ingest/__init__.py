"""Files in, clean tables out: the only place where dates and codes are parsed.

Rows read = rows accepted + rows quarantined + rows declared non-data, per file and sheet, always. What cannot be read
safely is refused with the place, the reason and the fix; what can be read with a repair or a doubt is noted with its
file, line and column, and never with its value.
"""

from __future__ import annotations

from missing_patterns.ingest.fixlist import FixList, write_fix_list
from missing_patterns.ingest.profiles.profile import Profile, read_profile
from missing_patterns.ingest.reader import read_records
from missing_patterns.ingest.rules import NOT_READ, RULES, Rule
from missing_patterns.ingest.sniffing.guessing import ColumnGuess
from missing_patterns.ingest.sniffing.sniff import Guess, SheetGuess, sniff

__all__ = [
    "NOT_READ",
    "RULES",
    "ColumnGuess",
    "FixList",
    "Guess",
    "Profile",
    "Rule",
    "SheetGuess",
    "read_profile",
    "read_records",
    "sniff",
    "write_fix_list",
]
