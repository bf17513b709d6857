"""Delivers a history's webhooks shuffled, repeated and in parallel, kills the server in between, and demands the state that
the same webhooks leave behind in their order.

Usage: storm.py --folder DIR --stripe-url URL --webhook-secret S [--psql PATH --template-of URL] [--people N] [--webhooks N]
       [--seeds N] -- QUOIN serve     (settings as QUOIN_… in the environment)
"""
import argparse, hashlib, hmac, http.client, json, os, queue, random, shutil, signal, sqlite3, subprocess, sys, threading, time
from urllib.parse import urlencode, urlsplit

PARALLEL = 50
PATIENCE_S = 240
WORD = "three unrelated words"
GIVES = {"projects": {"limit": 3}, "seats": {"limit": 5}, "export": True}
# What must not differ, whatever the order: everything but the moments at which this server learned of it.
TRUTH = {
    "subscriptions": "subject_id, remote_id, plan_id, plan_version, price_id, status, quantity, amount, currency,"
    " current_period_start, current_period_end, trial_end, cancel_at, canceled_at, ended_at, paused, discount, disputed,"
    " past_due_since, access, mismatch",
    "invoices": "subject_id, remote_id, subscription, number, status, subtotal, total, amount_paid, amount_refunded,"
    " amount_remaining, lines, mismatch",
    "refunds": "subject_id, remote_id, amount, status",
    "checkouts": "subject_id, remote_id, state, problem",
    "entitlements": "subject_id, name, plan_id, value, allowed, mode, used",
    "standings": "subject_id, plan_id, plan_version, premium, premium_until, auto_renew",
}


def ask(base, method, path, body=None, headers=None, form=False):
    place = urlsplit(base)
    given = dict(headers or {})
    if body is not None:
        given["content-type"] = "application/x-www-form-urlencoded" if form else "application/json"
        body = (urlencode(body) if form else json.dumps(body)) if not isinstance(body, bytes) else body
    link = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    try:
        link.request(method, path, body, given)
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


class Stripe:
    def __init__(self, url):
        self.url = url

    def call(self, method, path, **fields):
        headers = {"authorization": "Bearer sk_test_storm"}
        target = f"/v1/{path}" + (f"?{urlencode(fields)}" if method == "GET" and fields else "")
        status, text = ask(self.url, method, target, None if method == "GET" else fields, headers, form=True)
        found = json.loads(text)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {text.decode()}")
        return found

    def pages(self, path, **fields):
        after = {}
        while True:
            page = self.call("GET", path, limit=100, **fields, **after)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def pay(self, url, card):
        fields = {"email": "ada@example.com", "name": "Ada", "number": card, "expiry": "12/34", "cvc": "123"}
        place = urlsplit(url)
        base = f"{place.scheme}://{place.netloc}"
        return ask(base, "POST", place.path, fields, {"origin": base}, form=True)[0]


class Quoin:
    """The server, on one of several copies of the same data."""

    def __init__(self, options):
        self.options, self.words = options, options.serve
        self.url = "http://" + os.environ["QUOIN_LISTEN"]
        self.key = os.environ["QUOIN_SECRET_KEY"]
        self.log = open(os.path.join(options.folder, "log"), "ab")
        self.process, self.name = None, "base"

    def environment(self):
        settings = dict(os.environ)
        settings["QUOIN_DATA_DIR"] = os.path.join(self.options.folder, self.name)
        if self.options.psql:
            settings["QUOIN_DATABASE_URL"] = self.database()
        return settings

    def database(self, name=None):
        place = urlsplit(self.options.template_of)
        return place._replace(path=f"/storm_{name or self.name}").geturl()

    def sql(self, url, text):
        words = [self.options.psql, url, "-v", "ON_ERROR_STOP=1", "-Atqc", text]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def make(self):
        if self.options.psql:
            self.sql(self.options.template_of, "create database storm_base")

    def copy(self, name):
        """Puts a fresh copy of the base in place; the server must be stopped."""
        folder = os.path.join(self.options.folder, name)
        shutil.copytree(os.path.join(self.options.folder, "base"), folder)
        if self.options.psql:
            self.sql(self.options.template_of, f"create database storm_{name} template storm_base")
        self.name = name

    def forget(self):
        shutil.rmtree(os.path.join(self.options.folder, self.name))
        if self.options.psql:
            self.sql(self.options.template_of, f"drop database storm_{self.name}")

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=self.log, env=self.environment())
        for _ in range(1500):
            try:
                if ask(self.url, "GET", "/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                raise SystemExit("the server ended")
            time.sleep(0.02)
        raise SystemExit("the server does not get ready")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()

    def rows(self, columns, table, where=""):
        if self.options.psql:
            text = f"select coalesce(json_agg(x), '[]') from (select {columns} from quoin.{table} {where} order by 1, 2) x"
            return [list(row.values()) for row in json.loads(self.sql(self.database(), text))]
        path = os.path.join(self.options.folder, self.name, "quoin.db")
        link = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            return [list(row) for row in link.execute(f"select {columns} from quoin_{table} {where} order by 1, 2")]
        finally:
            link.close()

    def count(self, table, where):
        return self.rows("count(*), 1", table, where)[0][0] if not self.options.psql else int(
            self.sql(self.database(), f"select count(*) from quoin.{table} {where}"))

    def truth(self):
        return {name: self.rows(columns, f"payments_{name}") for name, columns in TRUTH.items()}

    def settle(self, events):
        """Waits until every event is kept and nothing is behind."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            kept = self.count("payments_events", "where provider = 'stripe'")
            behind = self.count("payments_objects", "where known < news")
            if kept == events and behind == 0:
                return
            time.sleep(0.2)
        raise SystemExit(f"{kept} of {events} events are kept, {behind} objects are behind")


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
    while sum(1 for _ in stripe.pages("events")) < wanted:
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


def deliver(quoin, secret, body):
    try:
        return ask(quoin.url, "POST", "/stripe", body, {"stripe-signature": sign(secret, body), "content-type": "application/json"})[0] == 200
    except (OSError, http.client.HTTPException):
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
        while answered[0] < len(deliveries):
            try:
                body = waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            if deliver(quoin, secret, body):
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


def against_stripe(stripe, truth):
    """The books here are those there: every subscription, every invoice, and nothing given that is not paid for."""
    there = {one["id"]: one for one in stripe.pages("subscriptions", status="all")}
    columns = [name.strip() for name in TRUTH["subscriptions"].split(",")]
    here = [dict(zip(columns, row)) for row in truth["subscriptions"]]
    wrong = [f"{one['remote_id']} is missing" for one in here if one["remote_id"] not in there]
    wrong += [f"{id} is unknown here" for id in there.keys() - {one["remote_id"] for one in here}]
    paying = set()
    for one in here:
        remote = there.get(one["remote_id"], {})
        quantity = remote["items"]["data"][0]["quantity"]
        if (one["status"], one["quantity"]) != (remote["status"], quantity):
            wrong.append(f"{one['remote_id']}: {one['status']} x {one['quantity']}, there {remote['status']} x {quantity}")
        if one["access"] in ("full", "grace"):
            paying.add(one["subject_id"])
    given = {row[0] for row in truth["entitlements"] if row[1] == "export" and row[3] in ("true", True)}
    wrong += [f"{subject} has what it did not pay for" for subject in given - paying]
    wrong += [f"{subject} lacks what it paid for" for subject in paying - given]
    invoices = {one["id"]: one for one in stripe.pages("invoices") if one["status"] != "draft"}
    columns = [name.strip() for name in TRUTH["invoices"].split(",")]
    mirrored = {}
    for row in truth["invoices"]:
        one = dict(zip(columns, row))
        mirrored[one["remote_id"]] = one
        lines = json.loads(one["lines"]) if isinstance(one["lines"], str) else one["lines"]
        if sum(line["amount"] for line in lines) != one["subtotal"]:
            wrong.append(f"{one['remote_id']} is not the sum of its lines")
    for id, remote in invoices.items():
        one = mirrored.get(id)
        if one is None or (one["total"], one["amount_paid"]) != (remote["total"], remote["amount_paid"]):
            wrong.append(f"{id}: {one and (one['total'], one['amount_paid'])}, there {(remote['total'], remote['amount_paid'])}")
    return wrong


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
    unanswered = [event["id"] for event, body in zip(events, bodies) if not deliver(quoin, options.webhook_secret, body)]
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
