use std::{future::Future, time::Duration};

use gateways::{Message, Queue};
use serde::{Deserialize, Serialize};
use store::{Start, StoreFault};

use crate::Failure;

/// So many are told with one message, in one transaction.
pub(crate) const PAGE: u32 = 25;

/// A domain event as EventBridge brings it, and with it how far those whom it concerns were told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut<D> {
    pub(crate) detail: D,
    /// Who is next; none as long as nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
}

/// A page of those whom it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Next {
    pub(crate) shard: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<Start>,
}

impl<D: Clone> FanOut<D>
where
    Self: Message,
{
    /// Does a page by `tell`, which answers where the next one starts, and sends the rest on. The bus brings the first message. It is
    /// made one for each shard, and each of those one for the next page as soon as its own is told. Whatever dies on the way comes
    /// again.
    pub(crate) async fn go_on<F>(
        self,
        queue: &Queue<Self>,
        shards: u8,
        tell: impl FnOnce(D, u8, Option<Start>) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Option<Start>, StoreFault>>,
    {
        let Self { detail, next } = self;
        let message = |shard, start| {
            let next = Some(Next { shard, start });
            (Self { detail: detail.clone(), next }, Duration::ZERO)
        };
        let rest: Vec<_> = match next {
            None => (0..shards).map(|shard| message(shard, None)).collect(),
            Some(Next { shard, start }) => {
                let start = tell(detail.clone(), shard, start).await?;
                start.map(|start| message(shard, Some(start))).into_iter().collect()
            }
        };
        queue.send_all(&rest).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }
}
