"""Reports of reconciliation: what they say, and how they are written as HTML, as a workbook and as JSON. Pure."""

from syncgate.reports.model import FieldLine, Line, Report, RunShown
from syncgate.reports.rendering import ReportForm, file_name, media_type, render

__all__ = ["FieldLine", "Line", "Report", "ReportForm", "RunShown", "file_name", "media_type", "render"]
