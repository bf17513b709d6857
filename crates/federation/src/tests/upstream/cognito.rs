//! Cognito. Shapes: the user pools API reference.

use std::sync::Arc;

use quoin_identity::config::{UpstreamConfig, UpstreamKind};
use quoin_identity::model::FactorKind;
use quoin_identity::port::{Credentials, PasswordChange, PersonChanges, UserStore as _};
use quoin_kernel::Secret;
use serde_json::{Value, json};

use super::{Recorded, SUBJECT, attested, config, id_token, jane, keys, named, now, owed, person};
use crate::Cognito;

const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab";
/// What a client shows of its secret: HMAC-SHA-256 of name and client id, computed once with another program.
const HASH_OF_JANE: &str = "f9qQN0tPEMjbPVHGzPCSCMJy1Xd87DrmYji+CB/reCk=";

fn opened(recorded: &Recorded) -> Cognito {
    opened_with(recorded, |_| {})
}

fn opened_with(recorded: &Recorded, change: impl FnOnce(&mut UpstreamConfig)) -> Cognito {
    let mut config = config(UpstreamKind::Cognito);
    config.region = Some("eu-central-1".to_owned());
    config.user_pool_id = Some("eu-central-1_Ab".to_owned());
    config.access_key_id = Some("AKIDEXAMPLE".to_owned());
    config.secret_access_key = Some(Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()));
    change(&mut config);
    let provider = config.as_provider(UpstreamKind::Cognito);
    Cognito::open(&config, provider, Arc::new(recorded.clone())).unwrap()
}

fn tokens(more: &Value) -> (u16, Value) {
    let mut said = json!({"token_use": "id", "cognito:username": SUBJECT});
    for (name, value) in more.as_object().unwrap() {
        said[name] = value.clone();
    }
    let result = json!({
        "AccessToken": "at", "ExpiresIn": 3600, "IdToken": id_token(ISSUER, &said), "RefreshToken": "rt",
        "TokenType": "Bearer",
    });
    (200, json!({"AuthenticationResult": result, "ChallengeParameters": {}}))
}

fn refusal(kind: &str, words: &str) -> (u16, Value) {
    (400, json!({"__type": kind, "message": words}))
}

fn challenge(name: &str) -> (u16, Value) {
    let parameters = json!({"USER_ID_FOR_SRP": SUBJECT, "FRIENDLY_DEVICE_NAME": "phone"});
    (200, json!({"ChallengeName": name, "ChallengeParameters": parameters, "Session": "AYABe"}))
}

fn account() -> (u16, Value) {
    let attributes = json!([
        {"Name": "sub", "Value": SUBJECT},
        {"Name": "email_verified", "Value": "true"},
        {"Name": "email", "Value": "jane@example.com"},
    ]);
    let body = json!({"Username": SUBJECT, "UserAttributes": attributes, "Enabled": true, "UserStatus": "CONFIRMED"});
    (200, body)
}

fn listed() -> (u16, Value) {
    let attributes = json!([{"Name": "sub", "Value": SUBJECT}]);
    (200, json!({"Users": [{"Username": "jane", "Attributes": attributes, "Enabled": true}]}))
}

#[tokio::test]
async fn a_password_attests_whoever_the_id_token_names() {
    let recorded = Recorded::answering([tokens(&json!({})), keys()]);
    let signed_in = attested(opened(&recorded).sign_in(&jane(), now()).await.unwrap());
    assert_eq!((signed_in.attested.issuer.as_str(), signed_in.attested.subject.as_str()), (ISSUER, SUBJECT));
    let asked = recorded.asked();
    assert_eq!(asked[0].line, "POST https://cognito-idp.eu-central-1.amazonaws.com/");
    assert_eq!(asked[0].target, "AWSCognitoIdentityProviderService.InitiateAuth");
    assert_eq!(asked[0].authorization, "", "people's calls are not signed");
    let parameters = json!({
        "USERNAME": "jane@example.com", "PASSWORD": "walrus-teapot", "SECRET_HASH": HASH_OF_JANE,
    });
    assert_eq!(
        asked[0].body,
        json!({"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "quoin", "AuthParameters": parameters})
    );
    assert_eq!(asked[1].line, format!("GET {ISSUER}/.well-known/jwks.json"));
}

#[tokio::test]
async fn refusals_are_told_apart_by_their_exception() {
    let cases = [
        (refusal("NotAuthorizedException", "Incorrect username or password."), "InvalidCredentials"),
        (refusal("NotAuthorizedException", "User is disabled."), "InvalidCredentials"),
        (refusal("NotAuthorizedException", "Unable to verify secret hash for client quoin"), "Unreachable"),
        (refusal("UserNotFoundException", "User does not exist."), "InvalidCredentials"),
        (refusal("UserNotConfirmedException", "User is not confirmed."), "Unconfirmed"),
        (refusal("PasswordResetRequiredException", "Password reset required"), "ActionRequired"),
        (refusal("ResourceNotFoundException", "User pool client does not exist."), "Unreachable"),
        (refusal("TooManyRequestsException", "Rate exceeded"), "Busy"),
        (
            refusal("com.amazonaws#NotAuthorizedException", "Incorrect username or password."),
            "InvalidCredentials",
        ),
        ((500, json!({"__type": "InternalErrorException"})), "Unreachable"),
        ((200, Value::Null), "Refused"),
        (challenge("NEW_PASSWORD_REQUIRED"), "ActionRequired"),
        (challenge("MFA_SETUP"), "ActionRequired"),
        (challenge("DEVICE_SRP_AUTH"), "ActionRequired"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer.clone()]);
        assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn an_access_token_in_place_of_the_id_token_proves_nothing() {
    let recorded = Recorded::answering([tokens(&json!({"token_use": "access"})), keys()]);
    assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), "Refused");
    let recorded = Recorded::answering([tokens(&json!({"aud": "another-client"})), keys()]);
    assert_eq!(named(opened(&recorded).sign_in(&jane(), now()).await), "Refused");
}

#[tokio::test]
async fn every_kind_of_challenge_is_answered_under_its_own_name() {
    let kinds = [
        ("SOFTWARE_TOKEN_MFA", FactorKind::Totp, "SOFTWARE_TOKEN_MFA_CODE"),
        ("SMS_MFA", FactorKind::Phone, "SMS_MFA_CODE"),
        ("SMS_OTP", FactorKind::Phone, "SMS_OTP_CODE"),
        ("EMAIL_OTP", FactorKind::Email, "EMAIL_OTP_CODE"),
    ];
    for (name, kind, field) in kinds {
        let recorded = Recorded::answering([challenge(name), account(), tokens(&json!({})), keys()]);
        let store = opened(&recorded);
        let owed = owed(store.sign_in(&jane(), now()).await.unwrap());
        assert_eq!((owed.kind, owed.attested.subject.as_str()), (kind, SUBJECT));
        assert!(
            !owed.attested.email_verified,
            "the administration's attributes are texts, and prove no address"
        );
        let state = store.ask(&owed.state).await.unwrap();
        store.answer(&state, &Secret::new("123456".to_owned()), now()).await.unwrap();
        let asked = recorded.asked();
        assert_eq!(asked[1].target, "AWSCognitoIdentityProviderService.AdminGetUser");
        assert_eq!(asked[2].body["ChallengeName"], name);
        assert_eq!(asked[2].body["Session"], "AYABe");
        assert_eq!(asked[2].body["ChallengeResponses"][field], "123456");
        assert_eq!(asked[2].body["ChallengeResponses"]["USERNAME"], SUBJECT);
    }
}

#[tokio::test]
async fn wrong_and_late_codes_are_told_apart() {
    let recorded = Recorded::answering([challenge("SOFTWARE_TOKEN_MFA"), account()]);
    let state = owed(opened(&recorded).sign_in(&jane(), now()).await.unwrap()).state;
    let cases = [
        (refusal("CodeMismatchException", "Invalid code received for user"), "CodeRefused"),
        (refusal("ExpiredCodeException", "Your software token has already been used once."), "CodeExpired"),
        (
            refusal("NotAuthorizedException", "Invalid session for the user, session is expired."),
            "CodeExpired",
        ),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        let answered = opened(&recorded).answer(&state, &Secret::new("0".to_owned()), now()).await;
        assert_eq!(named(answered), expected);
    }
}

#[tokio::test]
async fn a_refresh_proves_the_secret_with_the_name_that_the_pool_has() {
    let recorded = Recorded::answering([tokens(&json!({})), keys(), tokens(&json!({})), (200, json!({}))]);
    let store = opened(&recorded);
    let session = attested(store.sign_in(&jane(), now()).await.unwrap()).refresh_token.unwrap();
    let upheld = store.refresh(&session, now()).await.unwrap();
    assert_eq!(upheld.subject, SUBJECT);
    assert!(upheld.refresh_token.is_none(), "the pool keeps the token");
    store.end(&session).await.unwrap();
    let asked = recorded.asked();
    assert_eq!(asked[2].body["AuthFlow"], "REFRESH_TOKEN_AUTH");
    assert_eq!(asked[2].body["AuthParameters"]["REFRESH_TOKEN"], "rt");
    assert_ne!(
        asked[2].body["AuthParameters"]["SECRET_HASH"],
        asked[0].body["AuthParameters"]["SECRET_HASH"]
    );
    assert_eq!(asked[3].body, json!({"Token": "rt", "ClientId": "quoin", "ClientSecret": "quoin-secret"}));

    let cases = [
        (refusal("NotAuthorizedException", "Refresh Token has been revoked"), "Ended"),
        (refusal("NotAuthorizedException", "User is disabled."), "Ended"),
        (refusal("UserNotFoundException", "User does not exist."), "Ended"),
        (refusal("NotAuthorizedException", "Unable to verify secret hash for client quoin"), "Unreachable"),
        (refusal("TooManyRequestsException", "Too many requests"), "Busy"),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).refresh(&session, now()).await), expected);
    }
}

#[tokio::test]
async fn sign_up_and_codes_go_to_the_pool_as_the_client() {
    let made = json!({"UserConfirmed": false, "UserSub": SUBJECT, "CodeDeliveryDetails": {"DeliveryMedium": "EMAIL"}});
    let recorded = Recorded::answering([(200, made), (200, json!({})), (200, json!({})), (200, json!({}))]);
    let store = opened(&recorded);
    assert_eq!(store.sign_up(&person()).await.unwrap().subject, SUBJECT);
    let code = Secret::new("123456".to_owned());
    store.confirm_sign_up("jane@example.com", &code).await.unwrap();
    store.request_reset("jane@example.com").await.unwrap();
    let shown = Credentials { password: Secret::new("another-teapot".to_owned()), ..jane() };
    store.confirm_reset(&shown, &code).await.unwrap();
    let asked = recorded.asked();
    let named: Vec<&str> = asked.iter().map(|asked| asked.target.rsplit('.').next().unwrap()).collect();
    assert_eq!(named, ["SignUp", "ConfirmSignUp", "ForgotPassword", "ConfirmForgotPassword"]);
    assert!(asked.iter().all(|asked| asked.body["SecretHash"] == HASH_OF_JANE));
    assert_eq!(asked[0].body["UserAttributes"], json!([{"Name": "email", "Value": "jane@example.com"}]));
    assert_eq!(asked[3].body["Password"], "another-teapot");
}

#[tokio::test]
async fn refused_sign_ups_and_mails_are_told_apart() {
    let cases = [
        (refusal("UsernameExistsException", "User already exists"), "Exists"),
        (refusal("InvalidPasswordException", "Password did not conform with policy"), "WeakPassword"),
        (
            refusal("InvalidParameterException", "1 validation error detected: Value at 'password' failed"),
            "WeakPassword",
        ),
    ];
    for (answer, expected) in cases {
        let recorded = Recorded::answering([answer]);
        assert_eq!(named(opened(&recorded).sign_up(&person()).await), expected);
    }
    // What depends on the account is not told, not even that it has asked too often.
    for kind in ["UserNotFoundException", "LimitExceededException", "InvalidParameterException"] {
        let recorded = Recorded::answering([refusal(kind, "words")]);
        assert_eq!(named(opened(&recorded).request_reset("jane@example.com").await), "NoSuchPerson");
    }
}

#[tokio::test]
async fn accounts_are_administered_with_signed_calls_about_the_name_behind_the_subject() {
    let recorded = Recorded::answering([listed(), (200, json!({})), (200, json!({})), listed(), account()]);
    let store = opened(&recorded);
    let off = PersonChanges { is_enabled: Some(false), ..PersonChanges::default() };
    store.change(SUBJECT, &off).await.unwrap();
    assert!(store.is_enabled(SUBJECT).await.unwrap());
    let asked = recorded.asked();
    assert_eq!(asked[0].body["Filter"], format!("sub = \"{SUBJECT}\""));
    assert!(
        asked[1].target.ends_with("AdminDisableUser") && asked[2].target.ends_with("AdminUserGlobalSignOut")
    );
    assert_eq!(asked[1].body, json!({"UserPoolId": "eu-central-1_Ab", "Username": "jane"}));
    let signature = &asked[1].authorization;
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signature}");
    assert!(signature.contains("/eu-central-1/cognito-idp/aws4_request"), "{signature}");
    assert!(signature.contains("x-amz-target"), "the name of the call is signed too: {signature}");
}

#[tokio::test]
async fn a_subject_cannot_change_the_filter() {
    let recorded = Recorded::default();
    assert!(!opened(&recorded).is_enabled("x\" or email = \"jane@example.com").await.unwrap());
    assert!(recorded.asked().is_empty());
    let somebody_else = json!([{"Name": "sub", "Value": "somebody-else"}]);
    let recorded =
        Recorded::answering([(200, json!({"Users": [{"Username": "x", "Attributes": somebody_else}]}))]);
    assert_eq!(named(opened(&recorded).is_enabled(SUBJECT).await), "Refused");
}

#[tokio::test]
async fn an_account_whose_password_is_refused_is_not_left_behind() {
    let user =
        json!({"Username": SUBJECT, "Attributes": [{"Name": "sub", "Value": SUBJECT}], "Enabled": true});
    let weak = refusal("InvalidPasswordException", "Password not long enough");
    let recorded = Recorded::answering([(200, json!({"User": user})), weak, (200, json!({}))]);
    assert_eq!(named(opened(&recorded).create(&person()).await), "WeakPassword");
    let asked = recorded.asked();
    assert_eq!(asked[0].body["MessageAction"], "SUPPRESS");
    assert!(asked[2].target.ends_with("AdminDeleteUser"));
}

#[tokio::test]
async fn without_an_administrator_a_password_changes_with_the_present_one() {
    let nobody = |config: &mut UpstreamConfig| config.access_key_id = None;
    let change = PasswordChange {
        name: "jane@example.com".to_owned(),
        current: Some(Secret::new("walrus-teapot".to_owned())),
        new: Secret::new("another-teapot".to_owned()),
    };
    let recorded = Recorded::answering([tokens(&json!({})), (200, json!({})), (200, json!({}))]);
    opened_with(&recorded, nobody).change_password(SUBJECT, &change).await.unwrap();
    let asked = recorded.asked();
    assert_eq!(
        asked[1].body,
        json!({"AccessToken": "at", "PreviousPassword": "walrus-teapot", "ProposedPassword": "another-teapot"})
    );
    assert!(asked[2].target.ends_with("RevokeToken"), "the session that proved it ends");
    let blind = PasswordChange { current: None, ..change };
    let recorded = Recorded::default();
    assert_eq!(named(opened_with(&recorded, nobody).change_password(SUBJECT, &blind).await), "NotOffered");
}
