"""Records a year of one customer at Stripe: what was announced, and what every question about them was answered at each moment.
The payments room replays it in its tests, in any order.

Usage: record_year.py --stripe-url URL --out FILE
"""
import argparse, json, re

from books import Stripe

DAY = 86_400
# Noon of the last of January, so that months of every length follow.
START = 1_738_324_800
OURS = "{subject}"
# Whatever belongs to this customer has an id like these; products and prices are everybody's.
ID = re.compile(r"\b((?:cus|sub|si|in|ii|il|inpay|re|du|pi|ch|py|pm|seti|cs_test|evt|di|txn|cbtxn|req|src)_[A-Za-z0-9_]{10,})\b")


class Tape:
    """What is recorded."""

    def __init__(self, stripe):
        self.stripe, self.moment, self.newest = stripe, 0, None
        self.events, self.answers, self.seen = [], {}, {}

    def ask(self, question):
        path, _, query = question.partition("?")
        fields = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        answer = self.stripe.call("GET", path.removeprefix("/v1/"), **fields)
        told = self.answers.setdefault(question, [])
        if not told or told[-1][1] != answer:
            told.append((self.moment, answer))
        return answer

    def heard(self):
        after = {"ending_before": self.newest} if self.newest else {}
        while True:
            page = self.stripe.call("GET", "events", limit=100, **after)["data"]
            if not page:
                return
            for event in reversed(page):
                event["pending_webhooks"] = 0
                self.events.append((self.moment, event))
                what = event["data"]["object"]
                self.seen.setdefault(what["object"], {})[what.get("id")] = what
            self.newest = page[0]["id"]
            after = {"ending_before": self.newest}

    def keep(self):
        """Notes what was announced since the last moment, and how everything stands now."""
        self.heard()
        for id in self.seen.get("product", {}):
            self.ask(f"/v1/products/{id}")
            self.ask(f"/v1/prices?product={id}&limit=100")
        for id in self.seen.get("subscription", {}):
            self.ask(f"/v1/subscriptions/{id}?expand[0]=latest_invoice&expand[1]=discounts")
        for id in self.seen.get("checkout.session", {}):
            self.ask(f"/v1/checkout/sessions/{id}")
        for id in self.seen.get("invoice", {}):
            self.ask(f"/v1/invoices/{id}")
        for kind, path in (("refund", "refunds"), ("dispute", "disputes")):
            for id in self.seen.get(kind, {}):
                payment = self.ask(f"/v1/{path}/{id}")["payment_intent"]
                self.ask(f"/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={payment}&limit=1")
        self.moment += 1

    def write(self, file, **more):
        def lines(rows):
            return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows) + "\n]"

        answers = ",\n".join(f"{json.dumps(question)}: {lines(told)}" for question, told in sorted(self.answers.items()))
        head = "".join(f"{json.dumps(name)}: {json.dumps(value)},\n" for name, value in more.items())
        # The last moment is the one at which everything that was announced has been kept.
        text = f'{{\n{head}"moments": {self.moment},\n"events": {lines(self.events)},\n"answers": {{\n{answers}\n}}\n}}\n'
        text = ID.sub(r"\1{life}", text).replace(self.stripe.url, "https://stripe.example")
        open(file, "w", encoding="utf-8").write(text)


def card(stripe, customer, subscription, name):
    method = stripe.call("POST", f"payment_methods/{name}/attach", customer=customer)["id"]
    stripe.call("POST", f"customers/{customer}", **{"invoice_settings[default_payment_method]": method})
    stripe.call("POST", f"subscriptions/{subscription}", default_payment_method=method)


def sell(stripe, clock):
    """Opens the catalogue and the payment page."""
    gives = {"metadata[entitlements]": json.dumps({"export": True, "projects": {"limit": 3}})}
    prices = {}
    for name, amount in (("Pro", 1900), ("Team", 4900)):
        product = stripe.call("POST", "products", name=name, **gives)["id"]
        price = {"product": product, "currency": "usd", "recurring[interval]": "month"}
        prices[name] = stripe.call("POST", "prices", unit_amount=amount, **price)["id"]
    subject = {"metadata[quoin_subject]": OURS}
    customer = stripe.call("POST", "customers", email="ada@example.com", test_clock=clock, **subject)["id"]
    bought = {f"subscription_data[metadata][{name}]": value for name, value in (
        ("quoin_subject", OURS), ("quoin_checkout", "{checkout}"), ("quoin_plan", "pro"), ("quoin_plan_version", 1))}
    session = stripe.call(
        "POST", "checkout/sessions", mode="subscription", customer=customer, success_url="https://app.example/", cancel_url="https://app.example/",
        **subject, **{"metadata[quoin_checkout]": "{checkout}", "line_items[0][price]": prices["Pro"], "line_items[0][quantity]": 1,
                      "subscription_data[trial_period_days]": 14, **bought})
    return prices, customer, session


def main():
    parser = argparse.ArgumentParser()
    for name in ("stripe-url", "out"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    stripe = Stripe(options.stripe_url)
    tape = Tape(stripe)
    clock = stripe.call("POST", "test_helpers/test_clocks", frozen_time=START)["id"]
    now = START

    def wait(days):
        nonlocal now
        now += days * DAY
        stripe.call("POST", f"test_helpers/test_clocks/{clock}/advance", frozen_time=now)
        while stripe.call("GET", f"test_helpers/test_clocks/{clock}")["status"] == "advancing":
            pass
        tape.keep()

    prices, customer, session = sell(stripe, clock)
    tape.keep()
    assert stripe.pay(session["url"], "4242424242424242") == 303
    tape.keep()
    subscription = stripe.call("GET", "subscriptions", customer=customer)["data"][0]
    one, item = f"subscriptions/{subscription['id']}", subscription["items"]["data"][0]["id"]

    def change(**fields):
        stripe.call("POST", one, **fields)
        tape.keep()

    wait(12), wait(3)
    change(**{"items[0][id]": item, "items[0][price]": prices["Team"], "metadata[quoin_plan]": "team", "metadata[quoin_plan_version]": 1})
    change(**{"items[0][id]": item, "items[0][quantity]": 5})
    wait(31)
    # A renewal fails, and is paid in time.
    card(stripe, customer, subscription["id"], "pm_card_chargeCustomerFail")
    wait(30), wait(4)
    card(stripe, customer, subscription["id"], "pm_card_visa")
    wait(6)
    coupon = stripe.call("POST", "coupons", percent_off=25, duration="repeating", duration_in_months=3)["id"]
    change(**{"discounts[0][coupon]": coupon})
    wait(30)
    change(cancel_at_period_end="true")
    wait(10)
    change(cancel_at_period_end="false")
    wait(21)
    # A part of the newest invoice goes back, then the rest of the one before.
    for invoice, amount in zip(stripe.call("GET", "invoices", customer=customer, status="paid")["data"], (900, None)):
        payment = stripe.call("GET", "invoice_payments", invoice=invoice["id"])["data"][0]["payment"]["payment_intent"]
        stripe.call("POST", "refunds", payment_intent=payment, **({"amount": amount} if amount else {}))
        tape.keep()
    # Two payments are disputed: of one the bank says that we are right, the other is lost.
    card(stripe, customer, subscription["id"], "pm_card_createDispute")
    wait(30), wait(31)
    card(stripe, customer, subscription["id"], "pm_card_visa")
    charges = [charge["id"] for charge in stripe.pages("charges", customer=customer)]
    disputes = [dispute for charge in charges for dispute in stripe.call("GET", "disputes", charge=charge)["data"]]
    assert len(disputes) == 2, disputes
    for dispute, words in zip(disputes, ("winning_evidence", "losing_evidence")):
        stripe.call("POST", f"disputes/{dispute['id']}", **{"evidence[uncategorized_text]": words})
        tape.keep()
    change(**{"pause_collection[behavior]": "void"})
    wait(31)
    change(pause_collection="")
    change(**{"items[0][id]": item, "items[0][quantity]": 2, "proration_behavior": "none"})
    wait(31), wait(31), wait(31), wait(31)
    tape.write(options.out, customer=customer, session=session["id"], price=prices["Pro"])
    print(f"{tape.moment} moments, {len(tape.events)} events, {sum(map(len, tape.answers.values()))} answers")


main()
