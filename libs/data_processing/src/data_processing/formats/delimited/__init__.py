"""Delimited text (CSV, TSV): a table reader, and one profile of columns and number forms per bank dialect."""
