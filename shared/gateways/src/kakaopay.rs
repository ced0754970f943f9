//! KakaoPay's single payment: `ready` opens an order and gives the page where the payer agrees, `approve` takes the money,
//! `cancel` gives it back, `order` tells how things stand. The wire is described at <https://developers.kakaopay.com>.
//!
//! There is no idempotency key on it. So `approve` and `cancel` are never repeated here: whoever gets
//! [`Error::OutcomeUnknown`] asks [`Kakaopay::order`] and goes by that. `order` changes nothing and is asked a second time
//! after a failure; so is `ready`, since an order that nobody was given the page of cannot be paid and ends by itself
//! after 15 minutes. Neither is repeated after a time-out: the one who waits has waited long enough.

mod config;
mod error;
mod messages;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use aws::{Connect, ConnectError};
use domain::id::PaymentId;
use domain::won::Won;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span, field};

use crate::http::{self, SetupError};
pub use config::{Config, Key, PRODUCTION};
pub use error::{Cause, Error};
pub use messages::{
    ApproveRequest, Approved, CancelRequest, Cancelled, Method, Order, OrderAmounts, Pages, Ready,
    ReadyRequest, Status,
};

/// The longest `item_name`, in UTF-16 units: the narrowest reading of KakaoPay's "100 characters".
const ITEM_NAME: usize = 100;

/// A client. A clone shares its connections.
#[derive(Clone)]
pub struct Kakaopay {
    http: reqwest::Client,
    config: Arc<Config>,
}

impl Connect for Kakaopay {
    /// From `KAKAOPAY_URL` ([`PRODUCTION`] by default), `KAKAOPAY_CID` and `KAKAOPAY_SECRET_ID`; with its key loaded, so that no
    /// request waits for it. One that can't be had is the first request's to tell.
    async fn connect() -> Result<Self, ConnectError> {
        let kakaopay = Self::new(Config::from_env().await?)?;
        if let Err(error) = kakaopay.load_key().await {
            tracing::warn!(%error, "KakaoPay's key is not there yet");
        }
        Ok(kakaopay)
    }
}

impl Kakaopay {
    /// With this configuration.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: Config) -> Result<Self, SetupError> {
        let http = http::client(config.limits)?;
        Ok(Self { http, config: Arc::new(config) })
    }

    /// Makes sure that the key is there, before anything is done that is worth nothing without it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn load_key(&self) -> Result<(), Error> {
        self.key().await.map(drop)
    }

    /// Opens an order.
    ///
    /// # Errors
    /// [`Error::Refused`] or [`Error::Unavailable`]; no money can have moved.
    pub async fn ready(&self, request: ReadyRequest<'_>) -> Result<Ready, Error> {
        let body = wire::Ready {
            cid: &self.config.cid,
            partner_order_id: request.payment.to_string(),
            partner_user_id: request.member.to_string(),
            item_name: cut(request.item_name),
            item_code: request.item_code,
            quantity: request.quantity,
            total_amount: request.total,
            tax_free_amount: Won::ZERO,
            vat_amount: vat(request.total),
            approval_url: request.approval_url,
            cancel_url: request.cancel_url,
            fail_url: request.fail_url,
        };
        let answer: wire::Readied = self.call(Operation::Ready, &body, |_| Ok(())).await?;
        let pages = Pages {
            pc: answer.next_redirect_pc_url,
            mobile: answer.next_redirect_mobile_url,
            app: answer.next_redirect_app_url,
        };
        Ok(Ready { tid: answer.tid, pages })
    }

    /// Takes the money.
    ///
    /// # Errors
    /// All three kinds. An answer about another order or amount is [`Error::OutcomeUnknown`].
    pub async fn approve(&self, request: ApproveRequest<'_>) -> Result<Approved, Error> {
        let body = wire::Approve {
            cid: &self.config.cid,
            tid: request.tid,
            partner_order_id: request.payment.to_string(),
            partner_user_id: request.member.to_string(),
            pg_token: request.pg_token,
            total_amount: request.total,
        };
        let right = |answer: &wire::Approved| {
            same("tid", answer.tid == request.tid)?;
            same("partner_order_id", answer.partner_order_id == body.partner_order_id)?;
            same("amount", answer.amount.total == request.total)
        };
        let answer = self.call(Operation::Approve, &body, right).await?;
        Ok(Approved {
            aid: answer.aid,
            total: answer.amount.total,
            method: answer.payment_method_type,
            approved_at: wire::time(answer.approved_at),
        })
    }

    /// Gives money back.
    ///
    /// # Errors
    /// All three kinds. An answer about another order or amount is [`Error::OutcomeUnknown`].
    pub async fn cancel(&self, request: CancelRequest<'_>) -> Result<Cancelled, Error> {
        let body = wire::Cancel {
            cid: &self.config.cid,
            tid: request.tid,
            cancel_amount: request.amount,
            cancel_tax_free_amount: Won::ZERO,
            cancel_vat_amount: vat_of_part(&request),
            cancel_available_amount: request.available,
        };
        let right = |answer: &wire::Cancelled| {
            same("tid", answer.tid == request.tid)?;
            same("amount", answer.approved_cancel_amount.total == request.amount)
        };
        let answer = self.call(Operation::Cancel, &body, right).await?;
        Ok(Cancelled {
            aid: answer.aid,
            status: answer.status,
            amount: answer.approved_cancel_amount.total,
            available: answer.cancel_available_amount.total,
            canceled_at: wire::time(answer.canceled_at),
        })
    }

    /// How the order of this payment stands. Its amount may be another than was asked for: that is for the caller to see.
    ///
    /// # Errors
    /// [`Error::Refused`] (there is no such order) or [`Error::Unavailable`].
    pub async fn order(&self, tid: &str, payment: PaymentId) -> Result<Order, Error> {
        let body = wire::AskOrder { cid: &self.config.cid, tid };
        let right = |answer: &wire::Order| {
            same("tid", answer.tid == tid)?;
            same("partner_order_id", answer.partner_order_id == payment.to_string())
        };
        let answer = self.call(Operation::Order, &body, right).await?;
        // All three or none: a part that is missing must not pass for nothing.
        let amounts = answer.amount.zip(answer.canceled_amount).zip(answer.cancel_available_amount);
        let amounts = amounts.map(|((taken, returned), left)| OrderAmounts {
            taken: taken.total,
            returned: returned.total,
            left: left.total,
            left_vat: left.vat.unwrap_or_else(|| vat(left.total)),
        });
        let approval = answer
            .payment_action_details
            .unwrap_or_default()
            .into_iter()
            .find(|action| action.payment_action_type == "PAYMENT");
        Ok(Order {
            status: answer.status,
            amounts,
            aid: approval.map(|action| action.aid),
            approved_at: wire::time(answer.approved_at),
        })
    }

    async fn call<Answer: DeserializeOwned>(
        &self,
        operation: Operation,
        body: &impl Serialize,
        right: impl Fn(&Answer) -> Result<(), Cause>,
    ) -> Result<Answer, Error> {
        let span = tracing::info_span!(
            "kakaopay",
            service = "kakaopay",
            operation = operation.name(),
            attempt = field::Empty,
            outcome = field::Empty,
            cause = field::Empty,
        );
        async {
            let mut result = self.attempt(operation, body, &right).await;
            let again = !operation.moves_money()
                && matches!(&result, Err(Error::Unavailable(cause)) if cause.may_pass());
            if again {
                tokio::time::sleep(jitter()).await;
                result = self.attempt(operation, body, &right).await;
            }
            let outcome = match &result {
                Ok(_) => "done",
                Err(Error::Refused { .. }) => "refused",
                Err(Error::Unavailable(_)) => "unavailable",
                Err(Error::OutcomeUnknown(_)) => "unknown",
            };
            let span = Span::current();
            span.record("attempt", if again { 2 } else { 1 }).record("outcome", outcome);
            if let Err(error) = &result {
                span.record("cause", field::display(error));
            }
            result
        }
        .instrument(span)
        .await
    }

    async fn key(&self) -> Result<HeaderValue, Error> {
        self.config.key.header().await.map_err(|error| Error::Unavailable(Cause::Key(error)))
    }

    async fn attempt<Answer: DeserializeOwned>(
        &self,
        operation: Operation,
        body: &impl Serialize,
        right: impl Fn(&Answer) -> Result<(), Cause>,
    ) -> Result<Answer, Error> {
        let doubt = |cause| {
            if operation.moves_money() {
                Error::OutcomeUnknown(cause)
            } else {
                Error::Unavailable(cause)
            }
        };
        let broken = |error: reqwest::Error| {
            doubt(if error.is_timeout() { Cause::TimedOut } else { Cause::Dropped })
        };

        let key = self.key().await?;
        let url = format!("{}/online/v1/payment/{}", self.config.url, operation.name());
        let sent = self.http.post(url).header(AUTHORIZATION, key).json(body).send().await;
        let answer = sent.map_err(|error| {
            // A request that could not be built was not sent either.
            let unsent = error.is_connect() || error.is_builder();
            if unsent { Error::Unavailable(Cause::NoConnection) } else { broken(error) }
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(broken)?;
        if !status.is_success() {
            return Err(error::refusal(status, &bytes, doubt));
        }
        let answer = serde_json::from_slice(&bytes).map_err(|_| doubt(Cause::Unreadable))?;
        right(&answer).map_err(doubt)?;
        Ok(answer)
    }
}

#[derive(Clone, Copy)]
enum Operation {
    Ready,
    Approve,
    Cancel,
    Order,
}

impl Operation {
    /// The last part of its path.
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Approve => "approve",
            Self::Cancel => "cancel",
            Self::Order => "order",
        }
    }

    const fn moves_money(self) -> bool {
        matches!(self, Self::Approve | Self::Cancel)
    }
}

fn same(what: &'static str, is: bool) -> Result<(), Cause> {
    if is { Ok(()) } else { Err(Cause::Mismatch(what)) }
}

/// The value-added tax in an amount: an eleventh, rounded half up, as KakaoPay does for each call that does not say.
fn vat(amount: Won) -> Won {
    let (whole, rest) = (amount.get() / 11, amount.get() % 11);
    Won::new(whole + u64::from(rest > 5))
}

/// The tax in a part that goes back: that of all that is left, less that of the rest. So the taxes of all parts are that of the
/// whole, where an eleventh of each, rounded, may be a won more, which KakaoPay refuses.
fn vat_of_part(request: &CancelRequest<'_>) -> Won {
    let rest = Won::new(request.available.get().saturating_sub(request.amount.get()));
    let part = request.available_vat.get().saturating_sub(vat(rest).get());
    Won::new(part).min(request.amount)
}

fn cut(name: &str) -> &str {
    let mut units = 0;
    let end = name.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > ITEM_NAME
    });
    end.map_or(name, |(at, _)| &name[..at])
}

/// 50–150 ms, so that those who failed together don't come back together.
fn jitter() -> Duration {
    Duration::from_millis(fastrand::u64(50..150))
}
