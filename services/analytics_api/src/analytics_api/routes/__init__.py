"""Routes of analytics_api, one module per resource."""
