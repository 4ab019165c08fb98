"""One token's permission to charge on a connector: from the moment the token is shown to the end of its use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.ids import IdToken


class Permission(Enum):
    """Whether this plug-in may charge."""

    NONE = "none"
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(slots=True)
class Permit:
    """At most one token at a time. `remote_start_id`: the central system's number for a start it ordered."""

    state: Permission = Permission.NONE
    token: IdToken | None = None
    remote_start_id: int | None = None
    _granted_s: float = 0.0

    def ask(self, token: IdToken, remote_start_id: int | None = None) -> None:
        """The central system or a local rule decides about this token now."""
        self.state, self.token, self.remote_start_id = Permission.ASKED, token, remote_start_id

    def grant(self, token: IdToken, now_s: float, remote_start_id: int | None = None) -> None:
        """This token may charge."""
        self.state, self.token, self.remote_start_id, self._granted_s = (
            Permission.GRANTED,
            token,
            remote_start_id,
            now_s,
        )

    def refuse(self) -> None:
        """The token asked about may not charge. The refusal stays until `forget` or another token."""
        self.state = Permission.REFUSED

    def forget(self) -> None:
        """Remove the permission and its token."""
        self.state, self.token, self.remote_start_id = Permission.NONE, None, None

    def waits_for(self, token: IdToken) -> bool:
        """An answer about this token is awaited."""
        return self.state is Permission.ASKED and self.token == token

    def unused_s(self, now_s: float) -> float:
        """For how long, in seconds, the permission is granted and not used; 0 where nothing is granted."""
        return now_s - self._granted_s if self.state is Permission.GRANTED else 0.0
