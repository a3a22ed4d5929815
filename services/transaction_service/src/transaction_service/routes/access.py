"""What the routes of this service ask of a request: a token, a session, an idempotency key."""

from __future__ import annotations

from typing import Annotated

from api_common.auth import Principal, UserPrincipal, requires, requires_user
from api_common.database import ReadSession, WriteSession, reads, writes
from api_common.idempotency import Idempotency, idempotent

SERVICE = "transaction_service"

Reader = Annotated[UserPrincipal, requires_user("ledger:read", service=SERVICE)]
Writer = Annotated[UserPrincipal, requires_user("ledger:write", service=SERVICE)]
Administrator = Annotated[Principal, requires("users:admin", service=SERVICE)]
Reading = Annotated[ReadSession, reads(SERVICE)]
Writing = Annotated[WriteSession, writes(SERVICE)]
Once = Annotated[Idempotency, idempotent(SERVICE)]
