"""A policy that runs until a person takes over, and again once the person gives back: human-gated DAgger.

After Kelly et al. 2019, HG-DAgger: the person decides when. What the policy would have done is kept beside what the person
did, at every step, so that data made like this can train the policy on the states that it led to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.contracts import Policy
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.uncertain import in_words

from .device import TAKE
from .person import Person


class TakeOver(Closing):
    """A `Policy` around another: who moves the hand takes over at once, who asks for it gives back.

    The policy sees every observation, also while the person acts, so that its history is whole when it goes on.
    """

    def __init__(self, policy: Policy, person: Person) -> None:
        """Watch a policy; closing closes the person's devices."""
        self._policy = policy
        self._person = person
        self._asked: list[str] = []
        self._doubts = ""
        self.by_person = False
        """Whether the person chose the last action."""
        self.policys_action: Float32 | None = None
        """What the policy wanted to do at the last step, (1, A)."""

    @property
    def words(self) -> str:
        """Who acts, for a line of status; of the policy also how sure it is, if it says so."""
        if self.by_person:
            return f"you: {self._person.words}"
        return ", ".join(part for part in ("the policy acts", self._doubts) if part)

    @property
    def moving(self) -> bool:
        """Whether anything acts that would move the tool."""
        return not self.by_person or self._person.moving

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """An episode begins, with the policy acting.

        Raises:
            ConfigError: There are several environments.
        """
        self._person.reset(mask, seeds)
        self._policy.reset(mask, seeds)
        self._asked.clear()
        self.by_person = False
        self.policys_action = None
        self._doubts = ""

    def act(self, observation: Observation) -> Float32:
        """The policy's action or the person's, (1, A).

        Raises:
            ConfigError: There are several environments.
            DeviceLost: What the hand held is gone.
            SpecMismatch: The policy's actions have another shape than the person's.
        """
        mine = self._person.act(observation)
        wanted = self._policy.act(observation)
        if wanted.shape != mine.shape:
            raise SpecMismatch(
                f"The policy gives actions of shape {wanted.shape}, the person of {mine.shape}."
            )
        for ask in self._person.asked():
            if ask == TAKE:
                self.by_person = not self.by_person
            else:
                self._asked.append(ask)
        self.by_person = self.by_person or self._person.moving
        self.policys_action = np.array(wanted)
        self._doubts = in_words(self._policy)
        return mine if self.by_person else wanted

    def look(self) -> None:
        """Hear what is asked for, between episodes; nobody acts.

        Raises:
            DeviceLost: What the hand held is gone.
        """
        self._person.look()
        self._asked += [ask for ask in self._person.asked() if ask != TAKE]

    def held(self) -> bool:
        """Whether the robot may move: always while the policy acts, and as the person's switch says otherwise."""
        return not self.by_person or self._person.held()

    def asked(self) -> tuple[str, ...]:
        """What was asked for since the last call, but who acts: that is seen to already."""
        asked = tuple(self._asked)
        self._asked.clear()
        return asked

    def close(self) -> None:
        """Let go of the person's devices; may be called twice."""
        self._person.close()
