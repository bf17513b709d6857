"""Drives a twin of Stripe with the official library for Python: drive.py --url http://127.0.0.1:8080."""

import http.server
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import stripe

URL = sys.argv[sys.argv.index("--url") + 1]
outcome = {"passed": 0, "failed": 0}
client = stripe.StripeClient("sk_test_python", base_addresses={"api": URL}, max_network_retries=0)
v1 = client.v1


def step(name):
    def run(body):
        try:
            body()
            outcome["passed"] += 1
            print(f"ok   {name}")
        except Exception as error:  # the driver reports whatever went wrong and goes on
            outcome["failed"] += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}")
        return body

    return run


def refused(kind, call, **wanted):
    try:
        call()
    except kind as error:
        for name, value in wanted.items():
            assert getattr(error, name) == value, f"{name} is {getattr(error, name)!r}, not {value!r}"
        return error
    raise AssertionError("it was not refused")


def until(what, check, patience=15):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {patience} s")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def submit(url, **fields):
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode())
    try:
        return urllib.request.build_opener(NoRedirects).open(request)
    except urllib.error.HTTPError as answer:
        return answer


product = v1.products.create({"name": "Pro"})
price = v1.prices.create(
    {"product": product.id, "currency": "usd", "unit_amount": 1900, "recurring": {"interval": "month"}}
)


@step("refusals have the library's own types")
def _():
    refused(stripe.InvalidRequestError, lambda: v1.customers.create({"nonsense": "1"}), code="parameter_unknown")
    refused(stripe.InvalidRequestError, lambda: v1.customers.retrieve("cus_none"), http_status=404)
    other = stripe.StripeClient("sk_live_x", base_addresses={"api": URL}, max_network_retries=0)
    refused(stripe.AuthenticationError, lambda: other.v1.customers.list(), http_status=401)
    decline = {"amount": 500, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    refused(stripe.CardError, lambda: v1.payment_intents.create(decline), code="card_declined")
    v1.customers.create({"name": "a"}, {"idempotency_key": f"python-{id(decline)}-{time.time()}"})


@step("idempotency: one key, one object")
def _():
    key = f"once-{time.time()}"
    first = v1.customers.create({"name": "Once"}, {"idempotency_key": key})
    assert v1.customers.create({"name": "Once"}, {"idempotency_key": key}).id == first.id
    refused(stripe.IdempotencyError, lambda: v1.customers.create({"name": "Twice"}, {"idempotency_key": key}))


@step("lists walk through their pages")
def _():
    made = [v1.coupons.create({"percent_off": 10, "duration": "once"}).id for _ in range(5)]
    walked = [coupon.id for coupon in v1.coupons.list({"limit": 2}).auto_paging_iter()]
    assert walked[:5] == made[::-1], walked


@step("checkout, webhook and subscription")
def _():
    received = []
    secret = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], secret[0]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = f"http://127.0.0.1:{server.server_address[1]}/hook"
    endpoint = v1.webhook_endpoints.create({"url": hook, "enabled_events": ["*"]})
    secret.append(endpoint.secret)
    session = v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 2}],
            "success_url": "https://example.com/done?session={CHECKOUT_SESSION_ID}",
        }
    )
    card = {"email": "p@example.com", "name": "P", "number": "4242424242424242", "expiry": "12/34", "cvc": "123"}
    answer = submit(session.url, **card)
    assert answer.status == 303 and session.id in answer.headers["Location"], answer.status
    done = v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert done.subscription.status == "active"
    assert done.subscription["items"].data[0].quantity == 2
    wanted = {"checkout.session.completed", "customer.subscription.created", "invoice.paid"}
    until("the webhooks", lambda: wanted <= {event.type for event in received})
    assert all(event.api_version == "2026-10-28.endive" for event in received)
    v1.webhook_endpoints.delete(endpoint.id)
    server.shutdown()


@step("a test clock renews")
def _():
    clock = v1.test_helpers.test_clocks.create({"frozen_time": 1785585600})
    customer = v1.customers.create({"test_clock": clock.id})
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    made = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "default_payment_method": method.id}
    )
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1785585600 + 65 * 86400})
    until("the clock", lambda: v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready")
    invoices = v1.invoices.list({"subscription": made.id}).data
    assert [invoice.status for invoice in invoices] == ["paid"] * 3
    for invoice in invoices:
        assert invoice.total == sum(line.amount for line in invoice.lines.data)


print(f"stripe-twin: {outcome['passed']} passed, {outcome['failed']} failed")
sys.exit(outcome["failed"] != 0)
