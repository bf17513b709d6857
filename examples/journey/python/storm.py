"""Delivers a history's webhooks shuffled, repeated and in parallel, kills the server in between, and demands the state that
the same webhooks leave behind in their order.

Usage: storm.py --folder DIR --stripe-url URL --webhook-secret S [--psql PATH --template-of URL] [--people N] [--webhooks N]
       [--seeds N] -- QUOIN serve     (settings as QUOIN_… in the environment)
"""
import argparse, hashlib, hmac, http.client, json, os, queue, random, signal, sys, threading, time
from urllib.parse import urlsplit

from books import TRUTH, WORD, Quoin, Stripe, against_stripe, ask

PARALLEL = 50
GIVES = {"projects": {"limit": 3}, "seats": {"limit": 5}, "export": True}


def sell(quoin, stripe, people, dice):
    """Lets people buy, without a single webhook reaching the server."""
    secret = {"authorization": "Bearer " + quoin.key}

    def must(expected, method, path, body=None, headers=secret):
        status, text = ask(quoin.url, method, path, body, headers)
        if status != expected:
            raise RuntimeError(f"{method} {path}: {status} {text.decode()}")
        return json.loads(text) if text else None

    for plan, amount in (("pro", 1900), ("team", 4900)):
        prices = [{"interval": "month", "amount": amount, "currency": "usd"}, {"interval": "year", "amount": amount * 10, "currency": "usd"}]
        must(201, "POST", "/payments/v1/plans", {"id": plan, "name": plan.title(), "prices": prices, "entitlements": GIVES})
    while not all(plan["published"] for plan in must(200, "GET", "/payments/v1/plans")["data"]):
        time.sleep(0.05)
    for number in range(people):
        person = {"email": f"p{number}@storm.example", "password": WORD, "email_confirm": True}
        must(200, "POST", "/auth/v1/admin/users", person)
        session = must(200, "POST", "/auth/v1/token?grant_type=password", {"email": person["email"], "password": WORD}, {"apikey": os.environ["QUOIN_PUBLISHABLE_KEY"]})
        order = {"plan": dice.choice(["pro", "team"]), "interval": dice.choice(["month", "year"]), "success_url": "http://127.0.0.1/", "cancel_url": "http://127.0.0.1/"}
        page = must(200, "POST", "/payments/v1/plans/checkout", order, {"authorization": "Bearer " + session["access_token"]})
        fate = dice.random()
        if fate < 0.1:
            stripe.call("POST", f"checkout/sessions/{page['session_id']}/expire")
        elif fate > 0.15:
            card = "4000000000000259" if fate > 0.95 else "4242424242424242"
            if stripe.pay(page["url"], card) != 303:
                raise RuntimeError("the hosted page refused a good card")


def change(stripe, wanted, dice):
    """Does at random what customers and the team do at Stripe's side, until there are enough events."""
    live = list(stripe.pages("subscriptions", status="all"))
    coupon = stripe.call("POST", "coupons", percent_off=25, duration="forever")["id"]
    refunded = set()
    while stripe.count_events() < wanted:
        for one in dice.sample(live, min(len(live), 40)):
            path, item = f"subscriptions/{one['id']}", one["items"]["data"][0]["id"]
            deeds = [
                lambda: stripe.call("POST", path, **{"items[0][id]": item, "items[0][quantity]": dice.randint(1, 9)}),
                lambda: stripe.call("POST", path, cancel_at_period_end="true"),
                lambda: stripe.call("POST", path, cancel_at_period_end="false"),
                lambda: stripe.call("POST", path, **{"pause_collection[behavior]": "void"}),
                lambda: stripe.call("POST", path, pause_collection=""),
                lambda: stripe.call("POST", path, **{"discounts[0][coupon]": coupon}),
                lambda: refund(stripe, one, refunded, dice),
                lambda: dice.random() < 0.05 and stripe.call("DELETE", path),
            ]
            try:
                dice.choice(deeds)()
            except RuntimeError as refusal:
                # An ended one takes no changes, and nobody gets back more than they paid.
                if not any(word in str(refusal) for word in ("canceled", "refund", "No such subscription")):
                    raise


def refund(stripe, one, refunded, dice):
    invoice = one["latest_invoice"]
    payments = stripe.call("GET", "invoice_payments", invoice=invoice)["data"]
    if payments and invoice not in refunded:
        refunded.add(invoice)
        intent = payments[0]["payment"]["payment_intent"]
        stripe.call("POST", "refunds", payment_intent=intent, amount=dice.randint(1, 900))


def sign(secret, body):
    at = int(time.time())
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


class Line:
    """A connection that is kept, as whoever delivers thousands would."""

    def __init__(self, quoin, secret):
        self.quoin, self.secret, self.link = quoin, secret, None

    def deliver(self, body):
        """Tells whether it was taken; a connection that broke is made anew next time."""
        try:
            if self.link is None:
                place = urlsplit(self.quoin.url)
                self.link = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
            headers = {"stripe-signature": sign(self.secret, body), "content-type": "application/json"}
            self.link.request("POST", "/stripe", body, headers)
            answer = self.link.getresponse()
            answer.read()
            return answer.status == 200
        except (OSError, http.client.HTTPException):
            self.link = None
            return False


def storm(quoin, secret, bodies, dice):
    """Delivers each one to five times, shuffled, fifty at once, with two kills; what is not answered comes again."""
    waiting = queue.Queue()
    deliveries = [body for body in bodies for _ in range(dice.randint(1, 5))]
    dice.shuffle(deliveries)
    for body in deliveries:
        waiting.put(body)
    answered, lock = [0], threading.Lock()
    kills = [len(deliveries) // 3, 2 * len(deliveries) // 3]

    def work():
        line = Line(quoin, secret)
        while answered[0] < len(deliveries):
            try:
                body = waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            if line.deliver(body):
                with lock:
                    answered[0] += 1
            else:
                waiting.put(body)
                time.sleep(0.05)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(PARALLEL)]
    for worker in workers:
        worker.start()
    for kill in kills:
        while answered[0] < kill:
            time.sleep(0.002)
        quoin.stop(signal.SIGKILL)
        quoin.start()
    for worker in workers:
        worker.join()
    return len(deliveries)


def differences(expected, found):
    lines = []
    for name in TRUTH:
        gone = [row for row in expected[name] if row not in found[name]]
        new = [row for row in found[name] if row not in expected[name]]
        lines += [f"{name}: - {row}" for row in gone[:3]] + [f"{name}: + {row}" for row in new[:3]]
    return lines


def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "stripe-url", "webhook-secret"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--psql")
    parser.add_argument("--template-of")
    for name, default in (("people", 12), ("webhooks", 900), ("seeds", 1)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("serve", nargs="+")
    options = parser.parse_args()
    counts = {"passed": 0, "failed": 0}

    def step(name, problems):
        counts["failed" if problems else "passed"] += 1
        print(f"  {'✗' if problems else '✓'} {name}", *problems[:12], sep="\n      ", flush=True)

    quoin, stripe, dice = Quoin(options), Stripe(options.stripe_url), random.Random(1)
    ask(options.stripe_url, "POST", "/_twin/chaos", {"drop": 100})
    quoin.make()
    quoin.start()
    sell(quoin, stripe, options.people, dice)
    quoin.stop()
    # Each is delivered three times on average.
    change(stripe, options.webhooks // 3, dice)
    events = list(stripe.pages("events"))[::-1]
    bodies = [json.dumps(event).encode() for event in events]
    step(f"{options.people} people and the team make a history of {len(events)} events", [])
    quoin.copy("in_order")
    quoin.start()
    line = Line(quoin, options.webhook_secret)
    unanswered = [event["id"] for event, body in zip(events, bodies) if not line.deliver(body)]
    quoin.settle(len(events))
    quoin.stop()
    expected = quoin.truth()
    step("replayed in order, every one is answered", unanswered)
    step("the books equal Stripe's, and nobody has or lacks what they did not or did pay for", against_stripe(stripe, expected))
    for seed in range(1, options.seeds + 1):
        quoin.copy(f"seed_{seed}")
        quoin.start()
        began = time.monotonic()
        delivered = storm(quoin, options.webhook_secret, bodies, random.Random(seed))
        took = time.monotonic() - began
        quoin.settle(len(events))
        quoin.stop()
        name = f"seed {seed}: {delivered} webhooks shuffled, {PARALLEL} at once, two kills, {took:.1f} s: the same rows"
        problems = differences(expected, quoin.truth())
        step(name, problems)
        if not problems:
            quoin.forget()
    print(f"\nstorm: {counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)


main()
