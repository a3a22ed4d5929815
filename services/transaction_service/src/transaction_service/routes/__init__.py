"""Routes of transaction_service, one module per resource."""
