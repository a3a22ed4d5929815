"""The HTTP face of the ledger, one module per resource."""
