"""The report of one month: computed as a plain dict, treated at the disclosure door, then rendered four ways.

``build_month`` gathers the facts, every section offers its tables to the door, and sentences, charts and measures are
written from what comes back. The renderers (HTML, Word, Excel, tidy CSV) read only that dict.
"""

from missing_patterns.report.month import Month, build_month

__all__ = ["Month", "build_month"]
