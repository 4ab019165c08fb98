"""Authorisation of one plug-in: tokens shown, questions asked, answers taken, and what was refused with which reason."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.evse.events import (
    AnswerAboutContract,
    AskAboutContract,
    AskAuthorization,
    AuthorizationAnswered,
    ContractAnswered,
    SessionOutput,
    WriteLog,
)
from chargepoint.evse.obstacle import Obstacle
from chargepoint.evse.permit import Permission, Permit
from chargepoint.model.car import QuestionAsked
from chargepoint.model.car_questions import AuthorizeContract, ContractJudged, ContractStatus
from chargepoint.model.commands import StartTransaction
from chargepoint.model.ids import IdToken, IdTokenType
from chargepoint.model.status import AuthorizationStatus


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """The last token that was refused. `token_hint`: its last four characters, never the whole."""

    token_hint: str
    reason: str
    at_s: float


_REASONS = {
    AuthorizationStatus.UNKNOWN: "the central system does not know this token",
    AuthorizationStatus.BLOCKED: "this token is blocked",
    AuthorizationStatus.EXPIRED: "this token has expired",
    AuthorizationStatus.CONCURRENT_TX: "this token already charges somewhere else",
    AuthorizationStatus.NO_CREDIT: "this token has no credit",
    AuthorizationStatus.NOT_AT_THIS_TIME: "this token may not charge at this time",
    AuthorizationStatus.NOT_AT_THIS_LOCATION: "this token may not charge at this location",
    AuthorizationStatus.NOT_ALLOWED_TYPE_EVSE: "this token may not charge at this kind of EVSE",
    AuthorizationStatus.INVALID: "this token is not valid",
}


class Authorization:
    """One token at a time: asked about, granted or refused. Lines and questions collect in `outputs`."""

    def __init__(self, outputs: list[SessionOutput]) -> None:
        self._out = outputs
        self.permit = Permit()
        self.refusal: TokenRefusal | None = None
        self._asked_to_stop: IdToken | None = None

    def take_token(self, value: str, obstacle: Obstacle | None, now_s: float) -> IdToken | None:
        """A token was shown while no transaction runs. Returns the token where the central system must be asked about the token."""
        token = self.read(value, now_s)
        if token is None:
            return None
        if obstacle is not None and obstacle.refuses_tokens:
            self._refuse(token.hint, f"nothing can start here: {obstacle.text}", now_s)
        elif self.permit.state is Permission.ASKED:
            self._log("!", "token ignored: the answer about another one is awaited")
        elif self.permit.state is Permission.GRANTED and self.permit.token == token:
            waiting = "plug in the car" if obstacle is None else obstacle.text
            self._log("=", f"this token is authorised already: {waiting}")
        else:
            self.ask(token)
            return token
        return None

    def read(self, value: str, now_s: float) -> IdToken | None:
        """The token of this value. None, and a line in the log, where the value is no valid token."""
        try:
            return IdToken(value, IdTokenType.ISO14443)
        except ValueError as error:
            self._refuse(f"…{value[-4:]}", str(error), now_s)
            return None

    def take_start(self, start: StartTransaction, now_s: float) -> None:
        """The central system orders a start."""
        if start.authorize:
            self.ask(start.id_token, start.remote_start_id)
        else:
            self.grant(start.id_token, now_s, start.remote_start_id)

    def take_answer(self, answer: AuthorizationAnswered, now_s: float) -> None:
        """The answer to the open question. An answer about another token is ignored."""
        if not self.permit.waits_for(answer.token):
            return
        if answer.master_pass:  # C16.FR.03
            self.permit.forget()
            self._refuse(answer.token.hint, "a master pass starts no transaction", now_s)
        elif answer.status is AuthorizationStatus.ACCEPTED:
            self.grant(answer.token, now_s, self.permit.remote_start_id)
        else:
            self.permit.refuse()
            reason = f"{answer.status.value}: {_REASONS.get(answer.status, 'not accepted')}"
            self._refuse(answer.token.hint, answer.why or reason, now_s)

    def ask_to_stop(self, token: IdToken, running: IdToken | None) -> None:
        """Ask whether this token may stop the transaction of another one; one question at a time."""
        if self._asked_to_stop is not None:
            self._log("!", "token ignored: the answer about another one is awaited")
            return
        self._asked_to_stop = token
        self._log("=", "another token than that of the transaction: asking whether it may stop it")
        self._out.append(AskAuthorization(token, running))

    def answers_stop(self, answer: AuthorizationAnswered) -> bool:
        """True where this is the answer to `ask_to_stop`; the question is then closed."""
        if self._asked_to_stop is None or self._asked_to_stop != answer.token:
            return False
        self._asked_to_stop = None
        return True

    def take_contract(self, asked: QuestionAsked, contract: AuthorizeContract, obstacle: Obstacle | None) -> None:
        """The car asks to charge on its contract.

        A token that is permitted already pays, so nobody is asked about the contract. Otherwise the contract takes the place of
        a card about which an answer is awaited: the car that is plugged in has the contract.
        """
        if self.permit.state is Permission.GRANTED:
            self._log("=", f"contract {contract.hint} is not needed: a token is authorised already")
            self._answer(asked, ContractJudged(ContractStatus.ACCEPTED))
            return
        if obstacle is not None and obstacle.refuses_tokens:
            why = f"nothing can start here: {obstacle.text}"
            self._answer(asked, ContractJudged(ContractStatus.REFUSED, why))
            return
        self.permit.ask(_token_of(contract))
        self._log("=", f"contract {contract.hint}: asking")
        self._out.append(AskAboutContract(asked, contract))

    def take_contract_answer(self, answer: ContractAnswered, now_s: float) -> None:
        """The answer about a contract. It comes too late where the car's session has ended, or another token was asked about."""
        asked, contract = answer.asked, answer.asked.question
        assert isinstance(contract, AuthorizeContract)
        token = _token_of(contract)
        if not self.permit.waits_for(token):
            return
        if now_s >= asked.until_s:
            self.permit.forget()
            self._log("!", f"contract {contract.hint}: the answer came after the car's time was over")
        elif answer.judged.status is ContractStatus.ACCEPTED:
            self.grant(token, now_s)
        else:  # a card may still be shown: the contract's refusal does not stay
            self.permit.forget()
            self._refuse(token.hint, answer.judged.why, now_s, "contract")
        self._answer(asked, answer.judged)

    def forget_contract(self) -> None:
        """The car's conversation is over: an answer about its contract is awaited no more."""
        token = self.permit.token
        if self.permit.state is Permission.ASKED and token is not None and token.type is IdTokenType.E_MAID:
            self.permit.forget()

    def _answer(self, asked: QuestionAsked, judged: ContractJudged) -> None:
        self._out.append(AnswerAboutContract(asked, judged))

    def ask(self, token: IdToken, remote_start_id: int | None = None) -> None:
        """Ask about this token."""
        self.permit.ask(token, remote_start_id)
        self._out.append(AskAuthorization(token))

    def grant(self, token: IdToken, now_s: float, remote_start_id: int | None = None) -> None:
        """This token may charge."""
        self.permit.grant(token, now_s, remote_start_id)
        self.refusal = None
        self._log("=", "authorised")

    def forget_when_due(self, patience_s: float, now_s: float) -> None:
        """While no car is plugged in: a refusal is over, and a permission unused for `patience_s` lapses."""
        if self.permit.state is Permission.REFUSED:
            self.permit.forget()
        elif self.permit.unused_s(now_s) > patience_s:
            self._log("!", f"authorisation lapsed: no car within {patience_s:.0f} s")
            self.permit.forget()

    def _refuse(self, token_hint: str, reason: str, now_s: float, what: str = "token") -> None:
        self.refusal = TokenRefusal(token_hint, reason, now_s)
        self._log("!", f"{what} refused: {reason}")

    def _log(self, letter: str, text: str) -> None:
        self._out.append(WriteLog(letter, text))


def _token_of(contract: AuthorizeContract) -> IdToken:
    return IdToken(contract.emaid, IdTokenType.E_MAID)
