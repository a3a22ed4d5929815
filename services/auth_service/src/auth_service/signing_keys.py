"""The life of a signing key: made, published, signing, still published, gone.

A key is published from the moment it is made, signs from `signs_from` until the next key does, and stays published
until the longest token that it can have signed has died. All of it follows from the rows and the time, so no process
has to be told of a change: each looks into the database every `key_reload_seconds`.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from api_common import StartupError, get_logger
from api_common.columns import new_id
from api_common.database import Database
from api_common.problems import ServiceUnavailable
from joserfc.jwk import ECKey
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from auth_service.clock import Clock
from auth_service.models import SigningKey
from auth_service.repository.keys import SigningKeys
from auth_service.sealing import Sealer, SealError
from auth_service.settings import LONGEST_ACCESS_TOKEN

ALGORITHM = "ES256"
CLOCK_LEEWAY = 300
SHORTEST = timedelta(microseconds=1)
PUBLISHED_RELOAD = timedelta(seconds=1)
KEPT_AFTER_SIGNING = timedelta(seconds=LONGEST_ACCESS_TOKEN + CLOCK_LEEWAY)

log = get_logger()


class SigningKeyError(StartupError):
    """The key that has to sign was stored under another secret key; the service cannot start."""


class KeyChangeError(ValueError):
    """A key cannot be retired as asked; the message says what to do first."""


@dataclass(frozen=True)
class KeyStage:
    """One key and where it stands: "next", "signing", "old" (published for tokens still alive) or "dead"."""

    key: SigningKey
    stage: str
    gone_at: datetime | None


def stages(keys: list[SigningKey], now: datetime) -> list[KeyStage]:
    """Tell where each key stands at a moment; ``keys`` are in the order in which they sign."""
    started = [key for key in keys if key.signs_from <= now]
    # Clocks of two machines differ a little: the only key there is signs, even where its time seems yet to come.
    signing = started[-1] if started else next(iter(keys), None)
    found = []
    for position, key in enumerate(keys, start=1):
        gone_at = keys[position].signs_from + KEPT_AFTER_SIGNING if position < len(keys) else None
        if key is signing:
            found.append(KeyStage(key, "signing", gone_at))
        elif key.signs_from > now:
            found.append(KeyStage(key, "next", gone_at))
        else:
            found.append(KeyStage(key, "dead" if gone_at is not None and gone_at <= now else "old", gone_at))
    return found


def new_signing_key(sealer: Sealer, *, now: datetime, signs_from: datetime) -> SigningKey:
    """Make a key pair; its id never looks like an option of a command, as a thumbprint may (`-x…`)."""
    pair = ECKey.generate_key("P-256", private=True)
    kid = str(new_id())
    public = {**pair.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
    sealed = sealer.seal(pair.as_der(private=True), context=kid)
    return SigningKey(
        id=kid,
        public_jwk=json.dumps(public, sort_keys=True),
        sealed_private_key=sealed,
        created_at=now,
        signs_from=signs_from,
    )


class KeyRing:
    """The signing keys of this installation, as one process knows them."""

    def __init__(self, database: Database, secret_key: SecretStr, *, clock: Clock, reload_seconds: int) -> None:
        self._database = database
        self._sealer = Sealer(secret_key, "auth_service signing key")
        self._clock = clock
        self._reload_after = timedelta(seconds=reload_seconds)
        self._lock = anyio.Lock()
        self._loaded_at: datetime | None = None
        self._keys: list[SigningKey] = []
        self._private: dict[str, ECKey] = {}

    async def open(self) -> None:
        """Make the first key where there is none, and read all.

        Raises `SigningKeyError` when the secret key is not the one under which the keys were stored.
        """
        now = self._clock()
        async with self._database.write() as session:
            keys = SigningKeys(session)
            if await keys.claim_first(now):
                await keys.add(new_signing_key(self._sealer, now=now, signs_from=now))
                log.info("signing_key_made")
        await self._load(now)

    async def signing_key(self) -> ECKey:
        """Give the private key that signs at this moment, its `kid` set."""
        await self._reload_when_due(self._reload_after)
        now = self._clock()
        found = stages(self._keys, now)
        kid = next(stage.key.id for stage in found if stage.stage == "signing")
        if kid not in self._private:
            # Made under another secret key, with which this process has not been started yet. Its last key stays
            # published for an hour, and serves until then.
            older = [stage.key.id for stage in found if stage.stage == "old" and stage.key.id in self._private]
            kid = older[-1] if older else kid
        return self._private.get(kid) or self._open(next(key for key in self._keys if key.id == kid))

    async def published(self) -> list[dict[str, str]]:
        """Give the public keys for the JWKS document: those that sign, will sign, or have signed tokens still alive.

        Looks for new ones more often than the signing does: another process may sign with one already.
        """
        await self._reload_when_due(min(self._reload_after, PUBLISHED_RELOAD))
        alive = [stage.key for stage in stages(self._keys, self._clock()) if stage.stage != "dead"]
        return [json.loads(key.public_jwk) for key in alive]

    async def public_key(self, kid: str) -> ECKey | None:
        """Give the public key of a token's `kid`, or None."""
        published = await self.published()
        return next((ECKey.import_key(dict(jwk)) for jwk in published if jwk["kid"] == kid), None)

    async def rotate(self, *, publish_seconds: int) -> SigningKey:
        """Add a key that signs after `publish_seconds`, and drop dead ones; running processes pick it up by themselves.

        Raises `KeyChangeError` when another key is waiting already.
        """
        now = self._clock()
        async with self._database.write() as session:
            keys = SigningKeys(session)
            await keys.lock()
            waiting = [stage.key for stage in stages(await keys.all(), now) if stage.stage == "next"]
            if waiting and publish_seconds > 0:
                moment = f"{waiting[0].signs_from:%Y-%m-%d %H:%M:%S} UTC"
                raise KeyChangeError(f"Key {waiting[0].id} is already published and signs from {moment}.")
            # A key whose time is yet to come is dropped: else it would take over from the one that has to sign at once.
            await keys.remove({key.id for key in waiting})
            # After every other key, even where the clock of the machine that made those ran ahead of ours.
            earliest = max((key.signs_from + SHORTEST for key in await keys.all()), default=now)
            signs_from = max(now + timedelta(seconds=publish_seconds), earliest)
            key = new_signing_key(self._sealer, now=now, signs_from=signs_from)
            await keys.add(key)
            await keys.remove({stage.key.id for stage in stages(await keys.all(), now) if stage.stage == "dead"})
        self._loaded_at = None
        return key

    async def retire(self, kid: str | None) -> list[str]:
        """Remove one key at once, or (without an id) those whose last token has died; give the removed ids.

        Tokens signed by a key that is removed early stop being accepted. The key that signs cannot be removed.
        """
        now = self._clock()
        async with self._database.write() as session:
            keys = SigningKeys(session)
            await keys.lock()
            known = {stage.key.id: stage.stage for stage in stages(await keys.all(), now)}
            if kid is not None and kid not in known:
                raise KeyChangeError(f"There is no signing key {kid}. Known: {', '.join(known)}.")
            if kid is not None and known[kid] == "signing":
                raise KeyChangeError(f"Key {kid} signs at present. Replace it first: rotate --now.")
            removed = {kid} if kid is not None else {name for name, stage in known.items() if stage == "dead"}
            await keys.remove(removed)
        self._loaded_at = None
        return sorted(removed)

    async def list(self) -> list[KeyStage]:
        """Give every stored key and where it stands."""
        async with self._database.read() as session:
            return stages(await SigningKeys(session).all(), self._clock())

    async def _reload_when_due(self, after: timedelta) -> None:
        now = self._clock()
        if self._is_fresh(now, after):
            return
        async with self._lock:
            if self._is_fresh(now, after):
                return
            try:
                await self._load(now)
            except (ServiceUnavailable, SQLAlchemyError):
                # The keys at hand are good for as long as the database is away.
                if not self._keys:
                    raise
                log.warning("signing_keys_not_reloaded")
            except SigningKeyError:
                log.error("signing_key_not_opened")

    def _is_fresh(self, now: datetime, after: timedelta) -> bool:
        return self._loaded_at is not None and abs(now - self._loaded_at) < after

    async def _load(self, now: datetime) -> None:
        async with self._database.read() as session:
            keys = await SigningKeys(session).all()
        self._keys, self._loaded_at = keys, now
        self._private = {key.id: self._private[key.id] for key in keys if key.id in self._private}
        for stage in stages(keys, now):
            if stage.stage in {"signing", "next"} and stage.key.id not in self._private:
                self._private[stage.key.id] = self._open(stage.key)

    def _open(self, key: SigningKey) -> ECKey:
        try:
            der = self._sealer.open(key.sealed_private_key, context=key.id)
        except SealError as error:
            raise SigningKeyError(
                f"PURSER_SECRET_KEY does not open signing key {key.id} in the database of auth_service: the key was "
                "stored under another secret. Start with that secret again, or make a new key under the present one: "
                "python -m auth_service.keys rotate --now"
            ) from error
        return ECKey.import_key(der, {"kid": key.id, "use": "sig", "alg": ALGORITHM})
