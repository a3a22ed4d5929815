"""Requests and answers of the ledger, one module per resource."""
