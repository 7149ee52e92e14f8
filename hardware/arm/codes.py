"""What the controller, its warnings, the joints' servos and the client's calls mean by a number, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SERVO: Final = tuple(range(10, 18))
"""Controller errors of the joints' servos: the joints have to be enabled before these can be cleared."""


@dataclass(frozen=True)
class Meaning:
    """One code in plain words."""

    happened: str
    """A clause that goes on after "the arm stopped: "."""
    remedy: str
    """What to do, as a sentence."""


_RESTART: Final = (
    "Switch the control box off and on; if it comes back, this is for the vendor's support."
)
_SLOWER: Final = "Lower the speeds in the arm's config, or send targets that lie nearer together."
_RELEASE: Final = "Let go of it once it is safe to move, then recover."
_LOOK: Final = "Go and look at the arm before anything else. "

ERRORS: Final[dict[int, Meaning]] = {
    1: Meaning("the emergency stop button of the control box is pressed", _RELEASE),
    2: Meaning("the emergency stop input of the control box is open", _RELEASE),
    3: Meaning("the emergency stop of the three-position switch is pressed", _RELEASE),
    10: Meaning("a joint's servo reports an error and its brake is on", _LOOK + "Then recover."),
    **{
        10 + joint: Meaning(
            f"the servo of joint {joint} reports an error and its brake is on",
            _LOOK + "Then recover.",
        )
        for joint in range(1, 8)
    },
    18: Meaning(
        "the force sensor does not answer", "Check its cable, or take it out of the setup."
    ),
    19: Meaning("the tool at the flange does not answer", "Check its power, cable and baud rate."),
    21: Meaning(
        "no joints bring the tool to the target", "Move away from the edge of the arm's reach."
    ),
    22: Meaning(
        "the arm was about to hit itself",
        "Move it clear by hand in the vendor's manual mode, then recover.",
    ),
    23: Meaning("a joint is at its limit", "Move the joints back inside, then recover."),
    24: Meaning("a target asked for more speed than the arm has", _SLOWER),
    25: Meaning("the controller could not plan the motion", _SLOWER),
    26: Meaning("the control box missed its own deadlines", _RESTART),
    27: Meaning("the control box lost an answer of the joints", _RESTART),
    28: Meaning("the module in the flange does not answer", _RESTART),
    30: Meaning(
        "a joint ran faster than it may", _LOOK + "Do not recover without having found why."
    ),
    31: Meaning(
        "a collision, or a current as if there were one",
        _LOOK
        + "Free what is caught; check payload and collision sensitivity; recover and move away slowly.",
    ),
    32: Meaning("an arc could not be computed", "Send other points."),
    33: Meaning("the inputs and outputs of the control box fail", "Check their wiring and power."),
    34: Meaning("a recording on the controller took too long", "Record less."),
    35: Meaning(
        "the tool left the fence",
        "Move it back inside by hand in the vendor's manual mode, then recover.",
    ),
    36: Meaning("too many delayed commands wait on the controller", "Send fewer."),
    37: Meaning(
        "the arm moved strangely in manual mode", "Check payload and mounting, then recover."
    ),
    38: Meaning(
        "the angle of a joint makes no sense",
        "Press the emergency stop; this is for the vendor's support.",
    ),
    39: Meaning("the two halves of the power board do not talk", _RESTART),
    40: Meaning("no path of the joints leads to the target", "Move another way."),
    41: Meaning("the controller's friction file is damaged", _RESTART),
    42: Meaning("the controller's calibration file is damaged", _RESTART),
    50: Meaning("the force sensor cannot be read", "Check its cable."),
    51: Meaning("the mode of the force sensor cannot be set", "Check its cable."),
    52: Meaning("the force sensor cannot be set to zero", "Take the load off and try again."),
    53: Meaning("the force sensor is overloaded", "Take the load off and set it to zero."),
    60: Meaning("the tool was sent faster than it may go while joints were streamed", _SLOWER),
    110: Meaning("the base of the arm does not answer", _RESTART),
    111: Meaning("a device at the control box does not answer", "Check its cable and power."),
}
"""Of the controller."""

WARNINGS: Final[dict[int, str]] = {
    11: "its buffer of commands is full",
    12: "a command had a parameter that makes no sense",
    13: "a command is unknown to it",
    14: "a target has no solution",
    15: "its queue to the tool is full",
}
"""Of the controller; they stop nothing."""

SERVO_ERRORS: Final[dict[int, str]] = {
    10: "its current cannot be measured",
    11: "too much current",
    12: "too much speed",
    14: "a position beyond its range was asked for",
    15: "too hot",
    16: "its encoder did not start",
    17: "its encoder fails",
    18: "its encoder has lost count of turns",
    19: "the battery of its encoder is low",
    20: "its driver fails",
    21: "its driver did not start",
    22: "its encoder is set up wrongly",
    23: "it is far from where it should be: blocked, or overloaded",
    26: "past its greatest angle",
    27: "past its least angle",
    28: "not enabled",
    33: "its driver is overloaded",
    34: "its motor is overloaded",
    35: "another motor than it should have",
    36: "another driver than it should have",
    39: "too much voltage: brake more gently",
    40: "too little voltage: enable it once more",
    49: "its memory fails",
    52: "its angle was not found at start",
    58: "no commands reach it",
}
"""Of one joint's servo."""

CALLS: Final[dict[int, str]] = {
    -1: "there is no connection",
    -2: "the arm is not ready to move",
    -6: "the pose is beyond the limits",
    -7: "a joint is beyond its limit",
    -8: "a number is out of range",
    -9: "the arm was stopped meanwhile",
    1: "the controller has an error",
    2: "the controller has a warning",
    3: "no answer came in time",
    4: "the answer has the wrong length",
    5: "the answer belongs to another question",
    6: "the answer speaks another protocol",
    7: "the answer is to another command",
    8: "it could not be sent",
    9: "the arm is not ready to move",
    10: "the controller calls it invalid",
    11: "an error without a name",
    12: "a parameter makes no sense",
    100: "waiting took too long",
}
"""What the vendor's client returns."""


def error(code: int) -> Meaning:
    """What an error of the controller means."""
    unknown = Meaning(
        f"the controller reports error {code}, which is in no list of ours",
        "Look it up in the vendor's manual before anything else.",
    )
    return ERRORS.get(code, unknown)


def describe(code: int) -> str:
    """A controller error as two sentences: what happened, and what to do."""
    meaning = error(code)
    return f"{meaning.happened} (controller error {code}). {meaning.remedy}"


def servo(codes: tuple[int, ...]) -> str:
    """What the servos of the joints report, or nothing.

    Args:
        codes: One for every joint, 0 where there is none.
    """
    told = [
        f"joint {joint}: {SERVO_ERRORS.get(code, 'an unknown error')} (servo error {code})"
        for joint, code in enumerate(codes, start=1)
        if code
    ]
    return "; ".join(told)


def call(code: int) -> str:
    """What the vendor's client means by what it returned."""
    return CALLS.get(code, "something that is in no list of ours")
