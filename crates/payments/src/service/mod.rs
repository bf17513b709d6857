//! The verbs, one file each. `carry_out` asks providers to do things, `fetch_object` asks how things stand, `entitle` says
//! what follows.

pub mod apply;
pub mod carry_out;
pub mod change_subscription;
mod check_scheduled_changes;
pub mod coupons;
pub mod dun;
pub mod entitle;
pub mod explain;
pub mod fetch_object;
pub mod follow_seats;
pub mod forget;
pub mod give_back;
pub mod issue_credit_note;
pub mod manage_plans;
pub mod open_portal;
pub mod publish_plan;
pub mod purge;
pub mod read;
pub mod reconcile;
pub mod refund;
pub mod report_usage;
mod resume_intents;
mod resume_paused;
pub mod serve_manually;
pub mod start_checkout;
pub mod sync_plan_file;
pub mod take_announcement;
