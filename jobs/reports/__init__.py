"""The HTML report: pictures, tables and the two kinds of page."""
