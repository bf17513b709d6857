//! The keys of the section, for the reference.

use quoin_web::ConfigDoc;

/// Documents the section `[identity]`.
pub static CONFIG_DOCS: &[ConfigDoc] = &[
    ConfigDoc {
        key: "identity.sign_up",
        default: "true",
        about: "Whether people may sign themselves up; else administrators make accounts and invite.",
    },
    ConfigDoc {
        key: "identity.unverified",
        default: "refuse",
        about: "What happens before an address is proved: refuse (no session), restricted (a session with \
                email_verified false, which reveals known addresses) or autoconfirm (every address counts as proved).",
    },
    ConfigDoc {
        key: "identity.password_min_length",
        default: "8",
        about: "The fewest characters a password may have; 15 is recommended where it stands alone.",
    },
    ConfigDoc {
        key: "identity.access_token_s",
        default: "3600",
        about: "Seconds an access token lives; 3600 at most.",
    },
    ConfigDoc {
        key: "identity.session_idle_s",
        default: "5184000",
        about: "Seconds a session lives without being refreshed.",
    },
    ConfigDoc {
        key: "identity.refresh_grace_s",
        default: "10",
        about: "Seconds within which the same client gets the same answer for the same refresh token again; 10 at most.",
    },
    ConfigDoc { key: "identity.link_s", default: "600", about: "Seconds links and codes live; 900 at most." },
    ConfigDoc {
        key: "identity.recent_sign_in_s",
        default: "86400",
        about: "Seconds after a sign-in during which password and address may be changed without a code.",
    },
    ConfigDoc {
        key: "identity.failures_per_account",
        default: "10",
        about: "Wrong passwords or codes for one account within 15 minutes before it has to wait.",
    },
    ConfigDoc {
        key: "identity.failures_per_ip",
        default: "100",
        about: "Wrong passwords or codes from one network address within 15 minutes before it has to wait.",
    },
    ConfigDoc {
        key: "identity.mails_per_address",
        default: "5",
        about: "Mails to one address within an hour.",
    },
    ConfigDoc {
        key: "identity.mails_per_ip",
        default: "50",
        about: "Mails asked for from one network address within an hour.",
    },
    ConfigDoc {
        key: "identity.hash_threads",
        default: "0",
        about: "Threads that hash passwords; 0 takes one for each core.",
    },
    ConfigDoc {
        key: "identity.hash_queue",
        default: "64",
        about: "Sign-ins that may wait for a hashing thread before 503 is answered.",
    },
    ConfigDoc {
        key: "identity.argon2_memory_kib",
        default: "19456",
        about: "Memory of Argon2id in KiB; older hashes are renewed at the next sign-in.",
    },
    ConfigDoc {
        key: "identity.argon2_passes",
        default: "2",
        about: "Passes of Argon2id; older hashes are renewed at the next sign-in.",
    },
];
