"""Users, credentials, tokens and signing keys."""
