use domain::{
    event::{Quantity, RefundPolicy, Sale, SaleClosed},
    id::EventId,
    stock::Shard,
    time::Time,
};
use store::{
    Rejected, Store, Transaction,
    catalog::on_sale::OnSale,
    sales::{
        sold_out::{self, SoldOut},
        stock::{self, Seats, Stock},
    },
};

use crate::{Lack, SalesFault, Unmet};

/// How often all shards are read before we say that we can't keep up. Each time, somebody else got the seats in between.
const ROUNDS: usize = 20;

/// What is to be sold.
pub(crate) struct Wanted {
    event_id: EventId,
    shards: u16,
    sale: Sale,
    quantity: Quantity,
    /// The sold-out mark, read before any shard.
    seen: SoldOut,
    /// Those that are kept for the buyer, if there are some.
    offered: Option<Vec<Seats>>,
}

/// Why no seats were taken.
pub(crate) enum NotTaken {
    /// A condition of the rest of the transaction did not hold.
    Because(Unmet),
    Fault(SalesFault),
}

impl<E: Into<SalesFault>> From<E> for NotTaken {
    fn from(fault: E) -> Self {
        Self::Fault(fault.into())
    }
}

impl NotTaken {
    /// As whoever can do nothing about it tells it.
    pub(crate) fn told(self) -> SalesFault {
        match self {
            Self::Because(Unmet::TicketLimit) => SalesFault::Lacks(Lack::Tickets, None),
            Self::Because(_) => SalesFault::Contended,
            Self::Fault(fault) => fault,
        }
    }
}

impl Wanted {
    /// # Errors
    /// When no ticket is sold now, or all were gone a moment ago.
    pub(crate) fn of(
        event: &OnSale,
        quantity: Quantity,
        seen: SoldOut,
        now: Time,
    ) -> Result<Self, SalesFault> {
        let wanted = Self::on_sale(event, quantity, seen, now)?;
        if seen.is_fresh(now) {
            return Err(SalesFault::SoldOut { waited_for: seen.waited_for });
        }
        Ok(wanted)
    }

    /// The same of seats that are kept for the buyer.
    pub(crate) fn offered(
        event: &OnSale,
        quantity: Quantity,
        seats: Vec<Seats>,
        now: Time,
    ) -> Result<Self, SalesFault> {
        let wanted = Self::on_sale(event, quantity, SoldOut::default(), now)?;
        Ok(Self { offered: Some(seats), ..wanted })
    }

    fn on_sale(
        event: &OnSale,
        quantity: Quantity,
        seen: SoldOut,
        now: Time,
    ) -> Result<Self, SalesFault> {
        let sale = event.sale();
        sale.open_at(now)?;
        if event.refund_policy == RefundPolicy::Unknown {
            return Err(SaleClosed::Unknown.into());
        }
        let shards = event.shards.max(1);
        Ok(Self { event_id: event.id, shards, sale, quantity, seen, offered: None })
    }

    /// Takes the seats in one transaction with what `rest` makes of them: those that are kept for the buyer; else from one shard,
    /// chosen at random so that buyers are kept apart, and only when that has too few, from where there are some.
    pub(crate) async fn take(
        &self,
        store: &Store,
        now: Time,
        rest: impl Fn(&[Seats]) -> Transaction<Unmet>,
    ) -> Result<Vec<Seats>, NotTaken> {
        let any = || Seats { number: fastrand::u16(..self.shards), count: self.quantity.get() };
        let mut seats = self.offered.clone().unwrap_or_else(|| vec![any()]);
        let one = if self.offered.is_some() { stock::accept } else { stock::hold };
        for _ in 0..ROUNDS {
            let all = |transaction: Transaction<_>, seats: &Seats| {
                transaction.require(one(self.event_id, *seats, &self.sale, now), Unmet::Seats)
            };
            match store.transact(seats.iter().fold(rest(&seats), all)).await {
                Ok(()) => return Ok(seats),
                // What `rest` says of the offer held.
                Err(Rejected::Condition(Unmet::Seats)) if self.offered.is_some() => {
                    return Err(SalesFault::TermsChanged.into());
                }
                Err(Rejected::Condition(Unmet::Seats)) => seats = self.look(store, now).await?,
                Err(Rejected::Condition(cause)) => return Err(NotTaken::Because(cause)),
                Err(Rejected::Store(fault)) => return Err(fault.into()),
            }
        }
        Err(SalesFault::Contended.into())
    }

    /// Looks at all shards: where to take the seats from, or that there really are too few.
    async fn look(&self, store: &Store, now: Time) -> Result<Vec<Seats>, SalesFault> {
        let found = store.read_all(&stock::keys(self.event_id, self.shards)).await?;
        let found: Vec<Stock> = found.into_iter().flatten().collect();
        if found.iter().any(|stock| stock.sale != self.sale) {
            return Err(SalesFault::TermsChanged);
        }
        // What is free then is for those who wait for it.
        let waited_for = found.iter().any(|stock| stock.waited_for);
        let of = |stock: &Stock| Shard { free: stock.on_sale(), ..stock.shard };
        let shards: Vec<Shard> = found.iter().map(of).collect();
        if let Some(taken) = domain::stock::take(&shards, self.quantity.get(), fastrand::usize(..))
        {
            return Ok(taken.into_iter().map(Seats::from).collect());
        }
        let left: u32 = shards.iter().map(|shard| shard.free).sum();
        if left > 0 {
            return Err(SalesFault::NotEnoughSeats { left });
        }
        // Only a hint: without it, the next buyer looks at the shards.
        let mark = sold_out::mark(self.event_id, self.seen, waited_for, now);
        let marked = store.write(mark, ()).await;
        if let Err(Rejected::Store(fault)) = marked {
            tracing::warn!(event_id = %self.event_id, error = %fault, "the sold-out mark was not written");
        }
        Err(SalesFault::SoldOut { waited_for })
    }
}
