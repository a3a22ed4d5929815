"""Which rows are the two sides of one transfer between the user's own accounts. No database."""
