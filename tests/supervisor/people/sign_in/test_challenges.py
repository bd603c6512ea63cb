"""A challenge is for one purpose, counts once, and for five minutes."""

from __future__ import annotations

from supervisor.people.sign_in.challenges import SECONDS, Challenges


class Monotonic:
    """A clock of the tests, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_fits_its_purpose_alone_and_counts_once() -> None:
    challenges = Challenges(Monotonic())
    made = challenges.make("approval 1")
    assert challenges.fits(made, "approval 1")
    assert not challenges.fits(made, "approval 2")
    assert not challenges.fits(made[:-1] + bytes([made[-1] ^ 1]), "approval 1")
    assert not challenges.fits(b"", "approval 1")
    assert not Challenges(Monotonic()).fits(made, "approval 1"), "of another start"
    assert challenges.use(made)
    assert not challenges.use(made)
    assert not challenges.fits(made, "approval 1")


def test_it_expires_and_is_forgotten() -> None:
    clock = Monotonic()
    challenges = Challenges(clock)
    made = challenges.make("sign in")
    assert challenges.use(made)
    clock.now += SECONDS + 1
    assert not challenges.fits(made, "sign in")
    assert challenges.use(challenges.make("sign in"))
    assert len(challenges._used) == 1
