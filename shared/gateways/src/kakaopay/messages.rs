//! What is asked of KakaoPay and what it answers, in our own values.

use domain::id::{MemberId, PaymentId};
use domain::time::Time;
use domain::won::Won;
use serde::{Deserialize, Serialize};

/// An order to open.
pub struct ReadyRequest<'a> {
    /// `partner_order_id`.
    pub payment: PaymentId,
    /// `partner_user_id`.
    pub member: MemberId,
    /// What is bought, cut to 100 characters.
    pub item_name: &'a str,
    /// Of what it is: the event's id, or another word of ours.
    pub item_code: String,
    /// How many.
    pub quantity: u32,
    /// What is to be paid for all of them.
    pub total: Won,
    /// Where the payer comes back after agreeing, with `pg_token` in the query.
    pub approval_url: &'a str,
    /// Where the payer comes back after giving up.
    pub cancel_url: &'a str,
    /// Where the payer comes back after failing, or too late.
    pub fail_url: &'a str,
}

/// An open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// KakaoPay's id of the order.
    pub tid: String,
    /// Where the payer agrees.
    pub pages: Pages,
}

/// The same page for three kinds of client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// For a browser on a computer.
    pub pc: String,
    /// For a browser on a phone.
    pub mobile: String,
    /// For an app's web view.
    pub app: String,
}

/// The money to take.
pub struct ApproveRequest<'a> {
    /// KakaoPay's id of the order.
    pub tid: &'a str,
    /// As in [`ReadyRequest`].
    pub payment: PaymentId,
    /// As in [`ReadyRequest`].
    pub member: MemberId,
    /// As in [`ReadyRequest`]; KakaoPay refuses another amount.
    pub total: Won,
    /// The one-time token that the payer brought back.
    pub pg_token: &'a str,
}

/// Money taken: exactly what was asked for, for the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// KakaoPay's id of this approval.
    pub aid: String,
    /// What was taken.
    pub total: Won,
    /// How it was paid.
    pub method: Method,
    /// When; missing if KakaoPay wrote it in a way that cannot be read.
    pub approved_at: Option<Time>,
}

/// How a payer paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// With a card.
    Card,
    /// With KakaoPay's own money.
    Money,
    /// In a way that is not known here.
    #[default]
    #[serde(other)]
    Other,
}

/// Money to give back.
pub struct CancelRequest<'a> {
    /// KakaoPay's id of the order.
    pub tid: &'a str,
    /// How much.
    pub amount: Won,
    /// How much of the order's money is not given back yet, this amount included. KakaoPay refuses when that is not so:
    /// a cancellation that was sent twice can't give money back twice.
    pub available: Won,
    /// How much of that is value-added tax.
    pub available_vat: Won,
}

/// Money given back: exactly what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// KakaoPay's id of this cancellation.
    pub aid: String,
    /// How the order stands after it.
    pub status: Status,
    /// What was given back.
    pub amount: Won,
    /// What can still be given back.
    pub available: Won,
    /// When; missing if KakaoPay wrote it in a way that cannot be read.
    pub canceled_at: Option<Time>,
}

/// How an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its state.
    pub status: Status,
    /// Its amounts; missing when KakaoPay does not tell all of them, as of an order that was never paid.
    pub amounts: Option<OrderAmounts>,
    /// KakaoPay's id of the approval, if there was one.
    pub aid: Option<String>,
    /// When it was approved, if it was.
    pub approved_at: Option<Time>,
}

/// What an order is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAmounts {
    /// As it was opened or, once paid, taken.
    pub taken: Won,
    /// How much of it was given back.
    pub returned: Won,
    /// How much of it can still be given back.
    pub left: Won,
    /// How much of that is value-added tax.
    pub left_vat: Won,
}

/// KakaoPay's states of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Opened.
    Ready,
    /// The payer was sent a message.
    SendTms,
    /// The payer opened the page.
    OpenPayment,
    /// The payer chose how to pay.
    SelectMethod,
    /// Waiting for a call to the payer.
    ArsWaiting,
    /// The payer agreed; it can be approved.
    AuthPassword,
    /// A key for repeated payments was made.
    IssuedSid,
    /// The money was taken.
    SuccessPayment,
    /// A part was given back.
    PartCancelPayment,
    /// All of it was given back.
    CancelPayment,
    /// The payer could not prove who they are.
    FailAuthPassword,
    /// The payer gave up.
    QuitPayment,
    /// It failed.
    FailPayment,
    /// One that is not known here.
    #[serde(other)]
    Other,
}
