//! Every operation attacked as nobody and as a stranger: somebody who is signed in, with an organisation of their own.
//!
//! The table is complete: an operation that it does not name fails the build, and so does a row without an operation.

use std::collections::BTreeSet;

use http::Method;
use quoin_kernel::{OrgId, Timestamp, rng::SystemRng};
use quoin_payments::ProviderName;
use quoin_server::settings::Settings;
use quoin_testkit::{Person, TestServer, on_each_engine, on_each_engine_with};
use serde_json::{Value, json};

/// One operation, called with the victim's ids.
struct Attack {
    id: &'static str,
    path: &'static str,
    body: fn() -> Option<Value>,
    /// What nobody gets.
    anon: u16,
    /// What a stranger gets.
    stranger: u16,
}

const fn attack(id: &'static str, path: &'static str, anon: u16, stranger: u16) -> Attack {
    Attack { id, path, body: || None, anon, stranger }
}

const fn attack_with(
    id: &'static str,
    path: &'static str,
    anon: u16,
    stranger: u16,
    body: fn() -> Option<Value>,
) -> Attack {
    Attack { id, path, body, anon, stranger }
}

/// `{org}`, `{user}` and `{random}` stand for the victim's organisation, the victim, and an id of nothing.
static ATTACKS: &[Attack] = &[
    attack("audit.entries.list", "/admin/v1/audit", 401, 403),
    attack_with("identity.api_keys.create", "/admin/v1/keys", 401, 403, || {
        Some(json!({"name": "x", "scopes": ["*"]}))
    }),
    attack_with("identity.orgs.found", "/admin/v1/orgs", 401, 403, || {
        Some(json!({"name": "Theirs", "owner_email": "thief@example.com"}))
    }),
    attack("identity.api_keys.list", "/admin/v1/keys", 401, 403),
    attack("identity.api_keys.revoke", "/admin/v1/keys/{random}", 401, 403),
    attack("identity.audit.list", "/auth/v1/admin/audit", 401, 403),
    attack("data.tables.describe", "/rest/v1/", 200, 200),
    attack("data.rows.read", "/rest/v1/posts?select=*", 200, 200),
    attack_with("data.rows.insert", "/rest/v1/posts", 401, 403, || {
        Some(json!({"org_id": "{org}", "title": "planted"}))
    }),
    attack_with("data.rows.update", "/rest/v1/posts?title=eq.private", 204, 204, || {
        Some(json!({"title": "changed"}))
    }),
    attack_with("data.rows.put", "/rest/v1/posts?id=eq.{random}", 401, 403, || {
        Some(json!({"id": "{random}", "org_id": "{org}", "title": "planted"}))
    }),
    attack("data.rows.delete", "/rest/v1/posts?title=eq.private", 204, 204),
    attack("data.functions.call", "/rest/v1/rpc/anything", 404, 404),
    attack("data.functions.read", "/rest/v1/rpc/anything", 404, 404),
    attack_with("data.migrations.apply", "/admin/v1/migrations", 401, 403, || {
        Some(json!({"name": "0009_theirs", "sql": "create table theirs (id int primary key)"}))
    }),
    attack("data.migrations.list", "/admin/v1/migrations", 401, 403),
    attack_with("files.buckets.create", "/storage/v1/bucket", 401, 403, || Some(json!({"name": "theirs"}))),
    attack("files.buckets.delete", "/storage/v1/bucket/shelf", 401, 403),
    attack("files.buckets.empty", "/storage/v1/bucket/shelf/empty", 401, 403),
    attack("files.buckets.get", "/storage/v1/bucket/shelf", 401, 200),
    attack("files.buckets.list", "/storage/v1/bucket", 401, 200),
    attack_with("files.buckets.update", "/storage/v1/bucket/shelf", 401, 403, || {
        Some(json!({"public": true}))
    }),
    attack("files.images.read", "/storage/v1/render/image/authenticated/shelf/private?width=9", 401, 404),
    attack("files.images.read_public", "/storage/v1/render/image/public/shelf/private?width=9", 404, 404),
    attack("files.images.read_signed", "/storage/v1/render/image/sign/shelf/private?token=guessed", 400, 400),
    attack_with("files.objects.copy", "/storage/v1/object/copy", 401, 404, || {
        Some(json!({"bucketId": "shelf", "sourceKey": "private", "destinationKey": "mine"}))
    }),
    attack("files.objects.create", "/storage/v1/object/shelf/private?org={org}", 401, 403),
    attack("files.objects.delete", "/storage/v1/object/shelf/private", 401, 404),
    attack_with("files.objects.delete_many", "/storage/v1/object/shelf?org={org}", 401, 403, || {
        Some(json!({"prefixes": ["private"]}))
    }),
    attack("files.objects.info", "/storage/v1/object/info/shelf/private", 401, 404),
    attack("files.objects.info_public", "/storage/v1/object/info/public/shelf/private", 404, 404),
    attack_with("files.objects.list", "/storage/v1/object/list/shelf?org={org}", 401, 403, || {
        Some(json!({"prefix": ""}))
    }),
    attack_with("files.objects.list_prefix", "/storage/v1/object/list-v2/shelf?org={org}", 401, 403, || {
        Some(json!({}))
    }),
    attack_with("files.objects.move", "/storage/v1/object/move", 401, 404, || {
        Some(json!({"bucketId": "shelf", "sourceKey": "private", "destinationKey": "mine"}))
    }),
    attack("files.objects.put", "/storage/v1/object/shelf/private?org={org}", 401, 403),
    attack(
        "files.objects.put_signed",
        "/storage/v1/object/upload/sign/shelf/private?token=guessed",
        400,
        400,
    ),
    attack("files.objects.read", "/storage/v1/object/shelf/private", 401, 404),
    attack("files.objects.read_public", "/storage/v1/object/public/shelf/private", 404, 404),
    attack("files.objects.read_signed", "/storage/v1/object/sign/shelf/private?token=guessed", 400, 400),
    attack_with("files.objects.sign", "/storage/v1/object/sign/shelf/private", 401, 404, || {
        Some(json!({"expiresIn": 60}))
    }),
    attack_with("files.objects.sign_many", "/storage/v1/object/sign/shelf?org={org}", 401, 403, || {
        Some(json!({"expiresIn": 60, "paths": ["private"]}))
    }),
    attack("files.objects.sign_upload", "/storage/v1/object/upload/sign/shelf/private?org={org}", 401, 403),
    attack("files.resumable.append", "/storage/v1/upload/resumable/{random}", 401, 412),
    attack("files.resumable.create", "/storage/v1/upload/resumable?org={org}", 401, 412),
    attack("files.resumable.end", "/storage/v1/upload/resumable/{random}", 401, 412),
    attack("files.resumable.options", "/storage/v1/upload/resumable", 204, 204),
    attack("files.resumable.progress", "/storage/v1/upload/resumable/{random}", 401, 412),
    attack_with("files.stores.copy", "/admin/v1/files/copy", 401, 403, || Some(json!({"to": "disk"}))),
    attack("files.stores.sweep", "/admin/v1/files/sweep", 401, 403),
    attack("files.stores.unknown", "/admin/v1/files/unknown", 401, 403),
    attack("files.stores.verify", "/admin/v1/files/verify", 401, 403),
    attack_with("files.uploads.announce", "/storage/v1/uploads?org={org}", 401, 403, || {
        Some(json!({"bucket": "shelf", "path": "planted", "size": 1}))
    }),
    attack("files.uploads.complete", "/storage/v1/uploads/{random}/complete", 401, 404),
    attack("files.uploads.receive", "/storage/v1/uploads/{random}?token=guessed", 400, 400),
    attack("files.usage.get", "/storage/v1/usage?org={org}", 401, 403),
    attack_with("files.usage.limit", "/storage/v1/usage?org={org}", 401, 403, || {
        Some(json!({"max_bytes": 0}))
    }),
    attack_with("identity.factor.enrol", "/auth/v1/factors", 401, 200, || {
        Some(json!({"factor_type": "totp"}))
    }),
    attack("identity.factor.challenge", "/auth/v1/factors/{random}/challenge", 401, 404),
    attack_with("identity.factor.verify", "/auth/v1/factors/{random}/verify", 401, 404, || {
        Some(json!({"challenge_id": "{random}", "code": "000000"}))
    }),
    attack("identity.factor.remove", "/auth/v1/factors/{random}", 401, 404),
    attack("identity.factor.list_of", "/auth/v1/admin/users/{user}/factors", 401, 403),
    attack("identity.factor.remove_of", "/auth/v1/admin/users/{user}/factors/{random}", 401, 403),
    attack("identity.health.get", "/auth/v1/health", 200, 200),
    attack_with("identity.link.generate", "/auth/v1/admin/generate_link", 401, 403, || {
        Some(json!({"type": "recovery", "email": "victim@example.com"}))
    }),
    attack_with("identity.verification_token.create", "/auth/v1/admin/verification_tokens", 401, 403, || {
        Some(json!({"email": "victim@example.com", "token": "0123456789abcdef0123456789abcdef"}))
    }),
    attack_with("identity.link.resend", "/auth/v1/resend", 200, 200, || {
        Some(json!({"type": "signup", "email": "victim@example.com"}))
    }),
    attack("identity.link.show", "/auth/v1/verify?type=recovery&token=guessed", 403, 403),
    attack_with("identity.link.use", "/auth/v1/verify", 403, 403, || {
        Some(json!({"type": "recovery", "token_hash": "guessed"}))
    }),
    attack("identity.magic_link.ask", "/auth/v1/magiclink", 200, 200),
    attack_with("identity.magic_link.request", "/auth/v1/otp", 200, 200, || {
        Some(json!({"email": "victim@example.com"}))
    }),
    attack("identity.oauth.begin", "/auth/v1/authorize?provider=nobody", 400, 400),
    attack_with("identity.oauth.use_ticket", "/auth/v1/authorize", 403, 403, || {
        Some(json!({"ticket": "guessed"}))
    }),
    attack_with("identity.user.import", "/auth/v1/admin/users/import", 401, 403, || {
        Some(json!({"users": []}))
    }),
    attack("identity.user.export", "/auth/v1/admin/users/export", 401, 403),
    attack("identity.user.export_own", "/auth/v1/user/export", 401, 200),
    attack("identity.user.export_account", "/auth/v1/admin/users/{user}/export", 401, 403),
    attack_with("identity.sso.begin", "/auth/v1/sso", 404, 404, || {
        Some(json!({"domain": "nowhere.example"}))
    }),
    attack("identity.oauth.finish", "/auth/v1/callback?state=guessed&code=guessed", 400, 400),
    attack("identity.identity.begin_linking", "/auth/v1/user/identities/authorize?provider=nobody", 401, 400),
    attack("identity.identity.unlink", "/auth/v1/user/identities/{random}", 401, 404),
    attack("identity.passkey.begin", "/auth/v1/passkeys/registration/options", 401, 200),
    attack_with("identity.passkey.register", "/auth/v1/passkeys/registration/verify", 401, 404, || {
        Some(json!({"challenge_id": "{random}", "credential": {}}))
    }),
    attack("identity.passkey.ask", "/auth/v1/passkeys/authentication/options", 200, 200),
    attack_with("identity.passkey.sign_in", "/auth/v1/passkeys/authentication/verify", 404, 404, || {
        Some(json!({"challenge_id": "{random}", "credential": {}}))
    }),
    attack("identity.passkey.list", "/auth/v1/passkeys", 401, 200),
    attack_with("identity.passkey.rename", "/auth/v1/passkeys/{random}", 401, 404, || {
        Some(json!({"friendly_name": "theirs"}))
    }),
    attack("identity.passkey.remove", "/auth/v1/passkeys/{random}", 401, 404),
    attack("identity.passkey.list_of", "/auth/v1/admin/users/{user}/passkeys", 401, 403),
    attack("identity.passkey.remove_of", "/auth/v1/admin/users/{user}/passkeys/{random}", 401, 403),
    attack("identity.reauthentication.request", "/auth/v1/reauthenticate", 401, 200),
    attack_with("identity.recovery.request", "/auth/v1/recover", 200, 200, || {
        Some(json!({"email": "victim@example.com"}))
    }),
    attack("identity.recovery_codes.make", "/auth/v1/factors/recovery_codes", 401, 404),
    attack_with("identity.recovery_codes.use", "/auth/v1/factors/recovery_codes/verify", 401, 422, || {
        Some(json!({"code": "guessed"}))
    }),
    attack("identity.session.list", "/auth/v1/sessions", 401, 200),
    attack("identity.session.revoke", "/auth/v1/sessions/{random}", 401, 404),
    attack("identity.session.end", "/auth/v1/logout?scope=others", 401, 204),
    attack_with("identity.session.grant", "/auth/v1/token?grant_type=password", 400, 400, || {
        Some(json!({"email": "victim@example.com", "password": "guessed guessed"}))
    }),
    attack("identity.settings.get", "/auth/v1/settings", 200, 200),
    attack_with("identity.signing_keys.import", "/admin/v1/signing-keys", 401, 403, || {
        Some(json!({"jwk": {}}))
    }),
    attack("identity.signing_keys.public", "/auth/v1/.well-known/jwks.json", 200, 200),
    attack("identity.signing_keys.rotate", "/admin/v1/signing-keys/rotate", 401, 403),
    attack_with("identity.token.introspect", "/auth/v1/introspect", 401, 401, || Some(json!({"token": "x"}))),
    attack_with("identity.token.revoke", "/auth/v1/revoke", 401, 401, || Some(json!({"token": "x"}))),
    attack_with("identity.user.change", "/auth/v1/admin/users/{user}", 401, 403, || {
        Some(json!({"password": "changed by a stranger"}))
    }),
    attack_with("identity.user.create", "/auth/v1/admin/users", 401, 403, || {
        Some(json!({"email": "made@example.com", "password": "made by a stranger"}))
    }),
    attack("identity.user.delete", "/auth/v1/admin/users/{user}", 401, 403),
    attack("identity.user.get", "/auth/v1/admin/users/{user}", 401, 403),
    attack("identity.user.get_own", "/auth/v1/user", 401, 200),
    attack_with("identity.user.invite", "/auth/v1/invite", 401, 403, || {
        Some(json!({"email": "invited@example.com"}))
    }),
    attack("identity.user.list", "/auth/v1/admin/users", 401, 403),
    attack_with("identity.user.sign_up", "/auth/v1/signup", 200, 200, || {
        Some(json!({"email": "victim@example.com", "password": "taken over by a stranger"}))
    }),
    attack_with("identity.user.update", "/auth/v1/user", 401, 200, || Some(json!({"data": {"seen": true}}))),
    attack("jobs.jobs.delete", "/jobs/v1/jobs/{random}", 401, 403),
    attack("jobs.jobs.list", "/jobs/v1/jobs", 401, 403),
    attack("jobs.jobs.retry", "/jobs/v1/jobs/{random}/retry", 401, 403),
    attack("mail.mailbox.clear", "/admin/v1/mailbox", 401, 403),
    attack("mail.mailbox.list", "/admin/v1/mailbox?to=victim@example.com", 401, 403),
    attack_with("payments.checkout.start", "/payments/v1/plans/checkout", 401, 404, || {
        let here = "http://127.0.0.1:8080/";
        Some(json!({"plan": "nothing", "success_url": here, "cancel_url": here}))
    }),
    attack_with("payments.coupons.create", "/payments/v1/coupons", 401, 403, || {
        Some(json!({"code": "FREE", "percent_off": 100, "duration": "forever"}))
    }),
    attack_with("payments.coupons.set", "/payments/v1/coupons/promo_1", 401, 403, || {
        Some(json!({"active": true}))
    }),
    attack("pages.app.begin", "/account/app", 403, 403),
    attack("pages.app.verify", "/account/app/verify", 403, 403),
    attack("pages.assets.read", "/assets/guessed.css", 404, 404),
    attack("pages.code.submit", "/sign-in/code", 403, 403),
    attack("pages.confirm.show", "/confirm?token=guessed&type=signup", 403, 403),
    attack("pages.confirm.submit", "/confirm", 403, 403),
    attack("pages.continue.submit", "/continue", 403, 403),
    attack("pages.email.submit", "/account/email", 403, 403),
    attack("pages.export.submit", "/account/export", 403, 403),
    attack("pages.factor.remove", "/account/factors/remove", 403, 403),
    attack("pages.invitation.accept", "/invitation", 403, 403),
    attack("pages.invitation.show", "/invitation?token=guessed", 403, 403),
    attack("pages.key.ask", "/second-factor/key", 403, 403),
    attack("pages.key.verify", "/second-factor/key/verify", 403, 403),
    attack("pages.link.resend", "/sign-in/resend", 403, 403),
    attack("pages.link.show", "/sign-in/link", 200, 200),
    attack("pages.link.submit", "/sign-in/link", 403, 403),
    attack("pages.new_password.show", "/new-password", 303, 303),
    attack("pages.new_password.submit", "/new-password", 403, 403),
    attack("pages.organisations.create", "/account/organisations", 403, 403),
    attack("pages.organisations.show", "/account/organisations", 303, 303),
    attack("pages.organisations.switch", "/account/organisations/switch", 403, 403),
    attack("pages.passkey.ask", "/sign-in/passkey", 403, 403),
    attack("pages.passkey.begin", "/account/passkeys", 403, 403),
    attack("pages.passkey.register", "/account/passkeys/verify", 403, 403),
    attack("pages.passkey.sign_in", "/sign-in/passkey/verify", 403, 403),
    attack("pages.password.submit", "/account/password", 403, 403),
    attack("pages.profile.show", "/account", 303, 303),
    attack("pages.profile.submit", "/account", 403, 403),
    attack("pages.provider.begin", "/sign-in/provider", 303, 303),
    attack("pages.provider.finish", "/sign-in/return?code=guessed", 404, 404),
    attack("pages.recover.show", "/recover", 200, 200),
    attack("pages.recover.submit", "/recover", 403, 403),
    attack("pages.recovery_codes.make", "/account/recovery-codes", 403, 403),
    attack("pages.second_factor.show", "/second-factor", 303, 303),
    attack("pages.second_factor.submit", "/second-factor", 403, 403),
    attack("pages.security.show", "/account/security", 303, 303),
    attack("pages.sessions.end", "/account/sessions", 403, 403),
    attack("pages.sessions.show", "/account/sessions", 303, 303),
    attack("pages.sign_in.show", "/sign-in", 200, 200),
    attack("pages.sign_in.submit", "/sign-in", 403, 403),
    attack("pages.sign_out.submit", "/sign-out", 403, 403),
    attack("pages.sign_up.show", "/sign-up", 200, 200),
    attack("pages.sign_up.submit", "/sign-up", 403, 403),
    attack("payments.balance.get", "/payments/v1/balance", 401, 200),
    attack_with("payments.credit_notes.create", "/payments/v1/credit_notes", 401, 403, || {
        Some(json!({"invoice": "{random}", "amount": 1}))
    }),
    attack("payments.credit_notes.list", "/payments/v1/credit_notes", 401, 200),
    attack("payments.dunning.get", "/payments/v1/subscriptions/{subscription}/dunning", 401, 404),
    attack("payments.entitlements.list", "/payments/v1/entitlements", 401, 200),
    attack_with("payments.grants.create", "/payments/v1/grants", 401, 403, || {
        Some(json!({"plan": "gift", "org_id": "{org}"}))
    }),
    attack("payments.invoices.confirm", "/payments/v1/invoices/{random}/paid", 401, 403),
    attack("payments.invoices.document", "/payments/v1/invoices/{random}/pdf", 401, 404),
    attack("payments.invoices.list", "/payments/v1/invoices", 401, 200),
    attack("payments.plans.archive", "/payments/v1/plans/gift", 401, 403),
    attack_with("payments.plans.change", "/payments/v1/plans/gift", 401, 403, || {
        Some(json!({"entitlements": {"everything": true}}))
    }),
    attack_with("payments.plans.create", "/payments/v1/plans", 401, 403, || {
        Some(json!({"id": "theirs", "name": "Theirs"}))
    }),
    attack("payments.plans.list", "/payments/v1/plans", 200, 200),
    attack_with("payments.plans.sync", "/payments/v1/plans/sync", 401, 403, || Some(json!({"toml": ""}))),
    attack_with("payments.portal.open", "/payments/v1/portal", 401, 200, || {
        Some(json!({"return_url": "http://127.0.0.1:8080/"}))
    }),
    attack("payments.reconcile.run", "/payments/v1/reconcile", 401, 403),
    attack_with("payments.refunds.create", "/payments/v1/refunds", 401, 403, || {
        Some(json!({"invoice": "{random}"}))
    }),
    attack("payments.scheduled_changes.delete", "/payments/v1/subscriptions/{subscription}/change", 401, 404),
    attack("payments.subscriptions.cancel", "/payments/v1/subscriptions/{subscription}/cancel", 401, 404),
    attack_with(
        "payments.subscriptions.change",
        "/payments/v1/subscriptions/{subscription}/change",
        401,
        404,
        || Some(json!({"quantity": 1000})),
    ),
    attack("payments.subscriptions.explain", "/payments/v1/subscriptions/{subscription}/explain", 401, 404),
    attack("payments.subscriptions.get", "/payments/v1/subscriptions/{subscription}", 401, 404),
    attack("payments.subscriptions.list", "/payments/v1/subscriptions", 401, 200),
    attack_with(
        "payments.subscriptions.pause",
        "/payments/v1/subscriptions/{subscription}/pause",
        401,
        404,
        || Some(json!({"paused": true})),
    ),
    attack("payments.subscriptions.preview", "/payments/v1/subscriptions/{subscription}/preview", 401, 404),
    attack("payments.subscriptions.resume", "/payments/v1/subscriptions/{subscription}/resume", 401, 404),
    attack("payments.subscriptions.upcoming", "/payments/v1/subscriptions/{subscription}/upcoming", 401, 404),
    attack("payments.transfers.show", "/payments/v1/transfers/{random}", 404, 404),
    attack_with("payments.usage.report", "/payments/v1/usage", 401, 403, || {
        Some(json!({"reports": [{"key": "k", "meter": "m", "amount": 1, "org_id": "{org}"}]}))
    }),
    attack_with("payments.webhooks.stripe", "/payments/v1/webhooks/stripe", 400, 400, || {
        Some(
            json!({"id": "evt_1", "object": "event", "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}),
        )
    }),
    attack("server.welcome", "/", 200, 200),
    attack("stripe_twin.api.get", "/v1/customers", 401, 401),
    attack("stripe_twin.api.post", "/v1/customers", 401, 401),
    attack("stripe_twin.api.delete", "/v1/customers/cus_theirs", 401, 401),
    attack("stripe_twin.challenge.answer", "/_twin/challenge/pi_guessed", 404, 404),
    attack("stripe_twin.challenge.show", "/_twin/challenge/pi_guessed", 404, 404),
    attack("stripe_twin.chaos.get", "/_twin/chaos", 200, 200),
    attack_with("stripe_twin.chaos.turn", "/_twin/chaos", 400, 400, || Some(json!({"drop": 101}))),
    attack("stripe_twin.checkout.show", "/_twin/checkout/cs_guessed", 404, 404),
    attack("stripe_twin.checkout.submit", "/_twin/checkout/cs_guessed", 404, 404),
    attack_with("stripe_twin.clock.set", "/_twin/clock", 400, 400, || {
        Some(json!({"test_clock": "clock_guessed"}))
    }),
    attack("stripe_twin.credit_note.pdf", "/_twin/credit_notes/cn_guessed/pdf", 404, 404),
    attack("stripe_twin.dashboard.list", "/_twin/objects/customer", 200, 200),
    attack("stripe_twin.dashboard.object", "/_twin/object/cus_guessed", 404, 404),
    attack("stripe_twin.dashboard.resend", "/_twin/resend", 404, 404),
    attack("stripe_twin.dashboard.show", "/_twin", 200, 200),
    attack_with("stripe_twin.dunning.set", "/_twin/dunning", 400, 400, || {
        Some(json!({"after_retries": "forgive"}))
    }),
    attack("stripe_twin.invoice.pdf", "/_twin/invoices/in_guessed/pdf", 404, 404),
    attack("stripe_twin.invoice.show", "/_twin/invoices/in_guessed", 404, 404),
    attack("stripe_twin.portal.change", "/_twin/portal/guessed", 404, 404),
    attack("stripe_twin.portal.show", "/_twin/portal/guessed", 404, 404),
    attack_with("stripe_twin.trigger", "/_twin/trigger", 400, 400, || Some(json!({"event": "nothing"}))),
    attack("tenancy.audit.list", "/orgs/v1/orgs/{org}/audit", 401, 404),
    attack_with("tenancy.invitations.accept", "/orgs/v1/invitations/accept", 401, 403, || {
        Some(json!({"token": "guessed"}))
    }),
    attack_with("tenancy.invitations.create", "/orgs/v1/orgs/{org}/invitations", 401, 404, || {
        Some(json!({"email": "accomplice@example.com", "role": "owner"}))
    }),
    attack("tenancy.invitations.list", "/orgs/v1/orgs/{org}/invitations", 401, 404),
    attack_with(
        "tenancy.invitations.resend",
        "/orgs/v1/orgs/{org}/invitations/{random}/resend",
        401,
        404,
        || Some(json!({})),
    ),
    attack("tenancy.invitations.revoke", "/orgs/v1/orgs/{org}/invitations/{random}", 401, 404),
    attack("tenancy.invitations.show", "/orgs/v1/invitations/accept?token=guessed", 403, 403),
    attack_with("tenancy.members.change", "/orgs/v1/orgs/{org}/members/{user}", 401, 404, || {
        Some(json!({"role": "member"}))
    }),
    attack("tenancy.members.list", "/orgs/v1/orgs/{org}/members", 401, 404),
    attack("tenancy.members.remove", "/orgs/v1/orgs/{org}/members/{user}", 401, 404),
    attack_with("tenancy.metadata.put", "/orgs/v1/orgs/{org}/metadata", 401, 404, || Some(json!({"a": 1}))),
    attack_with("tenancy.orgs.create", "/orgs/v1/orgs", 401, 201, || Some(json!({"name": "The stranger's"}))),
    attack("tenancy.orgs.delete", "/orgs/v1/orgs/{org}", 401, 404),
    attack("tenancy.orgs.get", "/orgs/v1/orgs/{org}", 401, 404),
    attack("tenancy.orgs.list", "/orgs/v1/orgs", 401, 200),
    attack("tenancy.orgs.reinstate", "/admin/v1/orgs/{org}/reinstate", 401, 403),
    attack_with("tenancy.orgs.rename", "/orgs/v1/orgs/{org}", 401, 404, || {
        Some(json!({"name": "Taken over"}))
    }),
    attack("tenancy.orgs.restore", "/orgs/v1/orgs/{org}/restore", 401, 404),
    attack_with("tenancy.orgs.suspend", "/admin/v1/orgs/{org}/suspend", 401, 403, || Some(json!({}))),
    attack("tenancy.orgs.switch", "/orgs/v1/orgs/{org}/switch", 401, 404),
    attack_with("tenancy.orgs.transfer", "/orgs/v1/orgs/{org}/transfer", 401, 404, || {
        Some(json!({"user_id": "{user}"}))
    }),
    attack_with("tenancy.domains.claim", "/orgs/v1/orgs/{org}/domains", 401, 404, || {
        Some(json!({"domain": "victim.example"}))
    }),
    attack("tenancy.domains.list", "/orgs/v1/orgs/{org}/domains", 401, 404),
    attack("tenancy.domains.verify", "/orgs/v1/orgs/{org}/domains/victim.example/verify", 401, 404),
    attack("tenancy.domains.release", "/orgs/v1/orgs/{org}/domains/victim.example", 401, 404),
    attack_with("tenancy.sso.put", "/orgs/v1/orgs/{org}/sso", 401, 404, || {
        Some(json!({"issuer": "https://idp.evil.example", "client_id": "evil"}))
    }),
    attack("tenancy.sso.get", "/orgs/v1/orgs/{org}/sso", 401, 404),
    attack("tenancy.sso.delete", "/orgs/v1/orgs/{org}/sso", 401, 404),
    attack("tenancy.policy.get", "/orgs/v1/orgs/{org}/policy", 401, 404),
    attack_with("tenancy.policy.put", "/orgs/v1/orgs/{org}/policy", 401, 404, || {
        Some(json!({"mfa_required": true}))
    }),
    attack("tenancy.roles.delete", "/orgs/v1/orgs/{org}/roles/editor", 401, 404),
    attack("tenancy.roles.list", "/orgs/v1/orgs/{org}/roles", 401, 404),
    attack_with("tenancy.roles.put", "/orgs/v1/orgs/{org}/roles/editor", 401, 404, || {
        Some(json!({"permissions": ["members.manage"]}))
    }),
    attack_with("tenancy.roles.set_default", "/orgs/v1/orgs/{org}/roles", 401, 404, || {
        Some(json!({"default": "member"}))
    }),
    attack("web.calls.list", "/admin/v1/calls?sub={user}", 401, 403),
    attack("web.docs.read", "/docs", 200, 200),
    attack("web.health.alive", "/healthz", 200, 200),
    attack("web.health.ready", "/readyz", 200, 200),
    attack("web.metrics.read", "/metrics", 401, 403),
    attack("web.openapi.read", "/openapi.json", 200, 200),
];

/// Whose things are attacked.
struct Victim {
    person: Person,
    random: String,
    subscription: String,
}

impl Victim {
    fn path(&self, attack: &Attack) -> String {
        let path = attack.path.replace("{org}", &self.person.org_id).replace("{user}", &self.person.id);
        path.replace("{random}", &self.random).replace("{subscription}", &self.subscription)
    }

    fn body(&self, attack: &Attack) -> Option<Value> {
        let text = (attack.body)()?.to_string();
        let text = text.replace("{org}", &self.person.org_id).replace("{random}", &self.random);
        let text = text.replace("{user}", &self.person.id);
        serde_json::from_str(&text).ok()
    }

    /// The same path with ids that belong to nothing.
    fn path_to_nothing(&self, attack: &Attack) -> String {
        attack
            .path
            .replace("{org}", &self.random)
            .replace("{user}", &self.random)
            .replace("{random}", &self.random)
            .replace("{subscription}", &self.random)
    }
}

fn method(server: &TestServer, id: &str) -> Method {
    let operation = server.front.operations().iter().find(|operation| operation.id == id);
    operation.unwrap_or_else(|| panic!("there is no operation {id}")).method.clone()
}

#[tokio::test]
async fn the_table_names_every_operation_and_no_other() {
    on_each_engine(|server| async move {
        let there: BTreeSet<&str> = server.front.operations().iter().map(|operation| operation.id).collect();
        let attacked: BTreeSet<&str> = ATTACKS.iter().map(|attack| attack.id).collect();
        assert_eq!(there, attacked);
    })
    .await;
}

/// The table asks for more mails than one address gets in an hour; how many it gets is another test's matter. Plans are
/// granted by hand, so that no provider is needed.
fn many_mails(settings: &mut Settings) {
    settings.payments.provider = ProviderName::Manual;
    settings.identity.mails_per_address = 1000;
    settings.identity.mails_per_ip = 1000;
}

#[tokio::test]
async fn nobody_gets_only_what_is_public() {
    on_each_engine_with(many_mails, |server| async move {
        let victim = victim(&server).await;
        let mut wrong = Vec::new();
        for attack in ATTACKS {
            let path = victim.path(attack);
            let answer = server.anon(method(&server, attack.id), &path, victim.body(attack).as_ref()).await;
            if answer.status.as_u16() != attack.anon {
                wrong.push(format!("{}: {} {}", attack.id, answer.status, answer.text()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        is_unharmed(&server, &victim.person).await;
    })
    .await;
}

#[tokio::test]
async fn a_stranger_gets_what_is_theirs_and_cannot_tell_what_is_another_tenants_from_nothing() {
    on_each_engine_with(many_mails, |server| async move {
        let victim = victim(&server).await;
        let stranger = server.person("stranger").await;
        let mut wrong = Vec::new();
        for attack in ATTACKS {
            let method = method(&server, attack.id);
            let body = victim.body(attack);
            let answer = stranger.call(&server, method.clone(), &victim.path(attack), body.as_ref()).await;
            let nothing =
                stranger.call(&server, method, &victim.path_to_nothing(attack), body.as_ref()).await;
            if answer.status.as_u16() != attack.stranger {
                wrong.push(format!("{}: {} {}", attack.id, answer.status, answer.text()));
            }
            if attack.stranger == 404 && answer.without_request_id() != nothing.without_request_id() {
                wrong.push(format!("{} tells: {} and {}", attack.id, answer.text(), nothing.text()));
            }
            let told = answer.text();
            if told.contains(&victim.person.org_id) || told.contains(&victim.person.id) {
                wrong.push(format!("{} shows the victim's ids: {told}", attack.id));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        is_unharmed(&server, &victim.person).await;
    })
    .await;
}

const POSTS: &str = "create table posts (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null default auth.org_id(),
    title text not null
);
alter table posts enable row level security;
create policy posts_of_org on posts for all using (org_id = auth.org_id()) with check (org_id = auth.org_id());";

/// Signs the victim up and gives them a row.
async fn victim(server: &TestServer) -> Victim {
    let migration = json!({"name": "0001_posts", "sql": POSTS});
    let applied = server.admin(Method::POST, "/admin/v1/migrations", Some(&migration)).await;
    assert!(applied.status.is_success(), "{}", applied.text());
    let shelf = json!({"name": "shelf"});
    server.admin(Method::POST, "/storage/v1/bucket", Some(&shelf)).await.expect(200);
    let person = server.person("victim").await;
    let file = json!("secret");
    person.call(server, Method::POST, "/storage/v1/object/shelf/private", Some(&file)).await.expect(200);
    let row = json!({"title": "private"});
    person.call(server, Method::POST, "/rest/v1/posts", Some(&row)).await.expect(201);
    let plan = json!({"id": "gift", "name": "Gift"});
    server.admin(Method::POST, "/payments/v1/plans", Some(&plan)).await.expect(201);
    let grant = json!({"plan": "gift", "org_id": person.org_id});
    let granted = server.admin(Method::POST, "/payments/v1/grants", Some(&grant)).await.expect(201).json();
    let subscription = granted["id"].as_str().expect("a subscription has an id").to_owned();
    Victim { person, random: random(), subscription }
}

/// The victim still has everything.
async fn is_unharmed(server: &TestServer, victim: &Person) {
    let org =
        victim.call(server, Method::GET, &format!("/orgs/v1/orgs/{}", victim.org_id), None).await.expect(200);
    assert_ne!(org.json()["name"], "Taken over");
    let members =
        victim.call(server, Method::GET, &format!("/orgs/v1/orgs/{}/members", victim.org_id), None).await;
    assert_eq!(members.expect(200).json()["data"][0]["role"], "owner");
    victim.call(server, Method::GET, "/auth/v1/user", None).await.expect(200);
    let file = victim.call(server, Method::GET, "/storage/v1/object/shelf/private", None).await.expect(200);
    assert_eq!(file.json(), json!("secret"));
    victim.sign_in(server).await.expect(200);
    let rows = victim.call(server, Method::GET, "/rest/v1/posts?select=title", None).await.expect(200);
    assert_eq!(rows.json(), json!([{"title": "private"}]));
    let held = victim.call(server, Method::GET, "/payments/v1/subscriptions", None).await.expect(200);
    assert_eq!(held.json()["data"][0]["access"], "full");
}

fn random() -> String {
    OrgId::new(Timestamp::from_micros(1), &SystemRng::default()).to_string()
}
