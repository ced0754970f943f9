//! SES: mail. It has no idempotency token: what may have been sent is never sent again by itself, so the SDK's own retries are off.

use std::time::Duration;

use aws::{Connect, ConnectError, variable};
use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sesv2::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message},
};
use domain::member::Email;

const LIMIT: Duration = Duration::from_secs(10);

/// 소극장, as a header has it.
const NAME: &str = "=?UTF-8?B?7IaM6re57J6l?=";

/// The sender of all our mail.
#[derive(Clone)]
pub struct Ses {
    client: Client,
    from: String,
    configuration_set: String,
}

/// What somebody gets to read: the same in HTML and in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    /// As a page.
    pub html: String,
    /// As text.
    pub text: String,
}

impl Connect for Ses {
    /// The sender that the environment names (`MAIL_FROM`), with the configuration set through which bounces come back
    /// (`CONFIGURATION_SET`).
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(aws::config(), variable("MAIL_FROM")?, variable("CONFIGURATION_SET")?))
    }
}

impl Ses {
    /// A sender by its address, with the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig, from: String, configuration_set: String) -> Self {
        let config = aws_sdk_sesv2::config::Builder::from(aws)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(LIMIT).build());
        Self {
            client: Client::from_conf(config.build()),
            from: format!("{NAME} <{from}>"),
            configuration_set,
        }
    }

    /// Sends a letter, and answers what SES calls it.
    ///
    /// # Errors
    /// [`NotSent`], which says whether it may have gone.
    pub async fn send(&self, to: &Email, letter: &Letter) -> Result<String, NotSent> {
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let wrong = |error: aws_sdk_sesv2::error::BuildError| NotSent::Refused(error.to_string());
        let body = Body::builder()
            .html(content(&letter.html).map_err(wrong)?)
            .text(content(&letter.text).map_err(wrong)?);
        let message =
            Message::builder().subject(content(&letter.subject).map_err(wrong)?).body(body.build());
        let sending = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .configuration_set_name(&self.configuration_set)
            .content(EmailContent::builder().simple(message.build()).build());
        let sent = sending.send().await.map_err(NotSent::of)?;
        Ok(sent.message_id.unwrap_or_default())
    }
}

/// Why a letter was not sent, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// SES takes this letter neither now nor later.
    #[error("SES refuses the letter: {0}")]
    Refused(String),
    /// It was surely not sent: too many at once, or our account may not send at all. It may be tried again.
    #[error("SES does not take mail now: {0}")]
    NotNow(String),
    /// It may have been sent.
    #[error("nobody knows whether SES took the letter: {0}")]
    Unknown(String),
}

impl NotSent {
    fn of<R: std::fmt::Debug + Send + Sync + 'static>(error: SdkError<SendEmailError, R>) -> Self {
        let code = error.code().map(str::to_owned);
        let told = |error| DisplayErrorContext(error).to_string();
        match &error {
            SdkError::ConstructionFailure(_) => Self::Refused(told(error)),
            SdkError::DispatchFailure(failure) if failure.is_user() => Self::Refused(told(error)),
            SdkError::ServiceError(answer) => match answer.err() {
                // Our own address is not verified yet, or the account may only send to some: the letter is not to blame.
                SendEmailError::MessageRejected(rejected)
                    if rejected.message().is_some_and(|why| why.contains("not verified")) =>
                {
                    Self::NotNow(told(error))
                }
                SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_) => {
                    Self::Refused(told(error))
                }
                SendEmailError::TooManyRequestsException(_)
                | SendEmailError::LimitExceededException(_)
                | SendEmailError::SendingPausedException(_)
                | SendEmailError::AccountSuspendedException(_)
                | SendEmailError::MailFromDomainNotVerifiedException(_)
                | SendEmailError::NotFoundException(_) => Self::NotNow(told(error)),
                // What every service may say of a caller that is too fast, or may not call at all.
                _ if code.as_deref().is_some_and(|code| NOTHING_DONE.contains(&code)) => {
                    Self::NotNow(told(error))
                }
                _ => Self::Unknown(told(error)),
            },
            _ => Self::Unknown(told(error)),
        }
    }
}

const NOTHING_DONE: [&str; 4] =
    ["ThrottlingException", "Throttling", "AccessDeniedException", "ExpiredTokenException"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

    use super::*;

    fn letter() -> Letter {
        let [subject, html, text] = ["제목", "<p>글</p>", "글"].map(str::to_owned);
        Letter { subject, html, text }
    }

    async fn sent(answer: ResponseTemplate) -> (Result<String, NotSent>, Vec<Value>) {
        let server = MockServer::start().await;
        let sends = Mock::given(path("/v2/email/outbound-emails")).respond_with(answer);
        sends.mount(&server).await;
        let aws = stack::aws(&server.uri());
        let ses = Ses::new(&aws, "stage@example.com".into(), "local".into());
        let sent = ses.send(&"mina@example.com".parse().unwrap(), &letter()).await;
        let requests = server.received_requests().await.unwrap();
        (sent, requests.iter().map(|request| request.body_json().unwrap()).collect())
    }

    #[test]
    fn a_letter_goes_in_both_forms_to_one_address_through_the_configuration_set() {
        stack::run(async {
            let answer = ResponseTemplate::new(200).set_body_json(json!({ "MessageId": "m-1" }));
            let (sent, requests) = sent(answer).await;
            assert_eq!(sent, Ok("m-1".into()));
            let content = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
            let expected = json!({
                "FromEmailAddress": "=?UTF-8?B?7IaM6re57J6l?= <stage@example.com>",
                "Destination": { "ToAddresses": ["mina@example.com"] },
                "ConfigurationSetName": "local",
                "Content": { "Simple": {
                    "Subject": content("제목"), "Body": { "Html": content("<p>글</p>"), "Text": content("글") },
                } },
            });
            assert_eq!(requests, [expected]);
        });
    }

    #[test]
    fn what_surely_was_not_sent_is_told_from_what_may_have_been_and_neither_is_sent_twice() {
        stack::run(async {
            let refusal = |status, told: &str| {
                let (code, message) = told.split_once(": ").unwrap_or((told, "no"));
                let answer = ResponseTemplate::new(status);
                let answer = answer.set_body_json(json!({ "message": message }));
                answer.insert_header("x-amzn-ErrorType", code)
            };
            for (status, code, expected) in [
                (400, "MessageRejected", "Refused"),
                (400, "MessageRejected: Email address is not verified.", "NotNow"),
                (400, "BadRequestException", "Refused"),
                (429, "TooManyRequestsException", "NotNow"),
                (400, "LimitExceededException", "NotNow"),
                (400, "SendingPausedException", "NotNow"),
                (400, "ThrottlingException", "NotNow"),
                (403, "AccessDeniedException", "NotNow"),
                (404, "NotFoundException", "NotNow"),
                (500, "InternalFailure", "Unknown"),
                (502, "", "Unknown"),
            ] {
                let (sent, requests) = sent(refusal(status, code)).await;
                let told = format!("{:?}", sent.unwrap_err());
                assert!(told.starts_with(expected), "{code}: {told}");
                assert_eq!(requests.len(), 1, "{code}");
            }
        });
    }
}
