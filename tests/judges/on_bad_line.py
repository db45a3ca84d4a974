"""moto again, over a line that cuts connections and answers late, with the program killed on the way: up, down, and nothing is left.

`python on_bad_line.py [SEED]`; the same seed gives the same faults to the same requests.
"""
import random
import sys
from collections import Counter

from bad_line import FATES, BadLine, GoodLine
from facts import BUILT
from inventory import inventory
from journey import Journey
from on_moto import moto

# The program's own waiting is for an AWS that takes its time; moto does not.
HURRY = ("--time-scale", "20")
UP = ("up", "--yes", *HURRY)
DOWN = ("down", "--yes", "--allow-data-loss", *HURRY)
KILLS = 6


class Passage(Journey):
    def __init__(self, endpoint, seed):
        super().__init__(endpoint, forgetful=False)
        self.random, self.line = random.Random(seed), BadLine(seed)

    def walk(self):
        before = inventory(self.client)
        undisturbed = self.landing(*UP)
        stands = self.kinds()
        gone = self.landing(*DOWN)
        self.report.equal("undisturbed: up and down end well", (undisturbed.code, gone.code), (0, 0))
        self.report.equal("undisturbed: down leaves what stood before", set(inventory(self.client)), set(before))

        self.through("up", UP, len(undisturbed.calls))
        self.report.equal("up: of every kind there are as many as after an undisturbed one", self.kinds(), stands)
        self.judge(BUILT, self.given())
        self.still("up again, on a good line", self.landing(*UP))

        self.through("down", DOWN, len(gone.calls))
        self.report.equal("down: what stands is what stood before the first up", set(inventory(self.client)), set(before))
        self.still("down again, on a good line", self.landing(*DOWN))
        self.report.check("the line did all that it is there for", self.was_bad)

    def kinds(self):
        return Counter(line.split()[0] for line in inventory(self.client))

    def through(self, what, command, calls):
        """Killed at requests all over its way, each time begun again, and at last let come to its end."""
        self.witness.line, codes = self.line, []
        for _ in range(KILLS):
            mark = len(self.witness.calls)
            process = self.start(*command)
            self.line.will_kill(self.random.randrange(1, calls), self.random.choice(sorted(FATES)), process.kill)
            run = self.end(process, mark)
            codes.append(run.code)
            if run.code not in (-9, 0):
                print(f"     exit {run.code}: {run.why()}", flush=True)
        self.line.will_not_kill()
        last = self.landing(*command)
        self.witness.line = GoodLine()
        print(f"     {what}: exits {codes}, then {last.code}; so far {self.line.summed_up()}", flush=True)
        # One that was further than the number says has come to its end.
        self.report.equal(f"{what}: every run was killed or ended well", set(codes) - {-9, 0}, set())
        self.report.equal(f"{what}: the last one ends well", (last.code, last.summary["failed"]), (0, []))

    def was_bad(self):
        told = self.line.told
        assert min(told[word] for word in ("cut", "lost", "late")) >= 20 and told["killed"] >= KILLS, told


def main(seed):
    with moto() as server:
        return Passage(server.url, seed).run().end(f"moto on a bad line, seed {seed}")


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["1"])))
