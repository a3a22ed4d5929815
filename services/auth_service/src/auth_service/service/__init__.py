"""The use cases of auth_service.

Unlike elsewhere, a use case here may open its own units of work: a password hash takes a tenth of a second and must
not be computed while SQLite's only writer waits, and a refused refresh must be refused *and* have ended the session.
"""
