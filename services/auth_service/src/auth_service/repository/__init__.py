"""Every query of auth_service; nothing else touches a session, and nothing here commits."""
