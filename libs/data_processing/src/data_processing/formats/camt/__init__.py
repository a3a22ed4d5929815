"""camt.052, camt.053 and camt.054: the account report, statement and notification of ISO 20022."""
