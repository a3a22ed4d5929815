"""Excel workbooks (xls, xlsx): tables in sheets, read by the dialects of CSV."""
