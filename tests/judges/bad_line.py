"""A line that fails between the program and an AWS: it cuts connections before or after AWS has acted, delays answers, and kills the program on the way.

What becomes of a request is drawn by seed from its operation and how often that was asked for, so it does not depend on the order in which requests come.
"""
import random
import threading
from collections import Counter
from typing import Callable, NamedTuple


class Fate(NamedTuple):
    # AWS sees it.
    arrives: bool = True
    # The program hears what AWS says.
    answered: bool = True
    # Seconds by which the answer comes late.
    late: float = 0
    # What happens at the very end of it.
    strike: Callable[[], None] = lambda: None


FATES = {"cut": Fate(arrives=False), "lost": Fate(answered=False), "answered": Fate()}


class GoodLine:
    def fate(self, _service, _operation):
        return Fate()


class BadLine:
    """Of a hundred requests it cuts and loses so many, and answers so many late."""

    def __init__(self, seed, cut=5, lost=5, late=10):
        self.seed, self.shares = seed, {"cut": cut, "lost": lost, "late": late}
        self.lock, self.asked, self.count, self.told = threading.Lock(), Counter(), 0, Counter()
        self.kill_at, self.kill_how, self.kill = None, None, None

    def will_kill(self, at, how, kill):
        """The request of this number, counted from now on, is the last of its run: `how` is what becomes of it, `kill` ends the program."""
        with self.lock:
            self.kill_at, self.kill_how, self.kill = self.count + at, how, kill

    def will_not_kill(self):
        self.kill_at = None

    def fate(self, service, operation):
        with self.lock:
            self.asked[service, operation] += 1
            self.count += 1
            if self.count == self.kill_at:
                self.told["killed"] += 1
                return FATES[self.kill_how]._replace(strike=self.kill)
            chance = random.Random(f"{self.seed} {service} {operation} {self.asked[service, operation]}")
            drawn = chance.uniform(0, 100)
            for what, share in self.shares.items():
                if drawn < share:
                    self.told[what] += 1
                    return Fate(late=chance.uniform(0.05, 1)) if what == "late" else FATES[what]
                drawn -= share
            return Fate()

    def summed_up(self):
        return ", ".join(f"{count} {what}" for what, count in sorted(self.told.items()))
