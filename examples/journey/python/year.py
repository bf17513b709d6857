"""Lives a year with many organisations on one of Stripe's test clocks, doing at random what customers do, and balances the
books afterwards: ours, Stripe's, and what everybody may use.

Usage: year.py --folder DIR --stripe-url URL [--psql PATH --template-of URL] [--people N] [--steps N] [--seed N] -- QUOIN serve
       (settings as QUOIN_… in the environment; the Stripe tells the server of its events)
"""
import argparse, collections, datetime, json, os, random, sys, time

from books import TRUTH, WORD, Quoin, Stripe, against_stripe, ask

DAY = 86_400
DAYS = 400
GRACE_S = 7 * DAY
CALLS = "calls"
PLANS = {
    "pro": {"prices": [("month", 1900, 0), ("year", 19_000, 0)], "seats": True},
    "team": {"prices": [("month", 4900, 0), ("year", 49_000, 0)], "seats": True},
    "tried": {"prices": [("month", 2900, 14)], "seats": False},
    "metered": {"prices": [("month", 900, 0)], "seats": False},
}
CARDS = {
    "good": "4242424242424242",
    "declined": "4000000000000002",
    "fails later": "4000000000000341",
    "disputed": "4000000000000259",
}
# What the server may answer to a wish that does not fit how things stand.
REFUSALS = {400, 402, 404, 409, 422}


class Person:
    """Somebody with an organisation of their own."""

    def __init__(self, quoin, number):
        self.quoin, self.email = quoin, f"p{number}@year.example"
        body = {"email": self.email, "password": WORD, "email_confirm": True}
        status, text = ask(quoin.url, "POST", "/auth/v1/admin/users", body, {"authorization": "Bearer " + quoin.key})
        assert status == 200, text
        self.sign_in()

    def sign_in(self):
        key = {"apikey": os.environ["QUOIN_PUBLISHABLE_KEY"]}
        body = {"email": self.email, "password": WORD}
        status, text = ask(self.quoin.url, "POST", "/auth/v1/token?grant_type=password", body, key)
        assert status == 200, text
        self.token, self.signed_in = json.loads(text)["access_token"], time.monotonic()

    def ask(self, method, path, body=None):
        if time.monotonic() - self.signed_in > 1800:
            self.sign_in()
        headers = {"authorization": "Bearer " + self.token}
        status, text = ask(self.quoin.url, method, "/payments/v1" + path, body, headers)
        if status != 200 and status not in REFUSALS:
            raise RuntimeError(f"{method} {path}: {status} {text.decode()}")
        return status == 200, json.loads(text)

    def live(self):
        _, found = self.ask("GET", "/subscriptions")
        return next((one for one in found["data"] if one["status"] not in ("canceled", "incomplete_expired")), None)


class Year:
    """What is done and counted."""

    def __init__(self, quoin, stripe, dice):
        self.quoin, self.stripe, self.dice = quoin, stripe, dice
        self.done = collections.Counter()

    def administer(self, method, path, body=None):
        status, text = ask(self.quoin.url, method, "/payments/v1" + path, body, {"authorization": "Bearer " + self.quoin.key})
        if status >= 500:
            raise RuntimeError(f"{method} {path}: {status} {text.decode()}")
        return status, json.loads(text) if text else None

    def offer(self):
        for plan, offer in PLANS.items():
            prices = [
                {"interval": interval, "amount": amount, "currency": "usd", "trial_days": trial, "per_seat": offer["seats"]}
                for interval, amount, trial in offer["prices"]
            ]
            if plan == "metered":
                prices.append({"interval": "month", "amount": 7, "currency": "usd", "meter": CALLS})
            body = {"id": plan, "name": plan.title(), "prices": prices, "rules": {"downgrade": "allow"}}
            status, answer = self.administer("POST", "/plans", {**body, "entitlements": {"export": True, "seats": {"limit": 50}}})
            assert status == 201, answer
        while not all(plan["published"] for plan in self.administer("GET", "/plans")[1]["data"]):
            time.sleep(0.05)
        status, answer = self.administer("POST", "/coupons", {"code": "SUMMER", "percent_off": 25, "duration": {"months": 3}})
        assert status == 201, answer

    def settle(self):
        """Waits until every event has arrived and nothing is behind."""
        self.quoin.settle(self.stripe.count_events())

    def advance(self, clock, moment):
        self.stripe.call("POST", f"test_helpers/test_clocks/{clock}/advance", frozen_time=moment)
        while True:
            found = self.stripe.call("GET", f"test_helpers/test_clocks/{clock}")
            if found["status"] == "ready":
                return
            assert found["status"] == "advancing", found
            time.sleep(0.02)

    def count(self, name, happened):
        self.done[name if happened else name + " (refused)"] += 1

    def act(self, person):
        one = person.live()
        if one is None:
            return self.buy(person)
        remote = self.stripe.call("GET", f"subscriptions/{self.remote_of(one)}")
        metered = any(item["price"]["recurring"]["usage_type"] == "metered" for item in remote["items"]["data"])
        name, weight = zip(*[
            ("use", 20 if metered else 0), ("upgrade", 3), ("interval", 2), ("seats", 4), ("cancel", 2), ("end", 1), ("resume", 4), ("pause", 4),
            ("unpause", 6), ("worse card", 2), ("better card", 6), ("refund", 2), ("coupon", 2), ("preview", 1), ("portal", 1), ("upcoming", 1), ("evidence", 2),
        ])
        deed = self.dice.choices(name, weight)[0]
        self.count(deed, self.do(deed, person, one, remote))

    def do(self, deed, person, one, remote):
        path, dice = f"/subscriptions/{one['id']}", self.dice
        if deed == "upgrade":
            return person.ask("POST", path + "/change", {"plan": dice.choice(["pro", "team"]), "quantity": dice.randint(1, 9)})[0]
        if deed == "interval":
            return person.ask("POST", path + "/change", {"interval": dice.choice(["month", "year"])})[0]
        if deed == "seats":
            quantity, evens_out = dice.randint(1, 12), dice.random() < 0.8
            # More seats at once cannot do without.
            return person.ask("POST", path + "/change", {"quantity": quantity, "prorate": evens_out or quantity > one["quantity"]})[0]
        if deed in ("cancel", "end"):
            return person.ask("POST", path + "/cancel", {"now": deed == "end"})[0]
        if deed == "resume":
            return person.ask("POST", path + "/resume")[0]
        if deed in ("pause", "unpause"):
            return person.ask("POST", path + "/pause", {"paused": deed == "pause"})[0]
        if deed == "refund":
            return self.refund(person)
        if deed == "preview":
            return self.preview(person, path)
        if deed == "portal":
            return person.ask("POST", "/portal", {"return_url": "http://127.0.0.1/"})[0]
        if deed == "upcoming":
            return person.ask("GET", path + "/upcoming")[0]
        return {"worse card": self.change_card, "better card": self.change_card, "coupon": self.discount,
                "evidence": self.argue, "use": self.use}[deed](deed, remote)

    def preview(self, person, path):
        """What a change would cost is the sum of its lines, and changes nothing."""
        allowed, shown = person.ask("POST", path + "/preview", {"plan": self.dice.choice(["pro", "team"]), "quantity": self.dice.randint(1, 9)})
        assert not allowed or shown["total"] <= sum(line["amount"] for line in shown["lines"]), shown
        return allowed

    def remote_of(self, one):
        rows = self.quoin.rows("remote_id, status", "payments_subscriptions", f"where id = '{one['id']}'")
        return rows[0][0]

    def buy(self, person):
        dice, plan = self.dice, self.dice.choice(list(PLANS))
        order = {"plan": plan, "interval": dice.choice([price[0] for price in PLANS[plan]["prices"]])}
        if PLANS[plan]["seats"]:
            order["quantity"] = dice.randint(1, 5)
        if dice.random() < 0.2:
            order["coupon"] = "SUMMER"
        order |= {"success_url": "http://127.0.0.1/", "cancel_url": "http://127.0.0.1/"}
        allowed, page = person.ask("POST", "/plans/checkout", order)
        if not allowed:
            return self.count("checkout", False)
        card = dice.choices(list(CARDS), [8, 1, 1, 1])[0] if dice.random() > 0.1 else None
        if card is None:
            self.stripe.call("POST", f"checkout/sessions/{page['session_id']}/expire")
            return self.count("abandon", True)
        status = self.stripe.pay(page["url"], CARDS[card])
        self.count(f"pay, card {card}", status == 303)

    def change_card(self, deed, remote):
        card = "pm_card_visa" if deed == "better card" else "pm_card_chargeCustomerFail"
        method = self.stripe.call("POST", f"payment_methods/{card}/attach", customer=remote["customer"])["id"]
        self.stripe.call("POST", f"customers/{remote['customer']}", **{"invoice_settings[default_payment_method]": method})
        self.stripe.call("POST", f"subscriptions/{remote['id']}", default_payment_method=method)
        invoice = self.stripe.call("GET", f"invoices/{remote['latest_invoice']}") if remote["latest_invoice"] else None
        # Some pay what is open at once; the others wait for the next attempt.
        if deed == "better card" and invoice and invoice["status"] == "open" and self.dice.random() < 0.5:
            self.stripe.call("POST", f"invoices/{invoice['id']}/pay")
            self.count("pay an open invoice", True)
        return True

    def discount(self, _, remote):
        code = self.stripe.call("GET", "promotion_codes", code="SUMMER")["data"][0]["id"]
        self.stripe.call("POST", f"subscriptions/{remote['id']}", **{"discounts[0][promotion_code]": code})
        return True

    def argue(self, _, remote):
        """Decides the disputes of a customer."""
        decided = False
        for charge in self.stripe.pages("charges", customer=remote["customer"]):
            for dispute in self.stripe.call("GET", "disputes", charge=charge["id"])["data"]:
                if dispute["status"] == "needs_response":
                    words = self.dice.choice(["winning_evidence", "losing_evidence"])
                    self.stripe.call("POST", f"disputes/{dispute['id']}", **{"evidence[uncategorized_text]": words})
                    decided = True
        return decided

    def use(self, _, remote):
        at = remote["items"]["data"][0]["current_period_start"] + 60
        fields = {"payload[stripe_customer_id]": remote["customer"], "payload[value]": self.dice.randint(1, 500)}
        self.stripe.call("POST", "billing/meter_events", event_name=CALLS, timestamp=at, identifier=f"use_{self.dice.random()}", **fields)
        return True

    def refund(self, person):
        _, found = person.ask("GET", "/invoices")
        paid = [one for one in found["data"] if one["status"] == "paid" and one["amount_paid"] > one["amount_refunded"]]
        if not paid:
            return False
        invoice = self.dice.choice(paid)
        left = invoice["amount_paid"] - invoice["amount_refunded"]
        amount = left if self.dice.random() < 0.3 else self.dice.randint(1, left)
        status, answer = self.administer("POST", "/refunds", {"invoice": invoice["id"], "amount": amount})
        assert status in (200, 201) or status in REFUSALS, answer
        return status in (200, 201)


def rows_of(truth, table):
    columns = [name.strip() for name in TRUTH[table].split(",")]
    return [dict(zip(columns, row)) for row in truth[table]]


def money(stripe, truth, customers):
    """What was taken and not given back is what the invoices say, customer by customer."""
    wrong, total = [], 0
    paid = collections.Counter()
    for one in rows_of(truth, "invoices"):
        paid[one["subject_id"]] += one["amount_paid"] - one["amount_refunded"]
    taken = collections.Counter()
    for charge in stripe.pages("charges"):
        if charge["status"] == "succeeded":
            taken[customers.get(charge["customer"])] += charge["amount"] - charge["amount_refunded"]
    for subject in paid.keys() | taken.keys():
        total += taken[subject]
        if paid[subject] != taken[subject]:
            wrong.append(f"{subject}: the invoices say {paid[subject]}, the charges {taken[subject]}")
    return total, wrong


def sums(stripe):
    """Stripe's invoices are the sums of their lines, less their discounts."""
    wrong, number = [], 0
    for invoice in stripe.pages("invoices"):
        number += 1
        lines = list(stripe.pages(f"invoices/{invoice['id']}/lines"))
        off = sum(one["amount"] for one in invoice["total_discount_amounts"])
        if invoice["subtotal"] != sum(line["amount"] for line in lines) or invoice["total"] != invoice["subtotal"] - off:
            wrong.append(f"{invoice['id']}: {invoice['subtotal']} - {off} is not {invoice['total']}")
    return number, wrong


def since(invoice):
    return invoice["effective_at"] or invoice["created"]


def bills_a_period(invoice):
    """Whether an invoice asks for a period, and not only for what evens out a change within one."""
    details = [line["parent"]["subscription_item_details"] for line in invoice["lines"]["data"]]
    return any(one and not one["proration"] for one in details)


def expected_access(remote, invoices, disputed, now):
    """What a subscription opens, read from Stripe alone by the rules of docs/payments.md."""
    status = remote["status"]
    if status in ("trialing", "active", "past_due") and (remote["pause_collection"] or disputed):
        return "restricted"
    if status in ("trialing", "active"):
        return "full"
    if status == "past_due":
        owed = [one for one in invoices if one["status"] == "open" and one["attempted"]] or [remote["latest_invoice"]]
        return "grace" if now < min(map(since, owed)) + GRACE_S else "restricted"
    return "restricted" if status in ("unpaid", "paused") else "none"


def stands(dispute, invoice, invoices):
    """Whether a dispute still restricts: undecided, or lost and no later period is paid."""
    made_good = any(one["status"] == "paid" and since(one) > since(invoice) and bills_a_period(one) for one in invoices)
    return dispute["status"] != "lost" or not made_good


def access(stripe, truth, now):
    """Nobody has what is not paid for, and nobody lacks what is."""
    disputes = [one for one in stripe.pages("disputes") if one["status"] not in ("won", "warning_closed")]
    invoices, disputed = collections.defaultdict(list), set()
    for one in stripe.pages("invoices"):
        if (one["parent"] or {}).get("subscription_details"):
            invoices[one["parent"]["subscription_details"]["subscription"]].append(one)
    for one in disputes:
        for row in stripe.call("GET", "invoice_payments", **{"payment[type]": "payment_intent", "payment[payment_intent]": one["payment_intent"]})["data"]:
            invoice = stripe.call("GET", f"invoices/{row['invoice']}")
            of = invoice["parent"]["subscription_details"]["subscription"]
            if stands(one, invoice, invoices[of]):
                disputed.add(of)
    wrong, unpaid = [], []
    here = {one["remote_id"]: one for one in rows_of(truth, "subscriptions")}
    for remote in stripe.pages("subscriptions", status="all", **{"expand[0]": "data.latest_invoice"}):
        invoice = remote["latest_invoice"]
        disputes_it = remote["id"] in disputed
        wanted, found = expected_access(remote, invoices[remote["id"]], disputes_it, now), here[remote["id"]]["access"]
        if wanted != found:
            wrong.append(f"{remote['id']} ({remote['status']}) opens {found} and should open {wanted}")
        if found == "full" and remote["status"] == "active" and invoice["status"] not in ("paid", "draft"):
            # An upgrade adds to an invoice to come; what is open and active was changed after it was paid. What is void fell due
            # in a pause, and nobody keeps a period of that kind.
            unpaid.append(f"{remote['id']} is open with an invoice that is {invoice['status']}")
    return wrong + unpaid


def fields(stripe, truth):
    """Every field of every row is what Stripe says."""
    wrong = []
    here = {one["remote_id"]: one for one in rows_of(truth, "subscriptions")}
    for remote in stripe.pages("subscriptions", status="all"):
        one = here[remote["id"]]
        item = next(item for item in remote["items"]["data"] if item["price"]["recurring"]["usage_type"] != "metered")
        ending = remote["cancel_at"] or (item["current_period_end"] if remote["cancel_at_period_end"] else None)
        pairs = {
            "amount": item["price"]["unit_amount"], "currency": item["price"]["currency"],
            "current_period_start": item["current_period_start"], "current_period_end": item["current_period_end"],
            "trial_end": remote["trial_end"], "cancel_at": ending, "canceled_at": remote["canceled_at"],
            "ended_at": remote["ended_at"], "paused": bool(remote["pause_collection"]),
        }
        for name, wanted in pairs.items():
            found = bool(one[name]) if name == "paused" else seconds(one[name]) if name.endswith(("_at", "_start", "_end")) else one[name]
            if found != wanted:
                wrong.append(f"{remote['id']}: {name} is {found}, there {wanted}")
        if one["mismatch"]:
            wrong.append(f"{remote['id']}: {one['mismatch']}")
    return wrong


def seconds(moment):
    """A moment as the engine wrote it, in seconds."""
    if moment is None or isinstance(moment, int):
        return moment and moment // 1_000_000
    return int(datetime.datetime.fromisoformat(moment).timestamp())


def told(people, truth):
    """What the API tells each of them is what the books say."""
    wrong = []
    granted = {row["subject_id"] for row in rows_of(truth, "entitlements") if row["name"] == "export" and row["value"] in ("true", True)}
    count = 0
    for person in people:
        _, found = person.ask("GET", "/subscriptions")
        paying = any(one["access"] in ("full", "grace") for one in found["data"])
        _, given = person.ask("GET", "/entitlements")
        if (given["entitlements"].get("export") is True) != paying or (given["plan"] is not None) != paying:
            wrong.append(f"{person.email}: pays {paying}, is given {given['plan']} {given['entitlements']}")
        count += paying
    if count != len(granted):
        wrong.append(f"{count} pay, {len(granted)} are given something")
    return count, wrong


def options_given():
    parser = argparse.ArgumentParser()
    for name in ("folder", "stripe-url"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--psql")
    parser.add_argument("--template-of")
    for name, default in (("people", 10), ("steps", 20), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("serve", nargs="+")
    return parser.parse_args()


def live(year, people, clock, steps):
    start = year.stripe.call("GET", f"test_helpers/test_clocks/{clock}")["frozen_time"]
    for number in range(1, steps + 1):
        for person in people:
            if number == 1 or year.dice.random() < 0.6:
                year.act(person)
        year.advance(clock, int(time.time()) if number == steps else start + DAYS * DAY * number // steps)
        year.settle()


def main():
    options = options_given()
    counts = {"passed": 0, "failed": 0}

    def step(name, problems):
        counts["failed" if problems else "passed"] += 1
        print(f"  {'✗' if problems else '✓'} {name}", *problems[:12], sep="\n      ", flush=True)

    quoin, stripe = Quoin(options), Stripe(options.stripe_url)
    year = Year(quoin, stripe, random.Random(options.seed))
    quoin.make()
    quoin.start()
    start = int(time.time()) - DAYS * DAY
    clock = stripe.call("POST", "test_helpers/test_clocks", frozen_time=start, name="The year")["id"]
    assert ask(options.stripe_url, "POST", "/_twin/clock", {"test_clock": clock})[0] == 200
    year.offer()
    people = [Person(quoin, number) for number in range(options.people)]
    began = time.monotonic()
    live(year, people, clock, options.steps)
    took = time.monotonic() - began
    deeds = sum(count for name, count in year.done.items() if "refused" not in name)
    step(f"seed {options.seed}: {options.people} organisations live {DAYS} days, {deeds} deeds, {stripe.events} events, {took:.0f} s", [])
    print("      " + ", ".join(f"{name} {count}" for name, count in sorted(year.done.items())))
    truth = quoin.truth()
    customers = dict(quoin.rows("remote_id, subject_id", "payments_customers", "where remote_id is not null"))
    number, problems = sums(stripe)
    step(f"each of {number} invoices is the sum of its lines", problems)
    step("every subscription and every invoice is here as it is there", against_stripe(stripe, truth) + fields(stripe, truth))
    total, problems = money(stripe, truth, customers)
    step(f"the money that was taken and kept is what the invoices say: {total / 100:.2f}", problems)
    step("nobody has what is not paid for, and nobody lacks what is", access(stripe, truth, time.time()))
    paying, problems = told(people, truth)
    step(f"everybody is told so: {paying} of {len(people)} have a plan", problems)
    _, report = year.administer("POST", "/reconcile")
    step(f"reconciliation compares {report['checked']} objects and finds nothing to repair", [json.dumps(one) for one in report["repaired"]] + report["failed"])
    quoin.stop()
    print(f"\nyear: {counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)


main()
