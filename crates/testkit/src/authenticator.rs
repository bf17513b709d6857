//! A security key in software: makes P-256 keys and signs challenges, as a device does (WebAuthn, "none" attestation).

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quoin_kernel::hash::sha256;
use serde_json::{Value, json};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const WITH_CREDENTIAL: u8 = 0x40;

/// A security key that holds one credential.
pub struct Authenticator {
    key: EcdsaKeyPair,
    id: [u8; 32],
    rp_id: &'static str,
    /// The origin of the page that asks; an attacker's page is elsewhere.
    pub origin: String,
    /// Whether the device checks its holder.
    pub verifies: bool,
    /// How often it has signed.
    pub counter: u32,
    user_handle: Option<String>,
}

impl Authenticator {
    /// Makes a device for pages of `origin`, whose passkeys belong to `rp_id`.
    ///
    /// # Panics
    /// Where the machine has no randomness.
    pub fn new(rp_id: &'static str, origin: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("keys can be made");
        let mut id = [0; 32];
        SystemRandom::new().fill(&mut id).expect("there is randomness");
        Self { key, id, rp_id, origin: origin.to_owned(), verifies: true, counter: 0, user_handle: None }
    }

    /// Answers `navigator.credentials.create`.
    ///
    /// # Panics
    /// Where the options are none.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user_handle = options["user"]["id"].as_str().map(str::to_owned);
        let mut data = self.data(WITH_CREDENTIAL);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&[0, 32]);
        data.extend_from_slice(&self.id);
        let point = self.key.public_key().as_ref();
        // The COSE key: kty EC2, alg ES256, crv P-256, x, y.
        data.extend_from_slice(&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend_from_slice(&point[1..33]);
        data.extend_from_slice(&[0x22, 0x58, 0x20]);
        data.extend_from_slice(&point[33..65]);
        // {"fmt": "none", "attStmt": {}, "authData": …}
        let mut object = vec![0xa3, 0x63];
        object.extend_from_slice(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).expect("the data is short"));
        object.extend_from_slice(&data);
        let client = self.client_data("webauthn.create", options);
        self.answer(&json!({
            "attestationObject": encode(&object), "clientDataJSON": encode(client.as_bytes()), "transports": ["usb"],
        }))
    }

    /// Answers `navigator.credentials.get`.
    ///
    /// # Panics
    /// Where the options are none.
    pub fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let data = self.data(0);
        let client = self.client_data("webauthn.get", options);
        let mut signed = data.clone();
        signed.extend_from_slice(&sha256(client.as_bytes()));
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("the key signs");
        self.answer(&json!({
            "authenticatorData": encode(&data), "clientDataJSON": encode(client.as_bytes()),
            "signature": encode(signature.as_ref()), "userHandle": self.user_handle,
        }))
    }

    /// Claims to hold a key of this person.
    pub fn pretend(&mut self, user_handle: &str) {
        self.user_handle = Some(user_handle.to_owned());
    }

    fn answer(&self, response: &Value) -> Value {
        let id = encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}})
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let verified = if self.verifies { USER_VERIFIED } else { 0 };
        let mut data = sha256(self.rp_id.as_bytes()).to_vec();
        data.push(USER_PRESENT | verified | more);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let challenge = options["challenge"].as_str().expect("the options hold a challenge");
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false}).to_string()
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
