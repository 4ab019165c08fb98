"""The open questions of one conversation: numbers, answers, and which answer still counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Inquiry
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_ONGOING_S
from chargepoint.model.car import QuestionAsked
from chargepoint.model.car_questions import AnswerToCar, Question
from chargepoint.model.ids import EvseId


class OpenQuestions:
    """At most one question of each kind; a new question of a kind replaces the one before."""

    def __init__(self, evse_id: EvseId) -> None:
        self._evse_id = evse_id
        self._inquiries: dict[type, Inquiry] = {}
        self._number = 0

    @property
    def all(self) -> Mapping[type, Inquiry]:
        """By kind of question."""
        return self._inquiries

    def ask(self, question: Question, now_s: float) -> QuestionAsked | None:
        """The event that asks; None where exactly this question is open or answered."""
        known = self._inquiries.get(type(question))
        if known is not None and known.question == question:
            return None
        self._number += 1
        self._inquiries = {**self._inquiries, type(question): Inquiry(self._number, question, now_s)}
        return QuestionAsked(self._evse_id, self._number, question, now_s + V2G_SECC_ONGOING_S)

    def take(self, number: int, answer: AnswerToCar) -> bool:
        """Keep the answer; False where no question of this number waits."""
        for kind, inquiry in self._inquiries.items():
            if inquiry.number == number and inquiry.answer is None:
                self._inquiries = {**self._inquiries, kind: replace(inquiry, answer=answer)}
                return True
        return False
