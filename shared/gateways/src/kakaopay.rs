//! KakaoPay's single payment: `ready` opens an order and gives the page where the payer agrees, `approve` takes the money,
//! `cancel` gives it back, `order` tells how things stand. The wire is described at <https://developers.kakaopay.com>.
//!
//! There is no idempotency key on it. So `approve` and `cancel` are never repeated here: whoever gets
//! [`Error::OutcomeUnknown`] asks [`Kakaopay::order`] and goes by that. `order` changes nothing and is asked a second time
//! after a failure; so is `ready`, since an order that nobody was given the page of cannot be paid and ends by itself
//! after 15 minutes. Neither is repeated after a time-out: the one who waits has waited long enough.

mod error;
#[cfg(test)]
mod tests;
mod wire;

use std::env;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::event::Quantity;
use domain::id::{EventId, MemberId, PaymentId};
use domain::time::Time;
use domain::won::Won;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span, field};

use crate::secrets::Secrets;
pub use error::{Cause, Error};

/// KakaoPay's own address.
pub const PRODUCTION: &str = "https://open-api.kakaopay.com";

/// The longest `item_name`, in UTF-16 units: the narrowest reading of KakaoPay's "100 characters".
const ITEM_NAME: usize = 100;

/// Shorter than any server keeps an idle connection. A function may have been frozen meanwhile, and a request on a
/// connection that the other side has just closed would be one with an unknown outcome.
const IDLE: Duration = Duration::from_secs(10);

/// What a client needs to know.
pub struct Config {
    /// KakaoPay's base address.
    pub url: String,
    /// The merchant code.
    pub cid: String,
    /// The secret key.
    pub key: Key,
    /// How long to wait.
    pub limits: Limits,
}

/// The secret key, or where it lies.
pub enum Key {
    /// The key itself.
    Known(String),
    /// A secret `{"secretKey": "…"}`, loaded when it is first needed.
    Secret {
        /// Where it is kept.
        secrets: Secrets,
        /// Its name.
        id: String,
    },
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection. Shorter than `answer`, so that a connection that never opened (nothing happened) can be told from
    /// an answer that never came (nobody knows).
    pub connect: Duration,
    /// For the whole call, connecting included.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), answer: Duration::from_secs(5) }
    }
}

/// An order to open.
pub struct ReadyRequest<'a> {
    /// `partner_order_id`.
    pub payment: PaymentId,
    /// `partner_user_id`.
    pub member: MemberId,
    /// What is bought, cut to 100 characters.
    pub item_name: &'a str,
    /// `item_code`.
    pub event: EventId,
    /// How many.
    pub quantity: Quantity,
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
    /// Its amount, as it was opened or (once paid) taken.
    pub amount: Won,
    /// How much was given back.
    pub canceled_amount: Won,
    /// How much can still be given back.
    pub cancel_available_amount: Won,
    /// KakaoPay's id of the approval, if there was one.
    pub aid: Option<String>,
    /// When it was approved, if it was.
    pub approved_at: Option<Time>,
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

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An environment variable is missing.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// The HTTP client cannot be built.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// A client. A clone shares its connections.
#[derive(Clone)]
pub struct Kakaopay {
    http: reqwest::Client,
    config: Arc<Config>,
}

impl Kakaopay {
    /// From `KAKAOPAY_URL` ([`PRODUCTION`] by default), `KAKAOPAY_CID` and `KAKAOPAY_SECRET_ID`.
    ///
    /// # Errors
    /// When a variable is missing or the HTTP client cannot be built.
    pub async fn connect() -> Result<Self, SetupError> {
        Self::from_env(Secrets::connect().await)
    }

    /// The same, with the secrets that a function has already.
    ///
    /// # Errors
    /// When a variable is missing or the HTTP client cannot be built.
    pub fn from_env(secrets: Secrets) -> Result<Self, SetupError> {
        let variable = |name| env::var(name).map_err(|_| SetupError::Missing(name));
        Self::new(Config {
            url: env::var("KAKAOPAY_URL").unwrap_or_else(|_| PRODUCTION.to_owned()),
            cid: variable("KAKAOPAY_CID")?,
            key: Key::Secret { secrets, id: variable("KAKAOPAY_SECRET_ID")? },
            limits: Limits::default(),
        })
    }

    /// With this configuration.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: Config) -> Result<Self, SetupError> {
        let http = reqwest::Client::builder()
            .connect_timeout(config.limits.connect)
            .timeout(config.limits.answer)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, config: Arc::new(config) })
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
            item_code: request.event.to_string(),
            quantity: request.quantity.get(),
            total_amount: request.total,
            tax_free_amount: Won::ZERO,
            approval_url: request.approval_url,
            cancel_url: request.cancel_url,
            fail_url: request.fail_url,
        };
        let answer: wire::Readied = self.call(Operation::Ready, &body).await?;
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
        let order = request.payment.to_string();
        let body = wire::Approve {
            cid: &self.config.cid,
            tid: request.tid,
            partner_order_id: order.clone(),
            partner_user_id: request.member.to_string(),
            pg_token: request.pg_token,
            total_amount: request.total,
        };
        let answer: wire::Approved = self.call(Operation::Approve, &body).await?;
        same("tid", answer.tid == request.tid).map_err(Error::OutcomeUnknown)?;
        same("partner_order_id", answer.partner_order_id == order)
            .map_err(Error::OutcomeUnknown)?;
        same("amount", answer.amount.total == request.total).map_err(Error::OutcomeUnknown)?;
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
            cancel_available_amount: request.available,
        };
        let answer: wire::Cancelled = self.call(Operation::Cancel, &body).await?;
        let given_back = answer.approved_cancel_amount.total;
        same("tid", answer.tid == request.tid).map_err(Error::OutcomeUnknown)?;
        same("amount", given_back == request.amount).map_err(Error::OutcomeUnknown)?;
        Ok(Cancelled {
            aid: answer.aid,
            status: answer.status,
            amount: given_back,
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
        let answer: wire::Order = self.call(Operation::Order, &body).await?;
        same("tid", answer.tid == tid).map_err(Error::Unavailable)?;
        same("partner_order_id", answer.partner_order_id == payment.to_string())
            .map_err(Error::Unavailable)?;
        let total = |amount: Option<wire::Amount>| amount.map_or(Won::ZERO, |amount| amount.total);
        let approval = answer
            .payment_action_details
            .into_iter()
            .find(|action| action.payment_action_type == "PAYMENT");
        Ok(Order {
            status: answer.status,
            amount: total(answer.amount),
            canceled_amount: total(answer.canceled_amount),
            cancel_available_amount: total(answer.cancel_available_amount),
            aid: approval.map(|action| action.aid),
            approved_at: wire::time(answer.approved_at),
        })
    }

    async fn call<Answer: DeserializeOwned>(
        &self,
        operation: Operation,
        body: &impl Serialize,
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
            let mut result = self.attempt(operation, body).await;
            let again = !operation.moves_money()
                && matches!(&result, Err(Error::Unavailable(cause)) if cause.may_pass());
            if again {
                tokio::time::sleep(jitter()).await;
                result = self.attempt(operation, body).await;
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

    async fn attempt<Answer: DeserializeOwned>(
        &self,
        operation: Operation,
        body: &impl Serialize,
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

        let key = self
            .config
            .key
            .header()
            .await
            .map_err(|error| Error::Unavailable(Cause::Key(error)))?;
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
        serde_json::from_slice(&bytes).map_err(|_| doubt(Cause::Unreadable))
    }
}

impl Key {
    async fn header(&self) -> Result<HeaderValue, crate::secrets::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored {
            secret_key: String,
        }
        let (key, id) = match self {
            Self::Known(key) => (key.clone(), ""),
            Self::Secret { secrets, id } => {
                (secrets.get::<Stored>(id).await?.secret_key.clone(), id.as_str())
            }
        };
        let mut header = HeaderValue::try_from(format!("SECRET_KEY {key}"))
            .map_err(|_| crate::secrets::Error::Unreadable { id: id.to_owned() })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
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
