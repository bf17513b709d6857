//! Beginning to enrol a second factor. It counts for nothing until its holder has shown it once.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, UserCaller};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::factor::{MAX_FACTORS, MAX_NAME_CHARS};
use crate::model::{Factor, FactorId, FactorKind, User, totp};
use crate::service::step_up::{own_strong_session, strong_session_in};
use crate::store::factors_global;

/// The purpose under which secrets of authenticator apps are sealed.
pub(crate) const SEALED_AS: &str = "identity.factor.totp";

/// What a person wants to enrol.
#[derive(Debug)]
pub struct EnrolFactor {
    /// An authenticator app, or a security key or device.
    pub kind: FactorKind,
    /// What they call it.
    pub friendly_name: Option<String>,
    /// What the app shall show as issuer.
    pub issuer: Option<String>,
}

/// A factor that waits to be shown.
#[derive(Debug)]
pub struct EnrolledFactor {
    /// The factor.
    pub factor: Factor,
    /// What an authenticator app needs; shown once.
    pub app: Option<AppSecret>,
}

/// What an authenticator app needs.
#[derive(Debug)]
pub struct AppSecret {
    /// The secret as people type it.
    pub secret: Secret<String>,
    /// The URI that apps read.
    pub uri: Secret<String>,
    /// The URI as a picture.
    pub qr_code: String,
}

/// Begins to enrol a factor.
///
/// # Errors
/// `insufficient_aal`, `reauthentication_needed`, `mfa_factor_name_conflict`, `too_many_enrolled_mfa_factors`,
/// `mfa_webauthn_enroll_not_enabled`; 400 `validation_failed` for a name or issuer that cannot be used.
pub async fn enrol_factor(
    identity: &Identity,
    caller: &UserCaller,
    wish: EnrolFactor,
    origin: &Origin,
) -> Result<EnrolledFactor, Problem> {
    let (user, _) = own_strong_session(identity, caller, origin).await?;
    if wish.kind == FactorKind::Webauthn {
        identity.webauthn()?;
    }
    let name = wish.friendly_name.map(|name| usable_name(&name, "friendly_name")).transpose()?;
    let issuer = wish.issuer.map(|issuer| usable_name(&issuer, "issuer")).transpose()?;
    let rng = identity.app().rng();
    let mut factor = Factor::new(FactorId::new(origin.now, rng), user.id, wish.kind, origin.now);
    factor.friendly_name = name.filter(|name| !name.is_empty());
    let app = match wish.kind {
        FactorKind::Totp => Some(draw_secret(identity, &user, issuer, &mut factor)?),
        _ => None,
    };
    let entry = identity.entry(Actor::User(user.id), "identity.factor.enrolment_begun", origin).on(factor.id);
    let (stored, session_id) = (factor.clone(), caller.session_id);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    identity
        .db()
        .write("identity.factor.enrol", move |tx| {
            let (user, _) = strong_session_in(tx, &inside, session_id, &seen_from)?;
            check_room_for(&user, stored.friendly_name.as_deref())?;
            factors_global::insert(tx, &stored)?;
            Ok::<_, Problem>(quoin_audit::record(tx, &entry)?)
        })
        .await?;
    Ok(EnrolledFactor { factor, app })
}

/// Trims a name and refuses what cannot be shown.
///
/// # Errors
/// 400 `validation_failed` naming `field`.
pub(crate) fn usable_name(name: &str, field: &'static str) -> Result<String, Problem> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let why = "must have 120 characters at most, none of them a control character";
        return Err(Problem::invalid(format!("{field} {why}.")).field(field, why));
    }
    Ok(name.to_owned())
}

/// Refuses a name that another factor has, and more factors than anybody needs.
///
/// # Errors
/// `mfa_factor_name_conflict`, `too_many_enrolled_mfa_factors`.
pub(crate) fn check_room_for(user: &User, name: Option<&str>) -> Result<(), IdentityError> {
    if user.factors.len() >= MAX_FACTORS {
        return Err(IdentityError::TooManyFactors);
    }
    let taken = name
        .is_some_and(|name| user.factors.iter().any(|factor| factor.friendly_name.as_deref() == Some(name)));
    if taken { Err(IdentityError::FactorNameConflict) } else { Ok(()) }
}

fn draw_secret(
    identity: &Identity,
    user: &User,
    issuer: Option<String>,
    factor: &mut Factor,
) -> Result<AppSecret, Problem> {
    let secret = totp::draw(identity.app().rng());
    let issuer = issuer.filter(|issuer| !issuer.is_empty());
    let issuer = issuer.unwrap_or_else(|| identity.config().product_name.clone());
    let uri = totp::uri(&issuer, &user.account(), &secret);
    let qr_code = totp::qr_code(&uri).ok_or_else(|| {
        let why = "is too long for a QR code";
        Problem::invalid(format!("issuer {why}.")).field("issuer", why)
    })?;
    factor.sealed_secret = Some(identity.app().master_key().seal(SEALED_AS, secret.expose()));
    Ok(AppSecret { secret: totp::base32(&secret), uri, qr_code })
}
