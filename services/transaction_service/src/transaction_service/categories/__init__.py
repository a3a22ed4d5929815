"""The categories that rows are sorted into."""
