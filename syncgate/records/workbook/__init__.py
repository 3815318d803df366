"""Excel workbooks as records: cells as they are stored, and what they do not store refused, never guessed.

Source: ECMA-376 (Office Open XML), part 1 §18 SpreadsheetML and part 2 Open Packaging.
"""

from syncgate.records.workbook.reading import read_xlsx

__all__ = ["read_xlsx"]
