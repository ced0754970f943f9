//! KakaoPay's bodies, field by field. Unknown fields of an answer are ignored.

use domain::time::Time;
use domain::won::Won;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct Ready<'a> {
    pub cid: &'a str,
    pub partner_order_id: String,
    pub partner_user_id: String,
    pub item_name: &'a str,
    pub item_code: String,
    pub quantity: u32,
    pub total_amount: Won,
    pub tax_free_amount: Won,
    pub vat_amount: Won,
    pub approval_url: &'a str,
    pub cancel_url: &'a str,
    pub fail_url: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Readied {
    pub tid: String,
    pub next_redirect_pc_url: String,
    pub next_redirect_mobile_url: String,
    pub next_redirect_app_url: String,
}

#[derive(Serialize)]
pub(super) struct Approve<'a> {
    pub cid: &'a str,
    pub tid: &'a str,
    pub partner_order_id: String,
    pub partner_user_id: String,
    pub pg_token: &'a str,
    /// Optional. KakaoPay refuses when it is not the amount of `ready`.
    pub total_amount: Won,
}

#[derive(Deserialize)]
pub(super) struct Approved {
    pub aid: String,
    pub tid: String,
    pub partner_order_id: String,
    pub amount: Amount,
    #[serde(default)]
    pub payment_method_type: super::Method,
    pub approved_at: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Cancel<'a> {
    pub cid: &'a str,
    pub tid: &'a str,
    pub cancel_amount: Won,
    pub cancel_tax_free_amount: Won,
    pub cancel_vat_amount: Won,
    /// Optional. KakaoPay refuses when another cancellation came first.
    pub cancel_available_amount: Won,
}

#[derive(Deserialize)]
pub(super) struct Cancelled {
    pub aid: String,
    pub tid: String,
    pub status: super::Status,
    pub approved_cancel_amount: Amount,
    pub cancel_available_amount: Amount,
    pub canceled_at: Option<String>,
}

#[derive(Serialize)]
pub(super) struct AskOrder<'a> {
    pub cid: &'a str,
    pub tid: &'a str,
}

/// An order that was never paid has no amounts to show.
#[derive(Deserialize)]
pub(super) struct Order {
    pub tid: String,
    pub partner_order_id: String,
    pub status: super::Status,
    #[serde(default)]
    pub amount: Option<Amount>,
    #[serde(default)]
    pub canceled_amount: Option<Amount>,
    #[serde(default)]
    pub cancel_available_amount: Option<Amount>,
    #[serde(default)]
    pub approved_at: Option<String>,
    #[serde(default)]
    pub payment_action_details: Option<Vec<Action>>,
}

#[derive(Deserialize)]
pub(super) struct Action {
    #[serde(default)]
    pub aid: String,
    #[serde(default)]
    pub payment_action_type: String,
}

#[derive(Deserialize)]
pub(super) struct Amount {
    pub total: Won,
    #[serde(default)]
    pub vat: Option<Won>,
}

/// KakaoPay writes Korean time without an offset. What cannot be read is left out: a changed notation must not turn every
/// approval into an unknown outcome.
pub(super) fn time(text: Option<String>) -> Option<Time> {
    format!("{}+09:00", text?).parse().ok()
}
