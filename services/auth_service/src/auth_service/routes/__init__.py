"""Routes of auth_service, one module per resource."""

from fastapi import APIRouter

from auth_service.routes import account, clients, sessions, token, users, well_known

ROUTERS: tuple[APIRouter, ...] = (
    token.router,
    account.router,
    sessions.router,
    users.router,
    clients.router,
    well_known.router,
)
