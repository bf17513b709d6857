"""Buys while things go wrong: the server is killed between the charge and the news of it, the provider is down, slow or lies.
Afterwards there is one of everything at the provider, requests have ended in time, and other routes have noticed nothing.

Usage: purchase.py --folder DIR --stripe-url URL [--psql PATH --template-of URL] [--hang-s N] -- QUOIN serve
       (settings as QUOIN_… in the environment; the Stripe tells the server of its events)
"""
import argparse, base64, concurrent.futures, http.client, json, os, signal, sys, threading, time
from urllib.parse import urlsplit

from books import WORD, Quoin, Stripe, ask

GOOD = "4242424242424242"
# What docs/api.md states for every operation that says nothing else, and what the way there may add on a busy machine.
DEADLINE_S, MARGIN_S = 30, 3
AT_ONCE = 20
TABLE = """create table notes (id uuid primary key default gen_random_uuid(), org_id uuid not null default auth.org_id(), words text not null);
alter table notes enable row level security;
create policy notes_own on notes for all using (org_id = auth.org_id()) with check (org_id = auth.org_id());"""


class Person:
    def __init__(self, quoin, name):
        self.quoin, email = quoin, f"{name}@failures.example"
        secret = {"authorization": "Bearer " + quoin.key}
        status, text = ask(quoin.url, "POST", "/auth/v1/admin/users", {"email": email, "password": WORD, "email_confirm": True}, secret)
        assert status == 200, text
        key = {"apikey": os.environ["QUOIN_PUBLISHABLE_KEY"]}
        status, text = ask(quoin.url, "POST", "/auth/v1/token?grant_type=password", {"email": email, "password": WORD}, key)
        assert status == 200, text
        token = json.loads(text)["access_token"]
        self.headers = {"authorization": "Bearer " + token}
        self.org_id = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["org_id"]

    def ask(self, method, path, body=None):
        status, text = ask(self.quoin.url, method, path, body, self.headers)
        return status, json.loads(text) if text else None

    def begin(self):
        order = {"plan": "pro", "success_url": "http://127.0.0.1/", "cancel_url": "http://127.0.0.1/"}
        return self.ask("POST", "/payments/v1/plans/checkout", order)

    def checkout(self):
        """Comes back when told to, as clients do."""
        status, page = until("a payment page", lambda: (found := self.begin())[0] == 200 and found)
        return page

    def has(self):
        status, found = self.ask("GET", "/payments/v1/subscriptions")
        return status == 200 and any(one["access"] == "full" for one in found["data"])

    def premium(self):
        status, found = self.ask("GET", "/payments/v1/entitlements")
        return status == 200 and found["entitlements"].get("export") is True


def until(what, check, patience_s=60):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            if found := check():
                return found
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {patience_s} s")


class Reader(threading.Thread):
    """Reads one row again and again, as somebody who buys nothing."""

    def __init__(self, person, id):
        super().__init__(daemon=True)
        self.path, self.headers = f"/rest/v1/notes?id=eq.{id}", person.headers
        place = urlsplit(person.quoin.url)
        self.link = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        self.times, self.over, self.problems = [], threading.Event(), []

    def run(self):
        while not self.over.is_set():
            began = time.perf_counter()
            self.link.request("GET", self.path, headers=self.headers)
            answer = self.link.getresponse()
            rows = json.loads(answer.read())
            self.times.append(time.perf_counter() - began)
            if answer.status != 200 or len(rows) != 1:
                self.problems.append(f"{answer.status} {rows}")
            time.sleep(0.002)

    def finish(self):
        self.over.set()
        self.join()
        assert not self.problems, self.problems[:3]
        return sorted(self.times)[int(len(self.times) * 0.99)] * 1000


class Failures:
    def __init__(self, quoin, stripe, url):
        self.quoin, self.stripe, self.url = quoin, stripe, url

    def chaos(self, **knobs):
        for wish in ({"reset": True}, knobs):
            assert not wish or ask(self.url, "POST", "/_twin/chaos", wish)[0] == 200

    def at_stripe(self, person):
        """What Stripe has of somebody: customers, sessions, subscriptions, successful charges."""
        rows = self.quoin.rows("remote_id, subject_id", "payments_customers", "where remote_id is not null")
        org = person.org_id
        ours = [row[0] for row in rows if row[1] == org]
        theirs = [one["id"] for one in self.stripe.pages("customers") if one["metadata"].get("quoin_subject") == f"org:{org}"]
        assert ours == theirs, (ours, theirs)
        one = theirs[0]
        charges = [charge for charge in self.stripe.pages("charges", customer=one) if charge["status"] == "succeeded"]
        return (len(theirs), len(list(self.stripe.pages("checkout/sessions", customer=one))),
                len(list(self.stripe.pages("subscriptions", customer=one, status="all"))), len(charges))

    def offer(self):
        secret = {"authorization": "Bearer " + self.quoin.key}
        body = {"id": "pro", "name": "Pro", "prices": [{"interval": "month", "amount": 1900, "currency": "usd"}], "entitlements": {"export": True}}
        for path, wish, expected in (("/payments/v1/plans", body, 201), ("/admin/v1/migrations", {"name": "notes", "sql": TABLE}, 200)):
            status, text = ask(self.quoin.url, "POST", path, wish, secret)
            assert status in (expected, 201), (path, status, text)
        until("the plan at Stripe", lambda: json.loads(ask(self.quoin.url, "GET", "/payments/v1/plans", None, secret)[1])["data"][0]["published"])

    def webhook_first(self):
        person = Person(self.quoin, "first")
        page = person.checkout()
        assert not person.premium()
        assert self.stripe.pay(page["url"], GOOD) == 303
        until("the subscription", person.has)
        assert person.premium()
        assert self.at_stripe(person) == (1, 1, 1, 1)
        return "before the redirect is followed"

    def killed(self):
        """Kill -9 after the card was charged and before anybody has told us."""
        person = Person(self.quoin, "killed")
        page = person.checkout()
        self.chaos(delay=100, delay_ms=1500)
        assert self.stripe.pay(page["url"], GOOD) == 303
        assert not person.has()
        self.quoin.stop(signal.SIGKILL)
        charged = self.at_stripe_by_url(page)
        time.sleep(2)
        self.quoin.start()
        assert not person.premium() or person.has()
        until("the subscription", person.has)
        assert person.premium()
        self.chaos()
        assert self.at_stripe(person) == (1, 1, 1, 1)
        return f"the session was {charged} while nobody listened"

    def at_stripe_by_url(self, page):
        found = self.stripe.call("GET", f"checkout/sessions/{page['session_id']}")
        assert (found["status"], found["payment_status"]) == ("complete", "paid"), found
        return found["payment_status"]

    def killed_and_forgotten(self):
        """The same, and every webhook is lost as well: what remains is to compare."""
        person = Person(self.quoin, "forgotten")
        page = person.checkout()
        self.chaos(drop=100)
        assert self.stripe.pay(page["url"], GOOD) == 303
        self.quoin.stop(signal.SIGKILL)
        self.quoin.start()
        assert not person.has() and not person.premium()
        status, text = ask(self.quoin.url, "POST", "/payments/v1/reconcile", None, {"authorization": "Bearer " + self.quoin.key})
        assert status == 200 and not json.loads(text)["failed"], text
        assert person.has() and person.premium()
        self.chaos()
        assert self.at_stripe(person) == (1, 1, 1, 1)
        return f"{len(json.loads(text)['repaired'])} repaired"

    def two_tabs(self):
        """Fifty clicks, then two tabs with the same page, paid at once."""
        person = Person(self.quoin, "tabs")
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            pages = list(pool.map(lambda _: person.checkout()["session_id"], range(AT_ONCE)))
        page = person.checkout()
        assert set(pages) == {page["session_id"]}, set(pages)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = sorted(pool.map(lambda _: self.stripe.pay(page["url"], GOOD), range(2)))
        assert answers.count(303) == 1, answers
        until("the subscription", person.has)
        status, refusal = person.begin()
        assert (status, refusal["code"]) == (409, "already_subscribed"), refusal
        assert self.at_stripe(person) == (1, 1, 1, 1)
        return f"{AT_ONCE} clicks, two payments at once, answered {answers}"

    def down(self):
        person = Person(self.quoin, "down")
        self.chaos(error=100, path="/v1/")
        began = time.monotonic()
        status, refusal = person.begin()
        took = time.monotonic() - began
        assert status == 503, (status, refusal)
        assert took < DEADLINE_S + MARGIN_S, took
        self.chaos()
        return self.then_buys(person, f"503 {refusal['code']} after {took:.1f} s")

    def lying(self):
        """Done, and not answered: for the customer, then for the session."""
        person = Person(self.quoin, "lying")
        for path in ("/v1/customers", "/v1/checkout/sessions"):
            self.chaos(close=100, path=path)
            began = time.monotonic()
            status, refusal = person.begin()
            assert status == 503, (path, status, refusal)
            assert time.monotonic() - began < DEADLINE_S + MARGIN_S
        self.chaos()
        return self.then_buys(person, "503 twice")

    def wrongly_signed(self):
        person = Person(self.quoin, "signed")
        page = person.checkout()
        self.chaos(wrong_signature=100)
        assert self.stripe.pay(page["url"], GOOD) == 303
        time.sleep(1)
        assert not person.has() and not person.premium()
        self.chaos()
        until("the subscription", person.has)
        assert self.at_stripe(person) == (1, 1, 1, 1)
        return "nothing is believed until the signature holds"

    def then_buys(self, person, words):
        page = person.checkout()
        assert self.stripe.pay(page["url"], GOOD) == 303
        until("the subscription", person.has)
        assert self.at_stripe(person) == (1, 1, 1, 1)
        return words + ", then one of everything"

    def slow(self, hang_s):
        """Many wait for a provider that keeps silent; somebody else reads rows."""
        reader = Person(self.quoin, "reader")
        headers = {**reader.headers, "prefer": "return=representation"}
        rows = json.loads(ask(self.quoin.url, "POST", "/rest/v1/notes", {"words": "calm"}, headers)[1])
        buyers = [Person(self.quoin, f"buyer{number}") for number in range(AT_ONCE)]
        calm = self.read(reader, rows[0]["id"], lambda: time.sleep(3))
        self.chaos(hang=100, hang_ms=int(hang_s * 1000), path="/v1/")
        took = []

        def buy(person):
            began = time.monotonic()
            status, answer = person.begin()
            took.append(time.monotonic() - began)
            return status, answer

        def all_buy():
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                self.answers = list(pool.map(buy, buyers))

        busy = self.read(reader, rows[0]["id"], all_buy)
        self.chaos()
        assert all(status == 503 for status, _ in self.answers), self.answers
        assert max(took) < DEADLINE_S + MARGIN_S, max(took)
        assert busy < max(4 * calm, 25), f"a row took {busy:.1f} ms, before {calm:.1f} ms"
        self.then_buys(buyers[0], "")
        return (f"{AT_ONCE} at once refused after {max(took):.1f} s at most; p99 of reading a row meanwhile {busy:.1f} ms, before {calm:.1f} ms")

    def read(self, person, id, meanwhile):
        thread = Reader(person, id)
        thread.start()
        meanwhile()
        return thread.finish()


def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "stripe-url"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--psql")
    parser.add_argument("--template-of")
    parser.add_argument("--hang-s", type=float, default=2)
    parser.add_argument("serve", nargs="+")
    options = parser.parse_args()
    counts = {"passed": 0, "failed": 0}
    quoin, stripe = Quoin(options), Stripe(options.stripe_url)
    failures = Failures(quoin, stripe, options.stripe_url)

    def step(name, body, *arguments):
        try:
            said = body(*arguments)
            counts["passed"] += 1
            print(f"  ✓ {name}: {said}", flush=True)
        except Exception as problem:  # the driver reports whatever went wrong and goes on
            counts["failed"] += 1
            print(f"  ✗ {name}: {type(problem).__name__}: {problem}", flush=True)
            failures.chaos()

    quoin.make()
    quoin.start()
    failures.offer()
    step("the webhook comes before the redirect", failures.webhook_first)
    step("two tabs", failures.two_tabs)
    step("killed between the charge and its webhook", failures.killed)
    step("killed, and every webhook lost", failures.killed_and_forgotten)
    step("the provider is down", failures.down)
    step("the provider does it and does not say so", failures.lying)
    step("the provider signs wrongly", failures.wrongly_signed)
    step(f"the provider keeps silent for {options.hang_s:.0f} s", failures.slow, options.hang_s)
    quoin.stop()
    print(f"\npurchase: {counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)


main()
