"""The fix list: one row per problem for a person to work through, and on the next run what was fixed."""

from missing_patterns.ingest.fixlist.lists import FixList, check_place, save_fix_list, write_fix_list

__all__ = ["FixList", "check_place", "save_fix_list", "write_fix_list"]
