"""The use cases of the ledger, one module per resource, named in the user's words."""
