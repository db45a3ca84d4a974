"""One line a fact, and how many held."""
import time


class Report:
    def __init__(self):
        self.held, self.failed = 0, []
        self.started = time.monotonic()

    def check(self, text, check, *arguments):
        """`check` raises when it does not hold; what else goes wrong in it, a missing object for example, is a failure too."""
        try:
            check(*arguments)
        except Exception as error:  # noqa: BLE001
            what = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            self.failed.append(text)
            print(f"FAIL {text}\n       {what or 'it does not hold'}", flush=True)
            return False
        self.held += 1
        print(f"ok   {text}", flush=True)
        return True

    def equal(self, text, got, wanted):
        return self.check(text, equal, got, wanted)

    def end(self, what):
        seconds = time.monotonic() - self.started
        print(f"{what}: {self.held} facts hold, {len(self.failed)} do not ({seconds:.0f}s)", flush=True)
        return 1 if self.failed else 0


def equal(got, wanted):
    if got == wanted:
        return
    if isinstance(got, set) and isinstance(wanted, set):
        raise AssertionError(f"too many: {shown(got - wanted)}; missing: {shown(wanted - got)}")
    raise AssertionError(f"expected {wanted!r}, found {got!r}")


def shown(items):
    return ", ".join(sorted(map(str, items))) or "none"
